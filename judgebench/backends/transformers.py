"""Local models over `transformers`: judges that generate, and reward models.

The model is loaded at the first request, and stays warm for the next run of this process that wants the same: a suite
loads it once. One thread runs it; requests are turned into tokens in another. Replies are kept across runs
(`cacheable`): they cost no money but hours of a GPU, and what tells one from another (weights, revision, dtype,
decoding, for a folder its files) is all in their address.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from judgebench import registry
from judgebench.backends.base import Backend, Endpoint
from judgebench.backends.local.batching import WAIT, Budget, MicroBatcher
from judgebench.backends.local.decoding import seed_of
from judgebench.backends.local.failures import first_line
from judgebench.backends.local.generating import Generator, shown_name
from judgebench.backends.local.memory import DeviceMeter, bucket_of, cpu_tokens, is_out_of_memory, used_devices
from judgebench.errors import JudgebenchError, MissingPrerequisite, PermanentError, TransientError, UsageError
from judgebench.hashing import digest
from judgebench.judges.card import Weights
from judgebench.records import ChatRequest, Reply, ScoreRequest, TextRequest, Usage

T = TypeVar("T")

CAUSAL = "causal"
SCALAR = "sequence-classification"
"""The head that scores where none is named."""
OPTIONS = ("device", "device_map", "batch_tokens", "wait")
FIRST_TOKENS, MOST_TOKENS = 8_192, 65_536
"""Tokens of the first batch on an accelerator, and of the largest anywhere: beyond it nothing gets faster."""
CPU_SCORED = 1_024
"""Tokens of a batch to be scored on a CPU: more rows are no faster there, and padding them is slower."""
LONGEST_WAIT = 60
ADVICE = (
    "Free memory on the device, or load the model smaller (--dtype bfloat16, --quantization 4bit) or over several "
    "devices (--backend-option device_map=auto)"
)


@dataclass(frozen=True)
class Knobs:
    """The backend options that say how batches are cut: tokens of the largest, seconds to wait for company."""

    batch_tokens: int | None = None
    wait: float = WAIT

    @classmethod
    def read(cls, options: dict[str, Any]) -> Self:
        """Read and check the backend options. Raises UsageError."""
        for name in options.keys() - set(OPTIONS):
            raise UsageError(registry.unknown("option of the transformers backend", name, OPTIONS))
        tokens = _number("batch_tokens", options.get("batch_tokens"), 1, MOST_TOKENS * 64)
        wait = _number("wait", options.get("wait"), 0, LONGEST_WAIT)
        return cls(None if tokens is None else int(tokens), WAIT if wait is None else wait)

    def budget(self, *, accelerated: bool, token_bytes: int | None = None) -> Budget:
        """Return the budget that batches begin with.

        `token_bytes` is what a token takes of the memory while a reply is written; None for what is only scored.
        """
        if self.batch_tokens is not None:
            return Budget(self.batch_tokens, self.batch_tokens)
        if accelerated:
            return Budget(FIRST_TOKENS, MOST_TOKENS)
        tokens = CPU_SCORED if token_bytes is None else cpu_tokens(MOST_TOKENS, token_bytes)
        return Budget(tokens, tokens)


_warm: dict[str, Any] = {}
"""The model that the last run has left, under the digest of what it was loaded from. Never more than one."""


def unload() -> None:
    """Drop the model that is kept for the next run, and give its memory back."""
    if _warm:
        devices = used_devices()
        _warm.clear()
        DeviceMeter(devices).release()


class _Session:
    """A loaded model, generator or head, with its batches and the thread that turns requests into tokens."""

    def __init__(self, engine: Any, head: str, knobs: Knobs, desk: ThreadPoolExecutor) -> None:
        devices = used_devices()
        self.engine, self.head, self._desk = engine, head, desk
        self._cut_before = engine.describe().get("cut", {})
        self.meter = DeviceMeter(devices)
        self.batcher: MicroBatcher[Any, Any] = MicroBatcher(
            engine.generate if head == CAUSAL else engine.score,
            length=(lambda job: job.length) if head == CAUSAL else len,
            group=(lambda job: job.decoding) if head == CAUSAL else (lambda _row: None),
            budget=knobs.budget(accelerated=bool(devices), token_bytes=getattr(engine, "token_bytes", None)),
            bucket=bucket_of(devices),
            wait=knobs.wait,
            meter=self.meter,
            out_of_memory=is_out_of_memory,
            advice=ADVICE,
        )

    async def prepare(self, work: Callable[..., T], *args: Any) -> T:
        """Run `work` where tokens are made."""
        return await asyncio.get_running_loop().run_in_executor(self._desk, partial(work, *args))

    def describe(self) -> dict[str, Any]:
        """Return what is loaded and how it was used."""
        facts = self.engine.describe()
        return {
            "head": self.head,
            **facts,
            "cut": {name: count - self._cut_before.get(name, 0) for name, count in facts.get("cut", {}).items()},
            "batch_tokens": self.batcher.budget.tokens,
            "batches": self.batcher.batches,
            "out_of_memory": self.batcher.budget.halvings,
            "peak_memory_mb": self.meter.peak // 2**20,
        }

    async def aclose(self) -> None:
        """Stop the batch that runs and drop the others."""
        if self.head == CAUSAL:
            self.engine.abort()
        await self.batcher.aclose()
        self._desk.shutdown(wait=False, cancel_futures=True)


class TransformersBackend(Backend):
    """Runs the model that `endpoint.model` names, a hub repository or a folder, in this process.

    Options: `device` (`cpu`, `cuda:1`), `device_map` (`auto`: over all GPUs), `batch_tokens` (of one batch, padding
    included; else found by measuring memory), `wait` (seconds that a batch waits for company).
    """

    name: ClassVar[str] = "transformers"
    cacheable: ClassVar[bool] = True
    concurrency: ClassVar[int] = 1024
    gpus: ClassVar[float] = 1.0

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        if endpoint.base_url is not None:
            raise UsageError(
                "--base-url: the transformers backend runs the model in this process. For a server, type: "
                f"--model openai/{endpoint.model} --base-url …"
            )
        self._knobs = Knobs.read(endpoint.options)
        self._weights = endpoint.weights or Weights()
        self._opening: asyncio.Task[_Session] | None = None
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
        """Raise MissingPrerequisite when torch or transformers is not installed."""
        for package in ("torch", "transformers"):
            if find_spec(package) is None:
                hint = registry.extra_hint(ImportError(name=package))
                raise MissingPrerequisite(f"running {self.endpoint.model} here needs {package}. {hint}")

    async def complete(self, request: ChatRequest | TextRequest) -> Reply:
        """Continue a conversation or a prompt. Raises BackendError subclasses, UsageError or MissingPrerequisite."""
        return await self._generate(request, None)

    async def answer(self, request: ChatRequest | TextRequest | ScoreRequest, sample: str | None = None) -> Reply:
        """Answer a request. `sample` seeds the noise of one that is sampled without a seed of its own."""
        return await (self.score(request) if isinstance(request, ScoreRequest) else self._generate(request, sample))

    async def _generate(self, request: ChatRequest | TextRequest, sample: str | None) -> Reply:
        if self._weights.head != CAUSAL:
            raise UsageError(f"{self.endpoint.model} is loaded with the head {self._weights.head}: it gives no text")
        with self._classified():
            session = await self._session(CAUSAL)
            with session.batcher.expecting():
                job = await session.prepare(session.engine.job, request, seed_of(request, sample))
            (done,) = await session.batcher.submit([job])
        reply: Reply = done.result
        return reply.model_copy(update={"seconds": done.seconds})

    async def score(self, request: ScoreRequest) -> Reply:
        """Score conversations. Raises as `complete` does, and PermanentError for a score that is no finite number."""
        with self._classified():
            session = await self._session(SCALAR if self._weights.head == CAUSAL else self._weights.head)
            with session.batcher.expecting():
                rows = await session.prepare(session.engine.rows, request)
            found = await session.batcher.submit(rows)
            numbers = [float(done.result) for done in found]
            for number in numbers:
                if not math.isfinite(number):
                    raise FloatingPointError(f"the model's score is not a number ({number})")
            scores = session.engine.combine(request, numbers)
        return Reply(
            scores=scores,
            usage=Usage(input=sum(len(row) for row in rows), output=0),
            model=shown_name(self.endpoint.model),
            seconds=sum(done.seconds for done in found),
        )

    async def _session(self, head: str) -> _Session:
        """Return the loaded model; the first who asks has it loaded."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open(head))
        session = await asyncio.shield(self._opening)
        if session.head != head:
            raise UsageError(f"{self.endpoint.model} is loaded with the head {session.head}, and {head} was asked for")
        return session

    async def _open(self, head: str) -> _Session:
        desk = ThreadPoolExecutor(1, thread_name_prefix="judgebench-tokens")
        engine = _warm.pop(self._key(head), None)
        if engine is None:
            unload()
            endpoint = replace(self.endpoint, weights=self._weights.model_copy(update={"head": head}))
            engine = (Generator if head == CAUSAL else registry.load("heads", head))(endpoint)
            await asyncio.get_running_loop().run_in_executor(desk, engine.load)
        elif head == CAUSAL:
            engine.resume()
        return _Session(engine, head, self._knobs, desk)

    def _key(self, head: str) -> str:
        """Return the digest of all that a model is loaded from."""
        where = {name: str(self.endpoint.options.get(name)) for name in ("device", "device_map")}
        return digest([self.identity, head, where, self.endpoint.trust_remote_code])

    @contextmanager
    def _classified(self) -> Iterator[None]:
        """Turn what the libraries raise into our own errors, in one line each."""
        name = self.endpoint.model
        try:
            yield
        except JudgebenchError:
            raise
        except InterruptedError as error:
            raise TransientError(f"{name} was unloaded before it had answered") from error
        except FloatingPointError as error:
            advice = "Half precision overflows in some models. Type: --dtype bfloat16 or --dtype float32"
            raise PermanentError(f"{name}: {error}. {advice}") from error
        except Exception as error:
            raise PermanentError(f"{name} failed: {type(error).__name__}: {first_line(error)}") from error

    async def aclose(self) -> None:
        """Stop, and leave the model to the next run that wants the same. A later request opens it again."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        if not opening.done():
            opening.cancel()
        (session,) = await asyncio.gather(opening, return_exceptions=True)
        if isinstance(session, _Session):
            await session.aclose()
            self._facts = session.describe()
            unload()
            _warm[self._key(session.head)] = session.engine

    def describe(self) -> dict[str, Any]:
        """Return what was loaded, on which device, how batches were cut, and the peak memory; also after closing."""
        opening = self._opening
        loaded = opening is not None and opening.done() and not opening.cancelled() and opening.exception() is None
        return opening.result().describe() if opening is not None and loaded else self._facts


def _number(name: str, value: object, least: float, most: float) -> float | None:
    if value is None:
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise UsageError(f"{name}={value!r} is no number from {least:g} to {most:g}. Leave it out, or give one")
    return number
