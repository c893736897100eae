"""What a source is: rows of a dataset in, questions with a checkable answer out, as a stream.

A card (YAML in `sources/cards`, or the user's own) names the source's class and the dataset, with its licence and
its revision. The class turns a row into a question; those of graded pools bring responses with it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import Field, ValidationError

from judgebench import registry
from judgebench.errors import DataError, MissingPrerequisite, RowProblem, UsageError
from judgebench.pairs.records import Question, Response
from judgebench.pairs.sources.reading import Stream, fingerprint, stream
from judgebench.records import Record
from judgebench.task import Hub, Row, RowError

CARDS = "pair_source_cards"
MOST_PROBLEMS = 200
"""Bad rows that are named one by one; the rest is counted."""


class SourceCard(Record):
    """A dataset of questions: where it lies, what its rows mean, and who may use it.

    `source` is the class (`judgebench.pair_sources` entry points). `hub` has the pinned revision; without it the data
    is given with --data, and `evidence` says where to get it. `split` is the hub's. `exclude` has the keys of rows
    that are left out, each with the reason. `prompt` is a Jinja template over the row's fields; `fields`, `grader`,
    `category` and `params` are read by the class.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    summary: str = ""
    source: str
    hub: Hub | None = None
    split: str = "test"
    grader: str | None = None
    category: str | None = None
    prompt: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    params: dict[str, Any] = Field(default_factory=dict)
    exclude: dict[str, str] = Field(default_factory=dict)
    licence: str | None = None
    citation: str | None = None
    evidence: str = ""


@dataclass(frozen=True)
class SourceOptions:
    """What the user says of a source: a local copy of its data, and which release of it (see the class).

    `unsafe_local` allows a source to run its dataset's programs without a sandbox where there is none.
    """

    data: Path | None = None
    release: str | None = None
    unsafe_local: bool = False


NO_OPTIONS = SourceOptions()


@dataclass(frozen=True)
class Entry:
    """A question, and the responses that the dataset itself brings."""

    question: Question
    responses: tuple[Response, ...] = ()


