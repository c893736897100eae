"""Replies kept across runs, by content: what was asked once costs nothing the second time.

One file per reply, named by the hash of model, endpoint, request and sample; written by rename, so that
concurrent runs share the folder safely. No expiry. Only completed replies are kept: a refusal or a cut reply
would otherwise come back on every retry. The request stands beside the reply, so that two keys can be explained.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from judgebench.backends.base import Backend
from judgebench.errors import UsageError
from judgebench.hashing import digest
from judgebench.records import ChatRequest, Reply, ScoreRequest, TextRequest
from judgebench.spec import differences

KEY_LENGTH = 32
AnyRequest = ChatRequest | TextRequest | ScoreRequest


def default_folder() -> Path:
    """Return where replies are kept: under $JUDGEBENCH_CACHE, else the user's cache folder."""
    import platformdirs

    root = os.environ.get("JUDGEBENCH_CACHE") or platformdirs.user_cache_dir("judgebench")
    return Path(root).expanduser() / "replies"


def address(backend: Backend, request: AnyRequest, repeat: int, nth: int) -> dict[str, Any]:
    """Return everything that a reply depends on. Its digest is the reply's key.

    `repeat` and `nth` tell samples of one request apart: asking twice must give two replies.
    """
    content = request.model_dump(mode="json", exclude_defaults=True, exclude={"model"}) | {"kind": request.kind}
    return {"model": backend.identity, "request": content, "repeat": repeat, "nth": nth}


@dataclass(frozen=True)
class ReplyCache:
    """A folder of replies."""

    folder: Path

    def get(self, address: dict[str, Any]) -> Reply | None:
        """Return the reply at an address, marked as cached and free; None when there is none that can be read."""
        try:
            entry = orjson.loads(self._path(digest(address)[:KEY_LENGTH]).read_bytes())
            reply = Reply.model_validate(entry["reply"])
        except (OSError, ValueError, LookupError, TypeError, ValidationError):
            return None  # absent or damaged: the reply is asked for, and written anew
        return reply.model_copy(update={"cached": True, "cost": 0.0})

    def put(self, address: dict[str, Any], reply: Reply) -> None:
        """Keep a completed reply. A folder that cannot be written costs a later hit, never the run."""
        if reply.finish != "stop":
            return
        path = self._path(digest(address)[:KEY_LENGTH])
        entry = {"address": address, "reply": reply.model_dump(mode="json", exclude_defaults=True)}
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(orjson.dumps(entry))
                os.replace(name, path)  # noqa: PTH105 - the name is a string already
            except OSError:
                os.unlink(name)  # noqa: PTH108 - a full disk needs no half files on top

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def entries(self) -> Iterator[Path]:
        """Yield the files of all replies."""
        return self.folder.glob("??/*.json")

    def find(self, key: str) -> dict[str, Any]:
        """Return the address kept under a key or its beginning. Raises UsageError when none or several fit."""
        found = [path for path in self.entries() if path.stem.startswith(key)]
        if len(found) != 1:
            raise UsageError(
                f"{len(found)} cached replies begin with {key!r}. Type a key's first digits: judgebench cache list"
            )
        address: dict[str, Any] = orjson.loads(found[0].read_bytes())["address"]
        return address

    def explain(self, one: str, two: str) -> list[str]:
        """Return the fields in which the addresses of two keys differ."""
        return differences(self.find(one), self.find(two))

    def clear(self) -> int:
        """Remove every reply; return how many there were."""
        count = sum(1 for _ in self.entries())
        shutil.rmtree(self.folder, ignore_errors=True)
        return count
