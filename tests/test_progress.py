import asyncio
import io
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from factories import write_pairs
from fakes.batch_runs import PROVIDERS, TRIALS, backend, no_sleep, serving, stopped
from fakes.batches import FakeBatches
from judgebench.backends.batches import BatchingBackend
from judgebench.backends.scripted import ScriptedBackend
from judgebench.cli import progress
from judgebench.evaluation import prepare, run
from judgebench.records import Reply
from judgebench.run.limits import Limiter
from judgebench.run.pace import Pace
from judgebench.run.runner import Models, Tally

NO_MODELS = Models(None, lambda _model: ScriptedBackend.from_function(str))


class Batching:
    """What the line looks at of a backend that asks in batches."""

    def __init__(self, gathering: int = 0, **submitted: tuple[float, int]) -> None:
        self.gathering = gathering
        self.waiting = {name: (time.monotonic() - age, requests) for name, (age, requests) in submitted.items()}


def line(limiter: Limiter | None = None, *batching: Any, **tally: Any) -> str:
    return progress.status(Tally(**({"total": 10} | tally)), limiter or Limiter(1), 0.0, batching)


# -- what it says ------------------------------------------------------------------------------------------


def test_the_line_says_what_matters() -> None:
    tally = Tally(total=3000, done=812, resumed=12, faults=Counter(unparsed=3, empty=1))
    limiter = Limiter(32)
    limiter.in_flight = 29
    said = progress.status(tally, limiter, 100.0)
    assert said == "done 812/3000 · in flight 29 · unreadable 4 · 8.0/s · 4:33 left"


def test_backing_off_and_slowing_down_are_explained() -> None:
    limiter = Limiter(32)
    limiter.limit = 22
    limiter.waiting = {1: (time.monotonic() + 40.4, "rate limited")}
    assert "backing off 1 (rate limited, next in 40 s) · slowed to 22 of 32 at a time" in line(limiter)
    limiter.waiting |= {2: (time.monotonic() + 90, "server trouble"), 3: (time.monotonic() + 95, "rate limited")}
    assert "backing off 3 (2 rate limited, 1 server trouble, next in 40 s)" in line(limiter, failed=1)
    assert "failed 1" in line(limiter, failed=1)


def test_a_long_pause_is_shown_as_a_clock_and_one_that_is_over_as_none() -> None:
    limiter = Limiter(1)
    limiter.waiting = {1: (time.monotonic() + 3600.5, "rate limited")}
    assert "next in 1:00:00" in line(limiter)
    limiter.waiting = {1: (time.monotonic() - 5, "rate limited")}
    assert "next in 0 s" in line(limiter)


def test_calls_held_by_a_cap_are_not_in_flight() -> None:
    limiter = Limiter(16)
    limiter.in_flight = 16
    limiter.pace.waiting = {n: (time.monotonic() + 12.4 + n, "60 requests a minute") for n in range(14)}
    assert "in flight 2 · held 14 (60 requests a minute, next in 12 s)" in line(limiter)


def test_calls_in_batches_are_counted_by_batch_with_the_age_of_the_oldest() -> None:
    limiter = Limiter(5000)
    limiter.in_flight = 2070
    one, other = Batching(30, a=(20.2, 1000)), Batching(0, b=(3723.5, 900), c=(5.0, 100))
    assert (
        "in flight 40 · gathering 30 for a batch · waiting for 2000 in 3 batches (the oldest submitted 1:02:03 ago)"
        in line(limiter, one, other)
    )
    assert "in flight 1070 · waiting for 1000 in 1 batch (the oldest submitted 20 s ago)" in line(
        limiter, Batching(a=(20.2, 1000))
    )


def test_a_cluster_is_named() -> None:
    assert line(where="4 workers on 2 nodes") == "done 0/10 · 4 workers on 2 nodes · in flight 0 · 0.0/s"


def test_what_nobody_waits_for_is_not_mentioned() -> None:
    assert line(None, Batching()) == "done 0/10 · in flight 0 · 0.0/s"


def test_no_rate_no_promise() -> None:
    assert line(total=5) == "done 0/5 · in flight 0 · 0.0/s"


@pytest.mark.parametrize(("seconds", "clock"), [(5, "0:05"), (65, "1:05"), (3661, "1:01:01")])
def test_clock(seconds: float, clock: str) -> None:
    assert progress._clock(seconds) == clock


# -- where it looks ----------------------------------------------------------------------------------------


def test_a_paced_call_shows_up_as_held() -> None:
    async def scenario() -> str:
        limiter = Limiter(2, pace=Pace(requests=1, sleep=lambda _seconds: asyncio.Event().wait()))

        async def send() -> Reply:
            await asyncio.sleep(60)
            return Reply(text="late")

        calls = [asyncio.create_task(limiter.call(send)) for _ in range(2)]
        await asyncio.sleep(0.01)
        said = line(limiter)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        return said

    assert "in flight 1 · held 1 (1 requests a minute, next in 60 s)" in asyncio.run(scenario())


