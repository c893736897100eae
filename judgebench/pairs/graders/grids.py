"""Puzzle grids: every cell at once, as zebra puzzles, schedules and sudokus are answered.

Gold: `{"cells": {"house 1": {"colour": "red", "pet": "fish"}, ...}, "form": "json"}` or, flat,
`{"cells": {"Monday": "Ann", ...}}`; a sudoku is `{"cells": {"1": {"1": "5", "2": "3", ...}, ...}}`, rows and columns
counted from 1. Forms: `json` (an object laid out as the gold is; lists count from 1), `table` (a Markdown table: a
heading row of columns, then one row each, whose first cell names it), `rows` (lines of cells apart by spaces, commas or
bars, or digits in one word, just as many as the gold has). Any of them may stand in `<solution>` tags or a fence.

The last grid with all the gold's cells counts. A grid that lacks some is a broken form. Names and values are compared
as in `strings`; cells that the gold does not have are passed over.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import accumulate, groupby, islice
from typing import Any, ClassVar

from judgebench.pairs.graders.base import AnswerGrader, bad_gold
from judgebench.pairs.graders.extract import Found, regions
from judgebench.pairs.graders.strings import plain
from judgebench.pairs.records import Grade, Question, Response

Read = Iterator[tuple[Any, tuple[int, int]]]
_DEEPEST = 8
"""Brackets nested deeper than this are no grid."""
_MOST = 10_000
"""Cells read of one grid."""


def flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield a grid's cells as (place, value): nested objects by their names, lists counted from 1."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(inner, (*path, plain(str(name))))
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from flat(inner, (*path, str(number)))
    else:
        yield " / ".join(path), plain(str(value))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = {plain(name): value for name, value in pairs}
    if len(named) < len(pairs):
        raise ValueError("a name occurs twice")
    return named


def objects(text: str) -> Read:
    """Yield the JSON objects and lists in a text; what has a name twice or is nested too deeply is passed over."""
    for region in sorted((*regions(text, "{"), *regions(text, "[")), key=lambda one: one.span[1]):
        depths = accumulate(1 if mark in "[{" else -1 for mark in re.findall(r"[\[\]{}]", region.answer))
        if max(depths) <= _DEEPEST:
            with suppress(ValueError):
                yield json.loads(region.answer, object_pairs_hook=_once), region.span


_RULE = re.compile(r"[|\s:-]+")


def tables(text: str) -> Read:
    """Yield the Markdown tables in a text as {row: {column: cell}}; one that has a row twice is passed over."""
    for lines, span in _blocks(text, lambda line: line.startswith("|")):
        heading, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in lines if not _RULE.fullmatch(line)
        ] or [[]]
        with suppress(ValueError):
            yield _once([(row[0], dict(zip(heading[1:], row[1:], strict=False))) for row in rows]), span


_BETWEEN = re.compile(r"[\s,|]+")
_BARS = re.compile(r"[-+|=\s]+")


def rows(text: str) -> Read:
    """Yield runs of lines of equally many cells as lists of rows; 534 678 is two cells, 534678 is six.

    Rules between rows are passed over; a line that ends in a colon is none.
    """
    for lines, span in _blocks(text, lambda line: bool(line) and not line.endswith(":")):
        cells = [_row(line) for line in lines if not _BARS.fullmatch(line)]
        for width, run in groupby(cells, key=len):
            if width > 1:
                yield list(run), span


def _row(line: str) -> list[str]:
    cells = [cell for cell in _BETWEEN.split(line.strip("`[], \t")) if cell]
    return list(cells[0]) if len(cells) == 1 and cells[0].isdigit() else cells


def _blocks(text: str, belongs: Callable[[str], bool]) -> Iterator[tuple[list[str], tuple[int, int]]]:
    """Yield the runs of lines that belong together, without their white space, and where each run stands."""
    block: list[str] = []
    place = start = 0
    for line in [*text.splitlines(keepends=True), ""]:
        if belongs(line.strip()):
            start = start if block else place
            block.append(line.strip())
        elif block:
            yield block, (start, place)
            block = []
        place += len(line)


READERS: dict[str, Callable[[str], Read]] = {"json": objects, "table": tables, "rows": rows}


class Grid(AnswerGrader):
    """All cells of a puzzle's solution."""

    name: ClassVar[str] = "grid"
    default_form: ClassVar[str] = "json"
    forms: ClassVar[frozenset[str]] = frozenset(READERS)

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold has no cells, or one without a value."""
        super().check(question)
        cells = question.gold.get("cells")
        if not isinstance(cells, dict) or not cells:
            raise bad_gold(question, "cells", "is not a table of cells")
        if not all(value for _, value in flat(cells)):
            raise bad_gold(question, "cells", "has an empty cell")

    def takes_last(self, question: Question) -> bool:  # noqa: ARG002 - earlier grids are steps on the way
        """Return True: the last complete grid counts."""
        return True

    def find(self, question: Question, text: str) -> list[Found]:
        """Return the grids in the demanded form that have all of the gold's cells, each as canonical JSON of these."""
        return self._grids(question, self.form(question), text)

    def recover(self, question: Question, text: str) -> Found | None:
        """Return the last complete grid in another form."""
        for form in READERS:
            if found := self._grids(question, form, text):
                return found[-1]._replace(strict=False)
        return None

    def _grids(self, question: Question, form: str, text: str) -> list[Found]:
        wanted = dict(flat(question.gold["cells"]))
        found = []
        for value, span in READERS[form](text):
            cells = dict(islice(flat(value), _MOST))
            # Bare rows have no names, so a row too many would move all the others.
            if wanted.keys() == cells.keys() or (form != "rows" and wanted.keys() <= cells.keys()):
                found.append(Found(json.dumps({name: cells[name] for name in wanted}), span, form))
        return found

    def accepts(self, question: Question, answer: str) -> bool:
        """Return whether every cell is the gold's."""
        return bool(json.loads(answer) == dict(flat(question.gold["cells"])))

    def grade(self, question: Question, response: Response) -> Grade:
        """Grade one response; of a wrong grid the detail says how many cells are right."""
        grade = super().grade(question, response)
        if grade.outcome != "wrong" or grade.answer is None:
            return grade
        wanted, given = dict(flat(question.gold["cells"])), json.loads(grade.answer)
        right = sum(given[name] == value for name, value in wanted.items())
        return grade.model_copy(update={"detail": f"{right} of {len(wanted)} cells are right"})
