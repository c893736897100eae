"""What judges decided, item by item: exactly what `judgebench.metrics` makes of their verdicts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from browser.boards import make_result

from judgebench.assemble import result_bytes
from judgebench.hashing import sha256
from judgebench.importers import find_gold
from judgebench.leaderboard import data
from judgebench.leaderboard.outcomes import UNREADABLE, Outcomes, choices, comparable, gold_of, influences, outcomes
from judgebench.leaderboard.wording import definition
from judgebench.metrics import table_of
from judgebench.metrics.ranks import draws, item_values, right_items
from judgebench.metrics.ratio import Ratio
from judgebench.metrics.table import Table
from judgebench.results import Result, VerdictRow, VerdictsFile
from judgebench.task import GoldRow

RESULTS = Path(__file__).parent.parent / "results"
GOLD = b"item,category,source,gold\na,x,s1,A>B\nb,x,s1,B>A\nc,y,s2,A=B\n"
BOTH = [{"order": [0, 1]}, {"order": [1, 0]}]

Say = dict[str, Sequence[str | None]]


def rows(said: Say) -> list[dict[str, Any]]:
    """Return verdict rows from each item's preferences as presented, in both orders; None is a fault."""
    return [
        {"item": item, **order, **({"preference": one} if one else {"fault": "empty"})}
        for item, both in said.items()
        for order, one in zip(BOTH, both, strict=True)
    ]


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., None]:
    """Return a function that writes a result with its verdicts, and its gold table if it has one of its own."""

    def publish_(judge: str, said: list[dict[str, Any]], *, gold: bytes | None = GOLD, **fields: Any) -> Result:
        verdicts = b"".join(orjson.dumps(row) + b"\n" for row in said)
        task = {"name": "mine", "fingerprint": sha256(GOLD), "items": 3, **fields.pop("task", {})}
        found = VerdictsFile(sha256=sha256(verdicts), rows=len(said))
        result = make_result(judge, task=task, verdicts=found, **fields)
        folder = tmp_path / judge
        folder.mkdir(exist_ok=True)
        (folder / "mine.json").write_bytes(result_bytes(result))
        (folder / "mine.verdicts.jsonl").write_bytes(verdicts)
        if gold is not None:
            (folder / "mine.gold.csv").write_bytes(gold)
        return result

    return publish_


def found_in(folder: Path) -> Outcomes | None:
    board = data.load(folder)
    return outcomes(board.tasks[0], board)


RIGHT: Say = {"a": ("A>B", "B>A"), "b": ("B>A", "A>B"), "c": ("A=B", "A=B")}
FIRST: Say = dict.fromkeys("abc", ("A>B", "A>B"))


def test_values_and_choices_of_every_run(publish: Any, tmp_path: Path) -> None:
    runs = {
        "right": publish("right", rows(RIGHT)),
        "first": publish("first", rows(FIRST)),
        "shy": publish("shy", rows({"a": (None, None), "b": ("B>A", None), "c": (None, "A>B")})),
    }
    found = found_in(tmp_path)
    assert found is not None
    assert list(found.runs) == sorted(data.run_id(result) for result in runs.values())
    at = {name: found.runs.index(data.run_id(result)) for name, result in runs.items()}
    assert [row.item for row in found.gold] == ["a", "b", "c"]
    np.testing.assert_array_equal(found.sources, [0, 0, 1])
    np.testing.assert_array_equal(found.value[at["right"]], [1, 1, 1])
    np.testing.assert_array_equal(found.value[at["first"]], [0, 0, 0])
    np.testing.assert_array_equal(found.value[at["shy"]], [0, 1, 0])
    assert found.choice is not None
    assert found.choice.dtype == np.int8
    np.testing.assert_array_equal(found.choice[at["right"]], [1, -1, 0])
    np.testing.assert_array_equal(found.choice[at["first"]], [0, 0, 0])  # one candidate in each order: undecided
    np.testing.assert_array_equal(found.choice[at["shy"]], [UNREADABLE, -1, -1])
    assert found.headline[at["right"]] == 1


def test_items_that_do_not_count_have_no_value(publish: Any, tmp_path: Path) -> None:
    said = rows({"a": (None, "B>A"), "b": ("B>A", "A>B"), "c": ("A=B", "A=B")})
    publish("shy", said, task={"headline": "accuracy_of_readable"})
    found = found_in(tmp_path)
    assert found is not None
    np.testing.assert_array_equal(found.value, [[np.nan, 1, 1]])
    assert found.calls([0]) is None  # not every item is called right or wrong


def test_only_what_is_ranked_or_the_floor_is_in(publish: Any, tmp_path: Path) -> None:
    floor = publish("first", rows(FIRST), judge_fields={"kind": "null"})
    judge = publish("right", rows(RIGHT))
    publish("demo", rows(RIGHT), demonstration=True)
    publish("part", rows({"a": RIGHT["a"]}), items=1)
    publish("old", rows(RIGHT), task={"fingerprint": "ab" * 32}, gold=None)
    board = data.load(tmp_path)
    (task,) = board.tasks
    assert list(comparable(task, board)) == sorted(data.run_id(result) for result in (floor, judge))
    found = outcomes(task, board)
    assert found is not None
    assert set(found.runs) == {data.run_id(floor), data.run_id(judge)}


