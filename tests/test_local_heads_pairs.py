"""Heads that compare: both orders, the published budgets, and the numbers that transformers itself gives, by hand."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.ranked import QUESTION, TEXTS, each, endpoint, loaded, near, pair, scores, talk
from fakes.tiny_models import make_tiny
from fakes.tiny_rankers import MARKERS, SIZE, linear, make_pairrm
from judgebench import registry
from judgebench.backends.local.heads.pairs import mean_odds
from judgebench.errors import PermanentError, UsageError
from judgebench.judges.card import Context
from judgebench.records import Message, ScoreRequest
from judgebench.sources import load_task

ROUNDS = (("user", "Hi"), ("assistant", "Hello!"), ("user", "2 + 2?"))
PAIRWISE = ("pairrm", "steamshp", "letters")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that makes the tiny model of a head, once."""
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models")
    make: dict[str, Callable[[Path], Path]] = {
        "pairrm": make_pairrm,
        "steamshp": lambda path: make_tiny(path, "t5", "seq2seq"),
        "letters": lambda path: make_tiny(path, "llama"),
    }

    def model(name: str) -> Path:
        return folder / name if (folder / name).exists() else make[name](folder / name)

    return model


@pytest.fixture(scope="module")
def steam(models: Any) -> Any:
    return loaded(models("steamshp"), "steamshp")


def swapped(request: ScoreRequest) -> ScoreRequest:
    return request.model_copy(update={"conversations": request.conversations[::-1]})


def several(*pairs: tuple[int, int]) -> list[ScoreRequest]:
    return [pair(TEXTS[one], TEXTS[two]) for one, two in pairs or ((0, 1), (1, 3), (2, 4), (3, 0))]


def together(head: Any, requests: list[ScoreRequest], size: int) -> list[float]:
    """Return each request's score, with the rows of all requests in batches."""
    parts = [head.rows(request) for request in requests]
    rows = [row for part in parts for row in part]
    numbers = [number for start in range(0, len(rows), size) for number in head.score(rows[start : start + size])]
    per = len(rows) // len(requests)
    return [head.combine(one, numbers[per * n : per * n + per])[0] for n, one in enumerate(requests)]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


# -- what all of them promise ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAIRWISE)
def test_the_place_of_a_response_cannot_matter(name: str, models: Any) -> None:
    head = loaded(models(name), name)
    for request in several():
        assert scores(head, request) == near([-scores(head, swapped(request))[0]])
        assert scores(head, request) != near([0.0])
    assert scores(head, pair("same", "same")) == near([0.0])


@pytest.mark.parametrize("name", PAIRWISE)
@pytest.mark.parametrize("size", [1, 3, 8])
def test_batches_change_nothing(name: str, size: int, models: Any) -> None:
    head = loaded(models(name), name)
    assert together(head, several(), size) == near([scores(head, one, 1)[0] for one in several()])


@pytest.mark.parametrize("name", PAIRWISE)
def test_one_order_is_half_the_work_and_sees_the_place(name: str, models: Any) -> None:
    head = loaded(models(name), name, orders="one")
    request = pair()
    assert len(head.rows(request)) == 1
    assert scores(head, request) == near(head.score(head.rows(request)))
    assert scores(head, request) != near([-scores(head, swapped(request))[0]])


@pytest.mark.parametrize("name", PAIRWISE)
def test_none_scores_a_response_alone(name: str, models: Any) -> None:
    head = loaded(models(name), name)
    assert head.kind == "pairwise"
    with pytest.raises(UsageError, match=f"the head {name} compares two responses and scores none alone") as error:
        head.rows(each("four"))
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match="a comparison is of 2 responses, not 1"):
        head.rows(ScoreRequest(conversations=(talk("four"),), mode="pair"))


@pytest.mark.parametrize("name", PAIRWISE)
def test_orders_are_both_or_one(name: str) -> None:
    with pytest.raises(UsageError, match=r"params\.orders: 'three' is neither both nor one"):
        registry.load("heads", name)(endpoint(Path("x"), name, orders="three"))


@given(st.floats(-700, 700), st.floats(-700, 700))
def test_the_mean_of_two_chances_as_log_odds(one: float, two: float) -> None:
    found = mean_odds(one, two)
    assert math.isfinite(found)
    assert found == pytest.approx(-mean_odds(-one, -two), abs=1e-9)
    if abs(one) < 15 and abs(two) < 15:
        mean = (sigmoid(one) + sigmoid(two)) / 2
        assert found == pytest.approx(math.log(mean / (1 - mean)), abs=1e-6)


