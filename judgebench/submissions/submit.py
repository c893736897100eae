"""Submit: finished runs → files in `results/`, checked as the board will check them, and a pull request's text.

Everything is read, rebuilt, staged and validated before a single file lands; then all of them land, or none.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from judgebench.errors import DataError, JudgebenchError, UsageError, ValidationError
from judgebench.leaderboard.data import load, run_id
from judgebench.run.store import write_atomic
from judgebench.submissions import body, gitlines
from judgebench.submissions.findings import Report
from judgebench.submissions.gitlines import PullRequest
from judgebench.submissions.rebuilt import Submission, rebuild

BODY = "pull-request.md"


@dataclass(frozen=True)
class Submitted:
    """What was written, what the check said, and what to type next. `url` is that of an opened pull request."""

    submissions: tuple[Submission, ...]
    files: tuple[Path, ...]
    report: Report
    body: Path
    request: PullRequest | None
    url: str | None = None

    @property
    def notes(self) -> list[str]:
        """Return what could not be looked at, a line for each run of which that is true."""
        return [submission.note for submission in self.submissions if submission.note]

    def as_json(self) -> dict[str, Any]:
        """Return paths, flags and lines as JSON."""
        return {
            "results": [submission.name for submission in self.submissions],
            "files": [str(path) for path in self.files],
            "body": str(self.body),
            "report": self.report.as_json(),
            "notes": self.notes,
            "branch": self.request.branch if self.request else None,
            "lines": self.request.lines if self.request else [],
            "commands": [list(words) for words in self.request.commands] if self.request else [],
            "pull_request": self.url,
        }


def submit(runs: Sequence[Path], results: Path, *, open_pr: bool = False) -> Submitted:
    """Write the results of finished runs below `results`, and the pull request's text beside the first run.

    With `open_pr` the pull request is opened, too. Raises ValidationError naming every run that cannot be submitted,
    Incomplete for one that is not finished, UsageError, MissingPrerequisite or RunError; then nothing was written.
    """
    found = _read(runs)
    root = results.resolve()
    repository = gitlines.repository(root)
    _refuse_taken(found, root, repository)
    request = _request(found, root, repository)
    if open_pr:
        if request is None:
            raise UsageError(f"--open-pr: {results} is not in a git repository. Name a clone's with --results DIR")
        gitlines.check(request)
    report, text = _checked(found, root)
    write_atomic(found[0].run / BODY, text.encode())
    _land(_contents(found), root)
    url = gitlines.open_pull_request(request) if open_pr and request else None
    files = tuple(results / name for name in _contents(found))
    return Submitted(tuple(found), files, report, found[0].run / BODY, request, url)


def _read(runs: Sequence[Path]) -> list[Submission]:
    """Rebuild every run. All that cannot be submitted are named; one error alone is raised as it is."""
    found, errors = [], []
    for run in dict.fromkeys(runs):
        try:
            found.append(rebuild(run))
        except JudgebenchError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ValidationError("\n".join(str(error) for error in errors))
    first: dict[str, Submission] = {}
    for submission in found:
        if (other := first.setdefault(submission.name, submission)) is not submission:
            raise UsageError(f"{other.run} and {submission.run} are both {submission.name}. Submit one of them")
    return found


def _contents(found: Sequence[Submission]) -> dict[str, bytes]:
    return {name: data for submission in found for name, data in submission.files.items()}


def _refuse_taken(found: Sequence[Submission], root: Path, repository: gitlines.Repository | None) -> None:
    """Refuse results whose place is taken: merged ones never change, others are not overwritten unasked."""
    for submission in found:
        for name, data in submission.files.items():
            path = root / name
            if repository is not None and gitlines.holds(repository, path):
                raise ValidationError(
                    f"{path} is merged already, and merged results never change. A judge that changed is another "
                    "judge: give its card, or its model, a new name and run eval again"
                )
            if path.parent.is_symlink() or path.is_symlink():
                raise UsageError(f"{path} leads elsewhere (a symbolic link). Remove the link and submit again")
            if path.exists() and path.read_bytes() != data:
                raise UsageError(f"{path} holds something else, not merged yet. Move it away and submit again")


def _request(found: Sequence[Submission], root: Path, repository: gitlines.Repository | None) -> PullRequest | None:
    if repository is None:
        return None
    specs = [submission.result.spec for submission in found]
    title = f"Result: {specs[0].judge.name} on {specs[0].task.name}"
    title += f" and {len(found) - 1} more" if len(found) > 1 else ""
    names = [f"{s.result.spec.judge.name}-{s.result.spec.task.name}-{run_id(s.result)[:8]}" for s in found]
    files = [root / name for name in _contents(found)]
    return gitlines.pull_request(repository, files, title, found[0].run / BODY, names)


# -- check, then write ------------------------------------------------------------------------------------------


def _checked(found: Sequence[Submission], root: Path) -> tuple[Report, str]:
    """Check the files in a copy of the results folder, among the results that are there; return the text, too.

    Raises ValidationError for what the check refuses, DataError when the results that are there are damaged.
    """
    from judgebench.submissions.validate import validate

    with _staged(_contents(found), root, found[0].run) as stage:
        names = [stage / name for submission in found for name in submission.files if name.endswith(".json")]
        report = validate(stage, names)
        if not report.ok:
            raise ValidationError("\n".join(str(finding) for finding in report.errors))
        try:
            return report, body.markdown(found, load(stage), report)
        except DataError as error:
            there = [replace(one, file=one.file.replace(str(stage), str(root), 1)) for one in error.problems]
            raise DataError(there) from error


@contextlib.contextmanager
def _staged(contents: Mapping[str, bytes], root: Path, beside: Path) -> Iterator[Path]:
    """Give a folder with the results at hand and the new ones, gone at the end."""
    try:
        folder = tempfile.mkdtemp(dir=beside, prefix=".submit-")
    except OSError as error:
        raise UsageError(f"cannot write into {beside}: {error.strerror}. A pull request's text goes there") from error
    try:
        stage = Path(folder) / root.name
        if root.is_dir():
            shutil.copytree(root, stage, copy_function=_link_or_copy, symlinks=True)
        for name, data in contents.items():
            path = stage / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # a link to the file in the results folder
            path.write_bytes(data)
        yield stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
    """Give a file a second name, which costs no space; where that is not possible, copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _land(contents: Mapping[str, bytes], root: Path) -> None:
    """Write all files or none: what was written is taken back when one cannot be."""
    written: list[Path] = []
    folders: list[Path] = []
    try:
        for name, data in contents.items():
            path = root / name
            if path.exists():  # the same bytes, see `_refuse_taken`
                continue
            folders += [place for place in (path.parent, *path.parent.parents) if not place.exists()]
            written.append(path)
            write_atomic(path, data)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        for folder in folders:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
