"""One lazy registry: what a user can name, found through entry points, imported only when used.

Built-ins come through the same door as third parties. A plug-in that fails to import breaks only
the command that asks for it.
"""

import difflib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from judgebench.errors import MissingPrerequisite, UsageError

NOUNS = {
    "families": "judge family", "backends": "backend", "adapters": "task adapter", "heads": "head",
    "graders": "grader", "generators": "generator", "pair_sources": "source of pairs", "sandboxes": "sandbox",
}  # fmt: skip
"""What a member of a group is called in messages."""


@cache
def _table(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=f"judgebench.{group}"))}


def names(group: str) -> list[str]:
    """Return the names in a group, sorted. Imports none of them."""
    return sorted(_table(group))


def load(group: str, name: str) -> Any:
    """Import and return the object registered under `name`.

    Raises UsageError with a suggestion for an unknown name, MissingPrerequisite when its import fails.
    """
    point = _table(group).get(name)
    if point is None:
        raise UsageError(unknown(NOUNS.get(group, group), name, names(group)))
    try:
        return point.load()
    except ImportError as error:
        raise MissingPrerequisite(f"{name} cannot be loaded: {error}. {extra_hint(error)}") from error


@cache
def cards(group: str) -> dict[str, Traversable]:
    """Return the YAML cards in all packages of a group by name, sorted. The first package to have a name keeps it."""
    found: dict[str, Traversable] = {}
    for name in names(group):
        for entry in sorted(files(load(group, name).__name__).iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".yaml"):
                found.setdefault(entry.name.removesuffix(".yaml"), entry)
    return found


def unknown(noun: str, name: str, known: Iterable[str]) -> str:
    """Return the one line for an unknown name: did-you-mean, or where the names are listed."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"unknown {noun} {name!r}. Did you mean {' or '.join(close)}?"
    some = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")  # noqa: PLR2004
    return f"unknown {noun} {name!r}. Known: {some}"


_EXTRAS = {
    "torch": "local", "transformers": "local", "accelerate": "local", "peft": "local",
    "safetensors": "local", "sentencepiece": "local", "protobuf": "local", "google": "local",
    "bitsandbytes": "quantized", "vllm": "vllm", "ray": "ray", "trl": "train",
    "math_verify": "pairs",
}  # fmt: skip


def extra_hint(error: ImportError) -> str:
    """Return what to type to install the missing module."""
    module = (error.name or "").split(".")[0]
    extra = _EXTRAS.get(module)
    return f"Type: pip install 'judgebench[{extra}]'" if extra else f"Type: pip install {module or 'its package'}"
