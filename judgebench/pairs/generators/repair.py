"""Program repair: a right program, and the same with one spot changed that passes the examples and fails other inputs.

The programs are those of our own banks, and nothing else is ever run here: `check` runs an answer only when it is one
of them, in this process, with the few builtins they need. What models write is for the code grader and its sandbox.
"""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from judgebench.pairs.generators import bank_lists, bank_texts
from judgebench.pairs.generators.bank import Task, Turns
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace
from judgebench.pairs.generators.draws import below, one
from judgebench.pairs.generators.wording import LAST_LINES, OPENINGS, pick

TASKS: tuple[Task, ...] = (*bank_lists.TASKS, *bank_texts.TASKS)
FUNCTION = "solve"
POOL = 30
"""Inputs that are tried: some of those on which right and wrong agree become examples, the others decide."""
DIFFER = {1: (15, 29), 2: (10, 24), 3: (6, 18), 4: (3, 12), 5: (1, 7)}
"""On how many inputs of the pool the wrong program fails: the fewer, the harder it is to see."""
EXAMPLES = {1: 1, 2: 2, 3: 2, 4: 3, 5: 4}
DRAFT = 0.5
"""How often the question shows a program to be repaired, where there is one that is not the wrong response."""
NAMES = (
    "total", "result", "out", "acc", "found", "current", "item", "value", "entry", "step", "left", "size", "state",
    "answer", "tmp", "one", "two", "ends", "pos", "idx", "what", "this", "mark", "limit", "seen", "part", "reach",
)  # fmt: skip
BUILTINS = {
    name: vars(__import__("builtins"))[name]
    for name in ("all", "chr", "int", "len", "max", "min", "ord", "range", "set", "sorted", "str", "sum", "zip")
}
CLOSINGS = (
    "This agrees with the examples.", "That does what is asked for.", "It reproduces the examples.",
    "This should cover all cases.", "The examples come out as given.", "That is the whole function.",
)  # fmt: skip


@dataclass(frozen=True)
class Repair:
    """A task with its settings, the turn that makes it wrong, the draft's turn if there is one, and the inputs.

    `examples` stand in the question; `hidden` are the inputs on which the wrong program fails.
    """

    level: int
    task: int
    turns: tuple[tuple[str, str], ...]
    slip: tuple[str, str]
    draft: tuple[str, str] | None
    examples: tuple[Any, ...]
    hidden: tuple[Any, ...]


