"""Workers come and go: parents that are killed, workers that are killed, forks, threads that end, and close. None stays."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import MissingPrerequisite
from judgebench.pairs.sandbox import host
from judgebench.pairs.sandbox.base import Sandbox
from judgebench.pairs.sandbox.inside import LIBRARY
from judgebench.pairs.sandbox.program import Program
from judgebench.pairs.sandbox.worker import Launch, Setup, Worker
from sandboxes import BACKENDS, CHILD, WAYS, Box, alive, at_rest, gone, lacking, marked, opened, script, signal_all

FOREVER = (
    "import time\nprint('here', flush=True)\nwhile True:\n    try: time.sleep(1000)\n    except BaseException: pass"
)


@pytest.fixture(params=BACKENDS)
def kind(request: pytest.FixtureRequest) -> type[Sandbox]:
    lacking(request.param)
    return BACKENDS[request.param]


@pytest.fixture
def token() -> Iterator[str]:
    with marked() as token:
        yield token


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def runs(process: int) -> bool:
    """Return whether a process is there and more than a zombie: one that is being killed has no command line already."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_close_leaves_nothing(kind: type[Sandbox], token: str) -> None:
    sandbox = kind(2)
    assert [outcome.stdout for outcome in sandbox.run_many([script("print(1)")] * 4)] == ["1\n"] * 4
    assert alive(token)
    sandbox.close()
    assert alive(token) == []
    sandbox.close()


def test_close_ends_what_is_running(kind: type[Sandbox], token: str) -> None:
    sandbox = kind(1)
    ended: list[str] = []
    thread = threading.Thread(target=lambda: ended.append(sandbox.run(Program(FOREVER, seconds=60)).status))
    thread.start()
    wait_for(lambda: len(alive(token)) >= 3)
    sandbox.close()
    thread.join(20)
    assert ended == ["killed"]
    assert gone(token)


def test_a_sandbox_that_is_forgotten_leaves_nothing(kind: type[Sandbox], token: str) -> None:
    sandbox = kind(1)
    sandbox.run(script("print(1)"))
    assert alive(token)
    del sandbox
    assert gone(token)


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_parent_leaves_nothing(way: str) -> None:
    """Whoever started the sandbox dies of SIGKILL while a program runs that ignores everything."""
    with opened(way) as (sandbox, token):
        backend, _ = way.split("-")
        if isinstance(sandbox, Box):
            process = sandbox.process
        else:
            process = subprocess.Popen(
                [sys.executable, str(CHILD), backend, token],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(CHILD.parent.parent)},
            )  # fmt: skip
        assert process.stdin
        process.stdin.write(json.dumps({"code": FOREVER, "calls": [], "seconds": 60}) + "\n")
        process.stdin.flush()
        wait_for(lambda: len(alive(token)) >= 4)  # the template, a keeper, the program, and who started them
        time.sleep(0.3)
        process.kill()
        process.wait()
        assert gone(token)
        process.stdin.close()
        if process.stdout and not isinstance(sandbox, Box):
            process.stdout.close()


def test_a_killed_worker_is_replaced(kind: type[Sandbox], token: str) -> None:
    with kind(1) as sandbox:
        assert sandbox.run(script("print(1)")).stdout == "1\n"
        killed = at_rest(token)
        signal_all(token, signal.SIGKILL)
        wait_for(lambda: not any(map(runs, killed)))
        assert sandbox.run(script("print(2)")).stdout == "2\n"
    assert gone(token)


def test_a_worker_killed_at_work_says_so(kind: type[Sandbox], token: str) -> None:
    with kind(1) as sandbox:
        sandbox.run(script("pass"))
        outcomes: list[Any] = []
        thread = threading.Thread(target=lambda: outcomes.append(sandbox.run(Program(FOREVER, seconds=60))))
        thread.start()
        time.sleep(0.3)
        signal_all(token, signal.SIGKILL)
        thread.join(20)
        assert outcomes[0].status == "killed"
        assert outcomes[0].detail == "the sandbox ended before the program"
        assert sandbox.run(script("print(2)")).stdout == "2\n"


