"""`judgebench pairs` as it is typed; and live, with a tiny local model as sampler."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from fakes.pairs import answer, make, sums, write_rows, write_source
from fakes.servers import openai_server
from fakes.tiny_models import make_tiny
from judgebench.cli import cli, main
from judgebench.errors import UsageError, ValidationError


def run(*words: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["pairs", *words], catch_exceptions=False, **options)


def say(body: Any) -> str:
    return answer(str(2 * int(body["messages"][0]["content"].split()[2]) + body["seed"] % 2))


def typed(folder: Path, *more: str, count: int = 4) -> list[str]:
    source, data = write_source(folder, sums(count))
    return ["build", source, "--data", data, "--out", str(folder / "out"), *more]


def test_build_then_check_then_eval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with openai_server(say) as server:
        words = typed(tmp_path, "--model", "openai/m", "--base-url", server.url, "--k", "2", "--sampling-seed", "0")
        built = run(*words, "--name", "My Sums")
        assert built.exit_code == 0
        assert built.stdout.splitlines() == [
            "4 pairs of 4 questions",
            *(str(tmp_path / "out" / name) for name in ("my-sums.yaml", "my-sums.jsonl", "datasheet.md")),
        ]
        assert "4 questions of sums" in built.stderr
        assert "8 of 8 responses graded now, the others before" in built.stderr
        again = json.loads(run(*words, "--name", "My Sums", "--json").stdout)
        assert len(server.requests) == 8
    assert (again["pairs"], again["outcomes"]) == (4, {"right": 4, "wrong": 4})
    assert again["card"] == str(tmp_path / "out" / "my-sums.yaml")
    checked = run("check", str(tmp_path / "out"))
    assert checked.stdout == "4 pairs: as promised (8 responses graded again)\n"
    assert json.loads(run("check", str(tmp_path / "out"), "--json").stdout)["findings"] == []
    judged = CliRunner().invoke(
        cli, ["eval", "--judge", "longest", "--task", again["card"], "--runs", str(tmp_path / "runs"), "--json"]
    )
    assert json.loads(judged.stdout)[0]["counts"]["items"] == 4
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or b"sk-secret" not in path.read_bytes()


def test_every_option_reaches_the_build(tmp_path: Path) -> None:
    lines = [{"question": f"q{n}", "text": answer(text), "model": "m"} for n in range(4) for text in (str(2 * n), "99")]
    said = write_rows(tmp_path / "said.jsonl", lines)
    words = typed(tmp_path, "--responses", str(said), "--limit", "2", "--seed", "3", "--grade-with", "local", "--json")
    assert json.loads(run(*words).stdout)["pairs"] == 2


def test_a_dry_run_counts_and_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with openai_server(say) as server:
        own = ("--model", "openai/m", "--base-url", server.url, "--sampling-seed", "0")
        words = typed(tmp_path, *own, "--k", "3", "--max-tokens", "10")
        shown = run(*words, "--dry-run").stdout
        assert "4 questions, 12 requests left, about 129 tokens in, at most 120 out; cost unknown" in shown
        assert server.requests == []
        run(*words, "--limit", "1")
        left = json.loads(run(*words, "--dry-run", "--json").stdout)
    assert (left["questions"], left["requests"], left["cost"]) == (4, 9, None)
    priced = typed(tmp_path / "other", "--model", "openai/gpt-4o-mini", "--max-tokens", "1000", "--dry-run")
    assert "4 questions, 64 requests left" in (shown := run(*priced).stdout)
    assert "cost at most $0.04" in shown


def test_without_pairs_it_says_why(tmp_path: Path) -> None:
    said = write_rows(tmp_path / "said.jsonl", [{"question": "q0", "text": "who knows", "model": "m"}])
    shown = run(*typed(tmp_path, "--responses", str(said))).stdout.splitlines()
    assert shown == [
        "0 pairs of 4 questions",
        "  3 questions without one: no response at all",
        "  1 questions without one: no response could be graded",
        str(tmp_path / "out" / "datasheet.md"),
    ]


def test_check_ends_with_1_and_prints_what_it_found(tmp_path: Path) -> None:
    make(tmp_path, lambda q, s: answer(str(2 * int(q.split()[2]) + s % 2)), sums(2), k=2)
    data = tmp_path / "out" / "out.jsonl"
    data.write_text(data.read_text("utf-8").replace("it is.", "it was."), "utf-8")
    outcome = CliRunner().invoke(cli, ["pairs", "check", str(data)])
    assert isinstance(outcome.exception, ValidationError)
    assert outcome.exception.exit_code == 1
    assert str(outcome.exception).startswith("5 findings in 2 pairs of")
    assert "the right response is not the one that was graded" in outcome.stdout
    as_json = CliRunner().invoke(cli, ["pairs", "check", str(data), "--json"])
    assert len(json.loads(as_json.stdout)["findings"]) == 5


def test_sources_are_listed() -> None:
    rows = run("sources").stdout.splitlines()
    assert rows[0].split() == ["source", "from", "licence", "what"]
    assert any(row.startswith("mmlu-pro") and " hub " in row and " MIT " in row for row in rows)
    assert {card["name"] for card in json.loads(run("sources", "--json").stdout)} >= {"gsm8k", "livebench-math"}


def test_help_imports_no_command_and_misspelt_ones_are_guessed(
    capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    assert "Build pairs from a source" in run("--help").stdout
    monkeypatch.setattr("sys.argv", ["judgebench", "pairs", "biuld"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert "unknown command 'biuld'. Did you mean build?" in capsys.readouterr().err


def test_a_wrong_word_is_one_line(tmp_path: Path) -> None:
    wrong = CliRunner().invoke(cli, ["pairs", "build", "mmlu-por", "--model", "scripted/demo", "--out", str(tmp_path)])
    assert isinstance(wrong.exception, UsageError)
    assert str(wrong.exception) == "unknown source 'mmlu-por'. Did you mean mmlu-pro or ppe-mmlu-pro?"


@pytest.mark.slow
def test_live_with_a_tiny_local_model(tmp_path: Path) -> None:
    """A random model gives garbage: nothing may be called right or wrong, and the sheet must say why nothing came out."""
    import torch

    torch.set_num_threads(1)
    model = make_tiny(tmp_path / "tiny", "llama")
    words = typed(
        tmp_path, "--model", f"transformers/{model}", "--k", "3", "--max-tokens", "8", "--temperature", "1.0", count=3
    )
    built = json.loads(run(*words, "--sampling-seed", "1", "--no-cache", "--json").stdout)
    lines = (tmp_path / "out" / "build" / "responses.jsonl").read_text("utf-8").splitlines()
    responses = [json.loads(line) for line in lines]
    assert len(responses) == 9
    assert len({line["text"] for line in responses}) > 3, "samples must differ"
    assert {line["sampling"]["seed"] for line in responses} == {1, 2, 3}
    assert all(line["usage"]["output"] <= 8 for line in responses)
    cut = sum(line.get("finish") == "length" for line in responses)
    assert built["outcomes"] == {name: count for name, count in (("truncated", cut), ("format_fail", 9 - cut)) if count}
    assert (built["pairs"], built["card"]) == (0, None)
    assert built["without_pair"] == {"no response could be graded": 3}
    sheet = (tmp_path / "out" / "datasheet.md").read_text("utf-8")
    assert "| all | question: no response could be graded | 3 |" in sheet


def test_the_card_in_the_guide_works_as_it_stands(tmp_path: Path) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "pairs.md").read_text("utf-8")
    (card,) = (block for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL) if "source: table" in block)
    (tmp_path / "mine.yaml").write_text(card)
    rows = [{"id": str(n), "problem": f"What is {n}/4?", "answer": f"\\frac{{{n}}}{{4}}"} for n in (1, 17)]
    data = write_rows(tmp_path / "mine.jsonl", rows)
    texts = ("\\boxed{0.25}", "\\boxed{0.5}")
    said = write_rows(tmp_path / "said.jsonl", [{"question": "1", "text": text, "model": "m"} for text in texts])
    words = ["build", str(tmp_path / "mine.yaml"), "--data", str(data), "--responses", str(said), "--json"]
    built = json.loads(run(*words, "--out", str(tmp_path / "out")).stdout)
    assert (built["pairs"], built["left_out"]) == (1, {"excluded: the printed answer is wrong": 1})


def test_every_command_in_the_guide_parses(tmp_path: Path) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "pairs.md").read_text("utf-8")
    lines = re.findall(r"^judgebench (pairs (?:build|check|sources).*)$", guide, re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        command, *words = shlex.split(line)[1:]
        found = cli.get_command(click.Context(cli), "pairs")
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), command)
        assert inner
        inner.make_context(command, words)