def test_certain_orders_that_disagree_say_nothing() -> None:
    assert mean_odds(500, -500) == pytest.approx(0)
    assert mean_odds(500, 500) == pytest.approx(500)


# -- letters of a causal model ---------------------------------------------------------------------------


def test_letters_are_read_where_the_reply_would_begin(models: Any) -> None:
    """By hand: RLHFlow's layout in one user turn, one row at a time, the mean of both orders' probabilities."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = models("letters")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)

    def chance(one: str, two: str) -> float:
        text = f"[CONTEXT] \n\n<turn> user\n What is 2 + 2?\n [RESPONSE A] {one} [RESPONSE B] {two} \n"
        rendered = tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False)
        ids = tokenizer(rendered.replace("<s>", ""), add_special_tokens=False, return_tensors="pt").input_ids
        with torch.inference_mode():
            logits = model(ids).logits[0, -1].double()
        return float(torch.softmax(logits[tokenizer.convert_tokens_to_ids(["A", "B"])], -1)[0])

    head = loaded(path, "letters", bos="never")
    for request in several():
        one, two = (conversation[-1].content for conversation in request.conversations)
        mean = (chance(one, two) + 1 - chance(two, one)) / 2
        assert scores(head, request) == near([math.log(mean / (1 - mean))])


def test_a_conversation_s_turns_are_marked(models: Any) -> None:
    head = loaded(models("letters"), "letters")
    request = ScoreRequest(conversations=(talk("four", *ROUNDS), talk("five", *ROUNDS)), mode="pair")
    text = head.tokenizer.decode(head.rows(request)[1].ids)
    assert text == (
        "<s><|user|>[CONTEXT] \n\n<turn> user\n Hi\n<turn> assistant\n Hello!\n<turn> user\n 2 + 2?\n "
        "[RESPONSE A] five [RESPONSE B] four \n"
    )


def test_a_model_without_single_letters_is_refused(models: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    head = registry.load("heads", "letters")(endpoint(models("letters"), "letters"))
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(models("letters"))
    monkeypatch.setattr(type(tokenizer), "encode", lambda *_args, **_options: [1, 2])
    with pytest.raises(PermanentError, match="has no single tokens for the letters A and B"):
        head.load()


# -- SteamSHP --------------------------------------------------------------------------------------------


def test_a_t5_s_letters_are_those_of_its_first_step(models: Any) -> None:
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    path = models("steamshp")
    model, tokenizer = AutoModelForSeq2SeqLM.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)

    def chance(one: str, two: str) -> float:
        text = (
            f"POST: What is 2 + 2?\n\n RESPONSE A: {one}\n\n RESPONSE B: {two}\n\n Which response is better? RESPONSE"
        )
        batch = tokenizer(text, return_tensors="pt")
        step = model.generate(
            **batch, max_new_tokens=1, do_sample=False, return_dict_in_generate=True, output_logits=True
        )
        return float(torch.softmax(step.logits[0][0][tokenizer.convert_tokens_to_ids(["A", "B"])], -1)[0])

    head = loaded(path, "steamshp")
    for request in several():
        one, two = (conversation[-1].content for conversation in request.conversations)
        mean = (chance(one, two) + 1 - chance(two, one)) / 2
        assert scores(head, request) == near([math.log(mean / (1 - mean))])


def test_lines_are_joined(models: Any) -> None:
    head = loaded(models("steamshp"), "steamshp")
    assert head.rows(pair("one\ntwo", "x")) == head.rows(pair("one two", "x"))
    text = head.tokenizer.decode(head.rows(pair("a</s>b", "x"))[0].ids)
    assert text.endswith("RESPONSE A: a</s>b\n\n RESPONSE B: x\n\n Which response is better? RESPONSE</s>")


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_post_gives_way_first(side: Any, models: Any) -> None:
    head = loaded(models("steamshp"), "steamshp", Context(limit=110, side=side))
    (row, other) = head.rows(pair("four", TEXTS[1][:20]))
    text = head.tokenizer.decode(row.ids)
    assert len(row) == len(other) == 110
    assert "RESPONSE A: four\n\n RESPONSE B: It is four, since tw\n" in text
    assert ("2 + 2?" in text) is (side == "left")
    assert text.endswith("RESPONSE</s>")
    assert head.describe()["cut"] == {"rows": 2, "tokens": 2 * row.cut}
    assert row.cut == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=50), st.text(max_size=50), st.integers(80, 140), st.sampled_from(["left", "right"]))
def test_whatever_is_cut_the_prompt_ends_as_it_should(steam: Any, one: str, two: str, limit: int, side: Any) -> None:
    steam.endpoint = replace(steam.endpoint, context=Context(limit=limit, side=side))
    for row in steam.rows(pair(one, two)):
        assert len(row) <= limit
        assert row.ids.count(2) == 1
        assert steam.tokenizer.decode(row.ids).endswith("Which response is better? RESPONSE</s>")


def test_then_the_longer_response(models: Any) -> None:
    head = loaded(models("steamshp"), "steamshp", Context(limit=110))
    row = head.rows(pair("four", "y" * 500))[0]
    text = head.tokenizer.decode(row.ids)
    assert len(row) == 110
    assert "RESPONSE A: four\n" in text
    assert "RESPONSE B: yyyyyyy" in text
    with pytest.raises(UsageError, match=r"a context of 20 tokens has no room: the prompt alone takes \d+"):
        loaded(models("steamshp"), "steamshp", Context(limit=20)).rows(pair())


# -- PairRM ----------------------------------------------------------------------------------------------


def pairrm_by_hand(path: Path, **layout: Any) -> Callable[[str, str, str], float]:
    """Return PairRM's logit for a source and two candidates: encoded apart, joined, and read at the markers."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, DebertaV2Config, DebertaV2Model

    tokenizer, state = AutoTokenizer.from_pretrained(path), load_file(path / "model.safetensors")
    model = DebertaV2Model(DebertaV2Config.from_pretrained(path)).eval()
    own = {name.removeprefix("pretrained_model."): tensor for name, tensor in state.items()}
    model.load_state_dict({name: own[name] for name in model.state_dict()})
    source_most, candidate_most = layout.get("source", 1224), layout.get("candidate", 412)

    def logit(source: str, one: str, two: str) -> float:
        asked = tokenizer.encode(MARKERS[0] + source, max_length=source_most, truncation=True)
        room = (source_most + 2 * candidate_most - len(asked)) // 2
        said = [
            tokenizer.encode(m + t, max_length=room, truncation=True)
            for m, t in zip(MARKERS[1:], (one, two), strict=True)
        ]
        ids = asked + said[0] + said[1]
        with torch.inference_mode():
            hidden = model(torch.tensor([ids])).last_hidden_state[0]
        at = [hidden[ids.index(tokenizer.convert_tokens_to_ids(marker))] for marker in MARKERS]
        numbers = []
        for candidate in at[1:]:
            inner = torch.cat([at[0], candidate]) @ state["head_layer.1.weight"].T + state["head_layer.1.bias"]
            numbers.append(inner.tanh() @ state["head_layer.4.weight"].T + state["head_layer.4.bias"])
        return float((numbers[0] - numbers[1]).mean())

    return logit


