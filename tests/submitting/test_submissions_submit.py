"""`judgebench submit`: what it writes, all or nothing, and never over what is there."""

import json
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from factories import files_of
from fakes import submitting
from fakes.submitting import (
    JUDGE,
    PLACE,
    SECRET_WORDS,
    Checks,
    change,
    finished,
    git,
    mostly,
    refused,
    replace_check,
    repository,
)  # fmt: skip
from judgebench.cli.submitting import command
from judgebench.errors import RunError, UsageError, ValidationError
from judgebench.evaluation import evaluate
from judgebench.importers import find_gold
from judgebench.leaderboard import data
from judgebench.results import Result
from judgebench.submissions import submit as submitting_module
from judgebench.submissions.findings import Finding, Report
from judgebench.submissions.rebuilt import rebuild
from judgebench.submissions.submit import submit

FILES = [f"{PLACE}.gold.csv", f"{PLACE}.json", f"{PLACE}.verdicts.jsonl"]


# -- what is written ------------------------------------------------------------------------------------------


def test_a_run_becomes_a_result_verdicts_and_gold(run: Path, results: Path, checked: Checks) -> None:
    done = submit([run], results)
    assert sorted(files_of(results)) == FILES
    assert sorted(str(path.relative_to(results)) for path in done.files) == FILES
    result = data.read_result(results / f"{PLACE}.json")
    assert result == Result.model_validate_json((run / "result.json").read_bytes())
    assert (result.evidence, result.environment.commit) == ("submitted", submitting.COMMIT)
    assert (results / f"{PLACE}.verdicts.jsonl").read_bytes() == (run / "verdicts.jsonl").read_bytes()
    assert len(find_gold(results / f"{PLACE}.json", result.spec.task)) == submitting.ITEMS
    assert data.load(results).tasks[0].results == (result,)


def test_the_bytes_are_canonical_whatever_the_run_folder_holds(run: Path, results: Path, checked: Checks) -> None:
    before = (run / "result.json").read_bytes()
    (run / "result.json").write_bytes(json.dumps(json.loads(before), sort_keys=True).encode())
    submit([run], results)
    assert (results / f"{PLACE}.json").read_bytes() == before


def test_no_word_of_a_reply_leaves(run: Path, results: Path, checked: Checks) -> None:
    assert SECRET_WORDS in (run / "journal.jsonl").read_text()
    done = submit([run], results)
    for text in (*files_of(results).values(), done.body.read_bytes(), json.dumps(done.as_json()).encode()):
        assert SECRET_WORDS.encode() not in text
        assert b"rationale" not in text
    rows = [orjson.loads(line) for line in (results / f"{PLACE}.verdicts.jsonl").read_bytes().splitlines()]
    assert {key for row in rows for key in row} == {"item", "order", "preference", "fault"}


def test_the_check_sees_the_staged_files_among_the_others(
    run: Path, results: Path, checked: Checks, tmp_path: Path
) -> None:
    submit([finished(tmp_path, model="openai/other", script=mostly(0.9))], results)
    submit([run], results)
    folder, held = checked[-1]
    other = FILES[0].replace("gpt-4o-mini", "other")
    assert set(FILES) < set(held)
    assert other in held
    assert folder.name == "results"
    assert not folder.exists()
    assert folder.is_relative_to(run)


