"""The numbers to take along: the metrics of every result in one long table, as CSV, JSON and Parquet.

`results.*` at the site's top holds all tasks, `tasks/<task>.*` beside each task's page that task alone. A row is a
number: `HEAD` says of which result, `NUMBER` what it is. CSV and Parquet have a row for each number, JSON an object for
each result with its numbers in it. The three say the same; docs/leaderboard.md describes the columns. By category there
are the numbers that say how well a judge does; the others would be most of the table, and are in the result's own file.

Text is spelled as on the pages: no invisible character is left in it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.groups import group_of
from judgebench.leaderboard.html import inert
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.table import BY_CATEGORY, source_of, wilson
from judgebench.leaderboard.wording import in_order
from judgebench.results import Metric, Reported, Result

HEAD = {
    "task": "string",
    "version": "int64",
    "fingerprint": "string",
    "judge": "string",
    "model": "string",
    "revision": "string",
    "kind": "string",
    "evidence": "string",
    "group": "string",
    "orders": "string",
    "items": "int64",
    "cost": "float64",
    "seconds": "float64",
    "finished": "string",
    "run": "string",
    "source": "string",
}
"""What says of a row which result it is of: column → type in Parquet."""
NUMBER = {
    "metric": "string",
    "category": "string",
    "headline": "bool",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
    "coverage": "float64",
}
"""What says which number it is. `category` is null over all items."""
FORMATS = ("csv", "json", "parquet")
ALL = "results"
"""The path of the table of all tasks in the site, without its ending."""

_FORMULA = re.compile(r"[\s\u200b\ufeff]*[=+\-@\uff0b\uff0d\uff1d\uff20']")
_QUOTED = re.compile(r'[",;|]')
_WHOLE = 2**63

Cells = tuple[Any, ...]


@dataclass(frozen=True)
class Part:
    """A task's results: `heads[i]` belongs to all of `numbers[i]`."""

    heads: tuple[Cells, ...]
    numbers: tuple[tuple[Cells, ...], ...]


def files(board: Board) -> dict[str, Callable[[], bytes]]:
    """Return the tables' files by path in the site; each is made when it is asked for."""
    tasks = sorted(board.tasks, key=lambda task: task.name)
    parts = {task.name: cache(partial(_part, task)) for task in tasks}
    lines = {name: cache(partial(_csv_rows, part)) for name, part in parts.items()}
    objects = {name: cache(partial(_json_rows, part)) for name, part in parts.items()}
    found: dict[str, Callable[[], bytes]] = {}
    for path, names in [*((of_task(name), [name]) for name in parts), (ALL, list(parts))]:
        found[f"{path}.csv"] = partial(_csv, [lines[name] for name in names])
        found[f"{path}.json"] = partial(_json, [objects[name] for name in names])
        found[f"{path}.parquet"] = partial(_parquet, [parts[name] for name in names])
    return found


def of_task(name: str) -> str:
    """Return the path of a task's table in the site, without its ending."""
    return f"tasks/{safe_name(name)}"


# -- rows ----------------------------------------------------------------------------------------------------


def _part(task: TaskBoard) -> Part:
    """Return a task's rows: results by judge, model and run, each run once, then what is reported."""
    runs = {run_id(result): result for result in task.results}
    keys = sorted(runs, key=lambda key: (runs[key].spec.judge.name, runs[key].spec.judge.model or "", key))
    heads = [_head(runs[key], key, group_of(runs[key], task)) for key in keys]
    numbers = [_numbers(runs[key], task) for key in keys]
    reported = sorted(task.reported, key=lambda entry: (entry.judge, entry.model))
    heads += [_reported_head(entry, task) for entry in reported]
    numbers += [_reported_numbers(entry, task) for entry in reported]
    return Part(tuple(heads), tuple(numbers))


def _head(result: Result, key: str, group: str) -> Cells:
    spec, judge = result.spec, result.spec.judge
    cells = (
        *(spec.task.name, _whole(spec.task.version), spec.task.fingerprint),
        *(judge.name, judge.model, judge.revision, judge.kind, result.evidence, group),
        *(spec.orders, _whole(result.counts.items), result.cost, result.seconds, result.finished),
        *(key, source_of(result) or None),
    )
    return tuple(inert(value) for value in cells)


def _reported_head(entry: Reported, task: TaskBoard) -> Cells:
    said = {
        "task": task.name,
        "judge": entry.judge,
        "model": entry.model or None,
        "kind": entry.kind,
        "evidence": "reported",
        "group": "reported",
        "items": _whole(sum(entry.items.values())),
        "source": entry.source,
    }
    return tuple(inert(said.get(name)) for name in HEAD)


