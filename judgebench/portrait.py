"""What a task measures, before paying for it: counts, label balance, length bias, a sample."""

import asyncio
from collections import Counter
from typing import Any

from judgebench import registry, sources
from judgebench import task as tasks
from judgebench.assemble import verdict_row
from judgebench.judges.base import Judge
from judgebench.judges.card import load_card
from judgebench.records import Item, Judgment, Reply, Verdict, text_of
from judgebench.results import VerdictRow
from judgebench.run.plan import trials, view
from judgebench.task import GoldRow, Split, Task

NULL_JUDGES = ("always-first", "always-second", "random", "longest", "shortest")


def portrait(name: str, split: str | None = None, data: str | None = None) -> dict[str, Any]:
    """Return a task's card, counts and balances as JSON.

    With the texts at hand (packaged, or `data`) also how often the longer response wins, and a sample item.
    Raises UsageError for an unknown task.
    """
    if data is None and not name.endswith((*sources.FILE_SUFFIXES, *sources.CARD_SUFFIXES)):
        card, chosen = tasks.resolve(name, split)
        known = card.splits.get(chosen, Split())
        if known.path is None and not sources.is_generated(card):
            shipped = tasks.published_gold(Task(card, chosen, ()).name) or []
            return {**_card(card, chosen), **_balance(shipped)}
    task = sources.load_task(name, split, data)
    return {
        **_card(task.card, task.split),
        **_balance(tasks.facts(task.items)),
        "left_out": task.dropped,
        "longer_is_right": _longer_is_right(task.items),
        "null_judges": _null_judges(task),
        "sample": task.items[0].model_dump(mode="json", exclude={"meta"}),
    }


def _null_judges(task: Task) -> dict[str, float | None]:
    """Return what judges that read nothing score on the headline: the floor. Empty for single responses."""
    from judgebench.metrics import measure

    found = {}
    for name in NULL_JUDGES if min(len(item.candidates) for item in task.items) > 1 else ():
        card = load_card(name)
        judge = registry.load("families", card.family)(card)
        rows = asyncio.run(_judge(judge, task))
        headline = measure(tasks.facts(task.items), rows, task.card.metric_sets)[0].get(task.card.metric)
        found[name] = headline.value if headline else None
    return found


async def _judge(judge: Judge, task: Task) -> list[VerdictRow]:
    rows = []
    for item, trial in trials(task.items, order_independent=judge.order_independent):
        verdict = await judge.judge(view(item, trial, ties=task.card.ties, seed=0), _nobody)
        rows.append(verdict_row(Judgment(trial=trial, verdict=verdict if isinstance(verdict, Verdict) else None)))
    return rows


async def _nobody(_request: object) -> Reply:
    raise AssertionError("a null judge asks nobody")


def _card(card: tasks.TaskCard, split: str) -> dict[str, Any]:
    return {"split": split, **card.model_dump(mode="json", exclude={"splits", "fields", "labels", "params"})}


def _balance(rows: list[GoldRow]) -> dict[str, Any]:
    labels = Counter(row.gold.label if row.gold.kind == "preference" else row.gold.kind for row in rows)
    return {
        "items": len(rows),
        "sources": len({row.source for row in rows}),
        "items_by_category": dict(sorted(Counter(row.category for row in rows).items())),
        "labels": dict(sorted(labels.items())),
    }


def _longer_is_right(items: tuple[Item, ...]) -> dict[str, int]:
    """Return among how many pairs of unequal length the longer response is the right one."""
    longer = unequal = 0
    for item in items:
        if item.gold.kind != "preference" or item.gold.label == "A=B":
            continue
        first, second = (len(text_of(candidate.content)) for candidate in item.candidates)
        unequal += first != second
        longer += first != second and (first > second) == (item.gold.label == "A>B")
    return {"longer": longer, "of": unequal}
