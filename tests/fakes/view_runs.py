"""Runs to look at, written without judging: a journal of whatever verdicts and replies a test wants."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from judgebench import sources
from judgebench import task as tasks
from judgebench.assemble import finish
from judgebench.records import Fault, Item, Judgment, Reply, Sampling, Trial, Usage, Verdict
from judgebench.results import Environment
from judgebench.run.plan import trials
from judgebench.run.store import Store
from judgebench.spec import EvalConfig, JudgeSpec, Spec, TaskSpec
from judgebench.task import Task, TaskCard

Said = tuple[Verdict | Fault, Sequence[Reply]]
Judge = Callable[[Item, Trial], Said]
USAGE = Usage(input=300, output=20)


def says(text: str, preference: str | None = None, **fields: Any) -> Said:
    """Return a verdict, or a fault where there is no preference or other decision, with the reply it stands in."""
    reply = Reply(text=text, usage=USAGE, model="m-1", seconds=0.25, cost=0.001)
    if preference is None and not fields:
        return Fault(kind="unparsed", detail="no verdict", reply=text), [reply]
    return Verdict(preference=preference, rationale=text, **fields), [reply]


def first_better(item: Item, trial: Trial) -> Said:
    """Prefer the item's own first candidate, whatever the order."""
    own = trial.order[0] == 0
    return says(f"About {item.source_id}.", "A>B" if own else "B>A")


def judge_spec(**fields: Any) -> JudgeSpec:
    """Return what identifies a made-up judge."""
    return JudgeSpec(**{
        "name": "made-up", "family": "pairwise", "kind": "prompted", "model": "m-1", "revision": None,
        "endpoint": "default", "prompts": {}, "sampling": Sampling(), "params": {}, "parser_version": 1,
        "order_independent": False, **fields,
    })  # fmt: skip


def write_run(
    folder: Path, items: Sequence[Item], judge: Judge = first_better, *, task: str = "toy", only: int | None = None,
    metric: str = "accuracy", repeats: int = 1, orders: Any = "both", spec: dict[str, Any] | None = None,
    **judge_fields: Any,
) -> Path:  # fmt: skip
    """Write a run of items and return its directory; with `only` so many trials it is not complete."""
    about = TaskSpec(
        name=task, version=1, revision=None, fingerprint=Task(card(task), "test", tuple(items)).fingerprint,
        items=len(items), headline=metric,
    )  # fmt: skip
    whole = Spec(
        task=about, judge=judge_spec(**judge_fields), orders=orders, repeats=repeats, seed=0, **(spec or {})
    )  # fmt: skip
    config = EvalConfig(judge="made-up", task=task, orders=orders, repeats=repeats)
    work = list(trials(items, orders=orders, repeats=repeats, order_independent=whole.judge.order_independent))
    with Store(folder, whole, config) as store:
        for item, trial in work[:only]:
            add(store, trial, judge(item, trial))
    if only is None:
        finish(
            folder, whole, items, environment=Environment(judgebench="0", python="3", platform="x"),
            demonstration=False, started="2026-01-01T00:00:00+00:00", seconds=1.0, resumed=False,
        )  # fmt: skip
    return folder


def add(store: Store, trial: Trial, said: Said) -> None:
    """Append a trial's replies and its judgment."""
    outcome, replies = said
    for nth, reply in enumerate(replies):
        store.add_reply(trial.key, f"request-{nth}", 0, reply)
    kind = "fault" if isinstance(outcome, Fault) else "verdict"
    usage = sum((reply.usage for reply in replies), Usage())
    seconds, costs = sum(reply.seconds for reply in replies), [reply.cost for reply in replies]
    cost = None if not costs or None in costs else sum(cost for cost in costs if cost is not None)
    store.add_judgment(Judgment(trial=trial, usage=usage, seconds=seconds, cost=cost, **{kind: outcome}))


def card(task: str = "toy") -> TaskCard:
    """Return a card of a task that has no data of its own."""
    return TaskCard(name=task, title=task, adapter="pairs")


def at_hand(monkeypatch: pytest.MonkeyPatch, items: Iterable[Item]) -> None:
    """Make the items what a task loads, whatever it is called."""
    loaded = tuple(items)
    monkeypatch.setattr(sources, "load_task", lambda name, *_args: Task(card(tasks.slug(name)), "test", loaded))


def handed_over(path: Path) -> Any:
    """Return the JSON that a file of data hands over."""
    text = path.read_text("utf-8")
    assert text.startswith("judgebench(...")
    assert text.endswith(");\n")
    name, value = json.loads(text.removeprefix("judgebench(...").removesuffix(");\n"))
    assert name == path.stem
    return value


def read_list(page: Path) -> Any:
    """Return the list of a view."""
    return handed_over(next(page.parent.glob("*/list.js")))


def read_items(page: Path) -> list[Any]:
    """Return the items of a view, in the order of the list."""
    parts = sorted(page.parent.glob("*/[0-9]*.js"), key=lambda path: int(path.stem))
    return [item for path in parts for item in handed_over(path)]
