"""From a finished journal to a result: verdict rows, counts, metrics, usage. Atomic, and only when complete."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from judgebench import task as tasks
from judgebench.hashing import sha256
from judgebench.metrics import measure
from judgebench.records import FAULT_KINDS, Item, Judgment, Usage
from judgebench.results import Counts, Environment, Result, VerdictRow, VerdictsFile
from judgebench.run import store
from judgebench.spec import Spec
from judgebench.task import GoldRow, Task


def finish(
    directory: Path, spec: Spec, items: Sequence[Item], *, environment: Environment,
    demonstration: bool, started: str, seconds: float, resumed: bool,
) -> Result:  # fmt: skip
    """Write `verdicts.jsonl` and `result.json` of a complete run, and return the result.

    When every trial was there already, the result that stands is kept, times and all.
    """
    path = directory / "result.json"
    if resumed and path.exists():
        return Result.model_validate_json(path.read_bytes())
    rows: list[VerdictRow] = []
    usage, spent, costs = Usage(), 0.0, []
    for judgment in store.judgments(directory):
        rows.append(verdict_row(judgment))
        usage += judgment.usage
        spent += judgment.seconds
        costs.append(judgment.cost)
    rows = sort_rows(rows)
    data = verdict_bytes(rows)
    metrics, by_category = measure(tasks.facts(items), rows, spec.task.metric_sets)
    result = Result(
        evidence="submitted",
        spec=spec,
        spec_sha256=spec.hash,
        counts=count(rows, len(items)),
        metrics=metrics,
        by_category=by_category,
        usage=usage,
        cost=None if not costs or any(cost is None for cost in costs) else sum(c for c in costs if c is not None),
        seconds=round(seconds, 3),
        started=started,
        finished=_end(started, seconds),
        environment=environment,
        verdicts=VerdictsFile(sha256=sha256(data), rows=len(rows)),
        demonstration=demonstration,
    )
    store.write_atomic(directory / "verdicts.jsonl", data)
    store.write_atomic(path, result_bytes(result))
    return result


def _end(started: str, seconds: float) -> str:
    """Return the time now, or `seconds` after the start when the clock has been set back since."""
    least = datetime.fromisoformat(started) + timedelta(seconds=seconds)
    return max(datetime.now(UTC), least).isoformat(timespec="seconds")


def verdict_row(judgment: Judgment) -> VerdictRow:
    """Return what is published of a judgment: no texts."""
    trial, verdict = judgment.trial, judgment.verdict
    row: dict[str, Any] = {"item": trial.item, "order": trial.order, "repeat": trial.repeat}
    if verdict is None:
        assert judgment.fault is not None
        return VerdictRow(**row, fault=judgment.fault.kind)
    return VerdictRow(
        **row,
        preference=verdict.preference,
        scores=verdict.scores,
        best=verdict.best,
        confidence=verdict.confidence,
    )


def sort_rows(rows: Iterable[VerdictRow]) -> list[VerdictRow]:
    """Return rows in their published order: by item, repeat, order. It does not depend on who finished first."""
    return sorted(rows, key=lambda row: (row.item, row.repeat, row.order))


def verdict_bytes(rows: Iterable[VerdictRow]) -> bytes:
    """Return the verdicts file: one JSON object per line, absent fields left out."""
    return b"".join(
        orjson.dumps(
            row.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for row in rows
    )


def result_bytes(result: Result) -> bytes:
    """Return the result file: indented JSON, keys in the record's order."""
    return orjson.dumps(result.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def count(rows: Sequence[VerdictRow], items: int) -> Counts:
    """Return the counts of a set of rows; they add up by construction."""
    faults = Counter(row.fault for row in rows if row.fault is not None)
    return Counts(
        items=items,
        trials=len(rows),
        verdicts=len(rows) - faults.total(),
        **{kind: faults[kind] for kind in FAULT_KINDS},
    )


def judgments_frame(task: Task, directory: Path) -> Any:
    """Return a run's judgments as a pandas DataFrame, one row each, in published order."""
    import pandas as pd

    gold: dict[str, GoldRow] = {row.item: row for row in tasks.facts(task.items)}
    done = sorted(store.judgments(directory), key=lambda j: (j.trial.item, j.trial.repeat, j.trial.order))
    return pd.DataFrame([_frame_row(judgment, gold[judgment.trial.item]) for judgment in done])


def _frame_row(judgment: Judgment, gold: GoldRow) -> dict[str, Any]:
    verdict, fault = judgment.verdict, judgment.fault
    return {
        "item": judgment.trial.item,
        "category": gold.category,
        "source": gold.source,
        "order": judgment.trial.order,
        "repeat": judgment.trial.repeat,
        "gold": gold.gold.label if gold.gold.kind == "preference" else gold.gold.model_dump(),
        "preference": verdict.preference if verdict else None,
        "scores": verdict.scores if verdict else None,
        "confidence": verdict.confidence if verdict else None,
        "fault": fault.kind if fault else None,
        "reply": fault.reply if fault else None,
        "rationale": verdict.rationale if verdict else None,
        "input_tokens": judgment.usage.input,
        "output_tokens": judgment.usage.output,
        "seconds": judgment.seconds,
    }