class Source:
    """Base of all sources. Subclasses implement `question`, or `entries` where a row is more or less than one.

    `version` is raised whenever the same row would become another question. `dropped` counts, by reason, the rows
    that are left out on purpose. Fields are read with `judgebench.tasks.fields`; what does not fit is raised as
    `row.problem(field, text)`.
    """

    version: ClassVar[int] = 1
    pooled: ClassVar[bool] = False
    """Whether the dataset brings responses."""
    releases: ClassVar[bool] = False
    """Whether `--release` means anything here."""

    def __init__(self, card: SourceCard, options: SourceOptions = NO_OPTIONS) -> None:
        if options.release is not None and not self.releases:
            raise UsageError(f"source {card.name} has no releases: leave out --release {options.release}")
        self.card = card
        self.options = options
        self.dropped: Counter[str] = Counter()
        self._revision: str | None = None

    @property
    def revision(self) -> str:
        """Return what pins the data: the hub's revision, or the sha256 of the local copy."""
        if self._revision is None:
            data = self.options.data
            self._revision = fingerprint(data) if data else self._hub().revision
        return self._revision

    def question(self, row: Row) -> Question | None:
        """Return a row's question; None when it is left out, which `self.drop(reason)` has counted."""
        raise NotImplementedError

    def entries(self, rows: Stream) -> Iterator[Entry | RowProblem]:
        """Yield the entries of all rows, and the problems of those that cannot be used."""
        for row in rows:
            if isinstance(row, RowProblem):
                yield row
                continue
            try:
                question = self.question(row)
            except RowError as error:
                yield error.problem
            else:
                if question is not None and not self.excluded(question.key):
                    yield Entry(question)

    def rows(self) -> Stream:
        """Yield the rows of the local copy, or of the hub at the card's revision."""
        return self.open(self.options.data) if self.options.data else self._hub_rows()

    def open(self, path: Path) -> Stream:
        """Yield the rows of a local copy: a file, or every data file of a folder."""
        return stream(path)

    def read(self) -> Iterator[Entry]:
        """Yield all entries, as a stream. Raises DataError at its end, with every row that cannot be used."""
        problems: list[RowProblem] = []
        more = 0
        for entry in self.entries(self.rows()):
            if isinstance(entry, Entry):
                yield entry
            elif len(problems) < MOST_PROBLEMS:
                problems.append(entry)
            else:
                more += 1
        if more:
            problems.append(RowProblem(problems[0].file, 0, "", f"{more} more rows cannot be used"))
        if problems:
            raise DataError(problems)

    def make(self, row: Row, *, key: str, prompt: str, gold: dict[str, Any], **fields: Any) -> Question:
        """Build a question of this source. Category and grader are the card's unless given.

        `subject` (in `meta`) says what a category's question is about, where the dataset knows it.
        """
        values = {"category": self.card.category, "grader": self.card.grader} | fields
        for name, value in values.items():
            if name in ("category", "grader") and not value:
                raise row.problem(name, f"neither the row nor source card {self.card.name} says which")
        return Question.make(
            key=key, source=self.card.name, prompt=prompt, gold=gold, licence=self.card.licence,
            revision=self.revision, **values,
        )  # fmt: skip

    def drop(self, reason: str) -> None:
        """Count a row that is left out on purpose."""
        self.dropped[reason] += 1

    def excluded(self, key: str) -> bool:
        """Return whether the card leaves a key out, and count it."""
        reason = self.card.exclude.get(key)
        if reason is not None:
            self.drop(f"excluded: {reason}")
        return reason is not None

    def param(self, name: str) -> Any:
        """Return one of the card's `params`. Raises UsageError when the card does not state it."""
        if name not in self.card.params:
            raise UsageError(f"source card {self.card.name}: params.{name} is missing, and {self.card.source} needs it")
        return self.card.params[name]

    def _hub(self) -> Hub:
        if self.card.hub is None:
            raise UsageError(
                f"source {self.card.name} pins no dataset on the hub. Type: --data FILE. {self.card.evidence}".rstrip()
            )
        return self.card.hub

    def _hub_rows(self) -> Stream:
        hub = self._hub()
        try:
            if hub.files:
                from huggingface_hub import hf_hub_download

                for name in hub.files:
                    yield from stream(Path(hf_hub_download(hub.repo, name, repo_type="dataset", revision=hub.revision)))
                return
            from datasets import load_dataset

            found = load_dataset(hub.repo, hub.config, split=self.card.split, revision=hub.revision, streaming=True)
            for number, data in enumerate(found, start=1):
                yield Row(hub.repo, number, dict(data))
        except GeneratorExit:
            raise
        except Exception as error:
            # The hub client raises dozens of types, from httpx2 to OSError; each means: not to be had now.
            raise MissingPrerequisite(
                f"cannot read {hub.repo} at {hub.revision[:8]} from the hub ({type(error).__name__}). "
                "With a local copy, type: --data FILE"
            ) from error


def load_source(name: str, options: SourceOptions = NO_OPTIONS) -> Source:
    """Load a source by its card's name, or from the user's own card (`my.yaml`). Raises UsageError."""
    card = _own_card(Path(name)) if name.endswith((".yaml", ".yml")) else _built_in(name)
    source: Source = registry.load("pair_sources", card.source)(card, options)
    return source


def source_names() -> list[str]:
    """Return the names of all installed source cards, sorted."""
    return sorted(registry.cards(CARDS))


def _built_in(name: str) -> SourceCard:
    entry = registry.cards(CARDS).get(name)
    if entry is None:
        raise UsageError(registry.unknown("source", name, source_names()))
    return parse_card(entry.read_text("utf-8"), name)


def _own_card(path: Path) -> SourceCard:
    try:
        return parse_card(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read source card {path}: {error}") from error


def parse_card(text: str, name: str) -> SourceCard:
    """Parse a source card. Raises UsageError naming the first field that does not fit."""
    try:
        return SourceCard.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"source card {name} is not YAML") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise UsageError(f"source card {name}: {field}: {first['msg']}") from error
