"""The cards of reward models: complete, of families and heads that exist, and true to the traps that are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.ranked import scores
from judgebench import registry
from judgebench.backends.base import Endpoint
from judgebench.backends.local.templates import OWN, PAIR, TEMPLATES
from judgebench.errors import UsageError
from judgebench.judges.card import JudgeCard, card_names, load_card
from judgebench.judges.reward_model import PairwiseReward
from judgebench.needs import parameters
from judgebench.records import Message, ScoreRequest
from judgebench.testing import check_judge
from judging import make

CARDS = {name: card for name in card_names() if (card := load_card(name)).family in ("reward-model", "pairwise-reward")}
GENERIC = {"reward-model", "sequence-classifier"}
NAMED = sorted(CARDS.keys() - GENERIC)
SEE = "see the model card"
FAMILIES = {
    "skywork-reward-gemma": 2, "skywork-reward-llama": 2, "skywork-reward-v2-llama": 4, "skywork-reward-v2-qwen3": 4,
    "internlm2-reward": 3, "grm-": 9, "armorm": 1, "qrm-": 3, "ldl-reward": 1, "urm-": 2, "inf-orm": 1, "nemotron-": 2,
    "starling-rm": 2, "eurus-rm": 1, "ultrarm": 1, "fsfairx": 1, "rm-mistral": 1, "offsetbias-rm": 1, "btrm": 1,
    "beaver-7b": 2, "oasst-": 3, "pairrm": 1, "better-pairrm": 1, "steamshp": 2, "pair-preference": 1, "dpo-": 2,
}  # fmt: skip


def head_of(card: JudgeCard) -> Any:
    """Build a card's head as the backend does, without loading anything."""
    assert card.weights is not None
    endpoint = Endpoint(model=(card.model or "x/y").partition("/")[2], weights=card.weights, context=card.context)
    return registry.load("heads", card.weights.head)(endpoint)


def where(holds: Callable[[JudgeCard], bool]) -> set[str]:
    return {name for name in NAMED if holds(CARDS[name])}


def test_every_family_of_reward_models_is_there() -> None:
    assert {start: sum(name.startswith(start) for name in NAMED) for start in FAMILIES} == FAMILIES
    assert sum(FAMILIES.values()) == len(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_card_says_what_is_to_be_known(name: str) -> None:
    card = CARDS[name]
    assert card.name == name
    assert card.kind == "reward-model"
    assert (card.model or "").startswith("transformers/")
    assert (card.model or "").count("/") == 2
    assert parameters(card.size)
    assert card.licence
    assert "local" in card.needs
    assert card.context is not None
    assert card.weights is not None
    assert card.summary.endswith(".")
    assert len(card.notes) > 60
    assert card.training_datasets or "no verified list" in card.notes
    assert card.paper is None or card.paper.startswith("https://arxiv.org/abs/")


@pytest.mark.parametrize("name", sorted(CARDS))
def test_a_card_s_family_and_head_are_built(name: str) -> None:
    judge = make(name)
    assert judge.card.params.get("tie_threshold", 0) == 0, "a threshold must be chosen on other data"
    check_judge(judge)
    if CARDS[name].weights is not None:
        head = head_of(CARDS[name])
        assert (head.kind == "pairwise") is isinstance(judge, PairwiseReward)


@pytest.mark.parametrize("name", NAMED)
def test_a_card_s_head_answers_what_its_family_asks(name: str) -> None:
    """A head that refused its own family's mode would only show on a GPU."""
    conversation = (Message(role="user", content="Hi"), Message(role="assistant", content="Hello"))
    mode: Any = "pair" if CARDS[name].family == "pairwise-reward" else "each"
    head = head_of(CARDS[name])
    head.check(ScoreRequest(conversations=(conversation, conversation), mode=mode))
    if mode == "pair":
        with pytest.raises(UsageError):
            head.check(ScoreRequest(conversations=(conversation,)))


@pytest.mark.parametrize("name", NAMED)
def test_a_card_names_a_template_that_exists(name: str) -> None:
    weights = CARDS[name].weights
    assert weights is not None
    assert weights.template in (OWN, PAIR, *TEMPLATES)


def test_no_template_of_ours_is_without_a_card() -> None:
    used = {card.weights.template for card in CARDS.values() if card.weights}
    assert used == {OWN, PAIR, *TEMPLATES}


def test_no_head_is_without_a_card() -> None:
    assert {card.weights.head for card in CARDS.values() if card.weights} == set(registry.names("heads"))


def test_a_template_without_a_place_for_a_system_turn_has_a_policy() -> None:
    keeping = where(lambda card: card.weights is not None and card.weights.system == "keep")
    without = where(lambda card: card.weights.template in ("starling", "mistral", "ultrarm", "beaver"))  # type: ignore[union-attr]
    gemma = where(lambda card: "gemma" in (card.model or "").lower())
    assert without
    assert gemma
    assert not keeping & (without | gemma)


def test_gemma_2_is_never_given_an_attention_that_cannot_cap() -> None:
    gemma = where(lambda card: "gemma-2-27b" in card.name or "gemma2" in card.name)
    assert len(gemma) == 6
    assert all(CARDS[name].weights.attention in ("eager", "flash_attention_2") for name in gemma)  # type: ignore[union-attr]


def test_code_of_a_repository_s_own_is_asked_for_with_a_reason_and_only_where_needed() -> None:
    remote = where(lambda card: card.weights is not None and card.weights.head == "remote")
    assert remote == where(lambda card: card.weights is not None and card.weights.remote_code is not None)
    assert remote == {
        *(f"internlm2-reward-{size}" for size in ("1.8b", "7b", "20b")), "urm-llama-3.1-8b", "urm-llama-3-8b",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "limit", "side"),
    [
        ("skywork-reward-v2-llama-3.1-8b", 16384, "right"), ("nemotron-3.3-70b-reward", 4096, "right"),
        ("starling-rm-7b", 2048, "left"), ("starling-rm-34b", 2048, "left"), ("armorm-llama3-8b", 4096, "right"),
        ("oasst-deberta-v3-large", 512, "right"), ("pairrm", 2048, "right"), ("better-pairrm", 3370, "right"),
    ],
)  # fmt: skip
def test_documented_budgets(name: str, limit: int, side: str) -> None:
    context = CARDS[name].context
    assert context is not None
    assert (context.limit, context.side) == (limit, side)


