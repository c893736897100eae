"""Lists: several answers at once, in order or not.

Gold: `{"items": ["yes", "no", "yes"], "ordered": true, "form": "bold", "words": ["yes", "no"], "fixed": true}`.
`ordered` is true when it is left out. `words`, where given, are all that an item can be (yes, no, unknown). `fixed`
says that the question demands just that number of items, so that another number is a broken form and not a wrong
answer; it is what `ordered` is when left out. Items are compared as in `strings`; they may have several words.
"""

import re
from typing import Any, ClassVar

from judgebench.pairs.graders.base import AnswerGrader, bad_gold
from judgebench.pairs.graders.extract import FORMS, Found, finds
from judgebench.pairs.graders.strings import plain
from judgebench.pairs.records import Question

_ITEM = re.compile(
    r"""\s*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|'([^'\\]*+(?:\\.[^'\\]*+)*+)'|([^,;\n]*+))[ \t]*+(?:[,;\n]|\Z)"""
)
_EDGES = re.compile(r"^(?:[-*•]\s+|[(]?[0-9]{1,2}[.)]\s+)?(?:(?:and|&)\s+)?", re.IGNORECASE)
_AND = re.compile(r"\s(?:and|&)\s", re.IGNORECASE)


def items_of(answer: str, count: int = 0) -> list[str]:
    """Return the items of a list as written: `a, b, and c`, lines, bullets, `["a, b", "c"]`; empty ones are left out.

    Where one item is missing to make up `count`, a last "x and y" is taken apart.
    """
    text = answer.strip()
    if text[:1] in {"[", "("} and text[-1:] in {"]", ")"}:
        text = text[1:-1]
    pieces = (item[1] or item[2] or item[3] or "" for item in _ITEM.finditer(text))
    items = [item for item in (_EDGES.sub("", piece.strip(), count=1) for piece in pieces) if plain(item)]
    if items and len(items) == count - 1:
        items = [*items[:-1], *_AND.split(items[-1], maxsplit=1)]
    return items


class List(AnswerGrader):
    """Several items, each compared as text."""

    name: ClassVar[str] = "list"
    default_form: ClassVar[str] = "solution-tag"
    forms: ClassVar[frozenset[str]] = frozenset(FORMS) - {"letter-run", "phrase", "three-digits", "last-number", "json"}

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold is no list, or has an item that is none of its words."""
        super().check(question)
        gold = question.gold
        for field in ("items", *(["words"] if "words" in gold else [])):
            value: Any = gold.get(field)
            if (
                not isinstance(value, list)
                or not value
                or not all(isinstance(one, str) and plain(one) for one in value)
            ):
                raise bad_gold(question, field, "is not a list of texts")
        for field in ("ordered", "fixed"):
            if not isinstance(gold.get(field, True), bool):
                raise bad_gold(question, field, "is neither true nor false")
        if "words" in gold and not _plain_all(gold["items"]) <= _plain_all(gold["words"]):
            raise bad_gold(question, "items", f"has items that are none of {', '.join(gold['words'])}")

    def find(self, question: Question, text: str) -> list[Found]:
        """Return the lists in the demanded form."""
        return [one for one in self._lists(question, self.form(question), text) if one.strict]

    def recover(self, question: Question, text: str) -> Found | None:
        """Return the last list in the demanded form, near enough, or in another."""
        for form in (self.form(question), "solution-tag", "boxed", "list", "line", "bold", "last-line"):
            if found := self._lists(question, form, text):
                return found[-1]
        return None

    def _lists(self, question: Question, form: str, text: str) -> list[Found]:
        return [one for one in finds(text, form) if self._fits(question, one.answer)]

    def _fits(self, question: Question, answer: str) -> bool:
        gold = question.gold
        items = items_of(answer, len(gold["items"]))
        if gold.get("fixed", gold.get("ordered", True)) and len(items) != len(gold["items"]):
            return False
        return bool(items) and ("words" not in gold or _plain_all(items) <= _plain_all(gold["words"]))

    def _key(self, question: Question, items: list[str]) -> list[str]:
        read = [plain(item) for item in items]
        return read if question.gold.get("ordered", True) else sorted(read)

    def accepts(self, question: Question, answer: str) -> bool:
        """Return whether a list is the gold's; where order does not count, every item as often as there."""
        return self.equivalent(question, answer, "\n".join(question.gold["items"]))

    def equivalent(self, question: Question, one: str, two: str) -> bool:
        """Return whether two lists have the same items, in the same order where that counts."""
        count = len(question.gold["items"])
        return self._key(question, items_of(one, count)) == self._key(question, items_of(two, count))


def _plain_all(items: list[str]) -> set[str]:
    return {plain(item) for item in items}
