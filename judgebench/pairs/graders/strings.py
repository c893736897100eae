r"""Words, phrases and small integers, compared as a reader would: case, punctuation and spelled numbers do not matter.

Gold: `{"text": "time travel", "also": ["time-travel movies"], "form": "bold", "shape": "phrase"}`. `also` holds other
spellings that are right. `shape` says what an answer must look like to be one: `integer` (digits or a number word),
`word` (no space within) or `phrase`, anything; left out it is `integer` for a gold that is one, else `phrase`. Any form
of `extract.FORMS` but letters will do.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, ClassVar

from judgebench.pairs.graders.base import AnswerGrader, bad_gold
from judgebench.pairs.graders.extract import FORMS, Found, finds
from judgebench.pairs.records import Question

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = [*_UNITS.split(), "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBER_WORDS = {word: value for value, word in enumerate(_SMALL)} | {
    f"{ten} {unit}".strip(): 10 * place + value
    for place, ten in enumerate(_TENS, start=2)
    for value, unit in enumerate(["", *_SMALL[1:10]])
}
"""The spelled numbers from 0 to 99, parts of compounds apart by a space."""

_TEN = "|".join(_TENS)
_WORDS = re.compile(rf"\b(?:(?:{_TEN}) (?:{'|'.join(_SMALL[1:10])})|{'|'.join([*_SMALL, *_TENS])})\b")
_MARKUP = re.compile(r"\\(?:text|textbf|textit|mathbf|mathrm|boxed|fbox)(?=\{)|\\[ ,;!]|[*_`$\\{}]")
_DASHES = re.compile(r"(?<=\w)[-–\u2010\u2011](?=\w)|_")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_MARKS = re.compile(r"""[.,](?![0-9])|(?<![0-9]),|[;:!?"'“”\u2018\u2019«»()\[\]]""")
_ZEROS = re.compile(r"(?<![\w.,])0+(?=[0-9])")
_ARTICLE = re.compile(r"^(?:the|an?) (?=\S)")


def plain(text: str) -> str:
    r"""Return a text as it is compared: no case, markup, punctuation or leading article; number words as digits.

    `**The Time-Travel**.`, `\text{time travel}` and `time_travel` are one; so are `Twenty-one`, `21` and `021`.
    """
    text = _DASHES.sub(" ", unicodedata.normalize("NFKC", text).replace("−", "-"))
    text = _MARKUP.sub("", text).casefold()
    text = " ".join(_MARKS.sub(" ", _THOUSANDS.sub("", text)).split())
    text = _WORDS.sub(lambda word: str(NUMBER_WORDS[word[0]]), _ARTICLE.sub("", text))
    return _ZEROS.sub("", text)


def _is_integer(answer: str) -> bool:
    return re.fullmatch(r"-?[0-9]+", plain(answer)) is not None


def _is_word(answer: str) -> bool:
    return len(answer.split()) == 1 and bool(plain(answer))


SHAPES: dict[str, Callable[[str], bool]] = {
    "integer": _is_integer,
    "word": _is_word,
    "phrase": lambda answer: bool(plain(answer)),
}


def _shape(gold: dict[str, Any]) -> str:
    return str(gold.get("shape") or ("integer" if _is_integer(gold["text"]) else "phrase"))


class String(AnswerGrader):
    """A word, a phrase or an integer as text."""

    name: ClassVar[str] = "string"
    default_form: ClassVar[str] = "line"
    forms: ClassVar[frozenset[str]] = frozenset(FORMS) - {"letter-run", "phrase"}

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold is no text of its shape."""
        super().check(question)
        gold = question.gold
        if gold.get("shape", "phrase") not in list(SHAPES):
            raise bad_gold(question, "shape", f"is none of {', '.join(SHAPES)}")
        if not isinstance(gold.get("text"), str) or not SHAPES[_shape(gold)](gold["text"]):
            raise bad_gold(question, "text", f"is no text of the shape {gold.get('shape', 'phrase')}")
        also: Any = gold.get("also", [])
        if not isinstance(also, list) or not all(isinstance(text, str) for text in also):
            raise bad_gold(question, "also", "is not a list of texts")

    def find(self, question: Question, text: str) -> list[Found]:
        """Return the answers of the question's shape in the demanded form."""
        return [one for one in self._shaped(question, finds(text, self.form(question))) if one.strict]

    def recover(self, question: Question, text: str) -> Found | None:
        """Return the last answer of the question's shape in the demanded form, near enough, or in another."""
        for form in (self.form(question), "boxed", "solution-tag", "bold-italic", "line"):
            if found := self._shaped(question, finds(text, form)):
                return found[-1]
        return None

    def _shaped(self, question: Question, found: list[Found]) -> list[Found]:
        fits = SHAPES[_shape(question.gold)]
        return [one for one in found if fits(one.answer)]

    def accepts(self, question: Question, answer: str) -> bool:
        """Return whether an answer is the gold's text or one of `also`."""
        return plain(answer) in {plain(text) for text in (question.gold["text"], *question.gold.get("also", []))}

    def equivalent(self, question: Question, one: str, two: str) -> bool | None:
        """Return whether two answers read the same, or are two spellings of the gold."""
        return plain(one) == plain(two) or (self.accepts(question, one) and self.accepts(question, two))
