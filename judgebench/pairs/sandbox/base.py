"""What a sandbox is: it runs Python that nobody trusts, and says how it ended and what came out.

What a program is to give back never enters: the caller compares. So a program gains nothing by forging its results:
whatever it says is its answer. What a sandbox does vouch for: the answers are this very program's, to these very calls,
each given after it was asked and before time was up; and nothing else was read, changed, reached or left running.
"""

import contextlib
import os
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import LifoQueue
from typing import ClassVar, Self

from judgebench.errors import MissingPrerequisite
from judgebench.pairs.sandbox import host
from judgebench.pairs.sandbox.program import Outcome, Program
from judgebench.pairs.sandbox.worker import Launch, Worker

AHEAD = 4
"""How many programs `run_many` takes in per worker before it hands out the first."""


class Sandbox:
    """Base of all sandboxes, found by name (`judgebench.sandboxes` entry points). Any number of threads may use one.

    A backend says what is missing here (`missing`) and how a worker is started (`launch`). Workers are started when
    they are first needed, one per core, and stay: each has a process ready that forks one more for every program.
    """

    name: ClassVar[str] = ""

    def __init__(self, workers: int | None = None) -> None:
        self._size = workers or host.cores()
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._idle: LifoQueue[Worker | None] = LifoQueue()
        for _ in range(self._size):
            self._idle.put(None)
        self._all: list[Worker] = []
        # The kernel ends a worker when the thread that started it ends: so one thread starts them all, and stays.
        self._nursery = ThreadPoolExecutor(1, f"{self.name}-nursery")
        self._end = weakref.finalize(self, _end, self._all, self._nursery, self._process)

    def missing(self) -> str | None:
        """Return what this machine lacks for it, None when it is worth a try."""
        raise NotImplementedError

    def launch(self) -> Launch:
        """Return how to start a worker."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """Return what must stay the same for a passed self-test to count: the version of a tool, say."""
        return ""

    def available(self) -> str | None:
        """Return None when the ten probes pass here, else why not."""
        from judgebench.pairs.sandbox.probes import failures

        lack = self.missing()
        if lack:
            return lack
        try:
            return "; ".join(failures(self)) or None
        except (MissingPrerequisite, OSError) as error:
            return str(error)

    def run(self, program: Program) -> Outcome:
        """Run one program. Raises MissingPrerequisite when no worker can be started."""
        if self._process != os.getpid():  # a fork of the process that has the workers
            self._begin()
        worker = self._idle.get()
        try:
            if worker is None or not worker.alive:
                worker = self._replace(worker)
            return worker.run(program)
        finally:
            self._idle.put(worker)

    def run_many(self, programs: Iterable[Program]) -> Iterator[Outcome]:
        """Run a stream of programs on all workers; outcomes come in order, and only a few programs are held."""
        waiting: deque[Future[Outcome]] = deque()
        pool = ThreadPoolExecutor(self._size, f"{self.name}-run")
        try:
            for program in programs:
                waiting.append(pool.submit(self.run, program))
                if len(waiting) >= AHEAD * self._size:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """End all workers, those at work too. Safe to call twice."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _replace(self, dead: Worker | None) -> Worker:
        if dead:
            dead.kill()
            with contextlib.suppress(ValueError):
                self._all.remove(dead)
        worker = self._nursery.submit(lambda: Worker(self.launch())).result()
        self._all.append(worker)
        return worker


def _end(workers: list[Worker], nursery: ThreadPoolExecutor, process: int) -> None:
    if process != os.getpid():
        return
    while workers:
        workers.pop().close()
    nursery.shutdown()
