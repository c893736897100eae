"""The transformers backend with real, tiny models: its doors, and what it refuses."""

import asyncio
import json
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
import torch

from fakes.tiny_backends import ASKED, TOLERANCE, allocator, ask, backend_of, scored, spoken
from fakes.tiny_models import make_tiny
from judgebench.backends import transformers as module
from judgebench.backends.base import Endpoint, build
from judgebench.backends.local.generating import Generator
from judgebench.backends.transformers import CPU_SCORED, FIRST_TOKENS, MOST_TOKENS, Knobs, TransformersBackend, unload
from judgebench.errors import MissingPrerequisite, PermanentError, TransientError, UsageError
from judgebench.judges.card import Context, Weights
from judgebench.records import ChatRequest, Message, Sampling, TextRequest

SAMPLED = TextRequest(prompt="A or B?", sampling=Sampling(max_tokens=8, temperature=1.0))


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _cold():
    yield
    unload()


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return str(make_tiny(tmp_path_factory.mktemp("tiny") / "llama", "llama"))


@pytest.fixture(scope="module")
def reward(tmp_path_factory):
    return str(make_tiny(tmp_path_factory.mktemp("tiny") / "reward", "llama", "sequence-classification"))


# -- the doors -------------------------------------------------------------------------------------------


def test_many_requests_share_few_batches_and_are_answered_as_each_alone(llama):
    together, one_by_one = backend_of(llama), backend_of(llama, batch_tokens=1)
    assert spoken(ask(together, *ASKED)) == spoken(ask(one_by_one, *ASKED))
    assert together.describe()["batches"] < 5
    assert one_by_one.describe()["batches"] == len(ASKED)


def test_chats_texts_and_other_parameters_meet_in_one_backend(llama):
    chat = ChatRequest(messages=(Message(role="user", content="A or B?"),), sampling=Sampling(max_tokens=4))
    beams = TextRequest(prompt="A", sampling=Sampling(max_tokens=4, extra={"num_beams": 2}))
    replies = ask(backend_of(llama), chat, ASKED[0], beams, ASKED[0].model_copy(update={"logprobs": 1}))
    assert [reply.usage.output for reply in replies] == [4, 8, 4, 8]
    assert replies[1].text == replies[3].text
    assert {reply.model for reply in replies} == {"llama"}
    assert all(reply.seconds > 0 for reply in replies)


def test_scores_are_those_of_a_direct_unbatched_call(reward):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer, model = (auto.from_pretrained(reward) for auto in (AutoTokenizer, AutoModelForSequenceClassification))
    requests = [scored("four", "five " * (n % 6), question="q" * (7 * n % 50)) for n in range(20)]
    backend = backend_of(reward)
    replies = ask(backend, *requests)
    assert backend.describe()["batches"] < 10
    for request, reply in zip(requests, replies, strict=True):
        for conversation, score in zip(request.conversations, reply.scores, strict=True):
            turns = [{"role": turn.role, "content": turn.content} for turn in conversation]
            ids = tokenizer.apply_chat_template(turns, return_tensors="pt", return_dict=True)["input_ids"]
            with torch.inference_mode():
                assert score == pytest.approx(float(model(ids).logits), abs=TOLERANCE)
        assert reply.usage.output == 0
        assert reply.usage.input > sum(len(turn.content) for turns in request.conversations for turn in turns)


def test_a_pair_is_one_number_the_difference(reward):
    each, pair = ask(backend_of(reward), scored("four", "five"), scored("four", "five", mode="pair"))
    assert pair.scores == pytest.approx((each.scores[0] - each.scores[1],), abs=TOLERANCE)


def test_it_is_loaded_once_when_first_asked_and_not_in_the_loop_s_thread(llama, monkeypatch):
    loads = []
    load = Generator.load
    monkeypatch.setattr(Generator, "load", lambda self: (loads.append(threading.get_ident()), load(self))[1])
    backend = backend_of(llama)
    backend.check()
    assert loads == []
    ask(backend, *ASKED[:6])
    assert len(loads) == 1
    assert loads[0] != threading.get_ident()


