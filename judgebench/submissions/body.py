"""The text of a pull request: what was run, its numbers, where it would stand on the board, how to make it again.

Markdown in which no string of a result can do anything: each stands in a code span, which nothing leaves.
"""

import re
from collections.abc import Iterable, Sequence

import pydantic

from judgebench.compare import Comparison, compare
from judgebench.errors import JudgebenchError
from judgebench.leaderboard import commands
from judgebench.leaderboard.cells import DASH, number
from judgebench.leaderboard.data import Board, edition_of, run_id
from judgebench.leaderboard.groups import incomparable
from judgebench.leaderboard.outcomes import outcomes
from judgebench.leaderboard.table import Row, table
from judgebench.leaderboard.wording import MetricWords, metric_words
from judgebench.metrics import shape_of
from judgebench.records import FAULT_KINDS
from judgebench.results import Metric, Result, VerdictRow
from judgebench.submissions.findings import Report, code_span, plain
from judgebench.submissions.rebuilt import Submission

BESIDE = (
    "accuracy_macro", "accuracy_strict", "accuracy_of_readable", "best_accuracy_macro", "best_accuracy_of_readable",
    "consistency", "position_bias", "unreadable_rate",
)  # fmt: skip
"""Metrics beside the headline, where a result has them."""
SMALLEST_P = 0.0001
LONGEST_COMMAND = 4000


def markdown(found: Sequence[Submission], board: Board, report: Report) -> str:
    """Return the text for submissions, given the board that they would be part of and what their check found."""
    parts = [part for submission in found for part in _submission(submission, board)]
    told = "\n".join(finding.markdown() for finding in report.flags) or "None."
    note = (
        "Written by `judgebench submit`. The numbers are recomputed from the verdicts when the pull request is checked."
    )
    return "\n\n".join([*parts, "## Flags", told, note]) + "\n"


def code(text: str) -> str:
    """Return text as a code span that is safe in a cell of a table, too."""
    return code_span(text).replace("|", "\\x7c")


def _submission(submission: Submission, board: Board) -> list[str]:
    result = submission.result
    spec = result.spec
    return [
        f"## {code(spec.judge.name)} on {code(spec.task.name)}",
        _table(("run", ""), _facts(result)),
        _table(("metric", "value", "95 % interval", "n", "coverage"), _metrics(result, submission)),
        "### On the board",
        _standing(submission, board),
        "### Again",
        _again(result),
    ]


# -- what was run ---------------------------------------------------------------------------------------------


def _facts(result: Result) -> Iterable[tuple[str, str]]:
    spec, counts = result.spec, result.counts
    judge, task = spec.judge, spec.task
    yield "judge", f"{code(judge.name)} ({judge.kind if judge.kind.replace('-', '').isalpha() else code(judge.kind)})"
    yield "model", code(judge.model) if judge.model else "none"
    yield "revision", code(judge.revision) if judge.revision else "not pinned"
    yield "task", f"{code(task.name)}, version {task.version}, {counts.items} items"
    yield "orders, repeats, seed", f"{spec.orders}, {spec.repeats}, {spec.seed}"
    faults = [f"{count} {kind}" for kind in FAULT_KINDS if (count := getattr(counts, kind))]
    yield "judgments", f"{counts.trials}, {counts.verdicts} with a verdict"
    yield "unreadable", f"{counts.trials - counts.verdicts}" + (f": {', '.join(faults)}" if faults else "")
    tokens = [f"{count} {name}" for name, count in result.usage.model_dump().items() if count is not None]
    yield "tokens", ", ".join(tokens) or "unknown"
    yield "cost", "unknown" if result.cost is None else f"{result.cost:.4g} USD"
    yield "time", "unknown" if result.seconds is None else f"{result.seconds:g} s"
    about = result.environment
    if about is not None:
        yield "made by", f"judgebench {code(about.judgebench)}" + (f" at {code(about.commit)}" if about.commit else "")
    yield "spec, verdicts", f"{code(result.spec_sha256[:16])}, {code(result.verdicts.sha256[:16])}"


def _metrics(result: Result, submission: Submission) -> Iterable[tuple[str, ...]]:
    headline, shape = result.spec.task.headline, shape_of(submission.gold)
    for name in dict.fromkeys((headline, *BESIDE)):
        metric = result.metrics.get(name)
        if metric is not None:
            words = metric_words(name, shape)
            label = f"**{words.label}**" if name == headline else words.label
            yield (label, _value(metric, words), _interval(metric, words), str(metric.n), f"{metric.coverage:.1%}")


