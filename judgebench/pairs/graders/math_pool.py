"""Processes that compare expressions, each answering one question at a time, by a deadline that we keep.

A comparison that takes too long, or takes its process down, is undecided, never "not equal"; the process is ended and a
new one takes its place.
"""

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
from typing import Any, NamedTuple

from judgebench.errors import MissingPrerequisite

START = 60.0
"""Seconds a process may take until it is ready: it imports sympy."""
WORKER = "judgebench.pairs.graders.math_worker"


class Compared(NamedTuple):
    """What a process says: whether the answer is the gold (`forth`), and the other way round. None: cannot say."""

    forth: bool | None
    back: bool | None
    detail: str = ""


class Worker:
    """One process, started when it is first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: dict[str, Any], seconds: float) -> Compared:
        """Return the process's answer, or an undecided one when it gives none in time."""
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            said = _read(process, seconds)
        except TimeoutError:
            detail = f"no answer in {seconds:g} s"
        except OSError:
            detail = "the tool broke down"
        else:
            return Compared(said["forth"], said["back"], said["detail"])
        self.close()
        return Compared(None, None, detail)

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-I", "-m", WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _read(self._process, START)
        except OSError as error:
            self.close()
            message = "comparing expressions needs math-verify. Type: pip install 'judgebench[pairs]'"
            raise MissingPrerequisite(message) from error
        return self._process

    def close(self) -> None:
        """End the process. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)


def _close(pipe: Any) -> None:
    with contextlib.suppress(OSError):  # what was left to write has no reader any more
        pipe.close()


def _read(process: subprocess.Popen[bytes], seconds: float) -> dict[str, Any]:
    """Return the next line as an object. Raises TimeoutError when none comes in time, OSError when none can."""
    assert process.stdout is not None
    end = time.monotonic() + seconds
    line = bytearray()
    while not line.endswith(b"\n"):
        left = end - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            raise BrokenPipeError
        line += piece
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise OSError("not a reply") from error
    return found


class Pool:
    """So many processes, for as many threads: `compare` waits for a free one."""

    def __init__(self, size: int = 2, seconds: float = 5.0) -> None:
        self.size = size
        self.seconds = seconds
        self._lock = threading.Lock()
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._workers: list[Worker] = []

    def compare(self, gold: str, answer: str, digits: int) -> Compared:
        """Compare two LaTeX expressions; `digits` are the decimals to which numbers are rounded."""
        worker = self._take()
        try:
            return worker.ask({"gold": gold, "answer": answer, "digits": digits}, self.seconds)
        finally:
            self._idle.put(worker)

    def _take(self) -> Worker:
        with self._lock:
            if self._idle.empty() and len(self._workers) < self.size:
                self._workers.append(Worker())
                return self._workers[-1]
        return self._idle.get()

    def close(self) -> None:
        """End all processes; a later comparison starts them anew."""
        for worker in self._workers:
            worker.close()
