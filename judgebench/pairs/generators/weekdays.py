"""The calendar: how long months and years are, leap years included, and which weekday a date falls on."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from judgebench.pairs.generators.base import Fault, Generator, Step, Trace
from judgebench.pairs.generators.choices import LETTERS, OPTIONS, choose_from, letter_of, settle
from judgebench.pairs.generators.draws import below, one, several, sign
from judgebench.pairs.generators.wording import pick

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
WEEK, YEAR, YEARLY, FEBRUARY = 7, 365, 12, 1
LEGS = {1: 2, 2: 3, 3: 5, 4: 6, 5: 8}
"""Legs, of some months or of a year, from one date to the other."""
LEAPS = {1: 0.0, 2: 0.3, 3: 0.5, 4: 0.6, 5: 0.7}
"""How often whole years are counted instead of months."""
TURNS = (1700, 1800, 1900, 2000, 2100)
HARD = 4
"""From this level on a step shows only the weekday that it leads to."""
OPEN = (
    "From {start} to {end} it is {length} days, that is whole weeks and {rest}: {day}.",
    "{start} to {end}: {length} days, which moves the weekday by {rest}, to {day}.",
    "{length} days pass from {start} to {end}. Left over after whole weeks: {rest}. So it is {day}.",
)
TERSE = ("{end} is a {day}.", "{end}: {day}.", "So {end} falls on a {day}.", "That puts {end} on a {day}.")
MOST = 3
"""The months that are counted at once."""
Leg = tuple[int, int, int]
"""A year, a month (from 0) and how many months pass, 12 for a year, to the same day."""


@dataclass(frozen=True)
class Span:
    """The date it starts from, its weekday (from 0), the months that pass leg by leg, and the options' weekdays."""

    level: int
    start: tuple[int, int, int]
    day: int
    legs: tuple[int, ...]
    options: tuple[int, ...]
    slip: tuple[int, int]
    """The leg that the wrong response misremembers, and by how many days."""


class Weekdays(Generator[Span]):
    """Faults: a month or year taken for a longer or shorter one; a weekday counted wrongly."""

    name = "weekdays"
    category = "knowledge"

    def problem(self, rng: Random, level: int) -> Span:
        """Draw dates and a leg that is misremembered, together: only so is either as likely the other way round."""
        years = rng.random() < LEAPS[level]
        away = sign(rng) * (1 if years else 1 + below(rng, 2))
        while True:
            start, legs = _dates(rng, level, years=years)
            step = below(rng, len(legs))
            if _mistaken(_legs(start, legs)[step], away, rng):
                break
        day = date(start[0], start[1] + 1, start[2]).weekday()
        right = (day + sum(map(_length, _legs(start, legs)))) % WEEK
        others = several(rng, [number for number in range(1, WEEK) if number != away % WEEK], OPTIONS - 2)
        options = several(rng, [(right + number) % WEEK for number in (0, away, *others)], OPTIONS)
        return Span(level, start, day, legs, tuple(options), (step, away))

    def ask(self, problem: Span, rng: Random) -> str:
        """Return the question."""
        start, end = problem.start, _after(problem.start, sum(problem.legs))
        what = pick(
            rng,
            (
                "In the Gregorian calendar {start} was a {day}. Which weekday is {end}?",
                "{start} is a {day} (Gregorian calendar). On which weekday does {end} fall?",
                "If {start} falls on a {day}, on which weekday does {end} fall in the Gregorian calendar?",
            ),
        )
        text = what.format(start=_say(start), end=_say(end), day=DAYS[problem.day])
        return choose_from(text, [DAYS[day] for day in problem.options], self.form, rng)

    def faults(self, problem: Span, trace: Trace, rng: Random) -> list[Fault]:  # noqa: ARG002 - the span tells
        """Return the mistake that was drawn with the dates: in the leg's length, or in the days counted from it."""
        return [Fault(problem.slip[0], one(rng, ("length", "count")), problem.slip[1])]

    def solve(self, problem: Span, rng: Random, fault: Fault | None = None) -> Trace:
        """Count from month to month, or from year to year."""
        template = pick(rng, TERSE if problem.level >= HARD else OPEN)
        here, day, steps = problem.start, problem.day, list[Step]()
        for number, leg in enumerate(_legs(problem.start, problem.legs)):
            made = fault if fault and fault.step == number else None
            length = _length(leg) + (made.detail if made and made.kind == "length" else 0)
            day = (day + length + (made.detail if made and made.kind == "count" else 0)) % WEEK
            after = _after(here, leg[2])
            text = template.format(start=_say(here), end=_say(after), length=length, rest=length % WEEK, day=DAYS[day])
            steps.append(Step(text, day))
            here = after
        letter = letter_of([DAYS[day] for day in problem.options], DAYS[day])
        return Trace((*steps, Step(settle(letter, rng), letter)), letter)

    def check(self, problem: Span, answer: str) -> bool:
        """Ask Python's own calendar."""
        year, month, day = _after(problem.start, sum(problem.legs))
        first = date(problem.start[0], problem.start[1] + 1, problem.start[2])
        passed: timedelta = date(year, month + 1, day) - first
        right = (first.weekday() + passed.days) % WEEK
        return answer == LETTERS[problem.options.index(right)]


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _length(leg: Leg) -> int:
    """Return the days of a leg that starts on one of the first 28 days of its month."""
    year, month, count = leg
    if count == YEARLY:
        return YEAR + _leap(year + (month > FEBRUARY))
    passed = [(year + at // YEARLY, at % YEARLY) for at in range(month, month + count)]
    return sum(LENGTHS[month] + (month == FEBRUARY and _leap(year)) for year, month in passed)


def _legs(start: tuple[int, int, int], legs: tuple[int, ...]) -> list[Leg]:
    found = []
    for count in legs:
        found.append((start[0], start[1], count))
        start = _after(start, count)
    return found


def _after(start: tuple[int, int, int], months: int) -> tuple[int, int, int]:
    year, month, day = start
    return year + (month + months) // YEARLY, (month + months) % YEARLY, day


def _dates(rng: Random, level: int, *, years: bool) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return a date, years at hard levels often around a century's turn, and legs of some months, or of a year each."""
    legs = tuple(YEARLY if years else 1 + below(rng, MOST) for _ in range(LEGS[level]))
    if not years and level < HARD:
        year = 1990 + below(rng, 60)
    elif rng.random() < 0.4:  # noqa: PLR2004
        year = one(rng, TURNS) - below(rng, len(legs) + 1)
    else:
        year = 1690 + below(rng, 410)
    return (year, below(rng, 12), 1 + below(rng, 28)), legs


def _mistaken(leg: Leg, away: int, rng: Random) -> bool:
    """Return whether a leg is taken for one that is longer by so many days.

    As many years of 366 days are taken for 365 as the other way round. Months have several lengths: a rarer one is
    refused as a mistake for a more frequent one as often as keeps both even (Metropolis' rule).
    """
    weights, length = _frequencies(leg[2]), _length(leg)
    if leg[2] == YEARLY:
        return weights[length + away] > 0
    return rng.random() * weights[length] < weights[length + away]


@cache
def _frequencies(count: int) -> Counter[int]:
    """Return how often so many months have each length, over the calendar's 400 years."""
    return Counter(_length((year, month, count)) for year in range(2000, 2400) for month in range(YEARLY))


def _say(when: tuple[int, int, int]) -> str:
    return f"{when[2]} {MONTHS[when[1]]} {when[0]}"
