"""Chemical elements: atomic numbers, periods and groups, recalled and added up."""

from collections.abc import Sequence
from random import Random

from judgebench.pairs.generators.draws import below, one, sign
from judgebench.pairs.generators.facts import table
from judgebench.pairs.generators.recall import RECALL, Recall, Recollection, Slip, Term
from judgebench.pairs.generators.wording import pick

KNOWN = {1: 20, 2: 36, 3: 54, 4: 86, 5: 118}
"""Elements are taken from the first so many."""
NEAR = {1: 4, 2: 3, 3: 3, 4: 2, 5: 2}
"""How far away in the table an element stands that one is taken for."""
FACTS = {"number": "atomic number", "period": "period", "group": "group"}


class Elements(Recollection):
    """Faults: the fact of an element nearby; a number added wrongly."""

    name = "elements"
    later = frozenset({"sum"})
    open = (
        "{what}: {fact}, making {total} so far.",
        "The {what} is {fact}; the sum is now {total}.",
        "For the {what} we have {fact}. Running total: {total}.",
    )
    terse = ("With the {what} we are at {total}.", "The {what} brings the sum to {total}.", "{what}: up to {total}.")

    def draw_kind(self, rng: Random, level: int) -> str:  # noqa: ARG002 - the same at all levels
        """Return whether elements are given by symbol or by name."""
        return one(rng, ("symbol", "name"))

    def draw_term(self, rng: Random, level: int, kind: str) -> Term:  # noqa: ARG002 - facts are the same
        """Return an element and which of its facts; one in the f block has no group."""
        while True:
            term = below(rng, KNOWN[level]), one(rng, tuple(FACTS))
            if table("elements")[term[0]][term[1]]:
                return term

    def confuse(self, rng: Random, level: int, kind: str, term: Term) -> tuple[str, Term] | None:  # noqa: ARG002
        """Return the same fact of an element nearby."""
        row = term[0] + sign(rng) * (1 + below(rng, NEAR[level]))
        inside = 0 <= row < KNOWN[level] and table("elements")[row][term[1]]
        return (one(rng, (RECALL, "sum")), (row, term[1])) if inside else None

    def words(self, kind: str, term: Term, taken: Slip | None) -> tuple[str, str]:
        """Return which fact of which element, and the number."""
        row = taken.other[0] if taken and taken.kind == RECALL else term[0]
        element = table("elements")[term[0]]
        called = f"{element['name']} ({element['symbol']})" if kind == "symbol" else element["name"]
        return f"{FACTS[term[1]]} of {called}", table("elements")[row][term[1]]

    def total(self, kind: str, terms: Sequence[Term]) -> str:  # noqa: ARG002 - a sum in either case
        """Return the sum."""
        return str(sum(int(table("elements")[row][fact]) for row, fact in terms))

    def question(self, problem: Recall, rng: Random) -> str:
        """Return the question."""
        listed = [f"the {FACTS[fact]} of {table('elements')[row][problem.kind]}" for row, fact in problem.terms]
        what = pick(
            rng,
            (
                "In the periodic table, add up {}.",
                "What is the sum of {} in the periodic table?",
                "Going by the periodic table, what do {} come to together?",
            ),
        )
        return what.format(", ".join(listed[:-1]) + " and " + listed[-1])

    def verify(self, problem: Recall) -> str:
        """Count: noble gases close the periods, and groups are counted from the ends of each."""
        closes = (0, 2, 10, 18, 36, 54, 86, 118)
        found = 0
        for row, fact in problem.terms:
            number = row + 1
            period = sum(number > gas for gas in closes)
            past, left = number - closes[period - 1], closes[period] - number
            early = past <= (1 if period == 1 else 2)
            group = past if early or period in (4, 5) else 18 - left
            found += {"number": number, "period": period, "group": group}[fact]
        return str(found)
