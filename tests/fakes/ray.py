"""A Ray in this process: an actor's methods run in a loop of their own, the pool's workers in threads, and may be lost."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, nullcontext
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import ray
import ray.data

from judgebench.run import cluster


class Reference:
    """What a remote call returns: to be awaited in whichever loop."""

    def __init__(self, future: Future) -> None:
        self.future = future

    def __await__(self):
        return asyncio.wrap_future(self.future).__await__()


class Handle:
    """An actor from outside: `handle.method.remote(…)`."""

    def __init__(self, actor: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.actor = actor
        self.loop = loop

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.actor, name)
        return SimpleNamespace(
            remote=lambda *arguments: Reference(asyncio.run_coroutine_threadsafe(method(*arguments), self.loop))
        )


class Dataset:
    """Tickets and what a pool of workers makes of them."""

    def __init__(self, fake: "FakeRay", tickets: list[int]) -> None:
        self.fake = fake
        self.tickets = tickets

    def map_batches(self, kind: type, fn_constructor_kwargs: dict[str, Any], **options: Any) -> "Dataset":
        self.fake.asked_for = options
        self.make: Callable[[], Any] = lambda: self.fake.started(kind(**fn_constructor_kwargs))
        return self

    def iter_internal_ref_bundles(self) -> Iterator[Any]:
        compute = self.fake.asked_for["compute"]
        workers = itertools.cycle([self.make() for _ in range(compute.initial_size)])
        at_once = compute.initial_size * compute.max_concurrent_calls_per_actor
        with ThreadPoolExecutor(at_once) as threads:
            left, running = iter(self.tickets), set()
            while True:
                for ticket in itertools.islice(left, at_once - len(running)):
                    running.add(threads.submit(self.call, next(workers), ticket))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield SimpleNamespace(block_refs=[future.result() for future in done])

    def call(self, worker: Any, ticket: int) -> pa.Table:
        """Call a worker. One that is lost had judged all, and another does it again."""
        while self.fake.losses.get(ticket, 0):
            self.fake.losses[ticket] -= 1
            worker(pa.table({"item": [ticket]}))
            worker = self.make()
        return worker(pa.table({"item": [ticket]}))


class Context(SimpleNamespace):
    """Ray Data's settings, without its warnings about old ones."""

    @classmethod
    def get_current(cls) -> "Context":
        return cls()

    def copy(self) -> "Context":
        return Context()

    @staticmethod
    def current(_context: "Context") -> Any:
        return nullcontext()


class FakeRay:
    """The parts of Ray that the engine uses. `losses` says how often a ticket's worker is lost."""

    __version__ = "0.0"
    exceptions = ray.exceptions
    util = ray.util

    def __init__(self) -> None:
        self.losses: dict[int, int] = {}
        self.resources = {"CPU": 2.0}
        self.asked_for: dict[str, Any] = {}
        self.actors: list[Any] = []
        self.numbers = itertools.count()
        self.loop = asyncio.new_event_loop()
        self.loops: list[asyncio.AbstractEventLoop] = []
        Thread(target=self.loop.run_forever, daemon=True).start()
        self.data = SimpleNamespace(
            DataContext=Context,
            ActorPoolStrategy=ray.data.ActorPoolStrategy,
            from_items=lambda tickets, override_num_blocks: Dataset(self, tickets),
        )

    def started(self, worker: Any) -> Any:
        self.loops.append(worker._loop)
        return worker

    def shut_down(self) -> None:
        for loop in (self.loop, *self.loops):
            loop.call_soon_threadsafe(loop.stop)
            while loop.is_running():
                time.sleep(0.001)
            loop.close()

    def get(self, references: list[Any]) -> list[Any]:
        return references

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(get_node_id=lambda: "0" * 56, get_worker_id=lambda: f"worker-{next(self.numbers)}")

    def remote(self, kind: type) -> Any:
        def make(*arguments: Any) -> Handle:
            self.actors.append(kind(*arguments))
            return Handle(self.actors[-1], self.loop)

        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=make))


@pytest.fixture
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    """Put a Ray of this process in the place of every cluster."""
    fake = FakeRay()

    @asynccontextmanager
    async def connected(_config: Any) -> AsyncIterator[FakeRay]:
        yield fake

    monkeypatch.setattr(cluster, "connected", connected)
    monkeypatch.setattr(ray, "get_runtime_context", fake.get_runtime_context)
    yield fake
    fake.shut_down()
