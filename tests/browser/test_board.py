"""The board as a reader meets it: opened from disk, sorted, searched, filtered, on a phone, in the dark."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browser.boards import gallery, make_result
from browser.visiting import Visit, until, visiting
from playwright.sync_api import Browser, expect

from judgebench import leaderboard
from judgebench.results import Result

pytestmark = pytest.mark.browser
GPT = "#task-judgebench-gpt"


class BoardVisit:
    """A visit with the board's own words for what is on it."""

    def __init__(self, seen: Visit) -> None:
        self.page, self.said = seen.page, seen.said

    def names(self, group: str = "judges") -> list[str]:
        """Return the judges shown in a group, in order."""
        rows = self.page.locator(f"{GPT} tbody.{group} tr.row:not([hidden]) .name")
        return rows.all_inner_texts()

    def head(self, label: str) -> Any:
        return self.page.locator(f"{GPT} thead th", has_text=label)


Open = Callable[..., BoardVisit]


@pytest.fixture
def visit(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens a page of results from disk."""
    with ExitStack() as open_pages:

        def open_(*results: Result, scheme: str = "light", **options: Any) -> BoardVisit:
            path = leaderboard.build_from(
                results or gallery(), tmp_path / str(len(list(tmp_path.iterdir()))), "A board"
            )
            return BoardVisit(open_pages.enter_context(visiting(chromium, path, color_scheme=scheme, **options)))

        yield open_


def test_opens_from_disk_sorted_by_the_headline(visit: Open) -> None:
    seen = visit()
    assert seen.names() == ["panel-of-three", "arena-hard", "internlm2-7b-reward", "judgelm-7b", "unlucky"]
    expect(seen.head("Accuracy")).to_have_attribute("aria-sort", "descending")
    expect(seen.page.locator("#status")).to_have_text("10 of 10 rows")


def test_a_head_sorts_by_click_and_back(visit: Open) -> None:
    seen = visit()
    seen.head("Accuracy").get_by_role("button").click()
    expect(seen.head("Accuracy")).to_have_attribute("aria-sort", "ascending")
    assert seen.names() == ["judgelm-7b", "internlm2-7b-reward", "arena-hard", "panel-of-three", "unlucky"]
    seen.head("Accuracy").get_by_role("button").click()
    assert seen.names()[0] == "panel-of-three"


def test_a_head_sorts_by_keyboard(visit: Open) -> None:
    seen = visit()
    seen.head("Judge").get_by_role("button").focus()
    seen.page.keyboard.press("Enter")
    assert seen.names() == ["arena-hard", "internlm2-7b-reward", "judgelm-7b", "panel-of-three", "unlucky"]
    seen.page.keyboard.press("Space")
    expect(seen.head("Judge")).to_have_attribute("aria-sort", "descending")
    expect(seen.head("Accuracy")).to_have_attribute("aria-sort", "none")
    assert seen.names()[0] == "unlucky"


def test_sorting_keeps_the_groups_apart(visit: Open) -> None:
    seen = visit()
    seen.head("Kind").get_by_role("button").click()
    groups = seen.page.locator(f"{GPT} tbody").evaluate_all("bodies => bodies.map(b => b.className)")
    assert groups == ["judges", "floor", "apart", "demonstration"]
    assert seen.page.locator(f"{GPT} tbody tr:first-child .group-title").all_inner_texts() == [
        "Judges", "Floor", "Not comparable", "Demonstration",
    ]  # fmt: skip


def test_sorting_one_task_leaves_the_other(visit: Open) -> None:
    seen = visit()
    seen.head("Judge").get_by_role("button").click()
    other = seen.page.locator("#task-judgebench-claude thead th", has_text="Accuracy")
    expect(other).to_have_attribute("aria-sort", "descending")


def test_search_finds_judges_and_models(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_label("Search").fill("INTERNLM/ reward")
    assert seen.names() == ["internlm2-7b-reward"]
    expect(seen.page.locator("#status")).to_have_text("1 of 10 rows")
    expect(seen.page.locator(f"{GPT} tbody.floor")).to_be_hidden()
    seen.page.get_by_label("Search").press("Enter")
    seen.page.get_by_role("button", name="Clear").click()
    expect(seen.page.locator("#status")).to_have_text("10 of 10 rows")
    expect(seen.page.locator(f"{GPT} tbody.floor")).to_be_visible()


def test_search_without_a_match_says_so(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_label("Search").fill("nobody")
    expect(seen.page.get_by_role("status")).to_contain_text("No row matches")


def test_filters_combine(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_label("Evidence").select_option("imported")
    assert seen.names() == ["arena-hard", "internlm2-7b-reward"]
    seen.page.get_by_label("Kind").select_option("reward-model")
    assert seen.names() == ["internlm2-7b-reward"]
    assert seen.page.locator(f"{GPT} tbody.judges .count").inner_text() == "1"


def test_views_change_the_columns(visit: Open) -> None:
    seen = visit()
    expect(seen.head("Knowledge")).to_be_visible()
    expect(seen.head("Consistency")).to_be_hidden()
    seen.page.get_by_label("Reliability").check()
    expect(seen.head("Knowledge")).to_be_hidden()
    expect(seen.head("Consistency")).to_be_visible()
    expect(seen.head("Accuracy")).to_be_visible()


def paper(seen: BoardVisit) -> str:
    return str(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize(("scheme", "pressed"), [("light", "false"), ("dark", "true")])
def test_the_theme_follows_the_system_until_it_is_chosen(visit: Open, scheme: str, pressed: str) -> None:
    seen = visit(scheme=scheme)
    button = seen.page.get_by_role("button", name="Dark theme")
    expect(button).to_have_attribute("aria-pressed", pressed)
    before = paper(seen)
    button.click()
    after = paper(seen)
    assert {before, after} == {"rgb(255, 255, 255)", "rgb(20, 23, 28)"}
    reload_until(seen, after)


def reload_until(seen: BoardVisit, colour: str, seconds: float = 20) -> None:
    """Reload until the page remembers. What a page stores reaches the next one when the browser gets to it."""
    deadline = time.monotonic() + seconds
    seen.page.reload()
    while paper(seen) != colour:
        assert time.monotonic() < deadline, f"not remembered in {seconds} s"
        seen.page.wait_for_timeout(100)
        seen.page.reload()


def test_two_tabs_stay_in_step(visit: Open) -> None:
    seen = visit()
    other = seen.page.context.new_page()
    other.goto(seen.page.url)
    other.get_by_role("button", name="Dark theme").click()
    until(other, "localStorage.getItem('judgebench-theme') === 'dark'")
    expect(seen.page.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", "true")
    assert paper(seen) == "rgb(20, 23, 28)"


# -- a view can be linked ------------------------------------------------------------------------------------


def test_what_is_chosen_stands_in_the_address_and_comes_back(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_label("Evidence").select_option("imported")
    seen.page.get_by_label("Search").fill("a & b = c#")
    seen.page.get_by_label("Search").fill("model reward")
    seen.page.get_by_label("Reliability").check()
    seen.head("Consistency").get_by_role("button").click()
    address = seen.page.url
    assert "evidence=imported" in address
    assert "search=model+reward" in address
    again = visit()
    again.page.goto(address)
    again.page.reload()
    expect(again.page.get_by_label("Search")).to_have_value("model reward")
    expect(again.page.get_by_label("Evidence")).to_have_value("imported")
    expect(again.page.get_by_label("Reliability")).to_be_checked()
    expect(again.head("Consistency")).to_have_attribute("aria-sort", "descending")
    assert again.names() == seen.names() == ["internlm2-7b-reward"]


def test_clearing_leaves_the_sorting_alone_in_the_address(visit: Open) -> None:
    seen = visit()
    seen.head("Judge").get_by_role("button").click()
    seen.page.get_by_label("Kind").select_option("prompted")
    seen.page.get_by_role("button", name="Clear").click()
    expect(seen.page.locator("#status")).to_have_text("10 of 10 rows")
    until(seen.page, "location.hash === '#table-1=1-ascending'")


def test_going_to_another_address_on_the_page_changes_the_view(visit: Open) -> None:
    seen = visit()
    seen.page.evaluate("location.hash = '#kind=reward-model&table-1=1-descending'")
    until(seen.page, "document.querySelectorAll('tr.row:not([hidden])').length === 1")
    seen.page.evaluate("location.hash = '#task-judgebench-claude'")  # a place, not a view
    seen.page.wait_for_timeout(50)
    assert seen.names() == ["internlm2-7b-reward"]
    seen.page.evaluate("location.hash = ''")
    until(seen.page, "document.querySelectorAll('tr.row:not([hidden])').length === 10")


@pytest.mark.parametrize(
    "fragment",
    [
        "kind=nobody&size=x&view=y&floor=z", "table-1=999-ascending", "table-1=-1-descending", "table-1=length-ascending",
        "=&==&%zz=1", "search=<img src=x onerror=alert(1)>", "__proto__=1&constructor=2", "table-1=1-sideways",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_does_no_harm(visit: Open, fragment: str) -> None:
    seen = visit()
    seen.page.goto(f"{seen.page.url}#{fragment}")
    seen.page.reload()
    expect(seen.page.get_by_label("Kind")).to_have_value("")
    expect(seen.head("Accuracy")).to_have_attribute("aria-sort", "descending")
    expect(seen.page.locator("#status")).to_have_text(re.compile("rows|No row"))


# -- the floor -----------------------------------------------------------------------------------------------


def test_the_floor_is_a_line_across_the_bars_and_can_stand_in_place(visit: Open) -> None:
    seen = visit()
    expect(seen.page.locator(f"{GPT} .legend")).to_have_text(
        re.compile("random, 30.0, the best of the judges that do not")
    )
    bar = seen.page.locator(f"{GPT} tbody.judges tr.row td.headline .bar").first
    assert "linear-gradient" in bar.evaluate("bar => getComputedStyle(bar).backgroundImage")
    lines = seen.page.locator(f"{GPT} tbody.judges tr.line")
    expect(lines.first).to_be_hidden()
    seen.page.get_by_label("Floor in place").check()
    expect(lines.first).to_be_visible()
    expect(seen.page.locator(f"{GPT} tbody.floor")).to_be_hidden()
    shown = seen.page.locator(f"{GPT} tbody.judges tr:not(.group) .name").all_inner_texts()
    assert shown[3:] == ["judgelm-7b", "random", "always-first", "unlucky"]
    seen.head("Accuracy").get_by_role("button").click()
    shown = seen.page.locator(f"{GPT} tbody.judges tr:not(.group) .name").all_inner_texts()
    assert shown[:3] == ["always-first", "random", "judgelm-7b"]
    assert "floor=in-place" in seen.page.url


def test_coverage_and_unreadable_replies_are_in_every_view(visit: Open) -> None:
    seen = visit(width=1280)
    for view in ("Categories", "Scoring rules", "Reliability"):
        seen.page.get_by_label(view).check()
        expect(seen.head("Coverage")).to_be_visible()
        expect(seen.head("Unreadable")).to_be_visible()
        box = seen.head("Unreadable").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1280


def test_size_and_openness_can_be_filtered(visit: Open) -> None:
    seen = visit()
    seen.page.get_by_label("Size").select_option("3 to 10 B")
    assert seen.names() == ["internlm2-7b-reward", "judgelm-7b"]
    seen.page.get_by_label("Weights").select_option("no model")
    expect(seen.page.locator("#status")).to_have_text("No row matches. Clear the filter to see all.")
    seen.page.get_by_label("Size").select_option("all sizes")
    assert seen.names("floor") == ["random", "always-first"]


def test_the_page_never_scrolls_sideways(visit: Open) -> None:
    seen = visit()
    for width in (360, 390, 768, 1280, 1920, 3840):
        seen.page.set_viewport_size({"width": width, "height": 900})
        for view in ("Categories", "Scoring rules", "Reliability"):
            seen.page.get_by_label(view).check()
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_name_kind_and_headline_side_by_side(visit: Open) -> None:
    seen = visit(width=390, height=844)
    row = seen.page.locator(f"{GPT} tbody.judges tr.row").nth(1)
    expect(row.locator(".brief")).to_have_text("prompted · imported")
    box = row.locator("td.headline").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390
    before = row.locator(".name").bounding_box()
    seen.page.locator(f"{GPT} .scroll").evaluate("element => element.scrollLeft = 200")
    assert row.locator(".name").bounding_box() == before


def test_every_control_has_a_name_and_is_large_enough(visit: Open) -> None:
    seen = visit(width=390, height=844)
    unnamed = seen.page.locator("button, input, select").evaluate_all(
        "all => all.filter(e => !(e.textContent.trim() || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert unnamed == []
    heights = seen.page.locator("button:visible, select:visible").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24


def test_a_table_can_be_scrolled_by_keyboard(visit: Open) -> None:
    seen = visit(width=390, height=844)
    region = seen.page.get_by_role("region", name="judgebench-gpt").last
    region.focus()
    seen.page.keyboard.press("ArrowRight")
    until(seen.page, "document.activeElement.scrollLeft > 0")


def test_the_first_tab_stop_skips_to_the_content(visit: Open) -> None:
    seen = visit()
    seen.page.keyboard.press("Tab")
    expect(seen.page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_print_shows_tables_whole_and_without_controls(visit: Open) -> None:
    seen = visit()
    seen.page.emulate_media(media="print")
    expect(seen.page.locator(".toolbar")).to_be_hidden()
    overflow = seen.page.locator(".scroll").first.evaluate("element => getComputedStyle(element).overflow")
    assert overflow == "visible"


def test_the_tables_are_there_without_scripts(visit: Open) -> None:
    seen = visit(java_script_enabled=False)
    assert seen.names()[0] == "panel-of-three"
    expect(seen.page.locator("#filter")).to_be_hidden()
    seen.page.get_by_label("Reliability").check()
    expect(seen.head("Consistency")).to_be_visible()


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '"><svg onload=alert(1)>',
        "<style>@import 'https://example.org/x.css';</style>",
        "\u202eevil\u2066",
    ],
)
def test_hostile_names_are_shown_and_do_nothing(visit: Open, text: str) -> None:
    seen = visit(make_result(text, judge_fields={"model": text, "kind": text}, source={text: text}))
    expected = text.replace("\u202e", "⟨U+202E⟩").replace("\u2066", "⟨U+2066⟩")
    assert seen.names() == [expected]
    seen.page.get_by_label("Kind").select_option(expected)
    assert seen.names() == [expected]


def test_a_very_long_name_does_not_break_the_page(visit: Open) -> None:
    seen = visit(make_result("x" * 5000, judge_fields={"model": "y" * 5000}), width=390)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
    box = seen.page.locator(f"{GPT} tr.row").bounding_box()
    assert box is not None
    assert box["height"] < 250


def test_the_policy_refuses_a_script_that_is_not_ours(visit: Open) -> None:
    seen = visit()
    seen.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); }"
    )
    assert seen.page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in seen.said)
    seen.said.clear()
