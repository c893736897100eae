"""History: merged results never change. What a branch adds is told from what was there at the merge base.

git is asked for trees and one kind of blob (merged tables of reported numbers), with plumbing commands that run no
hook, filter, pager, textconv or external diff, and talk to nobody. What stands in the working tree is read as data and
hashed here, so it counts whether it is committed or not.
"""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.submissions import reading
from judgebench.submissions.findings import Finding, plain
from judgebench.submissions.layout import REPORTED, RESULT, Layout, scan, stem_of
from judgebench.submissions.reading import Refused

SHOWN = 5
TIMEOUT = 60
"""Seconds for one question to git."""
LARGEST = max(reading.RESULT_BYTES, reading.VERDICT_BYTES, reading.GOLD_BYTES)
_SWITCHES = (
    "--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs",
    "-c", "core.quotePath=off", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
    "-c", "diff.external=", "-c", "submodule.recurse=false",
)  # fmt: skip

_LEAVE_OUT = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_PAGER", "GIT_TRACE",
)  # fmt: skip
"""What a hook or a user may have set, and which would lead elsewhere."""


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its mode (`100644`) and the hash of its bytes as git names them."""

    mode: str
    blob: str


def changes(repository: Path, reference: str, results: str) -> tuple[Layout, set[str], list[Finding]]:
    """Return the layout of the results, the names of the files that are new in it, and what is wrong with the others.

    Raises UsageError for what is no repository, an unknown reference, and a history without the merge base.
    """
    if reference.startswith("-") or not reference.strip() or not reference.isprintable():
        raise UsageError(f"{plain(reference)!r} is no reference. Name a branch, a tag or a commit: origin/main")
    folder = _folder(repository, results)
    base = _merge_base(repository, reference)
    merged = _tree(repository, base, folder)
    layout = scan(repository / results, results)
    now, findings = _present(layout, merged)
    added = now.keys() - merged.keys()
    findings += _changed(repository, base, layout, merged, now)
    findings += _gone(layout, merged, now)
    findings += _joined(layout, merged, added)
    findings += _elsewhere(repository, base, folder)
    return layout, added, findings


# -- asking git -------------------------------------------------------------------------------------------


def _git(repository: Path, *words: str) -> bytes:
    """Return what git says. Raises UsageError with its own first line when it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in _LEAVE_OUT} | {
        "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C",
    }  # fmt: skip
    command = ["git", "-C", str(repository.absolute()), *_SWITCHES, *words]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; options are ours, names stand behind `--end-of-options`
            command, capture_output=True, check=False, timeout=TIMEOUT, stdin=subprocess.DEVNULL, env=environment
        )
    except FileNotFoundError as error:
        raise MissingPrerequisite("git is not installed. Without it, type: judgebench validate") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git did not answer within {TIMEOUT} seconds: git {words[0]}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise UsageError(f"git {words[0]}: {plain(said) or 'failed'}")
    return done.stdout


def _folder(repository: Path, results: str) -> str:
    """Return the results folder's path from the root of the repository, of which `repository` may be a part."""
    if not repository.is_dir():
        raise UsageError(f"no such folder: {plain(str(repository))}")
    if results.startswith("-") or not results.isprintable() or {"", ".", ".."} & {*results.split("/")}:
        raise UsageError(f"{plain(results)!r} is no folder below {plain(str(repository))}")
    return os.fsdecode(_git(repository, "rev-parse", "--show-prefix")).removesuffix("\n") + results


