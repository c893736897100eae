"""From files in `results/` to a pull request: the git and gh lines, printed or run.

Nothing here passes through a shell: lines are quoted for whoever copies them, and run as lists of words.
"""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from judgebench.errors import JudgebenchError, MissingPrerequisite, UsageError
from judgebench.hashing import short_id
from judgebench.submissions.findings import plain

LONGEST_BRANCH = 100
"""Characters: git stores a branch as a file, whose name has an end."""


@dataclass(frozen=True)
class Repository:
    """The repository that a results folder lies in. `base` is the branch that pull requests are made against."""

    root: Path
    remote: str | None
    base: str | None

    @property
    def base_ref(self) -> str | None:
        """Return the base as the remote had it when it was last fetched."""
        return f"{self.remote}/{self.base}" if self.remote and self.base else None


@dataclass(frozen=True)
class PullRequest:
    """What is to be typed, as lists of words, to be run in `repository.root`: branch, add, commit, push, create."""

    repository: Repository
    branch: str
    files: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]

    @property
    def lines(self) -> list[str]:
        """Return the commands quoted for a shell, with a `cd` first where one is not in the repository's root."""
        here = [] if Path.cwd() == self.repository.root else [f"cd {shlex.quote(str(self.repository.root))}"]
        return here + [shlex.join(words) for words in self.commands]


def repository(results: Path) -> Repository | None:
    """Return the repository of a results folder, which need not exist yet; None where there is none."""
    folder = next((place for place in (results.resolve(), *results.resolve().parents) if place.is_dir()), Path("/"))
    root = _said(folder, "rev-parse", "--show-toplevel")
    if not root:
        return None
    remote = _remote(Path(root))
    return Repository(Path(root), remote, _base(Path(root), remote))


def pull_request(found: Repository, files: Iterable[Path], title: str, body: Path, runs: Iterable[str]) -> PullRequest:
    """Return the commands for files below the repository's root. `runs` are what the branch is named after."""
    names = tuple(path.relative_to(found.root).as_posix() for path in files)
    branch = branch_name(list(runs))
    shown = body.resolve()
    shown = shown.relative_to(found.root) if shown.is_relative_to(found.root) else shown
    base = ("--base", found.base) if found.base else ()
    return PullRequest(
        found,
        branch,
        names,
        (
            ("git", "switch", "--create", branch),
            ("git", "add", "--", *names),
            ("git", "commit", "--message", title),
            ("git", "push", "--set-upstream", found.remote or "origin", branch),
            ("gh", "pr", "create", *base, "--head", branch, "--title", title, "--body-file", str(shown)),
        ),
    )


def branch_name(runs: Sequence[str]) -> str:
    """Return a name that git takes: that of a single run, else the first one's with the hash of all."""
    text = runs[0] if len(runs) == 1 else f"{runs[0]}-and-{len(runs) - 1}-more-{short_id(sorted(runs))[:8]}"
    name = re.sub(r"[^a-z0-9_-]+", "-", re.sub(r"(?<=[a-z0-9])\.(?=[a-z0-9])", "_", text.lower())).strip("-")
    name = name or short_id(text)
    if len(name) > LONGEST_BRANCH:
        name = f"{name[: LONGEST_BRANCH - 17].rstrip('-')}-{short_id(text)}"
    return f"submit/{name}"


# -- run ------------------------------------------------------------------------------------------------------


def check(request: PullRequest) -> None:
    """Raise, before anything is written, when the lines could not be run from here. Nothing is changed."""
    found = request.repository
    if shutil.which("gh") is None:
        raise MissingPrerequisite(
            "--open-pr needs GitHub's gh (https://cli.github.com). Without --open-pr the lines to type are printed"
        )
    if found.remote is None:
        raise UsageError(f"{found.root} has no remote to push to. Type: git remote add origin URL")
    if staged := _said(found.root, "diff", "--cached", "--name-only"):
        first = plain(staged.partition("\n")[0])
        raise UsageError(
            f"{first} is staged and would go with the pull request. Commit it, or type: git restore --staged ."
        )
    if _said(found.root, "rev-parse", "--verify", "--quiet", f"refs/heads/{request.branch}"):
        raise UsageError(
            f"branch {request.branch} exists already. Continue with it, or type: git branch -D {request.branch}"
        )
    if (base := found.base_ref) and (ahead := _said(found.root, "rev-list", "--count", f"{base}..HEAD")) not in (
        "0",
        "",
    ):
        raise UsageError(
            f"this branch has {ahead} commits that {base} lacks; they would go with the pull request. "
            f"Type: git switch --detach {base}"
        )


def open_pull_request(request: PullRequest) -> str:
    """Run the commands and return what gh says, the pull request's address.

    When branch or commit fails, the repository is left as it was, with the new files in place; when push or gh fails,
    the branch stays, and the error says what to type.
    """
    switch, add, commit, push, create = request.commands
    root = request.repository.root
    before = _said(root, "symbolic-ref", "--quiet", "--short", "HEAD") or _said(root, "rev-parse", "HEAD")
    _run(root, switch)
    try:
        _run(root, add)
        _run(root, commit)
    except BaseException:
        _undo(request, before)
        raise
    try:
        _run(root, push)
    except JudgebenchError as error:
        rest = " && ".join(shlex.join(words) for words in (push, create))
        raise MissingPrerequisite(
            f"{error}. Branch {request.branch} holds the commit. Without the right to push, type: "
            f"gh repo fork --remote; then: {rest}"
        ) from error
    try:
        return _run(root, create)
    except JudgebenchError as error:
        raise MissingPrerequisite(f"{error}. Branch {request.branch} is pushed. Type: {shlex.join(create)}") from error


def _undo(request: PullRequest, before: str) -> None:
    root, branch = request.repository.root, request.branch
    _said(root, "reset", "--quiet", "--", *request.files)
    # A branch that another one names is left by its name, a commit by its hash.
    attached = _said(root, "rev-parse", "--verify", "--quiet", f"refs/heads/{before}")
    _said(root, "switch", "--quiet", *(() if attached else ("--detach",)), before)
    _said(root, "branch", "--quiet", "-D", branch)


def _run(root: Path, words: Sequence[str]) -> str:
    """Run one command and return what it printed. Raises UsageError with its first line of complaint."""
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 - a list of words, no shell
    if done.returncode:
        complaint = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise UsageError(f"{shlex.join(words[:2])} failed: {plain(complaint[-1]) if complaint else 'it says nothing'}")
    return done.stdout.strip()


def _said(folder: Path, *words: str) -> str:
    """Return what git says, "" when it fails."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _remote(root: Path) -> str | None:
    names = _said(root, "remote").split()
    chosen = _said(root, "config", "--get", "remote.pushDefault")
    return next((name for name in (chosen, "origin", *names) if name in names), None)


def _base(root: Path, remote: str | None) -> str | None:
    """Return the remote's default branch, as far as it is known here."""
    if remote is None:
        return None
    known = _said(root, "symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD").removeprefix(f"{remote}/")
    there = (
        name
        for name in ("main", "master")
        if _said(root, "rev-parse", "--verify", "--quiet", f"refs/remotes/{remote}/{name}")
    )
    return known or next(there, None)


def holds(found: Repository, path: Path) -> bool:
    """Tell whether a file is merged: part of the base as it was last fetched, of HEAD where no base is known."""
    name = path.relative_to(found.root).as_posix()
    return bool(_said(found.root, "rev-parse", "--verify", "--quiet", f"{found.base_ref or 'HEAD'}:{name}"))
