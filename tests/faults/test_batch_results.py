"""Batch results in any order, several times over, with failures of the same name beside them: each reply once."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factories import write_pairs
from fakes import batches as fakes
from fakes.batch_runs import PAIRS, PROVIDERS, TRIALS, journal, judged, serving, sizes, verdicts
from fakes.batches import FakeBatches

Mix = Callable[[list[Any], random.Random], list[Any]]


def failed(line: dict[str, Any]) -> dict[str, Any]:
    """Return what the same provider says of the same request when it has expired."""
    if "result" in line:
        return {**line, "result": {"type": "expired"}}
    return {**line, "response": None, "error": {"code": "batch_expired", "message": "too late"}}


def sorted_by_name(lines: list[Any], _lot: random.Random) -> list[Any]:
    return sorted(lines, key=lambda line: line["custom_id"])


def thrice_in_any_order(lines: list[Any], lot: random.Random) -> list[Any]:
    return lot.sample(3 * lines, 3 * len(lines))


def failures_before_and_after(lines: list[Any], lot: random.Random) -> list[Any]:
    twins = [failed(line) for line in lines]
    return [*lot.sample(twins, len(twins)), *lines, *twins]


def with_noise_between(lines: list[Any], lot: random.Random) -> list[Any]:
    noise = ["\n", "{}\n", "[]\n", "null\n", '{"custom_id": 7}\n', "\x00\n", '{"custom_id": "nobody", "result": 1}\n']
    return lot.sample([*lines, *noise, *noise], len(lines) + 2 * len(noise))


MIXES: list[Mix] = [sorted_by_name, thrice_in_any_order, failures_before_and_after, with_noise_between]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def batches(provider: str) -> Iterator[FakeBatches]:
    with serving(provider) as fake:
        yield fake


@pytest.mark.parametrize("mix", MIXES)
def test_however_results_come_each_reply_counts_once(
    mix: Mix, provider: str, batches: FakeBatches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = str(write_pairs(tmp_path / "pairs.jsonl", PAIRS))
    calm = judged(provider, batches, task, tmp_path / "calm")
    lot, mixed = random.Random(3), []

    def write(lines: list[Any]) -> str:
        mixed.append(mix(lines, lot))
        return "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in mixed[-1])

    monkeypatch.setattr(fakes, "_shuffled", write)
    done = judged(provider, batches, task, tmp_path / "runs")
    assert max(map(len, mixed)) >= TRIALS
    assert sizes(batches) == [TRIALS, TRIALS], "nothing that was answered is asked again"
    assert verdicts(done) == verdicts(calm)
    assert (done.result.cost, done.result.usage) == (pytest.approx(calm.result.cost), calm.result.usage)
    lines = journal(tmp_path / "runs")
    replies = [(line["trial"], line["request"], line["nth"]) for line in lines if line["kind"] == "reply"]
    judgments = [line["trial"] for line in lines if line["kind"] == "judgment"]
    assert len(replies) == len(set(replies)) == len(judgments) == len(set(judgments)) == TRIALS
