"""The example of a regression check: a worse candidate stops it, noise does not."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fakes.submitting import FAULTY, clean_code, finished
from fakes.workflows import ROOT, play, step
from judgebench.hashing import sha256
from judgebench.records import Reply
from judgebench.sources import load_task

PATH = ROOT / ".github" / "scripts" / "regression.py"
ITEMS = 60


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("regression", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def skilled(share: float, faulty: float = 0.0) -> Any:
    """Return a script that is right on so many of the items, in both orders."""
    items = load_task("verifiable", drawn={"items": ITEMS}).items
    right = {i.candidates[0 if i.gold.label == "A>B" else 1].content: sha256(i.id.encode()) for i in items}
    wrong = {i.candidates[1 if i.gold.label == "A>B" else 0].content for i in items}

    def script(request: Any) -> Reply:
        text = str(request.messages[-1].content)
        good = max((one for one in right if one in text), key=len)
        bad = max((one for one in wrong if one in text and one != good), key=len)
        lot = int(right[good][:8], 16) / 16**8
        first = (text.find(good) < text.find(bad)) == (lot < share)
        if int(sha256(text.encode())[:8], 16) / 16**8 < faulty:
            return Reply(text="no verdict")
        return Reply(text=f"Verdict: {'A' if first else 'B'}")

    return script


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The outputs of `judgebench eval --json` for candidates of different skill."""
    scripts = {
        "good": skilled(0.8), "same": skilled(0.8), "noisy": skilled(0.77), "worse": skilled(0.2),
        "mute": skilled(0.8, 0.5),
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        clean_code(patch)
        for name, script in scripts.items():
            run = finished(folder, model=f"openai/{name}", script=script, items=ITEMS)
            found[name] = folder / f"{name}.json"
            found[name].write_text(json.dumps([{"directory": str(run)}]))
    return found


@pytest.mark.parametrize(("candidate", "code"), [("same", 0), ("noisy", 0), ("worse", 1), ("mute", 1)])
def test_a_worse_candidate_stops_the_workflow(
    candidate: str, code: int, gate: ModuleType, outputs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gate.main(str(outputs["good"]), str(outputs[candidate])) == code
    text = capsys.readouterr().out
    assert ("**The candidate is worse.**" in text) == bool(code)
    assert "| accuracy |" in text
    assert "| unreadable_rate |" in text
    assert text.startswith(f"## ` pairwise--openai__{candidate} ` against ` pairwise--openai__good `")


def test_a_better_candidate_passes(gate: ModuleType, outputs: dict[str, Path]) -> None:
    assert gate.main(str(outputs["worse"]), str(outputs["good"])) == 0


def test_unreadable_replies_are_named_as_the_loss(
    gate: ModuleType, outputs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    gate.main(str(outputs["good"]), str(outputs["mute"]))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| unreadable_rate")]
    assert line.endswith("| worse |")
    assert FAULTY < 0.5


def test_the_workflows_step_compares(outputs: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / ".github").symlink_to(ROOT / ".github")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "baseline.json").write_text(outputs["good"].read_text())
    (tmp_path / "candidate.json").write_text(outputs["worse"].read_text())
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = play("regression", "gate", tmp_path, {"PATH": path, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})
    assert done.returncode == 1, done.stderr
    assert "**The candidate is worse.**" in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize("name", ["baseline", "candidate"])
def test_the_eval_lines_write_what_the_gate_reads(name: str, tmp_path: Path, gate: ModuleType) -> None:
    """The workflow's own line, with the scripted model in place of a real one."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "JUDGE": "pairwise", "ITEMS": "36",
        "BASELINE": "scripted/demo", "CANDIDATE": "scripted/demo", "HOME": str(tmp_path),
    }  # fmt: skip
    done = play("regression", name, tmp_path, env)
    assert done.returncode == 0, done.stderr
    (run,) = json.loads((tmp_path / f"{name}.json").read_text())
    assert (tmp_path / run["directory"] / "result.json").is_file()


def test_a_hostile_input_is_one_word(tmp_path: Path) -> None:
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "ITEMS": "36", "HOME": str(tmp_path),
           "JUDGE": "x; touch ran #", "CANDIDATE": "$(touch ran)"}  # fmt: skip
    done = play("regression", "candidate", tmp_path, env)
    assert done.returncode == 2
    assert "unknown judge" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_the_step_is_plain_words() -> None:
    assert step("regression", "gate")["run"].startswith("python .github/scripts/regression.py ")
    done = subprocess.run([sys.executable, PATH], capture_output=True, check=False)
    assert done.returncode != 0
