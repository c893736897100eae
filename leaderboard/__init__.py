"""The board: `results/` rendered into a static site. Importable as `judgebench.leaderboard`.

    results/*/*.json, results/reported/*.csv  →  data.load        →  Board     what there is, checked
                                                 table.table      →  Table     a task's judges, as text
                                                 overview, judges →            judges over all tasks
                                                 page             →  HTML      no network
                                                 site.publish     →  site/     with the data it was made from

Every page is self-contained and has the same bytes for the same results.
"""

from collections.abc import Sequence
from pathlib import Path

from judgebench.leaderboard import data, page, site
from judgebench.leaderboard.workers import uncollected
from judgebench.results import Result

__all__ = ["build", "build_from"]

TITLE = "judgebench leaderboard"


def build(results: Path, out: Path) -> Path:
    """Render a results folder into the site at `out`, and return the path of its first page.

    An `out` that ends in .html becomes one page with all tasks instead. Files are written atomically.

    Raises DataError with every damaged file, and UsageError when there is nothing to render; then nothing is
    written.
    """
    with uncollected():
        board = data.load(results)
        if out.suffix == ".html":
            return site.write(page.board_page(board, TITLE).encode(), out)
        return site.publish(site.contents(board, TITLE), out)


def build_from(results: Sequence[Result], out: Path, title: str) -> Path:
    """Render results at hand, such as a single run's, into one page that needs no other file.

    That is `out/index.html`, or `out` itself if it ends in .html. Raises UsageError without any results.
    """
    path = out if out.suffix == ".html" else out / "index.html"
    return site.write(page.board_page(data.assemble(results), title).encode(), path)
