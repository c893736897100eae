"""Rules for the task: the gold table that every number rests on is the pinned one, or at least an honest kind of one.

The table comes from judgebench where it brings one with the result's fingerprint, else from beside the result. A
generated task is made again: its table is not the submitter's to choose. Of a task without a pinned table, the
table beside is all there is, which is flagged for a person to compare.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from judgebench import task as tasks
from judgebench.errors import DataError, UsageError
from judgebench.installed import task_card
from judgebench.metrics import shape_of
from judgebench.metrics.catalogue import CATALOGUE, SETS
from judgebench.records import Candidate, Gold, Item
from judgebench.registry import unknown
from judgebench.results import Result
from judgebench.submissions import reading
from judgebench.submissions.case import Case, Findings, shown
from judgebench.submissions.layout import GOLD
from judgebench.submissions.reading import Refused
from judgebench.task import GoldRow, TaskCard

MOST_ITEMS = 20_000
"""Items of a table beside a result."""
MOST_CATEGORIES = 100
MOST_CANDIDATES = 128
"""Candidates of one item: tables are as wide as the widest."""
LARGEST = 1e12
"""The largest score: sums of squares of a million such are finite."""
FORMULA = ("=", "+", "-", "@")
"""What makes a spreadsheet take a cell for a formula."""


# -- the card -----------------------------------------------------------------------------------------------


def task(case: Case) -> Findings:
    """Check what the spec says of its task against the installed card, and that its metrics are known."""
    spec = case.result.spec.task
    for name in spec.metric_sets:
        if name not in SETS:
            yield case.error("spec.task.metric_sets", unknown("set of metrics", shown(name), sorted(SETS)))
    if spec.headline not in CATALOGUE:
        yield case.error("spec.task.headline", unknown("metric", shown(spec.headline), list(CATALOGUE)))
    if spec.items < 1:
        yield case.error("spec.task.items", f"is {spec.items}: a task without items")
    found = task_card(spec.name)
    if found is None:
        if case.result.evidence != "imported":
            yield case.flag("spec.task.name", "is no installed task: look at where its items come from")
        return
    yield from _carded(case, *found)


def _carded(case: Case, card: TaskCard, split: str) -> Findings:
    spec, known = case.result.spec.task, card.splits.get(split)
    if spec.version != card.version:
        older = 1 <= spec.version < card.version and not case.fresh
        problem = f"is {spec.version}, the installed card of {card.name} has {card.version}"
        yield (case.flag if older else case.error)("spec.task.version", problem)
        return
    if known and known.gold and spec.fingerprint != known.gold:
        advice = "A task of one's own needs a name of its own"
        yield case.error("spec.task.fingerprint", f"is not that of {spec.name}, {known.gold[:16]}…. {advice}")
    if known and known.items not in (None, spec.items):
        yield case.error("spec.task.items", f"is {spec.items}; {spec.name} has {known.items}")
    if card.hub and spec.revision != card.hub.revision:
        yield case.error("spec.task.revision", f"is {shown(spec.revision)}, the card pins {card.hub.revision}")
    for name, mine in (("headline", card.metric), ("metric_sets", card.metric_sets)):
        if (theirs := getattr(spec, name)) != mine:
            yield case.error(f"spec.task.{name}", f"is {shown(theirs)}, the card of {card.name} says {shown(mine)}")


# -- the gold table -----------------------------------------------------------------------------------------


def packaged(result: Result) -> bytes | None:
    """Return the gold table that judgebench brings, if it is this result's."""
    spec = result.spec.task
    return tasks.packaged_gold(spec.name, spec.fingerprint) if task_card(spec.name) else None


def read_gold(path: Path, fingerprint: str) -> list[GoldRow]:
    """Return the table beside a result. Raises Refused, with the line, for one that is not as judgebench writes it."""
    lines = reading.Lines(path, reading.GOLD_BYTES, MOST_ITEMS + 1)
    read = []
    for number, line in lines:
        _check_line(number, line)
        read.append(line + b"\n")
    data = b"".join(read)
    if lines.sha256 != fingerprint:
        raise Refused(f"is not the table of spec.task.fingerprint: its hash is {lines.sha256[:16]}…")
    try:
        rows = tasks.read_gold_table(data, path.name)
    except DataError as error:
        raise Refused(error.problems[0].problem, f"line {error.problems[0].row}") from None
    except (csv.Error, ValueError, RecursionError) as error:
        raise Refused(f"is no gold table: {type(error).__name__}") from None
    for number, row in enumerate(rows, start=2):
        if problem := _row_problem(row):
            raise Refused(problem, f"line {number}")
    _check_table(rows, data)
    return rows


def _check_line(number: int, line: bytes) -> None:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("is not UTF-8", f"line {number}") from None
    if not text.isprintable():
        raise Refused("holds an unprintable character", f"line {number}")


def _row_problem(row: GoldRow) -> str | None:
    for name in ("item", "category", "source"):
        text = getattr(row, name)
        if not text.strip() or text.startswith(FORMULA):
            return f"{name} {shown(text)} is empty, or a formula to a spreadsheet"
        if problem := reading.text_problem(text):
            return f"{name} {problem}"
    return _gold_problem(row.gold) or _number_problem(row.traits.values())


def _gold_problem(gold: Gold) -> str | None:
    if gold.kind == "scores":
        if not gold.low <= min(gold.scores) <= max(gold.scores) <= gold.high:
            return f"gold's scores are outside {gold.low} to {gold.high}"
        if len(gold.scores) > MOST_CANDIDATES:
            return f"gold speaks of {len(gold.scores)} candidates; {MOST_CANDIDATES} is the most"
        return _number_problem((*gold.scores, gold.low, gold.high))
    if gold.kind == "best":
        places = range(MOST_CANDIDATES)
        if not set(gold.indices) <= set(places) or len(set(gold.indices)) < len(gold.indices):
            return f"gold's indices are not different numbers from 0 to {places[-1]}"
    return None


def _number_problem(numbers: Iterable[float]) -> str | None:
    return f"holds a number beyond {LARGEST:g}" if any(abs(number) > LARGEST for number in numbers) else None


def _check_table(rows: Sequence[GoldRow], data: bytes) -> None:
    if len({row.category for row in rows}) > MOST_CATEGORIES:
        raise Refused(f"has more than {MOST_CATEGORIES} categories")
    if len({row.item for row in rows}) < len(rows):
        raise Refused("has an item twice")
    try:
        shape_of(rows)
    except UsageError as error:
        raise Refused(f"cannot be measured: {error}") from None
    if gold_bytes(rows) != data:
        raise Refused("is not as judgebench writes it: rows sorted by item, canonical JSON in the cells")


def gold_bytes(rows: Sequence[GoldRow]) -> bytes:
    """Return gold rows as the bytes of their table."""
    nothing = (Candidate(content=""),)
    return tasks.gold_table(
        Item(
            id=row.item, task="", category=row.category, source_id=row.source, turns=(), candidates=nothing,
            gold=row.gold, traits=dict(row.traits),
        )
        for row in rows
    )  # fmt: skip


def covered(case: Case) -> Findings:
    """Check that the spec and the counts speak of as many items as gold has, and flag a table nobody pinned."""
    spec, items = case.result.spec.task, len(case.gold)
    for field, value in (("spec.task.items", spec.items), ("counts.items", case.result.counts.items)):
        if value != items:
            yield case.error(field, f"is {value}; the gold table has {items} items")
    if case.result.evidence != "imported" and not case.pinned:
        yield case.flag("", "is the submitter's own: no table of this task is pinned. Compare it", GOLD)
