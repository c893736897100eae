"""A judge's page in a browser: its reliability diagram and the table of its runs, in both themes, wide and narrow."""

from pathlib import Path

import pytest
from browser import axe
from browser.visiting import visiting
from playwright.sync_api import Browser, expect
from test_leaderboard_calibration import SAID
from test_leaderboard_calibration import publish as publish_sure
from test_leaderboard_history import three

from judgebench import leaderboard
from judgebench.leaderboard.data import run_id

pytestmark = pytest.mark.browser
LOOKS = [("light", 1280), ("dark", 390)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site with a judge that states confidences and one that has three runs on one task."""
    folder = tmp_path_factory.mktemp("judge-pages")
    three(folder / "results")
    publish_sure(folder / "results", "sure", SAID)
    return leaderboard.build(folder / "results", folder / "site").parent


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.parametrize("judge", ["sure", "mine"])
def test_a_page_fits_its_window(chromium: Browser, site: Path, judge: str, scheme: str, width: int) -> None:
    with visiting(chromium, site / "judges" / f"{judge}.html", width=width, color_scheme=scheme) as seen:
        assert seen.width <= width


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_no_serious_fault_of_accessibility(chromium: Browser, site: Path, scheme: str, width: int) -> None:
    source = axe.needed()
    for judge in ("sure", "mine"):
        path = site / "judges" / f"{judge}.html"
        with visiting(chromium, path, width=width, color_scheme=scheme, bypass_csp=True) as seen:
            assert axe.violations(seen.page, source) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_diagram_has_a_name_and_its_parts_can_be_told_from_the_paper(
    chromium: Browser, site: Path, scheme: str
) -> None:
    with visiting(chromium, site / "judges" / "sure.html", color_scheme=scheme) as seen:
        figure = seen.page.get_by_role("img", name="Share right by confidence on made")
        expect(figure).to_be_visible()
        paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        for part, ink in ((".dot", "fill"), (".amount", "fill"), (".ideal", "stroke"), (".span", "stroke")):
            colour = figure.locator(part).first.evaluate(f"e => getComputedStyle(e).{ink}")
            assert colour not in (paper, "none", "rgba(0, 0, 0, 0)"), part
        table = seen.page.get_by_role("region", name="Share right by confidence on made, as a table")
        expect(table.get_by_role("row")).to_have_count(6)


def test_the_diagram_leads_to_how_it_is_counted(chromium: Browser, site: Path) -> None:
    with visiting(chromium, site / "judges" / "sure.html") as seen:
        seen.page.get_by_role("link", name="How it is counted").click()
        expect(seen.page.get_by_role("heading", name="Calibration curves")).to_be_in_viewport()


def test_the_table_of_runs_leads_to_each_run(chromium: Browser, site: Path) -> None:
    with visiting(chromium, site / "judges" / "mine.html") as seen:
        runs = seen.page.get_by_role("region", name="Runs of this judge on made")
        expect(runs.get_by_role("row")).to_have_count(4)
        expect(runs.get_by_role("row").nth(1)).to_contain_text("the newest")
        expect(runs.get_by_role("row").nth(3)).to_contain_text("−50.0")
        links = runs.get_by_role("link", name="mine")
        for number in range(links.count()):
            target = links.nth(number).get_attribute("href") or ""
            links.nth(number).click()
            expect(seen.page.locator(target)).to_be_in_viewport()


def test_runs_are_named_by_their_ids(site: Path, tmp_path: Path) -> None:
    html = (site / "judges" / "mine.html").read_text("utf-8")
    for result in three(tmp_path):
        assert f'id="run-{run_id(result)}"' in html
