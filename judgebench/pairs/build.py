"""Building pairs: questions → responses → grades → pairs → a card, a data file and a data sheet.

Every stage is a stream over files in the build folder (`judgebench.pairs.store`); what is there is not done again. So
the same command continues after whatever stopped it, and a larger `limit` or `k` goes on from a smaller one.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from judgebench.backends.base import Backend, Endpoint
from judgebench.backends.base import build as build_backend
from judgebench.backends.batches import BatchingBackend, batching
from judgebench.cache import ReplyCache, default_folder
from judgebench.errors import DataError, Incomplete, RowProblem, UsageError
from judgebench.estimate import CHARACTERS_PER_TOKEN
from judgebench.evaluation import MOST_WAITING
from judgebench.hashing import digest, sha256
from judgebench.pairs.answers import import_answers
from judgebench.pairs.grading import Graders, grade_here, grade_on_ray
from judgebench.pairs.sampler import Sampler, Samples
from judgebench.pairs.second import second_backend, second_opinions
from judgebench.pairs.sources.base import MOST_PROBLEMS, Source, SourceOptions, load_source
from judgebench.pairs.sources.reading import fingerprint
from judgebench.pairs.store import BuildStore
from judgebench.pairs.text import normalised
from judgebench.pairs.writing import Written, write
from judgebench.records import Record, Sampling
from judgebench.run.limits import Limiter
from judgebench.run.pace import Pace
from judgebench.run.runner import Means, Models, Runner, Tally
from judgebench.task import slug

DEFAULT_K = 16
"""Responses sampled for each question, as many as PPE and the like take; JudgeBench does not say its number."""
EVERY = 1 << 30
"""More responses than any question has."""
Watch = Callable[[Tally, Limiter, Models], AbstractContextManager[None]]
Say = Callable[[str], None]


class BuildConfig(Record):
    """What a user asks of `pairs build`. `k` is None for 16 of a model, and for all that a file or a dataset brings."""

    source: str
    out: str
    name: str | None = None
    model: str | None = None
    k: int | None = Field(default=None, ge=1)
    data: str | None = None
    release: str | None = None
    responses: str | None = None
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    pairs_per_question: int = Field(default=1, ge=1)
    second_grader: str | None = None
    second_base_url: str | None = None
    grade_with: Literal["local", "ray"] = "local"
    ray_address: str | None = None
    unsafe_local: bool = False
    sampling: Sampling = Sampling()
    base_url: str | None = None
    concurrency: int | None = Field(default=None, ge=1)
    timeout: float = Field(default=600.0, gt=0)
    max_attempts: int = Field(default=8, ge=1)
    rpm: int | None = Field(default=None, ge=1)
    tpm: int | None = Field(default=None, ge=1)
    max_cost: float | None = Field(default=None, gt=0)
    cache: bool = True
    batch: bool = False
    trust_remote_code: bool = False
    options: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """What a build would still ask. Tokens are estimated from characters.

    `output_tokens` assumes that every reply fills its limit; `cost` is in USD, an upper bound; None when the price or
    the limit is unknown.
    """

    questions: int
    requests: int
    input_tokens: int
    output_tokens: int | None
    cost: float | None

    def __str__(self) -> str:
        output = f"at most {self.output_tokens:,}" if self.output_tokens is not None else "unlimited"
        cost = f"at most ${self.cost:,.2f}" if self.cost is not None else "unknown (no price, or no --max-tokens)"
        return (
            f"{self.questions:,} questions, {self.requests:,} requests left, about {self.input_tokens:,} tokens in, "
            f"{output} out; cost {cost}"
        )


@dataclass(frozen=True)
class Building:
    """A build before it starts: what it reads, who answers, and where it goes. `backend` is None for given answers."""

    config: BuildConfig
    source: Source
    backend: Backend | None

    @property
    def k(self) -> int:
        """Return how many responses of a model to each question count."""
        return self.config.k or (DEFAULT_K if self.backend is not None else EVERY)

    @property
    def out(self) -> Path:
        """Return the folder that holds the result."""
        return Path(self.config.out)

    @property
    def name(self) -> str:
        """Return the task's name."""
        return slug(self.config.name or self.out.resolve().name)

    @property
    def identity(self) -> dict[str, Any]:
        """Return what the responses depend on: a build folder belongs to one such."""
        config, backend = self.config, self.backend
        return {
            "source": self.source.card.name,
            "card": digest(self.source.card.model_dump(mode="json")),
            "source_version": self.source.version,
            "revision": self.source.revision,
            "release": config.release,
            "model": backend.identity | {"url": _hashed(backend.custom_url)} if backend is not None else None,
            "sampling": config.sampling.model_dump(mode="json") if backend is not None else None,
            "responses": fingerprint(Path(config.responses)) if config.responses else None,
        }


