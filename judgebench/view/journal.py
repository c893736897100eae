"""A run's journal, as far as it goes: what came of each trial, and where in the file its texts stand.

Only numbers and places are kept in memory. The texts are read again, some at a time, when a page needs them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from judgebench.assemble import verdict_row
from judgebench.errors import RunError
from judgebench.records import Judgment, Reply, Usage
from judgebench.results import VerdictRow
from judgebench.run.store import journal_lines

R = TypeVar("R", Judgment, Reply)


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged trial. `lines` are where its lines begin and how long they are, in bytes: judgment first, then replies.

    `seconds` and `cost` (USD) are those of all its replies.
    """

    row: VerdictRow
    lines: tuple[tuple[int, int], ...]
    usage: Usage
    seconds: float
    cost: float | None

    @property
    def size(self) -> int:
        """Return how many bytes its lines have."""
        return sum(length for _, length in self.lines)


def read(path: Path) -> list[Judged]:
    """Return a journal's judged trials in their published order; one judged twice counts once.

    Raises RunError when there is no journal, or one of its lines is damaged.
    """
    replies: dict[str, list[tuple[int, int]]] = defaultdict(list)
    judged: dict[str, tuple[Judgment, tuple[int, int]]] = {}
    for line, place in _placed(path):
        if line["kind"] == "reply":
            replies[line["trial"]].append(place)
        elif line["kind"] == "judgment":
            judged.setdefault(line["trial"], (_parsed(Judgment, line.get("judgment"), path), place))
    found = [
        Judged(verdict_row(one), (place, *replies[key]), one.usage, one.seconds, one.cost)
        for key, (one, place) in judged.items()
    ]
    return sorted(found, key=lambda one: (one.row.item, one.row.repeat, one.row.order))


def _placed(path: Path) -> Iterator[tuple[dict[str, Any], tuple[int, int]]]:
    """Yield each whole line with its place."""
    try:
        with path.open("rb") as file:
            start = 0
            for line, raw in zip(journal_lines(path), file, strict=False):
                yield line, (start, len(raw))
                start += len(raw)
    except FileNotFoundError as error:
        raise RunError(f"{path.parent} has no journal yet. Its eval command starts it") from error


def texts(path: Path, trials: Sequence[Judged]) -> Iterator[tuple[Judgment, list[Reply]]]:
    """Yield the judgment and the replies of each trial, verbatim."""
    with path.open("rb") as file:
        for trial in trials:
            judgment, *replies = (_line(file, *place) for place in trial.lines)
            said = [_parsed(Reply, reply.get("reply"), path) for reply in replies]
            yield _parsed(Judgment, judgment["judgment"], path), said


def _line(file: Any, start: int, length: int) -> dict[str, Any]:
    file.seek(start)
    line: dict[str, Any] = orjson.loads(file.read(length))
    return line


def _parsed(record: type[R], data: Any, path: Path) -> R:
    try:
        return record.model_validate(data)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise RunError(f"{path}: a {record.__name__.lower()} is damaged at {field or 'its root'}") from error
