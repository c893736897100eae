"""From Vega's SVG to the SVG of a page: parsed, and written anew from a short list of what may stand there.

Only lines and numbers, their places and our own classes are taken over; colours and fonts are the page's style, so
that dark and light both work. Ids, links, scripts, styles, events and whatever else is not on the list do not come
through, whoever wrote them. The same plane has the same bytes.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from markupsafe import Markup

from judgebench.leaderboard.html import text as safe

NAMESPACE = "{http://www.w3.org/2000/svg}"
AXES = {
    "role-axis-grid": "grid",
    "role-axis-tick": "edge",
    "role-axis-domain": "edge",
    "role-axis-label": "tick",
}
_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_TRANSLATE = re.compile(rf"translate\(({_NUMBER}),\s*({_NUMBER})\)")
_ANCHORS = ("middle", "end")
LARGEST = 1 << 20
"""Characters. A drawing that is larger is none of ours."""


class Place(NamedTuple):
    """A place on the drawing, in its units from the left and from the top."""

    x: float
    y: float


def redraw(svg: str) -> Markup:
    """Return the inside of an `<svg>` element: grid, edges and the numbers on them, each a `<g class="…">`.

    Raises ValueError for what is no drawing: no SVG, too large, with a document type.
    """
    if len(svg) > LARGEST or "<!" in svg or "<?" in svg:
        raise ValueError("not a plain SVG drawing")
    try:
        root = ET.fromstring(svg)  # noqa: S314 - no document type, so no entities
    except ET.ParseError as error:
        raise ValueError("not a plain SVG drawing") from error
    if root.tag != f"{NAMESPACE}svg":
        raise ValueError("not a plain SVG drawing")
    lines: dict[str, list[str]] = {}
    texts: dict[str, list[str]] = {}
    for group, name, origin in _groups(root, AXES, Place(0, 0)):
        for mark in group:
            at, tag = _moved(origin, mark), mark.tag.removeprefix(NAMESPACE)
            if tag == "line":
                lines.setdefault(name, []).append(_line(mark, at))
            elif tag == "text":
                texts.setdefault(name, []).append(_text(mark, at))
    groups = []
    for name in dict.fromkeys(AXES.values()):
        path = f'<path d="{"".join(lines[name])}"/>' if name in lines else ""
        if inside := path + "".join(texts.get(name, ())):
            groups.append(f'<g class="{name}">{inside}</g>\n')
    return Markup("".join(groups))  # noqa: S704  # written below from numbers and escaped texts


def _groups(element: ET.Element, classes: Mapping[str, str], at: Place) -> Iterator[tuple[ET.Element, str, Place]]:
    for child in element:
        if child.tag != f"{NAMESPACE}g":
            continue
        origin = _moved(at, child)
        name = next((classes[word] for word in child.get("class", "").split() if word in classes), None)
        if name is None:
            yield from _groups(child, classes, origin)
        else:
            yield child, name, origin


def _moved(at: Place, element: ET.Element) -> Place:
    """Return the place that an element's first translation leads to; nothing of ours turns or stretches."""
    found = _TRANSLATE.match(element.get("transform", ""))
    return Place(at.x + float(found[1]), at.y + float(found[2])) if found else at


def _text(element: ET.Element, at: Place) -> str:
    anchor = element.get("text-anchor", "")
    anchored = f' text-anchor="{anchor}"' if anchor in _ANCHORS else ""
    return f'<text x="{short(at.x)}" y="{short(at.y)}"{anchored}>{safe((element.text or "").strip())}</text>'


def _line(element: ET.Element, at: Place) -> str:
    """Return a line as a part of a path."""
    x, y = (at[number] + _float(element.get(name)) for number, name in enumerate(("x2", "y2")))
    return f"M{short(at.x)} {short(at.y)}L{short(x)} {short(y)}"


def _float(text: str | None) -> float:
    return float(text) if text and re.fullmatch(_NUMBER, text) else 0.0


def short(number: float) -> str:
    """Return a number as text, to a tenth."""
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
