"""How long a board of many judges takes to build and to open: `judgebench leaderboard build`, measured.

    python benchmarks/site.py                          500 judges x 20 tasks x 350 pairs in both orders
    python benchmarks/site.py --judges 50 --tasks 20   smaller
    python benchmarks/site.py --world DIR              keep what is made up, and use it again

Results are made up in the real format (`site_world`) and built as the command builds them. Printed are the stages with
their wall and CPU seconds (all processes together: on a machine that is busy, the CPU seconds say more) and peak
memory; the weight of pages; and when headless Chromium first paints them and has loaded them, opened from disk, next
to the same page with every row as plain HTML. Nothing is compared with other boards' builders: none reads verdicts.
"""

import argparse
import base64
import gzip
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import site_world
from browser.chromium import ARGUMENTS, find

from judgebench.leaderboard import TITLE, data, site
from judgebench.leaderboard.outcomes import Outcomes, outcomes
from judgebench.leaderboard.ranking import ranking
from judgebench.leaderboard.workers import uncollected

PAGES = ("index.html", "tasks/task-00.html")
LIMIT_KB, LIMIT_SECONDS, LIMIT_PAINT = 300, 20, 1.0
REST = re.compile(r'<p class="more".*?</p>\s*<script type="application/octet-stream"[^>]*>([^<]*)</script>', re.DOTALL)


def cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Clock:
    """The stages of a build."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float, float]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        wall, used = time.perf_counter(), cpu()
        yield
        self.rows.append((name, time.perf_counter() - wall, cpu() - used))


def build(results: Path, out: Path) -> Clock:
    """Build a site as `leaderboard.build` does, stage by stage."""
    clock = Clock()
    with uncollected():
        with clock.stage("read and check results"):
            board = data.load(results)
        with clock.stage("outcomes, ranks and tables"):
            files = site.contents(board, TITLE)
        with clock.stage("pages, exports, charts; writing"):
            site.publish(files, out)
    return clock


def parts(results: Path) -> Clock:
    """Measure in one process what the second stage is made of, on the first task."""
    clock = Clock()
    board = data.load(results)
    task = board.tasks[0]
    found: Outcomes | None = None
    for _ in range(2):  # the first time imports what it needs
        board.memory.clear()
        clock.rows.clear()
        with clock.stage("outcomes of one task"):
            found = outcomes(task, board)
        metrics = {data.run_id(result): result.metrics.get(task.metric) for result in task.results}
        with clock.stage("rank ranges of one task"):
            ranking(metrics, found, lower=False)
    return clock


def plain(page: str) -> str:
    """Return a page with its packed rows put in where the script would put them."""
    packed = REST.search(page)
    if packed is None:
        return page
    rest = gzip.decompress(base64.b64decode(packed[1])).decode()
    bodies = iter(rest.removeprefix("<tbody>").removesuffix("</tbody>").split("</tbody><tbody>"))
    start, end = page.rindex("<table id=", 0, packed.start()), packed.start()
    table = re.sub(r"</tbody>", lambda _: next(bodies, "") + "</tbody>", page[start:end])
    return page[:start] + table + page[packed.end() :]


def opened(paths: dict[str, Path], rounds: int) -> dict[str, dict[str, float]]:
    """Return the median milliseconds to first contentful paint, load and the last row, by name; [] without Chromium."""
    from playwright.sync_api import sync_playwright

    found = find()
    if found is None:
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        times: dict[str, list[dict[str, float]]] = {name: [] for name in paths}
        for _ in range(rounds):  # in turns, so that a busy moment meets all alike
            for name, path in paths.items():
                times[name].append(visit(browser, path))
        browser.close()
    return {name: {key: statistics.median(one[key] for one in all_) for key in all_[0]} for name, all_ in times.items()}


def visit(browser: Any, path: Path) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    while not page.evaluate(
        "document.querySelector('.more') === null && performance.getEntriesByName('first-contentful-paint').length > 0"
    ):
        page.wait_for_timeout(10)
    timing = page.evaluate(
        "({paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " load: performance.getEntriesByType('navigation')[0].loadEventEnd, rows: performance.now()})"
    )
    context.close()
    return dict(timing)


def report(clock: Clock, say: Callable[[str], None] = print) -> None:
    for name, wall, used in clock.rows:
        say(f"{name:36} {wall:8.2f} s {used:8.2f} CPU s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judges", type=int, default=500)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=350)
    parser.add_argument("--rounds", type=int, default=5, help="how often each page is opened")
    parser.add_argument("--world", type=Path, help="where results are made up, or were")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.world or Path(scratch)
        results, out = folder / "results", Path(scratch) / "site"
        if not results.is_dir():
            site_world.make(results, site_world.World(args.judges, args.tasks, args.pairs))
        return measure(results, out, args.rounds)


def measure(results: Path, out: Path, rounds: int) -> int:
    clock = build(results, out)
    report(clock)
    wall, used = (sum(row[column] for row in clock.rows) for column in (1, 2))
    print(f"{'the whole build':36} {wall:8.2f} s {used:8.2f} CPU s   limit {LIMIT_SECONDS} s on two cores")
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"peak memory: {peak[0]:.0f} MiB, and of the largest child {peak[1]:.0f} MiB")
    report(parts(results))
    paths = {}
    for page in PAGES:
        text = (out / page).read_text("utf-8")
        paths[page] = out / page
        paths[f"{page}, all plain"] = out / page.replace(".html", ".plain.html")
        paths[f"{page}, all plain"].write_text(plain(text), "utf-8")
    times = opened(paths, rounds)
    heavy = False
    for name, path in paths.items():
        kb = path.stat().st_size / 1000
        heavy |= kb > LIMIT_KB and "plain" not in name
        shown = "".join(f"   {key} {value:5.0f} ms" for key, value in times.get(name, {}).items())
        print(f"{name:36} {kb:8.0f} KB{shown}")
    print(f"limits: {LIMIT_KB} KB and {LIMIT_PAINT:.0f} s to the first contentful paint")
    slow = any(times.get(page, {}).get("paint", 0) > 1000 * LIMIT_PAINT for page in PAGES)
    return int(heavy or slow or wall > LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
