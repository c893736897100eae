"""Geography: the countries of given capitals, and their ISO 3166-1 codes."""

from collections.abc import Sequence
from functools import cache
from random import Random

from judgebench.pairs.generators.draws import below, one
from judgebench.pairs.generators.facts import table
from judgebench.pairs.generators.recall import RECALL, Recall, Recollection, Slip, Term, classes
from judgebench.pairs.generators.wording import pick

CODES = {"alpha2": "two-letter", "alpha3": "three-letter"}


class Geography(Recollection):
    """Faults: the code of a country whose code starts alike; the capital given to a country that starts alike."""

    name = "geography"
    open = (
        "{what}, whose code is {fact}. So far: {total}.",
        "{what}, and its code is {fact}, which makes it {total}.",
        "{what}; {fact} is the code. Joined up: {total}.",
    )
    terse = ("{what}: {total}.", "{what}, so {total}.", "{what}. That gives {total}.")

    def draw_kind(self, rng: Random, level: int) -> str:  # noqa: ARG002 - the same at all levels
        """Return which code."""
        return one(rng, tuple(CODES))

    def draw_term(self, rng: Random, level: int, kind: str) -> Term:  # noqa: ARG002 - the same at all levels
        """Return a country."""
        return (below(rng, len(table("countries"))),)

    def confuse(self, rng: Random, level: int, kind: str, term: Term) -> tuple[str, Term] | None:  # noqa: ARG002
        """Return a country whose code, or whose name, starts with the same letter."""
        how = one(rng, (RECALL, "country"))
        alike = _alike(kind if how == RECALL else "name")[term[0]]
        other = one(rng, alike)
        return None if other == term[0] else (how, (other,))

    def words(self, kind: str, term: Term, taken: Slip | None) -> tuple[str, str]:
        """Return whose capital it is, and the code."""
        countries = table("countries")
        capital = countries[term[0]]["capital"]
        country = taken.other[0] if taken and taken.kind == "country" else term[0]
        code = taken.other[0] if taken else term[0]
        return f"{capital} is the capital of {countries[country]['name']}", countries[code][kind]

    def total(self, kind: str, terms: Sequence[Term]) -> str:
        """Return the codes, joined."""
        return "-".join(table("countries")[row][kind] for (row,) in terms)

    def question(self, problem: Recall, rng: Random) -> str:
        """Return the question."""
        capitals = ", ".join(table("countries")[row]["capital"] for (row,) in problem.terms)
        what = pick(
            rng,
            (
                "Join the {code} ISO 3166-1 codes of the countries with these capitals, in this order: {capitals}.",
                "Which {code} ISO 3166-1 codes belong to the countries whose capitals are {capitals}, in this order?",
                "{capitals}: give the {code} ISO 3166-1 codes of the countries that these are the capitals of.",
            ),
        )
        return what.format(code=CODES[problem.kind], capitals=capitals)

    def verify(self, problem: Recall) -> str:
        """Look the countries up by their capitals."""
        by_capital = {row["capital"]: row for row in table("countries")}
        capitals = [table("countries")[row]["capital"] for (row,) in problem.terms]
        return "-".join(by_capital[capital][problem.kind] for capital in capitals)


@cache
def _alike(column: str) -> dict[int, tuple[int, ...]]:
    return classes(table("countries"), lambda row: row[column][0])
