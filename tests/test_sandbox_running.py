"""What honest programs can count on, in every sandbox that is here."""

import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from judgebench.pairs.sandbox import host
from judgebench.pairs.sandbox.base import AHEAD, Sandbox
from judgebench.pairs.sandbox.program import MIB, Outcome, Program
from sandboxes import BACKENDS, ROOT, function, lacking, script


@pytest.fixture(scope="module", params=BACKENDS)
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    lacking(request.param)
    with BACKENDS[request.param](2) as sandbox:
        yield sandbox


def printed(outcome: Outcome) -> str:
    assert outcome.status == "ok", outcome
    return outcome.stdout


# --- scripts ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        "print(int(input()) + int(input()))",
        "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
        "import sys\nprint(sum(int(line) for line in sys.stdin))",
        "print(sum(map(int, open(0).read().split())))",
        "import os\nprint(sum(map(int, os.read(0, 1 << 20).split())))",
        "import io, os\nprint(sum(map(int, io.BytesIO(os.read(0, os.fstat(0).st_size)).read().split())))",
        "import sys\ninput = sys.stdin.buffer.readline\nprint(int(input()) + int(input()))",
        "import sys\nsys.stdin.readline(); sys.stdin.seek(0)\nprint(sum(map(int, sys.stdin)))",
        "import mmap\nprint(sum(map(int, mmap.mmap(0, 0, access=mmap.ACCESS_READ).read().split())))",
        "def main():\n    print(int(input()) + int(input()))\nif __name__ == '__main__':\n    main()",
    ],
)
def test_every_way_to_read_stdin(box: Sandbox, code: str) -> None:
    assert printed(box.run(Program(code, "2\n40\n"))) == "42\n"


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.stdout.write('42\\n')",
        "import os\nos.write(1, b'42\\n')",
        "import atexit, sys\natexit.register(lambda: sys.stdout.write('42\\n'))",
        "import sys\nsys.stdout.buffer.write(b'42\\n')",
        "out = open(1, 'w')\nout.write('42\\n')",
        "import threading\nthreading.Thread(target=print, args=(42,)).start()",
        "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 27)\nthread = threading.Thread(target=lambda: print(42))\nthread.start()\nthread.join()",
        "import sys\nclass Out:\n    def write(self, text): kept.append(text)\n    def flush(self): out.write(''.join(kept)); out.flush()\nkept, out = [], sys.stdout\nsys.stdout = Out()\nprint(42)",
        "import resource\nresource.setrlimit(resource.RLIMIT_STACK, (1 << 26, -1))\nprint(42)",
        "print(42)\nexit()",
        "import sys\nprint(42)\nsys.exit(0)",
        "import asyncio\nasync def f(): await asyncio.sleep(0); print(42)\nasyncio.run(f())",
        "import contextlib, os\nwith contextlib.redirect_stdout(open(os.devnull, 'w')): print(1)\nprint(42)",
        "import sys\nprint(42)\nsys.stdout.flush()\nsys.stdout.close()",
    ],
)
def test_every_way_to_print_and_to_end(box: Sandbox, code: str) -> None:
    assert printed(box.run(Program(code))) == "42\n"


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("\n1 / 0", "line 2: ZeroDivisionError: division by zero"),
        ("def f():\n  g()\ndef g():\n  {}[1]\nf()", "line 4: KeyError: 1"),
        ("x = (", "line 1: SyntaxError: '(' was never closed (<program>, line 1)"),
        ("input()", "line 1: EOFError: EOF when reading a line"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("import sys; sys.exit('no')", "exit status no"),
        ("import os; os._exit(4)", "exit status 4"),
        ("import no_such_module", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("def f(): f()\nf()", "line 1: RecursionError: maximum recursion depth exceeded"),
        ("class E(Exception):\n  def __str__(self): raise self\nraise E", "line 3: an exception without a message"),
        ("raise KeyboardInterrupt", "line 1: KeyboardInterrupt: "),
    ],
)
def test_what_went_wrong_is_said(box: Sandbox, code: str, detail: str) -> None:
    outcome = box.run(Program(code))
    assert (outcome.status, outcome.detail) == ("error", detail)


