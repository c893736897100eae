"""The probes find what a sandbox lets through: each must fail where nothing holds it back."""

import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from judgebench.pairs.sandbox import attacks, host, landlock, probes, seccomp
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.landlock import Landlock
from judgebench.pairs.sandbox.program import Outcome, Program
from judgebench.pairs.sandbox.unsafe import UnsafeLocal
from judgebench.pairs.sandbox.worker import Launch, Setup
from sandboxes import BACKENDS, lacking

TOKEN = 16


class Leaky(Landlock):
    """Landlock with something left out."""

    setup: dict[str, Any]
    without_rules = False

    def launch(self) -> Launch:
        launch = super().launch()
        fields = launch.setup.__dict__ | self.setup
        if self.without_rules:
            fields |= {"ruleset": None}
        return Launch(launch.command, Setup(**fields), launch.hand_on)


def leaky(**setup: Any) -> Sandbox:
    lacking("landlock")
    kind = type("Leaky", (Leaky,), {"setup": setup, "without_rules": "ruleset" in setup})
    sandbox: Sandbox = kind(2)
    return sandbox


def found(sandbox: Sandbox) -> dict[str, str]:
    with sandbox:
        return {line.split(":")[0].split(" ")[0]: line for line in probes.failures(sandbox)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_sandboxes_pass_in_about_a_second(backend: str) -> None:
    lacking(backend)
    started = time.monotonic()
    with BACKENDS[backend]() as sandbox:
        assert sandbox.available() is None
    assert time.monotonic() - started < 15  # one second on a machine of its own


@pytest.mark.parametrize("version", [1, 3, 5])
def test_landlock_of_older_kernels_passes_too(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What older versions cannot forbid (truncation, TCP, signals) the filter does."""
    lacking("landlock")
    monkeypatch.setattr(landlock, "version", lambda: version)
    with Landlock(2) as sandbox:
        assert sandbox.available() is None


def test_without_a_sandbox_everything_but_the_limits_fails() -> None:
    failed = found(UnsafeLocal(2))
    assert {"reading", "writing", "network", "processes", "signals", "privileges"} <= set(failed)
    assert not {"memory", "timeout", "output"} & set(failed)
    assert "tcp" in failed["network"]
    assert "udp" in failed["network"]
    assert "fork" in failed["processes"]
    assert "judgebench" in failed["signals"]
    assert "ptrace" in failed["privileges"]
    assert "its mode" in failed["writing"]


def test_without_the_programs_filter_processes_are_found() -> None:
    failed = found(leaky(inner=""))
    assert "fork" in failed["processes"]
    assert "reading" not in failed
    assert "an existing file" not in failed.get("writing", "")


def test_without_any_filter_what_landlock_leaves_is_found() -> None:
    failed = found(leaky(inner="", outer=""))
    assert "udp" in failed["network"]
    assert "privileges" in failed
    assert "reading" not in failed


def test_without_rules_files_are_found() -> None:
    failed = found(leaky(ruleset=None))
    assert set(failed) == {"reading", "writing"}
    assert "secret" in failed["reading"]


def test_a_sandbox_in_which_nothing_runs_does_not_pass() -> None:
    class Broken(UnsafeLocal):
        def run(self, program: Program) -> Outcome:
            return Outcome("error", detail="no Python in there")

    with Broken(1) as sandbox:
        assert sandbox.available() == "a simple program does not run (no Python in there)"


class Scripted(UnsafeLocal):
    """A sandbox whose programs do nothing, and end as they are told to."""

    ends: dict[str, Outcome]

    def run(self, program: Program) -> Outcome:
        name = program.calls[0][0]
        fine = Outcome(name) if name in probes.LIMITS else Outcome("ok", "", ([],))  # type: ignore[arg-type]
        return self.ends.get(name, fine)

    def run_many(self, programs: Iterable[Program]) -> Iterator[Outcome]:
        return map(self.run, programs)


@pytest.mark.parametrize(
    ("name", "outcome", "says"),
    [
        ("memory", Outcome("ok"), "memory is not limited (ok)"),
        ("timeout", Outcome("killed"), "timeout is not limited (killed)"),
        ("output", Outcome("timeout"), "output is not limited (timeout)"),
        ("network", Outcome("timeout", detail="not done in 20 s"), "network: timeout (not done in 20 s)"),
        ("network", Outcome("ok", "", (["tcp", "udp"],)), "network: tcp, udp"),
        ("environment", Outcome("ok", "", ([["PATH", "/bin"], ["SECRET_KEY", "k"], ["OTHER", "x"]],)), "environment: SECRET_KEY"),
    ],
)  # fmt: skip
def test_each_probe_says_what_it_found(name: str, outcome: Outcome, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "k")
    monkeypatch.setenv("PATH", "/bin")
    with type("Scripted", (Scripted,), {"ends": {name: outcome}})(1) as sandbox:
        assert sandbox.available() == says
    with type("Scripted", (Scripted,), {"ends": {}})(1) as sandbox:
        assert sandbox.available() is None


def test_there_are_ten() -> None:
    assert len(probes.ATTACKS) + len(probes.LIMITS) == 10
    for name in (*probes.ATTACKS, *probes.LIMITS, "works"):
        assert callable(getattr(attacks, name))


def test_attacks_know_the_machines_that_filters_know() -> None:
    assert set(attacks.CALLS) == set(seccomp.ARCHITECTURES)
    for machine, calls in attacks.CALLS.items():
        allowed = set(seccomp.numbers(seccomp._PROGRAM, machine).values())
        assert not allowed & set(calls.values())
        assert set(attacks.ARGUMENTS) <= set(calls)


def test_bait_is_real_and_is_taken_away() -> None:
    with probes._bait() as bait:
        secret = Path(bait["files"][0])
        assert secret.read_text() == "bait"
        with socket.create_connection(("127.0.0.1", bait["tcp"]), 5):
            pass
        for address in [bait["path"]] + ["\0" + bait["token"]] * host.LINUX:
            with socket.socket(socket.AF_UNIX) as door:
                door.connect(address)
        assert len(bait["token"]) == TOKEN
    assert not secret.parent.exists()


def test_attacks_leave_nothing_where_they_succeed() -> None:
    with probes._bait() as bait:
        folder = Path(bait["folders"][0])
        before = sorted(folder.iterdir())
        done = attacks.writing(bait)
        assert str(folder) in done
        assert {path.name for path in folder.iterdir()} - {path.name for path in before} <= {
            "folder",
            "link",
            "name",
        }
        assert not Path("/tmp", bait["token"]).exists()


def test_what_a_half_open_sandbox_let_through_is_cleared_away() -> None:
    """The filter lets nobody remove what the missing rules let them make."""
    with probes._bait() as bait:
        made = [Path(folder, bait["token"]) for folder in ("/tmp", "/dev/shm") if os.access(folder, os.W_OK)]
        for path in made:
            path.touch()
    assert made
    assert not any(path.exists() for path in made)


def test_a_sandbox_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent(UnsafeLocal):
        def launch(self) -> Launch:
            return Launch(("/no/such/thing",), Setup())

    with Absent(1) as sandbox:
        assert sandbox.available() == "/no/such/thing cannot be started: No such file or directory"

    class Refused(UnsafeLocal):
        def launch(self) -> Launch:
            raise PermissionError(1, "the kernel says no")

    with Refused(1) as sandbox:
        assert sandbox.available() == "[Errno 1] the kernel says no"
