"""Curves on a judge's page: the headline against what is known of the items, point by point with n and interval.

Drawn for every task whose gold table has traits: how hard an item is, and where the fault of its wrong response sits.
This module counts and places; the template draws, with a table of the same numbers beneath.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from judgebench.errors import JudgebenchError
from judgebench.importers import find_gold
from judgebench.leaderboard.cells import Cell, cell
from judgebench.leaderboard.data import Board, run_id
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.wording import MetricWords, definition, metric_words
from judgebench.metrics import shape_of, table_of
from judgebench.metrics.resample import estimate
from judgebench.results import Metric, Result, VerdictRow
from judgebench.task import GoldRow

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 352, 12, 160
"""The drawing, and the plane inside it, in its own units."""
TICKS = (0, 25, 50, 75, 100)
BINS = 5
MANY = 12
"""A trait with more different values than this is drawn in bins."""


@dataclass(frozen=True)
class Point:
    """A group of items: what they have in common, their number, and where value and interval are drawn."""

    label: str
    n: int
    cell: Cell
    x: float
    y: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Curve:
    """One figure. `line` joins the points, `says` is the figure in a sentence."""

    key: str
    title: str
    axis: str
    words: MetricWords
    points: tuple[Point, ...]
    line: str
    says: str

    @property
    def ticks(self) -> list[tuple[int, float]]:
        """Return the lines of the grid: percent, and where they are drawn."""
        return [(tick, height(tick / 100)) for tick in TICKS]


Labels = Callable[[float], str]


def _levels(values: Sequence[float]) -> tuple[list[str], Labels]:
    """Return the labels of a trait's values, in order, and the function that labels one; many values share bins."""
    found = sorted(set(values))
    if len(found) <= MANY:
        return [f"{value:g}" for value in found], "{:g}".format
    low, width = found[0], (found[-1] - found[0]) / BINS
    labels = [f"{low + number * width:g} to {low + (number + 1) * width:g}" for number in range(BINS)]
    return labels, lambda value: labels[min(int((value - low) / width), BINS - 1)]


def _fifths(values: Sequence[float]) -> tuple[list[str], Labels]:  # noqa: ARG001 - the same for all
    """Return the fifths of the way from the first step to the last."""
    width = 100 // BINS
    labels = [f"{width * number}–{width * (number + 1)} %" for number in range(BINS)]
    return labels, lambda value: labels[min(max(int(value * BINS), 0), BINS - 1)]


@dataclass(frozen=True)
class Kind:
    """A trait that is drawn: the figure's title, its axis, and how its values are grouped."""

    title: str
    axis: str
    groups: Callable[[Sequence[float]], tuple[list[str], Labels]]


KINDS = {
    "difficulty": Kind("{metric} by difficulty", "difficulty", _levels),
    "depth": Kind("{metric} by where the fault sits", "way from the first step (0) to the last (100 %)", _fifths),
}


def of_board(board: Board) -> dict[str, tuple[Curve, ...]]:
    """Return the curves of all results whose gold table has traits, by `run_id`."""
    tables: dict[str, list[GoldRow]] = {}
    found = {}
    for results in board.judges.values():
        for result in results:
            drawn = _of_result(result, board, tables)
            if drawn:
                found[run_id(result)] = drawn
    return found


def own_gold(result: Result, board: Board) -> list[GoldRow]:
    """Return a result's own gold table; nothing where it has no files, or a name that is no safe one.

    Raises DataError where the table that it names is not to be found.
    """
    files, spec = board.files.get(run_id(result)), result.spec.task
    if files is None or spec.name != safe_name(spec.name):  # a result must not choose which file is read
        return []
    return find_gold(files.result, spec)


def _of_result(result: Result, board: Board, tables: dict[str, list[GoldRow]]) -> tuple[Curve, ...]:
    files, spec = board.files.get(run_id(result)), result.spec.task
    if files is None:
        return ()
    try:
        if spec.fingerprint not in tables:
            gold = own_gold(result, board)
            if not gold:
                return ()
            tables[spec.fingerprint] = gold if any(row.traits for row in gold) else []
        gold = tables[spec.fingerprint]
        if not gold:
            return ()
        rows = [VerdictRow.model_validate_json(line) for line in files.verdicts.read_bytes().splitlines()]
        return curves(gold, rows, spec.headline)
    except (JudgebenchError, ValidationError, OSError):
        # Without its own gold table, or with verdicts that do not fit it, a result has no curves; it has its numbers.
        return ()


def curves(gold: Sequence[GoldRow], rows: Sequence[VerdictRow], metric: str) -> tuple[Curve, ...]:
    """Return a figure for each known trait of the judged items, where the metric is a share. Raises as `table_of`."""
    if not metric_words(metric, shape_of(gold)).share:
        return ()
    judged = {row.item for row in rows}
    found = []
    for name, kind in KINDS.items():
        known = [row for row in gold if name in row.traits and row.item in judged]
        if known:
            found.append(_curve(name, kind, known, rows, metric))
    return tuple(found)


def _curve(name: str, kind: Kind, gold: Sequence[GoldRow], rows: Sequence[VerdictRow], metric: str) -> Curve:
    words = metric_words(metric, shape_of(gold))
    labels, label_of = kind.groups([row.traits[name] for row in gold])
    width = (RIGHT - LEFT) / len(labels)
    points = []
    for at, label in enumerate(labels):
        members = [row for row in gold if label_of(row.traits[name]) == label]
        points.append(_point(label, round(LEFT + (at + 0.5) * width, 1), _measured(members, rows, metric), words))
    shown = [point for point in points if point.y is not None]
    told = [f"{point.label}: {point.cell.value} % {point.cell.interval} of {point.n}" for point in shown]
    return Curve(
        key=name,
        title=kind.title.format(metric=words.label),
        axis=kind.axis,
        words=words,
        points=tuple(points),
        line=" ".join(f"{point.x},{point.y}" for point in shown),
        says=f"{words.label} in percent with 95 % intervals. " + "; ".join(told) + ".",
    )


def _point(label: str, x: float, measured: Metric, words: MetricWords) -> Point:
    y, low, high = (None if end is None else height(end) for end in (measured.value, measured.low, measured.high))
    return Point(label, measured.n, cell(measured, words, measured.n), x, y, low, high)


def _measured(gold: Sequence[GoldRow], rows: Iterable[VerdictRow], metric: str) -> Metric:
    """Return the headline over some items, with the interval that all metrics have."""
    items = {row.item for row in gold}
    if not items:
        return Metric(value=None, n=0)
    _, table = table_of(gold, [row for row in rows if row.item in items])
    known = definition(metric, shape_of(gold))
    ratio = known.ratio(table) if known else None
    return Metric(value=None, n=0) if ratio is None else estimate({metric: ratio}, table.source)[metric]


def height(share: float) -> float:
    """Return where a share is drawn, from the top; what lies beyond 0 or 1 is drawn at the edge."""
    return round(BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0), 1)
