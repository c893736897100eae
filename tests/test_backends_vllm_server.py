"""A judge's model on a vLLM server: asked in tokens, with nothing left to the server's defaults."""

import asyncio
from functools import partial

import pytest

from fakes import calls
from fakes.scoring import vllm_server
from fakes.servers import Answer, openai_server
from fakes.tiny_models import tiny_tokenizer
from judgebench.backends import rows
from judgebench.backends.base import Endpoint, build
from judgebench.backends.local import loading
from judgebench.backends.vllm import VLLMBackend
from judgebench.backends.vllm_server import NEUTRAL, VLLMServer
from judgebench.errors import PermanentError, TransientError, UsageError
from judgebench.judges.card import Context, Weights
from judgebench.records import ChatRequest, Message, Sampling, ScoreRequest, TextRequest

TOKENIZER = tiny_tokenizer("llama")

ask = partial(calls.ask, VLLMBackend)


@pytest.fixture(autouse=True)
def _tokenizer(monkeypatch):
    monkeypatch.setattr(loading, "load_tokenizer", lambda endpoint: TOKENIZER)
    monkeypatch.setattr(rows, "padding_token", lambda endpoint: None)


def chat(text="Which?", **fields) -> ChatRequest:
    sampling = Sampling(**fields.pop("sampling", {}))
    return ChatRequest(messages=(Message(role="user", content=text),), sampling=sampling, **fields)


def sent(request, sample=None, **endpoint):
    """Return the body that a request becomes."""

    async def go(url):
        backend = VLLMBackend(Endpoint(model="owner/judge", base_url=url, **endpoint))
        await backend.answer(request, sample)
        await backend.aclose()

    with openai_server() as server:
        asyncio.run(go(server.url))
    (received,) = server.requests
    assert received.path == "/v1/completions"
    return received.body


def test_a_base_url_makes_it_a_server_s_client():
    backend = build("vllm/owner/judge", base_url="http://localhost:1/v1")
    assert isinstance(backend, VLLMServer)
    assert backend.identity["provider"] == "vllm"
    assert backend.identity["url"] == "http://localhost:1/v1"
    assert backend.price() is None
    assert backend.gpus == 0
    backend.check()


def test_options_of_the_engine_are_not_the_server_s():
    with pytest.raises(UsageError, match="tensor_parallel_size"):
        VLLMBackend(Endpoint(model="m", base_url="http://localhost:1", options={"tensor_parallel_size": 2}))


def test_chat_and_text_go_as_tokens_by_the_card():
    assert TOKENIZER.decode(sent(chat("hi"))["prompt"]) == "<s><|user|>hi<|assistant|>"
    assert TOKENIZER.decode(sent(TextRequest(prompt="hi"))["prompt"]) == "<s>hi"
    body = sent(TextRequest(prompt="x" * 99), weights=Weights(bos="never"), context=Context(limit=30, reserve=10))
    assert len(body["prompt"]) == 20
    assert TOKENIZER.bos_token_id not in body["prompt"]


def test_nothing_is_left_to_the_model_s_own_generation_settings():
    body = sent(chat())
    assert NEUTRAL.items() <= body.items()
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.0, 1.0, 4096)
    assert not {"seed", "stop", "logprobs", "n", "use_beam_search"} & body.keys()


def test_sampling_is_passed_on():
    extra = {"repetition_penalty": 1.3, "min_new_tokens": 2}
    sampling = {"temperature": 0.5, "top_p": 0.8, "max_tokens": 7, "stop": ("</s>", "\n"), "extra": extra}
    body = sent(chat(sampling=sampling), "sample")
    assert (body["temperature"], body["top_p"], body["max_tokens"], body["stop"]) == (0.5, 0.8, 7, ["</s>", "\n"])
    assert (body["repetition_penalty"], body["min_tokens"]) == (1.3, 2)
    assert body["stop_token_ids"] == [TOKENIZER.eos_token_id]
    assert body["seed"] == sent(chat(sampling=sampling), "sample")["seed"] != sent(chat(sampling=sampling), "x")["seed"]


