"""A run's pages under attack by the texts they show, and under the weight of 20,000 trials."""

import json
import time
from pathlib import Path

import pytest
from browser.views import heading, press, rows, status
from browser.visiting import visiting
from playwright.sync_api import Browser, expect

from factories import make_item
from fakes.hostile import HOSTILE, LINE, VISIBLE
from fakes.view_runs import Said, at_hand, first_better, write_run
from judgebench.records import Candidate, Fault, Item, Reply, Trial, Turn, Verdict
from judgebench.view import build
from judgebench.view.texts import plain

pytestmark = pytest.mark.browser


# -- hostile texts ------------------------------------------------------------------------------------------------


def hostile(folder: Path) -> Path:
    texts = [*HOSTILE.values(), LINE]
    items = [
        make_item(
            n, category=text[:200] or "none", turns=(Turn(role="user", content=text),), reference=text,
            candidates=(Candidate(content=text, model=text[:500]), Candidate(content=text + ".")),
        )
        for n, text in enumerate(texts)
    ]  # fmt: skip

    def say(item: Item, trial: Trial) -> Said:
        text = str(item.reference)
        if trial.order[0]:
            return Fault(kind="unparsed", detail=text[:900], reply=text), [Reply(text=text)]
        return Verdict(preference="A>B", raw=text[:900], rationale=text), [Reply(text=text, model=text[:500])]

    with pytest.MonkeyPatch.context() as patch:
        at_hand(patch, items)
        return build(write_run(folder / "run", items, say, model=HOSTILE["image"], name=HOSTILE["script"])).page


def test_hostile_texts_are_shown_and_do_nothing(chromium: Browser, tmp_path: Path) -> None:
    path = hostile(tmp_path)
    with visiting(chromium, path, width=390) as seen:
        for number, text in enumerate(HOSTILE.values()):
            shown = seen.page.locator("#detail pre:not(:empty)").first
            expect(shown).to_have_text(plain(text), use_inner_text=False)
            assert seen.width <= 390, text
            assert seen.page.title() == plain(HOSTILE["script"]) + " on toy" != VISIBLE
            assert seen.page.locator("#detail img, #detail svg, #detail iframe, #detail a, #detail script").count() == 0
            assert seen.page.evaluate("({}).polluted") is None
            expect(seen.page.locator(".entry[aria-selected=true]")).to_have_count(1)
            if number + 1 < len(HOSTILE):
                press(seen, "j")
        assert seen.page.locator("script").count() == 1, "files of data leave no script behind"
        for other in seen.page.locator("select[name=category] option").all()[1:]:
            seen.page.get_by_label("Category").select_option(index=other.evaluate("option => option.index"))
            expect(status(seen)).to_have_text(f"1 of {len(HOSTILE) + 1}")


@pytest.mark.soak
def test_a_megabyte_on_one_line_does_not_freeze_the_page(chromium: Browser, tmp_path: Path) -> None:
    with visiting(chromium, hostile(tmp_path), width=390) as seen:
        seen.page.get_by_label("Search ids and texts").fill(LINE[:60])
        expect(status(seen)).to_have_text(f"1 of {len(HOSTILE) + 1}", timeout=15_000)
        started = time.perf_counter()
        expect(seen.page.locator("#detail summary").first).to_have_text(f"{len(LINE) - 20_000} more characters")
        assert time.perf_counter() - started < 10
        assert len(seen.page.locator("#detail pre:not(:empty)").first.text_content() or "") == 20_000
        assert seen.width <= 390
        seen.page.locator("#detail summary").first.click()
        expect(seen.page.locator("#detail details pre").first).to_be_visible(timeout=20_000)
        assert seen.width <= 390


def test_the_policy_stops_what_would_get_through(chromium: Browser, tmp_path: Path) -> None:
    """If a text ever became markup, the browser itself would refuse to run it, to load it or to send anything."""
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(build(write_run(tmp_path / "run", [make_item(0)])).page.as_uri())
    answered: list[str] = []
    opened.on("response", lambda response: answered.append(response.url))
    refusals: list[str | None] = []
    opened.on("requestfailed", lambda request: refusals.append(request.failure))
    attempts = {
        "markup": "document.body.innerHTML = '<b>x</b>'",
        "inline": "document.body.append(Object.assign(document.createElement('script'), {text: 'window.owned = 1'}))",
        "foreign": "document.body.append(Object.assign(document.createElement('script'), {src: 'https://example.com/x.js'}))",
        "another policy": "trustedTypes.createPolicy('mine', {createHTML: (text) => text})",
    }
    for name, attempt in attempts.items():
        refused = opened.evaluate(f"() => {{ try {{ {attempt}; return false; }} catch {{ return true; }} }}")
        assert refused, name
    sent = opened.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')")
    image = opened.evaluate(
        "new Promise((done) => { const image = new Image(); image.onload = () => done('loaded');"
        " image.onerror = () => done('refused'); image.src = 'https://example.com/x.png'; })"
    )
    assert (sent, image, opened.evaluate("window.owned")) == ("refused", "refused", None)
    assert [url for url in answered if not url.startswith("file:")] == []
    assert set(refusals) <= {"csp"}
    context.close()


# -- 20,000 trials ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of 20,000 trials with short texts."""
    items = [make_item(n, category=f"c{n % 9}") for n in range(10_000)]
    with pytest.MonkeyPatch.context() as patch:
        at_hand(patch, items)
        return build(write_run(tmp_path_factory.mktemp("large") / "run", items, first_better, only=20_000)).page


def test_twenty_thousand_trials_are_there_soon_and_scroll(chromium: Browser, large: Path) -> None:
    """The margins are wide: a busy machine must not fail this, a list that is not virtual must."""
    with visiting(chromium, large) as seen:
        expect(status(seen)).to_have_text("10,000 of 10,000")
        ready = seen.page.evaluate("performance.now()")
        assert ready < 6_000
        assert rows(seen).count() < 60
        pauses = seen.page.evaluate("""() => new Promise((resolve) => {
            const list = document.getElementById("list"), pauses = [];
            let last = performance.now();
            const frame = (now) => {
                pauses.push(now - last);
                last = now;
                list.scrollTop += list.scrollHeight / 60;
                if (pauses.length < 60) requestAnimationFrame(frame); else resolve(pauses);
            };
            requestAnimationFrame(frame);
        })""")
        assert sorted(pauses)[30] < 200, "the median frame"
        assert max(pauses) < 3_000
        expect(rows(seen).last).to_contain_text("question 9999")


def test_twenty_thousand_trials_are_filtered_and_opened_soon(chromium: Browser, large: Path) -> None:
    with visiting(chromium, large) as seen:
        expect(heading(seen)).to_be_visible()
        started = time.perf_counter()
        seen.page.get_by_label("Category").select_option("c4")
        expect(status(seen)).to_have_text("1,111 of 10,000")
        assert time.perf_counter() - started < 5
        seen.page.get_by_role("button", name="Clear").click()
        data = json.loads(next(large.parent.glob("*/list.js")).read_text()[len("judgebench(...") : -len(");\n")])[1]
        started = time.perf_counter()
        seen.page.goto(f"{large.as_uri()}#item={data['ids'][9998]}")
        expect(heading(seen)).to_contain_text(data["ids"][9998])
        expect(seen.page.locator(".entry[aria-selected=true]")).to_be_in_viewport()
        assert time.perf_counter() - started < 8
