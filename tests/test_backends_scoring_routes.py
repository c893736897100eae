"""Scores over HTTP against servers as strict as vLLM's, SGLang's and text-embeddings-inference's."""

import asyncio
from functools import partial

import pytest

from fakes import calls
from fakes.scoring import by_length, sglang_server, silent_server, tei_server, vllm_server
from fakes.servers import Answer
from fakes.tiny_models import tiny_tokenizer
from judgebench.backends import rows
from judgebench.backends.base import Endpoint
from judgebench.backends.local import loading
from judgebench.backends.openai import OpenAIBackend
from judgebench.backends.scoring_routes import TRIED
from judgebench.errors import MissingPrerequisite, PermanentError, RateLimited, TransientError, UsageError
from judgebench.judges.card import Context, Weights
from judgebench.records import ImagePart, Message, ScoreRequest, TextPart

TOKENIZER = tiny_tokenizer("llama")
SAYS_HOW = Weights(head="sequence-classification")


def spell(ids):
    return TOKENIZER.decode(ids)


score = partial(calls.ask, OpenAIBackend)


@pytest.fixture(autouse=True)
def _tokenizer(monkeypatch):
    monkeypatch.setattr(loading, "load_tokenizer", lambda endpoint: TOKENIZER)
    monkeypatch.setattr(rows, "padding_token", lambda endpoint: None)


def conversation(response="four", question="Two and two?", *before) -> tuple[Message, ...]:
    turns = (*before, Message(role="user", content=question), Message(role="assistant", content=response))
    return tuple(turns)


def request(*responses, **fields) -> ScoreRequest:
    return ScoreRequest(conversations=tuple(conversation(response) for response in responses), **fields)


REQUEST = request("four", "it is five")


# -- conversations -------------------------------------------------------------------------------------


def test_without_a_card_s_word_the_server_s_template_is_used():
    with vllm_server() as server:
        reply = score(server, REQUEST)
    texts = [f"[user]Two and two?[assistant]{response}" for response in ("four", "it is five")]
    assert reply.scores == tuple(map(by_length, texts))
    assert reply.usage.input == sum(map(len, texts))
    assert (reply.usage.output, reply.model) == (0, "m")
    assert reply.seconds > 0
    for received in server.requests:
        assert received.path == "/classify", "these routes are not under /v1"
        assert received.body["use_activation"] is False
        assert received.body["model"] == "m"


def test_a_card_s_conversations_go_as_tokens_in_one_call():
    with vllm_server(spell=spell) as server:
        reply = score(server, REQUEST, weights=SAYS_HOW)
    (received,) = server.requests
    texts = [f"<s><|user|>Two and two?<|assistant|>{response}</s>" for response in ("four", "it is five")]
    assert [spell(ids) for ids in received.body["input"]] == texts
    assert reply.scores == tuple(map(by_length, texts))


def test_the_card_s_context_and_policies_hold_on_a_server_too():
    weights = Weights(head="sequence-classification", bos="never", system="drop")
    system = Message(role="system", content="Be kind.")
    asked = ScoreRequest(conversations=(conversation("x" * 100, "Why?", system),))
    with vllm_server(spell=spell) as server:
        score(server, asked, weights=weights, context=Context(limit=30))
    (ids,) = server.requests[0].body["input"]
    assert len(ids) == 30
    assert spell(ids).startswith("<|user|>Why?<|assistant|>xxx")


def test_a_row_ends_where_transformers_reads_it(monkeypatch):
    monkeypatch.setattr(rows, "padding_token", lambda endpoint: TOKENIZER.eos_token_id)
    with vllm_server(spell=spell) as server:
        score(server, request("four"), weights=SAYS_HOW)
    (ids,) = server.requests[0].body["input"]
    assert spell(ids).endswith("<|assistant|>four")


def test_images_reach_the_server_s_template():
    image = ImagePart(data="iVBORw0=")
    turn = Message(role="user", content=(TextPart(text="What is it?"), image))
    asked = ScoreRequest(conversations=((turn, Message(role="assistant", content="a cat")),))
    with vllm_server() as server:
        score(server, asked)
    parts = server.requests[0].body["messages"][0]["content"]
    assert parts[1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}


