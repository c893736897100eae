"""Progress of a run on stderr: a live line on a terminal, a plain line now and then elsewhere."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from judgebench.backends.batches import BatchingBackend
from judgebench.run.limits import Limiter
from judgebench.run.runner import Models, Tally

REFRESH = 0.2
"""Seconds between two looks on a terminal."""
PLAIN_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""
LONG = 100
"""Seconds from which on a wait is shown as a clock."""


def status(tally: Tally, limiter: Limiter, seconds: float, batching: Sequence[BatchingBackend] = ()) -> str:
    """Return the status line: done, where, in flight, what waits and why, unreadable, rate, time left.

    `batching` are the run's backends that ask in provider batches.
    """
    fresh = tally.done - tally.resumed
    rate = fresh / seconds if seconds > 0 else 0.0
    parts = [f"done {tally.done}/{tally.total}", *([tally.where] if tally.where else []), *_calls(limiter, batching)]
    if tally.hits:
        parts.append(f"{tally.hits} replies from the cache")
    if tally.faults:
        parts.append(f"unreadable {tally.faults.total()}")
    if tally.failed:
        parts.append(f"failed {tally.failed}")
    parts.append(f"{rate:.1f}/s")
    if rate > 0 and tally.left > 0:
        parts.append(f"{_clock(tally.left / rate)} left")
    return " · ".join(parts)


def _calls(limiter: Limiter, batching: Sequence[BatchingBackend]) -> Iterator[str]:
    """Yield where the calls are: in flight, in batches, held by a cap, backing off."""
    # A terminal's line is drawn in a thread of its own: look at copies.
    held = list(limiter.pace.waiting.values())
    batches = [batch for backend in batching for batch in list(backend.waiting.values())]
    gathering = sum(backend.gathering for backend in batching)
    asked = sum(requests for _, requests in batches)
    yield f"in flight {max(0, limiter.in_flight - len(held) - gathering - asked)}"
    if gathering:
        yield f"gathering {gathering} for a batch"
    if batches:
        count = "1 batch" if len(batches) == 1 else f"{len(batches)} batches"
        age = _span(time.monotonic() - min(batches)[0])
        yield f"waiting for {asked} in {count} (the oldest submitted {age} ago)"
    yield from _waiting("held", held)
    yield from _waiting("backing off", list(limiter.waiting.values()))
    if limiter.limit < limiter.most:
        yield f"slowed to {limiter.limit} of {limiter.most} at a time"


def _waiting(how: str, calls: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Yield how many calls wait, why, and when the first of them tries again; nothing when none does."""
    if calls:
        reasons = Counter(why for _, why in calls)
        why = ", ".join(reasons if len(reasons) == 1 else (f"{count} {why}" for why, count in reasons.most_common()))
        yield f"{how} {len(calls)} ({why}, next in {_span(min(calls)[0] - time.monotonic())})"


def _span(seconds: float) -> str:
    return f"{max(0.0, seconds):.0f} s" if seconds < LONG else _clock(seconds)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def watch(tally: Tally, limiter: Limiter, models: Models) -> Iterator[None]:
    """Show progress while the block runs, inside a running event loop; at its end, what cost nothing."""
    console = Console(stderr=True)
    started = time.monotonic()

    def line() -> str:
        backends = [models.default, *list(models.others.values())]
        batching = [backend for backend in backends if isinstance(backend, BatchingBackend)]
        return status(tally, limiter, time.monotonic() - started, batching)

    with _drawn(console, line) if console.is_terminal else _printed(console, line):
        yield
    if tally.hits:
        console.print(f"{tally.hits} replies came from the cache", highlight=False, markup=False, soft_wrap=True)


def _drawn(console: Console, line: Callable[[], str]) -> AbstractContextManager[object]:
    return Live(
        console=console, refresh_per_second=1 / REFRESH, transient=True, get_renderable=lambda: Text(line())
    )  # fmt: skip


@contextmanager
def _printed(console: Console, line: Callable[[], str]) -> Iterator[None]:
    printing = asyncio.get_running_loop().create_task(_print_now_and_then(console, line))
    try:
        yield
    finally:
        printing.cancel()


async def _print_now_and_then(console: Console, line: Callable[[], str]) -> None:
    while True:
        await asyncio.sleep(PLAIN_EVERY)
        console.print(line(), highlight=False, markup=False, soft_wrap=True)
