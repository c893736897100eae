"""What a judge costs, and which judges nobody beats on both cost and headline."""

from collections.abc import Sequence

from judgebench.results import Result

PER = 1000
"""Costs are shown per this many judgments: tasks have different sizes, judges different numbers of orders."""


def cost_per_thousand(result: Result) -> float | None:
    """Return the cost in USD of a thousand judgments; None where it is not known, which is not 0."""
    if result.cost is None or not result.counts.trials:
        return None
    try:
        return PER * result.cost / result.counts.trials
    except OverflowError:  # a count that no float holds
        return None


def front(points: Sequence[tuple[float, float]], *, lower: bool = False) -> list[int]:
    """Return the indices of the (cost, value) that no other point beats, by cost, then by value.

    One point beats another when it is no worse in both and better in one; equal points stand together. `lower`
    says that small values are good.
    """
    sign = 1 if lower else -1
    order = sorted(range(len(points)), key=lambda i: (points[i][0], sign * points[i][1], i))
    kept: list[int] = []
    for index in order:
        cost, value = points[index]
        if not kept or sign * value < sign * points[kept[-1]][1] or (cost, value) == points[kept[-1]]:
            kept.append(index)
    return kept
