"""Charts as a reader meets them: drawn in both themes with contrast, linked, named, and with their numbers beneath."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from browser.boards import make_result, save
from browser.visiting import Visit, visiting
from playwright.sync_api import Browser, expect

from judgebench import leaderboard
from judgebench.results import Metric

RESULTS = Path(__file__).parent.parent.parent / "results"
pytestmark = pytest.mark.browser
Open = Callable[..., Visit]

RATIO = """([selector, property, behind]) => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => (text.startsWith("color(") ? +v : v / 255));
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (text) => rgb(text).reduce((s, v, i) => s + linear(v) * [0.2126, 0.7152, 0.0722][i], 0);
  const style = (s) => getComputedStyle(document.querySelector(s));
  const two = [style(selector)[property], behind ? style(behind).stroke : style("body").backgroundColor].map(light);
  return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
}"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site with made-up costs."""
    folder = tmp_path_factory.mktemp("charts")
    results = [make_result(f"judge-{n}", 0.4 + n / 20, cost=0.7 * 4**n) for n in range(5)]
    save(folder / "results", *results, make_result("free of price", 0.5), make_result("<b>", 0.6, cost=3.0))
    return leaderboard.build(folder / "results", folder / "site").parent


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site with more judges than a chart has links."""
    folder = tmp_path_factory.mktemp("crowded")
    bias = {"position_bias": Metric(value=0.1, n=350, low=0.0, high=0.2)}
    results = [make_result(f"judge-{n:03}", 0.4 + n / 400, cost=200.0 - n, metrics=bias) for n in range(110)]
    save(folder / "results", *results)
    return leaderboard.build(folder / "results", folder / "site").parent


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not RESULTS.is_dir():
        pytest.skip("no published results here")
    return leaderboard.build(RESULTS, tmp_path_factory.mktemp("site")).parent


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Open]:
    with ExitStack() as open_pages:

        def open_(path: Path, *, scheme: str = "light", **options: Any) -> Visit:
            return open_pages.enter_context(visiting(chromium, path, color_scheme=scheme, **options))

        yield open_


def task(site: Path) -> Path:
    return site / "tasks" / "judgebench-gpt.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_drawn_can_be_seen(visit: Open, made: Path, scheme: str) -> None:
    page = visit(task(made), scheme=scheme).page
    for selector, mark, least in (
        (".chart .dots circle", "stroke", 3), (".chart .best circle", "fill", 3), (".chart .front path", "stroke", 3),
        (".chart .tick text", "fill", 4.5), (".chart .after text", "fill", 4.5), (".chart .edge path", "stroke", 3),
    ):  # fmt: skip
        assert page.evaluate(RATIO, [selector, mark, None]) >= least, selector


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_numbers_on_the_map_can_be_read(visit: Open, published: Path, scheme: str) -> None:
    for name in ("judgebench-gpt", "llmbar-natural"):
        page = visit(published / "tasks" / f"{name}.html", scheme=scheme).page
        for shade in range(6):
            group = f".heat .k{shade}"
            if page.locator(f"{group} text").count():
                assert page.evaluate(RATIO, [f"{group} text", "fill", f"{group} path"]) >= 4.5, group


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_crowd_can_be_seen_and_its_table_is_short(visit: Open, crowded: Path, scheme: str) -> None:
    page = visit(task(crowded), scheme=scheme).page
    assert page.evaluate(RATIO, [".chart .crowd path", "stroke", None]) >= 3
    page.get_by_text("The numbers of the charts").click()
    numbers = page.get_by_role("region", name="Numbers of the charts")
    expect(numbers.locator("tbody tr")).to_have_count(30)
    csv = page.get_by_role("link", name="All of them, with their costs, as CSV").evaluate("link => link.href")
    assert "judge-109" in Path(csv.removeprefix("file://")).read_text("utf-8")
    expect(page.get_by_text("Of 110 judges the best 30")).to_have_count(2)
    assert page.locator(".chart .dots a, .chart .best a").count() < 2 * 30 + 20


def test_a_point_leads_to_its_judge(visit: Open, made: Path) -> None:
    page = visit(task(made)).page
    page.locator(".chart a[href$='judge-4.html'] circle").first.click(force=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("judge-4")


def test_charts_are_named_and_their_numbers_stand_beneath(visit: Open, made: Path) -> None:
    page = visit(task(made)).page
    for title in ("Accuracy against cost", "Accuracy against position bias"):
        drawing = page.get_by_role("group", name=title)
        expect(drawing).to_have_count(1)
        assert drawing.locator("desc").inner_html()
    page.get_by_text("The numbers of the charts").click()
    rows = page.get_by_role("region", name="Numbers of the charts").locator("tbody tr")
    expect(rows).to_have_count(7)
    expect(rows.filter(has_text="free of price")).to_contain_text("unknown")
    expect(rows.filter(has_text="judge-4")).to_contain_text("front")
    assert page.locator(".chart b, .chart script").count() == 0


def test_ids_stand_once_on_a_page(visit: Open, made: Path, published: Path) -> None:
    for site in (made, published):
        ids = visit(task(site)).page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [360, 390, 1280, 1920])
def test_charts_fit_and_can_be_read(visit: Open, made: Path, published: Path, width: int) -> None:
    for site in (made, published):
        seen = visit(task(site), width=width)
        assert seen.width <= width
        heights = seen.page.locator(".chart .tick text").evaluate_all(
            "a => a.map(e => e.getBoundingClientRect().height)"
        )
        assert min(heights) >= 9


def test_no_number_on_an_axis_stands_over_another_or_outside(visit: Open, made: Path) -> None:
    page = visit(task(made)).page
    for drawing in page.locator(".chart").all():
        boxes = drawing.locator(".tick text").evaluate_all(
            "a => a.map(e => e.getBoundingClientRect()).map(r => [r.left, r.right, r.top, r.bottom])"
        )
        whole = drawing.bounding_box()
        assert whole is not None
        for at, (left, right, top, bottom) in enumerate(boxes):
            assert whole["x"] - 1 <= left
            assert right <= whole["x"] + whole["width"] + 1
            assert not any(
                left < o[1] and o[0] < right and top < o[3] - 2 and o[2] + 2 < bottom for o in boxes[at + 1 :]
            )