def test_a_json_schema():
    schema = {"type": "object"}
    assert sent(chat(json_schema=schema))["response_format"]["json_schema"]["schema"] == schema


def test_reasoning_effort_is_for_api_models():
    with pytest.raises(UsageError, match="reasoning_effort"):
        sent(chat(sampling={"reasoning_effort": "low"}))


def test_log_probabilities_are_spelled_here():
    a, b = (TOKENIZER.convert_tokens_to_ids(token) for token in "AB")
    logprobs = {
        "tokens": [f"token_id:{a}"], "token_logprobs": [-0.5],
        "top_logprobs": [{f"token_id:{a}": -0.5, f"token_id:{b}": -1.0, "token_id:1": -5.0}],
    }  # fmt: skip
    body = {"model": "m", "choices": [{"text": "A", "finish_reason": "length", "logprobs": logprobs}]}
    with openai_server() as server:
        server.push(Answer(body=body))
        reply = ask(server, chat(logprobs=2))
    assert server.requests[0].body["logprobs"] == 2
    assert server.requests[0].body["return_tokens_as_token_ids"] is True
    (token,) = reply.logprobs
    assert (token.token, token.logprob, token.top) == ("A", -0.5, {"A": -0.5, "B": -1.0})
    assert reply.finish == "length"


def beams(count):
    choices = [{"text": str(n), "finish_reason": "stop", "index": n} for n in range(count)]
    return Answer(body={"model": "m", "choices": choices})


def test_beams_are_asked_for_and_the_best_is_the_reply():
    with openai_server() as server:
        server.push(beams(3))
        reply = ask(server, chat(sampling={"extra": {"num_beams": 3}}))
    assert reply.text == "0"
    assert (server.requests[0].body["use_beam_search"], server.requests[0].body["n"]) == (True, 3)


def test_a_server_that_takes_no_notice_of_beams_is_found_out():
    with openai_server() as server:
        server.push(beams(1))
        with pytest.raises(PermanentError, match="took no notice of beam search"):
            ask(server, chat(sampling={"extra": {"num_beams": 3}}))


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        (400, "This model's maximum context length is 9 tokens", PermanentError, "longer than 'm' can read"),
        (404, "The model `m` does not exist.", PermanentError, "no model 'm' here"),
        (500, "EngineCore encountered an issue", TransientError, "in trouble"),
    ],
)
def test_errors_are_classified_as_on_any_server(status, message, kind, words):
    with openai_server() as server:
        server.push(Answer(status, {"error": {"message": message, "type": "x", "code": status}}))
        with pytest.raises(kind, match=words):
            ask(server, chat())


def test_its_key_is_vllm_s_own(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-this-server")
    monkeypatch.setenv("VLLM_API_KEY", "token-abc")
    with openai_server(key="token-abc") as server:
        ask(server, chat())
    assert "sk-not-for-this-server" not in str(server.requests)


def test_scores_go_as_tokens():
    turns = (Message(role="user", content="2+2?"), Message(role="assistant", content="four"))
    with vllm_server(spell=TOKENIZER.decode) as server:
        reply = ask(server, ScoreRequest(conversations=(turns,)))
    (ids,) = server.requests[0].body["input"]
    assert reply.scores == (float(len(TOKENIZER.decode(ids))),)


def test_several_requests_share_one_tokenizer_and_one_thread(monkeypatch):
    loaded = []
    monkeypatch.setattr(loading, "load_tokenizer", lambda endpoint: loaded.append(endpoint) or TOKENIZER)

    async def go(url):
        backend = VLLMBackend(Endpoint(model="m", base_url=url))
        replies = await asyncio.gather(*(backend.complete(chat(str(n))) for n in range(20)))
        await backend.aclose()
        await backend.aclose()
        again = await backend.complete(chat("again"))
        await backend.aclose()
        return [*replies, again]

    with openai_server() as server:
        replies = asyncio.run(go(server.url))
    assert len(replies) == 21
    assert len(loaded) == 1
