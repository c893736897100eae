"""String tracing: a word is turned, cut, swapped and shifted, operation after operation."""

from collections import deque
from random import Random
from string import ascii_lowercase

from judgebench.pairs.generators.draws import below, one, sign
from judgebench.pairs.generators.scripts import Op, Script, Scripts
from judgebench.pairs.generators.slips import nudge

SIZES = {1: (5, 3), 2: (6, 5), 3: (7, 7), 4: (9, 9), 5: (11, 12)}
"""Letters of the word, and instructions."""
KINDS = ("left", "right", "shift", "reverse", "swap", "put", "drop", "insert")
MOST = 3
"""The furthest that a word is turned, or its letters are shifted."""
LETTERS = len(ascii_lowercase)


class StringTracing(Scripts):
    """Faults: the wrong direction, one place too far or too short, an end left out when reversing."""

    name = "string-tracing"
    intro = (
        "Start with the string {start} and apply these operations in order. Positions count from 1.",
        "The string {start} is changed step by step, positions being counted from 1:",
        "Apply the following to the string {start}, one after the other; the first letter has position 1.",
    )
    ending = ("What is the string at the end?", "Which string results?", "Give the final string.")

    def problem(self, rng: Random, level: int) -> Script:
        """Draw a word and instructions that suit its length, which they change in a known way."""
        length, count = SIZES[level]
        start = "".join(one(rng, ascii_lowercase) for _ in range(length))
        ops = list[Op]()
        for _ in range(count):
            op = _op(rng, length)
            length += {"drop": -1, "insert": 1}.get(op[0], 0)
            ops.append(op)
        return Script(level, "string", start, tuple(ops))

    def apply(self, kind: str, state: str, op: Op) -> str:  # noqa: ARG002, PLR0911 - one kind, many operations
        """Return the string after an operation, by slices."""
        match op:
            case ("left", n):
                return state[n:] + state[:n]
            case ("right", n):
                return state[-n:] + state[:-n]
            case ("shift", n):
                return "".join(ascii_lowercase[(ord(letter) - ord("a") + n) % LETTERS] for letter in state)
            case ("reverse",):
                return state[::-1]
            case ("reverse", first, last):
                return state[:first] + state[first:last][::-1] + state[last:]
            case ("swap", i, j):
                i, j = sorted((i, j))
                return state[: i - 1] + state[j - 1] + state[i : j - 1] + state[i - 1] + state[j:]
            case ("put", i, letter):
                return f"{state[: i - 1]}{letter}{state[i:]}"
            case ("drop", i):
                return state[: i - 1] + state[i:]
            case (_, i, letter):
                return f"{state[: i - 1]}{letter}{state[i - 1 :]}"
        raise ValueError(op)

    def slip(self, kind: str, state: str, op: Op, rng: Random) -> Op | None:  # noqa: ARG002 - there is one kind
        """Return the operation in the other direction, or one place off."""
        name, *rest = op
        if name == "reverse":
            return ("reverse", *one(rng, ((1, len(state)), (0, len(state) - 1))))
        if name in ("left", "right", "shift") and rng.random() < 0.5:  # noqa: PLR2004
            return (name, -rest[0]) if name == "shift" else ({"left": "right", "right": "left"}[name], rest[0])
        if name == "shift":
            moved = nudge(rng, abs(rest[0]), 1, MOST)
            return None if moved is None else (name, moved if rest[0] > 0 else -moved)
        high = {"left": MOST, "right": MOST, "insert": len(state) + 1}.get(name, len(state))
        moved = nudge(rng, rest[0], 1, high)
        return None if moved is None or (name == "swap" and moved == rest[1]) else (name, moved, *rest[1:])

    def say(self, op: Op) -> str:  # noqa: PLR0911 - a line for each operation
        """Return the operation in words."""
        match op:
            case ("left" | "right", n):
                return f"rotate {op[0]} by {n}"
            case ("shift", n):
                return f"move every letter {abs(n)} {'forward' if n > 0 else 'backward'} in the alphabet, z next to a"
            case ("reverse",):
                return "reverse the string"
            case ("swap", i, j):
                return f"swap the letters at positions {i} and {j}"
            case ("put", i, letter):
                return f"replace the letter at position {i} with {letter}"
            case ("drop", i):
                return f"remove the letter at position {i}"
        return f"insert {op[2]} so that it stands at position {op[1]}"

    def show(self, kind: str, state: str) -> str:  # noqa: ARG002 - there is one kind
        """Return the string itself."""
        return state

    def check(self, problem: Script, answer: str) -> bool:
        """Do it again on a deque of letters, changed in place."""
        letters = deque(problem.start)
        for name, *rest in problem.ops:
            if name in ("left", "right"):
                letters.rotate(rest[0] if name == "right" else -rest[0])
            elif name == "shift":
                table = ascii_lowercase[rest[0] % LETTERS :] + ascii_lowercase[: rest[0] % LETTERS]
                letters = deque("".join(letters).translate(str.maketrans(ascii_lowercase, table)))
            elif name == "reverse":
                letters.reverse()
            elif name == "swap":
                i, j = rest[0] - 1, rest[1] - 1
                letters[i], letters[j] = letters[j], letters[i]
            elif name == "put":
                letters[rest[0] - 1] = rest[1]
            elif name == "drop":
                del letters[rest[0] - 1]
            else:
                letters.insert(rest[0] - 1, rest[1])
        return answer == "".join(letters)


def _op(rng: Random, length: int) -> Op:
    name = one(rng, KINDS)
    if name in ("left", "right"):
        return (name, 1 + below(rng, MOST))
    if name == "shift":
        return (name, sign(rng) * (1 + below(rng, MOST)))
    if name == "reverse":
        return (name,)
    if name == "swap":
        i, j = below(rng, length), below(rng, length - 1)
        return (name, i + 1, (j if j < i else j + 1) + 1)
    if name == "drop":
        return (name, 1 + below(rng, length)) if length > MOST + 1 else ("reverse",)
    return (name, 1 + below(rng, length + (name == "insert")), one(rng, ascii_lowercase))
