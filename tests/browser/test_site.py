"""The site as a reader walks through it: from page to page off the disk, on a phone, in the dark, without scripts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser.boards import gallery, make_result, save
from browser.visiting import Visit, until, visiting
from playwright.sync_api import Browser, expect

from judgebench import leaderboard
from judgebench.results import Metric, Result

pytestmark = pytest.mark.browser
PAGES = ["index.html", "method.html", "tasks/judgebench-gpt.html", "tasks/wide.html", "judges/arena-hard.html"]


def graded(name: str, value: float) -> Result:
    task = {"name": "grades", "headline": "mae", "fingerprint": "ef" * 32}
    metrics = {"mae": Metric(value=value, n=9, low=value - 0.1, high=value + 0.1)}
    return make_result(name, task=task).model_copy(update={"metrics": metrics, "by_category": {}})


def wide() -> Result:
    """Return a result with columns in every view."""
    more = {name: Metric(value=0.5, n=9, low=0.4, high=0.6) for name in ("ece", "judgelm_accuracy", "kappa_majority")}
    return make_result("panel-of-three", 0.5, task={"name": "wide", "fingerprint": "12" * 32}, metrics=more)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a built site."""
    folder = tmp_path_factory.mktemp("leaderboard")
    save(folder / "results", *gallery(), graded("arena-hard", 0.5), graded("judgelm-7b", 0.4), wide())
    return leaderboard.build(folder / "results", folder / "site").parent


Open = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Browser, site: Path) -> Iterator[Open]:
    """Return a function that opens a page of the site from disk."""
    with ExitStack() as open_pages:

        def open_(path: str = "index.html", *, scheme: str = "light", **options: Any) -> Visit:
            return open_pages.enter_context(visiting(chromium, site / path, color_scheme=scheme, **options))

        yield open_


def names(seen: Visit, group: str = "judges") -> list[str]:
    return seen.page.locator(f"tbody.{group} tr.row:not([hidden]) .name").all_inner_texts()


def test_a_reader_walks_from_task_to_judge_to_method_and_back(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_role("link", name="judgebench-gpt", exact=True).first.click()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("judgebench-gpt")
    seen.page.get_by_role("link", name="arena-hard", exact=True).first.click()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("arena-hard")
    seen.page.get_by_role("link", name="Accuracy", exact=True).first.click()
    expect(seen.page.locator(":target")).to_contain_text("Accuracy")
    assert seen.page.url.endswith("method.html#pairs-accuracy")
    seen.page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="judgebench leaderboard").click()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("judgebench leaderboard")


def test_the_path_says_where_one_is(visit: Open) -> None:
    crumbs = visit("judges/arena-hard.html").page.get_by_role("navigation", name="Breadcrumb")
    expect(crumbs.locator("[aria-current=page]")).to_have_text("arena-hard")
    expect(crumbs.get_by_role("link").first).to_have_attribute("href", "../index.html")


def test_the_data_of_a_result_lie_beside_the_pages(visit: Open, site: Path) -> None:
    page = visit("judges/arena-hard.html").page
    links = page.get_by_role("link", name="of judgebench-gpt").filter(has_text="verdicts")
    address = links.evaluate("link => link.href")
    assert address == (site / "data" / "arena-hard" / "judgebench-gpt.verdicts.jsonl").as_uri()
    assert links.get_attribute("download") == ""


def test_the_overall_table_sorts_filters_and_searches(visit: Open) -> None:
    seen = visit()
    expect(seen.page.locator("#status")).to_have_text("8 of 8 rows")
    assert names(seen)[:2] == ["panel-of-three", "arena-hard"]
    head = seen.page.get_by_role("columnheader", name="grades")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")  # an error: small is good
    assert names(seen)[:2] == ["judgelm-7b", "arena-hard"]
    seen.page.get_by_label("Kind").select_option("fine-tuned")
    assert names(seen) == ["judgelm-7b"]
    expect(seen.page.locator("tbody.floor")).to_be_hidden()
    expect(seen.page.locator(".tiles table").first).to_be_visible()
    seen.page.get_by_role("button", name="Clear").click()
    seen.page.get_by_label("Search").fill("PANEL")
    assert names(seen) == ["panel-of-three"]


