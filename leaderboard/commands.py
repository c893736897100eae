"""The command that makes a result again: what to type, quoted for a shell."""

import shlex
from dataclasses import dataclass

from judgebench import registry
from judgebench.installed import judge_card, task_card
from judgebench.judges import card as judge_cards
from judgebench.records import Sampling
from judgebench.results import Result
from judgebench.sources import is_generated
from judgebench.spec import EvalConfig, JudgeSpec
from judgebench.task import TaskCard
from judgebench.tasks import verifiable


@dataclass(frozen=True)
class Command:
    """A command line, and (word, meaning) of what is left open in it."""

    text: str
    blanks: tuple[tuple[str, str], ...]


BLANKS = {
    "PATH": "your copy of the dataset",
    "PROVIDER": "who serves the model",
    "URL": "the address of the server",
}


def evaluation(result: Result) -> Command | None:
    """Return the `judgebench eval` command of a result's spec, or None when its judge or task is not installed."""
    card, task, spec = judge_card(result.spec.judge), task_card(result.spec.task.name), result.spec
    if card is None or task is None:
        return None
    words = [*_who(spec.judge, card), *_what(*task)]
    if (drawn := verifiable.drawn_from(spec.task.revision)) is not None:
        words += [word for name, value in verifiable.options(drawn).items() for word in _option(name, value)]
    for category in spec.categories:
        words += _option("category", category)
    for name in ("limit", "orders", "repeats", "seed"):
        value = getattr(spec, name)
        words += _option(name, str(value)) if value != EvalConfig.model_fields[name].default else []
    words += ["--nway", "knock-out"] if spec.judge.conversion == "knock-out" else []
    words += [] if spec.judge.endpoint == "default" else ["--base-url", "URL"]
    words += _sampling(spec.judge.sampling, card.sampling) if result.evidence != "imported" else []
    left = [blank for blank in BLANKS if any(word.strip("'").partition("/")[0] == blank for word in words)]
    return Command(" ".join(["judgebench", "eval", *words]), tuple((blank, BLANKS[blank]) for blank in left))


def _who(judge: JudgeSpec, card: judge_cards.JudgeCard) -> list[str]:
    words = _option("judge", card.name)
    if judge.name == card.name:
        return words
    model = judge.model or ""
    provided = model.partition("/")[0] in registry.names("backends")
    return words + _option("model", model if provided else f"PROVIDER/{model}")


def _what(card: TaskCard, split: str) -> list[str]:
    known = card.splits.get(split)
    words = _option("task", card.name)
    words += _option("split", split) if len(card.splits) > 1 else []
    at_hand = card.hub or (known and known.path) or is_generated(card)
    return words if at_hand else [*words, "--data", "PATH"]


def _sampling(used: Sampling, carded: Sampling) -> list[str]:
    given = {name: getattr(used, name) for name in ("temperature", "max_tokens")}
    changed = {name: value for name, value in given.items() if value not in (None, getattr(carded, name))}
    return [word for name, value in changed.items() for word in _option(name.replace("_", "-"), str(value))]


def _option(name: str, value: str) -> list[str]:
    """Return an option and its value; in one word where the value could itself pass for an option."""
    quoted = shlex.quote(value)
    return [f"--{name}={quoted}"] if value.startswith("-") else [f"--{name}", quoted]
