"""Opening pages under test from disk: whatever a page says to the console or asks of the network fails the test."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page


@dataclass
class Visit:
    """An opened page with everything it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def go(self, path: Path) -> None:
        """Go on to another page in the same window, as a reader who remembers nothing."""
        self.page.evaluate("localStorage.clear()")
        self.page.goto(path.as_uri())

    @property
    def width(self) -> int:
        """Return how wide the page's content is, in CSS pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


def until(page: Page, expression: str, seconds: float = 10) -> None:
    """Wait until an expression holds on the page. Playwright's own wait evaluates text, which our policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not in {seconds} s: {expression}"
        page.wait_for_timeout(20)


@contextmanager
def visiting(browser: Browser, path: Path, *, width: int = 1280, height: int = 900, **options: Any) -> Iterator[Visit]:
    """Open a page in a window of its own, and close it with a look at what it said and asked for."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    seen = Visit(page)
    page.on("console", lambda message: seen.said.append(message.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("dialog", lambda dialog: seen.said.append(dialog.message))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(path.as_uri())
    yield seen
    context.close()
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("file://", "data:"))] == []
