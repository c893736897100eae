"""Memory of the devices that a model runs on: measured per batch, given back after a failure."""

import gc
import re
from collections.abc import Iterable
from typing import Any

MEASURED = ("cuda", "xpu")
"""Kinds of devices that say how much memory was in use at its peak. ROCm calls itself cuda."""
BUCKET = 8
BUCKETS = {"mps": 64}
_MESSAGES = re.compile(r"out of memory|can't allocate memory|not enough memory|_ALLOC_FAILED", re.IGNORECASE)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that an allocation failed: on an accelerator, on the CPU, in Python."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(_MESSAGES.search(str(error))))


def model_devices(model: Any) -> list[Any]:
    """Return the devices that hold a model's weights, in the order of their first use."""
    return list({str(parameter.device): parameter.device for parameter in model.parameters()}.values())


def used_devices() -> list[Any]:
    """Return the accelerators on which this process holds memory: those of the models it has loaded."""
    import torch

    found = []
    for kind in MEASURED:
        module = getattr(torch, kind)
        if module.is_available():
            found += [torch.device(kind, n) for n in range(module.device_count()) if module.memory_allocated(n)]
    if torch.backends.mps.is_available() and torch.mps.current_allocated_memory():
        found.append(torch.device("mps"))
    return found


def bucket_of(devices: Iterable[Any]) -> int:
    """Return what padded lengths are rounded up to: more on MPS, which compiles a graph for every shape."""
    return max((BUCKETS.get(device.type, BUCKET) for device in devices), default=BUCKET)


def cpu_tokens(most: int, token_bytes: int) -> int:
    """Return how many tokens, at most `most`, may share the quarter of main memory that a batch on the CPU may take.

    Nobody is asked when main memory runs out: the system kills the process.
    """
    try:
        import psutil
    except ImportError:
        return most
    return max(1, min(most, int(psutil.virtual_memory().available) // 4 // max(1, token_bytes)))


class DeviceMeter:
    """Measures batches on accelerators. The CPU and MPS do not say what a batch took: there only `peak` is known.

    `peak` is the most bytes ever in use, weights included, added over the devices; on the CPU the process's own.
    """

    def __init__(self, devices: Iterable[Any]) -> None:
        import torch

        devices = list(devices)
        self._modules = {device.type: getattr(torch, device.type) for device in devices}
        self._measured = [(device, self._modules[device.type]) for device in devices if device.type in MEASURED]
        self._before: dict[Any, int] = {}
        self.peak = 0

    def start(self) -> None:
        """Begin a batch: forget the peaks before it."""
        for device, module in self._measured:
            module.reset_peak_memory_stats(device)
            self._before[device] = module.memory_allocated(device)

    def share(self) -> float | None:
        """Return how much of the memory free to batches the last one took, on the device with the least to spare."""
        self.peak = max(self.peak, self._peak())
        shares = []
        for device, module in self._measured:
            free, _ = module.mem_get_info(device)
            room = free + module.memory_reserved(device) - self._before[device]
            shares.append((module.max_memory_allocated(device) - self._before[device]) / max(1, room))
        return max(shares, default=None)

    def release(self) -> None:
        """Give back what a failed batch still holds."""
        gc.collect()
        for module in self._modules.values():
            module.empty_cache()

    def _peak(self) -> int:
        if self._measured:
            return sum(module.max_memory_allocated(device) for device, module in self._measured)
        if "mps" in self._modules:
            return int(self._modules["mps"].driver_allocated_memory())
        return _process_peak()


def _process_peak() -> int:
    """Return the process's largest resident size in bytes; 0 where the system does not say."""
    try:
        import resource
        import sys
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
