"""Rows of a data file as a stream: JSON lines (also gzipped), Parquet, CSV, and JSON arrays.

Only a JSON array is held as a whole. A row that cannot be read comes as a problem in its place; so does a file that
breaks off.
"""

import csv
import gzip
import hashlib
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from judgebench.errors import RowProblem, UsageError
from judgebench.task import Row

Stream = Iterator[Row | RowProblem]
BATCH = 256
"""Rows of a Parquet file that are held at a time."""
CHUNK = 1 << 20
"""Bytes hashed at a time."""
_HALF = re.compile("[\ud800-\udfff]")


def stream(path: Path) -> Stream:
    """Yield the rows of a file, or of every data file in a folder by name. Raises UsageError for any other path."""
    for file in files(path):
        yield from READERS[suffix(file)](file)


def files(path: Path) -> list[Path]:
    """Return the data files that a path stands for: itself, or those of a folder, sorted by name."""
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file() and suffix(file) in READERS)
        if not found:
            raise UsageError(f"no data file in {path}. Known: {', '.join(READERS)}")
        return found
    if not path.is_file():
        raise UsageError(f"no such data file: {path}")
    if suffix(path) not in READERS:
        raise UsageError(f"{path} is no data file. Known: {', '.join(READERS)}")
    return [path]


def suffix(path: Path) -> str:
    """Return the ending that tells how a file is read: `.jsonl`, `.jsonl.gz`."""
    inner = path.with_suffix("").suffix if path.suffix == ".gz" else ""
    return inner + path.suffix


def fingerprint(path: Path) -> str:
    """Return `sha256:` and the hash of a data file, or of the names and contents of a folder's."""
    found = files(path)
    hashes = [(file.relative_to(path).as_posix() if path.is_dir() else "", _sha256(file)) for file in found]
    whole = hashes[0][1] if path.is_file() else hashlib.sha256(repr(hashes).encode()).hexdigest()
    return f"sha256:{whole}"


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _lines(path: Path) -> Stream:
    with path.open("rb") as file:
        yield from _json_lines(file, str(path))


def _gzipped(path: Path) -> Stream:
    try:
        with gzip.open(path) as file:
            yield from _json_lines(file, str(path))
    except (OSError, EOFError, zlib.error) as error:
        yield RowProblem(str(path), 0, "", f"not a whole gzip file: {error}")


def _json_lines(file: Iterable[bytes], name: str) -> Stream:
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield _object(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, name, number)


def _object(line: bytes, name: str, number: int) -> Row | RowProblem:
    try:
        value = json.loads(line)
    except UnicodeDecodeError as error:
        return RowProblem(name, number, "", f"not UTF-8 at byte {error.start} of the line")
    except RecursionError:
        return RowProblem(name, number, "", "not JSON: nested too deeply")
    except ValueError as error:
        return RowProblem(name, number, "", f"not JSON: {error}")
    if b"\\ud" in line.lower() and _HALF.search(json.dumps(value, ensure_ascii=False)):
        return RowProblem(name, number, "", "half a surrogate pair, which is no character")
    return _row(value, name, number)


def _row(value: Any, name: str, number: int) -> Row | RowProblem:
    if not isinstance(value, dict):
        return RowProblem(name, number, "", f"expected a JSON object, found {type(value).__name__}")
    return Row(name, number, value)


def _array(path: Path) -> Stream:
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        yield RowProblem(str(path), 0, "", f"not a JSON array: {error}")
        return
    if not isinstance(values, list):
        yield RowProblem(str(path), 0, "", f"expected a JSON array, found {type(values).__name__}")
        return
    for number, value in enumerate(values, start=1):
        yield _row(value, str(path), number)


def _csv(path: Path) -> Stream:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            for number, data in enumerate(csv.DictReader(file), start=2):
                if None in data or None in data.values():
                    yield RowProblem(str(path), number, "", "the number of cells is not that of the header")
                else:
                    yield Row(str(path), number, dict(data))
        except (csv.Error, UnicodeDecodeError) as error:
            yield RowProblem(str(path), 0, "", f"not CSV in UTF-8: {error}")


def _parquet(path: Path) -> Stream:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=BATCH):
                for value in batch.to_pylist():
                    number += 1
                    yield Row(str(path), number, value)
    except (pa.ArrowException, OSError) as error:
        yield RowProblem(str(path), 0, "", f"not a whole Parquet file: {error}")


READERS: dict[str, Callable[[Path], Stream]] = {
    ".jsonl": _lines, ".jsonl.gz": _gzipped, ".parquet": _parquet, ".csv": _csv, ".json": _array,
}  # fmt: skip
