"""Results: what a run publishes, and how it is read back.

`results/<judge>/<task>.json` holds the numbers, `<task>.verdicts.jsonl` beside it the verdicts they are
computed from: ids, verdicts, scores, confidences and faults, no texts. Numbers without verdicts stand in
`results/reported/<task>.csv`, visibly apart.
"""

from typing import Any, Literal

from pydantic import Field

from judgebench.records import Label, Record, Usage
from judgebench.spec import Spec

SCHEMA_VERSION = 1

Evidence = Literal["submitted", "reproduced", "imported"]


class Metric(Record):
    """A number with what it rests on.

    `value` is None when nothing could be counted. `n` is what it was computed over (pairs, or judgments where
    the metric says so), `coverage` the share of all that could have been counted, `low` and `high` the
    95 % interval.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    coverage: float = 1.0


class Counts(Record):
    """How many there were. `verdicts` plus the faults is `trials`."""

    items: int
    trials: int
    verdicts: int
    unparsed: int = 0
    refused: int = 0
    truncated: int = 0
    empty: int = 0


class Environment(Record):
    """What the run ran on. Package versions, platform and device; never a path or a key."""

    judgebench: str
    python: str
    platform: str
    packages: dict[str, str] = Field(default_factory=dict)
    commit: str | None = None
    backend: dict[str, Any] = Field(default_factory=dict)


class VerdictsFile(Record):
    """The verdicts beside the result: hash of the file's bytes, and its rows."""

    sha256: str
    rows: int


class Result(Record):
    """A judged task. `by_category` maps category → metric name → metric."""

    schema_version: int = SCHEMA_VERSION
    evidence: Evidence
    spec: Spec
    spec_sha256: str
    counts: Counts
    metrics: dict[str, Metric]
    by_category: dict[str, dict[str, Metric]] = Field(default_factory=dict)
    usage: Usage = Usage()
    cost: float | None = None
    seconds: float | None = None
    started: str | None = None
    finished: str | None = None
    source: dict[str, str] = Field(default_factory=dict)
    environment: Environment | None = None
    verdicts: VerdictsFile
    demonstration: bool = False


class VerdictRow(Record):
    """One line of a verdicts file: a trial and its decision in presented order, or its fault."""

    item: str
    order: tuple[int, ...]
    repeat: int = 0
    preference: Label | None = None
    scores: tuple[float, ...] | None = None
    best: tuple[int, ...] | None = None
    confidence: float | None = None
    fault: Literal["unparsed", "refused", "truncated", "empty"] | None = None


class Reported(Record):
    """A published number without verdicts: counts of right pairs by category, as its source gives them.

    `value` is micro accuracy, computed from the counts.
    """

    judge: str
    model: str
    kind: str
    correct: dict[str, int]
    items: dict[str, int]
    source: str

    @property
    def value(self) -> float:
        """Return the micro accuracy in [0, 1]."""
        return sum(self.correct.values()) / sum(self.items.values())

    @property
    def macro(self) -> float:
        """Return the mean of the categories' accuracies, in [0, 1]."""
        return sum(self.correct[category] / items for category, items in self.items.items()) / len(self.items)
