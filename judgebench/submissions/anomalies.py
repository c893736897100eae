"""Anomalies: what an honest result may show, and a person should look at. Flags, never errors."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path

import numpy as np

from judgebench.installed import judge_card, task_card
from judgebench.metrics import shape_of
from judgebench.metrics.catalogue import CATALOGUE
from judgebench.metrics.table import Table
from judgebench.results import Metric, Result, VerdictRow
from judgebench.submissions.case import Case, Findings
from judgebench.submissions.layout import RESULT, VERDICTS
from judgebench.submissions.reading import Refused
from judgebench.submissions.rules_result import read_result
from judgebench.submissions.rules_rows import read_rows, trial_of
from judgebench.task import TaskCard
from judgebench.version import VERSION

ENOUGH = 30
"""Verdicts below which nothing here is remarkable."""
FAR = 0.05
"""How far a result's interval must lie above the best other judge's: 5 points."""
PERFECT = 0.99
READABLE = 0.5
"""The share of trials of which a verdict could be read, at the least."""
FASTEST = 0.001
"""Seconds a trial that asks a model takes at the least, on any machine and with any batching."""
TOKENS_A_SECOND = 1e6
SHOWN = 3
"""Names in a flag."""
UNTHINKING = ("null", "rule", "callable")
"""Kinds of judges that ask no model: constant and quick by nature."""


@dataclass
class Peers:
    """The results of other judges on the same items, read once. What cannot be read is no peer."""

    root: Path
    names: InitVar[Sequence[str]]
    _of_task: dict[str, list[str]] = field(default_factory=dict)
    _results: dict[str, Result | None] = field(default_factory=dict)
    _decisions: dict[str, frozenset[object] | None] = field(default_factory=dict)

    def __post_init__(self, names: Sequence[str]) -> None:
        for name in names:
            self._of_task.setdefault(name.partition("/")[2], []).append(name)

    def of(self, case: Case) -> list[tuple[str, Result]]:
        """Return the names and results of the other judges that judged the same gold with the same headline."""
        mine, task = case.result.spec.task, case.name.partition("/")[2]
        found = []
        for name in self._of_task.get(task, ()):
            if name != case.name and (result := self._result(name)) is not None:
                theirs = result.spec.task
                if (theirs.fingerprint, theirs.headline) == (mine.fingerprint, mine.headline):
                    found.append((name, result))
        return found

    def decisions(self, name: str, result: Result) -> frozenset[object] | None:
        """Return the trials and decisions of a peer, None where its verdicts cannot be read."""
        if name not in self._decisions:
            path = self.root / (name.removesuffix(RESULT) + VERDICTS)
            try:
                rows = read_rows(path, result.verdicts.sha256, result.verdicts.rows)
            except Refused:
                self._decisions[name] = None
            else:
                self._decisions[name] = decisions(rows)
        return self._decisions[name]

    def _result(self, name: str) -> Result | None:
        if name not in self._results:
            try:
                self._results[name] = read_result(self.root / name)
            except Refused:
                self._results[name] = None
        return self._results[name]


def decisions(rows: Sequence[VerdictRow]) -> frozenset[object]:
    """Return each trial with what was decided, without scores and confidences where there is a preference."""
    return frozenset((trial_of(row), row.fault, row.preference or row.best or row.scores) for row in rows)


def anomalies(case: Case, peers: Peers) -> Findings:
    """Flag what a person should look at."""
    if case.result.spec.judge.kind != "null":
        yield from _far_above(case, peers)
    yield from _same_as(case, peers)
    yield from _trained_on(case)
    if case.result.spec.judge.kind not in UNTHINKING:
        yield from _constant(case)
        yield from _speed(case)
    yield from _confidences(case)
    yield from _contradictory(case)
    about = case.result.environment
    if about is not None and about.judgebench != VERSION:
        yield case.flag(
            "environment.judgebench", f"is {about.judgebench}, this is {VERSION}: verdicts may be read otherwise"
        )


# -- against others ---------------------------------------------------------------------------------------


def _far_above(case: Case, peers: Peers) -> Findings:
    """Flag a headline whose 95 % interval lies `FAR` above that of the best other judge, and one that is perfect."""
    name = case.result.spec.task.headline
    mine = case.result.metrics.get(name)
    if mine is None or mine.value is None or len(case.gold) < ENOUGH:
        return
    others = [
        (other, found)
        for other, result in peers.of(case)
        if result.spec.judge.kind != "null" and (found := result.metrics.get(name)) and found.value is not None
    ]
    field_ = f"metrics.{name}.value"
    if CATALOGUE[name].direction == "higher" and others:
        other, best = max(others, key=lambda pair: (pair[1].value or 0, pair[0]))
        if _low(mine) > _high(best) + FAR:
            yield case.flag(
                field_, f"{_interval(mine)} is far above the best other judge, {other} with {_interval(best)}"
            )
    if "accuracy" in name and mine.value >= PERFECT:
        yield case.flag(field_, f"is {mine.value:.4f}: as good as gold itself")


def _low(metric: Metric) -> float:
    return (metric.value or 0.0) if metric.low is None else metric.low


def _high(metric: Metric) -> float:
    return (metric.value or 0.0) if metric.high is None else metric.high


def _interval(metric: Metric) -> str:
    return f"{metric.value:.3f} [{_low(metric):.3f}, {_high(metric):.3f}]"


def _same_as(case: Case, peers: Peers) -> Findings:
    """Flag verdicts that are, trial by trial, those of another judge."""
    mine, headline = case.result, case.result.spec.task.headline
    own: frozenset[object] | None = None
    same = []
    for other, theirs in peers.of(case) if len(case.rows) >= ENOUGH else ():
        if theirs.metrics.get(headline) != mine.metrics.get(headline) or theirs.counts != mine.counts:
            continue  # equal decisions have equal numbers: only these need reading
        if theirs.verdicts.sha256 != mine.verdicts.sha256:
            own = decisions(case.rows) if own is None else own
            if peers.decisions(other, theirs) != own:
                continue
        same.append(other)
    if same:
        more = f" and {len(same) - SHOWN} more" if len(same) > SHOWN else ""
        yield case.flag("", f"every verdict is that of {', '.join(same[:SHOWN])}{more}", VERDICTS)


def _trained_on(case: Case) -> Findings:
    """Flag a judge whose card names the task's dataset among those it was trained on."""
    card, found = judge_card(case.result.spec.judge), task_card(case.result.spec.task.name)
    if card is None or found is None or case.result.spec.judge.name != card.name:
        return
    for dataset in card.training_datasets:
        if _repository(dataset) in _datasets(found[0]):
            yield case.flag("spec.judge.name", f"was trained on {dataset}, from which this task is taken")


