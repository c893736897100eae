"""Generators of knowledge pairs: facts from tables, and every fact checked against another source where there is one."""

import unicodedata
from collections import Counter
from datetime import date, timedelta
from random import Random

import generator_checks as checks
import pytest

from judgebench.pairs.generators import codepoints, weekdays
from judgebench.pairs.generators.choices import LETTERS, choose_from, letter_of
from judgebench.pairs.generators.elements import Elements
from judgebench.pairs.generators.facts import table
from judgebench.pairs.generators.geography import Geography
from judgebench.pairs.generators.recall import HARD, RECALL, Recall, Slip, classes
from judgebench.pairs.generators.units import Units

NAMES = ("elements", "weekdays", "code-points", "units", "geography")
RECALLS = ("elements", "units", "geography")
GOLDEN = {
    "elements": "801fa2599575d5f6",
    "weekdays": "788b717d3b33a294",
    "code-points": "277e97e7251fb168",
    "units": "01a7875ebdd3e943",
    "geography": "a1585d3e4d047e30",
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
def test_the_question_lists_what_both_responses_choose(name: str) -> None:
    letters = Counter(pair.gold for pair in checks.made(name, 1000))
    assert set(letters) == set("ABCD")
    for pair in checks.made(name, 200):
        for letter in (pair.gold, pair.wrong_answer):
            assert any(f"{letter}{mark} " in pair.question for mark in ").")
            assert f"\\boxed{{{letter}}}" in pair.right + pair.wrong


@pytest.mark.parametrize("name", RECALLS)
def test_a_fact_is_taken_for_another_as_often_as_the_other_way_round(name: str) -> None:
    """No value is more often right than wrong: of each two facts that are confused, both directions are as frequent."""
    there: Counter[tuple[object, object]] = Counter()
    for pair in checks.made(name, 1000):
        slip = pair.problem.slip
        there[pair.problem.terms[slip.place], slip.other] += 1
    forth = sum(count for (one, other), count in there.items() if one < other)
    back = sum(count for (one, other), count in there.items() if one > other)
    assert abs(forth - back) < 4 * (forth + back) ** 0.5


# -- the tables -----------------------------------------------------------------------------------------------


def test_the_table_of_elements() -> None:
    rows = table("elements")
    assert [int(row["number"]) for row in rows] == list(range(1, 119))
    assert len({row["symbol"] for row in rows}) == len({row["name"] for row in rows}) == 118
    known = {
        "H": (1, 1, "1"), "He": (2, 1, "18"), "C": (6, 2, "14"), "Na": (11, 3, "1"), "Fe": (26, 4, "8"), "Ag": (47, 5, "11"),
        "Hf": (72, 6, "4"), "Au": (79, 6, "11"), "Rn": (86, 6, "18"), "U": (92, 7, ""), "Og": (118, 7, "18"),
    }  # fmt: skip
    for row in rows:
        if row["symbol"] in known:
            assert (int(row["number"]), int(row["period"]), row["group"]) == known[row["symbol"]]
    # The f block and the two elements whose place in group 3 is disputed have no group.
    assert [int(row["number"]) for row in rows if not row["group"]] == [*range(57, 72), *range(89, 104)]


def test_the_table_of_prefixes() -> None:
    rows = table("prefixes")
    exponents = [int(row["exponent"]) for row in rows]
    assert exponents == sorted(set(exponents)) == [-one for one in reversed(exponents)]
    assert {row["prefix"]: int(row["exponent"]) for row in rows} | {
        "micro": -6, "milli": -3, "centi": -2, "hecto": 2, "kilo": 3, "tera": 12, "quetta": 30, "quecto": -30,
    } == {row["prefix"]: int(row["exponent"]) for row in rows}  # fmt: skip
    assert len({row["symbol"] for row in rows}) == 24


def dimension(unit: str) -> tuple[int, ...]:
    row = next(row for row in table("units") if row["unit"] == unit)
    return tuple(int(row[base]) for base in ("kilogram", "metre", "second", "ampere"))


def product(*units: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sum(parts) for parts in zip(*units, strict=True))


def over(unit: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-part for part in unit)


METRE, SECOND, AMPERE, KILOGRAM = (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (1, 0, 0, 0)


def test_the_table_of_units_agrees_with_the_laws_that_define_them() -> None:
    of = dimension
    assert of("hertz") == over(SECOND)
    assert of("newton") == product(KILOGRAM, METRE, over(SECOND), over(SECOND))
    assert of("pascal") == product(of("newton"), over(METRE), over(METRE))
    assert of("joule") == product(of("newton"), METRE)
    assert of("watt") == product(of("joule"), over(SECOND))
    assert of("coulomb") == product(AMPERE, SECOND)
    assert of("volt") == product(of("watt"), over(AMPERE))
    assert of("farad") == product(of("coulomb"), over(of("volt")))
    assert of("ohm") == product(of("volt"), over(AMPERE))
    assert of("siemens") == over(of("ohm"))
    assert of("weber") == product(of("volt"), SECOND)
    assert of("tesla") == product(of("weber"), over(METRE), over(METRE))
    assert of("henry") == product(of("weber"), over(AMPERE))
    assert of("gray") == product(of("joule"), over(KILOGRAM))
    assert len(table("units")) == 14


def test_the_table_of_countries() -> None:
    rows = table("countries")
    assert len(rows) > 120
    for column, length in (("alpha2", 2), ("alpha3", 3)):
        codes = [row[column] for row in rows]
        assert len(set(codes)) == len(codes)
        assert all(len(code) == length and code.isupper() for code in codes)
    assert len({row["name"] for row in rows}) == len({row["capital"] for row in rows}) == len(rows)
    known = {
        "Austria": "Vienna AT AUT",
        "Australia": "Canberra AU AUS",
        "Chad": "N'Djamena TD TCD",
        "Japan": "Tokyo JP JPN",
    }
    found = {row["name"]: f"{row['capital']} {row['alpha2']} {row['alpha3']}" for row in rows}
    assert found | known == found


def test_no_capital_names_its_country() -> None:
    for row in table("countries"):
        assert not set(row["name"].lower().split()) & set(row["capital"].lower().split())


# -- recalled facts -------------------------------------------------------------------------------------------

SUM = Recall(
    1, "symbol", ((25, "number"), (49, "period")),
    (None, Slip(0, RECALL, (26, "number")), Slip(1, "sum", (54, "period"))), Slip(0, RECALL, (26, "number")),
)  # fmt: skip
POWERS = Recall(
    1, "prefix", ((14, 1, 0), (8, -1, 1)),
    (Slip(1, "division", (8, 1, 1)), None), Slip(1, "division", (8, 1, 1)),
)  # fmt: skip
CODES = Recall(1, "alpha2", ((1,), (2,)), (Slip(0, "country", (3,)), None), Slip(0, "country", (3,)))


def test_a_sum_of_facts() -> None:
    one = Elements()
    assert one.options(SUM) == ["31", "32", "32"]
    assert one.verify(SUM) == "31"
    assert one.check(SUM, "A")
    assert not any(one.check(SUM, letter) for letter in ("B", "C", "D", "", "AB", "a"))
    assert "Fe" in one.question(SUM, Random(0))
    assert "Sn" in one.question(SUM, Random(0))


def test_powers_of_ten_are_divided_too() -> None:
    one = Units()
    first, second = (table("prefixes")[row] for row in (14, 8))
    right = int(first["exponent"]) - int(second["exponent"])
    assert one.options(POWERS) == [f"10^{int(first['exponent']) + int(second['exponent'])}", f"10^{right}"]
    assert one.check(POWERS, "B")
    assert f"1 {first['prefix']}hertz ÷ 1 {second['prefix']}newton" in one.question(POWERS, Random(0))


def test_a_first_factor_may_stand_below_the_fraction() -> None:
    problem = Recall(1, "second", ((0, -1), (1, 1)), (None,), Slip(0, RECALL, (1, -1)))
    assert "1 ÷ 1 hertz × 1 newton" in Units().question(problem, Random(0))
    assert Units().verify(problem) == "second^-1"


def test_codes_are_joined_in_order() -> None:
    rows, one = table("countries"), Geography()
    assert one.options(CODES) == [
        f"{rows[3]['alpha2']}-{rows[2]['alpha2']}",
        f"{rows[1]['alpha2']}-{rows[2]['alpha2']}",
    ]
    assert one.check(CODES, "B")
    wrong = one.solve(CODES, Random(0), next(iter(one.faults(CODES, one.solve(CODES, Random(0)), Random(0)))))
    assert rows[3]["name"] in wrong.steps[0].text
    assert wrong.answer == "A"


def test_a_terse_trace_keeps_the_facts_to_itself() -> None:
    one = Elements()
    for seed in range(8):
        hard = Recall(HARD, SUM.kind, SUM.terms, SUM.options, SUM.slip)
        assert "26" in one.solve(SUM, Random(seed)).steps[0].text
        assert "50" not in one.solve(hard, Random(seed)).steps[1].text


def test_classes_share_their_key() -> None:
    rows = ({"k": "ax"}, {"k": "b"}, {"k": "ay"})
    assert classes(rows, lambda row: row["k"][0]) == {0: (0, 2), 1: (1,), 2: (0, 2)}


# -- Unicode --------------------------------------------------------------------------------------------------


def test_the_charts_are_unbroken_runs_of_named_letters() -> None:
    for low, high in codepoints.CHARTS:
        for code in range(low, high + 1):
            assert unicodedata.name(chr(code))
            assert unicodedata.category(chr(code)) in {"Lu", "Ll", "Lo"}


def test_walks_stay_in_their_chart_wrong_ones_too() -> None:
    for pair in checks.made("code-points", 500):
        walk, (step, away) = pair.problem, pair.problem.slip
        assert pair.fault.step == step
        places = [walk.start + sum(walk.moves[:number]) for number in range(len(walk.moves) + 1)]
        wrong = [place + (away if number > step else 0) for number, place in enumerate(places)]
        assert all(walk.chart[0] <= place <= walk.chart[1] for place in (*places, *wrong))
        assert {0, away} <= set(walk.options)


# -- the calendar ---------------------------------------------------------------------------------------------


def test_legs_are_as_long_as_pythons_calendar_says() -> None:
    for year in (1700, 1899, 1900, 1996, 2000, 2023, 2024, 2100):
        for month in range(12):
            for count in (1, 2, 3, 12):
                later = weekdays._after((year, month, 28), count)
                passed = date(later[0], later[1] + 1, later[2]) - date(year, month + 1, 28)
                assert timedelta(weekdays._length((year, month, count))) == passed


def test_centuries_and_leap_years_occur_and_are_misremembered_both_ways() -> None:
    spans = [pair.problem for pair in checks.made("weekdays", 1000)]
    yearly = [span for span in spans if weekdays.YEARLY in span.legs]
    lengths = Counter()
    for span in yearly:
        legs = weekdays._legs(span.start, span.legs)
        lengths[weekdays._length(legs[span.slip[0]]), span.slip[1]] += 1
    assert set(lengths) == {(365, 1), (366, -1)}
    assert abs(lengths[365, 1] - lengths[366, -1]) < 4 * len(yearly) ** 0.5
    assert any(
        leg[0] + (leg[1] > 1) in (1700, 1800, 1900, 2100) for s in yearly for leg in weekdays._legs(s.start, s.legs)
    )


# -- choices --------------------------------------------------------------------------------------------------


def test_options_stand_under_the_question_in_order() -> None:
    texts = [choose_from("Which?", ["x", "y", "z"], "boxed", Random(seed)) for seed in range(20)]
    for text in texts:
        assert text.startswith("Which?\n\n")
        assert [line[-1] for line in text.split("\n")[2:5]] == ["x", "y", "z"]
        assert "boxed" in text
    assert len({text.split("\n")[2] for text in texts}) == 3
    assert letter_of(["x", "y"], "y") == LETTERS[1]
