"""Where Chromium is, and how it is started: for tests and for benchmarks."""

import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first is the same engine without a browser around it: a page takes half as long."""
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def find() -> str | None:
    """Return the path of the first of them that is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)
