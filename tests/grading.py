"""What the tests of the graders share: a question with a gold, a response, a grade."""

from typing import Any

from judgebench.pairs.graders.base import Grader
from judgebench.pairs.records import Grade, Question, Response
from judgebench.records import Finish


def asked(grader: Grader, gold: dict[str, Any], prompt: str = "?") -> Question:
    """Return a question with a gold that the grader has checked."""
    question = Question.make(key="1", source="s", category="c", prompt=prompt, gold=gold, grader=grader.name)
    grader.check(question)
    return question


def graded(grader: Grader, gold: dict[str, Any], text: str, prompt: str = "?", finish: Finish = "stop") -> Grade:
    """Grade one response to a question with a gold."""
    question = asked(grader, gold, prompt)
    grade = grader.grade(question, Response(question=question.id, text=text, model="m", finish=finish))
    assert (grade.grader, grade.version) == (grader.name, grader.version)
    return grade


def said(grader: Grader, gold: dict[str, Any], text: str, **more: Any) -> tuple[str, str | None]:
    """Return the outcome and the answer of a response's grade."""
    grade = graded(grader, gold, text, **more)
    return grade.outcome, grade.answer
