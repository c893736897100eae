"""What is run, and what comes of it."""

from dataclasses import dataclass
from typing import Any, Literal

MIB = 1 << 20
Status = Literal["ok", "error", "timeout", "memory", "output", "killed"]


@dataclass(frozen=True)
class Program:
    """Python to run, and what it gets.

    Without `calls` it runs as a script that reads `stdin`. With calls it is imported, and each call is made in turn:
    (`function` or `Class().method`, arguments that JSON can hold). `seconds` is wall time for all of it, `memory` bytes
    of address space.
    """

    code: str
    stdin: str = ""
    calls: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    seconds: float = 6.0
    memory: int = 512 * MIB


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    `ok`: by itself, with status 0, all calls answered. `error`: an exception, another status, or a call without an
    answer. `timeout`, `memory`, `output`: at that limit. `killed`: by a signal. `values` are what its calls returned,
    in order, as JSON gives them back (tuples are lists, keys are strings); fewer than the calls unless `ok`. `detail`
    is one line about what went wrong, in words that may be the program's.
    """

    status: Status
    stdout: str = ""
    values: tuple[Any, ...] = ()
    detail: str = ""
