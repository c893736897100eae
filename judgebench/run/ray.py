"""The Ray engine: the runner's plan on Ray Data, with one journal, the driver's.

Ray Data gives tickets to an actor pool, which turns each into what came of a batch of trials. Who is lost is its
business: it starts workers anew and gives them the tickets. Which trials a ticket stands for is settled when it is
asked for first, so that the plan stays a stream and only what is being judged is held. Asked for again, by whoever
replaces a lost worker, a ticket stands for the same trials, less those in the journal.
"""

import asyncio
import math
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from threading import Thread
from typing import Any

import orjson

from judgebench import errors
from judgebench.errors import DataError, Incomplete, JudgebenchError, MissingPrerequisite, RunError, UsageError
from judgebench.recipe import Recipe
from judgebench.records import Judgment, Reply
from judgebench.run import cluster
from judgebench.run.runner import SYNC_EVERY, Means, Tally, Work, over_budget
from judgebench.run.worker import Desk, Worker, pack

LEAST_BATCH = 64
"""Trials of a batch where there are plenty. A lost worker takes at most `AT_ONCE` batches along."""
SHARES = 8
"""Batches for each worker at least, so that all of them end at about the same time."""
MOST_TICKETS = 20_000
"""Tickets of a run; a longer one gets larger batches."""
AT_ONCE = 2
"""Batches that a worker judges at the same time: the second fills the gaps at the end of the first."""
MOST_LOSSES = 5
"""Workers that may be lost over one batch before it is the batch's fault."""
GRACE = 10.0
"""Seconds in which the workers must send what they have when a run is stopped."""
MOST_CALLS = 100_000
"""Calls that the desk serves at the same time: every worker leaves some open."""


@dataclass
class Batch:
    """The trials of a ticket that is out, by key, as they travel; and who has them."""

    trials: dict[str, bytes]
    holder: tuple[str, ...] = ()
    asked: int = 0


