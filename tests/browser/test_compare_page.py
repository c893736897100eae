"""The compare page as a reader meets it: opened from disk, chosen by keyboard, linked to, and as Python has it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browser.visiting import Visit, visiting
from playwright.sync_api import Browser, Locator, Page, expect

from judgebench import leaderboard
from judgebench.leaderboard import charts_task, compared, data
from judgebench.leaderboard.cells import number
from judgebench.leaderboard.outcomes import Outcomes, outcomes

RESULTS = Path(__file__).parent.parent.parent / "results"
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not RESULTS.is_dir(), reason="no published results here")]
NAMES = ("judgebench-gpt", "llmbar-natural")
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return leaderboard.build(RESULTS, tmp_path_factory.mktemp("site")).parent


@pytest.fixture
def visit(chromium: Browser, site: Path) -> Iterator[Open]:
    with ExitStack() as open_pages:

        def open_(path: str, *, scheme: str = "light", **options: Any) -> Visit:
            return open_pages.enter_context(visiting(chromium, site / path, color_scheme=scheme, **options))

        yield open_


def known(name: str) -> tuple[Outcomes, list[compared.Entry]]:
    board = data.load(RESULTS)
    task = next(task for task in board.tasks if task.name == name)
    found, page = outcomes(task, board), charts_task.comparison(task, board)
    assert found is not None
    assert page is not None
    return found, list(page.entries)


def choice(page: Page, number: int) -> Locator:
    """Return the select of judge A (0) or B (1)."""
    return page.locator("#pick").get_by_label(f"Judge {'AB'[number]}", exact=False)


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_has_the_numbers_that_python_has(visit: Open, name: str) -> None:
    found, entries = known(name)
    seen = visit(f"compare/{name}.html").page
    for a in entries[:4]:
        for b in entries[:4]:
            if a.run == b.run:
                continue
            seen.evaluate("hash => { location.hash = hash; }", f"{a.run},{b.run}")
            expect(choice(seen, 0)).to_have_value(a.run)
            expect(choice(seen, 1)).to_have_value(b.run)
            one, two = (found.value[found.runs.index(entry.run)] for entry in (a, b))
            ours = compared.paired(one, two, found.sources)
            text = number(ours.difference, share=True)
            expect(seen.locator("#difference")).to_have_text(f"+{text}" if ours.difference > 0.0005 else text)
            ends = f"[{number(ours.low, share=True)}, {number(ours.high, share=True)}]"
            expect(seen.locator("#interval")).to_have_text(ends)
            told = f"can be told apart (p < {ours.level:g})" if ours.level else "cannot be told apart"
            expect(seen.locator("#told")).to_contain_text(told)
            counts = [int(seen.locator(f"#count-{k}").inner_text()) for k in range(4)]
            assert counts == [ours.both, ours.only_a, ours.only_b, ours.neither]
            expect(seen.locator("#differ tr")).to_have_count(ours.only_a + ours.only_b)


def test_judges_are_chosen_by_keyboard_and_the_address_says_which(visit: Open) -> None:
    _, entries = known("judgebench-gpt")
    page = visit("compare/judgebench-gpt.html").page
    expect(choice(page, 0)).to_have_value(entries[0].run)
    expect(choice(page, 1)).to_have_value(entries[1].run)
    choice(page, 1).focus()
    page.keyboard.press("ArrowDown")
    expect(choice(page, 1)).to_have_value(entries[2].run)
    assert page.url.endswith(f"#{entries[0].run},{entries[2].run}")
    expect(page.locator("#page-1")).to_have_text(entries[2].label)


def test_a_link_opens_its_comparison_and_half_a_link_finds_another_judge(visit: Open, site: Path) -> None:
    _, entries = known("judgebench-gpt")
    page = visit("compare/judgebench-gpt.html").page
    address = (site / "compare" / "judgebench-gpt.html").as_uri()
    page.goto("about:blank")
    page.goto(f"{address}#{entries[3].run},{entries[0].run}")
    expect(choice(page, 0)).to_have_value(entries[3].run)
    expect(choice(page, 1)).to_have_value(entries[0].run)
    page.goto("about:blank")
    page.goto(f"{address}#{entries[0].run}")
    expect(choice(page, 1)).to_have_value(entries[1].run)
    page.goto("about:blank")
    page.goto(f"{address}#no-such-run,<img>")
    expect(page.locator("#difference")).not_to_be_empty()


def test_a_place_on_the_page_is_no_comparison(visit: Open) -> None:
    _, entries = known("judgebench-gpt")
    page = visit("compare/judgebench-gpt.html").page
    choice(page, 0).select_option(entries[2].run)
    chosen = page.locator("#difference").inner_text()
    for fragment in ("main", "near", "", "a,b,c", f"x,y,{entries[0].run}"):
        page.evaluate(
            "async hash => { location.hash = hash; await new Promise((done) => setTimeout(done, 50)); }", fragment
        )
        assert page.evaluate("location.hash.slice(1)") == fragment
        expect(choice(page, 0)).to_have_value(entries[2].run)
        expect(page.locator("#difference")).to_have_text(chosen)


def test_the_chosen_judges_lead_to_their_pages(visit: Open) -> None:
    page = visit("compare/judgebench-gpt.html").page
    label = page.locator("#page-0").inner_text()
    page.locator("#page-0 a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(label.partition(" · ")[0])


def test_the_task_page_leads_here(visit: Open) -> None:
    page = visit("tasks/judgebench-gpt.html").page
    page.get_by_role("link", name="Compare two judges").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare judges on judgebench-gpt")


def test_without_scripts_neighbours_are_compared(visit: Open) -> None:
    _, entries = known("judgebench-gpt")
    page = visit("compare/judgebench-gpt.html", java_script_enabled=False).page
    expect(page.locator("#pick")).to_be_hidden()
    expect(page.locator("section[aria-labelledby=near] tbody tr")).to_have_count(len(entries))


@pytest.mark.parametrize("width", [360, 390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_never_scrolls_sideways(visit: Open, width: int, scheme: str) -> None:
    assert visit("compare/judgebench-gpt.html", width=width, scheme=scheme).width <= width
