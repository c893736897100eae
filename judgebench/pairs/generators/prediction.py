"""Program output prediction: a small program, run line by line on paper.

Programs are our own and few of kinds: assignments, one choice between two of them, counted loops. The solver has its
own interpreter for them, which can slip; the checker reads the program's text as Python does.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators.base import Fault, Generator, Step, Trace
from judgebench.pairs.generators.draws import below, one, several, sign
from judgebench.pairs.generators.wording import demand, pick

SIZES = {1: (3, 0), 2: (4, 0), 3: (3, 2), 4: (4, 3), 5: (5, 4)}
"""Lines after the first assignments, and how often a loop runs; 0 without a loop."""
VARIABLES = 3
COUNTER = "i"
CONSTANTS = (2, 9)
NAMES = ("a", "b", "c", "n", "m", "k", "x", "y", "z", "p", "q", "total", "count", "value")
LARGEST = 9_999
"""No value on the way is larger, in right traces and in wrong ones."""
HARD = 4
"""From this level on a step shows only the value that a line leads to."""
OPEN = (
    "{line}: {code}, that is {done}, so {name} = {value}.",
    "{line} runs `{code}`: {done} makes {name} {value}.",
    "At {line}, `{code}` sets {name} to {done} = {value}.",
)
TERSE = ("{line}: {name} = {value}.", "{line} makes {name} {value}.", "After {line}, {name} is {value}.")
TESTS = (
    "{line}: {done} is {value}.",
    "{line} asks whether {done}: {value}.",
    "The condition of {line}, {done}, is {value}.",
)
COMPARED = ("<", "<=", ">", ">=")
Operand = str | int


class Assign(NamedTuple):
    """`name = left op right` at a line of the program (from 1)."""

    line: int
    name: str
    left: Operand
    op: str
    right: Operand


class Choice(NamedTuple):
    """`if left test right:` one assignment, `else:` another."""

    line: int
    left: str
    test: str
    right: Operand
    then: Assign
    other: Assign


class Loop(NamedTuple):
    """`for i in range(times):` a body, which may use `i`."""

    line: int
    times: int
    body: tuple["Assign | Choice", ...]


Statement = Assign | Choice | Loop


@dataclass(frozen=True)
class Program:
    """A program: values at the start, statements, the variable printed; its text says the same."""

    level: int
    start: tuple[tuple[str, int], ...]
    body: tuple[Statement, ...]
    printed: str
    source: str


class Event(NamedTuple):
    """Something that a program does: a statement, its operands as they were, what came of it, and all values before."""

    statement: Assign | Choice
    left: int
    right: int
    value: int
    before: dict[str, int]


class ProgramOutput(Generator[Program]):
    """Faults: another operand, plus for minus, a remainder wrong, a condition misjudged."""

    name = "program-output"
    category = "coding"

    def problem(self, rng: Random, level: int) -> Program:
        """Draw a program whose values stay small."""
        while True:
            program = _program(rng, level)
            if _run(program) is not None:
                return program

    def ask(self, problem: Program, rng: Random) -> str:
        """Return the question."""
        what = pick(rng, ("What does this Python program print?", "Work out what this program prints.",
                          "Which number does the following Python program print?"))  # fmt: skip
        return f"{what}\n\n```python\n{problem.source}\n```\n\n{demand(self.form, rng)}"

    def faults(self, problem: Program, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield a mistake at each event, in random order, that keeps all values small.

        A condition that is met several times is not misjudged once: it would stand out.
        """
        met = Counter(step.state.statement for step in trace.steps)
        for step in several(rng, range(len(trace.steps)), len(trace.steps)):
            event: Event = trace.steps[step].state
            if isinstance(event.statement, Choice) and met[event.statement] > 1:
                continue
            fault = _mistake(event, step, rng)
            if fault is not None and _run(problem, fault) is not None:
                yield fault

    def solve(self, problem: Program, rng: Random, fault: Fault | None = None) -> Trace:
        """Run the program and tell what happens."""
        template = pick(rng, TERSE if problem.level >= HARD else OPEN)
        test, line = pick(rng, TESTS), pick(rng, ("line {}", "Line {}", "line no. {}"))
        events, value = _run(problem, fault) or ([], 0)
        steps = [Step(_tell(event, template, test, line), event) for event in events]
        return Trace(tuple(steps), str(value))

    def check(self, problem: Program, answer: str) -> bool:
        """Read the program's text with Python's parser and evaluate that."""
        return answer == evaluate(problem.source)


