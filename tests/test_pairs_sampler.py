"""The sampler asks through the runner's machinery: limits, retries, cache, cost, batches; and it survives a kill."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fakes.batch_runs import backend, serving, until
from fakes.pairs import answer, rows_of, sums, write_source
from fakes.servers import Answer, FakeServer, openai_server
from judgebench.backends.base import Backend, Endpoint
from judgebench.backends.openai import OpenAIBackend
from judgebench.errors import Incomplete, PermanentError
from judgebench.pairs.build import BuildConfig, build, choose, prepare, read
from judgebench.pairs.build import sample as ask
from judgebench.pairs.grading import Graders
from judgebench.pairs.store import BuildStore
from judgebench.pairs.writing import Written
from judgebench.prices import Price
from judgebench.records import Sampling

PRICE = Price(input=0.0, output=1_000_000.0, as_of="2026-11", source="test")
"""A dollar for each token of a reply."""


def say(body: Any) -> str:
    """Answer right with even seeds and wrong with odd ones, in three words."""
    text = body["messages"][0]["content"]
    double = 2 * int(text.split()[2])
    return answer(str(double + body["seed"] % 2))


def config(folder: Path, count: int = 3, **options: Any) -> BuildConfig:
    source, data = write_source(folder, sums(count))
    values = {"source": source, "data": data, "out": str(folder / "out"), "k": 2, "cache": False}
    values |= {"sampling": Sampling(seed=0), "model": "openai/m"}
    return BuildConfig(**(values | options))


def model(server: FakeServer, price: Price | None = None) -> Backend:
    made = OpenAIBackend(Endpoint(model="m", base_url=server.url))
    if price:
        made.price = lambda: price  # type: ignore[method-assign]
    return made


def sample(folder: Path, asked: Backend, count: int = 3, **options: Any) -> Written:
    return build(prepare(config(folder, count, **options), asked))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out" / "build" / "responses.jsonl").read_bytes().splitlines()]


def test_a_response_keeps_what_was_asked_and_what_came(tmp_path: Path) -> None:
    with openai_server(say) as server:
        written = sample(tmp_path, model(server, PRICE), sampling=Sampling(seed=3, temperature=0.5, max_tokens=9))
    assert written.counts.total.pairs == 3
    found = {(line["question"], line.get("sample", 0)): line for line in lines(tmp_path)}
    assert len(found) == 6
    for (_, number), line in found.items():
        assert line["sampling"] == {"temperature": 0.5, "max_tokens": 9, "seed": 3 + number}
        assert (line["model"], line["served"], line["cost"]) == ("openai/m", "m-0001", 3.0)
        assert line["usage"]["output"] == 3
    assert {request.body["temperature"] for request in server.requests} == {0.5}
    assert "| cost of the responses, as far as known | $18.0000 |" in written.sheet.read_text("utf-8")


def test_unset_parameters_are_not_sent(tmp_path: Path) -> None:
    with openai_server("Answer: 0") as server:
        sample(tmp_path, model(server), sampling=Sampling())
    assert {frozenset(request.body) for request in server.requests} == {frozenset({"model", "messages"})}
    assert all("sampling" not in line for line in lines(tmp_path))
    assert "unset: the server's own" in (tmp_path / "out" / "datasheet.md").read_text("utf-8")


def test_equal_requests_are_asked_k_times(tmp_path: Path) -> None:
    said = iter(range(99))
    with openai_server(lambda _: answer(str(next(said)))) as server:
        sample(tmp_path, model(server), 1, sampling=Sampling(), k=5, cache=True)
        sample(tmp_path / "again", model(server), 1, sampling=Sampling(), k=5, cache=True)
    assert len({line["text"] for line in lines(tmp_path)}) == 5
    # The cache knows the samples apart, and answers the second build alone.
    assert len(server.requests) == 5
    assert [line["text"] for line in lines(tmp_path / "again")] == [line["text"] for line in lines(tmp_path)]


def test_a_rate_limit_is_waited_out(tmp_path: Path) -> None:
    with openai_server(say) as server:
        server.push(Answer(429, headers={"retry-after": "0.01"}), Answer(500), Answer(cut=5))
        assert sample(tmp_path, model(server)).counts.total.outcomes.total() == 6
    assert len(server.requests) == 9


def test_a_wrong_key_stops_at_once(tmp_path: Path) -> None:
    with openai_server(say) as server:
        server.push(*[Answer(401)] * 9)
        with pytest.raises(PermanentError):
            sample(tmp_path, model(server), concurrency=1)
    assert len(server.requests) == 1


def test_a_budget_stops_in_order_and_more_of_it_continues(tmp_path: Path) -> None:
    with openai_server(say) as server:
        with pytest.raises(Incomplete, match=r"stopped at \$12\.0000 of --max-cost 10: 4 of 6 responses are there"):
            sample(tmp_path, model(server, PRICE), max_cost=10.0, concurrency=1)
        assert len(lines(tmp_path)) == 4
        # What was spent before counts.
        with pytest.raises(Incomplete, match=r"stopped at \$15\.0000"):
            sample(tmp_path, model(server, PRICE), max_cost=13.0, concurrency=1)
        assert sample(tmp_path, model(server, PRICE), max_cost=100.0).counts.total.pairs == 3
    assert len(server.requests) == 6


def test_cut_and_refused_replies_are_kept_as_such(tmp_path: Path) -> None:
    with openai_server(say) as server:
        body = {"model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
        for finish in ("length", "content_filter"):
            choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": "Answer: 1"}}
            server.push(Answer(body=body | {"id": "x", "object": "chat.completion", "created": 0, "choices": [choice]}))
        sample(tmp_path, model(server), 1, concurrency=1, k=4)
    assert Counter(line.get("finish", "stop") for line in lines(tmp_path)) == {"stop": 2, "length": 1, "refusal": 1}


# -- batches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_in_batches_the_same_comes_out(tmp_path: Path, provider: str) -> None:
    texts = {"openai": Sampling(), "anthropic": Sampling(max_tokens=100)}[provider]
    with serving(provider, lambda _: "Answer: 2") as fake:
        written = sample(tmp_path, backend(provider, fake), sampling=texts, batch=True)
    assert [len(batch.bodies) for batch in fake.submitted] == [6]
    assert written.counts.total.outcomes == {"wrong": 4, "right": 2}


def test_a_batch_that_was_left_is_collected_and_not_paid_again(tmp_path: Path) -> None:
    with serving("openai", lambda _: "Answer: 2") as fake:
        building = prepare(config(tmp_path, sampling=Sampling(), batch=True), backend("openai", fake))
        fake.held = True

        async def start_and_stop(store: BuildStore) -> None:
            task = asyncio.create_task(ask(building, store, choose(store, None, 0)))
            await asyncio.wait_for(until(lambda: fake.polls >= 2), 30)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        with BuildStore(tmp_path / "out" / "build", building.identity) as store, Graders() as graders:
            store.commit(read(building.source, store, graders))
            asyncio.run(start_and_stop(store))
        fake.held = False
        written = sample(tmp_path, backend("openai", fake), sampling=Sampling(), batch=True)
    assert len(fake.submitted) == 1
    assert written.counts.total.outcomes.total() == 6


# -- kill --------------------------------------------------------------------------------------------------

KILLS, COUNT, K, AT_ONCE = 3, 10, 4, 2


def start(folder: Path, url: str) -> subprocess.Popen[bytes]:
    source, data = folder / "sums.yaml", folder / "sums.jsonl"
    command = [
        *(sys.executable, "-m", "judgebench", "pairs", "build", str(source), "--data", str(data), "--json"),
        *("--out", str(folder / "out"), "--model", "openai/m", "--base-url", url, "--sampling-seed", "0"),
        *("--k", str(K), "--concurrency", str(AT_ONCE), "--no-cache"),
    ]
    environment = os.environ | {"OPENAI_API_KEY": "sk-test"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def test_killed_while_sampling_it_continues_and_pays_only_what_was_in_flight(tmp_path: Path) -> None:
    write_source(tmp_path, sums(COUNT))

    def slowly(body: Any) -> str:
        time.sleep(0.01)
        return say(body)

    with openai_server(slowly) as server:
        for number in range(1, KILLS + 1):
            child = start(tmp_path, server.url)
            while len(server.requests) < 8 * number:
                assert child.poll() is None, child.communicate()[1].decode()
                time.sleep(0.005)
            child.kill()
            child.communicate()
            path = tmp_path / "out" / "build" / "responses.jsonl"
            path.write_bytes(path.read_bytes() + b'{"question": "to')  # as a machine that stops leaves it
        child = start(tmp_path, server.url)
        out, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors.decode()
    assert json.loads(out)["pairs"] == COUNT
    assert COUNT * K <= len(server.requests) <= COUNT * K + KILLS * AT_ONCE
    found = Counter((line["question"], line.get("sample", 0)) for line in lines(tmp_path))
    assert len(found) == COUNT * K
    assert set(found.values()) == {1}


def test_pairs_do_not_depend_on_who_finished_first(tmp_path: Path) -> None:
    def shuffled(body: Any) -> str:
        time.sleep((body["seed"] * 7919 % 5) / 500)
        return say(body)

    with openai_server(shuffled) as server:
        one = rows_of(sample(tmp_path / "a", model(server), 6, k=4, name="x"))
        other = rows_of(sample(tmp_path / "b", model(server), 6, k=4, name="x", concurrency=1))
    assert one == other
