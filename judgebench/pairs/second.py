"""A second opinion: a model says whether it agrees with a grade. Who disagrees drops the response from selection.

JudgeBench asks a small model so for knowledge, reasoning and math (arXiv 2410.12784, section 3). What it said is kept
in the build folder, and asked again only of another judge or of a new grade.
"""

from collections.abc import Callable, Mapping
from typing import Any


def second_opinions(*_: Any) -> Mapping[int, bool | None]:
    raise NotImplementedError
