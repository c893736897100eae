"""The spec: everything that identifies a run, and the knobs that do not.

Every field of `EvalConfig` is marked `IDENTITY` or `RUNTIME`. Two runs with the same identity have the
same spec hash and so the same directory; a runtime knob (concurrency, timeouts) never changes it. A test
fails on an unmarked field.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from judgebench.hashing import digest
from judgebench.judges.card import Attention, Context, Dtype, Quantization, Weights
from judgebench.records import Record, Sampling

SPEC_VERSION = 1
IDENTITY = "identity"
RUNTIME = "runtime"

LATER_FIELDS = ("context", "weights")
"""Fields of `JudgeSpec` that older results do not have: unset, they are left out of the hash."""

Orders = Literal["both", "first"]
NWay = Literal["round-robin", "knock-out"]


class EvalConfig(Record):
    """What a user asks of `eval`."""

    judge: Annotated[str, IDENTITY]
    model: Annotated[str | None, IDENTITY] = None
    task: Annotated[str, IDENTITY]
    split: Annotated[str | None, IDENTITY] = None
    categories: Annotated[tuple[str, ...], IDENTITY] = ()
    limit: Annotated[int | None, IDENTITY, Field(ge=1)] = None
    orders: Annotated[Orders, IDENTITY] = "both"
    repeats: Annotated[int, IDENTITY, Field(ge=1)] = 1
    seed: Annotated[int, IDENTITY] = 0
    task_seed: Annotated[int | None, IDENTITY] = None
    difficulty: Annotated[tuple[int, int] | None, IDENTITY] = None
    items: Annotated[int | None, IDENTITY, Field(ge=2)] = None
    nway: Annotated[NWay, IDENTITY] = "round-robin"
    sampling: Annotated[Sampling | None, IDENTITY] = None
    base_url: Annotated[str | None, IDENTITY] = None
    backend: Annotated[str | None, IDENTITY] = None
    dtype: Annotated[Dtype | None, IDENTITY] = None
    quantization: Annotated[Quantization | None, IDENTITY] = None
    attention: Annotated[Attention | None, IDENTITY] = None
    data: Annotated[str | None, RUNTIME] = None
    runs: Annotated[str, RUNTIME] = "runs"
    concurrency: Annotated[int | None, RUNTIME, Field(ge=1)] = None
    timeout: Annotated[float, RUNTIME, Field(gt=0)] = 600.0
    max_attempts: Annotated[int, RUNTIME, Field(ge=1)] = 8
    rpm: Annotated[int | None, RUNTIME, Field(ge=1)] = None
    tpm: Annotated[int | None, RUNTIME, Field(ge=1)] = None
    max_cost: Annotated[float | None, RUNTIME, Field(gt=0)] = None
    cache: Annotated[bool, RUNTIME] = True
    batch: Annotated[bool, RUNTIME] = False
    trust_remote_code: Annotated[bool, RUNTIME] = False
    engine: Annotated[Literal["local", "ray"], RUNTIME] = "local"
    ray_address: Annotated[str | None, RUNTIME] = None
    workers: Annotated[tuple[int, int] | None, RUNTIME] = None
    worker_cpus: Annotated[float | None, RUNTIME, Field(gt=0)] = None
    worker_gpus: Annotated[float | None, RUNTIME, Field(ge=0)] = None
    options: Annotated[dict[str, Any], RUNTIME] = Field(default_factory=dict)

    @property
    def drawn(self) -> dict[str, Any]:
        """Return what the user chose of a generated task, as its params name it."""
        levels = None if self.difficulty is None else list(range(self.difficulty[0], self.difficulty[1] + 1))
        chosen = {"seed": self.task_seed, "items": self.items, "levels": levels}
        return {name: value for name, value in chosen.items() if value is not None}


class TaskSpec(Record):
    """The task as it was judged.

    `fingerprint` is the hash of its gold table: ids, categories, sources, gold. `headline` is the metric that
    ranks, `metric_sets` the sets beyond the common ones: with gold and verdicts they fix every number.
    """

    name: str
    version: int
    revision: str | None
    fingerprint: str
    items: int
    headline: str = "accuracy"
    metric_sets: tuple[str, ...] = ()


class JudgeSpec(Record):
    """The judge as it judged.

    `prompts` are sha256 by role; `endpoint` is 'default' or a hash of the base URL; `conversion` says how a judge
    of one kind judged items of another ('none', 'score-each', 'round-robin', 'knock-out'). `context` and `weights`
    are the card's, where it has them.
    """

    name: str
    family: str
    kind: str
    model: str | None
    revision: str | None
    endpoint: str
    prompts: dict[str, str]
    sampling: Sampling
    params: dict[str, Any]
    parser_version: int
    order_independent: bool
    conversion: str = "none"
    context: Context | None = None
    weights: Weights | None = None

    @property
    def is_demonstration(self) -> bool:
        """Tell whether a script stands in for the model: nothing is judged."""
        return (self.model or "").startswith("scripted/") or self.name.startswith("demo")


class Spec(Record):
    """Everything that identifies a run."""

    version: int = SPEC_VERSION
    task: TaskSpec
    judge: JudgeSpec
    categories: tuple[str, ...] = ()
    limit: int | None = None
    orders: Orders
    repeats: int
    seed: int

    @property
    def hash(self) -> str:
        """Return the spec's sha256, 64 hex digits. Fields that came later count only where they say something."""
        data = self.model_dump(mode="json")
        for name in LATER_FIELDS:
            if data["judge"][name] is None:
                del data["judge"][name]
        return digest(data)


def differences(one: Any, two: Any, path: str = "") -> list[str]:
    """Return the dotted names of the fields in which two JSON values differ, for messages."""
    if isinstance(one, dict) and isinstance(two, dict):
        fields = sorted(one.keys() | two.keys())
        return [name for f in fields for name in differences(one.get(f), two.get(f), f"{path}.{f}" if path else f)]
    return [] if one == two else [path]