def test_verdicts_that_do_not_fit_are_left_out(publish: Any, tmp_path: Path) -> None:
    good = publish("right", rows(RIGHT))
    publish("twice", [*rows(RIGHT), *rows({"a": RIGHT["a"]})])
    publish("strange", rows({**RIGHT, "z": RIGHT["a"]}))
    found = found_in(tmp_path)
    assert found is not None
    assert found.runs == (data.run_id(good),)


def test_without_any_verdicts_that_fit_there_are_none(publish: Any, tmp_path: Path) -> None:
    publish("strange", rows({"z": RIGHT["a"]}))
    assert found_in(tmp_path) is None


def test_one_gold_table_beside_a_result_is_enough(publish: Any, tmp_path: Path) -> None:
    publish("without", rows(FIRST), gold=None)
    publish("with", rows(RIGHT))
    found = found_in(tmp_path)
    assert found is not None
    assert len(found.runs) == 2


def test_without_a_gold_table_there_are_no_outcomes(publish: Any, tmp_path: Path) -> None:
    publish("without", rows(RIGHT), gold=None)
    board = data.load(tmp_path)
    assert gold_of(board.tasks[0], board) == []
    assert outcomes(board.tasks[0], board) is None


def test_a_board_without_files_has_no_outcomes() -> None:
    board = data.assemble([make_result()])
    assert outcomes(board.tasks[0], board) is None


def test_they_are_made_once(publish: Any, tmp_path: Path) -> None:
    publish("right", rows(RIGHT))
    board = data.load(tmp_path)
    found = outcomes(board.tasks[0], board)
    (tmp_path / "right" / "mine.verdicts.jsonl").unlink()
    assert outcomes(board.tasks[0], board) is found


def test_a_correlation_has_choices_but_no_values(publish: Any, tmp_path: Path) -> None:
    publish("right", rows(RIGHT), task={"headline": "llmbar_kappa_agreement"})
    found = found_in(tmp_path)
    assert found is not None
    assert np.isnan(found.value).all()
    assert np.isnan(found.headline).all()
    assert found.choice is not None


# -- the same as metrics -------------------------------------------------------------------------------------


@pytest.mark.skipif(not RESULTS.is_dir(), reason="no published results here")
def test_every_published_result_has_the_values_that_metrics_give() -> None:
    board = data.load(RESULTS)
    checked = 0
    for task in board.tasks:
        found = outcomes(task, board)
        for key, result in comparable(task, board).items():
            assert found is not None
            gold, read = _read(board.files[key], result)
            shape, table = table_of(gold, read)
            known = definition(task.metric, shape)
            assert known is not None
            ratio = known.ratio(table)
            assert isinstance(ratio, Ratio)
            at = found.runs.index(key)
            np.testing.assert_array_equal(found.value[at], item_values(ratio))
            assert found.headline[at] == ratio.value == pytest.approx(result.metrics[task.metric].value, abs=1e-9)
            assert found.called[at] == (right_items(ratio) is not None)
            if isinstance(table, Table) and found.choice is not None:
                np.testing.assert_array_equal(found.choice[at], choices(table))
            checked += 1
    assert checked > 30


def _read(files: data.Files, result: Result) -> tuple[list[GoldRow], list[VerdictRow]]:
    lines = files.verdicts.read_bytes().splitlines()
    return find_gold(files.result, result.spec.task), [VerdictRow.model_validate_json(line) for line in lines]


@pytest.mark.parametrize("strata", [1, 3])
def test_influence_is_how_far_the_value_moves_with_an_items_weight(strata: int) -> None:
    rng = np.random.default_rng(0)
    shape = (40, strata) if strata > 1 else (40,)
    bottom = rng.integers(0, 3, shape).astype(float)
    ratio = Ratio(rng.random(shape) * bottom, bottom, np.ones(40))
    moved = influences(ratio)
    assert moved.sum() == pytest.approx(0, abs=1e-12)
    for item in (0, 7, 39):
        weights = np.ones(40)
        weights[item] += 1e-6
        heavier = Ratio((ratio.numerator.T * weights).T, (ratio.denominator.T * weights).T, np.ones(40))
        assert ratio.value is not None
        assert heavier.value is not None
        assert (heavier.value - ratio.value) / 1e-6 == pytest.approx(moved[item], abs=1e-4)


def test_influence_gives_the_spread_of_the_bootstrap() -> None:
    rng = np.random.default_rng(1)
    right, ones, source = rng.random(400) < 0.6, np.ones(400), rng.integers(0, 200, 400)
    source = np.unique(source, return_inverse=True)[1]
    ratio = Ratio(right.astype(float), ones, ones)
    spread = draws([ratio], source, 4000).std()
    sums = np.bincount(source, influences(ratio))
    assert np.sqrt((sums**2).sum()) == pytest.approx(spread, rel=0.05)


def test_where_nothing_counts_there_is_no_influence() -> None:
    nothing = Ratio(np.zeros(3), np.zeros(3), np.ones(3))
    np.testing.assert_array_equal(influences(nothing), [0, 0, 0])
