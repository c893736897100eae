"""Multiple choice: right and wrong only for the form that was asked for; what else names a letter is kept, not judged."""

from typing import Any

import pytest

from grading import asked, graded, said
from judgebench import registry
from judgebench.errors import UsageError
from judgebench.pairs.graders.choice import Choice, by_text, named

RUN: dict[str, Any] = {"letter": "C", "letters": "ABCDE", "form": "letter-run"}
RIGHT, WRONG, BROKEN = "right", "wrong", "format_fail"


def choose(text: str, **gold: Any) -> tuple[str, str | None]:
    return said(Choice(), RUN | gold, text)


RUNS: dict[str, tuple[str, tuple[str, str | None]]] = {
    "right": ("so CCCCC", (RIGHT, "C")),
    "wrong": ("so BBBBB", (WRONG, "B")),
    "wrapped": (r"\[\textbf{CCCCC}\]", (RIGHT, "C")),
    "six letters, and the right one": ("CCCCCC", (BROKEN, "C")),
    "six letters, and a wrong one": ("BBBBBB", (BROKEN, "B")),
    "four letters": ("CCCC", (BROKEN, "C")),
    "spaced": ("C C C C C", (BROKEN, "C")),
    "in brackets": ("(C)CCCC", (BROKEN, "C")),
    "a word glued to it": ("CCCCCThanks", (BROKEN, "C")),
    "four early, five late": ("Not AAAA. It is BBBBB.", (WRONG, "B")),
    "two different ones": ("AAAAA would be wrong, so CCCCC", (BROKEN, "C")),
    "twice the same": ("CCCCC. I repeat: CCCCC", (RIGHT, "C")),
    "the prompt's neutral example": ("Like KKKKK in the example: CCCCC", (RIGHT, "C")),
    "nothing but the neutral example": ("KKKKK", (BROKEN, None)),
    "no option": ("FFFFF", (BROKEN, None)),
    "no option, and a phrase": ("FFFFF. The answer is (B).", (BROKEN, "B")),
    "alternating letters": ("ACACACACA", (BROKEN, None)),
    "a box": (r"\boxed{C}", (BROKEN, "C")),
    "a phrase": ("The answer is (C).", (BROKEN, "C")),
    "a bold option": ("**(B)**", (BROKEN, "B")),
    "an option in prose": ("Of these (A) is false and so is (C).", (BROKEN, None)),
    "an article": ("The answer is A matter of taste", (BROKEN, None)),
    "a number": (r"\boxed{45}", (BROKEN, None)),
    "thought, not said": ("<think>CCCCC</think> I do not know.", (BROKEN, None)),
    "thought, then said": ("<think>AAAAA</think> CCCCC", (RIGHT, "C")),
    "still thinking": ("<think>CCCCC", (BROKEN, None)),
    "empty": ("", (BROKEN, None)),
}


@pytest.mark.parametrize("name", RUNS)
def test_letter_runs(name: str) -> None:
    text, expected = RUNS[name]
    assert choose(text) == expected


FORMED: dict[str, list[tuple[str, tuple[str, str | None]]]] = {
    "phrase": [
        ("The answer is (C).", (RIGHT, "C")), ("the answer is B", (WRONG, "B")), ("CCCCC", (BROKEN, "C")),
        ("The answer is (A). No: the answer is (C).", (BROKEN, "C")), ("the correct option is (C)", (BROKEN, "C")),
    ],
    "boxed": [
        (r"\boxed{C}", (RIGHT, "C")), (r"\boxed{\text{(C)}}", (RIGHT, "C")), (r"\boxed{C) 45}", (BROKEN, "C")),
        (r"\boxed{A} or \boxed{C}", (BROKEN, "C")), (r"\boxed{C} or \boxed{C", (BROKEN, None)), ("C", (BROKEN, "C")),
        (r"\boxed{45}", (BROKEN, None)), (r"\fbox{D}", (WRONG, "D")),
    ],
    "bold": [("**A**: no. So **C**", (RIGHT, "C")), ("**Step**, then **B**, **done**", (WRONG, "B"))],
    "bold-italic": [("***C***", (RIGHT, "C")), ("**C**", (BROKEN, "C"))],
    "solution-tag": [
        ("<solution>C</solution>", (RIGHT, "C")), ("<solution>BBBBB</solution>", (WRONG, "B")),
        ("<solution>A</solution> <solution>C</solution>", (BROKEN, "C")), ("<solution>C", (BROKEN, None)),
    ],
    "line": [("Answer: A\nno\nAnswer: C", (RIGHT, "C")), ("Answer: C\nI hope.", (BROKEN, "C"))],
    "last-line": [("so\n(C)", (RIGHT, "C")), ("so\nit is C", (BROKEN, None))],
    "whole": [("C", (RIGHT, "C")), ("B.", (WRONG, "B")), ("C, as", (BROKEN, None))],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMED)
