"""What is said between the parent and a program: all of the protocol, none of the reading and writing.

Everything the program says is hostile: it is bounded before it is kept, and nothing in it is taken for more than its
answer to the very call that was asked. Each call goes out with a marker of its own, drawn after the answer to the last
one came in. So nothing that was written before a call can be its answer, and what the program prints never is.
"""

import json
import secrets
import signal
import struct
from typing import Any

from judgebench.pairs.sandbox.program import MIB, Outcome, Program, Status

FRAME = struct.Struct(">cI")
LENGTH = struct.Struct(">I")
OUTPUT = 8 * MIB
"""How much a program may print, and how much it may return, in bytes."""
DETAIL = 300


class Conversation:
    """One program's run. `begin` and `hear` return the bytes to send; `over` says that the program has ended."""

    def __init__(self, program: Program, *, most: int = OUTPUT) -> None:
        self.over = False
        self._program = program
        self._most = most
        self._stdout = bytearray()
        self._said = bytearray()
        self._heard = 0
        self._values: list[Any] = []
        self._marker = ""
        self._stopped: tuple[Status, str] | None = None
        self._error = ""
        self._spent = False
        self._code: int | None = None

    def begin(self) -> bytes:
        """Return what starts the run: a program comes, its stdin, its job, and the first call."""
        program = self._program
        job = {
            "code": program.code,
            "calls": len(program.calls),
            "seconds": program.seconds,
            "memory": program.memory,
        }
        stdin = program.stdin.encode("utf-8", "replace")
        return frame(b"G") + frame(b"I", stdin) + _message(job)

    def hear(self, kind: bytes, body: bytes) -> bytes:
        """Take in a frame, and return what to send."""
        if kind == b"X":
            self.over = True
            self._code = json.loads(body)["code"]
            return frame(b"A")
        if self._stopped:
            return b""
        if kind == b"O":
            self._stdout += body[: self._most - len(self._stdout) + 1]
            return self.stop("output", "more output than is read") if len(self._stdout) > self._most else b""
        return self._listen(body)

    def stop(self, status: Status, detail: str) -> bytes:
        """Decide how the run ends, whatever is said from now on; return what ends it."""
        if self._stopped is None:
            self._stopped = (status, detail)
        return frame(b"K")

    def _listen(self, body: bytes) -> bytes:
        self._heard += len(body)
        if self._heard > self._most:
            return self.stop("output", "more returned than is read")
        self._said += body
        reply = b""
        while len(self._said) >= LENGTH.size and not self._stopped:
            (size,) = LENGTH.unpack_from(self._said)
            if size > self._most:
                return reply + self.stop("output", "more returned than is read")
            if len(self._said) < LENGTH.size + size:
                break
            message = bytes(self._said[LENGTH.size : LENGTH.size + size])
            del self._said[: LENGTH.size + size]
            reply += self._understand(message)
        return reply

    def _understand(self, text: bytes) -> bytes:
        """Take one message: ready for calls, an answer, or why there is none."""
        try:
            message = json.loads(text)
            json.dumps(message, ensure_ascii=False).encode() if b"\\ud" in text else None
        except (ValueError, RecursionError):
            return self.stop("error", "an answer that cannot be read")
        match message:
            case {"ready": True} if not self._marker and self._program.calls:
                return self._ask()
            case {"marker": str(marker), "value": value} if self._marker and marker == self._marker:
                self._values.append(value)
                return self._ask()
            case {"memory": True}:
                self._spent = True
            case {"error": str(error)}:
                self._error = one_line(error)
            case _:
                return self.stop("error", "an answer to nothing that was asked")
        return b""

    def _ask(self) -> bytes:
        """Return the next call under a new marker; nothing when all are answered."""
        self._marker = ""
        if len(self._values) == len(self._program.calls):
            return b""
        self._marker = secrets.token_hex(16)
        name, arguments = self._program.calls[len(self._values)]
        return _message({"marker": self._marker, "name": name, "arguments": list(arguments)})

    def outcome(self) -> Outcome:
        """Return how it ended, once it is over; a program whose end was never heard was killed."""
        status, detail = self._stopped or self._judge()
        return Outcome(
            status,
            self._stdout[: self._most].decode("utf-8", "replace"),
            tuple(self._values),
            detail,
        )

    def _judge(self) -> tuple[Status, str]:
        if self._code is None:
            return "killed", "the sandbox ended before the program"
        if self._code < 0:
            return _by_signal(-self._code)
        if self._spent:
            return "memory", "no memory left"
        if self._code > 0:
            return "error", self._error or f"exit status {self._code}"
        if len(self._values) < len(self._program.calls):
            return "error", self._error or "the program ended before it had answered"
        return "ok", ""


def frame(kind: bytes, body: bytes = b"") -> bytes:
    """Return a frame: a letter, the body's length, the body."""
    return FRAME.pack(kind, len(body)) + body


def _message(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return frame(b"C", LENGTH.pack(len(body)) + body)


def one_line(text: str) -> str:
    """Return a program's words as one short line that can be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:DETAIL])


def _by_signal(number: int) -> tuple[Status, str]:
    if number == signal.SIGXCPU:
        return "timeout", "no processor time left"
    return "killed", {one.value: one.name for one in signal.Signals}.get(number, f"signal {number}")
