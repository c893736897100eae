import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import UsageError
from judgebench.judges.card import JudgeCard, Weights
from judgebench.judges.convert import fit
from judgebench.judges.reward_model import Params, best_threshold, prefer, read_scores
from judgebench.records import Fault, ImagePart, Reply, TextPart, Turn, Verdict
from judging import Door, decide, make, view


def scored(*scores: float) -> Reply:
    return Reply(scores=scores)


def judge_with(**params: Any) -> Any:
    return make("reward-model", params=params)


@pytest.mark.parametrize(
    ("scores", "label"), [((1.5, 0.5), "A>B"), ((-3.0, -2.0), "B>A"), ((0.25, 0.25), "A=B"), ((0.0, -0.0), "A=B")]
)
def test_the_higher_score_wins(scores: tuple[float, float], label: str) -> None:
    assert decide(make("reward-model"), None, scored(*scores)) == Verdict(preference=label, scores=scores)


def test_each_response_is_scored_in_its_own_conversation() -> None:
    turns = (Turn(role="system", content="Be brief."), Turn(role="user", content="Hi"))
    door = Door(scored(1, 2))
    asyncio.run(make("reward-model").judge(view("one", "two", turns=turns), door))
    (request,) = door.requests
    assert request.kind == "score"
    assert [[(m.role, m.content) for m in conversation] for conversation in request.conversations] == [
        [("system", "Be brief."), ("user", "Hi"), ("assistant", "one")],
        [("system", "Be brief."), ("user", "Hi"), ("assistant", "two")],
    ]


def test_parts_reach_the_model_as_they_are() -> None:
    parts = (TextPart(text="look"), ImagePart(url="https://example.org/a.png"))
    door = Door(scored(1, 2))
    asyncio.run(make("reward-model").judge(view(parts, "no"), door))
    assert door.requests[0].conversations[0][-1].content == parts


@pytest.mark.parametrize("count", [1, 3, 4])
def test_other_than_two_responses_get_scores_only(count: int) -> None:
    scores = tuple(float(n) for n in range(count))
    verdict = decide(make("reward-model"), view(*("r" * n for n in range(1, count + 1))), scored(*scores))
    assert verdict == Verdict(scores=scores)


@pytest.mark.parametrize(("margin", "label"), [(0.4, "A=B"), (0.5, "A=B"), (0.6, "A>B")])
def test_scores_within_the_threshold_are_equal(margin: float, label: str) -> None:
    assert decide(judge_with(tie_threshold=0.5), None, scored(margin, 0.0)).preference == label


def test_equal_scores_may_count_for_the_second() -> None:
    judge = judge_with(tie_rule="second")
    assert decide(judge, None, scored(1, 1)).preference == "B>A"
    assert decide(judge, None, scored(2, 1)).preference == "A>B"


def test_confidence_is_recorded_only_when_asked_for() -> None:
    assert decide(judge_with(), None, scored(2, 1)).confidence is None
    assert decide(judge_with(confidence="none"), None, scored(2, 1)).confidence is None


@pytest.mark.parametrize("scores", [(2.0, 1.0), (1.0, 2.0)])
def test_confidence_is_that_of_the_preferred_response(scores: tuple[float, float]) -> None:
    verdict = decide(judge_with(confidence="sigmoid"), None, scored(*scores))
    assert verdict.confidence == pytest.approx(1 / (1 + math.exp(-1)))


def test_confidence_stays_in_range() -> None:
    judge = judge_with(confidence="sigmoid")
    assert decide(judge, None, scored(3, 3)).confidence == 0.5
    assert decide(judge, None, scored(1e308, -1e308)).confidence == 1.0


@pytest.mark.parametrize("scores", [None, (), (1.0,), (1.0, 2.0, 3.0)])
def test_a_wrong_number_of_scores_is_a_fault(scores: tuple[float, ...] | None) -> None:
    fault = decide(make("reward-model"), None, Reply(scores=scores, text="raw"))
    expected = f"{len(scores or ())} scores for 2 responses"
    assert fault == Fault(kind="unparsed", detail=expected, reply="raw")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_a_fault(bad: float) -> None:
    reply = Reply.model_construct(text=None, scores=(1.0, bad))
    assert decide(make("reward-model"), None, reply) == Fault(kind="unparsed", detail=f"a score of {bad}")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"tie_threshold": -1}, "params.tie_threshold"),
        ({"tie_threshold": "much"}, "params.tie_threshold"),
        ({"tie_rule": "first"}, "params.tie_rule"),
        ({"confidence": "softmax"}, "params.confidence"),
        ({"tie_treshold": 0.1}, "params.tie_treshold"),
    ],
)
def test_a_wrong_parameter_is_named(params: dict[str, Any], field: str) -> None:
    with pytest.raises(UsageError, match=f"judge card reward-model: {field}: "):
        judge_with(**params)


def test_what_it_declares() -> None:
    judge = make("reward-model")
    assert judge.order_independent
    assert judge.arity is None
    assert judge.prompts() == {}


def test_reading_scores() -> None:
    assert read_scores([1, 2], 2) == (1.0, 2.0)
    assert read_scores([], 1) == "0 scores for 1 responses"


def test_preference_without_parameters_is_strict() -> None:
    assert prefer((1.0, 1.0 + 1e-12)) == "B>A"
    assert prefer((1.0, 1.0), Params(tie_rule="second")) == "B>A"