def test_costs_are_negated_and_nothing_else() -> None:
    assert where(lambda card: bool(card.weights and card.weights.params.get("negate"))) == {"beaver-7b-cost"}


def test_implicit_rewards_name_their_reference() -> None:
    implicit = where(lambda card: card.weights is not None and card.weights.head == "implicit")
    assert implicit == {"dpo-zephyr-7b-beta", "dpo-tulu-2-7b"}
    assert all(CARDS[name].weights.reference for name in implicit)  # type: ignore[union-attr]


def test_no_licence_is_guessed() -> None:
    verified = {"MIT", "Apache-2.0", "Non-commercial", "Llama 3 Community License"}
    licences = {CARDS[name].licence or "" for name in NAMED}
    assert {licence for licence in licences if licence not in verified and SEE not in licence} == set()


def test_judges_of_pairs_are_asked_once() -> None:
    pairwise = where(lambda card: card.family == "pairwise-reward")
    assert len(pairwise) == 5
    assert all(make(name).order_independent for name in NAMED)


def test_the_generic_cards_take_any_model() -> None:
    assert {name for name, card in CARDS.items() if card.model is None} == GENERIC
    assert all("--model" in CARDS[name].notes for name in GENERIC)


@pytest.mark.parametrize("name", NAMED)
def test_notes_hold_no_quotation_of_a_prompt(name: str) -> None:
    assert '"' not in CARDS[name].notes
    assert "http://" not in CARDS[name].notes


def test_a_card_on_a_tiny_model_of_its_shape(tmp_path: Path) -> None:
    """The card's own weights over a folder: what `--model transformers/FOLDER` runs."""
    from fakes.ranked import each
    from fakes.tiny_models import make_tiny

    path = make_tiny(tmp_path / "tiny", "gemma2", "sequence-classification", system=False)
    card = CARDS["skywork-reward-gemma-2-27b-v0.2"]
    assert card.weights is not None
    weights = card.weights.model_copy(update={"dtype": "float32"})
    endpoint = Endpoint(model=str(path), weights=weights, context=card.context, options={"device": "cpu"})
    head = registry.load("heads", weights.head)(endpoint)
    head.load()
    assert head.describe()["attention"] == "eager"
    system = Message(role="system", content="Be brief.")
    request = ScoreRequest(conversations=((system, *each("four").conversations[0]),))
    assert len(scores(head, request)) == 1
