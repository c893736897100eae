"""What runs inside a Ray cluster: workers that judge batches of trials, and the desk where they get them.

The driver owns the journal and the plan; a worker owns a judge and its backends. Between them stands the desk, an
actor beside the driver. A worker asks it for the batch of a ticket, pays and keeps pace there, and hears from it
when to stop. What came of a batch goes back through Ray Data.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import orjson

from judgebench.cache import ReplyCache, default_folder
from judgebench.errors import JudgebenchError, MissingPrerequisite
from judgebench.recipe import Recipe
from judgebench.records import Judgment, Reply, Trial, View
from judgebench.run.limits import Limiter
from judgebench.run.pace import Pace
from judgebench.run.runner import Means, Models, Runner, Tally, Work
from judgebench.run.store import RecordedReplies

THERE = "on a worker of the Ray cluster"
Request = tuple[int, str, str]
"""A ticket whose batch a worker asks for, the worker, and its node."""


class Desk:
    """The actor between driver and workers. It holds nothing but what is on its way."""

    def __init__(self, rpm: int | None, tpm: int | None, spent: float) -> None:
        self._pace = Pace(rpm, tpm)
        self._spent = spent
        self._requests: list[Request] = []
        self._asked = asyncio.Event()
        self._waiting: dict[int, list[asyncio.Future[bytes]]] = defaultdict(list)
        self._stop = asyncio.Event()

    async def ask(self, ticket: int, worker: str, node: str) -> bytes:
        """Return the batch of a ticket, as soon as the driver hands it over."""
        batch: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[ticket].append(batch)
        self._requests.append((ticket, worker, node))
        self._asked.set()
        return await batch

    async def requests(self) -> list[Request]:
        """Wait until workers ask; return what they ask for."""
        await self._asked.wait()
        self._asked.clear()
        found, self._requests = self._requests, []
        return found

    async def hand(self, ticket: int, batch: bytes) -> None:
        """Give the batch of a ticket to everyone who asked for it."""
        for waiting in self._waiting.pop(ticket, ()):
            if not waiting.done():
                waiting.set_result(batch)

    async def pay(self, cost: float) -> float:
        """Add to what the run has cost, in USD; return the sum."""
        self._spent += cost
        return self._spent

    async def start(self) -> None:
        """Wait until another request may start."""
        await self._pace.start()

    async def used(self, tokens: int) -> None:
        """Count the tokens of an answered request."""
        self._pace.used(tokens)

    async def stop(self) -> None:
        """Have all workers end their batches."""
        self._stop.set()

    async def stopped(self) -> None:
        """Wait until the workers are to end their batches."""
        await self._stop.wait()


class SharedPace(Pace):
    """The pace of all workers together, kept at the desk."""

    def __init__(self, desk: Any) -> None:
        super().__init__()
        self._desk = desk

    async def start(self) -> None:
        """Wait until another request may start, here or anywhere."""
        await self._desk.start.remote()

    def used(self, tokens: int) -> None:
        """Count the tokens of an answered request."""
        if tokens:
            self._desk.used.remote(tokens)


@dataclass
class Lines:
    """The journal of a worker: holds a trial's replies and judgment as JSON until they go to the driver's."""

    paid: Callable[[float], None]
    done: set[str] = field(default_factory=set)
    recorded: dict[str, RecordedReplies] = field(default_factory=dict)
    _told: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    _judged: dict[str, Any] = field(default_factory=dict)

    def replies(self, trial: str) -> RecordedReplies:
        """Return what this trial had been told before it was interrupted."""
        return self.recorded.pop(trial, {})

    def add_reply(self, trial: str, request: str, nth: int, reply: Reply) -> None:
        """Keep a reply, verbatim."""
        self._told[trial].append((request, nth, _json(reply)))
        if reply.cost:
            self.paid(reply.cost)

    def add_judgment(self, judgment: Judgment) -> None:
        """Keep a judgment."""
        self._judged[judgment.trial.key] = _json(judgment)

    def sync(self) -> None:
        """Do nothing: what is not with the driver yet is lost with the worker."""

    def take(self, trial: str) -> dict[str, Any]:
        """Return what is held of a trial and let go of it."""
        return {"trial": trial, "replies": self._told.pop(trial, []), "judgment": self._judged.pop(trial, None)}


class _Kept(Models):
    """Backends that outlive a batch."""

    async def aclose(self) -> None:
        """Leave them open: the next batch needs them."""


class Bench:
    """A judge with its backends, at work on the batches of one or several tickets in one event loop."""

    def __init__(self, recipe: bytes, desk: Any, worker: str, node: str) -> None:
        self._recipe = recipe
        self._desk = desk
        self._holder = (worker, node)
        self._lines = Lines(self._paid)
        self._runner: Runner | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._telling: set[asyncio.Future[None]] = set()
        self._about: dict[str, Any] | None = None

    async def judge(self, ticket: int) -> bytes:
        """Judge the batch of a ticket. What went wrong is returned like what went well, with what was paid for."""
        batch = orjson.loads(await self._desk.ask.remote(ticket, *self._holder))
        outcome: dict[str, Any] = {}
        try:
            if batch:
                outcome = await self._judge(batch)
        except JudgebenchError as error:
            outcome["error"] = (type(error).__name__, str(error))
        except Exception as error:  # noqa: BLE001 - the driver says it in a line
            outcome["error"] = ("Incomplete", f"a worker failed: {type(error).__name__}: {error}")
        outcome["trials"] = [self._lines.take(packed["key"]) for packed in batch]
        return orjson.dumps(outcome)

    async def _judge(self, batch: list[dict[str, Any]]) -> dict[str, Any]:
        runner = self._runner = self._runner or self._build()
        assert self._stopped is not None
        if runner.means.max_cost is not None:
            await self._pay(0.0)
        running: asyncio.Future[Any] = asyncio.ensure_future(runner.run([self._unpacked(packed) for packed in batch]))
        ends: set[asyncio.Future[Any]] = {running, self._stopped}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            running.cancel()
        try:
            await running
        except asyncio.CancelledError:
            return {}
        except JudgebenchError:
            if not runner.means.is_spent:
                raise
            return {"spent": True}
        return self._facts(runner)

    def _facts(self, runner: Runner) -> dict[str, Any]:
        """Return why trials failed, and once what answered: a model knows its device when it is loaded."""
        facts: dict[str, Any] = {"failure": runner.means.tally.last_failure}
        if self._about is None:
            default = runner.means.models.default
            facts["about"] = self._about = default.describe() if default else {}
        return facts

    def _build(self) -> Runner:
        from ray import cloudpickle

        try:
            recipe: Recipe = cloudpickle.loads(self._recipe)
            judge, models = recipe.build()
        except ImportError as error:
            raise MissingPrerequisite(f"the judge cannot be loaded {THERE}: {error}. Install it there") from error
        except MissingPrerequisite as error:
            raise MissingPrerequisite(f"{error} ({THERE})") from error
        config = recipe.config
        pace = SharedPace(self._desk) if config.rpm or config.tpm else Pace()
        limiter = Limiter(recipe.concurrency, config.max_attempts, pace)
        cache = ReplyCache(default_folder()) if config.cache else None
        self._stopped = asyncio.ensure_future(_answer(self._desk.stopped))
        kept = _Kept(models.default, models.build)
        settled = None if config.max_cost is None else self._settled
        return Runner(judge, Means(kept, limiter, self._lines, Tally(total=0), cache, config.max_cost, settled))

    def _unpacked(self, packed: dict[str, Any]) -> Work:
        if packed["replies"]:
            self._lines.recorded[packed["key"]] = {
                (request, nth): Reply.model_validate(reply) for request, nth, reply in packed["replies"]
            }
        return Trial.model_validate(packed["trial"]), View.model_validate(packed["view"])

    def _paid(self, cost: float) -> None:
        """Tell the desk what a reply cost, while the judge goes on."""
        if self._runner is not None and self._runner.means.max_cost is not None:
            telling = asyncio.ensure_future(self._pay(cost))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    async def _settled(self) -> None:
        """Wait until the desk has answered what was told: a sum still on its way would let one call too many start."""
        if self._telling:
            await asyncio.wait(self._telling)

    async def _pay(self, cost: float) -> None:
        """Hear from the desk what all workers together have spent."""
        spent = await self._desk.pay.remote(cost)
        assert self._runner is not None
        tally = self._runner.means.tally
        tally.spent = max(tally.spent, spent)


class Worker:
    """The actor of Ray Data's pool: takes tickets, gives what came of their batches.

    Ray Data calls it from several threads. One event loop serves them all, so that the calls of one batch fill the
    gaps that the last calls of another leave.
    """

    def __init__(self, recipe: bytes, desk: Any) -> None:
        import ray

        context = ray.get_runtime_context()
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()
        self._bench = Bench(recipe, desk, context.get_worker_id(), context.get_node_id())

    def __call__(self, tickets: Any) -> Any:
        """Judge the batch of the one ticket in a table."""
        import pyarrow as pa

        (ticket,) = tickets["item"].to_pylist()
        outcome = asyncio.run_coroutine_threadsafe(self._bench.judge(ticket), self._loop).result()
        return pa.table({"ticket": [ticket], "outcome": [outcome]})


async def _answer(method: Any) -> None:
    await method.remote()


def _json(record: Any) -> orjson.Fragment:
    """Return a record as JSON. What cannot be journaled fails here, inside its trial."""
    return orjson.Fragment(orjson.dumps(record.model_dump(mode="json", exclude_defaults=True)))


def pack(trial: Trial, view: View, recorded: RecordedReplies) -> bytes:
    """Return a trial as it travels: with what it may see, and what it had been told before it was interrupted."""
    replies = [(request, nth, _json(reply)) for (request, nth), reply in recorded.items()]
    return orjson.dumps({"key": trial.key, "trial": _json(trial), "view": _json(view), "replies": replies})
