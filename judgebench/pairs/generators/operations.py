"""Order of operations: an expression in whole numbers, worked off one operation at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

OPERATIONS = {1: 3, 2: 4, 3: 5, 4: 7, 5: 9}
LARGEST = 99_999
"""No value on the way is larger, in right traces and in wrong ones."""
HARD = 4
"""From this level on a step shows only what the expression becomes."""
KINDS = {
    1: ("grouping", "operation", "slip"),
    2: ("grouping", "operation", "slip"),
    3: ("grouping", "operation", "slip", "copy"),
    4: ("grouping", "slip", "copy"),
    5: ("grouping", "slip", "copy"),
}
SLIPS = (-10, -1, 1, 10)
BINDING = {"+": 1, "-": 1, "*": 2}
OPEN = (
    "{left} {op} {right} = {result}, which leaves {rest}.",
    "{left} {op} {right} is {result}; what remains is {rest}.",
    "Work out {left} {op} {right} = {result}. That gives {rest}.",
)
TERSE = ("This becomes {rest}.", "We get {rest}.", "That simplifies to {rest}.", "So far: {rest}.")
Tree = int | tuple[str, "Tree", "Tree"]
Path = tuple[int, ...]


@dataclass(frozen=True)
class Expression:
    """An expression as a tree: a number, or (operation, left, right)."""

    level: int
    tree: Tree


class Reduction(NamedTuple):
    """One operation done: the expression before, where the operation stands, its result, the expression after."""

    before: Tree
    path: Path
    result: int
    after: Tree


class OrderOfOperations(Generator[Expression]):
    """Faults: the wrong grouping, plus for minus, a slip in a result, a number copied wrongly."""

    name = "order-of-operations"
    category = "math"

    def problem(self, rng: Random, level: int) -> Expression:
        """Draw an expression whose values stay small enough to do by hand."""
        while True:
            tree = _tree(rng, OPERATIONS[level], level)
            if _value(tree) is not None:
                return Expression(level, tree)

    def ask(self, problem: Expression, rng: Random) -> str:
        """Return the question."""
        what = pick(rng, ("Evaluate {}.", "What is the value of {}?", "Compute {}.", "Work out {}."))
        return f"{what.format(_text(problem.tree, '×', '-'))} {demand(self.form, rng)}"

    def faults(self, problem: Expression, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield mistakes, evenly over the operations."""
        kinds, steps = KINDS[problem.level], trace.steps
        return drawn(rng, len(steps), lambda step: _mistake(steps[step].state, step, pick(rng, kinds), rng))

    def solve(self, problem: Expression, rng: Random, fault: Fault | None = None) -> Trace:
        """Do the operations that can be done, from the left."""
        times, minus = pick(rng, "×*·"), pick(rng, "−-")
        template = pick(rng, TERSE if problem.level >= HARD else OPEN)
        tree, steps = problem.tree, list[Step]()
        while not isinstance(tree, int):
            before, path, result = tree, None, None
            if fault and fault.step == len(steps):
                before, path, result = fault.detail
            path = _first(before) if path is None else path
            op, left, right = _at(before, path)
            result = _apply(op, left, right) if result is None else result
            after = _put(before, path, result)
            parts = {
                "left": _text(left, times, minus, 1), "right": _text(right, times, minus, 1),
                "op": {"*": times, "-": minus}.get(op, op), "result": _signed(result, minus),
                "rest": _text(after, times, minus),
            }  # fmt: skip
            steps.append(Step(template.format(**parts), Reduction(tree, path, result, after)))
            tree = after
        return Trace(tuple(steps), str(tree))

    def check(self, problem: Expression, answer: str) -> bool:
        """Read the expression's text from left to right with two stacks."""
        return answer == str(evaluate(_text(problem.tree, "*", "-")))


def _tree(rng: Random, operations: int, level: int) -> Tree:
    if not operations:
        two = rng.random() < 0.1 * level
        return 10 + int(rng.random() * 90) if two else 1 + int(rng.random() * 9)
    before = int(rng.random() * operations)
    return pick(rng, "+-*"), _tree(rng, before, level), _tree(rng, operations - 1 - before, level)


def _apply(op: str, left: int, right: int) -> int:
    return left + right if op == "+" else left - right if op == "-" else left * right


def _value(tree: Tree) -> int | None:
    """Return the value, or None when any value on the way is too large."""
    if isinstance(tree, int):
        return tree
    left, right = _value(tree[1]), _value(tree[2])
    if left is None or right is None:
        return None
    value = _apply(tree[0], left, right)
    return value if abs(value) <= LARGEST else None


