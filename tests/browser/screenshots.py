"""Pictures of every kind of page, for people to look at. Type:

JUDGEBENCH_SCREENSHOTS=/tmp/pictures pytest tests/browser/screenshots.py

Each page is taken in three widths, in the light and in the dark: at the top of the window, and as a whole.
"""

import os
from pathlib import Path

import pytest
from browser import published
from browser.visiting import visiting
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
FOLDER = "JUDGEBENCH_SCREENSHOTS"
WIDTHS = (390, 1280, 1920)
TALLEST = 6000
"""Pixels of a page that are taken: what is below repeats what is above."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_take_pictures(chromium: Browser, tmp_path: Path, width: int, scheme: str) -> None:
    chosen = os.environ.get(FOLDER)
    if not chosen:
        pytest.skip(f"{FOLDER} names no folder for pictures")
    site = published.build(tmp_path)
    for path in published.samples(site, 1):
        name = f"{path.removesuffix('.html').replace('/', '-')}.{width}.{scheme}"
        with visiting(chromium, site / path, width=width, color_scheme=scheme) as seen:
            seen.page.wait_for_timeout(300)
            seen.page.screenshot(path=Path(chosen) / f"{name}.top.png")
            height = min(int(seen.page.evaluate("document.documentElement.scrollHeight")), TALLEST)
            clip = {"x": 0, "y": 0, "width": width, "height": height}
            seen.page.screenshot(path=Path(chosen) / f"{name}.png", full_page=True, clip=clip)