@pytest.mark.parametrize("base", ["/v1", "/v1/", ""])
def test_the_root_of_the_server_is_found(base):
    with vllm_server() as server:
        root = server.url.removesuffix("/v1")
        assert score(server, REQUEST, base_url=root + base).scores is not None
        assert {received.path for received in server.requests} == {"/classify"}


# -- which route ---------------------------------------------------------------------------------------


def described(running, *requests, **fields):
    """Return the replies, the server's requests and what the backend says of itself, from one backend."""

    async def go(server):
        backend = OpenAIBackend(Endpoint(**{"model": "m", "base_url": server.url} | fields))
        replies = await asyncio.gather(*map(backend.score, requests), return_exceptions=True)
        await backend.aclose()
        return replies, backend.describe()

    with running as server:
        replies, found = asyncio.run(go(server))
    return replies, [received.path for received in server.requests], found


def test_the_first_route_that_answers_is_kept_for_all_requests():
    requests = [request(str(n)) for n in range(20)]
    replies, paths, found = described(vllm_server(spell=spell, routes=("pooling",)), *requests, weights=SAYS_HOW)
    assert paths == ["/classify"] + ["/pooling"] * 20, "routes are tried once, not by every request"
    assert all(len(reply.scores) == 1 for reply in replies)
    assert found["score_route"] == "pooling"
    assert found["score_input"] == "tokens"
    assert found["score_activation"] == "off"


def test_while_the_route_is_found_others_wait_and_then_all_ask_at_once():
    async def go(url):
        backend = OpenAIBackend(Endpoint(model="m", base_url=url, weights=SAYS_HOW))
        await asyncio.gather(*(backend.score(request(str(n))) for n in range(10)))
        await backend.aclose()

    with vllm_server(spell=spell, delay=0.1) as server:
        asyncio.run(go(server.url))
    assert server.peak == 9


def test_options_that_may_change_a_score_are_part_of_what_is_kept():
    plain, asked = (
        OpenAIBackend(Endpoint(model="m", base_url="http://localhost:1/v1", options=options)).identity
        for options in ({}, {"score_input": "messages", "key_env": "MY_KEY"})
    )
    assert asked == plain | {"score_input": "messages"}


def test_sglang_is_never_asked_where_it_makes_every_score_one():
    replies, paths, found = described(sglang_server(spell=spell), REQUEST, weights=SAYS_HOW)
    assert paths == ["/classify", "/pooling", "/classify"]
    assert len(set(replies[0].scores)) == 2
    assert replies[0].usage.input == sum(replies[0].scores)
    assert (found["score_route"], found["score_activation"]) == ("sglang", "none")


def test_a_route_that_is_named_is_the_only_one_asked():
    options = {"score_route": "pooling"}
    replies, paths, found = described(vllm_server(routes=("classify", "pooling")), REQUEST, options=options)
    assert set(paths) == {"/pooling"}
    assert found["score_route"] == "pooling"
    (error,), paths, _ = described(vllm_server(routes=("classify",)), REQUEST, options=options)
    assert isinstance(error, PermanentError)
    assert set(paths) == {"/pooling"}
    assert replies[0].scores


def test_nothing_is_described_where_nothing_was_scored():
    assert "score_route" not in described(vllm_server())[2]


def test_a_server_without_scores_says_what_was_tried_and_what_to_do():
    (error,), paths, _ = described(vllm_server(routes=()), REQUEST)
    assert isinstance(error, PermanentError)
    assert paths == ["/classify", "/classify", "/pooling", "/pooling"]
    for words in (
        "classify: HTTP 404",
        "pooling: HTTP 404",
        "sglang: it takes tokens",
        "--runner pooling",
        "score_route=",
    ):
        assert words in str(error)
    assert "\n" not in str(error)


def test_a_model_that_is_not_served_is_said_at_once():
    (error,), paths, _ = described(vllm_server(spell=spell), REQUEST, model="other", weights=SAYS_HOW)
    assert isinstance(error, PermanentError)
    assert "no model 'other' here" in str(error)
    assert paths == ["/classify"]


