"""Counting: committees, case by case; and paths through a grid with closed cells, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

GROUPS = {1: (4, 6, 4), 2: (5, 8, 5), 3: (6, 9, 6), 4: (8, 12, 7), 5: (9, 14, 9)}
"""Smallest and largest group, seats."""
FEWEST = 2
"""Cases of a committee, so that there is always something to add."""
DATES = (100, 1000)
GRIDS = {1: (4, 4), 2: (5, 5), 3: (6, 6), 4: (8, 7), 5: (10, 8)}
"""Rows and columns."""
HARD = 4
"""From this level on a case does not show its factors, and a row does not say which cell is closed."""
SUMS, FLAT = 3, 20
"""Sums in a grid are off by one from a level and a number on: where no number is much more common than the next."""
CASES = (
    "With {count} from the first group: {factors} = {product}.",
    "{count} of the first group: {factors} gives {product}.",
    "Taking {count} from the first group there are {factors} = {product} ways.",
)
HARD_CASES = (
    "With {count} from the first group: {product}.",
    "{count} of the first group: {product} ways.",
    "Taking {count} from the first group there are {product} ways.",
)
TOTALS = ("All cases together: {terms} = {total}.", "The cases {terms} add up to {total}.",
          "Adding {terms} gives {total}.")  # fmt: skip
ROWS = (
    "Row {row}{closed}: {cells}.",
    "In row {row}{closed} the counts are {cells}.",
    "Row {row}{closed} reads {cells}.",
)


@dataclass(frozen=True)
class Committee:
    """Seats filled from two groups, with at least or at most `bound` from the first, and one of some dates.

    The dates are there for variety: without them the same few numbers of ways would come again and again, and be known.
    """

    level: int
    groups: tuple[int, int]
    seats: int
    bound: int
    least: bool
    dates: int


@dataclass(frozen=True)
class Grid:
    """A grid walked from the top left to the bottom right, right and down; `closed` is a column for each row."""

    level: int
    columns: int
    closed: tuple[int, ...]


class Case(NamedTuple):
    """So many from the first group: both factors as (of, taken), the dates, and the ways."""

    ours: int
    one: tuple[int, int]
    two: tuple[int, int]
    dates: int
    ways: int


class Combinatorics(Generator[Committee | Grid]):
    """Faults: a wrong factor, total or number of dates, one case too many or too few; a closed cell or a sum wrong."""

    name = "combinatorics"
    category = "math"

    def problem(self, rng: Random, level: int) -> Committee | Grid:
        """Draw a committee or a grid."""
        if rng.random() < 0.5:  # noqa: PLR2004
            return _grid(rng, level)
        low, high, seats = GROUPS[level]
        while True:
            one, two = (low + int(rng.random() * (high - low + 1)) for _ in range(2))
            bound, dates = 1 + int(rng.random() * (min(one, seats) - 1)), int(rng.random() * (DATES[1] - DATES[0]))
            made = Committee(level, (one, two), seats, bound, rng.random() < 0.5, DATES[0] + dates)  # noqa: PLR2004
            if len(_counts(made)) >= FEWEST:
                return made

    def ask(self, problem: Committee | Grid, rng: Random) -> str:
        """Return the question."""
        if isinstance(problem, Grid):
            closed = ", ".join(f"row {row} column {column + 1}" for row, column in enumerate(problem.closed, 1))
            text = (f"A grid has {len(problem.closed)} rows and {problem.columns} columns. Closed are: {closed}. "
                    "How many paths lead from the top left cell to the bottom right one, if every move is one cell "
                    "right or one cell down?")  # fmt: skip
        else:
            (one, two), what = problem.groups, "least" if problem.least else "most"
            who = pick(rng, ("women|men", "pilots|engineers", "dancers|singers", "teachers|pupils")).split("|")
            text = (f"A committee of {problem.seats} is chosen from {one} {who[0]} and {two} {who[1]}. At {what} "
                    f"{problem.bound} of its members must be {who[0]}. It then fixes one of {problem.dates} dates. In "
                    "how many ways can members and date be chosen?")  # fmt: skip
        return f"{text} {demand(self.form, rng)}"

    def faults(self, problem: Committee | Grid, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield mistakes, evenly over the steps."""
        states = [step.state for step in trace.steps]
        if isinstance(problem, Grid):
            return drawn(rng, len(states), lambda step: _misgridded(problem, step, states, rng))
        return drawn(rng, len(states), lambda step: _miscounted(problem, step, states, rng))

    def solve(self, problem: Committee | Grid, rng: Random, fault: Fault | None = None) -> Trace:
        """Go through the cases, or the rows."""
        return _walked(problem, rng, fault) if isinstance(problem, Grid) else _chosen(problem, rng, fault)

    def check(self, problem: Committee | Grid, answer: str) -> bool:
        """Seat people one by one; subtract, for a grid, the paths that meet a closed cell first here or there."""
        if isinstance(problem, Grid):
            return answer == str(_open_paths(problem))
        ways = {(0, 0): 1}
        for first in (True,) * problem.groups[0] + (False,) * problem.groups[1]:
            grown = dict(ways)
            for (ours, taken), count in ways.items():
                key = (ours + first, taken + 1)
                grown[key] = grown.get(key, 0) + count
            ways = grown
        fits = [count for (ours, taken), count in ways.items() if taken == problem.seats
                and (ours >= problem.bound if problem.least else ours <= problem.bound)]  # fmt: skip
        return answer == str(sum(fits) * problem.dates)


