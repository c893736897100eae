"""The charts of a task: the headline against cost with the Pareto front, and against position bias.

This module chooses what is drawn, says it in words and keeps the same numbers for the table beneath; too few points
make no chart but a sentence that says why.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from judgebench.leaderboard import charts_axes, charts_vega, pareto
from judgebench.leaderboard.cells import Cell, cell, number
from judgebench.leaderboard.charts_axes import Axis
from judgebench.leaderboard.charts_svg import Link, redraw
from judgebench.leaderboard.data import TaskBoard, run_id
from judgebench.leaderboard.groups import group_of
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.wording import MetricWords, metric_words
from judgebench.results import Result
from judgebench.spec import JudgeSpec

FEWEST = 3
"""Fewer points than this make no chart."""
CROWD = 40
"""More points than this are drawn without their intervals, which would cover each other."""
NAMED = 8
LONGEST_NAME = 30
_LETTER, _LINE = 6.2, 13
"""About how wide a letter and how high a line of a name is, in the drawing's units."""
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
        judge=_short_name(judge),
        model=judge.model or "",
        label=label(judge),
        value=value,
        low=_drawn(headline.low, share=words.share),
        high=_drawn(headline.high, share=words.share),
        cost=cost if cost is not None and 0 <= cost < LARGEST else None,
        bias=_drawn(bias.value, share=True) if bias is not None else None,
        headline=cell(headline, words),
        position=cell(bias, metric_words("position_bias")) if bias is not None else None,
        judgments=result.counts.trials,
    )


def _drawn(value: float | None, *, share: bool) -> float | None:
    if value is None or not math.isfinite(value) or abs(value) >= LARGEST:
        return None
    return 100 * value if share else value


def _short_name(judge: JudgeSpec) -> str:
    name, _, model = judge.name.partition("--")
    return name if judge.model and name and model else judge.name


def label(judge: JudgeSpec, longest: int = LONGEST_NAME) -> str:
    """Return a judge and its model in one line of at most so many characters, for where there is little room."""
    model = (judge.model or "").rpartition("/")[2]
    text = f"{_short_name(judge)} · {model}" if model else judge.name
    return text if len(text) <= longest else text[: longest - 1] + "…"


def dollars(cost: float) -> str:
    """Return an amount with three digits that count."""
    return f"{cost:.3g}" if cost < 100 else f"{cost:.0f}"  # noqa: PLR2004 - three digits before the point


def _with_front(spots: Sequence[Spot], *, lower: bool) -> list[Spot]:
    priced = [spot for spot in spots if spot.cost is not None]
    chosen = pareto.front([(spot.cost or 0.0, spot.value) for spot in priced], lower=lower)
    best = {priced[index].run for index in chosen}
    return [replace(spot, front=spot.run in best) for spot in spots]


def _floor(task: TaskBoard, words: MetricWords) -> float | None:
    """Return the headline of the best judge that weighs nothing, as drawn."""
    metrics = [result.metrics.get(task.metric) for result in task.results if group_of(result, task) == "floor"]
    values = [value for metric in metrics if metric and (value := _drawn(metric.value, share=words.share)) is not None]
    return (min(values) if words.lower else max(values)) if values else None


# -- the two charts ------------------------------------------------------------------------------------------


def _cost_chart(spots: Sequence[Spot], words: MetricWords, floor: float | None) -> Chart | str:
    priced = [spot for spot in spots if spot.cost is not None]
    without = len(spots) - len(priced)
    title = f"{words.label} against cost"
    if len(priced) < FEWEST:
        known = f"{len(priced)} of {len(spots)} results in the ranking" if spots else "no result in the ranking"
        return f"{title}: no chart, because {known} {'has' if len(priced) == 1 or not spots else 'have'} a known cost."
    x = charts_axes.costs(f"USD per {pareto.PER:,} judgments", [spot.cost or 0.0 for spot in priced])
    best = sorted((spot for spot in priced if spot.front), key=lambda spot: (spot.cost or 0.0, spot.value))
    told = "; ".join(f"{spot.label} {_said(spot, words)} for {spot.cost_text} USD" for spot in best)
    left_out = f" {without} of {len(spots)} results have no known cost and are not drawn." if without else ""
    note = "Filled points and the stepped line: the Pareto front, judges that none beats on both." + left_out
    says = f"{len(priced)} judges. On the Pareto front, from the cheapest: {told}.{left_out}"
    y = _upward(priced, words, floor)
    front = [{"x": spot.cost or 0.0, "y": spot.value} for spot in best]
    return _chart(("cost", title, says, note), (x, y), _Placed.all(priced, "cost"), floor, front=front)


