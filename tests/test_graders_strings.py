"""Words, phrases and integers: spelled as one likes, but in the form that was asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading import asked, said
from judgebench.errors import UsageError
from judgebench.pairs.graders.strings import NUMBER_WORDS, SHAPES, String, plain

SAME = [
    ("Reggae", "reggae."), ("time-travel", "Time Travel"), ("time_travel", "**time travel**"), ("four", "4"),
    ("Twenty-one", "21"), ("007", "7"), (r"\text{spy}", "spy"), ("The triangle", "triangle"), ("“so”", "so"),
    ("1,234", "1234"), ("−3", "-3"), ("two triangles", "2 triangles"), ("é", "e\u0301"), ("STRASSE", "straße"),
    ("a  b", "a b"), ("`polish`", "polish"), ("7up", "7UP!"), ("police\u2011officer", "police officer"), ("an apple", "apple"),
]  # fmt: skip
DIFFERENT = [
    ("4", "14"), ("triangle", "triangles"), ("3", "-3"), ("3.14", "314"), (".5", "5"), ("1.0", "10"), ("a", ""),
    ("someone", "some1"), ("no", "unknown"), ("square pyramid", "pyramid"), ("40%", "40"), ("0", ""), ("1,2", "12"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), SAME)
def test_what_reads_the_same(one: str, two: str) -> None:
    assert plain(one) == plain(two) != ""


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_what_does_not(one: str, two: str) -> None:
    assert plain(one) != plain(two)


@given(text=st.text())
def test_markup_and_case_change_nothing(text: str) -> None:
    assert plain(f"**{text}**") == plain(text)
    assert plain(f" {text} ") == plain(text)


def test_number_words() -> None:
    assert len(NUMBER_WORDS) == 100
    assert sorted(NUMBER_WORDS.values()) == list(range(100))
    assert [plain(word) for word in NUMBER_WORDS] == [str(value) for value in NUMBER_WORDS.values()]


def test_shapes() -> None:
    fits = {
        shape: [text for text in ("4", "four", "-7", "so", "so on", "...", "") if SHAPES[shape](text)]
        for shape in SHAPES
    }
    assert fits == {
        "integer": ["4", "four", "-7"], "word": ["4", "four", "-7", "so"], "phrase": ["4", "four", "-7", "so", "so on"],
    }  # fmt: skip


FOUR: dict[str, Any] = {"text": "4", "form": "bold"}
SPY: dict[str, Any] = {"text": "spy movies", "also": ["spy"], "form": "bold-italic"}
PYRAMID: dict[str, Any] = {"text": "square pyramid", "form": "bold"}
ANSWERS: list[tuple[dict[str, Any], str, tuple[str, str | None]]] = [
    (FOUR, "**Step 1**: so **4**", ("right", "4")),
    (FOUR, "**four**", ("right", "four")),
    (FOUR, "**4**, I mean **5**", ("wrong", "5")),
    (FOUR, "**4**, in **bold**", ("right", "4")),
    (FOUR, "**4** pieces: ****.", ("right", "4")),
    (FOUR, "4", ("format_fail", None)),
    (FOUR, r"\boxed{5}", ("format_fail", "5")),
    (FOUR, "** 4 **", ("format_fail", "4")),
    (FOUR, "**4 pieces**", ("format_fail", None)),
    (SPY, "***spy movies***", ("right", "spy movies")),
    (SPY, "***Spy***.", ("right", "Spy")),
    (SPY, "***romantic comedy***", ("wrong", "romantic comedy")),
    (SPY, "***spy*** or rather ***action***", ("wrong", "action")),
    (SPY, "**spy**", ("format_fail", "spy")),
    (SPY, "**_spy_**", ("format_fail", "_spy_")),
    (SPY, r"\boxed{\text{spy}}", ("format_fail", r"\text{spy}")),
    (SPY, "**Answer: ***spy*****", ("right", "spy")),
    (SPY, "it is spy", ("format_fail", None)),
    (PYRAMID, "**Square Pyramid**", ("right", "Square Pyramid")),
    (PYRAMID, "**pyramid**", ("wrong", "pyramid")),
    ({"text": "7", "form": "boxed"}, r"\boxed{7} \boxed{8}", ("format_fail", "8")),
    ({"text": "7", "form": "boxed"}, r"\boxed{7} \boxed{\text{seven}}", ("right", r"\text{seven}")),
    ({"text": "7", "form": "boxed", "take": "last"}, r"\boxed{8} \boxed{7}", ("right", "7")),
    ({"text": "7"}, "so\nAnswer: 7.", ("right", "7.")),
    ({"text": "7"}, "Answer: 7\nbye", ("format_fail", "7")),
    ({"text": "055", "form": "three-digits"}, r"\boxed{055}.", ("right", "055")),
    ({"text": "055", "form": "three-digits"}, r"\boxed{55}.", ("format_fail", "55")),
    ({"text": "red", "form": "bold", "shape": "word"}, "**red** is the **last word here**", ("right", "red")),
    ({"text": "red", "form": "solution-tag"}, "<think><solution>blue</solution></think><solution>Red</solution>",
     ("right", "Red")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_answers(number: int) -> None:
    gold, text, expected = ANSWERS[number]
    assert said(String(), gold, text) == expected


BAD_GOLD: list[tuple[dict[str, Any], str]] = [
    ({}, "text is missing"),
    ({"text": 4}, "text '4' is no text of the shape phrase"),
    ({"text": "..."}, "text '...' is no text"),
    ({"text": "so on", "shape": "word"}, "text 'so on' is no text of the shape word"),
    ({"text": "so", "shape": "round"}, "shape 'round' is none of integer, word, phrase"),
    ({"text": "so", "shape": ["word"]}, "is none of integer"),
    ({"text": "so", "also": "this"}, "also 'this' is not a list of texts"),
    ({"text": "so", "form": "letter-run"}, "form 'letter-run' is none of"),
]


@pytest.mark.parametrize("number", range(len(BAD_GOLD)))
def test_a_bad_gold_is_refused(number: int) -> None:
    gold, message = BAD_GOLD[number]
    with pytest.raises(UsageError, match=message.replace(".", r"\.")):
        asked(String(), gold)


def test_equivalence() -> None:
    question = asked(String(), SPY)
    assert String().equivalent(question, "Spy", "spy movies"), "two spellings of the gold"
    assert String().equivalent(question, "time-travel", "time travel")
    assert not String().equivalent(question, "spy", "action")
