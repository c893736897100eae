"""A run's pages as somebody uses them, opened from disk: list, filters, search, keys, addresses, hostile texts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import axe
from browser.views import COUNT, REPEATS, heading, judge, make_items, press, rows, status
from browser.visiting import Visit, visiting
from playwright.sync_api import Browser, expect

from factories import make_item
from fakes.view_runs import at_hand, write_run
from judgebench.records import Item
from judgebench.view import build

pytestmark = pytest.mark.browser
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return make_items()


@pytest.fixture(scope="module")
def page(items: list[Item], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a run of 400 pairs, in two orders, twice."""
    folder = tmp_path_factory.mktemp("view")
    with pytest.MonkeyPatch.context() as patch:
        at_hand(patch, items)
        return build(write_run(folder / "run", items, judge, repeats=REPEATS, model="some/model")).page


@pytest.fixture
def visit(chromium: Browser, page: Path) -> Iterator[Open]:
    """Return a function that opens the page, at an address's fragment."""
    with ExitStack() as open_pages:

        def open_(fragment: str = "", **options: Any) -> Visit:
            seen = open_pages.enter_context(visiting(chromium, options.pop("path", page), **options))
            if fragment:
                seen.page.goto(f"{seen.page.url}#{fragment}")
            return seen

        yield open_


# -- what is there ------------------------------------------------------------------------------------------


def test_the_first_item_is_there_at_once(visit: Open, items: list[Item]) -> None:
    seen = visit()
    expect(seen.page.get_by_role("heading", level=1)).to_have_text("made-up on toy")
    expect(status(seen)).to_have_text("800 of 800")
    expect(heading(seen)).to_contain_text(items[0].id)
    detail = seen.page.locator("#detail")
    expect(detail.get_by_text("Think of needle-0.")).to_be_visible()
    expect(detail.get_by_role("heading", name="A · m-a")).to_be_visible()
    expect(detail.get_by_role("heading", name="Shown A, B")).to_have_count(1)
    expect(detail.get_by_role("heading", name="Shown B, A")).to_have_count(1)
    expect(detail.get_by_text("[[verdict-0]]")).to_have_count(2)
    expect(rows(seen).first).to_have_attribute("aria-selected", "true")
    assert rows(seen).count() < 60, "only what is in sight is in the page"


def test_both_orders_stand_side_by_side_where_there_is_room(visit: Open) -> None:
    for width, beside in ((1280, True), (390, False)):
        seen = visit(width=width)
        expect(heading(seen)).to_be_visible()
        boxes = [
            seen.page.locator(".sides .block", has=seen.page.get_by_role("heading", name=name)).bounding_box()
            for name in ("Shown A, B", "Shown B, A")
        ]
        assert all(boxes)
        assert (boxes[0]["y"] == boxes[1]["y"]) is beside  # type: ignore[index]


def test_each_repeat_has_its_own_verdicts(visit: Open, items: list[Item]) -> None:
    seen = visit(f"item={items[6].id}&round=1")
    expect(heading(seen)).to_contain_text(items[6].id)
    expect(seen.page.get_by_role("heading", name="Shown A, B")).to_have_count(1)
    expect(seen.page.get_by_text("unreadable: unparsed")).to_have_count(1)


# -- choosing -----------------------------------------------------------------------------------------------


def count(holds: Callable[[int], bool]) -> int:
    return REPEATS * sum(map(holds, range(COUNT)))


def flipped(number: int) -> bool:
    return number % 5 == 4 and number % 7 != 6


def wrong(number: int) -> bool:
    if number % 5 == 4:
        return number % 7 != 6
    return number % 4 == 3


def test_filters_say_how_many_and_combine(visit: Open) -> None:
    seen = visit()
    flips, both = count(flipped), count(lambda n: flipped(n) and wrong(n))
    expect(seen.page.get_by_text(f"Flipped {flips}")).to_be_visible()
    seen.page.get_by_label("Flipped").check()
    expect(status(seen)).to_have_text(f"{flips} of 800")
    expect(rows(seen).first).to_contain_text("flipped")
    seen.page.get_by_label("Wrong").check()
    expect(status(seen)).to_have_text(f"{both} of 800")
    seen.page.get_by_label("Flipped").uncheck()
    expect(status(seen)).to_have_text(f"{count(wrong)} of 800")
    seen.page.get_by_label("Category").select_option("law & order")
    expect(status(seen)).to_have_text(f"{count(lambda n: wrong(n) and n % 3 == 2)} of 800")
    seen.page.get_by_label("Repeat").select_option("1")
    expect(status(seen)).to_have_text(f"{count(lambda n: wrong(n) and n % 3 == 2) // 2} of 800")
    seen.page.get_by_role("button", name="Clear").click()
    expect(status(seen)).to_have_text("800 of 800")
    expect(seen.page.get_by_label("Wrong")).not_to_be_checked()
    expect(seen.page.get_by_label("Category")).to_have_value("")


