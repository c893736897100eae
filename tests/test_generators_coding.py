"""Generators of coding pairs: scripts on texts and structures, and programs run on paper."""

import subprocess
import sys
from dataclasses import replace
from random import Random

import generator_checks as checks
import pytest

from judgebench.pairs.generators.prediction import Assign, Choice, Loop, ProgramOutput, evaluate
from judgebench.pairs.generators.scripts import Script
from judgebench.pairs.generators.structures import StructureTracing
from judgebench.pairs.generators.tracing import StringTracing

NAMES = ("string-tracing", "structure-tracing", "program-output")
GOLDEN = {
    "string-tracing": "13fd83b4a9599ae1",
    "structure-tracing": "0e268089ddf80fdb",
    "program-output": "2e7414d9936a31b3",
}
"""The first bytes of the sha256 of 50 rows: a change of any needs a higher `version`."""


@pytest.mark.parametrize("name", NAMES)
def test_both_labels_hold(name: str) -> None:
    checks.both_labels_hold(name, 1000)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_everywhere(name: str) -> None:
    assert checks.generator(name).version == 1
    assert checks.digest(name) == checks.digest_elsewhere(name) == GOLDEN[name]


@pytest.mark.parametrize("name", NAMES)
def test_right_and_wrong_look_alike(name: str) -> None:
    checks.nothing_leaks(name, 1000, most=0.07)
    checks.sides_are_even(name, 1000)


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks_in_ten_thousand_pairs(name: str) -> None:
    checks.nothing_leaks(name, 10_000, most=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_the_fault_starts_at_its_step_and_is_carried_on(name: str) -> None:
    checks.the_fault_starts_at_its_step(name, 200)
    checks.harder_is_longer(name, 200)


# -- scripts --------------------------------------------------------------------------------------------------

WORDS = [
    (("left", 2), "cdeab"),
    (("right", 2), "deabc"),
    (("shift", 3), "defgh"),
    (("shift", -2), "yzabc"),
    (("reverse",), "edcba"),
    (("swap", 4, 2), "adcbe"),
    (("put", 1, "x"), "xbcde"),
    (("drop", 5), "abcd"),
    (("insert", 6, "z"), "abcdez"),
    (("insert", 1, "z"), "zabcde"),
]


@pytest.mark.parametrize(("op", "after"), WORDS, ids=str)
def test_string_operations(op: tuple[object, ...], after: str) -> None:
    one, problem = StringTracing(), Script(1, "string", "abcde", (op,))
    assert one.apply("string", "abcde", op) == after
    assert one.solve(problem, Random(0)).answer == after
    assert one.check(problem, after)
    assert not one.check(problem, after[::-1] + "q")


def test_reversing_may_leave_out_an_end() -> None:
    one = StringTracing()
    slips = {one.slip("string", "abcde", ("reverse",), Random(seed)) for seed in range(20)}
    assert {one.apply("string", "abcde", slip) for slip in slips if slip} == {"aedcb", "dcbae"}


def test_an_unknown_operation_is_no_operation() -> None:
    for one in (StringTracing(), StructureTracing()):
        with pytest.raises(ValueError, match="frobnicate"):
            one.apply("", "abc" if isinstance(one, StringTracing) else (1, 2), ("frobnicate",))


STRUCTURES = [
    ("stack", ("push", 7), "[1, 2, 3, 7]"),
    ("stack", ("pop",), "[1, 2]"),
    ("queue", ("enqueue", 7), "[1, 2, 3, 7]"),
    ("queue", ("dequeue",), "[2, 3]"),
    ("list", ("append", 7), "[1, 2, 3, 7]"),
    ("list", ("insert", 1, 7), "[1, 7, 2, 3]"),
    ("list", ("remove", 0), "[2, 3]"),
    ("list", ("swap", 2, 0), "[3, 2, 1]"),
    ("table", ("set", 1, 7), "a=1, b=7, c=3"),
    ("table", ("add", 0, 7), "a=8, b=2, c=3"),
    ("table", ("subtract", 2, 7), "a=1, b=2, c=-4"),
    ("table", ("copy", 0, 2), "a=1, b=2, c=1"),
]


@pytest.mark.parametrize(("kind", "op", "after"), STRUCTURES, ids=str)
def test_structure_operations(kind: str, op: tuple[object, ...], after: str) -> None:
    one, problem = StructureTracing(), Script(1, kind, (1, 2, 3), (op,))
    assert one.solve(problem, Random(0)).answer == after
    assert one.check(problem, after)
    assert not one.check(problem, "[1, 2, 3]")
    assert one.say(op) in one.ask(problem, Random(0))


def test_all_kinds_and_operations_occur() -> None:
    problems = [pair.problem for pair in checks.made("structure-tracing", 1000)]
    assert {problem.kind for problem in problems} == {"stack", "queue", "list", "table"}
    assert {op[0] for problem in problems for op in problem.ops} == {op[0] for _, op, _ in STRUCTURES}
    words = {op[0] for pair in checks.made("string-tracing", 1000) for op in pair.problem.ops}
    assert words == {op[0] for op, _ in WORDS}


def test_a_terse_trace_says_only_where_it_leads() -> None:
    one, problem = StringTracing(), Script(3, "string", "abcde", (("left", 2),))
    for seed in range(10):
        assert "rotate left by 2" in one.solve(problem, Random(seed)).steps[0].text.lower()
        terse = one.solve(replace(problem, level=4), Random(seed)).steps[0].text
        assert "rotate" not in terse
        assert "cdeab" in terse


# -- programs -------------------------------------------------------------------------------------------------


def test_programs_print_what_python_prints() -> None:
    pairs = checks.made("program-output", 200)
    sources = "".join(f"{pair.problem.source}\n" for pair in pairs)
    done = subprocess.run([sys.executable, "-c", sources], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [pair.gold for pair in pairs]


def test_all_kinds_of_statements_and_mistakes_occur() -> None:
    pairs = checks.made("program-output", 1000)
    assert {type(statement) for pair in pairs for statement in pair.problem.body} == {Assign, Choice, Loop}
    assert {pair.fault.kind for pair in pairs} == {"operand", "operation", "remainder", "condition"}


def test_line_numbers_are_those_of_the_program() -> None:
    for pair in checks.made("program-output", 100):
        lines = pair.problem.source.split("\n")
        for step in ProgramOutput().solve(pair.problem, Random(3)).steps:
            statement = step.state.statement
            text = lines[statement.line - 1].strip()
            if isinstance(statement, Assign):
                assert text == f"{statement.name} = {statement.left} {statement.op} {statement.right}"
            else:
                assert text == f"if {statement.left} {statement.test} {statement.right}:"


@pytest.mark.parametrize(
    "source",
    ["import os", "print(open('x'))", "x = 'a'", "print(2 ** 3)", "del x", "x = 1\nprint(x if x else 2)"],
)
def test_the_checker_reads_nothing_but_our_programs(source: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what stands there is the message
        evaluate(source)


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("a = 3\nb = a % 2\nprint(b)", "1"),
        ("a = 3\nif a <= 3:\n    a = a + 4\nelse:\n    a = a - 4\nprint(a)", "7"),
        ("a = 3\nif a > 3:\n    a = a + 4\nelse:\n    a = a - 4\nprint(a)", "-1"),
        ("a = 0\nfor i in range(4):\n    a = a + i\nprint(a)", "6"),
    ],
)
def test_the_checkers_reading(source: str, printed: str) -> None:
    assert evaluate(source) == printed