def _numbers(result: Result, task: TaskBoard) -> tuple[Cells, ...]:
    metrics, rules = result.metrics, {task.metric, *BY_CATEGORY}
    found = [
        _number(inert(name), None, metrics[name], headline=name == task.metric) for name in _in_order(tuple(metrics))
    ]
    for category, part in sorted(result.by_category.items()):
        shown, names = inert(category), _in_order(tuple(name for name in part if name in rules))
        found += [_number(inert(name), shown, part[name], headline=False) for name in names]
    return tuple(found)


@cache
def _in_order(names: tuple[str, ...]) -> list[str]:
    return in_order(names)


def _reported_numbers(entry: Reported, task: TaskBoard) -> tuple[Cells, ...]:
    total = sum(entry.items.values())
    macro = Metric(value=entry.macro, n=total)
    micro = wilson(sum(entry.correct.values()), total)
    found = [_number(name, None, metric, headline=name == task.metric) for name, metric in
             (("accuracy", micro), ("accuracy_macro", macro))]  # fmt: skip
    for category, items in sorted(entry.items.items()):
        found.append(_number("accuracy", inert(category), wilson(entry.correct[category], items), headline=False))
    return tuple(found)


def _number(name: str, category: str | None, metric: Metric, *, headline: bool) -> Cells:
    return (name, category, headline, metric.value, metric.low, metric.high, _whole(metric.n), metric.coverage)


def _whole(number: int) -> int | None:
    """Return a count, or None for one that no table's column of integers can hold."""
    return number if -_WHOLE <= number < _WHOLE else None


# -- CSV -----------------------------------------------------------------------------------------------------


def _csv(parts: Iterable[Callable[[], bytes]]) -> bytes:
    header = ",".join([*HEAD, *NUMBER]) + "\r\n"
    return header.encode() + b"".join(part() for part in parts)


def _csv_rows(part: Callable[[], Part]) -> bytes:
    """Return RFC 4180 rows. A text that a spreadsheet could take for a formula has an apostrophe in front."""
    text = cache(csv_text)
    rows = []
    for head, numbers in _pairs(part()):
        begin = ",".join(_csv_cell(value) for value in head)
        for name, category, headline, *measured in numbers:
            where = f"{text(name)},{text(category) if category else ''},{'true' if headline else 'false'}"
            told = ",".join(map(str, measured)).replace("None", "")  # all of them numbers
            rows.append(f"{begin},{where},{told}\r\n")
    return "".join(rows).encode()


def _csv_cell(value: str | float | None) -> str:
    return csv_text(value) if isinstance(value, str) else "" if value is None else repr(value)


def csv_text(text: str) -> str:
    """Return text as a cell of a CSV file that is only text wherever it is opened.

    What begins like a formula (`=`, `+`, `-`, `@`, their full-width forms, white space before them left out), and
    what begins with an apostrophe, has an apostrophe put in front: without it stands the original again.
    """
    safe = f"'{text}" if _FORMULA.match(text) else text
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe


# -- JSON ----------------------------------------------------------------------------------------------------


def _json(parts: Iterable[Callable[[], bytes]]) -> bytes:
    return b'{"results":[\n' + b",\n".join(text for part in parts if (text := part())) + b"\n]}\n"


def _json_rows(part: Callable[[], Part]) -> bytes:
    import orjson

    return b",\n".join(
        orjson.dumps(
            dict(zip(HEAD, head, strict=True)) | {"numbers": [dict(zip(NUMBER, n, strict=True)) for n in of_it]}
        )
        for head, of_it in _pairs(part())
    )


# -- Parquet -------------------------------------------------------------------------------------------------


def _parquet(parts: Sequence[Callable[[], Part]]) -> bytes:
    """Return a Parquet file without anything in it that differs from run to run."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    pairs = [pair for part in parts for pair in _pairs(part())]
    of_head = pa.array(np.repeat(np.arange(len(pairs)), [len(numbers) for _, numbers in pairs]))
    heads = _columns((head for head, _ in pairs), HEAD)
    columns = {name: column.take(of_head) for name, column in heads.items()}
    columns |= _columns((number for _, numbers in pairs for number in numbers), NUMBER)
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue().to_pybytes())


def _columns(rows: Iterable[Cells], types: Mapping[str, str]) -> dict[str, Any]:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    return {
        name: pa.array(column, type=pa.type_for_alias(kind))
        for (name, kind), column in zip(types.items(), columns, strict=True)
    }


def _pairs(part: Part) -> Iterator[tuple[Cells, tuple[Cells, ...]]]:
    return zip(part.heads, part.numbers, strict=True)
