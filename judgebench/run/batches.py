"""Provider batches as a run's journal knows them: which samples wait for which batch.

A sample is one reply of a run, named by request, trial and number: the same name in every session of the run,
and the `custom_id` in the batch. A batch is journaled when it was submitted; which of its samples still wait
follows from the replies that came after it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class Batch:
    """A submitted batch. `model` is provider/name; `canceled` says that the user gave it up.

    `submitted` is when, in seconds since 1970; None in a journal that does not say.
    """

    id: str
    model: str
    samples: tuple[str, ...]
    canceled: bool = False
    submitted: float | None = None

    @classmethod
    def of_line(cls, line: dict[str, Any]) -> Self:
        """Return the batch of a journal line."""
        return cls(line["id"], line["model"], tuple(line["keys"]), submitted=line.get("submitted"))

    def line(self) -> dict[str, Any]:
        """Return the batch as a journal line."""
        line = {"kind": "batch", "id": self.id, "model": self.model, "keys": self.samples}
        return line if self.submitted is None else line | {"submitted": self.submitted}


@dataclass(frozen=True)
class Batches:
    """All batches of a run by id, and the samples that wait for one, with its id."""

    by_id: dict[str, Batch]
    waiting: dict[str, str]

    def left(self, batch: Batch) -> int:
        """Return how many samples of a batch are not answered yet."""
        return sum(self.waiting.get(sample) == batch.id for sample in batch.samples)

    def open(self) -> list[Batch]:
        """Return the batches that somebody waits for and nobody gave up."""
        wanted = set(self.waiting.values())
        return [batch for batch in self.by_id.values() if batch.id in wanted and not batch.canceled]


def sample_name(request: str, trial: str, nth: int) -> str:
    """Return the name of a trial's nth reply to a request: at most 64 letters, digits and hyphens."""
    return f"{request}-{trial}-{nth}"


def read_batches(lines: Iterable[dict[str, Any]]) -> Batches:
    """Read a journal's batches. A sample that was submitted twice waits for the later batch."""
    found = Batches({}, {})
    judged = set()
    for line in lines:
        match line["kind"]:
            case "batch" if line.get("canceled"):
                found.by_id[line["id"]] = replace(found.by_id[line["id"]], canceled=True)
            case "batch":
                found.by_id[line["id"]] = Batch.of_line(line)
                found.waiting.update(dict.fromkeys(line["keys"], line["id"]))
            case "reply":
                found.waiting.pop(sample_name(line["request"], line["trial"], line["nth"]), None)
            case "judgment":
                judged.add(line["trial"])
    for sample in [sample for sample in found.waiting if sample.split("-")[1] in judged]:
        del found.waiting[sample]
    return found
