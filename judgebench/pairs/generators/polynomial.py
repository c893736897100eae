"""Products of two polynomials: every term times the other factor, then like powers collected."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

DEGREES = {1: (2, 1), 2: (2, 2), 3: (3, 2), 4: (3, 3), 5: (4, 4)}
LARGEST = {1: 5, 2: 6, 3: 9, 4: 9, 5: 12}
LIMIT = 10_000
HARD = 4
"""From this level on a collected power does not show what was added."""
ROWS = ("{term} × ({factor}) = {row}.", "{term} times {factor} gives {row}.", "Multiply by {term}: {row}.")
POWERS = (
    "Collect the {power} terms: {sum} = {total}.",
    "The {power} terms, {sum}, make {total}.",
    "For the {power} terms we have {sum}, that is {total}.",
)
HARD_POWERS = (
    "The {power} terms come to {total}.",
    "Collecting the {power} terms gives {total}.",
    "In all, the {power} terms make {total}.",
)
Coefficients = tuple[int, ...]


@dataclass(frozen=True)
class Product:
    """Two polynomials, coefficients from the constant up; none is 0."""

    level: int
    one: Coefficients
    two: Coefficients


class Row(NamedTuple):
    """One term of the second factor times the first factor: the coefficients, and the power they start at."""

    start: int
    coefficients: Coefficients


class Power(NamedTuple):
    """One power collected: what is added, and the sum."""

    power: int
    terms: Coefficients
    total: int


class Polynomial(Generator[Product]):
    """Faults: the sign of a product or of a term collected, a product beside the right one, a sum off by a little."""

    name = "polynomial"
    category = "math"

    def problem(self, rng: Random, level: int) -> Product:
        """Draw two polynomials."""
        one, two = (tuple(_nonzero(rng, LARGEST[level]) for _ in range(degree + 1)) for degree in DEGREES[level])
        return Product(level, one, two)

    def ask(self, problem: Product, rng: Random) -> str:
        """Return the question."""
        what = pick(rng, ("Expand ({})({}).", "Multiply out ({})({}).", "Write ({})({}) without brackets."))
        text = what.format(_text(problem.one, "-"), _text(problem.two, "-"))
        return f"{text} Give the polynomial in x in descending powers. {demand(self.form, rng)}"

    def faults(self, problem: Product, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield mistakes, evenly over the steps."""
        return drawn(rng, len(trace.steps), lambda step: _mistake(problem, step, trace.steps[step].state, rng))

    def solve(self, problem: Product, rng: Random, fault: Fault | None = None) -> Trace:
        """Multiply term by term, then collect from the highest power down."""
        minus = pick(rng, "−-")
        by_row, by_power = pick(rng, ROWS), pick(rng, HARD_POWERS if problem.level >= HARD else POWERS)
        factor = _text(problem.one, minus)
        rows, steps = list[Row](), list[Step]()
        for start in reversed(range(len(problem.two))):
            row = Row(start, tuple(problem.two[start] * number for number in problem.one))
            row = fault.detail if fault and fault.step == len(steps) else row
            term = _text((0,) * start + (problem.two[start],), minus)
            shown = _text((0,) * start + row.coefficients, minus)
            steps.append(Step(by_row.format(term=term, factor=factor, row=shown), row))
            rows.append(row)
        highest = len(problem.one) + len(problem.two) - 2
        totals = [0] * (highest + 1)
        for power in reversed(range(highest + 1)):
            terms = [row.coefficients[power - row.start] for row in rows
                     if 0 <= power - row.start < len(row.coefficients)]  # fmt: skip
            state = Power(power, tuple(terms), sum(terms))
            state = fault.detail if fault and fault.step == len(steps) else state
            parts = {"power": _power(power) or "constant", "sum": _sum(state.terms, minus),
                     "total": str(state.total).replace("-", minus)}  # fmt: skip
            steps.append(Step(by_power.format(**parts), state))
            totals[power] = state.total
        return Trace(tuple(steps), _text(tuple(totals), "-"))

    def check(self, problem: Product, answer: str) -> bool:
        """Compare the values at more points than the product has coefficients."""
        given = parse(answer)
        points = range(-len(problem.one), len(problem.two) + 2)
        return all(_at(given, x) == _at(problem.one, x) * _at(problem.two, x) for x in points)


def _nonzero(rng: Random, most: int) -> int:
    size = 1 + int(rng.random() * most)
    return size if rng.random() < 0.5 else -size  # noqa: PLR2004


def _mistake(problem: Product, step: int, state: Row | Power, rng: Random) -> Fault | None:
    sign = rng.random() < 0.5  # noqa: PLR2004
    if isinstance(state, Row):
        place = int(rng.random() * len(state.coefficients))
        one, two = problem.one[place], problem.two[state.start]
        wrong = -one * two if sign else slips.product(rng, one, two, 1, LARGEST[problem.level])
        if wrong is None:
            return None
        altered = (*state.coefficients[:place], wrong, *state.coefficients[place + 1 :])
        return Fault(step, "sign" if sign else "product", Row(state.start, altered))
    if sign:
        place = int(rng.random() * len(state.terms))
        terms = tuple(-term if at == place else term for at, term in enumerate(state.terms))
        return Fault(step, "collected-sign", Power(state.power, terms, sum(terms)))
    if len(state.terms) == 1:
        return None
    wrong = slips.nudge(rng, state.total, -LIMIT, LIMIT, max(1, HARD - problem.level))
    return None if wrong is None else Fault(step, "sum", Power(state.power, state.terms, wrong))


def _power(power: int) -> str:
    return "" if power == 0 else "x" if power == 1 else f"x^{power}"


def _text(coefficients: Coefficients, minus: str) -> str:
    """Return a polynomial in descending powers: 3x^2 - x + 4."""
    text = ""
    for power in reversed(range(len(coefficients))):
        number = coefficients[power]
        if number:
            sign = f" {minus if number < 0 else '+'} " if text else minus if number < 0 else ""
            text += f"{sign}{'' if abs(number) == 1 and power else abs(number)}{_power(power)}"
    return text or "0"


def _sum(terms: Coefficients, minus: str) -> str:
    text = str(terms[0]).replace("-", minus)
    return text + "".join(f" {minus if term < 0 else '+'} {abs(term)}" for term in terms[1:])


def _at(coefficients: Coefficients, x: int) -> int:
    return sum(number * x**power for power, number in enumerate(coefficients))


def parse(text: str) -> Coefficients:
    """Return the coefficients of a polynomial such as `_text` writes."""
    found: dict[int, int] = {}
    for sign, number, letter, power in re.findall(r"([+-]?)\s*(\d*)(x?)(?:\^(\d+))?", text):
        if number or letter:
            place = int(power or 1) if letter else 0
            found[place] = found.get(place, 0) + int(f"{sign}{number or 1}")
    return tuple(found.get(power, 0) for power in range(max(found, default=0) + 1))
