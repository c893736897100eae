"""Extraction: where answers stand in a text, in which form, and what is no answer though it looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.pairs.graders import extract
from judgebench.pairs.graders.extract import FORMS, LAST_COUNTS, Found, visible


def answers(found: list[Found], strict: bool = True) -> list[str]:
    return [one.answer for one in found if one.strict or not strict]


# -- thoughts

THOUGHTS = {
    "closed": ("<think>AAAAA</think>BBBBB", "BBBBB"),
    "two of them": ("a<think>x</think>b<think>y</think>c", "abc"),
    "never closed": ("BBBBB <think>perhaps AAAAA", "BBBBB"),
    "never opened": ("perhaps AAAAA</think>BBBBB", "BBBBB"),
    "closed twice": ("<think>x</think>AAAAA</think>BBBBB", "BBBBB"),
    "opened twice": ("<think>a<think>b</think>BBBBB", "BBBBB"),
    "another spelling": ("<Thinking>AAAAA</Thinking>BBBBB", "BBBBB"),
    "none": ("a < b", "a < b"),
    "all of it": ("<think>AAAAA", ""),
}


@pytest.mark.parametrize("name", THOUGHTS)
def test_thoughts_are_no_answer(name: str) -> None:
    text, rest = THOUGHTS[name]
    seen = visible(text)
    assert len(seen) == len(text)
    assert seen.replace("\n", "").strip() == rest


def test_places_stay_true_behind_a_thought() -> None:
    text = "<think>AAAAA?</think>So: BBBBB."
    (found,) = extract.letter_runs(visible(text))
    assert text[slice(*found.span)] == "BBBBB"


# -- letter runs

STRICT_RUNS = {
    "bare": ("so\nCCCCC", "C"),
    "before a stop": ("The answer is CCCCC.", "C"),
    "in bold": ("**CCCCC**", "C"),
    "in italics": ("_CCCCC_", "C"),
    "in a box": (r"\[ \boxed{CCCCC} \]", "C"),
    "in latex bold": (r"\textbf{CCCCC}", "C"),
    "in code": ("`CCCCC`", "C"),
    "in quotes": ('"CCCCC"', "C"),
    "behind an equals sign": (r"\boxed{7}=CCCCC", "C"),
}


@pytest.mark.parametrize("name", STRICT_RUNS)
def test_five_letters_on_their_own_are_strict(name: str) -> None:
    text, letter = STRICT_RUNS[name]
    (found,) = extract.letter_runs(text)
    assert (found.answer, found.strict, found.method) == (letter, True, "letter-run")
    assert text[slice(*found.span)] == letter * 5


LOOSE_RUNS = {
    "six": ("EEEEEE", "E", "letter-run-length"),
    "four": ("EEEE.", "E", "letter-run-length"),
    "three": ("EEE", "E", "letter-run-length"),
    "twenty": ("I" * 20, "I", "letter-run-length"),
    "small ones among them": (r"\text{Answer: EEeEE}", "E", "letter-run-length"),
    "small ones only": ("ccccc", "C", "letter-run-length"),
    "with spaces": ("C C C C C", "C", "letter-run-spaced"),
    "with commas": ("E,E,E,E,E.", "E", "letter-run-spaced"),
    "the first in brackets": ("(B)BBBB", "B", "letter-run-bracketed"),
    "a word glued to it": ("EEEEEThanks", "E", "letter-run-glued"),
    "four and a foreign word": ("EEEEissão", "E", "letter-run-glued"),
}


@pytest.mark.parametrize("name", LOOSE_RUNS)
def test_other_runs_are_found_but_not_strict(name: str) -> None:
    text, letter, method = LOOSE_RUNS[name]
    found = extract.letter_runs(text)[-1]
    assert (found.answer, found.strict, found.method) == (letter, False, method)


@pytest.mark.parametrize(
    "text",
    ["EGGGGE", "ACACCACACACA", "ABABA", "Type III", "www.example.org", "iii", "CC", "C", "XAAAAA", "AAAAA1", "AAAAABBBBB",
     "1AAAAA", "ÉAAAAA", "AAAAAÉ", "hmmmm", ""],
)  # fmt: skip
def test_what_is_no_run(text: str) -> None:
    assert extract.letter_runs(text) == []


def test_only_letters_of_options_count() -> None:
    text = "For example, write KKKKK. My answer: CCCCC"
    assert answers(extract.letter_runs(text, "ABCDEFGHIJ")) == ["C"]
    assert answers(extract.letter_runs(text)) == ["K", "C"]


def test_runs_come_in_order_of_place() -> None:
    found = extract.letter_runs("AAAA, no: BBBBB, no: CCCCCC, no: (D)DDDD, no: EEEEE")
    assert [(one.answer, one.strict) for one in found] == [
        ("A", False), ("B", True), ("C", False), ("D", False), ("E", True),
    ]  # fmt: skip


# -- phrases and letters

PHRASES = {
    "in brackets": ("The answer is (C).", "C", True),
    "bare at the end": ("The answer is C", "C", True),
    "bare before a line": ("answer is: C\nbecause", "C", True),
    "bold": ("Answer: **C**", "C", True),
    "label in bold": ("**Answer:** (C)", "C", True),
    "capitals": ("ANSWER: C", "C", True),
    "boxed": (r"the answer is $\boxed{C}$", "C", False),
    "another noun": ("so the correct choice is (C).", "C", False),
    "words between": ("The answer to the question is (C)", "C", False),
    "with its kind": ("The answer is option C.", "C", False),
    "should be": ("the answer should be (D)", "D", True),
}


@pytest.mark.parametrize("name", PHRASES)
def test_phrases(name: str) -> None:
    text, letter, strict = PHRASES[name]
    (found,) = extract.phrases(text)
    assert (found.answer, found.strict) == (letter, strict)
    assert text[slice(*found.span)] == letter


@pytest.mark.parametrize(
    "text",
    ["The answer is A matter of taste.", "Option (A) fails, as does (B).", "The answer is not (A).", "answer is (AB)",
     "Answers vary", "the answer is", "answer is 42", "I think (C) is best", "The answer is ACME"],
)  # fmt: skip
def test_a_letter_in_prose_is_no_answer(text: str) -> None:
    assert extract.phrases(text) == []


LONE = {
    "C": ("C", True), "(C)": ("C", True), r"\text{C}": ("C", True), r"\textbf{(C)}": ("C", True), "CCCCC": ("C", True),
    "$C$": ("C", True), "C.": ("C", True), "C) 45": ("C", False), "(F) Yes, if so": ("F", False), "E. 7": ("E", False),
    "Cat": None, "A good thing": None, "45": None, "": None, "CAB": None, "c": None,
}  # fmt: skip


@pytest.mark.parametrize("text", LONE)
def test_lone_letters(text: str) -> None:
    assert extract.lone_letter(text) == LONE[text]


# -- boxes

BOXES = {
    "simple": (r"\boxed{7}", ["7"]),
    "braces within": (r"so \boxed{\frac{1}{2}} it is", [r"\frac{1}{2}"]),
    "several": (r"\boxed{1} and \boxed{2}", ["1", "2"]),
    "fbox": (r"\fbox{7}", ["7"]),
    "space before the brace": (r"\boxed {7}", ["7"]),
    "spaces within": (r"\boxed{ 7 }", ["7"]),
    "escaped braces": (r"\boxed{\{1, 2\}}", [r"\{1, 2\}"]),
    "a box in a box": (r"\boxed{\boxed{7}}", ["7"]),
    "cut": (r"so \boxed{\frac{1}{2", []),
    "cut after another": (r"\boxed{1}, no: \boxed{2", []),
    "cut before another": (r"\boxed{1, no: \boxed{2}", ["2"]),
    "braces that close nothing": (r"} } \boxed{7} }", ["7"]),
    "other commands": (r"\text{7} {8}", []),
    "empty": (r"\boxed{}", [""]),
    "none": ("boxed{7}", []),
}


@pytest.mark.parametrize("name", BOXES)
def test_boxes(name: str) -> None:
    text, contents = BOXES[name]
    assert answers(extract.boxes(text)) == contents
    last = extract.last_box(text)
    assert (last.answer if last else None) == (contents[-1] if contents else None)


def test_a_box_without_braces_is_not_strict() -> None:
    (found,) = extract.boxes(r"$\boxed 7$")
    assert (found.answer, found.strict) == ("7", False)
    assert extract.last_box(r"$\boxed 7$") is None


# -- bold, tags

BOLDS = {
    "two stars": ("is **so** then", ["so"], []),
    "three stars": ("is ***so***", ["so"], ["so"]),
    "several words": ("***time travel***", ["time travel"], ["time travel"]),
    "glued": ("**So,***2***", ["2"], ["2"]),
    "within another": ("**Answer: ***3*****", ["3"], ["3"]),
    "empty": ("pieces: ****.", [], []),
    "powers": ("2**3 = 8, so **8**", ["8"], []),
    "not closed": ("**so", [], []),
    "over a line": ("**so\nit**", [], []),
    "spaces at the edges": ("** so **", [], []),
    "unequal": ("***so**", [], []),
    "several": ("**a** b **c**", ["a", "c"], []),
}


@pytest.mark.parametrize("name", BOLDS)
def test_bolds(name: str) -> None:
    text, two, three = BOLDS[name]
    assert answers(extract.bolds(text)) == two
    assert answers(extract.bolds(text, 3)) == three


@pytest.mark.parametrize("text", ["** so **", r"\textbf{so}", "<b>so</b>", "<strong>so</strong>", "__so__", "***so**"])
def test_other_bolds_are_not_strict(text: str) -> None:
    (found,) = extract.bolds(text)
    assert (found.answer, found.strict, found.method) == ("so", False, "bold-loose")
    assert text[slice(*found.span)] == "so"


TAGS = {
    "one": ("<solution>a, b</solution>", ["a, b"], ["a, b"]),
    "lines": ("<solution>\na\nb\n</solution>", ["a\nb"], ["a\nb"]),
    "two": ("<solution>a</solution><solution>b</solution>", ["a", "b"], ["a", "b"]),
    "cut": ("<solution>a", [], []),
    "opened twice": ("<solution>a <solution>b</solution>", ["b"], ["b"]),
    "two closing": ("</solution>a</solution>", [], ["a"]),
    "capitals": ("<Solution>a</SOLUTION>", ["a"], ["a"]),
}


@pytest.mark.parametrize("name", TAGS)
def test_solution_tags(name: str) -> None:
    text, strict, all_of_them = TAGS[name]
    assert answers(extract.solutions(text)) == strict
    assert answers(extract.solutions(text), strict=False) == all_of_them


# -- ends

THREE_DIGITS = {
    "bare": ("so it is\n068", "068", True),
    "boxed": ("\\[\n\\boxed{055}.\n\\]", "055", True),
    "in brackets": (r"\(\boxed{011}\):", "011", True),
    "bold": ("**972**", "972", True),
    "equation": ("x=972", "972", True),
    "two": (r"\boxed{51}", "51", False),
    "four": (r"\boxed{1225}", "1225", False),
    "thousands": ("1,225", "225", False),
    "decimal": ("0.125", "125", False),
    "negative": ("-125", "125", False),
    "part of a word": ("x055", "055", False),
}


@pytest.mark.parametrize("name", THREE_DIGITS)
def test_three_digits_at_the_end(name: str) -> None:
    text, answer, strict = THREE_DIGITS[name]
    (found,) = extract.three_digits(text)
    assert (found.answer, found.strict) == (answer, strict)
    assert text[slice(*found.span)] == answer


@pytest.mark.parametrize("text", ["", "055 degrees", "none", "!!"])
def test_no_digits_at_the_end(text: str) -> None:
    assert extract.three_digits(text) == []


NUMBERS = {
    "1,234 and -3.5": ["1,234", "-3.5"], "40% of .5": ["40%", ".5"], "x2 H2O": [], "3-4": ["3", "4"], "$12.50": ["12.50"],
    "12,34": ["12", "34"], "1,234,567.8": ["1,234,567.8"], "−7": ["−7"], "v1.2.3": [], "": [], "7.": ["7"],
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text: str) -> None:
    assert answers(extract.numbers(text)) == NUMBERS[text]


def test_lines() -> None:
    assert answers(extract.last_line("a\n b \n\n")) == ["b"]
    assert extract.last_line(" \n") == []
    assert answers(extract.answer_lines("Answer: 1\nno\n**Final answer:** 7**\n")) == ["7"]
    assert answers(extract.answer_lines("Answer: 1\nno"), strict=False) == ["1"]
    assert answers(extract.answer_lines("Answer: 1\nno")) == []
    assert extract.answer_lines("Answer:\n7") == []


REGIONS = {
    "a list": ('so ["a", "b"] it is', ["[" + '"a", "b"]'], []),
    "nested": ("[[1], [2]] {}", ["[[1], [2]]"], ["{}"]),
    "a list in an object": ('{"a": [1]}', ["[1]"], ['{"a": [1]}']),
    "an interval": ("[0, 1) then [2]", ["[2]"], []),
    "display math": (r"\[ x \] {1}", [], ["{1}"]),
    "crossed": ("[ { ]", ["[ { ]"], []),
    "not closed": ("[1, 2", [], []),
    "closing first": ("] } [1]", ["[1]"], []),
}


@pytest.mark.parametrize("name", REGIONS)
def test_regions(name: str) -> None:
    text, lists, objects = REGIONS[name]
    assert answers(extract.regions(text, "[")) == lists
    assert answers(extract.regions(text, "{")) == objects


# -- what holds of all forms

PIECES = ["AAAAA", "BBBB", " ", "\n", "**", "***", r"\boxed{", "}", "{", "[", "]", "<solution>", "</solution>", "055",
          "Answer: ", "answer is (C)", "yes, no", "<think>", "</think>", "1,234", '"', "'", "\\", "|", "é", "x"]  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@given(text=TEXTS, form=st.sampled_from(sorted(FORMS)))
def test_finds_are_in_order_and_where_they_say(text: str, form: str) -> None:
    found = FORMS[form](text)
    assert [one.span for one in found] == sorted(one.span for one in found)
    for one in found:
        here = text[slice(*one.span)]
        assert one.answer == here or one.answer in here.upper()
        assert one.method


@given(text=TEXTS)
def test_what_is_visible_has_the_same_places(text: str) -> None:
    seen = visible(text)
    assert len(seen) == len(text)
    assert all(now in {was, "\n"} for now, was in zip(seen, text, strict=True))
    assert visible(seen) == seen


def test_forms_whose_last_counts_are_forms() -> None:
    assert set(FORMS) > LAST_COUNTS
