"""The task `verifiable`: made on the spot, the same for everybody, and made again from its revision."""

import json
import sys
from collections import Counter
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

from judgebench import registry, sources
from judgebench import task as tasks
from judgebench.cli import main
from judgebench.cli.eval import DEFAULT_TASK, DEMO_ITEMS
from judgebench.errors import DataError, UsageError
from judgebench.evaluation import evaluate, prepare
from judgebench.importers import find_gold
from judgebench.pairs.generators.base import Generator
from judgebench.rescore import rescore
from judgebench.spec import EvalConfig, TaskSpec
from judgebench.tasks import verifiable
from judgebench.testing import check_task

CARD = tasks.load_card("verifiable")
GENERATORS = CARD.params["generators"]
SMALL = 2 * len(GENERATORS)


def load(**drawn: Any) -> tasks.Task:
    return sources.load_task("verifiable", drawn=drawn or None)


def card_file(folder: Path, **changes: Any) -> str:
    path = folder / "mine.yaml"
    fields = CARD.model_dump(mode="json") | {"name": "mine"}
    path.write_text(yaml.safe_dump(fields | {"params": fields["params"] | changes}), "utf-8")
    return str(path)


# -- what it holds --------------------------------------------------------------------------------------------


def test_the_card_names_every_generator_of_ours() -> None:
    ours = [point for point in entry_points(group="judgebench.generators") if point.value.startswith("judgebench.")]
    assert sorted(GENERATORS) == sorted(point.name for point in ours)
    assert len(GENERATORS) >= 12


def test_all_categories_and_generators_with_even_sides() -> None:
    task = load(items=200)
    sides = Counter((item.category, item.gold.label) for item in task.items)
    categories = {category for category, _ in sides}
    assert categories == {"knowledge", "reasoning", "math", "coding"}
    for category in categories:
        assert sides[category, "A>B"] == sides[category, "B>A"]
    by_generator = Counter((item.meta["source"], item.gold.label) for item in task.items)
    assert {source for source, _ in by_generator} == {f"verifiable-{name}" for name in GENERATORS}
    assert all(by_generator[f"verifiable-{n}", "A>B"] == by_generator[f"verifiable-{n}", "B>A"] for n in GENERATORS)


def test_items_carry_their_traits() -> None:
    task = load(items=SMALL * 5)
    assert {item.traits["difficulty"] for item in task.items} == {1, 2, 3, 4, 5}
    for item in task.items:
        assert set(item.traits) == {"difficulty", "depth", "steps"}
        assert 0 <= item.traits["depth"] <= 1
        assert item.traits["steps"] >= 1
    rows = tasks.read_gold_table(tasks.gold_table(task.items), "gold.csv")
    assert rows == tasks.facts(task.items)
    assert any(row.traits["depth"] > 0 for row in rows)


def test_the_task_conforms() -> None:
    check_task(load(items=SMALL))


def test_each_pair_is_a_question_of_its_own() -> None:
    task = load(items=200)
    assert len({item.id for item in task.items}) == len(task.items) == 200
    assert len({item.source_id for item in task.items}) > 190


# -- what it depends on ---------------------------------------------------------------------------------------


def test_the_same_revision_is_the_same_task_and_another_seed_another() -> None:
    one, again, other = load(items=SMALL, seed=3), load(items=SMALL, seed=3), load(items=SMALL, seed=4)
    assert one.items == again.items
    assert one.spec == again.spec
    assert one.spec.fingerprint != other.spec.fingerprint
    assert one.spec.revision != other.spec.revision
    assert not {item.id for item in one.items} & {item.id for item in other.items}
    assert one.name == other.name == "verifiable"


def test_the_revision_says_seed_items_levels_and_versions() -> None:
    revision = load(items=SMALL, seed=-7, levels=[2, 3]).spec.revision
    assert revision is not None
    assert revision.startswith(f"seed=-7 items={SMALL} levels=2,3 generators=")
    assert f"elements:{registry.load('generators', 'elements').version}" in revision
    assert verifiable.drawn_from(revision) == {"seed": -7, "items": SMALL, "levels": [2, 3]}
    assert verifiable.options({"seed": -7, "items": 40, "levels": [2, 3]}) == {
        "task-seed": "-7", "difficulty": "2-3", "items": "40",
    }  # fmt: skip
    assert verifiable.options({"seed": 1, "items": 40, "levels": [4]})["difficulty"] == "4"


