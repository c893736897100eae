"""What a backend is: `complete(request) -> Reply`, and `score` where it is a reward model.

A backend raises only `PermanentError`, `RateLimited` or `TransientError`: it classifies its provider's
errors where they arise and never retries on its own. What the model says, however odd, is a Reply.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from judgebench import registry
from judgebench.errors import UsageError
from judgebench.judges.card import Context, Weights
from judgebench.prices import Price, price_of
from judgebench.records import ChatRequest, Reply, ScoreRequest, TextRequest


@dataclass(frozen=True)
class Endpoint:
    """Where and what to call.

    Part of a run's identity are `model` (the provider's own name for it), `revision`, `weights` and `context`, and the
    URL as a hash. `timeout` is in seconds, for one whole call. `connections` is the most calls in flight. `options` are
    the provider's own (`--backend-option k=v`). Without `trust_remote_code` no repository's own code is run.
    """

    model: str
    base_url: str | None = None
    revision: str | None = None
    timeout: float = 600.0
    connections: int = 64
    weights: Weights | None = None
    context: Context | None = None
    trust_remote_code: bool = False
    options: dict[str, Any] = field(default_factory=dict)


class Backend:
    """Base of all backends. The constructor must not touch the network or import anything heavy."""

    name: ClassVar[str] = ""
    cacheable: ClassVar[bool] = False
    """Whether replies cost something, so that keeping them across runs is worth it."""
    concurrency: ClassVar[int] = 16
    """Calls in flight where the user names no number. A local model wants enough to fill its batches."""
    identifying: ClassVar[tuple[str, ...]] = ()
    """Options that can change what a model answers: where they are given, they are part of a run's identity."""
    gpus: ClassVar[float] = 0.0
    """GPUs that one instance takes where there are any: 1 for a backend that loads its model itself."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @property
    def custom_url(self) -> str | None:
        """Return the base URL when it is not the provider's own: part of a run's identity, as a hash."""
        return None

    @property
    def identity(self) -> dict[str, Any]:
        """Return what tells this model from every other: the part of a cached reply's key that is not the request."""
        endpoint = self.endpoint
        found = {"provider": self.name, "model": endpoint.model, "revision": endpoint.revision, "url": self.custom_url}
        loaded = {"weights": endpoint.weights, "context": endpoint.context}
        return found | {name: part.model_dump(mode="json") for name, part in loaded.items() if part is not None}

    def price(self) -> Price | None:
        """Return the model's price, None when it is unknown. A server of one's own has none that we know."""
        return price_of(f"{self.name}/{self.endpoint.model}") if self.custom_url is None else None

    def check(self) -> None:
        """Raise MissingPrerequisite when a key or a package is missing. Called before a run is started."""

    async def complete(self, request: ChatRequest | TextRequest) -> Reply:
        """Answer a chat or text request. Raises BackendError subclasses only."""
        raise UsageError(f"the {self.name} backend answers no {request.kind} requests")

    async def score(self, request: ScoreRequest) -> Reply:  # noqa: ARG002 - for those that can
        """Score conversations: `reply.scores` has one number per conversation."""
        raise UsageError(f"the {self.name} backend gives no scores; choose a reward-model backend")

    async def answer(self, request: ChatRequest | TextRequest | ScoreRequest, sample: str | None = None) -> Reply:  # noqa: ARG002
        """Send a request of any kind through the right method.

        `sample` names this very reply among all of a run's, for backends where it may outlive the process.
        """
        return await (self.score(request) if isinstance(request, ScoreRequest) else self.complete(request))

    async def aclose(self) -> None:
        """Close connections. Safe to call twice."""

    def describe(self) -> dict[str, Any]:
        """Return facts for the result's environment (package versions, device): no secrets, no paths."""
        return {}


def build(model: str, **endpoint: Any) -> Backend:
    """Build the backend for `provider/name`, e.g. `openai/gpt-4o-mini`. Raises UsageError without a provider."""
    provider, slash, name = model.partition("/")
    if not slash or not name:
        known = ", ".join(registry.names("backends"))
        raise UsageError(f"model {model!r} names no provider. Type provider/name; providers: {known}")
    backend: Backend = registry.load("backends", provider)(Endpoint(model=name, **endpoint))
    return backend
