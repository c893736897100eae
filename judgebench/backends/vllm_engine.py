"""A vLLM engine inside this process: started late, in a thread and an event loop of its own, kept for the next run.

It is vLLM's asynchronous engine, not `LLM`, for three reasons. A request joins the running batch the moment it comes,
where `LLM.generate` takes a list and lets the device idle until the list's longest reply has ended: 512 replies of
log-normal length, 64 at a time on a tiny model and a CPU, took 3.0 s against 5.6 s in lists of 64. `LLM` refuses data
parallelism. And a request that fails takes no other with it.

The loop of its own is what lets one engine, whose weights take minutes to load, serve run after run: the next run's
backend finds it by its arguments. An engine with other arguments ends it first, because both would not fit.

Checked against vLLM 0.29 to 0.33.
"""

import asyncio
import atexit
import gc
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pydantic import ValidationError

from judgebench.backends.local.checkpoints import commit, pinned, snapshot
from judgebench.backends.local.failures import Loading, explain, explained, first_line
from judgebench.errors import (
    BackendError,
    JudgebenchError,
    MissingPrerequisite,
    PermanentError,
    TransientError,
    UsageError,
)
from judgebench.hashing import digest
from judgebench.prompts import offline

ENVIRONMENT = {
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # a fork of a process with threads may hang
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # stdout is data
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}
"""What vLLM is told where the user's environment does not say otherwise."""
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks of LoRA adapters that vLLM can be told to make room for."""
HEADS = frozenset({"score", "classifier"})
"""The whole modules that an adapter may replace in vLLM."""
MOST_DEATHS = 3
"""The death after which an engine is not started again."""
MEMORY = (
    "Where memory ran out, type --backend-option with a smaller max_num_seqs=, max_model_len= or "
    "gpu_memory_utilization=, or tensor_parallel_size= to use several GPUs"
)
TOO_LONG = "Choose a model with a longer window, or set `context` in the judge's card so that prompts are cut"
LONGEST_END = 60.0
"""Seconds that an engine may take to end."""

Ask = Callable[[Any, Any, str], AsyncIterator[Any]]
"""Starts a request on a client: takes the client, its LoRA request or None, and the request's name."""


@dataclass(frozen=True)
class Order:
    """What to load: arguments of vLLM's AsyncEngineArgs, and an adapter (`owner/name@revision` or a folder)."""

    arguments: Mapping[str, Any]
    adapter: str | None = None

    @property
    def key(self) -> str:
        """Return what tells this order from every other."""
        return digest([dict(self.arguments), self.adapter])


@dataclass(eq=False)
class Engine:
    """One engine. Its client lives in its own loop, which blocks while weights are loaded: requests queue meanwhile.

    `facts` is filled when the engine has started. A client that dies is started again for the next request, a few
    times; one that cannot be started leaves its `failure` to everyone who still asks.
    """

    order: Order
    users: int = 0
    deaths: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    failure: JudgebenchError | None = None

    def __post_init__(self) -> None:
        self._client: Any = None
        self._lora: Any = None
        self._numbers = count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="judgebench-vllm", daemon=True)
        self._thread.start()

    async def run(self, ask: Ask) -> Any:
        """Return the last output of a request. Cancelling takes it off the engine. Raises BackendError subclasses."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._last(ask), self._loop))

    def stop(self) -> None:
        """End the engine and wait for it, so that its memory is free. Safe to call twice."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(LONGEST_END)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        self._bury()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._loop.call_soon(self._loop.stop)

    async def _last(self, ask: Ask) -> Any:
        client = self._running()
        last: Any = None
        try:
            async for output in ask(client, self._lora, str(next(self._numbers))):
                last = output
        except JudgebenchError:
            raise
        except Exception as error:
            raise self._explained(error, client) from error
        finally:
            del client  # a frame that something keeps must not keep an engine beyond its end
        return last

    def _running(self) -> Any:
        """Return the client, starting it where there is none. Raises what the first try raised when it cannot be."""
        if self.failure is not None:
            raise type(self.failure)(str(self.failure))
        if self._client is not None and self._client.errored:
            self._bury()
        if self._client is None:
            try:
                self._start()
            except JudgebenchError as error:
                self.failure = error
                raise
        return self._client

    def _start(self) -> None:
        for engine in _idle(self):
            engine.stop()
        for name, value in (ENVIRONMENT | ({"HF_HUB_OFFLINE": "1"} if offline() else {})).items():
            os.environ.setdefault(name, value)
        try:
            from vllm import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM

            self._lora, room = _adapter(self.order.adapter)
            self._client = AsyncLLM.from_engine_args(AsyncEngineArgs(**self.order.arguments, **room))
        except JudgebenchError:
            raise
        except Exception as error:
            raise self._unstarted(error) from error
        self.facts = _facts(self._client, self.order.arguments)

    def _unstarted(self, error: Exception) -> JudgebenchError:
        model, revision = str(self.order.arguments["model"]), self.order.arguments.get("revision")
        found = explain(error, Loading("the weights", model, revision))
        if isinstance(found, MissingPrerequisite):
            return found
        return PermanentError(f"vLLM cannot start {model}: {said(error)}. What it wrote says more. {MEMORY}")

    def _bury(self) -> None:
        """Shut the client down, and see to it that nothing of it is left to be torn down with the interpreter."""
        client, self._client = self._client, None
        if client is not None:
            client.shutdown()
            del client
            gc.collect()

    def _explained(self, error: Exception, client: Any) -> BackendError:
        """Return what an exception of vLLM's means. A dead engine is put away, and the next request starts another."""
        from vllm.exceptions import VLLMClientError

        if client.errored:
            if client is self._client:
                self._bury()
                self.deaths += 1
            if self.deaths < MOST_DEATHS:
                return TransientError("vLLM's engine died and is started again")
            self.failure = PermanentError(f"vLLM's engine died {self.deaths} times. What it wrote says why. {MEMORY}")
            return self.failure
        cause = error.__cause__ or error
        if isinstance(cause, (VLLMClientError, ValueError, TypeError, NotImplementedError)):
            advice = f". {TOO_LONG}" if "maximum model length" in str(cause) else ""
            return PermanentError(f"vLLM refuses a request: {said(cause)}{advice}")
        return TransientError(f"vLLM failed at a request: {type(cause).__name__}: {said(cause)}")


