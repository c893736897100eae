"""Data-structure tracing: a stack, a queue, a list or a table of variables, changed step by step."""

from collections import deque
from random import Random
from typing import Any

from judgebench.pairs.generators.draws import below, one, several
from judgebench.pairs.generators.scripts import Op, Script, Scripts
from judgebench.pairs.generators.slips import nudge, other

COUNTS = {1: (3, 4), 2: (4, 6), 3: (4, 8), 4: (5, 11), 5: (6, 15)}
"""Values at the start, and instructions."""
KINDS = ("stack", "queue", "list", "table")
KEYS = "abcdef"
LOW, HIGH = 10, 99
SMALL = 9
LEAST = 2
"""A structure never holds fewer values: from one that holds a single one every end is the right end."""
ENDS = {"push": "stack", "pop": "stack", "enqueue": "queue", "dequeue": "queue"}


class StructureTracing(Scripts):
    """Faults: the wrong end, one place off, a value misread, the wrong key, plus for minus."""

    name = "structure-tracing"
    intro = (
        "Here is a {kind}: {start}. These instructions follow, in order; indices count from 0.",
        "We have the {kind} {start} and carry out the instructions below one by one, with indices from 0.",
        "Follow this {kind} through the instructions, indices starting at 0. At first it is {start}.",
    )
    ending = (
        "A stack's top and a queue's back are written last. What does it hold at the end?",
        "What are the contents at the end? The top of a stack and the back of a queue come last.",
        "Write down the final contents, with a stack's top or a queue's back as the last.",
    )

    def problem(self, rng: Random, level: int) -> Script:
        """Draw instructions that suit the structure's size, which they change in a known way."""
        size, count = COUNTS[level]
        kind = one(rng, KINDS)
        start = tuple(_value(rng) for _ in range(size))
        ops = list[Op]()
        for _ in range(count):
            op = _op(rng, kind, size)
            size += {"push": 1, "enqueue": 1, "append": 1, "insert": 1, "pop": -1, "dequeue": -1, "remove": -1}.get(
                op[0], 0
            )
            ops.append(op)
        return Script(level, kind, start, tuple(ops))

    def apply(self, kind: str, state: tuple[int, ...], op: Op) -> tuple[int, ...]:  # noqa: ARG002, PLR0911
        """Return the contents after an instruction, by slices."""
        match op:
            case ("push" | "enqueue" | "append", value):
                return (*state, value)
            case ("unshift", value):
                return (value, *state)
            case ("pop",):
                return state[:-1]
            case ("dequeue",):
                return state[1:]
            case ("insert", i, value):
                return (*state[:i], value, *state[i:])
            case ("remove", i):
                return state[:i] + state[i + 1 :]
            case ("swap", i, j):
                return _with(_with(state, i, state[j]), j, state[i])
            case ("copy", i, j):
                return _with(state, j, state[i])
            case ("set", i, value):
                return _with(state, i, value)
            case (_, i, value):
                return _with(state, i, state[i] + (value if op[0] == "add" else -value))
        raise ValueError(op)

    def slip(self, kind: str, state: tuple[int, ...], op: Op, rng: Random) -> Op | None:
        """Return the instruction at the other end, one place off, with another key or value, or the other way round."""
        name, *rest = op
        if name in ("pop", "dequeue"):
            return ({"pop": "dequeue", "dequeue": "pop"}[name],)
        if name in ("push", "enqueue", "append"):
            wrong_end = kind != "list" and rng.random() < 0.5  # noqa: PLR2004
            return ("unshift", rest[0]) if wrong_end else (name, other(rng, rest[0], LOW, HIGH))
        if name == "copy":
            return (name, rest[1], rest[0])
        if name in ("set", "insert") and rng.random() < 0.5:  # noqa: PLR2004
            return (name, rest[0], other(rng, rest[1], LOW, HIGH))
        if name in ("add", "subtract") and rng.random() < 0.5:  # noqa: PLR2004
            return ({"add": "subtract", "subtract": "add"}[name], *rest)
        moved = nudge(rng, rest[0], 0, len(state) - (name != "insert"))
        return None if moved is None or (name == "swap" and moved == rest[1]) else (name, moved, *rest[1:])

    def misread(self, op: Op, done: Op) -> bool:
        """Return whether it is the value that differs: a trace with the right one as well would hold more numbers."""
        return op[0] == done[0] and op[:-1] == done[:-1] and op[0] not in ("remove", "swap", "copy")

    def say(self, op: Op) -> str:  # noqa: PLR0911 - a line for each instruction
        """Return the instruction in words; of a table, with its keys."""
        match op:
            case ("push" | "enqueue" | "append", value):
                return f"{op[0]} {value}"
            case ("pop" | "dequeue",):
                return str(op[0])
            case ("insert", i, value):
                return f"insert {value} at index {i}"
            case ("remove", i):
                return f"remove the value at index {i}"
            case ("swap", i, j):
                return f"swap the values at indices {i} and {j}"
            case ("copy", i, j):
                return f"{KEYS[j]} = {KEYS[i]}"
            case ("set", i, value):
                return f"{KEYS[i]} = {value}"
        return f"{KEYS[op[1]]} {'+' if op[0] == 'add' else '-'}= {op[2]}"

    def show(self, kind: str, state: tuple[int, ...]) -> str:
        """Return the contents: in brackets, or a table's values by key."""
        if kind == "table":
            return ", ".join(f"{key}={value}" for key, value in zip(KEYS, state, strict=False))
        return f"[{', '.join(map(str, state))}]"

    def check(self, problem: Script, answer: str) -> bool:
        """Do it again with Python's own deque, list and dict."""
        holds: Any = {"table": dict(zip(KEYS, problem.start, strict=False)), "list": list(problem.start)}.get(
            problem.kind, deque(problem.start)
        )
        for op in problem.ops:
            _perform(holds, op)
        found = ", ".join(f"{key}={holds[key]}" for key in sorted(holds)) if problem.kind == "table" else str([*holds])
        return answer == found


def _value(rng: Random) -> int:
    return LOW + below(rng, HIGH - LOW + 1)


def _with(state: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*state[:place], value, *state[place + 1 :])


def _op(rng: Random, kind: str, size: int) -> Op:
    if kind in ENDS.values():
        names = [name for name, of in ENDS.items() if of == kind]
        name = one(rng, names) if size > LEAST else names[0]
        return (name, _value(rng)) if name == names[0] else (name,)
    if kind == "list":
        name = one(rng, ("append", "insert", "remove", "swap"))
        if name == "append" or size <= LEAST:
            return ("append", _value(rng))
        if name == "insert":
            return (name, below(rng, size + 1), _value(rng))
        return (name, below(rng, size)) if name == "remove" else (name, *several(rng, range(size), 2))
    name = one(rng, ("set", "add", "subtract", "copy"))
    if name == "copy":
        return (name, *several(rng, range(size), 2))
    return (name, below(rng, size), _value(rng) if name == "set" else 1 + below(rng, SMALL))


def _perform(holds: Any, op: Op) -> None:
    match op:
        case ("push" | "enqueue" | "append", value):
            holds.append(value)
        case ("pop",):
            holds.pop()
        case ("dequeue",):
            holds.popleft()
        case ("insert", i, value):
            holds.insert(i, value)
        case ("remove", i):
            del holds[i]
        case ("swap", i, j):
            holds[i], holds[j] = holds[j], holds[i]
        case ("copy", i, j):
            holds[KEYS[j]] = holds[KEYS[i]]
        case ("set", i, value):
            holds[KEYS[i]] = value
        case (name, i, value):
            holds[KEYS[i]] += value if name == "add" else -value
