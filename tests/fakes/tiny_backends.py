"""Asking the transformers backend with tiny models, and an allocator that fails when a batch is too large for it."""

import asyncio
from typing import Any

import pytest

from judgebench.backends.base import Endpoint
from judgebench.backends.local.generating import Generator
from judgebench.backends.transformers import TransformersBackend
from judgebench.records import Message, Sampling, ScoreRequest, TextRequest

TOLERANCE = 1e-5
PROMPTS = [f"{'Which is better? ' * (n * 5 % 7)}{n}" for n in range(24)]
ASKED = [TextRequest(prompt=prompt, sampling=Sampling(max_tokens=8)) for prompt in PROMPTS]


def backend_of(model: str, **options: Any) -> TransformersBackend:
    """Return the backend of a model with these backend options."""
    return TransformersBackend(Endpoint(model=model, options=options))


def ask(backend: TransformersBackend, *requests: Any) -> list[Any]:
    """Ask everything at once, and close; return replies or exceptions, in order."""

    async def main() -> list[Any]:
        try:
            return await asyncio.gather(*map(backend.answer, requests), return_exceptions=True)
        finally:
            await backend.aclose()

    return asyncio.run(main())


def scored(*texts: str, question: str = "2 + 2?", mode: Any = "each") -> ScoreRequest:
    """Return the request to score these responses to one question."""
    asked = Message(role="user", content=question)
    return ScoreRequest(
        conversations=tuple((asked, Message(role="assistant", content=text)) for text in texts), mode=mode
    )


def spoken(replies: list[Any]) -> list[Any]:
    """Return what must not depend on the batch."""
    return [(reply.text, reply.finish, reply.usage) for reply in replies]


def allocator(monkeypatch: pytest.MonkeyPatch, capacity: int, error: Exception | None = None) -> list[int]:
    """Let every cache for more than `capacity` tokens, padding included, fail as torch's allocator does.

    Returns the sizes that failed so far.
    """
    import torch

    cache, failures = Generator._cache, []

    def guarded(self: Generator, rows: Any, width: int, decoding: Any) -> Any:
        if len(rows) * width > capacity:
            failures.append(len(rows) * width)
            raise error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return cache(self, rows, width, decoding)

    monkeypatch.setattr(Generator, "_cache", guarded)
    return failures
