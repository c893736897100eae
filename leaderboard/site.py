"""The site: which files it has, written atomically, with what an earlier build left behind removed.

index.html   method.html   tasks/<task>.html   judges/<judge>.html
data/<judge>/<task>.json, .verdicts.jsonl and, where the gold table is not packaged, .gold.csv
manifest.json   the paths of all files that the builder wrote
"""

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from importlib.resources.abc import Traversable
from pathlib import Path

from judgebench.errors import UsageError
from judgebench.hashing import sha256
from judgebench.leaderboard import curves, page
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.judges import judge_page
from judgebench.leaderboard.labels import balance
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.overview import overview
from judgebench.leaderboard.table import table
from judgebench.task import GoldRow, read_gold_table, resource

MANIFEST = "manifest.json"
_PATH = re.compile(r"[a-z0-9_~-][a-z0-9._~-]*(/[a-z0-9_~-][a-z0-9._~-]*){0,2}")

Content = Callable[[], bytes]
Downloads = dict[str, list[tuple[str, str, Path]]]
"""By `run_id`: (label, path in the site, where the file lies)."""


def contents(board: Board, title: str) -> dict[str, Content]:
    """Return the site's files by path; each is made when it is asked for."""
    tables = {task.name: table(task) for task in board.tasks}
    downloads = _downloads(board)
    links = {key: [(label, path) for label, path, _ in found] for key, found in downloads.items()}

    def index() -> str:
        return page.index_page(board, tables, overview(board, tables), title)

    def of_task(task: TaskBoard) -> str:
        return page.task_page(task, tables[task.name], balance(_gold(task, board)), title)

    def of_judge(name: str) -> str:
        return page.judge_page(judge_page(name, judges[name], board, tables, figures()), links, title)

    judges, figures = board.judges, cache(partial(curves.of_board, board))
    pages: dict[str, Callable[[], str]] = {"index.html": index, "method.html": partial(page.method_page, title)}
    pages |= {f"tasks/{safe_name(task.name)}.html": partial(of_task, task) for task in board.tasks}
    pages |= {f"judges/{safe_name(name)}.html": partial(of_judge, name) for name in judges}
    files: dict[str, Content] = {path: partial(_encoded, render) for path, render in pages.items()}
    return files | {path: where.read_bytes for found in downloads.values() for _, path, where in found}


def _encoded(render: Callable[[], str]) -> bytes:
    return render().encode()


def _downloads(board: Board) -> Downloads:
    """Name the data files: by judge and task, and by the run too where these have several."""
    runs = {run_id(result): result for results in board.judges.values() for result in results}
    named = Counter((result.spec.judge.name, result.spec.task.name) for result in runs.values())
    found: Downloads = {}
    for key, result in runs.items():
        if key not in board.files:
            continue
        judge, task, files = result.spec.judge.name, result.spec.task.name, board.files[key]
        stem = f"data/{safe_name(judge)}/{safe_name(task)}" + (f"~{key}" if named[judge, task] > 1 else "")
        found[key] = [
            ("result", f"{stem}.json", files.result),
            ("verdicts", f"{stem}.verdicts.jsonl", files.verdicts),
        ]
        if files.gold is not None:
            found[key].append(("gold table", f"{stem}.gold.csv", files.gold))
    return found


def _gold(task: TaskBoard, board: Board) -> list[GoldRow]:
    """Return the gold table that the ranking is over: the packaged one, or one beside a result; else nothing."""
    if task.results and task.edition is None:
        return []
    packaged = resource(f"gold/{task.name}.csv") if task.name == safe_name(task.name) else None
    places: list[Traversable] = [packaged] if packaged is not None and packaged.is_file() else []
    places += [files.gold for r in task.results if (files := board.files.get(run_id(r))) and files.gold]
    for place in places:
        table = place.read_bytes()
        if task.edition is None or sha256(table) == task.edition[1]:
            return read_gold_table(table, str(place))
    return []


# -- writing -------------------------------------------------------------------------------------------------


def publish(files: Mapping[str, Content], out: Path) -> Path:
    """Write a site and return the path of its first page.

    Each file is written whole or not at all. Files of an earlier build that are not in this one are removed, but
    only those that its manifest lists. Raises UsageError where a manifest cannot be read or a link leads out of `out`.
    """
    out.mkdir(parents=True, exist_ok=True)
    earlier = _read_manifest(out)
    # The manifest lists a file before it is there: a build that is cut off leaves nothing that nobody knows.
    _write_manifest(out, earlier | files.keys())
    for path, content in files.items():
        write(content(), _inside(out, path))
    for path in sorted(earlier - files.keys()):
        _remove(out, path)
    _write_manifest(out, files.keys())
    return out / "index.html"


def write(data: bytes, path: Path) -> Path:
    """Write a file: all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(0o644)  # mkstemp makes files that only their owner, not a web server, can read
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _inside(out: Path, path: str) -> Path:
    found = out / path
    if not found.parent.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"{found.parent} leads out of {out}. Remove that link, or choose another --out")
    return found


def _read_manifest(out: Path) -> set[str]:
    path = out / MANIFEST
    if not path.exists():
        return set()
    try:
        listed = json.loads(path.read_bytes())["files"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(p, str) and _PATH.fullmatch(p) for p in listed):
        raise UsageError(f"{path} is not a list of a site's files. Remove it, or choose another --out")
    return set(listed)


def _write_manifest(out: Path, paths: Iterable[str]) -> None:
    write(json.dumps({"files": sorted(paths)}, indent=1).encode() + b"\n", out / MANIFEST)


def _remove(out: Path, path: str) -> None:
    stale = _inside(out, path)
    stale.unlink(missing_ok=True)
    for folder in list(Path(path).parents)[:-1]:
        if not (out / folder).is_dir() or any((out / folder).iterdir()):
            return
        (out / folder).rmdir()
