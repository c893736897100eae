"""The benchmark of the site: it runs small, its world is honest, and its reference is the same page."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.boards import make_result
from browser.outline import Outline

from judgebench.importers import find_gold
from judgebench.leaderboard import data, page
from judgebench.metrics import measure
from judgebench.results import VerdictRow

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, Any]]:
    """Return the benchmark's modules by name; they lie beside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        found = {name: importlib.import_module(name) for name in ("site_world",)}
        spec = importlib.util.spec_from_file_location("site_benchmark", FOLDER / "site.py")
        assert spec is not None
        assert spec.loader is not None
        found["site"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found["site"])
        yield found


@pytest.fixture(scope="module")
def world(modules: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "results"
    shape = modules["site_world"].World(judges=60, tasks=1, pairs=12)
    return modules["site_world"].make(folder, shape, workers=1)


def test_made_up_results_are_what_their_verdicts_say(world: Path) -> None:
    board = data.load(world)  # checks every hash and every count
    (task,) = board.tasks
    assert len(task.results) == 60
    kinds = {result.spec.judge.kind for result in task.results}
    assert {"prompted", "reward-model", "null", "multi-agent"} <= kinds
    for result in task.results[::7]:
        files = board.files[data.run_id(result)]
        rows = [VerdictRow.model_validate_json(line) for line in files.verdicts.read_bytes().splitlines()]
        (beside,) = world.rglob("*.gold.csv")  # one is enough for a board
        gold = find_gold(beside.with_name("task-00.json"), result.spec.task)
        metrics, by_category = measure(gold, rows, n_resamples=2)
        for name, metric in result.metrics.items():
            assert (metric.value, metric.n, metric.coverage) == (
                metrics[name].value,
                metrics[name].n,
                metrics[name].coverage,
            )
        assert result.by_category.keys() == by_category.keys()
        assert result.counts.trials == len(rows) == result.verdicts.rows
    faults = sum(result.counts.unparsed + result.counts.truncated for result in task.results)
    assert faults > 0


def test_the_same_world_has_the_same_files(modules: dict[str, Any], tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        folder = modules["site_world"].make(tmp_path / name, modules["site_world"].World(4, 2, 5), workers=1)
        files.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert files[0] == files[1]
    assert len(files[0]) == 2 * 4 * 2 + 2


def test_the_plain_page_has_every_row_where_the_script_puts_it(modules: dict[str, Any]) -> None:
    results = [make_result(f"judge-{number}", number / 100) for number in range(70)]
    results += [make_result(f"null-{number}", 0.1, judge_fields={"kind": "null"}) for number in range(15)]
    text = page.board_page(data.assemble(results), "t")
    assert text.count('<tr class="row"') < 85
    plain = modules["site"].plain(text)
    Outline(plain)
    bodies = re.findall(r'<tbody class="(\w+)">(.*?)</tbody>', plain, re.DOTALL)
    assert {name: body.count('<tr class="row"') for name, body in bodies} == {"judges": 70, "floor": 15}
    assert "octet-stream" not in plain
    assert modules["site"].plain(plain) == plain


@pytest.mark.soak
def test_it_runs_and_says_what_it_measured(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(FOLDER / "site.py"),
        "--judges",
        "12",
        "--tasks",
        "2",
        "--pairs",
        "10",
        "--rounds",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("read and check results", "the whole build", "peak memory", "rank ranges of one task", "index.html"):
        assert word in done.stdout
    assert re.search(r"tasks/task-00\.html +\d+ KB", done.stdout)
