"""Verdict files of many judges on the same pairs, read at once: of millions of rows each distinct line is read once.

Judges of one task mostly write the same lines: an item, an order, a preference. So a line is a number, and what it
says is looked up. Whatever is not plainly a judgment goes through `judgebench.metrics.table_of`, file by file: a
line that is no verdict, an unknown item, a judgment that stands there twice. That is slow and decides.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from judgebench.errors import JudgebenchError
from judgebench.metrics import AnyTable, table_of
from judgebench.metrics.table import READABLE, SIGN, Bools, Floats, Ints, Table
from judgebench.records import FAULT_KINDS
from judgebench.results import VerdictRow
from judgebench.task import GoldRow

_AT_ONCE = 1 << 25
"""Bytes of verdict files that are read in one piece."""
_NUMBER = rb"-?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][-+]?\d{1,2})?"
_BESIDE = re.compile(
    rb',"(?<="preference":"(?:A>B|A=B|B>A)",")(?:scores":\[N,N\](?:,"confidence":N)?|confidence":N)(?=}$)'.replace(
        b"N", _NUMBER
    ),
    re.MULTILINE,
)
"""What a judge states beside a preference, at the end of a line."""
_LABELS = tuple(SIGN)
_ORDERS = ((0, 1), (1, 0))


def tables(
    gold: Sequence[GoldRow], files: Iterable[Path], *, decisions_only: bool = False
) -> Iterator[AnyTable | None]:
    """Yield the table of each file over the gold rows, just as `table_of` makes it; None where that raises.

    With `decisions_only`, pairs may lack the scores and confidences beside a preference: most lines are then the same
    for many judges. Raises UsageError for gold of mixed shapes, OSError for a file that cannot be read.
    """
    base = table_of(gold, ())[1]
    if not isinstance(base, Table):
        yield from (slow_table(gold, file.read_bytes()) for file in files)
        return
    lines = Lines(base)
    for part in _parts(files):
        yield from lines.tables(gold, [_BESIDE.sub(b"", data) for data in part] if decisions_only else part)


def slow_table(gold: Sequence[GoldRow], data: bytes) -> AnyTable | None:
    """Return the table of one file's bytes, row by row; None where its rows do not fit the gold."""
    try:
        return table_of(gold, [VerdictRow.model_validate_json(line) for line in data.splitlines()])[1]
    except (JudgebenchError, ValidationError):
        return None


