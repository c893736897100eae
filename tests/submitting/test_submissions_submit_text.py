"""The text of a pull request, the command that continues a run, and what must not leave a machine."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factories import files_of
from fakes import submitting
from fakes.submitting import (
    JUDGE,
    PLACE,
    copied,
    finished,
    mostly,
    refused,
    replace_check,
    watch_check,
)
from judgebench import environment
from judgebench.errors import DataError
from judgebench.evaluation import evaluate
from judgebench.leaderboard import data, table
from judgebench.leaderboard.outcomes import outcomes
from judgebench.results import Result
from judgebench.submissions import again, body, leaks
from judgebench.submissions.findings import Finding, Report
from judgebench.submissions.rebuilt import Submission, rebuild
from judgebench.submissions.submit import submit


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    watch_check(monkeypatch)


def of_gold(share: float) -> Callable[[Any], Any]:
    """Return a script that is right for so many of the items, in both orders."""
    return mostly(share, salt="other")


def text_of(run: Path, results: Path) -> str:
    return submit([run], results).body.read_text()


def rows_under(text: str, first: str) -> dict[str, list[str]]:
    """Return the rows of the table whose head begins with `first`, by their first cell."""
    block = next(part for part in text.split("\n\n") if part.startswith(f"| {first} |"))
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()[2:]]
    return {row[0]: row[1:] for row in rows}


# -- what was run ---------------------------------------------------------------------------------------------


def test_the_text_says_what_was_run(made: Path, tmp_path: Path) -> None:
    text = text_of(made, tmp_path / "results")
    result = Result.model_validate_json((made / "result.json").read_bytes())
    facts = rows_under(text, "run")
    assert facts["model"] == ["` openai/gpt-4o-mini `"]
    assert facts["task"] == ["` verifiable `, version 1, 36 items"]
    assert facts["orders, repeats, seed"] == ["both, 1, 0"]
    faults = result.counts.unparsed
    assert faults > 0
    assert facts["judgments"] == [f"72, {72 - faults} with a verdict"]
    assert facts["unreadable"] == [f"{faults}: {faults} unparsed"]
    assert facts["cost"] == ["0.072 USD"]
    assert facts["tokens"] == ["7200 input, 504 output"]
    assert facts["time"] == [f"{result.seconds:g} s"]
    assert submitting.COMMIT in facts["made by"][0]


def test_every_number_has_its_n_interval_and_coverage(made: Path, tmp_path: Path) -> None:
    text = text_of(made, tmp_path / "results")
    result = Result.model_validate_json((made / "result.json").read_bytes())
    metrics = rows_under(text, "metric")
    accuracy = result.metrics["accuracy"]
    assert metrics["**Accuracy**"] == [
        f"{100 * accuracy.value:.1f} %",
        f"{100 * accuracy.low:.1f} to {100 * accuracy.high:.1f} %",
        "36",
        "100.0%",
    ]
    readable = result.metrics["accuracy_of_readable"]
    assert metrics["Of readable"][2:] == [str(readable.n), f"{readable.coverage:.1%}"]
    assert {"Consistency", "Position bias", "Unreadable"} <= set(metrics)


def test_the_command_makes_the_same_run_again(made: Path, tmp_path: Path) -> None:
    from judgebench.cli.eval import command

    (line,) = re.findall(r"```sh\n(.*)\n```", text_of(made, tmp_path / "results"))
    words = line.split()
    assert words[:2] == ["judgebench", "eval"]
    with command.make_context("eval", words[2:]) as context:
        asked = context.params
    assert (asked["judges"], asked["model"], asked["task"], asked["items"]) == (
        ("pairwise",), "openai/gpt-4o-mini", "verifiable", 36,
    )  # fmt: skip


# -- the board -------------------------------------------------------------------------------------------------


def test_the_first_result_of_a_task(made: Path, tmp_path: Path) -> None:
    assert "Rank 1 of 1 by Accuracy. It is the first result of this task." in text_of(made, tmp_path / "results")


def board_of(tmp_path: Path, **shares: float) -> Path:
    results = tmp_path / "results"
    for name, share in shares.items():
        submit([finished(tmp_path, model=f"openai/{name}", script=of_gold(share))], results)
    return results


def test_the_rank_and_the_paired_differences_are_those_of_compare(made: Path, tmp_path: Path) -> None:
    from judgebench.compare import compare

    results = board_of(tmp_path, one=0.5, two=0.9, three=0.1)
    mine = rebuild(made)
    others = {name: rebuild(next((tmp_path / "runs").glob(f"*/*__{name}/*"))) for name in ("one", "two", "three")}
    text = text_of(made, results)
    values = {name: run.result.metrics["accuracy"].value for name, run in others.items()}
    rank = 1 + sum(value > mine.result.metrics["accuracy"].value for value in values.values())
    assert f"Rank {rank} of 4 by Accuracy" in text
    rows = rows_under(text, "against")
    assert 1 <= len(rows) <= 3
    for judge, other_rank, difference, interval, items, p in rows.values():
        name = re.search(r"openai__(\w+)", judge)[1]
        found = compare((mine.gold, mine.rows), (others[name].gold, others[name].rows))
        assert difference.replace("−", "-") == f"{100 * found.difference.value:.1f} points".replace("-0.0", "0.0")
        assert interval.replace("−", "-") == f"{100 * found.difference.low:.1f} to {100 * found.difference.high:.1f}"
        assert (items, p) == ("36", f"{found.p:.4f}")
        assert int(other_rank) == 1 + sum(
            v > values[name] for v in (*values.values(), mine.result.metrics["accuracy"].value)
        )


def test_verdicts_that_are_gone_are_said_so(made: Path, tmp_path: Path) -> None:
    results = board_of(tmp_path, one=0.5)
    submit([made], results)
    board = data.load(results)
    next(results.glob("*one/*.verdicts.jsonl")).write_text("no verdicts\n")
    text = body.markdown([rebuild(made)], board, Report((), ()))
    assert "| – | no verdicts to compare | – | – |" in text


def test_the_rank_is_the_boards_own(made: Path, tmp_path: Path) -> None:
    results = board_of(tmp_path, one=0.5, two=0.9)
    text = text_of(made, results)
    board = data.load(results)
    (task,) = board.tasks
    (row,) = [row for _, row in table.table(task, outcomes(task, board)).rows if row.name == JUDGE]
    assert row.span
    assert f"Rank {row.rank} of 3 by Accuracy; the ranks {row.span} are open." in text


def test_two_runs_of_one_pull_request_are_compared_with_each_other(made: Path, tmp_path: Path) -> None:
    other = finished(tmp_path, model="openai/other", script=of_gold(0.9))
    text = submit([made, other], tmp_path / "results").body.read_text()
    assert text.count("of 2 by Accuracy") == 2
    assert "It is the first result" not in text


def test_a_run_over_other_items_is_not_ranked(tmp_path: Path) -> None:
    results = board_of(tmp_path, one=0.5, two=0.4)
    other = finished(tmp_path, task_seed=7)
    assert "Not ranked. Run over other items than the ranked results" in text_of(other, results)


def test_a_run_in_one_order_is_not_ranked(tmp_path: Path) -> None:
    results = board_of(tmp_path, one=0.5)
    assert "Not ranked. Each pair was shown in one order only" in text_of(finished(tmp_path, orders="first"), results)


def test_a_null_judge_is_the_floor(tmp_path: Path) -> None:
    done = evaluate("longest", "verifiable", items=36, runs=str(tmp_path / "runs"))
    assert "A null judge: it is not ranked" in text_of(done.directory, tmp_path / "results")


def test_a_board_that_is_empty_is_none(made: Path, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    assert "It is the first result of this task" in text_of(made, tmp_path / "results")


def test_a_damaged_board_is_said_and_nothing_lands(made: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "results" / "x" / "y.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    refused(copied(made, tmp_path), tmp_path / "results", "x/y.json: ", DataError)


# -- inert -----------------------------------------------------------------------------------------------------

HOSTILE = "`|x|` <img src=x onerror=alert(1)>\n\n# @everyone [a](http://x) ![b](y) #1 \u202e \x1b[31m ``` ~~~"


def hostile(submission: Submission) -> Submission:
    spec = submission.result.spec
    judge = spec.judge.model_copy(update={"name": HOSTILE, "model": HOSTILE, "revision": HOSTILE, "kind": HOSTILE})
    task = spec.task.model_copy(update={"name": HOSTILE})
    about = submission.result.environment.model_copy(update={"judgebench": HOSTILE, "commit": HOSTILE})
    spec = spec.model_copy(update={"judge": judge, "task": task})
    result = submission.result.model_copy(update={"spec": spec, "environment": about})
    return Submission(submission.run, result, submission.gold, submission.rows, submission.files)


def test_no_string_does_anything_in_the_text(made: Path, tmp_path: Path) -> None:
    report = Report((), (Finding("flag", HOSTILE, HOSTILE, HOSTILE),))
    mine = hostile(rebuild(made))
    other = rebuild(finished(tmp_path, model="openai/other")).result
    judge = other.spec.judge.model_copy(update={"name": HOSTILE * 2})
    spec = other.spec.model_copy(update={"judge": judge, "task": mine.result.spec.task})
    board = data.assemble([mine.result, other.model_copy(update={"spec": spec, "spec_sha256": "1" * 64})])
    text = body.markdown([mine], board, report)
    assert "| against |" in text
    assert "onerror" in text
    outside = re.sub(r"` [^`\n]* `", "", text).replace("`judgebench submit`", "")
    for mark in ("onerror", "@everyone", "http", "![", "#1", "\u202e", "\x1b", "`"):
        assert mark not in outside, mark
    assert "\u202e" not in text
    assert "\x1b" not in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.count("|") in (3, 6, 8), line


def test_a_command_cannot_leave_its_block() -> None:
    block = body._block("judgebench eval --judge 'a```b````c'")
    assert block.startswith("`````sh\n")
    assert block.endswith("\n`````")


def test_flags_are_listed(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = (Finding("flag", "results/a.json", "metrics", "far above"), Finding("flag", "results/b.json", "", "odd"))
    replace_check(monkeypatch, lambda results, paths: Report(("x",), flags))
    text = text_of(made, tmp_path / "results")
    assert "- ` results/a.json ` ` metrics `: ` far above `\n- ` results/b.json `: ` odd `" in text


def test_without_flags_there_are_none(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_check(monkeypatch, lambda results, paths: Report(("x",), ()))
    assert "## Flags\n\nNone.\n" in text_of(made, tmp_path / "results")


# -- the command that continues a run -----------------------------------------------------------------------------


def test_a_run_without_its_configuration_has_no_command() -> None:
    assert again.command(None) is None
    assert again.command({"judge": "j", "task": "t", "of_tomorrow": 1}) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ""),
        ({"categories": ("a b", "-x")}, "--category 'a b' --category=-x"),
        ({"limit": 4, "orders": "first", "repeats": 2, "seed": -1}, "--limit 4 --orders first --repeats 2 --seed=-1"),
        ({"task_seed": 3, "difficulty": (1, 3), "items": 8}, "--task-seed 3 --difficulty 1-3 --items 8"),
        ({"cache": False, "batch": True, "trust_remote_code": True}, "--no-cache --batch --trust-remote-code"),
        ({"options": {"a": 1, "b": "x y"}}, "--backend-option a=1 --backend-option 'b=x y'"),
        ({"sampling": {"temperature": 0.5, "max_tokens": 9}}, "--temperature 0.5 --max-tokens 9"),
        ({"engine": "ray", "workers": (2, 4), "worker_gpus": 0.5}, "--engine ray --workers 2-4 --worker-gpus 0.5"),
        ({"data": "$(rm -rf x).jsonl", "runs": "my runs"}, "--data '$(rm -rf x).jsonl' --runs 'my runs'"),
    ],
)
def test_the_command_says_every_option_and_eval_takes_it(options: dict[str, Any], words: str) -> None:
    import shlex

    from judgebench.cli.eval import command

    line = again.command({"judge": "j", "task": "t"} | options)
    assert line == f"judgebench eval --judge j --task t {words}".rstrip()
    with command.make_context("eval", shlex.split(line)[2:]) as context:
        assert context.params["judges"] == ("j",)


def test_sampling_that_no_option_sets_has_no_command() -> None:
    assert again.command({"judge": "j", "task": "t", "sampling": {"top_p": 0.5}}) is None


# -- what must not leave ------------------------------------------------------------------------------------------

LEAKS = {
    "/abs/x": "folder", "~/x": "folder", "../x": "folder", "openai//home/me/m": "folder", "transformers/./m": "folder",
    "C:\\Users\\me": "folder", "\\\\server\\share": "folder", "file:///x": "folder", "at /mnt/disk/x": "folder",
    "http://localhost:8000/v1": "server", "https://10.1.2.3/v1": "server", "http://gpu7:8000": "server",
    "https://user:word@example.org/": "server", "http://box.internal/v1": "server", "http://[::1]/": "server",
    "sk-0123456789abcdef0123": "key", "hf_abcdefghijklmnopqrstuv": "key", "ghp_abcdefghijklmnopqrstuv": "key",
    "AKIAABCDEFGHIJKLMNOP": "key", "Bearer abcdefghijklmnop": "key", "-----BEGIN PRIVATE KEY": "key",
    "prefix my-own-password suffix": "key",
}  # fmt: skip


def with_model(made: Path, model: str) -> Result:
    result = Result.model_validate_json((made / "result.json").read_bytes())
    judge = result.spec.judge.model_copy(update={"params": {"x": [{"y": model}]}})
    return result.model_copy(update={"spec": result.spec.model_copy(update={"judge": judge})})


@pytest.mark.parametrize("value", LEAKS)
def test_what_must_not_leave_is_found_wherever_it_stands(
    value: str, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", "my-own-password")
    (found,) = leaks.leaks(with_model(made, value))
    assert found.startswith("spec.judge.params.x.0.y ")
    assert found.endswith(LEAKS[value]) or LEAKS[value] in found


@pytest.mark.parametrize(
    "value",
    ["openai/gpt-4o", "Qwen/Qwen2.5-7B-Instruct", "nvidia/data/x", "https://api.openai.com/v1", "auto", "a/b/c", "1.5",
     "seed=0 items=72 levels=1,2 generators=arithmetic:1,zebra:2", "https://github.com/a/b", "N/A", "bf16 / fp8"],
)  # fmt: skip
def test_what_may_leave(value: str, made: Path) -> None:
    assert list(leaks.leaks(with_model(made, value))) == []


def test_a_key_of_a_mapping_counts_too(made: Path) -> None:
    result = with_model(made, "x")
    judge = result.spec.judge.model_copy(update={"params": {"/home/me/x": 1}})
    result = result.model_copy(update={"spec": result.spec.model_copy(update={"judge": judge})})
    assert list(leaks.leaks(result)) == ["spec.judge.params names a folder of this machine"]


def test_published_results_hold_nothing_of_the_kind() -> None:
    root = Path(__file__).parent.parent.parent / "results"
    paths = sorted(root.glob("*/*.json"))
    assert len(paths) > 20
    for path in paths:
        assert list(leaks.leaks(Result.model_validate_json(path.read_bytes()))) == []


# -- the environment -----------------------------------------------------------------------------------------------


def test_the_commit_says_whether_code_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    clean = submitting.repository(tmp_path)
    (clean / "judgebench").mkdir()
    monkeypatch.setattr(environment, "__file__", str(clean / "judgebench" / "environment.py"))
    commit = submitting.git(clean, "rev-parse", "HEAD")
    (clean / "notes.txt").write_text("not code\n")
    assert environment._commit.__wrapped__() == commit
    (clean / "judgebench" / "new.py").write_text("changed = True\n")
    assert environment._commit.__wrapped__() == f"{commit}-dirty"


def test_an_installed_package_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "judgebench" / "environment.py"))
    assert environment._commit.__wrapped__() is None


def test_the_text_lies_beside_the_run(made: Path, tmp_path: Path) -> None:
    run = copied(made, tmp_path)
    done = submit([run], tmp_path / "results")
    assert done.body.read_text().startswith(f"## ` {JUDGE} ` on ` verifiable `\n")
    assert f"{PLACE}.json" in files_of(tmp_path / "results")


# -- the guide -----------------------------------------------------------------------------------------------------


def test_the_guides_lines_are_lines_that_judgebench_takes() -> None:
    import shlex

    from judgebench.cli import cli

    text = (Path(__file__).parent.parent.parent / "docs" / "submitting.md").read_text("utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert [words[1] for words in lines] == ["eval", "submit", "submit"]
    for words in lines:
        with cli.make_context("judgebench", words[1:]) as context:
            _, command, rest = cli.resolve_command(context, words[1:])
            with command.make_context(words[1], rest) as inner:
                assert inner.params
