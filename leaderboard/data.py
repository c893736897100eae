"""What the board shows: results and reported numbers, read, checked and grouped by task and by judge."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from judgebench.errors import DataError, RowProblem, UsageError
from judgebench.hashing import sha256, short_id
from judgebench.leaderboard.wording import shape_of
from judgebench.metrics.definition import Shape
from judgebench.records import FAULT_KINDS
from judgebench.results import SCHEMA_VERSION, Reported, Result
from judgebench.task import TaskCard, read_gold_table, resolve

CORRECT, ITEMS = "correct_", "items_"


@dataclass(frozen=True)
class TaskBoard:
    """One task's rows. `edition` is the (version, fingerprint) that the ranking is over.

    `card` is None for a task that is not installed here, `edition` for one that has reported numbers only or
    results with items of their own.
    """

    name: str
    card: TaskCard | None
    edition: tuple[int, str] | None
    items: int
    categories: tuple[str, ...]
    results: tuple[Result, ...]
    reported: tuple[Reported, ...]

    @cached_property
    def metric(self) -> str:
        """Return the headline: of most results of the edition, of equally frequent ones the first by name."""
        counts = Counter(r.spec.task.headline for r in self._of_edition)
        fallback = self.card.metric if self.card else "accuracy"
        return min(counts, key=lambda name: (-counts[name], name), default=fallback)

    @cached_property
    def one_order(self) -> bool:
        """Tell whether every pair was shown in one order only to all judges that weigh the responses."""
        judged = [r for r in self._of_edition if r.spec.judge.kind != "null" and not r.demonstration]
        return bool(judged) and all(r.spec.orders == "first" for r in judged)

    @cached_property
    def _of_edition(self) -> list[Result]:
        return [r for r in self.results if self.edition in (None, edition_of(r))]

    @cached_property
    def shape(self) -> Shape:
        """Return what a judge is asked on this task, as its metrics tell."""
        return shape_of({name for result in self.results for name in result.metrics} | {self.metric})


@dataclass(frozen=True)
class Files:
    """Where a result and its verdicts lie, and its gold table when that is not packaged with judgebench."""

    result: Path
    verdicts: Path
    gold: Path | None


@dataclass(frozen=True)
class Board:
    """Every task that has rows: the one with the most rows first, of equals by name.

    `files` is by `run_id`; results that never were in files have none. `memory` keeps what is computed once per board.
    """

    tasks: tuple[TaskBoard, ...]
    files: Mapping[str, Files] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def judges(self) -> dict[str, list[Result]]:
        """Return each judge's results in the order of the tasks, judges by name. The same run counts once."""
        found: dict[str, dict[str, Result]] = {}
        for task in self.tasks:
            runs = {run_id(result): result for result in task.results}
            for key in sorted(runs):
                found.setdefault(runs[key].spec.judge.name, {})[key] = runs[key]
        return {name: list(results.values()) for name, results in sorted(found.items())}


def run_id(result: Result) -> str:
    """Return 16 hex digits that name a result: the hash of its spec's and its verdicts' hashes."""
    return _run_id(result.spec_sha256, result.verdicts.sha256)


@lru_cache(1 << 16)
def _run_id(spec: str, verdicts: str) -> str:
    return short_id([spec, verdicts])


def load(results: Path) -> Board:
    """Read `<judge>/<task>.json` and `reported/<task>.csv` below `results`.

    Raises UsageError when the folder is missing or empty, DataError with every file that cannot be used.
    """
    if not results.is_dir():
        raise UsageError(f"no such results folder: {results}")
    problems: list[RowProblem] = []
    read: list[Result] = []
    files: dict[str, Files] = {}
    reported: dict[str, list[Reported]] = {}
    paths = sorted(results.glob("*/*.json"))
    with ThreadPoolExecutor(1) as hashing:  # verdicts are read and hashed while the next results are parsed
        for path, verdicts in zip(paths, hashing.map(_hash_of, map(_verdicts_of, paths)), strict=True):
            try:
                result = read_result(path)
                files.setdefault(run_id(result), _files(result, path, verdicts))
                read.append(result)
            except DataError as error:
                problems += error.problems
    for path in sorted(results.glob("reported/*.csv")):
        try:
            reported[path.stem] = read_reported(path)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    if not read and not reported:
        raise UsageError(f"no results in {results}: expected <judge>/<task>.json or reported/<task>.csv below it")
    return replace(assemble(read, reported), files=files)


