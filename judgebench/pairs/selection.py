"""Selection: from the graded responses of a question to pairs of a right and a wrong one; and which side is which.

A pair's two responses come from one model, both with an answer in the demanded form, exactly one of them right, the
answers not equivalent in either direction, the texts not identical, neither cut. Of all that qualify the two closest
in length are taken, so that length does not tell (JudgeBench, arXiv 2410.12784, section 3, asks for equal lengths on
average). Everything is seeded by hashes: the order in which anything finished never matters.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from judgebench.hashing import sha256
from judgebench.pairs.records import Grade, Question, Response

Graded = tuple[Response, Grade]
Equivalent = Callable[[Question, str, str], bool | None]


@dataclass(frozen=True)
class Chosen:
    """A right and a wrong response to one question."""

    right: Graded
    wrong: Graded


@dataclass(frozen=True)
class Decision:
    """What became of a question: its pairs, or why there are none. `pass_rate` is right ÷ (right + wrong)."""

    pairs: tuple[Chosen, ...]
    outcomes: Counter[str]
    reason: str = ""

    @property
    def pass_rate(self) -> float | None:
        """Return the share of right responses among those that were right or wrong; None when there are none."""
        decided = self.outcomes["right"] + self.outcomes["wrong"]
        return self.outcomes["right"] / decided if decided else None


def select(
    question: Question, graded: Sequence[Graded], equivalent: Equivalent, *, most: int = 1, seed: int = 0
) -> Decision:
    """Return up to `most` pairs of a question; no response is in two of them."""
    outcomes: Counter[str] = Counter(grade.outcome for _, grade in graded)
    right = [one for one in graded if one[1].outcome == "right" and one[1].answer is not None]
    wrong = [one for one in graded if one[1].outcome == "wrong" and one[1].answer is not None]
    if not right or not wrong:
        return Decision((), outcomes, _why(outcomes))
    found: list[Chosen] = []
    reasons: set[str] = set()
    used: set[str] = set()
    ids = {id(one): one[0].id for one in (*right, *wrong)}
    closest = sorted(product(right, wrong), key=lambda both: _closeness(both, seed, ids))
    for one, other in closest:
        if len(found) == most:
            break
        if used & {ids[id(one)], ids[id(other)]}:
            continue
        problem = _unfit(question, one, other, equivalent)
        if problem:
            reasons.add(problem)
            continue
        found.append(Chosen(one, other))
        used |= {ids[id(one)], ids[id(other)]}
    return Decision(tuple(found), outcomes, "" if found else min(reasons))


def _why(outcomes: Counter[str]) -> str:
    if not outcomes["right"] and not outcomes["wrong"]:
        return "no response could be graded"
    return "no wrong response" if outcomes["right"] else "no right response"


def _closeness(both: tuple[Graded, Graded], seed: int, ids: dict[int, str]) -> tuple[int, str]:
    """Return a sort key: the difference in length, then a seeded hash, so that ties do not favour early samples."""
    right, wrong = both
    tie = sha256(f"{seed}:{ids[id(right)]}:{ids[id(wrong)]}".encode())
    return (abs(len(right[0].text) - len(wrong[0].text)), tie)


def _unfit(question: Question, right: Graded, wrong: Graded, equivalent: Equivalent) -> str:
    """Return why two responses make no pair, '' when they do."""
    if right[0].model != wrong[0].model:
        return "responses of two models"
    if right[0].text.split() == wrong[0].text.split():
        return "identical responses"
    one, two = right[1].answer or "", wrong[1].answer or ""
    for first, second in ((one, two), (two, one)):
        same = equivalent(question, first, second)
        if same is None:
            return "equivalence undecided"
        if same:
            return "equivalent answers"
    return ""


def sides(pairs: Iterable[tuple[str, str]], seed: int) -> dict[str, bool]:
    """Return for each (pair id, category) whether the right response stands first.

    Within a category exactly half do, of an odd number one more or one less, by the seed: sorted by seeded hash, every
    second one.
    """
    by_category: dict[str, list[str]] = defaultdict(list)
    for pair, category in pairs:
        by_category[category].append(pair)
    chosen: dict[str, bool] = {}
    for category, ids in by_category.items():
        start = int(sha256(f"{seed}:{category}".encode())[:2], 16) % 2
        ranked = sorted(ids, key=lambda pair: sha256(f"{seed}:{pair}".encode()))
        chosen |= {pair: (place + start) % 2 == 0 for place, pair in enumerate(ranked)}
    return chosen
