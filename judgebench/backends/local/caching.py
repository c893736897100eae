"""A cache of keys and values with room to grow, and filled without padding where that is faster.

The library's own grows by one token at each step, and copies all it holds to do so: for long replies that costs more
than attention itself. And a padded batch of prompts needs a mask over all their pairs of tokens, which on a CPU costs
more than it saves: there prompts are read in groups that need none, and the replies of all are written together.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

ROOM = 64
"""Tokens that are made room for at a time."""
READ = 4_096
"""Tokens of prompts that are read together, their padding included."""


def roomy_cache(model: Any) -> dict[str, Any]:
    """Return the argument of `model.generate` that brings a fresh cache with room; nothing where the model has its own.

    Layers that keep a window or a state of a fixed size stay the library's.
    """
    from transformers.cache_utils import DynamicLayer

    found = _fresh(model)
    for one in found.values():
        one.layers = [_roomy_layer()() if type(layer) is DynamicLayer else layer for layer in one.layers]
    return found


def filled_cache(
    model: Any, rows: Sequence[tuple[int, ...]], width: int, aborted: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    """Return such a cache that has read all but the last token of each row, as if padded on the left to `width`.

    Rows of like lengths are read together, padded on the right: what a row reads comes before its padding, so that
    causal attention needs no mask. Models with windows get an empty cache. `aborted` ends the reading with
    InterruptedError.
    """
    import torch

    found = roomy_cache(model)
    for name, whole in found.items():
        if {type(layer) for layer in whole.layers} != {_roomy_layer()}:
            break
        for numbers in _alike([len(row) for row in rows]):
            if aborted():
                raise InterruptedError("the batch was given up")
            own, longest = _fresh(model)[name], max(1, len(rows[numbers[0]]) - 1)
            ids = [[*rows[number][:longest], *rows[number][:1] * (longest - len(rows[number]))] for number in numbers]
            model.base_model(input_ids=torch.tensor(ids, device=model.device), use_cache=True, **{name: own})
            for layer, read in zip(whole.layers, own.layers, strict=True):
                for place, number in enumerate(numbers):
                    layer.place(read, place, number, rows=len(rows), width=width - 1, length=len(rows[number]) - 1)
    return found


def _alike(lengths: Sequence[int]) -> list[list[int]]:
    """Return the numbers of rows in groups of up to READ tokens, the longest first."""
    groups: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if not groups or (len(groups[-1]) + 1) * lengths[groups[-1][0]] > READ:
            groups.append([])
        groups[-1].append(number)
    return groups


def _fresh(model: Any) -> dict[str, Any]:
    """Return an empty cache of the library's under the name that the model knows it by."""
    from transformers import DynamicCache

    parameters = inspect.signature(model.forward).parameters
    name = next((name for name in ("cache", "past_key_values") if name in parameters), None)
    if name is None or not model._supports_default_dynamic_cache():  # noqa: SLF001 - nothing public says it
        return {}
    return {name: DynamicCache(config=model.config)}


@cache
def _roomy_layer() -> Any:
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):  # type: ignore[misc, no-untyped-call, unused-ignore]
        """Keeps keys and values at the head of larger tensors."""

        _space: Any

        def update(self, key_states: Any, value_states: Any, *_args: Any, **_kwargs: Any) -> tuple[Any, Any]:
            """Add the states of new tokens. Return all keys and values, of shape [rows, heads, tokens, size]."""
            self._begin(key_states, value_states)
            self.keys, self._space[0] = _added(self.keys, self._space[0], key_states)
            self.values, self._space[1] = _added(self.values, self._space[1], value_states)
            return self.keys, self.values

        def place(self, read: Any, place: int, number: int, *, rows: int, width: int, length: int) -> None:
            """Put a row that another layer has read as its `place`th to the end of `width` tokens of one of `rows`."""
            if not read.is_initialized:  # it shares another layer's
                return
            if not self.is_initialized:
                self._begin(read.keys, read.values)
                self._space = [one.new_zeros(_roomy(one, rows, width)) for one in (read.keys, read.values)]
                self.keys, self.values = (space[..., :width, :] for space in self._space)
            for space, one in zip(self._space, (read.keys, read.values), strict=True):
                space[number, :, width - length : width] = one[place, :, :length]

        def _begin(self, keys: Any, values: Any) -> None:
            if not self.is_initialized:
                self.lazy_initialization(keys, values)
                self._space = [None, None]

    return RoomyLayer


def _added(held: Any, space: Any, new: Any) -> tuple[Any, Any]:
    """Return what is held with the new behind it, and the space it lies in.

    What is held no longer lies at the head of the space when somebody has put it in another order.
    """
    start = held.shape[-2] if held.numel() else 0
    end = start + new.shape[-2]
    if space is None or held.data_ptr() != space.data_ptr() or end > space.shape[-2]:
        space = new.new_empty(_roomy(new, new.shape[0], end))
        if start:
            space[..., :start, :] = held
    space[..., start:end, :] = new
    return space[..., :end, :], space


def _roomy(states: Any, rows: int, tokens: int) -> tuple[int, ...]:
    """Return the shape of the space for so many rows and tokens, and the room behind them."""
    return (rows, *states.shape[1:-2], tokens + ROOM, states.shape[-1])
