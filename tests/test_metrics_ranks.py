import dataclasses

import numpy as np
import pytest
from choice_tables import points
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from judgebench.errors import UsageError
from judgebench.metrics import Table, ranks
from judgebench.metrics.accuracy import accuracy, accuracy_macro, accuracy_of_readable
from judgebench.metrics.consistency import bias_first
from judgebench.metrics.pointwise import mae
from judgebench.metrics.ranks import (
    RankInterval,
    draws,
    holm,
    holm_matrix,
    mcnemar,
    paired_p,
    pairwise,
    rank_intervals,
)
from judgebench.metrics.ratio import Ratio
from metrics_tables import gold_row, verdict_rows

pytestmark = pytest.mark.usefixtures("frozen")


def share(right):
    right = np.asarray(right, dtype=float)
    return Ratio(right, np.ones(len(right)), np.ones(len(right)))


def random_shares(*accuracies, n=300, seed=5):
    rng = np.random.default_rng(seed)
    return [share(rng.random(n) < accuracy) for accuracy in accuracies]


def judge(right, *, per_question=1):
    """Build a judge's table from one right (True) or wrong (False) per item."""
    gold = [gold_row(f"i{n:03}", ">", "xy"[n % 2], f"q{n // per_question:03}") for n in range(len(right))]
    rows = [
        row for fact, good in zip(gold, right, strict=True) for row in verdict_rows(fact.item, "><" if good else "<>")
    ]
    return Table.make(gold, rows)


# -- differences


def test_intervals_of_differences_are_close_to_scipys():
    one, two = random_shares(0.7, 0.6)
    found = pairwise([one, two], np.arange(300), 4000)
    theirs = stats.bootstrap(
        (one.numerator, two.numerator),
        lambda a, b, axis=-1: a.mean(axis=axis) - b.mean(axis=axis),
        paired=True,
        n_resamples=4000,
        method="percentile",
        rng=1,
    ).confidence_interval
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx((theirs.low, theirs.high), abs=0.01)
    assert found.difference[0, 1] == one.value - two.value


def test_the_matrix_of_differences_is_antisymmetric():
    found = pairwise(random_shares(0.9, 0.5, 0.52, 0.1), np.arange(300), 300)
    assert found.difference == pytest.approx(-found.difference.T)
    assert found.low == pytest.approx(-found.high.T)
    assert (found.p == found.p.T).all()
    assert (found.holm == found.holm.T).all()
    assert np.diag(found.holm).tolist() == [1] * 4
    assert (found.holm >= found.p).all()
    assert (found.low <= found.difference).all()


def test_equal_judges_do_not_differ():
    [one] = random_shares(0.6)
    found = pairwise([one, one], np.arange(300), 200)
    assert (found.difference == 0).all()
    assert (found.low == found.high).all()
    assert (found.p == 1).all()


def test_pairing_sees_what_separate_intervals_hide():
    right = np.arange(300) % 3 > 0
    better = right | (np.arange(300) < 45)
    found = pairwise([share(better), share(right)], np.arange(300), 1000)
    assert found.low[0, 1] > 0
    assert found.p[0, 1] < 0.001


# -- tests


def test_p_is_near_the_binomial_tests_of_many_independent_items():
    one, two = random_shares(0.66, 0.60, n=2000)
    only = [(one.numerator > two.numerator).sum(), (one.numerator < two.numerator).sum()]
    p = paired_p([one, two], np.arange(2000), draws([one, two], np.arange(2000)))[0, 1]
    exact = stats.binomtest(only[0], sum(only)).pvalue
    assert exact <= p <= max(1.5 * exact, exact + 1e-3)


def test_few_differences_get_the_exact_test():
    right = np.ones(400)
    other = right.copy()
    other[:4] = 0
    pair = [share(right), share(other)]
    p = paired_p(pair, np.arange(400), draws(pair, np.arange(400)))[0, 1]
    assert p == pytest.approx(2 * 0.5**4)


def test_copies_of_a_question_add_no_evidence():
    one, two = random_shares(0.7, 0.6, n=150, seed=0)
    copied = [share(np.repeat(ratio.numerator, 4)) for ratio in (one, two)]
    cluster = np.repeat(np.arange(150), 4)
    single = paired_p([one, two], np.arange(150), draws([one, two], np.arange(150)))[0, 1]
    clustered = paired_p(copied, cluster, draws(copied, cluster))[0, 1]
    naive = paired_p(copied, np.arange(600), draws(copied, np.arange(600)))[0, 1]
    assert naive < 0.2 * clustered
    assert clustered == pytest.approx(single, rel=0.3)


def test_equal_judges_are_rarely_told_apart():
    told = 0
    for seed in range(200):
        pair = random_shares(0.6, 0.6, n=100, seed=seed)
        told += paired_p(pair, np.arange(100), draws(pair, np.arange(100), 300))[0, 1] < 0.05
    assert told <= 16


@pytest.mark.parametrize("clusters", [1, 2, 3])
def test_few_questions_prove_nothing(clusters):
    pair = [share(np.ones(30)), share(np.zeros(30))]
    cluster = np.arange(30) % clusters
    assert paired_p(pair, cluster, draws(pair, cluster, 100))[0, 1] >= 0.25