def _program(rng: Random, level: int) -> Program:
    lines, times = SIZES[level]
    names = several(rng, NAMES, VARIABLES)
    start = tuple((name, 1 + below(rng, 20)) for name in names)
    plain: list[Assign | Choice] = []
    line, choice = VARIABLES + 1 + (times > 0), below(rng, lines)
    for number in range(lines):
        make = _choice if number == choice else _assign
        plain.append(make(rng, names, line, inside=times > 0 and number < lines - 1))
        line += 4 if number == choice else 1
    body: tuple[Statement, ...] = (*plain,)
    if times:
        body = Loop(VARIABLES + 1, times, (*plain[:-1],)), plain[-1]
    printed = one(rng, names)
    text = [f"{name} = {value}" for name, value in start]
    text += [row for statement in body for row in _source(statement)]
    return Program(level, start, body, printed, "\n".join([*text, f"print({printed})"]))


def _assign(rng: Random, names: Sequence[str], line: int, *, inside: bool) -> Assign:
    # Products would tell: a wrong value is rarely a multiple. In a loop a remainder would come to the same again and
    # again; the counter keeps sums from doing so.
    op = one(rng, "+-" if inside else "+-+-%")
    right: Operand = CONSTANTS[0] + below(rng, CONSTANTS[1] - CONSTANTS[0] + 1)
    if op in "+-" and rng.random() < (0.8 if inside else 0.5):
        right = COUNTER if inside and rng.random() < 0.7 else one(rng, names)  # noqa: PLR2004
    return Assign(line, one(rng, names), one(rng, names), op, right)


def _choice(rng: Random, names: Sequence[str], line: int, *, inside: bool) -> Choice:
    left, right = several(rng, names, 2)
    # Any comparison is as likely as its opposite: a condition holds in half of all programs.
    then, otherwise = (_assign(rng, names, line + at, inside=inside) for at in (1, 3))
    return Choice(line, left, one(rng, COMPARED), right, then, otherwise)


def _source(statement: Statement, indent: str = "") -> list[str]:
    if isinstance(statement, Assign):
        return [f"{indent}{statement.name} = {statement.left} {statement.op} {statement.right}"]
    if isinstance(statement, Loop):
        inner = [row for inner in statement.body for row in _source(inner, indent + "    ")]
        return [f"{indent}for i in range({statement.times}):", *inner]
    head = f"{indent}if {statement.left} {statement.test} {statement.right}:"
    deeper = indent + "    "
    return [head, *_source(statement.then, deeper), f"{indent}else:", *_source(statement.other, deeper)]


# -- running ------------------------------------------------------------------------------------------------


def _apply(op: str, left: int, right: int) -> int:
    return left + right if op == "+" else left - right if op == "-" else left % right


def _holds(test: str, left: int, right: int) -> bool:
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[test]


def _order(body: Sequence[Statement], values: dict[str, int]) -> Iterator[Assign | Choice]:
    for statement in body:
        if isinstance(statement, Loop):
            for values[COUNTER] in range(statement.times):
                yield from statement.body
        else:
            yield statement