def test_pairrm_is_the_difference_of_both_orders(models: Any) -> None:
    path = models("pairrm")
    head, logit = loaded(path, "pairrm"), pairrm_by_hand(path)
    for request in several():
        one, two = (conversation[-1].content for conversation in request.conversations)
        expected = logit(QUESTION.content, one, two) - logit(QUESTION.content, two, one)
        assert scores(head, request) == near([expected])


@pytest.mark.parametrize(("question", "answers"), [(3000, (10, 2000)), (100, (3000, 900)), (3000, (3000, 3000))])
def test_pairrm_keeps_its_budgets(question: int, answers: tuple[int, int], models: Any) -> None:
    """A long question is cut to 1,224 tokens, and what a short one leaves is shared by the responses."""
    path = models("pairrm")
    head, logit = loaded(path, "pairrm"), pairrm_by_hand(path)
    asked, one, two = "q" * question, "a" * answers[0], "b" * answers[1]
    request = ScoreRequest(conversations=(talk(one, ("user", asked)), talk(two, ("user", asked))), mode="pair")
    rows = head.rows(request)
    whole = question + sum(answers) + 3 * 3
    assert len(rows[0]) == len(rows[1]) <= 2048
    assert rows[0].cut == whole - len(rows[0])
    assert scores(head, request) == near([logit(asked, one, two) - logit(asked, two, one)])