def _parts(files: Iterable[Path]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    for file in files:
        part.append(file.read_bytes())
        if sum(map(len, part)) >= _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


@dataclass(frozen=True, eq=False)
class Columns:
    """Judgments as columns of shape [n]: `order` is 0 for the item's own and 1 for the other, others as in `Table`."""

    item: Ints
    repeat: Ints
    order: Ints
    first: Ints
    fault: Ints
    confidence: Floats
    scores: Floats

    def at(self, chosen: Ints | slice) -> "Columns":
        """Return the columns at some rows."""
        return Columns(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


class Lines:
    """What every line seen so far says of the items of `base`, a table without judgments."""

    def __init__(self, base: Table) -> None:
        self._base = base
        self._shared = {name: getattr(base, name) for name in _GOLD_FIELDS}
        self._number: dict[bytes, int] = {}
        self._said = _read(_parse(b""), base)[0]

    def tables(self, gold: Sequence[GoldRow], part: Sequence[bytes]) -> Iterator[AnyTable | None]:
        """Yield the table of each file, given as its bytes."""
        lines = [data.split(b"\n")[: None if not data.endswith(b"\n") else -1] for data in part]
        flat = list(chain.from_iterable(lines))
        if not self._learn(flat):
            if len(part) == 1:
                yield slow_table(gold, part[0])
            else:  # some line is no judgment: halves, until its file stands alone
                for half in (part[: len(part) // 2], part[len(part) // 2 :]):
                    yield from self.tables(gold, half)
            return
        numbers = np.fromiter(map(self._number.__getitem__, flat), np.int64, len(flat))
        columns = _split(self._said.at(numbers), [len(found) for found in lines], len(self._base.items))
        for data, found in zip(part, columns, strict=True):
            yield slow_table(gold, data) if found is None else self._table(found)

    def _learn(self, lines: Iterable[bytes]) -> bool:
        """Read the lines that are new, and tell whether every one is a judgment of a known item."""
        new = list(set(lines).difference(self._number))
        rows = _parse(b"\n".join(new)) if is_regular(new) else None
        if rows is None:
            return False
        said, usable = _read(rows, self._base)
        if not usable.all():
            return False
        known = len(self._number)
        self._number.update((line, known + at) for at, line in enumerate(new))
        names = [field.name for field in fields(Columns)]
        self._said = Columns(
            **{name: np.concatenate([getattr(self._said, name), getattr(said, name)]) for name in names}
        )
        return True

    def _table(self, found: Columns) -> Table:
        base, order = self._base, found.order
        both = bool(len(order)) and order.min() != order.max()
        decided, gold = np.where(order == 1, -found.first, found.first), base.gold[found.item]
        right = np.where(decided == gold, 1, np.where(decided == 0, 0, -1))
        return Table(
            **self._shared,
            orders=_ORDERS if both else tuple(_ORDERS[one] for one in order[:1]),
            item=found.item,
            order=order if both else np.zeros(len(order), dtype=np.int64),
            repeat=found.repeat,
            first=found.first,
            right=np.where(found.fault == READABLE, right, 0),
            fault=found.fault,
            confidence=found.confidence,
            scores=found.scores,
        )


_GOLD_FIELDS = ("items", "golds", "gold", "categories", "category", "sources", "source")


def is_regular(lines: Sequence[bytes]) -> bool:
    """Tell whether every line holds one object and nothing but, so that a reader of rows cannot lose count.

    A null is as good as nothing to one reader and an error to another: it is left to the slow one.
    """
    joined = b"\n".join(lines)
    started = joined.count(b"\n{") + joined.startswith(b"{")
    return started == len(lines) == joined.count(b"{") and b"null" not in joined and b"\r" not in joined


def _split(rows: Columns, sizes: Sequence[int], n_items: int) -> list[Columns | None]:
    """Return the rows of each file, sorted by (item, repeat, order); None for a file with the same judgment twice."""
    file = np.repeat(np.arange(len(sizes)), sizes)
    repeats, repeat = (np.unique(rows.repeat, return_inverse=True)) if rows.repeat.any() else (np.zeros(1), 0)
    place = ((file * n_items + rows.item) * len(repeats) + repeat) * 2 + rows.order
    if (np.diff(place) <= 0).any():
        sorting = np.argsort(place, kind="stable")
        rows, place = rows.at(sorting), place[sorting]
    twice = np.bincount(file[1:][np.diff(place) == 0], minlength=len(sizes)) if len(place) else np.zeros(len(sizes))
    ends = np.cumsum(sizes)
    return [
        None if wrong else rows.at(slice(end - size, end)) for wrong, end, size in zip(twice, ends, sizes, strict=True)
    ]


# -- reading -------------------------------------------------------------------------------------------------


@cache
def _schema() -> Any:
    import pyarrow as pa

    return pa.schema({
        "item": pa.string(), "order": pa.list_(pa.int8()), "repeat": pa.int64(), "preference": pa.string(),
        "scores": pa.list_(pa.float64()), "best": pa.list_(pa.int64()), "confidence": pa.float64(),
        "fault": pa.string(),
    })  # fmt: skip


def _parse(data: bytes) -> Any:
    """Return an Arrow table with a row for each line of JSON; None where some line is no row of `_schema`."""
    import pyarrow as pa
    from pyarrow import json

    if not data:
        return _schema().empty_table().combine_chunks()
    options = json.ParseOptions(explicit_schema=_schema(), unexpected_field_behavior="error")
    try:
        return json.read_json(pa.BufferReader(data), parse_options=options).combine_chunks()
    except pa.ArrowInvalid:
        return None


def _read(rows: Any, base: Table) -> tuple[Columns, Bools]:
    """Return what rows say, and which of them are judgments of a known item."""
    order, own_order = _orders(rows["order"])
    label, known_label = _codes(rows["preference"], _LABELS)
    fault, known_fault = _codes(rows["fault"], FAULT_KINDS)
    scores, scored, well_scored = _scores(rows["scores"])
    item, _ = _codes(rows["item"], base.items)
    confidence = rows["confidence"].to_numpy()
    decided = (label >= 0) | scored
    by_scores = np.nan_to_num(np.sign(scores[:, 0] - scores[:, 1]))
    columns = Columns(
        item=item,
        repeat=rows["repeat"].fill_null(0).to_numpy(),
        order=order,
        first=np.where(label >= 0, np.array([*SIGN.values(), 0])[label], by_scores).astype(np.int64),
        fault=fault,
        confidence=confidence,
        scores=scores,
    )
    confident = rows["confidence"].is_null().to_numpy() | np.isfinite(confidence)
    usable = (item >= 0) & own_order & known_label & known_fault & well_scored & (decided != (fault >= 0)) & confident
    return columns, usable


def _codes(column: Any, values: Sequence[str]) -> tuple[Ints, Bools]:
    """Return each string's index among the values, -1 for others; and which are among them, or no string at all."""
    import pyarrow as pa
    from pyarrow import compute

    found = compute.index_in(column, value_set=pa.array(values, pa.string()))
    codes = found.fill_null(-1).to_numpy().astype(np.int64)
    return codes, (codes >= 0) | column.is_null().to_numpy()


def _orders(column: Any) -> tuple[Ints, Bools]:
    """Return 0 for the own order, 1 for the other; and which rows hold one of the two."""
    pairs, whole = _of_two(column, np.int64, 0)
    return np.clip(pairs[:, 0], 0, 1), whole & (pairs.min(axis=1, initial=1) == 0) & (pairs.sum(axis=1) == 1)


def _scores(column: Any) -> tuple[Floats, Bools, Bools]:
    """Return the scores, shape [n, 2], NaN where there are none; which rows have any; and which are well-formed."""
    pairs, whole = _of_two(column, np.float64, np.nan)
    none = column.is_null().to_numpy()
    return pairs, ~none, none | (whole & np.isfinite(pairs).all(axis=1))


def _of_two(column: Any, kind: type, fill: float) -> tuple[Any, Bools]:
    """Return lists of two as an array of shape [n, 2], `fill` in place of others; and which rows are lists of two."""
    from pyarrow import compute

    whole = compute.list_value_length(column).fill_null(0).to_numpy() == 2  # noqa: PLR2004 - a pair
    pairs: Any = np.full((len(whole), 2), fill, dtype=kind)
    pairs[whole] = compute.list_flatten(column.filter(whole)).to_numpy().reshape(-1, 2)
    return pairs, whole
