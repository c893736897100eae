"""What the host has for sandboxes: an interpreter and the folders it needs, a user that owns nothing, threads."""

import json
import os
import platform
import secrets
import struct
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from judgebench.errors import MissingPrerequisite

LINUX = sys.platform == "linux"
SPARE_USERS = range(61184, 65520)
"""User ids that systemd sets aside for services without an account; on no system do they own anything."""
THREADS = 1024
"""How many threads a program may have beyond what its user runs already."""
ZONES = "/usr/share/zoneinfo"
EXPLORE = """
import importlib, json, os, sys
for folder in sys.path:
    for name in os.listdir(folder) if folder.endswith("lib-dynload") else ():
        name = name.split(".")[0]
        if not name.startswith(("_test", "_tkinter", "_ctypes_test", "xx")):
            try:
                importlib.import_module(name)
            except Exception:
                pass
with open("/proc/self/maps") as maps:
    mapped = {line.split(None, 5)[5].strip() for line in maps if ".so" in line}
print(json.dumps([[folder for folder in sys.path if os.path.isdir(folder)], sorted(map(os.path.dirname, mapped))]))
"""
"""Run by the interpreter itself: where its library is, and where the shared libraries that it can come to need are."""


@dataclass(frozen=True)
class Interpreter:
    """A Python, the folders that it reads, and the loader that starts it (None when it is statically linked)."""

    path: str
    folders: tuple[str, ...]
    loader: str | None


def executable() -> str:
    """Return the Python that runs this, outside of any virtual environment."""
    return str(Path(sys.executable).resolve())


@cache
def interpreter() -> Interpreter:
    """Return it, and what it needs. Raises MissingPrerequisite when it cannot start."""
    path = executable()
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [path, "-I", "-S", "-B", "-c", EXPLORE], capture_output=True, env={}, timeout=60, check=False
    )
    if done.returncode != 0:
        raise MissingPrerequisite(f"{path} does not start without its environment: {done.stderr.decode()[-200:]!r}")
    library, shared = json.loads(done.stdout)
    zones = [ZONES] if Path(ZONES).is_dir() else []
    return Interpreter(path, _outermost([*library, *shared, *zones]), _loader(Path(path)))


def _outermost(folders: list[str]) -> tuple[str, ...]:
    """Return the folders that lie in no other of them."""
    kept: list[str] = []
    for folder in sorted({os.path.realpath(folder) for folder in folders}):
        if not kept or not Path(folder).is_relative_to(kept[-1]):
            kept.append(folder)
    return tuple(kept)


def _loader(program: Path) -> str | None:
    """Return what an ELF file names as its loader: the segment of type 3 in its program headers (elf(5))."""
    with program.open("rb") as file:
        head = file.read(64)
        start, size, count = (*struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54))
        for place in range(count):
            file.seek(start + place * size)
            kind, _, offset, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 3:  # noqa: PLR2004 - PT_INTERP
                file.seek(offset)
                return file.read(length).rstrip(b"\0").decode()
    return None


def spare_user() -> int | None:
    """Return a user id for root to become, another each time; None when this is not root, or cannot become another."""
    if not LINUX or os.geteuid() != 0:
        return None
    user = secrets.choice(SPARE_USERS)
    maps = [[int(number) for number in line.split()] for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return user if any(inside <= user < inside + count for inside, _, count in maps) else None


def threads_allowed(user: int | None) -> int | None:
    """Return how many threads a user may have in all, a program's included: RLIMIT_NPROC counts them together."""
    if not LINUX:
        return None
    owner = os.geteuid() if user is None else user
    return THREADS + sum(_threads(entry, owner) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _threads(process: Path, owner: int) -> int:
    try:
        return len(os.listdir(process / "task")) if process.stat().st_uid == owner else 0  # noqa: PTH208
    except OSError:  # it has ended
        return 0


def boot() -> str:
    """Return what stays the same until the kernel, or what it allows here, changes; '' when that cannot be told."""
    try:
        once = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        spaces = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("mnt", "user", "pid")]  # noqa: PTH115
    except OSError:
        return ""
    return " ".join([once, platform.release(), *spaces, str(os.geteuid())])


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if LINUX else os.cpu_count() or 1
