"""What is known of a judge's model: whether its weights are open, and how large it is. What nobody says is unknown."""

import re
from functools import cache

from judgebench import registry
from judgebench.installed import judge_card
from judgebench.judges import card as judge_cards
from judgebench.judges.card import JudgeCard
from judgebench.spec import JudgeSpec

UNKNOWN = "unknown"
OPENNESS = {"open": "open weights", "api": "API only", "none": "no model", UNKNOWN: UNKNOWN}
BANDS = {
    "3": "up to 3 B",
    "10": "3 to 10 B",
    "30": "10 to 30 B",
    "80": "30 to 80 B",
    "more": "over 80 B",
    UNKNOWN: UNKNOWN,
}
"""Bands of sizes by their upper end, in billions of parameters, which is part of the band."""

_LOCAL, _HOSTED = ("transformers", "vllm"), ("openai", "anthropic")
_WITHOUT_MODEL = ("null", "rule")
_SIZE = re.compile(r"(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)([bm])", re.IGNORECASE | re.ASCII)
_IN_NAME = re.compile(rf"(?<![a-z0-9.]){_SIZE.pattern}(?![a-z0-9])", re.IGNORECASE | re.ASCII)


def openness(judge: JudgeSpec) -> str:
    """Return a key of `OPENNESS`: by the judge's installed card, else by who ran the model."""
    if judge.kind in _WITHOUT_MODEL:
        return "none"
    provider = (judge.model or "").partition("/")[0]
    if judge.weights is not None or provider in _LOCAL or _carded(judge):
        return "open"
    return "api" if provider in _HOSTED and judge.endpoint == "default" else UNKNOWN


def size(judge: JudgeSpec) -> float | None:
    """Return the number of parameters in billions, by the judge's installed card, else by the model's name."""
    card = _carded(judge)
    return billions(card.size) if card is not None and card.size else named_size(judge.model or "")


def band(parameters: float | None) -> str:
    """Return the key of `BANDS` that a number of parameters, in billions, lies in."""
    if parameters is None:
        return UNKNOWN
    return next((end for end in BANDS if end.isdigit() and parameters <= int(end)), "more")


def billions(text: str) -> float | None:
    """Return a card's size in billions of parameters: `13B`, `435M`, `8x7B` (all experts)."""
    found = _SIZE.fullmatch(text)
    return _parameters(found) if found else None


def named_size(model: str) -> float | None:
    """Return the size that a model's name states, in billions of parameters; of several the first."""
    found = _IN_NAME.search(model)
    return _parameters(found) if found else None


def _parameters(found: re.Match[str]) -> float:
    experts, number, unit = found.groups()
    return int(experts or 1) * float(number) / (1 if unit.lower() == "b" else 1000)


def _carded(judge: JudgeSpec) -> JudgeCard | None:
    """Return the installed card that says how the judge's model is loaded: its own, else one of the same model."""
    card = judge_card(judge)
    if card is not None and card.model is not None and card.weights is not None:
        return card
    return _card_of_model(judge.model) if judge.model else None


@cache
def _card_of_model(model: str) -> JudgeCard | None:
    provider, _, rest = model.partition("/")
    named = _cards_by_model().get(rest if provider in _LOCAL else model)
    card = judge_cards.load_card(named) if named else None
    return card if card is not None and card.weights is not None else None


@cache
def _cards_by_model() -> dict[str, str]:
    """Return the installed cards' names by their models, without the provider. Only this line of a card is read."""
    found: dict[str, str] = {}
    for name, entry in sorted(registry.cards("judge_cards").items()):
        line = re.search(r"^model: (\S+)$", entry.read_text("utf-8"), re.MULTILINE)
        if line and line[1].partition("/")[0] in _LOCAL:
            found.setdefault(line[1].partition("/")[2], name)
    return found
