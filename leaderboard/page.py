"""HTML: style and script inside each page, every string escaped, no network."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from judgebench.leaderboard import html, method
from judgebench.leaderboard.cells import number as written
from judgebench.leaderboard.cells import percent
from judgebench.leaderboard.charts_task import Analysis
from judgebench.leaderboard.compared import ComparePage
from judgebench.leaderboard.data import Board, TaskBoard
from judgebench.leaderboard.judges import JudgePage
from judgebench.leaderboard.labels import Balance
from judgebench.leaderboard.models import BANDS, OPENNESS
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.outcomes import outcomes
from judgebench.leaderboard.overview import Line, Overview
from judgebench.leaderboard.packed import Packed, packed
from judgebench.leaderboard.ranking import BASIS
from judgebench.leaderboard.table import Group, Row, Table, table
from judgebench.leaderboard.wording import (
    EVIDENCE,
    GROUPS,
    SHAPES,
    VIEWS,
    MetricWords,
    anchor,
    kind_label,
    metric_words,
)
from judgebench.pages import policy_hash, templates
from judgebench.version import VERSION

inert = html.inert
SCRIPTS = ("board.js",)
"""The scripts of an ordinary page; one that needs more names them to `_render`."""


def board_page(board: Board, title: str) -> str:
    """Return all tasks on one page that needs no other file. The same board gives the same text."""
    tables = [(task, table(task, outcomes(task, board))) for task in board.tasks]
    shown = [found for _, found in tables]
    return _render(
        "board",
        title,
        root=None,
        tables=[(task, found, _packed(found, None)) for task, found in tables],
        facets=_facets([row for found in shown for _, row in found.rows]),
        floor=any(found.floor for found in shown),
        evidence=_evidence(shown),
        views=_views(shown),
        metrics=_metrics(tables),
        judges=sum(group.key != "reported" for found in shown for group, _ in found.rows),
        reported=sum(len(task.reported) for task in board.tasks),
    )


def index_page(board: Board, tables: Mapping[str, Table], shown: Overview, title: str) -> str:
    """Return the first page of a site."""
    headlines = [metric_words(task.metric, task.shape) for task in board.tasks]
    return _render(
        "index",
        title,
        root="",
        shown=shown,
        judges=len(board.judges),
        tasks=len(board.tasks),
        reported=sum(len(task.reported) for task in board.tasks),
        rows=packed([[html.overall_row(line, "") for line in lines] for lines in (shown.judges, shown.floor) if lines]),
        facets=_facets((*shown.judges, *shown.floor), {name: title for name, (title, _) in shown.suites.items()}),
        lower={name: found.columns[0].words.lower for name, found in tables.items()},
        evidence=_evidence(tables.values()),
        metrics=list(dict.fromkeys(headlines)),
        groups=GROUPS,
    )


def task_page(
    task: TaskBoard, shown: Table, balance: Balance | None, title: str, analysis: Analysis | None = None
) -> str:
    """Return the page of one task."""
    return _render(
        "task",
        title,
        root="../",
        heading=task.name,
        task=task,
        shown=shown,
        rows=_packed(shown, "../"),
        balance=balance,
        analysis=analysis,
        facets=_facets([row for _, row in shown.rows]),
        floor=shown.floor is not None,
        evidence=_evidence([shown]),
        views=_views([shown]),
        metrics=_metrics([(task, shown)]),
    )


def compare_page(task: TaskBoard, found: ComparePage | None, title: str) -> str:
    """Return the page on which two judges of a task can be compared; one that says why, where they cannot."""
    words = metric_words(task.metric, task.shape)
    return _render(
        "compare",
        title,
        root="../",
        heading=f"Compare judges on {task.name}",
        scripts=(*SCRIPTS, "compare.js") if found else SCRIPTS,
        task=task,
        found=found,
        words=words,
        calls=found is not None and found.calls,
        data=Markup(found.data if found else ""),  # noqa: S704  # JSON without a single < or &
        written=partial(written, share=words.share),
    )


def judge_page(
    judge: JudgePage,
    data: Mapping[str, Sequence[tuple[str, str]]],
    title: str,
    comparable: frozenset[str] = frozenset(),
) -> str:
    """Return the page of one judge.

    `data` are (label, path in the site) of downloads by `run_id`; the runs in `comparable` are on a compare page.
    """
    return _render("judge", title, root="../", heading=judge.name, judge=judge, data=data, comparable=comparable)


def method_page(title: str) -> str:
    """Return the page with every metric of the catalogue."""
    return _render(
        "method",
        title,
        root="",
        heading="Methods",
        sections=method.sections(),
        directions=method.DIRECTIONS,
        formula=method.formula,
        notation=method.NOTATION,
        evidence=EVIDENCE,
    )


def _render(
    template: str, title: str, *, root: str | None, heading: str = "", scripts: Sequence[str] = SCRIPTS, **context: Any
) -> str:
    """Render a template. `root` leads from the page to the site's top; None makes a page without a site."""
    page = _environment().get_template(f"{template}.html.j2")
    texts = [Markup(_static(name)) for name in scripts]  # noqa: S704  # our own files
    links = {
        "judge_link": partial(html.judge_link, root),
        "task_link": partial(html.task_link, root),
        "metric_link": partial(html.metric_link, root),
        "metric_rows": partial(html.metric_rows, root),
    }
    about = {"title": title, "root": root, "heading": heading, "scripts": texts, "policy": _policy(texts)}
    return page.render(about | links | context)


