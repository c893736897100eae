"""The git and gh lines of a submission: quoted where they are printed, run without a shell, nothing half done."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import files_of
from fakes.submitting import (
    JUDGE,
    PLACE,
    copied,
    fake_gh,
    finished,
    git,
    refused,
    repository,
    watch_check,
)
from judgebench.cli.submitting import command
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.submissions import gitlines
from judgebench.submissions.submit import submit

FILES = [f"results/{PLACE}.gold.csv", f"results/{PLACE}.verdicts.jsonl", f"results/{PLACE}.json"]
TITLE = f"Result: {JUDGE} on verifiable"


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watch_check(monkeypatch)
    monkeypatch.setenv("PATH", f"{fake_gh(tmp_path)}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return repository(tmp_path)


def state(clone: Path) -> tuple[str, ...]:
    """Return what must not change when nothing was done: branch, commit, branches, index, files."""
    words = (("branch", "--show-current"), ("rev-parse", "HEAD"), ("branch", "--list"), ("status", "--porcelain"))
    return tuple(git(clone, *one) for one in words)


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "bin" / "asked").read_text().splitlines()


# -- the lines ------------------------------------------------------------------------------------------------


def test_the_lines_are_those_of_a_pull_request(run: Path, clone: Path) -> None:
    request = submit([run], clone / "results").request
    branch = request.branch
    assert branch.startswith("submit/pairwise--openai__gpt-4o-mini-verifiable-")
    text = str(run / "pull-request.md")
    assert [shlex.split(line) for line in request.lines] == [
        ["cd", str(clone)],
        ["git", "switch", "--create", branch],
        ["git", "add", "--", *FILES],
        ["git", "commit", "--message", TITLE],
        ["git", "push", "--set-upstream", "origin", branch],
        ["gh", "pr", "create", "--base", "main", "--head", branch, "--title", TITLE, "--body-file", text],
    ]


def test_typing_the_lines_opens_the_pull_request(run: Path, clone: Path, tmp_path: Path) -> None:
    """What is printed is run by a shell, in a folder whose name a shell would take apart."""
    odd = tmp_path / "a $(touch hacked) 'folder"
    clone.rename(odd)
    done = CliRunner().invoke(command, [str(run), "--results", str(odd / "results")])
    lines = [line for line in done.stdout.splitlines() if line.startswith(("cd ", "git ", "gh "))]
    assert len(lines) == 6
    subprocess.run(["sh", "-e"], input="\n".join(lines), text=True, check=True, capture_output=True, cwd=tmp_path)
    assert asked(tmp_path)[:2] == ["pr", "create"]
    assert git(odd, "ls-tree", "-r", "--name-only", "HEAD").splitlines() == ["README.md", *sorted(FILES)]
    assert not list(tmp_path.rglob("hacked"))


def test_in_the_repositorys_root_there_is_no_cd(run: Path, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    assert submit([run], Path("results")).request.lines[0].startswith("git switch")


def test_a_text_in_the_repository_is_named_from_its_root(made: Path, clone: Path) -> None:
    run = copied(made, clone)
    words = submit([run], clone / "results").request.commands[-1]
    assert words[-1] == f"runs/verifiable/{JUDGE}/{run.name}/pull-request.md"


def test_several_runs_are_one_branch(run: Path, clone: Path, tmp_path: Path) -> None:
    other = finished(tmp_path, model="openai/other")
    request = submit([run, other], clone / "results").request
    assert "-and-1-more-" in request.branch
    assert request.commands[2][-1] == f"{TITLE} and 1 more"
    assert len(request.files) == 6


def test_without_a_repository_there_are_no_lines(run: Path, tmp_path: Path) -> None:
    assert submit([run], tmp_path / "results").request is None


@given(st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=3))
@settings(max_examples=60)
def test_git_takes_every_branch_name(names: list[str]) -> None:
    name = gitlines.branch_name(names)
    assert name.removeprefix("submit/").isascii()
    assert len(name) <= gitlines.LONGEST_BRANCH + 7
    done = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, check=False)
    assert done.returncode == 0, name


@pytest.mark.parametrize("name", ["a..b", "a.lock", "-x", "a/../b", "a b", "@{u}", "a~1", "é", "", "..."])
def test_names_that_git_would_not_take(name: str) -> None:
    branch = gitlines.branch_name([name])
    subprocess.run(["git", "check-ref-format", "--branch", branch], capture_output=True, check=True)


def test_different_runs_have_different_branches() -> None:
    assert gitlines.branch_name(["judge-task-01234567"]) != gitlines.branch_name(["judge-task-01234568"])
    long = ["x" * 300 + end for end in "ab"]
    assert gitlines.branch_name(long[:1]) != gitlines.branch_name(long[1:])
    assert gitlines.branch_name(["gpt-4.1"]) != gitlines.branch_name(["gpt-41"])


# -- opening --------------------------------------------------------------------------------------------------


def test_the_pull_request_is_opened(run: Path, clone: Path, tmp_path: Path) -> None:
    done = submit([run], clone / "results", open_pr=True)
    assert done.url == "https://example.org/pull/7"
    assert git(clone, "branch", "--show-current") == done.request.branch
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "show", "--name-only", "--format=%s", "HEAD").split("\n\n") == [TITLE, "\n".join(sorted(FILES))]
    remote = git(tmp_path / "remote.git", "rev-parse", f"refs/heads/{done.request.branch}")
    assert remote == git(clone, "rev-parse", "HEAD")
    assert asked(tmp_path) == list(done.request.commands[-1][1:])


def test_the_command_prints_the_address(run: Path, clone: Path) -> None:
    done = CliRunner().invoke(command, [str(run), "--results", str(clone / "results"), "--open-pr"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "opened    https://example.org/pull/7"
    assert "git switch" not in done.stdout


def test_other_changes_stay_out_of_the_commit(run: Path, clone: Path) -> None:
    (clone / "README.md").write_text("changed, and nobody's business\n")
    (clone / "notes.txt").write_text("mine\n")
    submit([run], clone / "results", open_pr=True)
    assert git(clone, "status", "--porcelain").split("\n") == ["M README.md", "?? notes.txt"]
    assert git(clone, "diff", "--name-only", "origin/main", "HEAD").splitlines() == sorted(FILES)


def test_outside_a_repository(run: Path, tmp_path: Path) -> None:
    refused(run, tmp_path / "results", "is not in a git repository. Name a clone's with --results DIR", UsageError,
            open_pr=True)  # fmt: skip


def test_without_gh(run: Path, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin" / "gh").unlink()
    monkeypatch.setattr("shutil.which", lambda name: None)
    before = state(clone)
    refused(run, clone / "results", "--open-pr needs GitHub's gh", MissingPrerequisite, open_pr=True)
    assert state(clone) == before


def test_staged_changes(run: Path, clone: Path) -> None:
    (clone / "mine.txt").write_text("staged\n")
    git(clone, "add", "mine.txt")
    before = state(clone)
    refused(run, clone / "results", "mine.txt is staged and would go with the pull request", UsageError, open_pr=True)
    assert state(clone) == before


def test_a_branch_that_exists(run: Path, clone: Path) -> None:
    done = submit([run], clone / "results", open_pr=True)
    git(clone, "switch", "--quiet", "main")
    before = state(clone)
    refused(run, clone / "results", f"branch {done.request.branch} exists already.*git branch -D", UsageError,
            open_pr=True)  # fmt: skip
    assert state(clone) == before


def test_commits_that_are_not_merged(run: Path, clone: Path) -> None:
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "mine")
    line = refused(run, clone / "results", "this branch has 1 commits that origin/main lacks", UsageError, open_pr=True)
    git(clone, *shlex.split(line.partition("Type: git ")[2]))
    assert submit([run], clone / "results", open_pr=True).url


def test_no_remote(run: Path, clone: Path) -> None:
    git(clone, "remote", "remove", "origin")
    refused(run, clone / "results", "has no remote to push to. Type: git remote add origin URL", UsageError,
            open_pr=True)  # fmt: skip


def hook(repository: Path, name: str, text: str) -> None:
    path = repository / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("detached", [False, True])
def test_a_commit_that_fails_leaves_everything_as_it_was(run: Path, clone: Path, detached: bool) -> None:
    if detached:
        git(clone, "switch", "--quiet", "--detach")
    hook(clone / ".git", "pre-commit", "echo no commits on Thursdays >&2; exit 1")
    before = state(clone)
    with pytest.raises(UsageError, match=r"git commit failed: no commits on Thursdays$"):
        submit([run], clone / "results", open_pr=True)
    assert state(clone)[:3] == before[:3]
    assert git(clone, "diff", "--cached", "--name-only") == ""
    assert sorted(f"results/{name}" for name in files_of(clone / "results")) == sorted(FILES)
    (clone / ".git" / "hooks" / "pre-commit").unlink()
    assert submit([run], clone / "results", open_pr=True).url


def test_a_push_that_fails_says_what_to_type(run: Path, clone: Path, tmp_path: Path) -> None:
    hook(tmp_path / "remote.git", "pre-receive", "exit 1")
    with pytest.raises(MissingPrerequisite, match="git push failed") as caught:
        submit([run], clone / "results", open_pr=True)
    line = str(caught.value)
    assert "\n" not in line
    assert "gh repo fork --remote" in line
    branch = git(clone, "branch", "--show-current")
    assert f"Branch {branch} holds the commit" in line
    (tmp_path / "remote.git" / "hooks" / "pre-receive").unlink()
    typed = line.partition("; then: ")[2]
    subprocess.run(["sh", "-ec", typed], cwd=clone, check=True, capture_output=True)
    assert asked(tmp_path)[:2] == ["pr", "create"]


def test_a_gh_that_fails_says_what_to_type(run: Path, clone: Path, tmp_path: Path) -> None:
    fake_gh(tmp_path, code=1)
    with pytest.raises(MissingPrerequisite, match="gh pr failed: gh: not logged in. Branch .* is pushed. Type: gh pr"):
        submit([run], clone / "results", open_pr=True)
    branch = git(clone, "branch", "--show-current")
    assert git(tmp_path / "remote.git", "rev-parse", branch) == git(clone, "rev-parse", "HEAD")


def test_a_remote_of_another_name(run: Path, clone: Path) -> None:
    git(clone, "remote", "rename", "origin", "upstream")
    request = submit([run], clone / "results").request
    assert request.commands[3][:4] == ("git", "push", "--set-upstream", "upstream")
    assert request.repository.base_ref == "upstream/main"
