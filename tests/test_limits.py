import asyncio
import time

import pytest

from judgebench.errors import PermanentError, RateLimited, TransientError
from judgebench.records import Reply
from judgebench.run import limits
from judgebench.run.limits import Limiter

OK = Reply(text="ok")


class Script:
    """Sends back a list of outcomes, one per call; remembers how long the limiter waited between them."""

    def __init__(self, *outcomes: Reply | Exception) -> None:
        self.outcomes = list(outcomes)
        self.calls = 0
        self.pauses: list[float] = []

    async def send(self) -> Reply:
        self.calls += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def call(script: Script, **options: int) -> Reply:
    limiter = Limiter(options.pop("most", 4), **options, sleep=script.sleep)
    return asyncio.run(limiter.call(script.send))


def test_success_waits_for_nothing() -> None:
    script = Script(OK)
    assert call(script) == OK
    assert (script.calls, script.pauses) == (1, [])


def test_transient_errors_are_tried_again_with_growing_pauses() -> None:
    script = Script(TransientError("a"), TransientError("b"), TransientError("c"), OK)
    assert call(script) == OK
    assert script.calls == 4
    for pause, base in zip(script.pauses, (0.5, 1.0, 2.0), strict=True):
        assert 0.75 * base <= pause <= 1.25 * base


def test_attempts_are_finite_and_the_last_error_is_raised() -> None:
    script = Script(*(TransientError(str(n)) for n in range(9)))
    with pytest.raises(TransientError, match="^2$"):
        call(script, max_attempts=3)
    assert script.calls == 3


def test_a_permanent_error_passes_straight_through() -> None:
    script = Script(PermanentError("no such model"), OK)
    with pytest.raises(PermanentError):
        call(script)
    assert (script.calls, script.pauses) == (1, [])


@pytest.mark.parametrize("error", [RateLimited("slow", retry_after=40.0), TransientError("busy", retry_after=40.0)])
def test_the_server_is_waited_for_as_long_as_it_asks(error: Exception) -> None:
    script = Script(error, OK)
    assert call(script) == OK
    assert script.pauses[0] >= 40.0


def test_pauses_have_a_ceiling() -> None:
    script = Script(*(TransientError("x") for _ in range(19)), OK)
    call(script, max_attempts=20)
    assert max(script.pauses) <= limits.LONGEST_PAUSE * 1.25


def test_only_rate_limits_shrink_the_limit_and_once_an_episode() -> None:
    script = Script(RateLimited("1"), RateLimited("2"), TransientError("3"), OK)
    limiter = Limiter(10, sleep=script.sleep)
    asyncio.run(limiter.call(script.send))
    assert limiter.limit == 7
    assert [(limit, why) for _, limit, why in limiter.trace] == [(7, "rate limited")]


def test_clean_rounds_grow_it_back_to_where_it_was_and_no_further() -> None:
    script = Script(RateLimited("1"), *(OK for _ in range(200)))
    limiter = Limiter(4, sleep=script.sleep)

    async def many() -> None:
        for _ in range(100):
            await limiter.call(script.send)

    asyncio.run(many())
    assert limiter.limit == 4
    assert [limit for _, limit, _ in limiter.trace] == [2, 3, 4]


def test_never_more_in_flight_than_the_limit() -> None:
    seen: list[int] = []

    async def scenario() -> None:
        limiter = Limiter(3)

        async def send() -> Reply:
            seen.append(limiter.in_flight)
            await asyncio.sleep(0.001)
            return OK

        await asyncio.gather(*(limiter.call(send) for _ in range(30)))
        assert limiter.in_flight == 0

    asyncio.run(scenario())
    assert max(seen) == 3


def test_a_call_that_waits_holds_no_place() -> None:
    async def scenario() -> None:
        release = asyncio.Event()

        async def sleep(_seconds: float) -> None:
            await release.wait()

        limiter = Limiter(1, sleep=sleep)
        failing = Script(TransientError("x"), OK)
        waiting = asyncio.create_task(limiter.call(failing.send))
        await asyncio.sleep(0.01)
        assert [why for _, why in limiter.waiting.values()] == ["server trouble"]
        assert await limiter.call(Script(OK).send) == OK
        release.set()
        assert await waiting == OK
        assert not limiter.waiting

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("failure", "why"), [(RateLimited("1"), "rate limited"), (TransientError("1"), "server trouble")]
)
def test_it_says_who_waits_why_and_until_when(failure: Exception, why: str) -> None:
    async def scenario() -> None:
        limiter = Limiter(1)
        calling = asyncio.create_task(limiter.call(Script(failure, OK).send))
        await asyncio.sleep(0.01)
        ((until, reason),) = limiter.waiting.values()
        assert reason == why
        assert 0 < until - time.monotonic() <= 1.25 * limits.FIRST_PAUSE
        calling.cancel()
        await asyncio.wait([calling])
        assert not limiter.waiting, "who gives up waits no more"

    asyncio.run(scenario())


def test_a_cancelled_call_gives_its_place_back() -> None:
    async def scenario() -> None:
        limiter = Limiter(1)

        async def never() -> Reply:
            await asyncio.Event().wait()
            return OK

        stuck = asyncio.create_task(limiter.call(never))
        await asyncio.sleep(0.01)
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert await asyncio.wait_for(limiter.call(Script(OK).send), 1) == OK

    asyncio.run(scenario())
