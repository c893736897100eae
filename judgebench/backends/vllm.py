"""vLLM: judges that generate and reward models on its engine, in this process or on a server of one's own.

Both read the same tokens, written as the judge's card says, and unset sampling parameters mean what they mean to the
transformers backend: the likeliest token. `VLLM_BATCH_INVARIANT=1` in the environment asks vLLM for results that do not
depend on the batch (slower, on newer NVIDIA GPUs only); results record whether it was set.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from judgebench import registry
from judgebench.backends import extras
from judgebench.backends.base import Backend, Endpoint
from judgebench.backends.local.checkpoints import pinned
from judgebench.backends.local.generating import shown_name
from judgebench.backends.local.templates import PAIR
from judgebench.backends.rows import Desk, Ids
from judgebench.backends.scoring_routes import picked
from judgebench.backends.vllm_engine import Ask, Engine, Order, lease, release
from judgebench.backends.vllm_server import VLLMServer, sampling_of
from judgebench.errors import MissingPrerequisite, PermanentError, TransientError, UsageError
from judgebench.hashing import digest
from judgebench.judges.card import Weights
from judgebench.records import ChatRequest, Finish, Reply, ScoreRequest, TextRequest, Usage

CAUSAL = "causal"
SCALAR = "sequence-classification"
INSTEAD = "Type: --backend transformers"
FINISH: dict[str, Finish] = {"length": "length"}
OPTIONS: dict[str, type] = {
    "tensor_parallel_size": int,
    "pipeline_parallel_size": int,
    "data_parallel_size": int,
    "data_parallel_backend": str,
    "distributed_executor_backend": str,
    "gpu_memory_utilization": float,
    "kv_cache_memory_bytes": int,
    "cpu_offload_gb": float,
    "max_model_len": int,
    "max_num_seqs": int,
    "max_num_batched_tokens": int,
    "max_logprobs": int,
    "enable_prefix_caching": bool,
    "enforce_eager": bool,
    "download_dir": str,
}
"""The engine arguments that are the machine's business, not the judge's: none of them may change a verdict."""
KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    int: ("whole number", (int,)),
    float: ("number", (int, float)),
    bool: ("true or false", (bool,)),
    str: ("word", (str,)),
}
LONGEST_FITTING = -1
"""The `max_model_len` that means: as long as the model allows and memory holds."""


class VLLMBackend(Backend):
    """Runs the model that `endpoint.model` names, a hub repository or a folder, on vLLM's engine in this process.

    With a base URL the model is on a vLLM server instead: then this makes a `VLLMServer`. Options are `OPTIONS`.
    """

    name: ClassVar[str] = "vllm"
    cacheable: ClassVar[bool] = True
    concurrency: ClassVar[int] = 1024
    gpus: ClassVar[float] = 1.0

    def __new__(cls, endpoint: Endpoint) -> Any:
        """Return the backend of an endpoint: of a server where it names one."""
        return super().__new__(cls) if endpoint.base_url is None else VLLMServer(endpoint)

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._options = _options(endpoint.options)
        self._weights = endpoint.weights or Weights()
        self._desk = Desk(endpoint)
        self._engine: Engine | None = None
        self._runner: str | None = None
        self._facts: dict[str, Any] = {}

    @property
    def identity(self) -> dict[str, Any]:
        """Return what tells this model from every other. A folder's files count, since they change under one name."""
        return super().identity | self._files

    @cached_property
    def _files(self) -> dict[str, Any]:
        folder = Path(self.endpoint.model)
        if not folder.is_dir():
            return {}
        found = [(file.name, file.stat()) for file in sorted(folder.iterdir()) if file.is_file()]
        return {"files": digest([[name, stat.st_size, stat.st_mtime_ns] for name, stat in found])}

    def check(self) -> None:
        """Raise MissingPrerequisite without vLLM, UsageError for a judge that it cannot run."""
        if find_spec("vllm") is None:
            hint = registry.extra_hint(ImportError(name="vllm"))
            raise MissingPrerequisite(f"running {self.endpoint.model} on vLLM needs vllm, on Linux. {hint}")
        if (reason := _impossible(self._weights)) is not None:
            raise UsageError(f"vLLM cannot run {self.endpoint.model}: {reason}. {INSTEAD}")

    async def complete(self, request: ChatRequest | TextRequest) -> Reply:
        """Continue a conversation or a prompt. Raises BackendError subclasses, UsageError or MissingPrerequisite."""
        return await self._generate(request, None)

    async def answer(self, request: ChatRequest | TextRequest | ScoreRequest, sample: str | None = None) -> Reply:
        """Answer a request. `sample` seeds the noise of one that is sampled without a seed of its own."""
        return await (self.score(request) if isinstance(request, ScoreRequest) else self._generate(request, sample))

    async def _generate(self, request: ChatRequest | TextRequest, sample: str | None) -> Reply:
        if self._weights.head != CAUSAL:
            raise UsageError(f"{self.endpoint.model} is loaded with the head {self._weights.head}: it gives no text")
        arguments = sampling_of(request, sample)
        engine = self._leased("generate")
        (ids,) = await self._desk.rows(request)
        if request.sampling.stop:
            added = await self._desk.work(lambda: self._desk.speller.added)
            arguments["stop_token_ids"] = [added[stop] for stop in request.sampling.stop if stop in added] or None
        started = time.perf_counter()
        output = await engine.run(_generation(ids, request, arguments))
        seconds = time.perf_counter() - started
        reply = await self._desk.work(lambda: self._reply(output, request.logprobs))
        return reply.model_copy(update={"seconds": seconds})

    def _reply(self, output: Any, logprobs: int | None) -> Reply:
        (found,) = output.outputs
        if found.finish_reason not in ("stop", "length"):
            raise TransientError(f"vLLM broke a reply off ({found.finish_reason})")
        most = None if found.logprobs is None else logprobs
        steps = [] if most is None else list(zip(found.token_ids, found.logprobs, strict=True))
        return Reply(
            text=found.text,
            finish=FINISH.get(found.finish_reason, "stop"),
            logprobs=None if most is None else tuple(self._step(token, step, most) for token, step in steps),
            usage=Usage(
                input=len(output.prompt_token_ids), output=len(found.token_ids), cached=output.num_cached_tokens
            ),
            model=shown_name(self.endpoint.model),
        )

    def _step(self, token: int, step: dict[int, Any], most: int) -> Any:
        rivals = {rival: one.logprob for rival, one in step.items()}
        return self._desk.logprobs(token, step[token].logprob, rivals, most)

    async def score(self, request: ScoreRequest) -> Reply:
        """Score conversations one by one. Raises as `complete` does, and PermanentError for a score that is none."""
        if request.mode != "each":
            raise UsageError(f"vLLM scores conversations one by one, not against one another. {INSTEAD}")
        engine = self._leased("pooling")
        rows = await self._desk.rows(request)
        started = time.perf_counter()
        outputs = await asyncio.gather(*(engine.run(_pooling(ids)) for ids in rows))
        return Reply(
            scores=tuple(self._number(output) for output in outputs),
            usage=Usage(
                input=sum(len(ids) for ids in rows), output=0, cached=sum(one.num_cached_tokens or 0 for one in outputs)
            ),
            model=shown_name(self.endpoint.model),
            seconds=time.perf_counter() - started,
        )

    def _number(self, output: Any) -> float:
        if (failure := getattr(output, "error", None)) is not None:
            raise TransientError(f"vLLM failed at a conversation: {failure.message}")
        number = picked(output.outputs.data.tolist(), self._weights, self.endpoint.model)
        if number is None or not math.isfinite(number):
            raise PermanentError(
                f"{self.endpoint.model}: the model's score is not a number ({number}). Half precision overflows in "
                "some models. Type: --dtype bfloat16 or --dtype float32"
            )
        return number

    def _leased(self, runner: str) -> Engine:
        """Return the engine; the first request says whether it generates or scores."""
        if self._engine is None:
            self.check()
            self._runner = runner
            self._engine = lease(_order(self.endpoint, self._weights, runner, self._options))
        if self._runner != runner:
            raise UsageError(f"{self.endpoint.model} is loaded to {self._runner}, and {runner} was asked for")
        return self._engine

    async def aclose(self) -> None:
        """Give the engine back, which stays warm for the next run that wants the same. Safe to call twice."""
        engine, self._engine = self._engine, None
        if engine is not None:
            self._facts = engine.facts
            release(engine)
        self._desk.close()

    def describe(self) -> dict[str, Any]:
        """Return what was loaded and how it ran; also after closing."""
        return dict(self._engine.facts if self._engine is not None else self._facts)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Return checked backend options. Raises UsageError."""
    for name, value in given.items():
        if name not in OPTIONS:
            raise UsageError(registry.unknown("option of the vllm backend", name, OPTIONS))
        noun, kinds = KINDS[OPTIONS[name]]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise UsageError(f"{name}={value!r} is no {noun}, as this option of the vllm backend must be")
    return dict(given)


def _impossible(weights: Weights) -> str | None:
    """Return why vLLM's engine cannot run such a model, None when it can."""
    if weights.head not in (CAUSAL, SCALAR):
        return f"it has nothing for the head {weights.head}"
    if weights.template == PAIR:
        return "it takes no encoder's pair of question and response"
    if weights.delta_of is not None:
        return f"the weights are a difference, to be added to {weights.delta_of}"
    if weights.quantization != "none":
        return (
            f"it does not round weights to {weights.quantization} as it loads them (it takes models that are rounded "
            "already: AWQ, GPTQ, FP8)"
        )
    return None


