"""Where the program stands in a response. Nothing here runs any of it.

A program is the last complete fenced block that is marked as Python; if none is marked so, the last one without a mark
that parses; in a response without fences, all of it, if it parses and does something. A block in another language is
no program. A fence that is open at the end of the response says that the response was cut, whatever stands before it.
"""

import ast
import re
import warnings
from typing import NamedTuple

from judgebench.pairs.graders.extract import Found, visible

PYTHON = frozenset({"python", "py", "python3", "py3"})
_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
_DOES = (ast.Call, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class Programs(NamedTuple):
    """The programs of a response, in order of place; `open` when its last fence never closes."""

    found: list[Found]
    open: bool = False


def programs(text: str) -> Programs:
    """Return the programs in a response, outside of its thoughts. The last one is the answer."""
    text = visible(text)
    blocks, unclosed = _blocks(text)
    if unclosed:
        return Programs([], open=True)
    marked = [block for tag, block in blocks if tag in PYTHON]
    if marked:
        return Programs([block for block in marked if block.answer])
    plain = [block for tag, block in blocks if not tag and _does_something(block.answer)]
    if blocks or not _does_something(text):
        return Programs(plain)
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return Programs([Found(text[start:end], (start, end), "bare")])


def _blocks(text: str) -> tuple[list[tuple[str, Found]], bool]:
    """Return the complete fenced blocks with their marks, and whether a fence is open at the end."""
    blocks = []
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif fence[1][0] == opening[1][0] and len(fence[1]) >= len(opening[1]) and not fence[2].strip():
            tag = opening[2].strip().lower().split()[:1]
            start, end = min(opening.end() + 1, fence.start()), fence.start()
            code = text[start:end].strip("\n")
            first = start + len(text[start:end]) - len(text[start:end].lstrip("\n"))
            blocks.append(("".join(tag), Found(code, (first, first + len(code)), "fence")))
            opening = None
    return blocks, opening is not None


def parsed(code: str) -> ast.Module | None:
    """Return a program's syntax tree; None for what is no Python here, or too deep to tell."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _does_something(text: str) -> bool:
    """Return whether a text is a program: it parses, and calls, defines or imports. `answer: 42` parses, too."""
    tree = parsed(text)
    return tree is not None and any(isinstance(node, _DOES) for node in ast.walk(tree))


def spelled(code: str, name: str) -> str | None:
    """Return how a program's function is called, `fn` or `Solution().fn`; None when it has no such function."""
    tree = parsed(code)
    if tree is None:
        return None
    if any(name in _named(node) for node in methods(tree)):
        return f"Solution().{name}"
    return name if any(name in _named(node) for node in tree.body) else None


def methods(tree: ast.Module) -> list[ast.stmt]:
    """Return what stands in the body of the last class named Solution."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Solution"]
    return classes[-1].body if classes else []


def _named(node: ast.stmt) -> set[str]:
    """Return the names that a statement gives to what may be a function."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case _:
            return set()


def same(one: str, two: str) -> bool:
    """Return whether two programs are the same but for layout and comments."""
    if one == two:
        return True
    first, second = parsed(one), parsed(two)
    if first is None or second is None:
        return False
    try:
        return ast.dump(first) == ast.dump(second)
    except RecursionError:
        return False
