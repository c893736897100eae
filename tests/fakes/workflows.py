"""Workflow files as data, and their shell steps run on this machine."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".github" / "workflows"


@dataclass(frozen=True)
class Step:
    """A step with the names of its workflow and its job."""

    workflow: str
    job: str
    fields: dict[str, Any]

    @property
    def action(self) -> str:
        return self.fields.get("uses", "").partition("@")[0]


def workflows() -> dict[str, dict[str, Any]]:
    """Return all workflows by name. Values are strings as they are written: `on` stays `on`."""
    return {path.stem: yaml.load(path.read_text("utf-8"), yaml.BaseLoader) for path in sorted(FOLDER.glob("*.y*ml"))}


def jobs() -> dict[tuple[str, str], dict[str, Any]]:
    return {(name, job): fields for name, flow in workflows().items() for job, fields in flow["jobs"].items()}


def steps() -> list[Step]:
    return [Step(*place, fields) for place, job in jobs().items() for fields in job["steps"]]


def step(workflow: str, name: str) -> dict[str, Any]:
    """Return the step of that id."""
    (found,) = [one.fields for one in steps() if one.workflow == workflow and one.fields.get("id") == name]
    return found


def play(workflow: str, name: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a step's script as a runner does: its text in a file, its environment on top."""
    fields = step(workflow, name)
    script = cwd / f".{name}.sh"
    script.write_text(fields["run"])
    own = {key: value for key, value in fields.get("env", {}).items() if "${{" not in value}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)], cwd=cwd, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], **env, **own}, check=False,
    )  # fmt: skip
