"""A real cluster of two nodes: workers, a node and the driver are killed, and nothing is lost, doubled or different."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ray_child import scripted

from factories import write_pairs
from judgebench.evaluation import Evaluation, evaluate
from judgebench.run.ray import AT_ONCE, LEAST_BATCH

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
WORKERS = 4
DEADLINE = 240.0
LATENCY = 0.01
JUDGMENT = b'"kind":"judgment"'


@dataclass
class ClusterProcess:
    """A cluster from outside."""

    process: subprocess.Popen[str]
    address: str

    def remove_node(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("remove\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "removed\n"


def short_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for Ray, whose sockets want paths shorter than those of pytest's folders."""
    return tempfile.TemporaryDirectory(prefix="jb", dir="/tmp", ignore_cleanup_errors=True)


@contextmanager
def two_nodes() -> Iterator[ClusterProcess]:
    command = [sys.executable, str(HERE / "ray_cluster.py")]
    with short_folder() as folder:
        environment = os.environ | {"RAY_TMPDIR": folder, "RAY_USAGE_STATS_ENABLED": "0"}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "the cluster did not start"
            yield ClusterProcess(process, address)
        finally:
            process.communicate(timeout=60)


@dataclass
class Run:
    """A run on the cluster, in a process of its own."""

    folder: Path
    task: Path
    address: str

    @property
    def seen(self) -> Path:
        return self.folder / "seen"

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "ray_child.py"), self.task, self.folder / "runs", self.seen, self.address]
        command += [str(LATENCY)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def workers(self) -> set[int]:
        """Return the processes that have judged."""
        return {int(line) for line in self.seen.read_text().split()} if self.seen.exists() else set()

    def requests(self) -> int:
        return len(self.seen.read_bytes().splitlines()) if self.seen.exists() else 0

    def judgments(self) -> list[str]:
        """Return the keys of the trials that the journal has judgments of."""
        lines = self.journal().split(b"\n")[:-1]
        return [json.loads(line)["trial"] for line in lines if JUDGMENT in line]

    def journal(self) -> bytes:
        journals = list((self.folder / "runs").glob("*/*/*/journal.jsonl"))
        return journals[0].read_bytes() if journals else b""

    def wait(self, count: int, child: subprocess.Popen[str]) -> int:
        """Wait until so many trials are judged; return how many are."""
        deadline = time.monotonic() + DEADLINE
        while (judged := self.journal().count(JUDGMENT)) < count:
            assert child.poll() is None, child.communicate()[1]
            assert time.monotonic() < deadline, f"{judged} of {count} judged"
            time.sleep(0.2)
        return judged


@dataclass
class Story:
    """What happened to a run that a worker, its driver and a node were lost to."""

    run: Run
    stdout: str
    trials: int
    before_restart: int
    requests_before: int
    lost_worker: int
    workers_before: set[int]


@pytest.fixture(scope="module", params=[2000, pytest.param(10_000, marks=pytest.mark.soak)], ids="{} trials".format)
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Judge so many trials while a worker is killed, then the driver, then a node goes."""
    folder, trials = tmp_path_factory.mktemp("ray"), request.param
    with two_nodes() as cluster:
        run = Run(folder, write_pairs(folder / "pairs.jsonl", trials // 2), cluster.address)
        driver = run.start()
        run.wait(trials // 20, driver)
        worker = min(run.workers())
        os.kill(worker, signal.SIGKILL)
        run.wait(trials // 5, driver)
        driver.kill()
        driver.communicate()
        before, requests, workers = len(run.judgments()), run.requests(), run.workers()
        driver = run.start()
        run.wait(before + trials // 10, driver)
        cluster.remove_node()
        out, errors = driver.communicate(timeout=DEADLINE)
        assert driver.returncode == 0, errors
    return Story(run, out, trials, before, requests, worker, workers)


def test_every_trial_is_judged_and_none_twice(story: Story) -> None:
    judgments = story.run.judgments()
    assert len(judgments) == len(set(judgments)) == story.trials


def test_the_result_is_the_local_engines_byte_for_byte(story: Story) -> None:
    (spread,) = (story.run.folder / "runs").glob("*/*/*")
    local = locally(story.run)
    assert (spread / "verdicts.jsonl").read_bytes() == (local.directory / "verdicts.jsonl").read_bytes()
    result = json.loads((spread / "result.json").read_bytes())
    for part in ("spec_sha256", "counts", "metrics", "by_category", "usage"):
        assert result[part] == json.loads((local.directory / "result.json").read_bytes())[part]


def locally(run: Run) -> Evaluation:
    backend = scripted(str(run.folder / "local.seen"), 0.0)
    return evaluate("pairwise", str(run.task), backend=backend, runs=str(run.folder / "local"), cache=False)


def test_the_driver_that_came_back_went_on_where_it_was(story: Story) -> None:
    assert story.trials // 5 <= story.before_restart < story.trials
    most_lost = WORKERS * AT_ONCE * LEAST_BATCH
    paid_since = story.run.requests() - story.requests_before
    assert paid_since <= story.trials - story.before_restart + most_lost, "only what a node took along is paid twice"


def test_a_lost_worker_takes_no_more_than_its_batches_along(story: Story) -> None:
    lost = 3 * WORKERS * AT_ONCE * LEAST_BATCH  # a worker, a driver with all its workers, a node
    assert story.trials < story.run.requests() <= story.trials + lost
    assert story.lost_worker in story.workers_before
    assert story.run.workers() - story.workers_before, "others took its place"


def test_what_ray_says_goes_to_stderr(story: Story) -> None:
    assert not story.stdout


MARK = "JUDGEBENCH_TEST_MARK"


def marked(mark: str) -> list[str]:
    """Return the command lines of the processes that have a mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("sent", "after"),
    [
        pytest.param(signal.SIGTERM, 20, marks=pytest.mark.soak),
        pytest.param(signal.SIGINT, 20, marks=pytest.mark.soak),
        pytest.param(signal.SIGTERM, 0, marks=pytest.mark.soak),
    ],
)
def test_a_cluster_of_our_own_leaves_nothing_behind(tmp_path: Path, sent: signal.Signals, after: int) -> None:
    write_pairs(tmp_path / "pairs.jsonl", 2000)
    command = [
        sys.executable, "-m", "judgebench", "eval", "--judge", "pairwise", "--task", "pairs.jsonl", "--model",
        "scripted/demo", "--backend-option", "latency=0.1", "--engine", "ray", "--workers", "2", "--worker-cpus", "0.5",
    ]  # fmt: skip
    with short_folder() as ray_folder:
        environment = os.environ | {MARK: tmp_path.name, "RAY_TMPDIR": ray_folder, "HOME": str(tmp_path)}
        child = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        run = Run(tmp_path, tmp_path / "pairs.jsonl", "")
        if after:
            run.wait(after, child)
        else:
            time.sleep(4.0)  # the cluster is about to come up
        child.send_signal(sent)
        out, errors = child.communicate(timeout=DEADLINE)
        assert child.returncode == 130, errors
        assert not out
        assert "Traceback" not in errors
        assert errors.endswith("judgebench: interrupted; the same command continues\n")
        assert not list(Path(ray_folder).iterdir())
    deadline = time.monotonic() + 10
    while (left := marked(tmp_path.name)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left
    assert after <= len(run.judgments()) < 4000
