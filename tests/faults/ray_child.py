"""A run on a Ray cluster in a process of its own, to be killed. The backend notes each request it sees in a file."""

import os
import sys
from pathlib import Path
from typing import Any

from judgebench.backends.scripted import ScriptedBackend
from judgebench.evaluation import evaluate
from judgebench.hashing import sha256


def scripted(seen: str, latency: float) -> ScriptedBackend:
    """Return a backend that decides by the request alone, one in eleven unreadable; `seen` gets a line per request."""

    def reply(request: Any) -> str:
        with Path(seen).open("ab", buffering=0) as log:
            log.write(f"{os.getpid()}\n".encode())
        lot = int(sha256(request.model_dump_json().encode())[:4], 16)
        return "nothing to read here" if lot % 11 == 0 else f"Because.\nVerdict: {'AB'[lot % 2]}"

    return ScriptedBackend.from_function(reply, latency=latency)


def main(task: str, runs: str, seen: str, address: str, latency: str) -> None:
    """Judge the task with four workers, half a CPU each."""
    evaluate(
        "pairwise", task, backend=scripted(seen, float(latency)), runs=runs, engine="ray",
        ray_address=address or None, workers=(4, 4), worker_cpus=0.5,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
