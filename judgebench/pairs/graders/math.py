r"""Numbers and expressions: whether a response's answer has the gold's value.

Gold: `{"expression": "\\frac{1}{2}", "form": "boxed", "digits": 3, "constant": true}`. `digits` are the decimals to
which two numbers must agree where they are not exact (default 6); `constant` says that an additive constant does not
matter (`+C`), as for an antiderivative. Forms: `boxed`, `bold`, `bold-italic`, `solution-tag`, `line`, `last-line`,
`three-digits`, `last-number`, `whole`.

Plain numbers are compared exactly, here. All else goes to math-verify in a process of its own (`math_pool`), asked in
both directions, since it is not symmetric. What it cannot parse, cannot say in time, or says in one direction only, is
undecided: never wrong. So is 50 % against 50: whether the sign counts is for the question to say, and it does not.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import ClassVar

from judgebench.pairs.graders.base import AnswerGrader, bad_gold
from judgebench.pairs.graders.exact import Number, number
from judgebench.pairs.graders.extract import FORMS, Found
from judgebench.pairs.graders.math_pool import Pool
from judgebench.pairs.records import Grade, Question, Response

DIGITS = 6
LONGEST = 500
"""Characters of the longest expression compared; a longer one is undecided."""
WINDOW = 64
"""Responses in hand at a time when many are graded."""
_CONSTANT = re.compile(r"\s*\+\s*(?:C|c|\\text\{\s*C\s*\}|\\mathrm\{C\}|\\text\{\s*constant\s*\})\s*$")
_LAYOUT = re.compile(r"\\left|\\right|\\displaystyle|\\[,;:! ]|\\(?=[%$])|[\s$]")
_ROOT = re.compile(r"\u221a(?:\(([^()]*)\)|([0-9]+|[a-z]))")
_SIGNS = (("\u03c0", "\\pi "), ("\u00d7", "\\times "), ("\u00b7", "\\cdot "), ("\u2264", "\\le "), ("\u2265", "\\ge "))
"""Signs that people write instead of LaTeX."""
_SAME = (("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\u2212", "-"), ("\\cdot", "*"), ("\\times", "*"))


class Math(AnswerGrader):
    """The value of an expression. The pool is shared by all questions and started at the first hard one."""

    name: ClassVar[str] = "math"
    default_form: ClassVar[str] = "boxed"
    forms: ClassVar[frozenset[str]] = frozenset(FORMS) - {"letter-run", "phrase", "list", "json"}

    def __init__(self, pool: Pool | None = None) -> None:
        self._pool = pool or Pool()

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold is no expression."""
        super().check(question)
        expression, digits = question.gold.get("expression"), question.gold.get("digits", DIGITS)
        if not isinstance(expression, str) or not expression.strip():
            raise bad_gold(question, "expression", "is no text")
        if not isinstance(digits, int) or not 0 <= digits <= 15:  # noqa: PLR2004 - what a double holds
            raise bad_gold(question, "digits", "is no number from 0 to 15")
        if not isinstance(question.gold.get("constant", False), bool):
            raise bad_gold(question, "constant", "is neither true nor false")

    def find(self, question: Question, text: str) -> list[Found]:
        """Return the answers in the demanded form."""
        return [one for one in FORMS[self.form(question)](text) if one.strict and one.answer]

    def recover(self, question: Question, text: str) -> Found | None:  # noqa: ARG002 - the form is what is missing
        """Return what the response seems to say: its last box, answer line, bold or number."""
        for form in ("boxed", "solution-tag", "line", "bold", "last-number"):
            if found := FORMS[form](text):
                return found[-1]._replace(strict=False)
        return None

    def accepts(self, question: Question, answer: str) -> bool | None:
        """Return whether an answer has the gold's value; None when it cannot be said."""
        gold = str(question.gold["expression"])
        return self._compare(question, gold, answer, both=False)

    def equivalent(self, question: Question, one: str, two: str) -> bool | None:
        """Return whether two answers have the same value in either direction; None when it cannot be said."""
        return self._compare(question, one, two, both=True)

    def _compare(self, question: Question, one: str, two: str, *, both: bool) -> bool | None:
        if question.gold.get("constant", False):
            one, two = (_CONSTANT.sub("", each) for each in (one, two))
        if plain(one) == plain(two):
            return True
        digits = int(question.gold.get("digits", DIGITS))
        first, second = number(one), number(two)
        if first is not None and second is not None:
            return _equal(first, second, digits)
        if max(len(one), len(two)) > LONGEST:
            return None
        found = self._pool.compare(latex(one), latex(two), digits)
        if found.forth is None or found.back is None:
            return None
        if found.forth != found.back:
            return True if both else None
        return found.forth

    def grade_all(self, jobs: Iterable[tuple[Question, Response]]) -> Iterator[Grade]:
        """Grade a stream of responses, in order, several at once."""
        with ThreadPoolExecutor(self._pool.size) as threads:
            window: list[tuple[Question, Response]] = []
            for job in jobs:
                window.append(job)
                if len(window) == WINDOW:
                    yield from threads.map(lambda one: self.grade(*one), window)
                    window = []
            yield from threads.map(lambda one: self.grade(*one), window)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()


def latex(expression: str) -> str:
    r"""Return an expression with the signs that LaTeX has commands for as these: √2 as `\sqrt{2}`, π as `\pi`."""
    for sign, command in _SIGNS:
        expression = expression.replace(sign, command)
    return _ROOT.sub(lambda root: f"\\sqrt{{{root[1] or root[2]}}}", expression)


def plain(expression: str) -> str:
    """Return an expression without what changes only its looks, to see at once that two are the same."""
    for old, new in _SAME:
        expression = expression.replace(old, new)
    return _LAYOUT.sub("", expression).rstrip(".")


def _equal(one: Number, two: Number, digits: int) -> bool | None:
    if one.percent != two.percent and one.value * 100 in (two.value, two.value * 10_000):
        return None
    return one.value == two.value or abs(one.value - two.value) < Fraction(1, 2 * 10**digits)
