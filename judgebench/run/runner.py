"""The runner: judges every trial that is not in the journal yet.

It knows no judge, task or metric. It supplies `ask`, the judge's only door out; what comes back through the
door is journaled before the judge sees it, so a killed trial resumes in the middle and pays nothing twice.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from judgebench.backends.base import Backend
from judgebench.cache import ReplyCache, address
from judgebench.errors import BackendError, Incomplete, JudgebenchError, PermanentError, UsageError
from judgebench.judges.base import Judge
from judgebench.records import (
    ChatRequest,
    Fault,
    Judgment,
    Reply,
    ScoreRequest,
    TextRequest,
    Trial,
    Usage,
    View,
)
from judgebench.run.batches import sample_name
from judgebench.run.keys import request_key
from judgebench.run.limits import Limiter
from judgebench.run.store import RecordedReplies

Work = tuple[Trial, View]
AnyRequest = ChatRequest | TextRequest | ScoreRequest
SYNC_EVERY = 1.0
"""Seconds between two fsyncs of the journal."""


@dataclass
class Tally:
    """What a run has done so far, for progress and for the closing line.

    `spent` is in USD, over all sessions of the run; `unpriced` counts the replies whose price is unknown. `where`
    says on how much of a cluster it is judged.
    """

    total: int
    done: int = 0
    resumed: int = 0
    failed: int = 0
    hits: int = 0
    spent: float = 0.0
    unpriced: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    last_failure: str = ""
    where: str = ""

    @property
    def left(self) -> int:
        """Return how many trials are neither done nor failed."""
        return self.total - self.done - self.failed


@dataclass
class Models:
    """Backends by model name, built when first needed. `default` answers requests that name no model."""

    default: Backend | None
    build: Callable[[str], Backend]
    others: dict[str, Backend] = field(default_factory=dict)

    def get(self, model: str | None) -> Backend:
        """Return the backend of a model; None is the judge's own."""
        if model is None:
            if self.default is None:
                raise UsageError("this judge asks a model, but none is named. Type: --model provider/name")
            return self.default
        if model not in self.others:
            self.others[model] = self.build(model)
        return self.others[model]

    async def aclose(self) -> None:
        """Close every backend."""
        for backend in (self.default, *self.others.values()):
            if backend is not None:
                await backend.aclose()


class Journal(Protocol):
    """Where replies and judgments are kept: a `Store`, or what a worker of a cluster has in its place."""

    done: set[str]

    def replies(self, trial: str) -> RecordedReplies:
        """Return what this trial had been told before it was interrupted."""
        ...

    def add_reply(self, trial: str, request: str, nth: int, reply: Reply) -> None:
        """Keep a reply, verbatim."""
        ...

    def add_judgment(self, judgment: Judgment) -> None:
        """Keep a judgment; its trial is done."""
        ...

    def sync(self) -> None:
        """Make what is kept survive the machine."""
        ...


@dataclass(frozen=True)
class Means:
    """What a run has to answer requests with, shared by the doors of all its trials.

    `settled` is waited for before a request where others spend on the same run: the tally then knows what they have.
    """

    models: Models
    limiter: Limiter
    store: Journal
    tally: Tally
    cache: ReplyCache | None = None
    max_cost: float | None = None
    settled: Callable[[], Awaitable[None]] | None = None

    @property
    def is_spent(self) -> bool:
        """Return whether the run has cost what it may cost."""
        return self.max_cost is not None and self.tally.spent >= self.max_cost


def over_budget(means: Means) -> Incomplete:
    """Return the error of a run that has cost what it may cost."""
    tally = means.tally
    return Incomplete(
        f"stopped at ${tally.spent:,.4f} of --max-cost {means.max_cost}: {tally.done} of {tally.total} judged. "
        "The same command with a higher --max-cost continues"
    )


class _Stop(Exception):
    """Nothing more may be asked: leave the trial for the next run."""


