"""The audit of a file of pairs: are there two answers, do they differ as the label says, and does form give it away.

For each pair: whether the responses or the question are there twice, whether a response is cut, what both answers are
by the question's own demanded form and whether they differ, and for programs whether the statement's own samples bear
the label out. For the whole: balance of labels and lengths, and leak detectors.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from judgebench.hashing import short_id
from judgebench.pairs.leaks import Leak, detect
from judgebench.pairs.official import CODE_SOURCE, Read, Reader, sides
from judgebench.records import Item, text_of

Samples = Callable[[Item], str | None]
"""Runs the samples of a coding pair's statement: `verified`, `contradicted`, `undecided`, or None without samples."""


@dataclass(frozen=True)
class Finding:
    """One thing about one pair: its id, a kind, and what is to be seen there."""

    pair: str
    kind: str
    detail: str = ""


@dataclass
class Audit:
    """What was found.

    `matters` counts, for each kind of question, what is the matter with its answers (`clean` when nothing is);
    `samples` what the statements' samples say of coding labels; `labels` and `longer` are (count, of how many) by
    category: labels that name the first response, and pairs of unequal length whose longer response is right.
    """

    pairs: int = 0
    findings: list[Finding] = field(default_factory=list)
    matters: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    samples: Counter[str] = field(default_factory=Counter)
    labels: dict[str, tuple[int, int]] = field(default_factory=dict)
    longer: dict[str, tuple[int, int]] = field(default_factory=dict)
    leaks: list[Leak] = field(default_factory=list)

    def count(self, matter: str) -> int:
        """Return for how many pairs the answers are so (`clean`, `same answer`, …)."""
        return sum(counts[matter] for counts in self.matters.values())

    @property
    def read(self) -> int:
        """Return how many pairs have a question whose demanded form is recognised."""
        return sum(counts.total() for counts in self.matters.values())

    def kinds(self) -> Counter[str]:
        """Return how many findings there are of each kind."""
        return Counter(finding.kind for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "pairs": self.pairs,
            "read": self.read,
            "clean": self.count("clean"),
            "kinds": dict(self.kinds()),
            "matters": {kind: dict(counts) for kind, counts in sorted(self.matters.items())},
            "samples": dict(self.samples),
            "labels": self.labels,
            "longer": self.longer,
            "leaks": [asdict(leak) for leak in self.leaks],
            "findings": [asdict(finding) for finding in self.findings],
        }


def audit(items: Sequence[Item], *, samples: Samples | None = None, leaks: bool = True, seed: int = 0) -> Audit:
    """Audit pairs with preferences. Without `samples` no program is run."""
    found = Audit(pairs=len(items))
    reader = Reader()
    try:
        for item in items:
            found.findings += _texts(item)
            _answers(item, reader, found)
            if samples is not None and str(item.meta.get("source", "")) == CODE_SOURCE:
                _programs(item, samples, found)
    finally:
        reader.close()
    found.findings += _duplicates(items)
    _balance(items, found)
    if leaks:
        found.leaks = detect([sides(item) for item in items], [item.source_id for item in items], seed)
    return found


# -- one pair ------------------------------------------------------------------------------------------------


def name_of(item: Item) -> str:
    """Return a pair's own id in its file, or the item's."""
    return str(item.meta.get("key") or item.id)


def _texts(item: Item) -> Iterator[Finding]:
    first, second = (text_of(candidate.content) for candidate in item.candidates)
    if first == second:
        yield Finding(name_of(item), "identical responses")
    elif first.split() == second.split():
        yield Finding(name_of(item), "identical responses", "but for white space")
    for side, text in zip("AB", (first, second), strict=True):
        if not text.strip():
            yield Finding(name_of(item), "empty response", side)
        elif looks_cut(text):
            yield Finding(name_of(item), "cut response", f"{side} ends in {text.strip()[-30:]!r}")


def looks_cut(text: str) -> bool:
    r"""Return whether a text seems to end in the middle: an open fence or box, or a last line of prose without an end.

    A last line that is short, a formula, code or an answer in capitals ends where it likes.
    """
    stripped = text.rstrip()
    if stripped.count("```") % 2:
        return True
    opened = stripped.rfind("\\boxed{")
    if opened >= 0 and stripped.count("{", opened) > stripped.count("}", opened):
        return True
    last = stripped.rpartition("\n")[2].strip()
    words = last.split()
    prose = len(words) >= 6 and sum(word.isalpha() for word in words) > len(words) / 2  # noqa: PLR2004 - a sentence
    return prose and words[-1].isalpha() and words[-1].islower()


def _answers(item: Item, reader: Reader, found: Audit) -> None:
    read = reader.read(item)
    if read is None:
        return
    found.matters[read.demand.kind][read.matter] += 1
    if read.matter != "clean":
        found.findings.append(Finding(name_of(item), read.matter, _said(read)))


def _said(read: Read) -> str:
    return f"{read.demand.kind}: winner {_shown(read.winner.answer)}, loser {_shown(read.loser.answer)}"


def _shown(answer: str | None) -> str:
    return "none" if answer is None else repr(answer if len(answer) <= 60 else answer[:59] + "…")  # noqa: PLR2004


def _programs(item: Item, samples: Samples, found: Audit) -> None:
    said = samples(item) or "no samples"
    found.samples[said] += 1
    if said == "contradicted":
        found.findings.append(Finding(name_of(item), "label contradicted by samples"))


# -- the whole -------------------------------------------------------------------------------------------------


def _duplicates(items: Iterable[Item]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for item in items:
        text = " ".join("\n".join(text_of(turn.content) for turn in item.turns).lower().split())
        first = seen.setdefault(short_id(text), name_of(item))
        if first != name_of(item):
            yield Finding(name_of(item), "duplicate question", f"of {first}")


def _balance(items: Iterable[Item], found: Audit) -> None:
    labels: dict[str, Counter[bool]] = defaultdict(Counter)
    longer: dict[str, Counter[bool]] = defaultdict(Counter)
    for item in items:
        assert item.gold.kind == "preference"
        right, wrong = sides(item)
        for name in (item.category, "all"):
            labels[name][item.gold.label == "A>B"] += 1
            if len(right) != len(wrong):
                longer[name][len(right) > len(wrong)] += 1
    found.labels = {name: (counts[True], counts.total()) for name, counts in sorted(labels.items())}
    found.longer = {name: (counts[True], counts.total()) for name, counts in sorted(longer.items())}
