"""axe-core, the accessibility checker: fetched with npm at test time, verified, kept in the user's cache, never in here.

The tarball is of a pinned version and has to have the pinned hash, wherever it comes from. Without npm or without a
network there is no check, and the reason is said; a package that is not the pinned one is an error.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from playwright.sync_api import Page

VERSION = "4.10.3"
INTEGRITY = "sha512-Xm7bpRXnDSX2YE2YFfBk2FnF0ep6tmG7xPh8iHee8MIcrgq762Nkce856dYtJYLkuIoYZvGfTs/PbZhideTcEg=="
"""Of the tarball, as the registry and npm write it."""
NAME = f"axe-core-{VERSION}.tgz"
CACHE = Path(platformdirs.user_cache_dir("judgebench-tests"))
PATIENCE = 120.0
OPTIONS = ("--ignore-scripts", "--silent", "--fetch-retries=1", "--fetch-timeout=30000")
SERIOUS = ("serious", "critical")

_RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .map(v => ({rule: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => [n.target.join(" "), n.failureSummary])}))"""


class Unavailable(Exception):
    """There is no axe-core to be had; the message says why."""


class WrongPackage(Exception):
    """What npm fetched is not the pinned package."""


@dataclass(frozen=True)
class Violation:
    """A rule that a page breaks, how badly, and where: (selector, what to mend)."""

    rule: str
    impact: str
    help: str
    places: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = [f"{self.impact}: {self.rule}: {self.help} ({len(self.places)} places)"]
        lines += [f"  {where}: {' '.join(what.split())}" for where, what in self.places[:3]]
        return "\n".join(lines)


def integrity(data: bytes) -> str:
    """Return the hash of data as npm writes it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"


def tarball(folder: Path = CACHE, npm: str | None = None) -> bytes:
    """Return the pinned tarball, from the folder or else from npm, which then lies in the folder.

    A file in the folder that is not the pinned one is fetched anew. Raises Unavailable and WrongPackage.
    """
    kept = folder / NAME
    if kept.is_file() and integrity(found := kept.read_bytes()) == INTEGRITY:
        return found
    data = _packed(npm or shutil.which("npm"))
    if integrity(data) != INTEGRITY:
        raise WrongPackage(f"npm's axe-core {VERSION} is {integrity(data)}, expected {INTEGRITY}")
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(kept)
    return data


def _packed(npm: str | None) -> bytes:
    """Return what `npm pack` fetches. It unpacks nothing and runs nothing of the package."""
    if npm is None:
        raise Unavailable("no npm here to fetch axe-core with")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"axe-core@{VERSION}", "--pack-destination", folder, *OPTIONS]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"npm does not fetch axe-core: {error}") from error
        if done.returncode != 0 or not (found := Path(folder) / NAME).is_file():
            last = (done.stderr.strip().splitlines() or ["it made no file"])[-1]
            raise Unavailable(f"npm does not fetch axe-core: {last}")
        return found.read_bytes()


def script(data: bytes) -> str:
    """Return axe-core's script from its tarball."""
    import io

    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as package:
        file = package.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


@cache
def needed() -> str:
    """Return the script, or skip the test that asks where there is none. Another package than the pinned one fails."""
    try:
        return script(tarball())
    except Unavailable as reason:
        pytest.skip(str(reason))


def violations(page: Page, source: str) -> list[Violation]:
    """Return the serious and critical violations on a page, whose context must be open with `bypass_csp`."""
    page.evaluate(source)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    told = [Violation(v["rule"], v["impact"], v["help"], tuple(map(tuple, v["nodes"]))) for v in found]
    return [violation for violation in told if violation.impact in SERIOUS]
