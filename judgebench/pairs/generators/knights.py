"""Knights, who always tell the truth, and knaves, who always lie: settled by a case split on one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators.base import Fault, Generator, Step, Trace
from judgebench.pairs.generators.wording import demand, pick

PEOPLE = {1: 3, 2: 4, 3: 5, 4: 6, 5: 8}
HARD = 4
"""From this level on a step does not quote what was said."""
NAMES = (
    "Ada", "Boris", "Clara", "Dmitri", "Edith", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kamala", "Lev", "Mona",
    "Nils", "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wanda", "Yusuf", "Zoe",
)  # fmt: skip
KINDS = {True: "knight", False: "knave"}
OPEN = (
    "{name} says that {said}; this is {truth}, so {name} is a {kind}.",
    "What {name} says ({said}) is {truth}: a {kind}.",
    "That {said}, as {name} claims, is {truth}. {name} must be a {kind}.",
)
TERSE = (
    "What {name} says is {truth}, so {name} is a {kind}.",
    "{name}'s words are {truth}: a {kind}.",
    "{name} speaks what is {truth}. {name} must be a {kind}.",
)
ENDS = {
    True: ("{name}'s own words are then {truth}, as they must be: this case holds.",
           "And {name}'s statement comes out {truth}, which fits a {kind}."),
    False: ("{name}'s own words are then {truth}, which cannot be: this case fails.",
            "But {name}'s statement comes out {truth}, which does not fit a {kind}."),
}  # fmt: skip
OPENINGS = (
    "On an island everyone is a knight, who only says what is true, or a knave, who only says what is false.",
    "Knights always tell the truth and knaves always lie; everyone here is one or the other.",
    "Each of these people either always tells the truth (a knight) or always lies (a knave).",
)
CASES = (
    "Suppose {name} is a {kind}, so that what {name} says is {truth}.",
    "Assume that {name} is a {kind}: then {name}'s words are {truth}.",
    "Take the case where {name} is a {kind} and speaks what is {truth}.",
)


class Said(NamedTuple):
    """A statement about one or two people (places): `is`, `same`, `and`, `or`. Flags say which kind each is to be.

    `same` with its first flag false says that the two are of different kinds.
    """

    form: str
    who: tuple[int, ...]
    flags: tuple[bool, ...]


@dataclass(frozen=True)
class Island:
    """What each says. All but the first speak of people before them, the first of people after.

    `first` is the case that is tried first: that the first one is a knight, or that he is none.
    """

    level: int
    names: tuple[str, ...]
    said: tuple[Said, ...]
    first: bool
    told: tuple[int, ...]


class KnightsAndKnaves(Generator[Island]):
    """Faults: in the case that holds, a statement misread or misjudged; the case still holds."""

    name = "knights-and-knaves"
    category = "reasoning"
    form = "bold"

    def problem(self, rng: Random, level: int) -> Island:
        """Draw statements until exactly one of the two cases holds."""
        count = PEOPLE[level]
        while True:
            said = (_said(rng, range(1, count)), *(_said(rng, range(place)) for place in range(1, count)))
            if _holds(said, _case(said, True)) != _holds(said, _case(said, False)):
                told = rng.sample(range(count), count)
                return Island(level, tuple(rng.sample(NAMES, count)), said, rng.random() < 0.5, tuple(told))  # noqa: PLR2004

    def ask(self, problem: Island, rng: Random) -> str:
        """Return the question."""
        opening = pick(rng, OPENINGS)
        lines = "\n".join(f'{problem.names[one]} says: "{_words(problem, one)}."' for one in problem.told)
        order = ", ".join(problem.names)
        return (f"{opening}\n{lines}\nWhat is each of them? Answer with `knight` or `knave` for {order}, in this "
                f"order, separated by commas. {demand(self.form, rng)}")  # fmt: skip

    def faults(self, problem: Island, trace: Trace, rng: Random) -> Iterator[Fault]:  # noqa: ARG002
        """Yield the mistakes that leave the case that holds holding, in random order."""
        holds = next(case for case in (True, False) if _holds(problem.said, _case(problem.said, case)))
        offset = 0 if holds == problem.first else len(problem.names) + 1
        for place in rng.sample(range(1, len(problem.names)), len(problem.names) - 1):
            kinds = _case(problem.said, holds, place)
            if _holds(problem.said, kinds):
                misread = rng.random() < 0.5 and problem.level < HARD  # noqa: PLR2004
                wrong = _opposite(problem.said[place], kinds) if misread else None
                yield Fault(offset + place, "misread" if wrong else "misjudged", (holds, place, wrong))

    def solve(self, problem: Island, rng: Random, fault: Fault | None = None) -> Trace:
        """Work out both cases."""
        voice = pick(rng, TERSE if problem.level >= HARD else OPEN)
        steps, found = list[Step](), list[bool]()
        for case in (problem.first, not problem.first):
            here = fault if fault and fault.detail[0] == case else None
            kinds = _case(problem.said, case, here.detail[1] if here else None)
            holds = _holds(problem.said, kinds)
            steps += _told(problem, kinds, here, voice, rng)
            found = kinds if holds else found
        return Trace(tuple(steps), ", ".join(KINDS[kind] for kind in found))

    def check(self, problem: Island, answer: str) -> bool:
        """Try every assignment: the answer must be the only one that fits."""
        fits = [kinds for kinds in product((True, False), repeat=len(problem.said))
                if all(_true(said, kinds) == kind for said, kind in zip(problem.said, kinds, strict=True))]  # fmt: skip
        return [answer] == [", ".join(KINDS[kind] for kind in kinds) for kinds in fits]


def _said(rng: Random, about: Sequence[int]) -> Said:
    flags = (rng.random() < 0.5, rng.random() < 0.5)  # noqa: PLR2004
    if len(about) == 1 or rng.random() < 0.25:  # noqa: PLR2004
        return Said("is", (about[int(rng.random() * len(about))],), flags[:1])
    who = rng.sample(about, 2)
    form = pick(rng, ("same", "and", "or"))
    return Said(form, tuple(who), flags[:1] if form == "same" else flags)


def _true(said: Said, kinds: Sequence[bool]) -> bool:
    who, flags = said.who, said.flags
    if said.form == "is":
        return kinds[who[0]] == flags[0]
    if said.form == "same":
        return (kinds[who[0]] == kinds[who[1]]) == flags[0]
    one, two = kinds[who[0]] == flags[0], kinds[who[1]] == flags[1]
    return (one and two) if said.form == "and" else (one or two)


def _case(said: Sequence[Said], first: bool, wrong: int | None = None) -> list[bool]:
    """Return what everyone is if the first is `first`; the statement of `wrong` is judged wrongly."""
    kinds = [first]
    for place in range(1, len(said)):
        kinds.append(_true(said[place], kinds) != (place == wrong))
    return kinds


def _holds(said: Sequence[Said], kinds: Sequence[bool]) -> bool:
    return _true(said[0], kinds) == kinds[0]


def _opposite(said: Said, kinds: Sequence[bool]) -> Said | None:
    """Return the statement with one flag turned such that its truth turns too; None when no flag does that.

    `same` stays: in the text of a case that is worked out twice, "different" beside "same" would be a mark.
    `kinds` holds what the speaker was wrongly found to be; those spoken of come before.
    """
    for place in range(len(said.flags) if said.form != "same" else 0):
        turned = said._replace(flags=tuple(flag != (at == place) for at, flag in enumerate(said.flags)))
        if _true(turned, kinds) != _true(said, kinds):
            return turned
    return None


def _words(problem: Island, speaker: int, said: Said | None = None) -> str:
    form, who, flags = said or problem.said[speaker]
    names = [problem.names[one] for one in who]
    if form == "is":
        return f"{names[0]} is a {KINDS[flags[0]]}"
    if form == "same":
        return f"{names[0]} and {names[1]} are of {'the same kind' if flags[0] else 'different kinds'}"
    joint = "and" if form == "and" else "or"
    return f"{names[0]} is a {KINDS[flags[0]]} {joint} {names[1]} is a {KINDS[flags[1]]}"


def _told(problem: Island, kinds: list[bool], fault: Fault | None, voice: str, rng: Random) -> Iterator[Step]:
    """Yield the steps of one case: the assumption, everyone else, the first one's own words."""
    name = problem.names[0]
    assumed = pick(rng, CASES).format(name=name, kind=KINDS[kinds[0]], truth=str(kinds[0]).lower())
    yield Step(assumed, ("case", kinds[0]))
    for place in range(1, len(kinds)):
        said = fault.detail[2] if fault and fault.detail[1] == place else None
        parts = {"name": problem.names[place], "said": _words(problem, place, said), "kind": KINDS[kinds[place]]}
        yield Step(voice.format(truth=str(kinds[place]).lower(), **parts), (place, said, kinds[place]))
    truth = _true(problem.said[0], kinds)
    holds = truth == kinds[0]
    text = pick(rng, ENDS[holds]).format(name=name, truth=str(truth).lower(), kind=KINDS[kinds[0]])
    yield Step(text, ("end", truth, holds))
