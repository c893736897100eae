"""Any number of generated pairs to a file or pipe: in constant memory, on several cores, the same bytes on all of them.

Pairs are made in blocks of a fixed size; each core makes whole blocks, and they are written in order. So the number of
cores changes nothing but the time.
"""

import gzip
import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import orjson
import yaml

from judgebench import registry
from judgebench.errors import UsageError
from judgebench.pairs.generators.base import Generator, generate
from judgebench.run.store import write_atomic
from judgebench.task import Split, TaskCard, slug

BLOCK = 500
"""Pairs of a block: even, so that sides balance in each."""
AHEAD = 3
"""Blocks for each core that are made or waiting to be written."""
ALL = "all"
SUFFIXES = (".jsonl", ".jsonl.gz")
FIELDS = {"id": "pair_id", "response_a": "response_A", "response_b": "response_B", "model": "response_model"}


class Block(NamedTuple):
    """Pairs of one generator, numbered from `start`, levels in turn, two pairs to each."""

    generator: str
    seed: int
    levels: tuple[int, ...]
    start: int
    pairs: int


@dataclass(frozen=True)
class Written:
    """What was written: pairs, their size and sha256 as they lie on the disk, the task card beside them."""

    pairs: int
    size: int
    sha256: str
    card: Path | None = None


def named(words: str) -> list[str]:
    """Return the generators of `NAME[,NAME…]` or `all`. Raises UsageError for an unknown or repeated one."""
    known = registry.names("generators")
    names = known if words == ALL else [word.strip() for word in words.split(",")]
    for place, name in enumerate(names):
        if name not in known:
            raise UsageError(registry.unknown("generator", name, known))
        if name in names[:place]:
            raise UsageError(f"generator {name} is named twice. Name each once")
    return names


def blocks(names: Sequence[str], count: int, seed: int, levels: Sequence[int]) -> Iterator[Block]:
    """Share `count` pairs out over generators, evenly, each generator's after the other's."""
    for place, name in enumerate(names):
        share = count // len(names) + (place < count % len(names))
        for start in range(0, share, BLOCK):
            yield Block(name, seed, tuple(levels), start, min(BLOCK, share - start))


def made(block: Block) -> bytes:
    """Return a block as JSON lines."""
    generator: Generator[Any] = registry.load("generators", block.generator)()
    lines = []
    for number in range(block.start, block.start + block.pairs):
        level = block.levels[number // 2 % len(block.levels)]
        pair = generate(generator, seed=block.seed, number=number, level=level)
        lines.append(orjson.dumps(pair.row | {"traits": pair.traits}))
    return b"\n".join(lines) + b"\n"


def stream(wanted: Iterator[Block], jobs: int) -> Iterator[tuple[Block, bytes]]:
    """Yield the blocks in order, made by `jobs` processes; by this one when that is 1."""
    if jobs == 1:
        yield from ((block, made(block)) for block in wanted)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: deque[tuple[Block, Future[bytes]]] = deque()
        try:
            for block in wanted:
                waiting.append((block, pool.submit(made, block)))
                if len(waiting) >= AHEAD * jobs:
                    first, done = waiting.popleft()
                    yield first, done.result()
            for first, done in waiting:
                yield first, done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> int:
        """Write, and return how much."""
        ...


def write(found: Iterator[tuple[Block, bytes]], file: Sink) -> int:
    """Write blocks; return the number of pairs."""
    pairs = 0
    for block, data in found:
        file.write(data)
        pairs += block.pairs
    return pairs


class _Hashed:
    """A file that is hashed and measured as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.hash, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def save(out: Path, names: Sequence[str], found: Iterator[tuple[Block, bytes]]) -> Written:
    """Write blocks to a `.jsonl` or `.jsonl.gz` file and a task card beside it. The file is there as a whole or not."""
    if not out.name.endswith(SUFFIXES):
        raise UsageError(f"{out} is neither .jsonl nor .jsonl.gz. Type: --out {out.with_suffix('.jsonl')}")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as raw:
            hashed = _Hashed(raw)
            if out.name.endswith(".gz"):
                # No name and no time in the header: the same pairs are the same bytes.
                with gzip.GzipFile("", "wb", 6, hashed, mtime=0) as packed:
                    pairs = write(found, packed)
            else:
                pairs = write(found, hashed)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    sha = hashed.hash.hexdigest()
    stem = out.name.removesuffix(".gz").removesuffix(".jsonl")
    path = out.with_name(f"{stem}.yaml")
    made_card = card(stem, names, Split(items=pairs, path=out.name, sha256=sha))
    text = yaml.safe_dump(made_card.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)
    write_atomic(path, text.encode())
    return Written(pairs, hashed.size, sha, path)


def card(stem: str, names: Sequence[str], split: Split) -> TaskCard:
    """Return the task card of a file of generated pairs."""
    generators: list[Generator[Any]] = [registry.load("generators", name)() for name in names]
    return TaskCard(
        name=slug(stem),
        title=f"Generated pairs ({stem})",
        summary=(
            "A problem, a right solution, and the same solution with one mistake that is carried through. Templated "
            "text: measures finding a mistake, and is not comparable with JudgeBench."
        ),
        adapter="pairs",
        splits={"test": split},
        fields=FIELDS,
        categories={f"verifiable-{one.name}": one.category for one in generators},
        label_source="by construction: " + ", ".join(f"{one.name} v{one.version}" for one in generators),
        licence="Apache-2.0",
        citation="judgebench pairs generate",
    )
