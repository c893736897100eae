"""The data sheet: what a set of pairs is made of, what was dropped and why, and how to make it again. Markdown."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judgebench.pairs.records import OUTCOMES

TENTHS = 10
AGAIN = """\
The same command on the same folder asks and grades only what is not there yet, or was graded by an older version of its
grader. `judgebench pairs check DIR` compares what lies here with what this sheet promises."""


@dataclass
class Part:
    """What is counted of a category, or of all of them.

    `outcomes` count responses by what the grader says, and those that the second grader dropped; `reasons` the
    questions without a pair; `rates` the pairs by the tenth in which their question's pass rate lies. Lengths are in
    characters.
    """

    questions: int = 0
    duplicates: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    rates: Counter[int] = field(default_factory=Counter)
    pairs: int = 0
    right_first: int = 0
    right_longer: int = 0
    same_length: int = 0
    right_length: int = 0
    wrong_length: int = 0

    def paired(self, right: str, wrong: str, pass_rate: float) -> None:
        """Count a pair by its responses."""
        self.pairs += 1
        self.right_length += len(right)
        self.wrong_length += len(wrong)
        self.right_longer += len(right) > len(wrong)
        self.same_length += len(right) == len(wrong)
        self.rates[min(int(pass_rate * TENTHS), TENTHS - 1)] += 1


@dataclass
class Counts:
    """What became of everything, by category; `left_out` are rows that the source left out, by reason."""

    parts: defaultdict[str, Part] = field(default_factory=lambda: defaultdict(Part))
    left_out: dict[str, int] = field(default_factory=dict)
    strangers: int = 0
    graders: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    @property
    def total(self) -> Part:
        """Return the sum over all categories."""
        whole = Part()
        for part in self.parts.values():
            for name, value in vars(part).items():
                setattr(whole, name, getattr(whole, name) + value)
        return whole


def datasheet(title: str, facts: Mapping[str, Any], counts: Counts, command: Sequence[str]) -> str:
    """Return the sheet. `facts` are shown as they are, in a table; `command` is what to type to make it again."""
    parts = {**dict(sorted(counts.parts.items())), "all": counts.total}
    lines = [
        f"# {_cell(title)}", "",
        *_table(["what", "value"], [[name, str(value)] for name, value in facts.items() if value is not None]),
        "", "## Pairs", "", *_pairs(parts),
        "", "## What was dropped, and why", "", *_dropped(parts, counts),
        "", "## What the grader said", "", *_outcomes(parts),
        "", "## Difficulty", "", *_difficulty(parts),
        "", "## How to make it again", "", "```sh", shlex.join(command), "```", "",
        AGAIN, "",
    ]  # fmt: skip
    return "\n".join(lines)


def _pairs(parts: Mapping[str, Part]) -> Iterator[str]:
    header = ["category", "questions", "pairs", "right first", "right longer", "equally long", "mean length right",
              "mean length wrong"]  # fmt: skip
    yield from _table(header, [
        [name, part.questions, part.pairs, part.right_first, part.right_longer, part.same_length,
         _mean(part.right_length, part.pairs), _mean(part.wrong_length, part.pairs)]
        for name, part in parts.items()
    ])  # fmt: skip
    yield from ("", "Lengths are in characters. Of an odd number of pairs one side has one more.")


def _dropped(parts: Mapping[str, Part], counts: Counts) -> Iterator[str]:
    rows = [["all", f"row: {reason}", number] for reason, number in sorted(counts.left_out.items())]
    if counts.strangers:
        rows.append(["all", "response: to no question here", counts.strangers])
    for name, part in parts.items():
        if part.duplicates:
            rows.append([name, "question: asked before, in the same words", part.duplicates])
        rows += [[name, f"question: {reason}", number] for reason, number in sorted(part.reasons.items())]
        lost = {outcome: part.outcomes[outcome] for outcome in part.outcomes if outcome not in ("right", "wrong")}
        rows += [[name, f"response: {outcome}", number] for outcome, number in sorted(lost.items())]
    yield from _table(["category", "what", "how many"], rows) if rows else ["Nothing."]


def _outcomes(parts: Mapping[str, Part]) -> list[str]:
    more = sorted({name for part in parts.values() for name in part.outcomes} - set(OUTCOMES))
    names = [*OUTCOMES, *more]
    rows = [[name, part.outcomes.total(), *(part.outcomes[one] for one in names)] for name, part in parts.items()]
    return _table(["category", "responses", *names], rows)


def _difficulty(parts: Mapping[str, Part]) -> Iterator[str]:
    yield "Pairs by their question's pass rate: right ÷ (right + wrong) responses. A trait of each item, as difficulty."
    yield ""
    header = ["category", *(f"{tenth / TENTHS:.1f}–{(tenth + 1) / TENTHS:.1f}" for tenth in range(TENTHS))]
    yield from _table(header, [[name, *(part.rates[t] for t in range(TENTHS))] for name, part in parts.items()])


def _mean(total: int, count: int) -> str:
    return f"{total / count:.0f}" if count else "–"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return a Markdown table: first column left, the others as they come."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(_cell(str(cell)) for cell in line) + " |" for line in lines]


def _cell(text: str) -> str:
    """Return a text that cannot leave its cell, or be read as markup."""
    flat = " ".join(text.split())
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