def _counts(problem: Committee) -> range:
    """Return how many may come from the first group, by how many there are."""
    one, two = problem.groups
    low, high = max(0, problem.seats - two), min(one, problem.seats)
    return range(max(low, problem.bound), high + 1) if problem.least else range(low, min(high, problem.bound) + 1)


def _chosen(problem: Committee, rng: Random, fault: Fault | None) -> Trace:
    template = pick(rng, HARD_CASES if problem.level >= HARD else CASES)
    notation = pick(rng, ("C({},{})", "{} choose {}", "\\binom{{{}}}{{{}}}"))
    cases: list[Case | None] = [_case(problem, count) for count in _counts(problem)]
    if fault and isinstance(fault.detail, list):
        cases = fault.detail
    steps = list[Step]()
    for case in (one for one in cases if one):
        factors = " × ".join(notation.format(*pair) for pair in (case.one, case.two))
        factors += f" × {case.dates}"
        steps.append(Step(template.format(count=case.ours, factors=factors, product=case.ways), case))
    ways = [case.ways for case in cases if case]
    total = fault.detail if fault and fault.kind == "total" else sum(ways)
    steps.append(Step(pick(rng, TOTALS).format(terms=" + ".join(map(str, ways)), total=total), total))
    return Trace(tuple(steps), str(total))


def _case(problem: Committee, count: int) -> Case:
    one, two = problem.groups
    rest = problem.seats - count
    return Case(count, (one, count), (two, rest), problem.dates, comb(one, count) * comb(two, rest) * problem.dates)


