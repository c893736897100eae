"""A run directory: manifest first, journal while it runs, result last.

    manifest.json    the spec and its hash (first, atomic)
    journal.jsonl    append only: one line per reply, judgment and provider batch, one write each
    lock             held while a process runs here
    result.json, verdicts.jsonl    last, atomic, only when the journal is complete

The state is derived from what is there. A line that was torn by a crash is dropped when the journal is
opened again, and paid again; nothing else ever is.
"""

import contextlib
import fcntl
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from judgebench.errors import RunError
from judgebench.records import Judgment, Reply
from judgebench.run.batches import Batch, Batches, read_batches
from judgebench.spec import EvalConfig, Spec, differences

RecordedReplies = dict[tuple[str, int], Reply]
"""Replies of an unfinished trial by (request key, how many equal requests came before it)."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that it is never seen half-written. Raises RunError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data)
    except OSError as error:
        raise _unwritable(path, error) from error


def _replace(path: Path, data: bytes) -> None:
    """Replace a file: temporary file, fsync, rename, fsync of the folder."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # noqa: PTH101 - mkstemp made it private; results are meant to be read
        os.replace(name, path)  # noqa: PTH105 - the name is a string already
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unwritable(path: Path, error: OSError) -> RunError:
    return RunError(f"cannot write {path}: {error.strerror}. Once it can be written, the same command continues")


def run_directory(root: Path, task: str, judge: str, spec: Spec) -> Path:
    """Return the directory of a run: `<root>/<task>/<judge>/<first 8 digits of the spec's hash>`."""
    return root / task / judge / spec.hash[:8]


class Store:
    """An open run directory: a context manager that holds the lock and the journal.

    `done` are the keys of judged trials, `spent` what the replies in the journal cost in USD, as far as known.
    `replies(key)` are what a killed trial had been told before, `batches` the provider batches of earlier sessions.
    """

    def __init__(self, directory: Path, spec: Spec, config: EvalConfig | None = None) -> None:
        self.directory = directory
        self.spec = spec
        self.config = config
        self.done: set[str] = set()
        self.spent = 0.0
        self.batches = Batches({}, {})
        self._replies: dict[str, RecordedReplies] = defaultdict(dict)
        self._lock = self._journal = -1
        self._dirty = False

    def __enter__(self) -> Self:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._check_manifest()
            self._open_journal()
        except OSError as error:
            self.close()
            raise RunError(f"cannot use run directory {self.directory}: {error.strerror}") from error
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Flush to disk and let go of the directory. Safe to call twice."""
        try:
            self.sync()
        finally:
            for descriptor in (self._journal, self._lock):
                if descriptor >= 0:
                    os.close(descriptor)
            self._journal = self._lock = -1

    def _take_lock(self) -> None:
        self._lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"another process is running in {self.directory}; wait for it or stop it") from error

    def _check_manifest(self) -> None:
        path = self.directory / "manifest.json"
        mine = self.spec.model_dump(mode="json")
        if not path.exists():
            config = self.config.model_dump(mode="json") if self.config else None
            manifest = {"spec": mine, "spec_sha256": self.spec.hash, "config": config}
            write_atomic(path, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
            return
        theirs = read_manifest(self.directory)["spec"]
        changed = differences(theirs, mine)
        if changed:
            raise RunError(
                f"{self.directory} was started with another {', '.join(changed)}. "
                "Run with the old value, or choose another --runs folder"
            )

    def _open_journal(self) -> None:
        path = self.directory / "journal.jsonl"
        self._journal = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        os.ftruncate(self._journal, whole_bytes(path))
        batched = False
        for line in journal_lines(path):
            if line["kind"] == "batch":
                batched = True
                continue
            key = line["trial"]
            if line["kind"] == "judgment":
                self.done.add(key)
                self._replies.pop(key, None)
                continue
            self.spent += line["reply"].get("cost") or 0.0
            if key not in self.done:
                self._replies[key][line["request"], line["nth"]] = Reply.model_validate(line["reply"])
        if batched:
            self.batches = read_batches(journal_lines(path))

    def replies(self, trial: str) -> RecordedReplies:
        """Return what this trial had been told before it was interrupted."""
        return self._replies.pop(trial, {})

    def add_reply(self, trial: str, request: str, nth: int, reply: Reply) -> None:
        """Append a reply, verbatim. It survives the process from here on."""
        data = reply.model_dump(mode="json", exclude_defaults=True)
        self._append({"kind": "reply", "trial": trial, "request": request, "nth": nth, "reply": data})

    def add_judgment(self, judgment: Judgment) -> None:
        """Append a judgment; its trial is done."""
        key = judgment.trial.key
        data = judgment.model_dump(mode="json", exclude_defaults=True)
        self._append({"kind": "judgment", "trial": key, "judgment": data})
        self.done.add(key)

    def add_batch(self, batch: Batch) -> None:
        """Append a submitted batch and force it to disk: it is paid for."""
        self._append(batch.line())
        self.sync()

    def cancel_batch(self, batch: str) -> None:
        """Append that a batch was given up."""
        self._append({"kind": "batch", "id": batch, "canceled": True})

    def _append(self, line: dict[str, Any]) -> None:
        data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        start = os.fstat(self._journal).st_size
        try:
            # A disk that fills up takes a part; why it takes no more, it says when asked to take the rest.
            while data := data[os.write(self._journal, data) :]:
                pass
        except OSError as error:
            # A half line in the middle would damage all that follows: cut back to the last whole one.
            with contextlib.suppress(OSError):
                os.ftruncate(self._journal, start)
            raise _unwritable(self.directory / "journal.jsonl", error) from error
        self._dirty = True

    def sync(self) -> None:
        """Force what was appended to disk, if anything was. Raises RunError when the disk refuses it."""
        if self._dirty:
            self._dirty = False
            try:
                os.fsync(self._journal)
            except OSError as error:
                raise _unwritable(self.directory / "journal.jsonl", error) from error


def whole_bytes(path: Path) -> int:
    """Return the length of a journal without a torn last line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0


def journal_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the journal's whole lines. Raises RunError naming a damaged one."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return
            try:
                line = orjson.loads(raw)
                line["id" if line["kind"] == "batch" else "trial"]
            except (orjson.JSONDecodeError, TypeError, KeyError) as error:
                raise RunError(f"{path}:{number} is damaged; restore it, or move the run away to start anew") from error
            yield line


def judgments(directory: Path) -> Iterator[Judgment]:
    """Yield a run's judgments in the order they were made; a trial judged twice counts once."""
    seen: set[str] = set()
    for line in journal_lines(directory / "journal.jsonl"):
        if line["kind"] == "judgment" and line["trial"] not in seen:
            seen.add(line["trial"])
            yield Judgment.model_validate(line["judgment"])


def read_manifest(directory: Path) -> dict[str, Any]:
    """Return a run's manifest: its spec, and how it was called. Raises RunError when it is absent or damaged."""
    path = directory / "manifest.json"
    try:
        manifest: dict[str, Any] = orjson.loads(path.read_bytes())
        manifest["spec"]
    except FileNotFoundError as error:
        raise RunError(f"{directory} is not a run directory: it has no manifest.json") from error
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise RunError(f"{path} is damaged") from error
    return manifest
