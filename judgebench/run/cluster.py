"""The Ray cluster a run is judged on: joined where there is one, started on this machine and ended where not.

Importing this module does not import Ray.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.spec import EvalConfig

REACH = 5.0
"""Seconds in which a cluster's address must answer; Ray itself would try for minutes."""
OBJECT_STORE = 512 * 2**20
"""Bytes of shared memory of a cluster of our own: what passes through it are texts, never weights."""
CHATTER = {
    "ray": logging.WARNING,
    "ray.data": logging.WARNING,
    "ray.data._internal.progress": logging.ERROR,  # "progress bars disabled", each time
}
"""From which level on Ray's loggers may speak."""
NO_CLIENT = (
    "Ray Data does not run through a Ray client. Run on a node of the cluster with --ray-address auto, or name its "
    "head: --ray-address HOST:6379"
)
ONLY_RAY = ("ray_address", "workers", "worker_cpus", "worker_gpus")


def check(config: EvalConfig) -> None:
    """Raise UsageError for options that do not go together, MissingPrerequisite where Ray is not installed."""
    if config.engine != "ray":
        given = [name for name in ONLY_RAY if getattr(config, name) is not None]
        if given:
            raise UsageError(f"--{given[0].replace('_', '-')} is for Ray. Type also: --engine ray")
        return
    if config.batch:
        raise UsageError("--batch asks from one process: half the price, and nothing to spread. Leave out --engine ray")
    if config.workers is not None and not 1 <= config.workers[0] <= config.workers[1]:
        least, most = config.workers
        raise UsageError(f"--workers {least}-{most} is no range. Type --workers MIN-MAX, for example 2-8")
    if find_spec("ray") is None:
        raise MissingPrerequisite("--engine ray needs Ray. Type: pip install 'judgebench[ray]'")
    if (address(config) or "").startswith("ray://"):
        raise UsageError(f"{address(config)}: {NO_CLIENT}")


def address(config: EvalConfig) -> str | None:
    """Return the address of the cluster to join; None starts one here. `RAY_ADDRESS` counts as it does for Ray."""
    return config.ray_address or os.environ.get("RAY_ADDRESS") or None


def is_joined(config: EvalConfig) -> bool:
    """Return whether the workers run on a cluster that is there already, with an environment of its own."""
    return config.engine == "ray" and address(config) not in (None, "local")


@asynccontextmanager
async def connected(config: EvalConfig) -> AsyncIterator[Any]:
    """Join the cluster, or start one; yield the module `ray`. In the end leave it, or end it with all it left behind.

    A process that is connected already stays connected. What Ray prints goes to stderr. Raises UsageError when there
    is no cluster to join.
    """
    ray = imported()
    with redirect_stdout(sys.stderr):
        if ray.is_initialized():
            if ray.util.client.ray.is_connected():
                raise UsageError(NO_CLIENT)
            yield ray
            return
        async with _session(ray, config):
            yield ray


@asynccontextmanager
async def _session(ray: Any, config: EvalConfig) -> AsyncIterator[None]:
    folder = None if is_joined(config) else tempfile.mkdtemp(prefix="judgebench-ray-", dir=_root())
    try:
        await _patiently(lambda: _start(ray, folder) if folder else _join(ray, str(address(config))))
        _signals_as_before()
        yield
    finally:
        # What its threads say of losing the cluster, while it is being ended, helps nobody.
        _listen(dict.fromkeys(CHATTER, logging.CRITICAL))
        await _patiently(lambda: ray.shutdown(wait_for_processes=True))
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _root() -> str:
    """Return where Ray may keep its sockets: their paths are 107 bytes at most, so a long $TMPDIR will not do."""
    return os.environ.get("RAY_TMPDIR") or "/tmp"  # noqa: S108 - a folder of a fresh name is made in it


def imported() -> Any:
    """Import Ray, quiet and telling nobody that it is used."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A thread of Ray Data's that no row has woken to its end would start Ray again.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    # Its core calls an error what Ray Data does to every actor (arguments in the object store).
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingPrerequisite(
            f"--engine ray cannot load Ray: {error}. Type: pip install 'judgebench[ray]'"
        ) from error
    _listen(CHATTER)
    return ray


def _listen(levels: dict[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _start(ray: Any, folder: str) -> None:
    ray.init(
        "local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=OBJECT_STORE,
        _temp_dir=folder,
    )


def _join(ray: Any, where: str) -> None:
    if where != "auto":
        _reach(where)
    try:
        ray.init(where, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = error.__cause__ or error
        if "AuthenticationError" in f"{type(reason).__name__} {reason}":
            raise UsageError(
                f"the Ray cluster at {where} asks for a token. Type: export RAY_AUTH_MODE=token, and put the "
                "cluster's token into ~/.ray/auth_token or RAY_AUTH_TOKEN"
            ) from error
        if where == "auto":
            raise UsageError("no Ray cluster runs here. Type --ray-address HOST:6379, or leave it out") from error
        first = str(error).strip().partition("\n")[0]
        raise UsageError(f"cannot join the Ray cluster at {where}: {first}") from error


def _reach(where: str) -> None:
    host, _, port = where.rpartition(":")
    try:
        socket.create_connection((host, int(port)), REACH).close()
    except (OSError, ValueError, OverflowError) as error:
        reason = error.strerror or str(error) if isinstance(error, OSError) else "it is no HOST:PORT"
        raise UsageError(
            f"no Ray cluster answers at {where}: {reason}. Type --ray-address HOST:6379 or auto, or leave it out to "
            "start one on this machine"
        ) from error


async def _patiently(call: Any) -> None:
    """Call in a thread and wait for its end even when cancelled: half a cluster helps nobody."""
    waiting = asyncio.create_task(asyncio.to_thread(call))
    try:
        await asyncio.shield(waiting)
    except asyncio.CancelledError:
        await asyncio.wait({waiting})
        raise


def _signals_as_before() -> None:
    """Put back who gets SIGTERM: Ray's core takes it away and aborts the process."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM) or signal.SIG_DFL)


@dataclass(frozen=True)
class Pool:
    """How many workers there may be, how many at first, and what each of them takes of a node."""

    least: int
    most: int
    first: int
    cpus: float
    gpus: float


def pool(ray: Any, config: EvalConfig, gpus: float) -> Pool:
    """Return the pool: as asked for, else a worker for every slot. `gpus` is what its backend takes where it can.

    Raises UsageError when this machine has no room for what is asked. A cluster may still grow.
    """
    resources = ray.cluster_resources()
    if config.worker_gpus is not None or not resources.get("GPU"):
        gpus = config.worker_gpus or 0.0
    cpus = config.worker_cpus or 1.0
    room = slots(resources, cpus, gpus)
    least, most = config.workers or (1, max(1, room))
    if least > room and not is_joined(config):
        raise UsageError(
            f"this machine has {resources.get('CPU', 0):g} CPU and {resources.get('GPU', 0):g} GPU: room for {room} "
            f"workers of {cpus:g} CPU and {gpus:g} GPU each, not for {least}. Type other --workers, --worker-cpus or "
            "--worker-gpus"
        )
    return Pool(least, most, min(max(least, room), most), cpus, gpus)


def slots(resources: dict[str, float], cpus: float, gpus: float) -> int:
    """Return how many workers of that size the resources hold."""
    counts = [resources.get("CPU", 0.0) / cpus]
    if gpus:
        counts.append(resources.get("GPU", 0.0) / gpus)
    return int(min(counts) + 1e-9)  # three times a third is a whole
