"""Servers of reward models, each as strict as the real one: vLLM, SGLang, text-embeddings-inference.

A score is what `number` says of the text that the server read, so that a test can tell which text that was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fakes.servers import Answer, FakeServer, Received, _error, _running

Number = Callable[[str], Any]
Spell = Callable[[list[int]], str]


def _missing(received: Received) -> Answer:
    return Answer(404, {"detail": "Not Found"})


def _refused(status: int, message: str) -> Answer:
    """Return an error as FastAPI servers of OpenAI's protocol word it."""
    return Answer(status, {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}})


def vllm_responder(
    number: Number, spell: Spell, routes: tuple[str, ...], window: int, delay: float
) -> Callable[..., Answer]:
    """Answer `/classify`, `/pooling` and `/score` as far as the model has them. All else is 404, `/v1/classify` too."""

    def respond(received: Received) -> Answer:
        body = received.body
        route = received.path.removeprefix("/")
        if received.method != "POST" or route not in routes:
            return _missing(received)
        if body.get("model") not in (None, "m"):
            return _refused(404, f"The model `{body['model']}` does not exist. Valid aliases: m.")
        texts = _vllm_texts(route, body, spell)
        if texts is None:
            return _refused(400, "2 validation errors: {'type': 'missing', 'loc': ('body', 'input')}")
        if any(len(text) > window for text in texts):
            return _refused(400, f"This model's maximum context length is {window} tokens. However, you requested more")
        raw = body.get("use_activation") is False
        values = [number(text) if raw else 0.5 for text in texts]
        rows = [{"index": n, **_vllm_row(route, value)} for n, value in enumerate(values)]
        usage = {"prompt_tokens": sum(map(len, texts)), "total_tokens": 0, "completion_tokens": 0}
        return Answer(body={"id": "x", "object": "list", "model": "m", "data": rows, "usage": usage}, delay=delay)

    return respond


def _vllm_texts(route: str, body: dict[str, Any], spell: Spell) -> list[str] | None:
    if route == "score":
        if "text_1" not in body or len(body["text_1"]) != len(body["text_2"]):
            return None
        return [f"{one}|{two}" for one, two in zip(body["text_1"], body["text_2"], strict=True)]
    if "messages" in body:
        return ["".join(f"[{turn['role']}]{turn['content']}" for turn in body["messages"])]
    if "input" not in body or (route == "pooling" and body.get("task") != "classify"):
        return None
    return [row if isinstance(row, str) else spell(row) for row in body["input"]]


def _vllm_row(route: str, value: Any) -> dict[str, Any]:
    values = value if isinstance(value, list) else [value]
    return {
        "classify": {"label": "LABEL_0", "probs": values, "num_classes": len(values)},
        "pooling": {"object": "pooling", "data": values},
        "score": {"object": "score", "score": value},
    }[route]


def sglang_responder(number: Number, spell: Spell) -> Callable[..., Answer]:
    """Answer its own `/classify`, and `/v1/classify`, which puts a softmax over the one number there is."""

    def respond(received: Received) -> Answer:
        body = received.body
        if received.path == "/v1/classify":
            rows = [
                {"index": n, "label": "LABEL_0", "probs": [1.0], "num_classes": 1} for n in range(len(body["input"]))
            ]
            return Answer(body={"model": "m", "data": rows})
        if received.path != "/classify":
            return _missing(received)
        if not body.get("input_ids") and not body.get("text"):
            return _refused(400, "Either text, input_ids, input_embeds or image should be provided.")
        texts = body.get("text") or [spell(row) for row in body["input_ids"]]
        return Answer(body=[
            {"embedding": [number(text)], "meta_info": {"prompt_tokens": len(text)}} for text in texts
        ])  # fmt: skip

    return respond


def tei_responder(number: Number) -> Callable[..., Answer]:
    """Answer `/predict` and `/rerank`, the latter sorted by score."""

    def respond(received: Received) -> Answer:
        body = received.body
        if received.path == "/predict":
            texts = ["|".join(pair) for pair in body["inputs"]]
        elif received.path == "/rerank":
            texts = [f"{body['query']}|{text}" for text in body["texts"]]
        else:
            return Answer(404, "")
        values = [number(text) if body["raw_scores"] else 0.5 for text in texts]
        if received.path == "/predict":
            return Answer(body=[[{"score": value, "label": "LABEL_0"}] for value in values])
        ranks = [{"index": n, "score": value} for n, value in enumerate(values)]
        return Answer(body=sorted(ranks, key=lambda rank: -rank["score"]))

    return respond


def by_length(text: str) -> float:
    """Score a text by its length."""
    return float(len(text))


@contextmanager
def vllm_server(
    number: Number = by_length,
    spell: Spell = str,
    routes: tuple[str, ...] = ("classify", "pooling"),
    window: int = 999,
    delay: float = 0.0,
) -> Iterator[FakeServer]:
    """Run a vLLM server with one pooling model, `m`."""
    yield from _running(vllm_responder(number, spell, routes, window, delay), "/v1")


@contextmanager
def sglang_server(number: Number = by_length, spell: Spell = str) -> Iterator[FakeServer]:
    """Run an SGLang server with a reward model."""
    yield from _running(sglang_responder(number, spell), "/v1")


@contextmanager
def tei_server(number: Number = by_length) -> Iterator[FakeServer]:
    """Run a text-embeddings-inference server with a cross-encoder."""
    yield from _running(tei_responder(number), "")


@contextmanager
def silent_server(status: int) -> Iterator[FakeServer]:
    """Run a server that answers everything with one status."""
    yield from _running(lambda received: _error(status), "/v1")
