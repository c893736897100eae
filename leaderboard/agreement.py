"""How far judges agree with each other on a task's pairs, whoever is right: Cohen's kappa on what both decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from judgebench.leaderboard.outcomes import Outcomes
from judgebench.metrics.table import Floats, Ints

MOST = 30
FEWEST = 3
"""Fewer judges than this make no map."""
LEVELS = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Where a shade of the map begins: below 0, then from each of these on."""


@dataclass(frozen=True)
class Agreement:
    """`kappa` and `n`, both of shape [judges, judges], of `runs` in the order of the ranking. NaN where undefined.

    `left_out` are the judges beyond the `MOST` that decided the most items.
    """

    runs: tuple[str, ...]
    kappa: Floats
    n: Ints
    left_out: int

    @cached_property
    def cells(self) -> list[tuple[int, int, str, int, int]]:
        """Return (row, column, text, shade, n) of the triangle below the diagonal."""
        return [
            (row, column, _text(self.kappa[row, column]), shade(self.kappa[row, column]), int(self.n[row, column]))
            for row in range(len(self.runs))
            for column in range(row)
        ]

    @property
    def says(self) -> str:
        """Return the map in a sentence."""
        values = self.kappa[np.tril_indices(len(self.runs), -1)]
        known = values[~np.isnan(values)]
        if not len(known):
            return "No two judges decided enough items for a kappa."
        ends = ", ".join(
            f"{name} {_text(value)}"
            for name, value in (("lowest", known.min()), ("median", np.median(known)), ("highest", known.max()))
        )
        return f"Cohen's kappa of {len(known)} pairs of {len(self.runs)} judges: {ends}."


def agreement(found: Outcomes, places: Mapping[str, int]) -> Agreement | None:
    """Return the agreement of the runs in `places` (run to its place in the ranking); None for too few or no pairs."""
    if found.choice is None:
        return None
    rows = [row for row, run in enumerate(found.runs) if run in places]
    decided = {row: int((np.abs(found.choice[row]) == 1).sum()) for row in rows}
    best = sorted(rows, key=lambda row: (-decided[row], places[found.runs[row]], found.runs[row]))[:MOST]
    kept = sorted((row for row in best if decided[row]), key=lambda row: (places[found.runs[row]], found.runs[row]))
    if len(kept) < FEWEST:
        return None
    kappa, n = kappas(found.choice[kept])
    return Agreement(tuple(found.runs[row] for row in kept), kappa, n, len(rows) - len(kept))


def kappas(choice: NDArray[np.int8]) -> tuple[Floats, Ints]:
    """Return Cohen's kappa of every two rows on the items that both decided (1 or -1), and how many these are."""
    first, second = (choice == 1).astype(np.float64), (choice == -1).astype(np.float64)
    both_first, both_second = first @ first.T, second @ second.T
    mixed = first @ second.T
    n = both_first + both_second + mixed + mixed.T
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = (both_first + both_second) / n
        own, other = (both_first + mixed) / n, (both_first + mixed.T) / n
        chance = own * other + (1 - own) * (1 - other)
        kappa = np.where((n > 0) & (chance < 1 - 1e-12), (observed - chance) / (1 - chance), np.nan)
    return kappa, n.astype(np.int64)


def shade(kappa: float) -> int:
    """Return the shade of a kappa, 0 (below 0) to 5; -1 where there is none."""
    return -1 if np.isnan(kappa) else int(np.searchsorted(LEVELS, kappa, side="right"))


def _text(kappa: float) -> str:
    return "–" if np.isnan(kappa) else f"{kappa:.2f}".replace("-0.00", "0.00").replace("-", "−")
