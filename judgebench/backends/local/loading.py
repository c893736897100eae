"""Loading: the one place where weights come in.

A model comes as its card says (dtype, attention, quantization, adapter, delta), at the pinned revision, ready for
inference, and complete: a head that the checkpoint does not hold is refused, never drawn at random. What the libraries
refuse becomes one line (`judgebench.backends.local.failures`).
"""

import logging
import os
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from judgebench.backends.base import Endpoint
from judgebench.backends.local.checkpoints import ADAPTER_NAMES, add_base, commit, pinned, snapshot, state
from judgebench.backends.local.failures import code_refused, explained
from judgebench.backends.local.memory import model_devices
from judgebench.errors import MissingPrerequisite, PermanentError, UsageError
from judgebench.judges.card import Quantization, Weights
from judgebench.needs import memory
from judgebench.prompts import offline
from judgebench.registry import extra_hint

SOFT_CAPPED = ("gemma2",)
"""Models whose attention has a soft cap, which SDPA cannot compute: eager and flash attention do, alike."""
ALONE = {"adapter": None, "delta_of": None}
_MARK = "_judgebench_loaded"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """What was really loaded, for the result. `revision` is a commit; None for a folder."""

    revision: str | None
    device: str
    dtype: str
    attention: str | None
    quantization: Quantization


def load_tokenizer(endpoint: Endpoint) -> Any:
    """Return the tokenizer of an endpoint's model, or the one that its card names.

    One without a padding token pads with its end-of-sequence token: who pads must mask by length, not by token.

    Raises MissingPrerequisite or PermanentError in one line.
    """
    weights = _weights(endpoint)
    repository, revision = pinned(weights.tokenizer) if weights.tokenizer else (endpoint.model, endpoint.revision)
    with explained("the tokenizer", repository, revision):
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(repository, **_source(endpoint, revision))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer


def load_model(
    endpoint: Endpoint,
    auto: str | type[Any] = "AutoModelForCausalLM",
    repository: str | None = None,
    *,
    absent: Iterable[str] = (),
    **kwargs: Any,
) -> Any:
    """Return a model in evaluation mode, without gradients, on its device.

    `auto` is a class of transformers or its name. `repository` (`owner/name@revision`) is another model to load the
    same way, such as a reference policy: adapter and delta are those of the endpoint's own model only. `absent` are
    the beginnings of the names of weights that the caller brings itself. `kwargs` go to `from_pretrained`.

    The backend options `device` (`cpu`, `cuda:1`) and `device_map` (`auto`: over all GPUs) say where; unset, it is the
    GPU with most free memory, all of them where that one is too small, MPS or the CPU.

    Raises MissingPrerequisite, UsageError or PermanentError in one line.
    """
    weights = _weights(endpoint) if repository is None else _weights(endpoint).model_copy(update=ALONE)
    name, revision = pinned(repository) if repository else (endpoint.model, endpoint.revision)
    # Its conversion of old checkpoints asks the hub in a thread of its own.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    with explained("the weights", name, revision):
        import transformers

        base = getattr(transformers, auto) if isinstance(auto, str) else auto
        source = _source(endpoint, revision)
        config = kwargs.get("config") or transformers.AutoConfig.from_pretrained(name, **source)
        source["revision"] = commit(name, revision) or revision
        how = source | _numbers(weights, config) | {"device_map": _placement(endpoint, config, base)} | kwargs
        model, report = base.from_pretrained(name, output_loading_info=True, **how)
        if weights.delta_of is not None:
            add_base(model, *pinned(weights.delta_of))
        model, brought = _with_adapter(model, weights)
        _refuse_incomplete(name, report["missing_keys"], (*absent, *brought))
    setattr(model, _MARK, _record(model, commit(name, revision), weights))
    return model.eval().requires_grad_(requires_grad=False)


def device_name(model: Any) -> str:
    """Return what a model runs on: `cpu`, `mps`, or the GPUs by their names, as in `2 x NVIDIA H100 80GB HBM3`."""
    import torch

    names = [
        torch.cuda.get_device_name(device) if device.type == "cuda" else device.type for device in model_devices(model)
    ]
    counts = {name: names.count(name) for name in sorted(names)}
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in counts.items())


def resolved_revision(model: Any) -> str | None:
    """Return the commit that a loaded model's weights are of; None for a folder."""
    loaded: Loaded = getattr(model, _MARK)
    return loaded.revision


def facts(model: Any) -> dict[str, Any]:
    """Return what was loaded and where it runs, for `Backend.describe`: no paths, no hosts."""
    return {name: value for name, value in asdict(getattr(model, _MARK)).items() if value is not None}


def _weights(endpoint: Endpoint) -> Weights:
    return endpoint.weights or Weights()


def _record(model: Any, revision: str | None, weights: Weights) -> Loaded:
    return Loaded(
        revision=revision,
        device=device_name(model),
        dtype=str(model.dtype).removeprefix("torch."),
        attention=getattr(model.config, "_attn_implementation", None),
        quantization=weights.quantization,
    )


def _source(endpoint: Endpoint, revision: str | None) -> dict[str, Any]:
    """Return where files may come from. Raises MissingPrerequisite when the repository's code is asked for and off."""
    reason = _weights(endpoint).remote_code
    if reason is not None and not endpoint.trust_remote_code:
        raise MissingPrerequisite(code_refused(endpoint.model, reason))
    return {"revision": revision, "trust_remote_code": reason is not None, "local_files_only": offline()}


