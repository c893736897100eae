"""Landlock: no namespaces, no tools, no privileges; the kernel refuses the worker all files but Python's own.

What it does not cover, seccomp does: sockets, signals, processes, and whatever changes a file without opening it. What
neither covers: a program can ask whether a path exists, and its size and times. See landlock(7), linux/landlock.h.
"""

import ctypes
import os
import struct
from typing import ClassVar

from judgebench.pairs.sandbox import host, seccomp
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.worker import Launch, Setup

CREATE, ADD = 444, 445
WHICH_VERSION = 1
BENEATH = 1
WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
"""All there is to forbid about files, by version of the interface; from 5 on the same."""
TCP = 0b11
SCOPES = 0b11
"""Binding and connecting (from version 4 on); abstract sockets and signals of others (from 6 on)."""
DEVICES = {"/dev/null": READ_FILE | WRITE_FILE, "/dev/urandom": READ_FILE, "/dev/random": READ_FILE}


class Landlock(Sandbox):
    """Programs under Landlock rules, seccomp and limits."""

    name: ClassVar[str] = "landlock"

    def missing(self) -> str | None:
        """Return what this machine lacks for it."""
        if not host.LINUX or not seccomp.supported():
            return "it runs on Linux only, on x86_64 and aarch64"
        if version() < 1:
            return "this kernel has no Landlock: Linux 5.13 or newer, with lsm=landlock, is needed"
        if os.geteuid() == 0 and host.spare_user() is None:
            return "root cannot become another user here"
        return None

    def launch(self) -> Launch:
        """Return how to start a worker."""
        user = host.spare_user()
        rules = ruleset(host.interpreter().folders)
        setup = Setup(
            uid=user,
            ruleset=rules,
            outer=seccomp.outer().hex(),
            inner=seccomp.inner().hex(),
            tasks=host.threads_allowed(user),
        )
        return Launch((host.interpreter().path,), setup, hand_on=(rules,))


def version() -> int:
    """Return the version of the kernel's interface, 0 or less when it has none."""
    return int(ctypes.CDLL(None).syscall(CREATE, None, 0, WHICH_VERSION))


def ruleset(folders: tuple[str, ...]) -> int:
    """Return a file descriptor: rules under which nothing can be done but reading these folders. Raises OSError."""
    known = version()
    rights = RIGHTS[min(known, max(RIGHTS))]
    handled = struct.pack("=QQQ", rights, TCP, SCOPES)[: 24 if known >= 6 else 16 if known >= 4 else 8]  # noqa: PLR2004
    rules = _call(CREATE, handled, len(handled), 0)
    allowed = dict.fromkeys(folders, READ_FILE | READ_DIR) | DEVICES
    for path, access in allowed.items():
        if not os.path.exists(path):  # noqa: PTH110 - a folder, or a device in a spare container
            continue
        place = os.open(path, os.O_PATH)
        try:
            _call(ADD, rules, BENEATH, struct.pack("=Qi", access, place), 0)
        finally:
            os.close(place)
    return rules


def _call(*words: int | bytes) -> int:
    result = int(ctypes.CDLL(None, use_errno=True).syscall(*words))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
