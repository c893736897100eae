"""Where a result's gold comes from: judgebench's own table, one made again, or the one beside the result."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from judgebench import registry, sources
from judgebench import task as tasks
from judgebench.errors import JudgebenchError
from judgebench.hashing import sha256
from judgebench.installed import task_card
from judgebench.records import Item
from judgebench.submissions.case import Case
from judgebench.submissions.layout import GOLD
from judgebench.submissions.reading import Refused
from judgebench.submissions.rules_task import packaged, read_gold
from judgebench.task import TaskCard
from judgebench.tasks.verifiable import AGAIN, Verifiable, drawn_from

MOST_MADE = 2 * AGAIN
"""Items that one check makes again: what results claim must not cost minutes."""


@dataclass
class Maker:
    """Makes the items of generated tasks again, each task once, and not more than `MOST_MADE` items in all."""

    made: int = 0
    known: dict[tuple[str, str], tuple[Item, ...]] = field(default_factory=dict)

    def items(self, name: str, revision: str) -> Sequence[Item]:
        """Return the items of a generated task's revision. Raises Refused when it is too much work."""
        if (name, revision) not in self.known:
            params = drawn_from(revision)
            assert params is not None
            self.made += params["items"]
            if params["items"] > AGAIN:
                raise Refused(
                    f"asks for {params['items']:,} items; {AGAIN:,} is the most that is made again", _REVISION
                )
            if self.made > MOST_MADE:
                raise Refused("makes too many items for one check. Type: judgebench validate with this result alone",
                              _REVISION)  # fmt: skip
            self.known[name, revision] = sources.load_task(name, drawn=params).items
        return self.known[name, revision]


_REVISION = "spec.task.revision"


def with_gold(case: Case, maker: Maker, *, beside: bool) -> Case:
    """Return the case with its gold, and its items where their texts are at hand; `beside` says a table lies there.

    Raises Refused when there is none that the result's fingerprint names.
    """
    spec = case.result.spec.task
    if (data := packaged(case.result)) is not None:
        if beside:
            raise Refused("is packaged with judgebench already. Remove this one")
        return replace(case, gold=tasks.read_gold_table(data, spec.name))
    if (items := _again(case, maker)) is not None:
        if sha256(tasks.gold_table(items)) != spec.fingerprint:
            raise Refused(
                f"is not that of the items which {shown_revision(spec.revision)} makes", "spec.task.fingerprint"
            )
        if beside:
            read_gold(case.beside(GOLD), spec.fingerprint)
        return replace(case, gold=tasks.facts(items), items=items)
    if not beside:
        raise Refused(
            f"judgebench brings no table of it, and none lies beside: {case.stem}{GOLD}", "spec.task.fingerprint"
        )
    return replace(case, gold=read_gold(case.beside(GOLD), spec.fingerprint), pinned=False)


def shown_revision(revision: str | None) -> str:
    """Return a generated task's revision without the list of its generators."""
    return (revision or "").partition(" generators=")[0]


def _again(case: Case, maker: Maker) -> Sequence[Item] | None:
    """Return the items of a generated task, or None where it is none, or its generators are others here."""
    spec = case.result.spec.task
    found = task_card(spec.name)
    if found is None or not _is_generated(found[0]):
        return None
    if (params := drawn_from(spec.revision)) is None:
        raise Refused("does not say how the items are made", _REVISION)
    try:
        card = found[0].model_copy(update={"params": found[0].params | params})
        if Verifiable(card, "test").revision != spec.revision:
            return None
        return maker.items(spec.name, str(spec.revision))
    except JudgebenchError as error:
        raise Refused(f"cannot be made again: {error}", _REVISION) from None


def _is_generated(card: TaskCard) -> bool:
    return issubclass(registry.load("adapters", card.adapter), Verifiable)


def texts(case: Case) -> Sequence[Item] | None:
    """Return the items of a task whose texts judgebench brings or makes, None for any other."""
    if case.items is not None:
        return case.items
    found = task_card(case.result.spec.task.name)
    if found is None or not case.pinned:
        return None
    card, split = found
    if split not in card.splits or card.splits[split].path is None:
        return None
    return sources.load_task(card.name, split).items
