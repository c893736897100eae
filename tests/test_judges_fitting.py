"""Responses are cut to equal shares of the window, on the card's side; nothing else ever is, and the whole fits."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.pieces import Growing, Pieces, use
from judgebench import tokens
from judgebench.errors import MissingPrerequisite
from judgebench.judges.card import Context, JudgeCard, card_names, load_card
from judgebench.judges.fitting import SPARE, fitted
from judgebench.records import Fault
from judgebench.tokens import length
from judging import Door, make, pin_stand_ins, view

TEXT = st.text(st.characters(codec="utf-8"), max_size=80) | st.text("ab 1,\n", max_size=200)


def card(limit: int = 100, **fields) -> JudgeCard:
    context = Context(limit=limit, **fields)
    return JudgeCard(name="toy", family="toy", kind="fine-tuned", model="transformers/toy/judge", context=context)


def rendered(*texts: str) -> str:
    """A prompt of two tokens a response and three more, the tokenizer's own included."""
    return "What?" + "".join(f"\n\n{text}" for text in texts)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Pieces:
    return use(monkeypatch)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("side", ["left", "right"])
def test_what_fits_stays_as_it_is(side: str) -> None:
    texts = ("one\u00a0", " two\n", "")
    assert fitted(card(side=side), texts, rendered) == texts


@pytest.mark.usefixtures("pieces")
def test_every_response_is_cut_to_an_equal_share() -> None:
    # 100 - 10 for the reply - 7 for the prompt, in two, less the spare: 39
    one, two = fitted(card(reserve=10), ("1" * 50, "2" * 38), rendered)
    assert (one, two) == ("1" * (83 // 2 - SPARE), "2" * 38)


@pytest.mark.usefixtures("pieces")
def test_the_side_is_the_card_s() -> None:
    text = "0123456789" * 10
    (right,) = fitted(card(limit=30, side="right"), (text,), rendered)
    (left,) = fitted(card(limit=30, side="left"), (text,), rendered)
    assert len(right) == len(left) == 30 - 5 - SPARE
    assert text.startswith(right)
    assert text.endswith(left)


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT, st.integers(0, 120), st.integers(0, 20), st.booleans())
def test_whatever_the_texts_the_prompt_fits_and_only_responses_are_cut(texts, question, limit, reserve, left) -> None:
    def render(*shown: str) -> str:
        return f"{question}\n" + "".join(f"[{text}]\n" for text in shown) + "Scores:"

    side = "left" if left else "right"
    for tokenizer in (Pieces(), Growing()):
        with pytest.MonkeyPatch.context() as patch:
            use(patch, tokenizer)
            found = fitted(card(limit, reserve=reserve, side=side), texts, render)
        if isinstance(found, Fault):
            continue
        assert length(tokenizer, render(*found), special=True) <= limit - reserve
        if type(tokenizer) is Pieces:
            assert all(text.endswith(p) if left else text.startswith(p) for p, text in zip(found, texts, strict=True))


@given(st.lists(TEXT, min_size=1, max_size=4), st.integers(0, 200), st.booleans())
def test_shares_are_those_of_the_reference_implementation(texts, limit, left) -> None:
    """Where the prompt is as long as its pieces; the formula is written out here once more."""
    side, tokenizer = "left" if left else "right", Pieces()
    with pytest.MonkeyPatch.context() as patch:
        use(patch, tokenizer)
        found = fitted(card(limit, side=side), texts, rendered)
    share = (limit - (3 + 2 * len(texts))) // len(texts) - 2
    if share <= 0:
        assert isinstance(found, Fault)
        return
    lengths = [length(tokenizer, text) for text in texts]
    assert [text == piece for text, piece in zip(texts, found, strict=True)] == [n <= share for n in lengths]


def test_shares_shrink_until_the_whole_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = use(monkeypatch, Growing())
    text = "word " * 100
    found = fitted(card(), (text, text), rendered)
    assert 80 < length(tokenizer, rendered(*found), special=True) <= 100
    assert all(piece.endswith("?\n?\n?") for piece in found)


@pytest.mark.usefixtures("pieces")
def test_where_no_response_has_room_the_judge_is_not_to_be_asked() -> None:
    needed = 7 + 2 * (SPARE + 1) + 10
    assert fitted(card(needed, reserve=10), ("11", "22"), rendered) == ("1", "2")
    fault = fitted(card(needed - 1, reserve=10), ("11", "22"), rendered)
    assert fault == Fault(
        kind="truncated",
        detail="not asked: the prompt without responses has 7 tokens, and the window has 12 for it and them",
    )


@pytest.mark.usefixtures("pieces")
def test_a_prompt_that_is_longer_than_the_window_is_the_same_fault() -> None:
    fault = fitted(card(10), ("", ""), lambda *texts: "long " * 20 + rendered(*texts))
    assert isinstance(fault, Fault)
    assert "has 27 tokens, and the window has 10" in fault.detail


def test_shrinking_to_nothing_is_that_fault_too(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Growing())
    assert isinstance(fitted(card(12), ("1" * 50, "2" * 50), rendered), Fault)


@pytest.mark.usefixtures("pieces")
def test_a_chat_template_s_tokens_count() -> None:
    (plain,) = fitted(card(30), ("1" * 50,), rendered)
    (wrapped,) = fitted(card(30), ("1" * 50,), rendered, overhead=7)
    assert len(plain) - len(wrapped) == 7


@pytest.mark.usefixtures("pieces")
def test_a_frame_may_be_counted_in_place_of_the_empty_prompt() -> None:
    (shorter,) = fitted(card(30), ("1" * 50,), rendered, frame="one two three four five six")
    assert len(shorter) == 30 - (1 + length(Pieces(), "one two three four five six")) - SPARE
    (longest,) = fitted(card(30), ("1" * 50,), rendered, frame="")
    assert length(Pieces(), rendered(longest), special=True) == 30  # the spare tokens are used, the window is kept


def test_a_card_without_a_window_cuts_nothing_and_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "load", None)
    bare = card().model_copy(update={"context": None})
    assert fitted(bare, ["x" * 10_000], rendered) == ("x" * 10_000,)


