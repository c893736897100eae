"""The installed cards that a result speaks of. Only installed names are looked up: a result chooses no file to read."""

from functools import cache

from judgebench import registry
from judgebench.errors import JudgebenchError, UsageError
from judgebench.judges import card as judge_cards
from judgebench.judges.base import Family
from judgebench.judges.card import JudgeCard
from judgebench.spec import JudgeSpec
from judgebench.task import TaskCard, resolve, slug


def judge_card(judge: JudgeSpec) -> JudgeCard | None:
    """Return the installed card that a judge's name means: the card's own, or the card's with another model.

    None for a card of the user's own.
    """
    return _judge_card(judge.name, judge.model)


@cache
def _judge_card(judge: str, model: str | None) -> JudgeCard | None:
    base = judge.removesuffix(f"--{slug(model)}") if model else judge
    name = next((name for name in (judge, base) if name in judge_cards.card_names()), None)
    return None if name is None else judge_cards.load_card(name)


@cache
def task_card(name: str) -> tuple[TaskCard, str] | None:
    """Return the installed card and split of a task, or None for a task of the user's own."""
    try:
        return resolve(name, None)
    except UsageError:
        return None


def family_of(card: JudgeCard) -> Family | None:
    """Return the judge of an installed card, or None where a package that it needs is not installed here."""
    try:
        family: Family = registry.load("families", card.family)(card)
    except JudgebenchError:
        return None
    return family
