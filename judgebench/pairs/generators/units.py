"""Units: the powers of ten of SI prefixes, and the base units that derived ones are made of."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from judgebench.pairs.generators.draws import below, one, sign
from judgebench.pairs.generators.facts import table
from judgebench.pairs.generators.recall import RECALL, Recall, Recollection, Slip, Term
from judgebench.pairs.generators.wording import pick

REACH = {1: 5, 2: 6, 3: 8, 4: 10, 5: 12}
"""Prefixes are taken from so many on each side of 1."""
BASES = ("kilogram", "metre", "second", "ampere")
PREFIX = "prefix"


class Units(Recollection):
    """Faults: the exponent of the prefix or unit next to it; multiplied instead of divided; exponents added wrongly."""

    name = "units"
    later = frozenset({"sum", "division"})
    open = (
        "{what} has the exponent {fact}; together {total}.",
        "{what}: exponent {fact}, so far {total}.",
        "The exponent of {what} is {fact}, which brings us to {total}.",
    )
    terse = ("With {what}: {total}.", "{what} takes us to {total}.", "After {what} it is {total}.")

    def draw_kind(self, rng: Random, level: int) -> str:  # noqa: ARG002 - the same at all levels
        """Return whether prefixes are asked for, or which base unit."""
        return one(rng, (PREFIX, one(rng, BASES)))

    def draw_term(self, rng: Random, level: int, kind: str) -> Term:
        """Return a prefix or derived unit, multiplied (1) or divided by (-1), and the unit beside a prefix."""
        units = len(table("units"))
        if kind != PREFIX:
            return below(rng, units), sign(rng)
        middle, reach = len(table("prefixes")) // 2, REACH[level]
        return middle - reach + below(rng, 2 * reach), sign(rng), below(rng, units)

    def confuse(self, rng: Random, level: int, kind: str, term: Term) -> tuple[str, Term] | None:
        """Return the prefix or unit beside it, or the same on the other side of the fraction."""
        if rng.random() < 0.3:  # noqa: PLR2004
            return "division", (term[0], -term[1], *term[2:])
        row = term[0] + sign(rng) * (1 + below(rng, 2))
        middle = len(table("prefixes")) // 2
        low, high = (middle - REACH[level], middle + REACH[level]) if kind == PREFIX else (0, len(table("units")))
        return (one(rng, (RECALL, "sum")), (row, *term[1:])) if low <= row < high else None

    def words(self, kind: str, term: Term, taken: Slip | None) -> tuple[str, str]:
        """Return the prefix or unit, and its exponent without regard to the division."""
        row = taken.other[0] if taken and taken.kind == RECALL else term[0]
        if kind == PREFIX:
            return table("prefixes")[term[0]]["prefix"], table("prefixes")[row]["exponent"]
        return f"the {kind} in the {table('units')[term[0]]['unit']}", table("units")[row][kind]

    def total(self, kind: str, terms: Sequence[Term]) -> str:
        """Return the power that the terms come to."""
        if kind == PREFIX:
            return f"10^{sum(side * int(table('prefixes')[row]['exponent']) for row, side, _ in terms)}"
        return f"{kind}^{sum(side * int(table('units')[row][kind]) for row, side in terms)}"

    def question(self, problem: Recall, rng: Random) -> str:
        """Return the question."""
        kind = problem.kind
        text = ""
        for row, side, *rest in problem.terms:
            unit = table("units")[rest[0] if rest else row]["unit"]
            name = table("prefixes")[row]["prefix"] + unit if rest else unit
            text += (" × " if side > 0 else " ÷ ") * bool(text) + f"1 {name}" if text or side > 0 else f"1 ÷ 1 {name}"
        if kind == PREFIX:
            what = pick(rng, ("Which power of ten do the prefixes in {} make, worked off from left to right?",
                              "Replace the SI prefixes in {} by one power of ten, factor by factor from the left.",
                              "From left to right, which power of ten stands for all the prefixes of {}?"))  # fmt: skip
            return what.format(text)
        what = pick(rng, ("In SI base units, which power of the {kind} does {text} hold, from left to right?",
                          "From left to right, to which power is the {kind} raised in the base units of {text}?",
                          "From left to right, in SI base units, what is left of the {kind} in {text}?"))  # fmt: skip
        return what.format(kind=kind, text=text)

    def verify(self, problem: Recall) -> str:
        """Count what stands above and below the fraction."""
        sides: Counter[int] = Counter()
        column, name = ("exponent", "prefixes") if problem.kind == PREFIX else (problem.kind, "units")
        for row, side, *_ in problem.terms:
            sides[side] += int(table(name)[row][column])
        return f"{'10' if problem.kind == PREFIX else problem.kind}^{sides[1] - sides[-1]}"
