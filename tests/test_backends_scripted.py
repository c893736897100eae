"""The scripted backend: deterministic, offline, and honest about being no model."""

import asyncio
import re
import socket
import time
from collections import Counter

import pytest

from judgebench.backends.base import Endpoint, build
from judgebench.backends.scripted import ScriptedBackend, demo
from judgebench.errors import RateLimited, UsageError
from judgebench.records import ChatRequest, Message, Reply, Sampling, ScoreRequest, TextRequest, Usage


def chat(text, **fields):
    return ChatRequest(messages=(Message(role="user", content=text),), **fields)


def scores(*texts):
    return ScoreRequest(conversations=tuple((Message(role="user", content=text),) for text in texts))


def answer(backend, request):
    return asyncio.run(backend.answer(request))


@pytest.fixture
def backend():
    return build("scripted/demo")


@pytest.fixture
def _no_socket(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the scripted backend opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("_no_socket")
def test_the_demo_repeats_itself_and_reads_only_the_request(backend):
    first, again = answer(backend, chat("one")), answer(build("scripted/demo"), chat("one"))
    assert first == again
    assert first.model == "demo"
    assert first.usage == Usage(input=1, output=-(-len(first.text) // 4))
    others = {answer(backend, chat("one", sampling=Sampling(seed=i))).text for i in range(50)}
    assert len(others) > 1, "any change of the request draws a new verdict"


def test_the_demo_deals_verdicts_in_the_documented_shares():
    replies = [demo(chat(f"question {i}")) for i in range(4000)]
    found = Counter(re.search(r"Verdict: (\w+)\Z", text)[1] if "Verdict" in text else "none" for text in replies)
    assert set(found) == {"A", "B", "tie", "none"}
    assert 0.02 < found["none"] / 4000 < 0.04
    assert 0.045 < found["tie"] / 4000 < 0.075
    assert 0.9 < found["A"] / found["B"] < 1.1


def test_the_demo_says_that_it_is_one():
    assert all("demonstration" in demo(chat(f"{i}")) for i in range(200))


def test_the_demo_scores_each_conversation_by_itself(backend):
    both, swapped = answer(backend, scores("a", "b")), answer(backend, scores("b", "a"))
    assert both.scores == swapped.scores[::-1]
    assert both.scores[0] != both.scores[1]
    assert all(-4 <= score < 4 for score in both.scores)
    assert both.usage == Usage(input=1, output=0)


def test_the_demo_compares_two_with_one_number(backend):
    (number,) = answer(backend, scores("a", "b").model_copy(update={"mode": "pair"})).scores
    assert -4 <= number < 4


def test_a_function_answers_with_a_text():
    echo = ScriptedBackend.from_function(lambda request: request.prompt.upper())
    reply = answer(echo, TextRequest(prompt="hello"))
    assert (reply.text, reply.usage) == ("HELLO", Usage(input=2, output=2))


def test_a_function_answers_with_a_reply_verbatim():
    reply = Reply(text=None, finish="refusal")
    assert answer(ScriptedBackend.from_function(lambda _: reply), chat("x")) is reply


def test_a_function_answers_with_an_exception_to_raise():
    tired = ScriptedBackend.from_function(lambda _: RateLimited("slow down", 2.0))
    with pytest.raises(RateLimited) as caught:
        answer(tired, chat("x"))
    assert caught.value.retry_after == 2.0


def test_a_function_scores_too():
    backend = ScriptedBackend.from_function(lambda request: Reply(scores=(1.0,) * len(request.conversations)))
    assert answer(backend, scores("a", "b")).scores == (1.0, 1.0)


def test_latency_is_waited_and_replies_overlap():
    async def many():
        backend = ScriptedBackend.from_function(lambda _: "x", latency=0.1)
        return await asyncio.gather(*(backend.complete(chat(str(i))) for i in range(20)))

    started = time.perf_counter()
    replies = asyncio.run(many())
    assert 0.1 <= time.perf_counter() - started < 1.0
    assert {reply.seconds for reply in replies} == {0.1}


@pytest.mark.parametrize("latency", ["soon", "-1", "nan", "inf", None])
def test_a_latency_that_is_none(latency):
    with pytest.raises(UsageError, match="is no number of seconds"):
        ScriptedBackend(Endpoint(model="demo", options={"latency": latency}))


def test_unknown_scripts_and_options_are_refused():
    with pytest.raises(UsageError, match=r"unknown script 'dmeo'.*Did you mean demo"):
        build("scripted/dmeo")
    with pytest.raises(UsageError, match="Did you mean latency"):
        build("scripted/demo", options={"latencyy": 1})
