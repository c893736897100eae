"""What stands on a chart's plane: points, intervals, lines and names, as compact SVG.

Many marks of a kind are one path; only a point that leads somewhere is an element. Texts and links are escaped here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from judgebench.leaderboard import charts_vega
from judgebench.leaderboard.charts_axes import Axis
from judgebench.leaderboard.charts_svg import Place, short
from judgebench.leaderboard.html import text as safe

NAMED = 8
"""Of the best points, so many have their names beside them where there is room."""
_LETTER, _LINE = 6.2, 13
"""About how wide a letter and how high a line of a name is, in the drawing's units."""
_GAP, _DROP = 7, 4
"""From a point to the name beside it, and from its middle to the line that the name stands on."""


class Link(NamedTuple):
    """Where a mark leads, and what it is called."""

    href: str
    title: str


@dataclass(frozen=True)
class Point:
    """A judge on a chart, its numbers as drawn. Without a `link` it is one of the crowd; `best` ones are filled."""

    x: float
    y: float
    name: str
    link: Link | None = None
    best: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Plane:
    """Two axes, and so where a pair of numbers stands on the drawing."""

    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> Place:
        """Return the place of two numbers."""
        width, height = charts_vega.size()
        return Place(charts_vega.LEFT + self.x.share(x) * width, charts_vega.TOP + (1 - self.y.share(y)) * height)


def crowd(plane: Plane, points: Iterable[Point]) -> str:
    """Return points that lead nowhere: one path of dots, to whole units, from left to right."""
    places = sorted({(round(x), round(y)) for x, y in (plane.at(one.x, one.y) for one in points)})
    return _group("crowd", _path("".join(f"M{x} {y}h0" for x, y in places)) if places else "")


def dots(plane: Plane, points: Iterable[Point], name: str) -> str:
    """Return points that lead somewhere. Out of the tab order: the tables on the page have the same links."""
    return _group(name, "".join(_dot(plane.at(one.x, one.y), one.link) for one in points if one.link))


def _dot(at: Place, link: Link) -> str:
    return _linked(link, f'<circle cx="{short(at.x)}" cy="{short(at.y)}" r="4"/>')


def spans(plane: Plane, points: Iterable[Point]) -> str:
    """Return the points' intervals, upright."""
    ends = [
        (plane.at(one.x, one.low), plane.at(one.x, one.high))
        for one in points
        if one.low is not None and one.high is not None
    ]
    return _group("spans", _path("".join(f"M{short(a.x)} {short(a.y)}V{short(b.y)}" for a, b in ends)) if ends else "")


def across(plane: Plane, y: float, link: Link) -> str:
    """Return a level line over the whole plane, which leads somewhere."""
    left, right = plane.at(plane.x.low, y), plane.at(plane.x.high, y)
    return _group("floor", _linked(link, _path(f"M{short(left.x)} {short(left.y)}H{short(right.x)}")))


def upright(plane: Plane, x: float) -> str:
    """Return an upright line over the whole plane."""
    low, high = plane.at(x, plane.y.low), plane.at(x, plane.y.high)
    return _group("zero", _path(f"M{short(low.x)} {short(low.y)}V{short(high.y)}"))


def steps(plane: Plane, points: Sequence[Point]) -> str:
    """Return the line from each point on to the next one's place and there to its height."""
    if not points:
        return ""
    first, *rest = (plane.at(one.x, one.y) for one in points)
    on = "".join(f"H{short(at.x)}V{short(at.y)}" for at in rest)
    return _group("front", _path(f"M{short(first.x)} {short(first.y)}{on}"))


def names(plane: Plane, points: Sequence[Point]) -> str:
    """Return the names beside the first points, after or before them by where there is room; none over another."""
    width, _ = charts_vega.size()
    taken: list[tuple[float, float, float, float]] = []
    found: dict[str, list[str]] = {"after": [], "before": []}
    for one in points[:NAMED]:
        at, long = plane.at(one.x, one.y), _LETTER * len(one.name) + _GAP
        side = "after" if at.x + long <= charts_vega.LEFT + width else "before"
        left = at.x if side == "after" else at.x - long
        box = (left, left + long, at.y - _LINE / 2, at.y + _LINE / 2)
        if left >= charts_vega.LEFT and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            moved = _GAP if side == "after" else -_GAP
            found[side].append(f'<text x="{short(at.x + moved)}" y="{short(at.y + _DROP)}">{safe(one.name)}</text>')
    return "".join(_group(side, "".join(texts)) for side, texts in found.items())


def _overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> bool:
    return one[0] < two[1] and two[0] < one[1] and one[2] < two[3] and two[2] < one[3]


def _linked(link: Link, inside: str) -> str:
    return f'<a href="{safe(link.href)}" tabindex="-1"><title>{safe(link.title)}</title>{inside}</a>'


def _path(places: str) -> str:
    return f'<path d="{places}"/>'


def _group(name: str, inside: str) -> str:
    return f'<g class="{name}">{inside}</g>\n' if inside else ""
