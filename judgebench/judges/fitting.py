"""Cutting responses until a judge's prompt fits its window (a card's `Context`).

The rule is that of the JudgeBench reference implementation (arXiv 2410.12784): what the window has left beside the
reply and the prompt without responses is shared out equally, less `SPARE` tokens each, and every response is cut to
its share. What a short response leaves unused goes to nobody. Instructions, question and reference are never cut.

That rule counts the pieces, and a prompt may have more tokens than they have. Here the whole prompt is counted too, and
where it is longer than the window the shares shrink until it fits.
"""

from collections.abc import Callable, Sequence

from judgebench.judges.card import JudgeCard
from judgebench.records import Fault
from judgebench.tokens import length, tokenizer_of

SPARE = 2
"""Tokens of a share that stay free: a text may take more of them inside a prompt than by itself."""


def fitted(
    card: JudgeCard, texts: Sequence[str], render: Callable[..., str], *, frame: str | None = None, overhead: int = 0
) -> tuple[str, ...] | Fault:
    """Return the responses as the judge is to see them: as they are, or cut on the card's side to their share.

    `render(*texts)` is the prompt. `frame` is what is counted as the prompt without responses, where that is not
    the prompt of empty ones. `overhead` is the number of tokens that a chat template puts around the prompt.

    Rendered, they take at most `limit - reserve - overhead` tokens, those that the tokenizer adds included. When
    not even one token of each response fits, the answer is a Fault (`truncated`): the judge is not to be asked. A card
    without a context cuts nothing and needs no tokenizer.

    Raises MissingPrerequisite when the tokenizer cannot be loaded.
    """
    context = card.context
    if context is None:
        return tuple(texts)
    tokenizer = tokenizer_of(card)
    room = context.limit - context.reserve - overhead
    framed = length(tokenizer, render(*[""] * len(texts)) if frame is None else frame, special=True)
    share = (room - framed) // len(texts) - SPARE
    encoded = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    while share > 0:
        pieces = tuple(
            # Cut once and not counted again, as there: the whole is counted below.
            text if len(ids) <= share else tokenizer.decode(ids[:share] if context.side == "right" else ids[-share:])
            for text, ids in zip(texts, encoded, strict=True)
        )
        excess = length(tokenizer, render(*pieces), special=True) - room
        if excess <= 0:
            return pieces
        share -= -(-excess // len(texts))  # rounded up
    detail = f"not asked: the prompt without responses has {framed} tokens, and the window has {room} for it and them"
    return Fault(kind="truncated", detail=detail)
