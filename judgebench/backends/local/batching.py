"""Micro-batches behind an async door: many callers, one worker thread, one batch at a time.

Knows nothing of models. A job has a length in tokens and a group (what may share a batch). All jobs that wait when a
round begins are sorted by length and cut into batches of no more tokens than the budget, padding included; whoever
arrives during a round is in the next one, so nobody starves. What a job is answered must not depend on its batch.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from judgebench.errors import TransientError

J = TypeVar("J")
R = TypeVar("R")

WAIT = 0.02
"""Seconds without a newcomer, none being expected, after which a round begins. With a full batch it begins at once."""
MOST_ROWS = 256
"""Rows of one batch, however short: every row costs some work on the host at each step."""
SAFE = 0.8
"""What a batch may take of the free memory: the rest is for fragments and for what a longer reply adds."""
BAN = 64
"""Clean batches after which a size that once ran out of memory may be tried again."""


class Meter(Protocol):
    """Measures the memory of a batch. All calls come from the worker thread."""

    def start(self) -> None:
        """Begin a batch."""

    def share(self) -> float | None:
        """Return the share of the memory free to batches that the last one took at its peak; None when unknown."""

    def release(self) -> None:
        """Give back what a batch that failed still holds."""


class NoMeter:
    """For devices that cannot be asked."""

    def start(self) -> None:
        """Do nothing."""

    def share(self) -> float | None:
        """Return None: nothing is known."""
        return None

    def release(self) -> None:
        """Do nothing."""


@dataclass
class Budget:
    """The tokens of one batch, padding included: `tokens` now, never more than `most`.

    It follows the memory that batches were measured to take. Only a batch that filled at least half of it lets it grow,
    to twice its size at most. A batch that ran out of memory halves it; for a while it then stays under three quarters
    of that batch.
    """

    tokens: int
    most: int
    halvings: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.tokens = min(self.tokens, self.most)
        self._ceiling = self.most
        self._clean = 0

    def ran(self, tokens: int, share: float | None) -> None:
        """Learn from a batch of `tokens` that took `share` of the memory free to it."""
        self._clean += 1
        if self._clean >= BAN:
            self._ceiling = self.most
        affordable = int(min(self.most, SAFE * tokens / share)) if share else self.most
        grown = 2 * self.tokens if 2 * tokens >= self.tokens else self.tokens
        self.tokens = max(1, min(affordable, grown, self._ceiling))

    def ran_out(self, tokens: int) -> None:
        """Learn that a batch of `tokens` did not fit."""
        self.halvings += 1
        self._clean = 0
        self._ceiling = max(1, min(self._ceiling, tokens * 3 // 4))
        self.tokens = max(1, min(self.tokens, tokens) // 2)


@dataclass(frozen=True)
class Done(Generic[R]):
    """A job's result, and the seconds of its batch that fall to it by its length."""

    result: R
    seconds: float


@dataclass(eq=False)
class _Ticket(Generic[J, R]):
    job: J
    length: int
    group: Hashable
    future: "asyncio.Future[Done[R]]"


