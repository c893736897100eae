"""Finished runs to submit, repositories to submit them to, and a gh that only writes down what it was asked."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from factories import files_of
from judgebench import environment
from judgebench.backends.scripted import ScriptedBackend
from judgebench.errors import ValidationError
from judgebench.evaluation import evaluate
from judgebench.hashing import sha256
from judgebench.records import Reply, Usage
from judgebench.submissions.findings import Finding, Report
from judgebench.submissions.submit import submit

MODEL = "openai/gpt-4o-mini"
JUDGE = "pairwise--openai__gpt-4o-mini"
TASK = "verifiable"
PLACE = f"{JUDGE}/{TASK}"
ITEMS = 36
FAULTY = 0.08
"""The share of replies that hold no verdict."""
SECRET_WORDS = "the words of a reply that nobody may see"
COMMIT = "0" * 40


def mostly(share: float = 0.5, salt: str = "") -> Callable[[Any], Reply]:
    """Return a script: A in so many of a hundred requests, else B; rarely nothing readable."""

    def script(request: Any) -> Reply:
        lot = int(sha256(f"{salt}{request.model_dump_json()}".encode())[:8], 16) / 16**8
        said = "no verdict" if lot < FAULTY else f"Verdict: {'A' if lot < FAULTY + (1 - FAULTY) * share else 'B'}"
        return Reply(text=f"{SECRET_WORDS}\n{said}", usage=Usage(input=100, output=7), cost=0.001)

    return script


def finished(
    folder: Path, *, model: str = MODEL, judge: str = "pairwise", task: str = TASK, script: Any = None, **options: Any
) -> Path:
    """Run a scripted model under the name of a real one, and return the run's directory."""
    backend = ScriptedBackend.from_function(script or mostly())
    more = {"items": ITEMS} if task == TASK else {}
    done = evaluate(
        judge, task, backend=backend, model=model, runs=str(folder / "runs"), cache=False, **(more | options)
    )
    return done.directory


def copied(run: Path, folder: Path) -> Path:
    """Copy a finished run to another folder: making one takes longer."""
    return shutil.copytree(run, folder / "runs" / Path(*run.parts[-3:]))


def git(folder: Path, *words: str, check: bool = True) -> str:
    """Run git in a folder, far from the configuration of whoever runs the tests."""
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    """Make a repository with one commit on main, and a bare one beside it that it pushes to. Return the first."""
    bare, root = folder / "remote.git", folder / "clone"
    root.mkdir()
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(root, "init", "--quiet", "--initial-branch=main")
    for name, value in (("user.name", "Tester"), ("user.email", "tester@example.org"), ("commit.gpgsign", "false")):
        git(root, "config", name, value)
    git(root, "remote", "add", "origin", str(bare))
    (root / "README.md").write_text("A board.\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    git(root, "push", "--quiet", "--set-upstream", "origin", "main")
    return root


def fake_gh(folder: Path, code: int = 0) -> Path:
    """Write a gh that writes down its words, one a line, and ends with `code`. Return the folder for PATH."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    script = place / "gh"
    script.write_text(
        f'#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word" >> "{place}/asked"; done\n'
        f'[ {code} = 0 ] || echo "gh: not logged in" >&2\necho https://example.org/pull/7\nexit {code}\n'
    )
    script.chmod(0o755)
    return place


def hermetic_git() -> dict[str, str]:
    """Return the environment in which git reads no configuration but the repository's own."""
    return {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def change(path: Path, edit: Callable[[Any], Any]) -> None:
    """Change a JSON file by hand."""
    loaded = json.loads(path.read_bytes())
    edit(loaded)
    path.write_text(json.dumps(loaded, indent=2))


def refused(
    run: Path, results: Path, match: str, kind: type[Exception] = ValidationError, lines: int = 1, **options: Any
) -> str:
    """Submit, expect a refusal in one line, and that nothing was written. Return the line."""
    before = files_of(results)
    with pytest.raises(kind, match=match) as caught:
        submit([run], results, **options)
    assert len(str(caught.value).splitlines()) == lines
    assert files_of(results) == before
    assert not list(run.glob(".submit-*"))
    return str(caught.value)


Checks = list[tuple[Path, list[str]]]


def replace_check(patch: pytest.MonkeyPatch, validate: Callable[..., Report]) -> None:
    """Put another check in place of the board's."""
    patch.setattr("judgebench.submissions.validate.validate", validate)


def watch_check(patch: pytest.MonkeyPatch) -> Checks:
    """Put a check in place that finds one flag, and return what it is asked: the folder and the files in it."""
    asked: Checks = []

    def validate(results: Path, paths: Sequence[Path] = ()) -> Report:
        assert paths
        assert all(path.is_relative_to(results) for path in paths)
        asked.append((results, sorted(files_of(results))))
        return Report(("x",), (Finding("flag", f"results/{PLACE}.json", "metrics", "far | above `the` best"),))

    replace_check(patch, validate)
    return asked


def clean_code(patch: pytest.MonkeyPatch) -> None:
    """Let runs be made by committed code, and git read no configuration but the repository's own."""
    patch.setattr(environment, "_commit", lambda: COMMIT)
    for name, value in hermetic_git().items():
        patch.setenv(name, value)
