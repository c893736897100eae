"""Every run that `judgebench submit` refuses, with its line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from factories import write_pairs
from fakes import submitting
from fakes.submitting import MODEL, Checks, change, finished, refused
from judgebench import environment
from judgebench.errors import Incomplete, RunError
from judgebench.evaluation import evaluate

# -- refusals -------------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_run(tmp_path: Path, results: Path, checked: Checks) -> None:
    refused(tmp_path, results, "is not a run directory: it has no manifest.json", RunError)


def test_a_limited_run(results: Path, checked: Checks, tmp_path: Path) -> None:
    run = finished(tmp_path, limit=4)
    said = refused(run, results, r"judged a part of verifiable only \(--limit\); the board takes whole tasks")
    assert f"Type: judgebench eval --judge pairwise --model {MODEL} --task verifiable" in said
    assert "--limit 4" not in said


@pytest.mark.parametrize("config", [None, [], {"of": "tomorrow"}])
def test_a_run_that_does_not_say_how_it_was_called(config: Any, results: Path, checked: Checks, tmp_path: Path) -> None:
    run = finished(tmp_path, limit=4)
    change(run / "manifest.json", lambda manifest: manifest.update(config=config))
    refused(run, results, "Type: judgebench eval without it$")


def test_a_run_of_one_category(results: Path, checked: Checks, tmp_path: Path) -> None:
    said = refused(finished(tmp_path, categories=("math",)), results, r"only \(--category\)")
    assert "--category math" not in said


def test_a_demonstration(results: Path, checked: Checks, tmp_path: Path) -> None:
    run = finished(tmp_path, model="scripted/demo")
    refused(run, results, "is a demonstration: nothing was judged. Type: judgebench eval")


def test_an_unfinished_run_says_how_to_go_on(results: Path, checked: Checks, tmp_path: Path) -> None:
    run = finished(tmp_path)
    (run / "result.json").unlink()
    said = refused(run, results, "is not finished: 72 judgments so far. To continue, type: ", Incomplete)
    assert said.endswith(
        f"judgebench eval --judge pairwise --model {MODEL} --task verifiable --items 36 --runs {run.parents[2]} --no-cache"
    )
    (run / "journal.jsonl").unlink()
    refused(run, results, "0 judgments so far", Incomplete)


def test_what_the_unfinished_run_says_finishes_it(results: Path, checked: Checks, tmp_path: Path) -> None:
    """The command that a refusal names runs, and finds the run finished."""
    from judgebench.cli import cli

    run = finished(tmp_path)
    before = (run / "result.json").read_bytes()
    (run / "result.json").unlink()
    line = refused(run, results, "To continue", Incomplete).partition("type: judgebench ")[2]
    done = CliRunner().invoke(cli, line.split(), env={"OPENAI_API_KEY": "none"}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    again, old = json.loads((run / "result.json").read_bytes()), json.loads(before)
    assert (again["metrics"], again["verdicts"]) == (old["metrics"], old["verdicts"])


def test_a_function_as_judge(results: Path, checked: Checks, tmp_path: Path) -> None:
    done = evaluate(lambda question, a, b: "A", "verifiable", items=36, runs=str(tmp_path / "runs"))
    refused(done.directory, results, "is a function, which nobody else can run. Make it a judge with a card")


def own_card(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


def test_a_judge_whose_card_nobody_has(results: Path, checked: Checks, tmp_path: Path) -> None:
    card = own_card(tmp_path, "name: mine\nfamily: pairwise\nkind: prompted\nprompts: {user: pairwise.j2}\n")
    run = finished(tmp_path, judge=card)
    said = refused(run, results, "no card of judge mine--openai__gpt-4o-mini is installed. Contribute it first")
    assert "judgebench/judges/cards/mine.yaml; once that is merged, submit this run again" in said


def test_another_judge_under_an_installed_name(results: Path, checked: Checks, tmp_path: Path) -> None:
    card = own_card(tmp_path, "name: pairwise\nfamily: shortest\nkind: 'null'\n")
    done = evaluate(card, "verifiable", items=36, runs=str(tmp_path / "runs"))
    refused(done.directory, results, r"the installed card pairwise is another judge \(pairwise, not shortest\)")


def test_a_task_whose_card_nobody_has(results: Path, checked: Checks, tmp_path: Path) -> None:
    run = finished(tmp_path, task=str(write_pairs(tmp_path / "pairs.jsonl", 8)))
    refused(run, results, "no card of task pairs is installed. Contribute it first")


@pytest.mark.parametrize("name", ["con", "nul.txt", "aux"])
def test_names_that_are_no_paths(name: str, results: Path, checked: Checks, tmp_path: Path) -> None:
    card = own_card(tmp_path, f"name: {name}\nfamily: longest\nkind: 'null'\n")
    done = evaluate(card, "verifiable", items=36, runs=str(tmp_path / "runs"))
    refused(done.directory, results, f"the judge's name '{name}' is not safe as a path; rename its card")


def test_modified_code(results: Path, checked: Checks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_commit", lambda: f"{submitting.COMMIT}-dirty")
    said = refused(finished(tmp_path), results, "was made by modified code: commit 0{40}-dirty has changes")
    assert "Commit or stash them and run eval again" in said


def test_a_result_that_does_not_say_what_it_ran_on(run: Path, results: Path, checked: Checks) -> None:
    change(run / "result.json", lambda result: result.update(environment=None))
    refused(run, results, r"does not say what it ran on \(environment\). Run eval again")


# -- what must not leave ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("/home/me/checkpoints/7b", "names a folder of this machine"),
        ("http://gpu7:8000/v1", "names a private server"),
        ("sk-proj-0123456789abcdef0123", "holds what looks like a key"),
    ],
)
def test_what_must_not_leave(value: str, what: str, run: Path, results: Path, checked: Checks) -> None:
    change(run / "result.json", lambda result: result["environment"]["backend"].update(note=value))
    said = refused(run, results, f"environment.backend.note {what}, which would be published")
    assert value not in said


def test_a_model_that_is_a_folder(results: Path, checked: Checks, tmp_path: Path) -> None:
    run = finished(tmp_path, model="openai//home/me/ckpt")
    refused(run, results, "spec.judge.model names a folder of this machine")


# -- changed by hand -------------------------------------------------------------------------------------------


def set_accuracy(result: Any) -> None:
    result["metrics"]["accuracy"]["value"] += 0.1


EDITS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a metric": (set_accuracy, r"metrics.accuracy.value is 0\.\d+, the journal gives 0\.\d+"),
    "the seventh digit": (
        lambda result: result["metrics"]["accuracy"].update(value=result["metrics"]["accuracy"]["value"] + 1e-7),
        "metrics.accuracy.value is",
    ),
    "a category": (
        lambda result: result["by_category"].pop("math"),
        "by_category.math is absent, the journal gives",
    ),
    "counts": (lambda result: result["counts"].update(verdicts=72, unparsed=0), "counts.unparsed is 0"),
    "cost": (lambda result: result.update(cost=0.0), "cost is 0.0, the journal gives 0.072"),
    "tokens": (lambda result: result["usage"].update(output=1), "usage.output is 1, the journal gives 504"),
    "evidence": (lambda result: result.update(evidence="reproduced"), "evidence is reproduced"),
    "the judge": (lambda result: result["spec"]["judge"].update(revision="r2"), "spec.judge.revision is r2"),
    "the hash": (lambda result: result.update(spec_sha256="0" * 64), "spec_sha256 is 0000"),
    "verdicts": (lambda result: result["verdicts"].update(rows=71), "verdicts.rows is 71"),
    "a source": (lambda result: result.update(source={"file": "x"}), "source.file is x, the journal gives absent"),
    "a mark": (lambda result: result.update(demonstration=True), "demonstration is True"),
    "the version": (lambda result: result.update(schema_version=2), "schema_version is 2"),
    "many": (lambda result: result.update(metrics={}), "and [0-9]+ more"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_result_changed_by_hand(edit: str, run: Path, results: Path, checked: Checks) -> None:
    changed, said = EDITS[edit]
    change(run / "result.json", changed)
    line = refused(run, results, said)
    assert "is not what the journal gives" in line
    assert "remove result.json and type: judgebench eval" in line
    assert checked == []


def test_a_result_of_another_version_says_so(run: Path, results: Path, checked: Checks) -> None:
    change(run / "result.json", lambda result: (result["environment"].update(judgebench="0.0.9"), set_accuracy(result)))
    refused(run, results, r"\(written by judgebench 0.0.9, this is ")


@pytest.mark.parametrize("field", ["extra", "metrics"])
def test_a_result_that_is_none(field: str, run: Path, results: Path, checked: Checks) -> None:
    change(run / "result.json", lambda result: result.update({field: 1}))
    refused(run, results, f"result.json does not fit: {field}: .*Remove it and run the same eval again")


def test_a_metric_that_is_no_number(run: Path, results: Path, checked: Checks) -> None:
    text = (run / "result.json").read_text()
    (run / "result.json").write_text(text.replace('"cost": 0.072', '"cost": NaN'))
    refused(run, results, "does not fit: ")


def journal(run: Path, edit: Callable[[list[dict[str, Any]]], Any]) -> None:
    path = run / "journal.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    edit(lines)
    path.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))


def judgments_of(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == "judgment" and "verdict" in line["judgment"]]


def flip(lines: list[dict[str, Any]]) -> None:
    verdict = judgments_of(lines)[0]["judgment"]["verdict"]
    verdict["preference"] = {"A>B": "B>A", "B>A": "A>B"}[verdict["preference"]]


def test_a_flipped_verdict_in_the_journal(run: Path, results: Path, checked: Checks) -> None:
    journal(run, flip)
    refused(run, results, "result.json is not what the journal gives: ")


def test_a_dropped_verdict_in_the_journal(run: Path, results: Path, checked: Checks) -> None:
    journal(run, lambda lines: lines.remove(judgments_of(lines)[0]))
    refused(run, results, "counts.trials is 72, the journal gives 71")


def test_a_judgment_of_another_trial(run: Path, results: Path, checked: Checks) -> None:
    journal(run, lambda lines: judgments_of(lines)[0]["judgment"]["trial"].update(repeat=1))
    refused(run, results, "journal.jsonl was changed: the judgment of trial [0-9a-f]{16} is of another trial")


def test_a_damaged_judgment(run: Path, results: Path, checked: Checks) -> None:
    journal(run, lambda lines: judgments_of(lines)[0].update(judgment={"verdict": 1}))
    refused(run, results, "the judgment of trial [0-9a-f]{16} is damaged. Restore the file")


def finish_again(run: Path, patch: pytest.MonkeyPatch) -> None:
    """Let eval write the result of a changed journal."""
    patch.setenv("OPENAI_API_KEY", "none")
    (run / "result.json").unlink()
    evaluate("pairwise", "verifiable", model=MODEL, items=36, runs=str(run.parents[2]), cache=False)


def test_a_journal_changed_by_hand_and_finished_again(
    results: Path, checked: Checks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Result and journal agree then; the recorded replies still say what was said."""
    run = finished(tmp_path)
    journal(run, flip)
    finish_again(run, monkeypatch)
    line = refused(run, results, "journal.jsonl: 1 judgments are not what the recorded replies say, first ")
    assert re.search(r"A>B → B>A|B>A → A>B", line)
    assert f"judgebench rescore {run} --save" in line


