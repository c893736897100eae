"""All that a task's page and its compare page say beyond the table, gathered from the task's results and outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass

from judgebench.leaderboard.agreement import Agreement, agreement
from judgebench.leaderboard.cells import cell
from judgebench.leaderboard.charts import TaskCharts, label, of_task
from judgebench.leaderboard.charts_heat import Heat, heat
from judgebench.leaderboard.compared import ComparePage, Entry, compare_page, usable
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.groups import COUNTED, group_of
from judgebench.leaderboard.hardest import Hard, hardest
from judgebench.leaderboard.outcomes import comparable, outcomes
from judgebench.leaderboard.wording import metric_words
from judgebench.results import Result

LONG = 80
FEWEST = 2
"""A task with fewer results that have verdicts has no compare page."""


@dataclass(frozen=True)
class Analysis:
    """Charts, agreement and its map, hardest items; `compare` tells whether there is a compare page."""

    charts: TaskCharts
    agreement: Agreement | None
    heat: Heat | None
    hardest: tuple[Hard, ...]
    compare: bool


def analysis(task: TaskBoard, board: Board, charts: TaskCharts | None = None) -> Analysis:
    """Return the analysis of a task; its charts can be given, drawn beforehand."""
    found = outcomes(task, board)
    ranked = _ranked(task)
    judges = {key: place for place, (key, result) in enumerate(ranked.items()) if group_of(result, task) == "judges"}
    agreed = agreement(found, judges) if found else None
    return Analysis(
        charts=charts or of_task(task),
        agreement=agreed,
        heat=heat(agreed, [label(ranked[key].spec.judge) for key in agreed.runs]) if agreed else None,
        hardest=hardest(found, frozenset(judges), lower=metric_words(task.metric, task.shape).lower) if found else (),
        compare=has_compare_page(task, board),
    )


def has_compare_page(task: TaskBoard, board: Board) -> bool:
    """Tell whether a task has enough results with verdicts for a compare page."""
    return len(comparable(task, board)) >= FEWEST


def compared_runs(task: TaskBoard, board: Board) -> frozenset[str]:
    """Return the runs that a task's compare page has."""
    found = outcomes(task, board)
    good = usable(found)
    return (
        frozenset(run for run, one in zip(found.runs, good, strict=True) if one)
        if found and good is not None
        else frozenset()
    )


def comparison(task: TaskBoard, board: Board) -> ComparePage | None:
    """Lay out the compare page of a task; None where its headlines cannot be compared item by item."""
    found = outcomes(task, board)
    words = metric_words(task.metric, task.shape)
    entries = []
    for key, result in _ranked(task).items():
        text = cell(result.metrics.get(task.metric), words).said(words)
        entries.append(Entry(key, result.spec.judge.name, label(result.spec.judge, LONG), text))
    return compare_page(found, entries, share=words.share) if found else None


def _ranked(task: TaskBoard) -> Mapping[str, Result]:
    """Return the results of the ranking and the floor by `run_id`, best first."""
    sign = 1 if metric_words(task.metric, task.shape).lower else -1
    known = [result for result in task.results if group_of(result, task) in COUNTED]

    def place(result: Result) -> tuple[bool, float, str, str]:
        metric = result.metrics.get(task.metric)
        value = None if metric is None else metric.value
        return value is None, sign * (value or 0.0), result.spec.judge.name, run_id(result)

    return {run_id(result): result for result in sorted(known, key=place)}