class MicroBatcher(Generic[J, R]):
    """Runs jobs in batches in a thread of its own.

    `run` answers one batch, in order. A batch that runs out of memory (`out_of_memory` says which exceptions mean
    that) halves the budget and is split; any other exception splits it too, until it has met the jobs that caused it.
    `advice` ends the message to a job that does not even fit alone. `bucket` is what lengths are rounded up to.
    """

    def __init__(
        self,
        run: Callable[[list[J]], Sequence[R]],
        *,
        length: Callable[[J], int],
        budget: Budget,
        group: Callable[[J], Hashable] = lambda _: None,
        bucket: int = 8,
        wait: float = WAIT,
        meter: Meter | None = None,
        out_of_memory: Callable[[BaseException], bool] = lambda error: isinstance(error, MemoryError),
        advice: str = "",
    ) -> None:
        self.budget = budget
        self.batches = 0
        self._run, self._length, self._group = run, length, group
        self._bucket, self._wait, self._advice = bucket, wait, advice
        self._meter: Meter = meter or NoMeter()
        self._out_of_memory = out_of_memory
        self._waiting: list[_Ticket[J, R]] = []
        self._round: list[_Ticket[J, R]] = []
        self._batch: list[_Ticket[J, R]] = []
        self._expected = 0
        self._arrived = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judgebench-batches")

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Announce jobs that are being made: a batch that is not full waits for them."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1

    async def submit(self, jobs: Sequence[J]) -> list[Done[R]]:
        """Return what `run` answers to each job. Raises what it raised for any of them; the others are dropped."""
        if self._closed:
            raise TransientError("the model was unloaded before this request came")
        loop = asyncio.get_running_loop()
        tickets = [_Ticket(job, self._length(job), self._group(job), loop.create_future()) for job in jobs]
        self._waiting += tickets
        self._arrived.set()
        if self._serving is None:
            self._serving = loop.create_task(self._serve())
        try:
            found: list[Done[R]] = await asyncio.gather(*(ticket.future for ticket in tickets))
            return found
        finally:
            for ticket in tickets:
                ticket.future.cancel()

    async def aclose(self) -> None:
        """Stop: whoever still waits gets a TransientError. Returns when the batch being run has ended."""
        self._closed = True
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
            self._serving = None
            await asyncio.get_running_loop().run_in_executor(self._thread, lambda: None)
        self._thread.shutdown(wait=False)

    async def _serve(self) -> None:
        """Run rounds for ever. Whatever ends it, nobody is left waiting."""
        error: Exception = TransientError("the model was unloaded before this request was answered")
        try:
            while True:
                await self._gather()
                self._round, self._waiting = self._sorted(self._waiting), []
                while batch := self._cut():
                    self._batch = batch
                    await self._settle(batch)
        except Exception as found:
            error = found
            raise
        finally:
            self._closed = True
            for ticket in (*self._batch, *self._round, *self._waiting):
                _settled(ticket, error)

    async def _gather(self) -> None:
        """Wait until a batch is full, or until some wait, nobody is expected and nobody has come for a moment."""
        await self._arrived.wait()
        seen = -1
        while sum(ticket.length for ticket in self._waiting) < self.budget.tokens:
            if seen == len(self._waiting) and not self._expected:
                break
            seen = len(self._waiting)
            await asyncio.sleep(self._wait)
        self._arrived.clear()

    def _sorted(self, tickets: list[_Ticket[J, R]]) -> list[_Ticket[J, R]]:
        """Return the tickets group by group, the longest first: what does not fit shows at once."""
        order: dict[Hashable, int] = {}
        for ticket in tickets:
            order.setdefault(ticket.group, len(order))
        return sorted(tickets, key=lambda ticket: (order[ticket.group], -ticket.length))

    def _cut(self) -> list[_Ticket[J, R]]:
        """Take the next batch off the front of the round; empty when nobody in it waits any more."""
        self._round = [ticket for ticket in self._round if not ticket.future.done()]
        if not self._round:
            return []
        most = max(1, min(MOST_ROWS, self.budget.tokens // self._width(self._round)))
        batch = [ticket for ticket in self._round[:most] if ticket.group == self._round[0].group]
        del self._round[: len(batch)]
        return batch

    def _width(self, tickets: list[_Ticket[J, R]]) -> int:
        """Return the padded length of a batch that begins with its longest ticket."""
        return -(-max(1, tickets[0].length) // self._bucket) * self._bucket

    async def _settle(self, batch: list[_Ticket[J, R]]) -> None:
        """Run a batch. If it fails, run its halves, down to the job that is to blame; without memory, cut it anew."""
        parts = [batch]
        while parts:
            part = [ticket for ticket in parts.pop() if not ticket.future.done()]
            if not part:
                continue
            started = time.perf_counter()
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._attempt, part)
            pace = (time.perf_counter() - started) / max(1, sum(ticket.length for ticket in part))
            if isinstance(found, list):
                for ticket, result in zip(part, found, strict=True):
                    _settled(ticket, Done(result, pace * ticket.length))
            elif len(part) == 1:
                _settled(part[0], found or self._too_long(part[0]))
            elif found is None:
                self._round[:0] = sum(reversed(parts), part)
                return
            else:
                half = len(part) // 2
                parts += [part[half:], part[:half]]

    def _attempt(self, part: list[_Ticket[J, R]]) -> list[R] | Exception | None:
        """Run a batch in the worker thread. Return its results, what it raised, or None when memory ran out.

        Then not even the exception is kept: the frames of its traceback hold what filled the memory.
        """
        tokens = self._width(part) * len(part)
        self._meter.start()
        try:
            results = list(self._run([ticket.job for ticket in part]))
            if len(results) != len(part):
                return RuntimeError(f"{len(results)} results for {len(part)} jobs")
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits for these jobs
            if not self._out_of_memory(error):
                return error
        else:
            self.batches += 1
            self.budget.ran(tokens, self._meter.share())
            return results
        self._meter.release()
        self.budget.ran_out(tokens)
        return None

    def _too_long(self, ticket: _Ticket[J, R]) -> Exception:
        return TransientError(f"a request of {ticket.length:,} tokens alone does not fit into memory. {self._advice}")


def _settled(ticket: _Ticket[J, R], outcome: Done[R] | Exception) -> None:
    if ticket.future.done():  # nobody waits any more
        return
    if isinstance(outcome, Done):
        ticket.future.set_result(outcome)
    else:
        ticket.future.set_exception(outcome)
