"""LiveBench's graders for reasoning and contest mathematics, as of August 2024 and as of August 2026.

The first is the state of commit 135ef7c, in use when JudgeBench was made; the second that of b0fb577, which grades its
own older zebra puzzles as before. https://github.com/LiveBench/LiveBench (Apache-2.0). Their AMPS and olympiad graders
are not among these: the one compares expressions, the other gives fractions that label no pair.
"""

import re
from itertools import product
from typing import ClassVar

from judgebench.pairs.graders.published.base import Published, Score, last_box, tagged, unmarked
from judgebench.pairs.graders.strings import NUMBER_WORDS

_DIGITS = {word: str(value) for word, value in NUMBER_WORDS.items() if " " not in word}
_WORDS_TO_NINE = {digit: word for word, digit in _DIGITS.items() if digit in "123456789"}
_TO_TWENTY = {word: digit for word, digit in _DIGITS.items() if int(digit) <= 20}  # noqa: PLR2004


class Zebra2024(Published):
    r"""The last `***word***`, one word only; without any, the last word of the text. Case does not matter.

    A digit may stand for a number word, and the word before " movies" for a truth that ends in it.
    """

    name: ClassVar[str] = "livebench-zebra-2024"

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        bold = re.findall(r"\*\*\*(\w+)\*\*\*", text)
        word = (bold or re.findall(r"\w+", text) or [""])[-1]
        meant = {word.lower(), _WORDS_TO_NINE.get(word, word.lower()), f"{word.lower()} movies"}
        return float(truth.lower() in meant), "bold-word" if bold else "last-word", word or None


class ZebraNow(Published):
    """The last `<solution>`; else the last box; else the last line, if it has as many commas as the truth.

    Item by item: the truth's must occur in the answer's. The score is half for all items right, half their share. Of
    several solutions the last items of all together count.
    """

    name: ClassVar[str] = "livebench-zebra-now"
    thoughts: ClassVar[bool] = False

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        wanted = truth.split(",")
        answers, method = self._answers(text, len(wanted))
        if not answers:
            return 0.0, method, None
        given = ",".join(answers).split(",")
        given = given[-len(wanted) :] if len(answers) > 1 else given
        right = sum(
            _item(want) in _item(have).replace("position", "") for want, have in zip(wanted, given, strict=False)
        )
        return ((right == len(wanted)) + right / len(wanted)) / 2, method, ",".join(given)

    @staticmethod
    def _answers(text: str, count: int) -> tuple[list[str], str]:
        if found := tagged(text) or tagged(text, "</solution>"):
            return found, "solution"
        box = last_box(text.replace(r"\\fbox{", r"\\boxed{"))
        if box is not None:
            return [unmarked(box, "\\text{", "}", "\\")], "boxed"
        line = text.strip().split("\n")[-1]
        return ([line], "last-line") if line.count(",") == count - 1 else ([], "nothing")


def _item(text: str) -> str:
    return text.strip().lower().replace("-", " ")


class WebOfLies2024(Published):
    """The last bold only: it is the truth, or holds it and has three words yes or no in all."""

    name: ClassVar[str] = "livebench-web-of-lies-2024"

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        bold = re.findall(r"\*\*(.*?)\*\*", text)
        if not bold:
            return 0.0, "nothing", None
        last = bold[-1].lower()
        right = last == truth.lower() or (_mentions(last, "yes", "no") and truth.lower() in last)
        return float(right), "bold", last


class WebOfLiesNow(Published):
    """The last `<solution>`; else the last three yes, no or unknown of all bolds; else the last box; else "x, y, z".

    The answer is the truth, or holds it and has three of these words in all (the "no" in "unknown" counts, too).
    """

    name: ClassVar[str] = "livebench-web-of-lies-now"
    thoughts: ClassVar[bool] = False

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        answer, method = self._answer(text)
        if not answer:
            return 0.0, method, None
        wanted = truth.lower()
        right = answer == wanted or (_mentions(answer, "yes", "no", "unknown") and wanted in answer)
        return float(right), method, answer

    @staticmethod
    def _answer(text: str) -> tuple[str, str]:
        found = tagged(text) or tagged(text, "</solution>")
        if found and found[-1].strip():
            return found[-1], "solution"
        words = [
            unmarked(word.lower(), ",", ".") for bold in re.findall(r"\*\*(.*?)\*\*", text) for word in bold.split()
        ]
        said = [word for word in words if word in {"yes", "no", "unknown"}][-3:]
        if said and not found:
            return ", ".join(said), "bold"
        text = text.replace(r"\\boxed{\\textbf{", r"\\boxed{").replace(r"\\fbox{", r"\\boxed{")
        box = last_box(text.replace("\\textbf{", "\\boxed{"))
        if box is not None or found:
            return box or "", "boxed"
        small = text.lower()
        places = {
            ", ".join(words): small.find(", ".join(words)) for words in product(("yes", "no", "unknown"), repeat=3)
        }
        last = max(places, key=lambda said: places[said])
        return (last, "plain") if places[last] >= 0 else ("", "nothing")


