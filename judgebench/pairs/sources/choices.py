"""Multiple choice: MMLU-Pro and GPQA.

The question ends as JudgeBench's do (arXiv 2410.12784): it asks for the letter five times in a row, which no reasoning
contains by accident. The words are our own.
"""

from random import Random
from string import ascii_uppercase
from typing import ClassVar

from judgebench.hashing import sha256
from judgebench.pairs.records import Question
from judgebench.pairs.sources.base import Source
from judgebench.task import Row
from judgebench.tasks.fields import identifier, optional, text, texts

RUN = 5
"""How often the letter is to stand in a row."""
LEAST = 2
"""A choice has at least so many options."""


def asked(question: str, options: list[str]) -> str:
    """Return the prompt: question, lettered options, and the form of the answer, shown by a letter that none has."""
    example = ascii_uppercase[len(options)]
    lettered = "\n".join(f"({letter}) {option}" for letter, option in zip(ascii_uppercase, options, strict=False))
    return (
        f"{question.strip()}\n\n{lettered}\n\n"
        "Reason step by step, then decide for one option, also when you are not sure. At the very end write its letter "
        f"{RUN} times in a row, without spaces: if the answer were {example}, you would write {example * RUN}."
    )


def gold(letter: str, options: list[str], form: str = "letter-run") -> dict[str, object]:
    """Return the gold of a choice, in the layout of the grader `choice`."""
    return {"letter": letter, "letters": ascii_uppercase[: len(options)], "options": options, "form": form}


class MMLUPro(Source):
    """TIGER-Lab/MMLU-Pro: `question_id`, `question`, `options`, `answer` (a letter), `answer_index`, `category`."""

    version: ClassVar[int] = 1

    def question(self, row: Row) -> Question | None:
        """Return a row's question."""
        options = [option.strip() for option in texts(row, "options")]
        letter = text(row, "answer").strip()
        if not LEAST <= len(options) < len(ascii_uppercase):
            raise row.problem("options", f"{len(options)} options")
        if letter not in ascii_uppercase[: len(options)]:
            raise row.problem("answer", f"{letter!r} is none of the {len(options)} options")
        index = row.data.get("answer_index")
        if index is not None and index != ascii_uppercase.index(letter):
            raise row.problem("answer_index", f"{index} is not the place of {letter}")
        if len(set(options)) != len(options):
            self.drop("two options are the same")
            return None
        return self.make(
            row, key=identifier(row, "question_id"), prompt=asked(text(row, "question"), options),
            gold=gold(letter, options), meta={"subject": optional(row, "category") or "other"},
        )  # fmt: skip


class GPQA(Source):
    """Idavidrein/gpqa: `Record ID`, `Question`, `Correct Answer`, `Incorrect Answer 1` to `3`, `High-level domain`.

    The options are shuffled by a hash of the record's id: always the same way.
    """

    def question(self, row: Row) -> Question | None:
        """Return a row's question."""
        right = text(row, "Correct Answer").strip()
        options = [right, *(text(row, f"Incorrect Answer {number}").strip() for number in (1, 2, 3))]
        if len(set(options)) != len(options):
            self.drop("two options are the same")
            return None
        key = identifier(row, "Record ID")
        Random(sha256(key.encode())).shuffle(options)  # noqa: S311 - reproducible on purpose
        return self.make(
            row, key=key, prompt=asked(text(row, "Question"), options),
            gold=gold(ascii_uppercase[options.index(right)], options),
            meta={"subject": (optional(row, "High-level domain") or "other").lower()},
        )  # fmt: skip
