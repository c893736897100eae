"""What this machine has is told truthfully: with torch, without it, with a broken one, in a container, on a Mac."""

import json
import subprocess
import sys
import types
import warnings
from importlib.metadata import version
from pathlib import Path

import pytest

from judgebench import machine
from judgebench.machine import Gpu, Package, extras, here, hub_cache


@pytest.fixture(autouse=True)
def _fresh() -> None:
    extras.cache_clear()
    machine._devices.cache_clear()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the tests that are about other things the look at the devices."""
    monkeypatch.setattr(machine, "_devices", lambda: ((), False, None))


class Torch(types.ModuleType):
    """A torch with so many GPUs, or MPS, or a driver with something to say."""

    def __init__(self, gpus: int = 0, *, mps: bool = False, warning: str | None = None) -> None:
        super().__init__("torch")

        def available() -> bool:
            if warning is not None:
                warnings.warn(warning, UserWarning, stacklevel=1)
            return gpus > 0

        self.cuda = types.SimpleNamespace(
            is_available=available,
            device_count=lambda: gpus,
            mem_get_info=lambda index: (60 * 10**9 + index, 80 * 10**9),
            get_device_name=lambda index: f"GPU {index}",
        )
        self.backends = types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: mps))


def probing(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let another process than the real one look at the devices."""
    monkeypatch.setattr(machine, "PROBE", (sys.executable, "-c", code))


# -- devices ------------------------------------------------------------------------------------------------


def test_this_machine_is_looked_at_without_touching_cuda_here() -> None:
    code = "import sys; from judgebench.machine import here; print(here().trouble, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]


def test_gpus_and_mps_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as inside:
        inside.setitem(sys.modules, "torch", Torch(2, mps=True))
        found = machine.probe()
    assert found["mps"]
    assert found["trouble"] is None
    probing(monkeypatch, f"print('chatter'); print({json.dumps(json.dumps(found))})")
    assert here().gpus == (Gpu("GPU 0", 80 * 10**9, 60 * 10**9), Gpu("GPU 1", 80 * 10**9, 60 * 10**9 + 1))


def test_a_driver_that_warns_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", Torch(warning="the driver\nis too old"))
    assert machine.probe() == {"gpus": [], "mps": False, "trouble": "the driver is too old"}


def test_without_torch_there_are_no_devices_and_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    probing(monkeypatch, "raise SystemExit('nobody should look')")
    found = here()
    assert (found.gpus, found.mps, found.trouble) == ((), False, None)
    assert found.cores >= 1


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("raise OSError('libcudart.so.12: cannot open')", "OSError: libcudart.so.12: cannot open"),
        ("import os; os.abort()", "it ends with -6"),
        ("print('no JSON')", "it ends with 0"),
    ],
)
def test_a_torch_that_cannot_be_used_is_one_line(code: str, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    probing(monkeypatch, code)
    assert here().trouble == f"torch cannot be used: {trouble}"


def test_a_driver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    probing(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(machine, "PATIENCE", 0.2)
    assert here().trouble == "torch cannot be used: it does not answer within 0.2 s"


# -- memory and disk ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("looked")
def test_memory_is_what_the_system_calls_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  32000000 kB\nMemAvailable:   24000000 kB\n")
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "CGROUP_LIMIT", tmp_path / "limit")
    assert here().memory == 24000000 * 1024
    for text, expected in (("max\n", 24000000 * 1024), ("4000000000\n", 4000000000)):
        (tmp_path / "limit").write_text(text)
        assert here().memory == expected


@pytest.mark.usefixtures("looked")
def test_memory_without_linux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "none")
    monkeypatch.setattr(machine, "CGROUP_LIMIT", tmp_path / "none")
    monkeypatch.setattr(machine.os, "sysconf_names", {"SC_PHYS_PAGES": 1}, raising=False)
    monkeypatch.setattr(machine.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.get, raising=False)
    assert here().memory == 4096 * 1000
    monkeypatch.setattr(machine.os, "sysconf_names", {}, raising=False)
    assert here().memory is None


@pytest.mark.usefixtures("looked")
def test_the_disk_is_the_hub_cache_s_even_before_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "not" / "yet"))
    assert hub_cache() == tmp_path / "not" / "yet"
    disk = here().disk
    assert disk is not None
    assert abs(disk - shutil.disk_usage(tmp_path).free) < 10**9


# -- packages and access ------------------------------------------------------------------------------------


def test_extras_are_those_of_the_project_and_ours_are_not_shown() -> None:
    found = extras()
    assert {"local", "vllm", "ray", "train"} <= found.keys()
    assert "dev" not in found
    assert {"torch", "transformers", "peft"} <= {package.name for package in found["local"]}
    torch = next(package for package in found["local"] if package.name == "torch")
    assert torch.wanted == ">=2.6"


def test_versions_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        'pydantic>=1; extra == "a"',
        'pydantic<1; extra == "b"',
        'nobody-has-this>=3; extra == "b"',
        'judgebench[a,b]; extra == "c"',
        'pydantic>=1; python_version < "3" and extra == "a"',
        "click",
    ]
    monkeypatch.setattr(machine, "requires", lambda _project: lines)
    here_version = version("pydantic")
    fits = Package("pydantic", here_version, ">=1", fits=True)
    old, absent = (
        Package("pydantic", here_version, "<1", fits=False),
        Package("nobody-has-this", None, ">=3", fits=False),
    )
    assert list(machine._packages("a")) == [fits]
    assert list(machine._packages("b")) == [old, absent]
    assert list(machine._packages("c")) == [fits, old, absent]
    assert [str(package) for package in (fits, old, absent)] == [
        f"pydantic {here_version}",
        f"pydantic {here_version} is not <1",
        "nobody-has-this is missing",
    ]


@pytest.mark.usefixtures("looked")
def test_what_is_lacking_stands_beside_every_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = {
        "local": (Package("torch", "2.9", ">=2.6", fits=True),),
        "vllm": (Package("vllm", None, ">=0.29", fits=False),),
    }
    monkeypatch.setattr(machine, "extras", lambda: packages)
    assert here().lacking == {"local": (), "vllm": ("vllm is missing",)}


@pytest.mark.parametrize(("switch", "value", "off"), [("JUDGEBENCH_OFFLINE", "1", True), ("HF_HUB_OFFLINE", "yes", True), ("HF_HUB_OFFLINE", "0", False)])  # fmt: skip
@pytest.mark.usefixtures("looked")
def test_switches_of_the_network(switch: str, value: str, off: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUDGEBENCH_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(switch, value)
    assert here().offline is off


@pytest.mark.usefixtures("looked")
def test_a_token_is_seen_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    assert not here().token
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    found = here()
    assert found.token
    assert "verysecret" not in repr(found)
