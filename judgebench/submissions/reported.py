"""Reported numbers: a table of published counts without verdicts, checked for what the board needs of it."""

from collections.abc import Iterator
from pathlib import Path

from judgebench.errors import DataError
from judgebench.submissions import reading
from judgebench.submissions.findings import Finding
from judgebench.submissions.reading import Refused
from judgebench.submissions.rules_task import FORMULA

MOST_ROWS = 10_000
MOST_DIGITS = 9


def read_reported(path: Path, shown: str) -> Iterator[Finding]:
    """Yield what is wrong with a table of reported numbers: one finding a line."""
    try:
        for number, line in reading.Lines(path, reading.REPORTED_BYTES, MOST_ROWS):
            _check_line(number, line)
    except Refused as error:
        yield Finding("error", shown, error.field, error.problem)
        return
    from judgebench.leaderboard import data  # the whole board is imported with it

    try:
        data.read_reported(path)
    except DataError as error:
        for problem in error.problems[:10]:
            where = f"line {problem.row}: {problem.field}" if problem.row else problem.field
            yield Finding("error", shown, where.removesuffix(": "), problem.problem)


def _check_line(number: int, line: bytes) -> None:
    where = f"line {number}"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("is not UTF-8", where) from None
    if not text.isprintable():
        raise Refused("holds an unprintable character", where)
    for cell in text.replace('"', "").split(","):
        if cell.startswith(FORMULA):
            raise Refused(f"a cell begins with {cell[0]!r}: a formula to a spreadsheet", where)
        if len(cell) > reading.TEXT:
            raise Refused(f"a cell has {len(cell):,} characters; {reading.TEXT} is the most", where)
        if cell.isdigit() and len(cell) > MOST_DIGITS:
            raise Refused(f"a number of {len(cell)} digits is no count", where)
