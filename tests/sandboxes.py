"""What the sandbox tests share: sandboxes as root and as nobody, programs, and a census of what is left running."""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from judgebench.pairs.sandbox import worker
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.bubblewrap import Bubblewrap
from judgebench.pairs.sandbox.landlock import Landlock
from judgebench.pairs.sandbox.program import Outcome, Program

ROOT = Path(__file__).parent.parent
CHILD = Path(__file__).parent / "sandbox_child.py"
NOBODY = 65534
BACKENDS: dict[str, type[Sandbox]] = {"bubblewrap": Bubblewrap, "landlock": Landlock}
WAYS = [f"{backend}-{who}" for backend in BACKENDS for who in ("me", "nobody")]
PACKAGE = ("__init__.py", "errors.py", "registry.py", "version.py", "pairs/__init__.py", "pairs/sandbox")


def script(code: str, stdin: str = "", **limits: Any) -> Program:
    """Return a script, written indented as it stands in a test."""
    return Program(textwrap.dedent(code), stdin, **limits)


def function(code: str, *arguments: Any, times: int = 1, **limits: Any) -> Program:
    """Return a program whose function `f` is called."""
    return Program(textwrap.dedent(code), calls=(("f", arguments),) * times, **limits)


def lacking(backend: str) -> None:
    """Skip when a backend cannot be used here. In CI one of them must be."""
    reason = BACKENDS[backend](1).missing()
    if reason is None:
        return
    if os.environ.get("CI") and all(kind(1).missing() for kind in BACKENDS.values()):
        pytest.fail(f"no sandbox here; {backend}: {reason}")
    pytest.skip(f"{backend}: {reason}")


def alive(token: str) -> list[int]:
    """Return the processes that run the source with this token in it, or wait for one that does."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and token.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def at_rest(token: str) -> list[int]:
    """Return the processes of a sandbox in which nothing runs, once the last has ended."""
    before: list[int] = []
    while (now := alive(token)) != before:
        before = now
        time.sleep(0.1)
    return now


def signal_all(token: str, number: int) -> None:
    """Signal all processes of a sandbox; the first to go may take others with it."""
    for process in at_rest(token):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def gone(token: str, within: float = 5.0) -> bool:
    """Return whether none of them is left, waiting for the last to go."""
    deadline = time.monotonic() + within
    while alive(token):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def marked() -> Iterator[str]:
    """Mark the workers that are started meanwhile, so that they can be told from all other processes."""
    token = f"# {secrets.token_hex(12)}"
    original = worker.inside
    source = original() + token
    worker.inside = lambda: source  # type: ignore[assignment]
    try:
        yield token
    finally:
        worker.inside = original


def as_others() -> tuple[str, ...]:
    """Return a Python that a user who owns nothing can start, or skip."""
    for path in (str(Path(sys.executable).resolve()), shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        if path is None:
            continue
        with contextlib.suppress(OSError):
            code = "import sys, ctypes; sys.exit(sys.version_info < (3, 11))"
            if (
                subprocess.run([path, "-c", code], user=NOBODY, group=NOBODY, extra_groups=[], check=False).returncode
                == 0
            ):
                return (path,)
    return pytest.skip("no Python here that an unprivileged user can start")


class Box:
    """A sandbox in a process of its own, under another user: programs go in as lines, outcomes come out as lines."""

    def __init__(self, backend: str, token: str, folder: Path) -> None:
        python = as_others()
        for name in PACKAGE:
            source, target = ROOT / "judgebench" / name, folder / "judgebench" / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        shutil.copy(CHILD, folder)
        self.process = subprocess.Popen(
            [*python, "-B", str(folder / CHILD.name), backend, token],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", env={"PYTHONPATH": str(folder)},
            user=NOBODY, group=NOBODY, extra_groups=[],
        )  # fmt: skip

    def run(self, program: Program) -> Outcome:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asdict(program)) + "\n")
        self.process.stdin.flush()
        fields = json.loads(self.process.stdout.readline())
        return Outcome(**{**fields, "values": tuple(fields["values"])})

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@contextlib.contextmanager
def opened(way: str) -> Iterator[tuple[Any, str]]:
    """Open a sandbox one of the WAYS, and yield what has `run`, and the token that its processes carry."""
    backend, who = way.split("-")
    lacking(backend)
    with marked() as token:
        if who == "me":
            with BACKENDS[backend](1) as sandbox:
                yield sandbox, token
            return
        if os.geteuid() != 0:
            pytest.skip("these tests run as an unprivileged user already")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            box = Box(backend, token, Path(folder))
            try:
                yield box, token
            finally:
                box.close()