def test_forms(form: str) -> None:
    assert [choose(text, form=form) for text, _ in FORMED[form]] == [expected for _, expected in FORMED[form]]


def test_every_form_is_tried() -> None:
    assert set(FORMED) | {"letter-run"} == Choice.forms


def test_the_last_of_several_counts_where_the_question_says_so() -> None:
    text = "AAAAA would be wrong, so CCCCC"
    assert choose(text, take="last") == (RIGHT, "C")
    assert "several answers: A, C" in graded(Choice(), RUN, text).detail


def test_a_grade_says_where_the_answer_stands_and_what_found_it() -> None:
    text = "<think>AAAAA?</think>So: CCCCC."
    grade = graded(Choice(), RUN, text)
    assert grade.span is not None
    assert (text[slice(*grade.span)], grade.method) == ("CCCCC", "letter-run")
    broken = graded(Choice(), RUN, "The answer is (B).")
    assert (broken.span, broken.method, broken.detail) == ((15, 16), "phrase", "no answer in the form letter-run")
    assert graded(Choice(), RUN, "<think>CCCCC").detail == "no text outside its thoughts"


def test_a_cut_response_is_no_answer_whatever_it_holds() -> None:
    assert said(Choice(), RUN, "CCCCC", finish="length") == ("truncated", None)


def test_a_value_near_the_end_is_kept_and_never_judged() -> None:
    options = ["12", "30", "45", r"\frac{1}{2}", "8"]
    grade = graded(Choice(), RUN | {"options": options}, r"so it is \boxed{45}")
    assert (grade.outcome, grade.answer, grade.method) == (BROKEN, "C", "option-text-boxed")
    assert by_text(r"\boxed{46}", "ABCDE", options) is None
    assert by_text("45", "ABCDE", options) is None, "a number in prose is no answer"
    assert by_text(r"\boxed{45}", "ABC", ["45", "45.", "7"]) is None, "two options of one text"


def test_the_likeliest_form_is_kept() -> None:
    found = named(r"The answer is (A). \boxed{B} CCCC", "ABCDE")
    assert found is not None
    assert (found.answer, found.strict) == ("C", False)


BAD_GOLD: dict[str, tuple[dict[str, Any], str]] = {
    "no letter": ({"letters": "ABC"}, "letter is missing"),
    "a letter that is no option": ({"letter": "D", "letters": "ABC"}, "letter 'D' is none of ABC"),
    "two letters": ({"letter": "AB", "letters": "ABC"}, "letter 'AB' is none of ABC"),
    "an empty letter": ({"letter": "", "letters": "ABC"}, "letter '' is none of ABC"),
    "no letters": ({"letter": "A"}, "letters is missing"),
    "small letters": ({"letter": "a", "letters": "abc"}, "letters 'abc' are not two or more capital letters"),
    "options that are too few": ({"letter": "A", "letters": "AB", "options": ["x"]}, "are not one text for each of AB"),
    "an unknown form": ({"letter": "A", "letters": "AB", "form": "sung"}, "form 'sung' is none of bold, "),
    "an unknown take": ({"letter": "A", "letters": "AB", "take": "first"}, "take 'first' is neither only nor last"),
}


@pytest.mark.parametrize("name", BAD_GOLD)
def test_a_bad_gold_is_refused_in_one_line(name: str) -> None:
    gold, message = BAD_GOLD[name]
    with pytest.raises(UsageError) as refused:
        asked(Choice(), gold)
    assert message in str(refused.value)
    assert str(refused.value).startswith("s 1: gold: ")
    assert "\n" not in str(refused.value)


def test_equivalence_is_equality_of_letters() -> None:
    question = asked(Choice(), RUN)
    assert Choice().equivalent(question, "A", "A")
    assert not Choice().equivalent(question, "A", "B")


def test_graders_are_found_by_name() -> None:
    for name in ("choice", "string", "list", "grid"):
        assert registry.load("graders", name).name == name
