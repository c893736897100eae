"""`judgebench pairs generate`: blocks in order, the same bytes however made, files whole or not there, memory bounded."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from judgebench import registry, sources
from judgebench.cli import cli
from judgebench.cli import main as command_line
from judgebench.errors import DataError, UsageError
from judgebench.pairs.generators import stream
from judgebench.pairs.generators.stream import BLOCK, Block

SMALL = ("--generator", "probability,scheduling", "--seed", "3")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["pairs", "generate", *words], catch_exceptions=False)


def rows(path: Path) -> list[dict[str, Any]]:
    data = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
    return [orjson.loads(line) for line in data.splitlines()]


def test_blocks_share_pairs_out_evenly() -> None:
    found = list(stream.blocks(["a", "b", "c"], 2 * BLOCK + 1 + 2 * BLOCK, 7, (2, 3)))
    shares = Counter[str]()
    for block in found:
        assert 0 < block.pairs <= BLOCK
        assert (block.seed, block.levels) == (7, (2, 3))
        assert block.start == shares[block.generator]
        shares[block.generator] += block.pairs
    assert sum(shares.values()) == 4 * BLOCK + 1
    assert max(shares.values()) - min(shares.values()) <= 1
    assert [block.generator for block in found] == sorted(block.generator for block in found)
    assert list(stream.blocks(["a", "b"], 1, 0, (1,))) == [Block("a", 0, (1,), 0, 1)]


def test_a_block_holds_its_numbers_and_levels_in_turn() -> None:
    found = [orjson.loads(line) for line in stream.made(Block("zebra", 5, (2, 4), 6, 8)).splitlines()]
    assert [row["origin"]["number"] for row in found] == list(range(6, 14))
    assert [row["origin"]["level"] for row in found] == [4, 4, 2, 2, 4, 4, 2, 2]
    assert all(row["traits"]["difficulty"] == row["origin"]["level"] for row in found)
    assert Counter(row["label"] for row in found) == {"A>B": 4, "B>A": 4}


def test_many_processes_make_the_same_bytes_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 40)
    wanted = list(stream.blocks(["probability", "knights-and-knaves"], 400, 1, range(1, 6)))
    assert len(wanted) == 10
    alone, together = list(stream.stream(iter(wanted), 1)), list(stream.stream(iter(wanted), 2))
    assert [block for block, _ in alone] == wanted
    assert alone == together


def test_no_more_blocks_are_made_than_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow reader holds the makers back: that is what bounds memory."""
    drawn = 0

    def endless() -> Iterator[Block]:
        nonlocal drawn
        while True:
            drawn += 1
            yield Block("probability", 1, (1,), 0, 2)

    found = stream.stream(endless(), 2)
    for _ in range(3):
        next(found)
    assert drawn <= 3 + 2 * stream.AHEAD
    found.close()  # type: ignore[attr-defined]


def test_generate_writes_a_file_and_a_card_that_eval_takes(tmp_path: Path) -> None:
    out = tmp_path / "my pairs.jsonl"
    done = run(*SMALL, "--n", "60", "--level", "2-3", "--out", str(out))
    assert done.exit_code == 0
    assert done.stdout == f"{out}\n"
    assert re.match(r"60 pairs in [\d.]+ s, [\d,]+ a second, 0\.1 MB\n", done.stderr)
    found = rows(out)
    assert Counter(row["source"] for row in found) == {"verifiable-probability": 30, "verifiable-scheduling": 30}
    assert Counter(row["label"] for row in found) == {"A>B": 30, "B>A": 30}
    assert {row["origin"]["level"] for row in found} == {2, 3}
    assert len({row["pair_id"] for row in found}) == 60
    card = yaml.safe_load((tmp_path / "my pairs.yaml").read_text("utf-8"))
    assert card["splits"]["test"] == {
        "items": 60, "path": out.name, "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
    }  # fmt: skip
    task = sources.load_task(str(tmp_path / "my pairs.yaml"))
    assert task.name == "my-pairs"
    assert Counter(item.category for item in task.items) == {"math": 30, "reasoning": 30}
    assert {item.traits["difficulty"] for item in task.items} == {2, 3}
    judged = CliRunner().invoke(
        cli,
        [
            "eval",
            "--task",
            str(tmp_path / "my pairs.yaml"),
            "--judge",
            "always-first",
            "--runs",
            str(tmp_path / "runs"),
        ],
        catch_exceptions=False,
    )
    assert judged.exit_code == 0, judged.output


