"""The OpenAI backend against a real server on loopback: what it sends and what it reads."""

import asyncio
from functools import partial

import pytest

from fakes import calls
from fakes.calls import ASK
from fakes.servers import Answer, openai_server
from judgebench.backends.base import Endpoint, build
from judgebench.backends.openai import OpenAIBackend
from judgebench.errors import RateLimited, TransientError, UsageError
from judgebench.records import (
    ChatRequest,
    ImagePart,
    Message,
    Sampling,
    ScoreRequest,
    TextPart,
    TextRequest,
    Usage,
)

ask = partial(calls.ask, OpenAIBackend)
fail = partial(calls.fail, OpenAIBackend, openai_server)


def choice(**fields):
    message = {"message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop", "index": 0}
    return Answer(body={"model": "m", "choices": [message | fields]})


def read(answer, request=ASK):
    with openai_server() as server:
        server.push(answer)
        return ask(server, request)


# -- what is sent --------------------------------------------------------------------------------------


def test_only_what_is_set_is_sent():
    with openai_server() as server:
        ask(server)
    sent = server.requests[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.body == {"model": "m", "messages": [{"role": "user", "content": "Which is better?"}]}


def test_every_parameter_has_its_field():
    sampling = Sampling(
        temperature=0.0,
        top_p=0.9,
        max_tokens=7,
        stop=("\n",),
        seed=3,
        reasoning_effort="low",
        extra={"top_k": 5},
    )
    request = ASK.model_copy(update={"sampling": sampling, "logprobs": 4, "json_schema": {"type": "object"}})
    with openai_server() as server:
        ask(server, request)
    assert server.requests[0].body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Which is better?"}],
        "temperature": 0.0,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["\n"],
        "seed": 3,
        "reasoning_effort": "low",
        "top_k": 5,
        "logprobs": True,
        "top_logprobs": 4,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
        },
    }


def test_the_name_of_the_token_limit():
    request = ASK.model_copy(update={"sampling": Sampling(max_tokens=7)})
    ours = OpenAIBackend(Endpoint(model="m"))
    slashed = OpenAIBackend(Endpoint(model="m", base_url="https://api.openai.com/v1/"))
    theirs = OpenAIBackend(Endpoint(model="m", base_url="http://localhost:1/v1"))
    told = OpenAIBackend(Endpoint(model="m", options={"max_tokens_field": "max_tokens"}))
    assert ours._chat_body(request)["max_completion_tokens"] == 7
    assert slashed._chat_body(request)["max_completion_tokens"] == 7
    assert theirs._chat_body(request)["max_tokens"] == 7
    assert told._chat_body(request)["max_tokens"] == 7
    assert "max_tokens" not in ours._chat_body(request)


def test_images_become_image_urls():
    content = (
        TextPart(text="see"),
        ImagePart(data="aGk=", media_type="image/jpeg"),
        ImagePart(url="https://example.org/a.png"),
    )
    with openai_server() as server:
        ask(server, ChatRequest(messages=(Message(role="user", content=content),)))
    assert server.requests[0].body["messages"][0]["content"] == [
        {"type": "text", "text": "see"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ]


def test_a_plain_completion():
    request = TextRequest(prompt="1 + 1 =", sampling=Sampling(max_tokens=2), logprobs=1)
    with openai_server(" 2") as server:
        reply = ask(server, request)
    assert server.requests[0].path == "/v1/completions"
    assert server.requests[0].body == {"model": "m", "prompt": "1 + 1 =", "max_tokens": 2, "logprobs": 1}
    assert (reply.text, reply.finish, reply.model) == (" 2", "stop", "m-0001")


def test_lone_surrogates_in_a_prompt_go_out_and_come_back_readable():
    echo = lambda body: body["messages"][0]["content"]  # noqa: E731
    with openai_server(echo) as server:
        reply = ask(server, ChatRequest(messages=(Message(role="user", content="a\ud800b\U0001f600"),)))
    assert server.requests[0].body["messages"][0]["content"] == "a\ud800b\U0001f600"
    assert reply.text == "a\ufffdb\U0001f600"


def test_openai_s_own_host_gives_no_scores():
    backend = OpenAIBackend(Endpoint(model="m"))
    with pytest.raises(UsageError, match="gives no scores"):
        asyncio.run(backend.score(ScoreRequest(conversations=((Message(role="user", content="x"),),))))


def test_generation_parameters_go_in_the_server_s_words():
    sampling = Sampling(extra={"num_beams": 2, "early_stopping": False, "provider": {"only": ["x"]}})
    choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in ("best", "second")]
    with openai_server() as server:
        server.push(Answer(body={"model": "m", "choices": choices}))
        assert ask(server, ASK.model_copy(update={"sampling": sampling})).text == "best"
    body = server.requests[0].body
    assert (body["use_beam_search"], body["n"], body["provider"]) == (True, 2, {"only": ["x"]})
    assert "num_beams" not in body


