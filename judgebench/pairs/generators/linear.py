"""Systems of linear equations, by elimination and back substitution.

The system is made from its echelon form with whole row multipliers, so that every row on the way has whole
coefficients. A slip in a row is then the right working of another such system: its answer looks no different.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from math import gcd
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

SIZES = {1: 2, 2: 3, 3: 3, 4: 4, 5: 5}
COEFFICIENT = {1: 4, 2: 3, 3: 5, 4: 3, 5: 3}
CONSTANT = 20
PIVOT = 6
HARD = 4
"""From this level on slips are by one or by a sign, and a row step does not say the multiplier."""
LETTERS = "xyzuv"
ROWS = (
    "Equation ({row}) {sign} {by} times equation ({pivot}): {result}.",
    "({row}) {sign} {by} × ({pivot}) gives {result}.",
    "Replace ({row}) by ({row}) {sign} {by} × ({pivot}): {result}.",
)
HARD_ROWS = (
    "Eliminating {letter} from equation ({row}): {result}.",
    "With ({pivot}), {letter} drops out of ({row}): {result}.",
    "Equation ({row}) without {letter} reads {result}.",
)
VALUES = ("From equation ({row}), {letter} = {value}.", "Equation ({row}) gives {letter} = {value}.",
          "So {letter} = {value}, by ({row}).")  # fmt: skip
TOTALS = ("The sum is {terms} = {total}.", "Together {terms} = {total}.", "Adding up, {terms} = {total}.")
Row = tuple[int, ...]


@dataclass(frozen=True)
class System:
    """Rows of coefficients, each with its constant last; the multipliers that take it to echelon form."""

    level: int
    rows: tuple[Row, ...]
    multipliers: tuple[tuple[int, int, int], ...]
    """(row, pivot row, multiplier) in the order of elimination."""


class Elimination(NamedTuple):
    """A row after a step."""

    row: int
    pivot: int
    result: Row


class Value(NamedTuple):
    """An unknown found, as a numerator over the last pivot; or, as the last step, their sum."""

    unknown: int
    over: int
    under: int


class LinearSystem(Generator[System]):
    """Faults: a coefficient's sign, a coefficient or constant off, a term with the wrong sign in back substitution."""

    name = "linear-system"
    category = "math"

    def problem(self, rng: Random, level: int) -> System:
        """Draw the echelon form, then undo an elimination."""
        size, most = SIZES[level], COEFFICIENT[level]
        rows = [[0] * size for _ in range(size)]
        for place, row in enumerate(rows):
            row[place] = 1
            for after in range(place + 1, size):
                row[after] = _around(rng, most)
        rows[-1][size - 1] = _around(rng, PIVOT, 1)
        steps = [(low, high, _around(rng, 3, 1)) for high in range(size) for low in range(high + 1, size)]
        for low, high, by in reversed(steps):
            rows[low] = [one + by * two for one, two in zip(rows[low], rows[high], strict=True)]
        return System(level, tuple((*row, _around(rng, CONSTANT)) for row in rows), tuple(steps))

    def ask(self, problem: System, rng: Random) -> str:
        """Return the question."""
        lines = "\n".join(f"({place}) {_equation(row, '-')}" for place, row in enumerate(problem.rows, 1))
        total = " + ".join(LETTERS[: len(problem.rows)])
        what = pick(rng, ("Solve the system", "Given the equations", "Consider the system"))
        return f"{what}\n{lines}\nWhat is {total}? Give an exact value. {demand(self.form, rng)}"

    def faults(self, problem: System, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield mistakes, evenly over the steps."""
        return drawn(rng, len(trace.steps), lambda step: _mistake(problem, step, trace.steps[step].state, rng))

    def solve(self, problem: System, rng: Random, fault: Fault | None = None) -> Trace:
        """Eliminate downwards, then substitute upwards."""
        minus = pick(rng, "−-")
        by_row = pick(rng, HARD_ROWS if problem.level >= HARD else ROWS)
        by_value, in_all = pick(rng, VALUES), pick(rng, TOTALS)
        steps = list[Step]()
        for state, by in _worked(problem, fault):
            if isinstance(state, Elimination):
                text = by_row.format(
                    row=state.row + 1, pivot=state.pivot + 1, letter=LETTERS[state.pivot], by=abs(by),
                    sign="minus" if by > 0 else "plus", result=_equation(state.result, minus),
                )  # fmt: skip
            elif state.unknown < len(problem.rows):
                text = by_value.format(row=state.unknown + 1, letter=LETTERS[state.unknown], value=_ratio(state, minus))
            else:
                terms = " + ".join(LETTERS[: len(problem.rows)])
                text = in_all.format(terms=terms, total=_ratio(state, minus))
            steps.append(Step(text, state))
        return Trace(tuple(steps), _ratio(steps[-1].state, "-"))

    def check(self, problem: System, answer: str) -> bool:
        """Use Cramer's rule with determinants from their definition."""
        whole = _determinant([row[:-1] for row in problem.rows])
        total = 0
        for place in range(len(problem.rows)):
            total += _determinant([(*row[:place], row[-1], *row[place + 1 : -1]) for row in problem.rows])
        return Fraction(answer) == Fraction(total, whole)


def _around(rng: Random, most: int, least: int = 0) -> int:
    """Return a number from -most to most, none more likely than another; with `least` = 1 it is not 0."""
    number = int(rng.random() * (2 * most + 1 - least)) - most
    return number + 1 if least and number >= 0 else number


def _worked(problem: System, fault: Fault | None) -> Iterator[tuple[Elimination | Value, int]]:
    """Yield each step's state, and the multiplier of a row step."""
    rows = list(problem.rows)
    for number, (row, pivot, by) in enumerate(problem.multipliers):
        rows[row] = tuple(one - by * two for one, two in zip(rows[row], rows[pivot], strict=True))
        if fault and fault.step == number:
            rows[row] = fault.detail
        yield Elimination(row, pivot, rows[row]), by
    size, number = len(rows), len(problem.multipliers)
    values, under = [0] * size, 1
    for place in reversed(range(size)):
        used: Row = fault.detail if fault and fault.step == number else rows[place]
        known = sum(used[later] * values[later] for later in range(place + 1, size))
        under = used[place] if place == size - 1 else under
        values[place] = used[-1] * (1 if place == size - 1 else under) - known
        yield Value(place, values[place], under), 0
        number += 1
    off = fault.detail * under if fault and fault.step == number else 0
    yield Value(size, sum(values) + off, under), 0


def _mistake(problem: System, step: int, state: Elimination | Value, rng: Random) -> Fault | None:
    """Make a mistake in a row, in the row as substituted into, or in the sum.

    In a row it is the last unknown or the constant: elsewhere the leading coefficients below would no longer be 1.
    """
    size = len(problem.rows)
    if isinstance(state, Elimination):
        final = state.pivot == state.row - 1
        fault = _altered(problem, state.result, (size - 1, size), Fault(step, "", (state.row, final)), rng)
        return fault if fault and _ordinary(problem, fault) else None
    if state.unknown == size:
        return Fault(step, "sum", 1 if rng.random() < 0.5 else -1)  # noqa: PLR2004
    echelon = list(problem.rows)
    for row, pivot, by in problem.multipliers:
        echelon[row] = tuple(one - by * two for one, two in zip(echelon[row], echelon[pivot], strict=True))
    place = state.unknown
    places = tuple(range(place if place == size - 1 else place + 1, size + 1))
    return _altered(problem, echelon[place], places, Fault(step, "substituted-", (place, True)), rng)


def _ordinary(problem: System, fault: Fault) -> bool:
    """Return whether the last unknown's coefficients stay within what `problem` draws, as far as rows are final."""
    for state, _ in _worked(problem, fault):
        if isinstance(state, Elimination) and state.pivot == state.row - 1:
            last, pivot = state.result[-2], state.row == len(problem.rows) - 1
            if abs(last) > (PIVOT if pivot else COEFFICIENT[problem.level]) or (pivot and not last):
                return False
    return True


def _altered(problem: System, values: Row, places: Sequence[int], fault: Fault, rng: Random) -> Fault | None:
    """Return the fault of one entry being wrong: by sign, or by a little, within what such entries may be."""
    size, (row, final) = len(values) - 1, fault.detail
    place = places[int(rng.random() * len(places))]
    value, pivot = values[place], place == row == size - 1
    if rng.random() < 0.5:  # noqa: PLR2004
        kind, wrong = "sign", -value
    else:
        most = PIVOT if pivot else COEFFICIENT[problem.level]
        limit = most if final and place < size else abs(value) + 2
        kind, wrong = "slip", slips.nudge(rng, value, -limit, limit, 1 if problem.level >= HARD else 2)  # type: ignore[assignment]
    if wrong is None or wrong == value or (pivot and not wrong):
        return None
    return Fault(fault.step, fault.kind + kind, (*values[:place], wrong, *values[place + 1 :]))


def _ratio(value: Value, minus: str) -> str:
    shared = gcd(value.over, value.under) * (-1 if value.under < 0 else 1)
    over, under = value.over // shared, value.under // shared
    return _signed(over, minus) if under == 1 else f"{_signed(over, minus)}/{under}"


def _signed(value: int, minus: str) -> str:
    return str(value).replace("-", minus)


def _equation(row: Row, minus: str) -> str:
    text = ""
    for letter, number in zip(LETTERS, row[:-1], strict=False):
        if number:
            sign = f" {minus if number < 0 else '+'} " if text else minus if number < 0 else ""
            text += f"{sign}{'' if abs(number) == 1 else abs(number)}{letter}"
    return f"{text or '0'} = {_signed(row[-1], minus)}"


def _determinant(matrix: list[Row]) -> int:
    total = 0
    for order in permutations(range(len(matrix))):
        term = 1
        for row, column in enumerate(order):
            term *= matrix[row][column]
        swaps = sum(one > two for place, two in enumerate(order) for one in order[:place])
        total += -term if swaps % 2 else term
    return total
