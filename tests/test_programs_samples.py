"""The samples that statements show, in the three styles, on statements of our own."""

from typing import Any

import pytest

from judgebench.pairs.programs.samples import method, names, samples, tolerance

LEETCODE = """Add what is odd.

Example 1:

Input: nums = [1,2,3], k = 2, s = "a = [1], b = 2"
Output: 4
Explanation: Input: none of it counts. nums = [9]
Example 2:

Input: nums = [], k = -1, s = ""
Output: 0


Constraints:

1 <= k"""
SOLUTION = """
class Solution:
    def helper(self, a, b):
        return a

    def other(self, x, y, z):
        return x

    def odd(self, nums, k, s):
        return sum(n for n in nums if n % 2)
"""


def functional(given: list[Any], wanted: Any) -> dict[str, Any]:
    return {"kind": "functional", "input": given, "output": wanted}


def stdin(given: str, wanted: str) -> dict[str, Any]:
    return {"kind": "stdin", "input": given, "output": wanted}


def test_examples_are_split_into_arguments() -> None:
    assert samples(LEETCODE, SOLUTION) == [functional([[1, 2, 3], 2, "a = [1], b = 2"], 4), functional([[], -1, ""], 0)]
    assert names(LEETCODE) == ["nums", "k", "s"]


def test_the_method_is_the_one_with_the_arguments_names() -> None:
    assert method(SOLUTION, ["nums", "k", "s"]) == "odd"
    assert method(SOLUTION, ["p", "q", "r"]) == "other"
    assert method(SOLUTION, ["a"]) is None
    assert method("def odd(nums): pass", ["nums"]) is None
    assert method("class Solution:\n    def _f(self, a): pass", ["b"]) is None
    assert method("class Solution(", ["a"]) is None


def test_no_samples_for_a_program_of_another_kind() -> None:
    assert samples(LEETCODE, "print(1)") == []
    assert samples("No examples.", SOLUTION) == []


@pytest.mark.parametrize(
    "example", ["Input: nums = [1, k = 2\nOutput: 3", "Input: [1]\nOutput: 3", "Input: n = 1\nOutput: three",
                "Input: n = 1 or so\nOutput: 1", "Input: n = " + "[" * 100_000 + "\nOutput: 1"],
)  # fmt: skip
def test_an_example_that_cannot_be_read_is_none(example: str) -> None:
    assert samples(example, "class Solution:\n    def f(self, n): pass") == []


def test_doubled_lines_are_single_again() -> None:
    statement = "Print each.Sample Input 1:\n2\n\n1 2\n\n3 4\n\n\n\nSample Output 1:\n\n1 2\n3 4\n\n\nNote\n\nIn the first case\n"
    assert samples(statement, "print(1)") == [stdin("2\n1 2\n3 4\n", "1 2\n3 4")]


def test_prose_behind_an_output_is_none_of_it() -> None:
    statement = (
        "Print the sum.\n\nSample Input 1\n\n2\r\n1 2\n\nSample Output 1\n\n3\r\n\nThe sum is 3.\nSo 3.\n\n"
        "Sample Input 2\n\n1\r\n5\n\nSample Output 2\n\n5\r\n6"
    )
    assert samples(statement, "print(1)") == [stdin("2\n1 2\n", "3"), stdin("1\n5\n", "5\n6")]


def test_a_mention_of_samples_is_no_heading() -> None:
    assert samples(
        "See Sample Inputs and Outputs below.\n\nSample Input 1\n\n1\n\nSample Output 1\n\n2", "print(1)"
    ) == [stdin("1\n", "2")]


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("correct if the absolute error from the true value is at most 10 ^ {-8}.", 1e-8),
        ("absolute or relative error at most 10^{-6}", 1e-6),
        ("relative error\ndoes not exceed $10^{-9}$", 1e-9),
        ("an error of 10^{-6}", 0.0),
        ("the absolute error counts. There are 10^-3 of them", 0.0),
        ("print the sum", 0.0),
    ],
)
def test_the_tolerance_is_what_the_statement_says(statement: str, allowed: float) -> None:
    assert tolerance(statement) == pytest.approx(allowed)
