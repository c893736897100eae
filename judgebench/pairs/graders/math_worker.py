"""The process in which expressions are compared: one JSON line in, one out. Started and killed by `math`.

math-verify needs a process of its own: its time limits are signals, which threads cannot have, and what exceeds them
comes back as "not equal". Here it has none; whoever started this process ends it. Only LaTeX is parsed, by a grammar:
the reader of plain expressions, which hands its text to Python, is never used.
"""

import json
import resource
import sys
from typing import Any

MEMORY = 2 << 30
"""Bytes of address space: an expression that wants more ends this process."""
DEEPEST = 5_000
"""Python's recursion limit here; sympy recurses."""


def main() -> None:
    """Answer comparisons until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(DEEPEST)
    replies, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no reply
    _silence()
    import math_verify  # noqa: F401 - it is there, or this process ends before it is ready

    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = compare(asked["gold"], asked["answer"], asked["digits"])
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise means: cannot say
            said = {"forth": None, "back": None, "detail": type(error).__name__}
        print(json.dumps(said), file=replies, flush=True)


def _silence() -> None:
    import logging
    import warnings

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def compare(gold: str, answer: str, digits: int) -> dict[str, Any]:
    """Compare two LaTeX expressions in both directions; None where either cannot be parsed."""
    from math_verify import verify

    one, two = _parse(gold), _parse(answer)
    if one is None or two is None:
        which = "the gold" if one is None else "the answer"
        return {"forth": None, "back": None, "detail": f"{which} cannot be parsed"}
    options = {"float_rounding": digits, "timeout_seconds": None, "raise_on_error": True}
    return {"forth": verify(one, two, **options), "back": verify(two, one, **options), "detail": ""}


def _parse(text: str) -> list[Any] | None:
    from math_verify import LatexExtractionConfig, parse

    found = parse(
        f"${text}$", extraction_config=[LatexExtractionConfig()], fallback_mode="no_fallback",
        parsing_timeout=None, raise_on_error=True,
    )  # fmt: skip
    return found or None


if __name__ == "__main__":
    main()