def _first(tree: Tree) -> Path:
    """Return where the first operation stands both of whose sides are numbers."""
    assert not isinstance(tree, int)
    for side in (1, 2):
        if not isinstance(tree[side], int):
            return (side, *_first(tree[side]))  # type: ignore[arg-type]
    return ()


def _at(tree: Tree, path: Path) -> tuple[str, int, int]:
    for side in path:
        tree = tree[side]  # type: ignore[index,assignment]
    return tree  # type: ignore[return-value]


def _put(tree: Tree, path: Path, new: Tree) -> Tree:
    if not path:
        return new
    op, left, right = tree  # type: ignore[misc]
    return (op, _put(left, path[1:], new), right) if path[0] == 1 else (op, left, _put(right, path[1:], new))


def _mistake(state: Reduction, step: int, kind: str, rng: Random) -> Fault | None:
    tree, path, result = state.before, state.path, state.result
    if kind == "grouping":
        tree, path, wrong = _regrouped(tree, path)
    elif kind == "copy":
        tree, wrong = _miscopied(tree, path, rng), result
    else:
        op, left, right = _at(tree, path)
        if kind == "operation":
            wrong = None if op == "*" else left + right if op == "-" else left - right
        elif op == "*":
            wrong = slips.product(rng, left, right, 0, LARGEST)
        else:
            wrong = result + SLIPS[int(rng.random() * len(SLIPS))]
    if wrong is None or (wrong == state.result and tree == state.before):
        return None
    return Fault(step, kind, (tree, path, wrong)) if _value(_put(tree, path, wrong)) is not None else None


def _regrouped(tree: Tree, path: Path) -> tuple[Tree, Path, int | None]:
    """Return the expression with an operation bound to the other side, and where; None as the result when none is."""
    if not path:
        return tree, path, None
    inner, parent = _at(tree, path), _at(tree, path[:-1])
    outer, beside = parent[0], parent[3 - path[-1]]
    if not isinstance(beside, int):
        return tree, path, None
    op, left, right = inner
    if path[-1] == 1:
        new: Tree = (op, left, (outer, right, beside))
        return _put(tree, path[:-1], new), (*path[:-1], 2), _apply(outer, right, beside)
    new = (op, (outer, beside, left), right)
    return _put(tree, path[:-1], new), (*path[:-1], 1), _apply(outer, beside, left)


def _numbers(tree: Tree, path: Path = ()) -> Iterator[Path]:
    if isinstance(tree, int):
        yield path
    else:
        yield from _numbers(tree[1], (*path, 1))
        yield from _numbers(tree[2], (*path, 2))


def _miscopied(tree: Tree, path: Path, rng: Random) -> Tree:
    """Return the expression with a number outside the operation misread, or taken from beside it.

    The one adds a number that stood nowhere, the other takes one away: neither shows in how varied a text is.
    """
    outside = [one for one in _numbers(tree) if one[: len(path)] != path]
    if not outside:
        return tree
    where = outside[int(rng.random() * len(outside))]
    if rng.random() < 0.5:  # noqa: PLR2004
        return _put(tree, where, slips.digit(rng, _at(tree, where)))  # type: ignore[arg-type]
    return _put(tree, where, _at(tree, outside[int(rng.random() * len(outside))]))


def _signed(number: int, minus: str) -> str:
    return str(number) if number >= 0 else f"{minus}{-number}"


def _text(tree: Tree, times: str, minus: str, within: int = 0) -> str:
    """Return an expression with the parentheses it needs. `within`: how tightly what stands around it binds."""
    if isinstance(tree, int):
        return f"({minus}{-tree})" if tree < 0 and within else _signed(tree, minus)
    op, left, right = tree
    bound = BINDING[op]
    sign = {"*": times, "-": minus}.get(op, op)
    text = f"{_text(left, times, minus, bound)} {sign} {_text(right, times, minus, bound + 1)}"
    return f"({text})" if bound < within else text


def evaluate(text: str) -> int:
    """Return the value of an expression of non-negative numbers, + - * and parentheses, by two stacks."""
    values: list[int] = []
    signs: list[str] = []

    def settle(binding: int) -> None:
        while signs and signs[-1] != "(" and BINDING[signs[-1]] >= binding:
            right, left = values.pop(), values.pop()
            values.append(_apply(signs.pop(), left, right))

    for mark in re.findall(r"\d+|[-+*()]", text):
        if mark.isdigit():
            values.append(int(mark))
        elif mark == "(":
            signs.append(mark)
        else:
            settle(BINDING.get(mark, 1))
            if mark == ")":
                signs.pop()
            else:
                signs.append(mark)
    settle(1)
    return values[0]
