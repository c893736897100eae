"""Honest results, as `judgebench eval` leaves them, and how to tamper with them."""

import atexit
import hashlib
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest import mock

import orjson

from factories import make_item
from judgebench.assemble import count, result_bytes, sort_rows, verdict_bytes
from judgebench.backends.scripted import ScriptedBackend
from judgebench.evaluation import Evaluation, evaluate
from judgebench.hashing import sha256
from judgebench.installed import family_of
from judgebench.judges.card import load_card
from judgebench.metrics import measure
from judgebench.records import Item, Usage
from judgebench.results import Environment, Result, VerdictRow, VerdictsFile
from judgebench.spec import JudgeSpec, Spec, TaskSpec
from judgebench.task import facts, gold_table
from judgebench.version import VERSION

COMMIT = "0" * 40
"""In place of that of this checkout, whose code may be modified."""


def opinionated(seed: str = "") -> Callable[[Any], str]:
    """Return what a scripted model replies: one verdict or the other by the request's hash, now and then neither."""

    def reply(request: Any) -> str:
        number = hashlib.sha256(f"{seed}{request}".encode()).digest()[0]
        return "I cannot say." if number % 16 == 0 else f"Because.\nVerdict: {'A' if number % 3 else 'B'}"

    return reply


def run(judge: str, folder: Path, task: str = "starter", **options: Any) -> Evaluation:
    """Run a judge as a user would; one that asks a model is answered by a script."""
    backend = ScriptedBackend.from_function(options.pop("reply", opinionated())) if judge == "pairwise" else None
    with mock.patch("judgebench.environment._commit", return_value=COMMIT):
        return evaluate(judge, task, backend=backend, runs=str(folder), **options)


def publish(done: Evaluation, results: Path) -> Path:
    """Copy a run's files to where they are published, and return the result file's path."""
    spec = done.result.spec
    path = results / spec.judge.name / f"{spec.task.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(done.directory / "result.json", path)
    shutil.copy(done.directory / "verdicts.jsonl", path.with_suffix(".verdicts.jsonl"))
    return path