@dataclass
class RayEngine:
    """Judges a stream of trials on a Ray cluster, into the store of its means. `details` say what answered."""

    recipe: Recipe
    means: Means
    details: dict[str, Any] = field(default_factory=dict)
    _out: dict[int, Batch] = field(default_factory=dict, init=False)
    _back: set[int] = field(default_factory=set, init=False)
    _error: JudgebenchError | None = field(default=None, init=False)
    _spent: bool = field(default=False, init=False)
    _ending: bool = field(default=False, init=False)
    _recalled: bool = field(default=False, init=False)

    async def run(self, work: Iterable[Work]) -> Tally:
        """Judge what is left. Raises what a runner on this machine would raise, and Incomplete when Ray gives up.

        Trials that failed for a while are left for the next run; the tally counts them.
        """
        tally, pending = self.means.tally, self._pending(work)
        first = next(pending, None)
        if first is None:
            return tally
        recipe = _pickled(self.recipe)
        tally.where = "starting Ray"
        async with cluster.connected(self.recipe.config) as ray:
            self.details["ray"] = ray.__version__
            try:
                await self._run(ray, recipe, chain([first], pending))
            except ray.exceptions.RayError as error:
                raise _gave_up(error) from error
        for _ in pending:  # counts those that were done before, to the last
            pass
        if tally.left:
            raise Incomplete(f"{tally.left} trials never came back from the cluster. The same command continues")
        return tally

    def _pending(self, work: Iterable[Work]) -> Iterator[Work]:
        for trial, view in work:
            if trial.key in self.means.store.done:
                self.means.tally.done += 1
                self.means.tally.resumed += 1
            else:
                yield trial, view

    async def _run(self, ray: Any, recipe: bytes, pending: Iterator[Work]) -> None:
        """Set desk, workers and driver to work; in the end have the workers send what they have."""
        self.means.tally.where = "waiting for workers"
        desk = self._desk(ray)
        pool = cluster.pool(ray, self.recipe.config, self.recipe.gpus)
        left = self.means.tally.total - len(self.means.store.done)
        size = batch_size(left, pool.first, self.recipe.concurrency)
        rows = _outcomes(ray, math.ceil(left / size), pool, recipe=recipe, desk=desk)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        pump = Thread(target=self._pump, args=(rows, queue, asyncio.get_running_loop()), daemon=True)
        pump.start()
        collecting = asyncio.create_task(self._collect(queue))
        serving = asyncio.create_task(self._serve(desk, pending, size))
        syncing = asyncio.create_task(self._sync_regularly())
        try:
            done, _ = await asyncio.wait({collecting, serving, syncing}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._ending = True
            await _cancelled(collecting, syncing)
            if not serving.done():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._recall(desk, queue), GRACE)
                # The pump sees this at the next row, and one comes as long as the workers are served.
                self._recalled = True
                await asyncio.to_thread(pump.join, GRACE)
            await _cancelled(serving)

    def _desk(self, ray: Any) -> Any:
        """Open the desk on this very node: whatever else is lost, the run goes on as long as its driver does."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        node = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        config = self.recipe.config
        desk = ray.remote(Desk).options(num_cpus=0, max_concurrency=MOST_CALLS, scheduling_strategy=node)
        return desk.remote(config.rpm, config.tpm, self.means.tally.spent)

    def _pump(
        self, rows: Generator[dict[str, Any], None, None], queue: asyncio.Queue[Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Pass on what Ray Data yields, in a thread: a row each, then None, or the error it ended with."""
        end: Exception | None = None
        try:
            with closing(rows):
                for row in rows:
                    loop.call_soon_threadsafe(queue.put_nowait, row)
                    if self._recalled:
                        break
        except Exception as error:  # noqa: BLE001 - raised where the run can say it
            end = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(queue.put_nowait, end)

    async def _collect(self, queue: asyncio.Queue[Any]) -> None:
        """Journal what comes back, until all of it has or the run must stop."""
        while (row := await queue.get()) is not None:
            if isinstance(row, Exception):
                raise _gave_up(row) from row
            self._record(row)
            if self._error is not None:
                raise self._error
            if self._spent and not self._out:
                break
        if self._spent:
            raise over_budget(self.means)

    async def _recall(self, desk: Any, queue: asyncio.Queue[Any]) -> None:
        """Have the workers end their batches, and journal what they had been told already: it is paid for."""
        desk.stop.remote()
        while self._out and isinstance(row := await queue.get(), dict):
            self._record(row)

    async def _serve(self, desk: Any, pending: Iterator[Work], size: int) -> None:
        """Hand over the batches that workers ask for."""
        while True:
            for ticket, *holder in await desk.requests.remote():
                batch = self._batch(ticket, tuple(holder), pending, size)
                desk.hand.remote(ticket, _listed(batch.trials.values() if batch else ()))
            self._show()

    def _batch(self, ticket: int, holder: tuple[str, ...], pending: Iterator[Work], size: int) -> Batch | None:
        """Return what a ticket stands for; None when there is nothing to do for it, or nothing any more."""
        if self._ending or self._spent or self._error or ticket in self._back:
            return None
        batch = self._out.get(ticket)
        if batch is None:
            replies = self.means.store.replies
            trials = {trial.key: pack(trial, view, replies(trial.key)) for trial, view in islice(pending, size)}
            if not trials:
                return None
            batch = self._out[ticket] = Batch(trials)
        batch.holder, batch.asked = holder, batch.asked + 1
        batch.trials = {key: trial for key, trial in batch.trials.items() if key not in self.means.store.done}
        if batch.trials and batch.asked > MOST_LOSSES:
            self._error = _deadly(batch)
            return None
        return batch

    def _record(self, row: dict[str, Any]) -> None:
        """Journal what came of a ticket. A trial that is in the journal is not written again."""
        outcome = orjson.loads(row["outcome"])
        self._out.pop(row["ticket"], None)
        self._back.add(row["ticket"])
        self.details |= outcome.get("about", {})
        left = sum(not self._journal(told) for told in outcome["trials"])
        if "error" in outcome:
            self._error = self._error or _revived(*outcome["error"])
        elif "spent" in outcome:
            self._spent = True
        elif left and not self._ending:
            self.means.tally.failed += left
            self.means.tally.last_failure = outcome["failure"]
        self._show()

    def _journal(self, told: dict[str, Any]) -> bool:
        """Write a trial's replies, then its judgment if it has one; return whether it is judged."""
        store, tally, key = self.means.store, self.means.tally, told["trial"]
        if key in store.done:
            return True
        for request, nth, data in told["replies"]:
            reply = Reply.model_validate(data)
            store.add_reply(key, request, nth, reply)
            tally.spent += reply.cost or 0.0
            tally.unpriced += reply.cost is None
            tally.hits += reply.cached
        if told["judgment"] is None:
            return False
        judgment = Judgment.model_validate(told["judgment"])
        store.add_judgment(judgment)
        tally.done += 1
        if judgment.fault is not None:
            tally.faults[judgment.fault.kind] += 1
        return True

    async def _sync_regularly(self) -> None:
        while True:
            await asyncio.sleep(SYNC_EVERY)
            self.means.store.sync()

    def _show(self) -> None:
        """Tell the progress line how much is out, and where."""
        workers = {batch.holder for batch in self._out.values()}
        nodes = {node for _, node in workers}
        self.means.limiter.in_flight = sum(len(batch.trials) for batch in self._out.values())
        self.means.tally.where = f"{_count(len(workers), 'worker')} on {_count(len(nodes), 'node')}"


