"""The vLLM backend against a fake `vllm` with the real one's signatures: what it loads, asks and reads."""

import asyncio
import math
from pathlib import Path

import pytest

from fakes import vllm as fakes
from fakes.vllm import Said
from fakes.vllm_calls import TOKENIZER, answer, chat, conversations, endpoint, fake_vllm
from judgebench.backends import rows
from judgebench.backends.base import build
from judgebench.backends.scoring_routes import ROUTES
from judgebench.backends.vllm import OPTIONS, VLLMBackend
from judgebench.errors import PermanentError, TransientError, UsageError
from judgebench.judges.card import Context, Weights
from judgebench.records import ChatRequest, Message, TextRequest

__all__ = ["fake_vllm"]


# -- what is loaded ------------------------------------------------------------------------------------


def test_a_judge_s_engine_is_loaded_as_the_card_says(vllm):
    weights = Weights(dtype="float16", tokenizer="owner/tokens@abc")
    answer(chat(), weights=weights, revision="123", context=Context(limit=2048), trust_remote_code=True)
    (engine,) = vllm.engines
    args = engine.args
    assert (args.model, args.revision, args.tokenizer, args.tokenizer_revision) == (
        "owner/judge",
        "123",
        "owner/tokens",
        "abc",
    )
    assert (args.runner, args.dtype, args.trust_remote_code) == ("generate", "float16", True)
    assert args.enable_prefix_caching is True
    assert args.max_model_len == -1, "a reply may be longer than what the card leaves for the prompt"


def test_a_reward_model_s_engine_pools_and_needs_no_more_room_than_its_context(vllm):
    vllm.script = lambda asked: 1.5
    answer(conversations("four"), context=Context(limit=4096))
    args = vllm.engines[0].args
    assert (args.runner, args.max_model_len) == ("pooling", 4096)
    assert args.enable_prefix_caching is None, "vLLM knows which pooling models may share a prefix"
    assert not args.trust_remote_code


def test_options_go_to_the_engine(vllm):
    given = {"tensor_parallel_size": 2, "data_parallel_size": 4, "gpu_memory_utilization": 0.8, "max_model_len": 99,
             "enforce_eager": True, "enable_prefix_caching": False}  # fmt: skip
    answer(chat(), options=given)
    args = vllm.engines[0].args
    assert {name: getattr(args, name) for name in given} == given


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tensor_paralel_size": 2}, "Did you mean tensor_parallel_size"),
        ({"tensor_parallel_size": "two"}, "tensor_parallel_size='two' is no whole number"),
        ({"tensor_parallel_size": 1.5}, "tensor_parallel_size=1.5 is no whole number"),
        ({"tensor_parallel_size": True}, "tensor_parallel_size=True is no whole number"),
        ({"gpu_memory_utilization": "most"}, "gpu_memory_utilization='most' is no number"),
        ({"enforce_eager": 1}, "enforce_eager=1 is no true or false"),
        ({"quantization": "fp8"}, "unknown option of the vllm backend 'quantization'"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_loaded(vllm, options, message):
    with pytest.raises(UsageError, match=message):
        VLLMBackend(endpoint(options=options))
    assert vllm.engines == []


def test_every_option_and_every_route_is_in_the_guide():
    guide = (Path(__file__).parent.parent / "docs" / "judges.md").read_text("utf-8")
    assert [name for name in (*OPTIONS, *ROUTES) if f"`{name}`" not in guide] == []


def test_every_option_is_an_engine_argument_of_its_type():
    values = {int: 2, float: 0.5, bool: True, str: "x"}
    fakes.AsyncEngineArgs(model="m", **{name: values[kind] for name, kind in OPTIONS.items()})
    VLLMBackend(endpoint(options={name: values[kind] for name, kind in OPTIONS.items()}))


# -- what is asked ---------------------------------------------------------------------------------------


def test_prompts_are_tokens_with_one_beginning(vllm):
    answer([chat("hi"), TextRequest(prompt="hi"), TextRequest(prompt="<s>hi")])
    texts = sorted(TOKENIZER.decode(asked.ids) for asked in vllm.asked)
    assert texts == ["<s><|user|>hi<|assistant|>", "<s>hi", "<s>hi"]


def test_the_card_s_policies_reach_the_engine(vllm):
    messages = (Message(role="system", content="Be brief."), Message(role="user", content="Why?"))
    weights = Weights(bos="never", system="merge")
    answer(ChatRequest(messages=messages), weights=weights)
    assert TOKENIZER.decode(vllm.asked[0].ids) == "<|user|>Be brief.\n\nWhy?<|assistant|>"
    answer(TextRequest(prompt="x" * 100), context=Context(limit=40, reserve=10, side="left"))
    assert len(vllm.asked[-1].ids) == 30


def test_unset_sampling_is_greedy_and_neutral(vllm):
    answer(chat())
    params = vllm.asked[0].params
    assert (params.temperature, params.top_p, params.top_k, params.min_p) == (0.0, 1.0, 0, 0.0)
    assert (params.repetition_penalty, params.stop, params.seed, params.logprobs) == (1.0, None, None, None)
    assert params.max_tokens == 4096, "vLLM's own default would cut every reply after 16 tokens"


def test_set_sampling_is_passed_on(vllm):
    sampling = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 8, "stop": ("\n\n", "</s>"), "extra": {
        "top_k": 5, "min_p": 0.1, "repetition_penalty": 1.2, "min_new_tokens": 3, "num_beams": 1,
        "early_stopping": True, "length_penalty": 2.0}}  # fmt: skip
    answer(chat(sampling=sampling, logprobs=5))
    params = vllm.asked[0].params
    assert (params.temperature, params.top_p, params.max_tokens, params.stop) == (0.7, 0.9, 8, ["\n\n", "</s>"])
    assert (params.top_k, params.min_p, params.repetition_penalty, params.min_tokens) == (5, 0.1, 1.2, 3)
    assert params.logprobs == 5
    assert params.stop_token_ids == [TOKENIZER.eos_token_id], "a special token is in no text where it could be found"


