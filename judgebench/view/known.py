"""What is known of a run's items: their texts and gold where the task's data are at hand, else the gold alone."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from judgebench import sources
from judgebench import task as tasks
from judgebench.errors import JudgebenchError, RunError, UsageError
from judgebench.hashing import sha256
from judgebench.records import Item
from judgebench.run.plan import orders_of
from judgebench.spec import EvalConfig, Spec
from judgebench.task import GoldRow, Task

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
_CLIENTS = ("huggingface_hub.constants", "datasets.config")


@dataclass(frozen=True)
class Known:
    """What is known: `items` in the order of the dataset, `gold` by item id, `total` trials of the whole run.

    `missing` says why there are no items, and is empty where there are.
    """

    items: Mapping[str, Item] = field(default_factory=dict)
    gold: Mapping[str, GoldRow] = field(default_factory=dict)
    total: int | None = None
    missing: str = ""


def spec_of(manifest: Mapping[str, Any], directory: Path) -> Spec:
    """Return a run's spec. Raises RunError when it is of another version."""
    try:
        return Spec.model_validate(manifest["spec"])
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise RunError(f"{directory / 'manifest.json'} is damaged, or of another version: spec.{where}") from error


def known(directory: Path, spec: Spec, config: Mapping[str, Any] | None, data: str | None = None) -> Known:
    """Return what is known of a run's items. Nothing is asked of any other machine.

    `data` is a copy of the dataset. With it, data that cannot be read or are others than those judged raise
    UsageError, DataError or RunError; without it they are only missing.
    """
    try:
        task = _task(spec, config, data)
    except (JudgebenchError, OSError) as error:
        if data is not None:
            raise
        first = (str(error).splitlines() or ["no reason given"])[0]
        return Known(gold=_gold_alone(directory, spec), missing=first)
    chosen = tasks.select(task.items, spec.categories, spec.limit, spec.seed)
    independent = spec.judge.order_independent
    orders = sum(len(orders_of(len(item.candidates), spec.orders, order_independent=independent)) for item in chosen)
    return Known(
        items={item.id: item for item in task.items},
        gold={row.item: row for row in tasks.facts(task.items)},
        total=orders * spec.repeats,
    )


def _task(spec: Spec, config: Mapping[str, Any] | None, data: str | None) -> Task:
    try:
        asked = EvalConfig.model_validate(config or {"judge": spec.judge.name, "task": spec.task.name})
    except ValidationError:
        asked = EvalConfig(judge=spec.judge.name, task=spec.task.name)
    name, place = asked.task, data or asked.data
    if name.endswith(sources.FILE_SUFFIXES):
        name, place = place or name, None
        if not name.endswith(sources.FILE_SUFFIXES):
            raise UsageError(f"{name} is not a {', '.join(sources.FILE_SUFFIXES)} file, as the task's was")
    with offline():
        task = sources.load_task(name, asked.split, place, asked.drawn)
    if task.fingerprint != spec.task.fingerprint:
        raise RunError(f"the run judged another {spec.task.name} than {data or 'the one found now'}. Type: --data FILE")
    return task


def _gold_alone(directory: Path, spec: Spec) -> dict[str, GoldRow]:
    """Return the gold that was judged by: that beside the run, or the packaged one; else nothing."""
    name = spec.task.name
    places: list[Any] = [directory / "gold.csv"]
    places += [tasks.resource(f"gold/{name}.csv")] if tasks.slug(name) == name else []
    for place in places:
        if place.is_file() and sha256(table := place.read_bytes()) == spec.task.fingerprint:
            return {row.item: row for row in tasks.read_gold_table(table, str(place))}
    return {}


@contextmanager
def offline() -> Iterator[None]:
    """Keep the hub's clients to what they have cached, whether they are imported already or only now."""
    earlier = {name: os.environ.get(name) for name in OFFLINE}
    before = {client: _flags(client) for client in _CLIENTS}
    os.environ.update(dict.fromkeys(OFFLINE, "1"))
    for client, flags in before.items():
        _set(client, dict.fromkeys(flags, True))
    try:
        yield
    finally:
        for name, value in earlier.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        asked = any((value or "").upper() in {"1", "ON", "YES", "TRUE"} for value in earlier.values())
        for client, flags in before.items():
            _set(client, flags or dict.fromkeys(_flags(client), asked))


def _flags(client: str) -> dict[str, bool]:
    return {name: getattr(sys.modules[client], name) for name in OFFLINE if hasattr(sys.modules.get(client), name)}


def _set(client: str, flags: Mapping[str, bool]) -> None:
    for name, value in flags.items():
        setattr(sys.modules[client], name, value)
