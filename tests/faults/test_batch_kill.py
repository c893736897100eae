"""Killed while a batch is polled: the same command waits for the same batch, and the server counts one submission."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from factories import write_pairs
from fakes.batch_runs import PAIRS, PROVIDERS, TRIALS, sizes, verdict_of
from fakes.batches import FakeBatches

DEADLINE = 60.0


def start(folder: Path, provider: str, url: str, *arguments: str) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "judgebench", "eval", "--judge", "pairwise", "--task", "pairs.jsonl",
        "--model", f"{provider}/m", "--base-url", url, "--no-cache", "--json", *arguments,
    ]  # fmt: skip
    return subprocess.Popen(
        command, cwd=folder, env=os.environ.copy(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(child: subprocess.Popen[str]) -> dict[str, Any]:
    out, errors = child.communicate(timeout=DEADLINE)
    assert child.returncode == 0, errors
    result: dict[str, Any] = json.loads(out)[0]
    return result


def wait_for_polls(batches: FakeBatches, polls: int, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + DEADLINE
    while batches.polls < polls:
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < deadline, "the batch was never polled"
        time.sleep(0.01)


@pytest.mark.parametrize("provider", ["openai", pytest.param("anthropic", marks=pytest.mark.soak)])
def test_killed_at_the_poll_it_reattaches_and_submits_nothing_again(provider: str, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl", PAIRS)
    with PROVIDERS[provider][1](verdict_of) as batches:
        batches.polls_needed, batches.held = 1, True
        url = batches.server.url
        for polls, sent in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGKILL), 1):
            child = start(tmp_path, provider, url, "--batch")
            wait_for_polls(batches, polls, child)
            child.send_signal(sent)
            _, errors = child.communicate(timeout=DEADLINE)
            assert child.returncode in ({130} if sent in (signal.SIGINT, signal.SIGTERM) else {-sent}), errors
            assert "Traceback" not in errors
        batches.held = False
        done = finish(start(tmp_path, provider, url, "--batch"))
        assert sizes(batches) == [TRIALS]
        live = finish(start(tmp_path, provider, url, "--runs", "live"))
    assert done["counts"] == live["counts"]
    assert done["metrics"] == live["metrics"]
    assert verdicts(tmp_path, done) == verdicts(tmp_path, live)


def verdicts(folder: Path, result: dict[str, Any]) -> bytes:
    return (folder / result["directory"] / "verdicts.jsonl").read_bytes()
