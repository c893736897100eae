"""Ranks, and how far they are known: judges that a paired test cannot tell apart share a range of ranks."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from judgebench.leaderboard.cells import DASH
from judgebench.leaderboard.outcomes import Outcomes
from judgebench.metrics import ranks
from judgebench.metrics.resample import LEVEL
from judgebench.metrics.table import Bools, Floats, Ints
from judgebench.results import Metric

Basis = Literal["paired", "intervals"]
BASIS: dict[Basis, str] = {
    "paired": "Ranks that this judge shares with those that it cannot be told apart from: paired tests between all "
    "judges of the task on the same items, clustered by source question, at 5 % with Holm's adjustment. The first is "
    "one more than the judges that are proven better, the last leaves out those that are proven worse.",
    "intervals": "Ranks that the 95 % intervals leave open: judges whose intervals do not overlap count as different. "
    "Paired tests need verdicts, a gold table and a headline that is a share of items; here one is missing.",
}


_SURELY_NOT = 1.9
"""A difference of fewer standard errors has a p above 5 % with any number of questions."""


class Place(NamedTuple):
    """A judge's rank by value, and the first and the last rank that it could as well have; None without a value."""

    rank: int | None
    low: int | None = None
    high: int | None = None

    @property
    def span(self) -> str:
        """Return the ranks as they are written, "" where there is but one."""
        return f"{self.low}{DASH}{self.high}" if self.low != self.high else ""


UNRANKED = Place(None)


@dataclass(frozen=True)
class Ranking:
    """The places of a task's judges by `run_id`, and what their ranges rest on."""

    basis: Basis = "intervals"
    places: Mapping[str, Place] = field(default_factory=dict)


def ranking(metrics: Mapping[str, Metric | None], found: Outcomes | None, *, lower: bool) -> Ranking:
    """Rank judges by their headlines, given by `run_id`; small values are good where `lower` says so.

    Ranges rest on paired tests where the task has outcomes of a headline that is a ratio. A judge whose verdicts do
    not fit is then neither proven better nor worse than any other.
    """
    values = {key: metric.value for key, metric in metrics.items() if metric is not None and metric.value is not None}
    better = _proven_better(found, values, lower=lower) if found is not None else None
    if better is None:
        return Ranking("intervals", _by_intervals(metrics, lower=lower))
    order = sorted(-value if not lower else value for value in values.values())
    places = {}
    for key, value in values.items():
        rank = 1 + bisect_left(order, value if lower else -value)
        above, below = better.get(key, (0, 0))
        places[key] = Place(rank, min(rank, 1 + above), max(rank, len(values) - below))
    return Ranking("paired", {key: places.get(key, UNRANKED) for key in metrics})


def _proven_better(found: Outcomes, values: Mapping[str, float], *, lower: bool) -> dict[str, tuple[int, int]] | None:
    """Return how many judges are proven better and how many worse than each; None where none can be tested."""
    rows = [row for row, key in enumerate(found.runs) if key in values and not np.isnan(found.headline[row])]
    if not rows:
        return None
    headline = found.headline[rows] * (-1 if lower else 1)
    proven = different(found.influence[rows], headline, found.sources, found.calls(rows))
    above = headline[:, None] < headline
    worse, best = (proven & above.T).sum(axis=1), (proven & above).sum(axis=1)
    return {found.runs[row]: (int(best[at]), int(worse[at])) for at, row in enumerate(rows)}