@pytest.mark.parametrize(
    "model",
    ["Ray2333_GRM-Gemma-2B-rewardmodel-ft", "Skywork_Skywork-Reward-Llama-3.1-8B", "internlm_internlm2-7b-reward"],
)
def test_the_published_scores_give_the_published_decisions(shared_data: Path, model: str) -> None:
    name = f"dataset=judgebench,response_model=gpt-4o-2024-05-13,judge_name=reward_model,judge_model={model}.jsonl"
    lines = (shared_data / "judgebench" / "outputs" / name).read_text("utf-8").splitlines()
    judge = judge_with(tie_rule="second")
    first_orders = [json.loads(line)["judgments"][0] for line in lines]
    said = [decide(judge, None, scored(*judgment["judgment"]["scores"])).preference for judgment in first_orders]
    assert len(said) == 350
    assert said == [judgment["decision"] for judgment in first_orders]


# -- comparisons -----------------------------------------------------------------------------------------


def comparing(**params: Any) -> Any:
    return make(JudgeCard(name="pairs", family="pairwise-reward", kind="reward-model", params=params))


@pytest.mark.parametrize(("odds", "label"), [(1.5, "A>B"), (-0.25, "B>A"), (0.0, "A=B"), (-0.0, "A=B")])
def test_log_odds_say_which_is_better(odds: float, label: str) -> None:
    assert decide(comparing(), None, scored(odds)) == Verdict(preference=label, scores=(odds / 2, -odds / 2))


def test_the_margin_of_a_comparison_is_its_log_odds() -> None:
    first, second = decide(comparing(), None, scored(3.25)).scores
    assert first - second == 3.25


def test_both_responses_are_asked_about_at_once() -> None:
    door = Door(scored(1))
    asyncio.run(comparing().judge(view("one", "two"), door))
    (request,) = door.requests
    assert request.mode == "pair"
    assert [conversation[-1].content for conversation in request.conversations] == ["one", "two"]


@pytest.mark.parametrize(("odds", "label"), [(0.5, "A=B"), (0.51, "A>B"), (-0.5, "A=B"), (-0.51, "B>A")])
def test_log_odds_within_the_threshold_are_a_tie(odds: float, label: str) -> None:
    assert decide(comparing(tie_threshold=0.5), None, scored(odds)).preference == label


@pytest.mark.parametrize("odds", [2.0, -2.0])
def test_the_confidence_of_a_comparison(odds: float) -> None:
    verdict = decide(comparing(confidence="sigmoid"), None, scored(odds))
    assert verdict.confidence == pytest.approx(1 / (1 + math.exp(-2)))
    assert decide(comparing(), None, scored(odds)).confidence is None


@pytest.mark.parametrize("scores", [None, (), (1.0, 2.0)])
def test_a_comparison_is_one_number(scores: tuple[float, ...] | None) -> None:
    fault = decide(comparing(), None, Reply(scores=scores, text="raw"))
    assert fault == Fault(kind="unparsed", detail=f"{len(scores or ())} numbers for one comparison", reply="raw")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_comparison_that_is_no_number_is_a_fault(bad: float) -> None:
    reply = Reply.model_construct(text=None, scores=(bad,))
    assert decide(comparing(), None, reply) == Fault(kind="unparsed", detail=f"a score of {bad}")


def test_who_sees_both_orders_is_asked_once() -> None:
    def card(**params: Any) -> JudgeCard:
        weights = Weights(head="letters", params=params)
        return JudgeCard(name="pairs", family="pairwise-reward", kind="reward-model", weights=weights)

    assert comparing().order_independent
    assert make(card()).order_independent
    assert make(card(orders="both")).order_independent
    assert not make(card(orders="one")).order_independent


def test_a_comparison_needs_two() -> None:
    assert comparing().arity == (2,)
    with pytest.raises(UsageError, match="compares responses and cannot judge a single one"):
        fit(comparing(), "pairs", {1}, "round-robin")
    judge, conversion = fit(comparing(), "pairs", {4}, "round-robin")
    assert conversion == "round-robin"
    odds = {"a": 2.0, "b": 1.0, "c": 0.0}

    async def ask(request: Any) -> Reply:
        one, two = (odds[conversation[-1].content] for conversation in request.conversations)
        return scored(one - two)

    assert asyncio.run(judge.judge(view("b", "a", "c"), ask)).best == (1,)


def test_a_wrong_parameter_of_a_comparison_is_named() -> None:
    with pytest.raises(UsageError, match=r"judge card pairs: params\.tie_rule: "):
        comparing(tie_rule="third")


# -- tie thresholds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margins", "gold", "threshold"),
    [
        ([3.0, -2.0], ["A>B", "B>A"], 0.0),
        ([3.0, 0.2, -0.1], ["A>B", "A=B", "A=B"], 0.2),
        ([3.0, 0.2, -0.1], ["A>B", "A>B", "A=B"], 0.1),
        ([0.5, -0.5, 0.5], ["A=B", "A=B", "A>B"], 0.5),
        ([0.5, 0.5], ["B>A", "B>A"], 0.0),
        ([0.0, 1.0], ["A>B", "A>B"], 0.0),
        ([], [], 0.0),
    ],
)
def test_the_best_threshold_is_the_least_that_is_right_most_often(
    margins: list[float], gold: list[Any], threshold: float
) -> None:
    assert best_threshold(margins, gold) == threshold


@given(st.lists(st.tuples(st.integers(-4, 4), st.sampled_from(["A>B", "B>A", "A=B"])), max_size=30))
def test_no_other_threshold_is_right_more_often(cases: list[tuple[int, Any]]) -> None:
    def hits(threshold: float) -> int:
        params = Params(tie_threshold=threshold)
        return sum(prefer((margin, 0), params) == label for margin, label in cases)

    found = best_threshold([margin for margin, _ in cases], [label for _, label in cases])
    assert hits(found) == max(hits(threshold) for threshold in range(6))
    assert all(hits(threshold) < hits(found) for threshold in range(6) if threshold < found)


def test_margins_and_labels_are_as_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        best_threshold([1.0], [])
