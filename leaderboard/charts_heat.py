"""The map of the agreement between judges: cells in few bytes, and the table of its numbers beneath."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from judgebench.leaderboard.agreement import Agreement
from judgebench.leaderboard.html import text as safe

SIDE, GAP, LEFT, TOP = 24, 1, 297, 36
"""In the drawing's units: a cell with its gap, the gap, and where the middle line of the first cell begins."""
WRITTEN = 16
"""More judges than this and the numbers are not on the map: the table has them."""
SHADES = range(-1, 6)


@dataclass(frozen=True)
class Heat:
    """A drawing: the inside of its `<svg>`, its width and height, and the rows of its table's body."""

    body: Markup
    width: int
    height: int
    rows: Markup


def heat(found: Agreement, judges: Sequence[str]) -> Heat:
    """Draw the triangle below the diagonal. `judges` are their names; on the columns numbers stand for them."""
    names = list(enumerate(judges, start=1))
    count = len(names)
    body = f"{_names(names)}\n{_numbers(names)}\n{''.join(_shades(found, written=count <= WRITTEN))}"
    return Heat(
        Markup(body),  # noqa: S704  # numbers and escaped texts
        LEFT + 3 + SIDE * count,
        TOP - 6 + SIDE * count,
        Markup("".join(_rows(found, names))),  # noqa: S704  # numbers and escaped texts
    )


def _names(names: Sequence[tuple[int, str]]) -> str:
    texts = (f'<text x="{LEFT - 7}" y="{SIDE * number + 17}">{safe(name)} {number}</text>' for number, name in names)
    return f'<g class="who">{"".join(texts)}</g>'


def _numbers(names: Sequence[tuple[int, str]]) -> str:
    texts = (f'<text x="{LEFT - 13 + SIDE * number}" y="17">{number}</text>' for number, _ in names)
    return f'<g class="which">{"".join(texts)}</g>'


def _shades(found: Agreement, *, written: bool) -> Iterator[str]:
    """Return the cells of each shade: one path as broad as a cell, and their numbers where there is room for them."""
    for shade in SHADES:
        cells = [(row, column, text) for row, column, text, of, _ in found.cells if of == shade]
        places = "".join(f"M{LEFT + SIDE * column} {TOP + SIDE * row}h{SIDE - GAP}" for row, column, _ in cells)
        texts = "".join(
            f'<text x="{LEFT + SIDE * column + 11.5}" y="{TOP + SIDE * row + 4}">{text}</text>'
            for row, column, text in cells
        )
        if cells:
            yield f'<g class="k{shade}"><path d="{places}"/>{texts if written else ""}</g>\n'


def _rows(found: Agreement, names: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Return for each judge its kappas with those above it, each with the number of items it rests on."""
    cells: dict[int, list[str]] = {}
    for row, _, text, _, n in found.cells:
        cells.setdefault(row, []).append(f"<td>{text} <i>{n}</i></td>")
    for number, name in names:
        yield f'<tr><th scope="row">{number} <bdi>{safe(name)}</bdi></th>{"".join(cells.get(number - 1, ()))}</tr>\n'
