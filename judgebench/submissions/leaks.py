"""What must not leave this machine with a result: paths, addresses of private servers, keys.

A result is built from named fields and holds no texts. Some of these fields are the user's own words all the same:
a model may be a folder, a backend's option an address.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judgebench.results import Result

_FOLDERS = "home|root|Users|mnt|media|data|tmp|var|opt|srv|private|scratch|workspace|content|kaggle|lustre|gpfs|dev|nfs"
_PATH = re.compile(
    rf"(?:^|[\s=:,;\"'(\[/])(?:/(?:{_FOLDERS})(?:/|$)|~[\w-]*/|\.\.?/|[A-Za-z]:[\\/](?!/)|\\\\\w|file:/)|^/[^/\s]"
)
_ADDRESS = re.compile(
    r"\w://(?:[^/\s]*@|localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[|[\w-]+(?:[:/]|$)"
    r"|[\w.-]+\.(?:local|internal|lan|corp|intranet)\b)",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"\bsk-[\w-]{16,}|\bhf_\w{20,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bBearer\s+\S{12,}|-----BEGIN "
)
_SECRET_NAMES = ("_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_SHORTEST = 8
"""Characters of a secret in the environment that is worth looking for."""


def leaks(result: Result) -> Iterator[str]:
    """Yield `field: what` for every string of a result that names a path, a private server or a key; not the value."""
    secrets, home = _secrets(), _home()
    for field, text in _strings(result.model_dump(mode="json", exclude={"metrics", "counts", "usage"})):
        if any(secret in text for secret in secrets) or _KEY.search(text):
            yield f"{field} holds what looks like a key"
        elif _ADDRESS.search(text):
            yield f"{field} names a private server"
        elif _PATH.search(text) or (home and home in text):
            yield f"{field} names a folder of this machine"


def _strings(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield field or "result", key
            yield from _strings(inner, f"{field}.{key}" if field else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, f"{field}.{number}")


def _secrets() -> list[str]:
    return [value for name, value in os.environ.items() if name.endswith(_SECRET_NAMES) and len(value) >= _SHORTEST]


def _home() -> str:
    """Return the user's folder; nothing where its name is as short as a word of anybody's."""
    home = str(Path.home())
    return home if len(home) > len("/root") else ""
