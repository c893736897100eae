"""Expressions: equal in value, in either direction, in time; and what cannot be said is never called wrong."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.pairs.graders import math_pool
from judgebench.pairs.graders.exact import number
from judgebench.pairs.graders.math import Math, plain
from judgebench.pairs.graders.math_pool import Compared, Pool
from judgebench.pairs.records import Question, Response


@pytest.fixture(scope="module")
def grader() -> Iterator[Math]:
    found = Math(Pool(size=1, seconds=20))
    yield found
    found.close()


def ask(expression: str, **gold: Any) -> Question:
    return Question.make(
        key="1", source="s", category="math", prompt="?", gold={"expression": expression, **gold}, grader="math"
    )


def outcome(grader: Math, gold: str, answer: str, **more: Any) -> str:
    response = Response(question="q", text=f"So it is \\boxed{{{answer}}}.", model="m")
    return grader.grade(ask(gold, **more), response).outcome


RIGHT = {
    "fraction and decimal": ("\\frac{96}{5}", "19.2"),
    "another fraction": ("\\frac{2}{2x+1}", "\\frac{1}{x+\\frac12}"),
    "thousands": ("1{,}000", "1000"),
    "thousands with a comma": ("12,345", "12345"),
    "a currency": ("\\$1{,}000", "1000"),
    "percent both": ("50\\%", "50 \\%"),
    "percent as a fraction": ("50\\%", "0.5"),
    "leading zeros": ("025", "25"),
    "a name for it": ("5", "x=5"),
    "an identity": ("\\sec^2 x", "1+\\tan^2 x"),
    "a root": ("\\sqrt{8}", "2\\sqrt{2}"),
    "a set in another order": ("\\{1,2\\}", "\\{2,1\\}"),
    "a list in another order": ("1,2", "2,1"),
    "a power of ten": ("3 \\times 10^{4}", "30000"),
    "only the looks": ("\\dfrac{a}{b}", "\\frac{ a }{ b }"),
    "a minus sign": ("\u22123", "-3"),
    "a unit": ("5\\text{ cm}", "5"),
    "a mixed number": ("\\frac{7}{2}", "3\\frac{1}{2}"),
    "a repeating decimal, rounded": ("\\frac13", "0.3333333"),
}
WRONG = {
    "another number": ("4", "5"),
    "a sign": ("3", "-3"),
    "the negative": ("x-1", "1-x"),
    "an order that matters": ("(1,2)", "(2,1)"),
    "rounded too far": ("13.98932", "13.989"),
    "a constant of integration": ("x^2+C", "x^2"),
    "another variable": ("x", "y"),
    "a hundred times": ("1{,}000", "1"),
    "an interval's end": ("[1,2]", "(1,2)"),
}
UNDECIDED = {
    "percent or not": ("50\\%", "50"),
    "the other way": ("50", "50\\%"),
    "an inequality for an interval": ("(1,2)", "1<x<2"),
    "what cannot be parsed": ("4", "\\frac{"),
    "too long to be worth it": ("4", "1+" * 400 + "1"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_equal_values_are_right(grader: Math, name: str) -> None:
    assert outcome(grader, *RIGHT[name]) == "right"


@pytest.mark.parametrize("name", WRONG)
def test_other_values_are_wrong(grader: Math, name: str) -> None:
    assert outcome(grader, *WRONG[name]) == "wrong"


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_cannot_be_said_is_undecided(grader: Math, name: str) -> None:
    assert grader.accepts(ask(UNDECIDED[name][0]), UNDECIDED[name][1]) is None


def test_the_gold_says_how_exact_and_whether_a_constant_matters(grader: Math) -> None:
    assert outcome(grader, "13.98932", "13.989", digits=3) == "right"
    assert outcome(grader, "13.98932", "13.98", digits=3) == "wrong"
    assert outcome(grader, "x^2+C", "x^2", constant=True) == "right"
    assert outcome(grader, "x^2", "x^2 + \\text{C}", constant=True) == "right"
    assert outcome(grader, "x^2+C", "x^3+C", constant=True) == "wrong"


def test_equivalence_holds_in_either_direction(grader: Math) -> None:
    question = ask("(1,2)")
    assert grader.equivalent(question, "(1,2)", "1<x<2") is True
    assert grader.equivalent(question, "1<x<2", "(1,2)") is True
    assert grader.equivalent(question, "1", "2") is False
    assert grader.equivalent(question, "50\\%", "50") is None


FORMS = {
    "several boxes with one value": ("\\boxed{4} and again \\boxed{4.0}", "right"),
    "several boxes with two values": ("\\boxed{5}, no, \\boxed{4}", "format_fail"),
    "a box that is cut": ("\\boxed{5} then \\boxed{4", "format_fail"),
    "no box": ("The answer is 4.", "format_fail"),
    "only thoughts": ("<think>\\boxed{4}</think>", "format_fail"),
    "nothing": ("", "format_fail"),
}


@pytest.mark.parametrize("name", FORMS)
def test_an_answer_in_another_form_is_neither_right_nor_wrong(grader: Math, name: str) -> None:
    text, expected = FORMS[name]
    assert grader.grade(ask("4"), Response(question="q", text=text, model="m")).outcome == expected


def test_what_a_response_without_a_box_seems_to_say_is_kept(grader: Math) -> None:
    grade = grader.grade(ask("4"), Response(question="q", text="So the answer is 4.", model="m"))
    assert (grade.outcome, grade.answer) == ("format_fail", "4")


def test_a_cut_response_is_truncated(grader: Math) -> None:
    response = Response(question="q", text="\\boxed{4}", model="m", finish="length")
    assert grader.grade(ask("4"), response).outcome == "truncated"


@pytest.mark.parametrize(
    ("gold", "problem"),
    [({}, "expression is missing"), ({"expression": " "}, "expression"), ({"expression": "1", "digits": "x"}, "digits"),
     ({"expression": "1", "digits": 99}, "digits"), ({"expression": "1", "constant": "yes"}, "constant"),
     ({"expression": "1", "form": "list"}, "form")],
)  # fmt: skip
def test_a_gold_that_is_none_is_refused_in_one_line(grader: Math, gold: dict[str, Any], problem: str) -> None:
    question = Question.make(key="1", source="s", category="c", prompt="?", gold=gold, grader="math")
    with pytest.raises(UsageError, match=problem) as error:
        grader.check(question)
    assert "\n" not in str(error.value)


# -- numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    {
        "1,000": 1000, "1{,}000": 1000, "\\$1\\,000.50": Fraction(2001, 2), "-3": -3, "\u22123": -3, "0.50": Fraction(1, 2),
        "\\frac{96}{5}": Fraction(96, 5), "\\dfrac12": Fraction(1, 2), "19 1/5": Fraction(96, 5), "50\\%": Fraction(1, 2),
        "3\\frac{1}{2}": Fraction(7, 2), "1.2e3": 1200, "3 \\times 10^{4}": 30000, "$7$": 7, "7.": 7, ".5": Fraction(1, 2),
        "1 000 000": 10**6, "-\\frac{1}{4}": Fraction(-1, 4),
    }.items(),
)  # fmt: skip
def test_numbers_are_read_exactly(text: str, value: Any) -> None:
    found = number(text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "text", ["1,5", "3 000,5", "1,00", "--3", "x", "", "1/0", "1 2", "\\frac{1}{0}", "1" * 99, "5 cm"]
)
def test_what_could_be_read_in_two_ways_is_no_number(text: str) -> None:
    assert number(text) is None


@given(st.integers(-(10**12), 10**12))
def test_a_number_is_itself_however_it_is_set(value: int) -> None:
    for shown in (str(value), f"{value:,}", f"{value:,}".replace(",", "{,}"), f"${value}$", f"{value}.0"):
        found = number(shown)
        assert found is not None
        assert found.value == value


@given(st.text(max_size=80))
def test_no_text_makes_anything_raise(text: str) -> None:
    number(text)
    plain(text)


# -- processes -----------------------------------------------------------------------------------------------


@pytest.fixture
def pool() -> Iterator[Pool]:
    found = Pool(size=1, seconds=20)
    yield found
    found.close()


def test_what_takes_too_long_is_undecided_and_the_next_is_answered(pool: Pool) -> None:
    assert pool.compare("1", "x", 6).forth is False  # it is up
    pool.seconds = 1.0
    started = time.monotonic()
    found = pool.compare("\\sum_{n=1}^{\\infty} \\frac{1}{n^2+\\sqrt{n}}", "\\frac{\\pi^2}{7}", 6)
    assert found == Compared(None, None, "no answer in 1 s")
    assert time.monotonic() - started < 4
    pool.seconds = 20
    assert pool.compare("\\sqrt{4}", "2", 6) == Compared(True, True)


def test_a_process_that_dies_is_replaced(pool: Pool) -> None:
    assert pool.compare("\\sqrt{4}", "2", 6).forth is True
    (worker,) = pool._workers
    assert worker._process is not None
    os.kill(worker._process.pid, signal.SIGKILL)
    assert pool.compare("\\sqrt{4}", "2", 6) == Compared(None, None, "the tool broke down")
    assert pool.compare("\\sqrt{4}", "2", 6).forth is True


def test_threads_share_the_processes_and_answers_keep_their_order() -> None:
    grader = Math(Pool(size=2, seconds=30))
    try:
        jobs = [
            (ask(f"\\sqrt{{{n * n}}}"), Response(question="q", text=f"\\boxed{{{n if n % 3 else n + 1}}}", model="m"))
            for n in range(1, 90)
        ]
        outcomes = [grade.outcome for grade in grader.grade_all(jobs)]
    finally:
        grader.close()
    assert outcomes == ["right" if n % 3 else "wrong" for n in range(1, 90)]
    assert threading.active_count() < 20


def test_code_in_an_answer_is_never_run(grader: Math, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    attacks = (
        f"__import__('os').system('touch {trap}')",
        f"\\text{{__import__('os').system('touch {trap}')}}",
        f"open('{trap}','w')",
        f"(lambda: open('{trap}','w'))()",
        f"exec(\"open('{trap}','w')\")",
        f"1; import os; os.mknod('{trap}')",
        "\\input{/etc/passwd}",
    )
    for attack in attacks:
        for form in ("boxed", "whole", "line"):
            shown = {"boxed": f"\\boxed{{{attack}}}", "whole": attack, "line": f"Answer: {attack}"}[form]
            response = Response(question="q", text=shown, model="m")
            grade = grader.grade(ask("4", form=form), response)
            assert grade.outcome != "right"
            grader.equivalent(ask("4"), attack, "x^2")
    assert not trap.exists()


def test_without_the_tool_one_line_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(math_pool, "WORKER", "judgebench.no_such_module")
    with pytest.raises(MissingPrerequisite, match=r"pip install 'judgebench\[pairs\]'"):
        Pool(size=1).compare("x", "y", 6)
