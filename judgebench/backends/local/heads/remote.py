"""Reward models that only their repository's own code can run."""

from collections.abc import Sequence
from typing import Any, ClassVar

from judgebench.backends.base import Endpoint
from judgebench.backends.local.formatting import Row
from judgebench.backends.local.heads.base import Head
from judgebench.backends.local.loading import load_model
from judgebench.errors import PermanentError, UsageError
from judgebench.records import Message

PADDINGS = ("right", "left", "none")


class Remote(Head):
    """Reads a number out of whatever the repository's code returns. It is run only with consent, and for a reason.

    The card says why in `weights.remote_code`; the user agrees with `--trust-remote-code`.

    Parameters: `auto` is the class of transformers that the repository's code is registered for; `read` the way to the
    scores in its output, by dots (`logits`, `score`, `0`, a method without arguments); `index` the column to read where
    there are several. `append` is a token that the code expects at the end: its id, or the name under which the model
    or its configuration holds it. `padding` is the side the code can bear padding on, or `none`: then each row is run
    alone. `negate` turns costs into scores.
    """

    name = "remote"
    defaults: ClassVar[dict[str, Any]] = {
        "auto": "AutoModel", "read": "logits", "index": 0, "append": None, "padding": "right", "negate": False,
    }  # fmt: skip

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        if self.params["padding"] not in PADDINGS:
            raise UsageError(f"weights.params.padding: {self.params['padding']!r} is none of {', '.join(PADDINGS)}")

    def load(self) -> None:
        """Load tokenizer and model, and the token to append."""
        super().load()
        self._end = self._appended()

    def loaded(self) -> Any:
        """Return the model, an object of the repository's own class."""
        return load_model(self.endpoint, self.params["auto"])

    def _appended(self) -> tuple[int, ...]:
        token = self.params["append"]
        if token is None or isinstance(token, int):
            return () if token is None else (token,)
        found = getattr(self.model, token, getattr(self.model.config, token, None))
        if not isinstance(found, int):
            raise PermanentError(f"{self.endpoint.model} has no token named {token}, which its card appends")
        return (found,)

    def row(self, conversation: Sequence[Message]) -> Row:
        """Return one conversation as a row, with the token that ends it."""
        context = self.endpoint.context
        if self._end and context is not None:
            context = context.model_copy(update={"reserve": context.reserve + len(self._end)})
        row = self.formatted(conversation, context)
        ends = row.ids[-len(self._end) :] == self._end if self._end else True
        return row if ends else Row((*row.ids, *self._end), row.start, row.cut)

    def numbers(self, rows: Sequence[Row]) -> Any:
        """Return the scores of all rows, in one pass where the code can bear padding."""
        import torch

        alone = self.params["padding"] == "none"
        parts = [self._read([row]) for row in rows] if alone else [self._read(rows)]
        scores = torch.cat(parts)
        return -scores if self.params["negate"] else scores

    def _read(self, rows: Sequence[Row]) -> Any:
        batch = self.padded(rows, "left" if self.params["padding"] == "left" else "right")
        batch.pop("position_ids", None)  # not every model takes them
        found = self.model(**batch)
        for step in str(self.params["read"]).split("."):
            try:
                found = found[int(step)] if step.isdigit() else getattr(found, step)
            except (AttributeError, LookupError, TypeError) as error:
                raise PermanentError(
                    f"{self.endpoint.model} returns {type(found).__name__}, which holds no {step}. "
                    "Is weights.params.read of the card right?"
                ) from error
            found = found() if callable(found) else found
        if found.shape[:1] != (len(rows),):
            raise PermanentError(
                f"{self.endpoint.model} returns {tuple(found.shape)} for {len(rows)} rows, not one each"
            )
        return found.float().reshape(len(rows), -1)[:, self.params["index"]]
