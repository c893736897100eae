"""`judgebench doctor` is truthful, fast, stable in JSON, and never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from judgebench import doctor, machine, prompts
from judgebench.cli.doctor import command
from judgebench.doctor import Test as Outcome
from judgebench.doctor import examine
from judgebench.errors import UsageError
from judgebench.judges.card import card_names, load_card
from judgebench.machine import Gpu, Machine, extras
from judgebench.needs import is_local

GIGA = 10**9
PASSED = (Outcome("judge", ok=True, detail="fine", seconds=0.1),)
CARD = """
name: toy-7b
family: pairwise
kind: fine-tuned
model: {model}
size: 7B
prompts: {{user: pairwise.j2}}
weights: {{remote_code: its head is its own}}
"""


def invoke(*arguments: str) -> tuple[int, str]:
    """Return exit code and output, as the command line has them."""
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with one GPU and everything installed; its self-test passes at once."""
    found = Machine(
        gpus=(Gpu("NVIDIA H100", 80 * GIGA, 20 * GIGA),), cores=8, memory=64 * GIGA, disk=100 * GIGA,
        lacking=dict.fromkeys(extras(), ()),
    )  # fmt: skip
    monkeypatch.setattr(doctor, "here", lambda: found)
    monkeypatch.setattr(doctor, "self_test", lambda _machine: PASSED)
    return found


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(CARD.format(model=f"transformers/{tmp_path}"))
    (tmp_path / "model.safetensors").touch()
    return path


# -- what it says -------------------------------------------------------------------------------------------


def test_the_whole_of_it_on_this_machine() -> None:
    code, output = invoke()
    assert code == 0, output
    for part in ("extras", "devices", "caches", "network", "keys", "local judges", "self-test", "judgelm-13b"):
        assert part in output
    assert "96 judgments of 48 items" in output
    assert "FAILED" not in output


