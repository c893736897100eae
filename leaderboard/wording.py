"""The words on the pages: what metrics, shapes of tasks, groups, kinds and levels of evidence are called and mean."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from judgebench.metrics.catalogue import DEFINITIONS, Definition
from judgebench.metrics.definition import Shape


class MetricWords(NamedTuple):
    """A metric's column head, its meaning, the view that shows it, and how its value is written.

    `share` values are written in percent, others as they are. `lower` says that small values are good, `bar` that
    a bar from 0 to 1 suits them, `one_order` that they rest on the dataset's own order alone. `anchor` is the
    metric's place on the page on methods, "" where it has none.
    """

    label: str
    help: str
    view: str
    share: bool = False
    lower: bool = False
    bar: bool = False
    one_order: bool = False
    anchor: str = ""


SHAPES: dict[Shape, tuple[str, str]] = {
    "pairs": ("Pairs", "Which of two responses is better?"),
    "choice": ("Best of several", "Which of several responses is the best?"),
    "pointwise": ("Single responses", "How good is one response?"),
}

_BY_NAME: dict[str, list[Definition]] = {}
for _definition in DEFINITIONS:
    _BY_NAME.setdefault(_definition.name, []).append(_definition)

_SHORT = {
    "accuracy_macro": "Macro",
    "accuracy_strict": "Strict",
    "accuracy_first_order": "First order",
    "accuracy_averaged": "Averaged",
    "accuracy_of_readable": "Of readable",
    "best_accuracy_macro": "Macro",
    "best_accuracy_of_readable": "Of readable",
    "bias_first": "Prefers first",
    "bias_second": "Prefers second",
    "tie_rate": "Ties",
}

VIEWS = {
    "categories": "Categories",
    "rules": "Scoring rules",
    "reliability": "Reliability",
    "certainty": "Certainty",
    "published": "As published",
}
_RELIABILITY = re.compile(r".*consistency|bias_.*|position_bias|tie_rate|unreadable_.*")
_MEANS_OF_SHARES = {"rewardbench2_score"}


def shape_of(names: Iterable[str]) -> Shape:
    """Return the shape of task that metrics of these names can belong to; of several the first of `SHAPES`."""
    known = [{d.applies for d in _BY_NAME[name]} for name in names if name in _BY_NAME]
    return next((shape for shape in SHAPES if all(applies & {shape, "any"} for applies in known)), "pairs")


def definition(name: str, shape: Shape) -> Definition | None:
    """Return the catalogue's definition of a metric on tasks of a shape, or None when it has none."""
    found: Sequence[Definition] = _BY_NAME.get(name, ())
    return next((d for d in found if d.applies in (shape, "any")), found[0] if found else None)


@lru_cache(1 << 12)
def metric_words(name: str, shape: Shape = "pairs") -> MetricWords:
    """Return the words for a metric. One that the catalogue does not know is called by its bare name."""
    known = definition(name, shape)
    if known is None:
        return MetricWords(sentence(name), "", _view(name, ""))
    return MetricWords(
        label=_SHORT.get(name, known.title),
        help=f"{known.formula} Unit: {known.unit}.",
        view=_view(name, known.set),
        share=is_share(known),
        lower=known.direction == "lower",
        bar=known.direction == "higher",
        one_order="in the dataset's order" in known.unit,
        anchor=anchor(known),
    )


def anchor(known: Definition) -> str:
    """Return the id of a definition on the page on methods."""
    return f"{known.applies}-{known.name}"


def is_share(known: Definition) -> bool:
    """Tell whether values are shares, or differences of shares, which are written in percent."""
    of_shares = "share" in known.unit or re.match(r"(Largest s|S)hare\b", known.formula) is not None
    return of_shares or known.name in _MEANS_OF_SHARES


def _view(name: str, metric_set: str) -> str:
    if metric_set:
        return "certainty" if metric_set == "certainty" else "published"
    return "reliability" if _RELIABILITY.fullmatch(name) else "rules"


def in_order(names: Iterable[str], first: str = "") -> list[str]:
    """Return names of metrics in the catalogue's order, unknown ones last, `first` before all."""
    order = {name: number for number, name in enumerate(_BY_NAME)}
    return sorted(set(names), key=lambda name: (name != first, order.get(name, len(order)), name))


def sentence(name: str) -> str:
    """Return an identifier as words that begin with a capital."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


GROUPS = {
    "judges": ("Judges", "Verdicts published: every number can be recomputed from them."),
    "floor": ("Floor", "Judges that do not weigh the responses. A useful judge stands clearly above them."),
    "apart": ("Not comparable", "Other items, fewer items or another protocol. Not ranked."),
    "demonstration": ("Demonstration", "Shows how the page works. Not a measurement, never ranked."),
    "reported": (
        "Reported",
        "Published numbers, no verdicts: cannot be recomputed. Not ranked; Wilson intervals.",
    ),
}

EVIDENCE = {
    "reproduced": "run again by somebody other than who first published it, with verdicts",
    "submitted": "run and handed in by its authors or users, with verdicts",
    "imported": "computed here from verdicts that were published elsewhere",
    "reported": "a published number whose verdicts are not available",
}

_KINDS = {
    "generative-reward-model": "generative RM",
    "reward-model": "reward model",
    "null": "null",
}


def kind_label(kind: str) -> str:
    """Return a kind of judge as it is written on the page."""
    return _KINDS.get(kind, kind)
