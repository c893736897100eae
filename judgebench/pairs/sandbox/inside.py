"""What runs inside a sandbox. It is sent there as text, and so imports nothing but the standard library.

    template   started once; forks a keeper for every program, and never sees a byte of any
    └ keeper   forks the program before it hears of it; then carries bytes between it and the parent outside
      └ program    hears its job, gives up all it may do without, and runs the code; ends, and everything with it

What one program was given or said lies in its own process and in its keeper's. Both are gone before the next starts.

Frames, both ways, are one letter, a length and a body. The parent sends G (a program comes), I (its stdin), C (bytes
for the program), K (kill it), A (its end was heard); it hears R (ready), O (output), V (the program's messages) and X
(it ended; how). The program hears and tells messages: a length and JSON.
"""

import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import site
import struct
import sys
import tempfile
import threading
import types
from math import ceil
from pathlib import Path
from typing import Any, NoReturn

FRAME = struct.Struct(">cI")
LENGTH = struct.Struct(">I")
CHUNK = 1 << 16
STACK = 128 << 20
FILES = 64
LIBRARY = 100
"""File descriptors from here on hold the standard library's folders open, where the path to them is closed."""
HEAR, TELL = 3, 4
DEATH, DUMPABLE, SECCOMP, FILTER, NO_NEW_PRIVS, RESTRICT = 1, 4, 22, 2, 38, 446
LIBC = ctypes.CDLL(None, use_errno=True)
PROGRAM = "<program>"
SPENT = LENGTH.pack(16) + b'{"memory": true}'
"""The message of a program that has no memory left to make one."""
WANTED = """
bisect cmath collections.abc copy dataclasses datetime decimal enum fractions functools heapq itertools operator random
re statistics string textwrap typing
"""
"""What programs import most: loaded once, in the template."""


class Filter(ctypes.Structure):
    """A seccomp filter as the kernel takes it."""

    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def main() -> None:
    """Set up the template and serve. argv[1] is what the backend asks for, as JSON."""
    setup = json.loads(sys.argv[1])
    for name in WANTED.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    site.setquit()  # exit() and quit(), which -S leaves out
    if setup["uid"] is not None:
        give_up_root(setup["uid"])
    if setup["linux"]:
        prctl(DEATH, signal.SIGKILL)
        prctl(DUMPABLE, 0)
        prctl(NO_NEW_PRIVS, 1)
    if setup["ruleset"] is not None:
        checked(LIBC.syscall(RESTRICT, setup["ruleset"], 0))
        os.close(setup["ruleset"])
    if setup["outer"]:
        install(bytes.fromhex(setup["outer"]))
    gc.freeze()  # or the collector would write to, and so copy, what every program shares with the template
    send(b"R")
    serve(setup)


def checked(result: int) -> None:
    """Raise OSError when a call of the C library failed."""
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def prctl(option: int, *arguments: Any) -> None:
    """Change what the kernel lets this process do. Raises OSError when it refuses."""
    words = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments]
    words += [ctypes.c_ulong(0)] * (4 - len(words))
    checked(LIBC.prctl(option, *words))