@cache
def _published(judge: str, task: str) -> Path:
    folder = Path(mkdtemp(prefix="judgebench-honest-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return publish(run(judge, folder / "runs", task), folder / "results").parents[1]


def honest(root: Path, judge: str = "pairwise", task: str = "starter") -> Path:
    """Lay an honest result below `root/results`, run once for all tests, and return its path."""
    shutil.copytree(_published(judge, task), root / "results", dirs_exist_ok=True)
    return root / "results" / judge / f"{task}.json"


# -- tampering ---------------------------------------------------------------------------------------------


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a result's JSON in place."""
    value = orjson.loads(path.read_bytes())
    change(value)
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def edit_spec(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a result's spec, and its hash with it."""

    def both(value: dict[str, Any]) -> None:
        change(value["spec"])
        value["spec_sha256"] = Spec.model_validate(value["spec"]).hash

    edit(path, both)


def rows_of(path: Path) -> list[VerdictRow]:
    """Return a result's verdicts."""
    lines = path.with_suffix(".verdicts.jsonl").read_bytes().splitlines()
    return [VerdictRow.model_validate_json(line) for line in lines]


def rewrite(path: Path, rows: list[VerdictRow]) -> None:
    """Write other verdicts, with their hash and number of rows in the result: a careful forger's first step."""
    rewrite_bytes(path, verdict_bytes(rows), len(rows))


def rewrite_bytes(path: Path, data: bytes, rows: int | None = None) -> None:
    """Write other bytes as the verdicts file, with their hash and number of lines in the result."""
    path.with_suffix(".verdicts.jsonl").write_bytes(data)
    number = data.count(b"\n") if rows is None else rows
    edit(path, lambda value: value["verdicts"].update(sha256=sha256(data), rows=number))


def recompute(path: Path, items: Any) -> None:
    """Make counts and metrics those of the verdicts that lie there: a careful forger's second step."""
    rows, gold = rows_of(path), facts(items)
    sets = Result.model_validate_json(path.read_bytes()).spec.task.metric_sets
    overall, by_category = measure(gold, rows, sets)

    def change(value: dict[str, Any]) -> None:
        value["counts"] = count(rows, len(gold)).model_dump()
        value["metrics"] = {name: metric.model_dump() for name, metric in overall.items()}
        value["by_category"] = {
            category: {name: metric.model_dump() for name, metric in found.items()}
            for category, found in by_category.items()
        }

    edit(path, change)


# -- results of any task -----------------------------------------------------------------------------------


def assembled(root: Path, items: Sequence[Item], rows: Sequence[VerdictRow], **changes: Any) -> Path:
    """Lay a result of a task of one's own below `root/results`, with its gold beside, and return its path.

    `judge` and `task` change fields of the spec's parts, `orders`, `repeats` the spec's own; others the result's.
    """
    table = gold_table(items)
    judge: dict[str, Any] = {
        "name": "mine", "family": "mine", "kind": "prompted", "model": "openai/m", "revision": None,
        "endpoint": "default", "prompts": {}, "sampling": {}, "params": {}, "parser_version": 1,
        "order_independent": False,
    }  # fmt: skip
    task: dict[str, Any] = {
        "name": "toy", "version": 1, "revision": None, "fingerprint": sha256(table), "items": len(items),
    }  # fmt: skip
    spec = Spec(
        judge=JudgeSpec(**(judge | changes.pop("judge", {}))), task=TaskSpec(**(task | changes.pop("task", {}))),
        orders=changes.pop("orders", "both"), repeats=changes.pop("repeats", 1), seed=0,
    )  # fmt: skip
    ordered = sort_rows(rows)
    metrics, by_category = measure(facts(items), ordered, spec.task.metric_sets)
    data = verdict_bytes(ordered)
    started = {"started": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T01:00:00+00:00", "seconds": 3600.0}
    about = Environment(judgebench=VERSION, python="3.12.1", platform="linux-x86_64")
    values: dict[str, Any] = {"evidence": "submitted", "environment": about, "usage": Usage(output=9000), **started}
    result = Result(
        spec=spec, spec_sha256=spec.hash, counts=count(ordered, len(items)), metrics=metrics, by_category=by_category,
        verdicts=VerdictsFile(sha256=sha256(data), rows=len(ordered)), **(values | changes),
    )  # fmt: skip
    path = root / "results" / spec.judge.name / f"{spec.task.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(result_bytes(result))
    path.with_suffix(".verdicts.jsonl").write_bytes(data)
    path.with_suffix(".gold.csv").write_bytes(table)
    return path


BOTH = ((0, 1), (1, 0))


def pairs(count: int = 40, orders: Any = BOTH, **fields: Any) -> tuple[list[Item], list[VerdictRow]]:
    """Return items and verdicts that are right in two of three pairs, and differ between orders now and then."""
    items = [make_item(number, "A>B" if number % 2 else "B>A") for number in range(count)]
    said = [
        VerdictRow(item=item.id, order=order, preference="A>B" if (number + place) % 3 else "B>A", **fields)
        for number, item in enumerate(items)
        for place, order in enumerate(orders)
    ]
    return items, said


def spec_of(card_name: str, **changes: Any) -> JudgeSpec:
    card = load_card(card_name)
    family = family_of(card)
    assert family is not None
    values = {field: getattr(card, field) for field in ("name", "family", "kind", "model", "revision", "sampling", "params", "context", "weights")}  # fmt: skip
    return JudgeSpec(
        **(
            values
            | {
                "endpoint": "default", "prompts": family.prompts(), "parser_version": family.parser_version,
                "order_independent": family.order_independent,
            }
            | changes
        )
    )  # fmt: skip
