"""Decoding: what a request's sampling parameters mean to a local model, and the two hooks that carry it out.

Unset means neutral: a model's own `generation_config.json` gives its special tokens and nothing else, so a run's spec
says everything about how it was decoded. Without a temperature (unset or 0) the likeliest token is taken.

Sampling is by Gumbel noise, drawn row by row from a generator of the row's own: what a request is answered depends
on its seed alone, never on what else is in the batch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, ValidationError

from judgebench import registry
from judgebench.errors import UsageError
from judgebench.hashing import digest
from judgebench.records import ChatRequest, Record, TextRequest
from judgebench.run.keys import request_key

SEED_DIGITS = 15
"""Hex digits of a seed: 60 bits, which fit torch's signed 64."""
SLACK = 4
"""Tokens beside those of the stop string's bytes that are read again after every step."""


class Options(Record):
    """The generation parameters that `sampling.extra` may hold, at their neutral values."""

    num_beams: int = Field(default=1, ge=1)
    early_stopping: bool | Literal["never"] = False
    length_penalty: float = 1.0
    repetition_penalty: float = Field(default=1.0, gt=0)
    no_repeat_ngram_size: int = Field(default=0, ge=0)
    min_new_tokens: int = Field(default=0, ge=0)
    top_k: int = Field(default=0, ge=-1)
    min_p: float = Field(default=0.0, ge=0, le=1)
    typical_p: float = Field(default=1.0, gt=0, le=1)


class Decoding(Record):
    """How a request is decoded. Only requests with equal ones share a batch.

    `logprobs` counts the rivals whose log-probabilities are kept beside the chosen token's.
    """

    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    stop: tuple[str, ...] = ()
    logprobs: int | None = Field(default=None, ge=0)
    options: Options = Options()

    @classmethod
    def of(cls, request: ChatRequest | TextRequest) -> Self:
        """Return how a request is decoded. Raises UsageError for what no local model can do, in one line."""
        sampling = request.sampling
        if sampling.reasoning_effort is not None:
            raise UsageError(
                "sampling.reasoning_effort is for API models; a local model's reasoning is in its template"
            )
        if isinstance(request, ChatRequest) and request.json_schema is not None:
            raise UsageError("the transformers backend cannot hold a reply to a JSON schema. Type: --backend vllm")
        for name in sampling.extra.keys() - Options.model_fields.keys():
            raise UsageError(f"sampling.extra: {registry.unknown('generation parameter', name, Options.model_fields)}")
        given = {"temperature": sampling.temperature, "top_p": sampling.top_p, "max_tokens": sampling.max_tokens}
        given = {name: value for name, value in given.items() if value is not None}
        try:
            options = Options.model_validate(sampling.extra)
            found = cls(**given, stop=sampling.stop, logprobs=request.logprobs, options=options)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"sampling.{name}: {first['msg']}, not {first['input']!r}") from error
        if options.num_beams > 1 and (found.temperature or found.logprobs is not None):
            rival = "temperature" if found.temperature else "logprobs"
            raise UsageError(f"num_beams={options.num_beams} does not go with {rival}: beams are not sampled or scored")
        return found


def seed_of(request: ChatRequest | TextRequest, sample: str | None) -> int:
    """Return the seed of a request's noise.

    With `sampling.seed` it is that and the request; else the name of this very reply in its run, so that repeats differ
    and a resumed run draws the same; else the request alone.
    """
    key = request_key(request)
    source = [request.sampling.seed, key] if request.sampling.seed is not None else [sample or key]
    return int(digest(source)[:SEED_DIGITS], 16)


class Choice:
    """Stands between a model's logits and the choice of the likeliest token: warps, adds noise, keeps probabilities.

    `kept` has one entry per step: the tokens that will be chosen, their log-probabilities, the strongest rivals and
    theirs, all as the model gave them, before temperature and noise (but after a repetition penalty).
    """

    def __init__(self, decoding: Decoding, seeds: Sequence[int], device: Any) -> None:
        import torch

        self.kept: list[tuple[Any, Any, Any, Any]] = []
        self._decoding = decoding
        self._sampled = decoding.temperature > 0
        self._warpers = warpers(decoding) if self._sampled else []
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds] if self._sampled else []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores whose maximum is the choice. Raises FloatingPointError when there is none to make."""
        total = float(scores.sum())  # one pass shows a nan or an overflow anywhere; tokens ruled out are -inf
        if not total < math.inf:
            raise FloatingPointError(f"the model's output is not a number ({total})")
        wanted = scores
        for warper in self._warpers:
            wanted = warper(input_ids, wanted)
        if self._sampled:
            wanted = wanted + self._noise(scores)
        if self._decoding.logprobs is not None:
            self._keep(scores.log_softmax(-1), wanted.argmax(-1, keepdim=True), self._decoding.logprobs)
        return wanted

    def _noise(self, scores: Any) -> Any:
        """Return Gumbel noise, each row's from its own generator."""
        import torch

        noise = torch.empty_like(scores)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return -noise.clamp_min(torch.finfo(noise.dtype).tiny).log()

    def _keep(self, logprobs: Any, chosen: Any, rivals: int) -> None:
        top = logprobs.topk(min(rivals, logprobs.shape[-1]))
        self.kept.append((chosen[:, 0], logprobs.gather(-1, chosen)[:, 0], top.indices, top.values))


def warpers(decoding: Decoding) -> list[Any]:
    """Return what shapes the distribution that is sampled from, in the library's own order."""
    from transformers.generation import logits_process as library

    options = decoding.options
    found: list[Any] = [library.TemperatureLogitsWarper(decoding.temperature)]
    if options.top_k > 0:
        found.append(library.TopKLogitsWarper(options.top_k))
    if decoding.top_p < 1:
        found.append(library.TopPLogitsWarper(decoding.top_p))
    if options.min_p > 0:
        found.append(library.MinPLogitsWarper(options.min_p))
    if options.typical_p < 1:
        found.append(library.TypicalLogitsWarper(options.typical_p))
    return found


@dataclass(frozen=True)
class Ends:
    """Says after every step in which rows a stop string is complete.

    `start` is the width of the prompts. Only the newest tokens are decoded, enough to hold the longest stop string.
    `aborted` ends the whole batch with InterruptedError. Holds no state: beams change places.
    """

    start: int
    stops: Sequence[str]
    decode: Callable[[list[list[int]]], list[str]]
    aborted: Callable[[], bool]

    def __call__(self, input_ids: Any, _scores: Any, **_kwargs: Any) -> Any:
        """Return one boolean per row."""
        import torch

        if self.aborted():
            raise InterruptedError("the batch was given up")
        rows, length = input_ids.shape
        if not self.stops:
            return torch.zeros(rows, dtype=torch.bool, device=input_ids.device)
        tails = self.decode(input_ids[:, max(self.start, length - self._window) :].tolist())
        ended = [any(stop in tail for stop in self.stops) for tail in tails]
        return torch.tensor(ended, device=input_ids.device)

    @property
    def _window(self) -> int:
        return max(len(stop.encode("utf-8", "replace")) for stop in self.stops) + SLACK
