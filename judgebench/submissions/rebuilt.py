"""A finished run, rebuilt from its journal: what it may submit, or the one line that says why not.

The journal's judgments are the measurement; `result.json` and `verdicts.jsonl` only say what follows from them. So
they are made again and compared: what was changed by hand on either side shows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from judgebench import task as tasks
from judgebench.assemble import count, result_bytes, sort_rows, verdict_bytes, verdict_row
from judgebench.environment import DIRTY
from judgebench.errors import Incomplete, JudgebenchError, RunError, ValidationError
from judgebench.hashing import sha256
from judgebench.metrics import measure
from judgebench.records import Judgment, Usage
from judgebench.results import SCHEMA_VERSION, Result, VerdictRow, VerdictsFile
from judgebench.run import store
from judgebench.sources import load_task
from judgebench.spec import EvalConfig, Spec, TaskSpec
from judgebench.submissions.again import command
from judgebench.submissions.findings import plain
from judgebench.submissions.leaks import leaks
from judgebench.submissions.reread import reread
from judgebench.submissions.rules_numbers import equal
from judgebench.task import GoldRow
from judgebench.version import VERSION

SHOWN = 3
"""Differences that a refusal names."""


@dataclass(frozen=True)
class Submission:
    """What a run submits. `files` are the bytes to write by their names below the results folder, the result last.

    `note` says why the replies could not be read again, where they could not.
    """

    run: Path
    result: Result
    gold: list[GoldRow]
    rows: list[VerdictRow]
    files: dict[str, bytes]
    note: str | None = None

    @property
    def name(self) -> str:
        """Return `<judge>/<task>`."""
        return f"{self.result.spec.judge.name}/{self.result.spec.task.name}"


def rebuild(run: Path) -> Submission:
    """Return what a run submits.

    Raises ValidationError for a run that may not be submitted, Incomplete for one that is not finished, RunError for a
    folder that is no run or is damaged. Each says what to type next.
    """
    manifest = store.read_manifest(run)
    spec = _spec(run, manifest)
    again = command(manifest.get("config")) or "the same call"
    _may_be_submitted(run, spec, manifest)
    if not (run / "result.json").exists():
        done = sum(1 for _ in store.judgments(run)) if (run / "journal.jsonl").exists() else 0
        raise Incomplete(f"{run} is not finished: {done} judgments so far. To continue, type: {again}")
    published = _published(run)
    _made_by_known_code(run, published)
    gold, table = _gold(run, spec.task, manifest)
    judgments = list(_judgments(run))
    rows = sort_rows(verdict_row(judgment) for judgment in judgments)
    result = _result(published, spec, gold, rows, judgments)
    _unchanged(run, published, result, rows, again)
    if found := list(leaks(result)):
        raise ValidationError(f"{run}: {plain(found[0])}, which would be published. {_LEAK}")
    return Submission(run, result, gold, rows, _files(result, rows, table), reread(run))


_LEAK = "Name the model by its public repository and leave private addresses out of the options, then run eval again"


# -- may it be submitted at all ---------------------------------------------------------------------------


def _spec(run: Path, manifest: Mapping[str, Any]) -> Spec:
    try:
        spec = Spec.model_validate(manifest["spec"])
    except pydantic.ValidationError as error:
        raise RunError(f"{run / 'manifest.json'} is damaged: {_first(error)}") from error
    if spec.hash != manifest.get("spec_sha256"):
        raise ValidationError(
            f"{run / 'manifest.json'} was changed: spec_sha256 is not the hash of spec, {spec.hash[:16]}…. "
            "Restore the file, or run eval again"
        )
    return spec


def _first(error: pydantic.ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return plain(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")


def _may_be_submitted(run: Path, spec: Spec, manifest: Mapping[str, Any]) -> None:
    if spec.judge.is_demonstration:
        raise ValidationError(
            f"{run} is a demonstration: nothing was judged. Type: judgebench eval --judge NAME --model provider/name"
        )
    parts = {"limit": None, "categories": ()}
    if cut := [name for name, whole in parts.items() if getattr(spec, name) != whole]:
        config = manifest.get("config")
        whole = command(config | parts) if isinstance(config, dict) else None
        said = ", ".join(f"--{'category' if name == 'categories' else name}" for name in cut)
        raise ValidationError(
            f"{run} judged a part of {plain(spec.task.name)} only ({said}); the board takes whole tasks. "
            f"Type: {whole or 'judgebench eval without it'}"
        )
    _installed(run, spec)


def _installed(run: Path, spec: Spec) -> None:
    """Refuse a judge or a task whose card nobody else has: its numbers could be neither read nor made again."""
    from judgebench.installed import judge_card, task_card
    from judgebench.leaderboard.names import safe_name

    judge, task = spec.judge, spec.task
    for what, name in (("judge", judge.name), ("task", task.name)):
        if safe_name(name) != name:
            raise ValidationError(f"{run}: the {what}'s name {plain(name)!r} is not safe as a path; rename its card")
    if judge.kind == "callable":
        raise ValidationError(
            f"{run}: judge {judge.name} is a function, which nobody else can run. Make it a judge with a card "
            "(docs/judges.md) and run eval again"
        )
    card = judge_card(judge)
    if card is None:
        raise ValidationError(
            f"{run}: no card of judge {judge.name} is installed. Contribute it first: a pull request that adds "
            f"judgebench/judges/cards/{judge.name.partition('--')[0]}.yaml; once that is merged, submit this run again"
        )
    if (card.family, card.kind) != (judge.family, judge.kind):
        raise ValidationError(
            f"{run}: the installed card {card.name} is another judge ({card.family}, not {judge.family}). "
            "Give yours a name of its own and run eval again"
        )
    if task_card(task.name) is None:
        raise ValidationError(
            f"{run}: no card of task {task.name} is installed. Contribute it first (docs/tasks.md); once that is "
            "merged, submit this run again"
        )


def _made_by_known_code(run: Path, published: Result) -> None:
    about = published.environment
    if about is None:
        raise ValidationError(f"{run / 'result.json'} does not say what it ran on (environment). Run eval again")
    if (about.commit or "").endswith(DIRTY):
        raise ValidationError(
            f"{run} was made by modified code: commit {about.commit} has changes that are not committed. Commit or "
            "stash them and run eval again; replies are kept in the cache"
        )


# -- what the journal says ------------------------------------------------------------------------------------


def _published(run: Path) -> Result:
    path = run / "result.json"
    try:
        return Result.model_validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        raise ValidationError(f"{path} does not fit: {_first(error)}. {_ANEW}") from error


_ANEW = "Remove it and run the same eval again: it is written anew from the journal and nobody is asked"


def _judgments(run: Path) -> Iterator[Judgment]:
    seen = set()
    for line in store.journal_lines(run / "journal.jsonl"):
        if line["kind"] != "judgment":
            continue
        try:
            judgment = Judgment.model_validate(line["judgment"])
        except (pydantic.ValidationError, KeyError) as error:
            raise ValidationError(
                f"{run / 'journal.jsonl'}: the judgment of trial {_brief(line)} is damaged. Restore the file, or run "
                "eval again in another --runs folder"
            ) from error
        if judgment.trial.key != line["trial"]:
            raise ValidationError(
                f"{run / 'journal.jsonl'} was changed: the judgment of trial {_brief(line)} is of another trial, "
                f"{judgment.trial.key}. Run eval again in another --runs folder"
            )
        if line["trial"] not in seen:
            seen.add(line["trial"])
            yield judgment


def _brief(line: Mapping[str, Any]) -> str:
    return plain(str(line["trial"]), 40)


def _result(
    published: Result, spec: Spec, gold: list[GoldRow], rows: list[VerdictRow], judgments: list[Judgment]
) -> Result:
    """Return the result that the journal gives. Times and environment are the published ones: no journal has them."""
    metrics, by_category = measure(gold, rows, spec.task.metric_sets)
    costs = [judgment.cost for judgment in judgments]
    known = [cost for cost in costs if cost is not None]
    return published.model_copy(
        update={
            "schema_version": SCHEMA_VERSION,
            "evidence": "submitted",
            "spec": spec,
            "spec_sha256": spec.hash,
            "counts": count(rows, len(gold)),
            "metrics": metrics,
            "by_category": by_category,
            "usage": sum((judgment.usage for judgment in judgments), Usage()),
            "cost": sum(known) if costs and len(known) == len(costs) else None,
            "source": {},
            "verdicts": VerdictsFile(sha256=sha256(verdict_bytes(rows)), rows=len(rows)),
            "demonstration": False,
        }
    )


def _unchanged(run: Path, published: Result, rebuilt: Result, rows: list[VerdictRow], again: str) -> None:
    """Refuse a run whose files do not say what its journal says."""
    differences = list(_differences(published.model_dump(mode="json"), rebuilt.model_dump(mode="json")))
    if differences:
        more = f" and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        by = published.environment.judgebench if published.environment else VERSION
        older = f" (written by judgebench {plain(by)}, this is {VERSION})" if by != VERSION else ""
        raise ValidationError(
            f"{run / 'result.json'} is not what the journal gives: {'; '.join(differences[:SHOWN])}{more}{older}. If "
            f"the journal is as eval left it, remove result.json and type: {again}. It is written anew, nobody is asked"
        )
    path = run / "verdicts.jsonl"
    if not path.is_file() or path.read_bytes() != verdict_bytes(rows):
        raise ValidationError(
            f"{path} is not what the journal gives. Remove it and result.json, and type: {again}. Both are written "
            "anew and nobody is asked"
        )


def _differences(theirs: Any, mine: Any, path: str = "") -> Iterator[str]:
    """Yield `field is x, the journal gives y` for every field in which two JSON values differ."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        for name in dict.fromkeys([*theirs, *mine]):
            yield from _differences(theirs.get(name), mine.get(name), f"{path}.{name}" if path else name)
    elif not _equal(theirs, mine):
        yield f"{plain(path)} is {_value(theirs)}, the journal gives {_value(mine)}"


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, float) or isinstance(two, float):
        return isinstance(one, float | int) and isinstance(two, float | int) and equal(one, two)
    return bool(one == two)


