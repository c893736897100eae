"""Houses in a row and who lives in which: a puzzle whose clues place one thing after another.

The wrong solution is drawn together with the right one. Up to the fault both agree; from there on two worlds are kept,
and each further clue is one that can be followed in both. So the wrong solution meets no contradiction, and which
of the two worlds is the true one is decided by nothing but the clue at which they part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace
from judgebench.pairs.generators.wording import demand, pick

SIZES = {1: (4, 2), 2: (4, 3), 3: (5, 3), 4: (5, 4), 5: (6, 4)}
"""Houses, and things about each."""
HARD = 4
"""From this level on a step names only the clue's number."""
TRIES = 40
"""Clues tried for one thing before the puzzle is begun again."""
JOBS = ("baker", "pilot", "nurse", "tailor", "judge", "farmer", "singer", "clerk")
PETS = ("cat", "dog", "parrot", "horse", "rabbit", "turtle", "goat", "hamster")
DRINKS = ("tea", "coffee", "milk", "juice", "cocoa", "water", "cider", "soda")
GAMES = ("chess", "tennis", "golf", "cards", "darts", "hockey", "go", "rugby")
PLANTS = ("roses", "tulips", "lilies", "ferns", "beans", "leeks", "mint", "hops")
THINGS: tuple[tuple[str, ...], ...] = (
    ("Anna", "Bela", "Carlo", "Dora", "Emil", "Fay", "Gus", "Hana"),
    tuple(f"the {job}" for job in JOBS),
    tuple(f"the owner of the {pet}" for pet in PETS),
    tuple(f"the drinker of {drink}" for drink in DRINKS),
    tuple(f"the player of {game}" for game in GAMES),
    tuple(f"the grower of {plant}" for plant in PLANTS),
)
OPEN = (
    "Clue {clue} says that {said}, so house {house} is that of {thing}.",
    "From clue {clue} ({said}) we get house {house} for {thing}.",
    "Since {said} (clue {clue}), {thing} must be in house {house}.",
)
TERSE = (
    "Clue {clue} places {thing} in house {house}.",
    "From clue {clue} we get house {house} for {thing}.",
    "By clue {clue}, {thing} must be in house {house}.",
)
LAST = (
    "Only house {house} is left for {thing}.",
    "That leaves house {house} for {thing}.",
    "By elimination, {thing} must be in house {house}.",
)


class Deduction(NamedTuple):
    """What places a thing: a house (`at`), the house of `other` (`same`) or one so far from it (`offset`), the only one
    of its kind's houses left (`last`), or left outside of some (`not`). Clues count from 1; `last` needs none.
    """  # noqa: D205

    thing: int
    form: str
    other: int = -1
    value: int = 0
    outside: tuple[int, ...] = ()
    clue: int = 0


@dataclass(frozen=True)
class Zebra:
    """Things, `size` of each kind in turn; deductions in order; the thing asked for; where a second world parts."""

    level: int
    size: int
    things: tuple[str, ...]
    deductions: tuple[Deduction, ...]
    asked: int
    parting: Fault


