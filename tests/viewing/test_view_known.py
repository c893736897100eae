"""Where a view's texts come from: the task's data, the hub's cache, never the network."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from factories import make_item, pair_row, write_pairs
from fakes.view_runs import at_hand, judge_spec
from judgebench import sources
from judgebench import task as tasks
from judgebench.errors import MissingPrerequisite, RunError, UsageError
from judgebench.records import Item
from judgebench.spec import Spec, TaskSpec
from judgebench.view.known import OFFLINE, known, offline, spec_of


def spec(items: list[Item], name: str = "toy", **fields: Any) -> Spec:
    fingerprint = tasks.Task(tasks.TaskCard(name="toy", title="toy", adapter="pairs"), "test", tuple(items)).fingerprint
    task = TaskSpec(name=name, version=1, revision=None, fingerprint=fingerprint, items=len(items))
    return Spec(**{"task": task, "judge": judge_spec(), "orders": "both", "repeats": 1, "seed": 0, **fields})


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({}, 12),
        ({"repeats": 3}, 36),
        ({"orders": "first"}, 6),
        ({"limit": 2}, 4),
        ({"categories": ("math",)}, 8),
        ({"judge": judge_spec(order_independent=True)}, 6),
    ],
)
def test_how_many_trials_the_whole_run_has(
    fields: dict[str, Any], total: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [make_item(n, category="math" if n % 3 else "law") for n in range(6)]
    at_hand(monkeypatch, items)
    found = known(tmp_path, spec(items, **fields), None)
    assert (found.total, found.missing, len(found.items), len(found.gold)) == (total, "", 6, 6)


def test_a_changed_task_is_missing_and_refused_where_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [make_item(n) for n in range(3)]
    at_hand(monkeypatch, items[:2])
    found = known(tmp_path, spec(items), None)
    assert "the run judged another toy than the one found now. Type: --data FILE" in found.missing
    assert (found.items, found.gold, found.total) == ({}, {}, None)
    with pytest.raises(RunError, match=r"another toy than new\.jsonl"):
        known(tmp_path, spec(items), None, "new.jsonl")


def test_the_packaged_gold_counts_without_texts(tmp_path: Path) -> None:
    published = tasks.published_gold("judgebench-gpt")
    assert published
    table = tasks.resource("gold/judgebench-gpt.csv").read_bytes()
    about = spec([], "judgebench-gpt")
    task = about.task.model_copy(update={"fingerprint": tasks.sha256(table)})
    config = {"judge": "vanilla", "task": "judgebench-gpt", "data": str(tmp_path / "gone.jsonl")}
    found = known(tmp_path, about.model_copy(update={"task": task}), config)
    assert len(found.gold) == len(published)
    assert "no such data file" in found.missing


@pytest.mark.parametrize("name", ["../../etc/passwd", "con/../x", "A B", "\x00", "<b>"])
def test_a_name_leads_to_no_other_file(name: str, tmp_path: Path) -> None:
    found = known(tmp_path, spec([make_item(0)], name), None)
    assert (found.items, found.gold) == ({}, {})
    assert found.missing
    assert "\n" not in found.missing


@pytest.mark.parametrize("config", [None, {}, {"judge": "x"}, {"judge": "x", "task": "toy", "unheard": "of"}])
def test_a_run_that_does_not_say_how_it_was_made_has_its_tasks_name(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [make_item(0)]
    at_hand(monkeypatch, items)
    assert known(tmp_path, spec(items), config).items


def test_data_may_be_named_as_they_were_for_eval(tmp_path: Path) -> None:
    path = write_pairs(tmp_path / "mine.jsonl", 4)
    items = list(sources.load_task(str(path)).items)
    config = {"judge": "x", "task": str(tmp_path / "gone.jsonl")}
    assert "no such data file" in known(tmp_path, spec(items), config).missing
    assert len(known(tmp_path, spec(items), config, str(path)).items) == 4
    with pytest.raises(UsageError, match="not a .jsonl"):
        known(tmp_path, spec(items), config, str(tmp_path))


def test_data_that_cannot_be_read_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"question": 1}\n' + str(pair_row(1)))
    found = known(tmp_path, spec([make_item(0)]), {"judge": "x", "task": str(path)})
    assert found.missing.startswith(str(path))
    assert "\n" not in found.missing


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"spec\.task"):
        spec_of({"spec": {"judge": {}}}, tmp_path)


# -- nothing is asked -------------------------------------------------------------------------------------------


def test_a_task_of_the_hub_is_looked_for_in_the_cache_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def load(*_: object) -> tasks.Task:
        asked.append(os.environ.get("HF_HUB_OFFLINE"))
        raise MissingPrerequisite("cannot load it from the hub. With a local copy, type: --data FILE")

    monkeypatch.setattr(sources, "load_task", load)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert "cannot load it" in known(tmp_path, spec([make_item(0)]), None).missing
    assert asked == ["1"]
    assert "HF_HUB_OFFLINE" not in os.environ


def test_the_real_hub_client_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard of tests/conftest.py raises at any connection, which would be the reason given here."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    config = {"judge": "x", "task": "judgebench", "split": "gpt"}
    about = spec([make_item(0)], "judgebench-gpt")
    missing = known(tmp_path, about, config).missing
    assert missing.startswith("cannot load ScalerLab/JudgeBench")
    assert "AssertionError" not in missing
    constants = importlib.import_module("huggingface_hub.constants")
    assert constants.HF_HUB_OFFLINE is False


@pytest.mark.parametrize("before", [True, False])
def test_clients_that_are_there_are_set_back(monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    client = ModuleType("datasets.config")
    client.__dict__.update(dict.fromkeys(OFFLINE, before))
    monkeypatch.setitem(sys.modules, "datasets.config", client)
    with offline():
        assert all(getattr(client, name) is True for name in OFFLINE)
    assert all(getattr(client, name) is before for name in OFFLINE)


@pytest.mark.parametrize(("variable", "after"), [(None, False), ("0", False), ("1", True), ("true", True)])
def test_clients_that_come_in_between_are_set_as_the_user_wants(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, after: bool
) -> None:
    monkeypatch.delitem(sys.modules, "datasets.config", raising=False)
    for name in OFFLINE:
        monkeypatch.delenv(name, raising=False)
        if variable is not None:
            monkeypatch.setenv(name, variable)
    client = ModuleType("datasets.config")
    with offline():
        client.__dict__.update(dict.fromkeys(OFFLINE, True))
        monkeypatch.setitem(sys.modules, "datasets.config", client)
    assert all(getattr(client, name) is after for name in OFFLINE)
    assert [os.environ.get(name) for name in OFFLINE] == [variable] * 2


def test_offline_ends_with_an_error_too() -> None:
    with pytest.raises(ValueError, match="x"), offline():
        raise ValueError("x")
    assert os.environ.get("HF_HUB_OFFLINE") != "1"
