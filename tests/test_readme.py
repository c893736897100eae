"""Every command and every Python block of the README runs, so that they cannot drift."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from factories import write_pairs
from fakes.servers import anthropic_server, openai_server

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.startswith("judgebench ")
]
OFFLINE = [line for line in COMMANDS if "--model" not in line or "--dry-run" in line]
ASKING = [line for line in COMMANDS if line not in OFFLINE]


def run(arguments: list[str], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=os.environ | env, timeout=120, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "examples.jsonl")
    for judge in ("reported", "random", "arena-hard--o1-mini-2024-09-12"):  # all of them take a while to check
        shutil.copytree(ROOT / "results" / judge, tmp_path / "results" / judge)
    return tmp_path


def test_there_is_something_to_run() -> None:
    assert len(OFFLINE) >= 7
    assert len(ASKING) >= 2


@pytest.mark.parametrize("line", OFFLINE)
def test_commands_that_ask_no_model(line: str, folder: Path) -> None:
    done = run(shlex.split(line), folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", ASKING)
def test_commands_that_ask_a_model_ask_the_one_they_name(line: str, folder: Path) -> None:
    """Against local servers that speak the two protocols; the task and the pinned prompts need the network otherwise."""
    words = shlex.split(line)
    words = ["starter" if word == "judgebench" and at > 0 else word for at, word in enumerate(words)]
    words = [word for word in words if word not in ("--split", "gpt")]
    words = ["pairwise" if word == "arena-hard" else word for word in words]
    with openai_server() as openai, anthropic_server() as anthropic:
        server = anthropic if "anthropic/" in line else openai
        at = words.index("--base-url") + 1 if "--base-url" in words else None
        words = [*words, "--base-url", server.url] if at is None else [*words[:at], server.url, *words[at + 1 :]]
        done = run([*words, "--limit", "2"], folder, ANTHROPIC_API_KEY="k")
        assert done.returncode == 0, done.stderr
        assert {request.body["model"] for request in server.requests} == {
            words[words.index("--model") + 1].partition("/")[2]
        }


@pytest.mark.parametrize("code", [text for language, text in BLOCKS if language == "python"])
def test_python_blocks(code: str, folder: Path) -> None:
    (folder / "block.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "block.py"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_make_targets_named_in_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
