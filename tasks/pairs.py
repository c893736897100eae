"""Pairs in JudgeBench's layout, or in any other that a card's field map describes.

Canonical fields: `id`, `question`, `response_a`, `response_b`, `label`, `source`; optional `model`,
`reference`, `rubric`, `persona`, `source_question`, `traits` (an object of numbers). `card.fields` maps them to the
dataset's own names, `card.labels` its labels to `A>B`, `B>A`, `A=B`, and `card.categories` its sources (exact, or by
the longest prefix ending in `*`) to categories.
"""

from collections.abc import Iterable
from typing import Any, get_args

from judgebench.hashing import short_id
from judgebench.records import Candidate, Item, Label, Preference, Turn
from judgebench.task import Row, TaskCard

REQUIRED = ("id", "question", "response_a", "response_b", "label")
OPTIONAL = ("source", "model", "reference", "rubric", "persona", "source_question", "traits")
LABELS: tuple[str, ...] = get_args(Label)


class PairsAdapter:
    """One row, one pair."""

    def __init__(self, card: TaskCard, split: str) -> None:
        self.card = card
        self.task = card.name if len(card.splits) <= 1 else f"{card.name}-{split}"
        self.fields = {name: card.fields.get(name, name) for name in (*REQUIRED, *OPTIONAL)}

    def key(self, row: Row) -> str | None:
        """Return the row's own id."""
        return self._text(row, "id")

    def items(self, row: Row) -> Iterable[Item]:
        """Return the row's pair."""
        missing = [self.fields[name] for name in REQUIRED if self.fields[name] not in row.data]
        if missing:
            raise row.problem(missing[0], f"missing field{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
        question = self._text(row, "question")
        source = self._optional(row, "source") or ""
        model = self._optional(row, "model")
        yield Item.make(
            key=self._text(row, "id"),
            task=self.task,
            category=self.category(source),
            # The question's text, not its upstream id: official ids repeat, and are null for most rows.
            source_id=self._optional(row, "source_question") or short_id(question),
            turns=(Turn(role="user", content=question),),
            candidates=tuple(Candidate(content=self._response(row, name), model=model) for name in "ab"),
            gold=Preference(label=self._label(row)),
            reference=self._optional(row, "reference"),
            rubric=self._optional(row, "rubric"),
            persona=self._optional(row, "persona"),
            traits=self._traits(row),
            meta={"key": self._text(row, "id"), "source": source},
        )

    def category(self, source: str) -> str:
        """Return the category of a source: exact, else the longest matching prefix, else the source itself."""
        table = self.card.categories
        prefixes = [p for p in table if p.endswith("*") and source.startswith(p[:-1])]
        return table.get(source) or (table[max(prefixes, key=len)] if prefixes else source or "all")

    def _label(self, row: Row) -> Label:
        raw = row.data[self.fields["label"]]
        label = self.card.labels.get(str(raw), raw)
        if label not in LABELS or (label == "A=B" and not self.card.ties):
            known = [*self.card.labels, *(name for name in LABELS if self.card.ties or name != "A=B")]
            raise row.problem(self.fields["label"], f"unknown label {raw!r}; known: {', '.join(known)}")
        return label  # type: ignore[no-any-return]  # membership in LABELS was just checked

    def _traits(self, row: Row) -> dict[str, float]:
        field = self.fields["traits"]
        value = row.data.get(field) or {}
        numbers = isinstance(value, dict) and all(
            isinstance(number, int | float) and not isinstance(number, bool) for number in value.values()
        )
        if not numbers:
            raise row.problem(field, "expected an object of numbers")
        return {name: float(number) for name, number in value.items()}

    def _response(self, row: Row, side: str) -> str:
        return self._text(row, f"response_{side}", blank=True)

    def _optional(self, row: Row, name: str) -> str | None:
        return self._text(row, name, blank=True) if row.data.get(self.fields[name]) is not None else None

    def _text(self, row: Row, name: str, *, blank: bool = False) -> str:
        field = self.fields[name]
        value: Any = row.data.get(field)
        if isinstance(value, int) and not isinstance(value, bool) and name == "id":
            value = str(value)
        if not isinstance(value, str):
            kind = "missing field" if field not in row.data else f"expected text, found {type(value).__name__}"
            raise row.problem(field, kind)
        if not blank and not value.strip():
            raise row.problem(field, "empty text")
        return value
