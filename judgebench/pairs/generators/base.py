"""Generated pairs: a problem, its solver's trace, and the same trace with one fault that is carried through.

A generator knows a kind of problem. It solves one step by step; given a fault it makes that one mistake at that step
and goes on from there as if nothing had happened, so that the wrong response is as coherent as the right one. Both are
rendered with wording drawn by chance, independently of which is right. An independent checker, another algorithm than
the solver, confirms both labels.

The same generator version, seed, level and number give the same bytes, everywhere and always: nothing but
`random.Random` seeded by a hash is drawn from, and no set or dictionary order is relied upon.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Generic, TypeVar

from judgebench.hashing import sha256, short_id
from judgebench.pairs.generators.wording import closing, layout

P = TypeVar("P")
LEVELS = 5
"""Difficulty runs from 1 to this: more steps, larger numbers, a fault that is harder to see."""
TRIES = 50
"""Problems tried until one has a fault that changes the answer; a generator that needs more is broken."""
DRAWS = 40
"""Faults drawn for one problem before another is tried."""


@dataclass(frozen=True)
class Step:
    """One step of a trace: what it says, and whatever the next steps and the tests need of it."""

    text: str
    state: Any = None


@dataclass(frozen=True)
class Fault:
    """One mistake: at which step (from 0), of what kind (`dropped-carry`, `wrong-operand`), with what it needs."""

    step: int
    kind: str
    detail: Any = None


@dataclass(frozen=True)
class Trace:
    """A solved problem: its steps and the final answer, as text in the form that the question asks for."""

    steps: tuple[Step, ...]
    answer: str


class Generator(Generic[P]):
    """A kind of problem. `P` is a problem's parameters: plain data, compared by value.

    Subclasses implement `problem`, `ask`, `faults`, `solve` and `check`. `version` is raised whenever any output would
    change. A fault must leave no mark but being wrong: its value is drawn from those that right traces show too, by a
    rule that goes both ways (a carry is dropped as often as one is made up), and it makes the text neither longer nor
    shorter on average.
    """

    name: ClassVar[str]
    category: ClassVar[str]
    """knowledge, reasoning, math or coding."""
    version: ClassVar[int] = 1
    form: ClassVar[str] = "boxed"
    """How the answer stands at the end: `boxed` (\\boxed{7}), `bold` (**7**) or `line` (Answer: 7, the last line)."""

    def problem(self, rng: Random, level: int) -> P:
        """Draw a problem of a level from 1 to `LEVELS`."""
        raise NotImplementedError

    def ask(self, problem: P, rng: Random) -> str:
        """Return the question, which says in what form the answer is to stand at the end."""
        raise NotImplementedError

    def faults(self, problem: P, trace: Trace, rng: Random) -> Iterable[Fault]:
        """Yield faults that could be made, in random order, any step equally likely as far as the problem allows."""
        raise NotImplementedError

    def solve(self, problem: P, rng: Random, fault: Fault | None = None) -> Trace:
        """Solve a problem, with a fault made at its step and carried through. Wording is drawn from `rng`."""
        raise NotImplementedError

    def finish(self, trace: Trace, rng: Random) -> str:
        """Return the response of a trace: its steps, laid out by chance, and the answer in the form asked for."""
        return layout([step.text for step in trace.steps], closing(trace.answer, self.form, rng), rng)

    def check(self, problem: P, answer: str) -> bool:
        """Return whether an answer is right, found another way than `solve` finds it."""
        raise NotImplementedError


@dataclass(frozen=True)
class GeneratedPair:
    """A right and a wrong response to a generated question. `right_first` says which side the right one stands on.

    `steps` counts those of the right trace; `fault.step` counts from 0 in the wrong one.
    """

    id: str
    generator: str
    version: int
    category: str
    seed: int
    number: int
    level: int
    question: str
    right: str
    wrong: str
    right_first: bool
    gold: str
    wrong_answer: str
    steps: int
    fault: Fault
    problem: Any = field(repr=False, default=None)

    @property
    def depth(self) -> float:
        """Return where the fault sits: 0 at the first step, 1 at the last."""
        return min(self.fault.step / (self.steps - 1), 1.0) if self.steps > 1 else 0.0

    @property
    def traits(self) -> dict[str, float]:
        """Return what an item made of this pair is plotted by: its difficulty, where its fault sits, how long it is."""
        return {"difficulty": self.level, "depth": round(self.depth, 6), "steps": self.steps}

    @property
    def origin(self) -> dict[str, Any]:
        """Return how the pair came about: with the generator's version, enough to make it again."""
        return {
            "generator": self.generator, "version": self.version, "seed": self.seed, "level": self.level,
            "number": self.number, "steps": self.steps, "fault_step": self.fault.step, "fault_kind": self.fault.kind,
            "gold": self.gold, "wrong_answer": self.wrong_answer,
        }  # fmt: skip

    @property
    def row(self) -> dict[str, Any]:
        """Return the pair as a row in JudgeBench's layout, with its origin."""
        first, second = (self.right, self.wrong) if self.right_first else (self.wrong, self.right)
        return {
            "pair_id": self.id,
            "source": f"verifiable-{self.generator}",
            "question": self.question,
            "response_model": f"generator {self.generator} v{self.version}",
            "response_A": first,
            "response_B": second,
            "label": "A>B" if self.right_first else "B>A",
            "origin": self.origin,
        }


