"""Programs that mean harm, in every sandbox that is here, as whoever runs the tests and as a user who owns nothing.

After each attack the sandbox still works, and nothing runs in it.
"""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from judgebench.pairs.sandbox.program import MIB, Outcome, Program
from sandboxes import WAYS, alive, at_rest, function, opened, script

SOON = 15.0
"""Seconds within which every attack must be over, on a busy machine too; most take a tenth of one."""


@pytest.fixture(scope="module", params=WAYS)
def box(request: pytest.FixtureRequest) -> Iterator[tuple[Any, str]]:
    with opened(request.param) as (sandbox, token):
        sandbox.run(script("pass"))
        yield sandbox, token, len(at_rest(token))


def attack(box: Any, program: Program) -> Outcome:
    """Run a program; see that it ends soon, leaves no process, and that the sandbox works as before."""
    sandbox, token, calm = box
    started = time.monotonic()
    outcome = sandbox.run(program)
    assert time.monotonic() - started < SOON
    assert sandbox.run(function("def f(a, b): return a + b", 1, 2)).values == (3,)
    deadline = time.monotonic() + 2
    while len(alive(token)) != calm and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(alive(token)) == calm
    return outcome


# --- processes ----------------------------------------------------------------------------------------------------
def test_a_fork_bomb_does_not_go_off(box: Any) -> None:
    outcome = attack(box, script("""
        import os
        forks = 0
        for _ in range(1000):
            try:
                if os.fork() == 0:
                    while True: pass
                forks += 1
            except PermissionError:
                pass
        print(forks)
    """))  # fmt: skip
    assert (outcome.status, outcome.stdout) == ("ok", "0\n")


def test_no_system_call_makes_a_process(box: Any) -> None:
    outcome = attack(box, function("""
        import ctypes, platform
        libc = ctypes.CDLL(None, use_errno=True)
        x86 = {"fork": (57,), "vfork": (58,), "clone": (56, 17, 0), "clone3": (435, bytes(88), 88), "execve": (59, b"/x"),
               "clone as parent's child": (56, 0x8000 | 17, 0), "x32 fork": (0x40000000 | 57,), "execveat": (322, 0, b"")}
        arm = {"clone": (220, 17, 0), "clone3": (435, bytes(88), 88), "execve": (221, b"/x"), "execveat": (281, 0, b"")}
        def f():
            calls = x86 if platform.machine() == "x86_64" else arm
            return {name: (libc.syscall(*call, 0, 0, 0), ctypes.get_errno()) for name, call in calls.items()}
    """))  # fmt: skip
    assert outcome.status == "ok"
    for name, (result, errno) in outcome.values[0].items():
        assert (result, errno in {1, 38}) == (-1, True), name


def test_nothing_can_be_executed(box: Any) -> None:
    outcome = attack(box, script("""
        import os, sys
        for path in (sys.executable, "/bin/sh", "/proc/self/exe", "/lib64/ld-linux-x86-64.so.2"):
            try:
                os.execv(path, [path])
            except OSError:
                print("refused")
    """))  # fmt: skip
    assert (outcome.status, outcome.stdout) == ("ok", "refused\n" * 4)


def test_threads_run_but_not_without_end(box: Any) -> None:
    outcome = attack(box, script("""
        import threading, time
        threading.stack_size(32768)
        started = 0
        try:
            while started < 20000:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                started += 1
        except (RuntimeError, MemoryError):
            pass
        print(10 < started < 20000, flush=True)
    """, seconds=2))  # fmt: skip
    # Python may wait forever for a thread that found no memory to say that it has begun.
    assert outcome.stdout == "True\n" or outcome.status == "timeout"


def test_machine_code_for_another_architecture_kills(box: Any) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("int 0x80 is of x86")
    outcome = attack(box, function("""
        import ctypes, mmap
        def f():
            page = mmap.mmap(-1, 4096, prot=7)
            page.write(b"\\xb8\\x02\\x00\\x00\\x00\\xcd\\x80\\xc3")  # mov eax, 2 (fork); int 0x80; ret
            address = ctypes.addressof(ctypes.c_char.from_buffer(page))
            return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    """))  # fmt: skip
    assert outcome.status == "killed"
    assert outcome.detail in {"SIGSYS", "SIGSEGV"}


# --- memory -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(1 << 40)",
        "x = []\nwhile True: x.append(bytearray(1 << 20))",
        "x = 'a'\nwhile True: x += x",
        "x = []\nwhile True: x.append(x[:])",
        "import mmap\nx = []\nwhile True: x.append(mmap.mmap(-1, 1 << 24))",
        "x = 10 ** 10 ** 10",
        "x = {}\ni = 0\nwhile True:\n    x[i] = [0] * 1000\n    i += 1",
    ],
)
def test_memory_ends_at_its_limit(box: Any, code: str) -> None:
    outcome = attack(box, Program(code, memory=128 * MIB, seconds=1))
    # mmap's ENOMEM is an OSError in Python; a power takes its time before it takes memory.
    assert outcome.status in {"memory", "timeout"} or "Cannot allocate memory" in outcome.detail


