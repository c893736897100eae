"""The published graders: each rule and each trap of theirs, beside what ours says of the same response."""

from typing import Any

import pytest

from grading import asked, graded
from judgebench import registry
from judgebench.errors import UsageError
from judgebench.pairs.graders.base import Grader
from judgebench.pairs.graders.published.base import last_box, tagged, truth, without_thoughts

PROMPT = r"Which? $\textbf{(A) }12 \qquad\textbf{(B)}\ 30 \qquad\textbf{(C) }~45$"
LETTER = {"letter": "A", "letters": "ABC", "form": "letter-run"}
LIES = {"items": ["yes", "no", "yes"], "words": ["yes", "no"], "form": "bold"}
SEVERAL = {"items": ["red", "light blue"], "form": "solution-tag"}


def word(text: str, form: str = "bold-italic") -> dict[str, Any]:
    return {"text": text, "form": form}


def grader(name: str) -> Grader:
    found: Grader = registry.load("graders", name)()
    return found


# name, gold, response, score, and what our own grader says of it
RULES: list[tuple[str, dict[str, Any], str, float, str]] = [
    ("livebench-zebra-2024", word("spy"), "***Spy***", 1, "right"),
    ("livebench-zebra-2024", word("4"), "so ***four***", 0, "right"),
    ("livebench-zebra-2024", word("four"), "so ***4***", 1, "right"),
    ("livebench-zebra-2024", word("spy movies"), "***spy***", 1, "wrong"),
    ("livebench-zebra-2024", word("time travel"), "***time travel***", 0, "right"),  # one-word bold
    ("livebench-zebra-2024", word("time-travel"), "***dog*** or ***time-travel***", 0, "right"),
    ("livebench-zebra-2024", word("spy"), "it is spy", 1, "format_fail"),
    ("livebench-zebra-2024", word("spy"), "", 0, "format_fail"),
    ("livebench-zebra-now", SEVERAL, "<solution>red, light-blue</solution>", 1, "right"),
    ("livebench-zebra-now", SEVERAL, "<solution>red, green</solution>", 0.25, "wrong"),
    ("livebench-zebra-now", SEVERAL, "<solution>dark red, not light blue</solution>", 1, "wrong"),  # contained
    ("livebench-zebra-now", SEVERAL, "<solution>red</solution>", 0.25, "format_fail"),
    ("livebench-zebra-now", SEVERAL, "<solution>red</solution><solution>light blue</solution>", 1, "format_fail"),
    ("livebench-zebra-now", SEVERAL, r"\boxed{\text{red, light blue}}", 1, "format_fail"),
    ("livebench-zebra-now", SEVERAL, "so\nred, light blue", 1, "format_fail"),
    ("livebench-zebra-now", SEVERAL, "so\nred, light blue, fish", 0, "format_fail"),
    ("livebench-zebra-now", SEVERAL, "<think><solution>a, b</solution></think>red, light blue", 1, "format_fail"),
    ("livebench-web-of-lies-2024", LIES, "**yes, no, yes**", 1, "right"),
    ("livebench-web-of-lies-2024", LIES, "**so: yes, no, yes.**", 1, "format_fail"),
    ("livebench-web-of-lies-2024", LIES, "**yes, no, yes** **now**", 0, "right"),  # the very last bold
    ("livebench-web-of-lies-2024", LIES, "yes, no, yes", 0, "format_fail"),
    ("livebench-web-of-lies-now", LIES, "<solution>yes, no, yes</solution>", 1, "format_fail"),
    ("livebench-web-of-lies-now", LIES, "**yes!** **no**, and **yes**", 0, "format_fail"),
    ("livebench-web-of-lies-now", LIES, "**yes** **no**, and **yes.**", 1, "format_fail"),
    ("livebench-web-of-lies-now", LIES, "**no** **yes, no, yes** **now**", 1, "right"),
    ("livebench-web-of-lies-now", LIES, r"\boxed{yes, no, yes}", 1, "format_fail"),
    ("livebench-web-of-lies-now", LIES, r"\textbf{yes, no, yes}", 1, "format_fail"),
    ("livebench-web-of-lies-now", LIES, "first no, no, no then Yes, no, yes it is", 1, "format_fail"),
    ("livebench-web-of-lies-now", LIES, "<solution></solution> **yes, no, yes**", 0, "right"),
    ("livebench-web-of-lies-now", LIES, "who knows", 0, "format_fail"),
    ("livebench-spatial-2024", word("4", "bold"), "**4** and **5** and **6**", 1, "wrong"),  # any of the last three
    ("livebench-spatial-2024", word("4", "bold"), "**four**", 1, "right"),
    ("livebench-spatial-2024", word("triangle", "bold"), "**equilateral triangle**", 1, "wrong"),
    ("livebench-spatial-2024", word("triangle", "bold"), "**a big triangle**", 1, "wrong"),
    ("livebench-spatial-2024", word("triangle", "bold"), "**circle square triangle**", 0, "wrong"),
    ("livebench-spatial-2024", word("4", "bold"), r"\boxed{4}", 0, "format_fail"),
    ("livebench-spatial-2024", word("4", "bold"), "none", 0, "format_fail"),
    ("livebench-spatial-now", word("4", "bold"), "4", 1, "format_fail"),
    ("livebench-spatial-now", word("4", "bold"), r"\boxed{\textbf{4}}", 1, "format_fail"),
    ("livebench-spatial-now", word("4", "bold"), "**5**", 0, "wrong"),
    ("livebench-amc-2024", LETTER, "Not AAAA. It is BBBBB.", 1, "wrong"),  # any place
    ("livebench-amc-2024", LETTER, "AAAAAA", 1, "format_fail"),  # six letters
    ("livebench-amc-2024", LETTER, r"\boxed{A}", 1, "format_fail"),
    ("livebench-amc-2024", LETTER, r"\boxed{A} BBBBB" + "." * 30, 1, "wrong"),
    ("livebench-amc-2024", LETTER, "so BBBBB, as x = 1234", 1, "wrong"),  # the value in the tail, or its digits
    ("livebench-amc-2024", LETTER, r"12 is what we get from that, so \boxed{30}", 0, "format_fail"),
    ("livebench-amc-2024", LETTER | {"letter": "C"}, r"it is \boxed{45}", 1, "format_fail"),
    ("livebench-amc-now", LETTER, "<solution>aaa</solution>", 1, "format_fail"),
    ("livebench-amc-now", LETTER, "so\n**a**", 1, "format_fail"),
    ("livebench-amc-now", LETTER, "so\nit is (A), not (B)", 1, "format_fail"),
    ("livebench-amc-now", LETTER, "so\nit is (B), not (A)", 0, "format_fail"),
    ("livebench-amc-now", LETTER, r"\boxed{\text{a}} BBBBB", 1, "wrong"),
    ("livebench-amc-now", LETTER, "AAAA", 1, "format_fail"),
    ("livebench-amc-now", LETTER, "<think>AAAAA</think>BBBBB", 0, "wrong"),
    ("livebench-aime-2024", word("068", "three-digits"), "068, or about that", 1, "format_fail"),
    ("livebench-aime-2024", word("068", "three-digits"), "068, or about twice that", 0, "format_fail"),
    ("livebench-aime-2024", word("068", "three-digits"), "1068", 1, "format_fail"),
    ("livebench-aime-now", word("068", "three-digits"), "068, or about twice that", 1, "format_fail"),
    ("livebench-aime-now", word("068", "three-digits"), r"\boxed{068}", 1, "right"),
    ("mmlu-pro-regex", LETTER, "The answer is (A). Or BBBBB", 1, "wrong"),
    ("mmlu-pro-regex", LETTER, "The answer is (B)? No, the answer is (A): AAAAA", 0, "right"),  # the first counts
    ("mmlu-pro-regex", LETTER, "The answer is A matter of taste", 1, "format_fail"),
    ("mmlu-pro-regex", LETTER, "AAAAA", 0, "right"),
    ("mmlu-pro-cascade", LETTER, "The answer is (B). Answer: A", 0, "format_fail"),
    ("mmlu-pro-cascade", LETTER, "Answer: B or answer: A\nAnswer: C", 1, "format_fail"),
    ("mmlu-pro-cascade", LETTER, "Answer:\nA", 1, "format_fail"),
    ("mmlu-pro-cascade", LETTER, "BBBBB. A fine question", 1, "wrong"),  # an article
    ("mmlu-pro-cascade", LETTER, "AAAAA", 0, "right"),
    ("judgebench-letters", LETTER, "AAAAAAAAAA", 1, "format_fail"),
    ("judgebench-letters", LETTER, "AAAA", 0, "format_fail"),
    ("judgebench-letters", LETTER, "BBBBB, no: AAAAAThanks", 1, "wrong"),
    ("judgebench-letters", LETTER, "A A A A A", 0, "format_fail"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(RULES)))
