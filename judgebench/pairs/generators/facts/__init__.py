"""Tables of plain facts: elements, SI prefixes and units, countries. Read once, in the order of their lines."""

import csv
from functools import cache
from importlib.resources import files


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a table. They are shared: nobody changes them."""
    text = files("judgebench.pairs.generators.facts").joinpath(f"{name}.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))
