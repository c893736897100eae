"""A key set in the environment reaches no file of a run and no error message."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factories import write_pairs
from fakes.servers import Answer, anthropic_server, openai_server

KEY = "sk-Very-Secret-0123456789abcdef"


def run(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "judgebench", "eval", "--judge", "pairwise", "--limit", "2", "--runs", "runs",
               *arguments]  # fmt: skip
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=os.environ | env, timeout=120, check=False
    )


def everything_written(folder: Path) -> str:
    return "".join(path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs.jsonl", 4)
    return tmp_path


def test_the_openai_key_is_nowhere(folder: Path) -> None:
    with openai_server() as server:
        done = run(
            "--task",
            "pairs.jsonl",
            "--model",
            "openai/m",
            "--base-url",
            server.url,
            cwd=folder,
            OPENAI_API_KEY=KEY,
        )
        assert done.returncode == 0, done.stderr
        assert server.requests, "the server must have been asked"
    assert KEY not in done.stdout + done.stderr + everything_written(folder)
    assert list(folder.glob("runs/*/*/*/result.json"))


def test_the_anthropic_key_is_nowhere(folder: Path) -> None:
    with anthropic_server() as server:
        done = run("--task", "pairs.jsonl", "--model", "anthropic/m", "--base-url", server.url, cwd=folder,
                   ANTHROPIC_API_KEY=KEY)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert server.requests
    assert KEY not in done.stdout + done.stderr + everything_written(folder)


@pytest.mark.parametrize("status", [401, *(pytest.param(status, marks=pytest.mark.soak) for status in (403, 404, 400))])
def test_a_refused_key_is_not_repeated_in_the_error(folder: Path, status: int) -> None:
    body = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    with openai_server() as server:
        server.push(*(Answer(status, body) for _ in range(4)))
        done = run(
            "--task",
            "pairs.jsonl",
            "--model",
            "openai/m",
            "--base-url",
            server.url,
            cwd=folder,
            OPENAI_API_KEY=KEY,
        )
    assert done.returncode == 2
    assert KEY not in done.stdout + done.stderr + everything_written(folder)
    assert len(done.stderr.strip().splitlines()) <= 2, done.stderr
    assert "Traceback" not in done.stderr


def test_credentials_in_a_url_are_not_repeated(folder: Path) -> None:
    with openai_server() as server:
        url = server.url.replace("http://", f"http://user:{KEY}@")
        done = run("--task", "pairs.jsonl", "--model", "openai/m", "--base-url", url, cwd=folder)
    assert KEY not in done.stdout + done.stderr + everything_written(folder)
