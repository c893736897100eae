"""A backend that asks in provider batches: half the price, within a day.

Requests gather until none has come for a moment: whoever can ask has asked. Then they become one batch, which
is recorded before it is polled, and the results go back to those who wait. A judge that asks again after a reply
simply asks in the next round. What a batch leaves unanswered is asked again in a later one, finitely often.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, TypeVar

from judgebench.backends.base import Backend
from judgebench.backends.batch_providers import Canceled, Missing, Outcome, State, TooLarge, provider_of
from judgebench.backends.wire import Call
from judgebench.errors import PermanentError, RateLimited, TransientError, UsageError
from judgebench.prices import Price
from judgebench.records import ChatRequest, Reply, ScoreRequest, TextRequest
from judgebench.run.batches import Batch, Batches
from judgebench.run.keys import request_key

Anything = TypeVar("Anything")
QUIET = 2.0
"""Seconds without a new request after which a batch is closed."""
ATTEMPTS = 3
"""In how many batches a request is asked before its trial fails; each may take a day."""
FIRST_POLL, LONGEST_POLL, POLL_GROWTH = 5.0, 60.0, 1.5
"""Seconds between two looks at a batch: the first pause, the longest, and their ratio."""
PATIENCE = 60
"""Failures in a row that an upload, a submission or a poll survives: an hour without network loses nothing."""


@dataclass
class Item:
    """A request that waits: its name, its line of the batch, and where the outcome is awaited."""

    name: str
    line: bytes
    outcome: asyncio.Future[Outcome]


@dataclass
class Lane:
    """Requests that may share a batch, because path and headers are the same."""

    like: Call
    items: list[Item] = field(default_factory=list)
    size: int = 0
    timer: asyncio.TimerHandle | None = None


class BatchingBackend(Backend):
    """Asks what `inner` would ask live. `attach` it to a run's journal before the first request.

    `waiting` holds, for every batch that is not ended, when it was submitted (`time.monotonic`) and how many requests
    wait for it. `quiet` is in seconds; `sleep` is injectable so that tests need not wait.
    """

    name: ClassVar[str] = "batch"
    cacheable: ClassVar[bool] = True

    def __init__(
        self, inner: Backend, quiet: float = QUIET, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        super().__init__(inner.endpoint)
        self.provider = provider_of(inner)
        self.inner = self.provider.backend
        self.quiet = quiet
        self.sleep = sleep
        self.waiting: dict[str, tuple[float, int]] = {}
        self._record: Callable[[Batch], None] = lambda _batch: None
        self._earlier = Batches({}, {})
        self._collecting: dict[str, asyncio.Task[dict[str, Outcome]]] = {}
        self._lanes: dict[Any, Lane] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._submissions: set[asyncio.Task[Any]] = set()
        self._numbers = count()

    def attach(self, earlier: Batches, record: Callable[[Batch], None]) -> None:
        """Take over a run: `earlier` are the batches of its sessions before, `record` journals a new one."""
        self._earlier = earlier
        self._record = record

    @property
    def custom_url(self) -> str | None:
        """Return the base URL when it is not the provider's own."""
        return self.inner.custom_url

    @property
    def identity(self) -> dict[str, Any]:
        """Return the model's identity: a reply from a batch is as good as a live one."""
        return self.inner.identity

    @property
    def gathering(self) -> int:
        """Return how many requests are in no batch yet."""
        return sum(len(lane.items) for lane in list(self._lanes.values()))

    def price(self) -> Price | None:
        """Return the model's price in a batch, None when it is unknown."""
        price = self.inner.price()
        return None if price is None else price.batched()

    def check(self) -> None:
        """Raise MissingPrerequisite when a key is missing."""
        self.inner.check()

    def describe(self) -> dict[str, Any]:
        """Return the versions of the packages on the wire, and that replies came in batches."""
        return self.inner.describe() | {"batch": True}

    async def answer(self, request: ChatRequest | TextRequest | ScoreRequest, sample: str | None = None) -> Reply:
        """Answer in the next batch, or in the one in which this sample was asked before.

        Raises PermanentError, and TransientError when the attempts are used up or the batch was canceled.
        """
        if isinstance(request, ScoreRequest):
            raise UsageError(f"{self.inner.name} scores nothing in batches; leave out --batch")
        call = self.inner.render(request)
        name = sample or f"{request_key(request)}-{next(self._numbers)}"
        outcome = await self._asked_before(name)
        # What an earlier session's batch failed at is old news: it is asked again.
        attempt = 0
        while not isinstance(outcome, Reply):
            attempt += 1
            outcome = await self._enqueue(name, call)
            if isinstance(outcome, PermanentError | Canceled):
                raise outcome
            if not isinstance(outcome, Reply) and attempt == ATTEMPTS:
                raise outcome
        return outcome

    async def aclose(self) -> None:
        """Stop waiting and close connections; what was submitted goes on. Safe to call twice.

        A submission on its way is waited for: it is paid for, and must not be forgotten.
        """
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._submissions, return_exceptions=True)
        await self.inner.aclose()

    # -- asked before --------------------------------------------------------------------------------------

    async def _asked_before(self, name: str) -> Outcome | None:
        batch = self._earlier.waiting.get(name)
        if batch is None:
            return None
        if batch not in self._collecting:
            self._collecting[batch] = _start(self._collect_again(self._earlier.by_id[batch]), self._tasks)
        outcomes = await asyncio.shield(self._collecting[batch])
        return outcomes.pop(name, None)

    async def _collect_again(self, batch: Batch) -> dict[str, Outcome]:
        try:
            state = await self._ended(batch, self._earlier.left(batch))
        except Missing:
            if batch.canceled:
                return {}
            raise
        try:
            return await self._patiently(lambda: self.provider.results(state))
        except (TooLarge, PermanentError):
            return {}  # refused as a whole, or too old: nothing is to be had any more

    # -- a new batch -----------------------------------------------------------------------------------------

    def _enqueue(self, name: str, call: Call) -> asyncio.Future[Outcome]:
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault((call.path, *sorted(call.headers.items())), Lane(call))
        # A copy, because orjson's own buffer is several times as long as the line, and lines wait for a day.
        line = bytes(memoryview(self.provider.line(name, call)))
        item = Item(name, line, loop.create_future())
        size = len(item.line) + 1
        if len(lane.items) == self.provider.most_requests or lane.size + size > self.provider.most_bytes:
            self._close(lane)
        lane.items.append(item)
        lane.size += size
        if lane.timer is not None:
            lane.timer.cancel()
        lane.timer = loop.call_later(self.quiet, self._close, lane)
        return item.outcome

    def _close(self, lane: Lane) -> None:
        """Make one batch of what has gathered."""
        items, lane.items, lane.size = lane.items, [], 0
        if items:
            _start(self._run(items, lane.like), self._tasks)

    async def _run(self, items: list[Item], like: Call) -> None:
        """Bring items through, or tell all that still wait why not."""
        try:
            await self._submit(items, like)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
            for item in items:
                if not item.outcome.done():
                    item.outcome.set_exception(error)

    async def _submit(self, items: list[Item], like: Call) -> None:
        try:
            uploaded = await self._patiently(lambda: self.provider.upload([item.line for item in items]))
            names = tuple(item.name for item in items)
            batch = await self._patiently(
                lambda: asyncio.shield(_start(self._create(uploaded, like, names), self._submissions))
            )
            state = await self._ended(batch, len(items))
            outcomes = await self._patiently(lambda: self.provider.results(state))
        except TooLarge as error:
            await self._split(items, like, error)
            return
        missing = TransientError(f"batch {batch.id} ended without a result for it")
        for item in items:
            if not item.outcome.done():
                item.outcome.set_result(outcomes.get(item.name, missing))

    async def _create(self, uploaded: Any, like: Call, names: tuple[str, ...]) -> Batch:
        name = await self.provider.create(uploaded, like)
        batch = Batch(name, f"{self.inner.name}/{self.endpoint.model}", names, submitted=time.time())
        self._record(batch)
        return batch

    async def _split(self, items: list[Item], like: Call, error: TooLarge) -> None:
        if len(items) == 1:
            raise error.alone from None
        middle = len(items) // 2
        for half in (items[:middle], items[middle:]):
            if error.crowded:
                await self._submit(half, like)
            else:
                _start(self._run(half, like), self._tasks)

    async def _ended(self, batch: Batch, requests: int) -> State:
        now = time.time()
        age = max(0.0, now - (batch.submitted or now))  # the clock may have been set back since
        self.waiting[batch.id] = (time.monotonic() - age, requests)
        pause = FIRST_POLL
        try:
            while not (state := await self._patiently(lambda: self.provider.poll(batch.id))).ended:
                await self.sleep(pause)
                pause = min(LONGEST_POLL, pause * POLL_GROWTH)
        finally:
            del self.waiting[batch.id]
        return state

    async def _patiently(self, attempt: Callable[[], Awaitable[Anything]]) -> Anything:
        """Try until it works: one failure here would fail every request of the batch."""
        pause = FIRST_POLL
        for _ in range(PATIENCE - 1):
            try:
                return await attempt()
            except (RateLimited, TransientError) as error:
                await self.sleep(max(pause, error.retry_after or 0.0))
                pause = min(LONGEST_POLL, pause * POLL_GROWTH)
        return await attempt()


def _start(work: Coroutine[Any, Any, Anything], among: set[asyncio.Task[Any]]) -> asyncio.Task[Anything]:
    """Start a task and keep hold of it until it is done."""
    task = asyncio.get_running_loop().create_task(work)
    among.add(task)
    task.add_done_callback(among.discard)
    return task


def batching(backend: Backend) -> BatchingBackend:
    """Return a backend that asks in batches. Raises UsageError when its provider has none."""
    return backend if isinstance(backend, BatchingBackend) else BatchingBackend(backend)