def _bias_chart(spots: Sequence[Spot], words: MetricWords, floor: float | None) -> Chart | str:
    known = [spot for spot in spots if spot.bias is not None]
    title = f"{words.label} against position bias"
    if len(known) < FEWEST:
        count = f"{len(known)} of {len(spots)} results in the ranking" if spots else "no result in the ranking"
        return (
            f"{title}: no chart, because {count} {'has' if len(known) == 1 or not spots else 'have'} a position bias."
        )
    without = len(spots) - len(known)
    left_out = f" {without} of {len(spots)} results have none and are not drawn." if without else ""
    x = charts_axes.around_zero("Position bias, %", [spot.bias or 0.0 for spot in known], high=100.0)
    ends = sorted(known, key=lambda spot: (spot.bias or 0.0, spot.run))
    told = "; ".join(
        f"{spot.label} {number(spot.bias or 0.0, share=False)} %, {_said(spot, words)}" for spot in known[:3]
    )
    says = (
        f"{len(known)} judges, position bias from {number(ends[0].bias or 0.0, share=False)} to "
        f"{number(ends[-1].bias or 0.0, share=False)} %. The best by {words.label}: {told}.{left_out}"
    )
    note = "Left of the middle line: prefers what is shown second; right of it, what is shown first." + left_out
    return _chart(
        ("bias", title, says, note), (x, _upward(known, words, floor)), _Placed.all(known, "bias"), floor, zero=True
    )


def _said(spot: Spot, words: MetricWords) -> str:
    return f"{spot.headline.value}{' %' if words.share else ''} {spot.headline.interval}".rstrip()


def _upward(spots: Sequence[Spot], words: MetricWords, floor: float | None) -> Axis:
    ends = [end for spot in spots for end in (spot.value, *_ends(spot, len(spots))) if end is not None]
    values = ends if floor is None else [*ends, floor]
    return charts_axes.linear(f"{words.label}{', %' if words.share else ''}", values)


def _ends(spot: Spot, count: int) -> tuple[float | None, float | None]:
    return (spot.low, spot.high) if count <= CROWD else (None, None)


@dataclass(frozen=True)
class _Placed:
    spot: Spot
    x: float

    @classmethod
    def all(cls, spots: Sequence[Spot], field: str) -> list["_Placed"]:
        return [cls(spot, getattr(spot, field)) for spot in spots]


def _chart(
    texts: tuple[str, str, str, str],
    axes: tuple[Axis, Axis],
    placed: Sequence[_Placed],
    floor: float | None,
    *,
    front: Sequence[Mapping[str, float]] = (),
    zero: bool = False,
) -> Chart:
    (key, title, says, note), (x, y) = texts, axes
    rows: list[dict[str, float | str]] = [{"x": o.x, "y": o.spot.value, "key": o.spot.run} for o in placed]
    best = [row for row, one in zip(rows, placed, strict=True) if front and one.spot.front]
    spans = [
        {"x": one.x, "low": ends[0], "high": ends[1]}
        for one in placed
        if (ends := _ends(one.spot, len(placed))) and ends[0] is not None and ends[1] is not None
    ]
    layers: dict[str, charts_vega.Rows] = {
        "spans": spans,
        "zero": [{"x": 0.0}] if zero else [],
        "floor": [] if floor is None else [{"y": floor}],
        "front": list(front),
        "dots": [row for row in rows if row not in best],
        "best": best,
        **_beside(x, y, [one for one in placed if one.spot.front] if front else placed),
    }
    names = {one.spot.run: one.spot.label for one in placed}
    links = {one.spot.run: _link(one.spot) for one in placed}
    if floor is not None:
        note += " Dashed: the best judge that does not weigh the responses."
    drawn = charts_vega.draw(x, y, layers)
    return Chart(key, title, says, note, x, y, redraw(drawn, charts_vega.LAYERS, names=names, links=links))


def _beside(x: Axis, y: Axis, placed: Sequence[_Placed]) -> dict[str, charts_vega.Rows]:
    """Return the names beside the best points, after or before them by where there is room; none over another."""
    width, height = charts_vega.plane()
    taken: list[tuple[float, float, float, float]] = []
    found: dict[str, list[dict[str, float | str]]] = {"after": [], "before": []}
    for one in placed[:NAMED]:
        at, up = x.share(one.x) * width, (1 - y.share(one.spot.value)) * height
        long = _LETTER * len(one.spot.label) + 7
        side = "after" if at + long <= width else "before"
        left = at if side == "after" else at - long
        box = (left, left + long, up - _LINE / 2, up + _LINE / 2)
        if left >= 0 and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            found[side].append({"x": one.x, "y": one.spot.value, "key": one.spot.run})
    return {side: tuple(rows) for side, rows in found.items()}


def _overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[1] and two[0] < one[1] and one[2] < two[3] and two[2] < one[3]


def _link(spot: Spot) -> Link:
    cost = f", {spot.cost_text} USD per {pareto.PER:,} judgments" if spot.cost is not None else ""
    bias = f", position bias {spot.position.value} %" if spot.position is not None else ""
    text = f"{spot.label}: {spot.headline.value} {spot.headline.interval}".rstrip() + cost + bias
    return Link(f"../judges/{safe_name(spot.name)}.html", text)
