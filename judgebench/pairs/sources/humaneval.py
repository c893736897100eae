"""HumanEval+ (EvalPlus): functions to complete, tested on many inputs.

The dataset has inputs and a reference solution. What is to come out is what that solution returns, run in the sandbox.
"""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from judgebench.errors import RowProblem
from judgebench.pairs.programs.composing import call, compose
from judgebench.pairs.records import Question
from judgebench.pairs.sandbox import choosing
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.program import MIB, Program
from judgebench.pairs.sources.base import Entry, Source
from judgebench.pairs.sources.reading import Stream
from judgebench.task import Row
from judgebench.tasks.fields import identifier, text, value

BATCH = 64
"""Calls of the reference solution in one run, and the time and memory for them."""
SECONDS, MEMORY = 30.0, 1024 * MIB
TOLERANCE = 1e-6
"""How far off a number with a fraction may be, where the dataset does not say."""
FORM = "Put the whole function, with the imports that it needs, in one block that opens with ```python."


class EvalPlus(Source):
    """What EvalPlus's two datasets share: `task_id`, `prompt`, `entry_point`, `canonical_solution`, `base_input`,
    `plus_input`, `atol`. A question whose reference solution does not answer all inputs, in JSON, is left out.
    """  # noqa: D205 - one sentence

    version: ClassVar[int] = 1
    _sandbox: Sandbox

    def entries(self, rows: Stream) -> Iterator[Entry | RowProblem]:
        """Yield the entries of all rows. Raises MissingPrerequisite when there is no sandbox here."""
        with choosing.choose(unsafe_local=self.options.unsafe_local) as self._sandbox:
            yield from super().entries(rows)

    def question(self, row: Row) -> Question | None:
        """Return a row's question; None when it is left out."""
        key, name, prompt = identifier(row, "task_id"), text(row, "entry_point"), text(row, "prompt")
        if self.excluded(key) or self.excluded(name):  # before its solution is run
            return None
        inputs = self.inputs(row, [*_inputs(row, "base_input"), *_inputs(row, "plus_input")])
        if inputs is None:
            return None
        if not inputs:
            raise row.problem("base_input", "no inputs")
        outputs = self._outputs(self.reference(row), name, inputs)
        if isinstance(outputs, str):
            self.drop(f"the reference solution does not answer all inputs in JSON ({outputs})")
            return None
        tests = [
            {"kind": "functional", "input": given, "output": wanted}
            for given, wanted in zip(inputs, outputs, strict=True)
        ]
        tolerance = max(float(row.data.get("atol") or 0), TOLERANCE)
        gold = {"tests": tests, "name": name, "before": self.before(row), "prelude": True, "tolerance": tolerance}
        return self.make(row, key=key, prompt=self.ask(prompt, name), gold=gold, meta={"subject": "functions"})

    def inputs(self, row: Row, given: list[Any]) -> list[list[Any] | str] | None:  # noqa: ARG002 - for those that differ
        """Return the inputs in the grader's layout; None when the question is left out, which has been counted."""
        return given

    def reference(self, row: Row) -> str:
        """Return the reference solution as a whole program."""
        raise NotImplementedError

    def before(self, row: Row) -> str:
        """Return the code that a response may assume."""
        raise NotImplementedError

    def ask(self, prompt: str, name: str) -> str:
        """Return what is asked."""
        raise NotImplementedError

    def _outputs(self, code: str, name: str, inputs: list[list[Any] | str]) -> list[Any] | str:
        """Return what the reference solution returns for each input, or how it failed."""
        whole = compose(code, call=name)
        calls = [call(name, one) for one in inputs]
        batches = [tuple(calls[start : start + BATCH]) for start in range(0, len(calls), BATCH)]
        programs = [Program(whole, calls=batch, seconds=SECONDS, memory=MEMORY) for batch in batches]
        values: list[Any] = []
        for outcome in self._sandbox.run_many(programs):
            values += outcome.values
            if outcome.status != "ok":
                return outcome.status
        try:
            json.dumps([inputs, values], allow_nan=False)
        except ValueError:
            return "not a number, or infinite"
        return values


def _inputs(row: Row, field: str) -> list[Any]:
    found = value(row, field) or []
    if not isinstance(found, list) or not all(isinstance(one, list) for one in found):
        raise row.problem(field, "expected a list of lists of arguments")
    return found


class HumanEvalPlus(EvalPlus):
    """`prompt` is the function's head with its docstring, `canonical_solution` what goes on from there."""

    def reference(self, row: Row) -> str:
        """Return the head and the body."""
        return text(row, "prompt") + text(row, "canonical_solution")

    def before(self, row: Row) -> str:
        """Return the head: it has imports and helpers that a response need not repeat."""
        return text(row, "prompt").rstrip()

    def ask(self, prompt: str, name: str) -> str:
        """Return what is asked."""
        return f"Complete the Python function {name}.\n\n```python\n{prompt.strip()}\n```\n\n{FORM}"
