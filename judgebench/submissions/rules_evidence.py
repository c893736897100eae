"""Rules for the evidence: each level has to be earned.

    submitted     a run of `judgebench eval`: it says what it ran on, when, and how long it took
    imported      outputs published elsewhere: the file, its hash, and no more than an importer knows
    reproduced    this check itself came to the same verdicts

Only judges that ask no model can be run here: null judges and rules, on items whose texts judgebench brings or makes,
or without texts where position and chance decide. A second run of a model is no reproduction: it would take the place
of the first, and merged results never change.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence

from judgebench.assemble import verdict_row
from judgebench.errors import JudgebenchError
from judgebench.installed import family_of, judge_card, task_card
from judgebench.judges.base import Family
from judgebench.records import Best, Candidate, Fault, Item, Judgment, Reply, Sampling, Turn
from judgebench.results import Result, VerdictRow
from judgebench.run.plan import trials, view
from judgebench.submissions.case import Case, Findings, shown
from judgebench.submissions.gold import texts
from judgebench.submissions.layout import VERDICTS
from judgebench.submissions.rules_numbers import equal
from judgebench.submissions.rules_rows import size_of, trial_of

PUBLISHED = ("prompted", "fine-tuned", "reward-model", "multi-agent")
"""Kinds of judges whose outputs are imported."""
RUNNABLE = ("null", "rule")
BLIND = ("always-first", "always-second", "random")
"""Families that decide without a look at the responses."""
MOST_TRIALS = 50_000
"""Trials that are judged again."""
_SHA256 = re.compile(r"[0-9a-f]{64}( \+ [0-9a-f]{64})*")
_JOINED = " + "
_RELATIVE = re.compile(r"(?![/~.])(?!.*(\\|:/|/[/.])).*[^/\s]")
"""The path of a file below some folder: not absolute, not upwards."""


def evidence(case: Case) -> Findings:
    """Check that the result has what its level of evidence asks for."""
    yield from {"imported": _imported, "submitted": _submitted, "reproduced": _submitted}[case.result.evidence](case)


# -- submitted ----------------------------------------------------------------------------------------------


def _submitted(case: Case) -> Findings:
    result = case.result
    if result.source:
        yield case.error("source", "is for imported outputs; a run has none. Remove it")
    for field in ("environment", "started", "finished", "seconds"):
        if getattr(result, field) is None:
            yield case.error(field, "is absent: a run says what it ran on and when. Type: judgebench submit RUN")
    if not re.fullmatch(r"default|sha256:[0-9a-f]{16}", result.spec.judge.endpoint):
        yield case.error("spec.judge.endpoint", f"is {shown(result.spec.judge.endpoint)}, neither default nor a hash")


# -- imported -----------------------------------------------------------------------------------------------


def _imported(case: Case) -> Findings:
    """Check for the shape that importers write: a complete source, and nothing that no file of outputs tells."""
    yield from _source(case)
    spec = case.result.spec
    for field, value, written in _written(case.result):
        if value != written:
            problem = f"is {shown(value)}; importers write {shown(written)}"
            yield case.error(field, problem)
    if spec.judge.kind not in PUBLISHED:
        yield case.error("spec.judge.kind", f"is {shown(spec.judge.kind)}; importers write {', '.join(PUBLISHED)}")
    if case.fresh:
        yield case.flag("evidence", "is imported: take the published file and import it again, then compare")
    if spec.judge.params.keys() - {"strategy"} or not all(isinstance(v, str) for v in spec.judge.params.values()):
        yield case.error("spec.judge.params", "holds more than the strategy, which is all that importers write")


def _source(case: Case) -> Findings:
    source = case.result.source
    if source.keys() != {"file", "sha256"}:
        yield case.error("source", f"names {', '.join(sorted(source)) or 'nothing'}; importers write file and sha256")
        return
    files = source["file"].split(_JOINED)
    if not all(_RELATIVE.fullmatch(name) for name in files):
        yield case.error("source.file", f"is {shown(source['file'])}, not the name of a file below a published folder")
    if not _SHA256.fullmatch(source["sha256"]):
        yield case.error("source.sha256", f"is {shown(source['sha256'])}, no sha256 in hexadecimal")
    elif len(files) != len(source["sha256"].split(_JOINED)):
        yield case.error("source.sha256", f"holds another number of hashes than there are files, {len(files)}")


def _written(result: Result) -> Iterator[tuple[str, object, object]]:
    """Yield the fields that importers always write alike: field, value, what they write."""
    judge = result.spec.judge
    for name in ("cost", "seconds", "started", "finished", "environment"):
        yield name, getattr(result, name), None
    for name, value in result.usage.model_dump().items():
        yield f"usage.{name}", value, None
    for name in ("revision", "context", "weights"):
        yield f"spec.judge.{name}", getattr(judge, name), None
    yield from (
        ("spec.repeats", result.spec.repeats, 1),
        ("spec.seed", result.spec.seed, 0),
        ("spec.judge.endpoint", judge.endpoint, "default"),
        ("spec.judge.prompts", judge.prompts, {}),
        ("spec.judge.sampling", judge.sampling, Sampling()),
        ("spec.judge.parser_version", judge.parser_version, 0),
        ("spec.judge.order_independent", judge.order_independent, False),
        ("spec.judge.conversion", judge.conversion, "none"),
    )


# -- reproduced ---------------------------------------------------------------------------------------------


def reproduced(case: Case) -> Findings:
    """Judge again where that asks no model, and compare every verdict. Who claims `reproduced` must be among these."""
    result = case.result
    if result.evidence == "imported":
        return
    try:
        rows = _judged_again(case)
    except JudgebenchError as error:
        yield case.error("spec.judge", f"cannot judge this task: {error}")
        return
    if rows is None:
        if result.evidence == "reproduced":
            yield case.error("evidence", "is reproduced, which is for judges that this check can run. Say submitted")
        return
    theirs = {trial_of(row): row for row in case.rows}
    wrong = [row for row in rows if (one := theirs.get(trial_of(row))) is not None and not _same(one, row)]
    if wrong:
        first = wrong[0]
        said, mine = _decision(theirs[trial_of(first)]), _decision(first)
        where = f"item {first.item}, order {','.join(map(str, first.order))}"
        problem = (
            f"{len(wrong)} verdicts are not those of {result.spec.judge.name}; {where}: is {said}, judged again {mine}"
        )
        yield case.error("", problem, VERDICTS)


def _judged_again(case: Case) -> list[VerdictRow] | None:
    """Return the verdicts of a judge that asks no model; None for another, and where the items' texts are not here."""
    spec = case.result.spec
    card, found = judge_card(spec.judge), task_card(spec.task.name)
    if card is None or spec.judge.kind not in RUNNABLE or len(case.rows) > MOST_TRIALS:
        return None
    judge = family_of(card)
    items = _blind(case) if card.family in BLIND else texts(case)
    if judge is None or items is None or spec.judge.conversion != "none":
        return None
    ties = found[0].ties if found else False
    return asyncio.run(_judge(case, judge, items, ties=ties))