def test_a_refusal_of_the_check_leaves_nothing(run: Path, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Finding("error", f"results/{PLACE}.json", "spec.judge.prompts.user", "is not the card's prompt")
    replace_check(monkeypatch, lambda results, paths: Report(("x",), (problem, problem)))
    refused(run, results, "spec.judge.prompts.user: is not the card's prompt", lines=2)
    assert not results.exists()
    assert not (run / "pull-request.md").exists()


def test_a_disk_that_fills_up_leaves_nothing(
    run: Path, results: Path, checked: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = submitting_module.write_atomic

    def full(path: Path, data: bytes) -> None:
        if path.name.endswith("verifiable.json"):
            raise RunError(f"cannot write {path}: No space left on device")
        real(path, data)

    monkeypatch.setattr(submitting_module, "write_atomic", full)
    refused(run, results, "No space left", RunError)
    assert not results.exists()


def test_the_same_again_changes_nothing(run: Path, results: Path, checked: Checks) -> None:
    submit([run], results)
    before = files_of(results)
    assert submit([run], results).as_json()["files"]
    assert files_of(results) == before


def test_several_runs_are_one_submission(run: Path, results: Path, checked: Checks, tmp_path: Path) -> None:
    other = finished(tmp_path, model="openai/other")
    done = submit([run, other, run], results)
    assert len(done.files) == 6
    assert done.body == run / "pull-request.md"
    text = done.body.read_text()
    assert f"## ` {JUDGE} ` on" in text
    assert "## ` pairwise--openai__other ` on" in text


def test_of_several_runs_one_that_is_refused_stops_all(
    run: Path, results: Path, checked: Checks, tmp_path: Path
) -> None:
    limited = finished(tmp_path, model="openai/other", limit=4)
    with pytest.raises(ValidationError, match="--limit"):
        submit([run, limited], results)
    with pytest.raises(ValidationError, match="--limit") as caught:
        submit([run, limited, tmp_path], results)
    assert len(str(caught.value).splitlines()) == 2
    assert not results.exists()


def test_two_runs_of_one_place_are_refused(run: Path, results: Path, checked: Checks, tmp_path: Path) -> None:
    twice = finished(tmp_path, seed=1)
    with pytest.raises(UsageError, match=f"are both {PLACE}. Submit one of them"):
        submit([run, twice], results)


def test_a_task_with_a_packaged_table_brings_none(results: Path, checked: Checks, tmp_path: Path) -> None:
    submit([finished(tmp_path, task="starter")], results)
    assert sorted(files_of(results)) == [f"{JUDGE}/starter.json", f"{JUDGE}/starter.verdicts.jsonl"]


def test_a_gold_table_that_is_gone_is_made_again(run: Path, results: Path, checked: Checks) -> None:
    before = (run / "gold.csv").read_bytes()
    (run / "gold.csv").unlink()
    submit([run], results)
    assert (results / f"{PLACE}.gold.csv").read_bytes() == before


def test_replies_that_cannot_be_read_again_are_no_refusal_but_said(run: Path, results: Path, checked: Checks) -> None:
    assert submit([run], results).notes == []
    change(run / "manifest.json", lambda manifest: manifest["config"].update(task="gone.jsonl"))
    done = CliRunner().invoke(command, [str(run), "--results", str(results)])
    assert done.exit_code == 0
    assert f"{run}: its replies were not read again, its judgments are taken as they stand: " in done.stderr


def test_null_judges_can_be_submitted(results: Path, checked: Checks, tmp_path: Path) -> None:
    done = evaluate("longest", "verifiable", items=36, runs=str(tmp_path / "runs"))
    text = submit([done.directory], results).body.read_text()
    assert "it is the floor that others are measured against" in text
    assert (results / "longest/verifiable.json").is_file()


# -- a place that is taken ------------------------------------------------------------------------------------------


def test_a_merged_result_never_changes(run: Path, checked: Checks, tmp_path: Path) -> None:
    root = repository(tmp_path)
    submit([run], root / "results")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "result")
    git(root, "push", "--quiet")
    said = refused(run, root / "results", f"{PLACE}.gold.csv is merged already, and merged results never change")
    assert "give its card, or its model, a new name and run eval again" in said


def test_a_committed_result_that_is_not_merged_may_be_submitted_again(
    run: Path, checked: Checks, tmp_path: Path
) -> None:
    root = repository(tmp_path)
    submit([run], root / "results")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "result")
    assert submit([run], root / "results").request is not None


def test_another_file_is_not_overwritten(run: Path, results: Path, checked: Checks) -> None:
    path = results / f"{PLACE}.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    refused(run, results, "holds something else, not merged yet. Move it away", UsageError)


def test_links_are_not_followed(run: Path, results: Path, checked: Checks, tmp_path: Path) -> None:
    results.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (results / JUDGE).symlink_to(tmp_path / "elsewhere")
    refused(run, results, r"leads elsewhere \(a symbolic link\)", UsageError)
    assert not list((tmp_path / "elsewhere").iterdir())


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_paths_and_says_flags(run: Path, results: Path, checked: Checks) -> None:
    done = CliRunner().invoke(command, [str(run), "--results", str(results)], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"gold      {results / PLACE}.gold.csv",
        f"verdicts  {results / PLACE}.verdicts.jsonl",
        f"result    {results / PLACE}.json",
        f"text      {run / 'pull-request.md'}",
    ]
    assert f"results/{PLACE}.json: metrics: flag: far | above `the` best" in done.stderr
    assert "is not in a git repository" in done.stderr


def test_the_command_prints_json(run: Path, checked: Checks, tmp_path: Path) -> None:
    root = repository(tmp_path)
    done = CliRunner().invoke(command, [str(run), "--results", str(root / "results"), "--json"])
    said = json.loads(done.stdout)
    assert said["results"] == [PLACE]
    assert said["report"]["flags"][0]["problem"] == "far | above `the` best"
    assert said["branch"].startswith("submit/pairwise--openai__gpt-4o-mini-verifiable-")
    assert [words[:2] for words in said["commands"]] == [
        ["git", "switch"], ["git", "add"], ["git", "commit"], ["git", "push"], ["gh", "pr"],
    ]  # fmt: skip
    assert said["lines"][0] == f"cd {root}"
    assert said["pull_request"] is None


def test_help_names_what_is_published() -> None:
    text = CliRunner().invoke(command, ["--help"]).output
    assert "no texts" in text
    assert "RUN..." in text


def test_rebuilding_twice_gives_the_same(run: Path) -> None:
    assert rebuild(run).files == rebuild(run).files
