"""What every head is: rows out of a request, a number per row from one padded forward pass, and a reply's scores."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from judgebench import registry
from judgebench.backends.base import Endpoint
from judgebench.backends.local.formatting import Row, chat_row
from judgebench.backends.local.loading import facts, load_model, load_tokenizer
from judgebench.errors import UsageError
from judgebench.judges.card import Context, Weights
from judgebench.records import Message, ScoreRequest

PAIR = 2
Kind = Literal["scalar", "pairwise", "generative", "implicit"]
Side = Literal["left", "right"]


class Head:
    """Base of all heads. The constructor loads nothing; a card's `weights.params` are checked against `defaults`.

    `load` first, then `rows` for each request, `score` for rows of any requests together, in a worker thread, and
    `combine` for each request's own numbers.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind] = "scalar"
    auto: ClassVar[str] = "AutoModelForCausalLM"
    defaults: ClassVar[dict[str, Any]] = {}
    side: ClassVar[Side] = "right"
    """Where rows are padded. Behind a row, padding cannot touch it: causal attention does not look there."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.weights = endpoint.weights or Weights(head=self.name)
        for name in self.weights.params:
            if name not in self.defaults:
                raise UsageError(registry.unknown(f"parameter of the head {self.name}", name, self.defaults))
        self.params = {**self.defaults, **self.weights.params}
        self.tokenizer: Any = None
        self.model: Any = None
        self._cut = {"rows": 0, "tokens": 0}

    def load(self) -> None:
        """Load tokenizer and model. Raises what `judgebench.backends.local.loading` raises."""
        self.tokenizer = load_tokenizer(self.endpoint)
        self.model = self.loaded()
        self.model.config.use_cache = False  # there is one pass: keys and values would be kept for nothing

    def loaded(self) -> Any:
        """Return the model, and load what else the head reads."""
        return load_model(self.endpoint, self.auto)

    def rows(self, request: ScoreRequest) -> list[Row]:
        """Return a row for each conversation. Raises UsageError for a mode this head cannot answer."""
        self.check(request)
        return self.counted([self.row(conversation) for conversation in request.conversations])

    def row(self, conversation: Sequence[Message]) -> Row:
        """Return one conversation, ending with its response, as a row."""
        return self.formatted(conversation, self.endpoint.context)

    def formatted(self, conversation: Sequence[Message], context: Context | None) -> Row:
        """Return a conversation as the card says, with a budget of its own."""
        return chat_row(self.tokenizer, conversation, self.weights, context, generate=False)

    def check(self, request: ScoreRequest) -> None:
        """Raise UsageError for a mode this head cannot answer."""
        if request.mode == "pair" and len(request.conversations) != PAIR:
            raise UsageError(f"a comparison is of 2 responses, not {len(request.conversations)}")
        if request.mode == "each" and self.kind == "pairwise":
            raise UsageError(
                f"the head {self.name} compares two responses and scores none alone. Type family: pairwise-reward in "
                "the card"
            )

    def counted(self, rows: list[Row]) -> list[Row]:
        """Return the rows; what was cut from them is counted."""
        self._cut["rows"] += sum(row.cut > 0 for row in rows)
        self._cut["tokens"] += sum(row.cut for row in rows)
        return rows

    def score(self, rows: Sequence[Row]) -> list[float]:
        """Return one number per row, from one padded forward pass."""
        import torch

        with torch.inference_mode():
            return [float(number) for number in self.numbers(rows).float().cpu()]

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return a tensor of one number per row."""
        raise NotImplementedError

    def combine(self, request: ScoreRequest, numbers: Sequence[float]) -> tuple[float, ...]:
        """Return a reply's scores. Of a pair it is the difference: the log-odds of a Bradley-Terry model."""
        return (numbers[0] - numbers[1],) if request.mode == "pair" else tuple(numbers)

    def describe(self) -> dict[str, Any]:
        """Return facts for the result: the head, what it is loaded from and runs on, and what was cut."""
        loaded = {} if self.model is None else facts(self.model)
        return {"head": self.name, "kind": self.kind, **loaded, "cut": dict(self._cut)}

    # -- for those that implement `numbers` --------------------------------------------------------------

    def padded(self, rows: Sequence[Row], side: Side | None = None, pad: int | None = None) -> dict[str, Any]:
        """Return token ids and mask of shape [rows, longest], on the model's device.

        Padding on the left comes with the position of each token: models that count from the first would be wrong.
        """
        import torch

        side = side or self.side
        pad = self.tokenizer.pad_token_id if pad is None else pad
        width = max(len(row) for row in rows)
        ids = torch.full((len(rows), width), pad or 0)
        mask = torch.zeros_like(ids)
        for index, row in enumerate(rows):
            place = slice(0, len(row)) if side == "right" else slice(width - len(row), width)
            ids[index, place] = torch.tensor(row.ids)
            mask[index, place] = 1
        batch = {"input_ids": ids, "attention_mask": mask}
        if side == "left":
            batch["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)
        return {name: tensor.to(self.model.device) for name, tensor in batch.items()}

    def next_logits(self, rows: Sequence[Row]) -> Any:
        """Return a causal model's logits for what follows each row, of shape [rows, vocabulary]."""
        return self.model(**self.padded(rows, "left"), logits_to_keep=1).logits[:, -1]

    def last(self, hidden: Any, batch: dict[str, Any]) -> Any:
        """Return what stands at each row's last token, of shape [rows, ...], out of [rows, longest, ...]."""
        import torch

        mask = batch["attention_mask"]
        places = (mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)).argmax(-1)
        return hidden[torch.arange(len(hidden), device=hidden.device), places.to(hidden.device)]

    def hidden(self, batch: dict[str, Any]) -> Any:
        """Return the last layer's output of shape [rows, longest, size]."""
        return self.model(**batch).last_hidden_state
