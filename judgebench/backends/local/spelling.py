"""Spelling: from a model's tokens back to text."""

import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from judgebench.records import TokenLogprobs


class Speller:
    """Reads tokens back as text. Belongs to one thread, with its tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, str] = {}

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Return what rows of tokens say, without special tokens, and verbatim: no space is tidied away."""
        found: list[str] = self._tokenizer.batch_decode(
            rows, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return found

    def text(self, ids: Sequence[int]) -> str:
        """Return what tokens say."""
        return self.texts([ids])[0]

    def token(self, token: int) -> str:
        """Return how a token is spelled in the middle of a text, its leading space included; special ones by name."""
        if token not in self._known:
            text = self._tokenizer.decode([*self._anchor, token], clean_up_tokenization_spaces=False)
            self._known[token] = str(text[len(self._tokenizer.decode(self._anchor)) :])
        return self._known[token]

    def entry(self, token: int, logprob: float, rivals: Iterable[tuple[int, float]]) -> TokenLogprobs:
        """Return a token with its strongest rivals by name. Those spelled alike are one: their probabilities add up."""
        top: dict[str, float] = {}
        for rival, theirs in rivals:
            if math.isfinite(theirs):
                name = self.token(rival)
                top[name] = _log_add(top[name], theirs) if name in top else theirs
        return TokenLogprobs(token=self.token(token), logprob=logprob, top=top)

    @cached_property
    def added(self) -> dict[str, int]:
        """The special tokens, and others that are in no text: a stop string that is one must stop as a token."""
        return dict(self._tokenizer.get_added_vocab())

    @cached_property
    def _anchor(self) -> list[int]:
        return list(self._tokenizer.encode("a", add_special_tokens=False)[-1:])


def _log_add(one: float, two: float) -> float:
    high, low = max(one, two), min(one, two)
    return high + math.log1p(math.exp(low - high))
