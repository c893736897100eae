r"""Programs: whether a response's program passes every test. It runs in a sandbox, and nowhere else.

Gold: `{"tests": [...], "name": "fn", "starter": "...", "before": "...", "prelude": true, "tolerance": 1e-6,
"seconds": 6, "memory": 1024}`; only `tests` must be there. A test is `{"kind": "stdin", "input": "2 3\n", "output":
"5\n"}`, for a program that reads standard input, or `{"kind": "functional", "input": [2, 3], "output": 5}`, for the
function `name`, alone or as a method of `class Solution`; an input that JSON cannot hold is the text of a Python tuple.
`prelude` puts imports of the standard library before the program, `before` other code. `seconds` (each test) and
`memory` (MiB) are part of what is asked: a program that needs more of them is wrong, as one that crashes is. No output
that is wanted enters the sandbox.

Undecided: the sandbox broke, or the program needs a package that is not there. There is no checker for tasks with
several valid outputs: sources leave them out. Where a test has less than 15 seconds, it must time out twice.
"""

import re
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from judgebench.pairs.graders.base import Grader, bad_gold
from judgebench.pairs.graders.extract import Found
from judgebench.pairs.programs.comparing import same_output, same_value
from judgebench.pairs.programs.composing import PRELUDE, call, compose
from judgebench.pairs.programs.finding import parsed, programs, same, spelled
from judgebench.pairs.records import Grade, Question, Response
from judgebench.pairs.sandbox import choosing, host
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.program import MIB, Outcome, Program

SECONDS, MEMORY = 6.0, 1024
PATIENT = 15.0
"""From so many seconds on, a program's timeout counts at once: no busy machine explains it."""
CALLS = 64
"""Calls made in one run of a program."""
AHEAD = 4
"""Responses in hand per core when many are graded."""
CRASHES = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"})
"""Signals that a program brings upon itself; any other that ends it comes from outside."""
_ABSENT = re.compile(r"ModuleNotFoundError: No module named '([^']*)'")
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Failure:
    """The first test that a program does not pass, and why; `decided` when that is the program's doing."""

    test: int
    why: str
    decided: bool = True


