"""Tasks: from a pinned dataset to items, with every bad row reported and nothing half-loaded.

A task card (YAML in `tasks/`, or the user's own) names the adapter, the dataset and its facts. The
adapter turns rows into items. The gold table is what a board needs to recompute any number offline: item id,
category, source question and gold, but no text; its hash is the task's fingerprint.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from judgebench import registry
from judgebench.errors import DataError, RowProblem, UsageError
from judgebench.hashing import canonical, sha256
from judgebench.records import Gold, Item, Record
from judgebench.spec import TaskSpec

GOLD_COLUMNS = ("item", "category", "source", "gold")
TRAITS = "traits"
"""A further column of gold tables, where an item has traits."""


class Split(Record):
    """One split: where it lives and what is known of it.

    `path` is a file packaged with the card; `hub_split` the split's name on the hub; `filename` and `sha256`
    those of the authors' own file; `gold` the sha256 of the gold table.
    """

    items: int | None = None
    hub_split: str | None = None
    path: str | None = None
    filename: str | None = None
    sha256: str | None = None
    gold: str | None = None


class Hub(Record):
    """A dataset repository on the Hugging Face hub at a pinned revision.

    `files` are fetched as they are, for the adapter to open, where the hub's own loader does not fit.
    """

    repo: str
    revision: str
    config: str | None = None
    files: tuple[str, ...] = ()


class TaskCard(Record):
    """A benchmark: what it measures, where its data comes from, how rows become items.

    `metric` is the headline; `metric_sets` name the sets of metrics beyond those that every task of its kind
    has (see `judgebench.metrics`).
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    summary: str = ""
    adapter: str
    version: int = 1
    hub: Hub | None = None
    splits: dict[str, Split] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)
    categories: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    ties: bool = False
    metric: str = "accuracy"
    metric_sets: tuple[str, ...] = ()
    label_source: str = ""
    licence: str | None = None
    citation: str | None = None
    evidence: str = ""


@dataclass(frozen=True)
class Row:
    """A raw row and where it stands: `number` counts from 1."""

    file: str
    number: int
    data: dict[str, Any]

    def problem(self, field: str, text: str) -> "RowError":
        """Return the error to raise when this row cannot be used."""
        return RowError(RowProblem(self.file, self.number, field, text))


