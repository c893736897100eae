"""Building a run's pages: only when something has changed, and so that a half-made view is never seen."""

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from judgebench.errors import RunError, UsageError
from judgebench.hashing import digest
from judgebench.run import store
from judgebench.version import VERSION

FORMAT = 1
"""Raised whenever the same run is shown in other bytes."""
MADE = "view.json"
PAGE = "index.html"
FOLDER_LENGTH = 12
_PATH = re.compile(r"index\.html|[0-9a-f]{12}/(list|[0-9]+)\.js")


@dataclass(frozen=True)
class Built:
    """A run's pages: the path of the first, and what is in them.

    `total` is the number of trials of the whole run, None where unknown. `missing` says why there are no texts.
    """

    page: Path
    trials: int
    total: int | None
    items: int
    complete: bool
    texts: bool
    missing: str = ""
    rebuilt: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return what was built, the page by its path."""
        return asdict(self) | {"page": str(self.page)}


def build(run: Path, out: Path | None = None, data: str | None = None) -> Built:
    """Write the pages of a run into `out`, by default `view` in the run, and return what was built.

    A view of the same run that has its texts is left as it is, unless `data`, a copy of the task's dataset, is given.
    Raises RunError for what is no run, is damaged or has judged nothing; UsageError for an `out` that holds
    something else; and whatever reading `data` raises.
    """
    run, out = Path(run), Path(out) if out else Path(run) / "view"
    if run.is_file():
        raise RunError(f"{run} is a file. Name the run's folder, which holds its manifest.json")
    manifest = store.read_manifest(run)
    _refuse_others(out)
    source = _source(run)
    earlier = _earlier(out)
    if data is None and earlier.get("source") == source and earlier["built"]["texts"]:
        return Built(page=out / PAGE, **earlier["built"] | {"rebuilt": False})
    return _build(run, out, manifest, data, source)


def _refuse_others(out: Path) -> None:
    """Refuse a folder in which something else has its first page, or lists its files."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file. Choose a folder: --out DIR")
    if not (out / MADE).exists():
        for name in ("manifest.json", PAGE):
            if (out / name).exists():
                raise UsageError(f"{out} holds a {name} that is not a view's. Choose another folder: --out DIR")


def _source(run: Path) -> str:
    """Return a hash of all that a run's pages are made from, except the task's data."""
    from judgebench.view.page import own, style_of_board

    parts = {}
    for name in ("manifest.json", "journal.jsonl", "result.json"):
        with contextlib.suppress(FileNotFoundError), (run / name).open("rb") as file:
            parts[name] = hashlib.file_digest(file, "sha256").hexdigest()
    ours = [own(name) for name in ("static/view.css", "static/view.js", "templates/view.html.j2")]
    return digest([FORMAT, VERSION, parts, ours, style_of_board()])


def _earlier(out: Path) -> dict[str, Any]:
    """Return what is known of an earlier view, if all of its files are there."""
    try:
        made: dict[str, Any] = json.loads((out / MADE).read_bytes())
        Built(page=out, **made["built"])
        known = all(_PATH.fullmatch(path) for path in made["files"])
        return made if known and all((out / path).is_file() for path in made["files"]) else {}
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return {}


def _build(run: Path, out: Path, manifest: Mapping[str, Any], data: str | None, source: str) -> Built:
    from judgebench.view.content import content

    seen = content(run, manifest, data)
    built = Built(
        page=out / PAGE,
        trials=seen.trials,
        total=seen.known.total,
        items=len(seen.listing.items),
        complete=seen.result is not None,
        texts=bool(seen.known.items),
        missing=seen.known.missing,
    )
    folder = digest([source, built.texts])[:FOLDER_LENGTH]
    files = seen.files()
    # Neither is for others to read, and a view that is left as it is has its texts.
    facts = {name: value for name, value in asdict(built).items() if name not in ("page", "missing")}
    listed = [PAGE, *sorted(f"{folder}/{name}.js" for name in files)]
    made = {"source": source, "built": facts, "files": listed}
    _publish(out, folder, files, seen.page(folder), json.dumps(made, indent=1).encode() + b"\n")
    return built


def _publish(out: Path, folder: str, files: Mapping[str, Callable[[], bytes]], page: bytes, made: bytes) -> None:
    """Write the data, whole, beside those of an earlier view; then the page that names them; then clear up.

    Whoever has the earlier page open goes on with it until then, and no page ever names data that are not its own.
    """
    out.mkdir(parents=True, exist_ok=True)
    stale = _listed(out) - {f"{folder}/{name}.js" for name in files}
    with tempfile.TemporaryDirectory(dir=out, prefix=".making-", ignore_cleanup_errors=True) as making:
        inside = Path(making) / folder
        inside.mkdir()
        for name, content in files.items():
            (inside / f"{name}.js").write_bytes(content())
        if (out / folder).is_dir():
            (out / folder).rename(Path(making) / "before")
        inside.rename(out / folder)
    store.write_atomic(out / PAGE, page)
    store.write_atomic(out / MADE, made)
    for path in stale:
        (out / path).unlink(missing_ok=True)
    for name in {path.partition("/")[0] for path in stale}:
        with contextlib.suppress(OSError):  # somebody's own file is in it, or it is gone
            (out / name).rmdir()


def _listed(out: Path) -> set[str]:
    """Return the files of data that an earlier view lists as its own."""
    try:
        listed = json.loads((out / MADE).read_bytes())["files"]
        return {
            path for path in listed if _PATH.fullmatch(path) and path != PAGE and not (out / path).parent.is_symlink()
        }
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return set()
