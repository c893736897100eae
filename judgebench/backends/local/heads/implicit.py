"""Implicit rewards: what a policy says of a response, less what the model it was trained from says."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from judgebench.backends.base import Endpoint
from judgebench.backends.local.checkpoints import pinned
from judgebench.backends.local.formatting import Row
from judgebench.backends.local.heads.base import Head
from judgebench.backends.local.loading import load_model, load_tokenizer
from judgebench.errors import PermanentError, UsageError

NORMS = ("none", "length")


class Implicit(Head):
    """The log-probability of the response's tokens under the policy, less that under `weights.reference` (DPO).

    The tokens are the response's and those that the template writes after it. Both models must have one vocabulary.

    Parameters: `beta` scales the reward, the policy's own where its margins are to be log-odds; `normalise: length`
    makes it a mean over the tokens; `reference_free` leaves the reference out.
    """

    name = "implicit"
    kind = "implicit"
    defaults: ClassVar[dict[str, Any]] = {"beta": 1.0, "normalise": "none", "reference_free": False}

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        if self.params["normalise"] not in NORMS:
            raise UsageError(f"weights.params.normalise: {self.params['normalise']!r} is none of {', '.join(NORMS)}")
        if (self.weights.reference is None) != bool(self.params["reference_free"]):
            raise UsageError(
                "an implicit reward needs either a reference policy (weights.reference in the card) or "
                "weights.params.reference_free: true, and not both"
            )

    def load(self) -> None:
        """Load tokenizer, policy and reference. Raises PermanentError when their vocabularies differ."""
        super().load()
        self._reference = None
        if self.weights.reference is not None:
            self._refuse_other_words(self.weights.reference)
            self._reference = load_model(self.endpoint, self.auto, repository=self.weights.reference)
            self._reference.config.use_cache = False

    def _refuse_other_words(self, reference: str) -> None:
        repository, revision = pinned(reference)
        weights = self.weights.model_copy(update={"tokenizer": None})
        other = load_tokenizer(replace(self.endpoint, model=repository, revision=revision, weights=weights)).get_vocab()
        own = self.tokenizer.get_vocab()
        odd = next((word for word, token in other.items() if own.get(word, token) != token), None)
        if odd is not None:
            raise PermanentError(
                f"{self.endpoint.model} and its reference {reference} have different vocabularies: {odd!r} is token "
                f"{own[odd]} of the one and {other[odd]} of the other"
            )

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the rewards."""
        rewards = self._said(self.model, rows)
        if self._reference is not None:
            rewards = rewards - self._said(self._reference, rows).to(rewards.device)
        return self.params["beta"] * rewards

    def _said(self, model: Any, rows: Sequence[Row]) -> Any:
        """Return a model's log-probability of each row's response, row by row: the logits are too large for float32."""
        import torch

        longest = max(len(row) - row.start for row in rows)
        batch = {name: tensor.to(model.device) for name, tensor in self.padded(rows, "left").items()}
        logits = model(**batch, logits_to_keep=longest + 1).logits
        sums = []
        for row, own in zip(rows, logits, strict=True):
            said = torch.tensor(row.ids[row.start :], device=own.device)
            before = own[len(own) - 1 - len(said) : len(own) - 1].float()
            chosen = before.gather(-1, said[:, None])[:, 0] - before.logsumexp(-1)
            sums.append(chosen.mean() if self.params["normalise"] == "length" else chosen.sum())
        return torch.stack(sums)
