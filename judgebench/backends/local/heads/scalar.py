"""Reward models as transformers knows them: a classifier's logit, or one of a language model's."""

from collections.abc import Sequence
from typing import Any, ClassVar

from judgebench import registry
from judgebench.backends.local.formatting import Row
from judgebench.backends.local.heads.base import Head
from judgebench.errors import UsageError


class SequenceClassification(Head):
    """The logit of `AutoModelForSequenceClassification`.

    Parameters: `label` is the index or the name of the logit to read, for a model of several; `negate` turns costs
    into scores.
    """

    name = "sequence-classification"
    auto = "AutoModelForSequenceClassification"
    defaults: ClassVar[dict[str, Any]] = {"label": None, "negate": False}

    def loaded(self) -> Any:
        """Return the model. Raises UsageError for a label it does not have, or where it leaves a choice."""
        model = super().loaded()
        self._label = self._index(model.config)
        self._pads = model.config.get_text_config().pad_token_id is not None
        return model

    def _index(self, config: Any) -> int:
        label, names = self.params["label"], {str(name): int(index) for index, name in config.id2label.items()}
        if label is None and len(names) > 1:
            raise UsageError(
                f"{self.endpoint.model} has {len(names)} logits. Type one of them in the card's weights.params.label: "
                f"{', '.join(names)}"
            )
        if label is None or (isinstance(label, int) and 0 <= label < len(names)):
            return int(label or 0)
        if str(label) not in names:
            raise UsageError(registry.unknown(f"label of {self.endpoint.model}", str(label), names))
        return names[str(label)]

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the logits."""
        logits = self.model(**self.padded(rows, pad=self._pad(rows))).logits[:, self._label]
        return -logits if self.params["negate"] else logits

    def _pad(self, rows: Sequence[Row]) -> int:
        """Return the padding token, by which such a model finds a row's end: it reads the last token that is no other.

        One that names none takes a single row and reads its end. For it any token will do that ends no row.
        """
        config = self.model.config.get_text_config()
        if not self._pads:
            ends = {row.ids[-1] for row in rows}
            config.pad_token_id = next(token for token in range(len(ends) + 1) if token not in ends)
        return int(config.pad_token_id)


class FirstToken(Head):
    """The logit of one token in the place after the response, as in Nemotron's reward models.

    Parameters: `token` is its id; `negate` turns costs into scores.
    """

    name = "first-token"
    defaults: ClassVar[dict[str, Any]] = {"token": 0, "negate": False}

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the token's logits."""
        logits = self.next_logits(rows)[:, self.params["token"]]
        return -logits if self.params["negate"] else logits