def test_a_packed_file_is_the_same_pairs_and_always_the_same_bytes(tmp_path: Path) -> None:
    plain, packed, again = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz", tmp_path / "c.jsonl.gz"
    for out in (plain, packed, again):
        assert run(*SMALL, "--n", "20", "--out", str(out)).exit_code == 0
    assert rows(plain) == rows(packed)
    assert packed.read_bytes() == again.read_bytes()
    assert [item.id for item in sources.load_task(str(tmp_path / "b.yaml")).items] == [
        item.id for item in sources.load_task(str(tmp_path / "a.yaml")).items
    ]
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError, match="not gzip, or cut"):
        sources.load_task(str(tmp_path / "b.yaml"))


def test_a_dash_prints_and_json_says_what_was_written(tmp_path: Path) -> None:
    out = tmp_path / "a.jsonl"
    said = json.loads(run(*SMALL, "--n", "20", "--out", str(out), "--json").stdout)
    assert said == {
        "pairs": 20, "file": str(out), "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "card": str(tmp_path / "a.yaml"),
    }  # fmt: skip
    assert run(*SMALL, "--n", "20", "--out", "-").stdout_bytes == out.read_bytes()


def test_listing_needs_nothing_else() -> None:
    lines = run("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == registry.names("generators")
    assert "zebra" in {line.split()[0] for line in lines}
    found = json.loads(run("--list", "--generator", "zebra,polynomial", "--json").stdout)
    assert [(one["name"], one["category"]) for one in found] == [("zebra", "reasoning"), ("polynomial", "math")]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Iterator[tuple[Block, bytes]]:
        yield Block("zebra", 0, (1,), 0, 1), b"{}\n"
        raise OSError(28, "No space left on device")

    out = tmp_path / "a.jsonl"
    out.write_text("as it was")
    with pytest.raises(OSError, match="No space"):
        stream.save(out, ["zebra"], broken())
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    assert out.read_text() == "as it was"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--generator", "zebr", "--n", "2", "--out", "x.jsonl"), "unknown generator 'zebr'. Did you mean zebra"),
        (("--generator", "zebra,zebra", "--n", "2", "--out", "x.jsonl"), "generator zebra is named twice"),
        (("--n", "2", "--out", "x.csv"), "x.csv is neither .jsonl nor .jsonl.gz. Type: --out x.jsonl"),
        (("--n", "2"), "--n and --out are needed"),
        (("--out", "x.jsonl"), "--n and --out are needed"),
        (("--n", "2", "--out", "x.jsonl", "--level", "7"), "'7' is neither a level from 1 to 5"),
        (("--n", "0", "--out", "x.jsonl"), "0 is not in the range"),
    ],
    ids=str,
)
def test_mistakes_are_told_in_one_line(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["judgebench", "pairs", "generate", *words])
    with pytest.raises(SystemExit) as stop:
        command_line()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_named_and_write() -> None:
    assert stream.named("all") == registry.names("generators")
    assert stream.named(" zebra , polynomial") == ["zebra", "polynomial"]
    with pytest.raises(UsageError, match="unknown generator ''"):
        stream.named("zebra,")
    file = io.BytesIO()
    assert stream.write(iter([(Block("a", 0, (1,), 0, 3), b"x"), (Block("a", 0, (1,), 3, 2), b"y")]), file) == 5
    assert file.getvalue() == b"xy"


def test_memory_does_not_grow_with_the_number_of_pairs() -> None:
    code = (
        "import resource, sys\n"
        "from judgebench.pairs.generators import stream\n"
        "for _ in stream.stream(stream.blocks(['probability'], int(sys.argv[1]), 0, range(1, 6)), 1): pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    few, many = (
        int(subprocess.run([sys.executable, "-c", code, count], capture_output=True, text=True, check=True).stdout)
        for count in ("500", "10000")
    )
    assert many < few + 6_000  # kB; the pairs are 14 MB


def test_the_benchmark_runs_and_says_its_bar() -> None:
    command = [sys.executable, "benchmarks/pairs.py", "--generator", "probability", "--pairs", "200", "--rounds", "1"]
    done = subprocess.run([*command, "--bar", "1"], capture_output=True, text=True, check=True)
    assert re.search(r"^probability +math +\d+", done.stdout, re.MULTILINE)
    assert "bar: 1 pairs a second" in done.stdout
    slow = subprocess.run([*command, "--bar", "1e9"], capture_output=True, text=True, check=False)
    assert slow.returncode == 1
    assert "below the bar: probability" in slow.stderr