class ZebraPuzzle(Generator[Zebra]):
    """Faults: left for right, a distance, a house misread, one thing taken for another."""

    name = "zebra"
    category = "reasoning"
    form = "bold"

    def problem(self, rng: Random, level: int) -> Zebra:
        """Draw things, then two worlds and the clues that build them."""
        size, kinds = SIZES[level]
        chosen = rng.sample(THINGS, kinds)
        things = tuple(thing for kind in chosen for thing in rng.sample(kind, size))
        order = [kind for kind in range(kinds) for _ in range(size)]
        while True:
            rng.shuffle(order)
            # The last thing of a kind has one house left: there the worlds cannot part.
            open_to = [place for place, kind in enumerate(order) if kind in order[place + 1 :]]
            # Late on, most things are the last of their kind; the rest must make up for them.
            drawn = [int(rng.random() * len(open_to)) for _ in range(2)]
            parting = open_to[max(drawn) if rng.random() < 0.5 else drawn[0]]  # noqa: PLR2004
            worlds = _Worlds(size, kinds, rng)
            if all(worlds.place(kind, place == parting) for place, kind in enumerate(order)):
                return _numbered(level, size, things, worlds, rng)

    def ask(self, problem: Zebra, rng: Random) -> str:
        """Return the question."""
        clues = sorted((one.clue, _words(problem, one)) for one in problem.deductions if one.clue)
        lines = "\n".join(f"{number}. {words[0].upper()}{words[1:]}." for number, words in clues)
        kinds = [problem.things[at : at + problem.size] for at in range(0, len(problem.things), problem.size)]
        who = "; ".join(", ".join(sorted(kind)) for kind in kinds)
        where = pick(rng, ("{} houses stand in a row, numbered from left to right.",
                           "In a street there are {0} houses, 1 to {0} from left to right."))  # fmt: skip
        return (f"{where.format(problem.size)} One person lives in each. They are, each group in some order: {who}.\n"
                f"{lines}\nWhat is the number of the house of {problem.things[problem.asked]}? "
                f"{demand(self.form, rng)}")  # fmt: skip

    def faults(self, problem: Zebra, trace: Trace, rng: Random) -> Iterator[Fault]:  # noqa: ARG002
        """Yield the one mistake that the puzzle was made for."""
        yield problem.parting

    def solve(self, problem: Zebra, rng: Random, fault: Fault | None = None) -> Trace:
        """Follow the deductions."""
        voice = int(rng.random() * len(LAST))
        houses = [0] * len(problem.things)
        steps = list[Step]()
        for number, told in enumerate(problem.deductions):
            one = fault.detail if fault and fault.step == number else told
            house = _house(one, houses, problem.size)
            template = (LAST if one.form == "last" else TERSE if problem.level >= HARD else OPEN)[voice]
            said = _words(problem, one) if template is OPEN[voice] and one.form != "last" else ""
            text = template.format(clue=one.clue, said=said, house=house, thing=problem.things[one.thing])
            steps.append(Step(text[0].upper() + text[1:], (one, house)))
            houses[one.thing] = house
        return Trace(tuple(steps), str(houses[problem.asked]))

    def check(self, problem: Zebra, answer: str) -> bool:
        """Search all arrangements that fit the clues: there must be one, with this answer."""
        found = []
        for houses in _arrangements(problem):
            found.append(houses)
            if len(found) > 1:
                return False
        return [str(houses[problem.asked]) for houses in found] == [answer]


def _house(one: Deduction, houses: Sequence[int], size: int) -> int:
    """Return the house that a deduction leads to, from where things are thought to be."""
    if one.form == "at":
        return one.value
    if one.form in {"same", "offset"}:
        return houses[one.other] + one.value
    kind = one.thing // size * size
    taken = houses[kind : kind + size]
    return next(house for house in range(1, size + 1) if house not in taken and house not in one.outside)


class _Worlds:
    """Two worlds in the making, with the house of each thing, 0 while it has none.

    `placed` are things that have the same house in both, `parted` those that have two.
    """

    def __init__(self, size: int, kinds: int, rng: Random) -> None:
        self.size, self.rng = size, rng
        self.true, self.false = [0] * (size * kinds), [0] * (size * kinds)
        self.left = [list(range(kind * size, kind * size + size)) for kind in range(kinds)]
        self.placed: list[int] = []
        self.parted: list[int] = []
        self.deductions: list[Deduction] = []
        self.fault: Fault | None = None

    def place(self, kind: int, parting: bool) -> bool:
        """Place a thing of a kind in both worlds, at the parting in two houses. Return whether a clue was found."""
        rng, size = self.rng, self.size
        left = self.left[kind]
        thing = left.pop(int(rng.random() * len(left)))
        span = slice(kind * size, kind * size + size)
        one, two = self.true[span], self.false[span]
        for _ in range(TRIES):
            drawn = self._clue(thing, len(left)) if left else Deduction(thing, "last")
            wrong = self._misread(drawn) if parting else drawn
            here = self._landed(drawn, self.true, one)
            there = self._landed(wrong, self.false, two) if here and wrong else 0
            if not there or (parting and here == there):
                continue
            self.true[thing], self.false[thing] = here, there
            if parting and wrong:
                self.fault = Fault(len(self.deductions), _kind(drawn, wrong), wrong)
            self.deductions.append(drawn)
            (self.placed if here == there else self.parted).append(thing)
            return True
        return False

    def _landed(self, one: Deduction, houses: Sequence[int], taken: Sequence[int]) -> int:
        """Return the one house that a deduction leaves in a world, or 0 where it leaves none or several."""
        if one.form in {"not", "last"}:
            free = [house for house in range(1, self.size + 1) if house not in taken and house not in one.outside]
            return free[0] if len(free) == 1 else 0
        house = one.value + (houses[one.other] if one.other >= 0 else 0)
        return house if 1 <= house <= self.size and house not in taken else 0

    def _clue(self, thing: int, rest: int) -> Deduction:
        """Draw a clue of any form; it need not fit."""
        rng, size = self.rng, self.size
        chance = rng.random()
        if chance < 0.1 or not self.deductions:  # noqa: PLR2004
            return Deduction(thing, "at", value=1 + int(rng.random() * size))
        if chance < 0.2 and rest < 3:  # noqa: PLR2004
            return Deduction(thing, "not", outside=tuple(sorted(rng.sample(range(1, size + 1), rest))))
        other = self._anchor()
        if chance < 0.55 and other // size != thing // size:  # noqa: PLR2004
            return Deduction(thing, "same", other)
        far = 1 + int(rng.random() * 2)
        return Deduction(thing, "offset", other, far if rng.random() < 0.5 else -far)  # noqa: PLR2004

    def _anchor(self) -> int:
        """Draw a thing that has a house, rather one on which the worlds differ."""
        among = self.parted if self.parted and (self.rng.random() < 0.6 or not self.placed) else self.placed  # noqa: PLR2004
        return among[int(self.rng.random() * len(among))]

    def _misread(self, one: Deduction) -> Deduction | None:
        """Return the clue as it might be misread."""
        if one.form == "at":
            return one._replace(value=slips.other(self.rng, one.value, 1, self.size))
        if one.form == "not":
            return None
        if one.form == "offset" and self.rng.random() < 0.6:  # noqa: PLR2004
            far = one.value if self.rng.random() < 0.5 else 3 - abs(one.value)  # noqa: PLR2004
            return one._replace(value=-one.value if far == one.value else far if one.value > 0 else -far)
        return one._replace(other=self._anchor())


