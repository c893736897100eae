r"""Graders of multiple choice as others published them, and as JudgeBench's prompt implies.

MMLU-Pro: https://github.com/TIGER-AI-Lab/MMLU-Pro (Apache-2.0), and lm-evaluation-harness (MIT).
"""

import re
from typing import ClassVar

from judgebench.pairs.graders.published.base import Published, Score

_PHRASE = re.compile(r"answer is \(?([A-J])\)?")
_LABEL = re.compile(r"[aA]nswer:\s*([A-J])")
_LONE = re.compile(r"\b[A-J]\b")


class MMLUProRegex(Published):
    """The first "answer is (X)" counts, wherever it stands: lm-evaluation-harness's rule for MMLU-Pro."""

    name: ClassVar[str] = "mmlu-pro-regex"

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        phrase = _PHRASE.search(text)
        return float(phrase is not None and phrase[1] == truth), "phrase", phrase[1] if phrase else None


class MMLUProCascade(Published):
    """MMLU-Pro's own rules: the first "answer is (X)"; else "Answer: X"; else the last capital A to J on its own.

    A lone article "A" or pronoun "I" is a capital on its own. Where nothing is found the original draws a letter by
    chance; here that is wrong.
    """

    name: ClassVar[str] = "mmlu-pro-cascade"

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        letter, method = self._letter(text)
        return float(letter == truth), method, letter

    @staticmethod
    def _letter(text: str) -> tuple[str | None, str]:
        if phrase := _PHRASE.search(text):
            return phrase[1], "phrase"
        if first := _LABEL.search(text):  # the last one in the line where the first one stands
            end = text.find("\n", first.start())
            starts = [label for label in _LABEL.finditer(text, first.start()) if end < 0 or label.start() < end]
            return starts[-1][1], "label"
        lone = _LONE.findall(text)
        return (lone[-1], "last-capital") if lone else (None, "nothing")


class JudgeBenchLetters(Published):
    """Five of one letter running, anywhere, the last such run: how JudgeBench's prompt asks for the answer.

    Its authors published no grader. That a run may be longer or part of a word is inferred from their pairs: of the 308
    winners on MMLU-Pro every one has such a run, be it ten letters long or with a word glued to it, and no loser has
    one of its winner's letter; a loser with the same letter four times is among them.
    """

    name: ClassVar[str] = "judgebench-letters"

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        runs = re.findall(r"([A-Z])\1{4}", text)
        return float(runs[-1:] == [truth]), "letters" if runs else "nothing", runs[-1] if runs else None
