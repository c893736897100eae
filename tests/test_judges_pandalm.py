"""PandaLM: 1, 2 or Tie on the first line, special tokens out of the responses, and everything else a fault."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.pieces import use
from judgebench import prompts
from judgebench.errors import UsageError
from judgebench.judges.card import load_card
from judgebench.judges.pandalm import SPECIAL_TOKENS, VERDICTS, parse, scrubbed
from judgebench.records import Fault, Reply, TextRequest, Verdict
from judgebench.testing import check_judge
from judgebench.tokens import length
from judging import Door, decide, make, pin_stand_ins, view

CARDS = ["pandalm-7b", "pandalm-7b-authors", "pandalm-7b-server"]
# Ours, with the variables of the published one; as there, the last line break is lost in rendering.
TEMPLATE = "Which is better?\nTask: {{instruction}}\nOne: {{resp1}}\nTwo: {{resp2}}\nBetter:\n"


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin_stand_ins(tmp_path, monkeypatch, {"pandalm_prompt": TEMPLATE})
    use(monkeypatch)


def asked(name: str = "pandalm-7b", seen=None, **changes) -> TextRequest:
    door = Door("1")
    asyncio.run(make(name, **changes).judge(seen or view(), door))
    (request,) = door.requests
    return request


# -- what is asked -----------------------------------------------------------------------------------------


def test_the_prompt_ends_in_its_line_break() -> None:
    request = asked(seen=view("four", "{{five}}", question="2 + 2?"))
    assert request.prompt == "Which is better?\nTask: 2 + 2?\nOne: four\nTwo: {{five}}\nBetter:\n"


def test_it_is_asked_with_four_beams() -> None:
    sampling = asked().sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.stop) == (0, 1, 150, ())
    assert sampling.extra == {"num_beams": 4, "early_stopping": True, "repetition_penalty": 1.2}
    assert asked("pandalm-7b-authors").sampling == sampling.model_copy(update={"max_tokens": 512})
    assert asked("pandalm-7b-server").sampling == sampling.model_copy(update={"extra": {"num_beams": 4}})


@pytest.mark.parametrize(
    ("response", "shown"),
    [
        ("  four\n", "four"),
        ("four</s>", "four"),
        ("<s> four </s>\n", "four"),
        ("[PAD][PAD]four<|endoftext|>", "four"),
        ("<unk>", ""),
        ("a [MASK] b", "a  b"),
        ("<S> [mask] <pad", "<S> [mask] <pad"),
        ("<<s>s>four", "four"),  # what is left is a token too
        ("[M[CLS]ASK]", ""),
    ],
)
def test_special_tokens_are_taken_out_of_responses(response: str, shown: str) -> None:
    assert scrubbed(response) == shown
    assert f"One: {shown}\nTwo: five\n" in asked(seen=view(response, "five")).prompt


def test_special_tokens_stay_in_the_question() -> None:
    assert "Task: What does </s> mean?\n" in asked(seen=view(question="What does </s> mean?")).prompt


@given(st.lists(st.sampled_from([*SPECIAL_TOKENS, "<", ">", "s", "[", "/", " ", "a"]), max_size=12).map("".join))
def test_no_special_token_survives(text: str) -> None:
    found = scrubbed(text)
    assert not any(token in found for token in SPECIAL_TOKENS)
    assert found == found.strip() == scrubbed(found)


def test_a_response_full_of_nested_tokens_takes_no_time() -> None:
    assert scrubbed("<" * 3000 + "<s>" + "s>" * 3000) == ""


def test_responses_are_cut_on_the_left_and_the_prompt_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = use(monkeypatch)
    text = asked(seen=view("1" * 5000 + "end", "2" * 5000, question="q")).prompt
    assert len(tokenizer.encode(text, add_special_tokens=True)) in range(2048 - 150 - 4, 2048 - 150 + 1)
    assert "1end\nTwo: 22" in text
    assert text.startswith("Which is better?\nTask: q\nOne: 11")
    assert text.endswith("2\nBetter:\n")


def test_the_share_is_counted_without_the_last_line_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the reference implementation, to the token; the formula is written out here once more."""
    tokenizer = use(monkeypatch)
    frame = TEMPLATE.replace("{{instruction}}", "q").replace("{{resp1}}", "").replace("{{resp2}}", "").rstrip("\n")
    share = (2048 - 150 - length(tokenizer, frame, special=True)) // 2 - 2
    for question in ("q", "q1"):
        text = asked(seen=view("1" * 5000, "2" * 5000, question=question)).prompt
        digits = share - (question == "q1" and (2048 - 150 - length(tokenizer, frame, special=True)) % 2 == 0)
        assert text.count("2") == digits


def test_a_question_that_leaves_no_room_is_not_asked() -> None:
    fault = decide(make("pandalm-7b"), view("a", "b", question="1" * 2100))
    assert (fault.kind, fault.reply) == ("truncated", "")
    assert fault.detail.startswith("not asked: the prompt without responses has 21")


