"""The cluster a run is judged on: joined or started, left or ended, and said in one line when it cannot be."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factories import write_pairs
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.run import cluster
from judgebench.spec import EvalConfig


def config(**fields: Any) -> EvalConfig:
    return EvalConfig(**({"judge": "random", "task": "starter", "engine": "ray"} | fields))


@pytest.fixture(autouse=True)
def _no_cluster_of_the_developers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"engine": "local", "ray_address": "auto"}, "--ray-address is for Ray. Type also: --engine ray"),
        ({"engine": "local", "workers": (1, 2)}, "--workers is for Ray"),
        ({"engine": "local", "worker_gpus": 0.5}, "--worker-gpus is for Ray"),
        ({"batch": True}, "--batch asks from one process"),
        ({"workers": (3, 2)}, "--workers 3-2 is no range. Type --workers MIN-MAX"),
        ({"workers": (0, 2)}, "--workers 0-2 is no range"),
        ({"ray_address": "ray://head:10001"}, "ray://head:10001: Ray Data does not run through a Ray client"),
    ],
)
def test_options_that_do_not_go_together_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        cluster.check(config(**fields))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fields", [{}, {"workers": (2, 2)}, {"ray_address": "auto", "worker_cpus": 0.1}])
def test_options_that_go_together_are_not(fields: dict[str, Any]) -> None:
    cluster.check(config(**fields))
    cluster.check(config(engine="local"))


def test_ray_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda _name: None)
    with pytest.raises(MissingPrerequisite, match=r"^--engine ray needs Ray\. Type: pip install 'judgebench\[ray\]'$"):
        cluster.check(config())


def test_ray_without_its_data_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingPrerequisite, match=r"cannot load Ray: .*Type: pip install 'judgebench\[ray\]'$"):
        cluster.imported()


def test_an_address_is_joined_and_none_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cluster.is_joined(config())
    assert not cluster.is_joined(config(ray_address="local"))
    assert not cluster.is_joined(config(engine="local"))
    assert cluster.is_joined(config(ray_address="auto"))
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert cluster.is_joined(config())
    assert cluster.address(config()) == "10.0.0.1:6379"
    assert cluster.address(config(ray_address="auto")) == "auto"


class RayError(Exception):
    """Stands for `ray.exceptions.RayError`."""


class AuthenticationError(RayError):
    """Stands for Ray's."""


class Session:
    """A Ray that notes what is done to it. `error` is raised by `init`."""

    def __init__(self, error: Exception | None = None, *, running: bool = False) -> None:
        self.error = error
        self.running = running
        self.done: list[str] = []
        self.init_arguments: dict[str, Any] = {}
        self.exceptions = SimpleNamespace(RayError=RayError)
        self.client = False
        self.util = SimpleNamespace(client=SimpleNamespace(ray=SimpleNamespace(is_connected=lambda: self.client)))

    def is_initialized(self) -> bool:
        return self.running

    def init(self, where: str, **arguments: Any) -> None:
        self.done.append(f"init {where}")
        self.init_arguments = arguments
        if self.error is not None:
            raise self.error

    def shutdown(self, *, wait_for_processes: bool) -> None:
        assert wait_for_processes
        self.done.append("shutdown")


def use(session: Session, monkeypatch: pytest.MonkeyPatch, body: Any = None, **fields: Any) -> None:
    """Connect, run the body, and leave."""
    monkeypatch.setattr(cluster, "imported", lambda: session)

    async def connect() -> None:
        async with cluster.connected(config(**fields)) as ray:
            assert ray is session
            session.done.append("at work")
            if body is not None:
                body()

    asyncio.run(connect())


def test_a_cluster_of_our_own_is_started_quietly_and_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    session = Session()
    use(session, monkeypatch, lambda: Path(session.init_arguments["_temp_dir"], "session").mkdir())
    assert session.done == ["init local", "at work", "shutdown"]
    assert session.init_arguments["include_dashboard"] is False
    assert session.init_arguments["log_to_driver"] is False
    assert Path(session.init_arguments["_temp_dir"]).parent == tmp_path
    assert not list(tmp_path.iterdir()), "its folder is gone"


