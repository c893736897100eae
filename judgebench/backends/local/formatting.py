"""From conversations and prompts to rows of tokens, as a judge's card says; nothing else reaches a model.

- **Template**: the tokenizer's own, or one of ours. What a turn says is only ever text: a special token that a response
  merely quotes is encoded letter by letter, so that no response can end its own turn. The date that some templates
  write is always the same one, so that a score does not depend on the day.
- **Beginning of sequence**: `once` is exactly one, where the tokenizer or the template writes any; a template that
  writes two is refused. `never` takes it away.
- **System turn**: kept, merged into the next user turn, dropped, or refused. A template that loses it in silence is
  refused.
- **Length**: `limit` less `reserve` tokens. What is too much is cut on the card's side, from the response of the last
  turn when that is the right, never from the beginning token nor from what the template writes last. `Row.cut` counts
  it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from judgebench.backends.local import templates
from judgebench.errors import UsageError
from judgebench.judges.card import Context, Weights
from judgebench.records import ImagePart, Message, text_of

DATE = "26 Jul 2024"
"""What Llama 3.1's template says where it is told no date."""
_FIXED_DAY = "{% macro strftime_now(format) %}" + DATE + "{% endmacro %}"
_HOLE = "\U0010fffd"
Turn = dict[str, str]


@dataclass(frozen=True)
class Row:
    """One row of a batch: its tokens, where the response (the last assistant turn) begins, and how many were cut."""

    ids: tuple[int, ...]
    start: int = 0
    cut: int = 0

    def __len__(self) -> int:
        """Return how many tokens the model is fed."""
        return len(self.ids)


def chat_row(
    tokenizer: Any, messages: Sequence[Message], weights: Weights, context: Context | None, *, generate: bool
) -> Row:
    """Return a conversation as a row: to be continued by a response (`generate`), or ending with one.

    Raises UsageError in one line for what cannot be fed: images, a system turn that is refused, two beginning tokens,
    a template that refuses the conversation, or a context too small for the template alone.
    """
    turns = turns_of(messages, weights)
    if weights.template == templates.PAIR:
        return _fitted(*_pair(tokenizer, turns), context)
    source = templates.source(weights.template, tokenizer)
    ids, hollow = (
        _begun(tokenizer, _rendered(tokenizer, shown, source, generate=generate), weights)
        for shown in (turns, _hollow(turns))
    )
    _refuse_lost_system(tokenizer, turns, source, ids, weights, generate=generate)
    start = _common(ids, hollow)
    tail = min(_common(ids[::-1], hollow[::-1]), len(ids) - start)
    row = _fitted(ids, start, tail, _beginnings(tokenizer, ids), context)
    return replace(row, start=len(row)) if generate else row


def text_row(tokenizer: Any, prompt: str, weights: Weights, context: Context | None) -> Row:
    """Return a raw prompt as a row, its response to begin at the end. Special tokens in it are tokens."""
    ids = _begun(tokenizer, tokenizer.encode(prompt, add_special_tokens=False), weights)
    row = _fitted(ids, len(ids), 0, _beginnings(tokenizer, ids), context)
    return replace(row, start=len(row))


def literal(tokenizer: Any, text: str) -> list[int]:
    """Return the tokens of a text in which nothing is a special token."""
    return list(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))


def frame(tokenizer: Any, *texts: str) -> list[list[int]]:
    """Return what a tokenizer writes before, between and after one text or two of its own accord."""
    whole = list(tokenizer(*texts).input_ids)
    pieces: list[list[int]] = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False)
        at = next(at for at in range(len(whole)) if whole[at : at + len(ids)] == ids)
        pieces.append(whole[:at])
        whole = whole[at + len(ids) :]
    return [*pieces, whole]


# -- turns -----------------------------------------------------------------------------------------------


def turns_of(messages: Sequence[Message], weights: Weights) -> list[Turn]:
    """Return a conversation as plain turns, system turns settled. Raises UsageError for images, or if none is left."""
    turns = _settled([_turn(message) for message in messages], weights.system)
    if not turns:
        raise UsageError("a conversation without a turn, of which nothing can be said")
    return turns


def _turn(message: Message) -> Turn:
    if not isinstance(message.content, str) and any(isinstance(part, ImagePart) for part in message.content):
        raise UsageError(f"a {message.role} turn holds an image, and this model reads text only")
    return {"role": message.role, "content": text_of(message.content)}


def _settled(turns: list[Turn], policy: str) -> list[Turn]:
    """Return the turns with what the card's policy makes of system turns."""
    if policy == "keep" or all(turn["role"] != "system" for turn in turns):
        return turns
    if policy == "refuse":
        raise UsageError(
            "a system turn, which this judge was not made for. Type weights.system: merge or drop in the card"
        )
    return _merged(turns) if policy == "merge" else [turn for turn in turns if turn["role"] != "system"]


