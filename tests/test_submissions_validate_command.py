"""The command `judgebench validate`: what it prints, which paths it takes, how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.honest import edit, honest
from judgebench.errors import UsageError
from judgebench.submissions.findings import Report
from judgebench.submissions.validate import validate


def judgebench(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "judgebench", "validate", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=os.environ, timeout=120, check=False)


def test_the_command_prints_a_finding_a_line_and_exits_1(tmp_path: Path) -> None:
    path = honest(tmp_path, "longest")
    edit(path, lambda result: result["metrics"]["accuracy"].update(value=0.71))
    done = judgebench(cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "results/longest/starter.json: metrics.accuracy.value: is 0.71, recomputed 0.5\n"
    assert done.stderr == "1 result checked: 1 error, 0 flags\n"
    as_json = judgebench("--json", "results/longest", cwd=tmp_path)
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["errors"][0]["field"] == "metrics.accuracy.value"
    markdown = judgebench("--markdown", path, cwd=tmp_path).stdout
    assert markdown.startswith("**Not accepted.** 1 result checked: 1 error, 0 flags.")


def test_the_command_exits_0_and_says_nothing_of_an_honest_result(tmp_path: Path) -> None:
    honest(tmp_path, "longest")
    done = judgebench("--results", tmp_path / "results", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "1 result checked: 0 errors, 0 flags\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such file or folder: nowhere"),
        (["/"], "/ is not in results. Name its folder with --results DIR"),
        (["--results", "nowhere"], "no such results folder: nowhere. Name it with --results DIR"),
        (["--json", "--markdown"], "--json and --markdown exclude each other"),
        (["results", "--changed-against", "main"], "--changed-against finds the files itself: leave out PATH"),
        (["--changed-against=-q"], "'-q' is no reference"),
        (["--", "-q"], "-q begins with a dash. For a path, type: ./-q"),
        (["--changed-against", "main"], "not a git repository"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    honest(tmp_path, "longest")
    done = judgebench(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_paths_choose_what_is_checked(tmp_path: Path) -> None:
    one, two = honest(tmp_path, "longest"), honest(tmp_path, "shortest")
    edit(two, lambda result: result["counts"].update(items=1))
    root = tmp_path / "results"

    def checked(*paths: Path) -> tuple[bool, tuple[str, ...]]:
        report: Report = validate(root, paths)
        return report.ok, report.checked

    assert checked(one) == (True, ("results/longest/starter.json",))
    assert checked(one.with_suffix(".verdicts.jsonl")) == (True, ("results/longest/starter.json",))
    assert checked(two.parent) == (False, ("results/shortest/starter.json",))
    assert checked(one, two) == checked(root) == checked()
    (one.parent / "notes.txt").write_text("x")
    assert checked(one)[0]
    assert not checked(one.parent)[0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no results in"):
        validate(tmp_path / "empty")


def test_a_folder_checked_from_elsewhere_is_not_imported(tmp_path: Path) -> None:
    """What lies in a checked tree is data: a module there must not take the place of ours."""
    honest(tmp_path, "longest")
    for name in ("judgebench.py", "numpy.py", "conftest.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('imported')")
    code = "import sys; sys.path.pop(0); sys.argv = ['judgebench', 'validate']; from judgebench.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
