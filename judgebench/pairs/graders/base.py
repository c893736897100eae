"""What a grader is: it reads a response's answer, compares it with the gold, and never guesses."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from judgebench.errors import UsageError
from judgebench.pairs.graders.extract import FORMS, LAST_COUNTS, Found, visible
from judgebench.pairs.records import Grade, Outcome, Question, Response

_OUTCOMES: dict[bool | None, Outcome] = {True: "right", False: "wrong", None: "undecided"}


class Grader:
    """Base of all graders, found by name (`judgebench.graders` entry points).

    `grade` must not raise on anything a response may hold, and must not run any of it. `version` is raised whenever
    the same response would be graded differently. A grader that starts processes ends them in `close`.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1

    def check(self, question: Question) -> None:
        """Raise UsageError when the question's gold is not in this grader's layout, naming the field."""

    def grade(self, question: Question, response: Response) -> Grade:
        """Grade one response."""
        raise NotImplementedError

    def equivalent(self, question: Question, one: str, two: str) -> bool | None:  # noqa: ARG002 - for those that need it
        """Return whether two extracted answers mean the same, in either direction; None when it cannot be said."""
        return one == two

    def grade_all(self, jobs: Iterable[tuple[Question, Response]]) -> Iterator[Grade]:
        """Grade a stream of responses, in order. Graders that can do several at once override this."""
        return (self.grade(question, response) for question, response in jobs)

    def close(self) -> None:
        """End what was started. Safe to call twice."""

    def says(
        self,
        outcome: Outcome,
        method: str = "",
        answer: str | None = None,
        span: tuple[int, int] | None = None,
        detail: str = "",
    ) -> Grade:
        """Return a grade under this grader's name and version."""
        return Grade(
            outcome=outcome,
            answer=answer,
            span=span,
            method=method,
            grader=self.name,
            version=self.version,
            detail=detail,
        )

    def cut(self, response: Response) -> Grade | None:
        """Return the grade of a response that was cut, whatever it holds; None when it is whole."""
        if response.finish == "length":
            return self.says("truncated", detail="the response ends at its token limit")
        return None


class AnswerGrader(Grader):
    """A grader of responses that state one answer in the form that the question demands.

    An answer in that form is right or wrong. Without one the response is a format failure, whatever else it says: what
    it seems to mean is kept as the grade's answer. Several different answers in the form are a format failure too,
    with the last as the answer, unless the last one counts: by the form's nature (`extract.LAST_COUNTS`), or because
    the question says so (`"take": "last"` in the gold).

    The gold's `form` is one of `extract.FORMS`, `default_form` when it is left out. Subclasses implement `find`,
    `recover` and `accepts`.
    """

    default_form: ClassVar[str] = "boxed"
    forms: ClassVar[frozenset[str]] = frozenset(FORMS)

    def find(self, question: Question, text: str) -> list[Found]:
        """Return the answers in the demanded form, in order of place."""
        raise NotImplementedError

    def recover(self, question: Question, text: str) -> Found | None:  # noqa: ARG002 - for those that can
        """Return what a response without an answer in the demanded form seems to say; None when nothing can be told."""
        return None

    def accepts(self, question: Question, answer: str) -> bool | None:
        """Return whether an answer is the gold's; None when it cannot be said."""
        raise NotImplementedError

    def form(self, question: Question) -> str:
        """Return the form that the question demands."""
        return str(question.gold.get("form", self.default_form))

    def takes_last(self, question: Question) -> bool:
        """Return whether of several different answers the last one counts."""
        return question.gold.get("take") == "last" or self.form(question) in LAST_COUNTS

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold's form is unknown or its `take` neither `only` nor `last`."""
        if self.form(question) not in self.forms:
            raise bad_gold(question, "form", f"is none of {', '.join(sorted(self.forms))}")
        if question.gold.get("take", "only") not in {"only", "last"}:
            raise bad_gold(question, "take", "is neither only nor last")

    def grade(self, question: Question, response: Response) -> Grade:
        """Grade one response."""
        if cut := self.cut(response):
            return cut
        text = visible(response.text)
        found = self.find(question, text)
        if not found:
            seen = self.recover(question, text) or Found("", (0, 0), "", strict=False)
            why = f"no answer in the form {self.form(question)}" if text.strip() else "no text outside its thoughts"
            return self.says("format_fail", seen.method, seen.answer or None, seen.span if seen.answer else None, why)
        last = found[-1]
        rivals = {one.answer for one in found} - {last.answer} if not self.takes_last(question) else set()
        for rival in sorted(rivals):
            if not self.equivalent(question, rival, last.answer):
                why = f"several answers: {rival[:40]}, {last.answer[:40]}"
                return self.says("format_fail", last.method, last.answer, last.span, why)
        outcome = _OUTCOMES[self.accepts(question, last.answer)]
        return self.says(outcome, last.method, last.answer, last.span)


def bad_gold(question: Question, field: str, problem: str) -> UsageError:
    """Return the error for a gold that is not in the layout of the question's grader."""
    value: Any = question.gold.get(field)
    shown = "is missing" if field not in question.gold else f"{str(value)[:60]!r} {problem}"
    return UsageError(
        f"{question.source} {question.key}: gold: {field} {shown}. See docs/pairs.md, Graders, for the layout of "
        f"{question.grader!r}."
    )