def _numbers(weights: Weights, config: Any) -> dict[str, Any]:
    """Return everything that decides what numbers come out."""
    found: dict[str, Any] = {"dtype": weights.dtype}
    if (attention := _attention(weights, config)) is not None:
        found["attn_implementation"] = attention
    if weights.quantization != "none":
        found["quantization_config"] = _quantization(weights)
    return found


def _attention(weights: Weights, config: Any) -> str | None:
    """Return the attention to ask for, None for the library's choice. Raises when it is not to be had."""
    from transformers.utils.import_utils import is_flash_attn_2_available

    wanted, capped = weights.attention, config.model_type in SOFT_CAPPED
    if wanted == "sdpa" and capped:
        raise UsageError(f"attention sdpa cannot cap scores as {config.model_type} does. Type: --attention eager")
    if wanted != "flash_attention_2" or is_flash_attn_2_available():
        return None if wanted == "auto" else wanted
    if not capped:
        raise MissingPrerequisite(
            "flash attention is asked for and not here. Type: pip install flash-attn (on a CUDA GPU), "
            "or --attention sdpa"
        )
    _LOG.warning("flash attention is not here; eager attention computes the same, more slowly")
    return "eager"


def _quantization(weights: Weights) -> Any:
    import transformers

    if find_spec("bitsandbytes") is None:
        error = ImportError(name="bitsandbytes")
        raise MissingPrerequisite(f"--quantization {weights.quantization} needs bitsandbytes. {extra_hint(error)}")
    if weights.delta_of:
        raise UsageError(f"--quantization {weights.quantization} cannot be had: the weights are a delta, to be summed")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of every layer that it casts its input
    make: Any = transformers.BitsAndBytesConfig
    if weights.quantization == "8bit":
        return make(load_in_8bit=True)
    compute = "bfloat16" if weights.dtype == "auto" else weights.dtype
    return make(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)


def _placement(endpoint: Endpoint, config: Any, base: Any) -> Any:
    """Return the device map."""
    import torch

    options = endpoint.options
    if "device_map" in options:
        return options["device_map"]
    if "device" in options:
        return {"": _device(str(options["device"]))}
    if not torch.cuda.is_available():
        return {"": "mps" if torch.backends.mps.is_available() else "cpu"}
    free = [torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())]
    if len(free) > 1 and _memory(endpoint, config, base) > max(free):
        return "auto"
    return {"": free.index(max(free))}


def _device(name: str) -> Any:
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(
            f"device {name!r}: no such device. Type: --backend-option device=cpu, cuda:0 or mps"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise MissingPrerequisite(f"device {name}: this machine has {torch.cuda.device_count()} CUDA GPUs")
    return device


def _memory(endpoint: Endpoint, config: Any, base: Any) -> float:
    """Return the bytes a model needs, from its shape alone."""
    import torch

    weights = _weights(endpoint)
    make = getattr(base, "from_config", base)
    trusted = {"trust_remote_code": True} if weights.remote_code and make is not base else {}
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in make(config, **trusted).parameters())
    dtype = str(config.dtype).removeprefix("torch.") if weights.dtype == "auto" and config.dtype else weights.dtype
    return memory(count, dtype, weights.quantization)


def _with_adapter(model: Any, weights: Weights) -> tuple[Any, tuple[str, ...]]:
    """Return the model with its adapter in its weights, and the names of the modules that the adapter replaces.

    A quantized model keeps the adapter beside its weights: merged, they would be rounded a second time.
    """
    if weights.adapter is None:
        return model, ()
    repository, revision = pinned(weights.adapter)
    folder = snapshot(repository, revision, "adapter_*")
    with explained("the adapter", repository, revision), warnings.catch_warnings():
        from peft import PeftModel, get_peft_model_state_dict

        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("error", message=".*missing adapter keys")
        if not (folder / "adapter_config.json").is_file():
            raise FileNotFoundError("there is no file named adapter_config.json")
        adapted = PeftModel.from_pretrained(model, folder)
        known = get_peft_model_state_dict(adapted, save_embedding_layers=False)
        files = [state(path) for path in (folder / name for name in ADAPTER_NAMES) if path.is_file()]
        if files and any("lora_" in key and key not in known for key in files[0]):
            raise PermanentError(f"the adapter of {repository} was made for another model")
        brought = tuple(getattr(adapted.peft_config["default"], "modules_to_save", None) or ())
        merge = weights.quantization == "none"
        return adapted.merge_and_unload(safe_merge=True) if merge else adapted.get_base_model(), brought


def _refuse_incomplete(name: str, missing: Iterable[str], brought: tuple[str, ...]) -> None:
    """Raise PermanentError when weights were neither loaded nor brought by others: they would be random."""
    lacking = sorted(key for key in missing if not key.startswith(brought))
    if lacking:
        more = f" and {len(lacking) - 1} other weights" if len(lacking) > 1 else ""
        raise PermanentError(
            f"{name} holds no {lacking[0]}{more}, which this kind of judge reads. Is weights.head of the card right?"
        )
