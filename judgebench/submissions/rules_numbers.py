"""Rules for the numbers: every metric, over all and by category, is computed again and must be equal."""

import math
import warnings
from collections.abc import Mapping

from judgebench.errors import DataError, UsageError
from judgebench.metrics import measure
from judgebench.results import Metric
from judgebench.submissions.case import Case, Findings
from judgebench.submissions.layout import VERDICTS

TOLERANCE = 1e-9
"""Numbers that differ by less, absolutely or relatively, are equal: another machine may add in another order."""
SHOWN = 10
"""Numbers that are named one by one."""

Metrics = dict[str, Metric]


def metrics(case: Case) -> Findings:
    """Check every metric against its recomputation: none may differ, be missing or be there besides."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that a hostile result makes huge
            overall, by_category = measure(case.gold, case.rows, case.result.spec.task.metric_sets)
    except (DataError, UsageError) as error:
        yield case.error("", f"cannot be measured: {str(error).partition(chr(10))[0]}", VERDICTS)
        return
    result = case.result
    found = [
        *_names(case, "metrics", result.metrics, overall),
        *_names(case, "by_category", result.by_category, by_category),
        *_compared(case, "metrics", result.metrics, overall),
    ]
    for category in sorted(result.by_category.keys() & by_category.keys()):
        field, theirs, mine = f"by_category.{category}", result.by_category[category], by_category[category]
        found += [*_names(case, field, theirs, mine), *_compared(case, field, theirs, mine)]
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield case.error("metrics", f"{len(found) - SHOWN} more numbers differ from the recomputed ones")


def _names(case: Case, field: str, theirs: Mapping[str, object], mine: Mapping[str, object]) -> Findings:
    for name in sorted(mine.keys() - theirs.keys()):
        yield case.error(f"{field}.{name}", "is missing")
    for name in sorted(theirs.keys() - mine.keys()):
        yield case.error(f"{field}.{name}", "does not follow from the verdicts. Remove it")


def _compared(case: Case, field: str, theirs: Metrics, mine: Metrics) -> Findings:
    for name in sorted(theirs.keys() & mine.keys()):
        for part in Metric.model_fields:
            one, two = getattr(theirs[name], part), getattr(mine[name], part)
            if not equal(one, two):
                yield case.error(f"{field}.{name}.{part}", f"is {_number(one)}, recomputed {_number(two)}")


def equal(one: float | None, two: float | None) -> bool:
    """Tell whether two numbers are the same up to rounding; whole numbers exactly."""
    if one is None or two is None or (isinstance(one, int) and isinstance(two, int)):
        return one == two
    return math.isclose(one, two, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _number(value: float | None) -> str:
    return "absent" if value is None else repr(value)
