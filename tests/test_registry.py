import subprocess
import sys

import pytest

from judgebench import registry
from judgebench.errors import MissingPrerequisite, UsageError


def test_built_ins_come_through_the_entry_points() -> None:
    assert "pairwise" in registry.names("families")
    assert {"openai", "anthropic", "replay", "scripted"} <= set(registry.names("backends"))
    assert registry.load("adapters", "pairs").__name__ == "PairsAdapter"


@pytest.mark.parametrize("group", ["families", "backends", "adapters", "importers", "judge_cards", "task_cards"])
def test_every_registered_name_can_be_loaded(group: str) -> None:
    for name in registry.names(group):
        assert registry.load(group, name) is not None


def test_an_unknown_name_gets_one_line_with_a_suggestion() -> None:
    with pytest.raises(UsageError) as error:
        registry.load("families", "vanila")
    assert str(error.value) == "unknown judge family 'vanila'. Did you mean vanilla?"


def test_a_name_like_nothing_else_gets_the_list() -> None:
    assert registry.unknown("task", "zzz", ["b", "a"]) == "unknown task 'zzz'. Known: b, a"
    assert registry.unknown("task", "zzz", [str(n) for n in range(20)]).endswith("6, 7, …")


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def load(self) -> None:
            raise ImportError("No module named 'torch'", name="torch")

    monkeypatch.setattr(registry, "_table", lambda _group: {"local": Broken()})
    with pytest.raises(MissingPrerequisite, match=r"pip install 'judgebench\[local\]'"):
        registry.load("backends", "local")


def test_an_unknown_missing_package_names_itself() -> None:
    assert registry.extra_hint(ImportError("x", name="zebra.stripes")) == "Type: pip install zebra"
    assert "its package" in registry.extra_hint(ImportError("x"))


def test_listing_names_imports_none_of_them() -> None:
    code = (
        "import sys; from judgebench import registry; registry.names('backends'); registry.names('families');"
        "print([m for m in sys.modules if m.startswith(('judgebench.backends', 'judgebench.judges'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
