"""The charts of a task: the headline against cost with the Pareto front, and against position bias.

This module chooses what is drawn, says it in words and keeps the same numbers for the table beneath; too few points
make no chart but a sentence that says why.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from judgebench.leaderboard import charts_axes, charts_marks, charts_vega, pareto
from judgebench.leaderboard.cells import Cell, cell, number
from judgebench.leaderboard.charts_axes import Axis
from judgebench.leaderboard.charts_marks import Link, Plane, Point
from judgebench.leaderboard.charts_svg import redraw
from judgebench.leaderboard.data import TaskBoard, run_id
from judgebench.leaderboard.groups import group_of
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.table import short_name
from judgebench.leaderboard.wording import MetricWords, metric_words
from judgebench.results import Result
from judgebench.spec import JudgeSpec

FEWEST = 3
"""Fewer points than this make no chart."""
CROWD = 40
"""More points than this are drawn without their intervals, which would cover each other."""
MANY, LINKED = 100, 30
"""Of more points than `MANY`, the Pareto front and so many of the best are links; the table has as many rows."""
LONGEST_NAME = 30
LARGEST = 1e9
"""Beyond this a number is not drawn: no metric and no cost of ours comes near."""


@dataclass(frozen=True)
class Spot:
    """A judge as the charts show it. `value`, `low`, `high` and `bias` are as drawn: shares in percent."""

    run: str
    name: str
    judge: str
    model: str
    label: str
    value: float
    low: float | None
    high: float | None
    cost: float | None
    bias: float | None
    headline: Cell
    position: Cell | None
    judgments: int
    front: bool = False

    @property
    def cost_text(self) -> str:
        """Return the cost in USD of a thousand judgments as text."""
        return "" if self.cost is None else dollars(self.cost)


@dataclass(frozen=True)
class Chart:
    """A drawing: its axes, what it says in words, a note on how to read it, and the inside of its `<svg>`."""

    key: str
    title: str
    says: str
    note: str
    x: Axis
    y: Axis
    body: Markup
    width: int = charts_vega.WIDTH
    height: int = charts_vega.HEIGHT


@dataclass(frozen=True)
class TaskCharts:
    """What a task's page draws of its judges: a chart, or why there is none; and the numbers of both, best first."""

    words: MetricWords
    charts: tuple[Chart, ...]
    missing: tuple[str, ...]
    spots: tuple[Spot, ...]


def of_task(task: TaskBoard) -> TaskCharts:
    """Return the charts of a task over the judges of its ranking; judges that weigh nothing are a line, no points."""
    words = metric_words(task.metric, task.shape)
    judges = {run_id(result): result for result in task.results if group_of(result, task) == "judges"}
    spots = [found for key, result in judges.items() if (found := _spot(key, result, task.metric, words))]
    spots.sort(key=lambda spot: (spot.value if words.lower else -spot.value, spot.name, spot.run))
    spots = _with_front(spots, lower=words.lower)
    floor = _floor(task, words)
    drawn = (_cost_chart(spots, words, floor), _bias_chart(spots, words, floor))
    return TaskCharts(
        words,
        tuple(one for one in drawn if isinstance(one, Chart)),
        tuple(one for one in drawn if isinstance(one, str)),
        tuple(spots) if any(isinstance(one, Chart) for one in drawn) else (),
    )


def _spot(run: str, result: Result, metric: str, words: MetricWords) -> Spot | None:
    headline, bias = result.metrics.get(metric), result.metrics.get("position_bias")
    if headline is None or (value := _drawn(headline.value, share=words.share)) is None:
        return None
    cost, judge = pareto.cost_per_thousand(result), result.spec.judge
    return Spot(
        run=run,
        name=judge.name,
        judge=short_name(judge),
        model=judge.model or "",
        label=label(judge),
        value=value,
        low=_drawn(headline.low, share=words.share),
        high=_drawn(headline.high, share=words.share),
        cost=cost if cost is not None and 0 <= cost < LARGEST else None,
        bias=_drawn(bias.value, share=True) if bias is not None else None,
        headline=cell(headline, words)._replace(sort=None),
        position=cell(bias, metric_words("position_bias"))._replace(sort=None) if bias is not None else None,
        judgments=result.counts.trials,
    )