class Door:
    """The `ask` of one trial: recorded replies first, then the cache, then the backend, journaling what it says."""

    def __init__(self, trial: Trial, means: Means) -> None:
        self.trial = trial
        self.key = trial.key
        self.means = means
        self.recorded = means.store.replies(self.key)
        self.asked: Counter[str] = Counter()
        self.usage = Usage()
        self.seconds = 0.0
        self.cost: float | None = 0.0

    async def __call__(self, request: AnyRequest) -> Reply:
        """Answer a request: from the journal when this trial was told it before, else from the model."""
        key = request_key(request)
        nth = self.asked[key]
        self.asked[key] += 1
        reply = self.recorded.get((key, nth))
        if reply is None:
            reply = await self._answer(request, key, nth)
            self.means.store.add_reply(self.key, key, nth, reply)
        self.usage += reply.usage
        self.seconds += reply.seconds
        self.cost = None if self.cost is None or reply.cost is None else self.cost + reply.cost
        return reply

    async def _answer(self, request: AnyRequest, key: str, nth: int) -> Reply:
        means = self.means
        backend = means.models.get(request.model)
        sample = sample_name(key, self.key, nth)
        if means.cache is None or not backend.cacheable:
            return await self._send(backend, request, sample)
        place = address(backend, request, self.trial.repeat, nth)
        if (reply := means.cache.get(place)) is not None:
            means.tally.hits += 1
            return reply
        reply = await self._send(backend, request, sample)
        means.cache.put(place, reply)
        return reply

    async def _send(self, backend: Backend, request: AnyRequest, sample: str) -> Reply:
        means = self.means
        if means.settled is not None:
            await means.settled()
        if means.is_spent:
            raise _Stop
        started = time.perf_counter()
        reply = await means.limiter.call(lambda: backend.answer(request, sample))
        price = backend.price()
        cost = price.of(reply.usage) if price is not None and reply.cost is None else reply.cost
        means.tally.spent += cost or 0.0
        means.tally.unpriced += cost is None
        return reply.model_copy(update={"cost": cost, "seconds": reply.seconds or time.perf_counter() - started})


@dataclass
class Runner:
    """Runs one judge over one stream of trials into one store."""

    judge: Judge
    means: Means
    _streak: int = field(default=0, init=False)
    _stopping: bool = field(default=False, init=False)

    async def run(self, work: Iterable[Work]) -> Tally:
        """Judge what is left. Raises PermanentError at once, Incomplete when the judge or the server breaks down.

        Trials that failed for a while are left for the next run; the tally counts them.
        """
        pending = self._pending(work)
        syncing = asyncio.create_task(self._sync_regularly())
        workers = [asyncio.create_task(self._work(pending)) for _ in range(self.means.limiter.most)]
        judging = asyncio.gather(*workers)
        try:
            # The one who syncs ends only by failing: a disk that takes no more stops the run.
            await asyncio.wait((judging, syncing), return_when=asyncio.FIRST_COMPLETED)
            await (syncing if syncing.done() else judging)
        finally:
            for task in (*workers, syncing):
                task.cancel()
            await asyncio.gather(*workers, judging, syncing, return_exceptions=True)
            await self.means.models.aclose()
        if self._stopping:
            raise over_budget(self.means)
        return self.means.tally

    def _pending(self, work: Iterable[Work]) -> Iterator[Work]:
        for trial, view in work:
            if trial.key in self.means.store.done:
                self.means.tally.done += 1
                self.means.tally.resumed += 1
            else:
                yield trial, view

    async def _sync_regularly(self) -> None:
        while True:
            await asyncio.sleep(SYNC_EVERY)
            self.means.store.sync()

    async def _work(self, pending: Iterator[Work]) -> None:
        for trial, view in pending:
            await self._one(trial, view)
            if self._stopping:
                return
            # A judge that asks nothing never waits: let progress, signals and the other workers in.
            await asyncio.sleep(0)

    async def _one(self, trial: Trial, view: View) -> None:
        door = Door(trial, self.means)
        try:
            verdict = await self.judge.judge(view, door)
        except _Stop:
            self._stopping = True
            return
        except PermanentError:
            raise
        except BackendError as error:
            self._failed(error)
            return
        except JudgebenchError:
            raise
        except Exception as error:
            raise Incomplete(
                f"the judge crashed on item {trial.item}: {type(error).__name__}: {error}. "
                "Nothing is lost; mend the judge and run again"
            ) from error
        outcome = {"fault": verdict} if isinstance(verdict, Fault) else {"verdict": verdict}
        judgment = Judgment(trial=trial, usage=door.usage, seconds=door.seconds, cost=door.cost, **outcome)
        self.means.store.add_judgment(judgment)
        self.means.tally.done += 1
        self._streak = 0
        if isinstance(verdict, Fault):
            self.means.tally.faults[verdict.kind] += 1

    def _failed(self, error: BackendError) -> None:
        """Leave a trial for the next run; give up on a server that answers nobody any more."""
        self.means.tally.failed += 1
        self.means.tally.last_failure = str(error)
        self._streak += 1
        if self._streak >= self.means.limiter.most:
            raise Incomplete(f"{self._streak} calls in a row failed after all retries, the last one with: {error}")
