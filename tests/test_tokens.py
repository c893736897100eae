"""Cutting to a budget of tokens: never longer than asked, from the side asked for, untouched when it fits."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench import tokens
from judgebench.errors import MissingPrerequisite
from judgebench.judges.card import JudgeCard, Weights


class Words:
    """A tokenizer of words and spaces: two neighbours that are cut apart may encode as more tokens."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        ids = [ord(character) for character in text]
        return [1, *ids] if add_special_tokens else ids

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))


class Growing(Words):
    """Decodes with a mark that encodes as tokens of its own, as a broken character does."""

    def decode(self, ids: Sequence[int]) -> str:
        return super().decode(ids) + "??"


@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(-2, 70), st.sampled_from(["left", "right"]))
def test_a_cut_text_fits_and_is_an_end_of_the_whole(text: str, most: int, side: tokens.Side) -> None:
    for tokenizer in (Words(), Growing()):
        piece = tokens.cut(tokenizer, text, most, side)
        assert tokens.length(tokenizer, piece) <= max(most, 0)
    piece = tokens.cut(Words(), text, most, side)
    assert text.endswith(piece) if side == "left" else text.startswith(piece)
    assert piece == text or len(piece) == max(most, 0)


def test_special_tokens_count_only_when_asked_for() -> None:
    assert tokens.length(Words(), "abc") == 3
    assert tokens.length(Words(), "abc", special=True) == 4


@pytest.mark.parametrize(
    ("weights", "expected"),
    [(None, ("us/judge", "v1")), (Weights(tokenizer="us/words@v2"), ("us/words", "v2")), (Weights(tokenizer="us/words"), ("us/words", None))],
)  # fmt: skip
def test_the_tokenizer_is_the_model_s_or_the_one_named(weights: Weights | None, expected: tuple[str, str | None], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(tokens, "load", lambda *place: place)
    card = JudgeCard(
        name="j", family="f", kind="fine-tuned", model="transformers/us/judge", revision="v1", weights=weights
    )
    assert tokens.tokenizer_of(card) == expected


def test_a_tokenizer_that_is_not_there_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    # The variable is read once, when the hub's client is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingPrerequisite, match="hf download nobody/nothing") as error:
        tokens.load("nobody/nothing")
    assert "\n" not in str(error.value)
