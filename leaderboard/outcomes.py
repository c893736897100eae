"""What every judge decided on every item of a task: the rows that rank ranges, agreement and comparisons rest on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import JudgebenchError
from judgebench.hashing import sha256
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.groups import COUNTED, group_of
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.verdicts import tables
from judgebench.leaderboard.wording import definition
from judgebench.metrics import CERTAINTY, AnyTable, shape_of
from judgebench.metrics.catalogue import DEFINITIONS
from judgebench.metrics.ranks import item_values, right_items
from judgebench.metrics.ratio import Ratio
from judgebench.metrics.table import Bools, Floats, Ints, Table
from judgebench.results import Result
from judgebench.task import GoldRow, read_gold_table, resource

UNREADABLE = -128


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The comparable results of a task, item by item.

    `gold` are the items, sorted by id; `runs` the `run_id`s of the ranking and the floor, sorted; `sources`, shape
    [n_items], numbers the items' source questions. `value`, shape [n_runs, n_items], is each item's value of the
    task's headline (1 right, 0 wrong), NaN where the item does not count. `choice`, of the same shape, is the sign of
    the decisions over orders and repeats (1 the item's first candidate, -1 its second, 0 a tie or undecided, -128
    where no reply could be read); None where items are no pairs.

    `headline`, shape [n_runs], is the headline itself and `influence`, of the shape of `value`, how far it moves with
    an item's weight: they sum to 0 over a run's items. Both are NaN for metrics that are no ratios. `called` says
    which runs have every item either right or wrong, as McNemar's test asks.
    """

    gold: tuple[GoldRow, ...]
    runs: tuple[str, ...]
    sources: Ints
    value: Floats
    choice: NDArray[np.int8] | None
    headline: Floats
    influence: Floats
    called: Bools

    def calls(self, rows: Sequence[int]) -> Floats | None:
        """Return which items the runs have right (1) or wrong (0), or None where some of them makes no such calls."""
        return self.value[rows] if self.called[rows].all() else None


def outcomes(task: TaskBoard, board: Board) -> Outcomes | None:
    """Return a task's outcomes, made once per board; None without verdict files or a gold table of its ranking.

    A result whose verdicts do not fit the gold table is left out.
    """
    if task.name not in board.memory:
        board.memory[task.name] = _outcomes(task, board)
    found: Outcomes | None = board.memory[task.name]
    return found


def comparable(task: TaskBoard, board: Board) -> dict[str, Result]:
    """Return the results of a task's ranking and floor that have verdict files, by `run_id`, sorted."""
    found = {run_id(result): result for result in task.results if group_of(result, task) in COUNTED}
    return {key: found[key] for key in sorted(found) if key in board.files}


def _outcomes(task: TaskBoard, board: Board) -> Outcomes | None:
    results = comparable(task, board)
    gold = tuple(sorted(gold_of(task, board), key=lambda row: row.item)) if results else ()
    if not gold:
        return None
    files = [board.files[key].verdicts for key in results]
    try:
        made = tables(gold, files, decisions_only=_of_decisions(task.metric))
        read = [(key, table) for key, table in zip(results, made, strict=True) if table is not None]
    except (JudgebenchError, OSError):  # the gold table is of no shape that has metrics
        return None
    if not read:
        return None
    pairs = [table for _, table in read if isinstance(table, Table)]
    return Outcomes(
        gold=gold,
        runs=tuple(key for key, _ in read),
        sources=read[0][1].source,
        choice=np.array([choices(table) for table in pairs]) if pairs else None,
        **_headlines(task.metric, gold, [table for _, table in read]),
    )


def _of_decisions(metric: str) -> bool:
    """Tell whether a metric reads decisions alone: all do but those of the sets about certainty."""
    return all(known.set != CERTAINTY for known in DEFINITIONS if known.name == metric)


def _headlines(metric: str, gold: Sequence[GoldRow], read: Sequence[AnyTable]) -> dict[str, Any]:
    known = definition(metric, shape_of(gold))
    value, influence = np.full((2, len(read), len(gold)), np.nan)
    headline, called = np.full(len(read), np.nan), np.zeros(len(read), dtype=bool)
    for row, table in enumerate(read):
        ratio = known.ratio(table) if known else None
        if isinstance(ratio, Ratio):
            value[row], influence[row] = item_values(ratio), influences(ratio)
            headline[row] = np.nan if ratio.value is None else ratio.value
            called[row] = right_items(ratio) is not None
    return {"value": value, "influence": influence, "headline": headline, "called": called}


def choices(table: Table) -> NDArray[np.int8]:
    """Return the sign of the decisions on each item, -128 where none could be read: shape [n_items]."""
    readable = table.readable
    sums = np.bincount(table.item, np.where(readable, table.decided, 0), minlength=table.n_items)
    read = np.bincount(table.item[readable], minlength=table.n_items) > 0
    return np.where(read, np.sign(sums), UNREADABLE).astype(np.int8)


def influences(ratio: Ratio) -> Floats:
    """Return how far a ratio moves with each item's weight (its first derivative), shape [n_items]."""
    top, bottom = ratio.columns
    total = bottom.sum(axis=0)
    counted = total > 0
    own = top[:, counted] - bottom[:, counted] * (top.sum(axis=0)[counted] / total[counted])
    moved: Floats = (own / total[counted]).sum(axis=1) / max(int(counted.sum()), 1)
    return moved


# -- gold ----------------------------------------------------------------------------------------------------


def gold_of(task: TaskBoard, board: Board) -> list[GoldRow]:
    """Return the gold table that the ranking is over: packaged, beside a result, or made again; else nothing."""
    if task.results and task.edition is None:
        return []
    for place in _places(task, board):
        table = place.read_bytes()
        if task.edition is None or sha256(table) == task.edition[1]:
            return read_gold_table(table, str(place))
    return _made_again(task)


def _places(task: TaskBoard, board: Board) -> Iterable[Traversable]:
    packaged = resource(f"gold/{task.name}.csv") if task.name == safe_name(task.name) else None
    if packaged is not None and packaged.is_file():
        yield packaged
    for result in task.results:
        files = board.files.get(run_id(result))
        if files is not None and files.gold is not None:
            yield files.gold


def _made_again(task: TaskBoard) -> list[GoldRow]:
    """Return the gold table of generated items, which have no file."""
    from judgebench.tasks.verifiable import gold_again

    for result in task.results:
        spec = result.spec.task
        if task.edition == (spec.version, spec.fingerprint):
            data = gold_again(spec)
            return read_gold_table(data, task.name) if data is not None and sha256(data) == spec.fingerprint else []
    return []
