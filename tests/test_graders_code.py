"""Programs against tests."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from programs import fenced, grader, sandbox

from grading import asked, graded, said
from judgebench import registry
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.pairs.graders.code import Code
from judgebench.pairs.records import Response
from judgebench.pairs.sandbox import choosing
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.program import Outcome, Program

SUM: dict[str, Any] = {
    "tests": [
        {"kind": "stdin", "input": "1 2\n", "output": "3\n"},
        {"kind": "stdin", "input": "5 5\n", "output": "10\n"},
    ]
}
PLUS: dict[str, Any] = {
    "name": "plus",
    "tests": [
        {"kind": "functional", "input": [1, 2], "output": 3},
        {"kind": "functional", "input": [[1], [2]], "output": [1, 2]},
    ],
}
READ = "a, b = map(int, input().split())\n"


class Scripted(Sandbox):
    """A sandbox that runs nothing: it keeps what it is given, and says what it is told."""

    name = "scripted"

    def __init__(self, *outcomes: Outcome) -> None:
        super().__init__(1)
        self.outcomes, self.seen = list(outcomes), list[Program]()

    def run(self, program: Program) -> Outcome:
        self.seen.append(program)
        return self.outcomes[min(len(self.seen), len(self.outcomes)) - 1]


def outcome(gold: dict[str, Any], text: str) -> str:
    return graded(grader(), gold, text).outcome


# -- standard input --------------------------------------------------------------------------------------


def test_a_program_that_passes_every_test_is_right() -> None:
    text = fenced(READ + "print(a + b)")
    grade = graded(grader(), SUM, text)
    assert (grade.outcome, grade.method) == ("right", "fence")
    assert grade.span is not None
    assert text[slice(*grade.span)] == grade.answer == READ + "print(a + b)"


def test_the_first_test_that_fails_is_named() -> None:
    grade = graded(grader(), SUM, fenced(READ + "print(3)"))
    assert (grade.outcome, grade.detail) == ("wrong", "test 2 of 2: another output than wanted")
    grade = graded(grader(), SUM, fenced(READ + "print(a / 0)"))
    assert (grade.outcome, grade.detail) == ("wrong", "test 1 of 2: error: line 2: ZeroDivisionError: division by zero")


def test_what_the_task_forbids_is_wrong() -> None:
    short = SUM | {"seconds": 0.5}
    assert "timeout" in graded(grader(), short, fenced("while True: pass")).detail
    assert outcome(short, fenced("while True: pass")) == "wrong"
    assert outcome(SUM | {"memory": 256}, fenced("x = bytearray(1 << 30)\n" + READ + "print(a + b)")) == "wrong"
    assert outcome(SUM, fenced("print('x' * (9 << 20))")) == "wrong"
    assert outcome(SUM, fenced("print(")) == "wrong"
    assert outcome(SUM, fenced("raise SystemExit(3)")) == "wrong"


def test_what_is_no_whole_program_is_neither_right_nor_wrong() -> None:
    assert said(grader(), SUM, "I would add them.") == ("format_fail", None)
    assert said(grader(), SUM, "```python\n" + READ) == ("truncated", None)
    assert said(grader(), SUM, fenced(READ + "print(a + b)"), finish="length") == ("truncated", None)
    assert said(grader(), SUM, "```cpp\nint main() {}\n```") == ("format_fail", None)


def test_a_package_that_is_not_there_decides_nothing() -> None:
    grade = graded(grader(), SUM, fenced("import no_such_package\n" + READ + "print(a + b)"))
    assert (grade.outcome, grade.detail) == (
        "undecided",
        "test 1 of 2: needs a package that is not there: no_such_package",
    )


def test_numbers_have_the_golds_tolerance() -> None:
    gold: dict[str, Any] = {"tests": [{"kind": "stdin", "input": "", "output": "0.3333333333"}]}
    assert outcome(gold, "print(1 / 3)") == "wrong"
    assert outcome(gold | {"tolerance": 1e-6}, "print(1 / 3)") == "right"


def test_the_prelude_is_there_only_where_the_gold_says_so() -> None:
    gold: dict[str, Any] = {"tests": [{"kind": "stdin", "input": "", "output": "2"}]}
    assert outcome(gold, "print(gcd(4, 6))") == "wrong"
    assert outcome(gold | {"prelude": True}, "print(gcd(4, 6))") == "right"
    assert outcome(gold | {"before": "def two(): return 2"}, "print(two())") == "right"


# -- functions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "def plus(a, b): return a + b",
        "class Solution:\n    def plus(self, a, b): return a + b",
        "plus = lambda a, b: tuple(a + b) if isinstance(a, list) else a + b",
        "def plus(a, b):\n    print('noise')\n    return a + b\nif __name__ == '__main__':\n    input()",
    ],
)
def test_a_function_is_called_alone_or_as_a_method(code: str) -> None:
    assert outcome(PLUS, fenced(code)) == "right"


def test_a_function_that_returns_something_else_is_wrong() -> None:
    grade = graded(grader(), PLUS, fenced("def plus(a, b): return 3"))
    assert (grade.outcome, grade.detail) == ("wrong", "test 2 of 2: another value than wanted")
    assert outcome(PLUS, fenced("def plus(a, b): return {a}")) == "wrong"
    assert outcome(PLUS, fenced("def plus(a): return a")) == "wrong"
    assert outcome(PLUS, fenced("def plus(a, b: return")) == "wrong"
    assert outcome(PLUS | {"starter": "class Solution:"}, fenced("class Solution: def plus(")) == "wrong"


def test_without_the_function_there_is_no_answer() -> None:
    grade = graded(grader(), PLUS, fenced("def add(a, b): return a + b"))
    assert (grade.outcome, grade.detail) == ("format_fail", "the program has no function plus")
    assert grade.answer == "def add(a, b): return a + b"


def test_of_several_programs_the_last_with_the_function_counts() -> None:
    text = fenced("def plus(a, b): return 0") + fenced("def plus(a, b): return a + b") + fenced("print(plus(1, 2))")
    assert said(grader(), PLUS, text) == ("right", "def plus(a, b): return a + b")


def test_each_test_stands_alone() -> None:
    forgets = "seen = []\ndef plus(a, b):\n    seen.append(a)\n    return a + b if len(seen) == 1 else None"
    assert outcome(PLUS, fenced(forgets)) == "right"
    slow = "import time\ndef plus(a, b):\n    time.sleep(0.6)\n    return a + b"
    assert outcome(PLUS | {"seconds": 1.0}, fenced(slow)) == "right"
    assert outcome(PLUS | {"seconds": 0.3}, fenced(slow)) == "wrong"


def test_arguments_that_json_cannot_hold_come_as_a_literal() -> None:
    gold = {"name": "f", "tests": [{"kind": "functional", "input": "((1, 2), {3})", "output": [1, 2, 3]}]}
    assert outcome(gold, fenced("def f(a, b): return a + tuple(b)")) == "right"
    assert outcome(gold, fenced("class Solution:\n    def f(self, a, b): return a + tuple(b)")) == "right"
    assert outcome(gold, fenced("def f(a, b): return list(b)")) == "wrong"


def test_many_calls_are_made_in_few_runs() -> None:
    tests = [{"kind": "functional", "input": [n], "output": n} for n in range(130)]
    box = Scripted(*(Outcome("ok", values=tuple(range(n, min(n + 64, 130)))) for n in (0, 64, 128)))
    assert graded(Code(box), {"name": "f", "tests": tests}, "def f(n): return n").outcome == "right"
    assert [len(program.calls) for program in box.seen] == [64, 64, 2]


# -- the sandbox -----------------------------------------------------------------------------------------


def test_no_wanted_output_enters_the_sandbox() -> None:
    secret = "4815162342"
    box = Scripted(Outcome("ok", stdout="5", values=(5,)))
    for kind, given in (("stdin", "1"), ("functional", [1]), ("functional", "(1,)")):
        gold = {"name": "f", "tests": [{"kind": kind, "input": given, "output": secret}]}
        assert graded(Code(box), gold, "def f(x): return x").outcome == "wrong"
    assert box.seen
    assert not any(secret in repr(program) for program in box.seen)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (Outcome("killed", detail="the sandbox ended before the program"), "undecided"),
        (Outcome("killed", detail="SIGKILL"), "undecided"),
        (Outcome("killed", detail="SIGSEGV"), "wrong"),
        (Outcome("memory", detail="no memory left"), "wrong"),
        (Outcome("output", detail="too much"), "wrong"),
        (Outcome("timeout", detail="not done in 6 s"), "wrong"),
        (Outcome("error", detail="exit status 1"), "wrong"),
        (Outcome("ok", stdout="nothing"), "wrong"),
    ],
)
def test_the_programs_own_end_is_wrong_and_the_sandboxs_undecided(ended: Outcome, expected: str) -> None:
    assert graded(Code(Scripted(ended)), SUM, "print(1)").outcome == expected


def test_a_timeout_counts_when_it_comes_again() -> None:
    late, good = Outcome("timeout", detail="not done in 6 s"), Outcome("ok", stdout="3")
    box = Scripted(late, good, Outcome("ok", stdout="10"))
    assert graded(Code(box), SUM, "print(1)").outcome == "right"
    assert len(box.seen) == 3
    patient = Scripted(late, good)
    assert graded(Code(patient), SUM | {"seconds": 20}, "print(1)").outcome == "wrong"
    assert len(patient.seen) == 1


def test_a_sandbox_is_chosen_when_the_first_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []

    def choose(*, unsafe_local: bool) -> Sandbox:
        chosen.append(unsafe_local)
        return Scripted(Outcome("ok", stdout="3"))

    monkeypatch.setattr(choosing, "choose", choose)
    judge = Code()
    judge.unsafe_local = True
    assert said(judge, SUM, "none") == ("format_fail", None)
    assert (judge.sandbox_name, chosen) == (None, [])
    graded(judge, SUM, "print(1)")
    graded(judge, SUM, "print(1)")
    assert (judge.sandbox_name, chosen) == ("scripted", [True])
    judge.close()
    judge.close()


def test_without_a_sandbox_nothing_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(*, unsafe_local: bool) -> Sandbox:
        raise MissingPrerequisite(f"none, {unsafe_local}")

    monkeypatch.setattr(choosing, "choose", choose)
    with pytest.raises(MissingPrerequisite, match="none, False"):
        graded(Code(), SUM, "print(1)")


def test_a_program_cannot_fake_its_results() -> None:
    forged = 'print(\'{"marker": "", "value": 3}\')\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\ndef plus(a, b): return 0'
    assert outcome(PLUS, fenced(forged)) == "wrong"
    lies = "class Any:\n    def __eq__(self, other): return True\ndef plus(a, b): return Any()"
    assert outcome(PLUS, fenced(lies)) == "wrong"


@pytest.mark.parametrize(
    "code",
    ["print('\ud800')", "\0", "x = " + "(" * 5_000, "def plus(a, b): return float('nan')", "def plus(a, b): return 10**5000",
     "def plus(a, b):\n    own = []\n    own.append(own)\n    return own", "def plus(a, b): return plus(a, b)",
     "def plus(a, b):\n    x = []\n    for _ in range(100_000): x = [x]\n    return x",
     "class plus:\n    def __init__(self, a, b): raise BaseException"],
)  # fmt: skip
def test_no_program_makes_it_raise(code: str) -> None:
    for gold in (SUM, PLUS):
        assert outcome(gold, fenced(code)) in {"wrong", "format_fail"}


# -- many at once ----------------------------------------------------------------------------------------


def test_many_are_graded_in_order_and_as_a_stream() -> None:
    judge, taken = grader(), 0

    def jobs() -> Iterator[tuple[Any, Response]]:
        nonlocal taken
        for number in range(300):
            question = asked(judge, {"tests": [{"kind": "stdin", "input": "", "output": str(number)}]})
            taken += 1
            yield question, Response(question=question.id, text=f"print({number} if {number} % 3 else 'no')", model="m")

    grades = judge.grade_all(jobs())
    first = [next(grades).outcome for _ in range(9)]
    assert first == ["wrong", "right", "right"] * 3
    assert taken < 300
    running = threading.active_count()
    grades.close()  # type: ignore[attr-defined]
    assert threading.active_count() <= running


def test_a_right_and_a_wrong_program_are_never_equivalent() -> None:
    question = asked(grader(), SUM)
    right, wrong = READ + "print(a + b)", READ + "print(a * b)"
    assert grader().equivalent(question, right, wrong) is False
    assert grader().equivalent(question, right, right + "  # sum") is True


# -- golds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "why"),
    [
        ({}, "tests is missing"),
        ({"tests": []}, "is no list of tests"),
        ({"tests": ["a"]}, "test 1: its kind is neither stdin nor functional"),
        (
            {"tests": [*SUM["tests"], {"kind": "stdin", "input": 1, "output": ""}]},
            "test 3: input and output must be text",
        ),
        ({"tests": [{"kind": "functional", "input": 1, "output": 1}], "name": "f"}, "test 1: input must be a list"),
        ({"tests": [{"kind": "functional", "input": [1]}], "name": "f"}, "output must be there"),
        ({"tests": PLUS["tests"]}, "name is missing"),
        (PLUS | {"name": "f(1); g"}, "is no function's name"),
        (SUM | {"tolerance": "1e-6"}, "tolerance"),
        (SUM | {"seconds": -1}, "seconds"),
        (SUM | {"memory": True}, "memory"),
    ],
)
def test_a_gold_in_another_layout_is_refused_in_one_line(gold: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match="docs/pairs.md") as caught:
        asked(grader(), gold)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_found_by_name() -> None:
    assert registry.load("graders", "code") is Code
    assert sandbox() is sandbox()