async def _judge(case: Case, judge: Family, items: Sequence[Item], *, ties: bool) -> list[VerdictRow]:
    spec = case.result.spec
    rows = []
    plan = trials(items, orders=spec.orders, repeats=spec.repeats, order_independent=judge.order_independent)
    for item, trial in plan:
        said = await judge.judge(view(item, trial, ties=ties, seed=spec.seed), _nobody)
        fault = said if isinstance(said, Fault) else None
        rows.append(verdict_row(Judgment(trial=trial, verdict=None if isinstance(said, Fault) else said, fault=fault)))
    return rows


async def _nobody(_: object) -> Reply:
    raise AssertionError("a judge that asks no model asked one")


def _blind(case: Case) -> list[Item]:
    """Return stand-ins for the items: their ids and numbers of candidates, which is all that these judges go by."""
    seen = {row.item: len(row.order) for row in case.rows}
    nothing = (Turn(role="user", content=""),)
    return [
        Item(
            id=row.item, task="", category="", source_id="", turns=nothing, gold=Best(indices=(0,)),
            candidates=(Candidate(content=""),) * (size_of(row) or seen.get(row.item, 2)),
        )
        for row in case.gold
    ]  # fmt: skip


def _same(one: VerdictRow, two: VerdictRow) -> bool:
    if (one.preference, one.best, one.fault) != (two.preference, two.best, two.fault):
        return False
    if (one.scores is None) != (two.scores is None) or not equal(one.confidence, two.confidence):
        return False
    return all(equal(a, b) for a, b in zip(one.scores or (), two.scores or (), strict=True))


def _decision(row: VerdictRow) -> str:
    return str(row.fault or row.preference or row.best or row.scores)