def _merge_base(repository: Path, reference: str) -> str:
    try:
        _git(repository, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{reference}^{{commit}}")
    except UsageError as error:
        advice = f"Type: git fetch origin, then --changed-against origin/main{_shallow(repository)}"
        raise UsageError(f"{plain(reference)} is no commit of {plain(str(repository))}. {advice}") from error
    try:
        found = _git(repository, "merge-base", "--end-of-options", reference, "HEAD").decode().split()
    except UsageError as error:
        advice = _shallow(repository) or ". Type: git rebase, onto the branch that is to take the results"
        raise UsageError(f"HEAD and {plain(reference)} share no commit that is here{advice}") from error
    return found[0]


def _shallow(repository: Path) -> str:
    shallow = _git(repository, "rev-parse", "--is-shallow-repository").strip() == b"true"
    return ". This clone is shallow: type git fetch --unshallow (in a workflow: fetch-depth: 0)" if shallow else ""


def _tree(repository: Path, commit: str, folder: str) -> dict[str, Entry]:
    """Return the files below a folder of a commit by their names below it."""
    found = {}
    for line in _git(repository, "ls-tree", "-r", "-z", "--full-tree", commit, "--", folder).split(b"\0"):
        if line:
            facts, _, name = line.partition(b"\t")
            mode, _, blob = facts.decode().split()
            found[os.fsdecode(name).removeprefix(folder).lstrip("/")] = Entry(mode, blob)
    return found


# -- then and now -----------------------------------------------------------------------------------------


def _present(layout: Layout, merged: Mapping[str, Entry]) -> tuple[dict[str, str], list[Finding]]:
    """Return the blob hash of every file that lies there now; of new ones only that they do."""
    now: dict[str, str] = {}
    findings: list[Finding] = []
    for name in layout.files:
        if name not in merged:
            now[name] = ""
            continue
        try:
            now[name] = blob_of(layout.root / name, len(merged[name].blob))
        except Refused as error:
            now[name] = "unread"
            findings.append(Finding("error", layout.shown(name), error.field, error.problem))
    return now, findings


def blob_of(path: Path, digits: int) -> str:
    """Return git's hash of a file's bytes: sha1, or sha256 where hashes have 64 digits. Raises Refused."""
    with reading.opened(path, LARGEST) as file:
        size = os.fstat(file.fileno()).st_size
        new = hashlib.sha256() if digits == 64 else hashlib.sha1(usedforsecurity=False)  # noqa: PLR2004 - sha256
        new.update(b"blob %d\0" % size)
        while part := file.read(reading.MIB):
            new.update(part)
    return new.hexdigest()


def _changed(
    repository: Path, base: str, layout: Layout, merged: Mapping[str, Entry], now: Mapping[str, str]
) -> list[Finding]:
    found = []
    for name in sorted(now.keys() & merged.keys()):
        if now[name] == merged[name].blob:
            continue
        if name.startswith(f"{REPORTED}/"):
            found += _more_reported(repository, layout, name, merged[name].blob)
            continue
        undo = f"Type: git checkout {base[:12]} -- {layout.shown(name)}"
        found.append(_error(layout, name, f"is merged and was changed; merged results never change. {undo}"))
    return found


def _more_reported(repository: Path, layout: Layout, name: str, blob: str) -> list[Finding]:
    """Of a merged table of reported numbers every line must stay; lines may be added."""
    before = _git(repository, "cat-file", "blob", blob)
    try:
        after = reading.content(layout.root / name, reading.REPORTED_BYTES)
    except Refused:
        return []  # the check of the table itself says so
    gone = set(before.splitlines()) - set(after.splitlines())
    if gone or before.splitlines()[:1] != after.splitlines()[:1]:
        return [_error(layout, name, f"{len(gone)} merged lines were changed or removed; lines may only be added")]
    more = len(after.splitlines()) - len(before.splitlines())
    return [Finding("flag", layout.shown(name), "", f"has {more} more lines: look at their source")]


def _gone(layout: Layout, merged: Mapping[str, Entry], now: Mapping[str, str]) -> list[Finding]:
    """Name every merged file that is not there, and the new one with its bytes where it was renamed."""
    found = []
    gone = sorted(merged.keys() - now.keys())
    renamed = _renamed(layout, {merged[name].blob for name in gone}, [name for name in now if name not in merged])
    for name in gone:
        to = renamed.get(merged[name].blob)
        what = f"was renamed to {layout.shown(to)}" if to else "is gone, or no regular file any more"
        found.append(_error(layout, name, f"is merged and {what}; merged results never change. Put it back"))
    return found


def _renamed(layout: Layout, blobs: set[str], names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names if blobs else ():
        try:
            found.setdefault(blob_of(layout.root / name, len(next(iter(blobs)))), name)
        except Refused:
            continue
    return found


def _joined(layout: Layout, merged: Mapping[str, Entry], added: set[str]) -> list[Finding]:
    """Find files that a branch adds to a result that is merged."""
    stems = {stem_of(name) for name in merged if name.endswith(RESULT) and not name.startswith(f"{REPORTED}/")}
    return [
        _error(layout, name, f"was added to {layout.shown(stem_of(name))}{RESULT}, which is merged. Remove it")
        for name in sorted(added)
        if stem_of(name) in stems
    ]


def _elsewhere(repository: Path, base: str, folder: str) -> list[Finding]:
    """Name in one line what the branch's commits change outside the results folder."""
    said = _git(repository, "diff-tree", "-r", "-z", "--name-only", "--no-renames", base, "HEAD", "--")
    names = [os.fsdecode(name) for name in said.split(b"\0") if name]
    outside = [name for name in names if not name.startswith(f"{folder}/")]
    if not outside:
        return []
    some = ", ".join(plain(name, 80) for name in outside[:SHOWN]) + (", …" if len(outside) > SHOWN else "")
    return [Finding("flag", ".", "", f"{len(outside)} files outside {folder}/ are changed too: {some}")]


def _error(layout: Layout, name: str, problem: str) -> Finding:
    return Finding("error", layout.shown(name), "", problem)
