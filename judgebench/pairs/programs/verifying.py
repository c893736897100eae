"""Whether a pair's label stands when both of its programs run on the samples in the statement."""

from dataclasses import dataclass
from typing import Literal

from judgebench.pairs.graders.code import Code
from judgebench.pairs.programs import samples
from judgebench.pairs.programs.composing import PRELUDE
from judgebench.pairs.records import Grade, Question, Response

SECONDS = 30.0
"""Time for each sample: that a program is slow here says nothing of its label."""
Standing = Literal["verified", "contradicted", "undecided"]


@dataclass(frozen=True)
class Verification:
    """What the samples say of a pair: how many there are, and what becomes of its two programs."""

    tests: int
    winner: Grade | None = None
    loser: Grade | None = None

    @property
    def standing(self) -> Standing | None:
        """Return `verified` when the winner passes all and the loser does not, `contradicted` the other way round.

        `undecided` when both pass or neither does, or one cannot be judged; None without samples.
        """
        if self.winner is None or self.loser is None:
            return None
        match self.winner.outcome, self.loser.outcome:
            case "right", "wrong":
                return "verified"
            case "wrong", "right":
                return "contradicted"
            case _:
                return "undecided"


def verify(
    statement: str, winner: str, loser: str, grader: Code, *, before: str = PRELUDE, seconds: float = SECONDS
) -> Verification:
    """Run both programs of a pair on the samples that its statement shows, each with `before` before it."""
    won = check(statement, winner, grader, before=before, seconds=seconds)
    lost = check(statement, loser, grader, before=before, seconds=seconds)
    return Verification(min(won[0], lost[0]), won[1], lost[1])


def check(
    statement: str, program: str, grader: Code, *, before: str = PRELUDE, seconds: float = SECONDS
) -> tuple[int, Grade | None]:
    """Return how many samples a statement shows for a program, and its grade on them; None without any."""
    tests = samples.samples(statement, program)
    if not tests:
        return 0, None
    name = samples.method(program, samples.names(statement)) if tests[0]["kind"] == "functional" else None
    gold = {"tests": tests, "name": name, "before": before, "seconds": seconds}
    gold["tolerance"] = samples.tolerance(statement)
    question = Question.make(
        key="samples", source="statement", category="coding", prompt=statement, gold=gold, grader=grader.name
    )
    return len(tests), grader.grade(question, Response(question=question.id, text=program, model="recorded"))
