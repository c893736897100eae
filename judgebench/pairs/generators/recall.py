"""Facts recalled one after the other and put together: a sum of numbers, a power of ten, a row of codes.

The fault is one fact taken for another of the same table that is easily confused with it, or put together wrongly.
Which fact is taken for which goes both ways alike, and facts are drawn evenly: no value is more often right than
wrong, and what is known of the table does not show in the words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from judgebench.pairs.generators.base import Fault, Generator, Step, Trace
from judgebench.pairs.generators.choices import OPTIONS, choose_from, letter_of, option_of, settle
from judgebench.pairs.generators.draws import below, several
from judgebench.pairs.generators.wording import pick

Term = tuple[Any, ...]
"""What is to be recalled: a row of the table, and whatever says which fact of it."""
HARD = 4
"""From this level on a step shows only what the facts so far come to."""
RECALL = "recall"
"""The kind of fault that shows in the fact itself; all others show in what the facts come to."""
FACTS = {1: 2, 2: 3, 3: 4, 4: 5, 5: 7}
PATIENCE = 12


@dataclass(frozen=True)
class Slip:
    """One fact taken for another: which of them (from 0), how, and for what."""

    place: int
    kind: str
    other: Term


@dataclass(frozen=True)
class Recall:
    """Facts to recall, and the options in order: each what a slip leads to, None for the right one.

    `slip` is the one that the wrong response makes.
    """

    level: int
    kind: str
    terms: tuple[Term, ...]
    options: tuple[Slip | None, ...]
    slip: Slip


class Recollection(Generator[Recall]):
    """What these generators share. They implement the six below."""

    category = "knowledge"
    open: tuple[str, ...]
    """Sentences of a step, with {what} is recalled, the {fact} and the {total} so far."""
    terse: tuple[str, ...]
    later: frozenset[str] = frozenset()
    """Kinds of faults that need a fact before them: alone, a fact and what it comes to are the same."""

    def draw_kind(self, rng: Random, level: int) -> str:
        """Return what kind of facts is asked for."""
        raise NotImplementedError

    def draw_term(self, rng: Random, level: int, kind: str) -> Term:
        """Return a fact to recall."""
        raise NotImplementedError

    def confuse(self, rng: Random, level: int, kind: str, term: Term) -> tuple[str, Term] | None:
        """Return a fact that this one may be taken for, and how; the reverse must be as likely."""
        raise NotImplementedError

    def words(self, kind: str, term: Term, taken: Slip | None) -> tuple[str, str]:
        """Return what is recalled and the fact, in words. `taken`: the slip made here."""
        raise NotImplementedError

    def total(self, kind: str, terms: Sequence[Term]) -> str:
        """Return what facts come to, as an option says it."""
        raise NotImplementedError

    def question(self, problem: Recall, rng: Random) -> str:
        """Return the question without its options."""
        raise NotImplementedError

    def problem(self, rng: Random, level: int) -> Recall:
        """Draw different facts with one slip, and options that are slips of one fact each.

        Where the slip comes to nothing all is drawn anew: only so is every slip as frequent as its reverse.
        """
        while True:
            kind = self.draw_kind(rng, level)
            terms = tuple(dict.fromkeys(self.draw_term(rng, level, kind) for _ in range(FACTS[level])))
            slip = self._slip(rng, level, kind, terms) if len(terms) == FACTS[level] else None
            options: dict[str, Slip | None] = {self.total(kind, terms): None}
            if slip is None or self.total(kind, _slipped(terms, slip)) in options:
                continue
            options[self.total(kind, _slipped(terms, slip))] = slip
            for _ in range(PATIENCE):
                if len(options) == OPTIONS:
                    break
                if (other := self._slip(rng, level, kind, terms)) is not None:
                    options.setdefault(self.total(kind, _slipped(terms, other)), other)
            return Recall(level, kind, terms, tuple(several(rng, list(options.values()), len(options))), slip)

    def _slip(self, rng: Random, level: int, kind: str, terms: tuple[Term, ...]) -> Slip | None:
        place = below(rng, len(terms))
        found = self.confuse(rng, level, kind, terms[place])
        if found is None or found[1] in terms or (place == 0 and found[0] in self.later):
            return None
        return Slip(place, *found)

    def options(self, problem: Recall) -> list[str]:
        """Return the options' texts."""
        return [self.total(problem.kind, _slipped(problem.terms, slip)) for slip in problem.options]

    def ask(self, problem: Recall, rng: Random) -> str:
        """Return the question."""
        return choose_from(self.question(problem, rng), self.options(problem), self.form, rng)

    def faults(self, problem: Recall, trace: Trace, rng: Random) -> list[Fault]:  # noqa: ARG002 - drawn already
        """Return the slip that was drawn with the facts."""
        return [Fault(problem.slip.place, problem.slip.kind, problem.slip)]

    def solve(self, problem: Recall, rng: Random, fault: Fault | None = None) -> Trace:
        """Recall fact after fact, then find the option."""
        slip: Slip | None = fault.detail if fault else None
        template = pick(rng, self.terse if problem.level >= HARD else self.open)
        counted = _slipped(problem.terms, slip)
        steps = []
        for place, term in enumerate(problem.terms):
            what, fact = self.words(problem.kind, term, slip if slip and slip.place == place else None)
            total = self.total(problem.kind, counted[: place + 1])
            text = template.format(what=what, fact=fact, total=total)
            steps.append(Step(text[0].upper() + text[1:], total))
        letter = letter_of(self.options(problem), steps[-1].state)
        return Trace((*steps, Step(settle(letter, rng), letter)), letter)

    def check(self, problem: Recall, answer: str) -> bool:
        """Look each fact up by its own name and put them together another way."""
        return option_of(answer, self.options(problem)) == self.verify(problem)

    def verify(self, problem: Recall) -> str:
        """Return the right option's text, found without `total`."""
        raise NotImplementedError


def _slipped(terms: tuple[Term, ...], slip: Slip | None) -> tuple[Term, ...]:
    return terms if slip is None else (*terms[: slip.place], slip.other, *terms[slip.place + 1 :])


def classes(rows: Sequence[dict[str, str]], key: Callable[[dict[str, str]], str]) -> dict[int, tuple[int, ...]]:
    """Return, for each row's number, those of the rows that share its key: what it may be confused with."""
    found: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        found.setdefault(key(row), []).append(number)
    return {number: tuple(members) for members in found.values() for number in members}
