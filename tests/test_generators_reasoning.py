"""Generators of reasoning: puzzles are read again from their text and solved by trying everything."""

import re
from collections import Counter
from itertools import permutations, product
from random import Random
from typing import Any

import generator_checks as checks
import pytest

from judgebench.pairs.generators.base import Fault
from judgebench.pairs.generators.knights import Island, KnightsAndKnaves, Said
from judgebench.pairs.generators.scheduling import Plan, Scheduling, Task
from judgebench.pairs.generators.zebra import Deduction, Zebra, ZebraPuzzle

NAMES = ("zebra", "knights-and-knaves", "scheduling")
GOLDEN = {
    "zebra": "5bff22818f2a3662",
    "knights-and-knaves": "112523142f508024",
    "scheduling": "2a01f0c22469c796",
}
"""The first bytes of the sha256 of 50 rows: a change of any needs a higher `version`."""


@pytest.mark.parametrize("name", NAMES)
def test_both_labels_hold(name: str) -> None:
    checks.both_labels_hold(name, 1000)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_everywhere(name: str) -> None:
    assert checks.generator(name).version == 1
    assert checks.digest(name) == checks.digest_elsewhere(name) == GOLDEN[name]


@pytest.mark.parametrize("name", NAMES)
def test_right_and_wrong_look_alike(name: str) -> None:
    checks.nothing_leaks(name, 1000, most=0.07)
    checks.sides_are_even(name, 1000)


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_in_ten_thousand_pairs(name: str) -> None:
    checks.nothing_leaks(name, 10_000, most=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_the_fault_starts_at_its_step_and_is_carried_on(name: str) -> None:
    checks.the_fault_starts_at_its_step(name, 200)
    checks.harder_is_longer(name, 200)


@pytest.mark.parametrize("name", NAMES)
def test_faults_sit_early_and_late(name: str) -> None:
    depths = [pair.depth for pair in checks.made(name, 1000)]
    assert 0.4 < sum(depths) / len(depths) < 0.62
    for low in (0.0, 0.2, 0.6, 0.8):  # the middle of a puzzle of two cases is where the first one ends
        assert 0.07 < sum(low <= depth < low + 0.2 or depth == 1 == low + 0.2 for depth in depths) / len(depths) < 0.4


# -- zebra ----------------------------------------------------------------------------------------------------


def holds(clue: str, house: dict[str, int]) -> bool:
    """Say whether a clue, as it is printed, is true of an arrangement."""
    text = clue[0].lower() + clue[1:].rstrip(".")
    where = {thing.lower(): at for thing, at in house.items()}
    if found := re.fullmatch(r"(.*) lives in house (\d+)", text, re.IGNORECASE):
        return where[found[1].lower()] == int(found[2])
    if found := re.fullmatch(r"(.*) does not live in house ([\d or]+)", text):
        return str(where[found[1].lower()]) not in found[2].split(" or ")
    if found := re.fullmatch(r"(.*) lives in the same house as (.*)", text):
        return where[found[1].lower()] == where[found[2].lower()]
    found = re.fullmatch(r"(.*) lives (next door|\d+ houses) to the (left|right) of (.*)", text)
    assert found, text
    far = 1 if found[2] == "next door" else int(found[2].split()[0])
    return where[found[1].lower()] == where[found[4].lower()] + (far if found[3] == "right" else -far)


def test_zebra_puzzles_say_all_that_their_answers_need() -> None:
    for pair in [pair for pair in checks.made("zebra", 500) if pair.level == 1][:40]:
        clues = re.findall(r"^\d+\. (.*)$", pair.question, re.MULTILINE)
        groups = [group.split(", ") for group in re.findall(r"some order: (.*)\.\n", pair.question)[0].split("; ")]
        orders = [permutations(range(1, len(group) + 1)) for group in groups]
        fits = []
        for order in product(*orders):
            house = {
                thing: at
                for group, places in zip(groups, order, strict=True)
                for thing, at in zip(group, places, strict=True)
            }
            if all(holds(clue, house) for clue in clues):
                fits.append(house)
        assert len(fits) == 1
        asked = re.findall(r"house of (.*)\?", pair.question)[0]
        assert str(fits[0][asked]) == pair.gold


def test_the_wrong_solution_of_a_zebra_meets_no_contradiction() -> None:
    one = ZebraPuzzle()
    for pair in checks.made("zebra", 300):
        size = pair.problem.size
        houses = {step.state[0].thing: step.state[1] for step in one.solve(pair.problem, Random(0), pair.fault).steps}
        for start in range(0, len(houses), size):
            assert sorted(houses[thing] for thing in range(start, start + size)) == list(range(1, size + 1))


def test_a_zebra_with_a_clue_less_has_no_single_answer() -> None:
    things = ("Anna", "Bela", "the baker", "the pilot")
    clues = (
        Deduction(0, "at", value=1, clue=1),
        Deduction(1, "last"),
        Deduction(2, "same", 1, clue=2),
        Deduction(3, "last"),
    )
    full = Zebra(1, 2, things, clues, 2, Fault(0, "house"))
    one = ZebraPuzzle()
    assert one.solve(full, Random(0)).answer == "2"
    assert one.check(full, "2")
    assert not one.check(full, "1")
    for answer in "12":
        assert not one.check(Zebra(1, 2, things, clues[1:], 2, Fault(0, "house")), answer)


def test_zebra_faults_are_of_all_kinds_and_hard_steps_name_no_clue() -> None:
    pairs = checks.made("zebra", 1000)
    assert {pair.fault.kind for pair in pairs} == {"direction", "distance", "house", "thing"}
    for pair in pairs[:100]:
        quoted = "lives in house" in pair.right or "same house" in pair.right or "to the" in pair.right
        assert quoted == (pair.level < 4)


# -- knights and knaves ---------------------------------------------------------------------------------------


def said(text: str, kind: dict[str, str]) -> bool:
    """Say whether a statement, as it is printed, is true."""
    if found := re.fullmatch(r"(\w+) and (\w+) are of (the same kind|different kinds)", text):
        return (kind[found[1]] == kind[found[2]]) == (found[3] == "the same kind")
    parts = [kind[name] == what for name, what in re.findall(r"(\w+) is a (\w+)", text)]
    return any(parts) if " or " in text else all(parts)


def test_islands_say_all_that_their_answers_need() -> None:
    for pair in checks.made("knights-and-knaves", 200):
        statements = re.findall(r'^(\w+) says: "(.*)\."$', pair.question, re.MULTILINE)
        names = re.findall(r"for (.*), in this", pair.question)[0].split(", ")
        fits = []
        for kinds in product(("knight", "knave"), repeat=len(names)):
            kind = dict(zip(names, kinds, strict=True))
            if all(said(text, kind) == (kind[name] == "knight") for name, text in statements):
                fits.append(", ".join(kinds))
        assert fits == [pair.gold]


def test_the_wrong_solution_of_an_island_has_one_case_that_holds() -> None:
    one = KnightsAndKnaves()
    for pair in checks.made("knights-and-knaves", 300):
        for fault in (None, pair.fault):
            ends = [step.state for step in one.solve(pair.problem, Random(0), fault).steps if step.state[0] == "end"]
            assert sorted(end[2] for end in ends) == [False, True]


ISLAND = Island(
    1, ("Ada", "Boris", "Clara"),
    (Said("and", (1, 2), (False, True)), Said("is", (0,), (True,)), Said("same", (0, 1), (False,))), True, (0, 1, 2),
)  # fmt: skip


def test_an_island_by_hand() -> None:
    """Ada: Boris is a knave and Clara a knight. Boris: Ada is a knight. Clara: those two differ."""
    one = KnightsAndKnaves()
    trace = one.solve(ISLAND, Random(0))
    assert trace.answer == "knave, knave, knave"
    assert [step.state for step in trace.steps if step.state[0] == "end"] == [
        ("end", False, False),
        ("end", False, True),
    ]
    assert one.check(ISLAND, "knave, knave, knave")
    assert not one.check(ISLAND, "knave, knave, knight")
    wrong = one.solve(ISLAND, Random(0), Fault(5, "misjudged", (False, 1, None)))
    assert wrong.answer == "knave, knight, knight"


# -- scheduling -----------------------------------------------------------------------------------------------


def test_plans_say_all_that_their_answers_need() -> None:
    for pair in checks.made("scheduling", 300):
        told: dict[str, tuple[int, str, list[str]]] = {}
        for name, minutes, rule in re.findall(r"^- (\w) takes (\d+) minutes and (.*)\.$", pair.question, re.MULTILINE):
            told[name] = (int(minutes), rule, re.findall(r"\b[A-Z]\b", rule))
        ends: dict[str, int] = {}

        def end(name: str, told: Any = told, ends: dict[str, int] = ends) -> int:
            if name not in ends:
                minutes, rule, waits = told[name]
                times = [end(one) for one in waits] or [0]
                ends[name] = minutes + (min(times) if "any one" in rule else max(times))
            return ends[name]

        assert str(sum(end(name) for name in told)) == pair.gold


PLAN = Plan(
    1, (Task("A", 10, (), True), Task("B", 25, (0,), True), Task("C", 30, (0, 1), False), Task("D", 5, (1, 2), True)),
    (0, 1, 2, 3),
)  # fmt: skip


def test_a_plan_by_hand() -> None:
    one = Scheduling()
    trace = one.solve(PLAN, Random(0))
    assert [step.state.end for step in trace.steps[:-1]] == [10, 35, 40, 45]
    assert trace.answer == "130"
    assert one.check(PLAN, "130")
    assert not one.check(PLAN, "131")
    late = one.solve(PLAN, Random(0), Fault(2, "rule", PLAN.tasks[2]._replace(every=True)))
    assert late.answer == str(10 + 35 + 65 + 70)
    assert "all of" in late.steps[2].text or "every one of" in late.steps[2].text


def test_plans_have_all_kinds_of_faults_and_only_the_hard_ones_hide_the_rule() -> None:
    pairs = checks.made("scheduling", 1000)
    assert {pair.fault.kind for pair in pairs} == {"rule", "duration", "predecessor", "slip", "sum"}
    told = Counter((pair.level, bool(re.search("all of|one of|first of", pair.right))) for pair in pairs)
    assert told[1, True]
    assert told[3, True]
    assert not told[4, True]
    assert not told[5, True]
