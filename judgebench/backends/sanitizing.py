"""Chat templates under a transformers that cannot keep apart what a template writes and what a turn merely quotes.

vLLM holds transformers back, before `apply_chat_template(sanitize_control_tokens=True)` was there. An older one takes
that in silence, and a response that quotes an end-of-turn token would end its turn. Here it is text, as there.
"""

import inspect
import re
from collections.abc import Sequence
from typing import Any

PRIVATE = range(0xE000, 0xF900)
"""Characters that mean nothing to anyone: one that no turn holds marks what must not become a token."""


def sanitizing(tokenizer: Any) -> Any:
    """Return a tokenizer that sanitizes where it is asked to: itself, if it can."""
    known = inspect.signature(tokenizer.apply_chat_template).parameters
    return tokenizer if "sanitize_control_tokens" in known else Sanitizing(tokenizer)


class Sanitizing:
    """A tokenizer whose turns hold no tokens but those that the template writes; in all else the one it is made of."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Encode as the tokenizer itself does."""
        return self._tokenizer(*args, **kwargs)

    def apply_chat_template(
        self, turns: Sequence[dict[str, str]], *, sanitize_control_tokens: bool, **kwargs: Any
    ) -> list[int]:
        """Return a conversation as token ids."""
        assert sanitize_control_tokens, "it is for this that the class is there"
        names = sorted(filter(str.strip, self._tokenizer.get_added_vocab()), key=len, reverse=True)
        said = "".join(turn["content"] for turn in turns)
        mark = next(chr(code) for code in PRIVATE if chr(code) not in said)
        pattern = re.compile("|".join(map(re.escape, names)) or "(?!)")
        marked = [
            turn | {"content": pattern.sub(lambda found: f"{mark}{names.index(found[0])}{mark}", turn["content"])}
            for turn in turns
        ]
        rendered = self._tokenizer.apply_chat_template(marked, **kwargs | {"tokenize": False})
        pieces = rendered.split(mark)
        return [
            token
            for number, piece in enumerate(pieces)
            for token in (self._letters(names[int(piece)]) if number % 2 else self._encoded(piece))
        ]

    def _encoded(self, text: str, **kwargs: Any) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False, **kwargs)) if text else []

    def _letters(self, name: str) -> list[int]:
        """Return the name of a token as text."""
        ids = self._encoded(name, split_special_tokens=True)
        if self._tokenizer.convert_tokens_to_ids(name) in ids:
            return [token for letter in name for token in self._encoded(letter)]
        return ids
