"""What a judge's page says: what it is, how it did on every task, and what each number rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from judgebench.hashing import canonical
from judgebench.installed import judge_card
from judgebench.leaderboard import commands
from judgebench.leaderboard.calibration import Diagram
from judgebench.leaderboard.cells import DASH, Cell, cell, percent
from judgebench.leaderboard.curves import Curve
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.history import Entry
from judgebench.leaderboard.models import OPENNESS, openness
from judgebench.leaderboard.table import Group, Row, Table, short_name
from judgebench.leaderboard.wording import VIEWS, MetricWords, in_order, metric_words
from judgebench.metrics.definition import Shape
from judgebench.records import FAULT_KINDS
from judgebench.results import Metric, Result

BESIDE = ("consistency", "best_consistency", "position_bias", "unreadable_rate")
"""Shown next to a headline where there are such metrics, over all items and by category."""
COMMON = ("accuracy", "best_accuracy", "spearman", "pearson", "mae")
UNSET = "not set"
UNSAID = "not stated by the card"


@dataclass(frozen=True)
class Fact:
    """Something that identifies a judge. Where its runs differ, each value comes with the tasks it was used on."""

    label: str
    values: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Measured:
    """A metric with its words and its cell; `n` and `coverage` are in columns of their own."""

    words: MetricWords
    cell: Cell
    n: int
    coverage: str


@dataclass(frozen=True)
class Run:
    """One result of a judge, with its place on the task's board.

    `beside` are the cells of `BESIDE` by label, `categories` (name, cells) under the heads `category_heads`.
    `command` is None where the judge's or the task's card is not installed.
    """

    key: str
    result: Result
    task: TaskBoard
    group: Group
    row: Row
    headline: MetricWords
    beside: Mapping[str, Cell]
    category_heads: tuple[MetricWords, ...]
    categories: tuple[tuple[str, tuple[Cell, ...]], ...]
    metrics: tuple[tuple[str, tuple[Measured, ...]], ...]
    facts: tuple[tuple[str, str], ...]
    command: commands.Command | None
    curves: tuple[Curve, ...] = ()
    calibration: Diagram | None = None
    history: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class JudgePage:
    """A judge over all tasks."""

    name: str
    judge: str
    model: str
    kind: str
    summary: str
    facts: tuple[Fact, ...]
    runs: tuple[Run, ...]

    @property
    def beside(self) -> list[str]:
        """Return the labels of what is shown beside the headlines, in order."""
        return list(dict.fromkeys(label for run in self.runs for label in run.beside))


def judge_page(
    name: str,
    results: Sequence[Result],
    board: Board,
    tables: Mapping[str, Table],
    *,
    curves: Mapping[str, tuple[Curve, ...]] | None = None,
    calibrated: Mapping[str, Diagram] | None = None,
    histories: Mapping[str, tuple[Entry, ...]] | None = None,
) -> JudgePage:
    """Lay out the page of a judge. `results` are in the order of the board's tasks; figures are by `run_id`.

    A table of `histories` stands with the first of its runs that is on the page.
    """
    judge = results[0].spec.judge
    card = judge_card(judge)
    models = {result.spec.judge.model for result in results}
    tasks = {task.name: task for task in board.tasks}
    told = {
        table[0].run: run_id(result) for result in reversed(results) if (table := (histories or {}).get(run_id(result)))
    }
    return JudgePage(
        name=name,
        judge=short_name(judge) if len(models) == 1 else name,
        model=(judge.model or "") if len(models) == 1 else "",
        kind=judge.kind,
        summary=card.summary if card else "",
        facts=_facts(results),
        runs=tuple(
            replace(
                _run(result, tasks[result.spec.task.name], tables[result.spec.task.name]),
                curves=(curves or {}).get(run_id(result), ()),
                calibration=(calibrated or {}).get(run_id(result)),
                history=(histories or {})[run_id(result)] if run_id(result) in told.values() else (),
            )
            for result in results
        ),
    )


# -- what it is ----------------------------------------------------------------------------------------------


def _facts(results: Sequence[Result]) -> tuple[Fact, ...]:
    said = [(result.spec.task.name, dict(_identity(result))) for result in results]
    labels = list(dict.fromkeys(label for _, facts in said for label in facts))
    facts = [Fact(label, _values([(task, found[label]) for task, found in said if label in found])) for label in labels]
    return (*facts, *_card_facts(results))


def _values(said: Sequence[tuple[str, str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    values = list(dict.fromkeys(value for _, value in said))
    if len(values) == 1:
        return ((values[0], ()),)
    return tuple((value, tuple(dict.fromkeys(task for task, other in said if other == value))) for value in values)


def _identity(result: Result) -> list[tuple[str, str]]:
    judge = result.spec.judge
    sampling = {k: v for k, v in judge.sampling.model_dump(mode="json").items() if v not in (None, [], {})}
    prompts = [f"{role}: sha256 {digest}" for role, digest in sorted(judge.prompts.items())]
    imported = result.evidence == "imported"
    unknown = "not recorded by the source" if imported else UNSET
    return [
        ("Family", judge.family),
        ("Kind", judge.kind),
        ("Model", judge.model or "none"),
        ("Revision", judge.revision or (unknown if judge.model else "none")),
        ("Sampling", ", ".join(f"{name} {_plain(value)}" for name, value in sampling.items()) or unknown),
        ("Prompts", "; ".join(prompts) or (unknown if imported else "none")),
        ("Parameters", _plain(judge.params) if judge.params else "none"),
        ("Conversion", judge.conversion),
        ("Orders", "does not depend on the order" if judge.order_independent else "may depend on the order"),
        ("Endpoint", judge.endpoint),
        ("Parser", "the source's own" if imported and not judge.parser_version else f"version {judge.parser_version}"),
    ]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else canonical(value).decode("utf-8", "backslashreplace")


def _card_facts(results: Sequence[Result]) -> list[Fact]:
    card = judge_card(results[0].spec.judge)
    if card is None:
        return [Fact("Card", (("not installed here; the facts are those of the results", ()),))]
    unsaid = UNSAID if card.model else ""
    said = {
        "Card": f"{card.name}, installed here",
        "Size": card.size or unsaid,
        "Weights": OPENNESS[openness(results[0].spec.judge)],
        "Licence": card.licence or unsaid,
        "Paper": card.paper,
        "Training data": ", ".join(card.training_datasets) or unsaid,
        "Needs": ", ".join(card.needs),
        "Notes": card.notes,
    }
    return [Fact(label, ((value, ()),)) for label, value in said.items() if value]


# -- how it did ----------------------------------------------------------------------------------------------


def _run(result: Result, task: TaskBoard, shown: Table) -> Run:
    key = run_id(result)
    group, row = shown.by_run[key]
    heads = _category_heads(result, task)
    several = len(result.by_category) > 1  # a single one says again what stands above it
    return Run(
        key=key,
        result=result,
        task=task,
        group=group,
        row=row,
        headline=metric_words(task.metric, task.shape),
        beside=_beside(result, task.shape),
        category_heads=tuple(metric_words(name, task.shape) for name in heads),
        categories=tuple(
            (category, tuple(_by_category(metrics, name, task.shape) for name in heads))
            for category, metrics in sorted(result.by_category.items(), key=lambda entry: _place(entry[0], task))
            if several
        ),
        metrics=_metrics(result, task),
        facts=tuple(_run_facts(result)),
        command=commands.evaluation(result),
    )


def _place(category: str, task: TaskBoard) -> tuple[int, str]:
    known = task.categories
    return (known.index(category) if category in known else len(known), category)


def _beside(result: Result, shape: Shape) -> dict[str, Cell]:
    known = [(metric_words(name, shape), result.metrics[name]) for name in BESIDE if name in result.metrics]
    return {words.label: cell(metric, words, metric.n) for words, metric in known}


def _category_heads(result: Result, task: TaskBoard) -> list[str]:
    found = {name for metrics in result.by_category.values() for name in metrics}
    return [name for name in dict.fromkeys((task.metric, *COMMON, *BESIDE)) if name in found]


def _by_category(metrics: Mapping[str, Metric], name: str, shape: Shape) -> Cell:
    return cell(metrics.get(name), metric_words(name, shape), bar=name not in BESIDE)


def _metrics(result: Result, task: TaskBoard) -> tuple[tuple[str, tuple[Measured, ...]], ...]:
    """Return all metrics by view, the headline's first."""
    known = [(name, metric_words(name, task.shape)) for name in in_order(result.metrics, first=task.metric)]
    order = list(VIEWS)
    known.sort(key=lambda entry: (entry[0] != task.metric, order.index(entry[1].view)))
    return tuple(
        (VIEWS[view], tuple(_measured(result.metrics[name], words) for name, words in part))
        for view, part in groupby(known, key=lambda entry: entry[1].view)
    )