def test_a_sampled_request_has_a_seed_of_its_own(vllm):
    warm = {"temperature": 1.0}
    for sample in ("one", "one", "two"):
        answer(chat(sampling=warm), sample)
    answer(chat(sampling=warm | {"seed": 7}), "one")
    answer(chat(sampling=warm | {"seed": 7}), "two")
    seeds = [asked.params.seed for asked in vllm.asked]
    assert seeds[0] == seeds[1] != seeds[2]
    assert seeds[3] == seeds[4], "a seed that the user set is the same in every repeat"
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_json_schema_holds_the_reply(vllm):
    schema = {"type": "object", "properties": {"verdict": {"type": "string"}}}
    answer(chat(json_schema=schema))
    assert vllm.asked[0].params.structured_outputs.json == schema


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ({"extra": {"num_beams": 4}}, "num_beams=4.*--backend transformers"),
        ({"extra": {"no_repeat_ngram_size": 3}}, "no_repeat_ngram_size=3.*--backend transformers"),
        ({"extra": {"repetition_penalti": 1.2}}, "Did you mean repetition_penalty"),
        ({"extra": {"top_k": "many"}}, "sampling.extra.top_k"),
        ({"reasoning_effort": "high"}, "reasoning_effort is for API models"),
    ],
)
def test_what_the_engine_cannot_do_is_said_before_it_is_loaded(vllm, sampling, message):
    with pytest.raises(UsageError, match=message):
        answer(chat(sampling=sampling))
    assert vllm.engines == []


# -- what is read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "finish"), [("stop", "stop"), ("length", "length")])
def test_a_reply(vllm, said, finish):
    vllm.script = lambda asked: Said("Verdict: B", finish=said, tokens=(1, 2, 3), cached=2)
    reply = answer(chat("hi"))
    assert (reply.text, reply.finish, reply.model) == ("Verdict: B", finish, "owner/judge")
    assert (reply.usage.input, reply.usage.output, reply.usage.cached) == (len(vllm.asked[0].ids), 3, 2)
    assert reply.logprobs is None


def test_log_probabilities_by_token_rivals_of_one_spelling_added(vllm):
    a, b, broken, also_broken = (TOKENIZER.convert_tokens_to_ids(token) for token in ("A", "B", "Ģ", "ģ"))
    step = ((a, -0.5), (b, -1.0), (broken, -3.0), (also_broken, -3.5), (2, -math.inf), (9, -9.0))
    vllm.script = lambda asked: Said("A", tokens=(a,), logprobs=(step,))
    (token,) = answer(chat(logprobs=4)).logprobs
    assert (token.token, token.logprob) == ("A", -0.5)
    assert token.top == pytest.approx({"A": -0.5, "B": -1.0, "\ufffd": math.log(math.exp(-3) + math.exp(-3.5))})


@pytest.mark.parametrize("finish", ["abort", "error", None])
def test_a_reply_that_was_broken_off_is_tried_again(vllm, finish):
    vllm.script = lambda asked: Said("Verd", finish=finish)
    with pytest.raises(TransientError, match="broke a reply off"):
        answer(chat())


# -- scores ------------------------------------------------------------------------------------------------


