"""The list of a run's items, small enough to be loaded at once: what the page filters, searches and sorts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from judgebench.records import Item, text_of
from judgebench.task import GoldRow
from judgebench.view.details import gold_text
from judgebench.view.outcomes import UNREADABLE, Entry, Outcome
from judgebench.view.texts import excerpt

EXCERPT = 100
"""Characters of a question in the list."""
PART_ITEMS = 100
PART_BYTES = 500_000
"""What one file of texts holds at most, unless a single item is longer."""
FIELDS = ("item", "repeat", "category", "bits", "badge", "tone", "line", "numbers")
NO_CATEGORY = "(no category)"


@dataclass(frozen=True)
class Filter:
    """A property that entries are filtered by, offered where it applies to any."""

    name: str
    label: str
    holds: Callable[[Entry], bool]
    applies: Callable[[Entry], bool]


FILTERS = (
    Filter("wrong", "Wrong", lambda entry: entry.right is False, lambda entry: entry.right is not None),
    Filter("flipped", "Flipped", lambda entry: entry.flipped, lambda entry: entry.several and len(entry.outcomes) > 1),
    Filter("unreadable", "Unreadable", lambda entry: entry.unreadable, lambda _: True),
    Filter("ties", "Ties", lambda entry: entry.tied, lambda entry: entry.several),
)


@dataclass(frozen=True)
class Sort:
    """An order of the list: by a number, its highest first, entries that have none last."""

    name: str
    label: str
    value: Callable[[Entry], float | None]


def _total(number: Callable[[Outcome], float | None]) -> Callable[[Entry], float | None]:
    def value(entry: Entry) -> float | None:
        found = [found for outcome in entry.outcomes if (found := number(outcome)) is not None]
        return sum(found) if found else None

    return value


def _least_confident(entry: Entry) -> float | None:
    found = [outcome.row.confidence for outcome in entry.outcomes if outcome.row.confidence is not None]
    return -min(found) if found else None


def _distance(entry: Entry) -> float | None:
    found = [outcome.credit for outcome in entry.outcomes if outcome.credit is not None and isfinite(outcome.credit)]
    return max(found) if found and entry.shape == "pointwise" else None


def _tokens(outcome: Outcome) -> int | None:
    known = [n for n in (outcome.trial.usage.input, outcome.trial.usage.output) if n is not None]
    return sum(known) if known else None


SORTS = (
    Sort("far", "Furthest from gold", _distance),
    Sort("unsure", "Least confident", _least_confident),
    Sort("sure", "Most confident", lambda entry: None if (found := _least_confident(entry)) is None else -found),
    Sort("tokens", "Most tokens", _total(_tokens)),
    Sort("slow", "Slowest", _total(lambda outcome: outcome.trial.seconds or None)),
    Sort("dear", "Dearest", _total(lambda outcome: outcome.trial.cost or None)),
)


@dataclass(frozen=True)
class Listing:
    """The entries as the page has them. `items` are ids in the list's order, `parts` the first item of each file."""

    items: tuple[str, ...]
    entries: tuple[Entry, ...]
    parts: tuple[int, ...]
    categories: tuple[str, ...]
    repeats: tuple[int, ...]
    filters: tuple[tuple[Filter, int], ...]
    sorts: tuple[Sort, ...]


def listing(entries: Sequence[Entry], items: Mapping[str, Item], gold: Mapping[str, GoldRow]) -> Listing:
    """Return the list: items in the dataset's order where that is known, else by id; repeats in turn."""
    place = {item: number for number, item in enumerate(items)}
    ordered = sorted(entries, key=lambda entry: (place.get(entry.item, len(place)), entry.item, entry.repeat))
    ids = tuple(dict.fromkeys(entry.item for entry in ordered))
    offered = [one for one in FILTERS if any(map(one.applies, ordered))]
    return Listing(
        items=ids,
        entries=tuple(ordered),
        parts=_parts(ids, _sizes(ordered, items)),
        categories=tuple(sorted({_category(item, gold) for item in ids})),
        repeats=tuple(sorted({entry.repeat for entry in ordered})),
        filters=tuple((one, sum(map(one.holds, ordered))) for one in offered),
        sorts=tuple(sort for sort in SORTS if any(sort.value(entry) is not None for entry in ordered)),
    )


def _category(item: str, gold: Mapping[str, GoldRow]) -> str:
    return (gold[item].category if item in gold else "") or NO_CATEGORY


def _sizes(entries: Iterable[Entry], items: Mapping[str, Item]) -> dict[str, int]:
    """Return about how many bytes each item's texts have."""
    sizes: dict[str, int] = {}
    for entry in entries:
        if entry.item not in sizes:
            item = items.get(entry.item)
            turns, candidates = (item.turns, item.candidates) if item else ((), ())
            contents = [*(turn.content for turn in turns), *(candidate.content for candidate in candidates)]
            sizes[entry.item] = sum(len(text_of(content)) for content in contents)
        sizes[entry.item] += sum(outcome.trial.size for outcome in entry.outcomes)
    return sizes


def _parts(items: Sequence[str], sizes: Mapping[str, int]) -> tuple[int, ...]:
    starts: list[int] = []
    room = 0
    for number, item in enumerate(items):
        if not starts or number - starts[-1] == PART_ITEMS or sizes[item] > room:
            starts.append(number)
            room = PART_BYTES
        room -= sizes[item]
    return tuple(starts)


def data(found: Listing, items: Mapping[str, Item], gold: Mapping[str, GoldRow]) -> dict[str, Any]:
    """Return the list as JSON.

    An entry has the values of `FIELDS`: item and category are places in their lists, `bits` those of the filters that
    hold, `numbers` what it is sorted by.
    """
    place = {item: number for number, item in enumerate(found.items)}
    category = {name: number for number, name in enumerate(found.categories)}
    return {
        "ids": found.items,
        "excerpts": [_excerpt(items.get(item)) for item in found.items],
        "parts": found.parts,
        "fields": FIELDS,
        "categories": found.categories,
        "filters": [one.name for one, _ in found.filters],
        "sorts": [sort.name for sort in found.sorts],
        "entries": [
            [
                place[entry.item],
                entry.repeat,
                category[_category(entry.item, gold)],
                sum(int(one.holds(entry)) << bit for bit, (one, _) in enumerate(found.filters)),
                entry.badge,
                _tone(entry),
                _line(entry, gold.get(entry.item)),
                [sort.value(entry) for sort in found.sorts],
            ]
            for entry in found.entries
        ],
    }


def _tone(entry: Entry) -> str:
    if entry.badge == UNREADABLE:
        return "warn"
    return "" if entry.right is None or entry.partly else "good" if entry.right else "bad"


def _line(entry: Entry, gold: GoldRow | None) -> str:
    """Return what stands under the question: category, decisions by presented order, gold, what is unusual."""
    parts = [gold.category if gold else "", " / ".join(outcome.says for outcome in entry.outcomes)]
    parts += [f"gold {gold_text(gold.gold)}" if gold else "", "flipped" if entry.flipped else ""]
    return " · ".join(filter(None, [*parts, f"repeat {entry.repeat}" if entry.repeat else ""]))


def _excerpt(item: Item | None) -> str:
    """Return the beginning of the question: of the last turn."""
    return excerpt(text_of(item.turns[-1].content), EXCERPT) if item and item.turns else ""
