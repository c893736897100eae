"""The submission check's shell steps, run here on a pull request that brings everything Python, git or GitHub might run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.submitting import PLACE, clean_code, copied, finished, git, repository
from fakes.workflows import play
from judgebench.submissions.submit import submit

TRAP = "import pathlib; pathlib.Path({mark!r}).touch()\n"
MODULES = (
    "sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "judgebench/__init__.py", "judgebench/__main__.py",
    "click.py", "orjson.py", "results/sitecustomize.py", "results/conftest.py", "results/judgebench/__init__.py",
    "results/click.py", "report/click.py",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_code(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        clean_code(patch)
        return finished(tmp_path_factory.mktemp("made"))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that the traps write; as long as it is not there, nothing of the pull request has run."""
    return tmp_path / "it-ran"


@pytest.fixture
def clone(tmp_path: Path, made: Path) -> Path:
    """A contributor's clone on a branch with an honest result."""
    root = repository(tmp_path)
    git(root, "switch", "--quiet", "--create", "mine")
    submit([copied(made, tmp_path)], root / "results")
    commit(root)
    return root


def commit(root: Path) -> None:
    git(root, "add", "--all", "--force")
    git(root, "commit", "--quiet", "--message", "more")


def hostile(root: Path, mark: Path) -> None:
    """Add what a tool might import, execute or obey."""
    for name in MODULES:
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(TRAP.format(mark=str(mark)))
    files = {
        "evil.pth": f"import pathlib; pathlib.Path({str(mark)!r}).touch()",
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n",
        "Makefile": f"all:\n\ttouch {mark}\n",
        ".ci/run": f"#!/bin/sh\ntouch {mark}\n",
        ".github/workflows/submission.yml": "on: pull_request_target\n",
        ".gitattributes": "* filter=evil diff=evil text eol=crlf ident\n",
        "results/.gitattributes": "* filter=evil diff=evil text eol=crlf ident\n",
        ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/\n",
        ".git-hooks/post-checkout": f"#!/bin/sh\ntouch {mark}\n",
        "results/post-checkout": f"#!/bin/sh\ntouch {mark}\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)


class Runner:
    """A machine on which the job's steps run: the base checked out, its code installed, the pull request's head fetched."""

    def __init__(self, folder: Path, clone: Path, mark: Path) -> None:
        self.work, self.temp, home = folder / "work", folder / "temp", folder / "home"
        for place in (self.work, self.temp, home):
            place.mkdir()
        remote = folder / "remote.git"
        git(clone, "push", "--quiet", "--force", "origin", "HEAD:refs/pull/7/head")
        git(folder, "clone", "--quiet", str(remote), str(self.work / "base"))
        # What machines have: filters that attributes can name.
        smudge = f"sh -c 'touch {mark}; cat'"
        (home / ".gitconfig").write_text(f'[filter "evil"]\n\tsmudge = "{smudge}"\n\tclean = "{smudge}"\n'
                                         f'[diff "evil"]\n\ttextconv = "{smudge}"\n')  # fmt: skip
        (self.temp / "venv" / "bin").mkdir(parents=True)
        (self.temp / "venv" / "bin" / "judgebench").symlink_to(Path(sys.executable).parent / "judgebench")
        self.env = {
            "HOME": str(home), "RUNNER_TEMP": str(self.temp), "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_OUTPUT": str(folder / "output"),
            "NUMBER": "7", "BASE": git(clone, "rev-parse", "origin/main"), "HEAD": git(clone, "rev-parse", "HEAD"),
        }  # fmt: skip
        self.summary, self.output = folder / "summary.md", folder / "output"

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        return play("submission", name, self.work, self.env)

    def check(self) -> subprocess.CompletedProcess[str]:
        fetched = self.step("fetch")
        assert fetched.returncode == 0, fetched.stderr
        assert self.output.read_text() == "changed=true\n"
        return self.step("validate")

    @property
    def report(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.temp / "report" / "report.json").read_text())
        return found


def on_disk(folder: Path) -> set[str]:
    return {path.relative_to(folder).parts[0] for path in folder.rglob("*") if path.is_file()} - {".git"}


def test_an_honest_result_passes(clone: Path, tmp_path: Path, mark: Path) -> None:
    runner = Runner(tmp_path, clone, mark)
    done = runner.check()
    assert done.returncode == 0, done.stdout + done.stderr
    assert runner.report["checked"] == [f"results/{PLACE}.json"]
    assert runner.report["ok"] is True
    assert (runner.temp / "report" / "number").read_text() == "7\n"
    assert runner.summary.read_text().startswith("**Accepted.**")
    assert on_disk(runner.temp / "head") == {"results"}


