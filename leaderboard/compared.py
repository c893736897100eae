"""Two judges of a task against each other, item by item: what the compare page shows, and its data for the script.

The difference is that of the headlines. Its interval is cluster-robust: items on one source question move together,
the error is that of the questions' sums, and t has one degree of freedom fewer than there are questions. The script
of the page computes the same from the same numbers.
"""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from judgebench.leaderboard.html import inert
from judgebench.leaderboard.outcomes import Outcomes
from judgebench.metrics import ranks
from judgebench.metrics.table import Bools, Floats, Ints

LEVELS = (0.05, 0.01, 0.001)
"""Of p, that the page tells apart."""
MOST_VALUES = 256
"""A headline with more different values of items than this is not compared on the page."""


@dataclass(frozen=True)
class Paired:
    """Judge a minus judge b: the difference with its 95 % interval, and items by their values.

    `both` are equal and not 0, `neither` both 0, `only_a` and `only_b` higher for one. `level` is the smallest of
    `LEVELS` that p is below, None where the two cannot be told apart.
    """

    difference: float
    low: float
    high: float
    level: float | None
    both: int
    only_a: int
    only_b: int
    neither: int


def paired(a: Floats, b: Floats, sources: Ints) -> Paired:
    """Compare two rows of values of items, each of shape [n_items], NaN where an item does not count."""
    questions = np.count_nonzero(np.bincount(sources))
    moved = _moved(a) - _moved(b)
    sums = np.bincount(sources, moved)
    difference = float(np.nanmean(a) - np.nanmean(b))
    enough = questions > 1
    error = math.sqrt(float(sums @ sums) * questions / (questions - 1)) if enough else math.inf
    reach = quantile(0.05, questions) * error
    only_a, only_b, equal = int((a > b).sum()), int((a < b).sum()), a == b
    exact = float(ranks.exact_p(np.array(only_a), np.array(only_b))) if _calls(np.vstack([a, b])) else 0.0
    found = [
        one
        for one in LEVELS
        if enough and abs(difference) > quantile(one, questions) * error and max(exact, 2.0 ** (1 - questions)) < one
    ]
    return Paired(
        difference, difference - reach, difference + reach, min(found, default=None),
        int((equal & (a != 0)).sum()), only_a, only_b, int((equal & (a == 0)).sum()),
    )  # fmt: skip


def _moved(value: Floats) -> Floats:
    """Return how far a mean moves with each item's weight."""
    counted = ~np.isnan(value)
    moved: Floats = np.where(counted, value - np.nanmean(value), 0.0) / counted.sum()
    return moved


def _calls(value: Floats) -> bool:
    """Tell whether every item is called right or wrong."""
    return bool(((value == 0) | (value == 1)).all())


@cache
def quantile(p: float, questions: int) -> float:
    """Return how many errors a difference must exceed for a two-sided p."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import, in each process of a build

    return -float(stdtrit(questions - 1, p / 2)) if questions > 1 else math.inf


def usable(found: Outcomes | None) -> Bools | None:
    """Return which runs can be compared: those whose headline is the mean of their items' values.

    None for too few, and for items of a single question, which show no spread.
    """
    if found is None or len(np.unique(found.sources)) < 2:  # noqa: PLR2004 - two questions
        return None
    counted = (~np.isnan(found.value)).any(axis=1)
    means = np.full(len(found.runs), np.nan)
    means[counted] = np.nanmean(found.value[counted], axis=1)
    good: Bools = np.isclose(means, found.headline, rtol=0, atol=1e-9)
    many = len(np.unique(found.value[good & counted])) > MOST_VALUES
    return None if many or good.sum() < 2 else good  # noqa: PLR2004 - two judges


@dataclass(frozen=True)
class Entry:
    """A judge that can be chosen: its run, its page, what it is called and its headline as text."""

    run: str
    name: str
    label: str
    headline: str


@dataclass(frozen=True)
class ComparePage:
    """A task's comparisons: its judges, best first, each against the next one, and the data of the page's script."""

    entries: tuple[Entry, ...]
    neighbours: tuple[Paired, ...]
    data: str
    questions: int
    calls: bool


def compare_page(found: Outcomes, entries: Sequence[Entry], *, share: bool) -> ComparePage | None:
    """Lay out the page of a task for the entries, best first, that have outcomes; None where too few do."""
    good = usable(found)
    if good is None:
        return None
    row = {run: number for number, run in enumerate(found.runs) if good[number]}
    kept = tuple(entry for entry in entries if entry.run in row)
    if len(kept) < 2:  # noqa: PLR2004 - two judges
        return None
    value = found.value[[row[entry.run] for entry in kept]]
    near = tuple(paired(one, two, found.sources) for one, two in pairwise(value))
    return ComparePage(kept, near, _data(found, value, share=share), len(np.unique(found.sources)), _calls(value))


def _data(found: Outcomes, value: Floats, *, share: bool) -> str:
    questions, categories = len(np.unique(found.sources)), sorted({row.category for row in found.gold})
    known = {name: number for number, name in enumerate(categories)}
    possible = [level for level in LEVELS if 2.0 ** (1 - questions) < level]
    calls, items = _calls(value), value.shape[1]
    about: Mapping[str, Any] = {
        "items": [inert(row.item) for row in found.gold],
        "categories": [inert(name) for name in categories],
        "category": [known[row.category] for row in found.gold],
        "source": np.unique(found.sources, return_inverse=True)[1].tolist(),
        "questions": questions,
        "reach": quantile(0.05, questions),
        "levels": [[p, quantile(p, questions), least(p, items) if calls else None] for p in possible],
        "scale": 100 if share else 1,
        "digits": 1 if share else 3,
        **packed(value),
    }
    text = json.dumps(about, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    # In a data block nothing may look like a tag or a comment.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def least(p: float, items: int) -> list[int]:
    """Return, by the smaller of two numbers of items that one judge alone has right, the least sum of both for p.

    From that sum on McNemar's exact p is below `p`. Numbers that no sum up to `items` is enough for are left out.
    """
    found: list[int] = []
    for both in range(items + 1):
        few = len(found)
        if 2 * few <= both and ranks.exact_p(np.array(few), np.array(both - few)) < p:
            found.append(both)
    return found


def packed(value: Floats) -> dict[str, Any]:
    """Return the values in as few bits as tell them apart: `palette` (NaN is null), `bits` and base64 of the bits.

    A row is filled up to `stride` items, which is a byte's end; the first item stands in a byte's lowest bits.
    """
    palette, codes = np.unique(value, return_inverse=True)
    codes = codes.reshape(value.shape).astype(np.uint8)
    bits = next(bits for bits in (1, 2, 4, 8) if len(palette) <= 1 << bits)
    per = 8 // bits
    codes = np.pad(codes, ((0, 0), (0, -value.shape[1] % per)))
    parts = codes.reshape(len(codes), -1, per) << (np.arange(per, dtype=np.uint8) * bits)
    data = np.bitwise_or.reduce(parts, axis=2).astype(np.uint8).tobytes()
    return {
        "palette": [None if np.isnan(one) else float(one) for one in palette],
        "bits": bits,
        "stride": codes.shape[1],
        "matrix": base64.b64encode(data).decode(),
    }