def test_code_that_is_no_text_is_an_error(box: Sandbox) -> None:
    assert "null bytes" in box.run(Program("a\0b")).detail
    assert box.run(Program("x = '\ud800'")).status == "error"


def test_an_exit_status_that_the_kernel_takes_for_0_is_0(box: Sandbox) -> None:
    assert box.run(Program("raise SystemExit(256)")).status == "ok"


def test_deep_recursion_has_room(box: Sandbox) -> None:
    code = "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(100000))"
    assert printed(box.run(Program(code))) == "100000\n"
    endless = box.run(
        Program(
            "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n  def __getattr__(self, n): return getattr(self, n + 'x')\nA().a",
            seconds=8,
        )
    )
    assert endless.status in {"killed", "memory", "error"}


def test_text_of_every_language(box: Sandbox) -> None:
    assert printed(box.run(Program("print(input()[::-1], 'é')", "日本🎈"))) == "🎈本日 é\n"
    assert printed(box.run(Program("import sys\nprint(len(sys.stdin.read()))", "\ud800\n"))) == "2\n"
    assert box.run(script("import os\nos.write(1, bytes([255]))")).stdout == "\ufffd"


def test_large_input_and_output(box: Sandbox) -> None:
    text = "0123456789" * 700_000
    assert printed(box.run(Program("print(input())", text))) == text + "\n"


def test_the_standard_library_is_there(box: Sandbox) -> None:
    names = "array bisect cmath csv ctypes datetime decimal difflib fractions hashlib heapq json lzma numbers queue sqlite3 ssl statistics unicodedata zlib zoneinfo"
    code = (
        "\n".join(f"import {name}" for name in names.split()) + "\nprint(zoneinfo.ZoneInfo('UTC'), 'x'.encode('cp437'))"
    )
    assert printed(box.run(Program(code))) == "UTC b'x'\n"


def test_its_packages_are_not(box: Sandbox) -> None:
    outcome = box.run(script("import pydantic"))
    assert outcome.detail == "line 1: ModuleNotFoundError: No module named 'pydantic'"


def test_limits_are_the_programs_own(box: Sandbox) -> None:
    code = "x = bytearray(200 << 20)\nprint(len(x))"
    assert box.run(Program(code, memory=128 * MIB)).status == "memory"
    assert printed(box.run(Program(code))) == f"{200 << 20}\n"
    assert box.run(Program("import time; time.sleep(0.5)", seconds=0.1)).status == "timeout"
    assert box.run(Program("import time; time.sleep(0.5)")).status == "ok"


# --- calls --------------------------------------------------------------------------------------------------------
def test_functions_and_methods_are_called_in_order() -> None:
    lacking("landlock")
    program = Program(
        "class Solution:\n    def __init__(self): self.seen = []\n    def add(self, x): self.seen.append(x); return self.seen\n"
        "total = 0\ndef count(n):\n    global total\n    total += n\n    return total",
        calls=(("Solution().add", (1,)), ("Solution().add", (2,)), ("count", (5,)), ("count", (6,))),
    )
    with BACKENDS["landlock"](1) as sandbox:
        assert sandbox.run(program) == Outcome("ok", "", ([1], [2], 5, 11))


def test_values_are_json(box: Sandbox) -> None:
    value = [None, True, 1, 1.5, "é", {"a": [1]}, 10**30, -0.0]
    assert box.run(function("def f(x): return x", value)).values == (value,)
    assert box.run(function("def f(): return (1, (2, 3)), {1: 2}")).values == ([[1, [2, 3]], {"1": 2}],)
    (odd,) = box.run(function("def f(): return [float('nan'), float('inf')]")).values
    assert math.isnan(odd[0])
    assert odd[1] == math.inf


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("def f(): return {1, 2}", "TypeError: Object of type set is not JSON serializable"),
        ("def f(): return 10 ** 5000", "ValueError: Exceeds the limit (4300 digits) for integer string conversion"),
        ("def f():\n  x = []\n  x.append(x)\n  return x", "ValueError: Circular reference detected"),
        ("def f():\n  x = []\n  for _ in range(10**6): x = [x]\n  return x", "RecursionError: maximum recursion depth"),
        ("def g(): return 1", "KeyError: 'f'"),
        ("def f(a): return 1", "TypeError: f() missing 1 required positional argument: 'a'"),
        ("def f():\n  import sys\n  sys.exit(0)", "the program ended before it had answered"),
        ("def f():\n  raise ValueError(1)", "line 2: ValueError: 1"),
    ],
)
def test_a_call_without_a_value_is_an_error(box: Sandbox, code: str, detail: str) -> None:
    outcome = box.run(function(code))
    assert (outcome.status, outcome.values) == ("error", ())
    assert outcome.detail.startswith(detail)


