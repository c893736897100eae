import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from judgebench.metrics import resample
from judgebench.metrics.ratio import Ratio, mean_ratio
from judgebench.metrics.resample import cluster_sums, estimate, replicates, resampled_sums, weights
from judgebench.metrics.statistic import Statistic

RNG = np.random.default_rng(7)


def share(values, *, signed=False):
    values = np.asarray(values, dtype=float)
    ones = np.ones(len(values))
    return Ratio(values, ones, ones, signed)


def own_clusters(n):
    return np.arange(n)


def one(ratio, cluster=None, **options):
    n = ratio.n if isinstance(ratio, Statistic) else len(ratio.numerator)
    cluster = own_clusters(n) if cluster is None else cluster
    return estimate({"x": ratio}, cluster, **options)["x"]


# -- weights


def test_weights_are_counts_of_n_draws():
    drawn = np.vstack(list(weights(30, 500)))
    assert drawn.shape == (500, 30)
    assert (drawn.sum(axis=1) == 30).all()
    assert drawn.min() == 0
    assert drawn.mean() == 1
    # A cluster's count is binomial(30, 1/30).
    assert drawn.var() == pytest.approx(29 / 30, rel=0.05)


def test_weights_do_not_depend_on_the_chunks(monkeypatch):
    whole = np.vstack(list(weights(13, 40, seed=3)))
    monkeypatch.setattr(resample, "_CHUNK", 13 * 7)
    chunks = list(weights(13, 40, seed=3))
    assert [len(chunk) for chunk in chunks] == [7, 7, 7, 7, 7, 5]
    assert np.array_equal(np.vstack(chunks), whole)


def test_weights_follow_the_seed():
    same, again, other = (np.vstack(list(weights(20, 10, seed=seed))) for seed in (0, 0, 1))
    assert np.array_equal(same, again)
    assert not np.array_equal(same, other)


def test_no_clusters_have_no_weights():
    assert list(weights(0)) == []
    assert (resampled_sums(np.zeros((0, 2)), 5) == np.zeros((5, 2))).all()


def test_weighted_sums_are_the_sums_of_drawn_copies():
    values = RNG.integers(0, 5, size=(11, 3)).astype(float)
    drawn = np.vstack(list(weights(11, 50)))
    copies = [np.repeat(values, row.astype(int), axis=0).sum(axis=0) for row in drawn]
    assert np.array_equal(resampled_sums(values, 50), np.array(copies))


def test_cluster_sums():
    columns = np.array([[1.0, 10], [2, 20], [4, 40]])
    assert cluster_sums(columns, np.array([1, 0, 1])).tolist() == [[2, 20], [5, 50]]


# -- intervals


def test_interval_is_close_to_scipys():
    values = (RNG.random(80) < 0.7).astype(float)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=1).confidence_interval
    ours = one(share(values), n_resamples=4000, seed=2)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.015)


def test_clustered_interval_is_close_to_scipys_ratio_of_cluster_sums():
    cluster = np.repeat(np.arange(40), RNG.integers(1, 6, size=40))
    values = (RNG.random(len(cluster)) < np.linspace(0.1, 0.9, 40)[cluster]).astype(float)
    sums = cluster_sums(np.column_stack([values, np.ones(len(values))]), cluster)

    def ratio(top, bottom, axis=-1):
        return top.sum(axis=axis) / bottom.sum(axis=axis)

    theirs = stats.bootstrap(
        tuple(sums.T), ratio, paired=True, n_resamples=4000, method="percentile", rng=1
    ).confidence_interval
    ours = one(share(values), cluster, n_resamples=4000, seed=2)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.015)


def test_standard_error_is_the_binomials():
    values = np.arange(1000) < 300
    [draws] = replicates([share(values)], own_clusters(1000))
    assert draws.mean() == pytest.approx(0.3, abs=0.002)
    assert draws.std() == pytest.approx((0.3 * 0.7 / 1000) ** 0.5, rel=0.05)


