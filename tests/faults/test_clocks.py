"""The wall clock is set back and forth, and servers name odd dates: no pause grows or shrinks by it, no record breaks."""

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import write_pairs
from fakes.batch_runs import PROVIDERS, TRIALS, journal, judged, serving, sizes, stopped
from fakes.servers import Answer, openai_server
from judgebench import assemble, evaluation
from judgebench.backends import wire
from judgebench.cli import progress
from judgebench.evaluation import prepare, run
from judgebench.run.limits import FIRST_PAUSE, LONGEST_PAUSE, Limiter
from judgebench.run.runner import Tally

DAY = 86_400.0
JUMPS = (0.0, -400 * DAY, 3 * DAY, -3600.0, 20_000 * DAY)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the wall clock jump by days, up and down, at every look."""
    jump = itertools.cycle(JUMPS)
    real = time.time

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.fromtimestamp(real() + next(jump), UTC)

    monkeypatch.setattr(time, "time", lambda: real() + next(jump))
    for module in (evaluation, assemble, wire):
        monkeypatch.setattr(module, "datetime", Jumping)


def http(when: datetime) -> str:
    return format_datetime(when, usegmt=True)


# -- what servers ask for ----------------------------------------------------------------------------------


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(days=-400), timedelta(hours=1), timedelta(days=20_000)])
def test_a_date_counts_from_the_servers_own_clock(skew: timedelta) -> None:
    headers = {"Date": http(NOW), "Retry-After": http(NOW + timedelta(seconds=30))}
    assert wire.retry_after(headers, NOW + skew) == 30


@pytest.mark.parametrize(
    ("ahead", "seconds"), [(-400 * DAY, 0), (-1, 0), (0, 0), (90, 90), (7200, wire.LONGEST_WAIT), (1e9, wire.LONGEST_WAIT)]
)  # fmt: skip
def test_without_the_servers_clock_the_pause_has_a_floor_and_a_ceiling(ahead: float, seconds: float) -> None:
    assert wire.retry_after({"retry-after": http(NOW + timedelta(seconds=ahead))}, NOW) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "999999999999999"},
        {"retry-after-ms": "999999999999999"},
        {"x-ratelimit-reset-requests": "9999d"},
        {"x-ratelimit-reset-tokens": "1764000000"},
        {"x-ratelimit-reset-tokens": "9" * 400},
        {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
def test_nobody_can_ask_for_more_than_the_longest_wait(headers: dict[str, str]) -> None:
    assert wire.retry_after(headers, NOW) == wire.LONGEST_WAIT


DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Tue", "", "x"]), st.integers(), st.sampled_from(["Nov", "nov", "13"]), st.integers(),
    st.integers(), st.integers(), st.integers(), st.sampled_from(["GMT", "+9999", "-0000", "Z", "+99999999999999999"]),
)  # fmt: skip
VALUES = DATES | st.text() | st.from_regex(r"(\d+(\.\d+)?(ms|[dhms])?)+x?", fullmatch=True)


@given(VALUES, VALUES, VALUES)
def test_no_header_makes_it_raise_or_ask_for_an_absurd_pause(after: str, date: str, reset: str) -> None:
    for headers in ({"retry-after": after, "date": date}, {"x-ratelimit-reset-requests": reset}, {"date": date}):
        seconds = wire.retry_after(headers, NOW)
        assert seconds is None or 0 <= seconds <= wire.LONGEST_WAIT


def test_a_long_header_is_read_at_once() -> None:
    started = time.monotonic()
    assert wire.retry_after({"x-ratelimit-reset-requests": "1" * 8000 + "?"}, NOW) is None
    assert time.monotonic() - started < 1


# -- runs --------------------------------------------------------------------------------------------------


def test_a_run_under_a_jumping_clock_pauses_as_ever_and_keeps_its_records(
    jumping: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(evaluation, "Limiter", lambda *args, **more: Limiter(*args, **more, sleep=sleep))
    task = write_pairs(tmp_path / "pairs.jsonl", 10)
    asked = [
        *(Answer(429, headers={"date": http(NOW), "retry-after": http(NOW + timedelta(seconds=s))}) for s in (30, -30)),
        *(Answer(429, headers={"retry-after": http(NOW + timedelta(days=days))}) for days in (-9000, 9000)),
        Answer(503),
    ]
    with openai_server() as server:
        server.push(*asked)
        plan = prepare("pairwise", str(task), model="openai/m", base_url=server.url, runs=str(tmp_path / "runs"))
        started = time.monotonic()
        done = asyncio.run(run(plan))
        seconds = time.monotonic() - started
    assert done.result.counts.verdicts == 20
    assert len(pauses) == len(asked)
    usual = 0.75 * FIRST_PAUSE, 1.25 * LONGEST_PAUSE
    assert sorted(pauses)[-2:] == [30, wire.LONGEST_WAIT]
    assert all(usual[0] <= pause <= usual[1] for pause in sorted(pauses)[:-1])
    assert 0 <= done.result.seconds <= seconds
    begun, ended = (datetime.fromisoformat(str(when)) for when in (done.result.started, done.result.finished))
    assert ended - begun >= timedelta(seconds=int(done.result.seconds)), (
        "it ends after it began, whatever the clock said"
    )
    lines = [orjson.loads(line) for line in (done.directory / "journal.jsonl").read_bytes().splitlines()]
    assert len(lines) == 40
    assert all(0 <= line["reply"]["seconds"] < seconds for line in lines if line["kind"] == "reply")


@pytest.mark.parametrize("jump", [-400 * DAY, 3 * DAY])
def test_the_result_never_ends_before_it_began(jump: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is set between start and end; the run itself took no time worth speaking of."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return NOW + timedelta(seconds=jump)

    class Now(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return NOW

    monkeypatch.setattr(evaluation, "datetime", Now)
    monkeypatch.setattr(assemble, "datetime", Later)
    task = write_pairs(tmp_path / "pairs.jsonl", 2)
    result = evaluation.evaluate("longest", str(task), runs=str(tmp_path / "runs")).result
    assert result.started == NOW.isoformat()
    assert result.finished >= result.started
    assert result.finished == (NOW + timedelta(seconds=max(jump, int(result.seconds)))).isoformat()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_batch_is_waited_for_through_every_jump(jumping: None, provider: str, tmp_path: Path) -> None:
    task = str(write_pairs(tmp_path / "pairs.jsonl", TRIALS // 2))
    with serving(provider) as fake:
        stopped(provider, fake, task, tmp_path / "runs")
        fake.held = False
        done = judged(provider, fake, task, tmp_path / "runs")
        assert sizes(fake) == [TRIALS]
    assert done.result.counts.trials == TRIALS
    assert [line["kind"] for line in journal(tmp_path / "runs")].count("batch") == 1


def test_the_status_line_shows_no_negative_time(jumping: None) -> None:
    limiter = Limiter(4)
    limiter.waiting = {1: (time.monotonic() - 1e6, "rate limited")}
    assert "next in 0 s" in progress.status(Tally(total=1), limiter, 0.0)
