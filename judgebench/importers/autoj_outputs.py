"""Auto-J's pairwise outputs: one line per pair, `output` 0 for the first response, 1 for the second, 2 for a tie.

A line may hold the judge's whole reply instead: it is read as the judge itself is read.

Layout (GAIR-NLP/auto-j `2ae17a3`, codes/leaderboard/README.md). A judge that compares has a second file, made with the
responses exchanged, whose outputs stay in that order. Two files given together are the two orders of one judge when
their names differ by the word `exchange` only; a file without such a partner is a judge of one order.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from judgebench import task as tasks
from judgebench.errors import DataError, RowProblem, UsageError
from judgebench.hashing import sha256
from judgebench.importers import Published
from judgebench.importers.known import cover, dataset, good, identify, judge_spec, read_rows
from judgebench.judges.autoj import parse_output
from judgebench.records import FaultKind
from judgebench.results import VerdictRow
from judgebench.spec import JudgeSpec
from judgebench.task import Row, Task

DATASET = "testdata_pairwise.jsonl"
ORDERS = ((0, 1), (1, 0))
EXCHANGED = re.compile(r"exchanged?[-_]|[-_]?exchanged?")
PLAIN_WORDS = {"pairwise", "output", "outputs", ""}


def groups(paths: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Return the files of each judge: the first order's, and the exchanged order's where it was given too.

    Raises UsageError for an exchanged file without its partner.
    """
    partners: dict[Path, list[Path]] = {}
    for path in paths:
        partners.setdefault(path.with_name(EXCHANGED.sub("", path.name)), []).append(path)
    found = [tuple(sorted(group, key=_is_exchanged)) for group in partners.values()]
    for group in found:
        marks = [_is_exchanged(path) for path in group]
        if marks in ([True], [True, True]):
            plain = EXCHANGED.sub("", group[0].name)
            raise UsageError(f"{group[0]} holds the exchanged order. Give {plain}, the first order, together with it")
        if marks not in ([False], [False, True]):
            raise UsageError(f"{' and '.join(map(str, group))} are the same order of one judge. Give each order once")
    return found


def _is_exchanged(path: Path) -> bool:
    return EXCHANGED.search(path.name) is not None


def read(paths: tuple[Path, ...], data: str | None) -> Published:
    """Read the one or two files of a judge. Raises DataError with every line that does not fit."""
    file = dataset(paths[0], data, DATASET)
    task = identify(["autoj"], read_rows(file), f"autoj-{file.stem}", str(file))
    rows = [row for path, order in zip(paths, ORDERS, strict=False) for row in _verdicts(path, order, task)]
    return Published(
        task=task.spec,
        gold=tasks.facts(task.items),
        judge=_judge(paths[0]),
        rows=rows,
        source={
            "file": " + ".join(path.name for path in paths),
            "sha256": " + ".join(sha256(path.read_bytes()) for path in paths),
        },
    )


def _verdicts(path: Path, order: tuple[int, int], task: Task) -> Iterator[VerdictRow]:
    """Yield the verdicts of one order: line n is the dataset's pair n."""
    found = read_rows(path)
    problems = [row for row in found if isinstance(row, RowProblem)]
    problems += [
        row.problem("output", "missing field").problem
        for row in found
        if isinstance(row, Row) and "output" not in row.data
    ]
    if len(found) > len(task.items):
        problems.append(RowProblem(str(path), 0, "", f"{len(found)} lines for {len(task.items)} pairs"))
    if problems:
        raise DataError(sorted(problems, key=lambda problem: problem.row))
    cover([item.id for item, _ in zip(task.items, found, strict=False)], task, str(path))
    for item, row in zip(task.items, good(found), strict=True):
        output = row.data["output"]
        label = parse_output(output)
        fault: FaultKind = "empty" if output in (None, "") else "unparsed"
        yield VerdictRow(item=item.id, order=order, preference=label, fault=None if label else fault)


def _judge(path: Path) -> JudgeSpec:
    """Return the judge that the file's name speaks of beside its layout's own words."""
    words = [word for word in re.split(r"[_\s]+", path.stem) if word.lower() not in PLAIN_WORDS]
    return judge_spec("-".join(["autoj", tasks.slug("-".join(words))]) if words else "autoj", "autoj", None)