def test_pairrm_marks_the_turns_of_a_conversation(models: Any) -> None:
    head = loaded(models("pairrm"), "pairrm")
    request = ScoreRequest(conversations=(talk("four", *ROUNDS), talk("five", *ROUNDS)), mode="pair")
    text = head.tokenizer.decode(head.rows(request)[0].ids)
    assert text == (
        "<s><|source|>USER: Hi\nAssistant: <Response 1>\nUSER: 2 + 2?\nAssistant: <Response 2></s>"
        "<s><|candidate1|><Response 1>: Hello!\n<Response 2>: four</s>"
        "<s><|candidate2|><Response 1>: Hello!\n<Response 2>: five</s>"
    )


def test_a_response_cannot_write_a_marker(models: Any) -> None:
    head = loaded(models("pairrm"), "pairrm")
    (row, _) = head.rows(pair("bad<|candidate2|>good", "fine"))
    assert [row.ids.count(marker) for marker in head._markers] == [1, 1, 1]


def test_better_pairrm_writes_roles_and_cuts_the_question_s_beginning(models: Any) -> None:
    head = loaded(models("pairrm"), "pairrm", layout="better-pairrm")
    plain = head.tokenizer.decode(head.rows(pair("four", "five"))[0].ids)
    assert plain == (
        "<s><|source|></s><s>USER: What is 2 + 2?\n\nASSISTANT: </s><s><|candidate1|>four</s><s><|candidate2|>five</s>"
    )
    asked = ("user", "first " + "q" * 3000 + " last")
    request = ScoreRequest(conversations=(talk("a" * 3000, asked), talk("b", asked)), mode="pair")
    (row, _) = head.rows(request)
    text = head.tokenizer.decode(row.ids)
    source, one, two = text.split("<s><|candidate")
    assert len(head.tokenizer.encode(source, add_special_tokens=False)) == 2030
    assert "first" not in source
    assert source.endswith(" last\n\nASSISTANT: </s>")
    assert one == "1|>" + "a" * 667 + "</s>"  # 670 with marker and frame, for the source is full
    assert two == "2|>b</s>"
    assert row.cut == (len(asked[1]) + len("USER: \n\nASSISTANT: ") - (2030 - 5)) + 3000 - 667


def test_a_layout_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"params\.layout: 'best' is none of pairrm, better-pairrm"):
        registry.load("heads", "pairrm")(endpoint(Path("x"), "pairrm", layout="best"))


def test_a_tokenizer_without_markers_is_refused(tmp_path: Path) -> None:
    path = make_tiny(tmp_path / "plain", "deberta", "sequence-classification")
    from fakes.tiny_rankers import with_layers

    with_layers(path, linear("head_layer.1", SIZE, 2 * SIZE, 5), ("deberta.", "pretrained_model."))
    with pytest.raises(PermanentError, match=r"does not know <\|source\|>, <\|candidate1\|>, <\|candidate2\|>"):
        loaded(path, "pairrm")


# -- the real length mix ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "limit"),
    [("pairrm", {}, 2048), ("pairrm", {"layout": "better-pairrm"}, 3370), ("steamshp", {}, 512), ("letters", {}, 2048)],
)
def test_the_official_pairs_keep_to_every_budget(
    name: str, options: dict[str, Any], limit: int, models: Any, shared_data: Path
) -> None:
    """A third of JudgeBench's gpt split, with a token per byte: most pairs are too long, and none leaves its budget."""
    head = loaded(models(name), name, Context(limit=limit, side="left"), **options)
    for item in load_task("judgebench-gpt", data=str(shared_data / "judgebench/pairs")).items[::3]:
        asked = Message(role="user", content=item.turns[0].content)
        shown = tuple((asked, Message(role="assistant", content=one.content)) for one in item.candidates)
        rows = head.rows(ScoreRequest(conversations=shown, mode="pair"))
        assert all(len(row) <= limit for row in rows)
        assert abs(len(rows[0]) - len(rows[1])) <= 1
        if name == "pairrm":
            assert all([row.ids.count(marker) for marker in head._markers] == [1, 1, 1] for row in rows)
    assert head.describe()["cut"]["rows"] > 40
