import asyncio

import pytest

from judgebench.records import Reply, Usage
from judgebench.run.limits import Limiter
from judgebench.run.pace import WINDOW, Pace


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def starts(pace: Pace, clock: Clock, count: int, tokens: int = 0) -> list[float]:
    async def run() -> list[float]:
        found = []
        for _ in range(count):
            await pace.start()
            found.append(clock.now - 1000.0)
            pace.used(tokens)
        return found

    return asyncio.run(run())


def test_without_caps_nothing_waits() -> None:
    clock = Clock()
    assert starts(Pace(sleep=clock.sleep, clock=clock.read), clock, 1000, tokens=10**9) == [0.0] * 1000


def test_no_minute_holds_more_requests_than_allowed() -> None:
    clock = Clock()
    found = starts(Pace(requests=3, sleep=clock.sleep, clock=clock.read), clock, 9)
    assert found == [0, 0, 0, WINDOW, WINDOW, WINDOW, 2 * WINDOW, 2 * WINDOW, 2 * WINDOW]


def test_nothing_starts_while_the_last_minute_has_used_up_the_tokens() -> None:
    clock = Clock()
    found = starts(Pace(tokens=100, sleep=clock.sleep, clock=clock.read), clock, 6, tokens=40)
    assert found == [0, 0, 0, WINDOW, WINDOW, WINDOW]


def test_both_caps_together_follow_the_stricter() -> None:
    clock = Clock()
    found = starts(Pace(requests=2, tokens=10**6, sleep=clock.sleep, clock=clock.read), clock, 3, tokens=1)
    assert found == [0, 0, WINDOW]


def test_who_is_held_says_by_which_cap_and_until_when() -> None:
    clock = Clock()
    pace = Pace(requests=2, tokens=1000, clock=clock.read, sleep=lambda _seconds: asyncio.Event().wait())

    async def scenario() -> None:
        await pace.start()
        clock.now += 10
        await pace.start()
        held = [asyncio.create_task(pace.start()) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert list(pace.waiting.values()) == [(1000.0 + WINDOW, "2 requests a minute")] * 3
        for task in held:
            task.cancel()
        await asyncio.wait(held)
        assert not pace.waiting, "who gives up is held no more"
        pace.used(1000)
        late = asyncio.create_task(pace.start())
        await asyncio.sleep(0.01)
        assert list(pace.waiting.values()) == [(1010.0 + WINDOW, "1,000 tokens a minute")]
        late.cancel()

    asyncio.run(scenario())


def test_the_tokens_that_must_leave_first_are_waited_for_at_once() -> None:
    """Small replies that leave early make no room: sleeping till each of them would only wake everyone for nothing."""
    clock = Clock()
    pace = Pace(tokens=100, sleep=clock.sleep, clock=clock.read)
    for tokens in (5, 5, 95, 60):
        pace.used(tokens)
        clock.now += 1.0
    asyncio.run(pace.start())
    assert clock.slept == [WINDOW + 2.0 - 4.0]


@pytest.mark.parametrize("usage", [Usage(), Usage(input=5), Usage(input=5, output=7)])
def test_the_limiter_counts_what_replies_used(usage: Usage) -> None:
    pace = Pace(tokens=10**6)
    limiter = Limiter(2, pace=pace)

    async def send() -> Reply:
        return Reply(text="x", usage=usage)

    asyncio.run(limiter.call(send))
    assert sum(tokens for _, tokens in pace._used) == (usage.input or 0) + (usage.output or 0)
