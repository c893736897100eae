"""A process with a sandbox around it, from the outside: started, given programs one after another, ended.

It is a session of its own and holds nothing of this process but the two ends of its pipes; when they close, because
this process ended, however it ended, it ends too.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.resources import files
from typing import IO, cast

from judgebench.errors import MissingPrerequisite
from judgebench.pairs.sandbox.conversation import FRAME, Conversation, one_line
from judgebench.pairs.sandbox.program import Outcome, Program

START = 60.0
"""How long a worker may take to be ready, in seconds. A container's first start takes several."""
GRACE = 5.0
"""How long a worker may take to end what it was told to end."""
CHUNK = 1 << 16


@dataclass(frozen=True)
class Setup:
    """What the template inside does to itself, and to each program.

    `uid`: become this user. `ruleset`: a file descriptor, the Landlock rules to restrict itself by. `outer` and
    `inner`: seccomp filters, in hex. `tasks`: how many threads the user may have. `linux`: whether there is prctl.
    """

    uid: int | None = None
    ruleset: int | None = None
    outer: str = ""
    inner: str = ""
    tasks: int | None = None
    linux: bool = True


@dataclass(frozen=True)
class Launch:
    """How a worker is started: the command, up to its interpreter, and files to hand on and then to close here.

    `rest` is a command that ends what a killed process leaves behind.
    """

    command: tuple[str, ...]
    setup: Setup
    hand_on: tuple[int, ...] = ()
    environment: dict[str, str] | None = field(default_factory=dict)
    rest: tuple[str, ...] = ()


@cache
def inside() -> str:
    """Return the source of what runs inside."""
    return files("judgebench.pairs.sandbox").joinpath("inside.py").read_text("utf-8")


class Worker:
    """One running sandbox. Raises MissingPrerequisite, in its own words, when it does not come up."""

    def __init__(self, launch: Launch) -> None:
        python = ("-I", "-S", "-B", "-c", inside(), json.dumps(asdict(launch.setup)))
        try:
            self._process = subprocess.Popen(  # noqa: S603 - made by a backend from its own constants
                [*launch.command, *python],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=launch.environment,
                cwd="/",
                pass_fds=launch.hand_on,
                start_new_session=True,
            )
        except OSError as error:
            raise MissingPrerequisite(f"{launch.command[0]} cannot be started: {error.strerror}") from error
        finally:
            for descriptor in launch.hand_on:
                os.close(descriptor)
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._in, self._out, self._err = (cast("IO[bytes]", pipe) for pipe in pipes)
        os.set_blocking(self._in.fileno(), False)
        self._outbox, self._inbox = bytearray(), bytearray()
        self._use = threading.Lock()
        self._rest = launch.rest
        if not self._comes_up():
            raise MissingPrerequisite(self._last_words())

    @property
    def alive(self) -> bool:
        """Return whether another program can be run."""
        return not self._in.closed and self._process.poll() is None

    def run(self, program: Program) -> Outcome:
        """Run a program, and wait for its end: its time and GRACE at the longest."""
        with self._use:
            return self._run(program)

    def _run(self, program: Program) -> Outcome:
        talk = Conversation(program)
        self._outbox += talk.begin()
        deadline = time.monotonic() + program.seconds
        late = False
        try:
            while not talk.over:
                for kind, body in self._pump(deadline):
                    self._outbox += talk.hear(kind, body)
                if time.monotonic() >= deadline and not talk.over:
                    if late:
                        raise EOFError  # it cannot even be killed: all of it goes
                    self._outbox += talk.stop("timeout", f"not done in {program.seconds:g} s")
                    late, deadline = True, time.monotonic() + GRACE
            self._push()
        except (EOFError, BrokenPipeError):
            self.kill()
        except BaseException:  # Ctrl-C, say, in the middle of a frame
            self.kill()
            raise
        return talk.outcome()

    def close(self) -> None:
        """End it, gently: it goes when its input does. In the middle of a run, not gently."""
        if not self._use.acquire(blocking=False):
            self._strike()
            self._use.acquire()
        self._in.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self.kill()
        self._use.release()

    def kill(self) -> None:
        """End it and everything in it, now."""
        self._strike()
        self._process.wait()
        for pipe in (self._in, self._out, self._err):
            pipe.close()

    def _strike(self) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                if self._rest:
                    subprocess.run(self._rest, capture_output=True, check=False, timeout=START)  # noqa: S603 - ours

    def _comes_up(self) -> bool:
        deadline = time.monotonic() + START
        with contextlib.suppress(EOFError, BrokenPipeError):
            while time.monotonic() < deadline:
                if any(kind == b"R" for kind, _ in self._pump(deadline)):
                    return True
        return False

    def _last_words(self) -> str:
        """Return why it did not come up, after killing what there is of it."""
        self._strike()
        lines = self._err.read(CHUNK).decode("utf-8", "replace").split("\n")
        self.kill()
        telling = [line for line in lines if ": " in line] or [line for line in lines if line]
        return one_line(telling[-1]) if telling else "it did not start, and did not say why"

    def _pump(self, deadline: float) -> Iterator[tuple[bytes, bytes]]:
        """Write what can be written, wait for something to come or for the deadline, and yield the frames that came."""
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        if self._outbox:
            poll.register(self._in, select.POLLOUT)
        ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
        if self._in.fileno() in ready:
            self._push()
        if self._out.fileno() in ready:
            chunk = os.read(self._out.fileno(), CHUNK)
            if not chunk:
                raise EOFError
            self._inbox += chunk
        yield from self._unpacked()

    def _push(self) -> None:
        with contextlib.suppress(BlockingIOError):
            del self._outbox[: os.write(self._in.fileno(), self._outbox[:CHUNK])]

    def _unpacked(self) -> Iterator[tuple[bytes, bytes]]:
        while len(self._inbox) >= FRAME.size:
            kind, size = FRAME.unpack_from(self._inbox)
            if len(self._inbox) < FRAME.size + size:
                return
            body = bytes(self._inbox[FRAME.size : FRAME.size + size])
            del self._inbox[: FRAME.size + size]
            yield kind, body
