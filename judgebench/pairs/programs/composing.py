"""What is run for a response: its program, with what the task lets it assume before it, and a way in behind it."""

import ast
from typing import Any

from judgebench.pairs.programs.finding import parsed

LITERAL = "judgebench_call"
"""The function that calls the program's with arguments that JSON cannot hold, given as a Python literal."""

_OPEN = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools",
    "functools", "operator", "typing",
)  # fmt: skip
_CLOSED = (
    "bisect", "collections", "copy", "datetime", "functools", "heapq", "io", "itertools", "json", "math", "operator",
    "os", "random", "re", "statistics", "string", "sys", "typing",
)  # fmt: skip
DEPTH = 50_000
"""Python calls deep that a program may go, as the contests' sites let it."""

PRELUDE = "\n".join(
    [
        *(f"from {module} import *" for module in _OPEN),
        "from builtins import *",  # pow and the like mean what they always mean
        f"import {', '.join(_CLOSED)}",
        f"sys.setrecursionlimit({DEPTH})",
    ]
)
"""The names of the standard library that programs for contest sites take for granted."""


def compose(code: str, before: str = "", call: str | None = None) -> str:
    """Return a program with text before it, and with a function behind it that makes a call from a literal.

    What the program imports from `__future__` stays first.
    """
    if before:
        lines = code.split("\n")
        first = _future(code)
        code = "\n".join([*lines[:first], before, *lines[first:]])
    if call is None:
        return code
    return f"{code}\n\n\ndef {LITERAL}(text):\n    import ast\n    return {call}(*ast.literal_eval(text))\n"


def _future(code: str) -> int:
    """Return after how many lines the last import from `__future__` ends."""
    tree = parsed(code) if "__future__" in code else None
    ends = [
        node.end_lineno or 0
        for node in (tree.body if tree else [])
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    return max(ends, default=0)


def call(spelled: str, given: Any) -> tuple[str, tuple[Any, ...]]:
    """Return the sandbox's call for a test's input: a list of arguments, or a text that is a literal of them."""
    return (LITERAL, (given,)) if isinstance(given, str) else (spelled, tuple(given))