def test_scores_are_the_model_s_own_numbers(vllm):
    vllm.script = lambda asked: float(len(asked.ids))
    reply = answer(conversations("four", "it is five"))
    assert reply.scores == tuple(float(len(asked.ids)) for asked in sorted(vllm.asked, key=lambda one: len(one.ids)))
    assert [asked.params for asked in vllm.asked] == [fakes.PoolingParams(use_activation=False, task="classify")] * 2
    assert TOKENIZER.decode(vllm.asked[0].ids).startswith("<s><|user|>Two and two?<|assistant|>")
    assert reply.usage.input == sum(len(asked.ids) for asked in vllm.asked)
    assert (reply.usage.output, reply.usage.cached) == (0, 4)


def test_a_row_ends_where_transformers_reads_it(vllm, monkeypatch):
    monkeypatch.setattr(rows, "padding_token", lambda endpoint: TOKENIZER.eos_token_id)
    vllm.script = lambda asked: 1.0
    answer(conversations("four"))
    assert TOKENIZER.decode(vllm.asked[0].ids).endswith("<|assistant|>four")


def test_a_label_chooses_among_several_numbers(vllm):
    vllm.script = lambda asked: [1.0, 2.0]
    head = "sequence-classification"
    assert answer(conversations("x"), weights=Weights(head=head, params={"label": 1})).scores == (2.0,)
    assert answer(conversations("x"), weights=Weights(head=head, params={"label": 0, "negate": True})).scores == (-1.0,)
    for params in ({}, {"label": 2}, {"label": "good"}):
        with pytest.raises(UsageError, match="gives 2 numbers"):
            answer(conversations("x"), weights=Weights(head=head, params=params))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_score_that_is_no_number_stops_the_run_and_says_why(vllm, number):
    vllm.script = lambda asked: number
    with pytest.raises(PermanentError, match=r"not a number .*--dtype bfloat16"):
        answer(conversations("x"))


def test_a_conversation_that_failed_is_tried_again(vllm):
    vllm.script = lambda asked: "worker hiccup"
    with pytest.raises(TransientError, match="worker hiccup"):
        answer(conversations("x"))


def test_one_engine_does_one_thing(vllm):
    async def go():
        backend = VLLMBackend(endpoint())
        await backend.complete(chat())
        with pytest.raises(UsageError, match="is loaded to generate, and pooling was asked for"):
            await backend.score(conversations("x"))
        await backend.aclose()

    asyncio.run(go())
    with pytest.raises(UsageError, match="it gives no text"):
        answer(chat(), weights=Weights(head="sequence-classification"))
    pair = conversations("x", "y").model_copy(update={"mode": "pair"})
    with pytest.raises(UsageError, match=r"one by one.*--backend transformers"):
        answer(pair)
    assert len(vllm.engines) == 1


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({"head": "pairrm"}, "nothing for the head pairrm"),
        ({"template": "pair", "head": "sequence-classification"}, "no encoder's pair"),
        ({"delta_of": "huggyllama/llama-7b"}, "to be added to huggyllama/llama-7b"),
        ({"quantization": "8bit"}, "does not round weights to 8bit"),
    ],
)
def test_a_judge_that_vllm_cannot_run_names_the_backend_that_can(vllm, weights, reason):
    backend = VLLMBackend(endpoint(weights=Weights(**weights)))
    with pytest.raises(UsageError, match=f"vLLM cannot run owner/judge: .*{reason}.*--backend transformers") as caught:
        backend.check()
    assert "\n" not in str(caught.value)


# -- what it says of itself ------------------------------------------------------------------------------------


def test_it_describes_what_ran_also_when_closed(vllm, monkeypatch):
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")

    async def go():
        backend = VLLMBackend(endpoint(options={"tensor_parallel_size": 2}))
        before = backend.describe()
        await backend.complete(chat())
        during = backend.describe()
        await backend.aclose()
        return before, during, backend.describe()

    before, during, after = asyncio.run(go())
    assert before == {}
    assert during == after
    assert after == {
        "vllm": fakes.VERSION, "device": "Fake H100", "dtype": "bfloat16", "attention": "vllm", "max_model_len": 4096,
        "tensor_parallel_size": 2, "data_parallel_size": 1, "prefix_caching": True, "batch_invariant": True,
    }  # fmt: skip


def test_it_is_found_by_name_and_told_from_others(tmp_path):
    backend = build("vllm/owner/judge", weights=Weights(dtype="bfloat16"))
    assert isinstance(backend, VLLMBackend)
    assert backend.identity["provider"] == "vllm"
    assert backend.price() is None
    (tmp_path / "config.json").write_text("{}")
    before = VLLMBackend(endpoint(model=str(tmp_path))).identity
    (tmp_path / "config.json").write_text("{ }")
    assert VLLMBackend(endpoint(model=str(tmp_path))).identity != before


def test_a_folder_s_path_stays_here(vllm, tmp_path):
    reply = answer(chat(), model=str(tmp_path / "."))
    assert reply.model == tmp_path.name
