"""A board whose every string would like to be more than text. It is filled by looking at the records' fields.

So a field that a record gets tomorrow is hostile by itself. What has to fit (hashes, counts, words of a fixed list)
fits: such a result gets past `validate`'s schema, and its strings reach the pages.
"""

import csv
import io
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pytest
import yaml
from annotated_types import Ge
from browser.boards import make_reported, share
from browser.outline import HOSTILE
from pydantic import BaseModel

from judgebench import registry
from judgebench.hashing import sha256
from judgebench.judges.card import JudgeCard
from judgebench.results import Counts, Metric, Result, VerdictRow, VerdictsFile
from judgebench.spec import Spec
from judgebench.task import TaskCard

TEXTS = [
    *HOSTILE,
    "<svg onload=alert(1)>",
    "<style>*{display:none}</style>",
    "--><!-- x -->",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    '=HYPERLINK("http://x.example","y")',
    "@SUM(A1:A9)",
    "-1+1",
    "../../../etc/passwd",
    "..\\..\\windows",
    "/etc/passwd",
    "%2e%2e%2fx",
    "con",
    "NUL.txt",
    ".htaccess",
    "index",
    "x" * 3000,
    "ɡpt-4о",  # noqa: RUF001 - look-alikes of g and o
    "[a](http://x.example) **b** `c` <b>",
    "{% for x in y %}{{ config }}{# #}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "a\r\nb\tc",
    "]]>&xxe;<!DOCTYPE x>",
    "\u202d\u2067\u061c",
    "e\u0301\u0300\u0308" * 40,
]  # fmt: skip
PLAIN = "plain"
"""What stands in every string of the board to compare with."""
HUGE = 1e308
ITEMS = 12

Model = TypeVar("Model", bound=BaseModel)


# -- records -------------------------------------------------------------------------------------------------


def filled(model: type[Model], text: str, **fixed: Any) -> Model:
    """Return a record whose every string, and every key, is the text; numbers are large."""
    values = {
        name: _value(field.annotation, text, field.metadata)
        for name, field in model.model_fields.items()
        if name not in fixed
    }
    return model(**values, **fixed)


def _value(kind: Any, text: str, constraints: list[Any]) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if any(getattr(one, "pattern", None) for one in constraints):
        return "hostile"
    if origin in (Union, types.UnionType):
        return _value(next(part for part in parts if part is not type(None)), text, constraints)
    made: Any
    if origin is Literal:
        made = parts[0]
    elif origin is dict:
        made = {_value(parts[0], text, []): _value(parts[1], text, [])}
    elif origin in (tuple, list):
        made = [_value(part, text, []) for part in parts if part is not Ellipsis]
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        made = filled(kind, text)
    elif kind in (bool, int, float):
        made = next((one.ge for one in constraints if isinstance(one, Ge)), {bool: False, int: 7, float: HUGE}[kind])
    else:
        assert kind in (str, Any), f"no hostile value for {kind}: say here what it is"
        made = text
    return made


def strings(value: Any) -> list[str]:
    """Return every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for entry in value.values() for text in strings(entry)]
    return [text for entry in value for text in strings(entry)] if isinstance(value, list | tuple) else []


# -- results -------------------------------------------------------------------------------------------------


def gold(text: str) -> bytes:
    """Return a gold table whose ids, categories and sources are hostile."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["item", "category", "source", "gold", "traits"])
    for n in range(ITEMS):
        label, traits = ("A>B", "B>A")[n % 2], f'{{"difficulty": {n % 4}}}'
        writer.writerow([f"{text}{n}", f"{text}{n % 3}", f"{text}{n // 2}", label, traits])
    return out.getvalue().encode()


def verdicts(text: str, number: int) -> bytes:
    """Return a judge's verdicts over these items: some wrong, one unreadable, each with a confidence."""
    rows = []
    for n in range(ITEMS):
        for order in ((0, 1), (1, 0)):
            right = ("A>B", "B>A")[(n + order[0]) % 2]
            wrong = ("B>A", "A>B")[(n + order[0]) % 2]
            said = wrong if (n * 7 + number) % 5 == 0 else right
            fields = {"fault": "unparsed"} if n == number else {"preference": said, "confidence": 0.5 + n / 30}
            rows.append(VerdictRow(item=f"{text}{n}", order=order, **fields))
    return "".join(row.model_dump_json(exclude_none=True) + "\n" for row in rows).encode()


