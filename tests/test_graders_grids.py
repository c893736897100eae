"""Puzzle grids: all cells, however they are laid out; a missing cell is a broken form, a wrong one is wrong."""

import json
from typing import Any

import pytest

from grading import asked, graded, said
from judgebench.errors import UsageError
from judgebench.pairs.graders.grids import Grid, flat, objects, rows, tables

HOUSES: dict[str, Any] = {"1": {"colour": "red", "pet": "fish"}, "2": {"colour": "light blue", "pet": "cat"}}
WEEK: dict[str, Any] = {"Monday": "Ann", "Tuesday": "Bob"}
SUDOKU: dict[str, Any] = {str(row): {str(col): str((row + col) % 2 + 1) for col in (1, 2)} for row in (1, 2)}

TABLE = """
| House | Colour | Pet |
|-------|:------:|-----|
| 1 | Red | **fish** |
| 2 | light-blue | Cat |
"""
OBJECT = '```json\n{"1": {"Colour": "red", "Pet": "fish"}, "2": {"Colour": "Light Blue", "Pet": "cat"}}\n```'


def test_cells_are_flat() -> None:
    assert dict(flat(HOUSES)) == {
        "1 / colour": "red", "1 / pet": "fish", "2 / colour": "light blue", "2 / pet": "cat",
    }  # fmt: skip
    assert dict(flat(WEEK)) == {"monday": "ann", "tuesday": "bob"}
    assert (
        dict(flat([["1", "2"], [2, 1]]))
        == dict(flat(SUDOKU))
        == {"1 / 1": "1", "1 / 2": "2", "2 / 1": "2", "2 / 2": "1"}
    )


RIGHT: list[tuple[dict[str, Any], str, str]] = [
    (HOUSES, "json", OBJECT),
    (HOUSES, "json", f"<think>{{}}</think><solution>{json.dumps(HOUSES)}</solution>"),
    (HOUSES, "json", json.dumps(list(HOUSES.values()))),
    (HOUSES, "json", json.dumps({"1": {}, "2": {}}) + json.dumps(HOUSES)),
    (HOUSES, "json", json.dumps(HOUSES).replace("red", "green") + " no: " + json.dumps(HOUSES)),
    (HOUSES, "json", json.dumps(HOUSES | {"3": {"colour": "none"}})),
    (HOUSES, "json", json.dumps(HOUSES) + " and a [list] or {so} it goes"),
    (HOUSES, "table", TABLE),
    (HOUSES, "table", TABLE.replace("red", "green") + "No:\n" + TABLE),
    (WEEK, "json", '{"MONDAY": "Ann", "Tuesday": "Bob."}'),
    (SUDOKU, "rows", "so\n1 2\n2 1\n\nindeed"),
    (SUDOKU, "rows", "12\n21"),
    (SUDOKU, "rows", "The grid:\n1 2\n2 1"),
    (SUDOKU, "rows", "1 1\n1 1\n\nNo:\n1 2\n2 1"),
    (SUDOKU, "rows", "```\n| 1 | 2 |\n|---+---|\n| 2 | 1 |\n```"),
    (SUDOKU, "rows", "1, 2\n2, 1"),
    (SUDOKU, "json", "[[1, 2], [2, 1]]"),
]


@pytest.mark.parametrize("number", range(len(RIGHT)))
def test_right_grids(number: int) -> None:
    cells, form, text = RIGHT[number]
    grade = graded(Grid(), {"cells": cells, "form": form}, text)
    assert (grade.outcome, grade.method, grade.detail) == ("right", form, "")
    assert json.loads(grade.answer or "") == dict(flat(cells))


def test_a_wrong_cell_is_wrong_and_counted() -> None:
    grade = graded(Grid(), {"cells": HOUSES, "form": "table"}, TABLE.replace("Cat", "dog"))
    assert (grade.outcome, grade.detail) == ("wrong", "3 of 4 cells are right")
    assert grade.span == (1, len(TABLE))


BROKEN = {
    "a cell is missing": json.dumps({"1": HOUSES["1"], "2": {"pet": "cat"}}),
    "a name twice": '{"1": {"colour": "red", "Colour": "blue", "pet": "fish"}, "2": {"colour": "light blue", "pet": "cat"}}',
    "no JSON": "{'1': {'colour': 'red', 'pet': 'fish'}, '2': {'colour': 'light blue', 'pet': 'cat'}}",
    "cut": json.dumps(HOUSES)[:-1],
    "prose": "House 1 is red and has a fish; house 2 is light blue and has a cat.",
    "too deep": "[" * 100_000 + "]" * 100_000,
    "a number without end": '{"1": ' + "9" * 10_000 + "}",
    "nothing": "",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_grids(name: str) -> None:
    assert said(Grid(), {"cells": HOUSES}, BROKEN[name]) == ("format_fail", None)


def test_another_form_is_kept_and_never_judged() -> None:
    grade = graded(Grid(), {"cells": HOUSES, "form": "json"}, TABLE)
    assert (grade.outcome, grade.method) == ("format_fail", "table")
    assert json.loads(grade.answer or "") == dict(flat(HOUSES))


def test_a_row_twice_is_no_table() -> None:
    assert said(Grid(), {"cells": HOUSES, "form": "table"}, TABLE + "| 2 | red | cat |")[0] == "format_fail"


def test_bare_rows_must_be_all_and_no_more() -> None:
    assert said(Grid(), {"cells": SUDOKU, "form": "rows"}, "The grid\n1 2\n2 1") == ("format_fail", None)
    assert said(Grid(), {"cells": SUDOKU, "form": "rows"}, "1 2 3\n2 1 3") == ("format_fail", None)
    assert said(Grid(), {"cells": SUDOKU, "form": "rows"}, "2 1\n1 2")[0] == "wrong"


def test_readers_say_where_grids_stand() -> None:
    for reader, text in ((objects, OBJECT), (tables, TABLE), (rows, "so\n\n1 2\n2 1\n")):
        spans = [span for _, span in reader(text)]
        assert spans
        assert all(text[start:end].strip() for start, end in spans)
    assert list(tables("|---|\n|---|")) == [({}, (0, 11))]
    assert list(tables("no table")) == []


BAD_GOLD: list[tuple[dict[str, Any], str]] = [
    ({}, "cells is missing"),
    ({"cells": {}}, "is not a table of cells"),
    ({"cells": [["1"]]}, "is not a table of cells"),
    ({"cells": {"a": ""}}, "has an empty cell"),
    ({"cells": {"a": {"b": "..."}}}, "has an empty cell"),
    ({"cells": {"a": "b"}, "form": "boxed"}, "form 'boxed' is none of json, rows, table"),
]


@pytest.mark.parametrize("number", range(len(BAD_GOLD)))
def test_a_bad_gold_is_refused(number: int) -> None:
    gold, message = BAD_GOLD[number]
    with pytest.raises(UsageError, match=message):
        asked(Grid(), gold)


def test_equivalent_grids_have_the_same_cells() -> None:
    question = asked(Grid(), {"cells": WEEK})
    one = graded(Grid(), {"cells": WEEK}, '{"Monday": "Bob", "Tuesday": "Ann"}').answer or ""
    two = graded(Grid(), {"cells": WEEK}, '{"tuesday": "ann", "monday": "BOB", "friday": "Eve"}').answer or ""
    assert Grid().equivalent(question, one, two)
    assert not Grid().equivalent(question, one, json.dumps(dict(flat(WEEK))))