# -- results -----------------------------------------------------------------------------------------------


def read_result(path: Path) -> Result:
    """Read one result file. Raises DataError naming the file and its first field that does not fit."""
    try:
        result = Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _damaged(path, "", f"cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _damaged(path, ".".join(str(part) for part in first["loc"]), first["msg"]) from error
    _check(result, path)
    return result


def _check(result: Result, path: Path) -> None:
    if result.schema_version != SCHEMA_VERSION:
        found = f"{result.schema_version}, but this judgebench reads {SCHEMA_VERSION}"
        raise _damaged(path, "schema_version", found)
    if result.spec_sha256 != result.spec.hash:
        raise _damaged(path, "spec_sha256", f"is not the hash of spec, which is {result.spec.hash[:16]}…")
    counts = result.counts
    total = counts.verdicts + sum(getattr(counts, kind) for kind in FAULT_KINDS)
    if total != counts.trials:
        raise _damaged(path, "counts", f"verdicts and faults are {total}, trials are {counts.trials}")


def _files(result: Result, path: Path, found: str | OSError) -> Files:
    """Find the files beside a result; `found` is the hash of its verdicts.

    Raises DataError when one is missing or is not the one that it names.
    """
    verdicts, gold = _verdicts_of(path), path.with_suffix(".gold.csv")
    has_gold = gold.is_file()
    _check_hash(verdicts, path, "verdicts.sha256", result.verdicts.sha256, found)
    if has_gold:
        _check_hash(gold, path, "spec.task.fingerprint", result.spec.task.fingerprint, _hash_of(gold))
        _check_gold(gold)
    return Files(path, verdicts, gold if has_gold else None)


def _verdicts_of(path: Path) -> Path:
    return path.with_suffix(".verdicts.jsonl")


def _hash_of(path: Path) -> str | OSError:
    try:
        return sha256(path.read_bytes())
    except OSError as error:
        return error


def _check_hash(beside: Path, path: Path, field: str, expected: str, found: str | OSError) -> None:
    if isinstance(found, OSError):
        raise _damaged(beside, "", f"cannot be read: {found.strerror}") from found
    if found != expected:
        raise _damaged(path, field, f"is not the hash of {beside.name}, which is {found[:16]}…")


def _check_gold(gold: Path) -> None:
    """Read a gold table now: nothing may turn out to be damaged when half of the pages are written."""
    try:
        read_gold_table(gold.read_bytes(), str(gold))
    except UnicodeDecodeError as error:
        raise _damaged(gold, "", f"not UTF-8: {error}") from error


def _damaged(path: Path, field: str, problem: str, row: int = 0) -> DataError:
    return DataError([RowProblem(str(path), row, field, problem)])


# -- reported numbers ----------------------------------------------------------------------------------------


def read_reported(path: Path) -> list[Reported]:
    """Read published numbers: `judge, model, kind, correct_<category>…, items_<category>…, source`.

    The counts are of pairs. Raises DataError with every line that does not fit; lines count from 1.
    """
    try:
        reader = csv.DictReader(io.StringIO(path.read_bytes().decode()), strict=True)
        categories = _categories(reader.fieldnames or (), path)
        rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise _damaged(path, "", f"cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise _damaged(path, "", f"not a CSV file in UTF-8: {error}") from error
    problems: list[RowProblem] = []
    read: dict[tuple[str, str], Reported] = {}
    for line, row in rows:
        try:
            entry = _reported(row, categories)
        except _BadCellError as error:
            problems.append(RowProblem(str(path), line, error.field, error.problem))
            continue
        if read.setdefault((entry.judge, entry.model), entry) is not entry:
            text = f"{entry.model!r} judged by {entry.judge!r} stands there twice"
            problems.append(RowProblem(str(path), line, "model", text))
    if problems:
        raise DataError(problems)
    return list(read.values())


class _BadCellError(Exception):
    def __init__(self, field: str, problem: str) -> None:
        self.field, self.problem = field, problem
        super().__init__(problem)


def _categories(header: Iterable[str], path: Path) -> list[str]:
    names = list(header)
    categories = [name.removeprefix(CORRECT) for name in names if name.startswith(CORRECT)]
    counts = [prefix + category for prefix in (CORRECT, ITEMS) for category in categories]
    if not categories or sorted(names) != sorted(["judge", "model", "kind", "source", *counts]):
        wanted = "judge, model, kind, correct_<category>…, items_<category>…, source"
        raise _damaged(path, "", f"the columns are {', '.join(names) or 'missing'}; expected {wanted}", row=1)
    return categories


def _reported(row: Mapping[str, str | None], categories: Sequence[str]) -> Reported:
    if None in row or None in row.values():
        raise _BadCellError("", "more or fewer cells than the header")
    cells = {name: text or "" for name, text in row.items()}
    for name in ("judge", "kind", "source"):
        if not cells[name].strip():
            raise _BadCellError(name, "empty")
    correct = {category: _count(cells, CORRECT + category) for category in categories}
    items = {category: _count(cells, ITEMS + category) for category in categories}
    for category in categories:
        if not 0 < items[category] >= correct[category]:
            raise _BadCellError(CORRECT + category, f"{correct[category]} of {items[category]} items")
    names = {name: cells[name] for name in ("judge", "model", "kind", "source")}
    return Reported(correct=correct, items=items, **names)


def _count(cells: Mapping[str, str], name: str) -> int:
    text = cells[name]
    if not (text.isascii() and text.isdigit()):
        raise _BadCellError(name, f"expected a count, found {text!r}")
    return int(text)


# -- by task -------------------------------------------------------------------------------------------------


def assemble(results: Sequence[Result], reported: Mapping[str, Sequence[Reported]] | None = None) -> Board:
    """Group results and reported numbers by task. Raises UsageError when there are none."""
    published = reported or {}
    names = sorted({result.spec.task.name for result in results} | published.keys())
    if not names:
        raise UsageError("no results to render")
    of_task: dict[str, list[Result]] = {name: [] for name in names}
    for result in results:
        of_task[result.spec.task.name].append(result)
    tasks = [_task_board(name, tuple(of_task[name]), tuple(published.get(name, ()))) for name in names]
    return Board(tuple(sorted(tasks, key=lambda task: -len(task.results) - len(task.reported))))


def _task_board(name: str, results: tuple[Result, ...], reported: tuple[Reported, ...]) -> TaskBoard:
    card, known = _card(name) or (None, None)
    edition = _edition(results, known)
    sizes = [r.spec.task.items for r in results if edition in (None, edition_of(r))]
    found = [category for entry in reported for category in entry.items]
    found += sorted({category for result in results for category in result.by_category})
    order = [category for category in (card.categories.values() if card else ()) if category in found]
    return TaskBoard(
        name=name,
        card=card,
        edition=edition,
        items=max(sizes or [sum(entry.items.values()) for entry in reported]),
        categories=tuple(dict.fromkeys([*order, *found])),
        results=results,
        reported=reported,
    )


def edition_of(result: Result) -> tuple[int, str]:
    """Return what two results must share to be compared: the version and the hash of the gold table."""
    return result.spec.task.version, result.spec.task.fingerprint


def _edition(results: Sequence[Result], known: str | None) -> tuple[int, str] | None:
    """Return the newest version's gold table: the known one, else that of most results.

    None where there is no such: of results that each have items of their own, none is the one to compare with.
    """
    newest = max((result.spec.task.version for result in results), default=0)
    counts = Counter(edition for result in results if (edition := edition_of(result))[0] == newest)
    if known is not None and (newest, known) in counts:
        return newest, known
    leaders = [edition for edition, count in counts.items() if count == max(counts.values())]
    return leaders[0] if len(leaders) == 1 else None


def _card(name: str) -> tuple[TaskCard, str | None] | None:
    """Return the installed card of a task and the hash of its gold table, where it has one."""
    try:
        card, split = resolve(name, None)
    except UsageError:  # results of a task that is not installed are shown under its bare name
        return None
    return card, card.splits[split].gold if split in card.splits else None
