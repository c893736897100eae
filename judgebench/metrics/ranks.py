"""Comparing judges on the same items: differences, tests, and how sure a rank is.

All judges see the same resamples of source questions, so the differences of their replicates are a paired
bootstrap, and the covariance of the replicates gives the error of every pair of judges at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from judgebench.errors import UsageError
from judgebench.metrics.accuracy import accuracy
from judgebench.metrics.ratio import Ratio
from judgebench.metrics.reading import Judgments
from judgebench.metrics.resample import LEVEL, RESAMPLES, replicates
from judgebench.metrics.statistic import Statistic
from judgebench.metrics.table import Bools, Floats, Ints, Table

AnyTable = Table | Judgments
AnyMetric = Ratio | Statistic
_EXACT_BELOW = 25  # discordant items; from there on McNemar's χ² is close
_ROUNDING = 1e-7  # an error below this share of the largest is rounding


@dataclass(frozen=True, eq=False)
class Pairwise:
    """Every judge against every other: row minus column, all of shape [n_judges, n_judges].

    `difference` of the values with its 95 % bootstrap interval `low` to `high`; `p` of the paired test (see
    `paired_p`), `holm` the same adjusted over all pairs.
    """

    difference: Floats
    low: Floats
    high: Floats
    p: Floats
    holm: Floats


@dataclass(frozen=True)
class RankInterval:
    """A judge's rank (1 is best; equal values share the better one) and how far it could be another.

    `low` to `high` holds the middle 95 % of its ranks over resampled questions; `ties` are the other judges that
    it cannot be told apart from, by paired tests at 5 % with Holm's adjustment over all pairs.
    """

    rank: int
    low: int
    high: int
    ties: tuple[str, ...]


def rank_intervals(
    tables: Mapping[str, AnyTable],
    metric: Callable[..., AnyMetric | None] = accuracy,
    *,
    higher: bool = True,
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, RankInterval]:
    """Rank judges by a metric of tables over the same items, and say how sure the ranks are.

    Judges for which the metric has no value are left out. Raises UsageError when the items differ.
    """
    check_same_items(tables)
    found = {name: metric(table) for name, table in tables.items()}
    n_items = max((table.n_items for table in tables.values()), default=0)
    metrics = {name: one for name, one in found.items() if one is not None and not np.isnan(value_of(one, n_items))}
    if not metrics:
        return {}
    cluster = next(iter(tables.values())).source
    drawn = draws(list(metrics.values()), cluster, n_resamples, seed)
    adjusted = holm_matrix(paired_p(list(metrics.values()), cluster, drawn))
    sign = 1 if higher else -1
    values = np.array([sign * value_of(one, n_items) for one in metrics.values()])
    return _rank_intervals(list(metrics), values, sign * drawn, adjusted)


def check_same_items(tables: Mapping[str, AnyTable]) -> None:
    """Raise UsageError naming the first table whose items, gold or source questions are not the first one's."""
    named = list(tables.items())
    for name, table in named[1:]:
        first, base = named[0]
        same = table.items == base.items and table.golds == base.golds
        if not same or [table.sources[s] for s in table.source] != [base.sources[s] for s in base.source]:
            raise UsageError(f"{name} and {first} were not judged on the same items: compare them on those both have")


def _rank_intervals(names: Sequence[str], values: Floats, drawn: Floats, adjusted: Floats) -> dict[str, RankInterval]:
    tail = (1 - LEVEL) / 2
    ranks = _ranks(values[None])[0]
    drawn_ranks = np.vstack([_ranks(drawn), ranks])  # at least one, where no resample has values for all
    bounds = np.quantile(drawn_ranks, [tail, 1 - tail], axis=0, method="inverted_cdf")
    low, high = np.minimum(bounds[0], ranks), np.maximum(bounds[1], ranks)
    found = {}
    for number, name in enumerate(names):
        tied = adjusted[number] > 1 - LEVEL
        ties = tuple(other for other, same in zip(names, tied, strict=True) if same and other != name)
        found[name] = RankInterval(int(ranks[number]), int(low[number]), int(high[number]), ties)
    return found


def _ranks(values: Floats) -> Ints:
    """Rank each row, 1 for its highest value; equal values share the better rank: [k, n_judges] → the same."""
    from scipy.stats import rankdata

    ranks: Ints = rankdata(-values, method="min", axis=1).astype(np.int64)
    return ranks


