"""Provider batches end as the live run does, at half the price, and are paid once however they go."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factories import write_pairs
from fakes.batch_runs import (
    PAIRS,
    PROVIDERS,
    TRIALS,
    backend,
    journal,
    judged,
    serving,
    sizes,
    third,
    verdicts,
)
from fakes.batches import DONE, EXPIRED, GARBLED, LOST, FakeBatches
from fakes.servers import Answer, openai_server
from judgebench.backends import batches as module
from judgebench.backends.base import Backend, Endpoint
from judgebench.backends.batch_providers import gathered, provider_of
from judgebench.backends.batches import ATTEMPTS, BatchingBackend, batching
from judgebench.backends.openai import OpenAIBackend
from judgebench.backends.scripted import ScriptedBackend
from judgebench.backends.wire import Call
from judgebench.errors import Incomplete, PermanentError, TransientError, UsageError
from judgebench.evaluation import evaluate
from judgebench.prices import Price
from judgebench.records import ChatRequest, Message, Reply, Sampling, ScoreRequest, TextRequest
from judging import pin_stand_ins


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def batches(provider: str) -> Iterator[FakeBatches]:
    with serving(provider) as fake:
        yield fake


@pytest.fixture
def task(tmp_path: Path) -> str:
    return str(write_pairs(tmp_path / "pairs.jsonl", PAIRS))


# -- as live, for half the price --------------------------------------------------------------------------


def test_one_batch_gives_the_live_runs_verdicts_at_half_its_cost(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    done = judged(provider, batches, task, tmp_path / "runs")
    asked = judged(provider, batches, task, tmp_path / "live", live=True)
    assert sizes(batches) == [TRIALS]
    assert verdicts(done) == verdicts(asked)
    assert 0 < done.result.counts.unparsed < TRIALS, "the replies must tell trials apart"
    assert done.result.cost == pytest.approx(asked.result.cost / 2)
    assert asked.result.cost > 0
    assert done.result.usage == asked.result.usage


def test_the_bodies_are_those_of_the_live_run(provider: str, batches: FakeBatches, task: str, tmp_path: Path) -> None:
    judged(provider, batches, task, tmp_path / "runs", sampling=Sampling(temperature=0.5))
    judged(provider, batches, task, tmp_path / "live", sampling=Sampling(temperature=0.5), live=True)
    path = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[provider]
    asked = [received.body for received in batches.server.requests if received.path == path]
    batched = list(batches.submitted[0].bodies.values())
    assert sorted(map(json.dumps, batched)) == sorted(map(json.dumps, asked))


def test_the_batch_is_journaled_before_it_is_polled_and_its_names_are_the_replies(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    judged(provider, batches, task, tmp_path / "runs")
    first, *rest = journal(tmp_path / "runs")
    replies = [f"{line['request']}-{line['trial']}-{line['nth']}" for line in rest if line["kind"] == "reply"]
    assert 0 <= time.time() - first.pop("submitted") < 60
    assert {**first, "keys": None} == {"kind": "batch", "id": "batch_1", "model": f"{provider}/m", "keys": None}
    assert sorted(first["keys"]) == sorted(replies) == sorted(batches.submitted[0].bodies)
    assert all(len(name) <= 64 for name in first["keys"])


def test_repeats_of_one_request_are_samples_of_their_own(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    judged(provider, batches, task, tmp_path / "runs", repeats=3)
    assert sizes(batches) == [3 * TRIALS]


def test_replies_from_a_batch_serve_a_live_run_and_the_other_way_round(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    judged(provider, batches, task, tmp_path / "runs", cache=True)
    before = len(batches.server.requests)
    inner = backend(provider, batches).inner
    assert evaluate("pairwise", task, backend=inner, runs=str(tmp_path / "live")).result.cost == 0.0
    judged(provider, batches, task, tmp_path / "again", cache=True)
    assert len(batches.server.requests) == before


def test_chat_and_text_and_api_versions_make_batches_of_their_own() -> None:
    text = TextRequest(prompt="go on")
    chat = ChatRequest(messages=(Message(role="user", content="hi"),))
    warm = chat.model_copy(update={"sampling": Sampling(temperature=0.5)})

    async def ask(one: BatchingBackend, *requests: Any) -> list[Reply]:
        replies = await asyncio.gather(*map(one.answer, requests))
        await one.aclose()
        return replies

    with serving("openai") as fake:
        asyncio.run(ask(backend("openai", fake), chat, chat, text))
        assert sorted((batch.endpoint, len(batch.bodies)) for batch in fake.submitted) == [
            ("/v1/chat/completions", 2),
            ("/v1/completions", 1),
        ]
    with serving("anthropic") as fake:
        asyncio.run(ask(backend("anthropic", fake), chat, warm))
        assert sizes(fake) == [1, 1]


def test_a_second_try_is_a_second_round(
    provider: str, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that asks again after some replies asks in the next batch, with only those."""
    pin_stand_ins(
        tmp_path,
        monkeypatch,
        {
            "arena_hard_judge_system": "Judge.",
            "arena_hard_judge_prompt": "{{ prompt }} {{ answer_a }} {{ answer_b }}",
        },
    )

    def reply(body: Any) -> str:
        first = len([message for message in body["messages"] if message["role"] != "system"]) == 1
        return "I am not sure yet" if first and "What is 3" in str(body) else "My verdict: [[A>B]]"

    with serving(provider, reply) as fake:
        done = judged(provider, fake, task, tmp_path / "runs", "arena-hard")
        assert sizes(fake) == [TRIALS, 2]
        assert verdicts(done) == verdicts(judged(provider, fake, task, tmp_path / "live", "arena-hard", live=True))
    assert done.result.counts.verdicts == TRIALS


