"""Pieces of HTML that stand on a page thousands of times: written here, for a template takes ten times as long.

Every string is escaped, and its invisible characters are spelled out.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Protocol

from markupsafe import Markup, escape

from judgebench.leaderboard.cells import DASH, Cell
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.overview import Line
from judgebench.leaderboard.table import Row
from judgebench.leaderboard.wording import MetricWords, kind_label
from judgebench.pages import spelled


class Measured(Protocol):
    """A metric in a table of its own columns."""

    words: MetricWords
    cell: Cell
    n: int
    coverage: str


def inert(value: Any) -> Any:
    """Return text with its invisible characters spelled out: none can hide or reorder the rest."""
    return spelled(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@lru_cache(1 << 14)
def text(value: str) -> str:
    """Return text as HTML that does nothing, neither in an element nor in a quoted attribute."""
    return str(escape(inert(value)))


def number(cell: Cell | None, classes: str = "") -> Markup:
    """Return a cell of a table; an empty one for None. One that has a class of its own shows more digits on demand."""
    return Markup(_number(cell, classes))  # noqa: S704  # escaped below


def _number(cell: Cell | None, classes: str = "") -> str:
    if cell is None:
        return "<td></td>"
    start = f'<td class="{classes}"' if classes else "<td"
    if cell.sort is not None:
        start += f' data-v="{cell.sort}"'
    if cell.missing:
        why = text(cell.missing)
        start += f'><span class="none" title="{why}">{cell.value}<span class="sr"> {why}</span></span>'
    else:
        start += f' title="{cell.title}">{cell.value}' if classes and cell.title else f">{cell.value}"
    if cell.interval:
        start += f" <i>{cell.interval}</i>"
    if cell.bar is not None:
        start += f'<b class="bar" style="--l:{cell.bar[0]};--v:{cell.bar[1]};--h:{cell.bar[2]}"></b>'
    return f"{start} <small>{text(cell.note)}</small></td>" if cell.note else f"{start}</td>"


def rank(row: Row) -> Markup:
    """Return the cell of a row's rank: the ranks that it shares, sorted by its own."""
    if row.rank is None:
        return Markup(f'<td class="rank"><span class="none">{DASH}<span class="sr"> not ranked</span></span></td>')  # noqa: S704
    shown = f'{row.span}<span class="sr"> shared, by value {row.rank}</span>' if row.span else str(row.rank)
    return Markup(f'<td class="rank" data-v="{row.rank}">{shown}</td>')  # noqa: S704  # numbers


def badge(mark: str, title: str) -> Markup:
    """Return a short remark."""
    return Markup(f'<span class="badge" title="{text(title)}">{text(mark)}</span>')  # noqa: S704  # escaped


def level(row: Row) -> Markup:
    """Return a row's level of evidence."""
    return Markup(f'<span class="level {row.evidence}">{row.evidence}</span>')  # noqa: S704  # one of four words


def judge_link(root: str | None, name: str, label: str) -> Markup:
    """Return a judge's name, as a link where it has a page. `root` leads to the site's top; None: there is no site."""
    return Markup(_judge_link(root, name, label))  # noqa: S704  # escaped


@lru_cache(1 << 12)
def _judge_link(root: str | None, name: str, label: str) -> str:
    if root is None or not name:
        return f"<bdi>{text(label)}</bdi>"
    return f'<a href="{root}judges/{safe_name(name)}.html"><bdi>{text(label)}</bdi></a>'


@lru_cache(1 << 12)
def task_link(root: str | None, name: str, fragment: str = "") -> Markup:
    """Return a task's name, as a link where there is a site."""
    if root is None:
        return Markup(f"<bdi>{text(name)}</bdi>")  # noqa: S704  # escaped
    return Markup(f'<a href="{root}tasks/{safe_name(name)}.html{fragment}"><bdi>{text(name)}</bdi></a>')  # noqa: S704


@lru_cache(1 << 12)
def metric_link(root: str | None, words: MetricWords) -> Markup:
    """Return a metric's label, as a link to its formula where there is a site."""
    if root is None or not words.anchor:
        return Markup(text(words.label))  # noqa: S704  # escaped
    title, label = text(words.help), text(words.label)
    return Markup(f'<a href="{root}method.html#{words.anchor}" title="{title}">{label}</a>')  # noqa: S704  # escaped


# -- rows ----------------------------------------------------------------------------------------------------


def judge_row(row: Row, root: str | None, *, line: bool = False) -> str:
    """Return a row of a task's table: rank, judge, kind, evidence, headline, coverage, the other columns.

    As a `line` it only marks a place among others: it is not counted and not filtered.
    """
    facts = {"kind": row.kind, "evidence": row.evidence, "openness": row.openness, "size": row.size}
    kind, source = text(row.kind_label), row.source if root is None or not row.name else ""
    title = f' title="{text(source)}"' if source else ""
    detail = row.detail if root is not None else f"{row.name or row.judge}, {row.detail}"
    start = '<tr class="line">' if line else f'<tr class="row"{_data(facts)}>'
    return (
        f"{start}{rank(row)}"
        f"{_judge(row.judge, row.name, row.model, root, detail)}"
        f"{''.join(' ' + badge(mark.text, mark.title) for mark in row.badges)}"
        f' <span class="brief">{kind} · {row.evidence}</span></th>'
        f'<td class="kind wide">{kind}</td><td class="evidence wide"{title}>{level(row)}</td>'
        f"{_number(row.cells[0], 'headline')}{_number(row.coverage)}{''.join(map(_number, row.cells[1:]))}</tr>\n"
    )


def overall_row(line: Line, root: str | None) -> str:
    """Return a row of the table of all judges on all tasks."""
    facts = {
        "kind": line.kind, "evidence": " ".join(line.evidence), "openness": line.openness, "size": line.size,
        "suite": " ".join(line.suites),
    }  # fmt: skip
    kind = text(kind_label(line.kind))
    return (
        f'<tr class="row"{_data(facts)}>{_judge(line.judge, line.name, line.model, root)}'
        f' <span class="brief">{kind}</span></th><td class="kind wide">{kind}</td>'
        f"{_number(line.covered)}{_number(line.unreadable)}{''.join(map(_number, line.cells))}</tr>\n"
    )


def metric_rows(root: str | None, measured: Iterable[Measured]) -> Markup:
    """Return rows of metrics: name, value with its interval, n, coverage."""
    rows = (
        f'<tr><th scope="row">{metric_link(root, one.words)}</th>{_number(one.cell)}'
        f"<td>{one.n}</td><td>{one.coverage}</td></tr>\n"
        for one in measured
    )
    return Markup("".join(rows))  # noqa: S704  # escaped


def category_rows(categories: Iterable[tuple[str, Iterable[Cell]]]) -> Markup:
    """Return rows of categories, each with its cells."""
    rows = (
        f'<tr><th scope="row"><bdi>{text(name)}</bdi></th>{"".join(map(_number, cells))}</tr>\n'
        for name, cells in categories
    )
    return Markup("".join(rows))  # noqa: S704  # escaped


def _judge(judge: str, name: str, model: str, root: str | None, detail: str = "") -> str:
    title = f' title="{text(detail)}"' if detail else ""
    about = f' <span class="model"><bdi>{text(model)}</bdi></span>' if model else ""
    return f'<th scope="row" class="judge"><span class="name"{title}>{_judge_link(root, name, judge)}</span>{about}'


def _data(facts: dict[str, str]) -> str:
    return "".join(f' data-{name}="{text(value)}"' for name, value in facts.items())
