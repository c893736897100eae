"""The real vLLM, where one is installed (a GPU, or a build for the CPU): the fake is true to it, and so are the numbers.

A tiny random model in float32 is run on vLLM's engine and on transformers: the same tokens, log-probabilities and
scores. Skipped everywhere else, CI included.
"""

import asyncio
import dataclasses
import inspect
import multiprocessing
import os

import pytest

from fakes import vllm as fakes
from fakes.tiny_models import make_tiny
from judgebench.backends import vllm_engine
from judgebench.backends.base import Endpoint
from judgebench.backends.transformers import TransformersBackend
from judgebench.backends.vllm import VLLMBackend
from judgebench.errors import TransientError
from judgebench.judges.card import Context, Weights
from judgebench.records import ChatRequest, Message, Sampling, ScoreRequest

pytest.importorskip("vllm", reason="vLLM is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]

SHAPE = {"hidden_size": 128, "head_dim": 64, "intermediate_size": 128}
"""vLLM's CPU kernels know no smaller heads."""
OPTIONS = {"max_model_len": 1024, "enforce_eager": True}
EXACT = Weights(dtype="float32")


@pytest.fixture(scope="module", autouse=True)
def _engines():
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    yield
    vllm_engine.stop_all()


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return str(make_tiny(tmp_path_factory.mktemp("judge"), "llama", **SHAPE))


def on_vllm(model, weights=EXACT, **fields) -> VLLMBackend:
    return VLLMBackend(Endpoint(model=model, weights=weights, options=OPTIONS, **fields))


def on_transformers(model, weights=EXACT, **fields) -> TransformersBackend:
    return TransformersBackend(Endpoint(model=model, weights=weights, **fields))


def run(backend, *requests):
    async def go():
        try:
            return await asyncio.gather(*map(backend.answer, requests))
        finally:
            await backend.aclose()

    return asyncio.run(go())


def chat(text, logprobs=None, **sampling) -> ChatRequest:
    sampling = Sampling(**{"max_tokens": 12} | sampling)
    return ChatRequest(messages=(Message(role="user", content=text),), sampling=sampling, logprobs=logprobs)


# -- the fake --------------------------------------------------------------------------------------------


def test_the_fake_takes_no_argument_that_the_real_one_does_not():
    from vllm import AsyncEngineArgs, PoolingParams, SamplingParams
    from vllm.inputs import tokens_input
    from vllm.lora.request import LoRARequest
    from vllm.sampling_params import StructuredOutputsParams
    from vllm.v1.engine.async_llm import AsyncLLM

    pairs = [
        (fakes.AsyncEngineArgs, AsyncEngineArgs),
        (fakes.SamplingParams, SamplingParams),
        (fakes.PoolingParams, PoolingParams),
        (fakes.LoRARequest, LoRARequest),
        (fakes.StructuredOutputsParams, StructuredOutputsParams),
    ]
    for fake, real in pairs:
        known = {*inspect.signature(real).parameters}
        assert {field.name for field in dataclasses.fields(fake)} <= known, real
    for name in ("generate", "encode", "from_engine_args", "shutdown"):
        fake, real = (list(inspect.signature(getattr(kind, name)).parameters) for kind in (fakes.AsyncLLM, AsyncLLM))
        assert [parameter for parameter in real if parameter in fake] == fake, name
    assert list(inspect.signature(fakes.tokens_input).parameters) == list(inspect.signature(tokens_input).parameters)


def test_the_real_exceptions_are_what_the_fake_raises():
    from vllm.exceptions import VLLMClientError, VLLMServerError
    from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

    assert issubclass(EngineDeadError, VLLMServerError)
    assert issubclass(EngineGenerateError, VLLMServerError)
    assert not issubclass(VLLMServerError, VLLMClientError)


# -- the numbers -------------------------------------------------------------------------------------------


def test_replies_are_those_of_transformers(judge):
    requests = [
        chat("Which is better?", logprobs=4),
        chat("x" * 300, logprobs=2),
        chat("one", max_tokens=1, logprobs=4),
        chat("Is it?", extra={"repetition_penalty": 1.3}),
        chat("Stop", max_tokens=40, stop=("</s>",)),
        chat("long " * 400),
    ]
    context = Context(limit=600, reserve=100)
    ours = run(on_vllm(judge, context=context), *requests)
    theirs = run(on_transformers(judge, context=context), *requests)
    for one, two in zip(ours, theirs, strict=True):
        # vLLM holds back the bytes of a character that is not whole yet, to the end.
        assert (one.text, one.finish) == (two.text.rstrip("\ufffd"), two.finish)
        assert (one.usage.input, one.usage.output) == (two.usage.input, two.usage.output)
        assert (one.logprobs is None) == (two.logprobs is None)
        for step, other in zip(one.logprobs or (), two.logprobs or (), strict=True):
            assert step.token == other.token
            assert step.logprob == pytest.approx(other.logprob, abs=1e-4)
            assert step.top == pytest.approx(other.top, abs=1e-4)


def test_a_sampled_reply_is_the_same_for_the_same_seed_whatever_else_runs(judge):
    warm = chat("draw", temperature=1.0, seed=3)
    backend = on_vllm(judge)
    alone, *_ = run(backend, warm)
    among, *_ = run(on_vllm(judge), warm, *(chat(f"draw {n}", temperature=1.0) for n in range(8)))
    assert alone.text == among.text


def test_a_shared_beginning_is_computed_once(judge):
    beginning = "The same rubric for all of them. " * 20
    backend = on_vllm(judge)
    run(backend, chat(beginning + "one"))
    (reply,) = run(on_vllm(judge), chat(beginning + "two"))
    assert 0 < reply.usage.cached < reply.usage.input


def test_an_engine_that_is_killed_is_started_again(judge):
    async def go():
        backend = on_vllm(judge)
        before = await backend.complete(chat("again"))
        for process in multiprocessing.active_children():
            process.kill()
        with pytest.raises(TransientError, match="is started again"):
            await backend.complete(chat("again", max_tokens=900))
        after = await backend.complete(chat("again"))
        await backend.aclose()
        return before.text, after.text

    before, after = asyncio.run(go())
    assert before == after


def test_an_adapter_is_applied(judge, tmp_path):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(judge), config).save_pretrained(tmp_path)
    adapted = EXACT.model_copy(update={"adapter": str(tmp_path)})
    (plain,) = run(on_vllm(judge), chat("Which?", logprobs=2))
    (ours,) = run(on_vllm(judge, adapted), chat("Which?", logprobs=2))
    (theirs,) = run(on_transformers(judge, adapted), chat("Which?", logprobs=2))
    assert ours.text == theirs.text.rstrip("\ufffd")
    assert ours.logprobs[0].logprob == pytest.approx(theirs.logprobs[0].logprob, abs=1e-3)
    assert ours.logprobs[0].logprob != pytest.approx(plain.logprobs[0].logprob, abs=1e-2)


@pytest.mark.parametrize("padding", [2, None], ids=["padded with its end of turn", "without padding"])
def test_scores_are_those_of_transformers(tmp_path, padding):
    fields = SHAPE | {"pad_token_id": padding}
    model = str(make_tiny(tmp_path / "rm", "llama", "sequence-classification", **fields))
    weights = Weights(head="sequence-classification", dtype="float32")
    asked = [
        ScoreRequest(conversations=tuple(
            (Message(role="user", content=f"question {n}"), Message(role="assistant", content=text))
            for text in ("yes", "no, because " + "it is long " * n, "é" * 200)
        )) for n in range(6)
    ]  # fmt: skip
    context = Context(limit=128)
    ours = run(on_vllm(model, weights, context=context), *asked)
    theirs = run(on_transformers(model, weights, context=context), *asked)
    for one, two in zip(ours, theirs, strict=True):
        assert one.scores == pytest.approx(two.scores, abs=1e-5)
