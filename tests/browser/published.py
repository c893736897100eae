"""The site of the results in this repository, and the kinds of pages that it has: found, not listed."""

from collections.abc import Iterator
from pathlib import Path

from judgebench import leaderboard

ROOT = Path(__file__).parent.parent.parent
RESULTS = ROOT / "results"
ONE_PAGE = "board.html"


def build(folder: Path) -> Path:
    """Build the site, and the board that is one page beside it, and return the site's folder."""
    site = leaderboard.build(RESULTS, folder / "site").parent
    leaderboard.build(RESULTS, folder / "site" / ONE_PAGE)
    return site


def pages(site: Path) -> list[str]:
    """Return the paths of all pages of a site."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def kinds(site: Path) -> dict[str, list[str]]:
    """Return a few pages of each kind: one of its own at the top, in each folder the largest and the smallest."""
    found: dict[str, list[str]] = {}
    for path in pages(site):
        folder, _, name = path.rpartition("/")
        found.setdefault(folder or name.removesuffix(".html"), []).append(path)
    return {kind: _ends(site, paths) for kind, paths in found.items()}


def samples(site: Path, most: int = 2) -> Iterator[str]:
    """Return up to so many pages of each kind, the largest first."""
    for paths in kinds(site).values():
        yield from paths[:most]


def _ends(site: Path, paths: list[str]) -> list[str]:
    by_size = sorted(paths, key=lambda path: ((site / path).stat().st_size, path))
    return list(dict.fromkeys([by_size[-1], by_size[0]]))
