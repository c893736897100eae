"""A tokenizer as judges have it, made of a regular expression: about four letters a token, digits one by one."""

import re
from collections.abc import Sequence

from judgebench import tokens

BOS = 0
_PIECES = re.compile(r" ?[^\W\d_]{1,4}| ?[^\w\s]{1,3}|.", re.DOTALL)
_VOCABULARY: list[str] = [""]
_IDS: dict[str, int] = {}


class Pieces:
    """Every text decodes to itself; what stands before and behind a text decides how it falls into pieces."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        ids = [self._id(piece) for piece in _PIECES.findall(text)]
        return [BOS, *ids] if add_special_tokens else ids

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(_VOCABULARY[one] for one in ids)

    @staticmethod
    def _id(piece: str) -> int:
        if piece not in _IDS:
            _IDS[piece] = len(_VOCABULARY)
            _VOCABULARY.append(piece)
        return _IDS[piece]


class Growing(Pieces):
    """What it cuts comes out longer than it was, as where a character is broken in two."""

    def decode(self, ids: Sequence[int]) -> str:
        return super().decode(ids) + "?\n?\n?"


def use(monkeypatch, tokenizer: Pieces | None = None) -> Pieces:
    """Make this the tokenizer of every model."""
    tokenizer = tokenizer or Pieces()
    monkeypatch.setattr(tokens, "load", lambda *_: tokenizer)
    return tokenizer
