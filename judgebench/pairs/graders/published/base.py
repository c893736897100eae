"""What the published graders share: a score from 0 to 1, and tools that read a text just as the originals do."""

import re
from typing import ClassVar

from judgebench.pairs.graders.base import Grader, bad_gold
from judgebench.pairs.records import Grade, Question, Response

Score = tuple[float, str, str | None]
"""A score, the rule that gave it, and the answer that was read, if any was."""


class Published(Grader):
    """A grader with a published score: right at 1, wrong below, the score itself in the detail.

    It grades the questions of our own graders: the truth is the gold's `letter`, `text`, `expression` or joined
    `items`. Nothing is truncated or badly formatted here, as the originals know no such thing.
    """

    thoughts: ClassVar[bool] = True
    """Whether thoughts are graded like the rest of the text; False where the original cuts them out first."""

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold has no single truth in text form."""
        if not truth(question):
            raise bad_gold(question, "text", "is no text, and there is no letter, expression or list of items either")

    def score(self, truth: str, text: str, prompt: str) -> Score:
        """Score a response."""
        raise NotImplementedError

    def grade(self, question: Question, response: Response) -> Grade:
        """Grade one response."""
        text = response.text if self.thoughts else without_thoughts(response.text)
        score, method, answer = self.score(truth(question), text, question.prompt)
        return self.says("right" if score == 1 else "wrong", method, answer, detail=f"score {score:.4g}")


def truth(question: Question) -> str:
    """Return the right answer as the originals have it: one text, a list joined by ", ". Empty when there is none."""
    gold = question.gold
    if isinstance(gold.get("items"), list):
        return ", ".join(map(str, gold["items"]))
    return next((gold[field] for field in ("letter", "text", "expression") if isinstance(gold.get(field), str)), "")


def without_thoughts(text: str) -> str:
    """Return the text without its closed `<think>` blocks. One that is never closed stays."""
    pieces, place = [], 0
    while (start := text.find("<think>", place)) >= 0 and (end := text.find("</think>", start)) >= 0:
        pieces.append(text[place:start])
        place = end + len("</think>")
    return "".join([*pieces, text[place:]])


def tagged(text: str, opener: str = "<solution>") -> list[str]:
    """Return what stands between the opener and `</solution>`, each within one line."""
    closer, found = "</solution>", []
    for line in text.split("\n"):
        place = 0
        while (start := line.find(opener, place)) >= 0 and (end := line.find(closer, start + len(opener))) >= 0:
            found.append(line[start + len(opener) : end])
            place = end + len(closer)
    return found


def last_box(text: str) -> str | None:
    r"""Return what the originals read in the last box: `\boxed`, else `\fbox`; None when it is not closed.

    A `\boxed` with a space behind it, anywhere, goes first: what follows the last one, to the next dollar sign. Dollar
    signs in a box are dropped. A brace that does not follow the name at once is an error there, and nothing here.
    """
    spaced = text.rfind("\\boxed ")
    if spaced >= 0:
        return text[spaced + len("\\boxed ") :].split("$", 1)[0]
    start, name = max((text.rfind("\\boxed"), "\\boxed"), (-1, ""))
    if start < 0:
        start, name = text.rfind("\\fbox"), "\\fbox"
    if start < 0:
        return None
    depth = 0
    for brace in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if brace[0] == "}" and not depth:
            whole = text[start : brace.end()].replace("$", "").removeprefix(name)
            return whole[1:-1] if whole.startswith("{") else None
    return None


def unmarked(text: str, *marks: str) -> str:
    """Return the text without the marks."""
    for mark in marks:
        text = text.replace(mark, "")
    return text
