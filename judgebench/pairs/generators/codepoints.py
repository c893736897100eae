"""Unicode: characters, their code points and their names; a walk along the code charts in hexadecimal steps.

Only letters that have stood in Unicode since its early versions are used: their code points and names never change.
The checker asks Python's `unicodedata`; the solver counts along the alphabets that are written down here.
"""

import unicodedata
from dataclasses import dataclass
from random import Random

from judgebench.pairs.generators.base import Fault, Generator, Step, Trace
from judgebench.pairs.generators.choices import LETTERS, OPTIONS, choose_from, option_of, settle
from judgebench.pairs.generators.draws import below, one, several, sign
from judgebench.pairs.generators.wording import pick

CHARTS = (
    (0x41, 0x5A), (0x61, 0x7A), (0x391, 0x3A1), (0x3B1, 0x3C9), (0x410, 0x42F), (0x430, 0x44F), (0x531, 0x556),
    (0x561, 0x586), (0x5D0, 0x5EA), (0x915, 0x928), (0x10D0, 0x10F0), (0x13A0, 0x13F4), (0x16A0, 0x16EA),
)  # fmt: skip
"""Unbroken runs of letters: Latin, Greek, Cyrillic, Armenian, Hebrew, Devanagari, Georgian, Cherokee, runes."""
KNOWN = {1: 2, 2: 6, 3: 9, 4: 11, 5: 13}
"""So many of the charts are used."""
MOVES = {1: 2, 2: 3, 3: 4, 4: 5, 5: 7}
REACH = 12
NEAR = {1: 4, 2: 3, 3: 3, 4: 2, 5: 2}
"""How far from the right character the other options stand."""
HARD = 4
"""From this level on a step shows only where it leads to."""
OPEN = (
    "{name} is {number}; {move} leads from there to {landing}.",
    "From {number}, {name}, {move} takes us to {landing}.",
    "{number} is {name}, and {move} makes it {landing}.",
)
TERSE = ("{move}: now at {landing}.", "{move} brings us to {landing}.", "With {move} we come to {landing}.")


@dataclass(frozen=True)
class Walk:
    """A walk along a chart, and the options as distances from where it ends: 0 is the right one."""

    level: int
    chart: tuple[int, int]
    start: int
    moves: tuple[int, ...]
    options: tuple[int, ...]
    slip: tuple[int, int]
    """The move that the wrong response gets wrong, and by how much."""

    @property
    def end(self) -> int:
        """Return where the walk ends."""
        return self.start + sum(self.moves)


class CodePoints(Generator[Walk]):
    """Faults: a code point remembered wrongly, a step counted wrongly.

    A code point is written once in a trace, so that no two places of a wrong one contradict each other.
    """

    name = "code-points"
    category = "knowledge"

    def problem(self, rng: Random, level: int) -> Walk:
        """Draw a walk and a misstep whose walk could have been asked for as well: so neither leaves a mark."""
        chart = one(rng, CHARTS[: KNOWN[level]])
        away = sign(rng) * (1 + below(rng, NEAR[level]))
        step = below(rng, MOVES[level])
        while True:
            start = chart[0] + below(rng, chart[1] - chart[0] + 1)
            moves = tuple(sign(rng) * (1 + below(rng, REACH)) for _ in range(MOVES[level]))
            if _stays(chart, start, moves) and _missteps(chart, start, moves, step, away):
                break
        end = start + sum(moves)
        near = [other for other in range(-NEAR[level] - 1, NEAR[level] + 2) if other not in (0, away)]
        near = [other for other in near if chart[0] <= end + other <= chart[1]]
        options = [0, away, *several(rng, near, min(OPTIONS - 2, len(near)))]
        return Walk(level, chart, start, moves, tuple(several(rng, options, len(options))), (step, away))

    def ask(self, problem: Walk, rng: Random) -> str:
        """Return the question."""
        moves = ", then ".join(map(_move, problem.moves))
        what = pick(
            rng,
            (
                "Start at the Unicode character {} and change its code point: {}. Which character is that?",
                "Take the code point of {} in Unicode, and do this to it: {}. What is the character there called?",
                "Which Unicode character do you reach from {} when its code point changes like this: {}?",
            ),
        ).format(_name(problem.start), moves)
        options = [_name(problem.end + away) for away in problem.options]
        return choose_from(f"{what} Numbers are hexadecimal.", options, self.form, rng)

    def faults(self, problem: Walk, trace: Trace, rng: Random) -> list[Fault]:  # noqa: ARG002 - the walk tells
        """Return the misstep that was drawn with the walk."""
        return [Fault(problem.slip[0], one(rng, ("code-point", "sum")), problem.slip[1])]

    def solve(self, problem: Walk, rng: Random, fault: Fault | None = None) -> Trace:
        """Walk move by move."""
        template = pick(rng, TERSE if problem.level >= HARD else OPEN)
        here, steps = problem.start, list[Step]()
        for number, move in enumerate(problem.moves):
            made = fault if fault and fault.step == number else None
            away = made.detail if made else 0
            known = here + (away if made and made.kind == "code-point" else 0)
            landing = here + move + away
            text = template.format(name=_name(here), number=_hex(known), move=_move(move), landing=_name(landing))
            steps.append(Step(text[0].upper() + text[1:], landing))
            here = landing
        letter = LETTERS[problem.options.index(here - problem.end)]
        return Trace((*steps, Step(settle(letter, rng), letter)), letter)

    def check(self, problem: Walk, answer: str) -> bool:
        """Ask `unicodedata` which character has the name of the option."""
        name = option_of(answer, [_name(problem.end + away) for away in problem.options])
        return name is not None and ord(unicodedata.lookup(name)) == sum(problem.moves, start=problem.start)


def _stays(chart: tuple[int, int], start: int, moves: tuple[int, ...]) -> bool:
    here = start
    for move in moves:
        here += move
        if not chart[0] <= here <= chart[1]:
            return False
    return True


def _missteps(chart: tuple[int, int], start: int, moves: tuple[int, ...], step: int, away: int) -> bool:
    """Return whether a walk with one move changed, or its place before that move, is as good a walk."""
    moved = moves[step] + away
    here = start + sum(moves[:step]) + away
    inside = chart[0] <= here <= chart[1] and 0 < abs(moved) <= REACH
    return inside and _stays(chart, start, (*moves[:step], moved, *moves[step + 1 :]))


def _hex(code: int) -> str:
    return f"U+{code:04X}"


def _move(move: int) -> str:
    return f"{'plus' if move > 0 else 'minus'} {abs(move):X}"


def _name(code: int) -> str:
    return unicodedata.name(chr(code))