class RowError(Exception):
    """One row cannot be used; the loader collects these and goes on."""

    def __init__(self, problem: RowProblem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class Adapter(Protocol):
    """Turns rows into items. Constructed with the card and the split's name.

    Without more, rows come from one file or from the hub. An adapter of data that lies otherwise (several files
    to be joined, an object instead of rows) also has `open(path: Path) -> Iterable[Row | RowProblem]`: it gets
    what `--data` names, or the folder of the hub's files, and yields the rows. One that makes its rows itself has
    `generate() -> Iterable[Row]` and `revision`, a string of all that they depend on.
    """

    def __init__(self, card: TaskCard, split: str) -> None: ...

    def key(self, row: Row) -> str | None:
        """Return the row's own id, which must be unique, or None where the dataset has none."""
        ...

    def items(self, row: Row) -> Iterable[Item]:
        """Return the items of one row; raise `row.problem(field, text)` when it cannot be used."""
        ...


@dataclass(frozen=True)
class Task:
    """A loaded task: its card, the split's name, its items in dataset order.

    `dropped` counts, by reason, the rows that the benchmark's own definition leaves out. `revision` is all that
    generated items depend on; that of a dataset stands in the card.
    """

    card: TaskCard
    split: str
    items: tuple[Item, ...]
    dropped: dict[str, int] = field(default_factory=dict)
    revision: str | None = None

    @property
    def name(self) -> str:
        """Return the name used for paths and boards: `judgebench-gpt`; bare when there is one split."""
        return self.card.name if len(self.card.splits) <= 1 else f"{self.card.name}-{self.split}"

    @property
    def fingerprint(self) -> str:
        """Return the sha256 of the gold table."""
        return sha256(gold_table(self.items))

    @property
    def spec(self) -> TaskSpec:
        """Return what identifies the task in a run's spec."""
        return TaskSpec(
            name=self.name,
            version=self.card.version,
            revision=self.card.hub.revision if self.card.hub else self.revision,
            fingerprint=self.fingerprint,
            items=len(self.items),
            headline=self.card.metric,
            metric_sets=self.card.metric_sets,
        )


@dataclass(frozen=True)
class GoldRow:
    """What a board knows of an item."""

    item: str
    category: str
    source: str
    gold: Gold
    traits: Mapping[str, float] = field(default_factory=dict, hash=False)


_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_GOLD: TypeAdapter[Gold] = TypeAdapter(Gold)
_TRAITS: TypeAdapter[dict[str, FiniteFloat]] = TypeAdapter(dict[str, FiniteFloat])


def facts(items: Iterable[Item]) -> list[GoldRow]:
    """Return the gold rows of items, sorted by item id."""
    rows = [GoldRow(item.id, item.category, item.source_id, item.gold, item.traits) for item in items]
    return sorted(rows, key=lambda row: row.item)


def gold_table(items: Iterable[Item]) -> bytes:
    """Return the gold table as CSV bytes: sorted by item id, so that row order never matters."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = facts(items)
    traits = any(row.traits for row in rows)
    writer.writerow((*GOLD_COLUMNS, TRAITS) if traits else GOLD_COLUMNS)
    for row in rows:
        gold = row.gold.label if row.gold.kind == "preference" else canonical(row.gold.model_dump(mode="json")).decode()
        more = (canonical(dict(row.traits)).decode(),) if traits else ()
        writer.writerow((row.item, row.category, row.source, gold, *more))
    return out.getvalue().encode()


def read_gold_table(data: bytes, name: str) -> list[GoldRow]:
    """Parse a gold table. Raises DataError naming the line that does not fit."""
    rows: list[GoldRow] = []
    for number, row in enumerate(csv.DictReader(io.StringIO(data.decode())), start=2):
        try:
            text = row["gold"]
            gold = {"kind": "preference", "label": text} if not text.startswith("{") else None
            value = _GOLD.validate_python(gold) if gold else _GOLD.validate_json(text)
            traits = _TRAITS.validate_json(row.get(TRAITS) or "{}")
            rows.append(GoldRow(row["item"], row["category"], row["source"], value, traits))
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            raise DataError([RowProblem(name, number, "gold", f"not a gold row: {type(error).__name__}")]) from error
    return rows


# -- cards ---------------------------------------------------------------------------------------------


def card_names() -> list[str]:
    """Return the names of all installed task cards, sorted."""
    return sorted(registry.cards("task_cards"))


def load_card(name: str) -> TaskCard:
    """Load a built-in card by name. Raises UsageError with a suggestion for an unknown name."""
    entry = registry.cards("task_cards").get(name)
    if entry is None:
        raise UsageError(registry.unknown("task", name, card_names()))
    return parse_card(entry.read_text("utf-8"), name)


@lru_cache(maxsize=256)  # a card is frozen, and reading YAML takes milliseconds
def parse_card(text: str, name: str) -> TaskCard:
    """Parse a task card. Raises UsageError naming the first field that does not fit."""
    try:
        return TaskCard.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"task card {name} is not YAML") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise UsageError(f"task card {name}: {field}: {first['msg']}") from error


def resolve(name: str, split: str | None) -> tuple[TaskCard, str]:
    """Return the card and split that a user's words name: `judgebench` + `gpt`, or `judgebench-gpt`."""
    if name not in registry.cards("task_cards") and split is None:
        for known in card_names():
            if name.startswith(f"{known}-") and name.removeprefix(f"{known}-") in load_card(known).splits:
                return load_card(known), name.removeprefix(f"{known}-")
    card = load_card(name)
    names = list(card.splits) or ["test"]
    if split is not None and split not in names:
        raise UsageError(registry.unknown(f"split of {name}", split, names))
    return card, split or names[0]


def resource(path: str) -> Traversable:
    """Return a file packaged beside the built-in cards."""
    return files("judgebench.tasks").joinpath(path)


def packaged_gold(task: str, fingerprint: str) -> bytes | None:
    """Return the gold table shipped under a task's name if it has that sha256, else None."""
    entry = resource(f"gold/{task}.csv")
    data = entry.read_bytes() if entry.is_file() else b""
    return data if sha256(data) == fingerprint else None


def published_gold(task: str) -> list[GoldRow] | None:
    """Return the shipped gold table of a task (`judgebench-gpt`), or None when there is none."""
    entry = resource(f"gold/{task}.csv")
    return read_gold_table(entry.read_bytes(), f"tasks/gold/{task}.csv") if entry.is_file() else None


# -- items -----------------------------------------------------------------------------------------------


def make(card: TaskCard, split: str, rows: Iterable[Row | RowProblem]) -> Task:
    """Turn rows into a task. Raises DataError with every problem found; then nothing is returned.

    Rows that the reader itself could not read come as problems, and are reported with the others.
    """
    adapter: Adapter = registry.load("adapters", card.adapter)(card, split)
    collector = _Collector()
    for row in rows:
        if isinstance(row, RowProblem):
            collector.problems.append(row)
        else:
            collector.add(adapter, row)
    left_out, revision = dict(getattr(adapter, "dropped", {})), getattr(adapter, "revision", None)
    return Task(card, split, collector.finish(), left_out, revision)


def build(card: TaskCard, split: str, rows: Iterable[Row | RowProblem]) -> tuple[Item, ...]:
    """Turn rows into items, as `make` does."""
    return make(card, split, rows).items


class _Collector:
    """Collects items and problems, and finds duplicates, over one pass of the rows."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.problems: list[RowProblem] = []
        self.keys: dict[str, int] = {}
        self.ids: dict[str, int] = {}

    def add(self, adapter: Adapter, row: Row) -> None:
        try:
            self._unique(self.keys, adapter.key(row), row, "id")
            for item in adapter.items(row):
                self._unique(self.ids, item.id, row, "content")
                self.items.append(item)
        except RowError as error:
            self.problems.append(error.problem)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            self.problems.append(RowProblem(row.file, row.number, field, first["msg"]))

    @staticmethod
    def _unique(seen: dict[str, int], value: str | None, row: Row, field: str) -> None:
        if value is None:
            return
        if value in seen:
            raise row.problem(field, f"duplicate of row {seen[value]}: {value[:60]!r}")
        seen[value] = row.number

    def finish(self) -> tuple[Item, ...]:
        if self.problems:
            raise DataError(self.problems)
        return tuple(self.items)


def select(items: Sequence[Item], categories: Sequence[str], limit: int | None, seed: int) -> list[Item]:
    """Return the items a run judges, in dataset order.

    A limit takes the items with the smallest hash of (seed, id): a fixed random sample, so that a small
    limit is not all of one category and a larger one contains the smaller.
    """
    known = sorted({item.category for item in items})
    for category in categories:
        if category not in known:
            raise UsageError(registry.unknown("category", category, known))
    kept = [item for item in items if not categories or item.category in categories]
    if limit is None or limit >= len(kept):
        return kept
    chosen = {item.id for item in sorted(kept, key=lambda item: sha256(f"{seed}:{item.id}".encode()))[:limit]}
    return [item for item in kept if item.id in chosen]


def slug(text: str) -> str:
    """Return text as a name that is safe as a path on every system: `openai/GPT-4o` → `openai__gpt-4o`."""
    cleaned = re.sub(r"[^a-z0-9._-]+", "-", text.lower().replace("/", "__"))
    return cleaned.strip("-._")[:100] or "unnamed"


def is_device(name: str) -> bool:
    """Tell whether Windows keeps a name, with any suffix, for a device."""
    return _DEVICE.fullmatch(name) is not None


def locate(path: str) -> Path:
    """Return an existing data file's path. Raises UsageError when it is not there."""
    found = Path(path).expanduser()
    if not found.is_file():
        raise UsageError(f"no such data file: {path}")
    return found