def _order(endpoint: Endpoint, weights: Weights, runner: str, options: dict[str, Any]) -> Order:
    """Return what the engine is to load.

    A reward model needs the length of its card's context and no more. A judge's replies come on top of what its card
    limits, so it gets as much as there is.
    """
    tokenizer = pinned(weights.tokenizer) if weights.tokenizer else (endpoint.model, endpoint.revision)
    longest = endpoint.context.limit if endpoint.context is not None and runner == "pooling" else LONGEST_FITTING
    arguments = {
        "model": endpoint.model,
        "revision": endpoint.revision,
        "tokenizer": tokenizer[0],
        "tokenizer_revision": tokenizer[1],
        "runner": runner,
        "dtype": weights.dtype,
        "trust_remote_code": endpoint.trust_remote_code,
        "max_model_len": longest,
        "generation_config": "vllm",
        "seed": 0,
        "disable_log_stats": True,
    }
    # Of models that score, vLLM knows itself which of them a cached prefix would change.
    caching = {"enable_prefix_caching": True} if runner == "generate" else {}
    return Order(arguments | caching | options, weights.adapter)


# -- requests ----------------------------------------------------------------------------------------------


def _generation(ids: Ids, request: ChatRequest | TextRequest, arguments: dict[str, Any]) -> Ask:
    """Return what starts a generation."""
    given = extras.for_engine(request.sampling.extra) | arguments
    schema = request.json_schema if isinstance(request, ChatRequest) else None

    def ask(client: Any, lora: Any, name: str) -> AsyncIterator[Any]:
        from vllm import SamplingParams
        from vllm.inputs import tokens_input
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        shape = None if schema is None else StructuredOutputsParams(json=schema)
        params = SamplingParams(**given, structured_outputs=shape, output_kind=RequestOutputKind.FINAL_ONLY)
        outputs: AsyncIterator[Any] = client.generate(tokens_input(ids), params, name, lora_request=lora)
        return outputs

    return ask


def _pooling(ids: Ids) -> Ask:
    """Return what starts a scoring: the model's own number, without the sigmoid that vLLM would apply."""

    def ask(client: Any, lora: Any, name: str) -> AsyncIterator[Any]:
        from vllm import PoolingParams
        from vllm.inputs import tokens_input

        params = PoolingParams(task="classify", use_activation=False)
        outputs: AsyncIterator[Any] = client.encode(tokens_input(ids), params, name, lora_request=lora)
        return outputs

    return ask