def test_a_judges_tasks_can_be_sorted(visit: Open) -> None:
    seen = visit("judges/arena-hard.html")
    tasks = seen.page.locator("tr.row .name")
    assert tasks.all_inner_texts() == ["judgebench-gpt", "grades", "judgebench-claude"]
    seen.page.get_by_role("button", name="Task", exact=True).click()
    assert tasks.all_inner_texts() == ["grades", "judgebench-claude", "judgebench-gpt"]


def test_details_open_by_keyboard(visit: Open) -> None:
    seen = visit("judges/arena-hard.html")
    summary = seen.page.get_by_text("All 8 metrics on judgebench-gpt")
    strict = seen.page.get_by_role("link", name="Strict", exact=True).first
    expect(strict).to_be_hidden()
    summary.focus()
    seen.page.keyboard.press("Enter")
    expect(strict).to_be_visible()


def test_a_task_page_has_the_boards_views(visit: Open) -> None:
    seen = visit("tasks/judgebench-gpt.html")
    consistency = seen.page.get_by_role("columnheader", name="Consistency")
    expect(consistency).to_be_hidden()
    seen.page.get_by_label("Reliability").check()
    expect(consistency).to_be_visible()
    expect(seen.page.get_by_label("Certainty")).to_have_count(0)


def test_each_view_shows_its_own_columns_alone(visit: Open) -> None:
    seen = visit("tasks/wide.html", width=390)
    shown = {}
    for label in seen.page.locator(".views label").all():
        label.click()
        heads = seen.page.locator("thead th.num:visible button").all_inner_texts()
        assert heads[:3] == ["Accuracy", "Coverage", "Unreadable"]
        shown[label.inner_text()] = heads[3:]
        assert seen.width <= 390
        cells = seen.page.locator("tr.row").first.locator("td:visible")
        expect(cells).to_have_count(1 + len(heads))  # and the rank
    assert shown["Certainty"] == ["Expected calibration error"]
    assert len(shown["As published"]) == 2
    assert list(shown) == ["Categories", "Scoring rules", "Reliability", "Certainty", "As published"]


def test_the_theme_is_kept_from_page_to_page(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_role("button", name="Dark theme").click()
    seen.page.get_by_role("link", name="Methods").click()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("Methods")
    until(seen.page, "getComputedStyle(document.body).backgroundColor === 'rgb(20, 23, 28)'")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_at_any_width(visit: Open, path: str) -> None:
    seen = visit(path)
    for width in (360, 390, 1280, 1920, 3840):
        seen.page.set_viewport_size({"width": width, "height": 900})
        assert seen.width <= width


@pytest.mark.parametrize("path", PAGES)
def test_every_control_and_region_has_a_name(visit: Open, path: str) -> None:
    page = visit(path).page
    unnamed = page.locator("button, input, select, a, summary").evaluate_all(
        "all => all.filter(e => !(e.textContent.trim() || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert unnamed == []
    headings = page.locator("h1, h2, h3").evaluate_all("all => all.map(e => Number(e.tagName[1]))")
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_there_without_scripts(visit: Open, path: str) -> None:
    page = visit(path, java_script_enabled=False).page
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#theme")).to_be_hidden()
    expect(page.get_by_role("main")).to_contain_text("Accuracy", ignore_case=True)


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_can_be_printed(visit: Open, path: str) -> None:
    page = visit(path).page
    page.emulate_media(media="print")
    expect(page.locator("#theme")).to_be_hidden()
    overflows = page.locator(".scroll").evaluate_all("all => all.map(e => getComputedStyle(e).overflow)")
    assert set(overflows) <= {"visible"}


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "../../../x", "\u202eevil\u2066", "con"]
)
def test_hostile_names_lead_to_their_own_page_and_do_nothing(chromium: Browser, tmp_path: Path, text: str) -> None:
    save(tmp_path / "results", make_result(text, judge_fields={"model": None}, task={"name": text}))
    path = leaderboard.build(tmp_path / "results", tmp_path / "site")
    shown = text.replace("\u202e", "⟨U+202E⟩").replace("\u2066", "⟨U+2066⟩")
    with visiting(chromium, path) as seen:
        for folder in ("tasks", "judges"):
            seen.page.goto(path.as_uri())
            seen.page.locator(f".tiles a[href^='{folder}/']").click()
            expect(seen.page.get_by_role("heading", level=1)).to_have_text(shown)
            assert seen.page.url.startswith((tmp_path / "site" / folder).as_uri())
