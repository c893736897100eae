"""Scripts: instructions carried out one after the other on a text, a list or a table, whose state is followed.

The fault is one instruction carried out as if it were another one close to it: to the left for to the right, one place
further, from the other end. What stands in the trace is the instruction that was asked for, and the state that the
other one leads to; a value that was misread stands there as it was read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

Op = tuple[Any, ...]
"""An instruction: its name, then what it needs."""
HARD = 4
"""From this level on a step shows only the state that it leads to."""
OPEN = (
    "{op}: {before} becomes {after}.",
    "{op}; that turns {before} into {after}.",
    "{before}, after `{op}`: {after}.",
    "{op} gives {after}, from {before}.",
)
TERSE = ("Now {after}.", "This leaves {after}.", "State: {after}.", "We have {after}.", "{after}")


@dataclass(frozen=True)
class Script:
    """Instructions and the state they start from. `kind` says of what."""

    level: int
    kind: str
    start: Any
    ops: tuple[Op, ...]


class Scripts(Generator[Script]):
    """What generators of scripts share. They implement `problem`, `check` and the four below."""

    category = "coding"
    intro: tuple[str, ...]
    """Lead-ins of the question, with {kind} and {start}."""
    ending: tuple[str, ...]
    """What is asked at the end."""

    def apply(self, kind: str, state: Any, op: Op) -> Any:
        """Return the state after an instruction."""
        raise NotImplementedError

    def slip(self, kind: str, state: Any, op: Op, rng: Random) -> Op | None:
        """Return an instruction that could be taken for this one, or None."""
        raise NotImplementedError

    def misread(self, op: Op, done: Op) -> bool:  # noqa: ARG002 - scripts whose values can be misread say so
        """Return whether an instruction was read as another one, so that the trace shows that one."""
        return False

    def say(self, op: Op) -> str:
        """Return an instruction in words, as the question gives it."""
        raise NotImplementedError

    def show(self, kind: str, state: Any) -> str:
        """Return a state as text: the form that the answer has too."""
        raise NotImplementedError

    def ask(self, problem: Script, rng: Random) -> str:
        """Return the question: the start and the numbered instructions."""
        intro = pick(rng, self.intro).format(kind=problem.kind, start=self.show(problem.kind, problem.start))
        ops = "\n".join(f"{number}. {self.say(op)}" for number, op in enumerate(problem.ops, 1))
        return f"{intro}\n\n{ops}\n\n{pick(rng, self.ending)} {demand(self.form, rng)}"

    def faults(self, problem: Script, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield slips, evenly over the instructions."""
        return drawn(rng, len(problem.ops), lambda step: self._fault(problem, trace, step, rng))

    def _fault(self, problem: Script, trace: Trace, step: int, rng: Random) -> Fault | None:
        before = trace.steps[step - 1].state if step else problem.start
        other = self.slip(problem.kind, before, problem.ops[step], rng)
        if other is None or self.apply(problem.kind, before, other) == trace.steps[step].state:
            return None
        return Fault(step, problem.ops[step][0], other)

    def solve(self, problem: Script, rng: Random, fault: Fault | None = None) -> Trace:
        """Carry out the instructions."""
        template = pick(rng, TERSE if problem.level >= HARD else OPEN)
        kind, state, steps = problem.kind, problem.start, list[Step]()
        for number, op in enumerate(problem.ops):
            done = fault.detail if fault and fault.step == number else op
            after = self.apply(kind, state, done)
            said = done if self.misread(op, done) else op
            text = template.format(op=self.say(said), before=self.show(kind, state), after=self.show(kind, after))
            steps.append(Step(text, after))
            state = after
        return Trace(tuple(steps), self.show(kind, state))
