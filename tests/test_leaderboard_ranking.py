"""Ranks that judges share: paired tests without resamples, next to those with."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.leaderboard.cells import DASH
from judgebench.leaderboard.outcomes import Outcomes, influences
from judgebench.leaderboard.ranking import BASIS, UNRANKED, Place, covariance, different, holm_rejects, ranking
from judgebench.metrics import ranks
from judgebench.metrics.ratio import Ratio
from judgebench.metrics.table import Floats, Ints
from judgebench.results import Metric

pytestmark = pytest.mark.usefixtures("frozen")
ITEMS, SOURCES = 400, 160


def drawn(skills: list[float], *, noise: float = 1.0, seed: int = 0) -> tuple[Floats, Ints]:
    """Return made-up calls, shape [n_judges, n_items], of judges that find the same items hard; and the sources."""
    rng = np.random.default_rng(seed)
    sources = np.unique(rng.integers(0, SOURCES, ITEMS), return_inverse=True)[1]
    hard = rng.normal(size=sources.max() + 1)[sources] + 0.5 * rng.normal(size=ITEMS)
    calls = np.array([skill - hard + noise * rng.normal(size=ITEMS) > 0 for skill in skills])
    return calls.astype(float), sources


def ratios(calls: Floats) -> list[Ratio]:
    return [Ratio(row, np.ones(len(row)), np.ones(len(row))) for row in calls]


def made(calls: Floats, sources: Ints, **fields: object) -> Outcomes:
    """Return the outcomes of judges "0", "1", … whose headline is the share of their calls."""
    found = Outcomes(
        gold=(),
        runs=tuple(str(number) for number in range(len(calls))),
        sources=sources,
        value=calls,
        choice=None,
        headline=calls.mean(axis=1),
        influence=np.array([influences(ratio) for ratio in ratios(calls)]),
        called=np.ones(len(calls), dtype=bool),
    )
    return replace(found, **fields)


def told(found: Outcomes) -> np.ndarray:
    return different(found.influence, found.headline, found.sources, found.calls(range(len(found.runs))))


def metrics(found: Outcomes) -> dict[str, Metric | None]:
    return {key: Metric(value=float(value), n=1) for key, value in zip(found.runs, found.headline, strict=True)}


# -- the test without resamples ------------------------------------------------------------------------------


def test_the_covariance_is_that_of_the_bootstrap() -> None:
    calls, sources = drawn([0.0, 0.5, 1.0])
    resampled = np.cov(ranks.draws(ratios(calls), sources, 8000), rowvar=False)
    mine = covariance(np.array([influences(ratio) for ratio in ratios(calls)]), sources)
    np.testing.assert_allclose(mine, resampled, rtol=0.1, atol=1e-5)


def test_p_is_that_of_the_bootstrap() -> None:
    calls, sources = drawn([0.0, 0.2, 0.4, 1.0])
    resampled = ranks.paired_p(ratios(calls), sources, ranks.draws(ratios(calls), sources, 8000))
    found = made(calls, sources)
    difference = np.abs(found.headline[:, None] - found.headline)
    error = ranks.errors(covariance(found.influence, sources), sources.max() + 1)
    only = calls @ (1 - calls).T
    mine = np.maximum(ranks.clustered_p(difference, error, sources.max() + 1), ranks.exact_p(only, only.T))
    np.testing.assert_allclose(np.log10(mine), np.log10(resampled), atol=0.05, rtol=0.1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("exact", [True, False])
def test_who_is_told_apart_is_who_the_bootstrap_tells_apart(seed: int, exact: bool) -> None:
    calls, sources = drawn([number / 6 for number in range(12)], seed=seed)
    ones = ratios(calls)
    if not exact:  # items of two trials each: no call on an item, so no exact test
        ones = [Ratio(2 * ratio.numerator, 2 * ratio.denominator, 2 * ratio.possible) for ratio in ones]
    adjusted = ranks.holm_matrix(ranks.paired_p(ones, sources, ranks.draws(ones, sources, 4000)))
    mine = told(made(calls, sources, called=np.full(12, exact)))
    clear = (adjusted < 0.03) | (adjusted > 0.08)  # a resampled p on the edge may fall on either side
    np.testing.assert_array_equal(mine[clear], (adjusted <= 0.05)[clear])
    assert mine.any()
    assert not mine.all()


def test_equal_judges_are_not_told_apart_and_nobody_is_from_himself() -> None:
    calls, sources = drawn([0.5])
    assert not told(made(np.vstack([calls, calls, calls]), sources)).any()


def test_one_question_or_one_judge_proves_nothing() -> None:
    calls, _ = drawn([0.0, 3.0])
    assert not told(made(calls, np.zeros(ITEMS, dtype=np.int64))).any()
    assert told(made(calls[:1], np.arange(ITEMS))).shape == (1, 1)


@given(st.lists(st.sampled_from([0.0, 1e-9, 0.001, 0.01, 0.02, 0.04, 0.05, 0.3, 1.0]), max_size=12))
@settings(max_examples=25)
def test_holms_method_is_that_of_statsmodels(p: list[float]) -> None:
    found = np.array(p)
    adjusted = ranks.holm(found)
    clear = np.abs(adjusted - 0.05) > 1e-12
    np.testing.assert_array_equal(holm_rejects(found)[clear], (adjusted <= 0.05)[clear])


def test_five_hundred_judges_take_no_time() -> None:
    import time

    calls, sources = drawn([number / 200 for number in range(500)])
    found = made(calls, sources)
    told(found)
    start = time.process_time()
    told(found)
    assert time.process_time() - start < 2


# -- ranges --------------------------------------------------------------------------------------------------


def test_judges_that_cannot_be_told_apart_share_ranks() -> None:
    calls, sources = drawn([3.0, 2.9, 0.5, 0.45, -1.5], noise=0.3)
    found = made(calls, sources)
    shown = ranking(metrics(found), found, lower=False)
    assert shown.basis == "paired"
    assert [shown.places[key].span for key in found.runs] == [f"1{DASH}2", f"1{DASH}2", f"3{DASH}4", f"3{DASH}4", ""]
    assert shown.places["4"] == Place(5, 5, 5)
    best = max(("0", "1"), key=lambda key: found.headline[int(key)])
    assert shown.places[best].rank == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_range_counts_who_is_proven_better_and_worse(seed: int) -> None:
    calls, sources = drawn([number / 5 for number in range(10)], seed=seed)
    found = made(calls, sources)
    shown, apart = ranking(metrics(found), found, lower=False), told(found)
    for at, key in enumerate(found.runs):
        better = [other for other in range(10) if apart[at, other] and found.headline[other] > found.headline[at]]
        worse = [other for other in range(10) if apart[at, other] and found.headline[other] < found.headline[at]]
        place = shown.places[key]
        assert (place.low, place.high) == (1 + len(better), 10 - len(worse))
        assert place.low <= place.rank <= place.high


def test_small_is_good_where_the_metric_says_so() -> None:
    calls, sources = drawn([3.0, -3.0], noise=0.1)
    found = made(calls, sources)
    up, down = (ranking(metrics(found), found, lower=lower).places for lower in (False, True))
    assert [up[key].rank for key in found.runs] == [1, 2]
    assert [down[key].rank for key in found.runs] == [2, 1]
    assert {place.span for place in (*up.values(), *down.values())} == {""}


def test_a_judge_without_fitting_verdicts_is_neither_better_nor_worse() -> None:
    calls, sources = drawn([3.0, -3.0], noise=0.1)
    found = made(calls, sources)
    shown = ranking({**metrics(found), "other": Metric(value=0.9, n=1)}, found, lower=False)
    assert shown.places["other"][1:] == (1, 3)
    assert [shown.places[key][1:] for key in found.runs] == [(1, 2), (2, 3)]


def test_only_the_judges_asked_for_are_compared() -> None:
    calls, sources = drawn([3.0, 0.0, -3.0], noise=0.1)
    found = made(calls, sources)
    asked = {key: metric for key, metric in metrics(found).items() if key != "1"}
    assert [place[1:] for place in ranking(asked, found, lower=False).places.values()] == [(1, 1), (2, 2)]


def test_a_judge_without_a_value_has_no_rank() -> None:
    calls, sources = drawn([1.0, -3.0], noise=0.1)
    found = made(calls, sources)
    shown = ranking({**metrics(found), "0": Metric(value=None, n=0), "x": None}, found, lower=False)
    assert shown.places["0"] == shown.places["x"] == UNRANKED
    assert shown.places["1"] == Place(1, 1, 1)
    assert UNRANKED.span == ""


@pytest.mark.parametrize("found", [None, "no ratio"])
def test_without_what_a_test_needs_intervals_decide(found: object) -> None:
    calls, sources = drawn([1.0, 0.9])
    nothing = np.full(2, np.nan)
    outcomes = made(calls, sources, headline=nothing) if found else None
    given_ = {
        "0": Metric(value=0.6, n=9, low=0.5, high=0.7),
        "1": Metric(value=0.58, n=9, low=0.48, high=0.68),
        "2": Metric(value=0.1, n=9, low=0.0, high=0.2),
    }
    shown = ranking(given_, outcomes, lower=False)
    assert shown.basis == "intervals"
    assert [shown.places[key].span for key in given_] == [f"1{DASH}2", f"1{DASH}2", ""]
    assert BASIS["intervals"] != BASIS["paired"]
