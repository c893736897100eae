"""How long `judgebench --help` and a whole small eval take, beside a bare Python and bare imports in the same run.

    python benchmarks/startup.py [--runs 20] [--limit-ms 150]

Prints medians in milliseconds and their ratio to a bare interpreter; exits 1 when the limit is passed.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "judgebench --help": [sys.executable, "-m", "judgebench", "--help"],
    "import statsmodels' wilson": [sys.executable, "-c", "import statsmodels.stats.proportion"],
    "judgebench eval, a floor": [sys.executable, "-m", "judgebench", "eval", "--judge", "longest"],
}


def milliseconds(command: list[str], folder: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=folder)
    return 1000 * (time.perf_counter() - started)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--limit-ms", type=float, default=150.0)
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(options.runs):  # in turn, so that a noisy moment hits all
        for name, command in COMMANDS.items():
            with tempfile.TemporaryDirectory() as folder:
                times[name].append(milliseconds(command, folder))
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["python -c pass"]
    print(f"{'command':28} {'median ms':>10} {'x bare':>8}")
    for name, median in medians.items():
        print(f"{name:28} {median:10.1f} {median / bare:8.1f}")
    return int(medians["judgebench --help"] > options.limit_ms)


if __name__ == "__main__":
    sys.exit(main())