def _value(metric: Metric, words: MetricWords) -> str:
    return DASH if metric.value is None else _number(metric.value, words)


def _number(value: float, words: MetricWords) -> str:
    return number(value, share=words.share) + (" %" if words.share else "")


def _interval(metric: Metric, words: MetricWords) -> str:
    if metric.low is None or metric.high is None:
        return DASH
    return f"{number(metric.low, share=words.share)} to {_number(metric.high, words)}"


# -- where it would stand ----------------------------------------------------------------------------------------


def _standing(submission: Submission, board: Board) -> str:
    """Say which rank the board gives the result, and how it compares with the best and with its neighbours."""
    result, key = submission.result, run_id(submission.result)
    task = next(task for task in board.tasks if task.name == result.spec.task.name)
    shown = table(task, outcomes(task, board))
    group, own = shown.by_run[key]
    if group.key == "floor":
        return "A null judge: it is not ranked, it is the floor that others are measured against."
    words = metric_words(task.metric, task.shape)
    if own.rank is None:
        why = [badge.title for badge in incomparable(result, task)] or [f"{words.label} has no value."]
        return f"Not ranked. {' '.join(why)}"
    ranked = [row for row in group.rows if row.rank is not None]
    span = f"; the ranks {own.span} are open" if own.span else ""
    head = f"Rank {own.rank} of {len(ranked)} by {words.label}{span}."
    if len(ranked) == 1:
        return f"{head} It is the first result of this task."
    results = {run_id(other): other for other in task.results}
    rows = [
        (role, code(row.name), str(row.rank), *_difference(submission, results[row.run], task.metric, board, words))
        for role, row in _neighbours(ranked, own).items()
    ]
    titles = ("against", "judge", "rank", "difference", "95 % interval", "items", "p")
    return f"{head} Differences are this judge minus the other, paired by item.\n\n{_table(titles, rows)}"


def _neighbours(ranked: Sequence[Row], own: Row) -> dict[str, Row]:
    """Return whom to compare with, by role: the best, the next above and the next below; each once."""
    place = ranked.index(own)
    chosen: dict[str, Row] = {}
    for role, index in {"best": 0, "next above": place - 1, "next below": place + 1}.items():
        if 0 <= index < len(ranked) and index != place and ranked[index] not in chosen.values():
            chosen[role] = ranked[index]
    return chosen


def _difference(
    submission: Submission, other: Result, metric: str, board: Board, words: MetricWords
) -> tuple[str, str, str, str]:
    found = _compared(submission, other, metric, board)
    if found is None or found.difference.value is None:
        return (DASH, "no verdicts to compare", DASH, DASH)
    value = number(found.difference.value, share=words.share) + (" points" if words.share else "")
    p = f"< {SMALLEST_P}" if found.p < SMALLEST_P else f"{found.p:.4f}"
    return (value, _interval(found.difference, words).removesuffix(" %"), str(found.difference.n), p)


def _compared(submission: Submission, other: Result, metric: str, board: Board) -> Comparison | None:
    """Compare with a result on the board, None where its verdicts are not to be had or do not fit."""
    files = board.files.get(run_id(other))
    if files is None or edition_of(other) != edition_of(submission.result):
        return None
    try:
        rows = [VerdictRow.model_validate_json(line) for line in files.verdicts.read_bytes().splitlines()]
        return compare((submission.gold, submission.rows), (submission.gold, rows), metric)
    except (JudgebenchError, pydantic.ValidationError, OSError):
        return None


# -- Markdown --------------------------------------------------------------------------------------------------


def _again(result: Result) -> str:
    command = commands.evaluation(result)
    if command is None:
        return "Its judge or its task is not installed, so there is no command."
    blanks = "".join(f"\n\n{code(word)}: {meaning}." for word, meaning in command.blanks)
    return f"{_block(plain(command.text, LONGEST_COMMAND))}{blanks}"


def _block(line: str) -> str:
    """Return a line as a block of code, fenced by more backticks than it holds in a row."""
    fence = "`" * max(3, 1 + max(len(run) for run in re.findall("`*", line)))
    return f"{fence}sh\n{line}\n{fence}"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
