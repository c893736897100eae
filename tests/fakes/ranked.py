"""What the tests of heads share: conversations, heads loaded from a folder, and their scores batch by batch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from judgebench import registry
from judgebench.backends.base import Endpoint
from judgebench.judges.card import Context, Weights
from judgebench.records import Message, ScoreRequest

TEXTS = (
    "four",
    "It is four, since two and two make four; count it on your fingers if you doubt it.",
    "5",
    "Let me see. Two and two is, by Peano, the successor of the successor of two." * 3,
    "4!",
)
QUESTION = Message(role="user", content="What is 2 + 2?")
NEAR = 1e-5


def talk(answer: str, *before: tuple[Any, str]) -> tuple[Message, ...]:
    """Return a conversation that ends with this answer."""
    turns = tuple(Message(role=role, content=text) for role, text in before) or (QUESTION,)
    return (*turns, Message(role="assistant", content=answer))


def each(*answers: str) -> ScoreRequest:
    """Return a request for a score of each answer."""
    return ScoreRequest(conversations=tuple(talk(answer) for answer in answers or TEXTS))


def pair(one: str = TEXTS[0], two: str = TEXTS[1]) -> ScoreRequest:
    """Return a request for a comparison."""
    return ScoreRequest(conversations=(talk(one), talk(two)), mode="pair")


def endpoint(path: Path, head: str, context: Context | None = None, *, trust: bool = False, **weights: Any) -> Endpoint:
    """Return where a model lies and how it is read. Whatever is no field of `Weights` is a parameter of the head."""
    own = {name: weights.pop(name) for name in list(weights) if name in Weights.model_fields}
    return Endpoint(
        model=str(path), weights=Weights(head=head, dtype="float32", params=weights, **own), context=context,
        trust_remote_code=trust, options={"device": "cpu"},
    )  # fmt: skip


def loaded(path: Path, name: str, context: Context | None = None, **options: Any) -> Any:
    """Return a head with its model."""
    head = registry.load("heads", name)(endpoint(path, name, context, **options))
    head.load()
    return head


def scores(head: Any, request: ScoreRequest, size: int = 100) -> tuple[float, ...]:
    """Return a reply's scores, in batches of at most `size` rows."""
    rows = head.rows(request)
    numbers = [number for start in range(0, len(rows), size) for number in head.score(rows[start : start + size])]
    return tuple(head.combine(request, numbers))


def near(expected: Sequence[float]) -> Any:
    """Return what is equal up to the promised tolerance."""
    return pytest.approx(list(expected), abs=NEAR, rel=NEAR)


def tokens(path: Path, conversation: Sequence[Message], **options: Any) -> Any:
    """Return a conversation's tokens as transformers itself makes them, of shape [1, length]."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    turns = [{"role": message.role, "content": message.content} for message in conversation]
    ids = tokenizer(tokenizer.apply_chat_template(turns, tokenize=False, **options), add_special_tokens=False).input_ids
    return torch.tensor([ids])


def alone(path: Path, request: ScoreRequest, read: Callable[[Any], Any]) -> list[float]:
    """Return what `read` makes of each conversation's tokens, one conversation at a time and without padding."""
    import torch

    with torch.inference_mode():
        return [float(read(tokens(path, conversation))) for conversation in request.conversations]