def _measured(metric: Metric, words: MetricWords) -> Measured:
    text = cell(metric, words, metric.n)._replace(note="")
    return Measured(words, text, metric.n, f"{percent(metric.coverage)} %")


# -- what it rests on ----------------------------------------------------------------------------------------


def _run_facts(result: Result) -> list[tuple[str, str]]:
    spec, counts = result.spec, result.counts
    faults = [f"{getattr(counts, kind)} {kind}" for kind in FAULT_KINDS if getattr(counts, kind)]
    facts = [
        ("Evidence", result.evidence),
        *((f"Source: {key}", value) for key, value in sorted(result.source.items())),
        ("Items", f"{counts.items} of {spec.task.items}, version {spec.task.version}"),
        ("Categories", ", ".join(spec.categories)),
        ("Judgments", f"{counts.trials}: {counts.verdicts} with a verdict{''.join(f', {fault}' for fault in faults)}"),
        ("Protocol", f"orders {spec.orders}, repeats {spec.repeats}, seed {spec.seed}"),
        ("Usage", _usage(result)),
        ("Environment", _environment(result)),
        ("Run", f"{result.started or DASH} to {result.finished}" if result.finished else ""),
        ("Spec", f"sha256 {result.spec_sha256}"),
        ("Gold table", f"sha256 {spec.task.fingerprint}"),
        ("Verdicts", f"sha256 {result.verdicts.sha256}"),
    ]
    return [(label, value) for label, value in facts if value]


def _usage(result: Result) -> str:
    tokens = [f"{count} {name} tokens" for name, count in result.usage.model_dump().items() if count is not None]
    cost = [f"{result.cost:.4g} USD"] if result.cost is not None else []
    seconds = [f"{result.seconds:g} s"] if result.seconds is not None else []
    return ", ".join([*tokens, *cost, *seconds])


def _environment(result: Result) -> str:
    about = result.environment
    if about is None:
        return ""
    packages = [f"{name} {version}" for name, version in sorted(about.packages.items())]
    commit = [f"commit {about.commit}"] if about.commit else []
    backend = [f"{name} {_plain(value)}" for name, value in sorted(about.backend.items())]
    versions = [f"judgebench {about.judgebench}", f"Python {about.python}", about.platform]
    return ", ".join([*versions, *commit, *packages, *backend])