def test_metrics_that_are_no_calls_are_tested_by_question_alone():
    made = [judge(np.random.default_rng(5).random(80) < share) for share in (0.9, 0.2)]
    made = [dataclasses.replace(table, fault=np.where(table.item == 3, 0, table.fault)) for table in made]
    for metric in (accuracy_macro, accuracy_of_readable):
        pair = [metric(table) for table in made]
        assert ranks.right_items(pair[0]) is None
        assert paired_p(pair, np.arange(80), draws(pair, np.arange(80), 200)).shape == (2, 2)


@pytest.mark.parametrize(
    ("only_one", "only_two", "exact"), [(3, 9, True), (20, 40, False), (0, 0, True), (25, 0, False)]
)
def test_mcnemar_is_statsmodels(only_one, only_two, exact):
    one = np.array([True] * (50 + only_one) + [False] * (only_two + 20))
    two = np.array([True] * 50 + [False] * only_one + [True] * only_two + [False] * 20)
    found = mcnemar(one, two)
    counts = [[50, only_one], [only_two, 20]]
    assert found.exact is exact
    assert found.p == pytest.approx(min(statsmodels_mcnemar(counts, exact=exact).pvalue, 1))


def test_as_many_for_one_as_for_the_other_is_no_difference():
    one = np.repeat([True, False, True, False], [20, 30, 30, 5])
    two = np.repeat([True, True, False, False], [20, 30, 30, 5])
    assert mcnemar(one, two) == (1.0, False)


def test_holm_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.zeros(0)).tolist() == []
    matrix = np.array([[1, 0.01, 0.04], [0.01, 1, 0.03], [0.04, 0.03, 1]])
    assert holm_matrix(matrix)[np.triu_indices(3, 1)].tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm_matrix(np.ones((1, 1))).tolist() == [[1]]


# -- ranks


def test_clear_ranks_are_sure_and_close_ones_are_not():
    right = {"good": 0.95, "fair": 0.62, "same": 0.6, "poor": 0.2}
    tables = {name: judge(np.random.default_rng(3).random(300) < accuracy) for name, accuracy in right.items()}
    tables["same"] = judge(np.random.default_rng(4).random(300) < 0.62)
    found = rank_intervals(tables)
    assert (found["good"].rank, found["good"].low, found["good"].high, found["good"].ties) == (1, 1, 1, ())
    assert (found["poor"].rank, found["poor"].low, found["poor"].high, found["poor"].ties) == (4, 4, 4, ())
    assert {found["fair"].rank, found["same"].rank} == {2, 3}
    assert (found["fair"].low, found["fair"].high) == (2, 3)
    assert found["fair"].ties == ("same",)
    assert found["same"].ties == ("fair",)


def test_equal_judges_share_the_better_rank():
    right = np.arange(60) % 3 > 0
    found = rank_intervals({"a": judge(right), "b": judge(right), "c": judge(~right)})
    assert found["a"] == RankInterval(1, 1, 1, ("b",))
    assert found["b"] == RankInterval(1, 1, 1, ("a",))
    assert found["c"].rank == 3


def test_lower_may_be_better():
    close, far = points(*((n % 5, [n % 5]) for n in range(40))), points(*((n % 5, [9 - n % 3]) for n in range(40)))
    assert rank_intervals({"far": far, "close": close}, mae, higher=False)["close"].rank == 1
    assert rank_intervals({"far": far, "close": close}, mae)["far"].rank == 1


def test_judges_without_a_value_are_left_out():
    silent = Table.make([gold_row("a"), gold_row("b")], [])
    judged = Table.make([gold_row("a"), gold_row("b")], [r for item in "ab" for r in verdict_rows(item, "><")])
    assert list(rank_intervals({"silent": silent, "judged": judged}, bias_first)) == ["judged"]
    assert rank_intervals({"silent": silent}, bias_first) == {}
    assert rank_intervals({}) == {}


def test_one_judge_is_first():
    assert rank_intervals({"a": judge([True, False, True])}) == {"a": RankInterval(1, 1, 1, ())}


@pytest.mark.parametrize("other", [judge([True] * 5), judge([True] * 4, per_question=2)])
def test_judges_of_other_items_cannot_be_ranked_together(other):
    with pytest.raises(UsageError, match="b and a were not judged on the same items"):
        rank_intervals({"a": judge([True] * 4), "b": other})


@given(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=4), st.randoms())
@settings(max_examples=30, deadline=None)
def test_ranks_do_not_depend_on_the_order_of_judges(rights, random):
    tables = {f"j{number}": judge(right, per_question=2) for number, right in enumerate(rights)}
    before = rank_intervals(tables, n_resamples=100)
    names = list(tables)
    random.shuffle(names)
    after = rank_intervals({name: tables[name] for name in names}, n_resamples=100)
    for name, interval in before.items():
        assert (interval.rank, interval.low, interval.high) == (after[name].rank, after[name].low, after[name].high)
        assert set(interval.ties) == set(after[name].ties)
        assert 1 <= interval.low <= interval.rank <= interval.high <= len(tables)


def test_ranks_use_the_value_of_the_metric():
    tables = {name: judge(np.random.default_rng(5).random(50) < p) for name, p in (("a", 0.3), ("b", 0.9), ("c", 0.6))}
    values = {name: accuracy(table).value for name, table in tables.items()}
    found = rank_intervals(tables, n_resamples=200)
    assert sorted(found, key=lambda name: found[name].rank) == sorted(values, key=values.get, reverse=True)
