"""Requests as token ids, for engines and servers that take them: BOS, system turns and lengths are then the card's.

A conversation to be scored ends where transformers' classifiers read it: at the last token that is not the padding
token of the model's configuration. vLLM and SGLang read the very last one, which is another where a model pads with
its end-of-turn token.

A tokenizer is no good in two threads at once, so all its work is done in one of its own.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, TypeVar

from judgebench.backends.base import Endpoint
from judgebench.backends.local.checkpoints import pinned
from judgebench.backends.local.formatting import chat_row, text_row
from judgebench.backends.local.spelling import Speller
from judgebench.backends.sanitizing import sanitizing
from judgebench.errors import MissingPrerequisite
from judgebench.judges.card import Weights
from judgebench.prompts import offline
from judgebench.records import ChatRequest, ScoreRequest, TextRequest, TokenLogprobs
from judgebench.registry import extra_hint

T = TypeVar("T")
Ids = list[int]


class Desk:
    """Writes requests down in the tokens of an endpoint's model. The tokenizer is loaded when it is first needed."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._weights = endpoint.weights or Weights()
        self._thread: ThreadPoolExecutor | None = None

    async def rows(self, request: ChatRequest | TextRequest | ScoreRequest) -> list[Ids]:
        """Return one row of tokens, or one for each conversation to be scored.

        Raises MissingPrerequisite or PermanentError when there is no tokenizer, UsageError for what it cannot take.
        """
        return await self.work(lambda: self._rows(request))

    async def work(self, what: Callable[[], T]) -> T:
        """Run `what` where the tokenizer is."""
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="judgebench-tokens")
        return await asyncio.get_running_loop().run_in_executor(self._thread, what)

    def close(self) -> None:
        """Drop what waits. Safe to call twice; a later request begins anew."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        from judgebench.backends.local.loading import load_tokenizer

        try:
            return sanitizing(load_tokenizer(self._endpoint))
        except ImportError as error:
            raise MissingPrerequisite(f"writing prompts in tokens needs {error.name}. {extra_hint(error)}") from error

    @cached_property
    def padding(self) -> int | None:
        """The padding token of the model's configuration, None when it has none or cannot be had."""
        return padding_token(self._endpoint)

    @cached_property
    def speller(self) -> Speller:
        """What reads tokens back."""
        return Speller(self.tokenizer)

    def logprobs(self, token: int, logprob: float, rivals: dict[int, float], most: int) -> TokenLogprobs:
        """Return a token by name with the strongest of its rivals, `most` of them."""
        strongest = sorted(rivals.items(), key=lambda rival: -rival[1])[:most]
        return self.speller.entry(token, logprob, strongest)

    def _rows(self, request: ChatRequest | TextRequest | ScoreRequest) -> list[Ids]:
        weights, context = self._weights, self._endpoint.context
        if isinstance(request, TextRequest):
            return [list(text_row(self.tokenizer, request.prompt, weights, context).ids)]
        if isinstance(request, ChatRequest):
            return [list(chat_row(self.tokenizer, request.messages, weights, context, generate=True).ids)]
        rows = (chat_row(self.tokenizer, one, weights, context, generate=False) for one in request.conversations)
        return [_ended(list(row.ids), self.padding) for row in rows]


def padding_token(endpoint: Endpoint) -> int | None:
    """Return the padding token of a model's configuration: of the endpoint's own, or where the tokenizer comes from.

    A model on a server may go by a name that is no repository's. Runs no code of a repository.
    """
    from transformers import AutoConfig

    tokenizer = endpoint.weights.tokenizer if endpoint.weights else None
    for repository, revision in ((endpoint.model, endpoint.revision), *([pinned(tokenizer)] if tokenizer else [])):
        try:
            config = AutoConfig.from_pretrained(
                repository, revision=revision, trust_remote_code=False, local_files_only=offline()
            )
        except (OSError, ValueError, KeyError, ImportError):
            continue
        found: int | None = config.get_text_config().pad_token_id
        return found
    return None


def _ended(ids: Ids, padding: int | None) -> Ids:
    """Return a row without padding at its end."""
    end = next((n for n in range(len(ids), 0, -1) if ids[n - 1] != padding), len(ids))
    return ids[:end]