def _mentions(text: str, *words: str) -> bool:
    """Return whether the words occur three times in all, parts of other words included."""
    return sum(text.count(word) for word in words) == 3  # noqa: PLR2004


class Spatial2024(Published):
    """Any of the last three bolds: it is the truth, its number word, or a short phrase about one of four shapes."""

    name: ClassVar[str] = "livebench-spatial-2024"

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        wanted = truth.strip().lower()
        bold = [word.strip().lower() for word in re.findall(r"\*\*([^*]+)\*\*", text)[-3:]]
        for word in reversed(bold):
            if wanted in {word, _TO_TWENTY.get(word, word)} or _shape(wanted, word):
                return 1.0, "bold", word
        return 0.0, "bold" if bold else "nothing", bold[-1] if bold else None


def _shape(wanted: str, word: str) -> bool:
    shapes = {"tetrahedra", "tetrahedron", "triangle", "square"}
    return wanted in shapes and wanted in word and len(word) < 2 * len(wanted) + 5


class SpatialNow(Spatial2024):
    """As before; also the reply as a whole, or the last box, is the truth."""

    name: ClassVar[str] = "livebench-spatial-now"
    thoughts: ClassVar[bool] = False

    def score(self, truth: str, text: str, prompt: str) -> Score:
        """Score a response."""
        if text == truth:
            return 1.0, "whole", text
        score = super().score(truth, text, prompt)
        box = last_box(text.replace(r"\\fbox{", r"\\boxed{"))
        if not score[0] and box is not None and unmarked(box, "\\textbf{", "\\mathbf{", "\\text{", "}") == truth:
            return 1.0, "boxed", truth
        return score


_OPTION = re.compile(r"\\textbf\{\(([A-E])\)\s?\}(.*?)(?:\\qquad|\$)")


def option_text(prompt: str, letter: str) -> str:
    """Return the text of an option in a contest's prompt; FAILURE, as the original has it, when it cannot be read."""
    texts = {option[1]: option[2].strip() for option in _OPTION.finditer(prompt)}
    return (texts.get(letter) or "FAILURE").strip("$").strip("~")


class AMC2024(Published):
    """The letter four times running, anywhere; else it alone in the last box; else its option's text near the end."""

    name: ClassVar[str] = "livebench-amc-2024"

    def score(self, truth: str, text: str, prompt: str) -> Score:
        """Score a response."""
        if truth * 4 in text:
            return 1.0, "letters", truth
        text = text.replace(r"\\fbox{", r"\\boxed{")
        if last_box(text) == truth:
            return 1.0, "boxed", truth
        value = option_text(prompt, truth)
        near = value in text[-20 - len(value) :]
        return float(near), "option-text" if near else "nothing", truth if near else None


class AMCNow(AMC2024):
    """As before; also one letter, repeated, in the last `<solution>`; the last line, or the first (X) in it."""

    name: ClassVar[str] = "livebench-amc-now"
    thoughts: ClassVar[bool] = False

    def score(self, truth: str, text: str, prompt: str) -> Score:
        """Score a response."""
        wanted = truth.lower()
        tags = tagged(text)
        if tags and len(set(tags[-1])) == 1 and tags[-1][0].lower() == wanted:
            return 1.0, "solution", truth
        box = last_box(text.replace(r"\\fbox{", r"\\boxed{"))
        if box is not None and unmarked(box, "\\text{", "}", "\\").lower() == wanted:
            return 1.0, "boxed", truth
        line = text.strip().split("\n")[-1]
        bracketed = line.split("(")[1].split(")")[0] if "(" in line and ")" in line else ""
        if wanted in {line.strip().replace("*", "").lower(), bracketed.lower()}:
            return 1.0, "last-line", truth
        return super().score(truth, text, prompt)


class AIME2024(Published):
    """The three digits anywhere in the last 20 characters."""

    name: ClassVar[str] = "livebench-aime-2024"
    tail: ClassVar[int] = 20

    def score(self, truth: str, text: str, prompt: str) -> Score:  # noqa: ARG002
        """Score a response."""
        near = truth in text[-self.tail :]
        return float(near), "tail", truth if near else None


class AIMENow(AIME2024):
    """The three digits anywhere in the last 50 characters. Its `<solution>` rule can never apply to three digits."""

    name: ClassVar[str] = "livebench-aime-now"
    tail: ClassVar[int] = 50
    thoughts: ClassVar[bool] = False
