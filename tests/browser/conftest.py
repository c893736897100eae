"""A browser for pages under test: skipped where there is none, required where CI is set."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import published
from browser.chromium import ARGUMENTS, find
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = find()
    if found is None:
        message = "no Chromium here. Type: apt-get install chromium-headless-shell"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site of the published results."""
    return published.build(tmp_path_factory.mktemp("published"))