@pytest.mark.parametrize("session", [Session(RuntimeError("no")), Session()])
def test_it_is_ended_whatever_happens(session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with pytest.raises((RuntimeError, ZeroDivisionError)):
        use(session, monkeypatch, fail)
    assert session.done[-1] == "shutdown"
    assert not list(tmp_path.iterdir())


def test_a_cluster_that_is_there_is_only_joined_and_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    session = Session()
    use(session, monkeypatch, ray_address="auto")
    assert session.done == ["init auto", "at work", "shutdown"]
    assert set(session.init_arguments) == {"log_to_driver", "logging_level"}
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_connected_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(running=True)
    use(session, monkeypatch)
    assert session.done == ["at work"]
    session.client = True
    with pytest.raises(UsageError, match="does not run through a Ray client"):
        use(session, monkeypatch)


def test_an_interrupt_while_ray_starts_waits_for_it_to_end_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    session, started = Session(), asyncio.Event()
    monkeypatch.setattr(cluster, "imported", lambda: session)

    async def interrupted() -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()

        def slowly(where: str, **_: Any) -> None:
            loop.call_soon_threadsafe(started.set)
            asyncio.run_coroutine_threadsafe(ready.wait(), loop).result()
            session.done.append(f"init {where}")

        monkeypatch.setattr(session, "init", slowly)

        async def connect() -> None:
            async with cluster.connected(config()):
                raise AssertionError("it was interrupted")

        connecting = asyncio.create_task(connect())
        await started.wait()
        connecting.cancel()
        await asyncio.sleep(0)
        ready.set()
        await connecting

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert session.done == ["init local", "shutdown"]


def test_what_ray_prints_is_no_data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    use(Session(), monkeypatch, lambda: print("(raylet) a worker died"), ray_address="auto")
    shown = capsys.readouterr()
    assert not shown.out
    assert "a worker died" in shown.err


@pytest.mark.parametrize(
    ("where", "reason"),
    [("127.0.0.1:1", "Connection refused"), ("head", "it is no HOST:PORT"), ("head:6379x", "it is no HOST:PORT")],
)
def test_an_address_nobody_answers_at_is_one_line_at_once(
    where: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session()
    with pytest.raises(UsageError) as caught:
        use(session, monkeypatch, ray_address=where)
    assert str(caught.value).startswith(f"no Ray cluster answers at {where}: {reason}. Type --ray-address HOST:6379")
    assert session.done == ["shutdown"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConnectionError("Could not find any running Ray instance.\nPlease"), "no Ray cluster runs here. Type"),
        (
            AuthenticationError("InvalidAuthToken: …\n…"),
            "the Ray cluster at auto asks for a token. Type: export RAY_AUTH",
        ),
    ],
)
def test_a_cluster_that_will_not_have_us_is_one_line(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError) as caught:
        use(Session(error), monkeypatch, ray_address="auto")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_another_version_of_ray_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_reach", lambda _where: None)
    with pytest.raises(
        UsageError, match=r"^cannot join the Ray cluster at head:6379: Version mismatch: 2\.9, not 2\.60$"
    ):
        use(Session(RuntimeError("Version mismatch: 2.9, not 2.60\n  Python: …")), monkeypatch, ray_address="head:6379")


def pool(resources: dict[str, float], gpus: float = 0.0, **fields: Any) -> cluster.Pool:
    return cluster.pool(SimpleNamespace(cluster_resources=lambda: resources), config(**fields), gpus)


def test_there_is_a_worker_for_every_slot_unless_told_otherwise() -> None:
    assert pool({"CPU": 4.0}) == cluster.Pool(1, 4, 4, 1.0, 0.0)
    assert pool({"CPU": 4.0}, worker_cpus=0.5) == cluster.Pool(1, 8, 8, 0.5, 0.0)
    assert pool({"CPU": 64.0, "GPU": 8.0}, gpus=1.0) == cluster.Pool(1, 8, 8, 1.0, 1.0)
    assert pool({"CPU": 64.0, "GPU": 8.0}, gpus=1.0, worker_gpus=0.5).most == 16
    assert pool({"CPU": 64.0, "GPU": 8.0}).most == 64, "who asks a server takes no GPU"
    assert pool({"CPU": 4.0}, gpus=1.0) == cluster.Pool(1, 4, 4, 1.0, 0.0), "no GPU here: on the CPU"
    assert pool({"CPU": 4.0}, workers=(2, 8)) == cluster.Pool(2, 8, 4, 1.0, 0.0)
    assert pool({"CPU": 64.0}, workers=(2, 8)).first == 8
    assert pool({"CPU": 2.0, "GPU": 1.0}, worker_gpus=1 / 3).most == 2


def test_a_third_of_a_gpu_fits_three_times() -> None:
    assert cluster.slots({"CPU": 8.0, "GPU": 1.0}, 1.0, 1 / 3) == 3
    assert cluster.slots({"CPU": 0.3}, 0.1, 0.0) == 3


def test_what_this_machine_has_no_room_for_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"this machine has 2 CPU and 0 GPU: room for 2 workers of 1 CPU and 0 GPU each"
    ):
        pool({"CPU": 2.0}, workers=(3, 3))
    with pytest.raises(UsageError, match=r"room for 0 workers of 1 CPU and 1 GPU each, not for 1"):
        pool({"CPU": 2.0}, worker_gpus=1.0)


def test_a_cluster_may_grow_into_what_is_asked_of_it() -> None:
    assert pool({"CPU": 2.0}, worker_gpus=1.0, ray_address="auto") == cluster.Pool(1, 1, 1, 1.0, 1.0)
    assert pool({"CPU": 2.0}, workers=(4, 16), ray_address="auto") == cluster.Pool(4, 16, 4, 1.0, 0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--workers 2", "judgebench: --workers is for Ray. Type also: --engine ray\n"),
        (
            "--engine ray --workers 5-2",
            "judgebench: Invalid value for '--workers': '5-2' is neither a number of workers",
        ),
        ("--engine ray --workers many", "judgebench: Invalid value for '--workers': 'many' is neither a number of"),
        ("--engine ray --worker-cpus 0", "judgebench: Invalid value for '--worker-cpus': 0"),
        ("--engine ray --ray-address 127.0.0.1:1", "judgebench: no Ray cluster answers at 127.0.0.1:1: Connection"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(options: str, message: str, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl", 2)
    command = [
        sys.executable,
        "-m",
        "judgebench",
        "eval",
        "--judge",
        "random",
        "--task",
        "pairs.jsonl",
        *options.split(),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(message.rstrip("\n"))
    assert "Traceback" not in done.stderr
    assert not done.stdout
