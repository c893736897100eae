"""Speed, memory and size of `judgebench view`: a made-up run of 20,000 trials with texts of 2 kB.

    python benchmarks/view.py [pairs]

Builds the pages in a process of its own, then opens them from disk in headless Chromium. Prints one JSON object.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from browser.chromium import ARGUMENTS, find

from fakes.view_runs import says, write_run
from judgebench.records import Candidate, Item, Preference, Trial, Turn

PAIRS = 10_000
LENGTH = 2_000
"""Characters of a text: of the question, of each response, of each reply."""
WORDS = ("slope", "carry", "digit", "clause", "proof", "margin", "branch", "index", "vector", "parity", "token", "bit")
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
IN_SIGHT = "document.querySelectorAll('.entry').length > 5"


def text(seed: int) -> str:
    words = [WORDS[(seed * 7 + n * n) % len(WORDS)] for n in range(LENGTH // 6)]
    return f"{seed} " + " ".join(words)[: LENGTH - 10]


def items(pairs: int) -> list[Item]:
    return [
        Item.make(
            key=str(n), task="toy", category=("math", "coding", "reasoning")[n % 3], source_id=f"q{n}",
            turns=(Turn(role="user", content=text(3 * n)),), gold=Preference(label="A>B" if n % 2 else "B>A"),
            candidates=(Candidate(content=text(3 * n + 1)), Candidate(content=text(3 * n + 2))),
        )
        for n in range(pairs)
    ]  # fmt: skip


def say(item: Item, trial: Trial) -> Any:
    draw = int(item.id[:8], 16) + trial.order[0]
    if draw % 50 == 0:
        return says(text(draw % 9973))
    return says(text(draw % 9973), "A>B" if draw % 3 else "B>A", confidence=(draw % 100) / 100)


def write(folder: Path, pairs: int) -> Path:
    """Write the run and, for the builder to load, its pairs in JudgeBench's layout."""
    made = items(pairs)
    return write_run(folder / "run", made, say, only=2 * pairs)


def build(run: Path, pairs: int) -> None:
    """Build the pages and print what it took, loading the items excepted."""
    from fakes.view_runs import card
    from judgebench import sources
    from judgebench.task import Task
    from judgebench.view import build as build_view

    loaded = Task(card(), "test", tuple(items(pairs)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sources.load_task = lambda *_: loaded  # type: ignore[assignment]
    started = time.perf_counter()
    built = build_view(run)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    build_view(run)
    files = [path for path in built.page.parent.rglob("*") if path.is_file()]
    print(json.dumps({
        "page": str(built.page),
        "seconds": round(seconds, 2),
        "seconds_unchanged": round(time.perf_counter() - started, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "items_in_memory_mb": round(before),
        "page_kb": round(built.page.stat().st_size / 1e3, 1),
        "files": len(files),
        "list_kb": round(next(built.page.parent.glob("*/list.js")).stat().st_size / 1e3),
        "all_mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
    }))  # fmt: skip


def look(page_path: Path, pairs: int) -> dict[str, Any]:
    """Open the pages and return how long a reader waits, in milliseconds."""
    from playwright.sync_api import sync_playwright

    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})

        def timed(name: str, do: Any, until: str) -> None:
            started = time.perf_counter()
            do()
            while not page.evaluate(until):  # the page's policy keeps Playwright's own waiting out
                time.sleep(0.002)
            found[name] = round(1000 * (time.perf_counter() - started))

        timed("first_list", lambda: page.goto(page_path.as_uri()), IN_SIGHT)
        page.wait_for_selector("#detail .sides pre:not(:empty)")
        found["first_paint"] = round(page.evaluate(FIRST_PAINT))
        before = page.inner_text("#status")
        timed("filter", lambda: page.get_by_label("Wrong").check(),
              f"document.getElementById('status').textContent !== {json.dumps(before)}")  # fmt: skip
        page.get_by_role("button", name="Clear").click()
        timed("sort", lambda: page.get_by_label("Sort").select_option("unsure"), "location.hash.includes('unsure')")
        page.get_by_role("button", name="Clear").click()
        wanted = items(pairs)[-2].id
        timed("open_9999th", lambda: page.evaluate(f"location.hash = 'item={wanted}&round=0'"),
              f"document.querySelector('#detail h2')?.textContent.includes('{wanted}')")  # fmt: skip
        page.locator("#list").focus()
        timed("next_by_key", lambda: page.keyboard.press("j"),
              f"!document.querySelector('#detail h2')?.textContent.includes('{wanted}')")  # fmt: skip
        timed("search_all_texts", lambda: page.get_by_role("searchbox").fill("29990"),
              "/^1 of [0-9,]+$/.test(document.getElementById('status').textContent)")  # fmt: skip
        found["longest_task_while_scrolling"] = scrolling(page)
        browser.close()
    return found


def scrolling(page: Any) -> int:
    """Scroll through the list and return the longest pause between two frames."""
    page.get_by_role("button", name="Clear").click()
    pause: float = page.evaluate("""() => new Promise((resolve) => {
        const list = document.getElementById("list");
        let last = performance.now(), longest = 0, frames = 0;
        const frame = (now) => {
            longest = Math.max(longest, now - last);
            last = now;
            list.scrollTop += list.scrollHeight / 100;
            frames += 1;
            if (frames < 100) requestAnimationFrame(frame); else resolve(longest);
        };
        requestAnimationFrame(frame);
    })""")
    return round(pause)


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    with tempfile.TemporaryDirectory() as folder:
        run = write(Path(folder), pairs)
        journal = (run / "journal.jsonl").stat().st_size
        command = [sys.executable, __file__, "--build", str(run), str(pairs)]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        built = json.loads(out.stdout)
        seen = look(Path(built.pop("page")), pairs)
        figures = {"pairs": pairs, "journal_mb": round(journal / 1e6, 1), "built": built, "milliseconds": seen}
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    build(Path(sys.argv[2]), int(sys.argv[3])) if sys.argv[1:2] == ["--build"] else main()
