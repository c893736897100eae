"""The Anthropic backend against a server as strict as the API: what it sends, reads, and refuses to send."""

from functools import partial

import pytest

from fakes import calls
from fakes.calls import ASK
from fakes.servers import Answer, anthropic_server
from judgebench.backends import wire
from judgebench.backends.anthropic import CACHEABLE, MAX_TOKENS, AnthropicBackend
from judgebench.backends.base import Endpoint, build
from judgebench.errors import MissingPrerequisite, PermanentError, RateLimited, TransientError, UsageError
from judgebench.records import ChatRequest, ImagePart, Message, Sampling, TextPart, TextRequest, Usage

KEY = "sk-ant-secret-0123456789"
USER = Message(role="user", content="Which is better?")


ask = partial(calls.ask, AnthropicBackend)
fail = partial(calls.fail, AnthropicBackend, anthropic_server)


def sent(request=ASK, **endpoint):
    """Return what arrives for a request."""
    with anthropic_server() as server:
        assert ask(server, request, **endpoint).text == "Verdict: A"
    return server.requests[0]


def sampled(**sampling):
    return ChatRequest(messages=(USER,), sampling=Sampling(**sampling))


def read(**message):
    with anthropic_server({"content": "ok", **message}) as server:
        return ask(server)


# -- what is sent --------------------------------------------------------------------------------------


def test_the_least_that_the_api_takes():
    received = sent()
    assert received.path == "/v1/messages"
    assert received.body == {
        "model": "m",
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": "Which is better?"}],
    }
    assert received.headers["anthropic-version"] > "2026"


def test_every_parameter_has_its_field():
    request = sampled(
        temperature=0.0, top_p=0.9, max_tokens=7, stop=("\n",), reasoning_effort="low", extra={"top_k": 5}
    ).model_copy(update={"json_schema": {"type": "object"}})
    assert sent(request).body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Which is better?"}],
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 5,
        "max_tokens": 7,
        "stop_sequences": ["\n"],
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    }


@pytest.mark.parametrize("sampling", [{"temperature": 0.0}, {"top_p": 1.0}, {"extra": {"top_k": 1}}])
def test_sampling_goes_out_in_the_version_that_has_it(sampling):
    assert sent(sampled(**sampling)).headers["anthropic-version"] == "2023-06-01"


def test_the_version_can_be_chosen_and_then_the_api_may_refuse():
    newest = {"anthropic_version": "2026-10-21"}
    with anthropic_server() as server, pytest.raises(PermanentError) as caught:
        ask(server, sampled(temperature=0.0), options=newest)
    assert "the parameter 'temperature' was refused. Unset it" in str(caught.value)


def test_a_token_limit_in_extra_is_kept():
    assert sent(sampled(extra={"max_tokens": 9})).body["max_tokens"] == 9


def test_a_long_reply_needs_no_streaming():
    assert sent(sampled(max_tokens=64_000)).body["max_tokens"] == 64_000


def test_leading_system_messages_go_to_their_own_field():
    systems = (Message(role="system", content="one"), Message(role="system", content=(TextPart(text="two"),)))
    body = sent(ChatRequest(messages=(*systems, USER))).body
    assert body["system"] == [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert [m["role"] for m in body["messages"]] == ["user"]


LONG = Message(role="system", content="Judge with care. " * 200)
CACHING = {"prompt_cache": True}


def test_long_system_messages_are_marked_for_the_prompt_cache_at_their_end():
    start = Message(role="system", content="one")
    body = sent(ChatRequest(messages=(start, LONG, USER)), options=CACHING).body
    assert body["system"] == [
        {"type": "text", "text": "one"},
        {"type": "text", "text": LONG.content, "cache_control": {"type": "ephemeral"}},
    ]
    assert "cache_control" not in str(body["messages"]), "what comes after differs from item to item"


def test_what_no_cache_takes_is_not_marked():
    size = len(wire.encode([{"type": "text", "text": ""}]))
    for length, marked in ((CACHEABLE - size - 1, False), (CACHEABLE - size, True)):
        system = Message(role="system", content="x" * length)
        body = sent(ChatRequest(messages=(system, USER)), options=CACHING).body
        assert ("cache_control" in body["system"][0]) == marked
    assert "system" not in sent(options=CACHING).body


def test_only_anthropics_own_host_is_known_to_have_a_prompt_cache():
    request = ChatRequest(messages=(LONG, USER))
    assert "cache_control" not in str(sent(request).body)
    own, off = (
        AnthropicBackend(Endpoint(model="m")),
        AnthropicBackend(Endpoint(model="m", options={"prompt_cache": False})),
    )
    assert "cache_control" in str(own.render(request).body)
    assert "cache_control" not in str(off.render(request).body)


def test_marking_changes_no_request_that_is_kept_or_asked_again():
    backend = AnthropicBackend(Endpoint(model="m", options=CACHING))
    request = ChatRequest(messages=(LONG, USER))
    assert backend.render(request) == backend.render(request)
    assert backend.identity == AnthropicBackend(Endpoint(model="m")).identity


def test_images_become_sources():
    parts = (ImagePart(data="aGk=", media_type="image/jpeg"), ImagePart(url="https://example.org/a.png"))
    body = sent(ChatRequest(messages=(Message(role="user", content=parts),))).body
    assert [part["source"] for part in body["messages"][0]["content"]] == [
        {"type": "base64", "media_type": "image/jpeg", "data": "aGk="},
        {"type": "url", "url": "https://example.org/a.png"},
    ]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (sampled(seed=1), "takes no seed"),
        (ASK.model_copy(update={"logprobs": 2}), "no log-probabilities"),
        (ChatRequest(messages=(USER, Message(role="system", content="late"))), "only at the start"),
    ],
)
def test_what_the_api_has_no_field_for_is_not_left_out(request_, says):
    with anthropic_server() as server, pytest.raises(PermanentError, match=says):
        ask(server, request_)
    assert server.requests == []