def test_a_conversation_that_is_too_long_is_said_at_once():
    (error,), paths, _ = described(vllm_server(spell=spell, window=10), REQUEST, weights=SAYS_HOW)
    assert isinstance(error, PermanentError)
    assert "longer than 'm' can read" in str(error)
    assert paths == ["/classify"]


@pytest.mark.parametrize(
    ("status", "kind"), [(401, PermanentError), (429, RateLimited), (503, TransientError), (500, TransientError)]
)
def test_trouble_is_no_reason_to_try_another_route(status, kind):
    (error,), paths, _ = described(silent_server(status), request("x"))
    assert type(error) is kind
    assert paths == ["/classify"]


def test_finding_goes_on_after_trouble():
    with vllm_server() as server:
        server.push(Answer(503))

        async def go():
            backend = OpenAIBackend(Endpoint(model="m", base_url=server.url))
            with pytest.raises(TransientError):
                await backend.score(request("x"))
            reply = await backend.score(request("x"))
            await backend.aclose()
            return reply

        assert len(asyncio.run(go()).scores) == 1


# -- question and response side by side --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "running", "path"),
    [
        ("score", lambda: vllm_server(routes=("score",)), "/score"),
        ("predict", tei_server, "/predict"),
        ("rerank", tei_server, "/rerank"),
    ],
)
def test_cross_encoders_read_pairs_in_one_call(route, running, path):
    replies, paths, found = described(running(), REQUEST, options={"score_route": route})
    assert replies[0].scores == (by_length("Two and two?|four"), by_length("Two and two?|it is five"))
    assert paths == [path]
    assert found["score_input"] == "pairs"


def test_rerank_takes_one_question_a_call():
    asked = ScoreRequest(conversations=(conversation("a", "one?"), conversation("b", "two??")))
    replies, paths, _ = described(tei_server(), asked, options={"score_route": "rerank"})
    assert replies[0].scores == (by_length("one?|a"), by_length("two??|b"))
    assert paths == ["/rerank", "/rerank"]


def test_a_question_of_several_turns_keeps_its_roles():
    before = (Message(role="user", content="Hi"), Message(role="assistant", content="Hello"))
    asked = ScoreRequest(conversations=(conversation("four", "2+2?", *before),))
    seen = []
    described(tei_server(lambda text: seen.append(text) or 1.0), asked, options={"score_route": "predict"})
    assert seen == ["User: Hi\n\nAssistant: Hello\n\nUser: 2+2?|four"]


def test_pairs_hold_no_images():
    turn = Message(role="user", content=(ImagePart(data="iVBORw0="),))
    asked = ScoreRequest(conversations=((turn, Message(role="assistant", content="a cat")),))
    (error,), paths, _ = described(tei_server(), asked, options={"score_route": "predict"})
    assert isinstance(error, UsageError)
    assert paths == []


def test_similarities_are_never_taken_for_rewards():
    assert not {"score", "rerank", "predict"} & set(TRIED)
    (error,), paths, _ = described(vllm_server(routes=("score",)), REQUEST, weights=SAYS_HOW)
    assert isinstance(error, PermanentError)
    assert "/score" not in paths


# -- what comes back -----------------------------------------------------------------------------------------


def test_a_label_is_chosen_by_the_card_and_may_count_against():
    with vllm_server(lambda text: [1.0, 2.0], spell=spell) as server:
        chosen = Weights(head="sequence-classification", params={"label": 1, "negate": True})
        assert score(server, REQUEST, weights=chosen).scores == (-2.0, -2.0)
        with pytest.raises(UsageError, match=r"gives 2 numbers.*weights.params.label: 0 to 1"):
            score(server, REQUEST, weights=SAYS_HOW)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "null", "1e999"])
def test_what_is_no_number_is_the_model_s_doing(value):
    rows = f'{{"index": 0, "probs": [0.25]}}, {{"index": 1, "probs": [{value}]}}'
    with vllm_server(spell=spell) as server:
        server.push(Answer(body='{"model": "m", "data": [' + rows + "]}"))
        reply = score(server, REQUEST, weights=SAYS_HOW)
    assert reply.scores == ()
    assert reply.text == "scores: 0.25, nan", "kept, so that the fault can show it"