@pytest.mark.parametrize("kind", ["memfd_create", "shmget", "msgget", "mq_open", "add_key", "mlockall"])
def test_there_is_no_memory_beside_its_own(box: Any, kind: str) -> None:
    numbers = {
        "memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186), "mq_open": (240, 180),
        "add_key": (248, 217), "mlockall": (151, 230),
    }  # fmt: skip
    number = numbers[kind][os.uname().machine == "aarch64"]
    outcome = attack(box, function("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def f(number):
            return libc.syscall(number, b"/x", 1, 1, 1, 0), ctypes.get_errno()
    """, number))  # fmt: skip
    assert outcome.values == ([-1, 1],)


# --- output -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        "while True: print('x' * 1000)",
        "import os\nwhile True: os.write(1, b'x' * 100000)",
        "import os\nwhile True: os.write(4, b'x' * 100000)",
        "import sys\nsys.stdout.buffer.write(b'x' * (20 << 20))",
        "import os\nos.write(4, b'\\xff\\xff\\xff\\xff')\nwhile True: pass",
    ],
)
def test_a_flood_is_cut_off(box: Any, code: str) -> None:
    outcome = attack(box, Program(code))
    assert outcome.status == "output"
    assert len(outcome.stdout) <= 8 * MIB


def test_a_flood_of_errors_goes_nowhere(box: Any) -> None:
    outcome = attack(box, script("import sys\nfor _ in range(300): sys.stderr.write('x' * 100000)\nprint('done')"))
    assert (outcome.status, outcome.stdout) == ("ok", "done\n")


@pytest.mark.parametrize("value", ["'x' * (9 << 20)", "[0] * (5 << 20)", "{i: 'xxxxxxxx' for i in range(1 << 19)}"])
def test_a_flood_of_values_is_cut_off(box: Any, value: str) -> None:
    outcome = attack(box, function(f"def f(): return {value}"))
    assert (outcome.status, outcome.values) == ("output", ())


# --- time ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.sleep(1000)",
        "while True: pass",
        "import time\nwhile True:\n    try: time.sleep(1000)\n    except BaseException: pass",
        "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
        "import os\nos.closerange(0, 1024)\nwhile True: pass",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
        "import atexit, time\natexit.register(time.sleep, 1000)",
        "import sys\nsys.stdin.close()\nimport os, time\nos.close(3)\ntime.sleep(1000)",
        "'a' * 60 + __import__('re').match('(a*)*b', 'a' * 40) and ''",
    ],
)
def test_time_ends(box: Any, code: str) -> None:
    started = time.monotonic()
    outcome = attack(box, Program(code, seconds=0.25))
    assert outcome.status == "timeout"
    assert time.monotonic() - started < SOON


def test_a_call_that_does_not_return_ends_too(box: Any) -> None:
    outcome = attack(box, function("def f():\n    while True: pass", seconds=0.4))
    assert (outcome.status, outcome.values) == ("timeout", ())


def test_what_was_printed_before_time_was_up_is_kept(box: Any) -> None:
    outcome = attack(box, script("print('first', flush=True)\nwhile True: pass", seconds=0.4))
    assert (outcome.status, outcome.stdout) == ("timeout", "first\n")


def test_it_cannot_stop_itself_to_outlast_its_time(box: Any) -> None:
    outcome = attack(box, script("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", seconds=0.5))
    assert outcome.status == "error"
    assert "PermissionError" in outcome.detail


# --- files --------------------------------------------------------------------------------------------------------
SECRETS = [
    "/etc/passwd", "/etc/shadow", "/etc/hostname", "/proc/1/environ", "/proc/self/environ", "/proc/self/maps",
    "/proc/cmdline", "/sys/kernel/uevent_seqnum", "/dev/mem", "/dev/sda", "/dev/kmsg", "/bin/sh", "/root/.bashrc",
    str(Path(__file__)), str(Path.home() / ".ssh" / "id_rsa"), f"/proc/{os.getpid()}/environ", f"/proc/{os.getpid()}/mem",
]  # fmt: skip
FOLDERS = ["/etc", "/proc", "/sys", "/home", "/root", "/var", "/var/tmp", str(Path(__file__).parent), str(Path.home())]


def test_files_of_the_host_cannot_be_read(box: Any) -> None:
    outcome = attack(box, function("""
        import os
        def f(paths, folders):
            read = []
            for path in paths:
                try:
                    read.append([path, open(path, "rb").read(10).hex()])
                except OSError:
                    pass
            for folder in folders:
                try:
                    read.append([folder, [name for name in os.listdir(folder) if name not in (".pyenv", "tmp")]])
                except OSError:
                    pass
            return [entry for entry in read if entry[1]]
    """, SECRETS, FOLDERS))  # fmt: skip
    assert outcome.values == ([],)


def test_the_environment_is_empty(box: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = attack(box, script("import os\nprint(sorted(os.environ))"))
    assert set(eval(outcome.stdout)) <= {"LC_CTYPE", "PWD"}


@pytest.mark.parametrize("folder", ["/", "/tmp", "/dev", "/dev/shm", "/var/tmp", "/run", ".", str(Path.home())])
def test_no_folder_can_be_filled(box: Any, folder: str) -> None:
    outcome = attack(box, function("""
        import os
        def f(folder):
            wrote = 0
            for act in (
                lambda: open(folder + "/file", "wb").write(b"x" * 1000),
                lambda: os.write(os.open(folder, os.O_TMPFILE | os.O_RDWR), b"x" * 1000),
                lambda: os.mkdir(folder + "/folder"),
                lambda: os.symlink("/etc", folder + "/link"),
                lambda: os.mkfifo(folder + "/fifo"),
                lambda: os.rename(folder, "/moved"),
            ):
                try:
                    act()
                    wrote += 1
                except OSError:
                    pass
            return wrote
    """, folder))  # fmt: skip
    assert outcome.values == (0,)


def test_nothing_on_the_host_changes(box: Any) -> None:
    folder = Path("/tmp")
    kept = folder / f"judgebench-{os.getpid()}-kept"
    kept.write_text("as it was")
    kept.chmod(0o666)
    before = kept.stat()
    try:
        outcome = attack(box, function("""
            import os
            def f(path):
                done = []
                for name, act in {
                    "append": lambda: open(path, "a"), "truncate": lambda: os.truncate(path, 0),
                    "chmod": lambda: os.chmod(path, 0), "chown": lambda: os.chown(path, os.getuid(), os.getgid()),
                    "utime": lambda: os.utime(path, (1, 1)), "unlink": lambda: os.unlink(path),
                    "xattr": lambda: os.setxattr(path, "user.x", b"1"), "link": lambda: os.link(path, path + "2"),
                    "rename": lambda: os.rename(path, path + "2"),
                }.items():
                    try:
                        act()
                        done.append(name)
                    except OSError:
                        pass
                return done
        """, str(kept)))  # fmt: skip
        after = kept.stat()
        assert outcome.values == ([],)
        assert kept.read_text() == "as it was"
        assert (before.st_mode, before.st_mtime_ns, before.st_ctime_ns) == (
            after.st_mode,
            after.st_mtime_ns,
            after.st_ctime_ns,
        )
    finally:
        kept.unlink()


def test_stdin_cannot_be_made_a_store(box: Any) -> None:
    outcome = attack(box, script("""
        import os
        for act in (lambda: os.pwrite(0, b"x" * 1000, 0), lambda: os.ftruncate(0, 1 << 30)):
            try:
                act()
            except OSError:
                print("refused")
    """))  # fmt: skip
    assert outcome.stdout == "refused\n" * 2


# --- network ------------------------------------------------------------------------------------------------------
def test_no_network_not_even_to_this_machine(box: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        tcp.settimeout(0.05)
        udp.settimeout(0.05)
        outcome = attack(box, function("""
            import socket
            KINDS = [(family, kind) for family in (1, 2, 10, 16, 17, 38, 40) for kind in (1, 2, 3, 5)]
            def f(tcp, udp):
                opened = []
                for family, kind in KINDS:
                    try:
                        socket.socket(family, kind)
                        opened.append([family, kind])
                    except OSError:
                        pass
                for act in (
                    lambda: socket.create_connection(("127.0.0.1", tcp), 1),
                    lambda: socket.create_server(("127.0.0.1", 0)),
                    lambda: socket.getaddrinfo("example.org", 80),
                    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", udp)),
                    lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", chr(0) + "x"),
                    lambda: socket.socketpair()[0].connect("/run/x"),
                ):
                    try:
                        act()
                        opened.append(str(act))
                    except OSError:
                        pass
                return opened
        """, tcp.getsockname()[1], udp.getsockname()[1]))  # fmt: skip
        assert outcome.values == ([],)
        with pytest.raises(TimeoutError):
            tcp.accept()
        with pytest.raises(TimeoutError):
            udp.recv(1)
