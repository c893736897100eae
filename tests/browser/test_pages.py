"""Every kind of page of the published site: silent, linked, printable, usable with the keyboard and without scripts."""

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from browser import published
from browser.outline import Outline
from browser.visiting import Visit, until, visiting
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser
WIDTHS = (360, 390, 1280, 1920, 3840)
PAPER = 1032
"""CSS pixels between the margins of an A4 sheet on its side."""
MOST_COLUMNS = 16
"""More than these do not fit on paper."""
STATE = "="
"""A fragment with this in it is what a table shows, not a place."""

Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def samples(site: Path) -> list[str]:
    return list(published.samples(site, 1))


@pytest.fixture
def visit(chromium: Browser, site: Path) -> Iterator[Open]:
    """Return a function that opens a page of the site from disk. On leaving, the page must have been silent.

    Pages that are opened alike are opened in one window, one after the other.
    """
    windows: dict[tuple[Any, ...], Visit] = {}
    with ExitStack() as stack:

        def open_(path: str, *, scheme: str = "light", **options: Any) -> Visit:
            key = (scheme, *options.items())
            if key in windows:
                windows[key].go(site / path)
            else:
                windows[key] = stack.enter_context(visiting(chromium, site / path, color_scheme=scheme, **options))
            return windows[key]

        yield open_


def results(site: Path, path: str) -> int:
    """Return how many rows a task's page has to have, by the table that lies beside it."""
    with (site / path).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return sum(row["headline"] == "true" for row in csv.DictReader(file))


# -- what there is -------------------------------------------------------------------------------------------


def test_kinds_of_pages_are_found(site: Path) -> None:
    kinds = published.kinds(site)
    assert {"index", "method", "board", "tasks", "judges"} <= kinds.keys()
    assert all(1 <= len(paths) <= 2 for paths in kinds.values())
    assert len(published.pages(site)) > 20


@pytest.mark.soak
def test_every_page_opens_and_says_nothing(chromium: Browser, site: Path) -> None:
    for path in published.pages(site):
        with visiting(chromium, site / path) as seen:
            expect(seen.page.get_by_role("heading", level=1)).to_be_visible()
            assert len(seen.page.title()) > 3


def test_every_link_that_a_reader_sees_leads_somewhere(visit: Open, site: Path, samples: list[str]) -> None:
    ids = {path: set(Outline((site / path).read_text("utf-8")).attributes("id")) for path in published.pages(site)}
    for path in samples:
        page = visit(path).page
        links = page.locator("a[href], link[rel=alternate]").evaluate_all(
            "all => all.map(e => new URL(e.getAttribute('href'), document.baseURI).href)"
        )
        assert links
        for link in set(links):
            address, fragment = urldefrag(link)
            assert address.startswith("file://"), link
            target = Path(unquote(address.removeprefix("file://"))).relative_to(site)
            assert (site / target).is_file(), (path, link)
            if fragment and STATE not in fragment:
                assert unquote(fragment) in ids[target.as_posix()], (path, link)


def test_every_row_of_a_task_is_on_its_page(visit: Open, site: Path, samples: list[str]) -> None:
    tasks = [path for path in samples if path.startswith("tasks/")]
    assert tasks
    for path in tasks:
        expect(visit(path).page.locator("table tr.row")).to_have_count(results(site, path))


# -- how it looks --------------------------------------------------------------------------------------------


def test_the_theme_can_be_switched_on_every_kind_of_page(visit: Open, samples: list[str]) -> None:
    for path, schemes in zip(samples, cycle((("light", "dark"), ("dark", "light"))), strict=False):
        before, after = schemes
        page = visit(path, scheme=before).page
        color = "getComputedStyle(document.body).backgroundColor"
        shown = page.evaluate(color)
        page.get_by_role("button", name="Dark theme").click()
        assert page.evaluate("document.documentElement.dataset.theme") == after, path
        assert page.evaluate(color) != shown, path
        page.reload()
        until(page, f"document.documentElement.dataset.theme === '{after}'")


def test_no_page_scrolls_sideways(visit: Open, samples: list[str]) -> None:
    for path in samples:
        seen = visit(path)
        seen.page.locator("details").evaluate_all("all => all.forEach(e => { e.open = true; })")
        for width in WIDTHS:
            seen.page.set_viewport_size({"width": width, "height": 900})
            assert seen.width <= width, path


def test_texts_are_not_cut_off_by_a_narrow_window(visit: Open, samples: list[str]) -> None:
    cut = """all => all.filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "hidden"
      && getComputedStyle(e).display !== "inline").map(e => e.outerHTML.slice(0, 200))"""
    for path in samples:
        page = visit(path, width=360).page
        assert page.locator("h1, h2, h3, p:not(.sr), dd, dt, summary, button").evaluate_all(cut) == [], path


