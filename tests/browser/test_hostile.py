"""A board full of hostile strings in a browser: nothing runs, nothing is said, nothing is asked for.

The policy of the pages would stop most of it; so the pages are opened without it too: escaping alone has to do.
"""

from pathlib import Path

import pytest
from browser import hostile, published
from browser.visiting import visiting
from playwright.sync_api import Browser, Page, expect

from judgebench import leaderboard
from judgebench.hashing import sha256

pytestmark = pytest.mark.browser
ROWS = 120
FRAGMENTS = [
    "<img src=x onerror=alert(1)>",
    "search=<img src=x onerror=alert(1)>&kind=%22]",
    "table-1=1-ascending&table-1=99-descending&kind=nobody",
    "table-1=__proto__&__proto__=x&constructor=1",
    "view=']&search=%00%FF",
    "javascript:alert(1)",
    "%",
    "=" * 5000,
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site with a long task, on which judges of all hostile names stand, and pages of each such name."""
    folder = tmp_path_factory.mktemp("hostile")
    for at in range(ROWS):
        text, number = hostile.TEXTS[at % len(hostile.TEXTS)], at % 5
        judge = {"name": f"{text} {at}", "model": text, "kind": text}
        found = hostile.result(hostile.PLAIN, f"{hostile.TEXTS[1]}", number, judge=judge, source={text: text})
        path = folder / "results" / f"many-{at}" / "task.json"
        path.parent.mkdir(parents=True)
        path.write_text(found.model_dump_json(), "utf-8")
        path.with_suffix(".verdicts.jsonl").write_bytes(hostile.verdicts(hostile.PLAIN, number))
        path.with_suffix(".gold.csv").write_bytes(hostile.gold(hostile.PLAIN))
        assert sha256(path.with_suffix(".gold.csv").read_bytes()) == found.spec.task.fingerprint
    out = leaderboard.build(folder / "results", folder / "site").parent
    leaderboard.build(folder / "results", out / published.ONE_PAGE)
    return out


def use(page: Page) -> None:
    """Do on a page whatever a reader can do."""
    page.locator("details").evaluate_all("all => all.forEach(e => { e.open = true; })")
    page.locator("#theme").click()
    heads = page.locator("thead button:visible")
    for at in {0, 1, heads.count() - 1} if heads.count() else ():
        heads.nth(at).click()
    search = page.get_by_role("searchbox")
    if search.count():
        search.fill("<script>")
        for select in page.locator("form select").all():
            select.select_option(index=1)
        page.get_by_role("button", name="Clear").click()
    for button in page.locator("[title]:visible").all()[:3]:
        button.hover()


def elements(page: Page) -> list[str]:
    """Return what a page has that only a hostile string could have put there."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter(e =>
            ["IMG", "IFRAME", "OBJECT", "EMBED", "BASE", "FRAME", "AUDIO", "VIDEO"].includes(e.tagName)
            || e.getAttributeNames().some(name => name.startsWith("on"))
            || ["href", "src", "action", "xlink:href"].some(n => /^\\s*(javascript:|vbscript:|data:text)/i.test(e.getAttribute(n) ?? ""))
          ).map(e => e.outerHTML.slice(0, 200))"""
    )
    return found


@pytest.mark.parametrize(
    "bypass", [pytest.param(False, marks=pytest.mark.soak), True], ids=["with policy", "without policy"]
)
def test_nothing_on_a_hostile_board_runs(chromium: Browser, site: Path, bypass: bool) -> None:
    judges = [path for path in published.pages(site) if path.startswith("judges/")]
    with visiting(chromium, site / "index.html", bypass_csp=bypass) as seen:
        for path in [*published.samples(site), *judges[:: 10 if bypass else 40]]:
            seen.go(site / path)
            use(seen.page)
            assert elements(seen.page) == [], path


def test_rows_that_are_unpacked_are_as_inert_as_the_others(chromium: Browser, site: Path) -> None:
    (path,) = (path for path in published.pages(site) if path.startswith("tasks/"))
    with visiting(chromium, site / path, bypass_csp=True) as seen:
        rows = seen.page.locator("tr.row")
        expect(rows).to_have_count(ROWS)
        names = {name.strip() for name in seen.page.locator("tr.row .name").all_inner_texts()}
        assert len(names) == ROWS
        assert f"{hostile.TEXTS[0]} 0" in names
        assert f"{hostile.TEXTS[0]} {len(hostile.TEXTS)}" in names
        assert elements(seen.page) == []
        seen.page.get_by_role("searchbox").fill("onerror=alert(1)>")
        shown = seen.page.locator("tr.row:not([hidden])")
        assert 0 < shown.count() < ROWS


def test_hostile_fragments_are_ignored(chromium: Browser, site: Path) -> None:
    with visiting(chromium, site / "index.html", bypass_csp=True) as seen:
        for path in published.samples(site, 1):
            for fragment in FRAGMENTS:
                seen.page.goto(f"{(site / path).as_uri()}#{fragment}")
                assert elements(seen.page) == [], (path, fragment)
            seen.page.reload()
            expect(seen.page.get_by_role("heading", level=1)).to_be_visible()


def test_a_hostile_memory_is_ignored(chromium: Browser, site: Path) -> None:
    with visiting(chromium, site / "index.html", bypass_csp=True) as seen:
        seen.page.evaluate("localStorage.setItem('judgebench-theme', '\"><img src=x onerror=alert(1)>')")
        seen.page.reload()
        assert seen.page.evaluate("document.documentElement.dataset.theme") is None
        assert elements(seen.page) == []