def test_the_model_stays_warm_for_the_next_run_that_wants_the_same(llama, reward, monkeypatch):
    loads = []
    load = Generator.load
    monkeypatch.setattr(Generator, "load", lambda self: (loads.append(self), load(self))[1])
    first = ask(backend_of(llama), *ASKED[:3])
    second = backend_of(llama, batch_tokens=64)
    assert spoken(ask(second, *ASKED[:3])) == spoken(first)
    assert len(loads) == 1
    assert second.describe()["batches"] == 3, "what it tells is of its own run"
    limited = TransformersBackend(Endpoint(model=llama, context=Context(limit=20, reserve=8)))
    assert ask(limited, ASKED[5])[0].usage.input == 12
    assert len(loads) == 2, "another context is another judge"
    assert limited.describe()["cut"]["rows"] == 1
    again = TransformersBackend(Endpoint(model=llama, context=Context(limit=20, reserve=8)))
    ask(again, ASKED[5])
    assert len(loads) == 2
    assert again.describe()["cut"]["rows"] == 1, "of its own run too"
    ask(backend_of(reward), scored("four", "five"))
    ask(again, ASKED[5])
    assert len(loads) == 3, "only one model is kept"


def test_unloading_gives_the_memory_back(llama):
    ask(backend_of(llama), ASKED[0])
    kept = weakref.ref(next(iter(module._warm.values())).model)
    assert kept() is not None
    unload()
    assert kept() is None


def test_closed_it_tells_what_it_did_and_opens_again_when_asked(llama):
    backend = backend_of(llama)
    assert backend.describe() == {}
    first = ask(backend, *ASKED[:3])
    facts = backend.describe()
    assert facts.items() >= {"head": "causal", "device": "cpu", "dtype": "float32", "attention": "sdpa"}.items()
    assert facts["batch_tokens"] == MOST_TOKENS
    assert facts["peak_memory_mb"] > 0
    assert facts["out_of_memory"] == 0
    assert str(Path(llama).parent) not in json.dumps(facts)
    assert spoken(ask(backend, *ASKED[:3])) == spoken(first)
    asyncio.run(backend.aclose())


def test_while_it_runs_it_tells_the_same(llama):
    backend = backend_of(llama)

    async def main():
        await backend.complete(ASKED[0])
        during = backend.describe()
        await backend.aclose()
        return during

    assert asyncio.run(main()) == backend.describe()


def test_repeats_of_a_sampled_request_differ_and_a_resumed_run_draws_the_same(llama):
    async def draw(*samples):
        backend = backend_of(llama)
        try:
            return [(await backend.answer(SAMPLED, sample)).text for sample in samples]
        finally:
            await backend.aclose()

    first = asyncio.run(draw("a", "b", "c"))
    assert len(set(first)) == 3
    assert asyncio.run(draw("c", "a")) == [first[2], first[0]]