class Code(Grader):
    """Tests in a sandbox: the best there is, chosen when the first program runs."""

    name: ClassVar[str] = "code"
    version: ClassVar[int] = 1

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self.unsafe_local = False
        self._sandbox = sandbox
        self._choosing = threading.Lock()

    @property
    def sandbox_name(self) -> str | None:
        """Return the sandbox that is in use; None before the first program."""
        return self._sandbox.name if self._sandbox else None

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold has no tests, or none that can be run."""
        gold = question.gold
        tests, name = gold.get("tests"), gold.get("name")
        if not isinstance(tests, list) or not tests:
            raise bad_gold(question, "tests", "is no list of tests")
        for number, test in enumerate(tests, start=1):
            problem = _problem(test)
            if problem:
                raise bad_gold(question, "tests", f"test {number}: {problem}")
        named = isinstance(name, str) and _NAME.fullmatch(name)
        if not named and any(test["kind"] == "functional" for test in tests):
            raise bad_gold(question, "name", "is no function's name, and functional tests need one")
        for field in ("seconds", "memory", "tolerance"):
            value = gold.get(field, 1)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise bad_gold(question, field, "is no number from 0 up")

    def grade(self, question: Question, response: Response) -> Grade:
        """Grade one response. Raises MissingPrerequisite when there is no sandbox here."""
        if cut := self.cut(response):
            return cut
        found = programs(response.text)
        if found.open:
            return self.says("truncated", detail="the last fence is never closed")
        if not found.found:
            return self.says("format_fail", detail="no Python program, fenced or bare")
        answer, way = _fitting(question, found.found)
        if way is None and question.gold.get("name"):
            why = f"the program has no function {question.gold['name']}"
            return self.says("format_fail", answer.method, answer.answer, answer.span, why)
        failure = self._failure(question, answer.answer, way or "")
        if failure is None:
            return self.says("right", answer.method, answer.answer, answer.span)
        why = f"test {failure.test + 1} of {len(question.gold['tests'])}: {failure.why}"
        return self.says("wrong" if failure.decided else "undecided", answer.method, answer.answer, answer.span, why)

    def equivalent(self, question: Question, one: str, two: str) -> bool | None:  # noqa: ARG002 - as the base has it
        """Return whether two programs are the same but for layout; a right and a wrong one never do the same."""
        return same(one, two)

    def grade_all(self, jobs: Iterable[tuple[Question, Response]]) -> Iterator[Grade]:
        """Grade a stream of responses, in order, as many at once as there are cores."""
        size = host.cores()
        waiting: deque[Future[Grade]] = deque()
        pool = ThreadPoolExecutor(size, "code")
        try:
            for job in jobs:
                waiting.append(pool.submit(self.grade, *job))
                if len(waiting) >= AHEAD * size:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self) -> None:
        """End the sandbox."""
        if self._sandbox:
            self._sandbox.close()

    def _box(self) -> Sandbox:
        with self._choosing:
            if self._sandbox is None:
                self._sandbox = choosing.choose(unsafe_local=self.unsafe_local)
            return self._sandbox

    def _failure(self, question: Question, code: str, way: str) -> Failure | None:
        """Return the first test that a program does not pass; None when it passes all."""
        first = 0
        for kind, group in groupby(question.gold["tests"], key=lambda test: test["kind"]):
            tests = list(group)
            if kind == "stdin":
                failure = self._scripts(question, code, tests)
            else:
                failure = self._calls(question, code, way, tests)
            if failure:
                return Failure(first + failure.test, failure.why, failure.decided)
            first += len(tests)
        return None

    def _scripts(self, question: Question, code: str, tests: list[dict[str, Any]]) -> Failure | None:
        whole, limits, tolerance = compose(code, _before(question)), _limits(question), _tolerance(question)
        for number, test in enumerate(tests):
            outcome = self._box().run(Program(whole, test["input"], **limits))
            if outcome.status == "timeout" and limits["seconds"] < PATIENT:
                outcome = self._box().run(Program(whole, test["input"], **limits))
            if outcome.status != "ok":
                return _failed(number, outcome)
            if not same_output(outcome.stdout, test["output"], tolerance):
                return Failure(number, "another output than wanted")
        return None

    def _calls(self, question: Question, code: str, way: str, tests: list[dict[str, Any]]) -> Failure | None:
        """Make many calls in one run. The one that ends it, or is answered wrongly, is made again in a run of its own:
        each test has all of the time, and a program does not fail for what it remembers of other tests.
        """  # noqa: D205 - the second sentence belongs to it
        whole, limits = compose(code, _before(question), way), _limits(question)
        number, alone = 0, False
        while number < len(tests):
            batch = tests[number : number + (1 if alone else CALLS)]
            asked = tuple(call(way, test["input"]) for test in batch)
            outcome = self._box().run(Program(whole, calls=asked, **limits))
            passed = _passed(outcome.values, batch, _tolerance(question))
            if alone and not passed:
                answered = bool(outcome.values)
                return Failure(number, "another value than wanted") if answered else _failed(number, outcome)
            alone = passed < len(batch)
            number += passed
        return None


def _passed(values: tuple[Any, ...], tests: list[dict[str, Any]], tolerance: float) -> int:
    """Return how many tests the values pass, up to the first that does not."""
    for number, (value, test) in enumerate(zip(values, tests, strict=False)):
        if not same_value(value, test["output"], tolerance):
            return number
    return len(values)


def _problem(test: object) -> str:
    """Return what is wrong with a test, '' when nothing is."""
    match test:
        case {"kind": "stdin", "input": str(), "output": str()}:
            return ""
        case {"kind": "functional", "input": str() | list(), "output": _}:
            return ""
        case {"kind": "stdin"}:
            return "input and output must be text"
        case {"kind": "functional"}:
            return "input must be a list of arguments or the text of a tuple, and output must be there"
        case _:
            return "its kind is neither stdin nor functional"


def _fitting(question: Question, found: list[Found]) -> tuple[Found, str | None]:
    """Return the last program that has the function that is asked for, and how it is called; else the last one.

    What is no Python here is called as the starter has it: the sandbox has the last word.
    """
    name = question.gold.get("name")
    if not name:
        return found[-1], None
    for one in reversed(found):
        if way := spelled(one.answer, name):
            return one, way
    if parsed(found[-1].answer):
        return found[-1], None
    return found[-1], f"Solution().{name}" if "class Solution" in (question.gold.get("starter") or "") else name


def _before(question: Question) -> str:
    """Return the code that goes before a program."""
    parts = [PRELUDE if question.gold.get("prelude") else "", question.gold.get("before") or ""]
    return "\n".join(part for part in parts if part)


def _limits(question: Question) -> dict[str, Any]:
    gold = question.gold
    return {"seconds": float(gold.get("seconds", SECONDS)), "memory": int(gold.get("memory", MEMORY)) * MIB}


def _tolerance(question: Question) -> float:
    return float(question.gold.get("tolerance", 0.0))


def _failed(number: int, outcome: Outcome) -> Failure:
    """Return the failure of a test that did not end well."""
    absent = _ABSENT.search(outcome.detail)
    if outcome.status == "error" and absent:
        return Failure(number, f"needs a package that is not there: {absent[1]}", decided=False)
    if outcome.status == "killed" and outcome.detail not in CRASHES:
        return Failure(number, f"the sandbox broke: {outcome.detail}", decided=False)
    return Failure(number, f"{outcome.status}: {outcome.detail}")
