"""What is installed here, what fits here, and whether it works: facts and a self-test, never an exception."""

import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from judgebench import cache, prompts
from judgebench.backends.base import build
from judgebench.errors import JudgebenchError
from judgebench.judges.card import JudgeCard, Quantization, Weights, card_names, load_card
from judgebench.machine import Machine, Package, extras, here, hub_cache
from judgebench.needs import fitting, is_local, look, needed
from judgebench.spec import EvalConfig
from judgebench.version import VERSION

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
HUB = "HF_TOKEN"
"""What a token of the hub is reported as, wherever it lies."""
QUANTIZATIONS: tuple[Quantization, ...] = ("none", "8bit", "4bit")
TOLERANCE = {"float32": 1e-4, "bfloat16": 5e-2}
"""How far a device's attention may be from the same in double precision, by its type."""


@dataclass(frozen=True)
class Store:
    """A cache: where it lies, how many entries it holds, their bytes."""

    name: str
    folder: str
    entries: int
    bytes: int


@dataclass(frozen=True)
class Judge:
    """A card on this machine. Memory is in bytes by quantization (`none`, `8bit`, `4bit`), None without a size.

    `quantization` is the card's own, `fits` the least rounding under which its model fits, None when it does not;
    `missing` is what stands in its way.
    """

    name: str
    size: str | None
    quantization: str
    memory: dict[str, int] | None
    fits: str | None
    missing: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Test:
    """One part of the self-test. `detail` is what was found, or what went wrong."""

    name: str
    ok: bool
    detail: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """All that `judgebench doctor` says."""

    judgebench: str
    python: str
    platform: str
    extras: dict[str, tuple[Package, ...]]
    machine: Machine
    caches: tuple[Store, ...]
    switches: dict[str, bool]
    keys: dict[str, bool]
    judges: tuple[Judge, ...]
    tests: tuple[Test, ...]

    @property
    def healthy(self) -> bool:
        """Return whether every part of the self-test passed."""
        return all(test.ok for test in self.tests)

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self) | {"healthy": self.healthy}


def examine(judge: str | None = None) -> Report:
    """Look at everything, and test what can be tested in two seconds. Raises UsageError for an unknown judge."""
    machine = here()
    cards = [load_card(judge)] if judge else [card for card in map(load_card, card_names()) if is_local(card)]
    return Report(
        judgebench=VERSION,
        python=platform.python_version(),
        platform=f"{platform.system()}-{platform.machine()}".lower(),
        extras=extras(),
        machine=machine,
        caches=tuple(_caches()),
        switches={name: prompts.is_on(name) for name in prompts.OFFLINE},
        keys={name: bool(os.environ.get(name)) for name in KEYS} | {HUB: machine.token},
        judges=tuple(_judge(card, machine) for card in cards),
        tests=tuple(self_test(machine)),
    )


def _judge(card: JudgeCard, machine: Machine) -> Judge:
    sizes = {quantization: needed(card, quantization) for quantization in QUANTIZATIONS}
    memory = {str(name): round(size) for name, size in sizes.items() if size is not None}
    found = look(card, EvalConfig(judge=card.name, task="starter"), machine)
    missing = found.missing if is_local(card) else tuple(_elsewhere(card))
    own = (card.weights or Weights()).quantization
    return Judge(card.name, card.size, own, memory or None, fitting(card, machine), missing, found.notes)


def _elsewhere(card: JudgeCard) -> Iterator[str]:
    """Yield why a judge whose model is not loaded here cannot ask for it."""
    if card.model is None:
        return
    try:
        build(card.model).check()
    except JudgebenchError as error:
        yield str(error)


def _caches() -> Iterator[Store]:
    replies = cache.default_folder()
    yield _store("prompts", prompts.cache_folder(), "*")
    yield _store("replies", replies, "*/*.json")
    yield _store("hub", hub_cache(), "*/blobs/*")


def _store(name: str, folder: Path, pattern: str) -> Store:
    sizes = []
    for path in folder.glob(pattern):
        try:
            sizes.append(path.stat().st_size)
        except OSError:  # gone in the meantime, or a broken link
            continue
    return Store(name, str(folder), len(sizes), sum(sizes))


def self_test(machine: Machine) -> Iterator[Test]:
    """Run a judge end to end and, where there is torch, attention on the device that models would run on."""
    yield _timed("judge", _run_a_judge)
    if find_spec("torch") is not None:
        yield _timed("attention", lambda: _attend("cuda" if machine.gpus else "mps" if machine.mps else "cpu"))


def _timed(name: str, test: Callable[[], str]) -> Test:
    started = time.perf_counter()
    try:
        ok, detail = True, test()
    except Exception as error:  # noqa: BLE001 - a self-test reports whatever goes wrong
        ok, detail = False, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return Test(name, ok, detail, round(time.perf_counter() - started, 2))


def _run_a_judge() -> str:
    """Run `always-first` on the starter set: shown both orders, it contradicts itself on every item."""
    from judgebench.evaluation import evaluate

    with tempfile.TemporaryDirectory() as folder:
        result = evaluate("always-first", "starter", runs=folder, cache=False).result
    accuracy, consistency = (result.metrics[name].value for name in ("accuracy", "consistency"))
    if (accuracy, consistency) != (0.0, 0.0):
        raise ValueError(f"always-first has accuracy {accuracy} and consistency {consistency}, where both must be 0")
    return f"{result.counts.trials} judgments of {result.counts.items} items"


def _attend(device: str) -> str:
    """Run one causal attention on a device and compare it with its definition in double precision."""
    import torch

    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    random = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, 4, 64, 32, dtype=torch.float64, generator=random) for _ in range(3))
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    future = torch.ones(64, 64, dtype=torch.bool).triu(1)
    expected = scores.masked_fill(future, -math.inf).softmax(-1) @ value
    query, key, value = (part.to(device, dtype) for part in (query, key, value))
    got = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    worst = (got.double().cpu() - expected).abs().max().item()
    name = str(dtype).removeprefix("torch.")
    if not worst <= TOLERANCE[name]:
        raise ArithmeticError(f"attention in {name} on {device} is off by {worst:.2g}")
    return f"{device}, {name}, off by {worst:.0e}"