def draws(metrics: Sequence[AnyMetric], cluster: Ints, n_resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return the judges' values over shared resamples, shape [n_resamples, n_judges].

    `cluster`, shape [n_items], numbers the items' source questions. A resample that leaves some judge without a
    value is left out for all.
    """
    drawn = np.column_stack(replicates(metrics, cluster, n_resamples, seed))
    kept: Floats = drawn[~np.isnan(drawn).any(axis=1)]
    return kept


def value_of(metric: AnyMetric, n_items: int) -> float:
    """Return a metric's value, NaN where it has none."""
    if isinstance(metric, Statistic):
        return float(metric.batch(np.ones((1, n_items)))[0]) if n_items else np.nan
    return np.nan if metric.value is None else metric.value


def pairwise(metrics: Sequence[AnyMetric], cluster: Ints, n_resamples: int = RESAMPLES, seed: int = 0) -> Pairwise:
    """Compare every judge with every other on one metric; all must have a value."""
    values = np.array([value_of(metric, len(cluster)) for metric in metrics])
    drawn = draws(metrics, cluster, n_resamples, seed)
    low, high = np.zeros((2, len(values), len(values)))
    for number, own in enumerate(drawn.T):
        low[number, number:], high[number, number:] = interval(own[:, None] - drawn[:, number:])
    below = np.tril_indices(len(values), -1)
    low[below], high[below] = -high.T[below], -low.T[below]
    p = paired_p(metrics, cluster, drawn)
    return Pairwise(values[:, None] - values, low, high, p, holm_matrix(p))


def interval(drawn: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of the middle 95 % of each column; [k, m] → [m], [m]."""
    tail = (1 - LEVEL) / 2
    if not len(drawn):
        nothing = np.full(drawn.shape[1], np.nan)
        return nothing, nothing
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return low, high


# -- tests -----------------------------------------------------------------------------------------------


def paired_p(metrics: Sequence[AnyMetric], cluster: Ints, drawn: Floats) -> Floats:
    """Return p of the paired two-sided test between every two judges, shape [n_judges, n_judges].

    It is the larger of two: a t test of the difference by its error over the resampled questions (`draws`), which
    is too sure of itself when few questions are decided differently; and, for metrics that call every item right
    or wrong, McNemar's exact test, which is too sure of itself when questions have several items.
    """
    p = _clustered_p(np.array([value_of(metric, len(cluster)) for metric in metrics]), drawn, len(np.unique(cluster)))
    calls = [called for metric in metrics if (called := right_items(metric)) is not None]
    if len(calls) < len(metrics):
        return p
    items = np.column_stack(calls).astype(np.float64)
    only = items.T @ (1 - items)
    return np.maximum(p, exact_p(only, only.T))


def _clustered_p(values: Floats, drawn: Floats, clusters: int) -> Floats:
    difference = np.abs(values[:, None] - values)
    if clusters < 2 or len(drawn) < 2:  # noqa: PLR2004 — one question shows no spread
        return np.ones(difference.shape)
    return clustered_p(difference, errors(np.atleast_2d(np.cov(drawn, rowvar=False)), clusters), clusters)


def errors(covariance: Floats, clusters: int) -> Floats:
    """Return the standard error of every difference of two values, from their covariance over resampled questions.

    Both of shape [n_judges, n_judges]; 0 where the error is but rounding. There must be two questions or more.
    """
    covariance = covariance * clusters / (clusters - 1)
    own = np.diag(covariance)
    error: Floats = np.sqrt(np.maximum(own[:, None] + own - 2 * covariance, 0))
    return np.where(error > _ROUNDING * np.sqrt(own.max()), error, 0)


def clustered_p(difference: Floats, error: Floats, clusters: int) -> Floats:
    """Test absolute differences by a t test; never below what a test that flips signs of questions could give."""
    from scipy.special import stdtr

    statistic = np.divide(difference, error, out=np.where(difference > 0, np.inf, 0.0), where=error > 0)
    p: Floats = 2 * stdtr(clusters - 1, -statistic)
    return np.clip(p, 2.0 ** (1 - clusters), 1.0)


def right_items(metric: AnyMetric) -> Bools | None:
    """Return which items a metric calls right, shape [n_items]; None where it is not one call for every item."""
    if isinstance(metric, Statistic) or metric.numerator.ndim > 1:
        return None
    if not ((metric.denominator == 1).all() and np.isin(metric.numerator, [0, 1]).all()):
        return None
    return np.array(metric.numerator == 1)


def item_values(ratio: Ratio) -> Floats:
    """Return each item's own value of the metric, shape [n_items]; NaN where it counts nothing."""
    numerator, denominator = (column.sum(axis=1) for column in ratio.columns)
    values: Floats = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
    return values


def exact_p(one: Floats, other: Floats) -> Floats:
    """Return McNemar's exact p for numbers of items that only one or only the other has right."""
    from scipy.special import bdtr

    p: Floats = 2 * bdtr(np.minimum(one, other), (one + other).astype(np.int64), 0.5)
    return np.minimum(p, 1.0)


class McNemar(NamedTuple):
    """McNemar's test of two judges on the same items: p, and whether by the exact binomial or by χ²."""

    p: float
    exact: bool


def mcnemar(one: Bools, other: Bools) -> McNemar:
    """Test whether two judges are right equally often, each of shape [n_items]; items count as independent.

    Exact below 25 items on which they differ, else χ² with continuity correction (statsmodels).
    """
    from statsmodels.stats.contingency_tables import mcnemar as test

    only_one, only_other = int((one & ~other).sum()), int((~one & other).sum())
    counts = [[int((one & other).sum()), only_one], [only_other, int((~one & ~other).sum())]]
    exact = only_one + only_other < _EXACT_BELOW
    # The correction takes one off a difference, which must not turn none into minus one.
    found = test(counts, exact=exact, correction=only_one != only_other)
    return McNemar(float(min(found.pvalue, 1.0)), exact)


def holm(p: Floats) -> Floats:
    """Return p-values of a family of tests, adjusted by Holm's method; shape as given, one-dimensional."""
    from statsmodels.stats.multitest import multipletests

    adjusted: Floats = multipletests(p, method="holm")[1] if len(p) else p
    return adjusted


def holm_matrix(p: Floats) -> Floats:
    """Return a symmetric matrix of p-values adjusted over its pairs; 1 on the diagonal."""
    pairs = np.triu_indices(len(p), 1)
    adjusted = np.ones_like(p)
    adjusted[pairs] = holm(p[pairs])
    return np.minimum(adjusted, adjusted.T)
