"""Several processes at once: one run directory belongs to one of them; the cache belongs to all."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from factories import write_pairs
from fakes.servers import Answer, FakeServer, Received, openai_responder
from judgebench.hashing import sha256

PAIRS = 30
TRIALS = 2 * PAIRS
REFUSED = "another process is running in"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    answer = openai_responder(lambda body: f"Verdict: {'AB'[int(sha256(str(body).encode())[:4], 16) % 2]}", None)

    def slowly(received: Received) -> Answer:
        return Answer(body=answer(received).body, delay=0.02)

    running = FakeServer(slowly, "/v1")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs.jsonl", PAIRS)
    return tmp_path


def start(folder: Path, server: FakeServer, runs: str = "runs", cache: str = "--no-cache") -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "judgebench", "eval", "--judge", "pairwise", "--task", str(folder / "pairs.jsonl"),
        "--model", "openai/m", "--base-url", server.url, "--concurrency", "2", "--runs", str(folder / runs), cache,
    ]  # fmt: skip
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ.copy())


def ended(child: subprocess.Popen[str]) -> str:
    """Return the last line that a child said when it has ended well."""
    _, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    return errors


def verdicts(folder: Path, runs: str = "runs") -> bytes:
    (path,) = (folder / runs).glob("*/*/*/verdicts.jsonl")
    return path.read_bytes()


def test_the_second_process_is_refused_and_the_first_unharmed(folder: Path, server: FakeServer) -> None:
    first = start(folder, server)
    while len(server.requests) < 5:
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.005)
    second = start(folder, server)
    out, errors = second.communicate(timeout=60)
    assert first.poll() is None, "the first must still be at it"
    assert (second.returncode, out) == (2, "")
    (line,) = [line for line in errors.splitlines() if line.startswith("judgebench: ")]
    assert line.startswith(f"judgebench: {REFUSED} {folder / 'runs'}")
    assert line.endswith("; wait for it or stop it")
    assert "Traceback" not in errors
    ended(first)
    assert len(server.requests) == TRIALS, "the second asked nobody"
    (path,) = (folder / "runs").glob("*/*/*/journal.jsonl")
    kinds = [orjson.loads(line)["kind"] for line in path.read_bytes().splitlines()]
    assert (kinds.count("reply"), kinds.count("judgment")) == (TRIALS, TRIALS)


def test_of_several_that_start_at_once_one_runs_and_no_other_touches_it(folder: Path, server: FakeServer) -> None:
    children = [start(folder, server) for _ in range(4)]
    said = [child.communicate(timeout=120)[1] for child in children]
    codes = [child.returncode for child in children]
    assert 0 in codes
    for code, errors in zip(codes, said, strict=True):
        assert code == 0 or (code == 2 and REFUSED in errors.splitlines()[-1]), errors
        assert "Traceback" not in errors
    assert len(server.requests) == TRIALS
    assert verdicts(folder).count(b"\n") == TRIALS


def test_the_lock_of_a_killed_process_holds_nobody_up(folder: Path, server: FakeServer) -> None:
    first = start(folder, server)
    while len(server.requests) < 5:
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.005)
    first.kill()
    first.communicate()
    ended(start(folder, server))
    assert TRIALS <= len(server.requests) <= TRIALS + 2


def test_concurrent_runs_share_the_cache(folder: Path, server: FakeServer) -> None:
    both = [start(folder, server, runs, "--cache") for runs in ("one", "two")]
    for child in both:
        ended(child)
    assert TRIALS <= len(server.requests) <= 2 * TRIALS
    assert verdicts(folder, "one") == verdicts(folder, "two")
    asked = len(server.requests)
    ended(start(folder, server, "three", "--cache"))
    assert len(server.requests) == asked, "whatever either of them was told, the third need not ask"
    assert verdicts(folder, "three") == verdicts(folder, "one")
    kept = [path for path in Path(os.environ["JUDGEBENCH_CACHE"]).rglob("*") if path.is_file()]
    assert len(kept) == TRIALS
    assert all(orjson.loads(path.read_bytes())["reply"]["text"] for path in kept)
