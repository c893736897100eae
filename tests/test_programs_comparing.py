"""Whether what came out is what was wanted."""

import math
from typing import Any

import pytest

from judgebench.pairs.programs.comparing import same_output, same_value


@pytest.mark.parametrize(
    ("given", "wanted", "same"),
    [
        ("5\n", "5", True),
        ("\n\n 5 \n", "5\n", True),
        ("1\n2", "1\n2\n", True),
        ("1 \n2", "1\n2", True),
        ("1 2", "1\n2", False),
        ("1\n\n2", "1\n2", False),
        ("1  2", "1 2", True),
        ("a  b", "a b", False),
        ("yes", "YES", False),
        ("1.0 2", "1 2.00", True),
        ("1e3", "1000", True),
        ("0.1", "0.10000001", False),
        ("100000000000000000001", "100000000000000000000", False),
        ("nan", "NaN", False),
        ("sNaN", "1", False),
        ("1 2", "1 2 3", False),
        ("", "", True),
        ("", "0", False),
        ("1e9999999999", "1", False),
    ],
)
def test_outputs_are_compared_line_by_line(given: str, wanted: str, same: bool) -> None:
    assert same_output(given, wanted) is same


@pytest.mark.parametrize(
    ("given", "wanted", "same"),
    [
        ("0.6666666", "0.66666666666", True),
        ("0.66", "0.66666666666", False),
        ("3000000.5", "3000000", True),
        ("Case 0.5000001", "Case 0.5", True),
        ("case 0.5", "Case 0.5", False),
        ("inf", "inf", True),
        ("1e999", "1", False),
        ("nan", "1", False),
    ],
)
def test_outputs_may_differ_by_the_tolerance(given: str, wanted: str, same: bool) -> None:
    assert same_output(given, wanted, 1e-6) is same


@pytest.mark.parametrize(
    ("given", "wanted", "exact", "near"),
    [
        (5, 5, True, True),
        ([1, [2]], [1, [2]], True, True),
        ([1], [1, 2], False, False),
        (0.1 + 0.2, 0.3, False, True),
        ([0.1 + 0.2, "a"], [0.3, "a"], False, True),
        ({"a": 0.1 + 0.2}, {"a": 0.3}, False, True),
        ({"a": 1}, {"b": 1}, False, False),
        (3.0000001, 3, False, True),
        (3, 3.0000001, False, True),
        (1000000001, 1000000000, False, False),
        ("0.3", 0.3, False, False),
        (None, 0.0, False, False),
        (True, 1.0000001, False, False),
        (math.inf, math.inf, True, True),
        (math.nan, math.nan, False, True),
        (10**400, 1.5, False, False),
    ],
)
def test_values_are_compared_as_json_holds_them(given: Any, wanted: Any, exact: bool, near: bool) -> None:
    assert same_value(given, wanted) is exact
    assert same_value(given, wanted, 1e-6) is near


def test_a_deep_value_is_compared_all_the_same() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    assert same_value(deep, deep, 1e-6)
    assert not same_value(deep, [deep], 1e-6)