def test_a_tokenizer_that_is_not_there_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    # The variable is read once, when the hub's client is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingPrerequisite, match="hf download toy/judge") as error:
        fitted(card(), ("a", "b"), rendered)
    assert "\n" not in str(error.value)


# -- whole judges ------------------------------------------------------------------------------------------------

PIECES = {
    "judgelm_system": "Score.",
    "judgelm_instruction": "Give two numbers, for Assistant 1 and 2.",
    "judgelm_pair_reference": "{question}\n{reference}\n{answer_1}\n{answer_2}\n{prompt}\n",
    "judgelm_multi": "{question}\n{answer_1}\n{answer_2}\n{answer_more}{prompt}\n",
    "judgelm_multi_answer": "{answer_id} {answer}\n",
    "judgelm_appendix": "Scores:",
    "judgelm_single_appendix": "Scores:10",
    "judgelm_prompt": "{{question}}\n{{answer_1}}\n{{answer_2}}\nScores:",
    "pandalm_prompt": "{{instruction}}\n{{resp1}}\n{{resp2}}\nBetter:\n",
}


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin_stand_ins(tmp_path, monkeypatch, PIECES)


@pytest.mark.usefixtures("stand_ins")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT, min_size=3, max_size=3), TEXT, TEXT, st.integers(40, 160), st.booleans())
def test_whatever_the_texts_no_judge_asks_for_more_than_its_window(texts, question, reference, limit, broken) -> None:
    cases = [("judgelm-7b", 2, None), ("judgelm-7b", 2, reference), ("judgelm-7b-multi", 3, None),
             ("judgelm-7b-single", 1, reference), ("pandalm-7b", 2, None)]  # fmt: skip
    for name, count, shown in cases:
        with pytest.MonkeyPatch.context() as patch:
            tokenizer, door = use(patch, Growing() if broken else Pieces()), Door("1 2")
            judge = make(name, context=Context(limit=limit, reserve=16, side="left"))
            found = asyncio.run(judge.judge(view(*texts[:count], question=question, reference=shown), door))
        if not door.requests:
            assert isinstance(found, Fault)
            assert found.kind == "truncated"
            continue
        prompt = door.requests[0].prompt
        assert question in prompt
        assert length(tokenizer, prompt, special=True) <= limit - 16


# -- JudgeBench's own pairs, through the families that its authors cut for ---------------------------------------

SHOWN = {  # the template's name, its variables, and what follows it in the prompt
    "judgelm-7b": ("judgelm_prompt", ("question", "answer_1", "answer_2"), ""),
    "pandalm-7b": ("pandalm_prompt", ("instruction", "resp1", "resp2"), "\n"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_620_pairs_fit_and_only_responses_are_cut(
    name: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, variables, end = SHOWN[name]
    question, first, second = (f"{{{{{variable}}}}}" for variable in variables)
    pin_stand_ins(tmp_path, monkeypatch, {prompt: f"Compare.\n[Q]\n{question}\n[1]\n{first}\n[2]\n{second}\n[S]"})
    tokenizer, judge = use(monkeypatch), make(name)
    context = judge.card.context
    files = sorted((shared_data / "judgebench" / "pairs").glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    assert len(rows) == 620
    lengths, cut = [], 0
    for row in rows:
        responses, door = (row["response_A"].strip(), row["response_B"].strip()), Door("1 2")
        asyncio.run(judge.judge(view(*responses, question=row["question"]), door))
        text = door.requests[0].prompt
        lengths.append(length(tokenizer, text, special=True))
        head, tail = f"Compare.\n[Q]\n{row['question']}\n[1]\n", f"\n[S]{end}"
        assert text.startswith(head)
        assert text.endswith(tail)
        for whole, piece in zip(responses, text[len(head) : -len(tail)].split("\n[2]\n"), strict=True):
            assert whole.startswith(piece) if context.side == "right" else whole.endswith(piece)
            cut += piece != whole
    assert max(lengths) <= context.limit - context.reserve
    assert max(lengths) > context.limit - context.reserve - 8  # as much is shown as there is room for
    assert 100 < cut < 1000


def test_the_documented_budgets_are_those_of_the_cards() -> None:
    names = [name for name in card_names() if name.startswith(("judgelm-", "pandalm-"))]
    contexts = [load_card(name).context for name in names]
    rows = {f"| {context.limit:,} | {context.reserve} | {context.side} |" for context in contexts}
    guide = (Path(__file__).parent.parent / "docs" / "judges.md").read_text("utf-8")
    section = guide.partition("## Budgets")[2].partition("##")[0]
    assert len(names) == 21
    told = [line for line in section.splitlines() if line.split("|")[2:3] == [" 2,048 "]]
    assert {line[line.index("|", 2) :] for line in told} == rows
