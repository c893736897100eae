"""Slips that leave no mark: a wrong value is drawn from those that right traces show, by a rule that goes both ways.

Every function here returns None where it makes no slip; the caller then tries another step. Refusing to leave a range,
instead of bouncing off its ends, is what keeps values near the ends as frequent in wrong traces as in right ones.
"""

from collections.abc import Sequence
from random import Random

DIGITS = 9


def nudge(rng: Random, value: int, low: int, high: int, most: int = 1) -> int | None:
    """Return a value 1 to `most` away, up as often as down, or None where that leaves the range."""
    slipped = value + (1 + int(rng.random() * most)) * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004
    return slipped if low <= slipped <= high else None


def weighed(rng: Random, value: int, weights: Sequence[int], most: int = 1) -> int | None:
    """Return a nudged value where `weights[value]` says how often right traces show it.

    A step to a rarer value is taken more rarely, so that all values stay as frequent as they were (Metropolis' rule).
    """
    slipped = nudge(rng, value, 0, len(weights) - 1, most)
    return None if slipped is None or rng.random() * weights[value] >= weights[slipped] else slipped


def other(rng: Random, value: int, low: int, high: int) -> int:
    """Return another value of a range, each equally likely."""
    drawn = low + int(rng.random() * (high - low))
    return drawn if drawn < value else drawn + 1


def product(rng: Random, one: int, two: int, low: int, high: int) -> int | None:
    """Return the product that stands beside the right one in the times table, or None beyond the table's edge.

    Negative factors keep their signs.
    """
    signs = (-1 if one < 0 else 1) * (-1 if two < 0 else 1)
    first, second = abs(one), abs(two)
    if rng.random() < 0.5:  # noqa: PLR2004
        first, second = second, first
    slipped = nudge(rng, first, low, high)
    return None if slipped is None else signs * slipped * second


def digit(rng: Random, number: int) -> int:
    """Return a number with one of its digits misread as another; its length stays."""
    text = str(abs(number))
    place = int(rng.random() * len(text))
    low = 1 if place == 0 else 0
    misread = int(text[:place] + str(other(rng, int(text[place]), low, DIGITS)) + text[place + 1 :])
    return -misread if number < 0 else misread


def column(rng: Random, number: int) -> int | None:
    """Return a number that is off by one in a column other than the units: a carry lost or made up."""
    places = len(str(abs(number))) - 1
    if places < 1:
        return None
    slipped = number + 10 ** (1 + int(rng.random() * places)) * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004
    return slipped if len(str(abs(slipped))) == places + 1 and slipped * number > 0 else None