def _hashed(url: str | None) -> str | None:
    """Return a base URL's hash: two servers may serve different weights under one name, and hosts may be private."""
    return None if url is None else sha256(url.rstrip("/").encode())


def prepare(config: BuildConfig, backend: Backend | None = None) -> Building:
    """Check what can be checked without asking anyone. `backend` may be handed in instead of naming its model."""
    options = SourceOptions(
        Path(config.data).expanduser() if config.data else None, config.release, config.unsafe_local
    )
    source = load_source(config.source, options)
    ways = {"--model": config.model or backend, "--responses": config.responses}
    given = [name for name, value in ways.items() if value]
    if source.pooled and given:
        raise UsageError(f"source {source.card.name} brings its own responses: leave out {' and '.join(given)}")
    if not source.pooled and len(given) != 1:
        raise UsageError("either a model answers the questions, or a file does. Type: --model provider/name, "
                         "or --responses FILE")  # fmt: skip
    if config.responses is not None and not Path(config.responses).is_file():
        raise UsageError(f"no such file of responses: {config.responses}")
    if config.second_grader is not None:
        second_backend(config)  # what it lacks must be known before the first model is paid
    if config.model is not None and backend is None:
        backend = build_backend(
            config.model, base_url=config.base_url, timeout=config.timeout,
            connections=config.concurrency or Endpoint.connections, trust_remote_code=config.trust_remote_code,
            options=config.options,
        )  # fmt: skip
    if backend is not None:
        backend = batching(backend) if config.batch else backend
        backend.check()
        if config.max_cost is not None and backend.price() is None:
            raise UsageError(f"--max-cost cannot be kept: no price is known for {config.model}. Leave it out")
    return Building(config, source, backend)


def build(building: Building, watch: Watch | None = None, say: Say = lambda _: None) -> Written:
    """Build pairs and return what was written. Raises Incomplete when responses are left over; run it again then."""
    config = building.config
    with (
        BuildStore(building.out / "build", building.identity) as store,
        Graders(unsafe_local=config.unsafe_local) as graders,
    ):
        _fill(building, store, graders)
        say(f"{len(store.questions)} questions of {building.source.card.name}")
        chosen = choose(store, config.limit, config.seed)
        if building.backend is not None:
            asyncio.run(sample(building, store, chosen, watch))
        store.responses.sync()
        graded = _grade(building, store, chosen, graders)
        say(f"{graded} of {len(store.responses)} responses graded now, the others before")
        opinions = None
        if config.second_grader is not None:
            opinions = asyncio.run(second_opinions(building, store, chosen, watch=watch))
        return write(building, store, chosen, graders, opinions)


def estimate(building: Building) -> Estimate:
    """Read the questions and say what is left to ask; asks nothing."""
    config, backend, characters = building.config, building.backend, 0
    with BuildStore(building.out / "build", building.identity) as store, Graders() as graders:
        _fill(building, store, graders)
        chosen = choose(store, config.limit, config.seed)
        if backend is None:
            return Estimate(len(chosen), 0, 0, 0, 0.0)
        left = (~store.answered(building.k)[chosen]).sum(axis=1)
        for number, count in zip(chosen, left, strict=True):
            characters += int(count) * len(store.question(number).prompt) if count else 0
    requests, tokens = int(left.sum()), characters // CHARACTERS_PER_TOKEN
    output = None if config.sampling.max_tokens is None else requests * config.sampling.max_tokens
    price = backend.price()
    cost = None if price is None or output is None else price.cost(tokens, output)
    return Estimate(len(chosen), requests, tokens, output, cost)


