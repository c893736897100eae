"""Running the samples in coding statements again: the winner should pass, and the loser should not."""

from collections import Counter

from judgebench.pairs.graders.code import Code
from judgebench.pairs.official import sides
from judgebench.pairs.programs.verifying import verify
from judgebench.pairs.sandbox.choosing import choose
from judgebench.records import Item, text_of


class Rerun:
    """Called with a coding pair it says `verified`, `contradicted`, `undecided`, or None where there are no samples.

    `passed` counts the winners and losers that pass all samples. Raises MissingPrerequisite when no sandbox works.
    """

    def __init__(self, *, unsafe_local: bool = False) -> None:
        self._grader = Code(choose(unsafe_local=unsafe_local))
        self.passed: Counter[str] = Counter()

    def __call__(self, item: Item) -> str | None:
        """Run both programs of a pair."""
        winner, loser = sides(item)
        found = verify(text_of(item.turns[0].content), winner, loser, self._grader)
        for side, grade in (("winner", found.winner), ("loser", found.loser)):
            self.passed[side] += grade is not None and grade.outcome == "right"
        return found.standing

    def close(self) -> None:
        """End the sandbox."""
        self._grader.close()
