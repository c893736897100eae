"""Tiny reward models of the kinds that transformers does not know: a tiny backbone, and layers beside it."""

import json
from pathlib import Path
from typing import Any

from fakes.tiny_models import make_tiny

SIZE = 32
"""The width of every tiny backbone."""
PATTERN = "<|assistant|>"
"""What announces a response in the tiny models' chat template."""
MARKERS = ["<|source|>", "<|candidate1|>", "<|candidate2|>"]


def drawn(*shape: int, seed: int = 0) -> Any:
    """Return a random tensor, the same every time."""
    import torch

    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) / 4


def linear(name: str, rows: int, columns: int, seed: int, *, bias: bool = True) -> dict[str, Any]:
    """Return the tensors of a linear layer."""
    return {f"{name}.weight": drawn(rows, columns, seed=seed)} | (
        {f"{name}.bias": drawn(rows, seed=seed + 100)} if bias else {}
    )


def normalised(name: str, size: int, seed: int) -> dict[str, Any]:
    """Return the tensors of a batch normalisation that has seen data."""
    import torch

    return {
        f"{name}.weight": 1 + drawn(size, seed=seed),
        f"{name}.bias": drawn(size, seed=seed + 1),
        f"{name}.running_mean": drawn(size, seed=seed + 2),
        f"{name}.running_var": 1 + drawn(size, seed=seed + 3) ** 2,
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def mlp() -> dict[str, Any]:
    """Return two layers as a GRM names them."""
    return linear("v_head.summary.0", 16, SIZE, 1) | linear("v_head.summary.2", 1, 16, 2)


def with_layers(path: Path, tensors: dict[str, Any], prefix: tuple[str, str] | None = None) -> Path:
    """Add tensors to a checkpoint; `prefix` renames what its own names begin with."""
    from safetensors.torch import load_file, save_file

    state = load_file(path / "model.safetensors")
    if prefix:
        state = {name.replace(*prefix, 1) if name.startswith(prefix[0]) else name: t for name, t in state.items()}
    save_file(state | tensors, path / "model.safetensors", metadata={"format": "pt"})
    return path


def with_config(path: Path, **values: Any) -> Path:
    """Change a model's configuration."""
    file = path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return path


def make_value(path: Path, shape: Any = "llama", tensors: dict[str, Any] | None = None, **options: Any) -> Path:
    """Make a backbone with a value head."""
    return with_layers(make_tiny(path, shape, "causal", **options), tensors or mlp())


def make_released_file(path: Path, base: Path) -> Path:
    """Make a model that is released as one file of tensors over another one, as Starling-RM-7B is."""
    import torch

    make_tiny(base, "llama")
    other = make_tiny(path.parent / "other", "llama", initializer_range=0.3)
    from transformers import AutoModel

    state = {f"transformer.{name}": tensor for name, tensor in AutoModel.from_pretrained(other).state_dict().items()}
    path.mkdir()
    torch.save(state | linear("v_head", 1, SIZE, 3, bias=False), path / "released.pt")
    return path


def make_gated(path: Path, quantiles: int = 1, *, norm: bool = False, objectives: int = 3) -> Path:
    """Make an ArmoRM, or with quantiles and batch normalisation a QRM."""
    import torch

    tensors = linear("regression_layer", objectives * quantiles, SIZE, 4, bias=False)
    tensors |= {"reward_transform_matrix": torch.eye(objectives) + drawn(objectives, objectives, seed=5)}
    tensors |= {"gating.logit_scale": torch.tensor([1.5])}
    if norm:
        for step in range(2):
            tensors |= linear(f"gating.layers.{3 * step}", 8, SIZE if step == 0 else 8, 6 + step, bias=False)
            tensors |= normalised(f"gating.layers.{3 * step + 2}", 8, 20 + 10 * step)
        tensors |= linear("gating.layers.6", objectives, 8, 8)
    else:
        tensors |= linear("gating.layers.0", 8, SIZE, 6) | linear("gating.layers.1", objectives, 8, 7)
    return with_config(make_value(path, "llama", tensors), gating_temperature=2.0)


def make_distribution(path: Path, objectives: int = 4) -> Path:
    """Make an LDL reward model: its layers lie in files of their own."""
    import torch

    make_tiny(path, "gemma2")
    regression = linear("network.0", 24, SIZE, 1) | linear("network.2", 10 * objectives, 24, 2)
    gate = linear("network.0", 24, SIZE, 3) | linear("network.3", objectives, 24, 4)
    torch.save(regression, path / "regression_layer.pt")
    torch.save(gate, path / "gating_layer.pt")
    return with_config(path, temperature=1.5, softmax=True)


def make_pairrm(path: Path, tasks: int = 2) -> Path:
    """Make a PairRM: a DeBERTa with three markers and two layers."""
    from transformers import AutoTokenizer

    make_tiny(path, "deberta", "sequence-classification", vocab_size=300)
    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.add_special_tokens({"additional_special_tokens": MARKERS})
    tokenizer.save_pretrained(path)
    tensors = linear("head_layer.1", SIZE, 2 * SIZE, 5) | linear("head_layer.4", tasks, SIZE, 6)
    return with_layers(path, tensors, ("deberta.", "pretrained_model."))
