"""Implicit rewards: log-probabilities of the response's tokens alone, under two models, token by token by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.ranked import TEXTS, alone, each, endpoint, loaded, near, pair, scores, tokens
from fakes.tiny_models import make_tiny
from judgebench import registry
from judgebench.errors import PermanentError, UsageError
from judgebench.judges.card import Context


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a policy and its reference: two sets of weights for one tokenizer."""
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("policies")
    return make_tiny(folder / "policy", "llama"), make_tiny(folder / "reference", "llama", initializer_range=0.15)


def said(path: Path) -> Callable[[Any], Any]:
    """Return what gives the log-probabilities of the tokens after the assistant's announcement."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(path).eval()

    def read(ids: Any) -> Any:
        start = int((ids[0] == 5).nonzero()[-1]) + 1
        chances = model(ids).logits[0].log_softmax(-1)
        return chances[range(start - 1, ids.shape[1] - 1), ids[0, start:]]

    return read


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_reward_is_the_log_ratio_of_the_response(size: int, policies: tuple[Path, Path]) -> None:
    policy, reference = (said(path) for path in policies)
    own = alone(policies[0], each(), lambda ids: policy(ids).sum() - reference(ids).sum())
    head = loaded(policies[0], "implicit", reference=str(policies[1]))
    assert scores(head, each(), size) == near(own)
    assert head.kind == "implicit"


def test_a_mean_over_tokens(policies: tuple[Path, Path]) -> None:
    policy, reference = (said(path) for path in policies)
    own = alone(policies[0], each(), lambda ids: (policy(ids) - reference(ids)).mean())
    assert scores(loaded(policies[0], "implicit", reference=str(policies[1]), normalise="length"), each()) == near(own)


def test_without_a_reference(policies: tuple[Path, Path]) -> None:
    policy = said(policies[0])
    own = alone(policies[0], each(), lambda ids: policy(ids).sum())
    assert scores(loaded(policies[0], "implicit", reference_free=True), each()) == near(own)
    mean = loaded(policies[0], "implicit", reference_free=True, normalise="length")
    assert scores(mean, each()) == near(alone(policies[0], each(), lambda ids: policy(ids).mean()))


def test_beta_scales_and_a_pair_is_the_difference(policies: tuple[Path, Path]) -> None:
    one, two = scores(loaded(policies[0], "implicit", reference=str(policies[1])), each(*TEXTS[:2]))
    scaled = loaded(policies[0], "implicit", reference=str(policies[1]), beta=0.1)
    assert scores(scaled, each(*TEXTS[:2])) == near([0.1 * one, 0.1 * two])
    assert scores(scaled, pair(*TEXTS[:2])) == near([0.1 * (one - two)])


def test_a_policy_and_itself_have_nothing_to_say(policies: tuple[Path, Path]) -> None:
    assert scores(loaded(policies[0], "implicit", reference=str(policies[0])), each()) == near([0.0] * len(TEXTS))


def test_only_the_response_counts_however_the_question_is_cut(policies: tuple[Path, Path]) -> None:
    """With the question cut to nothing the response's tokens are scored after the beginning token."""
    policy = said(policies[0])
    whole = tokens(policies[0], each("four").conversations[0])
    short = whole[:, [0, *range(whole.shape[1] - 6, whole.shape[1])]]
    head = loaded(policies[0], "implicit", Context(limit=7, side="left"), reference_free=True)
    (row,) = head.rows(each("four"))
    assert list(row.ids) == short[0].tolist()
    assert head.score([row]) == near([float(policy(short).sum().detach())])


@pytest.mark.parametrize("options", [{}, {"reference": "x", "reference_free": True}])
def test_a_reference_is_named_or_left_out(options: Any) -> None:
    with pytest.raises(UsageError, match="needs either a reference policy .* or .*reference_free: true, and not both"):
        registry.load("heads", "implicit")(endpoint(Path("x"), "implicit", **options))


def test_a_norm_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"params\.normalise: 'words' is none of none, length"):
        registry.load("heads", "implicit")(endpoint(Path("x"), "implicit", normalise="words", reference="y"))


def test_models_of_different_words_are_refused(policies: tuple[Path, Path], tmp_path: Path) -> None:
    other = make_tiny(tmp_path / "other", "gemma2")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(other)
    file = other / "tokenizer.json"
    a, b = (tokenizer.convert_tokens_to_ids(letter) for letter in "AB")
    text = file.read_text().replace(f'"A": {a},', f'"A": {b}0,').replace(f'"B": {b},', f'"B": {a},')
    file.write_text(text.replace(f'"A": {b}0,', f'"A": {b},'))
    with pytest.raises(PermanentError, match=r"have different vocabularies: '[AB]' is token \d+ of the one and \d+ of"):
        loaded(policies[0], "implicit", reference=str(other))


def test_a_reference_with_more_words_will_do(policies: tuple[Path, Path], tmp_path: Path) -> None:
    """A padding token that one of them added is no other vocabulary."""
    assert scores(loaded(policies[0], "implicit", reference=str(make_tiny(tmp_path / "more", "qwen2"))), each())
