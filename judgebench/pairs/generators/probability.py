"""Probability: colours drawn one after another from a bag; and from which of several boxes a ball came."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm, prod
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

DRAWS = {1: (2, 3), 2: (2, 4), 3: (3, 5), 4: (3, 7), 5: (4, 9)}
"""Colours and draws."""
BOXES = {1: 2, 2: 3, 3: 4, 4: 5, 5: 7}
BALLS = (4, 5, 6, 8, 10, 12)
FEWEST, MOST, WEIGHT = 3, 12, 6
HARD = 4
"""From this level on a step shows only its fraction and what has come together so far."""
COLOURS = ("red", "blue", "green", "white")
PICKS = (
    "Draw {number} ({colour}): {have} of {total}, chance {one}; so far {running}.",
    "For draw {number}, {colour}, there are {have} among {total}: {one}. Running product {running}.",
    "{have} of the {total} balls are {colour} at draw {number}: {one}, which makes {running} up to here.",
)
HARD_PICKS = (
    "Draw {number}: {one}; so far {running}.",
    "For draw {number}: {one}. Running product {running}.",
    "{one} at draw {number}, which makes {running} up to here.",
)
CHOICES = (
    "Box {number}: {weight} × {share} = {one}; sum so far {running}.",
    "By box {number} comes {weight} times {share}, that is {one}. Running sum {running}.",
    "Box {number} is chosen with {weight}, then red has {share}: {one}, which makes {running} up to here.",
)
HARD_CHOICES = (
    "Box {number}: {one}; sum so far {running}.",
    "By box {number} comes {one}. Running sum {running}.",
    "Box {number}: {one}, which makes {running} up to here.",
)
LAST = ("Box {number} given red: {one} ÷ {total} = {share}.", "Of {total}, box {number} has {one}: {share}.",
        "The share of box {number} is {one} over {total}, or {share}.")  # fmt: skip
Ratio = tuple[int, int]


@dataclass(frozen=True)
class Bag:
    """A bag's balls by colour, the colours (places) drawn in order, and whether each ball but the last is put back."""

    level: int
    balls: tuple[int, ...]
    drawn: tuple[int, ...]
    back: tuple[bool, ...]


@dataclass(frozen=True)
class Boxes:
    """Cards that name each box, its red balls and all its balls; the box asked for, given that red was drawn."""

    level: int
    cards: tuple[int, ...]
    red: tuple[int, ...]
    balls: tuple[int, ...]
    asked: int


class Chance(NamedTuple):
    """One step: the counts used, and what has come together so far, as a reduced fraction."""

    counts: tuple[int, ...]
    running: Ratio


