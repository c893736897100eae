"""Long addition and multiplication, column by column, as on paper."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

HARD = 4
"""From this level on a column shows only what it comes to."""
SUMS = {1: (2, 4), 2: (3, 5), 3: (3, 7), 4: (4, 9), 5: (5, 11)}
"""Addends and their digits."""
PRODUCTS = {1: (4, 1), 2: (6, 1), 3: (5, 2), 4: (6, 2), 5: (7, 3)}
"""Digits of the two factors."""
PLACES = ("units", "tens", "hundreds", "thousands", "ten-thousands")
OPEN_SUMS = (
    "{place}: {digits} + carried {carried} = {total}, write {written}, carry {carry}.",
    "{place}: {digits} and the {carried} carried over make {total}; {written} goes down, {carry} is carried.",
    "{place}: with a carry of {carried}, {digits} is {total} in all. Write {written} and carry {carry}.",
)
OPEN_PRODUCTS = (
    "{place}: {digits} = {product}, plus carried {carried} is {total}, write {written}, carry {carry}.",
    "{place}: {digits} gives {product}, {total} with the carried {carried}; {written} goes down, {carry} is carried.",
    "{place}: {digits} is {product}, and the carry of {carried} makes it {total}. Write {written} and carry {carry}.",
)
TERSE = (
    "{place}: {total}, write {written}, carry {carry}.",
    "{place}: comes to {total}; {written} goes down, {carry} is carried.",
    "{place}: this makes {total}. Write {written} and carry {carry}.",
)
ROWS = ("That row reads {value}.", "The row is {value}.", "So this row: {value}.")
ADDING = (
    "Adding the rows {rows} gives {total}.",
    "The rows {rows} add up to {total}.",
    "Altogether {rows} makes {total}.",
)


@dataclass(frozen=True)
class Sum:
    """Numbers to add, or two to multiply; the second factor has no zeros."""

    level: int
    numbers: tuple[int, ...]
    times: bool


class Column(NamedTuple):
    """One column: the digits met, the multiplier (0 in a sum), what is carried in, the total, what goes out."""

    row: int
    place: int
    digits: tuple[int, ...]
    carried: int
    product: int
    total: int
    carry: int


class ArithmeticColumns(Generator[Sum]):
    """Faults: a digit misread, a column's total or product wrong, a carry wrong, the rows added wrongly."""

    name = "arithmetic-columns"
    category = "math"

    def problem(self, rng: Random, level: int) -> Sum:
        """Draw numbers: as many again of sums as of products."""
        times = rng.random() < 0.5  # noqa: PLR2004
        if not times:
            count, length = SUMS[level]
            return Sum(level, tuple(_number(rng, length) for _ in range(count)), times)
        first, second = PRODUCTS[level]
        multiplier = int("".join(str(2 + int(rng.random() * 8)) for _ in range(second)))
        return Sum(level, (_number(rng, first), multiplier), times)

    def ask(self, problem: Sum, rng: Random) -> str:
        """Return the question."""
        if problem.times:
            what = pick(rng, ("Multiply {} by {} by hand.", "Compute {} × {}.", "What is {} times {}?"))
            text = what.format(*problem.numbers)
        else:
            what = pick(rng, ("Add {}.", "Compute the sum {}.", "What does {} come to?"))
            text = what.format(" + ".join(map(str, problem.numbers)))
        return f"{text} Go column by column. {demand(self.form, rng)}"

    def faults(self, problem: Sum, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield slips, evenly over the columns."""
        steps = trace.steps
        return drawn(rng, len(steps), lambda step: _slip(problem, step, steps[step].state, rng))

    def solve(self, problem: Sum, rng: Random, fault: Fault | None = None) -> Trace:
        """Solve from the units up."""
        columns = list(_product(problem.numbers, fault) if problem.times else _sum(problem.numbers, fault))
        voice = int(rng.random() * len(TERSE))
        terse, opened = TERSE[voice], (OPEN_PRODUCTS if problem.times else OPEN_SUMS)[voice]
        grouped = ",d" if rng.random() < 0.5 else "d"  # noqa: PLR2004
        rows: list[int] = []
        steps: list[Step] = []
        value = 0
        for number, one in enumerate(columns):
            last = number + 1 == len(columns) or columns[number + 1].row != one.row
            text = _say(problem, one, terse if problem.level >= HARD else opened)
            value += (one.total if last else one.total % 10) * 10**one.place
            if last:
                rows.append(value * 10**one.row)
                text += " " + pick(rng, ROWS).format(value=format(rows[-1], grouped))
                value = 0
            steps.append(Step(text, one))
        answer = rows[0]
        if len(rows) > 1:
            answer = fault.detail if fault and fault.kind == "rows" else sum(rows)
            shown = " + ".join(format(row, grouped) for row in rows)
            steps.append(Step(pick(rng, ADDING).format(rows=shown, total=format(answer, grouped)), answer))
        return Trace(tuple(steps), str(answer))

    def check(self, problem: Sum, answer: str) -> bool:
        """Compute with whole numbers."""
        one, *rest = problem.numbers
        return answer == str(one * rest[0] if problem.times else sum(problem.numbers))


def _number(rng: Random, digits: int) -> int:
    low = 10 ** (digits - 1)
    return int(low + rng.random() * 9 * low)


def _digits(number: int) -> list[int]:
    return [int(text) for text in reversed(str(number))]


def _sum(numbers: tuple[int, ...], fault: Fault | None) -> Iterator[Column]:
    columns = zip(*(_digits(number) for number in numbers), strict=True)
    carry = 0
    for place, digits in enumerate(columns):
        here = fault if fault and fault.step == place else None
        one = Column(0, place, here.detail if here and here.kind == "digit" else digits, carry, 0, 0, 0)
        yield (one := _carried(one, sum(one.digits) + carry, here))
        carry = one.carry


def _product(factors: tuple[int, ...], fault: Fault | None) -> Iterator[Column]:
    number, step = _digits(factors[0]), 0
    for row, multiplier in enumerate(_digits(factors[1])):
        carry = 0
        for place, digit in enumerate(number):
            here = fault if fault and fault.step == step else None
            met = here.detail if here and here.kind == "digit" else (digit, multiplier)
            product = here.detail if here and here.kind == "product" else met[0] * met[1]
            yield (one := _carried(Column(row, place, met, carry, product, 0, 0), product + carry, here))
            carry, step = one.carry, step + 1


def _carried(column: Column, total: int, fault: Fault | None) -> Column:
    total = fault.detail if fault and fault.kind == "total" else total
    carry = fault.detail if fault and fault.kind == "carry" else total // 10
    return column._replace(total=total, carry=carry)


def _slip(problem: Sum, step: int, state: Column | int, rng: Random) -> Fault | None:
    if isinstance(state, int):
        total = slips.column(rng, state)
        return None if total is None else Fault(step, "rows", total)
    kind = pick(rng, ("digit", "total" if not problem.times else "product", "carry"))
    if kind == "digit":
        return Fault(step, kind, _misread(problem, state, rng))
    if kind == "carry":
        weights = _carries(state.digits[1] if problem.times else 0, len(problem.numbers))
        last = state.place + 1 == len(str(problem.numbers[0]))
        wrong = None if last else slips.weighed(rng, state.carry, weights)
    elif kind == "product":
        wrong = slips.product(rng, state.digits[0], state.digits[1], 0, 9)
    else:
        wrong = slips.weighed(rng, state.total, _totals(len(problem.numbers)), max(1, HARD - problem.level))
    return None if wrong is None else Fault(step, kind, wrong)


@cache
def _carries(multiplier: int, addends: int) -> tuple[int, ...]:
    """Return how often each carry leaves a column, of random digits times a multiplier or, where it is 0, added."""
    if multiplier:
        found = Counter((digit * multiplier + carry) // 10 for digit in range(10) for carry in range(multiplier))
        return tuple(found[carry] for carry in range(multiplier))
    # Carries of a long addition follow Euler's numbers (Holte 1997).
    row = [1]
    for size in range(2, addends + 1):
        longer = [0, *row, 0]
        row = [(k + 1) * longer[k + 1] + (size - k) * longer[k] for k in range(size)]
    return tuple(row)


@cache
def _totals(addends: int) -> tuple[int, ...]:
    """Return how often a column of random digits comes to each total, its carry included."""
    found = Counter(dict(enumerate(_carries(0, addends))))
    for _ in range(addends):
        longer: Counter[int] = Counter()
        for total, count in found.items():
            for digit in range(10):
                longer[total + digit] += count
        found = longer
    return tuple(found[total] for total in range(max(found) + 1))


def _misread(problem: Sum, column: Column, rng: Random) -> tuple[int, ...]:
    index = 0 if problem.times else int(rng.random() * len(column.digits))
    low = 1 if column.place + 1 == len(str(problem.numbers[0])) else 0
    digits = list(column.digits)
    digits[index] = slips.other(rng, digits[index], low, 9)
    return tuple(digits)


def _say(problem: Sum, column: Column, template: str) -> str:
    place = PLACES[column.place] if column.place < len(PLACES) else f"column {column.place + 1}"
    if problem.times and len(str(problem.numbers[1])) > 1:
        place = f"row {column.row + 1}, {place}"
    return template.format(
        place=place.capitalize(),
        digits=(" × " if problem.times else " + ").join(map(str, column.digits)),
        carried=column.carried,
        product=column.product,
        total=column.total,
        written=column.total % 10,
        carry=column.carry,
    )
