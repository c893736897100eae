"""What came of each trial, in the item's own frame: whom it chose, and whether that is right by the gold.

Right and wrong come from the tables that the metrics read, so that a page and a result never disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench.errors import DataError, UsageError
from judgebench.metrics import Table, table_of
from judgebench.metrics.choice import ChoiceTable
from judgebench.metrics.definition import Shape
from judgebench.results import VerdictRow
from judgebench.task import GoldRow
from judgebench.view.journal import Judged

SINGLE, PAIR = 1, 2
LETTERS = 26
UNREADABLE = "unreadable"
FULL = 1 - 1e-9


def letter(index: int) -> str:
    """Return what a candidate is called, by its place in the item: A, B, … and from the 27th on its number."""
    return chr(ord("A") + index) if index < LETTERS else str(index + 1)


def shown(value: float) -> str:
    """Return a number as a reader wants it: no more digits than it has, six at most."""
    return f"{value:.6g}".replace("-", "−")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial and what came of it.

    `chosen` are the candidates that the judge holds best, as places in the item; all of a pair's are a tie. `credit`
    is +1 for right, 0 for neither and -1 for wrong on pairs, the share in [0, 1] of n-way items, the distance from
    gold of single responses (infinite without a score); None without gold.
    """

    trial: Judged
    chosen: frozenset[int] | None
    credit: float | None

    @property
    def row(self) -> VerdictRow:
        """Return the trial's verdict."""
        return self.trial.row

    @property
    def tie(self) -> bool:
        """Return whether it holds several candidates best."""
        return self.chosen is not None and len(self.chosen) > 1

    @property
    def says(self) -> str:
        """Return the decision in a few characters: `A`, `A = B`, `7.5`, or the fault."""
        if self.chosen is None:
            return str(self.row.fault)
        if len(self.row.order) == SINGLE:
            return shown(self.row.scores[0]) if self.row.scores else "no score"
        return " = ".join(map(letter, sorted(self.chosen))) or "none"


def outcomes(trials: Sequence[Judged], gold: Mapping[str, GoldRow]) -> tuple[Shape, list[Outcome], str]:
    """Return the items' shape, the outcomes in the order of the trials, and what is wrong with the gold, if anything.

    Trials stand in their published order. Where gold and verdicts do not fit together there is no right and wrong.
    """
    rated = [trial for trial in trials if trial.row.item in gold]
    problem = "" if len(rated) == len(trials) else f"{len(trials) - len(rated)} trials are of items without gold"
    try:
        shape, credits_ = _credits([gold[item] for item in dict.fromkeys(t.row.item for t in rated)], rated)
    except (DataError, UsageError) as error:
        shape, credits_, problem = _shape(trials), {}, str(error).splitlines()[0]
    shape = shape if rated else _shape(trials)
    return shape, [Outcome(trial, chosen(trial.row), credits_.get(id(trial))) for trial in trials], problem


def _credits(gold: Sequence[GoldRow], trials: Sequence[Judged]) -> tuple[Shape, dict[int, float]]:
    """Return each trial's credit by its identity; the tables keep the published order."""
    shape, table = table_of(gold, [trial.row for trial in trials])
    if isinstance(table, Table):
        found = table.right.tolist()
    elif isinstance(table, ChoiceTable):
        found = table.credit.tolist()
    else:
        found = np.nan_to_num(np.abs(table.score - table.gold[table.item]), nan=np.inf).tolist()
    return shape, {id(trial): credit for trial, credit in zip(trials, found, strict=True)}


def _shape(trials: Sequence[Judged]) -> Shape:
    shapes: dict[int, Shape] = {SINGLE: "pointwise", PAIR: "pairs"}
    return shapes.get(max((len(trial.row.order) for trial in trials), default=PAIR), "choice")


def chosen(row: VerdictRow) -> frozenset[int] | None:
    """Return the candidates that a verdict holds best, as places in the item; None for a fault."""
    if row.fault is not None:
        return None
    places: Sequence[int] = ()
    if row.best is not None:
        places = row.best
    elif row.preference is not None:
        places = {"A>B": (0,), "B>A": (1,), "A=B": (0, 1)}[row.preference]
    elif row.scores is not None:
        places = [place for place, score in enumerate(row.scores) if score == max(row.scores)]
    return frozenset(row.order[place] for place in places if 0 <= place < len(row.order))


@dataclass(frozen=True)
class Entry:
    """One line of the list: an item in one repeat, with its trials, one per presented order."""

    item: str
    repeat: int
    outcomes: tuple[Outcome, ...]
    shape: Shape

    @property
    def right(self) -> bool | None:
        """Return whether it counts as right: pairs by the official rule, others when every trial is. None: unknown."""
        found = [outcome.credit for outcome in self.outcomes if outcome.credit is not None]
        if len(found) < len(self.outcomes):
            return None
        if self.shape == "pointwise":
            return not any(found)
        return sum(found) > 0 if self.shape == "pairs" else sum(found) >= FULL * len(found)

    @property
    def several(self) -> bool:
        """Return whether there were several candidates to choose from."""
        return self.shape != "pointwise"

    @property
    def flipped(self) -> bool:
        """Return whether its readable trials choose differently."""
        return self.several and len({o.chosen for o in self.outcomes if o.chosen is not None}) > 1

    @property
    def unreadable(self) -> bool:
        """Return whether one of its replies could not be read."""
        return any(outcome.chosen is None for outcome in self.outcomes)

    @property
    def tied(self) -> bool:
        """Return whether one of its trials holds several candidates best."""
        return any(outcome.tie for outcome in self.outcomes)

    @property
    def partly(self) -> bool:
        """Return whether some of it is right: one of several candidates held best, or a score that is off."""
        if self.right is not False or self.shape == "pairs":
            return False
        return not self.several or any(outcome.credit for outcome in self.outcomes)

    @property
    def badge(self) -> str:
        """Return what came of it, in a word or two."""
        if all(outcome.chosen is None for outcome in self.outcomes):
            return UNREADABLE
        found = [outcome.credit for outcome in self.outcomes if outcome.credit is not None]
        if self.right is None or not found:
            return "no gold"
        if not self.several:
            return "exact" if self.right else f"off by {shown(max(found))}"
        return f"credit {sum(found) / len(found):.2f}" if self.partly else "right" if self.right else "wrong"


def entries(found: Sequence[Outcome], shape: Shape) -> list[Entry]:
    """Return the list's lines; the outcomes stand by item and repeat."""
    grouped: dict[tuple[str, int], list[Outcome]] = {}
    for outcome in found:
        grouped.setdefault((outcome.row.item, outcome.row.repeat), []).append(outcome)
    return [Entry(item, repeat, tuple(group), shape) for (item, repeat), group in grouped.items()]