def _miscounted(problem: Committee, step: int, states: list[Case | int], rng: Random) -> Fault | None:
    state = states[step]
    if isinstance(state, int):
        total = slips.column(rng, state)
        return None if total is None else Fault(step, "total", total)
    cases: list[Case | int] = states[:-1]
    kind = pick(rng, ("factor", "dates", "bound"))
    edge = 0 if problem.least else len(cases) - 1
    if kind == "bound":
        if step != edge:
            return None
        more = _neighbour_case(problem, state)
        if rng.random() < 0.5:  # noqa: PLR2004
            return Fault(step, kind, [case for case in cases if case != state]) if len(cases) > FEWEST else None
        wrong = [more, *cases] if problem.least else [*cases, more]
        return Fault(step if problem.least else step + 1, kind, wrong) if more else None
    if kind == "dates":
        dates = slips.digit(rng, problem.dates)
        altered: Case | None = state._replace(dates=dates, ways=state.ways // problem.dates * dates)
    else:
        altered = _wrong_factor(problem, state, rng)
    return altered and Fault(step, kind, [altered if case == state else case for case in cases])


def _neighbour_case(problem: Committee, edge: Case) -> Case | None:
    """Return the case just beyond the bound, where there is one."""
    count = edge.ours - 1 if problem.least else edge.ours + 1
    fits = 0 <= count <= problem.groups[0] and 0 <= problem.seats - count <= problem.groups[1]
    return _case(problem, count) if fits else None


def _wrong_factor(problem: Committee, case: Case, rng: Random) -> Case | None:
    """Return the case with one factor taken from beside it in Pascal's triangle."""
    first = rng.random() < 0.5  # noqa: PLR2004
    of, taken = case.one if first else case.two
    top = rng.random() < 0.5  # noqa: PLR2004
    low, high, seats = GROUPS[problem.level]
    wrong = slips.nudge(rng, of, low, high) if top else slips.nudge(rng, taken, 0, seats)
    if wrong is None or (wrong < taken if top else wrong > of):
        return None
    pair = (wrong, taken) if top else (of, wrong)
    one, two = (pair, case.two) if first else (case.one, pair)
    return Case(case.ours, one, two, case.dates, comb(*one) * comb(*two) * case.dates)


def _grid(rng: Random, level: int) -> Grid:
    """Draw a grid that can be crossed, with a closed cell in each row."""
    rows, columns = GRIDS[level]
    while True:
        grid = Grid(level, columns, tuple(int(rng.random() * columns) for _ in range(rows)))
        if _counted(grid, None)[-1][-1]:
            return grid


def _counted(grid: Grid, fault: Fault | None) -> list[tuple[int, ...]]:
    """Return the number of paths to each cell, row by row."""
    rows: list[tuple[int, ...]] = []
    above: tuple[int, ...] = (1,) + (0,) * (grid.columns - 1)
    for row, told in enumerate(grid.closed):
        here = fault if fault and fault.step == row else None
        closed = here.detail if here and here.kind == "closed" else told
        cells = list[int]()
        for column in range(grid.columns):
            ways = above[column] + (cells[-1] if column else 0) if column != closed else 0
            cells.append(ways + (here.detail[1] if here and here.kind == "sum" and here.detail[0] == column else 0))
        above = tuple(cells)
        rows.append(above)
    return rows


def _walked(grid: Grid, rng: Random, fault: Fault | None) -> Trace:
    template, between = pick(rng, ROWS), pick(rng, (", ", " | ", " "))
    steps = []
    rows = _counted(grid, fault)
    for row, cells in enumerate(rows):
        closed = fault.detail if fault and fault.step == row and fault.kind == "closed" else grid.closed[row]
        said = f" (cell {closed + 1} closed)" if grid.level < HARD else ""
        text = template.format(row=row + 1, closed=said, cells=between.join(map(str, cells)))
        steps.append(Step(text, (closed, cells)))
    return Trace(tuple(steps), str(rows[-1][-1]))


def _misgridded(grid: Grid, step: int, states: list[tuple[int, tuple[int, ...]]], rng: Random) -> Fault | None:
    closed, cells = states[step]
    if grid.level < SUMS or rng.random() < 0.7:  # noqa: PLR2004
        fault = Fault(step, "closed", slips.other(rng, closed, 0, grid.columns - 1))
    else:
        column = int(rng.random() * grid.columns)
        wrong = slips.nudge(rng, cells[column], FLAT, 10**9)
        if wrong is None:
            return None
        fault = Fault(step, "sum", (column, wrong - cells[column]))
    return fault if _counted(grid, fault)[-1][-1] else None


def _open_paths(grid: Grid) -> int:
    """Return the paths that meet no closed cell: all paths to a cell, less those by the closed cell they meet first."""
    cells = [(row, column) for row, column in enumerate(grid.closed)]
    cells.append((len(grid.closed) - 1, grid.columns - 1))
    free: list[int] = []
    for place, (row, column) in enumerate(cells):
        met = sum(free[before] * comb(row - r + column - c, row - r)
                  for before, (r, c) in enumerate(cells[:place]) if c <= column)  # fmt: skip
        free.append(comb(row + column, row) - met)
    return free[-1]
