"""Reading what strangers wrote: regular files only, caps before content, JSON in one strict reading.

Nothing of a checked tree is imported, executed, unpacked or followed. A file is looked at (`lstat`) before it is
opened, opened without following links, and never read beyond its cap; lines come one by one, each with its own cap.
"""

import hashlib
import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

Place = tuple[str, ...]
"""A place in a JSON value: the names on the way to it."""
MIB = 1 << 20
RESULT_BYTES = 4 * MIB
"""Twenty times the largest result today (58 categories of 18 metrics)."""
VERDICT_BYTES = 128 * MIB
GOLD_BYTES = 32 * MIB
REPORTED_BYTES = MIB
LINE_BYTES = 64 * 1024
ROWS = 500_000
"""Verdicts of one result."""
DEPTH = 16
"""Levels of nested JSON; a result has five, and what a card's parameters hold besides."""
EXACT = 2**53
"""The largest whole number that every reader of JSON keeps exact."""
TEXT = 500
"""Characters of any one string in a result."""

_MARKS = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd", b"BZh": "bzip2"}
_BOM = b"\xef\xbb\xbf"


class Refused(Exception):
    """Something that is not even looked at further: the field it is about, and what is wrong with it."""

    def __init__(self, problem: str, field: str = "") -> None:
        self.problem, self.field = problem, field
        super().__init__(problem)


# -- files -----------------------------------------------------------------------------------------------


def kind_of(mode: int) -> str:
    """Return what a file is, in words, from its `st_mode`."""
    kinds = {
        stat.S_ISREG: "regular file", stat.S_ISDIR: "folder", stat.S_ISLNK: "symbolic link",
        stat.S_ISFIFO: "named pipe", stat.S_ISSOCK: "socket", stat.S_ISCHR: "device", stat.S_ISBLK: "device",
    }  # fmt: skip
    return next((name for test, name in kinds.items() if test(mode)), "special file")


def opened(path: Path, most: int) -> BinaryIO:
    """Open a regular file of at most `most` bytes. Raises Refused for anything else, without reading it."""
    try:
        if not stat.S_ISREG(mode := path.lstat().st_mode):
            raise Refused(f"is a {kind_of(mode)}; only regular files are read")
        # What it was a moment ago it need not be now: links are not followed, and a pipe does not block.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.fdopen(os.open(path, flags), "rb")
    except FileNotFoundError:
        raise Refused("is missing") from None
    except (OSError, ValueError) as error:
        raise Refused(f"cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}") from error
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_size > most:
        file.close()
        raise Refused(f"has {found.st_size:,} bytes; {most:,} is the most for a file of this kind")
    return file


def content(path: Path, most: int) -> bytes:
    """Return a file's bytes, at most `most` of them. Raises Refused as `opened`, and for packed files."""
    with opened(path, most) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Refused(f"has more than {most:,} bytes")
    _plain_text(data)
    return data


def _plain_text(data: bytes) -> None:
    """Raise Refused for packed bytes and for a byte order mark."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            raise Refused(f"is {name} under another name; write it unpacked")
    if data.startswith(_BOM):
        raise Refused("begins with a byte order mark; write it as UTF-8 without one")


class Lines:
    """The lines of a file, one at a time, while the hash of all that was read grows: `sha256`.

    Raises Refused, naming the line, for a line longer than `LINE_BYTES`, an empty one, one without its end, and for
    more than `most_rows`.
    """

    def __init__(self, path: Path, most: int, most_rows: int = ROWS) -> None:
        self._path, self._most, self._most_rows = path, most, most_rows
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Return the hash of what was read so far, 64 hex digits."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield each line's number, counted from 1, and its bytes without the line's end."""
        with opened(self._path, self._most) as file:
            number = 0
            while line := file.readline(LINE_BYTES + 1):
                number += 1
                self._hash.update(line)
                self._check(number, line)
                yield number, line[:-1]

    def _check(self, number: int, line: bytes) -> None:
        if number == 1:
            _plain_text(line)
        if number > self._most_rows:
            raise Refused(f"there are more than {self._most_rows:,} rows", f"line {number}")
        if len(line) > LINE_BYTES:
            raise Refused(f"longer than {LINE_BYTES:,} bytes", f"line {number}")
        if not line.endswith(b"\n"):
            raise Refused("has no line break at its end: the file is cut, or was edited", f"line {number}")
        if not line.strip():
            raise Refused("is empty", f"line {number}")


# -- JSON ------------------------------------------------------------------------------------------------


class _Twice(dict[str, Any]):
    """An object that has a key twice; `key` is the first such."""

    key: str


def strict_json(data: bytes, loose: tuple[Place, ...] = ()) -> Any:
    """Return a JSON value that every reader reads alike.

    Raises Refused, with the dotted path, for what one reader takes and another does not, or that no result needs:
    keys given twice, NaN and infinities, numbers that overflow, whole numbers beyond 2^53, deep nesting, long strings,
    control characters, marks that turn the direction of text, and anything but UTF-8. Below the `loose` paths a string
    may hold line breaks and tabs.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise Refused(f"is not UTF-8 at byte {error.start}") from error
    except RecursionError:
        raise Refused("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Refused(f"is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from error
    _walk(value, (), loose)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = _Twice(found)
    twice.key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    return twice


def _whole(digits: str) -> int | float:
    # A number of a million digits is not worked out: infinity is refused below, with its path.
    return int(digits) if len(digits) <= len(str(EXACT)) + 1 else math.inf


def _walk(value: Any, path: Place, loose: tuple[Place, ...]) -> None:
    if problem := _problem(value, len(path), breaks=any(path[: len(place)] == place for place in loose)):
        raise Refused(problem, ".".join(path[:DEPTH]))
    if isinstance(value, dict):
        for key, inner in value.items():
            if problem := text_problem(key):
                raise Refused(f"a name in it {problem}", ".".join(path))
            _walk(inner, (*path, key), loose)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _walk(inner, (*path, str(number)), loose)


def _problem(value: Any, depth: int, *, breaks: bool) -> str | None:
    if depth > DEPTH:
        return f"is nested more than {DEPTH} levels deep"
    if isinstance(value, _Twice):
        return f"has {value.key!r} twice"
    if isinstance(value, str):
        return text_problem(value.replace("\n", " ").replace("\t", " ") if breaks else value)
    if isinstance(value, float) and not math.isfinite(value):
        return "is no finite number, or one of too many digits"
    if isinstance(value, int) and abs(value) > EXACT:
        return "is beyond 2^53, where whole numbers stop being exact"
    return None


def text_problem(text: str) -> str | None:
    """Return what makes a string unfit to be shown, or None."""
    if len(text) > TEXT:
        return f"has {len(text):,} characters; {TEXT} is the most"
    if not text.isprintable():
        odd = next(mark for mark in text if not mark.isprintable())
        return f"holds an unprintable character, U+{ord(odd):04X}"
    return None
