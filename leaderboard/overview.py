"""What the first page says: the tasks by shape with their best judges, and every judge on every task.

The overall table has each task's own headline in a column of its own. It has no sum or mean over tasks: micro and
macro averages, shares and correlations do not add up.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judgebench.leaderboard.cells import DASH, Cell
from judgebench.leaderboard.data import Board, TaskBoard
from judgebench.leaderboard.groups import COUNTED
from judgebench.leaderboard.models import UNKNOWN
from judgebench.leaderboard.table import Group, Row, Table
from judgebench.leaderboard.wording import EVIDENCE, SHAPES
from judgebench.metrics.definition import Shape
from judgebench.suites import load_suite, suite_names

TOP = 3
Suites = Mapping[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Tile:
    """A task in brief: its best judges and how many there are."""

    task: TaskBoard
    headline: str
    top: tuple[Row, ...]
    judged: int


@dataclass(frozen=True)
class Line:
    """A judge over all tasks: a cell for each, None where it has no result.

    `covered` counts its tasks, `unreadable` is its largest share of unreadable replies on a task. `suites` name those
    that it has a result in; `openness` and `size` are keys of `models.OPENNESS` and `models.BANDS`.
    """

    name: str
    judge: str
    model: str
    kind: str
    cells: tuple[Cell | None, ...]
    evidence: tuple[str, ...]
    openness: str
    size: str
    suites: tuple[str, ...]
    covered: Cell
    unreadable: Cell


@dataclass(frozen=True)
class Overview:
    """Tiles by shape of task, and the lines of the overall table, whose columns are `columns`.

    `suites` are the titles and the columns, from 0, of those that have any here.
    """

    tiles: Mapping[Shape, tuple[Tile, ...]]
    columns: tuple[Tile, ...]
    judges: tuple[Line, ...]
    floor: tuple[Line, ...]
    suites: Mapping[str, tuple[str, tuple[int, ...]]]


def overview(board: Board, tables: Mapping[str, Table]) -> Overview:
    """Lay out the first page. Lines are sorted by the first column, then by the next, and so on."""
    tiles = [_tile(task, tables[task.name]) for task in board.tasks]
    columns = tuple(tile for tile in tiles if tile.judged)
    suites = _suites(columns)
    lines = sorted(_lines(columns, tables, suites), key=lambda line: _order(line, columns, tables))
    return Overview(
        tiles={shape: found for shape in SHAPES if (found := tuple(t for t in tiles if t.task.shape == shape))},
        columns=columns,
        judges=tuple(line for line in lines if line.kind != "null"),
        floor=tuple(line for line in lines if line.kind == "null"),
        suites=suites,
    )


def _suites(columns: Sequence[Tile]) -> Suites:
    found = {}
    for name in suite_names():
        suite = load_suite(name)
        members = tuple(number for number, tile in enumerate(columns) if tile.task.name in suite.tasks)
        if members:
            found[name] = (suite.title, members)
    return found


def _tile(task: TaskBoard, shown: Table) -> Tile:
    top = [row for group, row in shown.rows if group.key == "judges" and row.rank is not None][:TOP]
    judged = {row.name for group, row in shown.rows if group.key != "reported"}
    return Tile(task, shown.columns[0].label, tuple(top), len(judged))


def _lines(columns: tuple[Tile, ...], tables: Mapping[str, Table], suites: Suites) -> list[Line]:
    found: dict[str, dict[str, list[tuple[Group, Row]]]] = {}
    for tile in columns:
        for group, row in tables[tile.task.name].rows:
            if group.key not in ("demonstration", "reported"):
                found.setdefault(row.name, {}).setdefault(tile.task.name, []).append((group, row))
    return [_line(name, columns, runs, suites) for name, runs in found.items()]


def _line(name: str, columns: tuple[Tile, ...], runs: Mapping[str, list[tuple[Group, Row]]], suites: Suites) -> Line:
    rows = [row for found in runs.values() for _, row in found]
    one = len({row.model for row in rows}) == 1
    cells = tuple(_cell(runs[tile.task.name]) if tile.task.name in runs else None for tile in columns)
    known = {row.evidence for row in rows}
    return Line(
        name=name,
        judge=rows[0].judge if one else name,
        model=rows[0].model if one else "",
        kind=rows[0].kind,
        cells=cells,
        evidence=tuple(level for level in EVIDENCE if level in known),
        openness=rows[0].openness,
        size=rows[0].size if one else UNKNOWN,
        suites=tuple(suite for suite, (_, members) in suites.items() if any(cells[at] for at in members)),
        covered=Cell(f"{len(runs)}/{len(columns)}", sort=len(runs)),
        unreadable=_most_unreadable(rows),
    )


def _most_unreadable(rows: Sequence[Row]) -> Cell:
    known = [row.unreadable for row in rows if row.unreadable is not None and row.unreadable.sort is not None]
    if not known:
        return Cell(DASH, missing="not computed")
    worst = max(known, key=lambda cell: cell.sort or 0)
    return Cell(worst.value, sort=worst.sort)


def _cell(runs: list[tuple[Group, Row]]) -> Cell:
    """Return the headline of a judge's one run on a task; of several that with the best evidence, then the first by id.

    Never that with the best number: judges would be rewarded for trying often.
    """
    evidence = list(EVIDENCE)
    group, row = min(runs, key=lambda r: (r[0].key not in COUNTED, evidence.index(r[1].evidence), r[1].run))
    if group.key not in COUNTED:
        return Cell(DASH, missing=", ".join(badge.text for badge in row.badges))
    counted = sum(other.key in COUNTED for other, _ in runs)
    note = f"1 of {counted} runs" if counted > 1 else ""
    return row.cells[0]._replace(bar=None, note=", ".join(filter(None, [row.cells[0].note, note])))


def _order(line: Line, columns: tuple[Tile, ...], tables: Mapping[str, Table]) -> tuple[list[float], str]:
    values = []
    for tile, shown in zip(columns, line.cells, strict=True):
        value = math.inf if shown is None or shown.sort is None else shown.sort
        lower = tables[tile.task.name].columns[0].words.lower
        values.append(value if lower or value == math.inf else -value)
    return values, line.name