def _fill(building: Building, store: BuildStore, graders: Graders) -> None:
    """Read the questions, and the responses that are given with them, unless they are there."""
    if store.reading is None:
        store.start_over()
        reading = read(building.source, store, graders)
        if building.config.responses is not None:
            reading["strangers"] = import_answers(Path(building.config.responses), store)
        store.commit(reading)


# -- questions ---------------------------------------------------------------------------------------------


def read(source: Source, store: BuildStore, graders: Graders) -> dict[str, Any]:
    """Read the source's questions into the store, without duplicates; return what was left out and why.

    Raises DataError with every row that cannot be used; then nothing was asked.
    """
    seen: set[int] = set()
    duplicates: Counter[str] = Counter()
    problems: list[RowProblem] = []
    for entry in source.read():
        question = entry.question
        try:
            graders[question.grader].check(question)
        except UsageError as error:
            problems += [RowProblem(source.card.name, 0, "", str(error))] if len(problems) < MOST_PROBLEMS else []
            continue
        mark = int(sha256(normalised(question.prompt).encode())[:16], 16)
        if mark in seen:
            duplicates[question.category] += 1
            continue
        seen.add(mark)
        store.add_question(question)
        for response in entry.responses:
            store.add_response(response)
    if problems:
        raise DataError(problems)
    if not store.ids:
        raise UsageError(f"source {source.card.name} has no question left. Dropped: {dict(source.dropped) or 'none'}")
    return {"dropped": dict(source.dropped), "duplicates": dict(duplicates)}


def choose(store: BuildStore, limit: int | None, seed: int) -> list[int]:
    """Return the numbers of the questions that take part: all, or those with the smallest hash of (seed, id).

    So a small limit is not all of one category, and a larger one contains the smaller.
    """
    if limit is None or limit >= len(store.ids):
        return list(range(len(store.ids)))
    ranked = ((sha256(f"{seed}:{identity}".encode()), number) for identity, number in store.ids.items())
    return sorted(number for _, number in heapq.nsmallest(limit, ranked))


# -- responses and grades ------------------------------------------------------------------------------------


async def sample(building: Building, store: BuildStore, chosen: list[int], watch: Watch | None = None) -> Tally:
    """Ask for the responses that are not there yet. Raises Incomplete when some are left over."""
    config, backend = building.config, building.backend
    assert backend is not None
    samples = Samples(store, config.model or f"{backend.name}/{backend.endpoint.model}", config.sampling)
    left = samples.left(chosen, building.k)
    total = len(chosen) * building.k
    if not left:
        await backend.aclose()
        return Tally(total=total, done=total, resumed=total)
    if isinstance(backend, BatchingBackend):
        samples.attach(backend, building.k)
        # Whoever can ask asks before a batch is closed; the batches themselves try again.
        limiter = Limiter(min(left, MOST_WAITING), max_attempts=1)
    else:
        limiter = Limiter(config.concurrency or backend.concurrency, config.max_attempts, Pace(config.rpm, config.tpm))
    tally = Tally(total=total, done=total - left, resumed=total - left, spent=store.spent)
    models = Models(backend, build_backend)
    cache = ReplyCache(default_folder()) if config.cache else None
    means = Means(models, limiter, samples, tally, cache, config.max_cost)
    with watch(tally, limiter, models) if watch else nullcontext():
        try:
            await Runner(Sampler(config.sampling), means).run(samples.work(chosen, building.k))
        except Incomplete:
            if not means.is_spent:
                raise
            raise Incomplete(
                f"stopped at ${tally.spent:,.4f} of --max-cost {config.max_cost:g}: {tally.done} of {tally.total} "
                "responses are there. The same command with a higher --max-cost continues"
            ) from None
    if tally.failed:
        raise Incomplete(
            f"{tally.done} of {tally.total} responses are there; {tally.failed} failed after all retries "
            f"({tally.last_failure}). The same command continues"
        )
    return tally


def _grade(building: Building, store: BuildStore, chosen: list[int], graders: Graders) -> int:
    config = building.config
    if config.grade_with == "ray":
        return asyncio.run(grade_on_ray(store, chosen, building.k, graders, config.ray_address))
    return sum(grade_here(store, chosen, building.k, graders[name]) for name in list(store.graders))