# -- what is read --------------------------------------------------------------------------------------


def test_a_reply_is_read_whole():
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    answer = choice()
    answer.body["usage"] = usage
    reply = read(answer)
    assert (reply.text, reply.finish, reply.model) == ("ok", "stop", "m")
    assert reply.usage == Usage(input=10, output=5, cached=8, reasoning=3)
    assert 0 < reply.seconds < 10


@pytest.mark.parametrize("usage", [{}, {"usage": None}, {"usage": {"prompt_tokens_details": None}}])
def test_unknown_usage_is_none_and_not_zero(usage):
    answer = choice()
    answer.body.update(usage)
    assert read(answer).usage == Usage()


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "refusal"),
        ("eos", "stop"),
        (None, "stop"),
    ],
)
def test_finish_reasons(reason, finish):
    assert read(choice(finish_reason=reason)).finish == finish


def test_null_content_is_no_text_and_empty_content_is_empty():
    assert read(choice(message={"content": None, "reasoning_content": "hm"})).text is None
    assert read(choice(message={"role": "assistant"})).text is None
    assert read(choice(message={"content": ""})).text == ""


def test_a_refusal_is_a_reply():
    reply = read(choice(message={"content": None, "refusal": "I cannot judge this."}))
    assert (reply.text, reply.finish) == ("I cannot judge this.", "refusal")


def test_content_in_parts_is_joined_without_the_thoughts():
    parts = [
        {"type": "thinking", "thinking": []},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    assert read(choice(message={"content": parts})).text == "ab"


def test_the_first_of_several_choices_counts():
    answer = choice()
    answer.body["choices"].append({"message": {"content": "second"}, "finish_reason": "stop", "index": 1})
    assert read(answer).text == "ok"


def test_chat_logprobs():
    token = {
        "token": "A",
        "logprob": -0.1,
        "top_logprobs": [{"token": "A", "logprob": -0.1}, {"token": "B", "logprob": -2}],
    }
    reply = read(choice(logprobs={"content": [token]}))
    (first,) = reply.logprobs
    assert (first.token, first.logprob, first.top) == ("A", -0.1, {"A": -0.1, "B": -2.0})


def test_completion_logprobs():
    body = {"model": "m", "choices": [{"text": "A", "finish_reason": "stop", "logprobs": None}]}
    body["choices"][0]["logprobs"] = {
        "tokens": ["A"],
        "token_logprobs": [-0.5],
        "top_logprobs": [{"A": -0.5}],
    }
    (first,) = read(Answer(body=body), TextRequest(prompt="p", logprobs=1)).logprobs
    assert (first.token, first.logprob, first.top) == ("A", -0.5, {"A": -0.5})


def test_logprobs_a_server_drops_or_breaks_are_none():
    assert read(choice()).logprobs is None
    assert read(choice(logprobs={"content": []})).logprobs is None
    broken = {"token": "A", "logprob": None, "top_logprobs": None}
    assert read(choice(logprobs={"content": [broken]})).logprobs is None


def test_infinite_logprobs_are_no_json_but_no_reason_to_fail():
    raw = (
        '{"model": "m", "choices": [{"finish_reason": "stop", "message": {"content": "A"}, "logprobs": {"content": '
        '[{"token": "A", "logprob": -0.1, "top_logprobs": [{"token": "B", "logprob": -Infinity}]}]}}]}'
    )
    (first,) = read(Answer(body=raw)).logprobs
    assert first.top == {}


# -- how it fails ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "",
        "[]",
        "{}",
        b"\xff\xfe",
        {"choices": []},
        {"choices": None},
        {"choices": ["x"]},
        {"choices": [{"message": {"content": 7}}]},
        {"choices": [{"message": {"content": [{"type": "text"}]}}]},
        {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": "many"}},
        {"error": "an error as text"},
    ],
)
def test_a_malformed_answer_is_server_trouble(body):
    caught = fail(Answer(body=body, headers={"content-type": "text/html"}), TransientError)
    assert "something else than a reply" in str(caught)
    assert len(str(caught)) < 250


@pytest.mark.parametrize(("code", "kind"), [(429, RateLimited), (502, TransientError), ("odd", TransientError)])
def test_an_error_inside_a_200(code, kind):
    fail(Answer(body={"error": {"code": code, "message": "upstream"}}), kind)


def test_a_reply_broken_off_upstream():
    assert "broke off" in str(fail(choice(finish_reason="error"), TransientError))


def test_it_is_found_by_name_and_describes_itself():
    backend = build("openai/org/model", base_url="http://localhost:1/v1")
    assert isinstance(backend, OpenAIBackend)
    assert backend.endpoint.model == "org/model"
    assert set(backend.describe()) == {"openai", "aiohttp", "httpx2"}
