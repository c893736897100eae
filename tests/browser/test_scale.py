"""A board of many judges in the browser: it begins with few rows, weighs little, and all rows can be found."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browser.visiting import Visit, visiting
from playwright.sync_api import Browser, expect

from judgebench import leaderboard
from judgebench.leaderboard import data
from judgebench.leaderboard.outcomes import outcomes
from judgebench.leaderboard.packed import BESIDE, FIRST
from judgebench.leaderboard.table import Table, table

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parent.parent.parent
JUDGES, TASKS, FLOOR = 120, 4, 2
FULL_JUDGES, FULL_TASKS, LIMIT = 500, 20, 300_000
MOST_LINES, LONGEST_LINE = 150, 130
"""Of all scripts together that are written by hand, and of each of their lines."""
TASK = "tasks/task-00.html"
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with the results of many judges, made up as for the benchmark."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import site_world

        folder = tmp_path_factory.mktemp("many") / "results"
        yield site_world.make(folder, site_world.World(JUDGES, TASKS, pairs=60), workers=1)


@pytest.fixture(scope="module")
def site(results: Path) -> Path:
    return leaderboard.build(results, results.parent / "site").parent


@pytest.fixture(scope="module")
def shown(results: Path) -> Table:
    """Return the first task's table as it is laid out, to hold the page against."""
    board = data.load(results)
    (task,) = [task for task in board.tasks if task.name == "task-00"]
    return table(task, outcomes(task, board))


@pytest.fixture
def visit(chromium: Browser, site: Path) -> Iterator[Open]:
    with ExitStack() as open_pages:

        def open_(path: str, *, fragment: str = "", **options: Any) -> Visit:
            seen = open_pages.enter_context(visiting(chromium, site / path, **options))
            if fragment:
                seen.page.goto(f"{(site / path).as_uri()}#{fragment}")
                seen.page.reload()
            return seen

        yield open_


def names(seen: Visit) -> list[str]:
    return seen.page.locator("tbody.judges tr.row:not([hidden]) .judge a").evaluate_all(
        "all => all.map(a => decodeURIComponent(a.href.replace(/^.*judges.(.*).html$/, '$1')))"
    )


def rest(text: str) -> str:
    found = re.search(r'<script type="application/octet-stream"[^>]*>([^<]*)<', text)
    assert found is not None
    return found[1]


# -- weight --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "columns"), [(TASK, 1), ("index.html", FULL_TASKS / TASKS)])
def test_the_first_view_stays_light_with_500_judges_on_20_tasks(site: Path, path: str, columns: float) -> None:
    text = (site / path).read_text("utf-8")
    packed = len(rest(text))
    per_row = packed / (JUDGES - FIRST - FLOOR)
    plain = sum(map(len, re.findall(r"<tr class=\"(?:row|line)\".*?</tr>", text, re.DOTALL)))
    tiles = sum(map(len, re.findall(r"<li>.*?</li>", text, re.DOTALL)))
    expected = (len(text) - packed - plain - tiles) + columns * (plain + tiles + per_row * (FULL_JUDGES - FIRST))
    assert expected < LIMIT, f"{expected:.0f} bytes at full size"


@pytest.mark.parametrize("folder", ["compare", "judges"])
def test_other_pages_stay_light_too(site: Path, folder: str) -> None:
    texts = [path.read_text("utf-8") for path in (site / folder).iterdir()]
    assert texts
    heaviest = max(texts, key=len)
    same = sum(map(len, re.findall(r"<style>.*?</style>|<script>.*?</script>", heaviest, re.DOTALL)))
    grows = FULL_JUDGES / JUDGES if folder == "compare" else FULL_TASKS / TASKS
    expected = same + (len(heaviest) - same) * grows
    assert expected < LIMIT, f"{expected:.0f} bytes at full size"


def test_scripts_are_short() -> None:
    files = sorted((ROOT / "leaderboard" / "static").glob("*.js"))
    assert files
    assert sum(len(file.read_text("utf-8").splitlines()) for file in files) <= MOST_LINES
    for file in files:
        assert max(map(len, file.read_text("utf-8").splitlines())) <= LONGEST_LINE, file.name


def test_the_first_view_is_one_file(site: Path, visit: Open) -> None:
    seen = visit(TASK)
    expect(seen.page.locator("#status")).to_have_text(f"{JUDGES} of {JUDGES} rows")
    assert [url for url in seen.asked if not url.startswith("data:")] == [(site / TASK).as_uri()]


def test_the_same_results_give_the_same_bytes(results: Path, site: Path, tmp_path: Path) -> None:
    again = leaderboard.build(results, tmp_path / "again").parent
    paths = [path.relative_to(site) for path in site.rglob("*") if path.is_file()]
    assert len(paths) > JUDGES
    assert [path for path in paths if (site / path).read_bytes() != (again / path).read_bytes()] == []