def _kind(right: Deduction, wrong: Deduction) -> str:
    if right.form == "at":
        return "house"
    if right.other != wrong.other:
        return "thing"
    return "direction" if right.value == -wrong.value else "distance"


def _numbered(level: int, size: int, things: tuple[str, ...], worlds: _Worlds, rng: Random) -> Zebra:
    """Return the puzzle with its clues in random order, asking for a thing that the two worlds place differently."""
    clued = [place for place, one in enumerate(worlds.deductions) if one.form != "last"]
    numbers = dict(zip(clued, rng.sample(range(1, len(clued) + 1), len(clued)), strict=True))
    deductions = tuple(one._replace(clue=numbers.get(place, 0)) for place, one in enumerate(worlds.deductions))
    fault, parted = worlds.fault, worlds.parted
    assert fault
    wrong = fault.detail._replace(clue=numbers[fault.step])
    asked = parted[int(rng.random() * len(parted))]
    return Zebra(level, size, things, deductions, asked, Fault(fault.step, fault.kind, wrong))


def _words(problem: Zebra, one: Deduction) -> str:
    """Return what a clue says."""
    thing = problem.things[one.thing]
    if one.form == "at":
        return f"{thing} lives in house {one.value}"
    if one.form == "not":
        return f"{thing} does not live in house {' or '.join(map(str, one.outside))}"
    other = problem.things[one.other]
    if one.form == "same":
        return f"{thing} lives in the same house as {other}"
    side, far = "right" if one.value > 0 else "left", abs(one.value)
    return f"{thing} lives {'next door' if far == 1 else f'{far} houses'} to the {side} of {other}"


def _allowed(one: Deduction, houses: Sequence[int]) -> bool:
    """Return whether a clue holds of an arrangement, as far as its things are placed."""
    house = houses[one.thing]
    if not house or one.form == "last" or (one.other >= 0 and not houses[one.other]):
        return True
    if one.form == "at":
        return house == one.value
    return house not in one.outside if one.form == "not" else house == houses[one.other] + one.value


def _arrangements(problem: Zebra) -> Iterator[tuple[int, ...]]:
    """Yield all arrangements that fit the clues, by depth-first search over the things as they are listed."""
    size, houses = problem.size, [0] * len(problem.things)
    about: list[list[Deduction]] = [[] for _ in houses]
    for one in problem.deductions:
        about[one.thing].append(one)
        if one.other >= 0:
            about[one.other].append(one)

    def options(thing: int) -> list[int]:
        taken = houses[thing // size * size : thing // size * size + size]
        fits = []
        for house in range(1, size + 1):
            houses[thing] = house
            if house not in taken and all(_allowed(one, houses) for one in about[thing]):
                fits.append(house)
        houses[thing] = 0
        return fits

    def search() -> Iterator[tuple[int, ...]]:
        open_things = [(options(thing), thing) for thing, house in enumerate(houses) if not house]
        if not open_things:
            yield tuple(houses)
            return
        fits, thing = min(open_things, key=lambda entry: len(entry[0]))
        for house in fits:
            houses[thing] = house
            yield from search()
        houses[thing] = 0

    yield from search()
