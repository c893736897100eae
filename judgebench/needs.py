"""What a local judge needs, and what of it this machine has not got: one line each, with what to type.

Sizes are estimates, stated as such. A model's weights take their parameters times the bytes of their type; the smallest
batch and the runtime come on top (`ROOM`, `RUNTIME`). More memory than that makes larger batches.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from judgebench import prompts, registry
from judgebench.backends.local import checkpoints
from judgebench.backends.local.failures import HUB, code_refused, download
from judgebench.errors import JudgebenchError, MissingPrerequisite
from judgebench.judges.card import JudgeCard, Quantization, Weights, card_names, load_card
from judgebench.machine import Machine, here
from judgebench.spec import EvalConfig

EXTRAS = {"transformers": "local", "vllm": "vllm"}
"""The backends that load a model into this machine, and the extra each needs."""
MIXTURES = {"8x7B": 46.7e9, "8x22B": 140.6e9}
"""Mixtures of experts share what is no expert: parameters as Mistral publishes them."""
BYTES = {"auto": 2.0, "float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "8bit": 1.05, "4bit": 0.62}
"""Bytes a parameter takes. With 8bit and 4bit, embeddings and scales stay wider; released weights are 16 bits wide."""
ROOM = 0.1
"""Activations and KV cache of the smallest batch, as a share of the 16-bit weights."""
RUNTIME = 1e9
"""Bytes that the runtime keeps for itself."""
UNIFIED = 0.75
"""The share of a Mac's memory that MPS may use."""
CPU_LIMIT = 4e9
"""Parameters beyond which a model runs on a CPU only when it is asked to: a judgment takes minutes."""
GB = 1e9
WHOLE_FROM = 10 * GB
SWITCHES = " or ".join(prompts.OFFLINE)
SERVER = "--backend vllm --base-url URL, to ask a server"
_UNITS = {"M": 1e6, "B": 1e9, "T": 1e12}
_SIZE = re.compile(r"(?:(\d+)x)?(\d+(?:\.\d+)?)([MBT])(?:-A\d+(?:\.\d+)?B)?", re.IGNORECASE)
_LIGHTER: tuple[Quantization, ...] = ("8bit", "4bit")


@dataclass(frozen=True)
class Found:
    """What stands in a judge's way (`missing`), and what the user should know before it starts (`notes`)."""

    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_local(card: JudgeCard, config: EvalConfig | None = None) -> bool:
    """Return whether a judge's model is loaded into this machine, not asked over a server."""
    return provider(card) in EXTRAS and (config is None or config.base_url is None)


def provider(card: JudgeCard) -> str:
    """Return the name of the backend of a card's model."""
    return (card.model or "").partition("/")[0]


def parameters(size: str | None) -> float | None:
    """Return the parameters of a card's `size`: `13B`, `1.8B`, `435M`, `8x7B`, `30B-A3B`. None when it says nothing.

    A mixture that is not in `MIXTURES` counts all its experts whole: more than it has.
    """
    if size is None or (match := _SIZE.fullmatch(size.strip())) is None:
        return None
    experts, number, unit = match.groups()
    return MIXTURES.get(size.strip()) or int(experts or 1) * float(number) * _UNITS[unit.upper()]


def memory(count: float, dtype: str = "auto", quantization: Quantization = "none") -> float:
    """Return the bytes of device memory that a model of so many parameters needs."""
    wide = BYTES[dtype]
    return count * ((wide if quantization == "none" else BYTES[quantization]) + ROOM * wide) + RUNTIME


def needed(card: JudgeCard, quantization: Quantization | None = None) -> float | None:
    """Return the bytes of device memory that a card needs, its own quantization or another; None without a size."""
    weights, count = _weights(card), parameters(card.size)
    if count is None:
        return None
    return memory(count * (2 if weights.reference else 1), weights.dtype, quantization or weights.quantization)


def room(machine: Machine) -> float | None:
    """Return the bytes a model may take here: of all GPUs together, of MPS, or of the main memory."""
    if machine.gpus:
        return sum(gpu.free for gpu in machine.gpus)
    if machine.mps and machine.memory is not None:
        return UNIFIED * machine.memory
    return machine.memory


