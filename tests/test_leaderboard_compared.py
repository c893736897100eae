"""Two judges compared on a page: equal to `judgebench.compare`, packed into few bytes; agreement and hardest items."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from judgebench import compare, leaderboard
from judgebench.leaderboard import agreement, charts_task, compared, data, hardest
from judgebench.leaderboard.outcomes import Outcomes, gold_of, outcomes
from judgebench.metrics import ranks
from judgebench.metrics.table import Floats
from judgebench.records import Preference
from judgebench.results import VerdictRow
from judgebench.task import GoldRow

RESULTS = Path(__file__).parent.parent / "results"


def made(value: Floats, choice: np.ndarray | None = None, sources: list[int] | None = None) -> Outcomes:
    """Return outcomes of runs r0, r1, … with these values of items."""
    items = value.shape[1]
    gold = tuple(GoldRow(f"i{n:03}", "xy"[n % 2], f"q{n}", Preference(label="A>B")) for n in range(items))
    headline = np.nanmean(value, axis=1)
    influence = np.nan_to_num(value - headline[:, None]) / (~np.isnan(value)).sum(axis=1, keepdims=True)
    source = np.array(sources if sources is not None else range(items))
    runs = tuple(f"r{n}" for n in range(len(value)))
    called = np.isin(value, [0.0, 1.0]).all(axis=1)
    return Outcomes(gold, runs, source, value, choice, headline, influence, called)


def entries(count: int) -> list[compared.Entry]:
    return [compared.Entry(f"r{n}", f"judge-{n}", f"judge {n}", "50.0 %") for n in range(count)]


def coins(runs: int, items: int) -> Floats:
    return (np.random.default_rng(1).random((runs, items)) < 0.6).astype(float)


# -- the difference ------------------------------------------------------------------------------------------


@pytest.mark.skipif(not RESULTS.is_dir(), reason="no published results here")
@pytest.mark.parametrize("name", ["judgebench-gpt", "llmbar-natural"])
def test_the_numbers_are_those_of_compare(name: str) -> None:
    board = data.load(RESULTS)
    task = next(task for task in board.tasks if task.name == name)
    found, gold = outcomes(task, board), gold_of(task, board)
    assert found is not None
    for a, b in ((0, 1), (1, 2), (2, 0)):
        verdicts = [
            (
                gold,
                [
                    VerdictRow.model_validate_json(x)
                    for x in board.files[found.runs[k]].verdicts.read_bytes().splitlines()
                ],
            )
            for k in (a, b)
        ]
        expected = compare.compare(*verdicts, metric=task.metric)
        ours = compared.paired(found.value[a], found.value[b], found.sources)
        assert expected.difference.value == pytest.approx(ours.difference, abs=1e-12)
        assert (ours.both, ours.only_a, ours.only_b, ours.neither) == (
            expected.both, expected.only_a, expected.only_b, expected.neither,
        )  # fmt: skip
        low, high = expected.difference.low, expected.difference.high
        assert low is not None
        assert high is not None
        near = 0.1 * (high - low)  # t against percentiles of 2,000 resamples
        assert ours.low == pytest.approx(low, abs=near)
        assert ours.high == pytest.approx(high, abs=near)
        assert (ours.level is not None) == (expected.p < 0.05)


def test_items_of_one_question_count_as_one() -> None:
    a, b = coins(2, 40)
    alone = compared.paired(a, b, np.arange(40))
    double = compared.paired(np.tile(a, 2), np.tile(b, 2), np.tile(np.arange(40), 2))
    assert double.difference == alone.difference
    assert (double.low, double.high) == pytest.approx((alone.low, alone.high))


def test_items_that_do_not_count_for_one_are_left_out_of_its_mean_only() -> None:
    a, b = np.array([1.0, 0.0, np.nan, 1.0]), np.array([1.0, 1.0, 1.0, 0.0])
    found = compared.paired(a, b, np.arange(4))
    assert found.difference == pytest.approx(2 / 3 - 3 / 4)
    assert (found.both, found.only_a, found.only_b, found.neither) == (1, 1, 1, 0)


def test_one_question_shows_no_spread_and_equal_judges_are_not_told_apart() -> None:
    one = compared.paired(np.array([1.0, 1.0]), np.array([0.0, 0.0]), np.zeros(2, dtype=int))
    assert (one.level, one.low, one.high) == (None, -np.inf, np.inf)
    same = compared.paired(np.ones(30), np.ones(30), np.arange(30))
    assert (same.difference, same.low, same.high, same.level) == (0, 0, 0, None)


def test_clearly_different_judges_are_told_apart() -> None:
    assert compared.paired(np.ones(40), np.zeros(40), np.arange(40)).level == 0.001


# -- the page's data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("palette", [[0, 1], [0, 0.5, 1], [0, 1, np.nan], list(range(16)), list(range(200))])
def test_what_is_packed_can_be_unpacked(palette: list[float]) -> None:
    value = np.random.default_rng(0).choice(np.array(palette, dtype=float), (5, 403))
    packed = compared.packed(value)
    data_ = np.frombuffer(base64.b64decode(packed["matrix"]), dtype=np.uint8)
    bits, names = packed["bits"], [np.nan if one is None else one for one in packed["palette"]]
    assert packed["stride"] * bits % 8 == 0
    for run in range(5):
        places = [(run * packed["stride"] + i) * bits for i in range(403)]
        read = [names[(data_[at >> 3] >> (at & 7)) & ((1 << bits) - 1)] for at in places]
        np.testing.assert_array_equal(read, value[run])


def test_five_hundred_judges_fit_into_the_page() -> None:
    page = compared.compare_page(made(coins(500, 350)), entries(500), share=True)
    assert page is not None
    assert len(page.entries) == 500
    assert len(page.neighbours) == 499
    assert len(page.data) < 50_000


def test_data_hold_nothing_that_could_end_them() -> None:
    found, evil = made(coins(2, 9)), "</script><!--<script>&\u202e"
    gold = tuple(replace(row, item=f"{evil}{number}", category=evil) for number, row in enumerate(found.gold))
    page = compared.compare_page(replace(found, gold=gold), entries(2), share=True)
    assert page is not None
    assert not set("<>&\u202e") & set(page.data)
    data_ = json.loads(page.data)
    assert data_["items"][0] == "</script><!--<script>&⟨U+202E⟩0"
    assert data_["categories"] == ["</script><!--<script>&⟨U+202E⟩"]


def test_the_page_counts_mcnemar_as_python_does() -> None:
    for p in compared.LEVELS:
        for items in (0, 1, 6, 60):
            found = compared.least(p, items)
            for few in range(items // 2 + 1):
                for both in range(2 * few, items + 1):
                    below = bool(ranks.exact_p(np.array(few), np.array(both - few)) < p)
                    assert below == (few < len(found) and both >= found[few]), (p, items, few, both)


def test_levels_that_so_few_questions_cannot_reach_are_not_on_the_page() -> None:
    for questions, levels in ((2, []), (6, [0.05]), (8, [0.05, 0.01]), (40, [0.05, 0.01, 0.001])):
        page = compared.compare_page(made(coins(3, questions)), entries(3), share=True)
        assert page is not None
        data_ = json.loads(page.data)
        assert [level for level, _, _ in data_["levels"]] == levels
        assert data_["reach"] == pytest.approx(compared.quantile(0.05, questions))
    assert compared.compare_page(made(coins(3, 5), sources=[0] * 5), entries(3), share=True) is None


def test_a_headline_that_is_no_mean_of_items_is_not_compared() -> None:
    found = made(coins(3, 20))
    found.headline[1:] += 0.1
    assert compared.compare_page(found, entries(3), share=True) is None
    assert compared.usable(None) is None
    assert compared.usable(made(np.random.default_rng(0).random((3, 400)))) is None


# -- agreement and hardest items -----------------------------------------------------------------------------


def test_kappa_is_that_of_scikit_learn_on_what_both_decided() -> None:
    from sklearn.metrics import cohen_kappa_score

    choice = np.random.default_rng(2).choice([1, -1, 0, -128], (4, 200), p=[0.5, 0.3, 0.1, 0.1]).astype(np.int8)
    kappa, n = agreement.kappas(choice)
    for a in range(4):
        for b in range(4):
            both = (np.abs(choice[a]) == 1) & (np.abs(choice[b]) == 1)
            assert n[a, b] == both.sum()
            assert kappa[a, b] == pytest.approx(cohen_kappa_score(choice[a][both], choice[b][both]))


def test_a_kappa_of_one_label_is_undefined() -> None:
    kappa, n = agreement.kappas(np.ones((2, 5), dtype=np.int8))
    assert np.isnan(kappa).all()
    assert n[0, 1] == 5
    assert agreement.shade(float("nan")) == -1
    assert [agreement.shade(k) for k in (-0.3, 0.0, 0.25, 0.5, 0.79, 1.0)] == [0, 1, 2, 3, 4, 5]


def test_the_map_has_the_judges_that_decided_most_in_the_order_of_the_ranking() -> None:
    choice = np.ones((50, 100), dtype=np.int8)
    for run in range(50):
        choice[run, :run] = 0
        choice[run, 60:80] = -1
    found = agreement.agreement(made(coins(50, 100), choice), {f"r{n}": 50 - n for n in range(50)})
    assert found is not None
    assert found.runs == tuple(f"r{n}" for n in range(29, -1, -1))
    assert found.left_out == 20
    assert len(found.cells) == 30 * 29 / 2
    assert "435 pairs of 30 judges" in found.says


def test_too_few_judges_or_no_pairs_make_no_map() -> None:
    choice = np.ones((2, 10), dtype=np.int8)
    assert agreement.agreement(made(coins(2, 10), choice), {"r0": 0, "r1": 1}) is None
    assert agreement.agreement(made(coins(5, 10)), {f"r{n}": n for n in range(5)}) is None


def test_the_hardest_items_come_first_and_equal_ones_by_id() -> None:
    value = np.array([[0, 1, 0, 1], [0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, np.nan]], dtype=float)
    found = hardest.hardest(made(value), frozenset({"r0", "r1", "r2"}))
    assert [(one.item, round(one.share, 2), one.judges) for one in found] == [
        ("i000", 0.0, 3), ("i002", 0.33, 3), ("i003", 0.67, 3), ("i001", 1.0, 3),
    ]  # fmt: skip
    assert hardest.hardest(made(value), frozenset({"r0", "r1"})) == ()
    assert hardest.hardest(made(value), frozenset({"r0", "r1", "r2"}), lower=True)[0].item == "i001"


# -- on the site ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not RESULTS.is_dir(), reason="no published results here")
def test_the_published_results_have_all_of_it(tmp_path: Path) -> None:
    site = leaderboard.build(RESULTS, tmp_path).parent
    task, page = (site / f"{place}/judgebench-gpt.html" for place in ("tasks", "compare"))
    for heading in ("Charts", "Agreement between judges", "Hardest items"):
        assert f">{heading}</h2>" in task.read_text("utf-8")
    assert "no chart, because 0 of 4" in task.read_text("utf-8")
    assert page.stat().st_size < 100_000
    assert page.read_text("utf-8").count("<script") == 3
    board = data.load(RESULTS)
    for one in board.tasks:
        assert (site / f"compare/{one.name}.html").is_file() == charts_task.has_compare_page(one, board)