def test_rules_and_traps(number: int) -> None:
    name, gold, text, score, ours = RULES[number]
    grade = graded(grader(name), gold, text, prompt=PROMPT)
    assert (grade.outcome, grade.detail) == ("right" if score == 1 else "wrong", f"score {score:g}")
    own = "choice" if "letter" in gold else "list" if "items" in gold else "string"
    assert graded(grader(own), gold, text, prompt=PROMPT).outcome == ours


PUBLISHED = sorted({name for name, *_ in RULES})


def test_every_published_grader_is_tried_where_it_differs_from_ours() -> None:
    assert [
        name for name in registry.names("graders") if name.startswith(("livebench-", "mmlu-", "judgebench-"))
    ] == PUBLISHED
    differ = {name for name, _, _, score, ours in RULES if (score == 1) != (ours == "right")}
    assert differ == set(PUBLISHED)


def test_a_cut_response_is_graded_all_the_same() -> None:
    assert graded(grader("livebench-amc-2024"), LETTER, "AAAAA", finish="length").outcome == "right"


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_gold_without_a_truth_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="text is missing"):
        asked(grader(name), {"cells": {}})


def test_the_truth_is_one_text() -> None:
    assert truth(asked(grader("list"), LIES)) == "yes, no, yes"
    assert truth(asked(grader("choice"), LETTER)) == "A"
    assert truth(asked(grader("mmlu-pro-regex"), {"expression": "055"})) == "055"


BOXES = {
    r"\boxed{A}": "A", r"\boxed{1} \boxed{\frac{1}{2}}": r"\frac{1}{2}", r"\fbox{7}": "7", r"\boxed{$7$}": "7",
    r"\boxed{7": None, "7": None, r"\boxed 7$ so": "7", r"\boxed 7$ \boxed{8}": "7", r"\boxed  {7}": " {7}",
    "\\boxed\n{7}": None, r"\boxed{1} \fbox{2}": "1",
}  # fmt: skip


@pytest.mark.parametrize("text", BOXES)
def test_their_last_box(text: str) -> None:
    assert last_box(text) == BOXES[text]


def test_their_tags_and_thoughts() -> None:
    assert tagged("<solution>a</solution><solution>b</solution>") == ["a", "b"]
    assert tagged("<solution>a\n</solution>") == []
    assert tagged("</solution>a</solution>", "</solution>") == ["a"]
    assert without_thoughts("a<think>b</think>c<think>d") == "ac<think>d"
