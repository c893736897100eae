"""Tokens read back as text."""

import math

import pytest

from fakes.tiny_models import tiny_tokenizer
from judgebench.backends.local.spelling import Speller


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer("qwen2")


@pytest.fixture
def speller(tokenizer):
    return Speller(tokenizer)


def ids(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


@pytest.mark.parametrize("text", ["7 8\n", " , . ! ?", "it 's", "é 漢 🙂", ""])
def test_texts_come_back_verbatim(tokenizer, speller, text):
    assert speller.text(ids(tokenizer, text)) == text
    assert speller.texts([ids(tokenizer, text), ids(tokenizer, "x")]) == [text, "x"]


def test_special_tokens_are_not_part_of_a_text_but_have_a_name(tokenizer, speller):
    end = tokenizer.eos_token_id
    assert speller.text([*ids(tokenizer, "A"), end]) == "A"
    assert speller.token(end) == "</s>"
    assert speller.added["</s>"] == end
    assert "A" not in speller.added


@pytest.mark.parametrize("text", ["A", " ", "\n", "."])
def test_a_token_is_spelled_as_in_the_middle_of_a_text(tokenizer, speller, text):
    assert speller.token(ids(tokenizer, text)[0]) == text


def test_a_leading_space_survives_a_decoder_that_strips_it():
    class Words:
        """As sentencepiece does: the space before the first word is not part of the text."""

        vocabulary = ("a", " a", " A", "A")

        def encode(self, text, **_):
            return [0]

        def decode(self, ids, **_):
            return "".join(self.vocabulary[token] for token in ids).removeprefix(" ")

    assert [Speller(Words()).token(token) for token in range(4)] == ["a", " a", " A", "A"]


def test_rivals_that_are_spelled_alike_add_up(tokenizer, speller):
    one, two = ids(tokenizer, "é")
    letter = ids(tokenizer, "A")[0]
    logs = [(one, math.log(0.3)), (letter, math.log(0.25)), (two, math.log(0.2)), (5, -math.inf)]
    entry = speller.entry(one, logs[0][1], logs)
    assert entry.token == "\ufffd"
    assert entry.logprob == pytest.approx(math.log(0.3))
    assert {name: math.exp(log) for name, log in entry.top.items()} == pytest.approx({"\ufffd": 0.5, "A": 0.25})
