"""The conformance kit must pass what conforms, and name each thing that does not."""

from dataclasses import replace
from typing import Any

import pytest

from factories import make_item
from judgebench.judges.card import JudgeCard, card_names, load_card
from judgebench.records import Best, Candidate, Fault, Message, Preference, ScoreRequest, Scores, Verdict, View
from judgebench.registry import load
from judgebench.sources import load_task
from judgebench.task import Task, TaskCard
from judgebench.testing import ConformanceError, check_judge, check_task

PACKAGED = ("always-first", "always-second", "random", "longest", "shortest", "equations", "pairwise", "reward-model")


@pytest.mark.parametrize("name", PACKAGED)
def test_our_own_judges_conform(name: str) -> None:
    assert name in card_names()
    card = load_card(name)
    check_judge(load("families", card.family)(card))


def test_a_comparison_is_answered_with_one_number() -> None:
    async def greedy(view: View, ask: Any) -> Verdict:
        turns = (tuple(Message(role="assistant", content=text) for text in view.texts[:1]),) * 2
        (odds,) = (await ask(ScoreRequest(conversations=turns, mode="pair"))).scores
        return Verdict(preference="A>B" if odds >= 0 else "B>A")

    judge = Judge(greedy)
    check_judge(judge)
    assert "order cannot matter, and prefers another" in findings(greedy, order_independent=True)


def test_a_comparison_of_both_orders_conforms() -> None:
    card = JudgeCard(name="mine", family="pairwise-reward", kind="reward-model")
    judge = load("families", card.family)(card)
    assert judge.order_independent
    check_judge(judge)


class Judge:
    order_independent = False

    def __init__(self, decide: Any) -> None:
        self.decide = decide

    async def judge(self, view: View, ask: Any) -> Any:
        return await self.decide(view, ask)


def findings(decide: Any, *, order_independent: Any = False, responses: int = 2) -> str:
    judge = Judge(decide)
    judge.order_independent = order_independent
    with pytest.raises(ConformanceError) as error:
        check_judge(judge, responses=responses)
    return str(error.value)


async def first(view: View, _ask: Any) -> Verdict:
    return Verdict(preference="A>B")


def test_a_judge_that_raises_is_found() -> None:
    async def fragile(_view: View, ask: Any) -> Verdict:
        reply = await ask(ScoreRequest(conversations=((),)))
        return Verdict(preference="A>B" if reply.text.index("A") else "B>A")

    found = findings(fragile)
    assert "raises AttributeError" in found
    assert "raises ValueError" in found


def test_a_judge_that_returns_something_else_is_found() -> None:
    async def lazy(_view: View, _ask: Any) -> str:
        return "A"

    assert "returns str, neither Verdict nor Fault" in findings(lazy)


def test_a_verdict_that_does_not_fit_the_responses_is_found() -> None:
    async def three(_view: View, _ask: Any) -> Verdict:
        return Verdict(scores=(1.0, 2.0, 3.0), best=(7,))

    found = findings(three)
    assert "gives 3 scores for 2 responses" in found
    assert "calls (7,) best of 2" in found
    assert "prefers one of two among 4" in findings(first, responses=4)


def test_a_judge_that_loses_replies_is_found() -> None:
    async def forgetful(_view: View, ask: Any) -> Fault:
        await ask(ScoreRequest(conversations=((),)))
        return Fault(kind="unparsed")

    assert "does not keep the reply" in findings(forgetful)


def test_a_judge_with_a_memory_is_found() -> None:
    calls: list[int] = []

    async def moody(_view: View, _ask: Any) -> Verdict:
        calls.append(1)
        return Verdict(preference="A>B" if len(calls) % 2 else "B>A")

    assert "says another thing when told the same" in findings(moody)


def test_a_false_claim_of_order_independence_is_found() -> None:
    assert "order cannot matter, and prefers another" in findings(first, order_independent=True)
    assert "neither True nor False" in findings(first, order_independent=None)


# -- tasks -----------------------------------------------------------------------------------------------

CARD = TaskCard(
    name="toy", title="Toy", summary="s", adapter="pairs", licence="MIT", citation="us", label_source="us",
)  # fmt: skip


def toy(*items: Any, **card: Any) -> Task:
    return Task(CARD.model_copy(update=card), "test", items)


def task_findings(task: Task) -> str:
    with pytest.raises(ConformanceError) as error:
        check_task(task)
    return str(error.value)


def test_the_starter_task_conforms() -> None:
    check_task(load_task("starter"))


def test_a_sound_task_conforms() -> None:
    check_task(toy(*(make_item(n, label="B>A" if n % 2 else "A>B") for n in range(6))))


def test_an_empty_card_and_an_empty_task_are_found() -> None:
    found = task_findings(toy(licence=None, summary=""))
    assert "card: licence is empty" in found
    assert "card: summary is empty" in found
    assert "there are no items" in found


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (make_item(task="other"), "says it is of task 'other'"),
        (make_item(category=""), "has no category"),
        (make_item(label="A=B"), "gold is a tie, and the card allows none"),
        (make_item(gold=Scores(scores=(1.0,), low=0, high=5)), "1 gold scores for 2 candidates"),
        (make_item(gold=Scores(scores=(1.0, 9.0), low=0, high=5)), "leave [0.0, 5.0]"),
        (make_item(gold=Best(indices=(0, 1))), "leaves nothing to be worse"),
        (make_item(gold=Best(indices=(5,))), "leaves nothing to be worse"),
        (make_item(candidates=(Candidate(content="x"),), gold=Preference(label="A>B")), "for 1 candidates"),
    ],
)
def test_unsound_items_are_found(item: Any, problem: str) -> None:
    assert problem in task_findings(toy(item))


def test_two_items_of_one_id_are_found() -> None:
    assert "two items share an id" in task_findings(toy(make_item(1), make_item(1)))


def test_a_headline_that_no_metric_bears_is_found() -> None:
    assert "metric 'glory' is not among its metrics" in task_findings(toy(make_item(1), metric="glory"))


def test_a_task_is_named_with_its_split() -> None:
    task = replace(load_task("starter"), split="test")
    assert task.name == "starter"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("judgebench-gpt", "judgebench/pairs"),
        ("judgebench-claude", "judgebench/pairs"),
        ("pandalm", "pandalm"),
        ("autoj", "autoj"),
        *((f"llmbar-{split}", "llmbar") for split in ("natural", "neighbor", "faireval", "llmeval2", "mt-bench")),
        ("author-profiling-all", "personalized/pr_synthetic_dataset.jsonl"),
    ],
)
def test_the_benchmarks_at_hand_conform(name: str, data: str, shared_data: Any) -> None:
    check_task(load_task(name, data=str(shared_data / data)))
