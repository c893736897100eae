"""What the page on methods says: the catalogue by shape of task and by set."""

from judgebench.leaderboard.formulas import NOTATION, formula
from judgebench.leaderboard.wording import SHAPES, sentence
from judgebench.metrics.catalogue import DEFINITIONS, Definition
from judgebench.metrics.definition import Shape

__all__ = ["DIRECTIONS", "NOTATION", "formula", "sections"]

DIRECTIONS = {
    "higher": "Higher is better.",
    "lower": "Lower is better.",
    "neutral": "Neither end is better by itself.",
}
_SHAPE_TITLES: dict[Shape, str] = {shape: title for shape, (title, _) in SHAPES.items()} | {"any": "All tasks"}
_SETS = {
    "": "Computed on every task of this shape.",
    "certainty": "Calibration and selective prediction: computed where a judge states its confidence.",
}


def sections() -> list[tuple[str, str, list[Definition]]]:
    """Return (title, note, definitions): by shape in reading order, in each the common metrics first."""
    found: dict[tuple[Shape, str], list[Definition]] = {}
    for known in DEFINITIONS:
        found.setdefault((known.applies, known.set), []).append(known)
    shapes = list(_SHAPE_TITLES)
    order = sorted(found, key=lambda key: (shapes.index(key[0]), key[1] != "", key[1] != "certainty", key[1]))
    return [(_title(*key), _note(key[1]), found[key]) for key in order]


def _title(shape: Shape, metric_set: str) -> str:
    return _SHAPE_TITLES[shape] + (f": {sentence(metric_set).lower()}" if metric_set else "")


def _note(metric_set: str) -> str:
    return _SETS.get(metric_set, f"Computed on tasks whose card asks for the set {metric_set}.")
