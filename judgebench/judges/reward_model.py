"""Reward models: one number per response, or how much better the first of two is, read off the score door.

Margins are recorded: a verdict's scores differ by it. Scores no further apart than a card's tie threshold are equal;
ours are zero unless a card says otherwise, and what else it is must be chosen on other data than it is measured on
(`best_threshold`).
"""

import math
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, ValidationError

from judgebench.errors import UsageError
from judgebench.judges.base import Ask, Family
from judgebench.judges.card import JudgeCard
from judgebench.records import Fault, Label, Message, Record, Reply, ScoreRequest, Verdict, View

PAIR = 2


class Params(Record):
    """A card's `params`: how scores become a preference.

    Scores no further apart than `tie_threshold` (in the model's own units) are equal. Equal scores are a
    tie, or with `tie_rule: second` a win of the second response, as in the JudgeBench reference
    implementation. `confidence: sigmoid` records the Bradley-Terry probability of the preferred response.
    """

    tie_threshold: float = Field(default=0.0, ge=0)
    tie_rule: Literal["tie", "second"] = "tie"
    confidence: Literal["none", "sigmoid"] = "none"

    @classmethod
    def of(cls, card: JudgeCard) -> Self:
        """Read a card's parameters. Raises UsageError that names the wrong one."""
        try:
            return cls.model_validate(card.params)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in ("params", *first["loc"]))
            raise UsageError(f"judge card {card.name}: {field}: {first['msg']}") from error

    def verdict(self, scores: tuple[float, ...]) -> Verdict:
        """Return the verdict that scores express; of other than two it holds the scores only."""
        if len(scores) != PAIR:
            return Verdict(scores=scores)
        sure = None if self.confidence == "none" else sigmoid(abs(scores[0] - scores[1]))
        return Verdict(preference=prefer(scores, self), scores=scores, confidence=sure)


def sigmoid(margin: float) -> float:
    """Return the probability that a margin of log-odds of at least 0 stands for."""
    return 1 / (1 + math.exp(-margin))


def prefer(scores: Sequence[float], params: Params | None = None) -> Label:
    """Return the preference that two finite scores express: the higher wins."""
    params = params or Params()
    first, second = scores
    if abs(first - second) <= params.tie_threshold:
        return "B>A" if params.tie_rule == "second" else "A=B"
    return "A>B" if first > second else "B>A"


def read_scores(scores: Sequence[float], expected: int) -> tuple[float, ...] | str:
    """Return the scores when there is one finite number per response, else what is wrong with them."""
    if len(scores) != expected:
        return f"{len(scores)} scores for {expected} responses"
    bad = [score for score in scores if not math.isfinite(score)]
    return f"a score of {bad[0]}" if bad else tuple(float(score) for score in scores)


def best_threshold(margins: Sequence[float], gold: Sequence[Label]) -> float:
    """Return the tie threshold with which most margins (first score less second) give the gold label, the least such.

    Choose it on one task and measure on another: on the data it was chosen on it flatters.
    """
    import numpy as np

    sides = np.array([prefer((m, 0.0)) == label != "A=B" for m, label in zip(margins, gold, strict=True)])
    sizes = np.abs(margins)
    order = np.argsort(sizes)
    wins, ties = sides[order], np.array([label == "A=B" for label in gold])[order]
    candidates = np.unique([0.0, *sizes])
    equal = np.searchsorted(sizes[order], candidates, side="right")  # how many margins each candidate calls a tie
    hits = np.append(0, np.cumsum(ties))[equal] + wins.sum() - np.append(0, np.cumsum(wins))[equal]
    return float(candidates[np.argmax(hits)])


class RewardModel(Family):
    """Scores every response in its conversation, any number of them; of two, the higher score wins."""

    order_independent = True
    arity = None

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        self._params = Params.of(card)

    async def judge(self, view: View, ask: Ask) -> Verdict | Fault:
        """Judge one view. For other than two responses the verdict holds scores only."""
        reply = await ask(ScoreRequest(conversations=_conversations(view)))
        scores = read_scores(reply.scores or (), len(view.responses))
        return _unread(scores, reply) if isinstance(scores, str) else self._params.verdict(scores)


class PairwiseReward(Family):
    """Asks how much better the first response is. Each gets half of the log-odds, so that they differ by them.

    A model that is shown both orders (`weights.params.orders`, `both` unless the card says `one`) sees a pair once.
    """

    arity = (2,)

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        self._params = Params.of(card)
        given = card.weights.params if card.weights else {}
        self.order_independent = given.get("orders", "both") == "both"

    async def judge(self, view: View, ask: Ask) -> Verdict | Fault:
        """Judge one view."""
        reply = await ask(ScoreRequest(conversations=_conversations(view), mode="pair"))
        found = reply.scores or ()
        if len(found) != 1:
            return _unread(f"{len(found)} numbers for one comparison", reply)
        odds = read_scores(found, 1)
        return _unread(odds, reply) if isinstance(odds, str) else self._params.verdict((odds[0] / 2, -odds[0] / 2))


def _unread(problem: str, reply: Reply) -> Fault:
    return Fault(kind="unparsed", detail=problem, reply=reply.text or "")


def _conversations(view: View) -> tuple[tuple[Message, ...], ...]:
    history = tuple(Message(role=turn.role, content=turn.content) for turn in view.turns)
    return tuple((*history, Message(role="assistant", content=response)) for response in view.responses)
