"""Which rows of a task may be compared: its groups, and why a result stands apart."""

from dataclasses import dataclass

from judgebench.leaderboard.data import TaskBoard, edition_of
from judgebench.leaderboard.wording import metric_words
from judgebench.results import Result

COUNTED = ("judges", "floor")
"""The groups whose numbers may stand in one column, and be tested against each other."""


@dataclass(frozen=True)
class Badge:
    """A short remark on a row, and the sentence behind it."""

    text: str
    title: str


ONE_ORDER = Badge("one order", "Each pair was shown in one order only, so position bias is not averaged out.")


def group_of(result: Result, task: TaskBoard) -> str:
    """Return the key of the group (see `wording.GROUPS`) that a result stands in."""
    if result.demonstration:
        return "demonstration"
    if incomparable(result, task):
        return "apart"
    return "floor" if result.spec.judge.kind == "null" else "judges"


def incomparable(result: Result, task: TaskBoard) -> list[Badge]:
    """Return why a result may not stand in the ranking: other items, fewer items, another protocol."""
    spec, badges = result.spec, []
    if edition_of(result) != task.edition:
        badges.append(Badge("other items", "Run over other items than the ranked results, or over items of its own."))
    if result.counts.items < spec.task.items or spec.categories or spec.limit:
        share = f"{result.counts.items} of {spec.task.items} items"
        badges.append(Badge(share, "A part of the task only."))
    if in_one_order(result) and not (task.one_order or metric_words(task.metric, task.shape).one_order):
        badges.append(ONE_ORDER)
    return badges


def in_one_order(result: Result) -> bool:
    """Tell whether each pair was shown in one order only to a judge whose verdict may depend on it."""
    return result.spec.orders == "first" and not result.spec.judge.order_independent
