import json

import pytest
from choice_tables import best_gold, graded_gold, row
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.compare import Difference, compare, find
from judgebench.errors import DataError, UsageError
from judgebench.metrics import Table
from judgebench.metrics.ranks import McNemar, rank_intervals
from judgebench.records import Preference
from judgebench.results import VerdictRow
from judgebench.task import GoldRow
from metrics_tables import gold_row, verdict_rows

pytestmark = pytest.mark.usefixtures("frozen")


def judged(text, *, source=None):
    """Return gold and rows of a judge: one character per item, + right in both orders, - wrong, u unreadable."""
    gold = [gold_row(f"i{n:02}", ">", "all", source and source[n]) for n in range(len(text))]
    marks = {"+": "><", "-": "<>", "u": "uu", ".": ".."}
    return gold, [row for fact, mark in zip(gold, text, strict=True) for row in verdict_rows(fact.item, marks[mark])]


def test_a_comparison_by_hand():
    found = compare(judged("+++++++-u"), judged("+++----+-"))
    assert found.metric == "accuracy"
    assert (found.a.value, found.b.value) == (7 / 9, 4 / 9)
    assert found.difference.value == pytest.approx(3 / 9)
    assert found.difference.n == 9
    assert found.difference.low < 3 / 9 < found.difference.high
    assert (found.both, found.only_a, found.only_b, found.neither) == (3, 4, 1, 1)
    assert found.items == tuple(
        Difference(f"i0{n}", "all", a, b) for n, a, b in ((3, 1, 0), (4, 1, 0), (5, 1, 0), (6, 1, 0), (7, 0, 1))
    )
    # Exact: five differ, one of them for b.
    assert found.mcnemar == McNemar(pytest.approx(2 * 6 / 32), exact=True)
    assert found.p >= found.mcnemar.p


def test_exchanging_the_judges_turns_the_difference():
    one, two = compare(judged("++-+-u"), judged("+--++u")), compare(judged("+--++u"), judged("++-+-u"))
    assert (one.difference.value, one.difference.low) == (-two.difference.value, pytest.approx(-two.difference.high))
    assert (one.only_a, one.p) == (two.only_b, pytest.approx(two.p))


def test_a_judge_equals_itself():
    found = compare(judged("++-u"), judged("++-u"))
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert (found.p, found.mcnemar.p, found.items) == (1, 1, ())


def test_only_shared_items_count():
    gold, rows = judged("+++-")
    found = compare((gold, rows), (gold[1:], rows[2:]))
    assert found.difference.n == found.a.n == 3
    assert found.difference.value == 0