def test_copies_of_a_question_add_no_certainty():
    values = np.arange(200) < 90
    single = one(share(values))
    copied = one(share(np.repeat(values, 5)), np.repeat(np.arange(200), 5))
    assert (copied.low, copied.high) == (single.low, single.high)
    naive = one(share(np.repeat(values, 5)))
    assert naive.high - naive.low < 0.5 * (copied.high - copied.low)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for _ in range(200):
        metric = one(share(RNG.random(120) < 0.6), n_resamples=400)
        covered += metric.low <= 0.6 <= metric.high
    assert 0.89 <= covered / 200 <= 0.99


# -- intervals that would be points


@pytest.mark.parametrize(("right", "low", "high"), [(0, 0, 0.010856), (350, 0.989144, 1)])
def test_all_or_none_get_the_wilson_interval(right, low, high):
    metric = one(share(np.arange(350) < right))
    assert metric.value == right / 350
    assert (metric.low, metric.high) == pytest.approx((low, high), abs=1e-6)
    assert 0 <= metric.low <= metric.value <= metric.high <= 1


@pytest.mark.parametrize("n", [1, 2, 7, 42, 350, 100_000])
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.5, 0.99, 1])
def test_wilson_is_that_of_statsmodels(share, n):
    expected = proportion_confint(share * n, n, method="wilson")
    assert resample.wilson(share, n) == pytest.approx(expected, abs=1e-14)


def test_wilson_counts_clusters_not_items():
    clustered = one(share(np.ones(100)), np.repeat(np.arange(10), 10))
    assert clustered == one(share(np.ones(10))).model_copy(update={"n": 100})


def test_wilson_counts_only_clusters_with_something_to_count():
    possible = np.ones(50)
    counted = (np.arange(50) < 5).astype(float)
    metric = one(Ratio(counted, counted, possible))
    five = one(share(np.ones(5)))
    assert (metric.n, metric.coverage, metric.low, metric.high) == (5, 0.1, five.low, five.high)


def test_one_cluster_is_one_observation():
    metric = one(share([1, 0, 1, 0]), np.zeros(4, dtype=int))
    assert metric.value == 0.5
    assert (metric.low, metric.high) == pytest.approx((0.0546, 0.9454), abs=1e-4)


@pytest.mark.parametrize(("value", "low", "high"), [(1, 0.978288, 1), (-1, -1, -0.978288), (0, -0.010856, 0.010856)])
def test_signed_extremes(value, low, high):
    metric = one(share(np.full(350, value), signed=True))
    assert (metric.value, metric.low, metric.high) == pytest.approx((value, low, high), abs=1e-6)


# -- strata, gaps, nothing


def test_strata_are_averaged_with_equal_weight():
    member = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    ratio = Ratio(member * np.array([[1.0], [1], [0], [0]]), member, np.ones(4))
    assert ratio.value == pytest.approx((2 / 3 + 0) / 2)
    assert (ratio.n, ratio.coverage) == (4, 1)


def test_strata_missing_from_a_resample_do_not_count_in_it():
    top = np.array([[1.0, 0], [3, 1], [0, 0]])
    bottom = np.array([[2.0, 0], [4, 2], [0, 0]])
    means = mean_ratio(top, bottom)
    assert means[:2].tolist() == [0.5, 0.625]
    assert np.isnan(means[2])


def test_resamples_that_count_nothing_are_dropped():
    # Two of twelve clusters count: about one resample in nine holds neither.
    counted = (np.arange(12) < 2).astype(float)
    ratio = Ratio(np.arange(12) == 0, counted, np.ones(12))
    [draws] = replicates([ratio], own_clusters(12))
    assert 0.08 < np.isnan(draws).mean() < 0.15
    metric = one(ratio)
    assert (metric.value, metric.n, metric.low, metric.high) == (0.5, 2, 0, 1)


@pytest.mark.parametrize("n", [0, 3])
def test_nothing_counted_has_neither_value_nor_interval(n):
    metric = one(Ratio(np.zeros(n), np.zeros(n), np.ones(n)))
    assert (metric.value, metric.n, metric.low, metric.high, metric.coverage) == (None, 0, None, None, 0)