def test_a_parser_that_changed_is_told_from_a_hand(
    run: Path, results: Path, checked: Checks, monkeypatch: pytest.MonkeyPatch
) -> None:
    from judgebench.judges import pairwise

    strict = pairwise.parse
    monkeypatch.setattr(pairwise, "parse", lambda text: strict(text.replace("no verdict", "Verdict: A")))
    refused(run, results, "unparsed → A>B. If the parser has changed since, type: judgebench rescore")


def test_a_damaged_line(run: Path, results: Path, checked: Checks) -> None:
    path = run / "journal.jsonl"
    path.write_bytes(b"{}\n" + path.read_bytes())
    refused(run, results, "journal.jsonl:1 is damaged", RunError)


def test_verdicts_changed_by_hand(run: Path, results: Path, checked: Checks) -> None:
    path = run / "verdicts.jsonl"
    path.write_bytes(path.read_bytes().replace(b"A>B", b"B>A", 1))
    refused(run, results, "verdicts.jsonl is not what the journal gives. Remove it and result.json")
    path.unlink()
    refused(run, results, "verdicts.jsonl is not what the journal gives")


def test_a_manifest_changed_by_hand(run: Path, results: Path, checked: Checks) -> None:
    change(run / "manifest.json", lambda manifest: manifest["spec"]["judge"].update(model="openai/better"))
    refused(run, results, "manifest.json was changed: spec_sha256 is not the hash of spec")
    change(run / "manifest.json", lambda manifest: manifest["spec"].update(orders="some"))
    refused(run, results, "manifest.json is damaged: orders: ", RunError)


def test_another_gold_table(run: Path, results: Path, checked: Checks) -> None:
    path = run / "gold.csv"
    path.write_bytes(path.read_bytes().replace(b"A>B", b"B>A", 1))
    refused(run, results, "gold.csv is not the gold table of this run, whose hash is [0-9a-f]{16}…. Remove it")


def test_a_dataset_that_is_gone(run: Path, results: Path, checked: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "gold.csv").unlink()
    change(run / "manifest.json", lambda manifest: manifest["config"].update(data="gone.jsonl"))
    said = refused(run, results, "the gold table of verifiable is needed and its dataset cannot be read")
    assert "Set JUDGEBENCH_DATA to the folder" in said
