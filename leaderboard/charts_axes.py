"""Axes: where they begin and end and which round numbers stand on them, so that no renderer has to choose."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

STEPS = (1, 2, 2.5, 5, 10)
MOST = 6
"""At most this many steps from one end of an axis to the other."""
WIDE = 20
"""Positive values that span a larger ratio than this stand on a logarithmic axis."""

Scale = Literal["linear", "log", "symlog"]


@dataclass(frozen=True)
class Axis:
    """An axis of a chart: its title, its ends and the numbers on it, in ascending order.

    `constant` is the width of the part around 0 that a symlog scale leaves linear, unused by the others.
    """

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    scale: Scale = "linear"
    constant: float = 1.0

    def share(self, value: float) -> float:
        """Return how far along the axis a value stands: 0 at its low end, 1 at its high end."""
        low, high, at = (self._placed(x) for x in (self.low, self.high, value))
        return (at - low) / (high - low)

    def _placed(self, value: float) -> float:
        if self.scale == "log":
            return math.log(value)
        if self.scale == "symlog":
            return math.copysign(math.log1p(abs(value) / self.constant), value)
        return value


def linear(title: str, values: Iterable[float], *, low: float = -math.inf, high: float = math.inf) -> Axis:
    """Return an axis that holds all values between round numbers, none of them beyond `low` and `high`."""
    found = [min(max(value, low), high) for value in values]
    first, last = min(found), max(found)
    if first == last:
        first, last = max(first - 0.5 * (abs(first) or 1), low), min(last + 0.5 * (abs(last) or 1), high)
    step = _step((last - first) / MOST)
    start, stop = math.floor(first / step + 1e-9), math.ceil(last / step - 1e-9)
    ticks = tuple(_clean(number * step) for number in range(start, stop + 1))
    return Axis(title, ticks[0], ticks[-1], ticks)


def around_zero(title: str, values: Iterable[float], *, high: float = math.inf) -> Axis:
    """Return an axis as long below 0 as above it."""
    most = min(max((abs(value) for value in values), default=0.0) or 1.0, high)
    return linear(title, [-most, most], low=-high, high=high)


def costs(title: str, values: Iterable[float]) -> Axis:
    """Return an axis for amounts: logarithmic where they span much, and then with room for 0 where one is 0."""
    found = sorted(values)
    positive = [value for value in found if value > 0]
    if not positive or positive[-1] / positive[0] <= WIDE:
        return linear(title, [0.0, positive[-1] if positive else 1.0], low=0.0)
    first, last = math.floor(math.log10(positive[0])), math.ceil(math.log10(positive[-1]))
    powers = range(first, max(last, first + 1) + 1)
    every = math.ceil(len(powers) / (MOST + 2))
    ticks = tuple(10.0**power for power in powers if (power - first) % every == 0)
    if found[0] > 0:
        return Axis(title, 10.0**first, 10.0**last, ticks, "log")
    return Axis(title, 0.0, 10.0**last, (0.0, *ticks), "symlog", 10.0**first)


def _step(least: float) -> float:
    """Return the smallest round step that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in STEPS if power * step >= least * (1 - 1e-9))


def _clean(value: float) -> float:
    """Return a multiple of a round step without what binary fractions leave behind; no negative zero."""
    return float(f"{value:.10g}") + 0.0
