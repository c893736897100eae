"""Evaluate a judge on a task: the one path that the command line and Python share."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from judgebench import needs, registry, sources
from judgebench import task as tasks
from judgebench.backends.base import Backend, Endpoint, build
from judgebench.backends.batches import BatchingBackend, batching
from judgebench.cache import ReplyCache, default_folder
from judgebench.environment import environment
from judgebench.errors import Incomplete, RunError, UsageError
from judgebench.hashing import sha256
from judgebench.judges.base import Judge
from judgebench.judges.card import JudgeCard, Weights, load_card
from judgebench.judges.convert import fit
from judgebench.records import Item, Sampling
from judgebench.results import Result
from judgebench.run import cluster
from judgebench.run.limits import Limiter
from judgebench.run.pace import Pace
from judgebench.run.plan import trials, view
from judgebench.run.runner import Means, Models, Runner, Tally, Work
from judgebench.run.store import Store, run_directory, write_atomic
from judgebench.spec import EvalConfig, JudgeSpec, Spec
from judgebench.task import Task

MOST_WAITING = 20_000
"""Trials that wait at the same time for provider batches, some 30 kB of memory each."""
Watch = Callable[[Tally, Limiter, Models], AbstractContextManager[None]]
"""Shows progress while a run is on: called with its tally, limiter and models."""


@dataclass(frozen=True)
class NamedJudge:
    """A judge ready to run: the object, its card and what identifies it."""

    judge: Judge
    card: JudgeCard
    prompts: dict[str, str]
    parser_version: int
    conversion: str = "none"


@dataclass(frozen=True)
class Plan:
    """A run before it starts: everything that is known without asking anyone anything.

    `backend_given` says that the caller handed in the default backend, instead of naming its model.
    """

    config: EvalConfig
    named: NamedJudge
    task: Task
    items: list[Item]
    spec: Spec
    default_backend: Backend | None
    backend_given: bool = False

    @property
    def directory(self) -> Path:
        """Return where the run lives."""
        return run_directory(Path(self.config.runs), self.task.name, self.spec.judge.name, self.spec)

    @cached_property
    def total(self) -> int:
        """Return the number of trials."""
        return sum(1 for _ in self._trials())

    def work(self) -> Iterator[Work]:
        """Yield each trial with its view, as a stream."""
        for item, trial in self._trials():
            yield trial, view(item, trial, ties=self.task.card.ties, seed=self.spec.seed)

    def _trials(self) -> Iterator[Any]:
        return trials(
            self.items,
            orders=self.spec.orders,
            repeats=self.spec.repeats,
            order_independent=self.named.judge.order_independent,
        )

    def backend(self, model: str) -> Backend:
        """Build a backend with this run's knobs."""
        return build_backend(self.config, self.named.card, model)


@dataclass(frozen=True)
class Evaluation:
    """A finished run: its result, its directory, and the verdicts as a table."""

    result: Result
    directory: Path
    task: Task

    @property
    def metrics(self) -> Any:
        """Return the result's metrics by name."""
        return self.result.metrics

    def to_pandas(self) -> Any:
        """Return one row per judgment: item, category, order, verdict, gold, fault, usage, seconds."""
        from judgebench.assemble import judgments_frame

        return judgments_frame(self.task, self.directory)


def evaluate(
    judge: str | Callable[..., Any], task: str = "starter", *, backend: Backend | None = None, **options: Any
) -> Evaluation:
    """Evaluate a judge on a task and return the finished run.

    `judge` is a card's name, a card's path, or any sync or async callable that takes a `View` (or question,
    response A, response B) and says which is better. `options` are the fields of `EvalConfig`. Running the same
    call again continues an interrupted run, or returns the finished one without asking anything.

    Raises JudgebenchError subclasses: UsageError, DataError, MissingPrerequisite, Incomplete and others.
    """
    plan = prepare(judge, task, backend=backend, **options)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run(plan))
    # Inside a running loop (a notebook): the run gets a loop and a thread of its own.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run(plan)).result()


def prepare(judge: str | Callable[..., Any], task: str, *, backend: Backend | None = None, **options: Any) -> Plan:
    """Load judge and task and fix the spec, without asking anyone anything."""
    name = judge if isinstance(judge, str) else getattr(judge, "__name__", type(judge).__name__)
    config = EvalConfig(judge=name, task=task, **options)
    named = _judge(judge, config, has_backend=backend is not None)
    loaded = sources.load_task(config.task, config.split, config.data, config.drawn)
    items = tasks.select(loaded.items, config.categories, config.limit, config.seed)
    named = _fitted(named, loaded, items, config)
    given = backend is not None
    if backend is None and named.card.model is not None:
        backend = build_backend(config, named.card, named.card.model)
    elif backend is not None and config.batch:
        backend = batching(backend)
    return Plan(config, named, loaded, items, _spec(config, named, loaded, backend), backend, given)


