"""Whether what a program gave is what a test wants.

Standard output: both stripped, as many lines, and each line the same but for the white space at its edges, or the same
number of words that are equal as decimal numbers. Returned values: equal as JSON holds them, where tuples are lists.
With a tolerance, numbers may differ by that much, absolutely or of their size; nothing else may differ.
"""

import math
from decimal import Decimal, InvalidOperation
from typing import Any

DEEPEST = 200
"""Levels of a value that are compared number by number."""


def same_output(given: str, wanted: str, tolerance: float = 0.0) -> bool:
    """Return whether a program printed what a test wants."""
    ours, theirs = given.strip().split("\n"), wanted.strip().split("\n")
    return len(ours) == len(theirs) and all(map(_same_line, ours, theirs, [tolerance] * len(ours)))


def _same_line(given: str, wanted: str, tolerance: float) -> bool:
    given, wanted = given.strip(), wanted.strip()
    if given == wanted:
        return True
    ours, theirs = given.split(), wanted.split()
    return len(ours) == len(theirs) and all(map(_same_number, ours, theirs, [tolerance] * len(ours)))


def _same_number(given: str, wanted: str, tolerance: float) -> bool:
    if tolerance and given == wanted:  # words between the numbers
        return True
    try:
        ours, theirs = Decimal(given), Decimal(wanted)
        return ours == theirs or (bool(tolerance) and _close(float(ours), float(theirs), tolerance))
    except (InvalidOperation, ValueError, OverflowError):
        return False


def same_value(given: Any, wanted: Any, tolerance: float = 0.0) -> bool:
    """Return whether a function returned what a test wants. Whole numbers and truth values have no tolerance."""
    if not tolerance:
        return bool(given == wanted)
    return _near(given, wanted, tolerance, DEEPEST)


def _near(given: Any, wanted: Any, tolerance: float, levels: int) -> bool:
    if levels == 0:
        return bool(given == wanted)
    match given, wanted:
        case list(), list():
            return len(given) == len(wanted) and all(
                _near(one, two, tolerance, levels - 1) for one, two in zip(given, wanted, strict=True)
            )
        case dict(), dict():
            return given.keys() == wanted.keys() and all(
                _near(given[key], wanted[key], tolerance, levels - 1) for key in wanted
            )
        case (float(), float() | int()) | (int(), float()) if not isinstance(given, bool):
            return _close(given, wanted, tolerance)
        case _:
            return bool(given == wanted)


def _close(given: float, wanted: float, tolerance: float) -> bool:
    if math.isnan(wanted):
        return math.isnan(given)
    try:
        return math.isclose(given, wanted, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:  # a whole number that no float holds
        return False
