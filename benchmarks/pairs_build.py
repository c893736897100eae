"""Memory and speed of `pairs build`: 100,000 questions, 16 scripted responses each.

    python benchmarks/pairs_build.py [questions] [k]

Prints the peak memory over that of the same build of a hundredth as many questions, and the seconds of every stage. No
model is asked: what is measured is the pipeline.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fakes.pairs import answer, scripted, write_source
from judgebench.pairs import build as building
from judgebench.records import Sampling

QUESTIONS, K = 100_000, 16
LENGTH = 150
"""Words of a response, some 450 characters."""
MOST_PER_RESPONSE = 96
"""Bytes of memory that one more response may cost."""


def say(question: str, sample: int) -> str:
    return answer(str(2 * int(question.split()[2]) + sample % 2), words=LENGTH + sample)


def run(folder: Path, questions: int, k: int) -> dict[str, Any]:
    rows = (
        {"n": f"q{n}", "ask": f"What is {n} + {n}?", "answer": str(2 * n), "kind": "sums"} for n in range(questions)
    )
    source, _ = write_source(folder, [])
    with (folder / "sums.jsonl").open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    config = building.BuildConfig(
        source=source, data=str(folder / "sums.jsonl"), out=str(folder / "out"), k=k, cache=False,
        sampling=Sampling(seed=0), concurrency=64,
    )  # fmt: skip
    stages: list[tuple[str, float]] = []
    started = time.perf_counter()
    written = building.build(
        building.prepare(config, scripted(say)), say=lambda text: stages.append((text, time.perf_counter() - started))
    )
    size = sum(path.stat().st_size for path in (folder / "out").rglob("*") if path.is_file())
    return {
        "questions": questions, "k": k, "pairs": written.counts.total.pairs, "gigabytes_on_disk": round(size / 1e9, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "seconds": round(time.perf_counter() - started, 1), "stages": stages,
    }  # fmt: skip


def measured(questions: int, k: int) -> dict[str, Any]:
    """Build in a process of its own, so that its peak is its own."""
    with tempfile.TemporaryDirectory(prefix="pairs-build-") as folder:
        command = [sys.executable, __file__, "--child", folder, str(questions), str(k)]
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main(questions: int, k: int) -> None:
    small, large = measured(max(1, questions // 100), k), measured(questions, k)
    print(json.dumps([small, large], indent=2))
    more = (large["peak_mb"] - small["peak_mb"]) * 2**20 / (questions * k * 0.99)
    print(f"{more:.0f} bytes of memory for each further response (at most {MOST_PER_RESPONSE})")
    assert more <= MOST_PER_RESPONSE


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(run(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
    else:
        main(*(int(word) for word in sys.argv[1:3]) if sys.argv[1:] else (QUESTIONS, K))