def batch_size(trials: int, workers: int, concurrency: int) -> int:
    """Return how many trials a batch holds: enough to keep a worker busy, few enough to share out, and to lose."""
    shared = math.ceil(trials / (workers * SHARES))
    return max(1, min(max(LEAST_BATCH, concurrency), shared), math.ceil(trials / MOST_TICKETS))


def _outcomes(ray: Any, tickets: int, pool: cluster.Pool, **worker: Any) -> Generator[dict[str, Any], None, None]:
    """Turn tickets into outcomes, in the order they are done. Closing ends the workers.

    Blocks are fetched here: Ray Data's own iterators fetch in threads, which may outlive them, and end the process
    when they still ask Ray something after it was shut down.
    """
    quiet = ray.data.DataContext.get_current().copy()
    quiet.enable_progress_bars = quiet.print_on_execution_start = False
    with ray.data.DataContext.current(quiet):
        numbers = ray.data.from_items(list(range(tickets)), override_num_blocks=tickets)
    outcomes = numbers.map_batches(
        Worker,
        fn_constructor_kwargs=worker,
        batch_size=1,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(
            min_size=min(pool.least, tickets),
            max_size=min(pool.most, tickets),
            initial_size=min(pool.first, tickets),
            max_concurrent_calls_per_actor=AT_ONCE,
            enable_true_multi_threading=True,
        ),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus,
    )
    for bundle in outcomes.iter_internal_ref_bundles():
        for table in ray.get(bundle.block_refs):
            yield from table.to_pylist()


def _pickled(recipe: Recipe) -> bytes:
    pickle = cluster.imported().cloudpickle
    try:
        return bytes(pickle.dumps(recipe))
    except Exception as error:
        what = "judge" if recipe.judge is not None else "backend"
        raise UsageError(
            f"this {what} cannot be sent to the workers of a Ray cluster: {error}. Name a card or a model instead, or "
            "leave out engine='ray'"
        ) from error


def _revived(name: str, message: str) -> JudgebenchError:
    """Return the error that a worker sent by name."""
    kind = getattr(errors, name, RunError)
    return RunError(message) if kind is DataError else kind(message)


def _gave_up(error: Exception) -> JudgebenchError:
    """Return an error of Ray's as one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if any("ModuleNotFoundError" in line for line in lines):
        missing = next(line for line in lines if "ModuleNotFoundError" in line)
        return MissingPrerequisite(f"a worker of the Ray cluster cannot start: {missing}. Install it on every node")
    return Incomplete(
        f"Ray gave up: {type(error).__name__}: {lines[0] if lines else 'no reason given'}. Nothing in the journal is "
        "lost; the same command continues"
    )


def _deadly(batch: Batch) -> Incomplete:
    item = orjson.loads(next(iter(batch.trials.values())))["trial"]["item"]
    return Incomplete(
        f"{MOST_LOSSES} workers died one after the other over the batch that begins with item {item}: they run out of "
        "memory, or the judge ends its process. Nothing is lost; mend it and run again"
    )


def _listed(packed: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(packed) + b"]"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
