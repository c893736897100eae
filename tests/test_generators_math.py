"""Generators of mathematics: every question is read again from its text and solved another way."""

import re
from collections import Counter
from fractions import Fraction
from itertools import combinations
from math import gcd
from random import Random
from typing import Any

import generator_checks as checks
import pytest

from judgebench.pairs.generators.base import Fault, GeneratedPair
from judgebench.pairs.generators.columns import ArithmeticColumns, Sum
from judgebench.pairs.generators.combinatorics import Combinatorics, Committee, Grid
from judgebench.pairs.generators.linear import LinearSystem
from judgebench.pairs.generators.operations import OrderOfOperations, evaluate
from judgebench.pairs.generators.polynomial import Polynomial, parse
from judgebench.pairs.generators.probability import Bag, Boxes, Probability

NAMES = ("arithmetic-columns", "order-of-operations", "linear-system", "polynomial", "combinatorics", "probability")
GOLDEN = {
    "arithmetic-columns": "57c8c74f8daff574",
    "order-of-operations": "f9dadfe116f7a946",
    "linear-system": "98511fe4a548622f",
    "polynomial": "a62164ff57d96665",
    "combinatorics": "f73856fb371bba52",
    "probability": "b1d9f6b5b61717f3",
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
    assert 0.1 < sum(depth < 0.2 for depth in depths) / len(depths) < 0.4
    assert 0.1 < sum(depth > 0.8 for depth in depths) / len(depths) < 0.4


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_stands_in_the_box(name: str) -> None:
    for pair in checks.made(name, 200):
        for text, answer in ((pair.right, pair.gold), (pair.wrong, pair.wrong_answer)):
            assert text.count("\\boxed{") == 1
            assert f"\\boxed{{{answer}}}" in text


# -- questions, read again ------------------------------------------------------------------------------------


def read_columns(question: str) -> str:
    numbers = [int(text) for text in re.findall(r"\d+", question)]
    if re.search("×|times|Multiply", question):
        one, two = numbers
        return str(sum(one for _ in range(two)) if two < 1000 else one * two)
    return str(sum(numbers))


def read_operations(question: str) -> str:
    found = re.search(r"[\d(][\d +×()-]*[\d)]", question)
    assert found
    return str(eval(found[0].replace("×", "*")))


def read_system(question: str) -> str:
    """Eliminate over fractions, the pivot where one is found."""
    letters = re.findall(r"[a-z]", re.findall(r"What is ([^?]*)\?", question)[0])
    rows = []
    for left, right in re.findall(r"^\(\d\) (.*) = (-?\d+)$", question, re.MULTILINE):
        row = [Fraction(0)] * len(letters)
        for sign, number, letter in re.findall(r"([+-]?) ?(\d*)([a-z])", left):
            row[letters.index(letter)] = Fraction(f"{sign}{number or 1}")
        rows.append([*row, Fraction(right)])
    assert len(rows) == len(letters)
    for place in range(len(rows)):
        pivot = next(at for at in range(place, len(rows)) if rows[at][place])
        rows[place], rows[pivot] = rows[pivot], rows[place]
        rows[place] = [value / rows[place][place] for value in rows[place]]
        for at, row in enumerate(rows):
            if at != place:
                rows[at] = [one - row[place] * two for one, two in zip(row, rows[place], strict=True)]
    return str(sum(row[-1] for row in rows))


def read_product(question: str) -> Any:
    sympy = pytest.importorskip("sympy")
    one, two = re.findall(r"\(([^()]*)\)", question)[:2]
    x = sympy.Symbol("x")
    factors = [sympy.sympify(re.sub(r"(\d)x", r"\1*x", text).replace("^", "**"), {"x": x}) for text in (one, two)]
    return [int(value) for value in sympy.Poly(factors[0] * factors[1], x).all_coeffs()]


def read_count(question: str) -> str:
    if "grid" in question:
        rows, columns = map(int, re.findall(r"(\d+) rows and (\d+) columns", question)[0])
        closed = {(int(row) - 1, int(column) - 1) for row, column in re.findall(r"row (\d+) column (\d+)", question)}
        paths = {(0, 0): 1} if (0, 0) not in closed else {}
        for _ in range(rows + columns - 2):  # all paths, one move at a time
            after: Counter[tuple[int, int]] = Counter()
            for (row, column), count in paths.items():
                for cell in ((row + 1, column), (row, column + 1)):
                    if cell[0] < rows and cell[1] < columns and cell not in closed:
                        after[cell] += count
            paths = dict(after)
        return str(paths.get((rows - 1, columns - 1), 0))
    seats, ours, theirs, bound, dates = map(int, re.findall(r"\d+", question)[:5])
    least = "At least" in question
    people = [1] * ours + [0] * theirs
    if len(people) > 14:
        return ""  # too many to name each committee
    fits = [sum(who) >= bound if least else sum(who) <= bound for who in combinations(people, seats)]
    return str(sum(fits) * dates)


def read_chance(question: str) -> str:
    if question.startswith("A bag"):
        have = {colour: int(count) for count, colour in re.findall(r"(\d+) (red|blue|green|white)", question)}
        order = re.findall(r"in this order, (.*)\?", question)[0].split(", ")
        back = {int(number) for number in re.findall(r"ball (\d+)", question)}
        right = Fraction(1)
        for number, colour in enumerate(order, 1):
            right *= Fraction(have[colour], sum(have.values()))
            have[colour] -= number not in back
        return str(right)
    boxes = re.findall(r"box (\d+) is named on (\d+) cards and holds (\d+) red and (\d+) blue", question)
    asked = int(re.findall(r"from box (\d+)\?", question)[0])
    share = {int(box): Fraction(int(cards) * int(red), int(red) + int(blue)) for box, cards, red, blue in boxes}
    return str(share[asked] / sum(share.values()))


READERS = {
    "arithmetic-columns": read_columns, "order-of-operations": read_operations, "linear-system": read_system,
    "combinatorics": read_count, "probability": read_chance,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(READERS))
def test_the_question_says_all_that_its_answer_needs(name: str) -> None:
    answered = 0
    for pair in checks.made(name, 300):
        answer = READERS[name](pair.question)
        if answer:
            answered += 1
            assert answer == pair.gold, pair.question
    assert answered > 100


def test_products_are_those_of_sympy() -> None:
    for pair in checks.made("polynomial", 60):
        assert list(reversed(parse(pair.gold))) == read_product(pair.question)


# -- one by one -----------------------------------------------------------------------------------------------


def kinds(name: str, level: int | None = None) -> set[str]:
    return {pair.fault.kind for pair in checks.made(name, 1000) if level in {None, pair.level}}


def test_all_kinds_of_faults_occur() -> None:
    assert kinds("arithmetic-columns") == {"digit", "total", "product", "carry", "rows"}
    assert kinds("order-of-operations") == {"grouping", "operation", "slip", "copy"}
    assert kinds("order-of-operations", 5) == {"grouping", "slip", "copy"}
    assert kinds("polynomial") == {"sign", "product", "collected-sign", "sum"}
    assert kinds("combinatorics") == {"factor", "dates", "bound", "total", "closed", "sum"}
    assert kinds("probability") == {"replacement", "colour", "count", "cards", "box"}
    slips = {"sign", "slip"}
    assert kinds("linear-system") == {"sum", *slips, *(f"substituted-{kind}" for kind in slips)}


def test_long_addition_by_hand() -> None:
    one, problem = ArithmeticColumns(), Sum(1, (758, 467), times=False)
    trace = one.solve(problem, Random(1))
    assert [(c.digits, c.carried, c.total, c.carry) for c in (step.state for step in trace.steps)] == [
        ((8, 7), 0, 15, 1), ((5, 6), 1, 12, 1), ((7, 4), 1, 12, 1),
    ]  # fmt: skip
    assert trace.answer == "1225"
    assert one.solve(problem, Random(1), Fault(0, "carry", 0)).answer == "1215"
    assert one.solve(problem, Random(1), Fault(1, "digit", (5, 8))).answer == "1245"
    assert one.solve(problem, Random(1), Fault(2, "total", 13)).answer == "1325"
    assert one.check(problem, "1225")
    assert not one.check(problem, "1215")


def test_long_multiplication_by_hand() -> None:
    one, problem = ArithmeticColumns(), Sum(3, (47, 36), times=True)
    trace = one.solve(problem, Random(1))
    assert [step.state.total for step in trace.steps[:-1]] == [42, 28, 21, 14]
    assert trace.answer == "1692"
    assert "282" in trace.steps[1].text
    assert one.solve(problem, Random(1), Fault(2, "product", 24)).answer == str(282 + 1440)
    assert one.solve(problem, Random(1), Fault(4, "rows", 1792)).answer == "1792"


@pytest.mark.parametrize(
    ("text", "value"),
    [("2+3*4", 14), ("(2+3)*4", 20), ("10-2-3", 5), ("10-(2-3)", 11), ("2*(3-5)*4-1", -17), ("7", 7)],
)
def test_evaluate(text: str, value: int) -> None:
    assert evaluate(text) == value


def test_grouping_reads_the_same_numbers_in_the_same_order() -> None:
    one = OrderOfOperations()
    found = [pair for pair in checks.made("order-of-operations", 1000) if pair.fault.kind == "grouping"]
    assert len(found) > 50
    for pair in found:
        before = one.solve(pair.problem, Random(0)).steps[pair.fault.step].state.before
        assert leaves(before) == leaves(pair.fault.detail[0])


def leaves(tree: Any) -> list[int]:
    return [tree] if isinstance(tree, int) else [*leaves(tree[1]), *leaves(tree[2])]


def test_systems_have_whole_rows_and_answers_over_the_last_pivot_right_or_wrong() -> None:
    one = LinearSystem()
    for pair in checks.made("linear-system", 300):
        for fault in (None, pair.fault):
            steps = one.solve(pair.problem, Random(0), fault).steps
            assert 1 <= abs(steps[-1].state.under) <= 6
        for answer in (pair.gold, pair.wrong_answer):
            value = Fraction(answer)
            assert gcd(value.numerator, value.denominator) == 1
            assert value.denominator <= 6


@pytest.mark.parametrize(
    ("text", "found"),
    [("3x^2 - x + 4", (4, -1, 3)), ("-x", (0, -1)), ("7", (7,)), ("x^3 - 12", (-12, 0, 0, 1)), ("0", (0,))],
)
def test_parse_reads_polynomials(text: str, found: tuple[int, ...]) -> None:
    assert parse(text) == found


def test_a_polynomial_with_another_coefficient_is_wrong() -> None:
    one = Polynomial()
    for pair in checks.made("polynomial", 50):
        for place in range(len(parse(pair.gold))):
            assert not one.check(pair.problem, f"{pair.gold} + x^{place}".replace("x^0", "1"))


def test_committees_and_paths_by_hand() -> None:
    one = Combinatorics()
    least = Committee(1, (4, 5), 3, 2, True, 100)
    assert one.solve(least, Random(0)).answer == str(100 * (6 * 5 + 4))
    assert one.check(least, "3400")
    most = Committee(1, (4, 5), 3, 1, False, 100)
    assert one.solve(most, Random(0)).answer == str(100 * (10 + 4 * 10))
    grid = Grid(1, 3, (2, 1, 0))
    assert one.solve(grid, Random(0)).answer == "0"
    assert one.check(Grid(1, 3, (2, 0, 0)), "2")
    assert one.solve(Grid(1, 3, (2, 0, 0)), Random(0)).answer == "2"


def test_a_case_too_many_or_too_few_is_at_the_bound() -> None:
    found = [pair for pair in checks.made("combinatorics", 1000) if pair.fault.kind == "bound"]
    assert {sign(len(steps(pair, pair.fault)) - len(steps(pair))) for pair in found} == {1, -1}


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


def steps(pair: GeneratedPair, fault: Fault | None = None) -> tuple[Any, ...]:
    return Combinatorics().solve(pair.problem, Random(0), fault).steps


def test_chances_by_hand() -> None:
    one = Probability()
    bag = Bag(1, (3, 5), (0, 0, 1), (True, False))
    assert one.solve(bag, Random(0)).answer == str(Fraction(3, 8) * Fraction(3, 8) * Fraction(5, 7))
    boxes = Boxes(1, (1, 3), (2, 1), (4, 6), 0)
    assert one.solve(boxes, Random(0)).answer == "1/2"
    assert one.check(boxes, "1/2")
    assert not one.check(boxes, "1/3")
