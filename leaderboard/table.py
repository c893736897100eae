"""What a task's table says: columns, groups of rows, cells as text. No HTML, no escaping here."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from judgebench.leaderboard.cells import DASH, Cell, cell, percent
from judgebench.leaderboard.data import TaskBoard, run_id
from judgebench.leaderboard.groups import ONE_ORDER, Badge, group_of, in_one_order, incomparable
from judgebench.leaderboard.models import UNKNOWN, band, named_size, openness, size
from judgebench.leaderboard.outcomes import Outcomes
from judgebench.leaderboard.ranking import UNRANKED, Basis, Place, ranking
from judgebench.leaderboard.wording import GROUPS, VIEWS, MetricWords, in_order, kind_label, metric_words, sentence
from judgebench.metrics import resample
from judgebench.results import Metric, Reported, Result
from judgebench.spec import JudgeSpec

UNREADABLE = "unreadable_rate"
"""Stands beside the headline in every view, with the coverage."""
BY_CATEGORY = ("accuracy", "best_accuracy", "spearman", "pearson", "mae")
"""What stands for a headline that is itself made of categories, in the order of preference."""


@dataclass(frozen=True)
class Column:
    """A column of numbers: a metric, over one category or, when that is None, over all.

    `n` is what most of its cells rest on. `view` is "" where it belongs to every view.
    """

    metric: str
    category: str | None
    label: str
    help: str
    view: str
    n: int | None
    words: MetricWords

    def of(self, result: Result) -> Metric | None:
        """Return the result's metric that belongs in this column."""
        metrics = result.metrics if self.category is None else result.by_category.get(self.category, {})
        return metrics.get(self.metric)

    @property
    def is_unreadable(self) -> bool:
        """Tell whether this is the share of unreadable replies over all items."""
        return self.metric == UNREADABLE and self.category is None

    def cell(self, metric: Metric | None) -> Cell:
        """Return a metric as this column writes it."""
        return cell(metric, self.words, self.n, bar=self.view in ("", "categories"))


@dataclass(frozen=True)
class Row:
    """A judge. `rank` is None where it is not ranked; `span` are the ranks that it shares.

    `name` is the judge's whole name, "" for a reported number, and `run` the `run_id` of its result. `openness` and
    `size` are keys of `models.OPENNESS` and `models.BANDS`.
    """

    name: str
    run: str
    judge: str
    model: str
    kind: str
    evidence: str
    source: str
    detail: str
    badges: tuple[Badge, ...]
    cells: tuple[Cell, ...]
    coverage: Cell
    unreadable: Cell | None = None
    rank: int | None = None
    span: str = ""
    openness: str = UNKNOWN
    size: str = UNKNOWN

    @property
    def kind_label(self) -> str:
        """Return the kind as it is written on the page."""
        return kind_label(self.kind)


@dataclass(frozen=True)
class Group:
    """Rows that may be compared with each other."""

    key: str
    title: str
    note: str
    rows: tuple[Row, ...]


class Floor(NamedTuple):
    """The best judge that does not weigh the responses: its name, its headline as text and in percent."""

    judge: str
    value: str
    percent: float


@dataclass(frozen=True)
class Table:
    """A task's table: groups in reading order, each sorted by the headline. `basis` is what ranges of ranks rest on."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    basis: Basis = "intervals"

    @property
    def rows(self) -> list[tuple[Group, Row]]:
        """Return every row with its group."""
        return [(group, row) for group in self.groups for row in group.rows]

    @property
    def fixed(self) -> int:
        """Return how many columns belong to every view: they come first."""
        return sum(column.view == "" for column in self.columns)

    @cached_property
    def by_run(self) -> dict[str, tuple[Group, Row]]:
        """Return every result's row and its group, by `run_id`."""
        return {row.run: (group, row) for group, row in self.rows if row.run}

    @property
    def floor(self) -> Floor | None:
        """Return the floor that is drawn across the bars; None without bars or such a judge."""
        for group, row in self.rows:
            if group.key == "floor" and row.cells[0].bar is not None:
                return Floor(row.judge, row.cells[0].value, row.cells[0].bar[1])
        return None

    @property
    def views(self) -> dict[str, tuple[int, int]]:
        """Return the first and the last column, from 0, of each view that has any: a view's columns stand together."""
        found: dict[str, tuple[int, int]] = {}
        for number, column in enumerate(self.columns):
            if column.view:
                found[column.view] = (found.get(column.view, (number,))[0], number)
        return found


