"""Where rows come from: a local file, a file packaged with the card, or the hub at a pinned revision."""

import csv
import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from judgebench import registry
from judgebench import task as tasks
from judgebench.errors import DataError, MissingPrerequisite, RowProblem, UsageError
from judgebench.task import Hub, Row, Split, Task, TaskCard

FILE_SUFFIXES = (".jsonl", ".json", ".csv")
CARD_SUFFIXES = (".yaml", ".yml")


def load_task(
    name: str, split: str | None = None, data: str | None = None, drawn: Mapping[str, Any] | None = None
) -> Task:
    """Load a task by name, from a card (`my.yaml`), or from a file in JudgeBench's layout (`my.jsonl`).

    `data` is a local copy of the dataset; without it the environment variable JUDGEBENCH_DATA (a file or a
    folder), then the packaged file, then the hub. A known split must hold exactly its known content. A generated
    task comes from nowhere; `drawn` are the params that take the place of its card's (seed, items, levels).
    Raises UsageError, DataError or MissingPrerequisite.
    """
    if name.endswith(FILE_SUFFIXES):
        if data is not None:
            raise UsageError(f"--data {data} and --task {name} are both data files. Leave one out")
        _refuse_drawing(name, drawn)
        return _own(_file_card(name), "test", Path(name))
    if name.endswith(CARD_SUFFIXES):
        return _from_card(Path(name), split, data, drawn)
    card, split = tasks.resolve(name, split)
    if (generated := _generated(card, split, data, drawn)) is not None:
        return generated
    known = card.splits.get(split, Split())
    path = _local(card, split, known, data)
    if path is not None:
        task = _own(card, split, path)
        _verify(task, known, path)
        return task
    if known.path is not None:
        entry = tasks.resource(known.path)
        return tasks.make(card, split, rows(entry.read_bytes(), known.path))
    task = tasks.make(card, split, hub_rows(card, split, known))
    _verify(task, known, None)
    return task


def _file_card(name: str) -> TaskCard:
    official = tasks.load_card("judgebench")
    stem = tasks.slug(Path(name).stem)
    return TaskCard(
        name=stem, title=stem, adapter="pairs", fields=official.fields, categories=official.categories, ties=True,
        summary="A file of pairs in JudgeBench's layout", metric=official.metric,
    )  # fmt: skip


def is_generated(card: TaskCard) -> bool:
    """Return whether a task's rows come from its adapter, and from no file."""
    return hasattr(registry.load("adapters", card.adapter), "generate")


def _generated(card: TaskCard, split: str, data: str | None, drawn: Mapping[str, Any] | None) -> Task | None:
    """Return the task of an adapter that makes its rows itself, None for any other."""
    if not is_generated(card):
        _refuse_drawing(card.name, drawn)
        return None
    if data is not None:
        raise UsageError(f"task {card.name} is generated: it has no --data. To judge a file of pairs: --task {data}")
    card = card.model_copy(update={"params": {**card.params, **(drawn or {})}})
    return tasks.make(card, split, registry.load("adapters", card.adapter)(card, split).generate())


def _refuse_drawing(name: str, drawn: Mapping[str, Any] | None) -> None:
    if drawn:
        raise UsageError(
            f"--task-seed, --difficulty and --items are for generated tasks, which {name} is not. "
            "Type: --task verifiable"
        )


