"""Reading string constants out of Python source, and filling in their `{name}` places. Nothing is ever run.

Many judges' prompts were published as constants in a script. A path names one by the way to it:

    PROMPT                          a name assigned at module level
    conversation.prompt_template    a keyword of the call that is assigned to the name
    PROMPTS.pair                    a key of an assigned dictionary
    Judge.SYSTEM                    a name assigned in the body of a class
    PIECES.0                        an element of an assigned list or tuple

The value is a string literal, several added or standing side by side, or one of these followed by `.strip()`.
"""

import ast
from collections.abc import Mapping
from string import Formatter
from typing import Any

STRIPS = ("strip", "lstrip", "rstrip")


def constant(source: str, path: str) -> str:
    """Return the string constant at `path`. Raises SyntaxError for no Python, LookupError when there is none."""
    node: ast.AST = ast.parse(source)
    for step in path.split("."):
        node = _step(node, step)
    return _text(node)


def _step(node: ast.AST, name: str) -> ast.AST:
    match node:
        case ast.Module(body=body) | ast.ClassDef(body=body):
            found = [_assigned(statement, name) for statement in body]
        case ast.Call(keywords=keywords):
            found = [keyword.value for keyword in keywords if keyword.arg == name]
        case ast.Dict(keys=keys, values=values):
            found = [v for k, v in zip(keys, values, strict=True) if isinstance(k, ast.Constant) and k.value == name]
        case ast.List(elts=elements) | ast.Tuple(elts=elements) if name.isdigit():
            found = list(elements[int(name) : int(name) + 1])
        case _:
            found = []
    kept = [value for value in found if value is not None]
    if not kept:
        raise LookupError(name)
    return kept[-1]  # as in Python, the last assignment counts


def _assigned(statement: ast.stmt, name: str) -> ast.AST | None:
    match statement:
        case ast.Assign(targets=targets, value=value):
            return value if any(isinstance(target, ast.Name) and target.id == name for target in targets) else None
        case ast.AnnAssign(target=ast.Name(id=found), value=value):
            return value if found == name else None
        case ast.ClassDef(name=found):
            return statement if found == name else None
        case _:
            return None


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left) + _text(right)
        case ast.Call(func=ast.Attribute(value=value, attr=method), args=[], keywords=[]) if method in STRIPS:
            return str(getattr(_text(value), method)())
        case _:
            raise LookupError("not a string")


def fill(template: str, variables: Mapping[str, Any]) -> str:
    """Return a template with its `{name}` places filled in, as `str.format` does, but with plain names only.

    Raises LookupError for a name that is not given, ValueError for anything but plain names.
    """
    parts = []
    for literal, name, spec, conversion in Formatter().parse(template):
        parts.append(literal)
        if name is None:
            continue
        if spec or conversion or not name.isidentifier():
            raise ValueError(f"{{{name}}} is more than a name")
        parts.append(str(variables[name]))
    return "".join(parts)