@contextmanager
def lines_at_polls(
    fake: FakeBatches, seen: list[str], tally: Tally, limiter: Limiter, models: Models
) -> Iterator[None]:
    """Look at the line while the batches are held, then let them go."""

    async def look() -> None:
        while fake.polls < 2:  # noqa: ASYNC110 - the server is a thread, and knows no event of this loop
            await asyncio.sleep(0.01)
        batching = [one for one in (models.default, *models.others.values()) if isinstance(one, BatchingBackend)]
        seen.append(progress.status(tally, limiter, 0.0, batching))
        fake.held = False

    looking = asyncio.get_running_loop().create_task(look())
    yield
    assert looking.done()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_run_in_batches_says_how_many_wait_and_for_how_long(provider: str, tmp_path: Path) -> None:
    task = str(write_pairs(tmp_path / "pairs.jsonl", TRIALS // 2))
    seen: list[str] = []
    with serving(provider) as fake:
        options = {"cache": False, "batch": True, "runs": str(tmp_path / "runs")}
        directory = stopped(provider, fake, task, tmp_path / "runs")
        journal = directory / "journal.jsonl"
        assert journal.read_bytes().count(b'"submitted":') == 1
        fake.polls = 0
        plan = prepare("pairwise", task, backend=backend(provider, fake), **options)
        asyncio.run(run(plan, lambda *facts: lines_at_polls(fake, seen, *facts)))
    (said,) = seen
    assert said.startswith(f"done 0/{TRIALS} · in flight 0 · waiting for {TRIALS} in 1 batch (the oldest submitted ")


def test_requests_that_gather_are_counted_until_their_batch_is_closed() -> None:
    async def scenario(fake: FakeBatches) -> list[tuple[int, int]]:
        one = BatchingBackend(backend("openai", fake).inner, quiet=0.2, sleep=no_sleep)
        fake.held = True
        plan_request = prepare("pairwise", "starter", backend=one, limit=1)
        (_, view), *_ = plan_request.work()
        asking = asyncio.create_task(plan_request.named.judge.judge(view, one.answer))
        counts = []
        while not counts or counts[-1] != (0, 1):
            await asyncio.sleep(0.01)
            counts.append((one.gathering, sum(requests for _, requests in one.waiting.values())))
        fake.held = False
        await asking
        assert one.waiting == {}, "an ended batch is waited for no more"
        await one.aclose()
        return counts

    with serving("openai") as fake:
        counts = asyncio.run(scenario(fake))
    assert (1, 0) in counts


def test_the_age_of_a_batch_spans_sessions_and_is_never_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    from judgebench.run.batches import Batch

    async def age(fake: FakeBatches, submitted: float | None) -> float:
        one = backend("openai", fake)
        ages: list[float] = []

        async def poll(_batch: str) -> Any:
            ((since, requests),) = one.waiting.values()
            assert requests == 7
            ages.append(time.monotonic() - since)
            return type("State", (), {"ended": True})()

        monkeypatch.setattr(one.provider, "poll", poll)
        await one._ended(Batch("b", "openai/m", (), submitted=submitted), 7)
        await one.aclose()
        return ages[0]

    with serving("openai") as fake:
        assert asyncio.run(age(fake, time.time() - 5000)) == pytest.approx(5000, abs=5)
        assert asyncio.run(age(fake, time.time() + 5000)) == pytest.approx(0, abs=5), "the clock was set back"
        assert asyncio.run(age(fake, None)) == pytest.approx(0, abs=5), "a journal that does not say"


# -- how it is shown ---------------------------------------------------------------------------------------


def watched(seconds: float, models: Models = NO_MODELS) -> None:
    async def scenario() -> None:
        with progress.watch(Tally(total=5, done=2), Limiter(1), models):
            await asyncio.sleep(seconds)

    asyncio.run(scenario())


def test_without_a_terminal_plain_lines_come_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.01)
    watched(0.05)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "done 2/5" in captured.err
    assert "\x1b" not in captured.err


def test_every_model_that_asks_in_batches_is_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.01)
    with serving("openai") as one, serving("anthropic") as other:
        first, second = backend("openai", one), backend("anthropic", other)
        first.waiting, second.waiting = {"a": (time.monotonic(), 3)}, {"b": (time.monotonic() - 70, 4)}
        watched(0.05, Models(first, lambda _model: first, {"anthropic/m": second}))
    assert "waiting for 7 in 2 batches (the oldest submitted 70 s ago)" in capsys.readouterr().err


def test_on_a_terminal_the_line_is_drawn_again_and_again_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_options: Console(file=screen, force_terminal=True, width=100))
    monkeypatch.setattr(progress, "REFRESH", 0.02)
    watched(0.2)
    drawn = screen.getvalue()
    assert drawn.count("done 2/5 · in flight 0") >= 2
    assert drawn.endswith("\x1b[2K"), "the line is wiped away"


def test_replies_from_the_cache_are_shown_while_it_runs_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert " · 7 replies from the cache · " in line(hits=7)
    assert "cache" not in line()

    async def scenario(hits: int) -> None:
        with progress.watch(Tally(total=5, hits=hits), Limiter(1), NO_MODELS):
            pass

    asyncio.run(scenario(7))
    assert capsys.readouterr().err == "7 replies came from the cache\n"
    asyncio.run(scenario(0))
    assert capsys.readouterr().err == ""