def result(text: str, task: str, number: int, **changes: Any) -> Result:
    """Return a result that is like others in what has to fit and hostile in everything else."""
    filled_spec = filled(Spec, text).model_dump()
    filled_spec["task"] |= {"name": task, "fingerprint": sha256(gold(text)), "items": ITEMS, "version": 1}
    filled_spec["task"] |= {"headline": changes.pop("headline", "accuracy")}
    filled_spec["judge"] |= {"name": f"{text}{number}"} | changes.pop("judge", {})
    filled_spec |= {"categories": (), "limit": None, "repeats": 1, "version": 1} | changes.pop("spec", {})
    spec = Spec.model_validate(filled_spec)
    metrics = {name: share(0.4 + number / 10, ITEMS, 0.1) for name in ("accuracy", "consistency", "unreadable_rate")}
    metrics |= {
        "position_bias": Metric(value=0.1, n=ITEMS, low=0.0, high=0.2),
        text: Metric(value=HUGE, n=7, low=-HUGE, high=HUGE),
    }
    fixed = {
        "schema_version": 1, "spec": spec, "spec_sha256": spec.hash, "metrics": metrics,
        "by_category": {f"{text}{n}": metrics for n in range(3)},
        "counts": Counts(items=ITEMS, trials=2 * ITEMS, verdicts=2 * ITEMS),
        "verdicts": VerdictsFile(sha256=sha256(verdicts(text, number)), rows=2 * ITEMS), "cost": 0.5 + number,
    }  # fmt: skip
    return filled(Result, text, **fixed | changes)


def results(text: str) -> list[tuple[int, Result]]:
    """Return results for every group of two tasks, with the number that their verdicts go by."""
    one, two = f"{text}a", f"{text}b"
    found = [(n, result(text, one, n)) for n in range(4)]
    found.append((4, result(text, one, 4, judge={"kind": "null"})))
    found.append((5, result(text, one, 5, demonstration=True)))
    found.append((2, result(text, one, 2, spec={"seed": 5})))
    found.append((6, result(text, one, 6, spec={"limit": 7, "categories": (text,)})))
    found.append((1, result(text, two, 1, headline=text, judge={"context": None, "weights": None})))
    found.append((2, result(text, two, 2, headline=text, judge={"model": None}, environment=None)))
    return found


def save(folder: Path, text: str) -> Path:
    """Write a hostile results folder. Its own paths are plain: what is in the files must choose none."""
    for at, (number, found) in enumerate(results(text)):
        path = folder / f"judge-{at}" / "task.json"
        path.parent.mkdir(parents=True)
        path.write_text(found.model_dump_json(), "utf-8")
        path.with_suffix(".verdicts.jsonl").write_bytes(verdicts(text, number))
        path.with_suffix(".gold.csv").write_bytes(gold(text))
    reported(folder / "reported" / "published.csv", text)
    return folder


def reported(path: Path, text: str) -> None:
    """Write hostile reported numbers."""
    path.parent.mkdir()
    entry = make_reported(text, text, text)
    names = [f"{text}{n}" for n in range(2)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["judge", "model", "kind", *(f"{p}_{n}" for p in ("correct", "items") for n in names), "source"]
        )
        writer.writerow([entry.judge, entry.model, entry.kind, 1, 2, 3, 4, text])


# -- cards ---------------------------------------------------------------------------------------------------


class Entry:
    """A card's file, as the registry hands it out."""

    def __init__(self, card: BaseModel) -> None:
        self._text = yaml.safe_dump(card.model_dump(mode="json"), allow_unicode=False)

    def read_text(self, encoding: str) -> str:
        return self._text


@contextmanager
def installed(text: str) -> Iterator[None]:
    """Have hostile cards installed for the tasks and judges of the board, and forget what was known of others."""
    splits = {"test": filled(TaskCard, text).splits[text].model_copy(update={"gold": None})}
    task = filled(TaskCard, text, metric="accuracy", splits=splits)
    known = {
        "task_cards": {f"{text}{end}": Entry(task) for end in "ab"},
        "judge_cards": {f"{text}{n}": Entry(filled(JudgeCard, text)) for n in range(3)},
    }
    cards = registry.cards
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(registry, "cards", lambda group: cards(group) | known.get(group, {}))
        _forget()
        yield
    _forget()


def _forget() -> None:
    """Empty what the board's modules keep from one build to the next: cards are looked up once."""
    for name, module in sys.modules.items():
        if name.startswith("judgebench.leaderboard."):
            for value in vars(module).values():
                if callable(getattr(value, "cache_clear", None)):
                    value.cache_clear()