def _drawn(value: float | None, *, share: bool) -> float | None:
    if value is None or not math.isfinite(value) or abs(value) >= LARGEST:
        return None
    return 100 * value if share else value


def label(judge: JudgeSpec, longest: int = LONGEST_NAME) -> str:
    """Return a judge and its model in one line of at most so many characters, for where there is little room."""
    model = (judge.model or "").rpartition("/")[2]
    text = f"{short_name(judge)} · {model}" if model else judge.name
    return text if len(text) <= longest else text[: longest - 1] + "…"


def dollars(cost: float) -> str:
    """Return an amount with three digits that count."""
    return f"{cost:.3g}" if cost < 100 else f"{cost:.0f}"  # noqa: PLR2004 - three digits before the point


def _with_front(spots: Sequence[Spot], *, lower: bool) -> list[Spot]:
    priced = [spot for spot in spots if spot.cost is not None]
    chosen = pareto.front([(spot.cost or 0.0, spot.value) for spot in priced], lower=lower)
    best = {priced[index].run for index in chosen}
    return [replace(spot, front=spot.run in best) for spot in spots]


@dataclass(frozen=True)
class _Floor:
    """The best judge that weighs nothing: its headline as drawn, and where its line leads."""

    value: float
    label: str
    link: Link


def _floor(task: TaskBoard, words: MetricWords) -> _Floor | None:
    sign = 1 if words.lower else -1
    floor = [result for result in task.results if group_of(result, task) == "floor"]
    spots = [spot for result in floor if (spot := _spot(run_id(result), result, task.metric, words))]
    best = min(spots, key=lambda spot: (sign * spot.value, spot.name, spot.run), default=None)
    return None if best is None else _Floor(best.value, best.label, _link(best))


# -- the two charts ------------------------------------------------------------------------------------------


def _cost_chart(spots: Sequence[Spot], words: MetricWords, floor: _Floor | None) -> Chart | str:
    priced = [spot for spot in spots if spot.cost is not None]
    without = len(spots) - len(priced)
    title = f"{words.label} against cost"
    if len(priced) < FEWEST:
        return _too_few(title, len(priced), len(spots), "a known cost")
    x = charts_axes.costs(f"USD per {pareto.PER:,} judgments", [spot.cost or 0.0 for spot in priced])
    best = sorted((spot for spot in priced if spot.front), key=lambda spot: (spot.cost or 0.0, spot.value))
    told = "; ".join(f"{spot.label} {spot.headline.said(words)} for {spot.cost_text} USD" for spot in best)
    left_out = f" {without} of {len(spots)} results have no known cost and are not drawn." if without else ""
    note = "Filled points and the stepped line: the Pareto front, judges that none beats on both." + left_out
    says = f"{len(priced)} judges. On the Pareto front, from the cheapest: {told}.{left_out}"
    y = _upward(priced, words, floor)
    points = [_point(spot, spot.cost or 0.0, number, len(priced), front=True) for number, spot in enumerate(priced)]
    front = [Point(spot.cost or 0.0, spot.value, spot.label) for spot in best]
    return _chart(("cost", title, says, note), Plane(x, y), points, floor, front=front)


