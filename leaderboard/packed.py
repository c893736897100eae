"""Long tables in little space: the first rows as HTML, the rest packed, for the page's script to unpack."""

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

FIRST, BESIDE = 30, 10
"""How many rows of a table's first group, and of each other one, are in the page as they are."""


@dataclass(frozen=True)
class Packed:
    """A table's groups of rows. `first` is each group's HTML, `rest` (in base64) what is left of all, "" if nothing.

    `rest` unpacks to one <tbody> for each group. `left` is how many rows are in it.
    """

    first: tuple[Markup, ...]
    rest: str
    left: int


def packed(groups: Sequence[Sequence[str]]) -> Packed:
    """Pack groups of rows, each row a piece of safe HTML. The same rows have the same bytes."""
    ends = [FIRST if number == 0 else BESIDE for number in range(len(groups))]
    left = sum(len(rows[end:]) for rows, end in zip(groups, ends, strict=True))
    first = tuple(Markup("".join(rows[:end])) for rows, end in zip(groups, ends, strict=True))  # noqa: S704  # safe
    if not left:
        return Packed(first, "", 0)
    rest = "".join(f"<tbody>{''.join(rows[end:])}</tbody>" for rows, end in zip(groups, ends, strict=True))
    return Packed(first, base64.b64encode(gzip.compress(rest.encode(), 9, mtime=0)).decode(), left)