def check(plan: Plan) -> list[str]:
    """Return what the user should know before a plan is run. A finished run needs nothing.

    Raises MissingPrerequisite when a key, a package, memory or weights are missing, in a line each.
    """
    backend, card = plan.default_backend, plan.named.card
    if (plan.directory / "result.json").exists():
        return []
    cluster.check(plan.config)
    # Whoever joins a cluster need not have what its workers must have: they look for themselves.
    if backend is None or cluster.is_joined(plan.config):
        return []
    notes = needs.ready(card, plan.config) if backend.name == needs.provider(card) else []
    backend.check()
    return notes


async def run(plan: Plan, watch: Watch | None = None) -> Evaluation:
    """Run what is left of a plan, then write its result. Raises Incomplete when trials are left over."""
    from judgebench.assemble import finish

    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock = time.perf_counter()
    tally = Tally(total=plan.total)
    limiter = _limiter(plan)
    check(plan)
    _check_budget(plan)
    cache = ReplyCache(default_folder()) if plan.config.cache else None
    with Store(plan.directory, plan.spec, plan.config) as store:
        tally.spent = store.spent
        models = _models(plan, store)
        means = Means(models, limiter, store, tally, cache, plan.config.max_cost)
        with watch(tally, limiter, models) if watch else nullcontext():
            details = await _judge_all(plan, means)
        if tally.failed:
            raise Incomplete(
                f"{tally.done} of {tally.total} judged; {tally.failed} failed after all retries "
                f"({tally.last_failure}). The same command continues"
            )
        result = finish(
            plan.directory, plan.spec, plan.items,
            demonstration=plan.spec.judge.is_demonstration, environment=environment(details),
            started=started, seconds=time.perf_counter() - clock, resumed=tally.resumed == tally.total,
        )  # fmt: skip
        if plan.task.revision is not None:  # no table of generated items is packaged: it lies beside the result
            write_atomic(plan.directory / "gold.csv", tasks.gold_table(plan.task.items))
    return Evaluation(result, plan.directory, plan.task)


async def _judge_all(plan: Plan, means: Means) -> dict[str, Any]:
    """Judge what is left with the engine that was asked for; return facts about what answered."""
    if plan.config.engine == "local":
        await Runner(plan.named.judge, means).run(plan.work())
        return plan.default_backend.describe() if plan.default_backend else {}
    from judgebench.recipe import recipe_of
    from judgebench.run.ray import RayEngine

    engine = RayEngine(recipe_of(plan), means)
    await engine.run(plan.work())
    return engine.details


def _limiter(plan: Plan) -> Limiter:
    config = plan.config
    if not config.batch:
        at_once = _concurrency(config, plan.default_backend)
        return Limiter(at_once, config.max_attempts, Pace(config.rpm, config.tpm))
    # Whoever can ask asks before a batch is closed; the batches themselves try again.
    return Limiter(max(1, min(plan.total, MOST_WAITING)), max_attempts=1)


def _models(plan: Plan, store: Store) -> Models:
    """Return the run's backends, those that ask in batches attached to its journal."""
    if not plan.config.batch and (waiting := store.batches.open()):
        raise RunError(
            f"{plan.directory} waits for {len(waiting)} provider batches, which are paid. Continue with --batch, or "
            f"give them up: judgebench batch cancel {plan.directory}"
        )

    def attached(backend: Backend) -> Backend:
        if isinstance(backend, BatchingBackend):
            backend.attach(store.batches, store.add_batch)
        return backend

    default = None if plan.default_backend is None else attached(plan.default_backend)
    return Models(default, lambda model: attached(plan.backend(model)))


def _endpoint(backend: Backend | None) -> str:
    """Return 'default', or a hash of the base URL: two servers may serve different weights under one name.

    Only the hash, because the URL itself may name a private host.
    """
    url = backend.custom_url if backend else None
    return "default" if url is None else f"sha256:{sha256(url.rstrip('/').encode())[:16]}"


