"""Pace: no more than so many requests and tokens in any minute, for providers that cap them.

A request's tokens are known only when it has been answered, so the token cap looks back: nothing new starts while
the last minute has used it up. It can be passed by what was in flight, never by more.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

WINDOW = 60.0
"""Seconds."""


@dataclass
class Pace:
    """Caps over a sliding minute; None is no cap. `sleep` and `clock` are injectable for tests.

    `waiting` holds, for every call that a cap keeps back, when it tries again (by `clock`) and which cap it is.
    """

    requests: int | None = None
    tokens: int | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    waiting: dict[object, tuple[float, str]] = field(default_factory=dict, init=False)
    _started: deque[float] = field(default_factory=deque, init=False)
    _used: deque[tuple[float, int]] = field(default_factory=deque, init=False)

    async def start(self) -> None:
        """Wait until another request may start, and count it."""
        ticket = object()
        try:
            while (full := self._full()) is not None:
                pause, cap = full
                self.waiting[ticket] = (self.clock() + pause, cap)
                await self.sleep(pause)
        finally:
            self.waiting.pop(ticket, None)
        if self.requests is not None:
            self._started.append(self.clock())

    def used(self, tokens: int) -> None:
        """Count the tokens of an answered request."""
        if self.tokens is not None and tokens:
            self._used.append((self.clock(), tokens))

    def _full(self) -> tuple[float, str] | None:
        """Return the seconds until there is room again and the cap that leaves none; None when there is room."""
        horizon = self.clock() - WINDOW
        while self._started and self._started[0] <= horizon:
            self._started.popleft()
        while self._used and self._used[0][0] <= horizon:
            self._used.popleft()
        full = []
        if self.requests is not None and len(self._started) >= self.requests:
            full.append((self._started[0] - horizon, f"{self.requests:,} requests a minute"))
        if self.tokens is not None and (room := self._room(self.tokens)) is not None:
            full.append((room - horizon, f"{self.tokens:,} tokens a minute"))
        return max(full, default=None)

    def _room(self, cap: int) -> float | None:
        """Return when the use was counted that must leave the window before the rest stays below the cap."""
        left = sum(tokens for _, tokens in self._used)
        room = None
        for when, tokens in self._used:
            if left < cap:
                break
            left -= tokens
            room = when
        return room
