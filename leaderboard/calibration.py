"""Reliability diagrams on a judge's page: how often it is right where it states so much confidence.

Bins and what is in them are those of `judgebench.metrics.certainty`, which the calibration error counts too; intervals
are those of all metrics. Only results whose metrics have a calibration error are read, all of a task's at once. This
module counts and places, in the plane of `curves`; the template draws, with a table of the same numbers beneath.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from judgebench.errors import JudgebenchError
from judgebench.leaderboard.cells import Cell, cell, percent
from judgebench.leaderboard.curves import BOTTOM, LEFT, RIGHT, TICKS, height, own_gold
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.verdicts import tables
from judgebench.leaderboard.wording import MetricWords
from judgebench.metrics import certainty, shape_of
from judgebench.metrics.ratio import Ratio
from judgebench.metrics.resample import estimate
from judgebench.metrics.table import Table
from judgebench.results import Metric, Result
from judgebench.task import GoldRow

RIGHT_SHARE = MetricWords("Share right", "Right judgments in a bin of confidence.", "certainty", share=True)
TALLEST = 40
"""The height of the bar of the fullest bin."""
BAR = 20
LAST = RIGHT - 8
"""Where a confidence of 1 is drawn: what is written below it needs room."""
AT_ONCE = 32
"""So many results share their resamples: enough to draw them seldom, few enough to hold their bins."""
_STATED = "ece"


class Dot(NamedTuple):
    """A bin: its label, mean confidence and share right as text, and where they are drawn; `x` is the mean's place."""

    label: str
    n: int
    mean: str
    cell: Cell
    x: float
    y: float
    low: float | None
    high: float | None


class Column(NamedTuple):
    """The bar of a bin's number of judgments, standing on the axis."""

    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Diagram:
    """One figure. `n` judgments have a confidence; `line` joins the bins, `ideal` is where confidence is right."""

    n: int
    dots: tuple[Dot, ...]
    columns: tuple[Column, ...]
    line: str
    says: str

    title = "Share right by confidence"
    axis = "confidence in percent; bars: judgments"
    width = BAR
    ideal = (LEFT, height(0.0), LAST, height(1.0))

    @property
    def ticks(self) -> list[tuple[int, float, float]]:
        """Return the marks of both axes: percent, and where they are drawn along x and y."""
        return [(tick, place(tick / 100), height(tick / 100)) for tick in TICKS]


def of_task(task: TaskBoard, board: Board) -> dict[str, Diagram]:
    """Return the diagrams of a task's results that state confidences, by `run_id`. Each verdict file is read once."""
    alike: dict[str, dict[str, Result]] = {}
    for result in task.results:
        if _STATED in result.metrics and run_id(result) in board.files:
            alike.setdefault(result.spec.task.fingerprint, {})[run_id(result)] = result
    found: dict[str, Diagram] = {}
    for results in alike.values():
        left = iter(results.items())
        while part := dict(islice(left, AT_ONCE)):
            found |= _of_results(part, board)
    return found


def _of_results(results: Mapping[str, Result], board: Board) -> dict[str, Diagram]:
    """Return the diagrams of results on the same gold table; those whose verdicts do not fit it have none."""
    files: list[Path] = [board.files[key].verdicts for key in results]
    gold = _gold(results.values(), board)
    try:
        if not gold or shape_of(gold) != "pairs":
            return {}
        made = zip(results, tables(gold, files), strict=True)
        return diagrams({key: table for key, table in made if isinstance(table, Table)})
    except (JudgebenchError, ValueError, OSError):
        return {}


def _gold(results: Iterable[Result], board: Board) -> list[GoldRow]:
    """Return the gold table that lies beside one of the results or is known; nothing where there is none."""
    for result in results:
        try:
            return own_gold(result, board)
        except (JudgebenchError, ValueError, OSError):
            continue
    return []


def diagrams(read: Mapping[str, Table]) -> dict[str, Diagram]:
    """Return a diagram for each table, over the same items, that has confidences in [0, 1], by the tables' keys."""
    bins = {key: certainty.calibration_bins(table) for key, table in read.items() if _usable(table)}
    bins = {key: found for key, found in bins.items() if found}
    ratios = {(key, number): ratio for key in bins for number, ratio in enumerate(_ratios(read[key], bins[key]))}
    if not ratios:
        return {}
    names = {one: str(at) for at, one in enumerate(ratios)}
    source = read[next(iter(bins))].source
    shares = estimate({names[one]: ratio for one, ratio in ratios.items()}, source)
    return {
        key: _diagram(found, [shares[names[key, number]] for number in range(len(found))])
        for key, found in bins.items()
    }


def _usable(table: Table) -> bool:
    stated = certainty.judged(table).certainty
    return len(stated) > 0 and bool(stated.min() >= 0 and stated.max() <= 1)


def _ratios(table: Table, bins: Sequence[certainty.Bin]) -> Iterator[Ratio]:
    """Yield the share right of each bin as a metric of the table."""
    item, correct, stated = certainty.judged(table)
    codes = certainty.bin_of(stated)
    for one in bins:
        inside = codes == round(one.low * certainty.BINS)
        top, bottom, possible = (
            np.bincount(items, minlength=table.n_items).astype(np.float64)
            for items in (item[inside & correct], item[inside], item[inside])
        )
        yield Ratio(top, bottom, possible)


# -- drawing -------------------------------------------------------------------------------------------------


def _diagram(bins: Sequence[certainty.Bin], shares: Sequence[Metric]) -> Diagram:
    fullest = max(one.n for one in bins)
    dots = tuple(_dot(one, share) for one, share in zip(bins, shares, strict=True))
    told = [f"{dot.label}: {dot.cell.value} % {dot.cell.interval} of {dot.n}" for dot in dots]
    return Diagram(
        n=sum(one.n for one in bins),
        dots=dots,
        columns=tuple(_column(one, fullest) for one in bins),
        line=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        says="Share right in percent with 95 % intervals, by stated confidence. " + "; ".join(told) + ".",
    )


def _dot(one: certainty.Bin, share: Metric) -> Dot:
    low, high = (None if end is None else height(end) for end in (share.low, share.high))
    return Dot(
        label=_label(one),
        n=one.n,
        mean=percent(float(one.certainty)),
        cell=cell(share, RIGHT_SHARE, share.n),
        x=place(float(one.certainty)),
        y=height(float(one.accuracy)),
        low=low,
        high=high,
    )


def _label(one: certainty.Bin) -> str:
    return f"{round(100 * one.low)}–{round(100 * one.high)} %"


def _column(one: certainty.Bin, fullest: int) -> Column:
    tall = round(TALLEST * one.n / fullest, 1)
    return Column(round(place((one.low + one.high) / 2) - BAR / 2, 1), round(BOTTOM - tall, 1), tall)


def place(share: float) -> float:
    """Return where a confidence is drawn along the axis."""
    return round(LEFT + (LAST - LEFT) * min(max(share, 0.0), 1.0), 1)
