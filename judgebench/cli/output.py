"""How the command line prints: numbers with their intervals, tables, JSON."""

from collections.abc import Sequence
from typing import Any

import click
import orjson

from judgebench.results import Metric, Result

MOST_CATEGORIES = 6
"""More than these do not fit a terminal; the page shows them all."""


def say(message: str) -> None:
    """Print chatter to stderr."""
    click.echo(message, err=True)


def print_json(value: Any) -> None:
    """Print a value as indented JSON to stdout."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def percent(metric: Metric | None, *, interval: bool = True) -> str:
    """Return a metric as `65.7 [60.6, 70.6]`, or an en dash when there is none."""
    if metric is None or metric.value is None:
        return "–"
    text = f"{100 * metric.value:.1f}"
    if interval and metric.low is not None and metric.high is not None:
        text += f" [{100 * metric.low:.1f}, {100 * metric.high:.1f}]"
    return text


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a plain table: first column left, the others right, two spaces between."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(row: Sequence[str]) -> str:
        first = row[0].ljust(widths[0])
        return "  ".join(
            [first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()

    return "\n".join([line(header), "  ".join("─" * width for width in widths), *(line(row) for row in rows)])


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table of words: all cells left-aligned, two spaces between."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


COLUMNS = {
    "accuracy_of_readable": "of readable",
    "consistency": "consistency",
    "position_bias": "bias",
    "unreadable_rate": "unreadable",
}
"""Metrics beside the headline, where a task has them."""


def result_tables(results: Sequence[Result]) -> str:
    """Return one table per task, in the order of the results, each under the task's name."""
    tasks = list(dict.fromkeys(result.spec.task.name for result in results))
    parts = []
    for task in tasks:
        part = [result for result in results if result.spec.task.name == task]
        parts.append(result_table(part) if len(tasks) == 1 else f"{task}\n{result_table(part)}\n")
    return "\n".join(parts)


def result_table(results: Sequence[Result]) -> str:
    """Return the table of one task: one row per judge, the headline with its 95 % interval, in percent."""
    headline = results[0].spec.task.headline
    categories = sorted({category for result in results for category in result.by_category})
    categories = categories if 1 < len(categories) <= MOST_CATEGORIES else []
    columns = {name: title for name, title in COLUMNS.items() if any(name in result.metrics for result in results)}
    header = ["judge", headline.replace("_", " "), *categories, *columns.values(), "items"]
    rows = []
    for result in results:
        parts = [result.by_category.get(category, {}).get(headline) for category in categories]
        beside = [result.metrics.get(name) for name in columns]
        rows.append([
            result.spec.judge.name + (" (demonstration)" if result.demonstration else ""),
            percent(result.metrics.get(headline)),
            *(percent(metric, interval=False) for metric in (*parts, *beside)),
            str(result.counts.items),
        ])  # fmt: skip
    return table(header, rows)