def _from_card(path: Path, split: str | None, data: str | None, drawn: Mapping[str, Any] | None) -> Task:
    try:
        card = tasks.parse_card(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read task card {path}: {error}") from error
    split = split or next(iter(card.splits), "test")
    if (generated := _generated(card, split, data, drawn)) is not None:
        return generated
    known = card.splits.get(split, Split())
    if data is not None:
        return _own(card, split, Path(data))
    if known.path is not None:
        # A card may point beside itself, not anywhere else.
        inside = (path.parent / known.path).resolve()
        if not inside.is_relative_to(path.parent.resolve()):
            raise UsageError(f"task card {path}: splits.{split}.path leaves the card's folder: {known.path}")
        return _own(card, split, inside)
    return tasks.make(card, split, hub_rows(card, split, known))


def _own(card: TaskCard, split: str, path: Path) -> Task:
    return tasks.make(card, split, local_rows(card, split, path))


def _local(card: TaskCard, split: str, known: Split, data: str | None) -> Path | None:
    given = data or os.environ.get("JUDGEBENCH_DATA")
    if given is None:
        return None
    path = Path(given).expanduser()
    if not path.is_dir():
        # The variable is meant for whichever task has no data of its own; a packaged task does.
        return tasks.locate(given) if data is not None or known.path is None else None
    names = [known.filename] if known.filename else []
    names += [f"{card.name}-{split}.jsonl", f"{card.name}.jsonl"]
    found = next((path / name for name in names if (path / name).is_file()), None)
    if found is None and _opener(card, split) is not None:
        return _opened(path, card, data)
    if found is None and data is not None:
        raise UsageError(f"no file for {card.name} ({split}) in {data}. Looked for: {', '.join(names)}")
    return found


def _opened(folder: Path, card: TaskCard, data: str | None) -> Path | None:
    """Return the folder for an adapter to open: the card's own inside it, else the folder itself."""
    if (folder / card.name).is_dir():
        return folder / card.name
    # The variable is meant for all tasks: it does not hide the hub from one that it may not hold.
    return folder if data is not None or card.hub is None else None


def _verify(task: Task, known: Split, path: Path | None) -> None:
    """Refuse data that claims to be a known split and is not: its number would not be comparable."""
    what = f"{path}" if path else f"{task.card.hub.repo if task.card.hub else 'the hub dataset'}"
    if known.gold is None and known.items not in (None, len(task.items)):
        raise UsageError(f"{what} is not the known {task.name}: {len(task.items)} items, not {known.items}")
    if known.gold is None or task.fingerprint == known.gold:
        return
    shipped = {row.item for row in tasks.published_gold(task.name) or []}
    missing = len(shipped - {item.id for item in task.items})
    advice = f" To judge it as your own task, type: --task {path}" if path and task.card.adapter == "pairs" else ""
    raise UsageError(
        f"{what} is not the known {task.name}: {len(task.items)} items, {missing} of the {known.items} known ones "
        f"missing or changed.{advice}"
    )


# -- reading -------------------------------------------------------------------------------------------


def _opener(card: TaskCard, split: str) -> Callable[[Path], Iterable[Row | RowProblem]] | None:
    return getattr(registry.load("adapters", card.adapter)(card, split), "open", None)


def local_rows(card: TaskCard, split: str, path: Path) -> Iterable[Row | RowProblem]:
    """Return the rows of a local file, or of whatever else the card's adapter opens (see `Adapter`).

    Raises UsageError when the path does not exist, or is a folder and the adapter reads one file.
    """
    opener = _opener(card, split)
    if opener is None or not path.is_dir():
        path = tasks.locate(str(path))
    return rows(path.read_bytes(), str(path)) if opener is None else opener(path)


def rows(data: bytes, name: str) -> list[Row | RowProblem]:
    """Parse a file's bytes into rows by its suffix: JSON lines, a JSON array, or CSV with a header; `.gz` of any.

    Rows that cannot be read come back as problems in their place. Raises DataError when the whole file
    cannot be: wrong encoding, empty, or an array that is not one.
    """
    if name.endswith(".gz"):
        data, name = _unpacked(data, name), name.removesuffix(".gz")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise DataError([RowProblem(name, row, "", f"not UTF-8 at byte {error.start}")]) from error
    if not text.strip():
        raise DataError([RowProblem(name, 0, "", "the file is empty")])
    if name.endswith(".csv"):
        return list(_csv_rows(text, name))
    return list(_array(text, name) if text.lstrip().startswith("[") else _lines(text, name))


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError([RowProblem(name, 0, "", f"not gzip, or cut: {error}")]) from error


def _csv_rows(text: str, name: str) -> Iterator[Row | RowProblem]:
    csv.field_size_limit(sys.maxsize)  # of the process: a response may be longer than 128 KiB
    try:
        found = list(csv.DictReader(io.StringIO(text)))
    except csv.Error as error:
        raise DataError([RowProblem(name, 0, "", f"not CSV: {error}")]) from error
    for number, data in enumerate(found, start=2):
        if None in data or None in data.values():
            yield RowProblem(name, number, "", "the number of cells is not that of the header")
        else:
            yield Row(name, number, dict(data))


def _lines(text: str, name: str) -> Iterator[Row | RowProblem]:
    # Not splitlines(): U+2028 and its like are legal inside JSON strings.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _row(line, name, number)


def _array(text: str, name: str) -> Iterator[Row | RowProblem]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError([RowProblem(name, 0, "", f"not a JSON array: {error}")]) from error
    for number, value in enumerate(values, start=1):
        yield _object(value, name, number)


def _row(line: str, name: str, number: int) -> Row | RowProblem:
    try:
        return _object(json.loads(line), name, number)
    except RecursionError:
        return RowProblem(name, number, "", "not JSON: nested too deeply")
    except ValueError as error:
        return RowProblem(name, number, "", f"not JSON: {error}")


def _object(value: Any, name: str, number: int) -> Row | RowProblem:
    if not isinstance(value, dict):
        return RowProblem(name, number, "", f"expected a JSON object, found {type(value).__name__}")
    return Row(name, number, value)


def hub_rows(card: TaskCard, split: str, known: Split) -> Iterator[Row | RowProblem]:
    """Yield a split's rows from the hub, at the card's pinned revision.

    Raises MissingPrerequisite when the hub cannot be reached and nothing is cached.
    """
    if card.hub is None:
        raise UsageError(f"task {card.name} has no dataset of its own. Type: --data FILE")
    try:
        found = _hub_folder(card.hub) if card.hub.files else _hub_dataset(card.hub, known.hub_split or split)
    except Exception as error:
        # The hub client raises dozens of types, from httpx2 to OSError; each means: not to be had now.
        raise MissingPrerequisite(
            f"cannot load {card.hub.repo} at {card.hub.revision[:8]} from the hub ({type(error).__name__}). "
            f"With a local copy, type: --data FILE"
        ) from error
    if isinstance(found, Path):
        yield from local_rows(card, split, found)
        return
    for number, row in enumerate(found, start=1):
        yield Row(card.hub.repo, number, dict(row))


def _hub_dataset(hub: Hub, split: str) -> Any:
    from datasets import load_dataset

    return load_dataset(hub.repo, hub.config, split=split, revision=hub.revision)


def _hub_folder(hub: Hub) -> Path:
    """Fetch the hub's named files and return their folder: all stand in one snapshot of the revision."""
    from huggingface_hub import hf_hub_download

    paths = [hf_hub_download(hub.repo, name, repo_type="dataset", revision=hub.revision) for name in hub.files]
    return Path(paths[0].removesuffix(hub.files[0]))