def test_nothing_that_matches_is_said(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_label("Ties").check()
    expect(status(seen)).to_have_text("0 of 800. Nothing matches: clear the filters to see all")
    expect(rows(seen)).to_have_count(0)
    expect(seen.page.locator("#detail")).to_have_text("No item to show.")
    press(seen, "j", "k")
    seen.page.get_by_role("button", name="Clear").click()
    expect(heading(seen)).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "number"),
    [("question needle-77.", 77), ("needle-333.", 333), ("RIGHT verdict-12]]", 12), ("cannot decide needle-6.", 6), ("2nd 41", None)],
)  # fmt: skip
def test_search_finds_beginnings_texts_and_replies(visit: Open, typed: str, number: int | None) -> None:
    seen = visit()
    seen.page.get_by_label("Search ids and texts").fill(typed)
    if number is None:
        expect(status(seen)).not_to_have_text("800 of 800")
        return
    expect(status(seen)).to_have_text("2 of 800", timeout=15_000)
    expect(rows(seen).first).to_contain_text(f"Question {number}:")
    expect(seen.page.locator("#detail")).to_contain_text(f"Think of needle-{number}.")


def test_search_finds_an_id(visit: Open, items: list[Item]) -> None:
    seen = visit()
    seen.page.get_by_label("Search ids and texts").fill(items[123].id.upper())
    expect(status(seen)).to_have_text("2 of 800")
    expect(heading(seen)).to_contain_text(items[123].id)


def test_a_search_that_is_overtaken_counts_no_more(visit: Open) -> None:
    seen = visit()
    search = seen.page.get_by_label("Search ids and texts")
    search.fill("verdict-1")
    search.fill("nowhere-to-be-found")
    expect(status(seen)).to_have_text("0 of 800. Nothing matches: clear the filters to see all")
    seen.page.wait_for_timeout(900)
    expect(status(seen)).to_have_text("0 of 800. Nothing matches: clear the filters to see all")


def test_sorting(visit: Open, items: list[Item]) -> None:
    seen = visit()
    sort = seen.page.get_by_label("Sort")
    sort.select_option(label="Most confident")
    expect(heading(seen)).to_contain_text(items[88].id)
    sort.select_option(label="Least confident")
    expect(heading(seen)).to_contain_text(items[0].id)
    sort.select_option(label="As in the dataset")
    expect(rows(seen).first).to_contain_text("Question 0:")


# -- keys and addresses ------------------------------------------------------------------------------------------


def test_keys_go_on_and_back_and_are_written_down(visit: Open, items: list[Item]) -> None:
    seen = visit("repeat=0")
    expect(heading(seen)).to_contain_text(items[0].id)
    expect(seen.page.get_by_role("button", name="Previous")).to_be_disabled()
    press(seen, "j", "j")
    expect(heading(seen)).to_contain_text(items[2].id)
    press(seen, "k")
    expect(heading(seen)).to_contain_text(items[1].id)
    seen.page.get_by_role("button", name="Next").click()
    expect(heading(seen)).to_contain_text(items[2].id)
    seen.page.get_by_text("Keys").click()
    expect(seen.page.locator(".list dl")).to_contain_text("the next item")


