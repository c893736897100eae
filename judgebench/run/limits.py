"""Limits: how many calls are in flight, when to try again, and when to stop.

A rate limit shrinks the number of calls in flight; success lets it grow back. Only errors worth another
try are tried again, a finite number of times; a permanent one passes straight through.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from judgebench.errors import RateLimited, TransientError
from judgebench.records import Reply
from judgebench.run.pace import Pace

FIRST_PAUSE = 0.5
"""Seconds before the first retry; doubled each time."""
LONGEST_PAUSE = 60.0
SHRINK = 0.7
"""What a rate limit leaves of the limit (additive increase, multiplicative decrease)."""
EPISODE = 5.0
"""Seconds in which further rate limits count as the same episode: they were sent before we slowed down."""


@dataclass
class Limiter:
    """Admits calls and retries them. `limit` moves between 1 and `most`; `trace` records every move.

    `waiting` holds, for every call that backs off, when it tries again (`time.monotonic`) and why it must.
    `sleep` is injectable so that tests need not wait.
    """

    most: int
    max_attempts: int = 8
    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    limit: int = field(init=False)
    in_flight: int = field(init=False, default=0)
    waiting: dict[int, tuple[float, str]] = field(init=False, default_factory=dict)
    trace: list[tuple[float, int, str]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.limit = self.most
        self._clean = 0
        self._episode_ends = 0.0
        self._turns: asyncio.Condition | None = None

    async def call(self, send: Callable[[], Awaitable[Reply]]) -> Reply:
        """Send until it succeeds, at most `max_attempts` times. Raises the last error, or a permanent one at once."""
        attempt = 0
        while True:
            attempt += 1
            await self._enter()
            try:
                await self.pace.start()
                reply = await send()
            except RateLimited as error:
                self._slow_down()
                failure: RateLimited | TransientError = error
            except TransientError as error:
                self._clean = 0
                failure = error
            else:
                self._speed_up()
                self.pace.used((reply.usage.input or 0) + (reply.usage.output or 0))
                return reply
            finally:
                await self._leave()
            if attempt >= self.max_attempts:
                raise failure
            await self._back_off(attempt, failure)

    async def _enter(self) -> None:
        turns = self._turns = self._turns or asyncio.Condition()
        async with turns:
            await turns.wait_for(lambda: self.in_flight < self.limit)
            self.in_flight += 1

    async def _leave(self) -> None:
        assert self._turns is not None
        async with self._turns:
            self.in_flight -= 1
            self._turns.notify(max(1, self.limit - self.in_flight))

    async def _back_off(self, attempt: int, failure: RateLimited | TransientError) -> None:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
        pause *= random.uniform(0.75, 1.25)  # noqa: S311 - jitter, so that retries do not arrive together
        if failure.retry_after is not None:
            pause = max(pause, failure.retry_after)
        ticket = id(failure)
        why = "rate limited" if isinstance(failure, RateLimited) else "server trouble"
        self.waiting[ticket] = (time.monotonic() + pause, why)
        try:
            await self.sleep(pause)
        finally:
            del self.waiting[ticket]

    def _slow_down(self) -> None:
        now = time.monotonic()
        self._clean = 0
        if now >= self._episode_ends:
            self._episode_ends = now + EPISODE
            self._move(max(1, int(self.limit * SHRINK)), "rate limited")

    def _speed_up(self) -> None:
        self._clean += 1
        if self.limit < self.most and self._clean >= self.limit:
            self._clean = 0
            self._move(self.limit + max(1, self.limit // 10), "clean round")

    def _move(self, limit: int, why: str) -> None:
        limit = min(limit, self.most)
        if limit != self.limit:
            self.limit = limit
            self.trace.append((time.monotonic(), limit, why))
