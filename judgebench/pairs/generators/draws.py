"""Draws that are even and quick: `random.Random`'s own are several times slower, and may change between versions."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def below(rng: Random, count: int) -> int:
    """Return a whole number from 0 up to `count`, without it."""
    return int(rng.random() * count)


def one(rng: Random, options: Sequence[T]) -> T:
    """Return one of the options."""
    return options[int(rng.random() * len(options))]


def several(rng: Random, options: Sequence[T], count: int) -> list[T]:
    """Return so many of the options, all different, in random order."""
    left = list(options)
    return [left.pop(int(rng.random() * len(left))) for _ in range(count)]


def sign(rng: Random) -> int:
    """Return 1 or -1."""
    return 1 if rng.random() < 0.5 else -1  # noqa: PLR2004
