"""Importers: published outputs of real judges → our results, evidence `imported`.

Only facts cross over: ids, decisions, scores and certainties. What a reply says stays where it is; our parser
reads it once, and every decision it reads differently is reported.

A task that has no packaged gold table gets its own beside the result, so that every number can be recomputed
offline (docs/decisions/005-gold-beside-results.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from judgebench import registry
from judgebench import task as tasks
from judgebench.assemble import count, result_bytes, sort_rows, verdict_bytes
from judgebench.errors import DataError, JudgebenchError, RowProblem, UsageError
from judgebench.hashing import sha256
from judgebench.metrics import measure
from judgebench.records import Candidate, Item
from judgebench.results import Result, VerdictRow, VerdictsFile
from judgebench.run.store import write_atomic
from judgebench.spec import JudgeSpec, Spec, TaskSpec
from judgebench.task import GoldRow


@dataclass(frozen=True)
class Published:
    """One judge's published outputs on one task, as facts.

    `notes` say what a reader of the numbers must know of the file; `disagreements` where our parser differs.
    """

    task: TaskSpec
    gold: Sequence[GoldRow]
    judge: JudgeSpec
    rows: Sequence[VerdictRow]
    source: dict[str, str]
    disagreements: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Importer(Protocol):
    """Reads one published file. Raises DataError listing every row that does not fit."""

    def __call__(self, path: Path, data: str | None) -> Published:
        """Read one file; `data` names the dataset where the file does not hold it."""
        ...


@runtime_checkable
class GroupImporter(Protocol):
    """Reads judges whose outputs lie in several files each."""

    def groups(self, paths: Sequence[Path]) -> list[tuple[Path, ...]]:
        """Return the files of each judge. Raises UsageError for files that belong to none."""
        ...

    def read(self, paths: tuple[Path, ...], data: str | None) -> Published:
        """Read one judge's files. Raises DataError listing every row that does not fit."""
        ...


@dataclass(frozen=True)
class Imported:
    """A written result, and what there is to say of it (see `Published`)."""

    path: Path
    result: Result
    disagreements: list[str]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return path, judge, task, counts, every metric, the notes and the disagreements."""
        result = self.result
        return {
            "path": str(self.path),
            "judge": result.spec.judge.name,
            "task": result.spec.task.name,
            **result.model_dump(mode="json", include={"evidence", "counts", "metrics", "by_category"}),
            "notes": self.notes,
            "disagreements": self.disagreements,
        }


def import_files(kind: str, files: Iterable[Path], data: str | None, out: Path) -> list[Imported]:
    """Import files of one kind into `out`. Every file is read before anything is written.

    Raises UsageError for an unknown kind, a missing file, or two files that would become the same result,
    DataError for files that do not fit.
    """
    if kind not in registry.names("importers"):
        raise UsageError(registry.unknown("kind of import", kind, registry.names("importers")))
    importer: Importer | GroupImporter = registry.load("importers", kind)
    paths = [_existing(path) for path in files]
    if isinstance(importer, GroupImporter):
        published = [importer.read(group, data) for group in importer.groups(paths)]
    else:
        published = [importer(path, data) for path in paths]
    _distinct(published)
    return [write(found, out) for found in published]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"no such file: {path}")
    return path


def _distinct(published: Iterable[Published]) -> None:
    seen: dict[tuple[str, str], Published] = {}
    for found in published:
        first = seen.setdefault((found.judge.name, found.task.name), found)
        if first is not found:
            raise UsageError(
                f"{first.source['file']} and {found.source['file']} are both {found.judge.name} on {found.task.name}. "
                f"Import one of them with another --out"
            )


def write(published: Published, out: Path) -> Imported:
    """Write a result and its verdicts under `out/<judge>/`, atomically; and the gold of a task of the file's own."""
    task, rows = published.task, sort_rows(published.rows)
    data = verdict_bytes(rows)
    orders = "first" if all(row.order == tuple(range(len(row.order))) for row in rows) else "both"
    spec = Spec(task=task, judge=published.judge, orders=orders, repeats=1, seed=0)
    metrics, by_category = measure(published.gold, rows, task.metric_sets)
    result = Result(
        evidence="imported",
        spec=spec,
        spec_sha256=spec.hash,
        counts=count(rows, len(published.gold)),
        metrics=metrics,
        by_category=by_category,
        source=published.source,
        verdicts=VerdictsFile(sha256=sha256(data), rows=len(rows)),
    )
    path = out / published.judge.name / f"{task.name}.json"
    try:
        if tasks.packaged_gold(task.name, task.fingerprint) is None:
            write_atomic(_beside(path, task), _table(published.gold))
        write_atomic(path.with_name(f"{task.name}.verdicts.jsonl"), data)
        write_atomic(path, result_bytes(result))
    except OSError as error:
        raise JudgebenchError(f"cannot write {path}: {error.strerror}") from error
    return Imported(path, result, published.disagreements, published.notes)


def find_gold(path: Path, task: TaskSpec) -> list[GoldRow]:
    """Return the gold table of the result in `path`: the packaged one, else the one beside it, else made again.

    Raises DataError when neither is the one that `task.fingerprint` names.
    """
    from judgebench.tasks.verifiable import gold_again

    data = tasks.packaged_gold(task.name, task.fingerprint)
    beside = _beside(path, task)
    if data is None and beside.is_file():
        data = beside.read_bytes()
    if data is None:
        data = gold_again(task)
    if data is None or sha256(data) != task.fingerprint:
        problem = f"not the gold table of this result, whose hash is {task.fingerprint[:16]}…"
        raise DataError([RowProblem(str(beside), 0, "", problem if data else f"missing: {problem}")])
    return tasks.read_gold_table(data, str(beside))


def _beside(path: Path, task: TaskSpec) -> Path:
    return path.with_name(f"{task.name}.gold.csv")


def _table(gold: Iterable[GoldRow]) -> bytes:
    """Return gold rows as the table of which the fingerprint is taken; no more of an item goes into it."""
    nothing = Candidate(content="")
    return tasks.gold_table(
        Item(
            id=row.item, task="", category=row.category, source_id=row.source, turns=(), candidates=(nothing,),
            gold=row.gold, traits=dict(row.traits),
        )
        for row in gold
    )  # fmt: skip
