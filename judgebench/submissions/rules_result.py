"""Rules for the result file: its schema, its place, what it says of itself, and what must not stand in it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from judgebench.environment import DIRTY
from judgebench.records import FAULT_KINDS
from judgebench.results import SCHEMA_VERSION, Environment, Result
from judgebench.spec import SPEC_VERSION
from judgebench.submissions import reading
from judgebench.submissions.case import Case, Findings, shown
from judgebench.submissions.leaks import leaks
from judgebench.submissions.reading import Refused

SHOWN = 5
"""Findings of one rule that are listed one by one."""
LOOSE = (("spec", "judge", "sampling"), ("spec", "judge", "params"), ("spec", "judge", "weights"))
"""Where a string may hold line breaks: stop sequences and patterns do."""
MOST_TOKENS = 10**13
MOST_COST = 10**7
MOST_SECONDS = 10 * 365 * 86400
MOST_FACTS = 100
"""Entries of the environment's tables."""
_VERSION = re.compile(r"\d[\w.+!-]{0,60}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def read_result(path: Path) -> Result:
    """Return a result. Raises Refused with the first field that does not fit."""
    data = reading.content(path, reading.RESULT_BYTES)
    value = reading.strict_json(data, LOOSE)
    if not isinstance(value, dict):
        raise Refused(f"is no JSON object but {shown(value)}")
    if value.get("schema_version") != SCHEMA_VERSION:
        found = shown(value.get("schema_version"))
        raise Refused(f"is {found}; this judgebench reads {SCHEMA_VERSION}", "schema_version")
    try:
        return Result.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise Refused(*_first(error)) from None


def _first(error: ValidationError) -> tuple[str, str]:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"is no field of a result. Remove it{more}", field
    return f"{first['msg'][:1].lower()}{first['msg'][1:]}{more}", field


# -- where it lies, what it is ------------------------------------------------------------------------------


def place(case: Case) -> Findings:
    """Check that the path is `<judge>/<task>.json`, and that spec has a known version and the stated hash."""
    spec = case.result.spec
    judge, _, task = case.stem.partition("/")
    for field, name, there in (("judge", spec.judge.name, judge), ("task", spec.task.name, task)):
        if name != there:
            yield case.error(f"spec.{field}.name", f"is {shown(name)}, but the path says {there!r}")
    if spec.version != SPEC_VERSION:
        yield case.error("spec.version", f"is {spec.version}; this judgebench reads {SPEC_VERSION}")
    if case.result.spec_sha256 != spec.hash:
        yield case.error("spec_sha256", f"is not the hash of spec, which is {spec.hash[:16]}…")


def whole(case: Case) -> Findings:
    """Refuse parts of tasks, and demonstrations."""
    spec = case.result.spec
    if case.result.demonstration:
        yield case.error("demonstration", "is true: nothing was judged. Submit a run of a real judge")
    elif spec.judge.is_demonstration:
        yield case.error("demonstration", f"is false, but {shown(spec.judge.model or spec.judge.name)} is a script")
    if spec.limit is not None:
        yield case.error("spec.limit", f"is {spec.limit}: a part of the task. Run eval without --limit")
    if spec.categories:
        yield case.error("spec.categories", "names a part of the task. Run eval without --category")


def counts(case: Case) -> Findings:
    """Check that counts are not negative and add up."""
    found = case.result.counts
    for name, value in found.model_dump().items():
        if value < 0:
            yield case.error(f"counts.{name}", f"is {value}, which is no count")
    total = found.verdicts + sum(getattr(found, kind) for kind in FAULT_KINDS)
    if total != found.trials:
        yield case.error("counts", f"verdicts and faults are {total}, trials are {found.trials}")


# -- what it took ------------------------------------------------------------------------------------------


def spent(case: Case) -> Findings:
    """Check that tokens, cost and seconds are possible numbers; flag parts that are more than the whole."""
    result = case.result
    tokens = {f"usage.{name}": value for name, value in result.usage.model_dump().items()}
    for field, value, most in (
        *((field, value, MOST_TOKENS) for field, value in tokens.items()),
        ("cost", result.cost, MOST_COST),
        ("seconds", result.seconds, MOST_SECONDS),
    ):
        if value is not None and not 0 <= value <= most:
            yield case.error(field, f"is {shown(value)}; possible is 0 to {most:,}")
    usage = result.usage
    for part, of in (("cached", "input"), ("reasoning", "output")):
        some, all_ = getattr(usage, part), getattr(usage, of)
        if some is not None and all_ is not None and some > all_:
            # A flag: some servers count reasoning apart from the output.
            yield case.flag(f"usage.{part}", f"is {some}, more than usage.{of}, {all_}, of which it is a part")


def times(case: Case) -> Findings:
    """Check that start and end are moments with a time zone, in their order, and flag those to come."""
    result = case.result
    moments: dict[str, datetime] = {}
    for field in ("started", "finished"):
        text = getattr(result, field)
        if text is None:
            continue
        moment = _moment(text)
        if moment is not None:
            moments[field] = moment
        else:
            yield case.error(field, f"is {shown(text)}, no time like 2026-01-31T12:00:00+00:00")
    for field, moment in moments.items():
        if moment > datetime.now(UTC) + timedelta(days=1):
            yield case.flag(field, f"is {shown(getattr(result, field))}, which is yet to come")
    if len(moments) == 2 and (result.seconds or 0) <= MOST_SECONDS:  # noqa: PLR2004 - both ends
        took = (moments["finished"] - moments["started"]).total_seconds()
        if took < int(result.seconds or 0) - 1:  # written in whole seconds
            yield case.error("finished", f"is {took:.0f} seconds after the start, but the run took {result.seconds}")


def _moment(text: str) -> datetime | None:
    """Return a time in UTC; None for what is none, or has no time zone."""
    try:
        found = datetime.fromisoformat(text)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# -- words -------------------------------------------------------------------------------------------------


def words(case: Case) -> Findings:
    """Refuse paths, private addresses and keys anywhere, and an environment of more than versions and a few facts."""
    crowded = list(_crowded(case))
    yield from crowded
    for leak in leaks(case.result) if not crowded else ():
        field, _, problem = leak.partition(" ")
        yield case.error(field, f"{problem}. Take it out and run eval again")
    environment = case.result.environment
    if environment is not None:
        yield from _environment(case, environment)


def _environment(case: Case, about: Environment) -> Findings:
    for name in ("judgebench", "python"):
        value = getattr(about, name)
        if not _VERSION.fullmatch(value):
            yield case.error(f"environment.{name}", f"is {shown(value)}, no version")
    for package, version in about.packages.items():
        if not re.fullmatch(r"[A-Za-z0-9._-]+", package) or not _VERSION.fullmatch(version):
            yield case.error("environment.packages", f"{shown(package)}: {shown(version)} is no package's version")
    commit = (about.commit or "").removesuffix(DIRTY)
    if about.commit is not None and not _COMMIT.fullmatch(commit):
        yield case.error("environment.commit", f"is {shown(about.commit)}, no commit's hash")
    elif (about.commit or "").endswith(DIRTY):
        yield case.error("environment.commit", "ends in -dirty: the code was modified. Commit or stash, then run again")


def _crowded(case: Case) -> Findings:
    """Find tables of free words that hold more than facts: each word costs a look."""
    result, judge, about = case.result, case.result.spec.judge, case.result.environment
    tables = {
        "spec.judge.params": judge.params, "spec.judge.prompts": judge.prompts, "source": result.source,
        "spec.judge.sampling.extra": judge.sampling.extra, "spec.judge.sampling.stop": list(judge.sampling.stop),
        "spec.judge.weights.params": judge.weights.params if judge.weights else {},
        "environment.packages": about.packages if about else {}, "environment.backend": about.backend if about else {},
    }  # fmt: skip
    for field, table in tables.items():
        if (size := _size(table)) > MOST_FACTS:
            yield case.error(field, f"holds {size:,} entries; {MOST_FACTS} is the most")


def _size(value: Any) -> int:
    if isinstance(value, dict | list):
        return len(value) + sum(_size(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return 0
