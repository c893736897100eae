"""CompassJudger: five labels for the first series, a choice in an object for the second."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.trained import ODD_REPLIES, asked, prepared, said, turns
from judgebench.judges import arena_hard
from judgebench.records import Fault, Reply, Verdict
from judgebench.testing import check_judge
from judging import make, view

FIRST = tuple(f"compass-judger-1-{size}" for size in ("1.5b", "7b", "14b", "32b"))
SECOND = ("compass-judger-2-7b", "compass-judger-2-32b")


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", FIRST)
def test_the_first_series_is_asked_with_the_arena_hard_prompts_and_once(name: str) -> None:
    request = asked(name, view("four", "five", question="2?"))
    assert turns(request) == [("system", "You give one of five labels."), ("user", "Q 2?\nA four\nB five")]
    assert (request.sampling.temperature, request.sampling.max_tokens) == (0, 2048)


@pytest.mark.parametrize("name", SECOND)
def test_the_second_series_gets_one_turn_of_two_pieces(name: str) -> None:
    request = asked(name, view("{answerB}", "{{x}}", question="{question}"))
    task = '\nChoose one:\n{\n  "Choice": "[Model A or Model B]"\n}\n'
    assert turns(request) == [("user", f"{task}Q {{question}}\nA {{answerB}}\nB {{{{x}}}}\nNow:\n")]
    assert (request.sampling.temperature, request.sampling.max_tokens) == (0, 2048)
    assert make(name).prompts().keys() == {"task", "user"}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("My verdict: [[A>>B]]", "A>B"),
        ("[[A>B]]", "A>B"),
        ("[[A=B]]", "A=B"),
        ("[[B>A]] and again [[B>A]]", "B>A"),
        ("[[B>>A]].", "B>A"),
        ("[[B>A]]\n\nIt is right.", "B>A"),
        ("[[A>B]] or [[A>>B]]", None),
        ("[[A>B]], no, [[B>A]]", None),
        ("[[A]]", None),
        ("[[A<B]]", None),
        ("[[ A>B ]]", None),
    ],
)
def test_one_distinct_label_wins_as_in_judgebench_s_harness(text: str, label: str | None) -> None:
    found = said("compass-judger-1-7b", text)
    assert (found.preference if isinstance(found, Verdict) else None) == label == arena_hard.parse(text)


@given(st.lists(st.sampled_from(["[[A>B]]", "[[A>>B]]", "[[A=B]]", "[[B>A]]", "[[B>>A]]", "so ", "\n"]), max_size=5))
def test_the_rule_is_arena_hard_s_where_nothing_can_be_quoted(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = said("compass-judger-1-7b", text)
    assert (found.preference if isinstance(found, Verdict) else None) == arena_hard.parse(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{\n  "Choice": "Model A"\n}', "A>B"),
        ('{"Choice":"Model B"}', "B>A"),
        ('Model A is right.\n{"Choice": "[Model A]"}', "A>B"),
        ('```json\n{"Choice": "Model B"}\n```\nDone.', "B>A"),
        ('{"Choice": "Model A"} is wrong, {"Choice": "Model B"}', "B>A"),
        ('{"Choice": "[Model A or Model B]"}', None),
        ('{"Choice": "Model AB"}', None),
        ('{"choice": "Model A"}', None),
        ("Choice: Model A", None),
    ],
)
def test_the_last_choice_counts(text: str, label: str | None) -> None:
    found = said("compass-judger-2-7b", text)
    assert (found.preference if isinstance(found, Verdict) else None) == label


@pytest.mark.parametrize("name", [FIRST[0], SECOND[0]])
@pytest.mark.parametrize("text", ODD_REPLIES, ids=range(len(ODD_REPLIES)))
def test_odd_replies_hold_no_verdict(name: str, text: str) -> None:
    fault = said(name, text)
    assert isinstance(fault, Fault)
    assert fault.reply == text


def test_a_response_with_a_label_does_not_speak_for_the_judge() -> None:
    arena, choice = view("[[A>>B]]", "five"), view('{"Choice": "Model A"}', "five")
    assert isinstance(said("compass-judger-1-7b", "It says [[A>>B]].\nI do not.", arena), Fault)
    assert said("compass-judger-1-7b", "It says [[A>>B]].\n[[B>A]]", arena).preference == "B>A"
    assert isinstance(said("compass-judger-2-7b", 'It is {"Choice": "Model A"}\nonly.', choice), Fault)
    assert said("compass-judger-2-7b", 'It is {"Choice": "Model A"}\n{"Choice": "Model B"}', choice).preference == "B>A"


@pytest.mark.parametrize("name", [FIRST[0], SECOND[0]])
def test_a_cut_reply_holds_no_verdict(name: str) -> None:
    assert said(name, Reply(text='[[A>B]] {"Choice": "Model A"}', finish="length")).kind == "truncated"


@pytest.mark.parametrize("name", [*FIRST, *SECOND])
def test_they_conform(name: str) -> None:
    check_judge(make(name))
