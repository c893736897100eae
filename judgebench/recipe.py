"""A recipe: what another process builds a plan's judge and backends from.

A card's judge is built anew from the card. What the caller handed in (a function, a backend) travels itself. Keys
never travel: every process finds its own.
"""

from dataclasses import dataclass

from judgebench import registry
from judgebench.backends.base import Backend
from judgebench.errors import UsageError
from judgebench.evaluation import Plan, build_backend
from judgebench.judges.base import Judge
from judgebench.judges.card import JudgeCard
from judgebench.judges.convert import fit
from judgebench.run.runner import Models
from judgebench.spec import EvalConfig
from judgebench.version import VERSION


@dataclass(frozen=True)
class Recipe:
    """A plan without its task. `judge` and `backend` are those handed in, `counts` the items' numbers of candidates.

    `url` is the server that must be asked, whatever the environment of the other process says; `concurrency` is the
    number of calls in flight, `gpus` what a backend takes of a machine that has any.
    """

    config: EvalConfig
    card: JudgeCard
    counts: frozenset[int]
    judge: Judge | None
    backend: Backend | None
    url: str | None
    concurrency: int
    gpus: float
    version: str = VERSION

    def build(self) -> tuple[Judge, Models]:
        """Build judge and backends here. Raises MissingPrerequisite for a missing key or package, UsageError."""
        if self.version != VERSION:
            raise UsageError(f"judgebench is {VERSION} there and {self.version} here: install the same everywhere")
        judge = self.judge
        if judge is None:
            family = registry.load("families", self.card.family)(self.card)
            judge, _ = fit(family, self.card.name, self.counts, self.config.nway)
        default = self.backend
        if default is None and self.card.model is not None:
            default = self._default(self.card.model)
        return judge, Models(default, lambda model: build_backend(self.config, self.card, model))

    def _default(self, model: str) -> Backend:
        backend = build_backend(self.config, self.card, model)
        if backend.custom_url != self.url:
            raise UsageError(
                f"{model} would be asked at another address there than here: leave {backend.name}'s base URL out of "
                "the environment and type --base-url URL"
            )
        backend.check()
        return backend


def recipe_of(plan: Plan) -> Recipe:
    """Return the recipe of a plan."""
    card, backend = plan.named.card, plan.default_backend
    return Recipe(
        config=plan.config,
        card=card,
        counts=frozenset(len(item.candidates) for item in plan.items),
        judge=plan.named.judge if card.kind == "callable" else None,
        backend=backend if plan.backend_given else None,
        url=None if backend is None else backend.custom_url,
        concurrency=plan.config.concurrency or (backend or Backend).concurrency,
        gpus=0.0 if backend is None else backend.gpus,
    )