def test_answers_before_an_error_are_kept(box: Sandbox) -> None:
    outcome = box.run(function("n = 0\ndef f():\n  global n\n  n += 1\n  return 1 // (3 - n)", times=5))
    assert (outcome.status, outcome.values) == ("error", (0, 1))
    assert outcome.detail.startswith("line 5: ZeroDivisionError")


def test_large_arguments_and_values(box: Sandbox) -> None:
    rows = [[i] * 10 for i in range(30_000)]
    assert box.run(function("def f(x): print('y' * 100000, flush=True); return x", rows, times=3)).values == (rows,) * 3


def test_arguments_nobody_reads_hold_nothing_up(box: Sandbox) -> None:
    outcome = box.run(
        function("import os, time\ndef f(x):\n  os.set_blocking(3, False)\n  return 1", "x" * MIB, times=4)
    )
    assert outcome.status in {"ok", "error"}
    assert (
        box.run(Program("import time; time.sleep(9)\ndef f(x): pass", calls=(("f", ("x" * MIB,)),), seconds=0.3)).status
        == "timeout"
    )
    assert printed(box.run(script("print(1)"))) == "1\n"


def test_an_imported_program_is_not_main(box: Sandbox) -> None:
    outcome = box.run(
        function("ran = __name__ == '__main__'\ndef f(): return [ran, f.__module__ in __import__('sys').modules]")
    )
    assert outcome.values == ([False, True],)


# --- many ---------------------------------------------------------------------------------------------------------
def test_a_stream_comes_back_in_order_and_is_not_swallowed(box: Sandbox) -> None:
    taken = 0

    def programs() -> Iterator[Program]:
        nonlocal taken
        for number in range(60):
            taken = number
            yield script(f"import time; time.sleep({0.02 * (number % 3 == 0)}); print({number})")

    outcomes = box.run_many(programs())
    assert [printed(next(outcomes)) for _ in range(5)] == [f"{number}\n" for number in range(5)]
    assert taken <= 5 + 2 * AHEAD
    assert [printed(outcome) for outcome in outcomes] == [f"{number}\n" for number in range(5, 60)]


def test_a_stream_that_is_dropped_ends(box: Sandbox) -> None:
    outcomes = box.run_many(script("print(1)") for _ in iter(int, 1))
    assert next(outcomes).stdout == "1\n"
    outcomes.close()  # type: ignore[attr-defined]
    assert printed(box.run(script("print(2)"))) == "2\n"


def test_an_error_in_the_stream_reaches_the_caller(box: Sandbox) -> None:
    def programs() -> Iterator[Program]:
        yield script("print(1)")
        raise LookupError

    with pytest.raises(LookupError):
        list(box.run_many(programs()))


def test_threads_share_a_sandbox(box: Sandbox) -> None:
    results: dict[int, Any] = {}

    def work(number: int) -> None:
        results[number] = [box.run(function(f"def f(x): return x * {number}", i)).values for i in range(4)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [(i * number,) for i in range(4)] for number in range(6)}


def test_workers_run_side_by_side(box: Sandbox) -> None:
    list(box.run_many([script("pass")] * 4))
    started = time.monotonic()
    list(box.run_many([script("import time; time.sleep(0.5)")] * 2))
    assert time.monotonic() - started < 0.95


def test_the_benchmark_runs() -> None:
    lacking("landlock")
    command = [sys.executable, "benchmarks/sandbox.py", "--runs", "8", "--rounds", "1", "--bar", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows[2:]].count("landlock") == 2
    assert all(float(row[-5]) > 0 for row in rows if row[0] == "landlock")


def test_there_is_a_worker_per_core() -> None:
    assert BACKENDS["landlock"]()._size == host.cores()
