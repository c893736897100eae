"""A result under check: what was read of it, and how a rule says what it found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgebench.records import Item
from judgebench.results import Result, VerdictRow
from judgebench.submissions.findings import Finding, Severity
from judgebench.task import GoldRow

Findings = Iterator[Finding]


@dataclass(frozen=True)
class Case:
    """One result with its verdicts and gold. `name` is `<judge>/<task>.json`, `path` where it lies.

    `prefix` stands before names in findings. `fresh` says that the result is to be merged, not merged already. `items`
    are the task's items, where judgebench brings or makes their texts. `pinned` says that the gold is judgebench's own,
    and not only what lies beside the result.
    """

    prefix: str
    name: str
    path: Path
    result: Result
    gold: Sequence[GoldRow] = ()
    rows: Sequence[VerdictRow] = ()
    fresh: bool = False
    pinned: bool = True
    items: Sequence[Item] | None = None

    @property
    def stem(self) -> str:
        """Return `<judge>/<task>`."""
        return self.name.removesuffix(".json")

    def beside(self, suffix: str) -> Path:
        """Return the path of one of the files beside the result."""
        return self.path.with_name(self.path.name.removesuffix(".json") + suffix)

    def error(self, field: str, problem: str, suffix: str = ".json") -> Finding:
        """Return an error about a field of the result, or of the file beside it with another suffix."""
        return self._finding("error", field, problem, suffix)

    def flag(self, field: str, problem: str, suffix: str = ".json") -> Finding:
        """Return a flag, as `error`."""
        return self._finding("flag", field, problem, suffix)

    def _finding(self, severity: Severity, field: str, problem: str, suffix: str) -> Finding:
        return Finding(severity, f"{self.prefix}/{self.stem}{suffix}", field, problem)


def shown(value: Any, longest: int = 60) -> str:
    """Return a value as a message shows it: text quoted, numbers as they are, all of it short."""
    text = repr(value) if isinstance(value, str) else "absent" if value is None else str(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