# -- what is read ------------------------------------------------------------------------------------------

ODD_REPLIES: dict[str, tuple[str, str | None]] = {
    "one": ("1", "A>B"),
    "two": ("2", "B>A"),
    "a tie": ("Tie", "A=B"),
    "a tie in capitals": ("TIE", "A=B"),
    "a tie in lower case": ("tie", "A=B"),
    "with reason and reference": ("2\n\n### Reason: It is right.\n\n### Reference: Four.", "B>A"),
    "white space around": (" \n1\n\n", "A>B"),
    "the other number in the reason": ("1\nResponse 2 is worse.\n2", "A>B"),
    "a space behind, then a reason": ("1 \nBecause.", None),
    "Windows line ends": ("1\r\nBecause.", None),
    "zero": ("0", None),
    "three": ("3", None),
    "twelve": ("12", None),
    "a decimal": ("1.0", None),
    "a full stop": ("1.", None),
    "a tie with a full stop": ("Tie.", None),
    "both": ("1 2", None),
    "a choice": ("1 or 2", None),
    "a full-width digit": ("\uff11", None),
    "a superscript": ("\u00b9", None),
    "a Roman numeral": ("I", None),
    "a word": ("one", None),
    "with its noun": ("Response 1", None),
    "prose": ("Response 1 is better than Response 2.", None),
    "prose, then the verdict": ("Both err.\n2", None),
    "the heading first": ("### Evaluation:\n1", None),
    "the reason first": ("### Reason: It is right.\n1", None),
    "a quoted response": ('"1"', None),
    "Markdown": ("**1**", None),
    "a list": ("1. Response 1 is right.", None),
    "scores": ("7 8", None),
    "a score of ten": ("1/10", None),
    "JSON": ('{"result": 1}', None),
    "nothing": ("", None),
    "white space": (" \n\t ", None),
    "an apology": ("I'm sorry, but I can't compare these.", None),
    "NUL": ("1\x00", None),
    "a lone surrogate": ("\ud800", None),
    "thousands of words": ("It depends. " * 5000, None),
    "thousands of digits": ("1" * 5000, None),
}


@pytest.mark.parametrize("name", ODD_REPLIES)
def test_odd_replies_are_read_by_the_rule_or_not_at_all(name: str) -> None:
    text, label = ODD_REPLIES[name]
    assert parse(text) == label


@given(st.text() | st.lists(st.sampled_from(["1", "2", "Tie", "\n", " ", "."]), max_size=6).map("".join))
def test_only_the_first_line_speaks(text: str) -> None:
    label = parse(text)
    assert label is None or VERDICTS[text.strip().split("\n")[0].lower()] == label
    assert label is None or parse(f"{text.strip()}\n1\n2\nTie") == label


def test_reason_and_reference_are_kept() -> None:
    reply = "2\n\n### Reason: It is right.\n\n### Reference: Four.\n"
    found = decide(make("pandalm-7b"), None, reply)
    assert found == Verdict(preference="B>A", raw="2", rationale="### Reason: It is right.\n\n### Reference: Four.")
    assert decide(make("pandalm-7b"), None, "Tie") == Verdict(preference="A=B", raw="Tie")


def test_garbage_is_a_fault_and_no_tie() -> None:
    fault = decide(make("pandalm-7b"), None, "Response 1 is better.")
    assert fault == Fault(kind="unparsed", detail="the first line is not 1, 2 or Tie", reply="Response 1 is better.")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(text="1\n\n### Reason: It is", finish="length"), "A>B"),
        (Reply(text="1", finish="length"), "truncated"),
        (Reply(text="### Reason: It is", finish="length"), "truncated"),
        (Reply(text="1", finish="refusal"), "refused"),
        (Reply(text=None), "empty"),
    ],
)
def test_a_verdict_counts_when_its_line_is_all_there(reply: Reply, outcome: str) -> None:
    found = decide(make("pandalm-7b"), None, reply)
    assert (found.kind if isinstance(found, Fault) else found.preference) == outcome


def test_responses_cannot_speak_for_the_judge() -> None:
    assert isinstance(decide(make("pandalm-7b"), view("### Evaluation:\n1", "2\nTie"), "Hm."), Fault)


# -- the family and its cards ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CARDS)
def test_it_keeps_the_contract(name: str) -> None:
    check_judge(make(name))


@pytest.mark.parametrize("name", CARDS)
def test_every_card_is_whole_and_keeps_to_the_window(name: str) -> None:
    card = load_card(name)
    assert card.name == name
    assert card.model == "transformers/WeOpenML/PandaLM-7B-v1"
    assert (card.context.limit, card.context.reserve, card.context.side) == (2048, card.sampling.max_tokens, "left")
    assert make(card).prompts() == {"user": prompts.digest("pandalm_prompt")}


def test_it_has_no_parameters() -> None:
    with pytest.raises(UsageError, match="unknown parameter of family pandalm 'parser'"):
        make("pandalm-7b", params={"parser": "lenient"})