def fitting(card: JudgeCard, machine: Machine) -> Quantization | None:
    """Return with how little rounding a card's model fits here: as it is, in 8 or in 4 bits; None when not at all.

    A card without a size, or a machine that does not tell its memory, is taken to fit.
    """
    space = room(machine)
    for quantization in (_own(card), *(_LIGHTER if _can_be_lighter(card, machine) else ())):
        need = needed(card, quantization)
        if need is None or space is None or need <= space:
            return quantization
    return None


def look(card: JudgeCard, config: EvalConfig, machine: Machine) -> Found:
    """Return what a run of a judge lacks on a machine. Nothing for judges whose model is elsewhere."""
    if not is_local(card, config):
        return Found()
    missing = [*_extras(card, config, machine)]
    notes = [machine.trouble] if machine.trouble else []
    if config.engine == "local":  # Ray's nodes have devices and caches of their own
        for absent, known in (_device(card, config, machine), _files(card, machine)):
            missing += absent
            notes += known
    missing += [*_prompts(card, machine), *_code(card, config)]
    return Found(tuple(missing), tuple(notes))


def ready(card: JudgeCard, config: EvalConfig) -> list[str]:
    """Return what the user should know before a run starts. Raises MissingPrerequisite, a line each, when it cannot."""
    if not is_local(card, config):
        return []
    found = look(card, config, here())
    if found.missing:
        raise MissingPrerequisite("\n".join((*found.missing, *found.notes)))
    return list(found.notes)


def missing(card: JudgeCard, config: EvalConfig, machine: Machine | None = None) -> list[str]:
    """Return one line for each thing that stands in a judge's way here."""
    return list(look(card, config, machine or here()).missing)


def _extras(card: JudgeCard, config: EvalConfig, machine: Machine) -> Iterator[str]:
    others = [need for need in card.needs if need not in EXTRAS.values()]  # another backend's extra is not this one's
    wanted = [EXTRAS[provider(card)], *others]
    wanted += ["quantized"] if _own(card) != "none" else []
    wanted += ["ray"] if config.engine == "ray" else []
    for extra in dict.fromkeys(wanted):
        if lacking := machine.lacking.get(extra):
            yield f"{card.name} needs the extra {extra} ({', '.join(lacking)}). Type: pip install 'judgebench[{extra}]'"


def _device(card: JudgeCard, config: EvalConfig, machine: Machine) -> tuple[list[str], list[str]]:
    """Return why the model cannot run on this machine's devices, and what the user should know of them."""
    asked_for_cpu = config.options.get("device") == "cpu"
    if asked_for_cpu:
        machine = replace(machine, gpus=(), mps=False)
    accelerated = bool(machine.gpus or machine.mps)
    if not accelerated and provider(card) == "vllm":
        return [f"vLLM needs a GPU, and this machine has none. Type: {SERVER}"], []
    need, space, count = needed(card), room(machine), parameters(card.size)
    if need is None or count is None or space is None:
        return [], []
    what = f"{card.name} needs about {gigabytes(need)} of memory ({card.size} parameters, {_width(card)})"
    if need > space:
        has = f"this machine's GPUs have {gigabytes(space)} free" if machine.gpus else _main_memory(space, accelerated)
        return [f"{what}; {has}. {_instead(card, machine)}"], []
    if accelerated:
        return [], []
    if count > CPU_LIMIT and not asked_for_cpu:
        way = "--backend-option device=cpu, to wait minutes for a judgment"
        return [f"{what} on a GPU; this machine has none. Type: {SERVER}; or {way}"], []
    return [], [f"{card.name} runs on the CPU, for there is no GPU here: a judgment takes seconds to minutes"]


def _width(card: JudgeCard) -> str:
    weights = _weights(card)
    named = weights.dtype if weights.quantization == "none" else weights.quantization
    return "16bit" if named == "auto" else named


def _main_memory(space: float, accelerated: bool) -> str:
    return f"this machine has {'' if accelerated else 'no GPU and '}{gigabytes(space)}"


def gigabytes(count: float) -> str:
    """Return bytes as `14 GB`, small ones as `1.4 GB`."""
    return f"{count / GB:.0f} GB" if count >= WHOLE_FROM else f"{count / GB:.1f} GB"