def _check_budget(plan: Plan) -> None:
    backend = plan.default_backend
    if plan.config.max_cost is not None and backend is not None and backend.price() is None:
        raise UsageError(
            f"--max-cost cannot be kept: no price is known for {plan.spec.judge.model}. Leave it out, or add the "
            "price to judgebench/prices.yaml"
        )


def _concurrency(config: EvalConfig, backend: Backend | None) -> int:
    return config.concurrency or (Backend if backend is None else backend).concurrency


def build_backend(config: EvalConfig, card: JudgeCard, model: str) -> Backend:
    """Build a backend with this run's knobs. The card's revision and weights are those of its own model only."""
    own = {"revision": card.revision, "weights": card.weights, "context": card.context} if model == card.model else {}
    backend = build(
        model,
        base_url=config.base_url,
        timeout=config.timeout,
        connections=config.concurrency or Endpoint.connections,
        trust_remote_code=config.trust_remote_code,
        options=config.options,
        **own,
    )
    return batching(backend) if config.batch else backend


def _judge(judge: str | Callable[..., Any], config: EvalConfig, *, has_backend: bool) -> NamedJudge:
    if not isinstance(judge, str):
        from judgebench.judges.callables import as_judge

        wrapped = as_judge(judge)
        slug = tasks.slug(config.judge)
        card = JudgeCard(name=slug, family="callable", kind="callable", model=None, revision=wrapped.revision)
        return NamedJudge(wrapped, card, {}, 1)
    card = load_card(judge)
    card = _with_model(card, config)
    if config.sampling is not None:
        given = config.sampling.model_dump(exclude_unset=True)
        card = card.model_copy(update={"sampling": Sampling(**(card.sampling.model_dump() | given))})
    if card.kind in ("prompted", "fine-tuned", "reward-model") and card.model is None and not has_backend:
        raise UsageError(
            f"judge {card.name} needs a model. Type: --model provider/name, for example openai/gpt-4o-mini"
        )
    family = registry.load("families", card.family)(card)
    return NamedJudge(family, card, family.prompts(), family.parser_version)


def _with_model(card: JudgeCard, config: EvalConfig) -> JudgeCard:
    """Return the card with the model, the backend and the way of loading that the user asked for.

    Another backend (`--backend vllm`) runs the card's own model: the judge keeps its name.
    """
    if config.model is not None:
        name = f"{card.name}--{tasks.slug(config.model)}"
        # What the card says of its own model (revision, size) is not true of another.
        card = card.model_copy(update={"model": config.model, "revision": None, "size": None, "name": name})
    if config.backend is not None:
        if card.model is None:
            raise UsageError(
                f"--backend {config.backend}: judge {card.name} names no model. Type: --model provider/name"
            )
        registry.load("backends", config.backend)
        card = card.model_copy(update={"model": f"{config.backend}/{card.model.partition('/')[2]}"})
    given = {name: getattr(config, name) for name in ("dtype", "quantization", "attention")}
    given = {name: value for name, value in given.items() if value is not None}
    if given:
        card = card.model_copy(update={"weights": (card.weights or Weights()).model_copy(update=given)})
    return card


def _fitted(named: NamedJudge, task: Task, items: list[Item], config: EvalConfig) -> NamedJudge:
    """Return the judge converted to the items' numbers of candidates where it must be and can be."""
    if not items:
        raise UsageError(f"task {task.name} has no items to judge")
    counts = {len(item.candidates) for item in items}
    judge, conversion = fit(named.judge, named.card.name, counts, config.nway)
    return replace(named, judge=judge, conversion=conversion)


def _identifying(backend: Backend | None) -> dict[str, Any]:
    """Return the options of a backend that can change a verdict, as parameters of the judge."""
    given = {} if backend is None else backend.endpoint.options
    return {f"backend.{name}": given[name] for name in (backend.identifying if backend else ()) if name in given}


def _spec(config: EvalConfig, named: NamedJudge, task: Task, backend: Backend | None) -> Spec:
    card = named.card
    return Spec(
        task=task.spec,
        judge=JudgeSpec(
            name=card.name,
            family=card.family,
            kind=card.kind,
            model=card.model,
            revision=card.revision,
            endpoint=_endpoint(backend),
            prompts=named.prompts,
            sampling=card.sampling,
            params=card.params | _identifying(backend),
            parser_version=named.parser_version,
            order_independent=named.judge.order_independent,
            conversion=named.conversion,
            context=card.context,
            weights=card.weights,
        ),
        categories=tuple(sorted(config.categories)),
        limit=config.limit,
        orders=config.orders,
        repeats=config.repeats,
        seed=config.seed,
    )
