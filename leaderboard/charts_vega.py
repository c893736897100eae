"""The planes of scatter charts by Vega, as SVG at build time: scales, ticks, their numbers and the grid.

Only numbers go in, and no text of a judge. Margins are fixed and the numbers on the axes given, so no measured text,
and with it no installed font, can move anything. What stands on the plane is placed by the same scales (`Axis.share`)
and drawn by `charts_marks`: five hundred points through Vega cost four times as much as its empty plane.
"""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

from judgebench.leaderboard.charts_axes import Axis

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 40, 20, 22, 40
"""The drawing, and the margins around its plane, in its own units."""


def size() -> tuple[int, int]:
    """Return width and height of the part that the axes enclose."""
    return WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def plane(x: Axis, y: Axis) -> str:
    """Return two axes with their grid as Vega's SVG; their titles are not in it.

    Never in a forked process whose parent has called it: the renderer's threads are not there, and it waits for ever.
    """
    return _svg(replace(x, title=""), replace(y, title=""))


@lru_cache(128)
def _svg(x: Axis, y: Axis) -> str:
    from vl_convert import vegalite_to_svg

    svg: str = vegalite_to_svg(json.dumps(_specification(x, y)))
    return svg


def _specification(x: Axis, y: Axis) -> dict[str, Any]:
    """Return the plane in Vega-Lite: a chart of no rows."""
    width, height = size()
    return {
        "data": {"values": []},
        "mark": "point",
        "encoding": {"x": _channel("x", x), "y": _channel("y", y)},
        "width": width,
        "height": height,
        "padding": {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        "autosize": "none",
    }


def _channel(field: str, axis: Axis) -> dict[str, Any]:
    scale: dict[str, Any] = {"type": axis.scale, "domain": [axis.low, axis.high], "nice": False, "zero": False}
    if axis.scale == "symlog":
        scale["constant"] = axis.constant
    shown = {
        "values": list(axis.ticks),
        "title": None,
        "labelExpr": "format(datum.value, '~g')",
        "labelOverlap": False,
        "labelFlush": False,
        "labelFontSize": 12,
        "labelPadding": 4,
    }
    return {"field": field, "type": "quantitative", "scale": scale, "axis": shown}
