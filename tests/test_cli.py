import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factories import pair_row, write_pairs
from fakes.servers import Answer, anthropic_server, openai_server
from judgebench.cli import COMMANDS
from judgebench.version import VERSION


def judgebench(*arguments: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "judgebench", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=os.environ | env, timeout=120, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs.jsonl", 8)
    return tmp_path


# -- help and mistakes -------------------------------------------------------------------------------------


def test_help_lists_every_command(tmp_path: Path) -> None:
    done = judgebench("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name, (_, line) in COMMANDS.items():
        assert name in done.stdout
        assert line in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    done = judgebench(command, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_version(tmp_path: Path) -> None:
    assert judgebench("--version", cwd=tmp_path).stdout.strip().endswith(VERSION)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evla"], "unknown command 'evla'. Did you mean eval?"),
        (["eval", "--judge", "longst"], "unknown judge 'longst'. Did you mean longest"),
        (["eval", "--task", "startr", "--judge", "longest"], "unknown task 'startr'. Did you mean starter"),
        (["eval", "--judge", "pairwise"], "Type: --model provider/name"),
        (
            ["eval", "--judge", "pairwise", "--model", "opnai/x"],
            "unknown backend 'opnai'. Did you mean openai",
        ),
        (["eval", "--judge", "pairwise", "--model", "openai/x"], "OPENAI_API_KEY"),
        (["eval", "--judge", "longest", "--limit", "0"], "0 is not in the range"),
        (
            ["eval", "--judge", "longest", "--category", "maths"],
            "unknown category 'maths'. Did you mean math",
        ),
        (["eval", "--task", "starter", "--judge", "longest", "--data", "no.jsonl"], "no such data file: no.jsonl"),
        (
            ["eval", "--judge", "longest", "--data", "no.jsonl"],
            "is generated: it has no --data. To judge a file of pairs: --task no.jsonl",
        ),
        (["eval", "--judge", "mine.yaml"], "cannot read judge card mine.yaml"),
        (["eval", "--nonsense"], "--nonsense"),
        (["show", "run", "nowhere"], "nowhere is not a run directory"),
        (["import", "nonsense", "x"], "unknown kind of import 'nonsense'"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = judgebench(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert message in last
    assert last.startswith("judgebench: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_every_bad_row_is_named_and_nothing_is_judged(tmp_path: Path) -> None:
    rows = [json.dumps(pair_row(0)), "{not json", json.dumps(pair_row(2, label="?")), json.dumps(pair_row(0))]
    (tmp_path / "bad.jsonl").write_text("\n".join(rows) + "\n")
    done = judgebench("eval", "--task", "bad.jsonl", "--judge", "longest", cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert [line.partition("bad.jsonl:")[2][:2] for line in lines] == ["2:", "3:", "4:"]
    assert not (tmp_path / "runs").exists()


# -- eval ------------------------------------------------------------------------------------------------


def test_eval_alone_runs_the_null_judges_and_the_demonstration(tmp_path: Path) -> None:
    done = judgebench("eval", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in (
        "always-first",
        "random",
        "longest",
        "equations",
        "pairwise--scripted__demo (demonstration)",
    ):
        assert name in done.stdout
    assert "its verdicts mean nothing" in done.stderr
    page = Path(tmp_path / done.stdout.strip().splitlines()[-1].split()[-1])
    assert page.read_text("utf-8").lstrip().startswith("<!doctype html>")
    results = [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("result ")]
    assert len(results) == 7
    assert all((tmp_path / path).is_file() for path in results)


def test_eval_again_is_done_at_once_and_says_the_same(folder: Path) -> None:
    first = judgebench("eval", "--task", "pairs.jsonl", "--judge", "longest", cwd=folder)
    again = judgebench("eval", "--task", "pairs.jsonl", "--judge", "longest", cwd=folder)
    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout == again.stdout


def test_json_is_data_on_stdout_and_chatter_is_not(folder: Path) -> None:
    done = judgebench("eval", "--task", "pairs.jsonl", "--judge", "always-first", "--json", cwd=folder)
    (result,) = json.loads(done.stdout)
    accuracy = result["metrics"]["accuracy"]
    assert accuracy["value"] == 0.0
    assert accuracy["n"] == 8
    assert accuracy["low"] == 0.0 < accuracy["high"] < 0.6
    assert result["metrics"]["position_bias"]["value"] == 1.0
    assert "always-first on pairs" in done.stderr


def test_the_official_split_gives_the_known_floors(shared_data: Path, tmp_path: Path) -> None:
    path = next((shared_data / "judgebench" / "pairs").glob("*gpt-4o*"))
    done = judgebench(
        "eval", "--task", "judgebench", "--split", "gpt", "--data", path, "--judge", "always-first", "--judge", "longest",
        "--json", cwd=tmp_path,
    )  # fmt: skip
    first, longest = json.loads(done.stdout)
    assert first["metrics"]["accuracy"]["value"] == 0
    assert first["metrics"]["position_bias"]["value"] == 1
    assert first["metrics"]["bias_first"]["value"] == 1
    assert round(100 * first["metrics"]["accuracy_first_order"]["value"], 2) == 55.14
    assert longest["metrics"]["accuracy"]["value"] == 161 / 350


def test_a_dry_run_asks_nothing_and_estimates(folder: Path) -> None:
    arguments = [
        "eval",
        "--task",
        "pairs.jsonl",
        "--judge",
        "pairwise",
        "--model",
        "openai/gpt-4o-mini",
        "--dry-run",
    ]
    done = judgebench(*arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "16 judgments of 8 items, 16 requests, about " in done.stdout
    (estimate,) = json.loads(judgebench(*arguments, "--json", cwd=folder).stdout)
    assert estimate["requests"] == 16
    assert estimate["input_tokens"] > 16 * 100
    assert 0 < estimate["cost"] < 1
    assert not (folder / "runs").exists()


def test_a_dry_run_of_an_unpriced_model_says_unknown_not_zero(folder: Path) -> None:
    done = judgebench(
        "eval",
        "--task",
        "pairs.jsonl",
        "--judge",
        "pairwise",
        "--model",
        "openai/strange",
        "--dry-run",
        cwd=folder,
    )
    assert "cost unknown" in done.stdout


def test_a_server_of_ones_own_is_asked_for_real(folder: Path) -> None:
    with openai_server("Because.\nVerdict: B") as server:
        done = judgebench("eval", "--task", "pairs.jsonl", "--base-url", server.url, cwd=folder)
        assert done.returncode == 0, done.stderr
        chats = [r for r in server.requests if r.path.endswith("/chat/completions")]
    assert "pairwise--openai__m" in done.stdout
    assert "demonstration" not in done.stdout
    assert len(chats) == 16


def test_the_anthropic_path_runs_against_its_protocol(folder: Path) -> None:
    with anthropic_server("Because.\nVerdict: A", key="k") as server:
        done = judgebench(
            "eval", "--task", "pairs.jsonl", "--judge", "pairwise", "--model", "anthropic/claude-x", "--base-url", server.url,
            "--json", cwd=folder, ANTHROPIC_API_KEY="k",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert len(server.requests) == 16
        assert all(r.path == "/v1/messages" and r.body["max_tokens"] > 0 for r in server.requests)
    (result,) = json.loads(done.stdout)
    assert result["metrics"]["bias_first"]["value"] == 1.0
    assert result["usage"]["output"] > 0


def test_a_wrong_key_stops_at_once_with_one_line(folder: Path) -> None:
    with openai_server(key="right") as server:
        done = judgebench(
            "eval", "--task", "pairs.jsonl", "--judge", "pairwise", "--model", "openai/m", "--base-url", server.url,
            "--concurrency", "1", cwd=folder, OPENAI_API_KEY="wrong",
        )  # fmt: skip
        assert len(server.requests) == 1
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 2


def test_a_storm_that_ends_changes_nothing(folder: Path) -> None:
    with openai_server("Verdict: A") as server:
        server.push(Answer(429, headers={"retry-after-ms": "10"}), Answer(503), Answer(cut=10), Answer(200, body="{"))
        done = judgebench("eval", "--task", "pairs.jsonl", "--judge", "pairwise", "--model", "openai/m", "--base-url",
                          server.url, "--json", cwd=folder)  # fmt: skip
    (result,) = json.loads(done.stdout)
    assert result["counts"]["verdicts"] == 16


# -- the other commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["judges", "tasks"])
def test_lists_come_as_table_and_json(what: str, tmp_path: Path) -> None:
    table, as_json = judgebench("list", what, cwd=tmp_path), judgebench("list", what, "--json", cwd=tmp_path)
    names = {entry["name"] for entry in json.loads(as_json.stdout)}
    assert names
    assert all(name in table.stdout for name in names)


def test_show_judge_and_task(tmp_path: Path) -> None:
    assert "family: arena-hard" in judgebench("show", "judge", "arena-hard", cwd=tmp_path).stdout
    portrait = json.loads(judgebench("show", "task", "judgebench", "--split", "claude", "--json", cwd=tmp_path).stdout)
    assert (portrait["items"], portrait["labels"]) == (270, {"A>B": 143, "B>A": 127})
    assert portrait["items_by_category"] == {"coding": 31, "knowledge": 154, "math": 34, "reasoning": 51}
    starter = json.loads(judgebench("show", "task", "starter", "--json", cwd=tmp_path).stdout)
    assert starter["sample"]["turns"][0]["role"] == "user"
    assert starter["null_judges"]["always-first"] == 0.0
    assert starter["null_judges"]["longest"] == starter["longer_is_right"]["longer"] / 48


def test_show_run_lists_the_unreadable_and_the_flipped(folder: Path) -> None:
    with openai_server(lambda body: "\x1b[31mno idea" if "What is 3" in str(body) else "Verdict: A") as server:
        done = judgebench("eval", "--task", "pairs.jsonl", "--judge", "pairwise", "--model", "openai/m", "--base-url",
                          server.url, "--json", cwd=folder)  # fmt: skip
    directory = json.loads(done.stdout)[0]["directory"]
    shown = judgebench("show", "run", directory, "--only", "unreadable", cwd=folder).stdout
    assert shown.count("unparsed: ") == 2
    assert "no idea" in shown
    assert "\x1b" not in shown
    flipped = judgebench("show", "run", directory, "--only", "flipped", "--json", cwd=folder).stdout
    assert flipped.count('"trial"') == 14


def test_import_prints_every_metric_with_n_and_interval(shared_data: Path, tmp_path: Path) -> None:
    path = next((shared_data / "judgebench" / "outputs").glob("*o1-mini*"))
    done = judgebench("import", "judgebench-outputs", path, "--json", cwd=tmp_path)
    (imported,) = json.loads(done.stdout)
    assert round(100 * imported["metrics"]["accuracy"]["value"], 2) == 65.71
    for metric in imported["metrics"].values():
        assert {"value", "n", "low", "high", "coverage"} == set(metric)
    assert (tmp_path / imported["path"]).is_file()


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m judgebench list judges --json | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("[")
