"""A judge's other runs on a task: the same card and model under another revision, prompt, sampling or protocol.

The newest stands first, the others against it: what of the spec differs, and the paired difference of the headlines
where both are judged on the same items, as on the compare page.
"""

from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from judgebench.leaderboard.cells import MINUS, Cell, cell, number
from judgebench.leaderboard.compared import Paired, paired, usable
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.groups import incomparable
from judgebench.leaderboard.outcomes import Outcomes, outcomes
from judgebench.leaderboard.wording import MetricWords, metric_words
from judgebench.results import Result
from judgebench.spec import JudgeSpec, Spec, differences
from judgebench.task import slug

UNKNOWN = "not known"
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_SAME = ("judge.name",)
"""What says who a judge is, not how it was run."""


class Entry(NamedTuple):
    """A run: its judge, what it ran with, when, and its headline; `against` is its difference to the newest.

    `differs` are the parts of the spec in which it is not as the newest; `why_not` says why there is no difference.
    """

    run: str
    judge: str
    revision: str
    spec: str
    started: str
    finished: str
    headline: Cell
    differs: tuple[str, ...] = ()
    against: str = ""
    interval: str = ""
    told_apart: bool = False
    why_not: str = ""


def of_board(board: Board) -> dict[str, tuple[Entry, ...]]:
    """Return, by `run_id`, the runs of the same judge on the same task, newest first, where there are others.

    All runs of one judge share one table.
    """
    found: dict[str, tuple[Entry, ...]] = {}
    for task in board.tasks:
        for runs in _alike(task.results):
            if len(runs) > 1:
                table = _table(sorted(runs.values(), key=_newness, reverse=True), task, board)
                found |= dict.fromkeys(runs, table)
    return found


def _alike(results: Sequence[Result]) -> list[dict[str, Result]]:
    """Return the results by judge: two are of the same one that share a name for it, or both share one with a third."""
    first: dict[Hashable, Hashable] = {}

    def root(name: Hashable) -> Hashable:
        while first.setdefault(name, name) != name:
            name = first[name] = first[first[name]]
        return name

    for result in results:
        one, *others = _names(result.spec.judge)
        first.update({root(other): root(one) for other in others})
    groups: dict[Hashable, dict[str, Result]] = {}
    for result in results:
        groups.setdefault(root(_names(result.spec.judge)[0]), {})[run_id(result)] = result
    return list(groups.values())


def _names(judge: JudgeSpec) -> list[Hashable]:
    """Return what a judge is known by: card and model; or, as a changed card has a new name, what it asks of its model.

    A judge is named after its card, with `--` and its model where that is not the card's own.
    """
    names: list[Hashable] = [
        (judge.name.removesuffix(f"--{slug(judge.model)}") if judge.model else judge.name, judge.model)
    ]
    if judge.model is not None and (judge.prompts or judge.kind == "reward-model"):
        names.append((judge.family, judge.kind, judge.model, tuple(sorted(judge.prompts.items()))))
    return names


def _newness(result: Result) -> tuple[datetime, str, int, str]:
    """Return what sorts runs by age: the time where it is known, then the name (v2 is after v1) and the seed."""
    spec, time = result.spec, _time(result.finished) or _time(result.started) or _EARLIEST
    return time, spec.judge.name, spec.seed, run_id(result)


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _date(text: str | None) -> str:
    found = _time(text)
    return found.date().isoformat() if found else UNKNOWN


# -- the table -----------------------------------------------------------------------------------------------


def _table(results: Sequence[Result], task: TaskBoard, board: Board) -> tuple[Entry, ...]:
    newest, *others = results
    words, judged = metric_words(task.metric, task.shape), outcomes(task, board)
    first = _entry(newest, task, words)
    return (first, *(_against(_entry(r, task, words), r, newest, task, judged) for r in others))


def _entry(result: Result, task: TaskBoard, words: MetricWords) -> Entry:
    return Entry(
        run=run_id(result),
        judge=result.spec.judge.name,
        revision=result.spec.judge.revision or UNKNOWN,
        spec=result.spec_sha256[:12],
        started=_date(result.started),
        finished=_date(result.finished),
        headline=cell(result.metrics.get(task.metric), words),
    )


def _against(entry: Entry, result: Result, newest: Result, task: TaskBoard, judged: Outcomes | None) -> Entry:
    entry = entry._replace(differs=differs(result.spec, newest.spec))
    why_not = _why_not(result, newest, task, judged)
    if why_not or judged is None:
        return entry._replace(why_not=why_not)
    own, other = (judged.value[judged.runs.index(run_id(one))] for one in (result, newest))
    found = paired(own, other, judged.sources)
    difference, interval = written(found, share=metric_words(task.metric, task.shape).share)
    return entry._replace(against=difference, interval=interval, told_apart=found.level is not None)


def _why_not(result: Result, newest: Result, task: TaskBoard, judged: Outcomes | None) -> str:
    """Return why two results cannot be compared item by item; "" where they can."""
    if result.demonstration or newest.demonstration:
        return "demonstration"
    for one in (result, newest):
        if apart := incomparable(one, task):
            return apart[0].text + (" (the newest)" if one is newest else "")
    if judged is None or not {run_id(result), run_id(newest)} <= set(judged.runs):
        return "no verdicts to compare"
    good = usable(judged)
    places = [judged.runs.index(run_id(one)) for one in (result, newest)]
    return "" if good is not None and good[places].all() else "the headline is no mean over items"


def differs(spec: Spec, newest: Spec) -> tuple[str, ...]:
    """Return the names of the fields in which two specs differ, of judge, task and protocol."""
    found = differences(spec.model_dump(mode="json"), newest.model_dump(mode="json"))
    return tuple(name.removeprefix("judge.") for name in found if name not in _SAME)


def written(found: Paired, *, share: bool) -> tuple[str, str]:
    """Return a difference with its sign, and its interval; in points where the headline is a share."""
    difference = number(found.difference, share=share)
    low, high = (number(end, share=share) for end in (found.low, found.high))
    plus = "" if difference.startswith(MINUS) or not found.difference else "+"
    return plus + difference, f"[{low}, {high}]"