def test_arrows_work_in_the_list_alone(visit: Open, items: list[Item]) -> None:
    seen = visit("repeat=0")
    expect(heading(seen)).to_be_visible()
    press(seen, "ArrowDown")
    expect(heading(seen)).to_contain_text(items[0].id)
    seen.page.get_by_role("listbox").focus()
    press(seen, "ArrowDown", "ArrowDown", "ArrowUp")
    expect(heading(seen)).to_contain_text(items[1].id)
    active = seen.page.get_by_role("listbox").get_attribute("aria-activedescendant")
    expect(seen.page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")


def test_no_key_is_taken_from_a_field_or_the_browser(visit: Open, items: list[Item]) -> None:
    seen = visit()
    search = seen.page.get_by_label("Search ids and texts")
    press(seen, "/")
    expect(search).to_be_focused()
    seen.page.keyboard.type("j/k")
    expect(search).to_have_value("j/k")
    search.fill("")
    press(seen, "Enter")
    expect(seen.page.get_by_role("listbox")).to_be_focused()
    press(seen, "Control+j", "Alt+j")
    expect(heading(seen)).to_contain_text(items[0].id)


def test_the_link_past_the_list_keeps_what_was_chosen(visit: Open) -> None:
    seen = visit("show=flipped")
    told = status(seen).text_content() or ""
    seen.page.get_by_role("link", name="Skip to the item").focus()
    press(seen, "Enter")
    expect(seen.page.locator("#detail")).to_be_focused()
    expect(status(seen)).to_have_text(told)
    assert seen.page.url.endswith("#show=flipped")


def test_the_address_restores_everything(visit: Open, items: list[Item]) -> None:
    seen = visit()
    seen.page.get_by_label("Flipped").check()
    seen.page.get_by_label("Category").select_option("law & order")
    seen.page.get_by_label("Sort").select_option("slow")
    seen.page.get_by_label("Search ids and texts").fill("question")
    seen.page.get_by_role("button", name="Next").click()
    expect(seen.page.locator("#detail .item, #detail h2")).not_to_have_count(0)
    shown, told = heading(seen).text_content() or "", status(seen).text_content() or ""
    again = visit(seen.page.url.partition("#")[2])
    expect(status(again)).to_have_text(told)
    expect(heading(again)).to_have_text(shown)
    expect(again.page.get_by_label("Flipped")).to_be_checked()
    expect(again.page.get_by_label("Category")).to_have_value("law & order")
    expect(again.page.get_by_label("Sort")).to_have_value("slow")
    expect(again.page.get_by_label("Search ids and texts")).to_have_value("question")


def test_a_link_to_an_item_opens_it_and_brings_it_into_sight(visit: Open, items: list[Item]) -> None:
    seen = visit(f"item={items[399].id}")
    expect(heading(seen)).to_contain_text(items[399].id)
    selected = seen.page.locator(".entry[aria-selected=true]")
    expect(selected).to_contain_text("Question 399:")
    expect(selected).to_be_in_viewport()


def test_a_link_to_an_item_that_is_filtered_out_still_opens_it(visit: Open, items: list[Item]) -> None:
    seen = visit(f"item={items[0].id}&show=flipped")
    expect(heading(seen)).to_contain_text(items[0].id)
    press(seen, "j")
    expect(heading(seen)).to_contain_text(items[4].id)


def test_back_returns_to_the_item_before(visit: Open, items: list[Item]) -> None:
    seen = visit("repeat=0")
    rows(seen).nth(3).click()
    expect(heading(seen)).to_contain_text(items[3].id)
    rows(seen).nth(1).click()
    expect(heading(seen)).to_contain_text(items[1].id)
    seen.page.go_back()
    expect(heading(seen)).to_contain_text(items[3].id)


@pytest.mark.parametrize(
    "fragment",
    [
        "item=nobody", "item=%3Cscript%3Ealert(1)%3C/script%3E", "show=x,y&category=none&sort=__proto__&repeat=-1",
        "round=1e9&item=", "%%%", "q=%00%E2%80%AE<img src=x>", "category=__proto__", "constructor=1&item=constructor",
    ],
)  # fmt: skip
def test_a_strange_address_does_no_harm(visit: Open, fragment: str) -> None:
    seen = visit(fragment)
    expect(seen.page.locator("#detail")).not_to_be_empty()
    seen.page.get_by_role("button", name="Clear").click()
    expect(status(seen)).to_have_text("800 of 800")


# -- looks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920, 3840])
def test_nothing_scrolls_sideways(visit: Open, width: int, scheme: str) -> None:
    seen = visit(width=width, height=900, color_scheme=scheme)
    expect(heading(seen)).to_be_visible()
    assert seen.width <= width
    cut = seen.page.locator(".views label, button, #theme, [name=sort]").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML)"
    )
    assert cut == []


def test_the_theme_can_be_chosen_and_is_remembered(visit: Open) -> None:
    seen = visit(color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert seen.page.evaluate(paper) == "rgb(255, 255, 255)"
    seen.page.get_by_label("Theme").select_option("dark")
    assert seen.page.evaluate(paper) == "rgb(20, 23, 28)"
    seen.page.reload()
    expect(seen.page.get_by_label("Theme")).to_have_value("dark")
    assert seen.page.evaluate(paper) == "rgb(20, 23, 28)"
    assert visit(color_scheme="dark").page.evaluate(paper) == "rgb(20, 23, 28)"


def test_every_control_has_a_name_and_headings_are_in_order(visit: Open) -> None:
    seen = visit()
    expect(heading(seen)).to_be_visible()
    unnamed = seen.page.locator("button, input, select, summary, [role]").evaluate_all(
        "all => all.filter(e => !(e.textContent.trim() || e.labels?.length || e.ariaLabel || e.role === 'presentation'"
        " || e.role === 'status')).map(e => e.outerHTML)"
    )
    assert unnamed == []
    levels = seen.page.locator("h1, h2, h3, h4, h5").evaluate_all("all => all.map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", ["show=unreadable", "show=ties"])
def test_axe_finds_no_serious_violation(visit: Open, scheme: str, fragment: str) -> None:
    source = axe.needed()
    for width in (390, 1280):
        seen = visit(fragment, width=width, color_scheme=scheme, bypass_csp=True)
        seen.page.get_by_text("Keys").click()
        expect(seen.page.locator("#detail")).not_to_contain_text("Loading")
        assert list(map(str, axe.violations(seen.page, source))) == []


def test_without_scripts_the_page_says_so(visit: Open) -> None:
    seen = visit(java_script_enabled=False)
    expect(seen.page.get_by_text("This page needs scripts")).to_be_visible()
    expect(seen.page.locator("#choose")).to_be_hidden()


def test_files_that_are_gone_are_said(chromium: Browser, tmp_path: Path) -> None:
    built = build(write_run(tmp_path / "run", [make_item(0)]))
    next(built.page.parent.glob("*/0.js")).unlink()
    context = chromium.new_context()
    page = context.new_page()
    page.goto(built.page.as_uri())
    expect(page.locator("#detail")).to_have_text("Its file is gone. To make the pages anew, type: judgebench view RUN")
    context.close()