def test_plain_completions_need_another_backend():
    with anthropic_server() as server, pytest.raises(UsageError, match="answers no text requests"):
        ask(server, TextRequest(prompt="x"))


# -- what is read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("something new", "stop"),
        (None, "stop"),
    ],
)
def test_stop_reasons(reason, finish):
    reply = read(stop_reason=reason)
    assert (reply.text, reply.finish, reply.model) == ("ok", finish, "m-0001")


def test_only_text_blocks_are_the_reply():
    thought = {"type": "thinking", "thinking": "hm", "signature": ""}
    assert read(content=[thought, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]).text == "ab"
    assert read(content=[thought], stop_reason="max_tokens").text is None
    assert read(content=[]).text is None


def test_usage_counts_all_input():
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 3},
    }
    assert read(usage=usage).usage == Usage(input=130, output=5, cached=100, reasoning=3, written=20)
    assert read(usage={"input_tokens": 10, "output_tokens": 5}).usage == Usage(input=10, output=5)
    assert read(usage=None).usage == Usage()


# -- how it fails --------------------------------------------------------------------------------------


def error(status, kind, message="no", headers=None):
    return Answer(status, {"type": "error", "error": {"type": kind, "message": message}}, headers or {})


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (400, "invalid_request_error", "refused"),
        (401, "authentication_error", "ANTHROPIC_API_KEY was refused"),
        (402, "billing_error", "no credit"),
        (403, "permission_error", "may not use 'm'"),
        (404, "not_found_error", "no model 'm' here"),
        (413, "request_too_large", "too large"),
    ],
)
def test_permanent_errors_say_what_to_do(status, kind, says):
    assert says in str(fail(error(status, kind), PermanentError))


def test_a_prompt_too_long_says_so():
    caught = fail(error(400, "invalid_request_error", "prompt is too long: 9 tokens > 8"), PermanentError)
    assert "longer than 'm' can read" in str(caught)


def test_overload_is_transient_and_a_rate_limit_is_not():
    assert fail(error(529, "overloaded_error", headers={"retry-after": "4"}), TransientError).retry_after == 4
    assert fail(error(429, "rate_limit_error", headers={"retry-after": "8"}), RateLimited).retry_after == 8


@pytest.mark.parametrize("body", ["<html>", {}, {"content": None}, {"content": ["x"]}, {"content": [{"type": "text"}]}])
def test_a_malformed_answer_is_server_trouble(body):
    assert "something else than a reply" in str(fail(Answer(body=body), TransientError))


@pytest.mark.parametrize("answer", [Answer(cut=-1), Answer(cut=20), Answer(delay=5)])
def test_a_broken_or_late_answer_is_transient(answer):
    assert fail(answer, TransientError, timeout=0.5).retry_after is None


def test_no_key_is_one_line():
    with pytest.raises(MissingPrerequisite, match=r"^anthropic needs a key. Type: export ANTHROPIC_API_KEY=…$"):
        AnthropicBackend(Endpoint(model="m")).check()


@pytest.mark.parametrize("answer", [error(401, "authentication_error", f"bad {KEY}"), Answer(cut=3), Answer(body=KEY)])
def test_the_key_is_used_and_never_shown(answer, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with anthropic_server(key=KEY) as server:
        assert ask(server).text == "Verdict: A"
        server.push(answer)
        with pytest.raises((PermanentError, TransientError)) as caught:
            ask(server)
    assert KEY not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert caught.value.__cause__ is None


def test_it_is_found_by_name_and_describes_itself():
    backend = build("anthropic/claude")
    assert isinstance(backend, AnthropicBackend)
    assert set(backend.describe()) == {"anthropic", "aiohttp", "httpx2"}
