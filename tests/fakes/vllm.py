"""A `vllm` that loads nothing: the signatures of the real one (0.29 to 0.33), and a script instead of a model.

with fake_vllm(monkeypatch) as vllm:
    vllm.script = lambda asked: Said("A")      # or an exception, or a number for a scoring
    ...
    assert vllm.asked[0].ids == [1, 2, 3]      # what the engine was given, in the order it came

What the real one refuses as an unknown argument is refused here; `test_backends_vllm_real` compares the two where the
real one is installed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

VERSION = "0.33.0"


class VLLMClientError(Exception):
    """The request is at fault."""


class VLLMServerError(Exception):
    """The engine is at fault."""


class EngineDeadError(VLLMServerError):
    """The engine's process is gone."""


class EngineGenerateError(VLLMServerError):
    """Anything else that was raised while a request ran."""


@dataclass
class AsyncEngineArgs:
    model: str
    tokenizer: str | None = None
    runner: str = "auto"
    trust_remote_code: bool = False
    download_dir: str | None = None
    dtype: str = "auto"
    seed: int = 0
    max_model_len: int | None = None
    distributed_executor_backend: str | None = None
    pipeline_parallel_size: int = 1
    tensor_parallel_size: int = 1
    data_parallel_size: int = 1
    data_parallel_backend: str = "mp"
    enable_prefix_caching: bool | None = None
    cpu_offload_gb: float = 0
    gpu_memory_utilization: float = 0.92
    kv_cache_memory_bytes: int | None = None
    max_num_batched_tokens: int | None = None
    max_num_seqs: int | None = None
    max_logprobs: int = 20
    disable_log_stats: bool = False
    revision: str | None = None
    tokenizer_revision: str | None = None
    enforce_eager: bool = False
    enable_lora: bool = False
    max_lora_rank: int = 16
    generation_config: str = "auto"


@dataclass
class StructuredOutputsParams:
    json: str | dict[str, Any] | None = None
    regex: str | None = None
    choice: list[str] | None = None


class RequestOutputKind:
    CUMULATIVE, DELTA, FINAL_ONLY = range(3)


@dataclass
class SamplingParams:
    n: int = 1
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: list[str] | None = None
    stop_token_ids: list[int] | None = None
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    output_kind: int = RequestOutputKind.CUMULATIVE
    structured_outputs: StructuredOutputsParams | None = None

    def __post_init__(self) -> None:
        if not 0 < self.top_p <= 1:
            raise VLLMClientError(f"top_p must be in (0, 1], got {self.top_p}.")


@dataclass
class PoolingParams:
    use_activation: bool | None = None
    task: str | None = None


@dataclass
class LoRARequest:
    lora_name: str
    lora_int_id: int
    lora_path: str = ""


def tokens_input(prompt_token_ids: list[int], *, prompt: str | None = None, cache_salt: str | None = None) -> Any:
    return {"type": "token", "prompt_token_ids": prompt_token_ids}


# -- what it says --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A reply. `logprobs` has per token the rivals' (id, log-probability); the token itself comes first."""

    text: str
    finish: str = "stop"
    tokens: tuple[int, ...] = (65,)
    logprobs: tuple[tuple[tuple[int, float], ...], ...] | None = None
    cached: int = 0
    after: float = 0.0


@dataclass(frozen=True)
class Asked:
    """What the engine was given."""

    ids: list[int]
    params: Any
    name: str
    lora: LoRARequest | None


class Tensor(list):
    def tolist(self) -> list[Any]:
        return list(self)


@dataclass
class FakeVLLM:
    """The script, and what was done: engines that were started, requests in order, those taken off the engine."""

    script: Callable[[Asked], Any] = lambda asked: Said("Verdict: A")
    refuse_start: Exception | None = None
    window: int = 4096
    engines: list["AsyncLLM"] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    running: int = 0
    peak: int = 0


