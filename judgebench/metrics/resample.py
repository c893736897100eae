"""Intervals: the bootstrap, clustered by source question and done with weights.

Drawing n of n clusters with replacement is the same as giving each cluster a whole-number weight, so a
resample of any ratio is one row of a matrix product: no data are copied, and all metrics share the weights. A
statistic sees the weight of each item's cluster. Weights depend only on the number of clusters, the number of
resamples and the seed; two judges on the same items therefore see the same resamples, and the differences of
their `replicates` are a paired bootstrap.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist

import numpy as np

from judgebench.metrics.ratio import Ratio, mean_ratio
from judgebench.metrics.statistic import Statistic
from judgebench.metrics.table import Floats, Ints
from judgebench.results import Metric

RESAMPLES = 2000
LEVEL = 0.95
_CHUNK = 1 << 22  # weights held at once: 32 MiB
_POINT = 1e-12


def weights(n_clusters: int, n_resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Floats]:
    """Yield the weights in chunks of shape [some resamples, n_clusters]; every row sums to n_clusters."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // max(n_clusters, 1))
    for start in range(0, n_resamples if n_clusters else 0, rows):
        count = min(rows, n_resamples - start)
        drawn = rng.integers(n_clusters, size=(count, n_clusters))
        drawn += np.arange(count)[:, None] * n_clusters
        flat = np.bincount(drawn.ravel(), minlength=count * n_clusters)
        yield flat.reshape(count, n_clusters).astype(np.float64)


def resampled_sums(columns: Floats, n_resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return the resampled column sums: [n_clusters, k] → [n_resamples, k].

    Sums of whole numbers are exact in float64, so the order of the clusters' items cannot show. Memory beyond
    input and output stays below 100 MiB up to four million clusters.
    """
    out = np.zeros((n_resamples, columns.shape[1]))
    start = 0
    for chunk in weights(len(columns), n_resamples, seed):
        np.matmul(chunk, columns, out=out[start : start + len(chunk)])
        start += len(chunk)
    return out


def replicates(
    metrics: Sequence[Ratio | Statistic], cluster: Ints, n_resamples: int = RESAMPLES, seed: int = 0
) -> list[Floats]:
    """Return each metric's values over the resamples, shape [n_resamples]; NaN where one counts nothing.

    `cluster`, shape [n_items], numbers the items' clusters from 0 in the order of their names.
    """
    ratios = [metric for metric in metrics if isinstance(metric, Ratio)]
    statistics = [metric for metric in metrics if isinstance(metric, Statistic)]
    of_ratios = iter(_ratio_draws(ratios, cluster, n_resamples, seed))
    of_statistics = iter(_statistic_draws(statistics, cluster, n_resamples, seed))
    return [next(of_ratios if isinstance(metric, Ratio) else of_statistics) for metric in metrics]


def _ratio_draws(ratios: Sequence[Ratio], cluster: Ints, n_resamples: int, seed: int) -> list[Floats]:
    if not ratios:
        return []
    columns = [column for ratio in ratios for column in ratio.columns]
    widths = [column.shape[1] for column in columns]
    sums = resampled_sums(cluster_sums(np.hstack(columns), cluster), n_resamples, seed)
    blocks = np.split(sums, np.cumsum(widths)[:-1], axis=1)
    return [mean_ratio(top, bottom) for top, bottom in zip(blocks[::2], blocks[1::2], strict=True)]


def _statistic_draws(statistics: Sequence[Statistic], cluster: Ints, n_resamples: int, seed: int) -> Floats:
    out = np.full((len(statistics), n_resamples), np.nan)
    start = 0
    for chunk in _item_weights(cluster, n_resamples, seed) if statistics else ():
        for row, statistic in zip(out, statistics, strict=True):
            row[start : start + len(chunk)] = statistic.batch(chunk)
        start += len(chunk)
    return out


def _item_weights(cluster: Ints, n_resamples: int, seed: int) -> Iterator[Floats]:
    """Yield the clusters' weights spread over their items, in chunks of shape [some resamples, n_items]."""
    rows = max(1, _CHUNK // max(len(cluster), 1))
    for chunk in weights(int(cluster.max(initial=-1)) + 1, n_resamples, seed):
        for start in range(0, len(chunk), rows):
            yield chunk[start : start + rows, cluster]


def cluster_sums(columns: Floats, cluster: Ints) -> Floats:
    """Add up the items of each cluster: [n_items, k] → [n_clusters, k]."""
    n_clusters = int(cluster.max(initial=-1)) + 1
    out = np.empty((n_clusters, columns.shape[1]))
    for number, column in enumerate(columns.T):
        out[:, number] = np.bincount(cluster, column, minlength=n_clusters)
    return out


def estimate(
    metrics: Mapping[str, Ratio | Statistic], cluster: Ints, n_resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Metric]:
    """Return value, n, coverage and 95 % percentile interval of each metric.

    Where every resample gives the same value (0 of 350), the percentile interval is a point and says nothing. A
    ratio then gets the Wilson score interval, with the number of clusters that count as n. A statistic has no
    such formula and gets no interval. One that is undefined (the kappa of two raters who know one label) has an
    n but no value.
    """
    draws = replicates(list(metrics.values()), cluster, n_resamples, seed)
    return {name: _metric(metric, cluster, drawn) for (name, metric), drawn in zip(metrics.items(), draws, strict=True)}


def _metric(metric: Ratio | Statistic, cluster: Ints, draws: Floats) -> Metric:
    value = metric.value if isinstance(metric, Ratio) else _value(metric, len(cluster))
    if value is None:
        return Metric(value=None, n=metric.n, coverage=metric.coverage)
    low, high = _bounds(metric, value, cluster, draws[~np.isnan(draws)])
    return Metric(value=value, n=metric.n, low=low, high=high, coverage=metric.coverage)


def _value(statistic: Statistic, n_items: int) -> float | None:
    if not n_items:
        return None
    [value] = statistic.batch(np.ones((1, n_items)))
    return None if np.isnan(value) else float(value)


def _bounds(
    metric: Ratio | Statistic, value: float, cluster: Ints, draws: Floats
) -> tuple[float, float] | tuple[None, None]:
    tail = (1 - LEVEL) / 2
    if len(draws):
        low, high = np.quantile(draws, [tail, 1 - tail])
        if high - low >= _POINT:
            return float(low), float(high)
    if isinstance(metric, Statistic):
        return None, None
    return _wilson_bounds(value, _counting_clusters(metric, cluster), signed=metric.signed)


def _counting_clusters(ratio: Ratio, cluster: Ints) -> int:
    counted = ratio.columns[1].sum(axis=1) > 0
    return len(np.unique(cluster[counted]))


def _wilson_bounds(value: float, n: int, *, signed: bool) -> tuple[float, float]:
    """Return Wilson bounds of a share, or of a difference of two exclusive shares one of which is zero."""
    if not signed:
        return wilson(value, n)
    plus, minus = wilson(max(value, 0), n), wilson(max(-value, 0), n)
    return plus[0] - minus[1], plus[1] - minus[0]


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return the bounds of Wilson's score interval of a share of n (Wilson 1927, JASA 22).

    Written out, because the libraries that have it take longer to import than a short run takes altogether.
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    centre = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    scale = 1 + z * z / n
    return (0.0 if share == 0 else (centre - reach) / scale), (1.0 if share == 1 else (centre + reach) / scale)
