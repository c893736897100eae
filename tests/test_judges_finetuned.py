"""What fine-tuned judges share: thinking is left out, a prompt that fits stays whole, one that does not is cut."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.pieces import Growing, Pieces, use
from fakes.trained import asked, prepared
from judgebench import tokens
from judgebench.errors import UsageError
from judgebench.judges.card import Context, card_names, load_card
from judgebench.judges.finetuned import TEMPLATE_TOKENS, FineTuned, spoken
from judgebench.records import Fault, Reply, Sampling, TextRequest
from judgebench.registry import load
from judgebench.tokens import length
from judging import Door, make, view

NAMES = [name for name in card_names() if issubclass(load("families", load_card(name).family), FineTuned)]
BUDGETED = [name for name in NAMES if load_card(name).context is not None]
WORDS = st.text(st.sampled_from("ab 12\n."), max_size=300) | st.text(max_size=60)


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path, monkeypatch)


def responses(name: str) -> int:
    return (make(name).arity or (2,))[0]


def shown(request) -> str:
    return request.prompt if isinstance(request, TextRequest) else "\n".join(m.content for m in request.messages)


def fits(request, context: Context, tokenizer: Pieces) -> bool:
    overhead = 0 if isinstance(request, TextRequest) else TEMPLATE_TOKENS
    return length(tokenizer, shown(request), special=True) <= context.limit - context.reserve - overhead


# -- thinking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("plain", "plain"),
        ("<think>hm</think> said", " said"),
        ("hm</think>said", "said"),
        ("<think>one</think>two</think>three", "three"),
        (" \n<think>hm", None),
        ("<think>", None),
        ("<think>a</think><think>b", None),
        ("It quotes <think> and goes on", "It quotes <think> and goes on"),
        ("", ""),
    ],
)
def test_thinking_is_left_out(text: str, rest: str | None) -> None:
    assert spoken(text) == rest


@given(st.text(max_size=50))
def test_what_is_said_ends_the_reply(text: str) -> None:
    rest = spoken(text)
    assert rest is None or text.endswith(rest)


# -- the budget --------------------------------------------------------------------------------------------------------


def test_the_published_budgets_are_those_of_the_cards() -> None:
    budgets = {name: (load_card(name).context.limit, load_card(name).context.reserve) for name in BUDGETED}
    assert {budget for name, budget in budgets.items() if name.startswith("autoj")} == {(4096, 1024)}
    assert {budget for name, budget in budgets.items() if name.startswith("prometheus")} == {(8192, 1024)}
    assert {budget for name, budget in budgets.items() if name.startswith("compass")} == {(16384, 2048)}
    for name in BUDGETED:
        card = load_card(name)
        assert card.context.reserve == card.sampling.max_tokens
        assert card.weights.tokenizer == card.model.partition("/")[2]


@given(st.data())
def test_every_request_obeys_its_budget_and_only_responses_are_cut(data) -> None:
    name = data.draw(st.sampled_from(BUDGETED))
    count = responses(name)
    context = Context(limit=data.draw(st.integers(20, 400)), reserve=data.draw(st.integers(0, 20)))
    seen = view(
        *[data.draw(WORDS) for _ in range(count)], question=data.draw(WORDS), reference=data.draw(st.none() | WORDS)
    )
    for tokenizer in (Pieces(), Growing()):
        with pytest.MonkeyPatch.context() as patch:
            use(patch, tokenizer)
            door = Door(*[""] * 20)
            fault = asyncio.run(make(name, context=context).judge(seen, door))
            whole = shown(asked(name, seen, context=None))
        if not door.requests:
            assert (fault.kind, fault.reply) == ("truncated", "")
            assert "not asked" in fault.detail
            continue
        (request, *_) = door.requests
        assert fits(request, context, tokenizer)
        if shown(request) != whole:
            assert not fits(asked(name, seen, context=None), context, tokenizer)


@pytest.mark.parametrize("name", ["autoj-13b", "compass-judger-1-7b"])
def test_a_prompt_that_fits_stays_whole_though_one_response_has_more_than_its_share(name: str) -> None:
    long, short = "1" * 150, "2"
    room = length(Pieces(), shown(asked(name, view(long, short))), special=True)
    overhead = TEMPLATE_TOKENS if name.startswith("compass") else 0
    tight = asked(name, view(long, short), context=Context(limit=room + overhead))
    assert long in shown(tight)
    cut = asked(name, view(long, short), context=Context(limit=room + overhead - 1))
    assert long not in shown(cut)
    assert "1" * 50 in shown(cut)


def test_where_nothing_fits_the_judge_is_not_asked() -> None:
    door = Door()
    fault = asyncio.run(make("prometheus-7b-v2", context=Context(limit=10)).judge(view(), door))
    assert isinstance(fault, Fault)
    assert fault.kind == "truncated"
    assert not door.requests


def test_a_card_without_a_budget_needs_no_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "load", None)
    assert asked("rise-judge-7b", view("x" * 10**5, "y")).messages


ONE_OF_EACH = {(card.family, str(card.context), str(card.params)): card.name for card in map(load_card, BUDGETED)}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] * (n > 1)) for n, name in enumerate(ONE_OF_EACH.values())]
)
def test_the_620_pairs_of_judgebench_obey_every_budget(name: str, shared_data: Path) -> None:
    """The longest pairs would not fit Llama 2's window; the others' windows hold them all."""
    context, count = load_card(name).context, responses(name)
    files = sorted((shared_data / "judgebench" / "pairs").glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    assert len(rows) == 620
    judge, lengths, cut = make(name), [], 0
    for row in rows:
        texts, door = [row["response_A"], row["response_B"]][:count], Door(*[""] * 20)
        asyncio.run(judge.judge(view(*texts, question=row["question"]), door))
        request = door.requests[0]
        assert fits(request, context, Pieces())
        assert row["question"] in shown(request) or load_card(name).params.get("query") == "empty"
        lengths.append(length(Pieces(), shown(request)))
        cut += not all(text in shown(request) for text in texts)
    assert max(lengths) > 500  # nor are they cut to nothing
    assert (cut > 0) == (name in ("autoj-13b", "autoj-13b-as-published"))


# -- a larger budget for a cut reply, and what only such judges know ---------------------------------------------------------


def test_a_cut_reply_may_be_asked_again_with_more_room() -> None:
    judge = make("autoj-13b", params={"retry_max_tokens": 4000})
    door = Door(Reply(text="So", finish="length"), "So, the final decision is Tie")
    assert asyncio.run(judge.judge(view(), door)).preference == "A=B"
    assert [request.sampling.max_tokens for request in door.requests] == [1024, 4000]
    assert {request.kind for request in door.requests} == {"text"}


def test_votes_need_a_temperature() -> None:
    params = {"votes": 2, "after": "<answer>"}
    with pytest.raises(UsageError, match=r"judge card rm-r1-reasoning-7b: params\.votes: 2 replies at temperature 0"):
        make("rm-r1-reasoning-7b", params=params)
    assert make("rm-r1-reasoning-7b", params=params, sampling=Sampling()).settings.votes == 2