@pytest.mark.parametrize("revision", [None, "", "a" * 40, "seed=1 items=x levels=1 generators=a:1", "seed=1"])
def test_other_revisions_are_none_of_ours(revision: str | None) -> None:
    assert verifiable.drawn_from(revision) is None


def test_an_odd_number_of_items_is_made_even() -> None:
    assert len(load(items=SMALL + 1).items) == SMALL + 2


def test_one_level_alone() -> None:
    assert {item.traits["difficulty"] for item in load(items=SMALL, levels=[5]).items} == {5}


def test_the_choice_is_part_of_a_runs_identity() -> None:
    def identity(**options: Any) -> str:
        return prepare("longest", "verifiable", items=SMALL, **options).spec.hash

    found = {identity(), identity(task_seed=1), identity(task_seed=2), identity(difficulty=(2, 2))}
    assert len(found) == 4
    assert identity(task_seed=0) == identity()
    assert EvalConfig(judge="x", task="y", task_seed=0, difficulty=(2, 4)).drawn == {"seed": 0, "levels": [2, 3, 4]}


# -- made again -----------------------------------------------------------------------------------------------


def test_the_gold_table_is_made_again_from_the_spec_alone(tmp_path: Path) -> None:
    task = load(items=SMALL, seed=9, levels=[1, 2])
    assert verifiable.gold_again(task.spec) == tasks.gold_table(task.items)
    assert find_gold(tmp_path / "judge" / "verifiable.json", task.spec) == tasks.facts(task.items)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "starter"},
        {"name": "../../etc/passwd"},
        {"revision": None},
        {"revision": "seed=1 items=999999 levels=1 generators=elements:1"},
        {"revision": "seed=1 items=2 levels=9 generators=elements:1"},
        {"revision": "seed=1 items=40 levels=1 generators=elements:999"},
    ],
    ids=str,
)
def test_what_is_not_this_task_of_these_versions_is_not_made_again(changes: dict[str, Any], tmp_path: Path) -> None:
    spec = load(items=SMALL).spec.model_copy(update=changes)
    assert verifiable.gold_again(spec) is None
    if "/" in spec.name:
        return
    with pytest.raises(DataError, match=r"verifiable|starter"):
        find_gold(tmp_path / "judge" / "x.json", TaskSpec(**(spec.model_dump() | {"fingerprint": "0" * 64})))


def test_a_newer_generator_does_not_pass_for_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load(items=SMALL).spec
    monkeypatch.setattr(registry.load("generators", "elements"), "version", 2)
    assert verifiable.gold_again(spec) is None
    assert load(items=SMALL).spec.revision != spec.revision


def test_a_run_keeps_its_gold_and_can_be_rescored(tmp_path: Path) -> None:
    done = evaluate("longest", "verifiable", items=SMALL, runs=str(tmp_path / "runs"))
    gold = (done.directory / "gold.csv").read_bytes()
    assert gold == tasks.gold_table(done.task.items)
    assert done.result.spec.task.revision == done.task.revision
    assert set(done.result.by_category) == {"knowledge", "reasoning", "math", "coding"}
    again = evaluate("longest", "verifiable", items=SMALL, runs=str(tmp_path / "runs"))
    assert again.result == done.result
    assert callable(rescore)


def test_judges_that_read_nothing_score_nothing(tmp_path: Path) -> None:
    done = evaluate("always-first", "verifiable", items=SMALL, runs=str(tmp_path / "runs"))
    assert done.result.metrics["accuracy"].value == 0
    assert done.result.metrics["accuracy_first_order"].value == pytest.approx(0.5)


