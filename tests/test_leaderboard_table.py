"""What stands in which group, with which rank, and what a cell says."""

import pytest
from browser.boards import gallery, make_reported, make_result, share
from hypothesis import given
from hypothesis import strategies as st

from judgebench.leaderboard import data
from judgebench.leaderboard.cells import DASH, cell
from judgebench.leaderboard.ranking import ranking
from judgebench.leaderboard.table import Row, Table, table, wilson
from judgebench.leaderboard.wording import GROUPS, VIEWS, metric_words
from judgebench.results import Metric, Reported, Result
from judgebench.task import load_card


def only_table(*results: Result, reported: tuple[Reported, ...] = ()) -> Table:
    published = {"judgebench-gpt": reported} if reported else {}
    (task,) = data.assemble(results, published).tasks
    return table(task)


def rows(shown: Table, key: str) -> list[Row]:
    return [row for part in shown.groups if part.key == key for row in part.rows]


# -- groups, ranks, columns ----------------------------------------------------------------------------------


def test_each_row_stands_in_the_group_it_belongs_to() -> None:
    shown = only_table(*gallery()[:9], reported=(make_reported(),))
    names = {part.key: [row.judge for row in part.rows] for part in shown.groups}
    assert names == {
        "judges": ["panel-of-three", "arena-hard", "internlm2-7b-reward", "judgelm-7b", "unlucky"],
        "floor": ["random", "always-first"],
        "apart": ["vanilla"],
        "demonstration": ["vanilla"],
        "reported": ["vanilla"],
    }
    assert list(names) == list(GROUPS)


def test_only_judges_are_ranked() -> None:
    shown = only_table(*gallery()[:9], reported=(make_reported(),))
    assert [row.rank for row in rows(shown, "judges")] == [1, 2, 3, 4, None]
    others = [row.rank for part in shown.groups if part.key != "judges" for row in part.rows]
    assert set(others) == {None}


def test_equal_values_share_a_rank() -> None:
    shown = only_table(make_result("a", 0.7), make_result("b", 0.7), make_result("c", 0.6))
    assert [row.rank for row in rows(shown, "judges")] == [1, 1, 3]


def test_overlapping_intervals_leave_ranks_open() -> None:
    shown = only_table(make_result("a", 0.7), make_result("b", 0.65), make_result("c", 0.58), make_result("d", 0.2))
    assert [row.span for row in rows(shown, "judges")] == [f"1{DASH}2", f"1{DASH}3", f"2{DASH}3", ""]


def test_a_rank_without_an_interval_leaves_nothing_said() -> None:
    bare = make_result(metrics={"accuracy": Metric(value=0.5, n=350)})
    (row,) = rows(only_table(bare), "judges")
    assert (row.rank, row.span) == (1, "")
    assert row.cells[0].bar is None


def test_a_result_without_the_headline_is_not_ranked() -> None:
    result = make_result()
    result = result.model_copy(update={"metrics": {"consistency": share(0.5)}})
    (row,) = rows(only_table(result), "judges")
    assert row.rank is None
    assert row.coverage.missing == "the headline metric was not computed"


@pytest.mark.parametrize(
    ("result", "badge"),
    [
        (make_result("part", items=50), "50 of 350 items"),
        (make_result("part", spec={"categories": ("math",)}), "350 of 350 items"),
        (make_result("part", task={"fingerprint": "ef" * 32}), "other items"),
    ],
)
def test_what_cannot_be_compared_stands_apart_and_says_why(result: Result, badge: str) -> None:
    shown = only_table(result, make_result("one"), make_result("two"))
    (row,) = rows(shown, "apart")
    assert [mark.text for mark in row.badges] == [badge]


@pytest.mark.parametrize(
    ("others", "task", "group"),
    [
        ([make_result("both")], {}, "apart"),
        ([], {}, "judges"),  # nobody was shown both orders
        ([make_result("longest", judge_fields={"kind": "null"})], {}, "judges"),  # a null judge is no judge
        ([make_result("demo", demonstration=True)], {}, "judges"),
        ([make_result("both", task={"headline": "pandalm_accuracy"})], {"headline": "pandalm_accuracy"}, "judges"),
    ],
)
def test_one_order_is_apart_where_others_and_the_headline_need_both(
    others: list[Result], task: dict[str, str], group: str
) -> None:
    shown = only_table(make_result("first", spec={"orders": "first"}, task=task), *others)
    (row,) = [row for row in rows(shown, group) if row.judge == "first"]
    assert [mark.text for mark in row.badges] == ["one order"]


