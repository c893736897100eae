"""What a run ran on: versions, platform, commit. Never a path, a host or a key."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from judgebench.results import Environment
from judgebench.version import VERSION

PACKAGES = (
    "anthropic",
    "numpy",
    "openai",
    "pydantic",
    "scikit-learn",
    "scipy",
    "torch",
    "transformers",
    "vllm",
)

DIRTY = "-dirty"
"""Follows the commit of a run whose code was changed and not committed, as `git describe` marks it."""
JUDGING = ("judgebench", "tasks", "pyproject.toml")
"""What of the checkout decides about verdicts and numbers."""


def environment(backend: dict[str, Any]) -> Environment:
    """Return the facts about this machine that a result records."""
    return Environment(
        judgebench=VERSION,
        python=platform.python_version(),
        platform=f"{platform.system()}-{platform.machine()}".lower(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
        commit=_commit(),
        backend=backend,
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _commit() -> str | None:
    """Return the commit when judgebench runs from its own checkout, else None; with `-dirty` when code was changed."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    return commit and f"{commit}{DIRTY}" if _git(root, "status", "--porcelain", "--", *JUDGING) else commit


def _git(root: Path, *words: str) -> str | None:
    # Reading must not take the index's lock: several runs may end at the same time.
    command = ["git", "-C", str(root), "--no-optional-locks", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip() or None
