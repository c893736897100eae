"""Pairs made on the spot: rows come from generators, not from a file.

The card's params say which generators, how many items, which levels and the seed; `--task-seed`, `--difficulty` and
`--items` take their place. These and the generators' versions are the task's revision: with it anyone can make the
same items, and their gold table, again.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, ValidationError

from judgebench import registry, sources
from judgebench import task as tasks
from judgebench.errors import UsageError
from judgebench.pairs.generators.base import LEVELS, Generator, generate
from judgebench.records import Record
from judgebench.spec import TaskSpec
from judgebench.task import Row, TaskCard
from judgebench.tasks.pairs import PairsAdapter

MOST = 100_000
"""Items of one task."""
AGAIN = 20_000
"""Items that are made again for a result: what a result claims must not cost minutes."""
SOURCE = "verifiable-"
_REVISION = re.compile(r"seed=(-?\d{1,20}) items=(\d{1,6}) levels=(\d(?:,\d){0,4}) generators=(\S+)")


class Params(Record):
    """What a generated task is made of."""

    generators: tuple[str, ...] = Field(min_length=1)
    items: int = Field(ge=2, le=MOST)
    levels: tuple[int, ...] = Field(min_length=1, max_length=LEVELS)
    seed: int = 0


class Verifiable(PairsAdapter):
    """Makes pairs in couples: of two that share generator and level, one has the right response first."""

    def __init__(self, card: TaskCard, split: str) -> None:
        super().__init__(card, split)
        self.params = _params(card)
        self.generators = [_generator(name) for name in self.params.generators]
        if self.couples < len(self.generators):
            raise UsageError(
                f"{self.params.items} items are too few for the {len(self.generators)} generators of {card.name}. "
                f"Type: --items {2 * len(self.generators)}, or more"
            )

    @property
    def couples(self) -> int:
        """Return the number of couples; an odd item more makes a whole one."""
        return (self.params.items + 1) // 2

    @property
    def revision(self) -> str:
        """Return all that the items depend on."""
        versions = ",".join(f"{one.name}:{one.version}" for one in self.generators)
        levels = ",".join(map(str, self.params.levels))
        return f"seed={self.params.seed} items={2 * self.couples} levels={levels} generators={versions}"

    def category(self, source: str) -> str:
        """Return the category of the generator that a source names."""
        return next(one.category for one in self.generators if source == SOURCE + one.name)

    def generate(self) -> Iterator[Row]:
        """Yield the rows: couples shared out over the generators, the levels in turn."""
        levels, number = self.params.levels, 0
        for place, generator in enumerate(self.generators):
            share = self.couples // len(self.generators) + (place < self.couples % len(self.generators))
            for couple in range(share):
                for side in (0, 1):
                    number += 1
                    level = levels[(couple + place) % len(levels)]
                    yield _row(generator, self.params.seed, 2 * couple + side, level, number)


def _row(generator: Generator[Any], seed: int, index: int, level: int, number: int) -> Row:
    pair = generate(generator, seed=seed, number=index, level=level)
    traits = {"difficulty": pair.level, "depth": round(pair.depth, 6), "steps": pair.steps}
    return Row(generator.name, number, pair.row | {"traits": traits})


def _generator(name: str) -> Generator[Any]:
    found: Generator[Any] = registry.load("generators", name)()
    return found


def _params(card: TaskCard) -> Params:
    try:
        params = Params.model_validate(card.params)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "params"
        raise UsageError(f"task {card.name}: {field}: {first['msg']}") from error
    if wrong := [level for level in params.levels if not 1 <= level <= LEVELS]:
        raise UsageError(f"task {card.name}: there is no difficulty {wrong[0]}. Type: --difficulty 1-{LEVELS}")
    return params


# -- again ----------------------------------------------------------------------------------------------------


def drawn_from(revision: str | None) -> dict[str, Any] | None:
    """Return the params that a revision names, without the generators; None for a revision of another kind."""
    found = _REVISION.fullmatch(revision or "")
    if found is None:
        return None
    levels = [int(level) for level in found[3].split(",")]
    return {"seed": int(found[1]), "items": int(found[2]), "levels": levels}


def options(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of `judgebench eval` for params: `task-seed`, `difficulty`, `items`."""
    levels = params["levels"]
    difficulty = str(levels[0]) if len(levels) == 1 else f"{levels[0]}-{levels[-1]}"
    return {"task-seed": str(params["seed"]), "difficulty": difficulty, "items": str(params["items"])}


def gold_again(spec: TaskSpec) -> bytes | None:
    """Return the gold table of a generated task, made again from its revision.

    None where it is no generated task, or its generators' versions are not those installed here.
    """
    params = drawn_from(spec.revision)
    if params is None or params["items"] > AGAIN or spec.name not in tasks.card_names():
        return None
    try:
        adapter = registry.load("adapters", tasks.load_card(spec.name).adapter)
        if not issubclass(adapter, Verifiable):
            return None
        card = tasks.load_card(spec.name)
        if adapter(card.model_copy(update={"params": card.params | params}), "test").revision != spec.revision:
            return None
        return tasks.gold_table(sources.load_task(spec.name, drawn=params).items)
    except UsageError:
        return None