def test_devices_extras_and_caches_are_shown(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts.cache_folder().mkdir(parents=True)
    (prompts.cache_folder() / "one").write_bytes(b"x" * 2_000_000)
    _, output = invoke()
    assert "cuda:0  NVIDIA H100, 20 GB free of 80 GB" in output
    assert "cpu     8 cores, 64 GB of memory available" in output
    (line,) = [line for line in output.splitlines() if line.startswith("  prompts ")]
    assert line.split()[1:5] == ["1", "files", "2.0", "MB"]
    assert "100 GB free on the hub cache's disk" in output


def test_verdicts_on_judges(here: Machine) -> None:
    _, output = invoke()
    verdicts = {line.split()[0]: line for line in output.splitlines() if line.startswith("  judgelm")}
    assert verdicts["judgelm-7b"].endswith(" yes")
    assert verdicts["judgelm-13b"].endswith(" with --quantization 8bit")
    assert verdicts["judgelm-33b"].endswith(" too large")
    assert "What is missing: judgebench doctor --judge NAME" in output
    names = {name for name in card_names() if is_local(load_card(name))}
    assert names <= {line.split()[0] for line in output.splitlines() if line.strip()}


def test_a_named_judge_that_can_run(here: Machine) -> None:
    code, output = invoke("--judge", "judgelm-7b")
    assert code == 0
    assert "note: the weights of BAAI/JudgeLM-7B-v1.0 are not in the hub's cache" in output
    assert "judgelm-13b" not in output


def test_a_named_judge_that_cannot_run_says_why_and_ends_with_1(here: Machine, toy: Path) -> None:
    code, output = invoke("--judge", str(toy))
    assert code == 1
    assert "missing: toy-7b takes Python code of its repository: its head is its own." in output
    code, output = invoke("--judge", "judgelm-33b")
    assert code == 1
    assert "missing: judgelm-33b needs about 74 GB" in output


def test_a_judge_whose_model_is_elsewhere(here: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = tmp_path / "api.yaml"
    card.write_text(CARD.format(model="openai/gpt-4o-mini"))
    code, output = invoke("--judge", str(card))
    assert code == 1
    assert "OPENAI_API_KEY" in output
    monkeypatch.setenv("OPENAI_API_KEY", "sk-verysecret")
    code, output = invoke("--judge", str(card))
    assert code == 0
    assert "keys     OPENAI_API_KEY" in output
    assert "verysecret" not in output
    assert invoke("--judge", "pairwise")[0] == invoke("--judge", "longest")[0] == 0


def test_an_unknown_judge_is_a_usage_error(here: Machine) -> None:
    with pytest.raises(UsageError, match="unknown judge 'judgelm-14b'. Did you mean judgelm-13b"):
        invoke("--judge", "judgelm-14b")


def test_what_is_switched_off_is_said(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in prompts.OFFLINE:
        monkeypatch.delenv(name, raising=False)
    assert "network  on" in invoke()[1]
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", "1")
    assert "network  off, by JUDGEBENCH_OFFLINE" in invoke()[1]


def test_a_failed_self_test_ends_with_1(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "self_test", lambda _machine: (Outcome("judge", ok=False, detail="off", seconds=2.0),))
    code, output = invoke()
    assert code == 1
    assert "judge  FAILED  2.0 s  off" in output


# -- JSON ---------------------------------------------------------------------------------------------------


def test_json_is_stable(here: Machine) -> None:
    code, output = invoke("--judge", "judgelm-13b", "--json")
    found = json.loads(output)
    assert code == 1
    assert list(found) == [
        "judgebench", "python", "platform", "extras", "machine", "caches", "switches", "keys", "judges", "tests",
        "healthy",
    ]  # fmt: skip
    assert list(found["judges"][0]) == ["name", "size", "quantization", "memory", "fits", "missing", "notes"]
    assert found["judges"][0]["memory"].keys() == {"none", "8bit", "4bit"}
    assert found["judges"][0]["fits"] == "8bit"
    assert list(found["machine"]) == [
        "gpus", "mps", "cores", "memory", "disk", "offline", "token", "lacking", "trouble",
    ]  # fmt: skip
    assert found["extras"]["local"][0].keys() == {"name", "version", "wanted", "fits"}
    assert [cache["name"] for cache in found["caches"]] == ["prompts", "replies", "hub"]
    assert found["keys"].keys() == {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN"}
    assert found["tests"] == [{"name": "judge", "ok": True, "detail": "fine", "seconds": 0.1}]
    assert found["healthy"] is True


# -- the self-test ------------------------------------------------------------------------------------------


def test_the_self_test_passes_here_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = list(doctor.self_test(Machine()))
    assert all(result.ok for result in results), results
    assert list(tmp_path.iterdir()) == []


def test_wrong_numbers_fail_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from judgebench import evaluation

    real = evaluation.evaluate
    monkeypatch.setattr(evaluation, "evaluate", lambda _judge, *rest, **options: real("longest", *rest, **options))
    result = next(iter(doctor.self_test(Machine())))
    assert not result.ok
    assert "where both must be 0" in result.detail


def test_a_device_that_computes_wrong_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    assert doctor._attend("cpu").startswith("cpu, float32, off by ")
    real = torch.nn.functional.scaled_dot_product_attention
    for wrong in (lambda *parts, **_options: real(*parts), lambda *parts, **_options: real(*parts) * float("nan")):
        monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", wrong)
        *_, result = doctor.self_test(Machine())
        assert not result.ok
        assert "attention in float32 on cpu is off by" in result.detail


def test_whatever_a_test_raises_is_one_line() -> None:
    def crash() -> str:
        raise OSError("first\nsecond " + "x" * 500)

    result = doctor._timed("crash", crash)
    assert not result.ok
    assert result.detail.startswith("OSError: first second xxx")
    assert len(result.detail) < 250


# -- without torch ------------------------------------------------------------------------------------------


def test_it_is_truthful_without_torch(tmp_path: Path) -> None:
    """In a process of its own, in which torch is not installed as far as Python can tell."""
    code = """
import sys, importlib.metadata as metadata
from importlib.machinery import PathFinder
find, installed = PathFinder.find_spec, metadata.version
def find_spec(name, *rest):
    return None if name.partition(".")[0] == "torch" else find(name, *rest)
def version(name):
    if name == "torch":
        raise metadata.PackageNotFoundError(name)
    return installed(name)
PathFinder.find_spec, metadata.version = find_spec, version
from judgebench.cli import main
sys.argv = ["judgebench", "doctor", "--judge", "judgelm-7b"]
main()
"""
    environment = os.environ | {"JUDGEBENCH_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, timeout=120
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    assert "torch is missing. Type: pip install 'judgebench[local]'" in done.stdout
    assert "missing: judgelm-7b needs the extra local (torch is missing)" in done.stdout
    assert "attention" not in done.stdout
    assert "  judge  ok" in done.stdout


def test_it_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_arguments: Any) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    report = examine("judgelm-7b")
    assert report.healthy
    assert machine.extras() == report.extras
