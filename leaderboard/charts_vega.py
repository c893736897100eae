"""Scatter charts by altair, as SVG at build time: Vega places and scales, `charts_svg` writes what goes into a page.

Nothing but numbers and our own keys goes in, so no name of a judge ever is Vega's to escape. Margins are fixed and the
numbers on the axes given, so no measured text, and with it no installed font, can move anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from judgebench.leaderboard.charts_axes import Axis

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 40, 20, 22, 40
"""The drawing, and the margins around its plane, in its own units."""

Rows = Sequence[Mapping[str, float | str]]
LAYERS = ("spans", "zero", "floor", "front", "dots", "best", "after", "before")
"""What a chart can hold, from the back to the front; each becomes a group of the drawing with this name."""


def plane() -> tuple[int, int]:
    """Return width and height of the part that the axes enclose."""
    return WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def draw(x: Axis, y: Axis, layers: Mapping[str, Rows]) -> str:
    """Return a chart as Vega's SVG. `layers` are rows by the names of `LAYERS`, with `x`, `y` and what the layer needs.

    `dots` and `best` have a `key`, `spans` a `low` and `high`; `after` and `before` are texts beside a place, as keys.
    """
    from vl_convert import vegalite_to_svg

    spec = _specification(x, y, [name for name in LAYERS if layers.get(name)])
    spec["datasets"] = {name: list(rows) for name, rows in layers.items()}
    svg: str = vegalite_to_svg(spec)
    return svg


def _specification(x: Axis, y: Axis, names: Sequence[str]) -> dict[str, Any]:
    import altair as alt

    across, up = alt.X("x:Q", **_channel(x)), alt.Y("y:Q", **_channel(y))
    shapes = {
        "spans": lambda base: base.mark_rule().encode(x=across, y=alt.Y("low:Q", **_channel(y)), y2="high:Q"),
        "zero": lambda base: base.mark_rule().encode(x=across),
        "floor": lambda base: base.mark_rule().encode(y=up),
        "front": lambda base: base.mark_line(interpolate="step-after").encode(x=across, y=up),
        "dots": lambda base: base.mark_point().encode(x=across, y=up, href="key:N"),
        "best": lambda base: base.mark_point().encode(x=across, y=up, href="key:N"),
        "after": lambda base: base.mark_text(align="left", dx=7).encode(x=across, y=up, text="key:N"),
        "before": lambda base: base.mark_text(align="right", dx=-7).encode(x=across, y=up, text="key:N"),
    }
    width, height = plane()
    drawn = [shapes[name](alt.Chart(alt.NamedData(name))).properties(name=name) for name in names]
    chart = alt.layer(*drawn).properties(
        width=width,
        height=height,
        padding={"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        autosize=alt.AutoSizeParams(type="none"),
    )
    specification: dict[str, Any] = chart.to_dict(validate=False)  # our own; checking it costs more than drawing it
    return specification


def _channel(axis: Axis) -> dict[str, Any]:
    import altair as alt

    scale: dict[str, Any] = {"type": axis.scale, "domain": [axis.low, axis.high], "nice": False, "zero": False}
    if axis.scale == "symlog":
        scale["constant"] = axis.constant
    shown = alt.Axis(
        values=list(axis.ticks),
        title=None,
        labelExpr="format(datum.value, '~g')",
        labelOverlap=False,
        labelFlush=False,
        labelFontSize=12,
        labelPadding=4,
    )
    return {"scale": alt.Scale(**scale), "axis": shown}