class AsyncLLM:
    """The engine's client."""

    fake: FakeVLLM

    def __init__(self, args: AsyncEngineArgs) -> None:
        if self.fake.refuse_start is not None:
            raise self.fake.refuse_start
        self.args = args
        self.errored = False
        self.down = False
        self.waiting: set[asyncio.Future[None]] = set()
        self.thread = _thread_name()
        longest = self.fake.window if args.max_model_len in (None, -1) else args.max_model_len
        self.model_config = SimpleNamespace(dtype="torch.bfloat16", max_model_len=longest)
        self.vllm_config = SimpleNamespace(
            parallel_config=SimpleNamespace(
                tensor_parallel_size=args.tensor_parallel_size, data_parallel_size=args.data_parallel_size
            ),
            cache_config=SimpleNamespace(enable_prefix_caching=args.enable_prefix_caching is not False),
        )
        self.fake.engines.append(self)

    @classmethod
    def from_engine_args(
        cls,
        engine_args: AsyncEngineArgs,
        start_engine_loop: bool = True,
        usage_context: Any = None,
        stat_loggers: Any = None,
    ) -> "AsyncLLM":
        return cls(engine_args)

    def generate(
        self, prompt: Any, sampling_params: SamplingParams, request_id: str, *, lora_request: LoRARequest | None = None
    ) -> AsyncIterator[Any]:
        assert self.args.runner == "generate"
        assert sampling_params.output_kind == RequestOutputKind.FINAL_ONLY, "else every token is an output"
        return self._outputs(Asked(prompt["prompt_token_ids"], sampling_params, request_id, lora_request))

    def encode(
        self, prompt: Any, pooling_params: PoolingParams, request_id: str, lora_request: LoRARequest | None = None
    ) -> AsyncIterator[Any]:
        assert self.args.runner == "pooling"
        return self._outputs(Asked(prompt["prompt_token_ids"], pooling_params, request_id, lora_request))

    def shutdown(self, timeout: float | None = None) -> None:
        self.down = True

    def die(self) -> None:
        """Die with everything that runs, as after an out-of-memory error. Called from any thread."""
        for future in tuple(self.waiting):
            future.get_loop().call_soon_threadsafe(self._die, future)

    def _die(self, future: "asyncio.Future[None]") -> None:
        self.errored = True
        future.set_exception(EngineDeadError())

    async def _pass(self, seconds: float) -> None:
        if not seconds:
            return
        future = asyncio.get_running_loop().create_future()
        self.waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            pass
        finally:
            self.waiting.discard(future)

    async def _outputs(self, asked: Asked) -> AsyncIterator[Any]:
        fake = self.fake
        if self.errored or self.down:
            raise EngineDeadError
        if len(asked.ids) > self.model_config.max_model_len:
            raise VLLMClientError(
                f"The decoder prompt (length {len(asked.ids)}) is longer than the maximum model length of "
                f"{self.model_config.max_model_len}. "
            )
        fake.asked.append(asked)
        fake.running += 1
        fake.peak = max(fake.peak, fake.running)
        try:
            said = fake.script(asked)
            await self._pass(getattr(said, "after", 0.0))
            if isinstance(said, EngineDeadError):
                self.errored = True
            if isinstance(said, Exception):
                raise said if isinstance(said, (VLLMClientError, VLLMServerError)) else EngineGenerateError from said
            yield _generated(asked, said) if isinstance(said, Said) else _pooled(asked, said)
        except asyncio.CancelledError:
            fake.aborted.append(asked.name)
            raise
        finally:
            fake.running -= 1


def _generated(asked: Asked, said: Said) -> Any:
    steps = None
    if said.logprobs is not None:
        steps = [{token: SimpleNamespace(logprob=p, rank=None) for token, p in step} for step in said.logprobs]
    found = SimpleNamespace(text=said.text, token_ids=list(said.tokens), finish_reason=said.finish, logprobs=steps)
    return SimpleNamespace(outputs=[found], prompt_token_ids=asked.ids, num_cached_tokens=said.cached, finished=True)


def _pooled(asked: Asked, said: Any) -> Any:
    failed = isinstance(said, str)
    numbers = [] if failed else said if isinstance(said, list) else [said]
    return SimpleNamespace(
        outputs=SimpleNamespace(data=Tensor(numbers)), prompt_token_ids=asked.ids, num_cached_tokens=2, finished=True,
        error=SimpleNamespace(code="internal", message=said) if failed else None,
    )  # fmt: skip


def _thread_name() -> str:
    import threading

    return threading.current_thread().name


def install(monkeypatch: pytest.MonkeyPatch) -> FakeVLLM:
    """Put the fake where `import vllm` finds it."""
    fake = FakeVLLM()
    client = type("AsyncLLM", (AsyncLLM,), {"fake": fake})
    platform = SimpleNamespace(get_device_name=lambda device_id=0: "Fake H100")
    modules = {
        "vllm": {
            "AsyncEngineArgs": AsyncEngineArgs, "SamplingParams": SamplingParams, "PoolingParams": PoolingParams,
            "__version__": VERSION,
        },
        "vllm.exceptions": {"VLLMClientError": VLLMClientError},
        "vllm.inputs": {"tokens_input": tokens_input},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": LoRARequest},
        "vllm.platforms": {"current_platform": platform},
        "vllm.sampling_params": {
            "RequestOutputKind": RequestOutputKind, "StructuredOutputsParams": StructuredOutputsParams,
        },
        "vllm.v1": {},
        "vllm.v1.engine": {},
        "vllm.v1.engine.async_llm": {"AsyncLLM": client},
    }  # fmt: skip
    for name, content in modules.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return fake