def _instead(card: JudgeCard, machine: Machine) -> str:
    """Return what to type where a model is too large: fewer bits, a smaller judge of the same kind, or a server."""
    ways = []
    if (lighter := fitting(card, machine)) is not None:
        ways.append(f"--quantization {lighter} ({gigabytes(needed(card, lighter) or 0)})")
    if (smaller := sibling(card, machine)) is not None:
        ways.append(f"--judge {smaller.name} ({gigabytes(needed(smaller) or 0)})")
    return f"Type: {'; or '.join([*ways, SERVER])}"


def sibling(card: JudgeCard, machine: Machine) -> JudgeCard | None:
    """Return the largest smaller card of the same judge that fits here: one whose name differs in the size alone."""
    most = parameters(card.size) or 0.0
    if not (machine.gpus or machine.mps):
        most = min(most, CPU_LIMIT)
    stem = _stem(card.name)
    others = [load_card(name) for name in card_names() if name != card.name and _stem(name) == stem]
    smaller = {other.name: (parameters(other.size) or most, other) for other in others}
    fits = [entry for entry in smaller.values() if entry[0] < most and fitting(entry[1], machine) == _own(entry[1])]
    return max(fits, key=lambda entry: entry[0])[1] if fits else None


def _stem(name: str) -> str:
    return re.sub(r"(?<![a-z0-9.])(\d+x)?\d+(\.\d+)?[bm](?![a-z0-9])", "#", name)


def _weights(card: JudgeCard) -> Weights:
    return card.weights or Weights()


def _own(card: JudgeCard) -> Quantization:
    return _weights(card).quantization


def _can_be_lighter(card: JudgeCard, machine: Machine) -> bool:
    """Return whether bitsandbytes may round the weights: on CUDA, of a model that is no sum of two."""
    plain = _weights(card).delta_of is None and _own(card) == "none"
    return bool(machine.gpus) and provider(card) == "transformers" and plain


def _files(card: JudgeCard, machine: Machine) -> tuple[list[str], list[str]]:
    """Return why the weights cannot be had, and that they are downloaded first."""
    absent = [place for place in _places(card) if not checkpoints.cached(*place)]
    if machine.offline:
        return [
            f"the weights of {repository} are not in the hub's cache, and fetching is off ({SWITCHES}). "
            f"With the network on, type: {download(repository, revision)}"
            for repository, revision in absent
        ], []
    missing = []
    if absent and not machine.token and any("gated" in need for need in card.needs):
        name = absent[0][0]
        missing.append(f"{name} is gated. Ask for access at {HUB}/{name}, then type: hf auth login")
    count = parameters(card.size)
    size = None if count is None else count * BYTES[_weights(card).dtype]
    if absent and size is not None and machine.disk is not None and size > machine.disk:
        missing.append(
            f"the weights of {absent[0][0]} take about {gigabytes(size)}, and the disk has {gigabytes(machine.disk)} "
            "left. Make room (hf cache ls), or name a folder elsewhere in HF_HOME"
        )
    about = "" if size is None else f", about {gigabytes(size)}"
    return missing, [
        f"the weights of {repository} are not in the hub's cache. The run downloads them{about}; "
        f"to do it beforehand, type: {download(repository, revision)}"
        for repository, revision in absent
    ]


def _places(card: JudgeCard) -> list[tuple[str, str | None]]:
    """Return the repositories of a card's weights, with their revisions."""
    weights = _weights(card)
    others = (weights.adapter, weights.delta_of, weights.reference)
    own = ((card.model or "").partition("/")[2], card.revision)
    return [own, *(checkpoints.pinned(other) for other in others if other is not None)]


def _prompts(card: JudgeCard, machine: Machine) -> Iterator[str]:
    """Yield which of the pinned prompts that a judge renders cannot be fetched."""
    if not machine.offline:
        return
    try:
        digests = set(registry.load("families", card.family)(card).prompts().values())
    except JudgebenchError as error:
        yield str(error)
        return
    missing = [pin.name for pin in prompts.pins().values() if pin.digest in digests and pin.state == "missing"]
    if missing:
        yield (
            f"prompts that {card.name} renders are not cached, and fetching is off ({SWITCHES}). "
            f"With the network on, type: judgebench prompts fetch {' '.join(missing)}"
        )


def _code(card: JudgeCard, config: EvalConfig) -> Iterator[str]:
    reason = _weights(card).remote_code
    if reason is not None and not config.trust_remote_code:
        yield code_refused(card.name, reason)