def test_every_kind_of_page_can_be_printed(visit: Open, site: Path, samples: list[str]) -> None:
    for path in samples:
        page = visit(path).page
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1280, "height": 900})
        rows = page.locator("table tr.row")
        if path.startswith("tasks/"):
            expect(rows).to_have_count(results(site, path))
        page.emulate_media(media="print")
        for selector in ("nav", ".toolbar", "#theme", ".skip"):
            for hidden in page.locator(selector).all():
                expect(hidden).to_be_hidden()
        shown = "all => all.filter(e => e.getClientRects().length > 0).length"
        assert rows.evaluate_all(shown) == rows.count(), path
        assert page.evaluate("getComputedStyle(document.body).colorScheme.includes('dark')") is False
        clipped = "all => all.filter(e => e.scrollHeight > e.clientHeight + 1 && getComputedStyle(e).overflow !== 'visible').length"
        assert page.locator(".scroll").evaluate_all(clipped) == 0, path
        page.set_viewport_size({"width": PAPER, "height": 700})
        columns = "Math.max(0, ...[...document.querySelectorAll('thead tr')].map(r => [...r.cells].filter(c => c.offsetWidth).length))"
        if page.evaluate(columns) <= MOST_COLUMNS:
            assert page.evaluate("document.documentElement.scrollWidth") <= PAPER, path
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


# -- how it is used ------------------------------------------------------------------------------------------


def test_every_kind_of_page_is_there_without_scripts(visit: Open, site: Path, samples: list[str]) -> None:
    for path in samples:
        page = visit(path, java_script_enabled=False).page
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for control in ("#theme", "form"):
            for dead in page.locator(control).all():
                expect(dead).to_be_hidden()
        rows = page.locator("tr.row")
        if path.startswith("tasks/"):
            first, whole = rows.count(), results(site, path)
            assert 0 < first <= whole
            for row in rows.all()[:3]:
                expect(row).to_be_visible()
            rest = page.get_by_role("main").locator("a[href$='.csv']:visible")
            assert first == whole or rest.count() > 0, path


def focused(page: Any) -> dict[str, Any]:
    """Return where the keyboard is, whether that can be seen, and whether it says so."""
    found: dict[str, Any] = page.evaluate(
        """() => {
          const e = document.activeElement, seen = e.matches("input[type=radio]") ? e.nextElementSibling : e;
          const box = seen.getBoundingClientRect(), style = getComputedStyle(seen);
          return {
            id: e.id, tag: e.tagName, class: e.className, inTable: !!e.closest("thead"), href: e.getAttribute("href"),
            seen: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0
              && box.top < innerHeight,
            ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
          };
        }"""
    )
    return found


def test_the_keyboard_comes_through_filter_and_table(visit: Open, samples: list[str]) -> None:
    filtered = 0
    for path in samples:
        page = visit(path).page
        page.keyboard.press("Tab")
        assert focused(page)["class"] == "skip", path
        page.keyboard.press("Enter")
        page.wait_for_url("**#main")
        page.reload()
        passed = []
        for _ in range(60):
            page.keyboard.press("Tab")
            passed.append(focused(page))
            if passed[-1]["inTable"] or passed[-1]["tag"] == "BODY":
                break
        assert [stop for stop in passed if stop["tag"] != "BODY" and not (stop["seen"] and stop["ring"])] == [], path
        if page.locator("form#filter").count():
            filtered += 1
            assert "search" in [stop["id"] for stop in passed], path
    assert filtered >= 3


def test_filter_and_sort_by_keyboard_alone(visit: Open, site: Path, samples: list[str]) -> None:
    path = next(path for path in samples if path.startswith("tasks/"))
    page = visit(path).page
    rows = page.locator("tr.row")
    expect(rows).to_have_count(results(site, path))
    while focused(page)["id"] != "search":
        page.keyboard.press("Tab")
    page.keyboard.type("no such judge anywhere")
    expect(page.locator("tr.row:not([hidden])")).to_have_count(0)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    expect(page.locator("tr.row:not([hidden])")).to_have_count(results(site, path))
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page)["inTable"]:
            break
    before = page.locator("thead [aria-sort]:focus-within").get_attribute("aria-sort")
    page.keyboard.press("Enter")
    expect(page.locator("thead [aria-sort]:focus-within")).not_to_have_attribute("aria-sort", before or "")
    assert focused(page)["inTable"]
