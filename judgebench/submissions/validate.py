"""Validate: results are checked as the board will use them, by computing everything again. Offline, data only.

    layout      names and kinds of files                          nothing is opened
    reading     caps, one strict reading of JSON and lines
    rules_*     place, task, judge, verdicts, numbers, evidence   errors: the result is not accepted
    anomalies   what a person should look at                      flags
    history     merged results never change                       with a git reference only

docs/validation.md has every rule with what to type next.
"""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from judgebench.errors import UsageError
from judgebench.submissions import rules_evidence, rules_judge, rules_numbers, rules_result, rules_rows, rules_task
from judgebench.submissions.anomalies import Peers, anomalies
from judgebench.submissions.case import Case
from judgebench.submissions.findings import Finding, Report, plain
from judgebench.submissions.gold import Maker, with_gold
from judgebench.submissions.layout import GOLD, RESULT, VERDICTS, Layout, scan, stem_of
from judgebench.submissions.reading import Refused
from judgebench.submissions.reported import read_reported

STATED = (
    rules_result.place, rules_result.whole, rules_result.counts, rules_result.spent, rules_result.times,
    rules_result.words, rules_task.task, rules_judge.judge, rules_evidence.evidence,
)  # fmt: skip
"""Rules that the result file alone decides."""
COUNTED = (rules_task.covered, rules_rows.counted, rules_rows.order, rules_rows.planned, rules_judge.converted)
"""Rules that need gold and verdicts."""
MOST_FINDINGS = 25
"""Findings about one result that are listed; a thousand would hide the first."""
MOST_ADDED = 100
"""Results that one branch may add: each takes up to a minute or two of recomputing."""
PLANNING = (
    "spec.limit", "spec.categories", "spec.repeats", "spec.orders", "spec.judge", "spec.judge.conversion",
    "spec.judge.order_independent",
)  # fmt: skip
"""Fields of the spec that say which trials there are."""


def validate(results: Path, paths: Sequence[Path] = (), *, fresh: bool = False) -> Report:
    """Check the results below a folder: all of them, or those that `paths` (files or folders in it) name.

    `fresh` ones are still to be merged: what is only flagged of older results is refused of them.

    Nothing is imported or executed from there. Raises UsageError for a path that is not inside, does not exist, begins
    with a dash, or where there is no result to check.
    """
    for path in (results, *paths):
        _no_option(str(path))
    if not results.is_dir():
        raise UsageError(f"no such results folder: {plain(str(results))}. Name it with --results DIR")
    layout = scan(results)
    names = {name for path in paths for name in _inside(results, path)} if paths else None
    report = check(layout, names, fresh=fresh)
    if not report.checked and not report.findings:
        raise UsageError(f"no results in {plain(str(results))}: expected <judge>/<task>.json below it")
    return report


def _no_option(text: str) -> None:
    if text.startswith("-"):
        raise UsageError(f"{plain(text)} begins with a dash. For a path, type: ./{plain(text)}")


def _inside(results: Path, path: Path) -> Iterator[str]:
    """Yield the name below the results folder that a path stands for: a file's, a folder's, or all."""
    # Without following links: what a link leads to is not what lies here.
    root, place = os.path.abspath(results), os.path.abspath(path)  # noqa: PTH100
    if not os.path.lexists(place):
        raise UsageError(f"no such file or folder: {plain(str(path))}")
    if place == root:
        yield ""
    elif place.startswith(root + os.sep):
        yield Path(place).relative_to(root).as_posix()
    else:
        raise UsageError(f"{plain(str(path))} is not in {plain(str(results))}. Name its folder with --results DIR")


def check(layout: Layout, names: Collection[str] | None = None, *, fresh: bool = False) -> Report:
    """Check a layout's results, all or those of the named files and folders. `fresh` ones are to be merged."""
    chosen = _chosen(layout, names)
    findings = [
        finding
        for finding in layout.findings
        # What a branch puts beside its results is its own doing: what is merged was checked.
        if names is None or (fresh and finding.severity == "error") or _about(layout, finding, names)
    ]
    peers, maker = Peers(layout.root, layout.results), Maker()
    results = [name for name in layout.results if name in chosen]
    for name in results:
        findings += _guarded(name, layout, peers, maker, fresh=fresh)
    tables = [name for name in layout.reported if name in chosen]
    for name in tables:
        findings += read_reported(layout.root / name, layout.shown(name))
    shown = tuple(layout.shown(name) for name in (*results, *tables))
    return Report(shown, tuple(sorted(findings, key=lambda finding: (finding.file, finding.severity))))


