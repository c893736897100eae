"""A full or read-only disk stops a run with one line; with room again the same command ends as if nothing had been."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from factories import write_pairs
from fakes.disks import small_disk
from fakes.servers import FakeServer, openai_server
from judgebench.backends.scripted import ScriptedBackend
from judgebench.errors import RunError
from judgebench.evaluation import evaluate
from judgebench.hashing import sha256
from judgebench.run import runner

PAIRS = 30
TRIALS = 2 * PAIRS
CONCURRENCY = 4
REASONS = "All of it is considered at some length. " * 20


def verdict_of(body: Any) -> str:
    lot = int(sha256(str(body["messages"]).encode())[:4], 16)
    return "no verdict here" if lot % 7 == 0 else f"{REASONS}\nVerdict: {'AB'[lot % 2]}"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with openai_server(verdict_of) as running:
        yield running


def command(folder: Path, server: FakeServer, *arguments: str) -> list[str]:
    return [
        sys.executable, "-m", "judgebench", "eval", "--judge", "pairwise", "--task", str(folder / "pairs.jsonl"),
        "--model", "openai/m", "--base-url", server.url, "--concurrency", str(CONCURRENCY),
        "--runs", str(folder / "runs"), *(arguments or ("--no-cache",)),
    ]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs.jsonl", PAIRS)
    return tmp_path


@pytest.fixture
def calm(folder: Path, server: FakeServer) -> bytes:
    """Return the verdicts of a run that had room."""
    task, runs = str(folder / "pairs.jsonl"), str(folder / "calm")
    done = evaluate("pairwise", task, model="openai/m", base_url=server.url, runs=runs, cache=False)
    server.requests.clear()
    return (done.directory / "verdicts.jsonl").read_bytes()


def assert_one_line(done: subprocess.CompletedProcess[str], says: str) -> None:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("judgebench: ")]
    assert error == done.stderr.splitlines()[-1]
    assert says in error
    assert done.stdout == ""


def whole_lines(runs: Path) -> int:
    """Return how many lines the journal has, all of which must be whole."""
    found = [path.read_bytes() for path in runs.glob("*/*/*/journal.jsonl")]
    for data in found:
        assert data == b"" or data.endswith(b"\n")
        for line in data.splitlines():
            orjson.loads(line)
    return sum(len(data.splitlines()) for data in found)


def assert_as_if_nothing_had_been(runs: Path, calm: bytes, server: FakeServer, times: int = 1) -> None:
    (verdicts,) = runs.glob("*/*/*/verdicts.jsonl")
    assert verdicts.read_bytes() == calm
    assert not list(runs.rglob(".*")), "no half-written file is left behind"
    assert TRIALS <= len(server.requests) <= TRIALS + times * CONCURRENCY


@pytest.mark.parametrize("size", ["4k", pytest.param("32k", marks=pytest.mark.soak)])
def test_a_full_disk(size: str, folder: Path, server: FakeServer, calm: bytes) -> None:
    with small_disk(folder / "runs", f"size={size}") as disk:
        seen = disk.seen(folder / "runs")
        assert_one_line(disk.run(*command(folder, server)), "No space left on device")
        lines = whole_lines(seen)
        assert (lines > 0) == (size == "32k")
        assert_one_line(disk.run(*command(folder, server)), "No space left on device")
        assert whole_lines(seen) >= lines, "what was paid stays"
        disk.remount("size=9m")
        done = disk.run(*command(folder, server))
        assert done.returncode == 0, done.stderr
        assert_as_if_nothing_had_been(seen, calm, server, times=2)


def test_a_disk_that_takes_no_more_files(folder: Path, server: FakeServer, calm: bytes) -> None:
    """With room for one file more each time, every single file of a run is the one that cannot be written."""
    with small_disk(folder / "runs", "nr_inodes=1") as disk:
        codes = []
        for files in range(2, 40):
            disk.remount(f"nr_inodes={files}")
            done = disk.run(*command(folder, server))
            codes.append(done.returncode)
            if done.returncode == 0:
                break
            assert_one_line(done, "No space left on device")
        assert codes[-1] == 0
        assert len(codes) > 8, "folders, lock, manifest, journal, verdicts, result and page"
        assert_as_if_nothing_had_been(disk.seen(folder / "runs"), calm, server)


@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.soak), "half-way"])
def test_a_read_only_disk(moment: str, folder: Path, server: FakeServer, calm: bytes) -> None:
    with small_disk(folder / "runs", "size=32k") as disk:
        if moment == "half-way":
            disk.run(*command(folder, server))
        disk.remount("ro")
        asked, lines = len(server.requests), whole_lines(disk.seen(folder / "runs"))
        assert_one_line(disk.run(*command(folder, server)), "Read-only file system")
        assert (len(server.requests), whole_lines(disk.seen(folder / "runs"))) == (asked, lines)
        disk.remount("rw,size=9m")
        assert disk.run(*command(folder, server)).returncode == 0
        assert_as_if_nothing_had_been(disk.seen(folder / "runs"), calm, server)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(folder: Path, server: FakeServer) -> None:
    (folder / "runs").mkdir(mode=0o555)
    done = subprocess.run(command(folder, server), capture_output=True, text=True, check=False)
    assert_one_line(done, "Permission denied")
    assert server.requests == []


@pytest.mark.parametrize("most", [100, pytest.param(30_000, marks=pytest.mark.soak)])
def test_a_file_that_may_not_grow(most: int, folder: Path, server: FakeServer, calm: bytes) -> None:
    """The kernel's own limit stands in for a full disk where nobody may mount one: a part is written, then no more."""
    done = subprocess.run(
        command(folder, server), capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )  # fmt: skip
    assert_one_line(done, "File too large")
    lines = whole_lines(folder / "runs")
    assert (lines > 0) == (most > 100)
    done = subprocess.run(command(folder, server), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_as_if_nothing_had_been(folder / "runs", calm, server)


def test_a_full_cache_costs_later_hits_and_nothing_else(folder: Path, server: FakeServer, calm: bytes) -> None:
    with small_disk(folder / "cache", "size=128k") as disk:
        done = disk.run(*command(folder, server, "--cache"), JUDGEBENCH_CACHE=str(folder / "cache"))
        assert done.returncode == 0, done.stderr
        assert_as_if_nothing_had_been(folder / "runs", calm, server)
        kept = [path for path in disk.seen(folder / "cache").rglob("*") if path.is_file()]
        assert 0 < len(kept) < TRIALS
        assert all(path.suffix == ".json" and orjson.loads(path.read_bytes()) for path in kept)


def test_a_disk_that_loses_what_it_took_stops_the_run_at_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed fsync is told once and never again: who goes on writing has lost verdicts and does not know."""
    fsync, seen = os.fsync, []

    def failing(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "journal.jsonl":
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    def reply(request: Any) -> str:
        seen.append(request)
        return "Verdict: A"

    monkeypatch.setattr(runner, "SYNC_EVERY", 0.02)
    monkeypatch.setattr(os, "fsync", failing)
    backend = ScriptedBackend.from_function(reply, latency=0.05)
    options = {"runs": str(tmp_path / "runs"), "concurrency": 2}
    with pytest.raises(RunError, match=r"cannot write .*journal.jsonl: Input/output error"):
        evaluate("pairwise", str(folder / "pairs.jsonl"), backend=backend, **options)
    assert len(seen) < TRIALS / 2
    monkeypatch.undo()
    done = evaluate("pairwise", str(folder / "pairs.jsonl"), backend=ScriptedBackend.from_function(reply), **options)
    assert done.result.counts.verdicts == TRIALS