def generate(generator: Generator[Any], *, seed: int, number: int, level: int) -> GeneratedPair:
    """Return the pair of this number. Raises RuntimeError for a generator that makes no usable fault."""
    key = f"{generator.name}:{generator.version}:{seed}:{level}:{number}"
    rng = Random(sha256(key.encode()))  # noqa: S311 - reproducible on purpose
    for _ in range(TRIES):
        problem = generator.problem(rng, level)
        # Each response draws its wording from a stream of its own, so that neither tells which is right.
        question, one, other = (rng.getrandbits(64) for _ in range(3))
        right = generator.solve(problem, Random(one))  # noqa: S311
        for fault in generator.faults(problem, right, rng):
            wrong = generator.solve(problem, Random(other), fault)  # noqa: S311
            if wrong.answer == right.answer:
                continue
            return GeneratedPair(
                id=short_id(key), generator=generator.name, version=generator.version, category=generator.category,
                seed=seed, number=number, level=level, question=generator.ask(problem, Random(question)),  # noqa: S311
                right=generator.finish(right, Random(one + 1)), wrong=generator.finish(wrong, Random(other + 1)),  # noqa: S311
                right_first=_right_first(generator.name, seed, number), gold=right.answer, wrong_answer=wrong.answer,
                steps=len(right.steps), fault=fault, problem=problem,
            )  # fmt: skip
    raise RuntimeError(f"generator {generator.name} found no fault that changes an answer in {TRIES} problems")


def _right_first(name: str, seed: int, number: int) -> bool:
    """Return the side: of numbers 2k and 2k + 1 one has the right response first, by chance which; so sides balance."""
    return (int(sha256(f"{name}:{seed}:{number // 2}".encode())[:2], 16) + number) % 2 == 0


def spread(rng: Random, steps: Sequence[Sequence[Fault]]) -> Iterator[Fault]:
    """Yield all faults, `steps[i]` being those that could be made at one step: a step by chance, one of its faults.

    Every step has the same chance to come first, however many faults could be made there.
    """
    left = [list(faults) for faults in steps if faults]
    while left:
        faults = left[rng.randrange(len(left))]
        yield faults.pop(rng.randrange(len(faults)))
        left = [faults for faults in left if faults]


def drawn(rng: Random, steps: int, make: Callable[[int], Fault | None]) -> Iterator[Fault]:
    """Yield faults that `make` makes at steps drawn evenly by chance; it returns None where it makes none."""
    for _ in range(DRAWS):
        fault = make(int(rng.random() * steps))
        if fault is not None:
            yield fault