def _value(value: Any) -> str:
    return "absent" if value is None else plain(str(value), 60)


# -- gold and files -------------------------------------------------------------------------------------------


def _gold(run: Path, task: TaskSpec, manifest: Mapping[str, Any]) -> tuple[list[GoldRow], bytes | None]:
    """Return the gold rows of a run's task, and the table to publish where judgebench brings none."""
    if (packaged := tasks.packaged_gold(task.name, task.fingerprint)) is not None:
        return tasks.read_gold_table(packaged, f"tasks/gold/{task.name}.csv"), None
    beside = run / "gold.csv"
    data = beside.read_bytes() if beside.is_file() else _gold_of_dataset(run, task, manifest)
    if sha256(data) != task.fingerprint:
        raise ValidationError(
            f"{beside} is not the gold table of this run, whose hash is {task.fingerprint[:16]}…. Remove it and submit "
            "again: it is made anew from the dataset"
        )
    return tasks.read_gold_table(data, str(beside)), data


def _gold_of_dataset(run: Path, task: TaskSpec, manifest: Mapping[str, Any]) -> bytes:
    """Make the gold table again from the dataset that the run was called with."""
    try:
        config = EvalConfig.model_validate(manifest.get("config"))
        return tasks.gold_table(load_task(config.task, config.split, config.data, config.drawn).items)
    except (JudgebenchError, pydantic.ValidationError, OSError) as error:
        why = str(error).partition("\n")[0] if isinstance(error, JudgebenchError) else type(error).__name__
        raise ValidationError(
            f"{run}: the gold table of {task.name} is needed and its dataset cannot be read ({plain(why)}). "
            "Set JUDGEBENCH_DATA to the folder with the dataset and submit again"
        ) from error


def _files(result: Result, rows: list[VerdictRow], table: bytes | None) -> dict[str, bytes]:
    stem = f"{result.spec.judge.name}/{result.spec.task.name}"
    gold = {f"{stem}.gold.csv": table} if table is not None else {}
    return gold | {f"{stem}.verdicts.jsonl": verdict_bytes(rows), f"{stem}.json": result_bytes(result)}