@cache
def _environment() -> Environment:
    environment = templates("judgebench.leaderboard", inert)
    environment.globals.update(
        safe_name=safe_name,
        kind_label=kind_label,
        percent=percent,
        anchor=anchor,
        shapes=SHAPES,
        style=Markup(_static("board.css")),  # noqa: S704  # our own file
        number=html.number,
        category_rows=html.category_rows,
        rank=html.rank,
        badge=html.badge,
        level=html.level,
        basis=BASIS,
        version=VERSION,
    )
    return environment


@cache
def _static(name: str) -> str:
    return files("judgebench.leaderboard").joinpath("static", name).read_text("utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Return the content security policy: these scripts and our style, and nothing from anywhere."""
    allowed = f"script-src {' '.join(map(policy_hash, scripts))}; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _packed(shown: Table, root: str | None) -> Packed:
    """Return a task's rows. Among the judges stand the floor's too, to be shown there if the reader asks for it."""
    return packed([list(_rows(group, shown, root)) for group in shown.groups])


def _rows(group: Group, shown: Table, root: str | None) -> Iterator[str]:
    if group.key != "judges":
        yield from (html.judge_row(row, root) for row in group.rows)
        return
    floor = [(row, html.judge_row(row, root, line=True)) for other, row in shown.rows if other.key == "floor"]
    sign = 1 if shown.columns[0].words.lower else -1
    both = [(row, html.judge_row(row, root)) for row in group.rows] + floor
    yield from (text for _, text in sorted(both, key=lambda one: _place(one[0], sign)))


def _place(row: Row, sign: int) -> float:
    value = row.cells[0].sort
    return math.inf if value is None else sign * value


class Facet(NamedTuple):
    """A filter of rows by one of their `data-` attributes: its name, its label, and its values with their labels."""

    name: str
    label: str
    every: str
    values: dict[str, str]


def _facets(rows: Sequence[Row | Line], suites: Mapping[str, str] | None = None) -> list[Facet]:
    """Return the filters that have something to choose between."""
    kinds = sorted({row.kind for row in rows}, key=kind_label)
    evidence = {level for row in rows for level in ((row.evidence,) if isinstance(row, Row) else row.evidence)}
    openness, sizes = ({getattr(row, name) for row in rows} for name in ("openness", "size"))
    facets = [
        Facet("kind", "Kind", "all kinds", {kind: kind_label(kind) for kind in kinds}),
        Facet("evidence", "Evidence", "all evidence", {level: level for level in EVIDENCE if level in evidence}),
        Facet("openness", "Weights", "open or not", {k: label for k, label in OPENNESS.items() if k in openness}),
        Facet("size", "Size", "all sizes", {key: label for key, label in BANDS.items() if key in sizes}),
        Facet("suite", "Suite", "all tasks", dict(suites or {})),
    ]
    return [facet for facet in facets if len(facet.values) > 1 or (facet.values and facet.name != "size")]


def _evidence(tables: Iterable[Table]) -> dict[str, str]:
    found = {row.evidence for shown in tables for _, row in shown.rows}
    return {level: meaning for level, meaning in EVIDENCE.items() if level in found}


def _views(tables: Iterable[Table]) -> dict[str, str]:
    found = {view for shown in tables for view in shown.views}
    return {view: label for view, label in VIEWS.items() if view in found}


def _metrics(tables: Iterable[tuple[TaskBoard, Table]]) -> list[MetricWords]:
    return list(dict.fromkeys(metric_words(c.metric, task.shape) for task, shown in tables for c in shown.columns))