def install(code: bytes) -> None:
    """Put a seccomp filter in force, for good."""
    prctl(SECCOMP, FILTER, ctypes.byref(Filter(len(code) // 8, code)))


def give_up_root(uid: int) -> None:
    """Become a user that owns nothing, and keep the standard library within reach of it."""
    folders = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in sys.path if os.path.isdir(path)]  # noqa: PTH112
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if not os.path.exists(os.__file__):  # noqa: PTH110 - in a folder that only root may enter
        walk_through(folders)
    for folder in folders:
        os.close(folder)


def walk_through(folders: list[int]) -> None:
    """Import through open folders from now on: what they hold may be read, where they lie need not be entered."""
    doors = {}
    for folder in folders:
        kept = fcntl.fcntl(folder, fcntl.F_DUPFD, LIBRARY)
        doors[str(Path(f"/proc/self/fd/{kept}").readlink())] = f"/proc/self/fd/{kept}"
    sys.path[:] = doors.values()
    sys.path_importer_cache.clear()
    for module in list(sys.modules.values()):
        for place in list(getattr(module, "__path__", [])):
            home, _, name = place.rpartition("/")
            if home in doors:
                module.__path__ = [f"{doors[home]}/{name}"]


def read(file: int, size: int) -> bytes:
    """Read exactly so many bytes. Raises EOFError at the end."""
    parts = []
    while size:
        part = os.read(file, min(size, CHUNK))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write(file: int, data: bytes, _write: Any = os.write) -> None:
    """Write all of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[_write(file, rest) :]


def send(kind: bytes, body: bytes = b"") -> None:
    """Send a frame to the parent."""
    write(1, FRAME.pack(kind, len(body)) + body)


def receive() -> tuple[bytes, bytes]:
    """Receive a frame from the parent. Raises EOFError when it is gone."""
    kind, size = FRAME.unpack(read(0, FRAME.size))
    return kind, read(0, size)


def serve(setup: dict[str, Any]) -> None:
    """Fork a keeper for every program, until the parent is gone."""
    while True:
        try:
            kind, _ = receive()
        except EOFError:
            return
        if kind != b"G":
            raise ValueError(f"a frame out of turn: {kind!r}")
        keeper = os.fork()
        if keeper == 0:
            keep(setup)
        if os.waitpid(keeper, 0)[1] != 0:
            raise RuntimeError("the keeper failed")


def keep(setup: dict[str, Any]) -> NoReturn:
    """Run one program, and end."""
    stdin = memory()
    (hear, ask), (answers, tell), (output, out), (wake, woken) = (os.pipe() for _ in range(4))
    if setup["linux"]:
        prctl(DEATH, signal.SIGKILL)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        wear(stdin, out, hear, tell)
        program(setup)
    for file in (hear, tell, out):
        os.close(file)
    try:
        relay(child, stdin, ask, {output: b"O", answers: b"V"}, wake)
        while receive()[0] != b"A":
            pass
    except (EOFError, BrokenPipeError):  # the parent is gone
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    os._exit(0)


def memory() -> int:
    """Open a file that has no name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("stdin")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def relay(child: int, stdin: int, ask: int, ends: dict[int, bytes], wake: int) -> None:
    """Carry bytes until the program has ended and all it said is sent. `ends`: what it writes to, and the frames."""
    poll = select.poll()
    for file in (0, wake, *ends):
        poll.register(file, select.POLLIN)
    os.set_blocking(ask, False)
    waiting = bytearray()
    ended = None
    while ended is None or ends:
        for file, _ in poll.poll():
            if file in ends:
                chunk = os.read(file, CHUNK)
                if chunk:
                    send(ends[file], chunk)
                else:
                    poll.unregister(file)
                    del ends[file]
            elif file == wake:
                os.read(wake, CHUNK)
                ended = reap(child) if ended is None else ended
            elif file == ask:
                waiting = pour(ask, waiting)
            else:
                obey(child if ended is None else None, stdin, waiting)
        if waiting and ended is None:
            poll.register(ask, select.POLLOUT)
        else:
            with contextlib.suppress(KeyError):
                poll.unregister(ask)
    send(b"X", json.dumps({"code": ended}).encode())


def reap(child: int) -> int | None:
    """Return how the program ended (a negative number is a signal's), None while it has not."""
    done, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def pour(ask: int, waiting: bytearray) -> bytearray:
    """Write what the program will take, and return the rest."""
    try:
        return waiting[os.write(ask, waiting[:CHUNK]) :]
    except BlockingIOError:
        return waiting
    except BrokenPipeError:
        return bytearray()


def obey(child: int | None, stdin: int, waiting: bytearray) -> None:
    """Do what the parent's next frame says. There is no child any more when it has ended."""
    kind, body = receive()
    if kind == b"I":
        write(stdin, body, lambda file, part: os.pwrite(file, part, os.fstat(file).st_size))
    elif kind == b"C":
        waiting += body
    elif kind == b"K" and child is not None:
        os.kill(child, signal.SIGKILL)


def wear(stdin: int, out: int, hear: int, tell: int) -> None:
    """Make these the program's files 0 (and 1, 3, 4), nothing its 2, and close all others."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, FILES) for file in (stdin, out, nothing, hear, tell)]
    for place, file in enumerate(high):
        os.dup2(file, place)
    os.closerange(TELL + 1, LIBRARY)
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - for the program's life
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.argv = [""]


def hear() -> Any:
    """Return the next message to the program."""
    (size,) = LENGTH.unpack(read(HEAR, LENGTH.size))
    return json.loads(read(HEAR, size))


def tell(_dumps: Any = json.dumps, **message: Any) -> None:
    """Send a message from the program."""
    body = _dumps(message).encode()
    write(TELL, LENGTH.pack(len(body)) + body)


def program(setup: dict[str, Any]) -> NoReturn:
    """Run the code that is heard of, and end as an interpreter does: join threads, run exit functions, flush."""
    stdout = sys.stdout
    job = hear()
    confine(setup, job)
    module = types.ModuleType("solution" if job["calls"] else "__main__")
    sys.modules[module.__name__] = module
    codes = [attempt(run, job, module.__dict__)]
    codes += map(attempt, [threading._shutdown, atexit._run_exitfuncs, flush])  # type: ignore[attr-defined]  # noqa: SLF001
    module.__dict__.clear()  # files that are flushed only when nobody has them any more
    codes.append(attempt(flush, stdout))
    os._exit(max(codes))


def flush(stream: Any = None) -> None:
    """Write out what is buffered for standard output, unless it was closed."""
    stream = stream or sys.stdout
    if stream is not None and not getattr(stream, "closed", False):
        stream.flush()


def run(job: dict[str, Any], names: dict[str, Any]) -> None:
    """Run a script, or import it and answer calls."""
    exec(compile(job["code"], PROGRAM, "exec"), names)  # noqa: S102 - this is the place for it
    if job["calls"]:
        tell(ready=True)
    for _ in range(job["calls"]):
        answer(names)


def attempt(act: Any, *arguments: Any) -> int:
    """Do something of the program's, and return its exit status, having told what went wrong."""
    try:
        act(*arguments)
    except SystemExit as end:
        if end.code in {None, 0}:
            return 0
        tell(error=f"exit status {end.code!s:.200}")
        return end.code & 0xFF if isinstance(end.code, int) else 1
    except MemoryError:
        write(TELL, SPENT)
        return 1
    except BaseException as error:  # noqa: BLE001 - whatever it was, it ended the program
        tell(error=described(error))
        return 1
    return 0


def answer(names: dict[str, Any]) -> None:
    """Make one call, and tell what it returned under the marker that came with it."""
    call = hear()
    owner, _, method = call["name"].rpartition("().")
    function = getattr(names[owner](), method) if owner else names[method]
    tell(marker=call["marker"], value=function(*call["arguments"]))


def described(error: BaseException) -> str:
    """Return an exception as one line: where in the program, which, and its message."""
    line, trace = 0, error.__traceback__
    if isinstance(error, SyntaxError) and error.filename == PROGRAM:
        line = error.lineno or 0
    while trace:
        if trace.tb_frame.f_code.co_filename == PROGRAM:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        message = f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - an exception that cannot even be shown
        message = "an exception without a message"
    return f"line {line}: {message}" if line else message


def confine(setup: dict[str, Any], job: dict[str, Any]) -> None:
    """Give up everything a program may do without. There is no way back."""
    if setup["linux"]:
        prctl(DEATH, signal.SIGKILL)
    seconds = ceil(job["seconds"]) + 1
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    limits = {
        resource.RLIMIT_AS: (job["memory"], job["memory"]),
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_NOFILE: (FILES, FILES),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_STACK: (STACK if hard == resource.RLIM_INFINITY else min(STACK, hard), hard),
    }
    if setup["tasks"] is not None:
        limits[resource.RLIMIT_NPROC] = (setup["tasks"], setup["tasks"])
    for limit, values in limits.items():
        with contextlib.nullcontext() if setup["linux"] else contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, values)
    if setup["inner"]:
        install(bytes.fromhex(setup["inner"]))


if __name__ == "__main__":
    main()
