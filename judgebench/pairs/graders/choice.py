"""Multiple choice: which option's letter a response names.

Gold: `{"letter": "C", "letters": "ABCD", "options": ["...", ...], "form": "letter-run"}`. `letters` are those of the
options; `options`, their texts in that order, is optional. Forms: `letter-run` (five times the letter, MMLU-Pro as
JudgeBench asks it, and LiveBench's contests), `phrase` ("answer is (C)"), `boxed`, `bold`, `bold-italic`,
`solution-tag`, `line` ("Answer: C" at the end), `last-line`, `whole`.
"""

from typing import ClassVar

from judgebench.pairs.graders.base import AnswerGrader, bad_gold
from judgebench.pairs.graders.extract import ALPHABET, Found, finds, letter_runs, lone_letter, phrases
from judgebench.pairs.graders.strings import plain
from judgebench.pairs.records import Question

_LEAST = 2
"""A choice has at least so many options."""


class Choice(AnswerGrader):
    """The letter of one option. A letter that is none of the options is no answer, whatever form it has."""

    name: ClassVar[str] = "choice"
    default_form: ClassVar[str] = "letter-run"
    forms: ClassVar[frozenset[str]] = frozenset(
        {"letter-run", "phrase", "boxed", "bold", "bold-italic", "solution-tag", "line", "last-line", "whole"}
    )

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold is not a choice."""
        super().check(question)
        letter, letters = question.gold.get("letter"), question.gold.get("letters")
        if not isinstance(letters, str) or len(letters) < _LEAST or not set(letters) <= set(ALPHABET):
            raise bad_gold(question, "letters", "are not two or more capital letters")
        if not isinstance(letter, str) or len(letter) != 1 or letter not in letters:
            raise bad_gold(question, "letter", f"is none of {letters}")
        options = question.gold.get("options")
        if options is not None and (not isinstance(options, list) or len(options) != len(letters)):
            raise bad_gold(question, "options", f"are not one text for each of {letters}")

    def find(self, question: Question, text: str) -> list[Found]:
        """Return the letters in the demanded form."""
        return [one for one in letters_in(text, self.form(question), question.gold["letters"]) if one.strict]

    def recover(self, question: Question, text: str) -> Found | None:
        """Return the letter that a response seems to name, or that of the option whose text it ends on."""
        letters = question.gold["letters"]
        return named(text, letters) or by_text(text, letters, question.gold.get("options") or [])

    def accepts(self, question: Question, answer: str) -> bool:
        """Return whether a letter is the gold's."""
        return bool(answer == question.gold["letter"])


def letters_in(text: str, form: str, letters: str) -> list[Found]:
    """Return the options named in a form, in order of place; with more beside the letter (`C) 45`) it is not strict."""
    if form == "letter-run":
        return letter_runs(text, letters)
    if form == "phrase":
        return phrases(text, letters)
    found = []
    for one in finds(text, form):
        lone = lone_letter(one.answer)
        if lone and lone[0] in letters:
            found.append(one._replace(answer=lone[0], strict=one.strict and lone[1]))
    return found


def named(text: str, letters: str) -> Found | None:
    """Return the letter that a response seems to name in any form, the likeliest form first, the last one there."""
    for form in ("letter-run", "boxed", "solution-tag", "phrase", "line", "bold", "last-line"):
        if found := letters_in(text, form, letters):
            return found[-1]._replace(strict=False)
    return None


def by_text(text: str, letters: str, options: list[str]) -> Found | None:
    """Return the letter of the one option whose text stands in the last box, tag, answer line or bold of a response."""
    meant = [plain(str(option)) for option in options]
    for form in ("boxed", "solution-tag", "line", "bold"):
        for one in finds(text, form)[-1:]:
            value = plain(one.answer)
            if value and meant.count(value) == 1:
                return Found(letters[meant.index(value)], one.span, f"option-text-{form}", strict=False)
    return None
