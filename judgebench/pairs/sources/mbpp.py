"""MBPP+ (EvalPlus): small functions described in a sentence and one example.

Its inputs are JSON, where tuples and sets look like lists. The example in the prompt shows what they are: each
argument is given the shape that the example has in its place.
"""

import ast
from typing import Any, ClassVar

from judgebench.pairs.programs.finding import parsed
from judgebench.pairs.sources.humaneval import FORM, EvalPlus
from judgebench.task import Row
from judgebench.tasks.fields import text


class MBPPPlus(EvalPlus):
    """`prompt` is a docstring with an assertion, `canonical_solution` the whole function."""

    version: ClassVar[int] = 1

    def reference(self, row: Row) -> str:
        """Return the function."""
        return text(row, "canonical_solution")

    def before(self, row: Row) -> str:  # noqa: ARG002 - nothing may be assumed
        """Return nothing."""
        return ""

    def ask(self, prompt: str, name: str) -> str:
        """Return what is asked: the sentence and its example, out of their quotes."""
        told = prompt.strip().strip("\"'").strip()
        return f"{told}\n\nWrite the Python function {name}. {FORM}"

    def inputs(self, row: Row, given: list[Any]) -> list[list[Any] | str] | None:
        """Return the inputs in the grader's layout: JSON, or a literal where the example has what JSON has not."""
        example = arguments(text(row, "prompt"), text(row, "entry_point"))
        if example is None:
            self.drop("no example that calls the function with literals")
            return None
        if plain(example):
            return given
        try:
            return [repr(tuple(shaped(one, like) for one, like in zip(each, example, strict=True))) for each in given]
        except (ValueError, TypeError):
            self.drop("inputs that are not of the example's shape")
            return None


def arguments(prompt: str, name: str) -> list[Any] | None:
    """Return the arguments of the first call of a function in a prompt's assertion, as literals; None without one."""
    lines = [line.strip() for line in prompt.splitlines() if line.strip().startswith("assert ")]
    for line in lines:
        for node in ast.walk(parsed(line) or ast.Module([], [])):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                try:
                    return [ast.literal_eval(one) for one in node.args]
                except ValueError:
                    return None
    return None


def plain(example: Any) -> bool:
    """Return whether JSON holds a value as it is."""
    match example:
        case list():
            return all(map(plain, example))
        case dict():
            return all(isinstance(key, str) for key in example) and all(map(plain, example.values()))
        case _:
            return example is None or isinstance(example, str | int | float)


def shaped(given: Any, like: Any) -> Any:
    """Return a value from JSON in the shape of an example. Elements beyond the example's are shaped like its last.

    Raises ValueError for an example that is no list, tuple, dict or plain value, such as a set.
    """
    match given, like:
        case list(), list() | tuple():
            shapes = [*like[: len(given)], *like[-1:] * (len(given) - len(like))]
            whole = [shaped(one, each) for one, each in zip(given, shapes, strict=False)] if shapes else given
            return tuple(whole) if isinstance(like, tuple) else whole
        case dict(), dict() if all(isinstance(key, str) for key in like) and like:
            first = next(iter(like.values()))
            return {key: shaped(one, first) for key, one in given.items()}
        case _, _ if plain(like):
            return given
        case _:
            raise ValueError(f"{type(like).__name__} in the example, {type(given).__name__} in an input")
