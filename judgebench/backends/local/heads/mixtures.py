"""Reward models that weigh several objectives by what the question is about."""

from collections.abc import Sequence
from typing import Any, ClassVar

from judgebench.backends.local import checkpoints
from judgebench.backends.local.failures import explained
from judgebench.backends.local.formatting import Row
from judgebench.backends.local.heads.layers import stack, under
from judgebench.backends.local.heads.value import Backbone
from judgebench.backends.local.loading import resolved_revision
from judgebench.errors import PermanentError

BINS = 10


class Gated(Backbone):
    """ArmoRM and QRM: objectives read at the last token, weighed by a gate read where the response is announced.

    With more outputs than objectives, each objective's are the quantiles of a distribution, and its value their mean.

    Parameter: `pattern` is what the chat template writes between question and response; the gate reads the first
    token of its last occurrence.
    """

    name = "gated"
    defaults: ClassVar[dict[str, Any]] = {
        **Backbone.defaults,
        "pattern": "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    }

    def load(self) -> None:
        """Load tokenizer and model, and the pattern's tokens."""
        super().load()
        self._pattern = tuple(self.tokenizer.encode(self.params["pattern"], add_special_tokens=False))

    def loaded(self) -> Any:
        """Return the backbone, having read regression, gate and transformation."""
        model = super().loaded()
        found = self.beside(model, "regression_layer", "gating.layers", "gating.logit_scale", "reward_transform_matrix")
        model_name = self.endpoint.model
        self._regression = stack(found["regression_layer"], "ReLU", f"regression_layer of {model_name}")
        self._gate = stack(found["gating.layers"], "ReLU", f"gating.layers of {model_name}")
        for name in ("gating.logit_scale", "reward_transform_matrix"):
            if not found[name]:
                raise PermanentError(f"{name} of {model_name} is not in the checkpoint")
        self._scale, self._transform = found["gating.logit_scale"][""], found["reward_transform_matrix"][""]
        self._temperature = float(self.settings().get("gating_temperature", 10))
        return model

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the weighed sums of the objectives."""
        import torch

        batch = self.padded(rows)
        hidden = self.hidden(batch)
        each = torch.arange(len(rows), device=hidden.device)
        announced = hidden[each, torch.tensor([self._announced(row) for row in rows], device=hidden.device)].float()
        transform, scale = self._transform.to(hidden.device), self._scale.to(hidden.device)
        objectives = self._regression.to(hidden.device)(self.last(hidden, batch).float())
        values = objectives.reshape(len(rows), len(transform), -1).mean(-1) @ transform
        weights = torch.softmax(self._gate.to(hidden.device)(announced) / self._temperature, dim=-1) * scale
        return (weights * values).sum(-1)

    def _announced(self, row: Row) -> int:
        """Return where the response is announced."""
        size = len(self._pattern)
        for start in range(len(row) - size, -1, -1):
            if row.ids[start : start + size] == self._pattern:
                return start
        raise PermanentError(
            f"{self.endpoint.model} reads its gate at {self.params['pattern']!r}, which is not in the conversation: "
            "the chat template is another one, or a cut took it away"
        )


class Distribution(Backbone):
    """LDL-Reward: a distribution over ten values from 0 to 1 per objective, mixed by a gate; its mean is the score.

    The layers lie in files of their own, `regression_layer.pt` and `gating_layer.pt`.
    """

    name = "distribution"

    def loaded(self) -> Any:
        """Return the backbone, having read both stacks of layers."""
        model = super().loaded()
        self._regression, self._gate = (self._stack(model, name) for name in ("regression_layer", "gating_layer"))
        settings = self.settings()
        self._temperature, self._softmax = float(settings.get("temperature", 1)), bool(settings.get("softmax", False))
        return model

    def _stack(self, model: Any, name: str) -> Any:
        file, revision = f"{name}.pt", resolved_revision(model)
        with explained(file, self.endpoint.model, revision):
            state = checkpoints.state(checkpoints.fetch(self.endpoint.model, file, revision))
        tensors = under(state.items(), "network")["network"]
        return stack(tensors, "LeakyReLU", f"network of {file} of {self.endpoint.model}")

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the mixtures' means."""
        import torch

        ends = self.ends(rows)
        gate = self._gate.to(ends.device)(ends)
        weights = torch.softmax(gate / self._temperature, dim=-1) if self._softmax else gate
        values = self._regression.to(ends.device)(ends).reshape(len(rows), -1, BINS)
        mixed = torch.einsum("ro,rob->rb", weights, torch.softmax(values, dim=-1))
        return mixed @ torch.linspace(0, 1, BINS, device=ends.device)
