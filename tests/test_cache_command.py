"""`judgebench cache`: what is kept, why a second run asked again, and how to start anew."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from factories import write_pairs
from fakes.servers import FakeServer, openai_server
from judgebench.cache import default_folder
from judgebench.cli.caching import group
from judgebench.errors import UsageError
from judgebench.evaluation import evaluate
from judgebench.records import Sampling

TRIALS = 4


def run(*arguments: str) -> list[str]:
    done = CliRunner().invoke(group, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def judged(server: FakeServer, tmp_path: Path, **options: object) -> None:
    task = write_pairs(tmp_path / "pairs.jsonl", TRIALS // 2)
    evaluate("pairwise", str(task), model="openai/m", base_url=server.url, runs=str(tmp_path / "runs"), **options)


def test_nothing_is_kept_at_first() -> None:
    assert run("stats") == [f"0 replies, 0 bytes in {default_folder()}"]
    assert run("list") == []
    assert run("clear") == ["0 replies removed"]


def test_stats_list_and_clear_agree(tmp_path: Path) -> None:
    with openai_server() as server:
        judged(server, tmp_path)
    stats = json.loads("\n".join(run("stats", "--json")))
    assert stats["replies"] == len(run("list")) == TRIALS
    assert stats["bytes"] > 0
    assert run("clear") == [f"{TRIALS} replies removed"]
    assert run("list") == []


def test_explain_says_why_the_second_run_asked_again(tmp_path: Path) -> None:
    with openai_server() as server:
        judged(server, tmp_path)
        before = set(run("list"))
        judged(server, tmp_path, sampling=Sampling(temperature=0.5))
    after = set(run("list")) - before
    assert len(before) == len(after) == TRIALS
    assert run("explain", min(before), min(before)) == ["the two are the same"]
    for new in after:
        said = [run("explain", old[:12], new[:12]) for old in before]
        assert said.count(["request.sampling.temperature"]) == 1, "the same prompt, asked in another way"
        assert said.count(["request.messages", "request.sampling.temperature"]) == TRIALS - 1


@pytest.mark.parametrize("key", ["zz", ""])
def test_a_key_that_fits_none_or_several_says_what_to_type(key: str, tmp_path: Path) -> None:
    with openai_server() as server:
        judged(server, tmp_path)
    one = run("list")[0]
    with pytest.raises(UsageError, match="Type a key's first digits: judgebench cache list"):
        run("explain", one, key)
