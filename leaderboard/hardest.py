"""The items that judges get wrong most often: ids and categories, for the board knows no texts."""

from dataclasses import dataclass

import numpy as np

from judgebench.leaderboard.outcomes import Outcomes

SHOWN = 20
FEWEST = 3
"""Fewer judges than this say nothing about an item."""


@dataclass(frozen=True)
class Hard:
    """An item, the mean of the judges' values on it (the share that has it right) and how many judges that is."""

    item: str
    category: str
    share: float
    judges: int


def hardest(found: Outcomes, judges: frozenset[str], *, lower: bool = False) -> tuple[Hard, ...]:
    """Return the hardest items for the chosen runs, ties ordered by id; nothing from too few judges."""
    rows = [row for row, run in enumerate(found.runs) if run in judges]
    value = found.value[rows]
    counts = (~np.isnan(value)).sum(axis=0)
    if len(rows) < FEWEST or not counts.any():
        return ()
    shares = np.nansum(value, axis=0) / np.maximum(counts, 1)
    items = [
        Hard(gold.item, gold.category, float(share), int(count))
        for gold, share, count in zip(found.gold, shares, counts, strict=True)
        if count >= FEWEST
    ]
    return tuple(sorted(items, key=lambda one: (-one.share if lower else one.share, one.item))[:SHOWN])