# -- one at a time -----------------------------------------------------------------------------------------

_ENGINES: dict[str, Engine] = {}
_LOCK = threading.Lock()


def lease(order: Order) -> Engine:
    """Return the engine of an order: one that runs already, or a new one, which ends idle ones when it starts."""
    with _LOCK:
        engine = _ENGINES.get(order.key)
        if engine is None:
            engine = _ENGINES[order.key] = Engine(order)
        engine.users += 1
        return engine


def _idle(but: Engine) -> list[Engine]:
    """Take the engines that nobody uses out of those that can be leased."""
    with _LOCK:
        keys = [key for key, engine in _ENGINES.items() if not engine.users and engine is not but]
        return [_ENGINES.pop(key) for key in keys]


def release(engine: Engine) -> None:
    """Give an engine back. It is kept for the next who orders the same, unless it cannot run."""
    with _LOCK:
        engine.users -= 1
        spent = engine.failure is not None and not engine.users
        if spent:
            _ENGINES.pop(engine.order.key, None)
    if spent:
        engine.stop()


@atexit.register
def stop_all() -> None:
    """End all engines."""
    with _LOCK:
        engines = list(_ENGINES.values())
        _ENGINES.clear()
    for engine in engines:
        engine.stop()


# -- what vLLM is told and says --------------------------------------------------------------------------------


def said(error: BaseException) -> str:
    """Return an exception's message in one line, of a list of validation errors the first."""
    return first_line(ValueError(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else error).rstrip(".")


def _adapter(name: str | None) -> tuple[Any, dict[str, Any]]:
    """Return the LoRA request of an adapter, and the engine's arguments that make room for it."""
    if name is None:
        return None, {}
    from vllm.lora.request import LoRARequest

    repository, revision = pinned(name)
    with explained("the adapter", repository, revision):
        folder = snapshot(repository, revision, "adapter_*")
        config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        rank = max(int(config["r"]), *map(int, (config.get("rank_pattern") or {"": 1}).values()))
    _refuse_adapter(name, config, rank)
    room = next(one for one in RANKS if one >= rank)
    return LoRARequest(lora_name="judge", lora_int_id=1, lora_path=str(folder)), {
        "enable_lora": True,
        "max_lora_rank": room,
    }


def _refuse_adapter(name: str, config: Mapping[str, Any], rank: int) -> None:
    """Raise UsageError for an adapter that vLLM cannot apply beside the weights."""
    others = sorted(set(config.get("modules_to_save") or ()) - HEADS)
    reason = (
        f"has rank {rank}, beyond {RANKS[-1]}" if rank > RANKS[-1]
        else f"replaces the whole of {others[0]}" if others
        else "is a DoRA" if config.get("use_dora")
        else None
    )  # fmt: skip
    if reason is not None:
        raise UsageError(f"the adapter {name} {reason}, which vLLM cannot apply. Type: --backend transformers")


def _facts(client: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was loaded and how it runs, for the result: no paths, no hosts."""
    from vllm import __version__
    from vllm.platforms import current_platform

    model, parallel = client.model_config, client.vllm_config.parallel_config
    found = {
        "vllm": __version__,
        "revision": commit(str(arguments["model"]), arguments.get("revision")),
        "device": current_platform.get_device_name(),
        "dtype": str(model.dtype).removeprefix("torch."),
        "attention": "vllm",
        "max_model_len": model.max_model_len,
        "tensor_parallel_size": parallel.tensor_parallel_size,
        "data_parallel_size": parallel.data_parallel_size,
        "prefix_caching": client.vllm_config.cache_config.enable_prefix_caching,
        "batch_invariant": os.environ.get("VLLM_BATCH_INVARIANT", "0") == "1",
    }
    return {name: value for name, value in found.items() if value is not None}