def _chosen(layout: Layout, names: Collection[str] | None) -> set[str]:
    """Return the results and tables that names stand for: a file of theirs, a folder above them, or "" for all."""
    everything = [*layout.results, *layout.reported]
    if names is None or "" in names:
        return set(everything)
    wanted = {*names, *map(stem_of, names)}
    return {name for name in everything if {stem_of(name), name.partition("/")[0]} & wanted}


def _about(layout: Layout, finding: Finding, names: Collection[str]) -> bool:
    """Tell whether a finding of the layout is about one of the names, a file beside it, or a folder above or below."""
    there = finding.file.removeprefix(layout.prefix).lstrip("/")
    for name in names:
        stems = {stem_of(name), stem_of(there)}
        if not name or not there or len(stems) == 1 or there.startswith(f"{name}/") or name.startswith(f"{there}/"):
            return True
    return False


def _guarded(name: str, layout: Layout, peers: Peers, maker: Maker, *, fresh: bool) -> list[Finding]:
    """Check one result. Whatever a check itself stumbles over refuses the result: it must not pass unchecked."""
    try:
        found = list(_checked(name, layout, peers, maker, fresh=fresh))
        found.sort(key=lambda finding: finding.severity)
        more = len(found) - MOST_FINDINGS
        rest = [Finding(found[MOST_FINDINGS].severity, layout.shown(name), "", f"and {more} more")] if more > 0 else []
        return found[:MOST_FINDINGS] + rest
    except Exception as error:  # noqa: BLE001 - a stranger's file must not stop the check of the others
        problem = f"could not be checked ({type(error).__name__}): {error}. This is our fault; please report it"
        return [Finding("error", layout.shown(name), "", problem)]


def _checked(name: str, layout: Layout, peers: Peers, maker: Maker, *, fresh: bool) -> Iterator[Finding]:
    path, shown = layout.root / name, layout.shown(name)
    try:
        result = rules_result.read_result(path)
    except Refused as error:
        yield Finding("error", shown, error.field, error.problem)
        return
    case = Case(layout.prefix, name, path, result, fresh=fresh)
    stated = [finding for rule in STATED for finding in rule(case)]
    yield from stated
    try:
        case = with_gold(case, maker, beside=f"{case.stem}{GOLD}" in layout.files)
    except Refused as error:
        suffix = RESULT if error.field.startswith("spec.") else GOLD
        yield case.error(error.field, error.problem, suffix)
        return
    try:
        path, most = case.beside(VERDICTS), rules_rows.most_rows(case)
        rows = rules_rows.read_rows(path, result.verdicts.sha256, result.verdicts.rows, most)
    except Refused as error:
        yield case.error(error.field, error.problem, VERDICTS)
        return
    yield from _against_verdicts(replace(case, rows=rows), peers, stated)


def _against_verdicts(case: Case, peers: Peers, stated: list[Finding]) -> Iterator[Finding]:
    """Check what follows from the verdicts; numbers only where the spec is sound and the trials are those it asks for.

    A spec that asks for a billion trials must not be planned, let alone judged again.
    """
    counted = [finding for rule in COUNTED for finding in rule(case)]
    yield from counted
    for finding in (*stated, *counted):
        of_plan = finding.field.startswith("spec.task.") or finding.field in PLANNING or finding.file.endswith(VERDICTS)
        if finding.severity == "error" and of_plan:
            return
    wrong = list(rules_numbers.metrics(case))
    yield from wrong
    yield from rules_evidence.reproduced(case)
    if not wrong:
        yield from anomalies(case, peers)


def validate_changes(repository: Path, reference: str, *, results: str = "results") -> Report:
    """Check what a branch adds to the results, and that it changes none that are merged at `reference`.

    Raises UsageError for a folder that is no git repository, a reference it does not know, or a history that was
    fetched in part only.
    """
    from judgebench.submissions.history import changes

    layout, added, findings = changes(repository, reference, results)
    new = sorted(name for name in added if name in layout.results)
    if len(new) > MOST_ADDED:
        problem = f"{len(new)} results are added; {MOST_ADDED} is the most at a time. Bring the others later"
        findings.append(Finding("error", layout.shown(""), "", problem))
        late = {stem_of(name) for name in new[MOST_ADDED:]}
        added = {name for name in added if stem_of(name) not in late}
    report = check(layout, added, fresh=True)
    found = sorted(chain(findings, report.findings), key=lambda finding: (finding.file, finding.severity))
    return Report(report.checked, tuple(found))
