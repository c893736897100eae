"""Models that are shown both responses: each request in both orders, so that the place of a response cannot matter."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from judgebench.backends.base import Endpoint
from judgebench.backends.local.formatting import Row, Turn, frame, literal, turns_of
from judgebench.backends.local.heads.base import Head
from judgebench.errors import PermanentError, UsageError
from judgebench.records import Message, ScoreRequest
from judgebench.tokens import cut

BOTH, ONE = "both", "one"


class BothOrders(Head):
    """Base: the first response as A and the second as B, then the other way round.

    Parameter: `orders`, `both` or `one`; with `one` the judge sees a pair as it is presented, at half the price.
    """

    kind = "pairwise"
    defaults: ClassVar[dict[str, Any]] = {"orders": BOTH}

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        if self.params["orders"] not in (BOTH, ONE):
            raise UsageError(f"weights.params.orders: {self.params['orders']!r} is neither {BOTH} nor {ONE}")

    def rows(self, request: ScoreRequest) -> list[Row]:
        """Return a row for each order. Raises UsageError for anything but a pair."""
        self.check(request)
        first, second = (turns_of(conversation, self.weights) for conversation in request.conversations)
        shown = [(first, second), (second, first)][: 2 if self.params["orders"] == BOTH else 1]
        return self.counted([self.compared(*pair) for pair in shown])

    def compared(self, first: list[Turn], second: list[Turn]) -> Row:
        """Return the row in which the response of `first` is A."""
        raise NotImplementedError

    def combine(self, request: ScoreRequest, numbers: Sequence[float]) -> tuple[float, ...]:  # noqa: ARG002
        """Return the log-odds that the first is better: those of its mean probability over the orders."""
        return (mean_odds(numbers[0], -numbers[1]) if len(numbers) > 1 else numbers[0],)


def mean_odds(one: float, two: float) -> float:
    """Return the log-odds of the mean of two probabilities given as log-odds, which may be too large to be undone."""
    for_it, against = (
        np.logaddexp(-np.logaddexp(0.0, -sign * one), -np.logaddexp(0.0, -sign * two)) for sign in (1, -1)
    )
    return float(for_it - against)


def letters(tokenizer: Any, model: str) -> tuple[int, int]:
    """Return the tokens of a lone A and B. Raises PermanentError when the tokenizer splits them."""
    pair = [tokenizer.encode(letter, add_special_tokens=False) for letter in "AB"]
    if any(len(ids) != 1 for ids in pair):
        raise PermanentError(f"{model} has no single tokens for the letters A and B")
    return pair[0][0], pair[1][0]


class Letters(BothOrders):
    """A causal model that answers with a letter: by how much A's logit is above B's in the next place.

    The layout is that of RLHFlow's pair-preference models: marked context and responses in one user turn.
    """

    name = "letters"

    def load(self) -> None:
        """Load tokenizer and model, and the letters' tokens."""
        super().load()
        self._letters = letters(self.tokenizer, self.endpoint.model)

    def compared(self, first: list[Turn], second: list[Turn]) -> Row:
        """Return the row in which the response of `first` is A."""
        context = "".join(f"\n<turn> {turn['role']}\n {turn['content']}" for turn in first[:-1])
        one, two = first[-1]["content"], second[-1]["content"]
        prompt = f"[CONTEXT] \n{context}\n [RESPONSE A] {one} [RESPONSE B] {two} \n"
        return self.row((Message(role="user", content=prompt),))

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the differences."""
        logits = self.next_logits(rows).float()
        return logits[:, self._letters[0]] - logits[:, self._letters[1]]


class SteamSHP(BothOrders):
    """SteamSHP: a T5 that answers with a letter, read where its reply begins.

    What does not fit the card's context is cut from the post, on the card's side; then from the longer response.
    """

    name = "steamshp"
    auto = "AutoModelForSeq2SeqLM"

    def load(self) -> None:
        """Load tokenizer and model, and the letters' tokens."""
        super().load()
        self._letters = letters(self.tokenizer, self.endpoint.model)

    def compared(self, first: list[Turn], second: list[Turn]) -> Row:
        """Return the row in which the response of `first` is A."""
        post = " ".join(_line(turn) for turn in first[:-1])
        one, two = _line(first[-1]), _line(second[-1])
        whole, context = self._ids(post, one, two), self.endpoint.context
        most = len(whole) if context is None else context.limit - context.reserve
        if context is None or len(whole) <= most:
            return Row(tuple(whole))
        room = most - len(self._ids("", "", ""))
        if room <= 0:
            raise UsageError(f"a context of {most} tokens has no room: the prompt alone takes {most - room}")
        lengths = [len(literal(self.tokenizer, text)) for text in (one, two)]
        first_most = max(room // 2, room - lengths[1])
        one = cut(self.tokenizer, one, first_most, "right")
        two = cut(self.tokenizer, two, room - min(lengths[0], first_most), "right")
        left = most - len(self._ids("", one, two))
        ids = self._ids(cut(self.tokenizer, post, left, context.side), one, two)
        if len(ids) > most:  # cut pieces may be longer side by side than they were alone
            ids = [*ids[: most - 1], ids[-1]]
        return Row(tuple(ids), cut=len(whole) - len(ids))

    def _ids(self, post: str, one: str, two: str) -> list[int]:
        before, after = frame(self.tokenizer, "a")
        text = f"POST: {post}\n\n RESPONSE A: {one}\n\n RESPONSE B: {two}\n\n Which response is better? RESPONSE"
        return [*before, *literal(self.tokenizer, text), *after]

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the differences."""
        import torch

        start = torch.full((len(rows), 1), self.model.config.decoder_start_token_id, device=self.model.device)
        logits = self.model(**self.padded(rows), decoder_input_ids=start).logits[:, 0].float()
        return logits[:, self._letters[0]] - logits[:, self._letters[1]]


def _line(turn: Turn) -> str:
    """Return a turn's text in one line, as SteamSHP expects it."""
    return " ".join(turn["content"].split("\n"))