def test_nothing_of_a_hostile_pull_request_runs(clone: Path, tmp_path: Path, mark: Path) -> None:
    hostile(clone, mark)
    commit(clone)
    runner = Runner(tmp_path, clone, mark)
    done = runner.check()
    assert not mark.exists()
    assert on_disk(runner.temp / "head") == {"results"}
    # Its result is read all the same, byte by byte as it was committed; what does not belong there is an error.
    assert done.returncode == 1
    files = {finding["file"] for finding in runner.report["errors"]}
    assert "results/sitecustomize.py" in files
    assert not any(name.startswith(f"results/{PLACE}") for name in files)
    assert b"\r" not in (runner.temp / "head" / "results" / f"{PLACE}.json").read_bytes()


@pytest.mark.parametrize(
    "words",
    [["-c", "import click"], ["-m", "judgebench", "--version"], ["conftest.py"], ["setup.py"]],
)
def test_the_traps_do_work(words: list[str], clone: Path, mark: Path) -> None:
    """Whoever ran Python in the pull request's folder would have run its files."""
    hostile(clone, mark)
    subprocess.run([sys.executable, *words], cwd=clone, capture_output=True, check=False)
    assert mark.exists()


def test_the_filter_is_a_trap_too(clone: Path, tmp_path: Path, mark: Path) -> None:
    hostile(clone, mark)
    commit(clone)
    runner = Runner(tmp_path, clone, mark)
    mark.unlink(missing_ok=True)
    subprocess.run(
        ["git", "clone", "--quiet", str(clone), str(tmp_path / "naive")], check=True, capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": runner.env["HOME"]},
    )  # fmt: skip
    assert mark.exists()


def test_a_finding_is_no_command_to_the_runner(clone: Path, tmp_path: Path, mark: Path) -> None:
    """What a file is called reaches the log between two marks that it cannot know."""
    name = "results/x\n::set-output name=a::b"
    (clone / name).mkdir(parents=True)
    (clone / name / "::error::x.json").write_text("{}")
    commit(clone)
    done = Runner(tmp_path, clone, mark).check()
    lines = done.stdout.splitlines()
    stop = lines[0].removeprefix("::stop-commands::")
    assert len(stop) == 36
    assert lines[-1] == f"::{stop}::"
    assert not [line for line in lines[1:-1] if line.startswith("::")]


def test_a_head_that_has_moved_on_is_not_checked(clone: Path, tmp_path: Path, mark: Path) -> None:
    runner = Runner(tmp_path, clone, mark)
    runner.env["HEAD"] = runner.env["BASE"]
    done = runner.step("fetch")
    assert done.returncode == 1
    assert "has moved on" in done.stderr
    assert not (runner.temp / "head").exists()


def test_a_pull_request_without_results_is_not_checked(clone: Path, tmp_path: Path, mark: Path) -> None:
    git(clone, "switch", "--quiet", "--create", "code", "origin/main")
    (clone / "results.py").write_text("pass\n")
    commit(clone)
    runner = Runner(tmp_path, clone, mark)
    done = runner.step("fetch")
    assert (done.returncode, done.stdout) == (0, "No results are changed: nothing to check.\n")
    assert not runner.output.exists()


def test_what_main_has_got_since_is_no_change(clone: Path, tmp_path: Path, mark: Path) -> None:
    """A branch that is behind does not take away what others have merged meanwhile."""
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    git(clone, "switch", "--quiet", "--create", "code", "HEAD~1")
    (clone / "notes.txt").write_text("mine\n")
    commit(clone)
    assert "nothing to check" in Runner(tmp_path, clone, mark).step("fetch").stdout


def test_results_that_are_a_link_are_not_followed(clone: Path, tmp_path: Path, mark: Path) -> None:
    git(clone, "rm", "-r", "--quiet", "results")
    (clone / "elsewhere").mkdir()
    (clone / "results").symlink_to("/etc")
    commit(clone)
    done = Runner(tmp_path, clone, mark).check()
    assert done.returncode != 0
    assert "/etc/" not in done.stdout + done.stderr


def test_deleting_merged_results_is_refused(clone: Path, tmp_path: Path, mark: Path) -> None:
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    git(clone, "rm", "-r", "--quiet", f"results/{PLACE}.json")
    commit(clone)
    done = Runner(tmp_path, clone, mark).check()
    assert done.returncode == 1
    assert f"results/{PLACE}.json: is merged and is gone" in done.stdout
