"""A second grader: a model that reads the final answer whatever its form, and is not told what the first one said.

As in JudgeBench's construction (arXiv 2410.12784, section 3), which asks a small model so for knowledge, reasoning and
math, and drops a response where the two do not agree. Programs and constraints are judged by running them alone.
"""

import re
from typing import Any

from judgebench import prompts
from judgebench.hashing import short_id
from judgebench.judges.base import Ask
from judgebench.pairs.records import Grade, Question, Response
from judgebench.records import ChatRequest, Message, Sampling

PROMPT = "second_opinion.j2"
MAX_TOKENS = 1024
ALONE = frozenset({"code", "constraints", "given"})
"""Graders whose word is final: they have run the response, or bring a grade that somebody else gave."""
_LINE = re.compile(r"[*_`\s]*answer[*_`\s]*:[*_`\s]*(correct|incorrect|none)[*_`.\s]*", re.IGNORECASE | re.ASCII)


class SecondGrader:
    """Asks through a judge's door."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    async def agrees(self, question: Question, response: Response, grade: Grade) -> bool | None:
        """Return whether the model's reading bears the grade out; None when it finds no answer or does not say.

        A grade other than right or wrong, and one by a grader that is asked alone, is borne out unasked.
        """
        if grade.outcome not in ("right", "wrong") or question.grader in ALONE:
            return True
        texts = {"question": question.prompt, "gold": gold_text(question.gold), "response": response.text}
        content = prompts.load(PROMPT).render(**texts, fence=short_id(texts))
        message = Message(role="user", content=content)
        reply = await self.ask(ChatRequest(messages=(message,), sampling=Sampling(max_tokens=MAX_TOKENS)))
        said = parse(reply.text or "") if reply.finish == "stop" else None
        return None if said is None else said == (grade.outcome == "right")


def parse(text: str) -> bool | None:
    """Return what the last line says: correct, incorrect, or (None) neither. Earlier lines are never read."""
    match = _LINE.fullmatch(text.rstrip().rpartition("\n")[2])
    return {"correct": True, "incorrect": False}.get(match[1].lower()) if match else None


def gold_text(gold: dict[str, Any]) -> str:
    """Return a gold answer as a person would write it; an option's letter with its text, where that is known."""
    if "letter" in gold:
        options = gold.get("options") or []
        place = str(gold.get("letters", "")).find(str(gold["letter"]))
        return f"({gold['letter']}) {options[place]}" if 0 <= place < len(options) else str(gold["letter"])
    for field in ("expression", "text"):
        if field in gold:
            return str(gold[field])
    if "items" in gold:
        return ", ".join(map(str, gold["items"]))
    if "cells" in gold:
        return "\n".join(f"{name}: {value}" for name, value in gold["cells"].items())
    return str(gold)
