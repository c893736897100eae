"""Docker, by a stand-in for its command line: what it is asked, how it is told to lock up, and what it leaves.

The stand-in runs the worker on this machine, without any sandbox: programs here are harmless.
"""

import json
import platform
import signal
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from judgebench.pairs.sandbox import docker, seccomp
from judgebench.pairs.sandbox.docker import Docker
from judgebench.pairs.sandbox.program import Program
from sandboxes import gone, marked, signal_all

STAND_IN = """#!{python}
import json, os, sys
words = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(words) + "\\n")
answers = json.load(open({answers!r}))
if words[0] == "run":
    at = words.index({image!r})
    if answers.get("run"):
        sys.exit(answers["run"])
    python = words.index("python3", at)
    os.execv({python!r}, [{python!r}, *words[python + 1:]])
answer = answers.get(" ".join(words[:2]))
print(answer or "")
sys.exit(answer is None)
"""


class Asked:
    """What the stand-in answers, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.log, self.answers = folder / "log", folder / "answers"
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        python = str(Path(sys.executable).resolve())
        program.write_text(
            STAND_IN.format(python=python, log=str(self.log), answers=str(self.answers), image=docker.IMAGE)
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.answer(**{"info --format": platform.machine(), "image inspect": "sha256:1", "kill": ""})

    def answer(self, **answers: Any) -> None:
        self.answers.write_text(json.dumps(answers))

    def runs(self) -> list[list[str]]:
        return [words for words in map(json.loads, self.log.read_text().splitlines()) if words[0] == "run"]

    def killed(self) -> list[str]:
        return [words[1] for words in map(json.loads, self.log.read_text().splitlines()) if words[0] == "kill"]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    if not seccomp.supported():
        pytest.skip("no filters for this machine")
    stand_in = Asked(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return stand_in


def test_programs_run_in_a_container(asked: Asked) -> None:
    with Docker(1) as sandbox:
        assert sandbox.missing() is None
        assert sandbox.run(Program("print(input())", "hello")).stdout == "hello\n"
        assert sandbox.run(Program("def f(x): return x + 1", calls=(("f", (1,)),))).values == (2,)
        assert sandbox.run(Program("import os; os.fork()")).status == "error"  # the filter goes with it
    assert len(asked.runs()) == 1
    assert asked.killed() == []


def test_the_container_is_locked_up(asked: Asked) -> None:
    with Docker(1) as sandbox:
        sandbox.run(Program("pass"))
    (words,) = asked.runs()
    options, inside = words[: words.index(docker.IMAGE)], words[words.index(docker.IMAGE) + 1 :]
    assert {"--rm", "--interactive", "--read-only"} <= set(options)
    for name, value in {
        "--network": "none", "--ipc": "none", "--cap-drop": "ALL", "--security-opt": "no-new-privileges", "--pull": "never",
        "--pids-limit": "256", "--memory": "2g", "--memory-swap": "2g", "--user": "65534:65534", "--entrypoint": "/usr/bin/env",
    }.items():  # fmt: skip
        assert options[options.index(name) + 1] == value
    assert not {"-v", "--volume", "--mount", "--privileged", "-e", "--env", "--publish", "--cap-add"} & set(options)
    assert inside[:7] == ["-i", "PATH=/usr/local/bin:/usr/bin", "python3", "-I", "-S", "-B", "-c"]
    setup = json.loads(inside[-1])
    assert setup["inner"] == seccomp.inner().hex()
    assert (setup["uid"], setup["ruleset"], setup["tasks"]) == (None, None, None)


def test_filters_are_for_the_daemons_machine(asked: Asked) -> None:
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    asked.answer(**{"info --format": other, "image inspect": "sha256:1"})
    assert Docker(1).launch().setup.inner == seccomp.inner(other).hex()


def test_a_container_that_must_be_killed_is_killed(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgebench.pairs.sandbox.worker.GRACE", 0.2)
    with marked() as token, Docker(1) as sandbox:
        sandbox.run(Program("pass"))
        signal_all(token, signal.SIGSTOP)
        assert sandbox.run(Program("pass", seconds=0.2)).status == "timeout"
        (words,) = asked.runs()
        assert asked.killed() == [words[words.index("--name") + 1]]
        assert gone(token)


@pytest.mark.parametrize(
    ("answers", "lack"),
    [
        ({}, "docker's daemon does not answer"),
        ({"info --format": "riscv64"}, "docker's daemon runs on riscv64, not on x86_64 or aarch64"),
        ({"info --format": "aarch64"}, f"docker has no image {docker.IMAGE}. Type: docker pull {docker.IMAGE}"),
        ({"info --format": "x86_64", "image inspect": "sha256:1"}, None),
    ],
)
def test_what_is_missing_is_said(asked: Asked, answers: dict[str, str], lack: str | None) -> None:
    asked.answer(**answers)
    assert Docker(1).missing() == lack


def test_without_docker_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Docker(1).missing() == "docker is not installed"


def test_a_daemon_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(docker, "PATIENCE", 0.2)
    started = time.monotonic()
    assert Docker(1).missing() == "docker's daemon does not answer"
    assert time.monotonic() - started < 10


def test_another_image_is_another_sandbox(asked: Asked) -> None:
    before = Docker(1).fingerprint()
    asked.answer(**{"info --format": "x86_64", "image inspect": "sha256:2"})
    assert Docker(1).fingerprint() != before


def test_a_container_that_does_not_start_says_why(asked: Asked) -> None:
    asked.answer(
        **{"info --format": platform.machine(), "image inspect": "sha256:1"}, run="docker: Error: no space left"
    )
    assert Docker(1).available() == "docker: Error: no space left"