def table(task: TaskBoard, found: Outcomes | None = None) -> Table:
    """Lay out a task's rows: ranked, floor, not comparable, demonstrations, reported.

    `found` are the task's outcomes, on which the ranges of ranks rest.
    """
    columns = _columns(task)
    words = columns[0].words
    members: dict[str, list[Row]] = {key: [] for key in GROUPS}
    twice = Counter((r.spec.judge.name, r.spec.judge.model) for r in task.results)
    grouped = [(run_id(r), group_of(r, task), r) for r in sorted(task.results, key=lambda r: _order(r, task, words))]
    ranked = {key: r.metrics.get(task.metric) for key, group, r in grouped if group == "judges"}
    ranks = ranking(ranked, found, lower=words.lower)
    for key, group, result in grouped:
        same = twice[result.spec.judge.name, result.spec.judge.model] > 1
        place = ranks.places.get(key, UNRANKED) if group == "judges" else UNRANKED
        members[group].append(_result_row(result, task, columns, place, same=same))
    for entry in sorted(task.reported, key=lambda r: (-r.value, r.judge, r.model)):
        members["reported"].append(_reported_row(entry, task, columns))
    groups = (Group(key, *GROUPS[key], tuple(rows)) for key, rows in members.items() if rows)
    return Table(columns, tuple(groups), ranks.basis)


# -- columns -------------------------------------------------------------------------------------------------


def _columns(task: TaskBoard) -> tuple[Column, ...]:
    names = {name for result in task.results for name in result.metrics} | {task.metric}
    if task.reported:
        names |= {"accuracy", "accuracy_macro"}
    first, *rest = in_order(names, first=task.metric)
    parts = _metric_of_categories(task)
    by_category = (
        [_column(task, parts, category) for category in task.categories] if parts and len(task.categories) > 1 else []
    )
    fixed = [
        replace(_column(task, name, None), view="") for name in dict.fromkeys((first, UNREADABLE)) if name in names
    ]
    others = [_column(task, name, None) for name in rest if name != UNREADABLE]
    return (*fixed, *by_category, *sorted(others, key=lambda column: list(VIEWS).index(column.view)))


def _metric_of_categories(task: TaskBoard) -> str | None:
    """Return the metric to show by category: the headline, or what stands for it; None where there is none."""
    found = {name for result in task.results for metrics in result.by_category.values() for name in metrics}
    found |= {"accuracy"} if task.reported else set()
    return next((name for name in (task.metric, *BY_CATEGORY) if name in found), None)


def _column(task: TaskBoard, metric: str, category: str | None) -> Column:
    words = metric_words(metric, task.shape)
    column = Column(metric, category, words.label, words.help, words.view, None, words)
    if category is not None:
        help_text = f"{words.label} over the items of category {category}."
        column = replace(column, label=sentence(category), help=help_text, view="categories")
    return replace(column, n=_common_n(column, task))


def _common_n(column: Column, task: TaskBoard) -> int | None:
    rests = Counter(metric.n for result in task.results if (metric := column.of(result)) is not None)
    if column.metric == "accuracy":
        rests.update(_items(entry, column.category) for entry in task.reported)
    return max(rests, key=lambda n: (rests[n], n), default=None)


# -- rows ----------------------------------------------------------------------------------------------------


def _order(result: Result, task: TaskBoard, words: MetricWords) -> tuple[float, str, str, str]:
    found = result.metrics.get(task.metric)
    value = math.inf if found is None or found.value is None else found.value if words.lower else -found.value
    return (value, result.spec.judge.name, result.spec.judge.model or "", result.spec_sha256)