def _bias_chart(spots: Sequence[Spot], words: MetricWords, floor: _Floor | None) -> Chart | str:
    known = [spot for spot in spots if spot.bias is not None]
    title = f"{words.label} against position bias"
    if len(known) < FEWEST:
        return _too_few(title, len(known), len(spots), "a position bias")
    without = len(spots) - len(known)
    left_out = f" {without} of {len(spots)} results have none and are not drawn." if without else ""
    x = charts_axes.around_zero("Position bias, %", [spot.bias or 0.0 for spot in known], high=100.0)
    ends = sorted(known, key=lambda spot: (spot.bias or 0.0, spot.run))
    told = "; ".join(
        f"{spot.label} {number(spot.bias or 0.0, share=False)} %, {spot.headline.said(words)}" for spot in known[:3]
    )
    says = (
        f"{len(known)} judges, position bias from {number(ends[0].bias or 0.0, share=False)} to "
        f"{number(ends[-1].bias or 0.0, share=False)} %. The best by {words.label}: {told}.{left_out}"
    )
    note = "Left of the middle line: prefers what is shown second; right of it, what is shown first." + left_out
    points = [_point(spot, spot.bias or 0.0, number, len(known)) for number, spot in enumerate(known)]
    return _chart(("bias", title, says, note), Plane(x, _upward(known, words, floor)), points, floor)


def _too_few(title: str, known: int, of: int, what: str) -> str:
    who = f"{known} of {of} results in the ranking" if of else "no result in the ranking"
    return f"{title}: no chart, because {who} {'has' if known == 1 or not of else 'have'} {what}."


def _upward(spots: Sequence[Spot], words: MetricWords, floor: _Floor | None) -> Axis:
    ends = [end for spot in spots for end in (spot.value, *_ends(spot, len(spots))) if end is not None]
    values = ends if floor is None else [*ends, floor.value]
    return charts_axes.linear(f"{words.label}{', %' if words.share else ''}", values)


def _ends(spot: Spot, count: int) -> tuple[float | None, float | None]:
    return (spot.low, spot.high) if count <= CROWD else (None, None)


def _point(spot: Spot, x: float, number: int, count: int, *, front: bool = False) -> Point:
    """Return a spot at its place; `number` is its place among the best, `front` tells whether a chart has the front."""
    best, linked = front and spot.front, count <= MANY or number < LINKED
    low, high = _ends(spot, count)
    return Point(x, spot.value, spot.label, _link(spot) if linked or best else None, best, low, high)


def _chart(
    texts: tuple[str, str, str, str],
    plane: Plane,
    points: Sequence[Point],
    floor: _Floor | None,
    *,
    front: Sequence[Point] = (),
) -> Chart:
    """Draw a chart: with the front if there is one, with an upright line at 0 if there is none."""
    key, title, says, note = texts
    if any(point.link is None for point in points):
        note += f" Of {len(points)} judges the best {LINKED}{' and the front' if front else ''} are rings that lead to"
        note += " their pages, the others grey dots."
    if floor is not None:
        note += f" Dashed: {floor.label}, the best judge that does not weigh the responses."
    body = (
        str(redraw(charts_vega.plane(plane.x, plane.y))),
        charts_marks.spans(plane, points),
        "" if front else charts_marks.upright(plane, 0.0),
        charts_marks.across(plane, floor.value, floor.link) if floor else "",
        charts_marks.steps(plane, front),
        charts_marks.crowd(plane, [point for point in points if point.link is None]),
        charts_marks.dots(plane, [point for point in points if not point.best], "dots"),
        charts_marks.dots(plane, [point for point in points if point.best], "best"),
        charts_marks.names(plane, [point for point in points if point.best] if front else points),
    )
    drawn = Markup("".join(body))  # noqa: S704  # numbers and escaped texts
    return Chart(key, title, says, note, plane.x, plane.y, drawn)


def _link(spot: Spot) -> Link:
    cost = f", {spot.cost_text} USD per {pareto.PER:,} judgments" if spot.cost is not None else ""
    bias = f", position bias {spot.position.value} %" if spot.position is not None else ""
    text = f"{spot.label}: {spot.headline.value} {spot.headline.interval}".rstrip() + cost + bias
    return Link(f"../judges/{safe_name(spot.name)}.html", text)
