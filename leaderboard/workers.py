"""Work spread over two processes, and no pauses for collecting garbage: large builds spend their time there."""

import gc
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from judgebench.errors import JudgebenchError

Task = TypeVar("Task")
Done = TypeVar("Done")
WORKERS = 2
MANY = 200
"""From so many pieces of work on, they are spread."""
_Work = Callable[[Any], Any]
_job: tuple[_Work, Sequence[Any]] | None = None


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from looking for garbage: a board is millions of objects that stay, all looked at again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def spread(work: Callable[[Task], Done], tasks: Sequence[Task], *, size: int) -> list[Done]:
    """Return what `work` makes of each task, in order; in two processes if there are `MANY` pieces in all (`size`).

    What a task returns is pickled. One that fails is done again here, so that its error is raised as it is. Raises
    JudgebenchError when a process is killed.
    """
    if size < MANY or len(tasks) < WORKERS or not sys.platform.startswith("linux"):
        return [work(task) for task in tasks]
    try:
        found = _forked(work, tasks)
    except BrokenProcessPool as error:
        raise JudgebenchError("a process of the build was killed, as happens when memory runs out") from error
    return [work(task) if one is None else one[0] for task, one in zip(tasks, found, strict=True)]


def _forked(work: _Work, tasks: Sequence[Any]) -> list[tuple[Any] | None]:
    global _job  # noqa: PLW0603 - a closure cannot be pickled, and a board takes too long: a fork has them already
    from multiprocessing import get_context

    _job = (work, tasks)
    try:
        with warnings.catch_warnings():
            # Threads of libraries wait for work, and the new process does not use them: nothing can deadlock.
            warnings.simplefilter("ignore", DeprecationWarning)
            with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
                return list(pool.map(_try, range(len(tasks)), chunksize=max(1, len(tasks) // 100)))
    finally:
        _job = None


def _try(number: int) -> tuple[Any] | None:
    assert _job is not None
    work, tasks = _job
    try:
        return (work(tasks[number]),)
    except Exception:  # noqa: BLE001 - it is raised again where it can be reported
        return None
