"""Program repair: every program of the banks is right for its own statement, and runs nowhere but here."""

import ast
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from itertools import product
from random import Random

import generator_checks as checks
import pytest

from judgebench.pairs.generators.bank import Task
from judgebench.pairs.generators.repair import BUILTINS, DIFFER, EXAMPLES, TASKS, ProgramRepair, program, renamed, run

NAME = "program-repair"
GOLDEN = "9d93ea8e68c56e91"
INPUTS = 40


def settings(task: Task) -> list[dict[str, str]]:
    places = [[(name, code) for code, _ in turns] for name, turns in task.turns.items()]
    return [dict(chosen) for chosen in product(*places)]


def test_there_are_enough_kinds_of_tasks() -> None:
    assert len({task.name for task in TASKS}) == len(TASKS) >= 25


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_program_does_what_its_statement_says(task: Task) -> None:
    """Each setting's program, on inputs drawn by chance, against an oracle that finds the same another way."""
    rng = Random(1)
    inputs = [task.inputs(rng) for _ in range(INPUTS)]
    for turns in settings(task):
        code = program(task, turns)
        for given in inputs:
            found, wanted = run(code, deepcopy(given)), task.oracle(turns, *deepcopy(given))
            assert (found, type(found)) == (wanted, type(wanted)), (turns, given)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_turn_changes_one_spot_and_the_words_for_it(task: Task) -> None:
    turns = {name: choice[0][0] for name, choice in task.turns.items()}
    before = program(task, turns).split("\n")
    words = {name: dict(choice)[turns[name]] for name, choice in task.turns.items()}
    for name, choice in task.turns.items():
        for code, word in choice[1:]:
            after = program(task, turns | {name: code}).split("\n")
            assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
            assert task.statement.format(**words) != task.statement.format(**(words | {name: word}))


def test_both_labels_hold() -> None:
    checks.both_labels_hold(NAME, 1000)


def test_the_same_seed_gives_the_same_bytes_everywhere() -> None:
    assert ProgramRepair().version == 1
    assert checks.digest(NAME) == checks.digest_elsewhere(NAME) == GOLDEN


def test_right_and_wrong_look_alike() -> None:
    checks.nothing_leaks(NAME, 1000, most=0.07)
    checks.sides_are_even(NAME, 1000)


@pytest.mark.soak
def test_nothing_leaks_in_ten_thousand_pairs() -> None:
    checks.nothing_leaks(NAME, 10_000, most=0.03)


def test_the_fault_is_the_line_that_differs() -> None:
    checks.the_fault_starts_at_its_step(NAME, 200)


def test_programs_that_are_right_somewhere_are_wrong_elsewhere() -> None:
    """No program gives away by itself whether it is right: each text is about as often the one as the other."""
    right, wrong = Counter(), Counter()
    for pair in checks.made(NAME, 1000):
        right[renamed(pair.gold, None)] += 1
        wrong[renamed(pair.wrong_answer, None)] += 1
    frequent = [code for code, count in (right + wrong).items() if count >= 12]
    assert frequent
    for code in frequent:
        both = right[code] + wrong[code]
        assert abs(right[code] - wrong[code]) < 4.5 * both**0.5


def test_the_wrong_program_passes_the_examples_and_fails_what_is_hidden() -> None:
    for pair in checks.made(NAME, 300):
        problem, task = pair.problem, TASKS[pair.problem.task]
        wanted = [task.oracle(dict(problem.turns), *deepcopy(given)) for given in problem.examples]
        assert [run(pair.wrong_answer, deepcopy(given)) for given in problem.examples] == wanted
        assert len(problem.examples) == EXAMPLES[pair.level]
        low, high = DIFFER[pair.level]
        assert low <= len(problem.hidden) <= high
        for given in problem.hidden:
            right, wrong = (run(code, deepcopy(given)) for code in (pair.gold, pair.wrong_answer))
            assert right != wrong


def test_the_examples_of_the_question_hold_in_python_itself() -> None:
    pairs = checks.made(NAME, 40)
    script = "\n".join(
        f"{pair.gold}\nassert {' and '.join(line for line in pair.question.splitlines() if line.startswith('solve('))}"
        for pair in pairs
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_draft_is_neither_of_the_responses() -> None:
    drafted = [pair for pair in checks.made(NAME, 300) if pair.problem.draft is not None]
    assert 50 < len(drafted) < 150
    for pair in drafted:
        draft = pair.question.partition("```python\n")[2].partition("\n```")[0]
        texts = {renamed(code, None) for code in (draft, pair.gold, pair.wrong_answer)}
        assert len(texts) == 3


def test_equal_programs_are_never_called_wrong() -> None:
    for pair in checks.made(NAME, 300):
        assert pair.problem.hidden
        assert ast.dump(ast.parse(renamed(pair.gold, None))) != ast.dump(ast.parse(renamed(pair.wrong_answer, None)))


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos._exit(3)",
        "def solve(numbers):\n    raise SystemExit",
        "def solve(*given):\n    __import__('os')._exit(3)",
        "def solve(",
        "(" * 5000,
        "\0",
        "",
    ],
)
def test_no_program_but_ours_is_run(code: str) -> None:
    problem = checks.made(NAME, 40)[0].problem
    assert not ProgramRepair().check(problem, code)


def test_a_program_of_another_task_is_not_right() -> None:
    one, other = checks.made(NAME, 40)[:2]
    assert one.problem.task != other.problem.task
    assert not ProgramRepair().check(one.problem, other.gold)


def test_programs_get_only_the_builtins_they_need() -> None:
    assert not {"open", "exec", "eval", "__import__", "compile", "getattr", "input"} & BUILTINS.keys()
    with pytest.raises(NameError):
        run("def solve():\n    return open('x')", ())


def test_renaming_keeps_arguments_and_meaning() -> None:
    code = "def solve(numbers):\n    total = 0\n    for number in numbers:\n        total += number\n    return total"
    for seed in range(20):
        other = renamed(code, Random(seed))
        assert other != code
        assert run(other, ([1, 2, 3],)) == 6
        assert renamed(other, None) == renamed(code, None)


def test_a_hard_mistake_shows_on_few_inputs() -> None:
    shares = {level: [] for level in (1, 5)}
    for pair in checks.made(NAME, 1000):
        shares.setdefault(pair.level, []).append(len(pair.problem.hidden))
    assert sum(shares[5]) / len(shares[5]) < sum(shares[1]) / len(shares[1]) / 3
    assert replace(checks.made(NAME, 40)[0].problem, level=2).level == 2
