"""A second opinion: a model says whether it agrees with a grade. Who disagrees drops the response from selection.

JudgeBench asks a small model so for knowledge, reasoning and math (arXiv 2410.12784, section 3). It is asked through
the runner, as the sampler's model is; what it said is kept in the build folder, and asked again only of another model
or of another grade. Only right and wrong responses are asked about: the others make no pair anyway.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from judgebench.backends.base import Backend
from judgebench.backends.base import build as build_backend
from judgebench.cache import ReplyCache, default_folder
from judgebench.errors import Incomplete, UsageError
from judgebench.hashing import short_id
from judgebench.judges.base import Ask
from judgebench.pairs.records import Grade, Question, Response
from judgebench.pairs.store import BuildStore
from judgebench.records import Judgment, Label, Reply, Trial, Verdict, View
from judgebench.run.limits import Limiter
from judgebench.run.pace import Pace
from judgebench.run.runner import Means, Models, Runner, Tally, Work
from judgebench.run.store import RecordedReplies

if TYPE_CHECKING:
    from judgebench.pairs.build import BuildConfig, Building, Watch

SAID: dict[bool | None, Label] = {True: "A>B", False: "B>A", None: "A=B"}
MEANT = {label: agrees for agrees, label in SAID.items()}
"""The runner carries verdicts: the grade is right, is wrong, cannot be told."""
CODES = (True, False, None)


class Second(Protocol):
    """What gives a second opinion. It is made with the door to its model."""

    async def agrees(self, question: Question, response: Response, grade: Grade) -> bool | None:
        """Return whether the grade is right; None when the reply does not say."""
        ...


def second_grader() -> Callable[[Ask], Second]:
    """Return the class that asks a model about grades."""
    made: Callable[[Ask], Second] = import_module("judgebench.pairs.graders.second").SecondGrader
    return made


@dataclass
class Opinions:
    """To the runner a judge and its journal; called with a response's number, what the model thinks of its grade.

    In memory are a mark of the grade that was asked about and the answer: 9 bytes for each response.
    """

    store: BuildStore
    model: str
    make: Callable[[Ask], Second] = field(default_factory=second_grader)
    done: set[str] = field(default_factory=set)
    order_independent: bool = True
    spent: float = 0.0

    def __post_init__(self) -> None:
        self._marks = array("Q", bytes(8 * len(self.store.responses)))
        self._codes = bytearray(len(self.store.responses))
        for number in range(len(self.store.seconds)):
            line = self.store.seconds[number]
            self.spent += line.get("cost") or 0.0
            if line["model"] == self.model:
                self._keep(line["response"], line["grade"], line["agrees"])

    def __call__(self, number: int) -> bool | None:
        """Return whether the model agrees with a response's grade; True where it was not asked."""
        return CODES[self._codes[number]]

    def _keep(self, number: int, mark: str, agrees: bool | None) -> None:
        self._marks[number] = int(mark, 16)
        self._codes[number] = CODES.index(agrees)

    def work(self, questions: Iterable[int], k: int) -> Iterator[Work]:
        """Yield what is left to ask: the view's seed is the response's number."""
        for place in questions:
            for number in self.store.of_question(place, k):
                mark = self._mark(number)
                if mark is not None and self._marks[number] != int(mark, 16):
                    yield Trial(item=f"{number}-{mark}", order=(0,)), View(turns=(), responses=(), seed=number)

    def _mark(self, number: int) -> str | None:
        """Return what a grade is known by; None for one that nobody asks about."""
        grade = self.store.grade(number)
        if grade is None or grade.outcome not in ("right", "wrong"):
            return None
        return short_id([grade.outcome, grade.answer])

    async def judge(self, view: View, ask: Ask) -> Verdict:
        """Ask about one grade."""
        number = view.seed
        grade = self.store.grade(number)
        assert grade is not None
        question = self.store.question(self.store.owner(number))
        return Verdict(preference=SAID[await self.make(ask).agrees(question, self.store.response(number), grade)])

    def replies(self, trial: str) -> RecordedReplies:  # noqa: ARG002 - an opinion is asked for once
        """Return nothing: an opinion that is there is not asked for again."""
        return {}

    def add_reply(self, trial: str, request: str, nth: int, reply: Reply) -> None:
        """Keep nothing: the opinion follows."""

    def add_judgment(self, judgment: Judgment) -> None:
        """Append an opinion."""
        assert judgment.verdict is not None
        assert judgment.verdict.preference is not None
        number, _, mark = judgment.trial.item.partition("-")
        agrees = MEANT[judgment.verdict.preference]
        line = {"response": int(number), "grade": mark, "model": self.model, "agrees": agrees, "cost": judgment.cost}
        self.store.seconds.append(line)
        self._keep(int(number), mark, agrees)

    def sync(self) -> None:
        """Force what came to disk."""
        self.store.seconds.sync()


def second_backend(config: "BuildConfig") -> Backend:
    """Return the second grader's backend. Raises what can be known before anyone is asked: no key, no price."""
    backend = build_backend(config.second_grader or "", base_url=config.second_base_url, timeout=config.timeout)
    backend.check()
    if config.max_cost is not None and backend.price() is None:
        raise UsageError(f"--max-cost cannot be kept: no price is known for {config.second_grader}. Leave it out")
    return backend


async def second_opinions(
    building: "Building", store: BuildStore, chosen: list[int], *,
    watch: "Watch | None" = None, backend: Backend | None = None, make: Callable[[Ask], Second] | None = None,
) -> Opinions:  # fmt: skip
    """Return what the second grader says of all right and wrong responses. Raises Incomplete."""
    config = building.config
    model = config.second_grader or ""
    opinions = Opinions(store, model, make or second_grader())
    left = sum(1 for _ in opinions.work(chosen, building.k))
    backend = backend or second_backend(config)
    limiter = Limiter(config.concurrency or backend.concurrency, config.max_attempts, Pace(config.rpm, config.tpm))
    tally = Tally(total=left, spent=store.spent + opinions.spent)
    models = Models(backend, build_backend)
    cache = ReplyCache(default_folder()) if config.cache else None
    means = Means(models, limiter, opinions, tally, cache, config.max_cost)
    with watch(tally, limiter, models) if watch else nullcontext():
        await Runner(opinions, means).run(opinions.work(chosen, building.k))
    if tally.failed:
        raise Incomplete(
            f"{tally.done} of {left} second opinions are there; {tally.failed} failed after all retries "
            f"({tally.last_failure}). The same command continues"
        )
    return opinions
