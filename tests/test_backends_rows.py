"""Requests as tokens: the card's rules hold, and what is scored ends where transformers' classifiers read it."""

import asyncio
import math

import pytest

from fakes.tiny_models import make_tiny, tiny_tokenizer
from judgebench.backends import rows
from judgebench.backends.base import Endpoint
from judgebench.backends.local import loading
from judgebench.backends.rows import Desk, padding_token
from judgebench.errors import MissingPrerequisite
from judgebench.judges.card import Context, Weights
from judgebench.records import ChatRequest, Message, ScoreRequest, TextRequest

TURNS = (Message(role="user", content="Two and two?"), Message(role="assistant", content="four"))


def written(endpoint, request):
    async def go():
        desk = Desk(endpoint)
        try:
            return await desk.rows(request)
        finally:
            desk.close()

    return asyncio.run(go())


@pytest.mark.parametrize("shape", ["llama", "gemma2", "qwen2", "gpt-neox"])
@pytest.mark.parametrize("padding", ["own", "end of turn", "none"])
def test_the_last_token_of_a_row_is_the_one_transformers_reads(tmp_path, shape, padding):
    import torch
    from transformers import AutoModelForSequenceClassification

    tokenizer = tiny_tokenizer(shape)
    pads = {"own": tokenizer.unk_token_id, "end of turn": tokenizer.eos_token_id, "none": None}
    model_path = make_tiny(tmp_path / "rm", shape, "sequence-classification", pad_token_id=pads[padding])
    endpoint = Endpoint(model=str(model_path), weights=Weights(head="sequence-classification"))
    (ids,) = written(endpoint, ScoreRequest(conversations=(TURNS,)))
    (whole,) = written(Endpoint(model=str(model_path)), ChatRequest(messages=TURNS))
    whole = whole[: whole.index(tokenizer.eos_token_id) + 1]
    assert ids == (whole[:-1] if padding == "end of turn" else whole)
    model = AutoModelForSequenceClassification.from_pretrained(model_path).eval()
    with torch.no_grad():
        theirs = model(torch.tensor([whole])).logits[0]
        last = model.base_model(torch.tensor([ids])).last_hidden_state[0, -1]
        score = model.get_submodule("score")
        ours = score(model.dropout(last) if hasattr(model, "dropout") else last)
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_chat_and_text(tmp_path):
    tokenizer = tiny_tokenizer("llama")
    tokenizer.save_pretrained(tmp_path)
    endpoint = Endpoint(model=str(tmp_path), context=Context(limit=10, side="left"))
    (ids,) = written(endpoint, ChatRequest(messages=TURNS[:1]))
    assert tokenizer.decode(ids).endswith("d two?<|assistant|>")
    assert len(ids) == 10
    (ids,) = written(endpoint, TextRequest(prompt="x" * 50))
    assert tokenizer.decode(ids) == "<s>" + "x" * 9


def test_a_model_by_another_name_is_padded_as_where_its_tokenizer_comes_from(tmp_path):
    make_tiny(tmp_path, "llama", pad_token_id=5)
    endpoint = Endpoint(model=str(tmp_path / "served-name"), weights=Weights(tokenizer=str(tmp_path)))
    assert padding_token(endpoint) == 5
    assert padding_token(Endpoint(model=str(tmp_path / "served-name"))) is None


def test_a_row_of_nothing_but_padding_stays():
    assert rows._ended([2, 2], 2) == [2, 2]
    assert rows._ended([1, 2, 2], 2) == [1]
    assert rows._ended([1, 2], None) == [1, 2]


def test_without_transformers_it_says_what_to_type(monkeypatch):
    def missing(endpoint):
        raise ImportError("No module named 'transformers'", name="transformers")

    monkeypatch.setattr(loading, "load_tokenizer", missing)
    with pytest.raises(MissingPrerequisite, match=r"pip install 'judgebench\[local\]'"):
        written(Endpoint(model="m"), TextRequest(prompt="x"))


def test_log_probabilities_keep_the_strongest_rivals_whatever_their_order(monkeypatch):
    tokenizer = tiny_tokenizer("llama")
    monkeypatch.setattr(loading, "load_tokenizer", lambda endpoint: tokenizer)
    a, space, b = (tokenizer.convert_tokens_to_ids(token) for token in ("A", "Ġ", "B"))
    found = Desk(Endpoint(model="m")).logprobs(a, -0.1, {b: -9.0, a: -0.1, 1: -math.inf, space: -2.0}, 2)
    assert (found.token, found.logprob) == ("A", -0.1)
    assert found.top == {"A": -0.1, " ": -2.0}