def test_results_with_items_of_their_own_are_not_ranked() -> None:
    own = [make_result(f"judge-{n}", task={"name": "mine", "fingerprint": str(n) * 64}) for n in range(3)]
    (task,) = data.assemble(own).tasks
    assert (task.edition, task.items) == (None, 350)
    shown = table(task)
    assert [group.key for group in shown.groups] == ["apart"]
    assert {mark.text for row in rows(shown, "apart") for mark in row.badges} == {"other items"}


def test_the_packaged_gold_table_is_the_one_to_compare_with() -> None:
    known = load_card("judgebench").splits["gpt"].gold
    official = make_result("official", task={"fingerprint": known})
    shown = only_table(official, make_result("other-1"), make_result("other-2"))
    assert [row.judge for row in rows(shown, "judges")] == ["official"]
    assert len(rows(shown, "apart")) == 2


def test_a_reward_model_needs_one_order_only() -> None:
    result = make_result(spec={"orders": "first"}, judge_fields={"order_independent": True})
    assert rows(only_table(result), "judges")[0].rank == 1


def test_the_ranking_is_over_the_newest_version() -> None:
    old = [make_result(f"old-{n}") for n in range(3)]
    new = make_result("new", task={"version": 2, "fingerprint": "00" * 32})
    shown = only_table(*old, new)
    assert [row.judge for row in rows(shown, "judges")] == ["new"]
    assert len(rows(shown, "apart")) == 3


def test_a_demonstration_is_labelled_and_apart() -> None:
    shown = only_table(make_result(demonstration=True))
    assert [part.key for part in shown.groups] == ["demonstration"]
    assert rows(shown, "demonstration")[0].badges[0].text == "demonstration"


def test_the_same_judge_twice_is_told_apart_by_spec() -> None:
    one, two = make_result(spec={"seed": 1}), make_result(spec={"seed": 2})
    marks = {row.badges[0].text for row in rows(only_table(one, two), "judges")}
    assert marks == {f"spec {one.spec_sha256[:8]}", f"spec {two.spec_sha256[:8]}"}


@pytest.mark.parametrize(
    ("judge", "model", "kind", "noted"),
    [
        ("arena-hard", "o1-mini-2024-09-12", "prompted", True),
        ("arena-hard", "openai/O1-mini-2024-09-12", "prompted", True),
        ("vanilla", "o1-mini-2024-09-12", "prompted", False),
        ("arena-hard", "gpt-4o", "prompted", False),
        ("reward-model", "internlm/internlm2-7b-reward", "reward-model", True),
    ],
)
def test_a_reported_row_notes_its_verdicts_and_hides_nothing(judge: str, model: str, kind: str, *, noted: bool) -> None:
    shown = only_table(*gallery()[:2], reported=(make_reported(judge, model, kind),))
    (row,) = rows(shown, "reported")
    assert [mark.text for mark in row.badges] == ["also with verdicts"] * noted
    assert len(rows(shown, "judges")) == 2


@pytest.mark.parametrize(
    ("name", "model", "shown"),
    [
        ("arena-hard--o1-mini", "o1-mini", "arena-hard"),
        ("arena-hard--o1-mini", None, "arena-hard--o1-mini"),
        ("arena-hard", "o1-mini", "arena-hard"),
        ("--x", "x", "--x"),
        ("x--", "x", "x--"),
    ],
)
def test_a_name_does_not_repeat_its_model(name: str, model: str | None, shown: str) -> None:
    (row,) = rows(only_table(make_result(name, judge_fields={"model": model})), "judges")
    assert row.judge == shown
    assert row.detail.startswith("spec ")


def test_a_reported_judge_is_found_under_its_short_name() -> None:
    result = make_result("arena-hard--o1-mini-2024-09-12")
    (row,) = rows(only_table(result, reported=(make_reported("arena-hard", "o1-mini-2024-09-12"),)), "reported")
    assert [mark.text for mark in row.badges] == ["also with verdicts"]


def test_reported_cells_are_computed_from_counts() -> None:
    shown = only_table(make_result(), reported=(make_reported(),))
    cells = dict(zip([c.label for c in shown.columns], rows(shown, "reported")[0].cells, strict=True))
    assert cells["Accuracy"].value == "48.0"  # 94 of 196
    assert cells["Knowledge"].value == "44.2"
    assert cells["Knowledge"].interval == "[36.6, 52.0]"
    assert cells["Macro"].value == "53.0"
    assert cells["Macro"].interval == ""
    assert cells["Math"].missing == "not reported"
    assert cells["Consistency"].value == ""


