"""PairRM and Better-PairRM: a DeBERTa that reads what was asked and both responses, each after a marker of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from judgebench.backends.base import Endpoint
from judgebench.backends.local.formatting import Row, Turn, frame, literal
from judgebench.backends.local.heads.layers import stack
from judgebench.backends.local.heads.pairs import BothOrders
from judgebench.backends.local.heads.value import Backbone
from judgebench.errors import PermanentError, UsageError
from judgebench.records import ScoreRequest

MARKERS = ("<|source|>", "<|candidate1|>", "<|candidate2|>")
Piece = tuple[list[int], int]
"""Tokens, and how many were cut from them."""


@dataclass(frozen=True)
class Layout:
    """How much is read, in tokens with their frame: of what was asked, and of a response where that is long.

    Better-PairRM writes roles as Vicuna does, cuts what was asked on the left and frames its marker by itself; a
    response it cuts in any case.
    """

    source: int
    candidate: int
    better: bool = False


LAYOUTS = {"pairrm": Layout(1224, 412), "better-pairrm": Layout(2030, 670, better=True)}


class PairRM(BothOrders, Backbone):
    """Two layers over the outputs at the markers give each response a number, theirs is the difference.

    The score of a pair is that difference in the one order less that in the other, as published.

    Parameter: `layout`, `pairrm` or `better-pairrm`.
    """

    name = "pairrm"
    defaults: ClassVar[dict[str, Any]] = {
        **Backbone.defaults, **BothOrders.defaults, "backbone": "pretrained_model", "layout": "pairrm",
    }  # fmt: skip

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        if self.params["layout"] not in LAYOUTS:
            raise UsageError(f"weights.params.layout: {self.params['layout']!r} is none of {', '.join(LAYOUTS)}")
        self._layout = LAYOUTS[self.params["layout"]]

    def load(self) -> None:
        """Load tokenizer and model. Raises PermanentError when the tokenizer has no markers."""
        super().load()
        vocabulary = self.tokenizer.get_vocab()
        if not vocabulary.keys() >= set(MARKERS):
            raise PermanentError(f"the tokenizer of {self.endpoint.model} does not know {', '.join(MARKERS)}")
        self._markers = [vocabulary[marker] for marker in MARKERS]
        self._before, self._after = frame(self.tokenizer, "a")

    def loaded(self) -> Any:
        """Return the backbone, having read the two layers."""
        model = super().loaded()
        tensors = self.beside(model, "head_layer")["head_layer"]
        self.head = stack(tensors, "Tanh", f"head_layer of {self.endpoint.model}")
        return model

    def compared(self, first: list[Turn], second: list[Turn]) -> Row:
        """Return the row in which the response of `first` is candidate 1."""
        pieces = [self._source(first[:-1])]
        layout = self._layout
        room = (layout.source + 2 * layout.candidate - len(pieces[0][0])) // 2
        room = min(room, layout.candidate + len(self._framed([0]))) if layout.better else room
        several = len(first) > 2 and not layout.better  # noqa: PLR2004 - a question and its response
        for marker, turns in zip(self._markers[1:], (first, second), strict=True):
            said = [turn["content"] for turn in turns if turn["role"] == "assistant"]
            text = "\n".join(f"<Response {n}>: {one}" for n, one in enumerate(said, 1)) if several else said[-1]
            pieces.append(self._piece(text, room, [marker]))
        return Row(tuple(token for ids, _ in pieces for token in ids), cut=sum(lost for _, lost in pieces))

    def _source(self, turns: list[Turn]) -> Piece:
        """Return what was asked: PairRM takes a lone question as it is, and marks the responses of a conversation."""
        if self._layout.better:
            text = "\n\n".join(f"{VICUNA[turn['role']]}: {turn['content'].strip()}" for turn in turns)
            marker = self._framed(self._markers[:1])
            ids, lost = self._piece(f"{text}\n\nASSISTANT: ", self._layout.source - len(marker), [], left=True)
            return [*marker, *ids], lost
        asked = [turn["content"] for turn in turns if turn["role"] != "assistant"] or [""]
        several = len(asked) > 1
        lines = (f"USER: {one}\nAssistant: <Response {n}>" for n, one in enumerate(asked, 1))
        return self._piece("\n".join(lines) if several else asked[0], self._layout.source, self._markers[:1])

    def _piece(self, text: str, most: int, start: list[int], *, left: bool = False) -> Piece:
        ids = literal(self.tokenizer, text)
        room = most - len(self._framed(start))
        kept = ids[max(0, len(ids) - room) :] if left else ids[:room]
        return self._framed([*start, *kept]), len(ids) - len(kept)

    def _framed(self, ids: list[int]) -> list[int]:
        return [*self._before, *ids, *self._after]

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return by how much candidate 1 is above candidate 2."""
        import torch

        hidden = self.hidden(self.padded(rows)).float()
        each = torch.arange(len(rows), device=hidden.device)
        places = torch.tensor([[row.ids.index(marker) for marker in self._markers] for row in rows])
        source, one, two = (hidden[each, place] for place in places.to(hidden.device).T)
        head = self.head.to(hidden.device)
        return (head(torch.cat([source, one], -1)) - head(torch.cat([source, two], -1))).mean(-1)

    def combine(self, request: ScoreRequest, numbers: Sequence[float]) -> tuple[float, ...]:  # noqa: ARG002
        """Return the difference in the one order less that in the other."""
        return (numbers[0] - numbers[1] if len(numbers) > 1 else numbers[0],)


VICUNA = {"user": "USER", "assistant": "ASSISTANT", "system": "SYSTEM MESSAGE"}
