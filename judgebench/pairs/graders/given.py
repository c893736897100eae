"""Grades that a dataset brings with its responses.

Gold: `{"grades": {"<hash of the text>": {"outcome": "wrong", "answer": "12", "detail": "..."}}, "compare": "math"}`.
`compare` names the grader that says whether two answers mean the same; without it, equal texts do. `"whole": true` says
that the whole response is the answer.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from judgebench import registry
from judgebench.errors import UsageError
from judgebench.hashing import short_id
from judgebench.pairs.graders.base import Grader
from judgebench.pairs.records import OUTCOMES, Grade, Question, Response


def given(grades: Iterable[tuple[str, str, str, str]], **more: Any) -> dict[str, Any]:
    """Return the gold of responses: text, outcome, answer ('' for none) and detail of each; `more` where it is set."""
    found: dict[str, dict[str, str]] = {}
    for text, outcome, answer, detail in grades:
        grade = {"outcome": outcome, "answer": answer, "detail": detail}
        known = found.setdefault(short_id(text), {name: value for name, value in grade.items() if value})
        if known["outcome"] != outcome:
            # One text, two grades: the dataset contradicts itself.
            found[short_id(text)] = {"outcome": "undecided", "detail": "graded both ways"}
    return {"grades": found} | {name: value for name, value in more.items() if value}


class Given(Grader):
    """Looks up what the dataset says of a response; one that it does not know is undecided."""

    name: ClassVar[str] = "given"

    def __init__(self) -> None:
        self._others: dict[str, Grader] = {}

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold has no grades, or an unknown outcome."""
        grades = question.gold.get("grades")
        if not isinstance(grades, dict) or not all(
            isinstance(one, dict) and one.get("outcome") in OUTCOMES for one in grades.values()
        ):
            raise UsageError(f"question {question.key}: gold: grades: expected an outcome for each response")

    def grade(self, question: Question, response: Response) -> Grade:
        """Return the response's grade."""
        if (cut := self.cut(response)) is not None:
            return cut
        found = question.gold["grades"].get(short_id(response.text))
        if found is None:
            return self.says("undecided", detail="the dataset has no grade for this response")
        answer = response.text if question.gold.get("whole") else found.get("answer")
        return self.says(found["outcome"], "given", answer, _last(response.text, answer), found.get("detail", ""))

    def equivalent(self, question: Question, one: str, two: str) -> bool | None:
        """Return what the grader in `compare` says of two answers; without one, whether they are equal."""
        name = question.gold.get("compare")
        if name is None:
            return " ".join(one.split()) == " ".join(two.split())
        if name not in self._others:
            self._others[name] = registry.load("graders", name)()
        return self._others[name].equivalent(question, one, two)

    def close(self) -> None:
        """Close the graders that compare."""
        for other in self._others.values():
            other.close()


def _last(text: str, answer: str | None) -> tuple[int, int] | None:
    """Return where an answer stands last in a text, as it is written; None when it does not."""
    start = text.rfind(answer) if answer else -1
    return (start, start + len(answer)) if answer and start >= 0 else None
