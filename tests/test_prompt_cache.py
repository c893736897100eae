"""A provider's prompt cache: what comes first is said again with every item, is read back, recorded and priced."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from factories import write_pairs
from fakes.servers import Answer, FakeServer, Received, anthropic_responder
from judgebench.backends.anthropic import AnthropicBackend
from judgebench.backends.base import Endpoint
from judgebench.backends.batches import batching
from judgebench.evaluation import Evaluation, evaluate
from judgebench.prices import Price, price_of
from judgebench.records import ChatRequest, Message, Usage
from judging import pin_stand_ins

PAIRS = 10
TRIALS = 2 * PAIRS
PRICE = Price(input=1000.0, output=5000.0, cached=100.0, written=1250.0, as_of="2026-11", source="test")
SYSTEM = "You compare two answers and say which one is better. " * 60
PROMPTS = {"arena_hard_judge_system": SYSTEM, "arena_hard_judge_prompt": "{{ prompt }} {{ answer_a }} {{ answer_b }}"}


class CachingServer(FakeServer):
    """Anthropic's API with its prompt cache: the first to say a marked prefix writes it, everybody after reads it."""

    def __init__(self) -> None:
        self.prefixes: set[bytes] = set()
        self.answer = anthropic_responder("[[A>B]]", None)
        super().__init__(self.respond, "")

    def respond(self, received: Received) -> Answer:
        answer = self.answer(received)
        system = received.body["system"]
        tokens = sum(len(block["text"].split()) for block in system)
        if any("cache_control" in block for block in system):
            assert "cache_control" in system[-1]
            prefix = orjson.dumps(system)
            known = prefix in self.prefixes
            self.prefixes.add(prefix)
            count = "cache_read_input_tokens" if known else "cache_creation_input_tokens"
            answer.body["usage"] |= {count: tokens}
        else:
            answer.body["usage"]["input_tokens"] += tokens
        return answer


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    pin_stand_ins(tmp_path, monkeypatch, PROMPTS)
    return str(write_pairs(tmp_path / "pairs.jsonl", PAIRS))


def judged(task: str, runs: Path, *, prompt_cache: bool) -> tuple[Evaluation, CachingServer]:
    server = CachingServer()
    server.start()
    try:
        options = {"prompt_cache": prompt_cache}
        backend = AnthropicBackend(Endpoint(model="m", base_url=server.url, options=options))
        backend.price = lambda: PRICE
        return evaluate("arena-hard", task, backend=backend, runs=str(runs), cache=False, concurrency=1), server
    finally:
        server.stop()


def test_what_is_said_with_every_item_comes_first_and_is_read_back(task: str, tmp_path: Path) -> None:
    plain, bare = judged(task, tmp_path / "plain", prompt_cache=False)
    cached, server = judged(task, tmp_path / "cached", prompt_cache=True)
    assert len(server.prefixes) == 1, "the same words in the same order, whatever the item"
    assert [_unmarked(one.body) for one in server.requests] == [one.body for one in bare.requests]
    usage, before = cached.result.usage, plain.result.usage
    assert (before.cached, before.written) == (None, None)
    assert usage.cached == (TRIALS - 1) * usage.written > 0
    assert (usage.input, usage.output) == (before.input, before.output), "input is all of it, however it was read"
    saved = usage.cached * 900.0 - usage.written * 250.0
    assert cached.result.cost == pytest.approx(plain.result.cost - saved / 1_000_000)
    assert cached.metrics == plain.metrics


def _unmarked(body: dict[str, Any]) -> dict[str, Any]:
    blocks = [{name: value for name, value in block.items() if name != "cache_control"} for block in body["system"]]
    return body | {"system": blocks}


def test_the_journal_keeps_what_each_reply_read_and_wrote(task: str, tmp_path: Path) -> None:
    done, _ = judged(task, tmp_path / "runs", prompt_cache=True)
    lines = [orjson.loads(line) for line in (done.directory / "journal.jsonl").read_bytes().splitlines()]
    first, *rest = [line["reply"] for line in lines if line["kind"] == "reply"]
    assert first["usage"]["written"] > 0
    assert "cached" not in first["usage"]
    assert {reply["usage"]["cached"] for reply in rest} == {first["usage"]["written"]}
    assert first["cost"] > max(reply["cost"] for reply in rest)


# -- what it costs -----------------------------------------------------------------------------------------

MILLION = 1_000_000


def test_reading_is_cheap_and_writing_is_dear() -> None:
    price = Price(input=4.0, output=20.0, cached=0.4, written=5.0, as_of="2026", source="x")
    assert price.of(Usage(input=MILLION, output=0)) == pytest.approx(4.0)
    assert price.of(Usage(input=MILLION, output=0, cached=MILLION)) == pytest.approx(0.4)
    assert price.of(Usage(input=MILLION, output=0, written=MILLION)) == pytest.approx(5.0)
    mixed = Usage(input=MILLION, output=MILLION, cached=MILLION // 2, written=MILLION // 4)
    assert price.of(mixed) == pytest.approx(0.2 + 1.25 + 1.0 + 20.0)


def test_where_the_rates_are_not_known_the_full_price_counts() -> None:
    price = Price(input=4.0, output=20.0, as_of="2026", source="x")
    assert price.of(Usage(input=MILLION, output=0, cached=MILLION // 2, written=MILLION // 2)) == pytest.approx(4.0)


def test_a_batch_shares_all_rates() -> None:
    price = PRICE.batched()
    assert (price.input, price.output, price.cached, price.written, price.batch) == (500.0, 2500.0, 50.0, 625.0, 1.0)
    assert price.batched() == price


def test_usages_add_up() -> None:
    one = Usage(input=5, cached=2)
    assert one + Usage(input=7, written=3) == Usage(input=12, cached=2, written=3)


def test_anthropics_listed_models_have_the_rates_of_its_cache() -> None:
    price = price_of("anthropic/claude-haiku-4-5")
    assert price is not None
    assert price.cached == pytest.approx(0.1 * price.input)
    assert price.written == pytest.approx(1.25 * price.input)


def test_batches_mark_as_the_live_run_does() -> None:
    backend = AnthropicBackend(Endpoint(model="m"))
    request = ChatRequest(messages=(Message(role="system", content=SYSTEM), Message(role="user", content="?")))
    line = orjson.loads(batching(backend).provider.line("name", backend.render(request)))
    assert line["params"]["system"][0]["cache_control"] == {"type": "ephemeral"}
