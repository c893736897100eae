"""Selection: which two responses make a pair, why none do, and which side the right one stands on."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.pairs.records import OUTCOMES, Grade, Outcome, Question, Response
from judgebench.pairs.selection import Graded, select, sides

QUESTION = Question.make(
    key="1", source="s", category="math", prompt="2 + 2?", gold={"expression": "4"}, grader="number"
)


def graded(text: str, outcome: Outcome, answer: str | None = None, sample: int = 0, model: str = "m") -> Graded:
    response = Response(question=QUESTION.id, text=text, model=model, sample=sample)
    return response, Grade(outcome=outcome, answer=answer)


def same(_question: Question, one: str, two: str) -> bool:
    return one == two


def chosen(*found: Graded, equivalent: Any = same, **options: Any) -> Any:
    return select(QUESTION, found, equivalent, **options)


def test_the_closest_in_length_are_taken() -> None:
    right = graded("a" * 50, "right", "4")
    decision = chosen(right, graded("b" * 10, "wrong", "5"), graded("c" * 52, "wrong", "6", 1))
    (pair,) = decision.pairs
    assert (pair.right, pair.wrong[1].answer) == (right, "6")
    assert decision.pass_rate == pytest.approx(1 / 3)
    assert decision.reason == ""


def test_no_response_is_in_two_pairs() -> None:
    responses = [graded("r" * n, "right", "4", n) for n in range(1, 4)]
    responses += [graded("w" * n, "wrong", str(n + 10), n) for n in range(1, 6)]
    pairs = chosen(*responses, most=9).pairs
    assert len(pairs) == 3
    used = Counter(one[0].id for pair in pairs for one in (pair.right, pair.wrong))
    assert set(used.values()) == {1}


REASONS: dict[str, tuple[list[Graded], str]] = {
    "all right": ([graded("a", "right", "4"), graded("b", "right", "4", 1)], "no wrong response"),
    "all wrong": ([graded("a", "wrong", "5"), graded("b", "wrong", "6", 1)], "no right response"),
    "nothing readable": ([graded("a", "undecided"), graded("b", "truncated", sample=1)], "no response could be graded"),
    "a broken form is not wrong": ([graded("a", "right", "4"), graded("b", "format_fail", "5")], "no wrong response"),
    "two models": ([graded("a", "right", "4"), graded("b", "wrong", "5", model="n")], "responses of two models"),
    "the same text": ([graded("a b", "right", "4"), graded(" a  b\n", "wrong", "5")], "identical responses"),
    "the same answer": ([graded("a", "right", "4"), graded("b", "wrong", "4")], "equivalent answers"),
    "no answer": ([graded("a", "right", "4"), graded("b", "wrong", None)], "no wrong response"),
}


@pytest.mark.parametrize("name", REASONS)
def test_a_question_without_a_pair_says_why(name: str) -> None:
    responses, reason = REASONS[name]
    decision = chosen(*responses)
    assert (decision.pairs, decision.reason) == ((), reason)


def test_equivalence_in_one_direction_is_enough() -> None:
    pair = [graded("a", "right", "1<x<2"), graded("b", "wrong", "(1,2)")]
    assert chosen(*pair, equivalent=lambda _q, one, _two: one == "(1,2)").reason == "equivalent answers"
    assert chosen(*pair, equivalent=lambda _q, one, _two: one == "1<x<2").reason == "equivalent answers"
    assert chosen(*pair, equivalent=lambda *_: None).reason == "equivalence undecided"
    assert len(chosen(*pair, equivalent=lambda *_: False).pairs) == 1


def test_a_pair_that_is_unfit_gives_way_to_the_next() -> None:
    right = graded("aaaa", "right", "4")
    decision = chosen(right, graded("bbbb", "wrong", "4"), graded("c", "wrong", "5", 1))
    assert [pair.wrong[1].answer for pair in decision.pairs] == ["5"]


@given(st.permutations(range(6)), st.integers(0, 3))
def test_the_order_of_the_responses_never_matters(order: list[int], seed: int) -> None:
    responses = [graded("same length", "right", "4", n) for n in range(3)]
    responses += [graded("SAME length", "wrong", "5", n) for n in range(3)]
    assert chosen(*[responses[n] for n in order], seed=seed).pairs == chosen(*responses, seed=seed).pairs


@given(st.lists(st.tuples(st.text(min_size=1, max_size=4), st.sampled_from("abc")), unique_by=lambda p: p[0]))
def test_sides_are_balanced_in_every_category(pairs: list[tuple[str, str]]) -> None:
    first = sides(pairs, seed=3)
    assert first.keys() == {pair for pair, _ in pairs}
    for category in {category for _, category in pairs}:
        ids = [pair for pair, other in pairs if other == category]
        assert abs(2 * sum(first[pair] for pair in ids) - len(ids)) <= 1
    assert sides(pairs[::-1], seed=3) == first


def test_sides_depend_on_the_seed_and_nothing_else() -> None:
    pairs = [(str(n), "math") for n in range(40)]
    assert sides(pairs, 1) != sides(pairs, 2)
    assert sides(pairs, 1) == sides(pairs, 1)


def test_ids_are_hashes_of_the_content() -> None:
    assert QUESTION.id == QUESTION.model_copy(update={"category": "other"}).id
    changed = {"key": "2", "source": "t", "prompt": "3 + 3?", "gold": {"expression": "6"}}
    for field, value in changed.items():
        assert Question.make(**{**QUESTION.model_dump(exclude={"id"}), field: value}).id != QUESTION.id
    assert graded("a", "right")[0].id != graded("a", "right", sample=1)[0].id
    assert set(OUTCOMES) == {"right", "wrong", "format_fail", "undecided", "truncated"}