def _merged(turns: list[Turn]) -> list[Turn]:
    """Return the turns with each system turn at the head of the next user turn, which is made where there is none."""
    kept: list[Turn] = []
    waiting: list[str] = []
    for turn in turns:
        if turn["role"] == "system":
            waiting.append(turn["content"])
            continue
        if waiting:
            own = [turn["content"]] if turn["role"] == "user" else []
            kept.append({"role": "user", "content": "\n\n".join([*waiting, *own])})
            waiting = []
            if own:
                continue
        kept.append(turn)
    return [*kept, {"role": "user", "content": "\n\n".join(waiting)}] if waiting else kept


def _hollow(turns: list[Turn]) -> list[Turn]:
    """Return the turns with a stand-in for what the last one says, which begins and ends as that does not."""
    end = "1" if turns[-1]["content"].rstrip().endswith("0") else "0"
    return [*turns[:-1], {**turns[-1], "content": _HOLE + end}]


# -- tokens ----------------------------------------------------------------------------------------------


def _rendered(tokenizer: Any, turns: list[Turn], source: str, *, generate: bool) -> list[int]:
    from jinja2 import TemplateError

    try:
        ids = tokenizer.apply_chat_template(
            turns, chat_template=_FIXED_DAY + source if "strftime_now" in source else source,
            add_generation_prompt=generate, tokenize=True, return_dict=False, sanitize_control_tokens=True,
            date_string=DATE,
        )  # fmt: skip
    except TemplateError as error:
        hint = " Type weights.system: merge or drop in the card" if turns[0]["role"] == "system" else ""
        raise UsageError(f"the chat template refuses a conversation: {str(error).rstrip('.')}.{hint}") from error
    return list(ids)


def _refuse_lost_system(
    tokenizer: Any, turns: list[Turn], source: str, ids: list[int], weights: Weights, *, generate: bool
) -> None:
    if turns[0]["role"] != "system" or not turns[0]["content"].strip():
        return
    if _begun(tokenizer, _rendered(tokenizer, turns[1:], source, generate=generate), weights) == ids:
        raise UsageError(
            "the chat template drops system turns in silence. Type weights.system: merge or drop in the card"
        )


def _beginnings(tokenizer: Any, ids: list[int]) -> int:
    """Return how many beginning-of-sequence tokens a row begins with."""
    bos = tokenizer.bos_token_id
    return 0 if bos is None else sum(1 for _ in takewhile(lambda one: one == bos, ids))


def _begun(tokenizer: Any, ids: list[int], weights: Weights) -> list[int]:
    """Return the tokens with the beginning that the card asks for."""
    count = _beginnings(tokenizer, ids)
    if weights.bos == "never":
        return ids[count:]
    if count > 1:
        raise UsageError(
            f"{count} beginning-of-sequence tokens where there must be one: the chat template writes them. "
            "Mend the template, or type weights.bos: never in the card"
        )
    return ids if count or not _begins(tokenizer) else [tokenizer.bos_token_id, *ids]


def _begins(tokenizer: Any) -> bool:
    """Return whether the tokenizer begins a text of its own accord."""
    return tokenizer.bos_token_id is not None and tokenizer("a").input_ids[0] == tokenizer.bos_token_id


def _common(one: list[int], two: list[int]) -> int:
    """Return the length of what two rows begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))


def _pair(tokenizer: Any, turns: list[Turn]) -> tuple[list[int], int, int, int]:
    """Return question and response framed as an encoder's pair; the turns before the response are the question."""
    question = "\n".join(turn["content"] for turn in turns[:-1])
    before, between, after = frame(tokenizer, "a", "b")
    start = [*before, *literal(tokenizer, question), *between]
    return [*start, *literal(tokenizer, turns[-1]["content"]), *after], len(start), len(after), len(before)


def _fitted(ids: list[int], start: int, tail: int, head: int, context: Context | None) -> Row:
    """Return a row that fits: `head` tokens at its beginning and `tail` at its end are never cut."""
    most = len(ids) if context is None else context.limit - context.reserve
    over = len(ids) - most
    if over <= 0:
        return Row(tuple(ids), start)
    if most <= head + tail:
        raise UsageError(f"a context of {most} tokens has no room: the template alone takes {head + tail}")
    if context is not None and context.side == "left":
        return Row((*ids[:head], *ids[head + over :]), max(head, start - over), over)
    kept = most - tail
    return Row((*ids[:kept], *ids[len(ids) - tail :]), min(start, kept), over)
