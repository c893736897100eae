"""Requests to a VLLMBackend over the fake, and what both its test modules share."""

import asyncio
from collections.abc import Iterator

import pytest

from fakes import vllm as fakes
from fakes.tiny_models import tiny_tokenizer
from judgebench.backends import rows, vllm_engine
from judgebench.backends.base import Endpoint
from judgebench.backends.local import loading
from judgebench.backends.vllm import VLLMBackend
from judgebench.records import ChatRequest, Message, Sampling, ScoreRequest

TOKENIZER = tiny_tokenizer("llama")


@pytest.fixture(name="vllm")
def fake_vllm(monkeypatch) -> Iterator[fakes.FakeVLLM]:
    """Install the fake and a tokenizer that needs no files, and leave no engine behind."""
    monkeypatch.setattr(loading, "load_tokenizer", lambda endpoint: TOKENIZER)
    monkeypatch.setattr(rows, "padding_token", lambda endpoint: None)
    yield fakes.install(monkeypatch)
    vllm_engine.stop_all()


def endpoint(**fields) -> Endpoint:
    return Endpoint(**{"model": "owner/judge"} | fields)


def chat(text="Which?", **fields) -> ChatRequest:
    sampling = Sampling(**fields.pop("sampling", {}))
    return ChatRequest(messages=(Message(role="user", content=text),), sampling=sampling, **fields)


def conversations(*responses) -> ScoreRequest:
    question = Message(role="user", content="Two and two?")
    return ScoreRequest(conversations=tuple((question, Message(role="assistant", content=r)) for r in responses))


def answer(request, sample=None, **fields):
    """Return the reply to one request, or the replies to several at once, from a fresh backend."""
    several = isinstance(request, list)
    replies = asyncio.run(_answer(VLLMBackend(endpoint(**fields)), request if several else [request], sample))
    return replies if several else replies[0]


async def _answer(backend, requests, sample):
    try:
        return await asyncio.gather(*(backend.answer(request, sample) for request in requests))
    finally:
        await backend.aclose()


async def until(met) -> None:
    """Wait for what another thread does."""
    for _ in range(1000):
        if met():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")