class ProgramRepair(Generator[Repair]):
    """Faults: one operator, constant, end or index other than it should be."""

    name = "program-repair"
    category = "coding"

    def problem(self, rng: Random, level: int) -> Repair:
        """Draw a task, a turn that makes it wrong on as many inputs as the level says, and examples that hide it."""
        low, high = DIFFER[level]
        while True:
            number = below(rng, len(TASKS))
            task = TASKS[number]
            turns = {name: one(rng, settings)[0] for name, settings in task.turns.items()}
            slip, draft = _turn(task, turns, rng), _turn(task, turns, rng)
            wrong = turns | dict([slip])
            agree, differ = list[Any](), list[Any]()
            for _ in range(POOL):
                given = task.inputs(rng)
                same = task.oracle(turns, *deepcopy(given)) == task.oracle(wrong, *deepcopy(given))
                (agree if same else differ).append(given)
            if low <= len(differ) <= high and len(agree) >= EXAMPLES[level]:
                break
        shown = draft if draft != slip and rng.random() < DRAFT else None
        return Repair(level, number, (*turns.items(),), slip, shown, (*agree[: EXAMPLES[level]],), (*differ,))

    def ask(self, problem: Repair, rng: Random) -> str:
        """Return the question: what the function returns, with examples, and half of the time a draft to repair."""
        task, turns = TASKS[problem.task], dict(problem.turns)
        words = {name: dict(settings)[turns[name]] for name, settings in task.turns.items()}
        what = pick(rng, ("Write a Python function {} that returns {}.", "Implement {} in Python: it returns {}.",
                          "Give a Python function {} which returns {}."))  # fmt: skip
        parts = [what.format(f"`{FUNCTION}({task.arguments})`", task.statement.format(**words))]
        if problem.draft is not None:
            lead = pick(rng, ("This draft is wrong; repair it.", "The following attempt has a mistake. Correct it."))
            parts.append(f"{lead}\n\n```python\n{program(task, turns | dict([problem.draft]))}\n```")
        shown = [
            f"{FUNCTION}({', '.join(map(repr, given))}) == {task.oracle(turns, *deepcopy(given))!r}"
            for given in problem.examples
        ]
        return "\n\n".join([*parts, "Examples:\n" + "\n".join(shown), "Answer with the function in a code block."])

    def faults(self, problem: Repair, trace: Trace, rng: Random) -> Iterator[Fault]:  # noqa: ARG002 - drawn already
        """Yield the turn that was drawn with the problem, at its line."""
        task, turns = TASKS[problem.task], dict(problem.turns)
        right, wrong = program(task, turns), program(task, turns | dict([problem.slip]))
        line = next(i for i, (a, b) in enumerate(zip(right.split("\n"), wrong.split("\n"), strict=True)) if a != b)
        yield Fault(line, problem.slip[0], problem.slip)

    def solve(self, problem: Repair, rng: Random, fault: Fault | None = None) -> Trace:
        """Write the program; its lines are the steps, its variables are named by chance."""
        turns = dict(problem.turns) | (dict([fault.detail]) if fault else {})
        code = renamed(program(TASKS[problem.task], turns), rng)
        return Trace(tuple(Step(line) for line in code.split("\n")), code)

    def finish(self, trace: Trace, rng: Random) -> str:
        """Return the response: the program in a code block, with a word before and after it now and then."""
        opening = pick(rng, OPENINGS) + "\n\n" if rng.random() < 0.7 else ""  # noqa: PLR2004
        closing = "\n\n" + pick(rng, (*CLOSINGS, *LAST_LINES[1:])) if rng.random() < 0.5 else ""  # noqa: PLR2004
        return f"{opening}```python\n{trace.answer}\n```{closing}"

    def check(self, problem: Repair, answer: str) -> bool:
        """Run the program on the examples and the hidden inputs; one that is not ours is not run and not right."""
        task, turns = TASKS[problem.task], dict(problem.turns)
        if renamed(answer, None) not in _ours(problem.task):
            return False
        given = (*problem.examples, *problem.hidden)
        return all(run(answer, deepcopy(one)) == task.oracle(turns, *deepcopy(one)) for one in given)


def _turn(task: Task, turns: Turns, rng: Random) -> tuple[str, str]:
    """Return a place and another setting of it, each place and each setting equally likely."""
    name = one(rng, tuple(task.turns))
    return name, one(rng, [code for code, _ in task.turns[name] if code != turns[name]])


def program(task: Task, turns: Turns) -> str:
    """Return a task's program with its places set, as `ast.unparse` writes it."""
    return _program(task.name, (*sorted(turns.items()),))


@cache
def _program(name: str, turns: tuple[tuple[str, str], ...]) -> str:
    task = next(task for task in TASKS if task.name == name)
    body = task.code.format(**dict(turns)).replace("\n", "\n    ")
    return ast.unparse(ast.parse(f"def {FUNCTION}({task.arguments}):\n    {body}"))


@cache
def _ours(number: int) -> frozenset[str]:
    """Return all programs of a task, their variables numbered."""
    task = TASKS[number]
    found: list[dict[str, str]] = [{}]
    for name, settings in task.turns.items():
        found = [turns | {name: code} for turns in found for code, _ in settings]
    return frozenset(renamed(program(task, turns), None) for turns in found)


def renamed(code: str, rng: Random | None) -> str:
    """Return a function with other names for its variables: drawn, or `v0`, `v1`, … without a source of chance.

    What is no Python is returned as it is.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    given = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own = [name for name in dict.fromkeys(stored) if name not in given]
    pool = [name for name in NAMES if name not in given]
    names = {name: f"v{at}" if rng is None else pool.pop(below(rng, len(pool))) for at, name in enumerate(own)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
    return ast.unparse(tree)


def run(code: str, given: tuple[Any, ...]) -> Any:
    """Run one of our own programs. Others must not come here: this is no sandbox."""
    space: dict[str, Any] = {"__builtins__": BUILTINS}
    exec(compile(code, "<ours>", "exec"), space)  # noqa: S102 - `check` lets only programs of our banks through
    return space[FUNCTION](*given)
