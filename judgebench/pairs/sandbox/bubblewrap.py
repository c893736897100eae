"""bubblewrap: namespaces of its own for files, processes, network, host name and messages; nothing can be written.

Started by root it sets up as root and the template then becomes a user that owns nothing; started by anybody else, in
a user namespace in which no further one can be made.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import ClassVar

from judgebench.pairs.sandbox import host, seccomp
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.worker import Launch, Setup

OLDEST = (0, 8, 0)
"""The first that can disable further user namespaces."""
NOBODY = "65534"
TINY = "65536"


class Bubblewrap(Sandbox):
    """Programs in bubblewrap (`bwrap`), with seccomp and limits on top."""

    name: ClassVar[str] = "bubblewrap"

    def missing(self) -> str | None:
        """Return what this machine lacks for it."""
        if not host.LINUX or not seccomp.supported():
            return "it runs on Linux only, on x86_64 and aarch64"
        found = shutil.which("bwrap")
        if not found:
            return "bwrap is not installed. Type: apt-get install bubblewrap"
        version = _version(found)
        if version < OLDEST:
            return f"bwrap {'.'.join(map(str, version))} is too old: 0.8.0 or newer is needed"
        return None

    def fingerprint(self) -> str:
        """Return which bwrap it is."""
        found = shutil.which("bwrap")
        return f"{found} {Path(found).stat().st_mtime_ns}" if found else ""

    def launch(self) -> Launch:
        """Return how to start a worker."""
        bwrap = shutil.which("bwrap")
        assert bwrap, "missing() comes first"
        user = host.spare_user()
        setup = Setup(
            uid=user,
            outer=seccomp.outer().hex(),
            inner=seccomp.inner().hex(),
            tasks=host.threads_allowed(user),
        )
        filters = _file(seccomp.outer())
        command = (bwrap, *_walls(as_root=user is not None), "--seccomp", str(filters), "--", host.interpreter().path)
        return Launch(command, setup, hand_on=(filters,))


@cache
def _version(bwrap: str) -> tuple[int, ...]:
    """Return the version, (0,) when it does not say."""
    said = subprocess.run([bwrap, "--version"], capture_output=True, check=False, timeout=10)  # noqa: S603
    last = said.stdout.decode("utf-8", "replace").split()[-1:]
    return tuple(int(part) for part in last[0].split(".") if part.isdigit()) if last else (0,)


def _file(content: bytes) -> int:
    """Return a file descriptor that has this to read."""
    file = os.memfd_create("filter")
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _walls(*, as_root: bool) -> list[str]:
    """Return bubblewrap's options."""
    python = host.interpreter()
    user = (
        ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        if as_root
        else ["--unshare-user", "--disable-userns", "--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL"]
    )
    spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    ends = ["--hostname", "sandbox", "--clearenv", "--new-session", "--die-with-parent"]
    needed = [python.path, *python.folders, *([python.loader] if python.loader else [])]
    # Made beforehand, as folders that anybody may enter: root's are not.
    above = sorted({str(folder) for path in needed for folder in Path(path).parents} - {"/"})
    ways = [word for folder in above for word in ("--dir", folder)]
    files = [word for path in needed for word in ("--ro-bind", path, path)]
    # Nothing can be written, and what could be has a size all the same.
    folders = ["--dev", "/dev", "--size", TINY, "--tmpfs", "/dev/shm", "--size", TINY, "--tmpfs", "/tmp"]  # noqa: S108
    closed = [word for path in ("/dev/shm", "/dev", "/tmp", "/") for word in ("--remount-ro", path)]  # noqa: S108
    return [*user, *spaces, *ends, *ways, *files, *folders, *closed, "--chdir", "/"]
