"""The ten probes: what a sandbox must hold before it may run anything. Each is an attack in earnest, on bait laid here.

Limits are tried by going beyond them. Before all of them stands a program that must work: where nothing runs, every
probe would pass.
"""

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.pairs.sandbox import host
from judgebench.pairs.sandbox.attacks import Bait
from judgebench.pairs.sandbox.program import Outcome, Program, Status

if TYPE_CHECKING:
    from judgebench.pairs.sandbox.base import Sandbox

BRIEF, LONG = 0.3, 20.0
ATTACKS = ("reading", "environment", "writing", "network", "processes", "signals", "privileges")
LIMITS: dict[Status, float] = {"memory": LONG, "timeout": BRIEF, "output": LONG}
"""Each named as the outcome it must have, with its seconds."""
FOLDERS = ("/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", ".")  # noqa: S108 - nobody should write there
ALIKE = ("PATH", "LANG", "LANGUAGE", "LC_", "TZ", "TERM", "SHLVL", "PWD", "HOME")
"""What an environment may have in common with another by chance: beginnings of names."""


def failures(sandbox: "Sandbox") -> Iterator[str]:
    """Yield a few words for each probe that did not hold; only the first when nothing can be run at all."""
    code = files("judgebench.pairs.sandbox").joinpath("attacks.py").read_text("utf-8")
    with _bait() as bait:
        works = sandbox.run(Program(code, calls=(("works", (bait,)),), seconds=LONG))
        if works.values != ([],):
            yield f"a simple program does not run ({works.detail or works.values[0]})"
            return
        attacks = [Program(code, calls=((name, (bait,)),), seconds=LONG) for name in ATTACKS]
        limits = [Program(code, calls=((name, ()),), seconds=seconds) for name, seconds in LIMITS.items()]
        outcomes = sandbox.run_many([*attacks, *limits])
        for name in ATTACKS:
            yield from _got_away(name, next(outcomes))
        for status in LIMITS:
            found = next(outcomes).status
            if found != status:
                yield f"{status} is not limited ({found})"


def _got_away(name: str, outcome: Outcome) -> Iterator[str]:
    if outcome.status != "ok":
        yield f"{name}: {outcome.status} ({outcome.detail})"
        return
    got = outcome.values[0]
    if name == "environment":
        got = [key for key, value in got if os.environ.get(key) == value and not key.startswith(ALIKE)]
    if got:
        yield f"{name}: {', '.join(map(str, got))}"


@contextlib.contextmanager
def _bait() -> Iterator[Bait]:
    """Lay out a file that must not be read and doors that must not open, and say where they are."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o777)  # open to anybody: it is bait
        secret = folder / "secret"
        secret.write_text("bait")
        secret.chmod(0o666)
        bait: Bait = {
            "token": secrets.token_hex(8),
            "pid": os.getpid(),
            "folders": [str(folder), *FOLDERS],
            "files": [str(secret), __file__, f"/proc/{os.getpid()}/environ"],
            "path": str(folder / "door"),
        }
        for name, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
            door = stack.enter_context(socket.socket(socket.AF_INET, kind))
            door.bind(("127.0.0.1", 0))
            bait[name] = door.getsockname()[1]
            if name == "tcp":
                door.listen()
        for address in [bait["path"]] + ["\0" + bait["token"]] * host.LINUX:
            door = stack.enter_context(socket.socket(socket.AF_UNIX))
            door.bind(address)
            door.listen()
        stack.callback(_clear, bait)
        yield bait


def _clear(bait: Bait) -> None:
    """Remove what was made where it should not have been, and what its maker may not have been allowed to remove."""
    for folder in bait["folders"]:
        with contextlib.suppress(OSError):
            Path(folder, bait["token"]).unlink()
