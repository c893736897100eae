"""The sample tests that a problem's statement shows: to check a label without the hidden tests.

Three styles are read. LeetCode: `Input: nums = [1,2], k = 3` and `Output: 4`; the function is the method of the
response's `class Solution` whose parameters have these names. Codeforces: `Sample Input 1:`, whose lines are doubled.
AtCoder: `Sample Input 1`, with carriage returns, and prose after an output's first empty line.
"""

import ast
import json
import re
from typing import Any

from judgebench.pairs.programs.finding import methods, parsed

Test = dict[str, Any]
_SAMPLE = re.compile(
    r"^[ \t]*Sample Input \d+(?P<colon>:?)[ \t]*\n(?P<input>.*?)"
    r"^[ \t]*Sample Output \d+:?[ \t]*\n(?P<output>.*?)(?=^[ \t]*Sample Input \d+|\Z)",
    re.MULTILINE | re.DOTALL,
)
_EXAMPLE = re.compile(r"^[ \t]*Input:[ \t]*(?P<input>.+?)\n[ \t]*Output:[ \t]*(?P<output>.+?)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*")
_ERROR = re.compile(r"(?:absolute|relative) error[^.]{0,120}?10\s*\^\s*\{?\s*-\s*(\d{1,2})", re.DOTALL)


def samples(statement: str, response: str) -> list[Test]:
    """Return the tests that a statement shows, of the kind that the response was written for.

    None for a program with a `class Solution` whose methods fit no example.
    """
    statement = statement.replace("\r\n", "\n")
    standard = [_standard(one) for one in _SAMPLE.finditer(_headed(statement))]
    if standard:
        return standard
    examples = [example for one in _EXAMPLE.finditer(statement) if (example := _example(one))]
    if not examples or method(response, list(examples[0][0])) is None:
        return []
    return [{"kind": "functional", "input": list(given.values()), "output": wanted} for given, wanted in examples]


def names(statement: str) -> list[str]:
    """Return the names of the arguments in a statement's first example."""
    first = next((one for one in map(_example, _EXAMPLE.finditer(statement.replace("\r\n", "\n"))) if one), None)
    return list(first[0]) if first else []


def method(response: str, arguments: list[str]) -> str | None:
    """Return the method of a response's `class Solution` that takes the arguments: by their names, or as many."""
    tree = parsed(response)
    found = [node for node in (methods(tree) if tree else []) if isinstance(node, ast.FunctionDef)]
    taken = {node.name: [one.arg for one in (*node.args.posonlyargs, *node.args.args)][1:] for node in found}
    by_names = [name for name, own in taken.items() if own == arguments]
    by_number = [name for name, own in taken.items() if len(own) == len(arguments) and not name.startswith("_")]
    return next(iter([*by_names, *by_number]), None)


def tolerance(statement: str) -> float:
    """Return how far off a number may be by the statement: 0 where it says nothing of an error."""
    found = _ERROR.search(statement)
    return 10.0 ** -int(found[1]) if found else 0.0


def _headed(statement: str) -> str:
    """Return the statement with the first heading on a line of its own, which some lack."""
    return re.sub(r"(?<=\S)(Sample Input 1:?[ \t]*\n)", r"\n\1", statement)


def _standard(sample: re.Match[str]) -> Test:
    given = sample["input"].strip("\n")
    if sample["colon"]:
        given = re.sub(r"\n+", "\n", given)
    wanted = sample["output"].lstrip("\n").split("\n\n", 1)[0]
    return {"kind": "stdin", "input": given + "\n", "output": wanted}


def _example(example: re.Match[str]) -> tuple[dict[str, Any], Any] | None:
    """Return an example's arguments by name, and its output; None when they cannot be read."""
    text, place, given = example["input"], 0, {}
    decoder = json.JSONDecoder()
    try:
        while name := _NAME.match(text, place):
            given[name[1]], place = decoder.raw_decode(text, name.end())
            rest = text[place:].lstrip()
            place = len(text) - len(rest.removeprefix(","))
        return (given, json.loads(example["output"])) if given and not text[place:].strip() else None
    except (ValueError, RecursionError):
        return None
