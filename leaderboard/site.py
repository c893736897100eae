"""The site: which files it has, written atomically, with what an earlier build left behind removed.

index.html   method.html   tasks/<task>.html   compare/<task>.html   judges/<judge>.html   feed.xml
results.csv, .json, .parquet   tasks/<task>.csv, .json, .parquet
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
from pathlib import Path

from judgebench.errors import UsageError
from judgebench.leaderboard import calibration, charts, charts_task, curves, exports, feed, history, page
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.judges import judge_page
from judgebench.leaderboard.labels import balance
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.outcomes import Outcomes, gold_of, outcomes
from judgebench.leaderboard.overview import overview
from judgebench.leaderboard.table import Table, table
from judgebench.leaderboard.workers import spread

MANIFEST = "manifest.json"
_PATH = re.compile(r"[a-z0-9_~-][a-z0-9._~-]*(/[a-z0-9_~-][a-z0-9._~-]*){0,2}")

Content = Callable[[], bytes]
Downloads = dict[str, list[tuple[str, str, Path]]]
"""By `run_id`: (label, path in the site, where the file lies)."""


def contents(board: Board, title: str) -> dict[str, Content]:
    """Return the site's files by path; each is made when it is asked for."""
    tables, calibrated = _tables(board)
    downloads = _downloads(board)
    links = {key: [(label, path) for label, path, _ in found] for key, found in downloads.items()}

    def index() -> str:
        return page.index_page(board, tables, overview(board, tables), title)

    def of_task(task: TaskBoard) -> str:
        found = charts_task.analysis(task, board, drawn[task.name])
        return page.task_page(task, tables[task.name], balance(gold_of(task, board)), title, found)

    def of_pair(task: TaskBoard) -> str:
        return page.compare_page(task, charts_task.comparison(task, board), title)

    def of_judge(name: str) -> str:
        shown = judge_page(
            name, judges[name], board, tables, curves=figures(), calibrated=calibrated, histories=histories
        )
        return page.judge_page(shown, links, title, runs)

    # Here, not where pages are made: the renderer does not survive the fork of a worker.
    drawn = {task.name: charts.of_task(task) for task in board.tasks}
    compared = [task for task in board.tasks if charts_task.has_compare_page(task, board)]
    runs = frozenset(run for task in compared for run in charts_task.compared_runs(task, board))
    histories = history.of_board(board)
    judges, figures = board.judges, cache(partial(curves.of_board, board))
    pages: dict[str, Callable[[], str]] = {"index.html": index, "method.html": partial(page.method_page, title)}
    pages |= {f"tasks/{safe_name(task.name)}.html": partial(of_task, task) for task in board.tasks}
    pages |= {f"compare/{safe_name(task.name)}.html": partial(of_pair, task) for task in compared}
    pages |= {f"judges/{safe_name(name)}.html": partial(of_judge, name) for name in judges}
    files: dict[str, Content] = {path: partial(_encoded, render) for path, render in pages.items()}
    files |= exports.files(board) | feed.files(board, title)
    return files | {path: where.read_bytes for found in downloads.values() for _, path, where in found}


def _tables(board: Board) -> tuple[dict[str, Table], dict[str, calibration.Diagram]]:
    """Lay out all tasks' tables and diagrams, and keep the outcomes that they rest on."""

    def of_task(task: TaskBoard) -> tuple[Outcomes | None, Table, dict[str, calibration.Diagram]]:
        found = outcomes(task, board)
        return found, table(task, found), calibration.of_task(task, board)

    done = spread(of_task, board.tasks, size=sum(len(task.results) for task in board.tasks))
    board.memory.update({task.name: found for task, (found, _, _) in zip(board.tasks, done, strict=True)})
    tables = {task.name: shown for task, (_, shown, _) in zip(board.tasks, done, strict=True)}
    return tables, {key: diagram for _, _, found in done for key, diagram in found.items()}


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
    folders = {folder: _inside(out, folder) for folder in {path.rpartition("/")[0] for path in files}}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)

    def put(path: str) -> None:
        folder, _, name = path.rpartition("/")
        _replace(files[path](), folders[folder] / name)

    spread(put, list(files), size=len(files))
    for path in sorted(earlier - files.keys()):
        _remove(out, path)
    _write_manifest(out, files.keys())
    return out / "index.html"


def write(data: bytes, path: Path) -> Path:
    """Write a file: all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(data, path)
    return path


def _replace(data: bytes, path: Path) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o644)  # mkstemp makes files that only their owner, not a web server, can read
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _inside(out: Path, folder: str) -> Path:
    """Return a folder of the site. Raises UsageError where a link leads out of it."""
    found = out / folder
    if not found.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"{found} leads out of {out}. Remove that link, or choose another --out")
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
    parent, _, name = path.rpartition("/")
    (_inside(out, parent) / name).unlink(missing_ok=True)
    for folder in list(Path(path).parents)[:-1]:
        if not (out / folder).is_dir() or any((out / folder).iterdir()):
            return
        (out / folder).rmdir()