def test_estimates_do_not_depend_on_their_neighbours():
    a, b = share(np.arange(50) < 20), share(np.arange(50) % 2)
    together = estimate({"a": a, "b": b}, own_clusters(50))
    assert list(together) == ["a", "b"]
    assert together == {"b": one(b), "a": one(a)}


def test_judges_share_their_resamples():
    better, worse = share(np.arange(300) < 200), share(np.arange(300) < 190)
    one_draws, two_draws = replicates([better], own_clusters(300)), replicates([worse], own_clusters(300))
    difference = one_draws[0] - two_draws[0]
    # Only the ten items on which they differ move the difference.
    assert difference.std() == pytest.approx((10 / 300 * 290 / 300 / 300) ** 0.5, rel=0.06)
    independent = (one_draws[0].var() + two_draws[0].var()) ** 0.5
    assert difference.std() < 0.3 * independent


def test_a_subset_of_a_ratio():
    ratio = Ratio(np.array([1.0, 0, 1]), np.ones(3), np.array([1.0, 1, 2]), signed=True)
    part = ratio.at(np.array([True, False, True]))
    assert (part.value, part.n, part.coverage, part.signed) == (1, 2, pytest.approx(2 / 3), True)


# -- statistics


def mean_of(values, coverage=1.0):
    """Return a share as a statistic: what a ratio says, said by weights of items."""
    values = np.asarray(values, dtype=float)

    def batch(drawn):
        total = drawn.sum(axis=1)
        return np.divide(drawn @ values, total, out=np.full(len(drawn), np.nan), where=total > 0)

    return Statistic(batch, len(values), coverage)


def test_a_statistic_sees_the_resamples_that_ratios_see(monkeypatch):
    cluster = np.array([0, 2, 1, 1, 2, 2, 0])
    values = RNG.random(7)
    whole = replicates([mean_of(values), share(values)], cluster, 50, seed=4)
    assert whole[0] == pytest.approx(whole[1])
    monkeypatch.setattr(resample, "_CHUNK", 20)  # fewer weights than one resample of clusters and items need
    assert replicates([mean_of(values)], cluster, 50, seed=4)[0] == pytest.approx(whole[0])


def test_ratios_and_statistics_keep_their_places():
    ones, zeros = np.ones(5), np.zeros(5)
    mixed = [mean_of(ones), share(zeros), share(ones), mean_of(zeros)]
    assert [drawn.mean() for drawn in replicates(mixed, own_clusters(5), 10)] == [1, 0, 1, 0]
    assert list(estimate({"s": mixed[0], "r": mixed[1]}, own_clusters(5), 10)) == ["s", "r"]


def test_a_statistic_has_the_interval_of_the_same_ratio():
    values, pairs = np.arange(80) < 50, np.arange(80) // 2
    statistic, ratio = one(mean_of(values, 0.5), pairs), one(share(values), pairs)
    assert (statistic.low, statistic.high) == pytest.approx((ratio.low, ratio.high))
    assert (statistic.n, statistic.coverage) == (80, 0.5)


def test_a_statistic_that_never_varies_has_no_interval():
    metric = one(mean_of(np.ones(30)))
    assert (metric.value, metric.n, metric.low, metric.high) == (1, 30, None, None)


def test_an_undefined_statistic_has_an_n_but_no_value():
    metric = one(Statistic(lambda drawn: np.full(len(drawn), np.nan), 12, 0.5))
    assert (metric.value, metric.n, metric.low, metric.high, metric.coverage) == (None, 12, None, None, 0.5)


def test_resamples_in_which_a_statistic_is_undefined_are_dropped():
    def batch(drawn):
        return np.where(drawn[:, 0] > 0, drawn[:, 1], np.nan)

    [draws] = replicates([Statistic(batch, 10)], own_clusters(10))
    assert 0.3 < np.isnan(draws).mean() < 0.4
    metric = one(Statistic(batch, 10))
    assert (metric.value, metric.low) == (1, 0)
    assert metric.high >= 2


def test_no_items_have_no_statistic():
    metric = estimate({"x": mean_of([])}, np.zeros(0, dtype=int))["x"]
    assert (metric.value, metric.n, metric.low) == (None, 0, None)