def different(influence: Floats, headline: Floats, sources: Ints, calls: Floats | None) -> Bools:
    """Return which judges a paired test tells apart at 5 %, shape [n_judges, n_judges].

    The test of `ranks.paired_p` with Holm's adjustment, without its resamples: the covariance of sums over resampled
    questions is known. `influence` is of shape [n_judges, n_items]; `calls`, of the same, is 1 where a judge has an
    item right and 0 where wrong, None where the headline makes no such calls.
    """
    clusters = int(sources.max(initial=-1)) + 1
    if clusters < 2 or len(headline) < 2:  # noqa: PLR2004 - one question shows no spread, one judge no difference
        return np.zeros((len(headline),) * 2, dtype=bool)
    pairs = np.triu_indices(len(headline), 1)
    difference = np.abs(headline[pairs[0]] - headline[pairs[1]])
    error = ranks.errors(covariance(influence, sources), clusters)[pairs]
    maybe = difference > _SURELY_NOT * error
    p = np.ones(len(difference))
    p[maybe] = ranks.clustered_p(difference[maybe], error[maybe], clusters)
    if calls is not None:
        only = calls @ (1 - calls).T
        p[maybe] = np.maximum(p[maybe], _exact_p(only[pairs][maybe], only.T[pairs][maybe]))
    told = holm_rejects(p)
    proven = np.zeros((len(headline),) * 2, dtype=bool)
    proven[pairs[0][told], pairs[1][told]] = True
    found: Bools = proven | proven.T
    return found


def _exact_p(one: Floats, other: Floats) -> Floats:
    """Return `ranks.exact_p`, computed once for each two numbers that occur."""
    both = np.stack([np.minimum(one, other), np.maximum(one, other)]).astype(np.int64)
    codes, place = np.unique(both[0] * (both.max(initial=0) + 1) + both[1], return_inverse=True)
    few, many = np.divmod(codes, both.max(initial=0) + 1)
    found: Floats = ranks.exact_p(few.astype(np.float64), many.astype(np.float64))[place]
    return found


def holm_rejects(p: Floats) -> Bools:
    """Return which of m tests Holm's method rejects at 5 %: what `ranks.holm(p) <= 0.05` says, only faster.

    The k-th smallest p-value is held against 5 % / (m - k + 1), until one is larger.
    """
    small = np.flatnonzero(p <= 1 - LEVEL)
    order = small[np.argsort(p[small], kind="stable")]
    kept = np.logical_and.accumulate(p[order] * (len(p) - np.arange(len(order))) <= 1 - LEVEL)
    rejected = np.zeros(len(p), dtype=bool)
    rejected[order[kept]] = True
    return rejected


def covariance(influence: Floats, sources: Ints) -> Floats:
    """Return the covariance of the headlines over resampled questions, to first order: [n_judges, n_judges].

    A bootstrap weighs the questions by a multinomial, and the influences of all items sum to 0: so the covariance is
    that of the questions' sums, added up.
    """
    order = np.argsort(sources, kind="stable")
    starts = np.flatnonzero(np.diff(sources[order], prepend=-1))
    sums = np.add.reduceat(influence[:, order], starts, axis=1)
    product: Floats = sums @ sums.T
    return product


# -- without verdicts ----------------------------------------------------------------------------------------


class _Ends(NamedTuple):
    """A value and its interval from the good end to the bad one, such that small is good."""

    value: float
    best: float | None
    worst: float | None


def _by_intervals(metrics: Mapping[str, Metric | None], *, lower: bool) -> dict[str, Place]:
    known = {key: _ends(metric, 1 if lower else -1) for key, metric in metrics.items()}
    values = _sorted(ends.value for ends in known.values() if ends)
    best = _sorted(ends.best for ends in known.values() if ends)
    worst = _sorted(ends.worst for ends in known.values() if ends)
    places = {}
    for key, ends in known.items():
        if ends is None:
            places[key] = UNRANKED
            continue
        rank = 1 + bisect_left(values, ends.value)
        if ends.best is None or ends.worst is None:
            places[key] = Place(rank)
            continue
        first, last = 1 + bisect_left(worst, ends.best), len(values) - (len(best) - bisect_right(best, ends.worst))
        places[key] = Place(rank, first, max(first, last))
    return places


def _ends(metric: Metric | None, sign: int) -> _Ends | None:
    if metric is None or metric.value is None:
        return None
    if metric.low is None or metric.high is None:
        return _Ends(sign * metric.value, None, None)
    best, worst = sorted((sign * metric.low, sign * metric.high))
    return _Ends(sign * metric.value, best, worst)


def _sorted(values: Iterable[float | None]) -> list[float]:
    return sorted(value for value in values if value is not None)
