"""From a run to a row on the board, in a scratch repository: submit, check, merge, build; and what is merged stays.

Nothing is faked but the model and GitHub: the remote is a bare repository, gh a script that writes down what it is asked.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes.submitting import JUDGE, PLACE, fake_gh, finished, git, mostly, repository
from judgebench import leaderboard
from judgebench.cli.submitting import command
from judgebench.errors import ValidationError
from judgebench.leaderboard.names import safe_name
from judgebench.submissions.submit import submit
from judgebench.submissions.validate import validate, validate_changes

ROOT = Path(__file__).parent.parent.parent
OTHER = "pairwise--openai__other"


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{fake_gh(tmp_path)}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A repository whose board has a published result and another judge's on the same task."""
    clone = repository(tmp_path)
    for name in ("autoj-example", "llmbar-vanilla--chatgpt"):
        shutil.copytree(ROOT / "results" / name, clone / "results" / name)
    submit([finished(tmp_path, model="openai/other", script=mostly(0.7, "other"))], clone / "results")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "board")
    git(clone, "push", "--quiet")
    return clone


def judgebench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "judgebench", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def merge(clone: Path, branch: str) -> None:
    """Do what GitHub does: merge the pushed branch into main, and fetch it."""
    git(clone, "switch", "--quiet", "main")
    git(clone, "merge", "--quiet", "--no-ff", "--message", "merge", f"origin/{branch}")
    git(clone, "push", "--quiet")


def rows(clone: Path, site: Path) -> str:
    leaderboard.build(clone / "results", site)
    return (site / "tasks" / "verifiable.html").read_text("utf-8")


def test_from_a_run_to_a_row(run: Path, board: Path, tmp_path: Path) -> None:
    assert JUDGE not in rows(board, tmp_path / "before")
    done = CliRunner().invoke(command, [str(run), "--results", str(board / "results"), "--open-pr", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["report"]["ok"]
    assert said["pull_request"] == "https://example.org/pull/7"

    checked = judgebench(board, "validate", "--changed-against", "origin/main", "--json")
    assert checked.returncode == 0, checked.stdout
    report = json.loads(checked.stdout)
    assert (report["checked"], report["errors"]) == ([f"results/{PLACE}.json"], [])

    merge(board, said["branch"])
    page = rows(board, tmp_path / "after")
    assert JUDGE in page
    assert OTHER in page
    assert (tmp_path / "after" / "judges" / f"{safe_name(JUDGE)}.html").is_file()
    assert validate(board / "results").ok


def test_the_text_places_the_new_row_as_the_board_does(run: Path, board: Path, tmp_path: Path) -> None:
    done = submit([run], board / "results")
    text = done.body.read_text()
    assert "of 2 by Accuracy" in text
    assert f"` {OTHER} `" in text
    from judgebench.leaderboard import data, table

    (task,) = [task for task in data.load(board / "results").tasks if task.name == "verifiable"]
    (row,) = [row for _, row in table.table(task).rows if row.name == JUDGE]
    assert f"Rank {row.rank} of 2" in text


def test_a_second_pull_request_cannot_change_what_is_merged(run: Path, board: Path) -> None:
    done = submit([run], board / "results", open_pr=True)
    merge(board, done.request.branch)
    with pytest.raises(ValidationError, match="is merged already, and merged results never change"):
        submit([run], board / "results", open_pr=True)
    git(board, "switch", "--quiet", "--create", "second")
    path = board / "results" / f"{PLACE}.json"
    path.write_text(path.read_text().replace('"cost": 0.07', '"cost": 0.01'))
    git(board, "commit", "--quiet", "--all", "--message", "cheaper")
    checked = judgebench(board, "validate", "--changed-against", "origin/main")
    assert checked.returncode == 1
    assert f"results/{PLACE}.json: is merged and was changed; merged results never change" in checked.stdout


@pytest.mark.parametrize("suffix", [".json", ".verdicts.jsonl", ".gold.csv"])
def test_a_merged_file_cannot_be_removed(suffix: str, run: Path, board: Path) -> None:
    done = submit([run], board / "results", open_pr=True)
    merge(board, done.request.branch)
    git(board, "switch", "--quiet", "--create", "second")
    git(board, "rm", "--quiet", f"results/{PLACE}{suffix}")
    git(board, "commit", "--quiet", "--message", "gone")
    report = validate_changes(board, "origin/main")
    assert f"results/{PLACE}{suffix}" in {finding.file for finding in report.errors}


def flip(path: Path) -> None:
    """Turn one verdict for the first into one for the second, and another the other way: the counts stay."""
    lines = path.read_text().splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if "A>B" in line)
    second = next(n for n, line in enumerate(lines) if "B>A" in line)
    lines[first], lines[second] = lines[first].replace("A>B", "B>A"), lines[second].replace("B>A", "A>B")
    path.write_text("".join(lines))


def test_what_is_changed_after_submit_is_caught(run: Path, board: Path) -> None:
    """An edited number, a dropped and a flipped verdict: the board's own check refuses each."""
    submit([run], board / "results")
    result, verdicts = (board / "results" / f"{PLACE}{suffix}" for suffix in (".json", ".verdicts.jsonl"))
    before = result.read_bytes(), verdicts.read_bytes()

    def edit() -> None:
        text = json.loads(before[0])
        text["metrics"]["accuracy"]["value"] += 1e-7
        result.write_text(json.dumps(text, indent=2))

    def drop() -> None:
        verdicts.write_bytes(b"".join(before[1].splitlines(keepends=True)[1:]))

    assert validate_changes(board, "origin/main").ok
    for change in (edit, drop, lambda: flip(verdicts)):
        change()
        assert not validate_changes(board, "origin/main").ok
        result.write_bytes(before[0])
        verdicts.write_bytes(before[1])
    assert validate_changes(board, "origin/main").ok


def test_a_run_of_a_judge_that_is_always_right_is_flagged_before_it_is_pushed(board: Path, tmp_path: Path) -> None:
    """A score far above all others reaches the submitter and the pull request's text, and is no refusal."""
    from judgebench.sources import load_task

    items = load_task("verifiable", drawn={"items": 36}).items
    right = {item.candidates[0 if item.gold.label == "A>B" else 1].content for item in items}

    def script(request: object) -> str:
        text = str(request.messages[-1].content)  # type: ignore[attr-defined]
        places = {text.find(answer): answer in right for item in items for answer in
                  (str(candidate.content) for candidate in item.candidates) if answer in text}  # fmt: skip
        found = [places[place] for place in sorted(places)]
        return f"Verdict: {'A' if found[0] else 'B'}"

    done = submit([finished(tmp_path, model="openai/oracle", script=script)], board / "results")
    assert done.submissions[0].result.metrics["accuracy"].value > 0.9
    assert done.report.flags
    assert "None." not in done.body.read_text().partition("## Flags")[2]
