"""What the probes do inside a sandbox. It is run there as a program, and so imports nothing but the standard library.

Each attack returns what it got away with, and does no harm where it succeeds. The last three never return.
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import platform
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

Bait = dict[str, Any]
LIBC = ctypes.CDLL(None, use_errno=True)
REFUSED = (1, 38)
"""EPERM and ENOSYS."""
NEW_USER = 0x10000000
CALLS = {
    "x86_64": {
        "ptrace": 101, "mount": 165, "unshare": 272, "chroot": 161, "setuid": 105, "bpf": 321, "keyctl": 250,
        "perf_event_open": 298, "userfaultfd": 323, "io_uring": 425, "handle": 304, "shared": 29, "personality": 135,
    },
    "aarch64": {
        "ptrace": 117, "mount": 40, "unshare": 97, "chroot": 51, "setuid": 146, "bpf": 280, "keyctl": 219,
        "perf_event_open": 241, "userfaultfd": 282, "io_uring": 425, "handle": 265, "shared": 194, "personality": 92,
    },
}  # fmt: skip
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "mount": (b"none", b"/", b"no-such-filesystem", 0, 0),
    "unshare": (NEW_USER,),
    "chroot": (b"/",),
    "keyctl": (0, -3, 1),
    "io_uring": (8, bytes(200)),
    "userfaultfd": (1,),
    "shared": (0x6A62, 4096, 0),
}
"""What would work, or fail for another reason than that it is forbidden; zeros for all others."""


def attempts(acts: dict[str, Callable[[], Any]]) -> list[str]:
    """Do all of it, and return what was not refused: what raised nothing and did not return -1."""
    done = []
    for name, act in acts.items():
        with contextlib.suppress(Exception):
            if act() != -1:
                done.append(name)
    return done


def works(_: Bait) -> list[str]:
    """Do what any program may: import, compute, start a thread."""
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.extend(heapq.nsmallest(1, [3, 2])))
    thread.start()
    thread.join()
    return [] if got == [2] else ["a thread does not run"]


def reading(bait: Bait) -> list[str]:
    """Read files of the host's."""
    return attempts({path: Path(path).read_bytes for path in bait["files"]})


def environment(_: Bait) -> list[list[str]]:
    """Return the environment; who knows the host's compares."""
    return [[name, value] for name, value in os.environ.items()]


def writing(bait: Bait) -> list[str]:
    """Write, or change a file without opening it."""

    def put(path: Path) -> None:
        path.touch(exist_ok=False)
        path.unlink()

    kept = Path(bait["files"][0])
    return attempts(
        {folder: partial(put, Path(folder, bait["token"])) for folder in bait["folders"]}
        | {
            "an existing file": lambda: kept.open("a").close(),
            "its mode": lambda: kept.chmod(0o600),
            "its times": lambda: os.utime(kept, (1, 1)),
            "a link": lambda: kept.with_name("link").hardlink_to(kept),
            "a folder": lambda: kept.with_name("folder").mkdir(),
            "its name": lambda: kept.rename(kept.with_name("name")),
        }
    )


def network(bait: Bait) -> list[str]:
    """Reach a door that stands open on the host."""

    def knock(family: int, address: Any, kind: int = socket.SOCK_STREAM) -> None:
        with socket.socket(family, kind) as door:
            door.settimeout(1)
            door.connect(address)
            door.send(b"x")

    return attempts(
        {
            "tcp": lambda: knock(socket.AF_INET, ("127.0.0.1", bait["tcp"])),
            "udp": lambda: knock(socket.AF_INET, ("127.0.0.1", bait["udp"]), socket.SOCK_DGRAM),
            "unix": lambda: knock(socket.AF_UNIX, bait["path"]),
            "abstract unix": lambda: knock(socket.AF_UNIX, "\0" + bait["token"]),
            "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close(),
        }
    )


def processes(_: Bait) -> list[str]:
    """Start another process."""

    def forked(fork: Callable[[], int]) -> int:
        child = fork()
        if child == 0:
            os._exit(0)
        return child

    return attempts(
        {
            "fork": lambda: forked(os.fork),
            "libc fork": lambda: forked(LIBC.fork),
            "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
            "subprocess": lambda: subprocess.run(["/bin/true"], check=True),
            "system": lambda: -1 if os.system("true") else 0,  # noqa: S605, S607
        }
    )


def signals(bait: Bait) -> list[str]:
    """Signal others, with the signal that does nothing; or have the kernel do it."""
    targets = {"its parent": os.getppid(), "judgebench": bait["pid"], "the first": 1, "everybody": -1, "its group": 0}
    return attempts(
        {name: partial(os.kill, pid, 0) for name, pid in targets.items()}
        | {"by a pipe's owner": lambda: fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())}
    )


def privileges(_: Bait) -> list[str]:
    """Make system calls that lead out."""

    def call(name: str, number: int) -> int:
        result = int(LIBC.syscall(number, *ARGUMENTS.get(name, (0, 0, 0, 0, 0))))
        return result if result != -1 or ctypes.get_errno() in REFUSED else 0

    calls = CALLS[platform.machine()]
    return attempts({name: partial(call, name, number) for name, number in calls.items()})


def memory() -> None:
    """Take all there is."""
    held = []
    while True:
        held.append(bytearray(1 << 24))


def timeout() -> None:
    """Take forever, without using the processor."""
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)


def output() -> None:
    """Print without end."""
    while True:
        print("x" * 65536)  # noqa: T201