def _run(program: Program, fault: Fault | None = None) -> tuple[list[Event], int] | None:
    """Run a program, with a fault made at its event; None when a value gets too large."""
    values = dict(program.start)
    events: list[Event] = []

    def do(statement: Assign | Choice) -> int:
        left = values[statement.left] if isinstance(statement.left, str) else statement.left
        right = values[statement.right] if isinstance(statement.right, str) else statement.right
        if isinstance(statement, Assign):
            value = _apply(statement.op, left, right)
        else:
            value = int(_holds(statement.test, left, right))
        if fault and fault.step == len(events):
            left, right, value = fault.detail
        events.append(Event(statement, left, right, value, dict(values)))
        if isinstance(statement, Assign):
            values[statement.name] = value
        return value

    for statement in _order(program.body, values):
        value = do(statement)
        if isinstance(statement, Choice):
            value = do(statement.then if value else statement.other)
        if abs(value) > LARGEST:
            return None
    return events, values[program.printed]


def _mistake(event: Event, step: int, rng: Random) -> Fault | None:
    """Return a mistake as (left, right, value): each is what another program of the kind would rightly do there."""
    statement, left, right, value, _ = event
    if isinstance(statement, Choice):
        return Fault(step, "condition", (left, right, 1 - value))
    if statement.op == "%" and rng.random() < 0.5:  # noqa: PLR2004
        return Fault(step, "remainder", (left, right, (value + 1 + below(rng, right - 1)) % right))
    if statement.op in "+-" and rng.random() < 0.4:  # noqa: PLR2004
        return Fault(step, "operation", (left, right, left - right if statement.op == "+" else left + right))
    if rng.random() < 0.5:  # noqa: PLR2004
        left = _other(statement.left, event, rng)
    elif isinstance(statement.right, str):
        right = _other(statement.right, event, rng)
    else:
        return None
    return Fault(step, "operand", (left, right, _apply(statement.op, left, right)))


def _other(operand: Operand, event: Event, rng: Random) -> int:
    """Return another operand's value: of another variable, or of the counter a turn away."""
    if operand == COUNTER:
        return event.before[COUNTER] + (1 if event.before[COUNTER] == 0 else sign(rng))
    return event.before[one(rng, [name for name in event.before if name not in (operand, COUNTER)])]


def _tell(event: Event, template: str, test: str, line: str) -> str:
    statement = event.statement
    where = line.format(statement.line)
    if isinstance(statement, Choice):
        done = f"{event.left} {statement.test} {event.right}"
        text = test.format(line=where, done=done, value="true" if event.value else "false")
    else:
        code = f"{statement.name} = {statement.left} {statement.op} {statement.right}"
        done = f"{event.left} {statement.op} {event.right}"
        text = template.format(line=where, code=code, done=done, name=statement.name, value=event.value)
    return text[0].upper() + text[1:]


# -- checking -----------------------------------------------------------------------------------------------


def evaluate(source: str) -> str:
    """Return what a program of this kind prints. Raises ValueError for anything that such a program has not."""
    values: dict[str, int] = {}
    printed: list[str] = []
    _execute(ast.parse(source).body, values, printed)
    return "\n".join(printed)


def _execute(statements: list[ast.stmt], values: dict[str, int], printed: list[str]) -> None:
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = _number(value, values)
            case ast.If(test=test, body=then, orelse=otherwise):
                _execute(then if _number(test, values) else otherwise, values, printed)
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=[times]), body=body):
                for turn in range(_number(times, values)):
                    values[name] = turn
                    _execute(body, values, printed)
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[value])):
                printed.append(str(_number(value, values)))
            case _:
                raise ValueError(ast.unparse(statement))


def _number(node: ast.expr, values: dict[str, int]) -> int:
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            second = _number(right, values)
            return _number(left, values) + (second if isinstance(op, ast.Add) else -second)
        case ast.BinOp(left=left, op=ast.Mod(), right=right):
            return _number(left, values) % _number(right, values)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            difference = _number(left, values) - _number(right, values)
            equal = isinstance(op, ast.LtE | ast.GtE)
            return int(equal if difference == 0 else (difference < 0) == isinstance(op, ast.Lt | ast.LtE))
    raise ValueError(ast.unparse(node))
