"""What this machine has: packages, devices, memory, disk, network. Nothing heavy is imported that is not installed."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from judgebench.prompts import offline

PROJECT = "judgebench"
NOT_FOR_USERS = ("dev",)
PROBE = (sys.executable, "-c", "import json; from judgebench.machine import probe; print(json.dumps(probe()))")
PATIENCE = 60
"""Seconds that the look at the devices may take: a sick driver hangs."""
MEMINFO = Path("/proc/meminfo")
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says how much memory a container may use."""


@dataclass(frozen=True)
class Package:
    """A package that an extra asks for: the version that is here, None without it, and the versions wanted."""

    name: str
    version: str | None
    wanted: str
    fits: bool

    def __str__(self) -> str:
        if self.version is None:
            return f"{self.name} is missing"
        return f"{self.name} {self.version}" + ("" if self.fits else f" is not {self.wanted}")


@dataclass(frozen=True)
class Gpu:
    """A CUDA GPU. Memory is in bytes; `free` is what other processes leave."""

    name: str
    total: int
    free: int


@dataclass(frozen=True)
class Machine:
    """What there is to run a model on. Memory and disk are in bytes.

    `memory` is the main memory that is available, None when the system does not say; `disk` what is free where the
    hub's cache lies. `lacking` names every extra and what of it is missing or of the wrong version. `trouble` is why
    torch or its GPUs cannot be used, where something is wrong with them.
    """

    gpus: tuple[Gpu, ...] = ()
    mps: bool = False
    cores: int = 1
    memory: int | None = None
    disk: int | None = None
    offline: bool = False
    token: bool = False
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trouble: str | None = None


def here() -> Machine:
    """Look at this machine."""
    gpus, mps, trouble = _devices()
    return Machine(
        gpus=gpus,
        mps=mps,
        cores=_cores(),
        memory=_memory(),
        disk=_disk(hub_cache()),
        offline=offline(),
        token=_token(),
        lacking={
            name: tuple(str(package) for package in packages if not package.fits)
            for name, packages in extras().items()
        },
        trouble=trouble,
    )  # fmt: skip


@cache
def extras() -> dict[str, tuple[Package, ...]]:
    """Return the extras a user can install, by name, with what is here of each. Imports none of it."""
    from importlib.metadata import metadata

    names = metadata(PROJECT).get_all("Provides-Extra") or []
    return {name: tuple(_packages(name)) for name in names if name not in NOT_FOR_USERS}


def _packages(extra: str) -> Iterator[Package]:
    from packaging.requirements import Requirement

    for line in requires(PROJECT) or []:
        wanted = Requirement(line)
        if wanted.marker is None or not wanted.marker.evaluate({"extra": extra}):
            continue
        if wanted.name == PROJECT:  # an extra that builds on others
            for other in sorted(wanted.extras):
                yield from _packages(other)
            continue
        found = _version(wanted.name)
        fits = found is not None and wanted.specifier.contains(found, prereleases=True)
        yield Package(wanted.name, found, str(wanted.specifier), fits)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def hub_cache() -> Path:
    """Return the folder of the hub's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


@cache
def _devices() -> tuple[tuple[Gpu, ...], bool, str | None]:
    """Return the CUDA GPUs, whether there is MPS, and what is wrong with them in one line.

    Another process looks, once: CUDA stays untouched in this one, which may fork, and a driver that crashes is told.
    """
    if find_spec("torch") is None:
        return (), False, None
    try:
        done = subprocess.run(PROBE, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603 - our words
        found = json.loads(done.stdout.strip().rpartition("\n")[2])
    except subprocess.TimeoutExpired:
        return (), False, f"torch cannot be used: it does not answer within {PATIENCE} s"
    except ValueError:
        said = done.stderr.strip().rpartition("\n")[2]
        return (), False, f"torch cannot be used: {_line(said) or f'it ends with {done.returncode}'}"
    return tuple(Gpu(**gpu) for gpu in found["gpus"]), found["mps"], found["trouble"]


def probe() -> dict[str, Any]:
    """Return the devices that torch sees in this process, with the first thing that it warns of."""
    import torch

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        gpus = [
            {"name": torch.cuda.get_device_name(index), "total": total, "free": free}
            for index, (free, total) in ((index, torch.cuda.mem_get_info(index)) for index in range(count))
        ]
        mps = bool(torch.backends.mps.is_available())
    return {"gpus": gpus, "mps": mps, "trouble": _line(str(said[0].message)) if said else None}


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int | None:
    """Return the bytes of main memory that are available, a container's limit included."""
    found = []
    with contextlib.suppress(OSError):
        found += [
            int(kilobytes) * 1024 for kilobytes in re.findall(r"MemAvailable:\s+(\d+)", MEMINFO.read_text("ascii"))
        ]
    if not found and "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with contextlib.suppress(OSError, ValueError):  # ValueError: it says "max"
        found.append(int(CGROUP_LIMIT.read_text("ascii")))
    return min(found, default=None)


def _disk(folder: Path) -> int | None:
    """Return the bytes that are free where a folder lies or would lie."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    try:
        return None if existing is None else shutil.disk_usage(existing).free
    except OSError:
        return None


def _token() -> bool:
    from huggingface_hub import get_token

    return get_token() is not None
