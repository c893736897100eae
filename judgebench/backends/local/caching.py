"""A cache of keys and values with room to grow.

The library's own grows by one token at each step, and copies all it holds to do so: for long replies that costs more
than attention itself.
"""

import inspect
from functools import cache
from typing import Any

ROOM = 64
"""Tokens that are made room for at a time."""


def roomy_cache(model: Any) -> dict[str, Any]:
    """Return the argument of `model.generate` that brings a fresh cache with room; nothing where the model has its own.

    Layers that keep a window or a state of a fixed size stay the library's.
    """
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    parameters = inspect.signature(model.forward).parameters
    name = next((name for name in ("cache", "past_key_values") if name in parameters), None)
    if name is None or not model._supports_default_dynamic_cache():  # noqa: SLF001 - nothing public says it
        return {}
    found: Any = DynamicCache(config=model.config)
    found.layers = [_roomy_layer()() if type(layer) is DynamicLayer else layer for layer in found.layers]
    return {name: found}


@cache
def _roomy_layer() -> Any:
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):  # type: ignore[misc, no-untyped-call, unused-ignore]
        """Keeps keys and values at the head of larger tensors."""

        def update(self, key_states: Any, value_states: Any, *_args: Any, **_kwargs: Any) -> tuple[Any, Any]:
            """Add the states of new tokens. Return all keys and values, of shape [rows, heads, tokens, size]."""
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
                self._space: list[Any] = [None, None]
            self.keys, self._space[0] = _added(self.keys, self._space[0], key_states)
            self.values, self._space[1] = _added(self.values, self._space[1], value_states)
            return self.keys, self.values

    return RoomyLayer


def _added(held: Any, space: Any, new: Any) -> tuple[Any, Any]:
    """Return what is held with the new behind it, and the space it lies in.

    What is held no longer lies at the head of the space when somebody has put it in another order.
    """
    start = held.shape[-2] if held.numel() else 0
    end = start + new.shape[-2]
    if space is None or held.data_ptr() != space.data_ptr() or end > space.shape[-2]:
        space = new.new_empty((*new.shape[:-2], end + ROOM, new.shape[-1]))
        if start:
            space[..., :start, :] = held
    space[..., start:end, :] = new
    return space[..., :end, :], space
