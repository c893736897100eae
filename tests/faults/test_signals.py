"""SIGTERM and Ctrl-C end a command line with one line and exit 130, whenever they come; the same command continues."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from factories import write_pairs
from fakes.servers import Answer, FakeServer, Received, openai_responder
from judgebench.hashing import sha256

PAIRS = 40
TRIALS = 2 * PAIRS
CONCURRENCY = 4
LATENCY = 0.02
STOPPED = {130, -signal.SIGINT}
"""Python kills itself by SIGINT when one came in the middle of an `exec`: to a shell that is 130 too."""
SIGNALS = [signal.SIGINT, signal.SIGTERM]
ONE_OF_THEM = [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    def verdict_of(body: dict[str, object]) -> str:
        return f"Verdict: {'AB'[int(sha256(str(body['messages']).encode())[:4], 16) % 2]}"

    answer = openai_responder(verdict_of, None)

    def slowly(received: Received) -> Answer:
        return Answer(body=answer(received).body, delay=LATENCY)

    running = FakeServer(slowly, "/v1")
    running.start()
    yield running
    running.stop()


def start(folder: Path, server: FakeServer, *judges: str) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "judgebench", "eval", "--task", str(folder / "pairs.jsonl"), "--model", "openai/m",
        "--base-url", server.url, "--concurrency", str(CONCURRENCY), "--runs", str(folder / "runs"), "--no-cache",
        *itertools.chain.from_iterable(("--judge", judge) for judge in judges or ("pairwise",)),
    ]  # fmt: skip
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ.copy())


def wait_for(happened: object, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def finish(folder: Path, server: FakeServer) -> bytes:
    child = start(folder, server)
    _, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    (path,) = (folder / "runs").glob("*/pairwise*/*/verdicts.jsonl")
    return path.read_bytes()


@pytest.mark.parametrize("sent", SIGNALS)
def test_one_line_exit_130_and_the_same_command_continues(sent: int, server: FakeServer, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl", PAIRS)
    for session in (1, 2):
        child = start(tmp_path, server)
        wait_for(lambda sofar=20 * session: len(server.requests) >= sofar, child)
        child.send_signal(sent)
        out, errors = child.communicate(timeout=30)
        assert child.returncode == 130
        assert out == ""
        first, *rest = errors.splitlines()
        assert first.endswith(", continuing" if session > 1 else f"{TRIALS} judgments of {PAIRS} items")
        assert [line for line in rest if line] == ["judgebench: interrupted; the same command continues"]
    finish(tmp_path, server)
    assert TRIALS <= len(server.requests) <= TRIALS + 2 * CONCURRENCY


@pytest.mark.parametrize("sent", ONE_OF_THEM)
def test_between_two_judges_and_while_the_first_is_slow(sent: int, server: FakeServer, tmp_path: Path) -> None:
    """The second judge asks nobody: its run is over in no time, and the page is being written."""
    write_pairs(tmp_path / "pairs.jsonl", PAIRS)
    child = start(tmp_path, server, "pairwise", "longest")
    wait_for(lambda: list((tmp_path / "runs").glob("*/longest*/*/manifest.json")), child)
    child.send_signal(sent)
    _, errors = child.communicate(timeout=30)
    assert child.returncode in STOPPED | {0}, "it may have come when all was done"
    assert "Traceback" not in errors
    assert len(list((tmp_path / "runs").glob("*/pairwise*/*/result.json"))) == 1, "what is finished stays"


@pytest.mark.slow
@pytest.mark.parametrize("sent", ONE_OF_THEM)
def test_at_any_moment_from_the_start_on(sent: int, server: FakeServer, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl", PAIRS)
    lot, sessions = random.Random(int(sent)), 6
    for _ in range(sessions):
        child = start(tmp_path, server)
        time.sleep(lot.uniform(0, 1.2))
        child.send_signal(sent)
        out, errors = child.communicate(timeout=30)
        if child.returncode == 0:
            assert out, "a signal that came too late"
        elif "judgments of" in errors:
            assert child.returncode in STOPPED
            assert "Traceback" not in errors
            assert errors.splitlines()[-1] == "judgebench: interrupted; the same command continues"
        else:
            # In its first moments Python itself is the one to end, and not always in style.
            assert child.returncode in STOPPED | {-sent} or "init_import_site" in errors, errors
    verdicts = finish(tmp_path, server)
    assert verdicts.count(b"\n") == TRIALS
    assert TRIALS <= len(server.requests) <= TRIALS + sessions * CONCURRENCY


LOST = """
import gc, signal, sys, time, weakref
from judgebench import cli

class Thing: pass

cli.heed_signals()
thing = Thing()
here = weakref.ref(thing, lambda _: signal.raise_signal(signal.{sent}))
try:
    del thing
    for _ in range(200):
        time.sleep(0.01)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_an_interrupt_that_falls_into_a_callback_is_not_lost(sent: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOST.format(sent=sent)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_other_errors_in_callbacks_are_still_printed() -> None:
    code = LOST.format(sent="SIGINT").replace("signal.raise_signal(signal.SIGINT)", "1 / 0")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr
