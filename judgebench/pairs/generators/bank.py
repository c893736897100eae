"""What program tasks are made of: a statement and a program with the same places to turn, inputs, and an oracle.

A place (`Turn`) has settings, each a piece of code and the words for it. Turning one place makes another right program
for another statement, and for the first statement a wrong one: an edit of one spot that no text gives away, because
every program that is wrong somewhere is right elsewhere, and as often.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from judgebench.pairs.generators.draws import below, one

Turns = Mapping[str, str]
"""A task's places and the code that stands there."""
Oracle = Callable[..., Any]
"""Gets the turns and the arguments; returns what the program should, found another way."""
Settings = tuple[tuple[str, str], ...]
"""Code and words."""


@dataclass(frozen=True)
class Task:
    """A kind of program task. `code` and `statement` hold the places in braces; `inputs` draws arguments."""

    name: str
    arguments: str
    statement: str
    code: str
    turns: Mapping[str, Settings]
    inputs: Callable[[Random], tuple[Any, ...]]
    oracle: Oracle


TESTS: Settings = (("<", "less than"), ("<=", "at most"), (">", "greater than"), (">=", "at least"))
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "+": operator.add, "-": operator.sub,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
ENDS: Settings = (("min", "smallest"), ("max", "largest"))
BEST: dict[str, Callable[..., Any]] = {"min": min, "max": max}
PARITY: Settings = (("0", "even"), ("1", "odd"))
SAME: Settings = (("==", "equal to"), ("!=", "different from"))


def counts(low: int, high: int, words: str = "{}") -> Settings:
    """Return the settings of a whole number from `low` to `high`."""
    return tuple((str(number), words.format(number)) for number in range(low, high + 1))


def numbers(rng: Random) -> list[int]:
    """Return a list of small numbers, seldom short, with repetitions."""
    return [below(rng, 13) - 3 for _ in range(below(rng, 9) + 2)]


def one_list(rng: Random) -> tuple[Any, ...]:
    """Return one list of numbers."""
    return (numbers(rng),)


def two_lists(rng: Random) -> tuple[Any, ...]:
    """Return two lists of the same length."""
    first = numbers(rng)
    return first, [below(rng, 13) - 3 for _ in first]


def with_number(rng: Random) -> tuple[Any, ...]:
    """Return a list and a number that may be in it."""
    return numbers(rng), below(rng, 13) - 3


def square(rng: Random) -> tuple[Any, ...]:
    """Return a square matrix."""
    size = 2 + below(rng, 3)
    return ([[below(rng, 10) for _ in range(size)] for _ in range(size)],)


def word(rng: Random) -> tuple[Any, ...]:
    """Return a word of few different letters, so that they repeat."""
    return ("".join(one(rng, "aabbcdeeiorst") for _ in range(3 + below(rng, 8))),)


def sentence(rng: Random) -> tuple[Any, ...]:
    """Return words of different lengths."""
    return (" ".join(word(rng)[0][: 1 + below(rng, 7)] for _ in range(2 + below(rng, 5))),)


def natural(rng: Random) -> tuple[Any, ...]:
    """Return a number from 1 to 120."""
    return (1 + below(rng, 120),)


def brackets(rng: Random) -> tuple[Any, ...]:
    """Return round brackets that open before they close."""
    text, open_ = "", 0
    for _ in range(4 + below(rng, 10)):
        mark = "(" if open_ == 0 or rng.random() < 0.55 else ")"  # noqa: PLR2004
        open_ += 1 if mark == "(" else -1
        text += mark
    return (text,)


def intervals(rng: Random) -> tuple[Any, ...]:
    """Return intervals as (start, end)."""
    starts = [below(rng, 14) for _ in range(2 + below(rng, 4))]
    return ([(start, start + 1 + below(rng, 5)) for start in starts],)