def test_a_worker_that_hangs_is_given_up(kind: type[Sandbox], token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgebench.pairs.sandbox.worker.GRACE", 0.3)
    with kind(1) as sandbox:
        sandbox.run(script("pass"))
        signal_all(token, signal.SIGSTOP)
        outcome = sandbox.run(Program("print(1)", seconds=0.2))
        assert outcome.status == "timeout"
        assert gone(token)
        assert sandbox.run(script("print(2)")).stdout == "2\n"


def test_workers_outlive_the_thread_that_needed_them_first(kind: type[Sandbox]) -> None:
    with kind(1) as sandbox:
        first = threading.Thread(target=lambda: sandbox.run(script("pass")))
        first.start()
        first.join()
        worker = sandbox._all[0]
        time.sleep(0.1)
        assert sandbox.run(script("print(1)")).stdout == "1\n"
        assert sandbox._all == [worker]


def forked(sandbox: Sandbox, results: Any) -> None:
    results.put([outcome.stdout for outcome in sandbox.run_many(script(f"print({n})") for n in range(4))])
    sandbox.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_workers_of_its_own(kind: type[Sandbox], token: str) -> None:
    context = multiprocessing.get_context("fork")
    with kind(1) as sandbox:
        sandbox.run(script("pass"))
        results = context.SimpleQueue()
        children = [context.Process(target=forked, args=(sandbox, results)) for _ in range(2)]
        for child in children:
            child.start()
        assert [sandbox.run(script(f"print({n})")).stdout for n in range(4)] == [f"{n}\n" for n in range(4)]
        assert [results.get(), results.get()] == [["0\n", "1\n", "2\n", "3\n"]] * 2
        for child in children:
            child.join()
        assert sandbox.run(script("print(5)")).stdout == "5\n"
    assert gone(token)


def test_a_program_ends_when_its_keeper_does(kind: type[Sandbox], token: str) -> None:
    """Only the kernel's word is left to end a program whose keeper was killed: no process of it stays."""
    with kind(1) as sandbox:
        sandbox.run(script("pass"))
        calm = len(at_rest(token))
        thread = threading.Thread(target=sandbox.run, args=(Program(FOREVER, seconds=60),))
        thread.start()
        wait_for(lambda: len(alive(token)) == calm + 2)
        time.sleep(0.2)
        keeper = sorted(alive(token))[-2]
        os.kill(keeper, signal.SIGKILL)
        thread.join(20)
        assert not thread.is_alive()
        assert sandbox.run(script("print(2)")).stdout == "2\n"
    assert gone(token)


# --- what the kernel says of a program at work ------------------------------------------------------------------------
def status(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_has_no_rights_and_two_filters(way: str) -> None:
    with opened(way) as (sandbox, token):
        sandbox.run(script("pass"))
        calm = at_rest(token)
        thread = threading.Thread(target=sandbox.run, args=(Program("import time; time.sleep(1)"),))
        thread.start()
        wait_for(lambda: len(alive(token)) == len(calm) + 2)
        time.sleep(0.3)
        program = max(set(alive(token)) - set(calm))
        found, files = status(program), {int(entry.name) for entry in Path(f"/proc/{program}/fd").iterdir()}
        thread.join()
    assert {found[name] for name in ("CapEff", "CapPrm", "CapAmb")} == {"0" * 16}
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")
    assert int(found.get("Seccomp_filters", 2)) >= 2
    users = {int(user) for user in found["Uid"].split()}
    assert users <= set(host.SPARE_USERS) if way.endswith("me") and os.geteuid() == 0 else len(users) == 1
    assert 0 not in users
    assert {file for file in files if file < LIBRARY} == {0, 1, 2, 3, 4}


# --- workers that do not come up ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/sandbox",), "/no/such/sandbox cannot be started: No such file or directory"),
        (("/bin/sh", "-c", "echo 'no permission here' >&2; exit 1", "sh"), "no permission here"),
        (("/bin/sh", "-c", "exit 0", "sh"), "did not say why"),
        (("/bin/sh", "-c", "printf 'R'; sleep 100", "sh"), "did not say why"),
    ],
)
def test_a_worker_that_does_not_come_up_says_why(
    command: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgebench.pairs.sandbox.worker.START", 0.5)
    with pytest.raises(MissingPrerequisite, match=words):
        Worker(Launch(command, Setup()))


def test_files_are_handed_on_once(tmp_path: Path) -> None:
    file = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(MissingPrerequisite):
        Worker(Launch(("/no/such/sandbox",), Setup(), hand_on=(file,)))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)


def test_ctrl_c_in_a_run_leaves_a_sandbox_that_works(tmp_path: Path) -> None:
    lacking("landlock")
    code = textwrap.dedent("""
        import os, signal, threading
        from judgebench.pairs.sandbox.landlock import Landlock
        from judgebench.pairs.sandbox.program import Program
        with Landlock(1) as sandbox:
            sandbox.run(Program("pass"))
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                sandbox.run(Program("while True: pass", seconds=30))
            except KeyboardInterrupt:
                print(sandbox.run(Program("print('works')")).stdout, end="")
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("works\n", "")
