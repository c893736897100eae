"""How many short programs a second each sandbox runs, beside a bare interpreter started for each of them.

    python benchmarks/sandbox.py [--runs 400] [--rounds 3] [--bar 100]

A program is a script that reads a line and prints it, or a function that is called three times. Rounds of all sandboxes
and of the bare interpreter take turns, as many at once as there are cores; printed is the median of each. *CPU ms* is
what a run costs on all sides, and *at most* the rate at which it would use up all cores: the difference is what other
work on the machine takes away. *start* is a sandbox's first answer, *probes* its self-test. Exits 1 when a sandbox that
is here stays below the bar.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from judgebench import registry
from judgebench.pairs.sandbox import Outcome, Program, Sandbox
from judgebench.pairs.sandbox.host import cores, executable

SCRIPT = Program("print(input())", "hello\n")
CALLS = Program("def f(x): return x * x", calls=(("f", (3,)),) * 3)
KINDS = {"script": SCRIPT, "3 calls": CALLS}
BARE = "bare interpreter"
TICK = 1000 / os.sysconf("SC_CLK_TCK")


class Rate(NamedTuple):
    """Runs a second, and CPU milliseconds a run."""

    runs: float
    cpu: float


def spent() -> float:
    """Return the CPU milliseconds that this process, its descendants, and those they have waited for have used."""
    times, parents = {}, {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(entry.name)] = int(fields[1])
                times[int(entry.name)] = sum(map(int, fields[11:15])) * TICK
    family = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(times.get(process, 0.0) for process in family)


def rate(runs: int, act: Callable[[], Iterable[object]]) -> Rate:
    before, started = spent(), time.perf_counter()
    for _ in act():
        pass
    seconds = time.perf_counter() - started
    return Rate(runs / seconds, (spent() - before) / runs)


def bare(runs: int) -> Rate:
    """Start an interpreter for each run of SCRIPT, without any sandbox."""

    def one(_: int) -> None:
        command = [executable(), "-I", "-S", "-B", "-c", SCRIPT.code]
        done = subprocess.run(command, input=SCRIPT.stdin.encode(), capture_output=True, check=True)
        assert done.stdout == b"hello\n"

    with ThreadPoolExecutor(cores()) as pool:
        return rate(runs, lambda: pool.map(one, range(runs)))


def inside(sandbox: Sandbox, program: Program, runs: int) -> Rate:
    """Run a program in a sandbox, as often as asked."""

    def checked() -> Iterable[Outcome]:
        for outcome in sandbox.run_many(program for _ in range(runs)):
            assert outcome.status == "ok", outcome
            yield outcome

    return rate(runs, checked)


def started() -> dict[str, tuple[Sandbox, float, float]]:
    """Return the sandboxes that pass here, with the seconds of their first answer and of their probes."""
    found = {}
    for name in registry.names("sandboxes"):
        sandbox: Sandbox = registry.load("sandboxes", name)()
        lack = sandbox.missing()
        if lack:
            print(f"{name}: {lack}", file=sys.stderr)
            continue
        begun = time.perf_counter()
        assert sandbox.run(SCRIPT).stdout == "hello\n"
        ready = time.perf_counter()
        reason = sandbox.available()
        if reason:
            print(f"{name}: {reason}", file=sys.stderr)
            sandbox.close()
            continue
        found[name] = (sandbox, ready - begun, time.perf_counter() - ready)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bar", type=float, default=100.0)
    options = parser.parse_args()
    found = started()
    rates: dict[tuple[str, str], list[Rate]] = {}
    for _ in range(options.rounds):
        rates.setdefault((BARE, "script"), []).append(bare(options.runs // 4))
        for name, (sandbox, *_) in found.items():
            for kind, program in KINDS.items():
                rates.setdefault((name, kind), []).append(inside(sandbox, program, options.runs))
    medians = {key: Rate(*map(statistics.median, zip(*values, strict=True))) for key, values in rates.items()}
    print(f"{cores()} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{'':18} {'program':8} {'runs/s':>7} {'x bare':>7} {'CPU ms':>7} {'at most':>8} {'start s':>8} {'probes s':>9}"
    )
    for (name, kind), median in medians.items():
        times = "".join(f"{seconds:9.2f}" for seconds in found[name][1:]) if name in found else ""
        against = median.runs / medians[BARE, "script"].runs
        most = 1000 * cores() / median.cpu
        print(f"{name:18} {kind:8} {median.runs:7.0f} {against:7.1f} {median.cpu:7.1f} {most:8.0f}{times}")
    for sandbox, *_ in found.values():
        sandbox.close()
    return int(any(median.runs < options.bar for (name, _), median in medians.items() if name != BARE))


if __name__ == "__main__":
    sys.exit(main())