# -- without and with the script -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["index.html", TASK])
def test_without_a_script_the_rest_is_a_link_away(visit: Open, site: Path, path: str) -> None:
    page = visit(path, java_script_enabled=False).page
    lines = FLOOR if path == TASK else 0
    rows = page.locator("tr.row")
    assert FIRST - lines <= rows.count() <= FIRST + BESIDE
    more = page.locator(".more")
    expect(more).to_contain_text(re.compile(r"\d+ more rows are in this page, packed"))
    link = more.get_by_role("link", name="All rows as CSV").evaluate("link => link.href")
    csv = Path(link.removeprefix("file://"))
    assert csv.is_relative_to(site)
    assert csv.read_text("utf-8").count("\n") > JUDGES


@pytest.mark.parametrize("path", ["index.html", TASK])
def test_all_rows_come_in_order(visit: Open, shown: Table, path: str) -> None:
    seen = visit(path)
    expect(seen.page.locator("#status")).to_have_text(f"{JUDGES} of {JUDGES} rows")
    expect(seen.page.locator(".more")).to_have_count(0)
    if path == TASK:
        assert names(seen) == [row.name for group, row in shown.rows if group.key == "judges"]
        assert len(set(names(seen))) == JUDGES - FLOOR


def test_packed_rows_are_sorted_with_the_others(visit: Open, shown: Table) -> None:
    seen = visit(TASK)
    expect(seen.page.locator(".more")).to_have_count(0)
    head = seen.page.get_by_role("columnheader", name="Unreadable")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    values = seen.page.locator("tbody.judges tr.row td:nth-child(7)").evaluate_all("all => all.map(c => c.dataset.v)")
    numbers = [float(value) for value in values]
    assert len(numbers) == JUDGES - FLOOR
    assert numbers == sorted(numbers)
    assert numbers == sorted(row.cells[1].sort for group, row in shown.rows if group.key == "judges")


def test_ranks_on_the_page_are_shared_by_paired_tests(visit: Open, shown: Table) -> None:
    assert shown.basis == "paired"
    seen = visit(TASK)
    expect(seen.page.locator(".more")).to_have_count(0)
    texts = seen.page.locator("tbody.judges tr.row td.rank").evaluate_all("all => all.map(c => c.firstChild.data)")
    assert texts == [row.span or str(row.rank) for group, row in shown.rows if group.key == "judges"]
    expect(seen.page.get_by_role("button", name="Rank")).to_have_attribute("title", re.compile("paired tests"))


def test_search_and_filters_find_packed_rows(visit: Open, shown: Table) -> None:
    judges = [row for group, row in shown.rows if group.key == "judges"]
    last = judges[-1]
    seen = visit(TASK)
    seen.page.get_by_label("Search").fill(last.model)
    expect(seen.page.locator("#status")).to_contain_text(f"of {JUDGES} rows")
    assert last.name in names(seen)
    seen.page.get_by_role("button", name="Clear").click()
    seen.page.get_by_label("Size").select_option("up to 3 B")
    seen.page.get_by_label("Kind").select_option("prompted")
    wanted = [row.name for row in judges if (row.size, row.kind) == ("3", "prompted")]
    assert names(seen) == wanted
    assert 0 < len(wanted) < len(judges)


def test_a_linked_view_holds_for_packed_rows_too(visit: Open, shown: Table) -> None:
    fragment = "evidence=imported&search=vanilla&floor=in-place&table-1=4-ascending"
    seen = visit(TASK, fragment=fragment)
    expect(seen.page.locator(".more")).to_have_count(0)
    wanted = [
        (row.cells[0].sort, row.name)
        for group, row in shown.rows
        if group.key == "judges" and row.evidence == "imported" and row.judge == "vanilla"
    ]
    assert names(seen) == [name for _, name in sorted(wanted, key=lambda one: one[0] or 0)]
    expect(seen.page.locator("tr.line:visible")).to_have_count(FLOOR)
    assert seen.page.url.endswith(fragment)


def test_everything_is_printed(visit: Open) -> None:
    seen = visit(TASK)
    expect(seen.page.locator(".more")).to_have_count(0)
    seen.page.emulate_media(media="print")
    expect(seen.page.locator("tr.row:visible")).to_have_count(JUDGES)
    expect(seen.page.locator(".toolbar")).to_be_hidden()
    assert seen.page.locator("tr.row").last.bounding_box() is not None


@pytest.mark.parametrize("width", [390, 1280, 3840])
@pytest.mark.parametrize("path", ["index.html", TASK])
def test_long_tables_do_not_scroll_the_page_sideways(visit: Open, path: str, width: int) -> None:
    seen = visit(path, width=width)
    expect(seen.page.locator(".more")).to_have_count(0)
    assert seen.width <= width