def test_columns_are_headline_categories_then_the_catalogue() -> None:
    shown = only_table(make_result(metrics={"zeta": share(0.1), "kappa_x": share(0.2)}))
    assert [column.label for column in shown.columns] == [
        "Accuracy", "Unreadable", "Knowledge", "Reasoning", "Math", "Coding", "Macro", "Strict", "Of readable",
        "Kappa x", "Zeta", "Consistency", "Position bias", "Ties",
    ]  # fmt: skip
    assert [column.view for column in shown.columns[:3]] == ["", "", "categories"]
    assert shown.fixed == 2
    assert shown.views == {"categories": (2, 5), "rules": (6, 10), "reliability": (11, 13)}
    assert list(shown.views) == [view for view in VIEWS if view in shown.views]


def test_categories_show_accuracy_where_the_headline_is_made_of_them() -> None:
    metrics = {"rewardbench_score": share(0.8), "accuracy": share(0.7)}
    result = make_result(task={"headline": "rewardbench_score"}).model_copy(update={"metrics": metrics})
    shown = only_table(result)
    assert [(column.metric, column.category) for column in shown.columns[:3]] == [
        ("rewardbench_score", None), ("accuracy", "knowledge"), ("accuracy", "reasoning"),
    ]  # fmt: skip
    assert rows(shown, "judges")[0].cells[1].value == "65.7"


def test_a_single_category_has_no_column_of_its_own() -> None:
    shown = only_table(make_result(by_category={"all": {"accuracy": share(0.5)}}))
    assert "categories" not in shown.views


def test_reported_counts_stand_under_accuracy_whatever_the_headline() -> None:
    result = make_result(task={"headline": "accuracy_macro"})
    shown = only_table(result, reported=(make_reported(),))
    cells = dict(zip([(c.metric, c.category) for c in shown.columns], rows(shown, "reported")[0].cells, strict=True))
    assert cells["accuracy_macro", None].value == "53.0"
    assert cells["accuracy", None].value == "48.0"


def test_n_stands_in_the_head_and_where_it_differs() -> None:
    shown = only_table(make_result("one"), make_result("two"), make_result("part", items=50))
    assert shown.columns[0].n == 350
    assert rows(shown, "judges")[0].cells[0].note == ""
    assert rows(shown, "apart")[0].cells[0].note == "n = 50"


# -- ranking -------------------------------------------------------------------------------------------------


def places(words: str, *metrics: Metric | None) -> list[tuple[int | None, str]]:
    numbered = {str(number): metric for number, metric in enumerate(metrics)}
    found = ranking(numbered, None, lower=metric_words(words, "pointwise").lower).places
    return [(found[key].rank, found[key].span) for key in numbered]


def test_small_errors_are_good() -> None:
    good, bad = Metric(value=0.4, n=9, low=0.3, high=0.5), Metric(value=0.9, n=9, low=0.8, high=1.0)
    assert places("mae", bad, good, None) == [(2, ""), (1, ""), (None, "")]
    assert places("spearman", bad, good, None) == [(1, ""), (2, ""), (None, "")]


def test_a_table_of_errors_is_sorted_upwards() -> None:
    results = [
        make_result(name, task={"headline": "mae"}).model_copy(update={"metrics": {"mae": Metric(value=value, n=9)}})
        for name, value in (("worst", 2.5), ("none", None), ("best", 0.25))
    ]
    shown = only_table(*results)
    assert [(row.judge, row.rank) for row in rows(shown, "judges")] == [("best", 1), ("worst", 2), ("none", None)]
    assert [row.cells[0].value for row in rows(shown, "judges")] == ["0.250", "2.500", DASH]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_ranks_agree_with_their_definition(drawn: list[tuple[int, int, int]]) -> None:
    metrics = [Metric(value=v, n=1, low=v - below, high=v + above) for v, below, above in drawn]
    for name, lower in (("spearman", False), ("mae", True)):
        for mine, (rank, span) in zip(metrics, places(name, *metrics), strict=True):
            better = [m for m in metrics if (m.value < mine.value if lower else m.value > mine.value)]
            clearly = [m for m in metrics if (m.high < mine.low if lower else m.low > mine.high)]
            worse = [m for m in metrics if (m.low > mine.high if lower else m.high < mine.low)]
            first, last = 1 + len(clearly), len(metrics) - len(worse)
            assert rank == 1 + len(better)
            assert span == (f"{first}{DASH}{last}" if first < last else "")


@pytest.mark.parametrize(("correct", "low", "high"), [(0, 0, 3.8415 / 45.8415), (42, 42 / 45.8415, 1)])
def test_wilson_at_the_ends_stays_in_range(correct: int, low: float, high: float) -> None:
    metric = wilson(correct, 42)
    assert metric.low == pytest.approx(low, abs=1e-4)
    assert metric.high == pytest.approx(high, abs=1e-4)
    assert cell(metric, metric_words("accuracy"), bar=True).bar is not None
