"""From a renderer's SVG to the SVG of a page: parsed, and written anew from a short list of what may stand there.

Only shapes, places and our own classes are taken over; colours and fonts are the page's style, so that dark and light
both work. Texts and links are put in here by key, escaped. Ids, scripts, styles, events, references and whatever else
is not on the list do not come through, whoever wrote them.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from markupsafe import Markup

from judgebench.leaderboard.html import text as safe

NAMESPACE = "{http://www.w3.org/2000/svg}"
_AXES = {
    "role-axis-grid": "grid",
    "role-axis-tick": "edge",
    "role-axis-domain": "edge",
    "role-axis-label": "tick",
}
_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_TRANSLATE = re.compile(rf"translate\(({_NUMBER}),\s*({_NUMBER})\)")
_PATH = re.compile(rf"[ML ,]|{_NUMBER}")
_ANCHORS = ("start", "middle", "end")
LARGEST = 4 << 20
"""Characters. A drawing that is larger is none of ours."""


class Link(NamedTuple):
    """Where a point leads, and what it is called."""

    href: str
    title: str


class Place(NamedTuple):
    """Where a group's origin lies on the drawing."""

    x: float
    y: float


def redraw(svg: str, layers: tuple[str, ...], *, names: Mapping[str, str], links: Mapping[str, Link]) -> Markup:
    """Return the inside of an `<svg>` element: a `<g class="…">` for each kind of mark that the drawing has.

    `layers` are the names of marks to take over; the texts of the drawing are keys of `names` where these have them,
    the links keys of `links`. Raises ValueError for what is no drawing: no SVG, too large, with a document type.
    """
    if len(svg) > LARGEST or "<!" in svg or "<?" in svg:
        raise ValueError("not a plain SVG drawing")
    try:
        root = ET.fromstring(svg)  # noqa: S314 - no document type, so no entities
    except ET.ParseError as error:
        raise ValueError("not a plain SVG drawing") from error
    if root.tag != f"{NAMESPACE}svg":
        raise ValueError("not a plain SVG drawing")
    classes = _AXES | {f"{name}_marks": name for name in layers}
    writer = _Writer(names, links)
    parts: dict[str, list[str]] = {}
    for group, name, origin in _groups(root, classes, Place(0, 0)):
        parts.setdefault(name, []).extend(writer.marks(group, origin))
    order = [*dict.fromkeys(_AXES.values()), *layers]
    groups = [f'<g class="{name}">{"".join(parts[name])}</g>' for name in order if parts.get(name)]
    return Markup("\n".join(groups))  # noqa: S704 - written below from numbers and escaped texts


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


class _Writer:
    def __init__(self, names: Mapping[str, str], links: Mapping[str, Link]) -> None:
        self.names, self.links = names, links
        self.writers: dict[str, Callable[[ET.Element, Place], str]] = {
            "line": _line,
            "path": _path,
            "text": self._text,
            "a": self._link,
        }

    def marks(self, group: ET.Element, origin: Place) -> Iterator[str]:
        for mark in group:
            write = self.writers.get(mark.tag.removeprefix(NAMESPACE))
            if write is not None:
                yield write(mark, _moved(origin, mark))

    def _text(self, element: ET.Element, at: Place) -> str:
        text = (element.text or "").strip()
        anchor = element.get("text-anchor", "")
        anchored = f' text-anchor="{anchor}"' if anchor in _ANCHORS[1:] else ""
        return f'<text x="{_short(at.x)}" y="{_short(at.y)}"{anchored}>{safe(self.names.get(text, text))}</text>'

    def _link(self, element: ET.Element, at: Place) -> str:
        """Return a point as a circle within its link. Out of the tab order: the table beneath has the same links."""
        key = next((value for name, value in element.attrib.items() if name.endswith("href")), "").rpartition("/")[2]
        point = element.find(f"{NAMESPACE}path")
        if point is None or key not in self.links:
            return ""
        where, link = _moved(at, point), self.links[key]
        circle = f'<circle cx="{_short(where.x)}" cy="{_short(where.y)}" r="4"/>'
        return f'<a href="{safe(link.href)}" tabindex="-1"><title>{safe(link.title)}</title>{circle}</a>'


def _line(element: ET.Element, at: Place) -> str:
    x, y = (at[number] + _float(element.get(name)) for number, name in enumerate(("x2", "y2")))
    return f'<path d="M{_short(at.x)} {_short(at.y)}L{_short(x)} {_short(y)}"/>'


def _path(element: ET.Element, at: Place) -> str:
    """Return a path of straight lines, moved to where it stands; anything else in it and there is none."""
    text = element.get("d", "")
    words = _PATH.findall(text)
    if not words or "".join(words) != text:
        return ""
    numbers = [word for word in words if word[-1].isdigit()]
    places = [(float(x) + at.x, float(y) + at.y) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]
    return f'<path d="M{"L".join(f"{_short(x)} {_short(y)}" for x, y in places)}"/>' if places else ""


def _float(text: str | None) -> float:
    return float(text) if text and re.fullmatch(_NUMBER, text) else 0.0


def _short(number: float) -> str:
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
