"""What is found out about the host, and how the backends use it."""

import os
import platform
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import MissingPrerequisite
from judgebench.pairs.sandbox import bubblewrap, host, landlock, seccomp
from judgebench.pairs.sandbox.bubblewrap import Bubblewrap
from judgebench.pairs.sandbox.landlock import Landlock
from judgebench.pairs.sandbox.unsafe import UnsafeLocal
from sandboxes import lacking

linux = pytest.mark.skipif(not host.LINUX, reason="of Linux only")


# --- the interpreter ----------------------------------------------------------------------------------------------
@linux
def test_the_interpreter_and_all_it_reads_are_found() -> None:
    python = host.interpreter()
    assert python.path == os.path.realpath(sys.executable)
    assert any(Path(os.__file__).resolve().is_relative_to(folder) for folder in python.folders)
    maps = Path("/proc/self/maps").read_text()
    for library in ("libc.so", "libc-", "libm.so", "libm-"):
        for line in maps.splitlines():
            path = line.split(None, 5)[5:]
            if path and Path(path[0].strip()).name.startswith(library):
                assert any(Path(path[0].strip()).is_relative_to(folder) for folder in python.folders)


@linux
def test_folders_are_no_more_than_needed() -> None:
    for folder in host.interpreter().folders:
        assert Path(folder).is_dir()
        assert folder not in {"/", "/usr", "/home", "/root", "/etc", "/tmp", str(Path.home())}
        assert not Path(__file__).is_relative_to(folder)
    assert host._outermost(["/usr/lib/x", "/usr/lib", "/usr/lib", "/usr/libexec"]) == ("/usr/lib", "/usr/libexec")


@linux
def test_the_loader_is_the_one_in_the_file() -> None:
    loader = host.interpreter().loader
    assert loader is not None
    shown = subprocess.run([loader, "--version"], capture_output=True, text=True, check=False)
    assert "ld" in shown.stdout.lower() + shown.stderr.lower()


def test_a_program_without_a_loader_has_none(tmp_path: Path) -> None:
    head = (
        b"\x7fELF"
        + bytes(28)
        + (64).to_bytes(8, "little")
        + bytes(14)
        + (56).to_bytes(2, "little")
        + (1).to_bytes(2, "little")
    )
    segment = (1).to_bytes(4, "little") + bytes(52)
    (tmp_path / "static").write_bytes(head.ljust(64, b"\0") + segment)
    assert host._loader(tmp_path / "static") is None


def test_a_python_that_needs_its_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text("#!/bin/sh\necho no library >&2\nexit 1\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrapper))
    with pytest.raises(MissingPrerequisite, match="does not start without its environment: 'no library"):
        host.interpreter.__wrapped__()


# --- users and threads --------------------------------------------------------------------------------------------
@linux
def test_only_root_becomes_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert host.spare_user() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    users = {host.spare_user() for _ in range(50)}
    assert len(users) > 10
    assert users <= set(host.SPARE_USERS)


@pytest.mark.parametrize(
    ("maps", "can"), [("0 0 4294967295", True), ("0 1000 1", False), ("0 1000 1\n1 100000 65536", True)]
)
def test_a_root_that_is_alone_in_its_namespace_stays_itself(
    maps: str, can: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "LINUX", True)
    monkeypatch.setattr(Path, "read_text", lambda *_: maps)
    assert (host.spare_user() is not None) == can


@linux
def test_threads_of_the_same_user_are_counted() -> None:
    done = threading.Event()
    before = host.threads_allowed(None)
    threads = [threading.Thread(target=done.wait) for _ in range(50)]
    for thread in threads:
        thread.start()
    during = host.threads_allowed(None)
    done.set()
    for thread in threads:
        thread.join()
    assert before is not None
    assert during is not None
    assert 25 < during - before < 200  # others of this user come and go
    assert host.threads_allowed(host.SPARE_USERS[-1]) == host.THREADS


def test_elsewhere_there_is_nothing_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "LINUX", False)
    assert host.spare_user() is None
    assert host.threads_allowed(None) is None
    assert host.cores() >= 1


@linux
def test_a_boot_has_a_name() -> None:
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() in host.boot()
    assert platform.release() in host.boot()


def test_a_boot_without_a_name_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: Any) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    assert host.boot() == ""


