"""Lists: in order or not, of words that are fixed or free, however they are written down."""

from typing import Any

import pytest

from grading import asked, said
from judgebench.errors import UsageError
from judgebench.pairs.graders.lists import List, items_of

WRITTEN: dict[str, list[str]] = {
    "yes, no, yes": ["yes", "no", "yes"],
    "yes; no ;yes": ["yes", "no", "yes"],
    "a, b, and c": ["a", "b", "c"],
    "rock and roll, jazz": ["rock and roll", "jazz"],
    "- a\n- b\n": ["a", "b"],
    "1. a\n2) b\n(3) c": ["a", "b", "c"],
    '["a, b", "c"]': ["a, b", "c"],
    """["it's", 'c']""": ["it's", "c"],
    r'["say \"so\"", "c"]': [r"say \"so\"", "c"],
    '["a", b]': ["a", "b"],
    "[1, 2]": ["1", "2"],
    "(1, 2)": ["1", "2"],
    '"open, b': ['"open', "b"],
    "a,, b, ": ["a", "b"],
    "": [], ",": [], "[]": [],
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_items(text: str) -> None:
    assert items_of(text) == WRITTEN[text]


def test_a_last_and_is_taken_apart_when_an_item_is_missing() -> None:
    assert items_of("yes and no", 2) == ["yes", "no"]
    assert items_of("a, b and c", 3) == ["a", "b", "c"]
    assert items_of("rock and roll", 1) == ["rock and roll"]
    assert items_of("a, b and c", 4) == ["a", "b and c"]


LIES: dict[str, Any] = {"items": ["yes", "no", "yes"], "words": ["yes", "no", "unknown"], "form": "bold"}
HOUSES: dict[str, Any] = {"items": ["red", "light blue"], "form": "solution-tag"}
FACTORS: dict[str, Any] = {"items": ["2", "2", "3"], "ordered": False, "form": "boxed"}
ANSWERS: list[tuple[dict[str, Any], str, tuple[str, str | None]]] = [
    (LIES, "**yes, no, yes**", ("right", "yes, no, yes")),
    (LIES, "**Yes, No, Yes.**", ("right", "Yes, No, Yes.")),
    (LIES, "***yes, no, yes***", ("right", "yes, no, yes")),
    (LIES, "**yes, no, unknown**", ("wrong", "yes, no, unknown")),
    (LIES, "**no, no, yes** or rather **yes, no, yes**", ("right", "yes, no, yes")),
    (LIES, "**yes, no, yes**. **Done**", ("right", "yes, no, yes")),
    (LIES, "**yes, no**", ("format_fail", None)),
    (LIES, "**yes, no, maybe**", ("format_fail", None)),
    (LIES, "**Maya lies, so no, yes**", ("format_fail", None)),
    (LIES, "**yes**, **no**, **yes**", ("format_fail", "**yes**, **no**, **yes**")),
    (LIES, r"\boxed{yes, no, no}", ("format_fail", "yes, no, no")),
    (LIES, "<solution>yes, no, yes</solution>", ("format_fail", "yes, no, yes")),
    (LIES, "so\nyes, no, no", ("format_fail", "yes, no, no")),
    (LIES, "the answer is:\n\n**", ("format_fail", None)),
    (HOUSES, "<solution>red, light blue</solution>", ("right", "red, light blue")),
    (HOUSES, "<solution>Red, Light-Blue</solution>", ("right", "Red, Light-Blue")),
    (HOUSES, "<solution>\nred\nlight blue\n</solution>", ("right", "red\nlight blue")),
    (HOUSES, "<solution>light blue, red</solution>", ("wrong", "light blue, red")),
    (HOUSES, "<solution>dark red, light blue</solution>", ("wrong", "dark red, light blue")),
    (HOUSES, "<solution>red</solution>", ("format_fail", None)),
    (HOUSES, "<solution>red, blue</solution> <solution>red, light blue</solution>", ("format_fail", "red, light blue")),
    (HOUSES | {"take": "last"}, "<solution>a, b</solution> <solution>red, light blue</solution>",
     ("right", "red, light blue")),
    (HOUSES | {"fixed": False}, "<solution>red</solution>", ("wrong", "red")),
    (FACTORS, r"\boxed{3, 2, 2}", ("right", "3, 2, 2")),
    (FACTORS, r"\boxed{2, 3}", ("wrong", "2, 3")),
    (FACTORS, r"\boxed{\{2, 3, two\}}", ("right", r"\{2, 3, two\}")),
    (FACTORS | {"fixed": True}, r"\boxed{2, 3}", ("format_fail", None)),
    (FACTORS | {"form": "list"}, "from [1, 2] to [2, 3, 2]", ("right", "[2, 3, 2]")),
    (FACTORS | {"form": "line"}, "Answer: 2, 2 and 3", ("right", "2, 2 and 3")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_answers(number: int) -> None:
    gold, text, expected = ANSWERS[number]
    assert said(List(), gold, text) == expected


BAD_GOLD: list[tuple[dict[str, Any], str]] = [
    ({}, "items is missing"),
    ({"items": []}, "is not a list of texts"),
    ({"items": "yes, no"}, "items 'yes, no' is not a list of texts"),
    ({"items": ["yes", 1]}, "is not a list of texts"),
    ({"items": ["yes", "perhaps"], "words": ["yes", "no"]}, "has items that are none of yes, no"),
    ({"items": ["yes"], "words": None}, "words 'None' is not a list of texts"),
    ({"items": ["yes"], "ordered": "no"}, "ordered 'no' is neither true nor false"),
    ({"items": ["yes"], "form": "json"}, "form 'json' is none of"),
]


@pytest.mark.parametrize("number", range(len(BAD_GOLD)))
def test_a_bad_gold_is_refused(number: int) -> None:
    gold, message = BAD_GOLD[number]
    with pytest.raises(UsageError, match=message):
        asked(List(), gold)


def test_equivalence() -> None:
    ordered, free = asked(List(), HOUSES), asked(List(), FACTORS)
    assert List().equivalent(ordered, "a, b", '["A", "b"]')
    assert not List().equivalent(ordered, "a, b", "b, a")
    assert List().equivalent(free, "2, 3, 2", "3\n2\n2")
    assert not List().equivalent(free, "2, 3", "3, 2, 2")