def test_questions_count_once():
    text_a, text_b = "++++++++----", "----++++----"
    apart = compare(judged(text_a), judged(text_b))
    together = compare(*(judged(text, source=[f"q{n // 4}" for n in range(12)]) for text in (text_a, text_b)))
    assert together.difference.value == apart.difference.value
    assert together.p > apart.p


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ([gold_row("elsewhere")], "share no item"),
        ([gold_row("i00", "<")], "gold of item i00 differs"),
        ([gold_row("i00", ">", "another")], "gold of item i00 differs"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(other, message):
    with pytest.raises(UsageError, match=message) as caught:
        compare(judged("+-"), (other, []))
    assert "\n" not in str(caught.value)


def test_unknown_metrics_and_metrics_of_other_tasks_are_refused():
    with pytest.raises(UsageError, match="accuracy_macro"):
        compare(judged("+"), judged("-"), "accuracy_mcaro")
    with pytest.raises(UsageError, match="best_accuracy"):
        find("best_accuracy", "pairs")


def test_a_metric_without_a_value_is_refused():
    gold = [gold_row("a")]
    one_order = (gold, verdict_rows("a", ">."))
    with pytest.raises(UsageError, match="consistency has no value"):
        compare(one_order, one_order, "consistency")


def test_verdicts_on_items_that_nobody_knows_are_refused():
    gold, rows = judged("+-")
    with pytest.raises(DataError, match="unknown item 'x'"):
        compare((gold, rows), (gold, [*rows, *verdict_rows("x", "><")]))


def test_choices_are_compared():
    gold = [best_gold(f"i{n}", 0) for n in range(4)]
    found = compare(
        (gold, [row(fact.item, best=(0,)) for fact in gold]),
        (gold, [row(fact.item, best=(0, 1)) for fact in gold]),
        "best_accuracy",
    )
    assert (found.difference.value, found.only_a, found.mcnemar) == (0.5, 4, None)
    assert found.items[0] == Difference("i0", "all", 1, 0.5)


def test_correlations_are_compared_without_a_list_of_items():
    gold = [graded_gold(f"i{n:02}", n % 5) for n in range(30)]
    good = [VerdictRow(item=f"i{n:02}", order=(0,), scores=(n % 5 + n % 2,)) for n in range(30)]
    poor = [VerdictRow(item=f"i{n:02}", order=(0,), scores=(n % 7,)) for n in range(30)]
    found = compare((gold, good), (gold, poor), "spearman", n_resamples=300)
    assert found.a.value > 0.9
    assert found.difference.low > 0
    assert found.p < 0.01
    assert (found.items, found.mcnemar, found.both) == ((), None, 0)


def test_a_task_of_several_shapes_is_refused():
    mixed = ([gold_row("a"), graded_gold("b", 1)], [])
    with pytest.raises(UsageError, match=r"pairs.* pointwise"):
        compare(mixed, mixed)


MARKS = st.lists(st.tuples(st.sampled_from("+-u"), st.sampled_from("+-u")), min_size=1, max_size=10)


@given(MARKS, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_labels_and_shards_change_nothing(marks, random):
    verdicts = [judged("".join(text)) for text in zip(*marks, strict=True)]
    expected = compare(*verdicts, n_resamples=50)
    assert expected.both + expected.only_a + expected.only_b + expected.neither == len(marks)
    assert len(expected.items) == expected.only_a + expected.only_b
    for gold, rows in verdicts:
        random.shuffle(gold)
        random.shuffle(rows)
    assert compare(*((gold, rows[::2] + rows[1::2]) for gold, rows in verdicts), n_resamples=50) == expected
    flipped = [
        (
            [GoldRow(fact.item, fact.category, fact.source, Preference(label="B>A")) for fact in gold],
            [row.model_copy(update={"order": row.order[::-1]}) for row in rows],
        )
        for gold, rows in verdicts
    ]
    assert compare(*flipped, n_resamples=50) == expected


# -- published judgments

OUTPUTS = "judgebench/outputs/dataset=judgebench,response_model=gpt-4o-2024-05-13,judge_name="
PUBLISHED = {
    "o1-mini": "arena_hard,judge_model=o1-mini-2024-09-12",
    "grm": "reward_model,judge_model=Ray2333_GRM-Gemma-2B-rewardmodel-ft",
    "skywork": "reward_model,judge_model=Skywork_Skywork-Reward-Llama-3.1-8B",
    "internlm": "reward_model,judge_model=internlm_internlm2-7b-reward",
}


@pytest.fixture(scope="module")
def published(shared_data):
    return {name: read(shared_data / f"{OUTPUTS}{path}.jsonl") for name, path in PUBLISHED.items()}


def read(path):
    pairs = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    gold = [GoldRow(pair["pair_id"], "all", pair["question"], Preference(label=pair["label"])) for pair in pairs]
    rows = [
        VerdictRow(item=pair["pair_id"], order=order, preference=judgment["decision"])
        for pair in pairs
        for order, judgment in zip(((0, 1), (1, 0)), pair["judgments"], strict=True)
    ]
    return gold, rows


def test_two_published_judges(published):
    found = compare(published["o1-mini"], published["grm"])
    assert (found.both + found.only_a, found.both + found.only_b) == (230, 208)
    assert found.difference.value == pytest.approx(22 / 350)
    assert found.only_a - found.only_b == 22
    assert found.both + found.neither + len(found.items) == 350
    assert found.difference.low < 22 / 350 < found.difference.high
    assert found.p == pytest.approx(found.mcnemar.p, rel=0.05)
    assert 0.05 < found.p < 0.1


def test_published_judges_of_equal_accuracy_cannot_be_told_apart(published):
    found = compare(published["grm"], published["internlm"])
    assert found.difference.value == 0
    assert found.difference.low < 0 < found.difference.high
    assert found.only_a == found.only_b > 0
    assert found.p == found.mcnemar.p == 1


def test_ranks_of_published_judges(published):
    tables = {name: Table.make(gold, rows) for name, (gold, rows) in published.items()}
    found = rank_intervals(tables, n_resamples=1000)
    assert {name: interval.rank for name, interval in found.items()} == {
        "o1-mini": 1,
        "skywork": 2,
        "grm": 3,
        "internlm": 3,
    }
    # 350 pairs do not separate judges three to six points apart.
    assert all("skywork" in interval.ties or name == "skywork" for name, interval in found.items())
    assert found["skywork"].high > found["skywork"].low
