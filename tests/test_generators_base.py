"""What generators share: sides, numbers, rows, the drawing of faults, wording, and slips that leave no mark."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from judgebench.pairs.generators import slips, wording
from judgebench.pairs.generators.base import DRAWS, Fault, Generator, Step, Trace, drawn, generate, spread


class Doubling(Generator[int]):
    """Doubles a number three times; the fault adds one at its step."""

    name = "doubling"
    category = "math"

    def problem(self, rng: Random, level: int) -> int:
        return level * 100 + int(rng.random() * 90)

    def ask(self, problem: int, rng: Random) -> str:
        return f"Double {problem} three times. {wording.demand(self.form, rng)}"

    def faults(self, problem: int, trace: Trace, rng: Random) -> Iterator[Fault]:
        return drawn(rng, 3, lambda step: Fault(step, "off", 1))

    def solve(self, problem: int, rng: Random, fault: Fault | None = None) -> Trace:
        value, steps = problem, []
        for number in range(3):
            value = 2 * value + (fault.detail if fault and fault.step == number else 0)
            steps.append(Step(f"Twice is {value}.", value))
        return Trace(tuple(steps), str(value))

    def check(self, problem: int, answer: str) -> bool:
        return answer == str(8 * problem)


class Harmless(Doubling):
    """Never makes a mistake that matters."""

    def faults(self, problem: int, trace: Trace, rng: Random) -> Iterator[Fault]:
        yield Fault(0, "off", 0)


def test_a_pair_is_drawn_from_its_number_alone() -> None:
    pair = generate(Doubling(), seed=3, number=7, level=2)
    again = generate(Doubling(), seed=3, number=7, level=2)
    assert pair == again
    assert pair.problem == again.problem
    others = [generate(Doubling(), seed=s, number=n, level=v) for s, n, v in [(4, 7, 2), (3, 8, 2), (3, 7, 3)]]
    assert len({pair.id, *(one.id for one in others)}) == 4
    assert len({pair.question, *(one.question for one in others)}) > 1


def test_a_row_is_in_judgebenchs_layout_and_says_where_it_comes_from() -> None:
    for number in range(20):
        pair = generate(Doubling(), seed=1, number=number, level=1)
        row = pair.row
        right, wrong = ("A", "B") if row["label"] == "A>B" else ("B", "A")
        assert (row[f"response_{right}"], row[f"response_{wrong}"]) == (pair.right, pair.wrong)
        assert f"\\boxed{{{pair.gold}}}" in row[f"response_{right}"]
        assert f"\\boxed{{{pair.wrong_answer}}}" in row[f"response_{wrong}"]
        assert row["source"] == "verifiable-doubling"
        assert row["response_model"] == "generator doubling v1"
        assert row["origin"] == {
            "generator": "doubling", "version": 1, "seed": 1, "level": 1, "number": number, "steps": 3,
            "fault_step": pair.fault.step, "fault_kind": "off", "gold": pair.gold, "wrong_answer": pair.wrong_answer,
        }  # fmt: skip
        assert pair.traits == {"difficulty": 1, "depth": pair.fault.step / 2, "steps": 3}


def test_of_two_neighbours_one_has_the_right_response_first() -> None:
    first = [generate(Doubling(), seed=5, number=number, level=1).right_first for number in range(400)]
    assert all(one != two for one, two in zip(first[::2], first[1::2], strict=True))
    assert 60 < sum(first[::2]) < 140  # which of the two is left to chance


def test_a_generator_whose_faults_change_nothing_is_broken() -> None:
    with pytest.raises(RuntimeError, match="doubling found no fault"):
        generate(Harmless(), seed=0, number=0, level=1)


def test_spread_gives_every_step_the_same_chance_to_come_first() -> None:
    faults = [[Fault(0, "a")], [Fault(1, "b"), Fault(1, "c"), Fault(1, "d")], [], [Fault(3, "e")]]
    order = list(spread(Random(1), faults))
    assert Counter(order) == Counter(fault for step in faults for fault in step)
    firsts = Counter(next(spread(Random(seed), faults)).step for seed in range(3000))
    assert set(firsts) == {0, 1, 3}
    assert all(900 < count < 1100 for count in firsts.values())


def test_drawn_passes_over_steps_without_a_fault_and_ends() -> None:
    found = list(drawn(Random(2), 4, lambda step: Fault(step, "x") if step % 2 else None))
    assert {fault.step for fault in found} == {1, 3}
    assert 0 < len(found) < DRAWS
    assert list(drawn(Random(2), 4, lambda _: None)) == []


# -- wording --------------------------------------------------------------------------------------------------


def test_layout_keeps_the_steps_in_order_and_ends_with_the_closing() -> None:
    seen = set()
    for seed in range(300):
        text = wording.layout(["One is 1.", "Two is 2.", "Three is 3."], "END", Random(seed))
        assert text.index("One is 1.") < text.index("Two is 2.") < text.index("Three is 3.")
        assert text.endswith("\n\nEND")
        seen.add(text)
    assert len(seen) > 150


@pytest.mark.parametrize(("form", "written"), [("boxed", "\\boxed{7/2}"), ("bold", "**7/2**"), ("line", "Answer: 7/2")])
def test_closing_has_the_answer_once_in_the_form_asked_for(form: str, written: str) -> None:
    texts = {wording.closing("7/2", form, Random(seed)) for seed in range(200)}
    assert len(texts) > 2
    for text in texts:
        assert text.count("7/2") == 1
        assert written in text
    if form == "line":
        assert all(text.splitlines()[-1] == written for text in texts)


@pytest.mark.parametrize("form", ["boxed", "bold", "line"])
def test_the_demand_names_the_form(form: str) -> None:
    mark = {"boxed": "\\boxed{", "bold": "**", "line": "Answer:"}[form]
    demands = {wording.demand(form, Random(seed)) for seed in range(100)}
    assert len(demands) > 2
    assert sum(mark in demand for demand in demands) == len(demands)


# -- slips ----------------------------------------------------------------------------------------------------


def test_nudge_goes_both_ways_alike_and_never_leaves_the_range() -> None:
    found = Counter(slips.nudge(Random(seed), 5, 0, 9, 2) for seed in range(4000))
    assert set(found) == {3, 4, 6, 7}
    assert all(850 < count < 1150 for count in found.values())
    assert {slips.nudge(Random(seed), 9, 0, 9) for seed in range(50)} == {8, None}


def test_weighed_keeps_values_as_frequent_as_they_were() -> None:
    """Start from the weights themselves, slip once, and the weights come out again."""
    weights, rng = (1, 4, 11, 11, 4, 1), Random(3)
    population = [value for value, weight in enumerate(weights) for _ in range(weight * 2000)]
    moved = Counter(value if (to := slips.weighed(rng, value, weights)) is None else to for value in population)
    for value, weight in enumerate(weights):
        assert abs(moved[value] - 2000 * weight) < 450 + 0.03 * 2000 * weight, (value, moved)


def test_other_is_any_other_value_alike() -> None:
    found = Counter(slips.other(Random(seed), 3, 1, 5) for seed in range(4000))
    assert set(found) == {1, 2, 4, 5}
    assert all(850 < count < 1150 for count in found.values())


def test_product_is_the_neighbour_in_the_table() -> None:
    assert {slips.product(Random(seed), 7, 8, 1, 9) for seed in range(60)} == {48, 64, 49, 63}
    assert {slips.product(Random(seed), -7, 8, 1, 9) for seed in range(60)} == {-48, -64, -49, -63}
    assert {slips.product(Random(seed), 9, 9, 1, 9) for seed in range(60)} == {72, None}


def test_digit_changes_exactly_one_digit() -> None:
    for seed in range(300):
        number = Random(seed).choice([7, 40, 305, 99999, -120])
        wrong = slips.digit(Random(seed), number)
        one, two = str(number), str(wrong)
        assert len(one) == len(two)
        assert sum(a != b for a, b in zip(one, two, strict=True)) == 1
        assert not two.lstrip("-").startswith("0")


def test_column_is_off_by_one_where_a_carry_may_be_lost() -> None:
    assert {slips.column(Random(seed), 450) for seed in range(60)} == {440, 460, 350, 550}
    assert slips.column(Random(0), 7) is None
    assert {slips.column(Random(seed), 1005) for seed in range(99)} == {
        1015,
        1105,
        2005,
        None,
    }  # 995, 905 and 5 are shorter