def _datasets(card: TaskCard) -> set[str]:
    named = {card.name, card.title, *([card.hub.repo] if card.hub else [])}
    return {_repository(name) for name in named}


def _repository(name: str) -> str:
    """Return a dataset's name without its owner and what is said of it in parentheses, in lower case."""
    return name.partition("(")[0].strip().lower().rpartition("/")[2]


# -- in itself ----------------------------------------------------------------------------------------------


def _constant(case: Case) -> Findings:
    said = [row for row in case.rows if row.fault is None]
    if len(case.rows) >= ENOUGH and len(said) < READABLE * len(case.rows):
        yield case.flag("counts.verdicts", f"is {len(said)} of {len(case.rows)} trials: most replies could not be read")
    if len(said) < ENOUGH:
        return
    shown = Counter(_shown(row) for row in said)
    if len(shown) == 1:
        yield case.flag("", f"all {len(said)} verdicts are the same, {next(iter(shown))}, as presented", VERDICTS)
    elif len({row.order for row in said}) > 1 and len({_own(row) for row in said}) == 1:
        yield case.flag("", f"all {len(said)} verdicts prefer the same place in the dataset's own order", VERDICTS)


def _shown(row: VerdictRow) -> object:
    return row.preference or row.best or row.scores


def _own(row: VerdictRow) -> object:
    """Return a pair's decision in the dataset's own order; anything else as it is."""
    flipped = {"A>B": "B>A", "B>A": "A>B"}
    said = row.preference
    return flipped.get(said, said) if said is not None and row.order == (1, 0) else _shown(row)


def _confidences(case: Case) -> Findings:
    said = [row.confidence for row in case.rows if row.confidence is not None]
    if len(said) < ENOUGH:
        return
    if len(set(said)) == 1:
        yield case.flag("", f"all {len(said)} confidences are {said[0]}", VERDICTS)
        return
    if shape_of(case.gold) != "pairs":
        return
    table = Table.make(case.gold, case.rows)
    sure = ~np.isnan(table.confidence)
    right, wrong = table.confidence[sure & (table.right == 1)], table.confidence[sure & (table.right == -1)]
    if min(len(right), len(wrong)) >= ENOUGH // 3 and right.min() > wrong.max():
        yield case.flag("", "confidences part right from wrong verdicts without an error: do they know gold?", VERDICTS)


def _contradictory(case: Case) -> Findings:
    """Flag verdicts whose scores say the opposite. Equal scores are no contradiction: some protocols break ties."""
    signs = {"A>B": 1, "B>A": -1}
    wrong = [
        row
        for row in case.rows
        if row.preference in signs and row.scores and (row.scores[0] - row.scores[1]) * signs[row.preference] < 0
    ]
    if wrong:
        yield case.flag("", f"{len(wrong)} verdicts prefer the response of the lower score", VERDICTS)


def _speed(case: Case) -> Findings:
    result = case.result
    if result.seconds is None or len(case.rows) < ENOUGH:
        return
    advice = "unless replies came from the cache or the run was resumed"
    if result.seconds < FASTEST * len(case.rows):
        problem = f"is {result.seconds} for {len(case.rows)} trials: impossible for a model, {advice}"
        yield case.flag("seconds", problem)
    elif result.seconds and (result.usage.output or 0) / result.seconds > TOKENS_A_SECOND:
        yield case.flag("seconds", f"is {result.seconds} for {result.usage.output:,} tokens of output, {advice}")
