"""Whatever a response holds, no grader raises, and none takes more than time in proportion to its length."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading import asked, graded
from judgebench import registry
from judgebench.pairs.graders.extract import FORMS, visible
from judgebench.pairs.records import OUTCOMES, Response

LETTER = {"letter": "A", "letters": "ABCDE"}
WORD = {"text": "four"}
ITEMS = {"items": ["yes", "no"], "words": ["yes", "no"]}
GRID = {"cells": {"1": {"1": "5", "2": "6"}}}
OURS: dict[str, dict[str, Any]] = {"choice": LETTER, "string": WORD, "list": ITEMS, "grid": GRID}
THEIRS = [name for name in registry.names("graders") if name.startswith(("livebench-", "mmlu-", "judgebench-"))]
CASES = [
    (name, gold | {"form": form})
    for name, gold in OURS.items()
    for form in sorted(registry.load("graders", name).forms)
] + [(name, LETTER) for name in THEIRS]

PIECES = ["AAAAA", "BBBB", "C ", " ", "\n", "**", "***", "*", r"\boxed{", r"\boxed ", r"\fbox{", "}", "{", "[", "]", "(",
          ")", "<solution>", "</solution>", "<think>", "</think>", "055", "Answer: ", "answer is (C)", "yes", "no", ", ",
          "|", "|---|", "1,234", '"', "'", "\\", ":", "é", "\x00", "\u2028", "\ufdfa", "İ", "\u017f", "\ud800", "٣", "²"]  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


@given(text=TEXTS, case=st.sampled_from(CASES))
def test_no_text_makes_a_grader_raise(text: str, case: tuple[str, dict[str, Any]]) -> None:
    name, gold = case
    grade = graded(registry.load("graders", name)(), gold, text)
    assert grade.outcome in OUTCOMES
    if grade.outcome in {"right", "wrong"} and name in OURS:
        assert grade.answer
    if grade.span:
        assert 0 <= grade.span[0] <= grade.span[1] <= len(text)


@given(text=TEXTS, case=st.sampled_from([case for case in CASES if case[0] in OURS]))
def test_an_answer_is_equivalent_to_itself(text: str, case: tuple[str, dict[str, Any]]) -> None:
    name, gold = case
    grader = registry.load("graders", name)()
    grade = graded(grader, gold, text)
    if grade.answer is not None:
        assert grader.equivalent(asked(grader, gold), grade.answer, grade.answer)


# Repeats that make a careless pattern try every start with every end.
BOMBS = {
    piece[:20]: piece
    for piece in [
        "A", "A ", "A A", "AAAA", "AAAAé", "(A)AAA", "a", "*", "**", "**a", "** a", "***a", "_", "__a", "{", "}", "[", "]",
        "[{", "{]", "\\", r"\{", r"\boxed{", r"\boxed ", r"\boxed", r"\boxed{1}", r"\textbf{", "<solution>", "</solution>",
        "<think>", "</think>", "<think></think>", "answer", "answer is ", "answer is (", "answer is A ", "Answer:", "Answer: ",
        "Answer:\n", "Answer: (A)\n", "answer" + " " * 50, " ", "\n", " \n", "\t", "1", "1,", "1,234", ",234", "1.", ".5",
        "-", "0", "|", "|a", "|a|\n", "|-", '"', '",', "'", '["', '[",', '"a"b,', ",", ";", "yes, ", "yes\n", "1 2\n",
        "12\n", "four ", "twenty-one-", "<b>", "<b>a</b>", "\ufdfa", "é", "A\n", "the ", "- ", "1) ", " and ",
    ]
}  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that some work takes: a busy machine does not count."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize("name", BOMBS)
def test_no_pattern_tries_every_start_with_every_end(name: str) -> None:
    text = BOMBS[name] * (60_000 // len(BOMBS[name]))
    # Quadratic time is 10 s and more for one of them; all of them together take a tenth of a second.
    assert sum(seconds(partial(finder, text)) for finder in (visible, *FORMS.values())) < 3


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{name}-{gold.get('form')}" for name, gold in CASES])
def test_no_grader_takes_long_for_a_very_long_text(number: int) -> None:
    name, gold = CASES[number]
    grader = registry.load("graders", name)()
    question = asked(grader, gold)
    # Which text each grader gets changes with its number; together they get all of them.
    for piece in list(BOMBS.values())[number % 30 :: 30]:
        text = piece * (300_000 // len(piece))
        response = Response(question=question.id, text=text, model="m")
        assert seconds(partial(grader.grade, question, response)) < 10, piece
