"""Our own pairwise judge: solve the task, check both responses, then one verdict."""

import json
import math
import re
from collections.abc import Callable
from typing import Any, ClassVar

from judgebench import registry
from judgebench.errors import UsageError
from judgebench.hashing import short_id
from judgebench.judges.base import Ask
from judgebench.judges.card import JudgeCard
from judgebench.judges.prompted import Prompted, no_verdict
from judgebench.records import ChatRequest, Fault, Label, Message, Reply, Verdict, View

WORDS: dict[str, Label] = {"a": "A>B", "b": "B>A", "tie": "A=B"}
LETTERS: dict[str, Label] = {"a": "A>B", "b": "B>A", "t": "A=B"}
LEAST_MASS = 0.5
"""What the letters must share of the first token's probability: below it the model meant something else."""
TOP_LOGPROBS = 20
_VERDICT = re.compile(r"[*_`\s]*verdict[*_`\s]*:[*_`\s]*(a|b|tie)[*_`.\s]*", re.IGNORECASE | re.ASCII)


def parse(text: str) -> Label | None:
    """Return the verdict on the last line that is not blank; None when that line is anything else.

    The line is `Verdict: A`, `Verdict: B` or `Verdict: tie`, in any case, with Markdown emphasis or a full
    stop around it. Verdicts on earlier lines are never read: they may be quoted from a response.
    """
    match = _VERDICT.fullmatch(_split(text)[1])
    return WORDS[match[1].lower()] if match else None


def parse_json(text: str) -> tuple[Label, str] | None:
    """Return verdict and reasoning of a reply that is one JSON object with both; None for anything else."""
    try:
        value = json.loads(text)
        return WORDS[value["verdict"].lower()], str(value["reasoning"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def masses(reply: Reply) -> dict[Label, float]:
    """Return each label's share of the first token's probability, added over the token's variants (`A`, ` a`).

    Empty when the reply carries no log-probabilities.
    """
    found: dict[Label, float] = {}
    for first in (reply.logprobs or ())[:1]:
        for token, logprob in (first.top or {first.token: first.logprob}).items():
            label = LETTERS.get(token.strip(" \t\n\"'*_`.").lower())
            if label is not None:
                found[label] = found.get(label, 0.0) + math.exp(min(logprob, 0.0))
    return found


def _split(text: str) -> tuple[str, str]:
    head, _, last = text.rstrip().rpartition("\n")
    return head, last


class Pairwise(Prompted):
    """Asks once. Sections stand between tags whose code none of them can contain: the hash of them all.

    Parameter `verdict`: `text` (reason, then a last line), `json` (an object, where the server offers structured
    output), or `logprob` (one letter; the confidence is its share of the letters' probability).
    """

    templates: ClassVar[dict[str, str]] = {"user": "pairwise.j2"}
    known_params: ClassVar[tuple[str, ...]] = (*Prompted.known_params, "verdict")
    parser_version = 2

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        self.mode = str(card.params.get("verdict", "text"))
        readers: dict[str, Callable[[Reply], Verdict | Fault]] = {
            "text": _read_text,
            "json": _read_json,
            "logprob": _read_letter,
        }
        if self.mode not in readers:
            raise UsageError(f"judge card {card.name}: {registry.unknown('kind of verdict', self.mode, readers)}")
        self._read = readers[self.mode]

    async def judge(self, view: View, ask: Ask) -> Verdict | Fault:
        """Judge one view. A tie where the task allows none is no verdict."""
        request = self._shaped(self.request(Message(role="user", content=self._prompt(view))), view)
        reply = await self.put(ask, request)
        found = self._read(reply)
        if isinstance(found, Verdict) and found.preference == "A=B" and not view.ties:
            return Fault(kind="unparsed", detail="a tie, where the task allows none", reply=reply.text or "")
        return found

    def _prompt(self, view: View) -> str:
        first, second = view.texts
        sections = {
            "question": view.question,
            "reference": view.reference,
            "rubric": view.rubric,
            "persona": view.persona,
            "first": first,
            "second": second,
        }
        # What many items share comes first and carries a code of its own: providers keep equal beginnings.
        shared = short_id({"rubric": view.rubric, "persona": view.persona})
        return self.render("user", **sections, ties=view.ties, shared=shared, fence=short_id(sections), mode=self.mode)

    def _shaped(self, request: ChatRequest, view: View) -> ChatRequest:
        """Return the request with what the kind of verdict needs beside the prompt."""
        if self.mode == "logprob":
            sampling = request.sampling.model_copy(update={"max_tokens": 1})
            return request.model_copy(update={"sampling": sampling, "logprobs": TOP_LOGPROBS})
        if self.mode == "json":
            return request.model_copy(update={"json_schema": _schema(ties=view.ties)})
        return request


def _schema(*, ties: bool) -> dict[str, Any]:
    verdicts = ["A", "B", "tie"] if ties else ["A", "B"]
    return {
        "type": "object",
        "properties": {"reasoning": {"type": "string"}, "verdict": {"type": "string", "enum": verdicts}},
        "required": ["reasoning", "verdict"],
        "additionalProperties": False,
    }


def _read_text(reply: Reply) -> Verdict | Fault:
    text = reply.text or ""
    # Of a reply that was cut, the last line may be half of a sentence that quotes a response.
    label = parse(text) if reply.finish == "stop" else None
    if label is None:
        return no_verdict(reply, "the last line is not a verdict")
    rationale, raw = _split(text)
    return Verdict(preference=label, raw=raw.strip(), rationale=rationale.strip() or None)


def _read_json(reply: Reply) -> Verdict | Fault:
    found = parse_json(reply.text or "") if reply.finish == "stop" else None
    if found is None:
        return no_verdict(reply, "the reply is not a JSON object with reasoning and verdict")
    return Verdict(preference=found[0], rationale=found[1] or None, raw=reply.text)


def _read_letter(reply: Reply) -> Verdict | Fault:
    """Read a letter's log-probabilities. A reply of one token always ends at its limit: that is no fault here."""
    found = masses(reply)
    if reply.finish == "refusal":
        return no_verdict(reply, "")
    if not reply.logprobs:
        # Some servers drop the parameter in silence: the reply says so, and nothing is guessed from its text.
        return Fault(kind="unparsed", detail="the server returned no log-probabilities", reply=reply.text or "")
    total = sum(found.values())
    if total < LEAST_MASS:
        detail = f"the letters share {total:.2f} of the probability, less than {LEAST_MASS}"
        return Fault(kind="unparsed", detail=detail, reply=reply.text or "")
    label = max(found, key=lambda one: found[one])
    return Verdict(preference=label, confidence=min(1.0, found[label] / total), raw=reply.text)