def _result_row(result: Result, task: TaskBoard, columns: Sequence[Column], place: Place, *, same: bool) -> Row:
    judge, headline = result.spec.judge, result.metrics.get(task.metric)
    badges = [Badge("demonstration", "Shows how the page works. Not a measurement.")] if result.demonstration else []
    badges += incomparable(result, task)
    if in_one_order(result) and ONE_ORDER not in badges:
        badges.append(ONE_ORDER)
    if same:
        badges.append(Badge(f"spec {result.spec_sha256[:8]}", "The same judge and model under another spec."))
    revision = f", revision {judge.revision}" if judge.revision else ""
    cells = tuple(column.cell(column.of(result)) for column in columns)
    return Row(
        name=judge.name,
        run=run_id(result),
        judge=short_name(judge),
        model=judge.model or "",
        kind=judge.kind,
        evidence=result.evidence,
        source=source_of(result),
        detail=f"spec {result.spec_sha256[:8]}{revision}",
        badges=tuple(badges),
        cells=cells,
        coverage=_coverage(headline, columns[0].n),
        unreadable=next(
            (cells[at] for at, c in enumerate(columns) if (c.metric, c.category) == (UNREADABLE, None)), None
        ),
        rank=place.rank,
        span=place.span,
        openness=openness(judge),
        size=band(size(judge)),
    )


def source_of(result: Result) -> str:
    """Return where a result's verdicts are from, in one line, "" for a run."""
    return "; ".join(f"{key}: {value}" for key, value in sorted(result.source.items()))


def short_name(judge: JudgeSpec) -> str:
    """Return a judge's name without the model that `<judge>--<model>` repeats: it stands on its own line."""
    name, _, model = judge.name.partition("--")
    return name if judge.model and name and model else judge.name


def _coverage(headline: Metric | None, usual_n: int | None) -> Cell:
    if headline is None:
        return Cell(DASH, missing="the headline metric was not computed")
    note = f"n = {headline.n}" if headline.n != usual_n else ""
    return Cell(f"{percent(headline.coverage)} %", note=note, sort=round(headline.coverage, 4))


# -- reported numbers ----------------------------------------------------------------------------------------


def _reported_row(entry: Reported, task: TaskBoard, columns: Iterable[Column]) -> Row:
    badges = []
    if any(_same_judge(entry, result) for result in task.results):
        badges.append(Badge("also with verdicts", "This judge's own verdicts are on this page, in another group."))
    return Row(
        name="",
        run="",
        judge=entry.judge,
        model=entry.model,
        kind=entry.kind,
        evidence="reported",
        source=entry.source,
        detail="published number",
        badges=tuple(badges),
        cells=tuple(_reported_cell(entry, column) for column in columns),
        coverage=Cell(DASH, missing="no verdicts: cannot be recomputed"),
        size=band(named_size(entry.model)),
    )


def _items(entry: Reported, category: str | None) -> int:
    return sum(entry.items.values()) if category is None else entry.items.get(category, 0)


def _same_judge(entry: Reported, result: Result) -> bool:
    """Tell whether both name the same judge: the same model, in the same role."""
    judge = result.spec.judge
    models = {(name or "").rpartition("/")[2].lower() for name in (entry.model, judge.model)}
    return len(models) == 1 and (entry.judge == short_name(judge) or entry.kind == judge.kind == "reward-model")


def _reported_cell(entry: Reported, column: Column) -> Cell:
    if column.metric == "accuracy_macro":
        return column.cell(Metric(value=entry.macro, n=_items(entry, None)))
    if column.metric != "accuracy":
        return Cell("")
    if column.category is None:
        return column.cell(wilson(sum(entry.correct.values()), _items(entry, None)))
    if column.category not in entry.items:
        return Cell(DASH, missing="not reported")
    return column.cell(wilson(entry.correct[column.category], entry.items[column.category]))


def wilson(correct: int, items: int) -> Metric:
    """Return a share with its 95 % Wilson interval, which takes the items as independent."""
    low, high = resample.wilson(correct / items, items)
    return Metric(value=correct / items, n=items, low=low, high=high)
