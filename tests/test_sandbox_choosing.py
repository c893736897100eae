"""Which sandbox is chosen, what is said when there is none, and how long a passed self-test counts."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from judgebench import registry
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.pairs.sandbox import Program, choose, choosing, host
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.worker import Launch
from sandboxes import BACKENDS


class Fake(Sandbox):
    """A sandbox that says what it is told to say, and counts how often it is probed."""

    lack: ClassVar[str | None] = None
    reason: ClassVar[str | None] = None
    print_of: ClassVar[str] = ""
    probed: ClassVar[int] = 0

    def missing(self) -> str | None:
        return self.lack

    def launch(self) -> Launch:
        raise AssertionError("nothing is run here")

    def fingerprint(self) -> str:
        return self.print_of

    def available(self) -> str | None:
        type(self).probed += 1
        return self.lack or self.reason


def fake(name: str, **fields: Any) -> type[Fake]:
    return type(name, (Fake,), {"name": name, "probed": 0, **fields})


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Any:
    def register(*kinds: type[Fake] | str) -> None:
        kinds_by_name = {kind if isinstance(kind, str) else kind.name: kind for kind in kinds}

        def load(group: str, name: str) -> Any:
            assert group == "sandboxes"
            if name not in kinds_by_name:
                raise UsageError(f"unknown {group} {name!r}")
            if isinstance(kinds_by_name[name], str):
                raise MissingPrerequisite("it cannot be loaded")
            return kinds_by_name[name]

        monkeypatch.setattr(registry, "names", lambda _: sorted(kinds_by_name))
        monkeypatch.setattr(registry, "load", load)

    return register


def test_the_strongest_that_passes_is_chosen(registered: Any) -> None:
    registered(fake("docker"), fake("landlock"), fake("bubblewrap"), fake("another"))
    assert choose().name == "bubblewrap"
    registered(fake("docker"), fake("landlock"), fake("bubblewrap", lack="not installed"))
    assert choose().name == "landlock"
    registered(
        fake("docker"), fake("landlock", reason="it leaks", print_of="2"), fake("bubblewrap", lack="not installed")
    )
    assert choose().name == "docker"
    registered(fake("another"), fake("docker", lack="no daemon"))
    assert choose().name == "another"


def test_without_any_it_is_refused_in_one_line(registered: Any) -> None:
    registered(fake("bubblewrap", lack="bwrap is not installed"), fake("landlock", reason="network: tcp"), "docker")
    with pytest.raises(MissingPrerequisite) as refusal:
        choose()
    assert str(refusal.value) == (
        "no sandbox for untrusted programs passes its self-test here (bubblewrap: bwrap is not installed; landlock: "
        "network: tcp; docker: it cannot be loaded). Type: apt-get install bubblewrap, or --unsafe-local to run them "
        "without one"
    )


def test_a_preferred_sandbox_is_the_only_one_that_will_do(registered: Any) -> None:
    registered(fake("bubblewrap"), fake("landlock"), fake("docker", lack="docker's daemon does not answer"))
    assert choose(prefer="landlock").name == "landlock"
    with pytest.raises(MissingPrerequisite, match="this sandbox cannot be used here: docker: docker's daemon does not"):
        choose(prefer="docker")
    with pytest.raises(UsageError, match="unknown sandboxes 'jail'"):
        choose(prefer="jail")


def test_unsafe_is_asked_for_and_loud_and_named(registered: Any, capsys: pytest.CaptureFixture[str]) -> None:
    registered(fake("bubblewrap", lack="not installed"))
    with choose(unsafe_local=True) as sandbox:
        assert sandbox.name == "unsafe-local"
        assert sandbox.run(Program("print(1)")).stdout == "1\n"
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("WARNING: --unsafe-local: no sandbox.")


def test_unsafe_is_not_used_where_a_sandbox_passes(registered: Any, capsys: pytest.CaptureFixture[str]) -> None:
    registered(fake("landlock"))
    assert choose(unsafe_local=True).name == "landlock"
    assert capsys.readouterr().err == ""


def test_unsafe_by_name_takes_both_words(registered: Any, capsys: pytest.CaptureFixture[str]) -> None:
    registered(fake("landlock"))
    with pytest.raises(UsageError, match="type --unsafe-local"):
        choose(prefer="unsafe-local")
    with choose(prefer="unsafe-local", unsafe_local=True) as sandbox:
        assert sandbox.name == "unsafe-local"
    assert "WARNING" in capsys.readouterr().err


def test_a_passed_self_test_counts_until_something_changes(registered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = fake("landlock")
    registered(kind)
    for _ in range(3):
        choose()
    assert kind.probed == 1
    monkeypatch.setattr(kind, "print_of", "another version")
    choose()
    assert kind.probed == 2
    monkeypatch.setattr(choosing, "VERSION", "9.9")
    choose()
    assert kind.probed == 3
    monkeypatch.setattr(host, "boot", lambda: "another boot")
    choose()
    assert kind.probed == 4
    monkeypatch.setattr(choosing.seccomp, "inner", lambda: b"another filter")
    choose()
    assert kind.probed == 5
    choose()
    assert kind.probed == 5


def test_a_failed_self_test_is_repeated(registered: Any) -> None:
    kind = fake("landlock", reason="it leaks")
    registered(kind)
    for _ in range(2):
        with pytest.raises(MissingPrerequisite, match="it leaks"):
            choose()
    assert kind.probed == 2


def test_without_a_boot_to_know_nothing_is_remembered(registered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = fake("docker")
    registered(kind)
    monkeypatch.setattr(host, "boot", lambda: "")
    choose()
    choose()
    assert kind.probed == 2


def test_a_cache_that_cannot_be_written_costs_time_only(
    registered: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(blocked / "cache"))
    kind = fake("landlock")
    registered(kind)
    assert choose().name == "landlock"
    assert choose().name == "landlock"
    assert kind.probed == 2


def test_ours_are_registered() -> None:
    assert {"bubblewrap", "landlock", "docker"} <= set(registry.names("sandboxes"))
    for name, kind in BACKENDS.items():
        assert registry.load("sandboxes", name) is kind
    assert isinstance(next(iter(registry._table("sandboxes").values())), EntryPoint)


def test_what_is_chosen_here_runs_programs() -> None:
    if all(kind(1).missing() for kind in BACKENDS.values()):
        pytest.skip("no sandbox here")
    with choose() as sandbox:
        assert sandbox.run(Program("def f(): return 6", calls=(("f", ()),))).values == (6,)