# -- mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"items": 4}, rf"4 items are too few .* Type: --items {SMALL}, or more"),
        ({"items": 1}, "items: Input should be greater than or equal to 2"),
        ({"items": 10**9}, "items: Input should be less than or equal to"),
        ({"levels": [0]}, "there is no difficulty 0. Type: --difficulty 1-5"),
        ({"levels": []}, "levels: "),
        ({"seed": "x"}, "seed: "),
        ({"generators": ["element"]}, "'element'. Did you mean elements"),
        ({"generators": []}, "generators: "),
        ({"colour": 1}, "colour: "),
    ],
    ids=str,
)
def test_params_that_do_not_fit_get_one_line(changes: dict[str, Any], line: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=line) as error:
        sources.load_task(card_file(tmp_path, **changes))
    assert "\n" not in str(error.value)


def test_generated_tasks_have_no_data_and_others_no_seed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is generated: it has no --data. To judge a file of pairs: --task x.jsonl"):
        sources.load_task("verifiable", data="x.jsonl")
    with pytest.raises(UsageError, match="which starter is not. Type: --task verifiable"):
        sources.load_task("starter", drawn={"seed": 1})
    with pytest.raises(UsageError, match=r"which x\.jsonl is not"):
        sources.load_task("x.jsonl", drawn={"seed": 1})


def test_the_environments_data_do_not_hide_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUDGEBENCH_DATA", str(tmp_path))
    assert len(load(items=SMALL).items) == SMALL


def test_a_card_of_ones_own_with_a_generator_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Elsewhere(registry.load("generators", "units")):  # type: ignore[misc]
        name, version, category = "elsewhere", 3, "physics"

    real = registry.load
    monkeypatch.setattr(registry, "load", lambda group, name: Elsewhere if name == "elsewhere" else real(group, name))
    task = sources.load_task(card_file(tmp_path, generators=["elsewhere"], items=6, levels=[2]))
    assert issubclass(Elsewhere, Generator)
    assert {item.category for item in task.items} == {"physics"}
    assert task.spec.revision == "seed=0 items=6 levels=2 generators=elsewhere:3"


# -- the command ----------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["judgebench", *words])
        with pytest.raises(SystemExit) as stop:
            main()
    said = capsys.readouterr()
    return int(stop.value.code or 0), said.out, said.err


def test_eval_without_a_task_judges_a_small_slice(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert DEFAULT_TASK == "verifiable"
    assert SMALL <= DEMO_ITEMS <= 96
    code, out, _ = run(capsys, "eval", "--judge", "longest", "--json")
    assert code == 0
    (found,) = json.loads(out)
    spec = found["spec"]["task"]
    assert (spec["name"], spec["items"]) == ("verifiable", DEMO_ITEMS)
    assert spec["revision"].startswith(f"seed=0 items={DEMO_ITEMS} levels=1,2,3,4,5 ")


def test_seed_difficulty_and_items_are_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--judge", "longest", "--json", "--task-seed", "5", "--difficulty", "4-5", "--items", str(SMALL)]
    code, out, _ = run(capsys, "eval", "--task", "verifiable", *words)
    assert code == 0
    revision = json.loads(out)[0]["spec"]["task"]["revision"]
    assert revision.startswith(f"seed=5 items={SMALL} levels=4,5 ")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--difficulty", "6"], "'6' is neither a level from 1 to 5 nor LOW-HIGH"),
        (["--difficulty", "3-1"], "'3-1' is neither"),
        (["--difficulty", "x"], "'x' is neither"),
        (["--difficulty", "-"], "'-' is neither"),
        (["--task-seed", "x"], "'x' is not a valid integer"),
        (["--items", "1"], "--items"),
        (["--task", "starter", "--task-seed", "1"], "which starter is not"),
    ],
    ids=str,
)
def test_mistakes_get_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "eval", "--judge", "longest", *words)
    assert code == 2
    assert line in err
    assert len(err.strip().split("\n")) == 1


def test_it_is_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "tasks")
    assert code == 0
    assert any("verifiable" in line and "generated" in line for line in out.split("\n"))
    code, out, _ = run(capsys, "show", "task", "verifiable", "--json")
    shown = json.loads(out)
    assert (code, shown["items"], shown["labels"]) == (0, CARD.params["items"], {"A>B": 360, "B>A": 360})
    assert shown["null_judges"]["always-first"] == 0
    assert shown["sample"]["traits"]["difficulty"] >= 1
