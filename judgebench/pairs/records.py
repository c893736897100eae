"""What pair construction speaks in: questions with a checkable answer, responses, grades, and the pairs made of them.

Question → Response → Grade → Pair. A pair becomes an Item like any other; what is more about it stands in its origin.
"""

from typing import Any, Literal, Self

from pydantic import Field

from judgebench.hashing import short_id
from judgebench.records import Finish, Record, Sampling, Usage

Outcome = Literal["right", "wrong", "format_fail", "undecided", "truncated"]
OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "format_fail", "undecided", "truncated")


class Question(Record):
    """A question whose answer can be checked.

    `key` is its id in the source; `gold` is what the grader compares with, in the grader's own layout; `grader` names
    it (`judgebench.graders` entry points). `revision` is the source's: a commit, a release or a file's sha256.
    """

    id: str
    key: str
    source: str
    category: str
    prompt: str
    gold: dict[str, Any]
    grader: str
    licence: str | None = None
    revision: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def make(cls, **fields: Any) -> Self:
        """Build a question whose id is the hash of its source, key, prompt and gold."""
        draft = cls(id="", **fields)
        return draft.model_copy(update={"id": short_id([draft.source, draft.key, draft.prompt, draft.gold])})


class Response(Record):
    """One response to a question. `sample` counts from 0 among those that one model gave to it.

    `model` is what was asked, `served` what the server says answered; `cost` is in USD, None where it is unknown.
    """

    question: str
    text: str
    model: str
    sample: int = 0
    finish: Finish = "stop"
    sampling: Sampling = Sampling()
    usage: Usage = Usage()
    served: str | None = None
    cost: float | None = None

    @property
    def id(self) -> str:
        """Return the response's id: a hash of question, model, sample and text."""
        return short_id([self.question, self.model, self.sample, self.text])


class Grade(Record):
    """What a grader says of a response.

    `right` and `wrong` compare an answer that was given as asked for. `format_fail`: no answer in the demanded form
    (`answer` may hold what was found all the same); never to be counted as wrong. `undecided`: the grader cannot say
    (a timeout, a tool that broke, several valid outputs). `truncated`: the response was cut.

    `span` is where the answer stands in the response, in characters; `method` is the rule that found it; `version`
    the grader's, raised whenever the same response would be graded differently. `sandbox` names the one in which a
    response's program ran.
    """

    outcome: Outcome
    answer: str | None = None
    span: tuple[int, int] | None = None
    method: str = ""
    grader: str = ""
    version: int = 1
    detail: str = ""
    sandbox: str | None = None
