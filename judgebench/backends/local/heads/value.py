"""A value head: layers of the checkpoint's own on a backbone that transformers knows, read at the last token."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from judgebench.backends.local import checkpoints
from judgebench.backends.local.failures import explained
from judgebench.backends.local.formatting import Row
from judgebench.backends.local.heads.base import Head
from judgebench.backends.local.heads.layers import overwrite, stack, under
from judgebench.backends.local.loading import load_model, resolved_revision
from judgebench.errors import PermanentError


class Backbone(Head):
    """What heads over a bare backbone share: loading it, and the tensors of the checkpoint beside it.

    Parameters: `backbone` is what the names of its weights begin with, where that is not what transformers expects;
    `architecture` is the model type to read the configuration as, where it names one that transformers does not know.
    """

    auto = "AutoModel"
    defaults: ClassVar[dict[str, Any]] = {"backbone": None, "architecture": None}

    def loaded(self) -> Any:
        """Return the backbone."""
        named: dict[str, Any] = {}
        if (prefix := self.params["backbone"]) is not None:
            named["key_mapping"] = {rf"^{prefix}\.": ""}
        if (architecture := self.params["architecture"]) is not None:
            from transformers import AutoConfig

            values = self.settings()
            named["config"] = AutoConfig.for_model(
                architecture, **{k: v for k, v in values.items() if k != "model_type"}
            )
        return load_model(self.endpoint, self.auto, **named)

    def settings(self) -> dict[str, Any]:
        """Return the configuration as it was written: transformers keeps what is known to the backbone alone."""
        place = (self.endpoint.model, self.endpoint.revision)
        with explained("the configuration", *place):
            found: dict[str, Any] = json.loads(checkpoints.fetch(place[0], "config.json", place[1]).read_text("utf-8"))
        return found

    def beside(self, model: Any, *prefixes: str) -> dict[str, dict[str, Any]]:
        """Return the checkpoint's tensors below each prefix."""
        return under(checkpoints.tensors(self.endpoint.model, resolved_revision(model)), *prefixes)

    def ends(self, rows: Sequence[Row]) -> Any:
        """Return the backbone's output at each row's last token, of shape [rows, size], in float32."""
        batch = self.padded(rows)
        return self.last(self.hidden(batch), batch).float()


class Value(Backbone):
    """Linear layers over the last token, one number out: GRM, Starling, UltraRM, Eurus, INF-ORM, Beaver, OASST.

    Parameters: `layers` is what the names of the head's weights begin with, `activation` the class of torch that stands
    between them; `negate` turns costs into scores. `base` and `file` are for a checkpoint released as one file of
    tensors: the repository to build the backbone from, and the file's pattern.
    """

    name = "value"
    defaults: ClassVar[dict[str, Any]] = {
        **Backbone.defaults, "layers": "v_head", "activation": "ReLU", "negate": False, "base": None, "file": None,
    }  # fmt: skip

    def loaded(self) -> Any:
        """Return the backbone, having read the head."""
        model, tensors = self._overwritten() if self.params["file"] else self._plain()
        self.head = stack(tensors, self.params["activation"], f"{self.params['layers']} of {self.endpoint.model}")
        if self.head[-1].out_features != 1:
            raise PermanentError(
                f"{self.params['layers']} of {self.endpoint.model} gives {self.head[-1].out_features} numbers, not one"
            )
        return model

    def _plain(self) -> tuple[Any, dict[str, Any]]:
        model = super().loaded()
        return model, self.beside(model, self.params["layers"])[self.params["layers"]]

    def _overwritten(self) -> tuple[Any, dict[str, Any]]:
        pattern = self.params["file"]
        with explained("the weights", self.endpoint.model, self.endpoint.revision):
            folder = checkpoints.snapshot(self.endpoint.model, self.endpoint.revision, pattern)
            paths = sorted(folder.glob(pattern))
            if len(paths) != 1:
                raise PermanentError(f"{self.endpoint.model} has {len(paths)} files named {pattern}, not one")
            state = checkpoints.state(paths[0])
        model = load_model(self.endpoint, self.auto, repository=self.params["base"])
        overwrite(model, state, f"{paths[0].name} of {self.endpoint.model}")
        return model, under(state.items(), self.params["layers"])[self.params["layers"]]

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the head's numbers."""
        ends = self.ends(rows)
        values = self.head.to(ends.device)(ends)[:, 0]
        return -values if self.params["negate"] else values
