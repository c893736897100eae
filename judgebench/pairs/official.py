"""The official JudgeBench pairs as questions and pools: what each question demands, and what its label says is right.

The files hold no gold answer and no key to one (all `original_id`s but MMLU-Pro's are null). What form an answer must
have is read off the question; which one is right is taken from the label: the winner's own answer. That is circular
for the label itself, and just what an audit needs: are there two different answers, both in the demanded form?
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from judgebench import registry
from judgebench.pairs.graders.base import Grader
from judgebench.pairs.graders.math_pool import Pool
from judgebench.pairs.records import Grade, Question, Response
from judgebench.records import Item, text_of

CODE_SOURCE = "livecodebench"
PATIENCE = 120.0
"""Seconds that two expressions may take to compare."""
_OPTION = re.compile(r"^\(([A-J])\) ", re.MULTILINE)
PLACEHOLDERS: dict[str, dict[str, Any]] = {
    "choice": {"letter": "A"},
    "list": {"items": ["yes", "no", "yes"]},
    "string": {"text": "0"},
    "math": {"expression": "0"},
}
"""A gold of each layout until the real one is known."""


@dataclass(frozen=True)
class Demand:
    """What a question asks for: a name for its kind, a grader, and the part of the gold that says the form.

    `example` stands for the answer until there is one: it tells the grader whether a number or a word is asked for.
    """

    kind: str
    grader: str
    form: dict[str, Any]
    example: str | None = None

    def gold(self, answer: str | None = None) -> dict[str, Any]:
        """Return a gold in the grader's layout, with this answer."""
        answer = self.example if answer is None else answer
        if answer is None:
            return {**PLACEHOLDERS[self.grader], **self.form}
        if self.grader == "list":
            return {**self.form, "items": [part.strip() for part in answer.split(",")]}
        field = next(iter(PLACEHOLDERS[self.grader]))
        return {**self.form, field: answer}


def demand(source: str, question: str) -> Demand | None:
    """Return what a question of an official pair demands; None for code and for what is not recognised."""
    if source.startswith("mmlu-pro"):
        return Demand("mmlu-pro", "choice", {"letters": "".join(_OPTION.findall(question))})
    if source == "livebench-reasoning":
        return _reasoning(question)
    if source == "livebench-math":
        if "FFFFF" in question:
            return Demand("amc", "choice", {"letters": "ABCDE"})
        if "exactly 3 digits" in question:
            return Demand("aime", "string", {"form": "three-digits"})
        if "\\boxed{}" in question or "$\\\\boxed{}$" in question:
            return Demand("amps", "math", {"form": "boxed", "constant": True})
    return None


def _reasoning(question: str) -> Demand:
    if "**yes, no, yes**" in question:
        return Demand("web-of-lies", "list", {"words": ["yes", "no"], "form": "bold"})
    number = "***N***" in question or "single integer" in question
    kind, form = ("zebra", "bold-italic") if "***" in question else ("spatial", "bold")
    return Demand(kind, "string", {"form": form}, "1" if number else "word")


@dataclass(frozen=True)
class Read:
    """The two responses of a pair as its question's grader reads them, and whether the answers mean the same."""

    demand: Demand
    question: Question
    winner: Grade
    loser: Grade
    same: bool | None

    @property
    def matter(self) -> str:
        """Return what is the matter with the pair; `clean` when nothing is."""
        if self.same:
            return "same answer"
        if self.winner.answer is None or self.loser.answer is None:
            return "loser has none" if self.loser.answer is None else "winner has none"
        if "format_fail" in {self.winner.outcome, self.loser.outcome}:
            return "form broken"
        return "undecided" if self.same is None else "clean"


class Reader:
    """Reads pairs with the graders that their questions need, each made once."""

    def __init__(self) -> None:
        self._graders: dict[str, Grader] = {}

    def grader(self, name: str) -> Grader:
        """Return a grader by name."""
        if name not in self._graders:
            made = registry.load("graders", name)
            # An audit has time: what it says must not hang on how busy the machine is.
            self._graders[name] = made(Pool(seconds=PATIENCE)) if name == "math" else made()
        return self._graders[name]

    def read(self, item: Item) -> Read | None:
        """Read a pair with a preference; None where its question's form is not recognised."""
        found = demand(str(item.meta.get("source", "")), text_of(item.turns[0].content))
        if found is None:
            return None
        grader = self.grader(found.grader)
        winner, loser = sides(item)
        blank = self._question(item, found, found.gold())
        answer = grader.grade(blank, self._response(blank, winner)).answer
        question = blank if answer is None else self._question(item, found, found.gold(answer))
        won, lost = (grader.grade(question, self._response(question, text)) for text in (winner, loser))
        same: bool | None = False
        if won.answer is not None and lost.answer is not None:
            same = grader.equivalent(question, won.answer, lost.answer)
        return Read(found, question, won, lost, same)

    def _question(self, item: Item, found: Demand, gold: dict[str, Any]) -> Question:
        return Question.make(
            key=str(item.meta.get("key", item.id)), source=str(item.meta.get("source", "")), category=item.category,
            prompt=text_of(item.turns[0].content), gold=gold, grader=found.grader,
        )  # fmt: skip

    def _response(self, question: Question, text: str) -> Response:
        return Response(question=question.id, text=text, model="official")

    def close(self) -> None:
        """End what the graders started."""
        for grader in self._graders.values():
            grader.close()


def sides(item: Item) -> tuple[str, str]:
    """Return the texts of a pair's winner and loser, by its label."""
    assert item.gold.kind == "preference"
    first, second = (text_of(candidate.content) for candidate in item.candidates)
    return (first, second) if item.gold.label == "A>B" else (second, first)


def pool(items: Iterable[Item], reader: Reader) -> Iterable[tuple[Item, Question, list[tuple[Response, Grade]]]]:
    """Yield each recognised pair as a question with its gold, and both responses with their grades as its pool.

    The responses are numbered in the file's order, so that nothing about them tells which is right.
    """
    for item in items:
        read = reader.read(item)
        if read is None:
            continue
        grader = reader.grader(read.demand.grader)
        responses = [
            Response(question=read.question.id, text=text_of(candidate.content), model="official", sample=number)
            for number, candidate in enumerate(item.candidates)
        ]
        yield item, read.question, [(response, grader.grade(read.question, response)) for response in responses]
