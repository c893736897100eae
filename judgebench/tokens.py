"""Token budgets: how long a prompt is to a model, and cutting what does not fit.

Only judges with a published budget need this (`Context` of a card). The tokenizer is the model's own, loaded once.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, Protocol

from judgebench.backends.local.checkpoints import pinned
from judgebench.errors import MissingPrerequisite
from judgebench.judges.card import JudgeCard
from judgebench.registry import extra_hint

Side = Literal["left", "right"]


class Tokenizer(Protocol):
    """What is used of a tokenizer of `transformers`."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return the token ids of a text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of token ids."""
        ...


def tokenizer_of(card: JudgeCard) -> Tokenizer:
    """Return the tokenizer of a card's model: `weights.tokenizer`, or else the model's own repository.

    Raises MissingPrerequisite when it cannot be loaded.
    """
    named = card.weights.tokenizer if card.weights else None
    own = (card.model or "").partition("/")[2], card.revision
    tokenizer: Tokenizer = load(*(pinned(named) if named else own))
    return tokenizer


@lru_cache(maxsize=8)
def load(repository: str, revision: str | None = None) -> Any:
    """Load a tokenizer from the hub, its cache or a folder. Runs no code of the repository.

    Raises MissingPrerequisite that says what to type.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingPrerequisite(f"counting tokens needs transformers. {extra_hint(error)}") from error
    try:
        return AutoTokenizer.from_pretrained(repository, revision=revision)
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = str(error).strip().partition("\n")[0]
        raise MissingPrerequisite(
            f"the tokenizer of {repository} cannot be loaded: {first:.200}. "
            f"Type: hf download {repository}, or name a folder in the card's weights.tokenizer"
        ) from error


def length(tokenizer: Tokenizer, text: str, *, special: bool = False) -> int:
    """Return how many tokens a text has; with `special` those that the tokenizer adds count too."""
    return len(tokenizer.encode(text, add_special_tokens=special))


def cut(tokenizer: Tokenizer, text: str, most: int, side: Side) -> str:
    """Return a text of at most `most` tokens, cut on `side`; as it is when it fits.

    A cut piece, decoded and encoded again, may come out longer (where a word was split): it is then cut further.
    """
    ids = tokenizer.encode(text, add_special_tokens=False)
    if len(ids) <= most:
        return text
    keep = max(0, most)
    while True:
        kept = ids[len(ids) - keep :] if side == "left" else ids[:keep]
        piece = tokenizer.decode(kept)
        excess = length(tokenizer, piece) - most
        if excess <= 0 or keep == 0:
            return piece if keep else ""
        keep = max(0, keep - excess)
