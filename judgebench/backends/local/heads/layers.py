"""Layers that transformers does not know: read out of a checkpoint by their names, and built from their shapes.

No repository's own code is needed for them, and none is run. They compute in float32, whatever the model does.
"""

import re
from collections.abc import Iterable
from typing import Any

from judgebench.errors import PermanentError

Tensors = dict[str, Any]


def under(tensors: Iterable[tuple[str, Any]], *prefixes: str) -> dict[str, Tensors]:
    """Return copies of the tensors below each prefix, by the rest of their names."""
    import torch

    found: dict[str, Tensors] = {prefix: {} for prefix in prefixes}
    for name, tensor in tensors:
        for prefix in prefixes:
            if name == prefix or name.startswith(f"{prefix}."):
                found[prefix][name.removeprefix(prefix).lstrip(".")] = tensor.to(torch.float32, copy=True)
    return found


def stack(tensors: Tensors, activation: str, what: str) -> Any:
    """Return the layers whose weights are given, in the order of their numbers, as one module.

    An activation stands after every linear layer but the last; a batch normalisation is known by its running mean.
    Raises PermanentError, which names `what`, when there is no weight.
    """
    from torch import nn

    parts: dict[str, Tensors] = {}
    for name, tensor in tensors.items():
        path, _, leaf = name.rpartition(".")
        parts.setdefault(path, {})[leaf] = tensor
    ordered = sorted((path for path in parts if "weight" in parts[path]), key=_numbers)
    if not ordered:
        raise PermanentError(f"{what} is not in the checkpoint. Are the card's weights.params right?")
    linear = [path for path in ordered if "running_mean" not in parts[path]]
    layers = []
    for path in ordered:
        layers.append(_layer(parts[path]))
        layers += [getattr(nn, activation)()] if path in linear[:-1] else []
    return nn.Sequential(*layers).eval().requires_grad_(requires_grad=False)


def _numbers(path: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path)]


def _layer(tensors: Tensors) -> Any:
    from torch import nn

    rows, *columns = tensors["weight"].shape
    layer = nn.Linear(columns[0], rows, bias="bias" in tensors) if columns else nn.BatchNorm1d(rows)
    layer.load_state_dict(tensors)
    return layer


def overwrite(model: Any, state: Tensors, source: str) -> None:
    """Give every weight of a model the value that a state has under the same name, after any prefix they share.

    Raises PermanentError, which names the `source`, when one is missing or of another shape.
    """
    wanted = dict(model.named_parameters())
    first = next(iter(wanted))
    prefixes = [name.removesuffix(first) for name in state if name.endswith(first)]
    for prefix in prefixes:
        if all(getattr(state.get(prefix + name), "shape", None) == tensor.shape for name, tensor in wanted.items()):
            for name, parameter in wanted.items():
                parameter.data.copy_(state[prefix + name])
            return
    raise PermanentError(f"{source} does not hold the {len(wanted)} weights of {type(model).__name__}")