# --- what the backends lack ---------------------------------------------------------------------------------------
def test_bubblewrap_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "LINUX", True)
    monkeypatch.setattr(seccomp, "supported", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Bubblewrap(1).missing() == "bwrap is not installed. Type: apt-get install bubblewrap"
    for said, lack in {
        "bubblewrap 0.6.1": "bwrap 0.6.1 is too old: 0.8.0 or newer is needed",
        "bubblewrap 0.8.0": None,
        "bubblewrap 0.11.0": None,
        "": "bwrap 0 is too old: 0.8.0 or newer is needed",
    }.items():
        bwrap = tmp_path / "bwrap"
        bwrap.write_text(f"#!/bin/sh\necho {said}\n")
        bwrap.chmod(0o755)
        bubblewrap._version.cache_clear()
        assert Bubblewrap(1).missing() == lack
        assert str(bwrap) in Bubblewrap(1).fingerprint()
    bubblewrap._version.cache_clear()


def test_landlock_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "LINUX", True)
    monkeypatch.setattr(seccomp, "supported", lambda: True)
    monkeypatch.setattr(landlock, "version", lambda: -1)
    assert "no Landlock" in (Landlock(1).missing() or "")
    monkeypatch.setattr(landlock, "version", lambda: 7)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "spare_user", lambda: None)
    assert Landlock(1).missing() == "root cannot become another user here"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert Landlock(1).missing() is None


@pytest.mark.parametrize("kind", [Bubblewrap, Landlock])
def test_other_systems_and_machines_are_refused(kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "LINUX", False)
    assert kind(1).missing() == "it runs on Linux only, on x86_64 and aarch64"
    monkeypatch.setattr(host, "LINUX", True)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert kind(1).missing() == "it runs on Linux only, on x86_64 and aarch64"


@linux
@pytest.mark.parametrize("known", [1, 2, 3, 4, 5, 6, 7, 12])
def test_landlock_asks_no_more_than_the_kernel_knows(known: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels refuse a longer structure, or rights, of a version they do not know."""
    calls: list[tuple[Any, ...]] = []

    def call(*words: Any) -> int:
        calls.append(words)
        return os.open("/", os.O_RDONLY)

    monkeypatch.setattr(landlock, "version", lambda: known)
    monkeypatch.setattr(landlock, "_call", call)
    os.close(landlock.ruleset(("/usr/lib",)))
    number, handled, size, _ = calls[0]
    assert (number, size) == (444, len(handled))
    assert size == (8 if known < 4 else 16 if known < 6 else 24)
    rights = int.from_bytes(handled[:8], "little")
    assert rights.bit_length() == {1: 13, 2: 14, 3: 15, 4: 15}.get(known, 16)
    assert {words[0] for words in calls[1:]} == {445}
    allowed = [int.from_bytes(words[3][:8], "little") for words in calls[1:]]
    assert allowed[0] == landlock.READ_FILE | landlock.READ_DIR
    assert all(access & ~rights == 0 for access in allowed)


@linux
def test_landlock_refuses_in_the_kernels_words() -> None:
    lacking("landlock")
    with pytest.raises(OSError, match="Invalid argument"):
        landlock._call(landlock.CREATE, b"\0" * 8, 3, 0)


@linux
def test_bubblewrap_is_told_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    for as_root in (True, False):
        words = bubblewrap._walls(as_root=as_root)
        assert {"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--new-session"} <= set(words)
        assert {"--die-with-parent", "--clearenv", "--remount-ro", "--cap-drop"} <= set(words)
        assert ("--disable-userns" in words) != as_root
        assert "--bind" not in words
        assert "--proc" not in words
        places = [words[at + 1] for at, word in enumerate(words) if word == "--ro-bind"]
        assert set(places) == {*host.interpreter().folders, host.interpreter().path, host.interpreter().loader}
        for mounted in ("/dev/shm", "/tmp"):
            at = words.index(mounted)
            assert words[at - 3 : at] == ["--size", bubblewrap.TINY, "--tmpfs"]
            assert words[words.index(mounted, at + 1) - 1] == "--remount-ro"
        assert words.index("/", words.index("/tmp")) > words.index("/dev/shm")


def test_without_a_sandbox_there_are_limits_still() -> None:
    setup = UnsafeLocal(1).launch().setup
    assert (setup.uid, setup.ruleset, setup.inner, setup.outer) == (None, None, "", "")
    assert UnsafeLocal(1).missing() is None
