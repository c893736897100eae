"""How many pairs a second each generator makes on one core, and in how much memory.

    python benchmarks/pairs.py [--generator NAME[,NAME…]] [--pairs 10000] [--rounds 3] [--bar 2000]

Each generator runs in a process of its own, as `judgebench pairs generate --jobs 1` runs it: levels 1 to 5 in turn,
rows encoded and thrown away. *pairs/s* counts the process's own CPU seconds, the best of the rounds, so that other work
on the machine does not count; *wall* is by the clock. *MB* is the process's peak, *more* what it grew by after a
tenth of the pairs: near 0 when nothing is kept. Exits 1 when a generator that runs no programs stays below the bar.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

from judgebench import registry
from judgebench.pairs.generators import stream
from judgebench.pairs.generators.base import LEVELS


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, pairs: int, rounds: int) -> dict[str, float]:
    """Make pairs, in this process."""
    list(stream.stream(stream.blocks([name], max(pairs // 10, 2), 1, range(1, LEVELS + 1)), 1))
    early, size, cpu, wall = peak(), 0, [], []
    for seed in range(rounds):
        started, began = time.process_time(), time.perf_counter()
        for _, data in stream.stream(stream.blocks([name], pairs, seed, range(1, LEVELS + 1)), 1):
            size += len(data)
        cpu.append(time.process_time() - started)
        wall.append(time.perf_counter() - began)
    return {
        "rate": pairs / min(cpu), "wall": pairs / min(wall), "peak": peak(), "more": peak() - early,
        "bytes": size / pairs / rounds,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", default="all")
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bar", type=float, default=2_000)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.generator, options.pairs, options.rounds)))
        return
    print(
        f"{'generator':22} {'category':10} {'pairs/s':>8} {'wall':>8} {'× bar':>6} {'MB':>6} {'more':>6} {'bytes':>6}"
    )
    slow = []
    for name in stream.named(options.generator):
        category = registry.load("generators", name).category
        command = [sys.executable, __file__, "--child", "--generator", name]
        command += ["--pairs", str(options.pairs), "--rounds", str(options.rounds)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        over = found["rate"] / options.bar
        print(
            f"{name:22} {category:10} {found['rate']:8.0f} {found['wall']:8.0f} {over:6.1f} {found['peak']:6.0f} "
            f"{found['more']:6.1f} {found['bytes']:5.0f}",
            flush=True,
        )
        if over < 1 and category != "coding":
            slow.append(name)
    print(f"bar: {options.bar:.0f} pairs a second on one core, for generators that run no programs")
    if slow:
        sys.exit(f"below the bar: {', '.join(slow)}")


if __name__ == "__main__":
    main()