# -- refusals and failures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"batch_token": 1}, "unknown option of the transformers backend 'batch_token'. Did you mean batch_tokens?"),
        ({"batch_tokens": "many"}, "batch_tokens='many' is no number from 1"),
        ({"batch_tokens": 0}, "batch_tokens=0 is no number from 1"),
        ({"wait": -1}, "wait=-1 is no number from 0 to 60"),
        ({"wait": "nan"}, "wait='nan' is no number"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_loaded(options, says):
    with pytest.raises(UsageError) as error:
        backend_of("some/model", **options)
    assert says in str(error.value)


def test_options_set_the_budget():
    assert Knobs.read({"batch_tokens": "2048", "wait": "0.5"}) == Knobs(2048, 0.5)
    assert Knobs.read({"device": "cpu"}).budget(accelerated=False).tokens == CPU_SCORED
    assert Knobs().budget(accelerated=False, token_bytes=1).tokens == MOST_TOKENS
    assert Knobs().budget(accelerated=False, token_bytes=10**15).tokens == 1, "main memory counts too"
    budget = Knobs().budget(accelerated=True)
    assert (budget.tokens, budget.most) == (FIRST_TOKENS, MOST_TOKENS)
    budget = Knobs(batch_tokens=500).budget(accelerated=True)
    assert (budget.tokens, budget.most) == (500, 500)


def test_a_server_s_address_makes_no_sense_here():
    with pytest.raises(UsageError, match="--model openai/some/model --base-url"):
        build("transformers/some/model", base_url="http://127.0.0.1:8000/v1")


def test_a_missing_extra_is_one_line(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(MissingPrerequisite, match=r"needs torch. Type: pip install 'judgebench\[local\]'"):
        backend_of("some/model").check()


def test_naming_the_backend_imports_nothing_heavy():
    code = "import sys; import judgebench.backends.transformers; print({'torch', 'transformers'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_model_that_is_not_there_is_one_error_for_all_who_wait(tmp_path):
    found = ask(backend_of(str(tmp_path)), *ASKED[:5])
    assert len({str(one) for one in found}) == 1
    assert "cannot be loaded" in str(found[0])


def test_a_head_that_scores_gives_no_text_and_the_other_way_round(reward, llama):
    scoring = TransformersBackend(Endpoint(model=reward, weights=Weights(head="sequence-classification")))
    (refused,) = ask(scoring, ASKED[0])
    assert isinstance(refused, UsageError)
    backend = backend_of(llama)
    fine, refused = ask(backend, ASKED[0], scored("four", "five"))
    assert fine.text
    assert isinstance(refused, UsageError)
    assert "loaded with the head causal" in str(refused)


def test_unknown_parameters_fail_those_who_ask_for_them(llama):
    odd = TextRequest(prompt="A", sampling=Sampling(extra={"beams": 4}))
    fine, refused = ask(backend_of(llama), ASKED[0], odd)
    assert fine.text
    assert isinstance(refused, UsageError)
    assert "num_beams" in str(refused)


def test_a_score_that_is_no_number_is_our_failure_not_a_verdict(reward, monkeypatch):
    head = module.registry.load("heads", "sequence-classification")
    monkeypatch.setattr(head, "numbers", lambda _self, rows: torch.full((len(rows),), float("nan")))
    (failed,) = ask(backend_of(reward), scored("four", "five"))
    assert isinstance(failed, PermanentError)
    assert "--dtype bfloat16" in str(failed)


def test_what_the_libraries_raise_is_one_line(llama, monkeypatch):
    allocator(monkeypatch, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied\nmore\nlines"))
    (failed,) = ask(backend_of(llama), ASKED[0])
    assert isinstance(failed, PermanentError)
    assert str(failed).endswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied")


def test_closing_ends_a_long_reply_at_its_next_token(llama):
    endless = TextRequest(prompt="A", sampling=Sampling(max_tokens=2000))

    async def main():
        backend = backend_of(llama)
        await backend.complete(ASKED[0])
        waiting = [asyncio.create_task(backend.complete(endless)) for _ in range(3)]
        await asyncio.sleep(0.2)
        started = asyncio.get_running_loop().time()
        await backend.aclose()
        took = asyncio.get_running_loop().time() - started
        return took, await asyncio.gather(*waiting, return_exceptions=True)

    took, found = asyncio.run(main())
    assert took < 2
    assert [type(one) for one in found] == [TransientError] * 3


def test_it_can_be_closed_while_it_loads(llama, monkeypatch):
    loading = threading.Event()
    load = Generator.load
    monkeypatch.setattr(Generator, "load", lambda self: (loading.set(), load(self))[1])

    async def main():
        backend = backend_of(llama)
        waiting = asyncio.create_task(backend.complete(ASKED[0]))
        await asyncio.to_thread(loading.wait)
        await backend.aclose()
        return await asyncio.gather(waiting, return_exceptions=True)

    (found,) = asyncio.run(main())
    assert isinstance(found, TransientError | asyncio.CancelledError)
