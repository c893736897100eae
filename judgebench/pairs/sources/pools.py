"""Datasets that bring responses with their grades: PPE's best-of-K sets and ProcessBench.

The grades stand in the question's gold, by the hash of the response's text, and the grader `given` looks them up.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from judgebench.errors import RowProblem
from judgebench.pairs.graders.given import given
from judgebench.pairs.records import Question, Response
from judgebench.pairs.sources.base import Entry, Source
from judgebench.pairs.sources.reading import Stream
from judgebench.task import Row, RowError
from judgebench.tasks.fields import identifier, optional, text, texts, value, whole

_RESPONSE = re.compile(r"response_([1-9]\d*)")


class Pooled(Source):
    """One row, one question with its responses."""

    pooled: ClassVar[bool] = True

    def entry(self, row: Row) -> Entry:
        """Return a row's question and responses."""
        raise NotImplementedError

    def entries(self, rows: Stream) -> Iterator[Entry | RowProblem]:
        """Yield the entries of all rows, and the problems of those that cannot be used."""
        for row in rows:
            if isinstance(row, RowProblem):
                yield row
                continue
            try:
                entry = self.entry(row)
            except RowError as error:
                yield error.problem
            else:
                if not self.excluded(entry.question.key):
                    yield entry


class PPE(Pooled):
    """lmarena-ai/PPE-…-Best-of-K: `question_id`, `prompt`, `response_1` to `response_K`, `scores`, `parsed_outputs`.

    `params.whole` says that the whole response is the answer (IFEval, MBPP-Plus); else it is what the dataset parsed,
    and a response without it is a format failure. `params.compare` names the grader that says whether two answers mean
    the same.
    """

    def entry(self, row: Row) -> Entry:
        """Return a row's question and responses."""
        prompt, model = text(row, "prompt"), optional(row, "model_name") or "unknown"
        responses, scores = self._responses(row), value(row, "scores")
        if not isinstance(scores, list) or not all(isinstance(one, bool) for one in scores):
            raise row.problem("scores", "expected a list of true and false")
        if len(scores) != len(responses):
            raise row.problem("scores", f"{len(scores)} scores for {len(responses)} responses")
        wants = self.card.params
        answers = [] if wants.get("whole") else self._answers(row, len(responses))
        grades = [
            (one, ("right" if score else "wrong") if answer or not answers else "format_fail", answer, "")
            for one, score, answer in zip(responses, scores, answers or [""] * len(responses), strict=True)
        ]
        question = self.make(
            row, key=identifier(row, "question_id"), prompt=prompt, grader="given",
            gold=given(grades, compare=wants.get("compare"), whole=wants.get("whole")),
        )  # fmt: skip
        return Entry(question, _responses(question, model, responses))

    @staticmethod
    def _answers(row: Row, number: int) -> list[str]:
        found = value(row, "parsed_outputs")
        if not isinstance(found, list) or len(found) != number:
            raise row.problem("parsed_outputs", f"expected a list of {number}")
        return ["" if one is None else str(one).strip() for one in found]

    @staticmethod
    def _responses(row: Row) -> list[str]:
        numbers = sorted(int(found[1]) for name in row.data if (found := _RESPONSE.fullmatch(name)))
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            raise row.problem("response_1", f"responses are not numbered 1 to K: {numbers or 'none'}")
        return [text(row, f"response_{number}", blank=True) for number in numbers]


@dataclass
class _Solutions:
    """The solutions to one problem: by generator, text, outcome, answer, detail."""

    row: Row
    found: list[tuple[str, str, str, str, str]] = field(default_factory=list)


class ProcessBench(Source):
    """Qwen/ProcessBench: `id`, `generator`, `problem`, `steps`, `final_answer_correct`, `label` (first wrong step, or −1).

    A row is one solution. Those of a problem are gathered, so the set is held as a whole (3,400 rows). A right solution
    has a right answer and no wrong step, a wrong one a wrong answer and a wrong step; the others are undecided. The
    first wrong step, counted from 1, is the grade's detail.
    """  # noqa: E501 - the field names

    pooled: ClassVar[bool] = True

    def entries(self, rows: Stream) -> Iterator[Entry | RowProblem]:
        """Yield a problem with its solutions at a time, and the problems of rows that cannot be used."""
        problems: dict[str, _Solutions] = {}
        for row in rows:
            if isinstance(row, RowProblem):
                yield row
                continue
            try:
                if not self.excluded(identifier(row, "id")):
                    problems.setdefault(text(row, "problem"), _Solutions(row)).found.append(_solution(row))
            except RowError as error:
                yield error.problem
        yield from (self._entry(problem, solutions) for problem, solutions in problems.items())

    def _entry(self, problem: str, solutions: _Solutions) -> Entry:
        gold = given([one[1:] for one in solutions.found])
        question: Question = self.make(
            solutions.row, key=identifier(solutions.row, "id"), prompt=problem, grader="given", gold=gold,
            meta={"subject": self.card.split},
        )  # fmt: skip
        numbers: defaultdict[str, Any] = defaultdict(count)
        responses = [
            Response(question=question.id, text=steps, model=model, sample=next(numbers[model]))
            for model, steps, *_ in solutions.found
        ]
        return Entry(question, tuple(responses))


def _solution(row: Row) -> tuple[str, str, str, str, str]:
    steps, first = texts(row, "steps"), whole(row, "label")
    correct = value(row, "final_answer_correct")
    if not isinstance(correct, bool):
        raise row.problem("final_answer_correct", "expected true or false")
    if not steps or not -1 <= first < len(steps):
        raise row.problem("label", f"{first} is no step of {len(steps)}")
    outcome = "right" if correct and first < 0 else "wrong" if not correct and first >= 0 else "undecided"
    detail = f"first wrong step: {first + 1} of {len(steps)}" if first >= 0 else ""
    return text(row, "generator"), "\n\n".join(steps), outcome, steps[-1], detail


def _responses(question: Question, model: str, found: list[str]) -> tuple[Response, ...]:
    return tuple(
        Response(question=question.id, text=one, model=model, sample=number) for number, one in enumerate(found)
    )