class Probability(Generator[Bag | Boxes]):
    """Faults: a ball put back or not, a colour or count misread; another box's cards, another box at last."""

    name = "probability"
    category = "math"

    def problem(self, rng: Random, level: int) -> Bag | Boxes:
        """Draw a bag or boxes."""
        if rng.random() < 0.5:  # noqa: PLR2004
            count = BOXES[level]
            balls = [BALLS[int(rng.random() * len(BALLS))] for _ in range(count)]
            red = [1 + int(rng.random() * (all_of - 1)) for all_of in balls]
            cards = [1 + int(rng.random() * WEIGHT) for _ in balls]
            return Boxes(level, tuple(cards), tuple(red), tuple(balls), int(rng.random() * count))
        colours, draws = DRAWS[level]
        while True:
            have = tuple(FEWEST + int(rng.random() * (MOST - FEWEST + 1)) for _ in range(colours))
            order = tuple(int(rng.random() * colours) for _ in range(draws))
            bag = Bag(level, have, order, tuple(rng.random() < 0.5 for _ in order[1:]))  # noqa: PLR2004
            if _fits(bag):
                return bag

    def ask(self, problem: Bag | Boxes, rng: Random) -> str:
        """Return the question."""
        if isinstance(problem, Bag):
            have = ", ".join(f"{count} {COLOURS[place]}" for place, count in enumerate(problem.balls))
            order = ", ".join(COLOURS[place] for place in problem.drawn)
            back = " and ".join(f"ball {number}" for number, back in enumerate(problem.back, 1) if back) or "no ball"
            text = (f"A bag holds balls: {have}. {len(problem.drawn)} balls are drawn one after another; {back} goes "
                    "back into the bag before the next draw, all others stay out. "
                    f"What is the probability of drawing, in this order, {order}?")  # fmt: skip
        else:
            boxes = "; ".join(
                f"box {place} is named on {cards} cards and holds {red} red and {balls - red} blue balls"
                for place, (cards, red, balls) in enumerate(_facts(problem), 1)
            )
            text = (f"One of {sum(problem.cards)} cards is drawn, and a ball from the box that it names: {boxes}. "
                    f"The ball is red. What is the probability that it came from box {problem.asked + 1}?")  # fmt: skip
        return f"{text} Give a reduced fraction. {demand(self.form, rng)}"

    def faults(self, problem: Bag | Boxes, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield mistakes, evenly over the steps."""
        if isinstance(problem, Bag):
            return drawn(rng, len(trace.steps), lambda step: _misdrawn(problem, step, rng))
        return drawn(rng, len(trace.steps), lambda step: _misboxed(problem, step, rng))

    def solve(self, problem: Bag | Boxes, rng: Random, fault: Fault | None = None) -> Trace:
        """Multiply draw by draw, or add box by box and divide."""
        return _drawn(problem, rng, fault) if isinstance(problem, Bag) else _boxed(problem, rng, fault)

    def check(self, problem: Bag | Boxes, answer: str) -> bool:
        """Count equally likely outcomes."""
        if isinstance(problem, Bag):
            right = _followed(problem)
        else:
            size = lcm(*problem.balls)
            reds = [cards * red * (size // balls) for cards, red, balls in _facts(problem)]
            right = Fraction(reds[problem.asked], sum(reds))
        return Fraction(answer) == right


def _facts(problem: Boxes) -> Iterator[tuple[int, int, int]]:
    return zip(problem.cards, problem.red, problem.balls, strict=True)


def _followed(bag: Bag) -> Fraction:
    """Keep account of the balls that are out: the ways to draw as asked, over all ways to draw."""
    out: list[tuple[int, ...]] = [(0,) * len(bag.balls)]
    for colour, back in zip(bag.drawn, bag.back, strict=False):
        gone = out[-1]
        out.append(gone if back else tuple(count + (place == colour) for place, count in enumerate(gone)))
    ways = prod(bag.balls[colour] - gone[colour] for colour, gone in zip(bag.drawn, out, strict=True))
    return Fraction(ways, prod(sum(bag.balls) - sum(gone) for gone in out))


def _reduced(over: int, under: int) -> Ratio:
    shared = gcd(over, under)
    return over // shared, under // shared


def _text(ratio: Ratio) -> str:
    return str(ratio[0]) if ratio[1] == 1 else f"{ratio[0]}/{ratio[1]}"


def _counts(bag: Bag) -> list[tuple[int, int]]:
    """Return, draw by draw, the balls of the colour and all balls that are in the bag."""
    have, found = list(bag.balls), list[tuple[int, int]]()
    for step, colour in enumerate(bag.drawn):
        if step and not bag.back[step - 1]:
            have[bag.drawn[step - 1]] -= 1
        found.append((have[colour], sum(have)))
    return found


def _drawn(bag: Bag, rng: Random, fault: Fault | None) -> Trace:
    template, running, steps = pick(rng, HARD_PICKS if bag.level >= HARD else PICKS), (1, 1), list[Step]()
    met: Bag = fault.detail if fault else bag
    for step, (have, total) in enumerate(_counts(met)):
        running = _reduced(running[0] * have, running[1] * total)
        text = template.format(
            number=step + 1, colour=COLOURS[met.drawn[step]], have=have, total=total, one=f"{have}/{total}",
            running=_text(running),
        )  # fmt: skip
        steps.append(Step(text, Chance((have, total), running)))
    return Trace(tuple(steps), _text(running))


def _misdrawn(bag: Bag, step: int, rng: Random) -> Fault | None:
    """Take the bag for another one that differs from this step on: so the wrong answer is as good as a right one."""
    if step and rng.random() < 0.6:  # noqa: PLR2004
        kind = "replacement"
        met = replace(bag, back=tuple(back != (place == step - 1) for place, back in enumerate(bag.back)))
    elif step or rng.random() < 0.5:  # noqa: PLR2004
        kind, colour = "colour", slips.other(rng, bag.drawn[step], 0, len(bag.balls) - 1)
        met = replace(bag, drawn=(*bag.drawn[:step], colour, *bag.drawn[step + 1 :]))
    else:
        kind, colour = "count", bag.drawn[0]
        wrong = slips.nudge(rng, bag.balls[colour], FEWEST, MOST, 1 if bag.level >= HARD else 3)
        met = bag if wrong is None else replace(bag, balls=(*bag.balls[:colour], wrong, *bag.balls[colour + 1 :]))
    seen = _counts(met)[step] != _counts(bag)[step]
    return Fault(step, kind, met) if seen and _fits(met) else None


def _fits(bag: Bag) -> bool:
    return all(bag.drawn.count(colour) < have for colour, have in enumerate(bag.balls))


def _boxed(boxes: Boxes, rng: Random, fault: Fault | None) -> Trace:
    template, deck = pick(rng, HARD_CHOICES if boxes.level >= HARD else CHOICES), sum(boxes.cards)
    running, shares, steps = (0, 1), list[Ratio](), list[Step]()
    for number, told in enumerate(_facts(boxes)):
        cards, red, balls = fault.detail if fault and fault.step == number else told
        one = _reduced(cards * red, deck * balls)
        running = _reduced(running[0] * one[1] + one[0] * running[1], running[1] * one[1])
        text = template.format(number=number + 1, weight=f"{cards}/{deck}", share=f"{red}/{balls}", one=_text(one),
                               running=_text(running))  # fmt: skip
        steps.append(Step(text, Chance((cards, red, balls), running)))
        shares.append(one)
    asked = fault.detail if fault and fault.step == len(shares) else boxes.asked
    one = shares[asked]
    share = _reduced(one[0] * running[1], one[1] * running[0])
    parts = {"number": boxes.asked + 1, "one": _text(one), "total": _text(running), "share": _text(share)}
    steps.append(Step(pick(rng, LAST).format(**parts), Chance((asked,), share)))
    return Trace(tuple(steps), _text(share))


def _misboxed(boxes: Boxes, step: int, rng: Random) -> Fault | None:
    if step == len(boxes.cards):
        return Fault(step, "box", slips.other(rng, boxes.asked, 0, step - 1))
    cards, red, balls = boxes.cards[step], boxes.red[step], boxes.balls[step]
    kinds: Sequence[str] = ("cards", "colour", "count") if boxes.level < HARD else ("cards", "count")
    kind = pick(rng, kinds)
    if kind == "cards":
        wrong = (boxes.cards[slips.other(rng, step, 0, len(boxes.cards) - 1)], red, balls)
    elif kind == "colour":
        wrong = (cards, balls - red, balls)
    else:
        nudged = slips.nudge(rng, red, 1, balls - 1)
        wrong = (cards, nudged or red, balls)
    return Fault(step, kind, wrong) if wrong != (cards, red, balls) else None