@pytest.mark.parametrize(
    "body",
    [
        "no JSON at all",
        "[]",
        '{"object": "list"}',
        '{"model": "m", "data": []}',
        '{"model": "m", "data": [{"index": 0, "probs": [1.0]}]}',
        '{"model": "m", "data": [{"index": 0, "probs": [1.0]}, {"index": 1, "probs": []}]}',
        '{"model": "m", "data": [{"index": 0, "probs": [1.0]}, {"index": 1}]}',
        '{"model": "m", "data": [{"index": 0, "probs": [1.0]}, {"index": 1, "probs": "high"}]}',
        '{"model": "m", "data": [{"index": 0, "probs": [1.0]}, {"index": 1, "probs": [true]}]}',
        '{"model": "m", "data": [{"probs": [1.0]}, {"probs": [2.0]}]}',
        '{"model": "m", "data": {"0": 1.0}}',
        "[" * 10_000,
    ],
)
def test_anything_else_than_scores_is_tried_again(body):
    with vllm_server(spell=spell) as server:
        server.push(Answer(body=body))
        with pytest.raises(TransientError, match="something else than 2 scores") as caught:
            score(server, REQUEST, weights=SAYS_HOW)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("body", ['{"embedding": [1.0]}', '[{"embedding": [1.0]}]', '[{"vector": [1.0]}]', '{"a": 1}'])
def test_sglang_s_answers(body):
    with sglang_server(spell=spell) as server:
        server.push(Answer(body=body))
        options = {"score_route": "sglang"}
        if "embedding" in body:
            reply = score(server, request("x"), options=options)
            assert (reply.scores, reply.usage.input, reply.model) == ((1.0,), None, "m")
        else:
            with pytest.raises(TransientError):
                score(server, request("x"), options=options)


def test_rows_out_of_order_are_put_in_order():
    body = {"model": "m", "data": [{"index": 1, "probs": [1.0]}, {"index": 0, "probs": [0.0]}]}
    with vllm_server(spell=spell) as server:
        server.push(Answer(body=body))
        assert score(server, REQUEST, weights=SAYS_HOW).scores == (0.0, 1.0)


# -- what is refused before anyone is asked --------------------------------------------------------------------


def test_pairwise_scores_are_not_had_from_a_server():
    (error,), paths, _ = described(vllm_server(), request("a", "b", mode="pair"))
    assert isinstance(error, UsageError)
    assert "--backend transformers" in str(error)
    assert paths == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"score_route": "clasify"}, "Did you mean classify"),
        ({"score_input": "text"}, "Known: tokens, messages"),
        ({"score_rout": "classify"}, "Did you mean score_route"),
    ],
)
def test_a_wrong_option(options, message):
    with pytest.raises(UsageError, match=message):
        OpenAIBackend(Endpoint(model="m", base_url="http://localhost:1/v1", options=options))


def test_tokens_can_be_asked_for_and_declined():
    _, _, found = described(vllm_server(spell=spell), REQUEST, options={"score_input": "tokens"})
    assert found["score_input"] == "tokens"
    _, _, found = described(vllm_server(), REQUEST, options={"score_input": "messages"}, weights=SAYS_HOW)
    assert found["score_input"] == "messages"


def test_a_tokenizer_that_is_not_there_is_said(monkeypatch):
    def missing(endpoint):
        raise MissingPrerequisite("the tokenizer of m cannot be loaded. Type: hf download m")

    monkeypatch.setattr(loading, "load_tokenizer", missing)
    (error,), paths, _ = described(vllm_server(), REQUEST, weights=SAYS_HOW)
    assert isinstance(error, MissingPrerequisite)
    assert paths == []


def test_the_key_goes_along_and_into_no_message(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123")
    with vllm_server() as server:
        server.push(Answer(400, {"error": {"message": "bad key sk-secret-123"}}))
        with pytest.raises(PermanentError) as caught:
            score(server, request("x"), options={"score_route": "classify"})
        assert server.requests[0].headers["authorization"] == "Bearer sk-secret-123"
    assert "sk-secret" not in str(caught.value)