# -- when it goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [EXPIRED, LOST, GARBLED, 429, 500])
def test_what_a_batch_leaves_unanswered_is_asked_in_a_later_one(
    fate: str | int, provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    calm = judged(provider, batches, task, tmp_path / "calm")
    batches.fate = lambda name, submission: fate if submission == 2 and third(name) else DONE
    done = judged(provider, batches, task, tmp_path / "runs")
    failed = sum(map(third, batches.submitted[1].bodies))
    assert 0 < failed < TRIALS
    assert sizes(batches)[1:] == [TRIALS, failed]
    assert verdicts(done) == verdicts(calm)
    assert len([line for line in journal(tmp_path / "runs") if line["kind"] == "reply"]) == TRIALS


def test_a_request_that_never_succeeds_fails_its_trial_after_so_many_batches(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    batches.fate = lambda name, submission: 500 if submission <= ATTEMPTS and third(name) else DONE
    with pytest.raises(Incomplete, match="in trouble"):
        judged(provider, batches, task, tmp_path / "runs")
    assert len(batches.submitted) == ATTEMPTS
    done = judged(provider, batches, task, tmp_path / "runs")
    assert done.result.counts.trials == TRIALS
    assert sizes(batches)[ATTEMPTS] == sizes(batches)[1], "what succeeded is not asked again"


def test_a_permanent_error_stops_the_run_and_keeps_what_was_paid(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    batches.fate = lambda name, submission: 400 if submission == 1 and third(name) else DONE
    with pytest.raises(PermanentError, match="refused"):
        judged(provider, batches, task, tmp_path / "runs")
    judged(provider, batches, task, tmp_path / "runs")
    assert sizes(batches) == [TRIALS, sum(map(third, batches.submitted[0].bodies))]


@pytest.mark.parametrize("most", [1, 3, TRIALS - 1])
def test_a_batch_that_is_too_large_is_split(
    most: int, provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    batches.most = most
    done = judged(provider, batches, task, tmp_path / "runs")
    assert done.result.counts.trials == sum(sizes(batches)) == TRIALS
    assert max(sizes(batches)) <= most


def test_a_request_that_alone_is_too_large_is_permanent(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path
) -> None:
    batches.most = 0
    with pytest.raises(PermanentError, match="too large"):
        judged(provider, batches, task, tmp_path / "runs")


def test_the_providers_own_limits_close_a_batch(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(backend(provider, batches).provider)
    monkeypatch.setattr(kind, "most_requests", 8)
    judged(provider, batches, task, tmp_path / "one")
    assert sorted(sizes(batches)) == [4, 8, 8]
    monkeypatch.setattr(kind, "most_requests", 1000)
    longest = max(len(provider_line) for provider_line in lines(provider, batches))
    monkeypatch.setattr(kind, "most_bytes", 3 * longest + 3)
    judged(provider, batches, task, tmp_path / "two")
    assert sum(sizes(batches)[3:]) == TRIALS
    assert 2 <= max(sizes(batches)[3:]) <= 4


def lines(provider: str, fake: FakeBatches) -> list[bytes]:
    taken = backend(provider, fake).provider
    return [
        taken.line(name, Call("/chat/completions", body))
        for batch in fake.submitted
        for name, body in batch.bodies.items()
    ]


def test_a_full_queue_is_filled_in_turn(task: str, tmp_path: Path) -> None:
    with serving("openai") as fake:
        fake.queue = TRIALS // 2
        done = judged("openai", fake, task, tmp_path / "runs")
        assert done.result.counts.trials == TRIALS
        assert sizes(fake) == [TRIALS, TRIALS // 2, TRIALS // 2]
        halves = [list(batch.bodies) for batch in fake.submitted[1:]]
    assert halves[0] + halves[1] == list(fake.submitted[0].bodies)


def test_a_queue_that_stays_full_leaves_the_run_incomplete(task: str, tmp_path: Path) -> None:
    with serving("openai") as fake:
        fake.queue = 0
        with pytest.raises(Incomplete, match="queues no more batches for now .*token_limit_exceeded"):
            judged("openai", fake, task, tmp_path / "runs")
        assert len(fake.submitted) <= 6, "half, and half again, but not every request alone"
        fake.queue = TRIALS
        assert judged("openai", fake, task, tmp_path / "runs").result.counts.trials == TRIALS


def test_a_submission_whose_answer_was_lost_is_found_again(task: str, tmp_path: Path) -> None:
    with serving("openai") as fake:
        fake.lose_answers = 1
        judged("openai", fake, task, tmp_path / "runs")
        assert sizes(fake) == [TRIALS]


def test_polls_survive_an_outage(provider: str, batches: FakeBatches, task: str, tmp_path: Path) -> None:
    uploads = {"openai": 2, "anthropic": 1}[provider]
    good = [Answer()] * uploads
    batches.server.push(*good, Answer(503), Answer(429, headers={"retry-after": "0"}), Answer(cut=0), Answer(body="?"))
    assert judged(provider, batches, task, tmp_path / "runs").result.counts.trials == TRIALS
    assert sizes(batches) == [TRIALS]


def test_patience_is_finite_and_what_was_submitted_is_not_lost(
    provider: str, batches: FakeBatches, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 3)
    good = [Answer()] * {"openai": 2, "anthropic": 1}[provider]
    batches.server.push(*good, Answer(503), Answer(503), Answer(503))
    with pytest.raises(Incomplete, match="503"):
        judged(provider, batches, task, tmp_path / "runs")
    assert judged(provider, batches, task, tmp_path / "runs").result.counts.trials == TRIALS
    assert sizes(batches) == [TRIALS]


def test_a_server_without_batches_says_what_to_leave_out(task: str, tmp_path: Path) -> None:
    with openai_server() as server:
        inner = OpenAIBackend(Endpoint(model="m", base_url=server.url))
        with pytest.raises(PermanentError, match="has no files. Leave out --batch"):
            evaluate("pairwise", task, backend=inner, batch=True, runs=str(tmp_path))


# -- small things -----------------------------------------------------------------------------------------


def test_of_two_results_for_one_request_a_reply_counts() -> None:
    reply, other, failure = Reply(text="yes"), Reply(text="no"), TransientError("no")
    assert gathered(iter([("a", failure), ("a", reply), ("a", other)])) == {"a": reply}
    assert gathered(iter([("a", reply)]), iter([("a", failure)])) == {"a": reply}


def test_only_providers_that_have_batches_are_wrapped() -> None:
    with pytest.raises(
        UsageError, match="scripted has no batches. Leave out --batch, or choose one of: anthropic, openai"
    ):
        batching(ScriptedBackend(Endpoint(model="demo")))
    inner = OpenAIBackend(Endpoint(model="gpt-4o-mini"))
    assert batching(batching(inner)).inner is inner
    with pytest.raises(UsageError, match="base has no batches"):
        provider_of(type("Base", (Backend,), {"name": "base"})(Endpoint(model="m")))


def test_scores_come_in_no_batch() -> None:
    one = batching(OpenAIBackend(Endpoint(model="m")))
    with pytest.raises(UsageError, match="scores nothing in batches"):
        asyncio.run(one.answer(ScoreRequest(conversations=((Message(role="user", content="hi"),),))))


def test_a_batching_backend_is_the_same_model(provider: str, batches: FakeBatches) -> None:
    one = backend(provider, batches)
    assert (one.identity, one.custom_url, one.endpoint) == (
        one.inner.identity,
        one.inner.custom_url,
        one.inner.endpoint,
    )
    assert one.price() == Price(500.0, 2000.0, "2026-11", "test", cached=50.0, batch=1.0)
    assert one.describe()["batch"] is True
    one.check()


def test_a_price_without_cached_input_stays_so_in_a_batch() -> None:
    assert Price(2.0, 8.0, "2026", "x", batch=0.25).batched() == Price(0.5, 2.0, "2026", "x", batch=1.0)


def test_a_batching_judge_without_a_price_has_none() -> None:
    assert batching(OpenAIBackend(Endpoint(model="unheard-of"))).price() is None


def test_polling_slows_down_to_a_limit(provider: str, batches: FakeBatches) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def ask() -> None:
        one = BatchingBackend(backend(provider, batches).inner, quiet=0.0, sleep=sleep)
        await one.answer(ChatRequest(messages=(Message(role="user", content="hi"),)))
        await one.aclose()

    batches.polls_needed = 12
    asyncio.run(ask())
    assert pauses[0] == module.FIRST_POLL
    assert pauses == sorted(pauses)
    assert pauses[-1] == module.LONGEST_POLL
