"""No page has a serious fault of accessibility that axe-core can find: in the light, in the dark, wide and narrow."""

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import axe, published
from browser.boards import gallery, save
from browser.visiting import visiting
from playwright.sync_api import Browser, expect

from factories import write_pairs
from judgebench import leaderboard
from judgebench.evaluation import evaluate
from judgebench.view import build as build_view

browser = pytest.mark.browser
LOOKS = (("light", 1280), ("dark", 390))
"""Themes and widths: a rule of contrast or of size that fails in one of the other two fails in one of these."""


# -- the pages -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source() -> str:
    return axe.needed()


@pytest.fixture(scope="module")
def gallery_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a site that has groups and badges which the published results have not."""
    folder = tmp_path_factory.mktemp("gallery")
    save(folder / "results", *gallery())
    return leaderboard.build(folder / "results", folder / "site").parent


def faults(chromium: Browser, site: Path, paths: list[str], source: str, *, scheme: str, width: int) -> str:
    """Return what is wrong with these pages, in lines."""
    found = []
    with visiting(chromium, site / paths[0], width=width, color_scheme=scheme, bypass_csp=True) as seen:
        for path in paths:
            seen.go(site / path)
            seen.page.locator("details").evaluate_all("all => all.forEach(e => { e.open = true; })")
            found += [f"{path} {scheme} {width}: {fault}" for fault in axe.violations(seen.page, source)]
    return "\n".join(found)


@browser
@pytest.mark.slow
def test_no_kind_of_page_has_a_serious_fault(chromium: Browser, site: Path, source: str) -> None:
    scheme, width = LOOKS[0]
    # The board of one page has what the others have, and takes longer than all of them.
    paths = [path for path in published.samples(site, 1) if path != published.ONE_PAGE]
    assert len(paths) > 4
    assert not faults(chromium, site, paths, source, scheme=scheme, width=width)


@browser
@pytest.mark.soak
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_no_page_looked_at_closely_has_a_serious_fault(
    chromium: Browser, site: Path, source: str, scheme: str, width: int
) -> None:
    paths = list(published.samples(site))
    assert not faults(chromium, site, paths, source, scheme=scheme, width=width)


@browser
def test_pages_with_every_sort_of_row_have_no_serious_fault(chromium: Browser, gallery_site: Path, source: str) -> None:
    paths = list(published.samples(gallery_site, 1))
    assert not faults(chromium, gallery_site, paths, source, scheme="dark", width=1280)


@browser
def test_the_view_of_a_run_has_no_serious_fault(chromium: Browser, tmp_path: Path, source: str) -> None:
    task = write_pairs(tmp_path / "pairs.jsonl", 6)
    run = evaluate("pairwise", str(task), model="scripted/demo", runs=str(tmp_path / "runs"), cache=False).directory
    page = build_view(run, tmp_path / "view").page
    for scheme, width in LOOKS:
        with visiting(chromium, page, width=width, color_scheme=scheme, bypass_csp=True) as seen:
            expect(seen.page.locator("#detail")).not_to_be_empty()
            assert [str(fault) for fault in axe.violations(seen.page, source)] == []


@browser
def test_axe_finds_what_is_wrong(chromium: Browser, tmp_path: Path, source: str) -> None:
    path = tmp_path / "bad.html"
    path.write_text('<!doctype html><html><title>t</title><main><img src="data:,"><a href="#x"></a></main></html>')
    with visiting(chromium, path, bypass_csp=True) as seen:
        rules = {fault.rule for fault in axe.violations(seen.page, source)}
    assert {"html-has-lang", "image-alt", "link-name"} <= rules


def test_a_fault_is_told_in_a_line_and_a_few_places() -> None:
    fault = axe.Violation(
        "image-alt", "critical", "Images need text", tuple((f"img:nth-child({n})", "Fix\n  this") for n in range(9))
    )
    assert str(fault).splitlines()[0] == "critical: image-alt: Images need text (9 places)"
    assert str(fault).splitlines()[1] == "  img:nth-child(0): Fix this"
    assert len(str(fault).splitlines()) == 4


# -- the package ---------------------------------------------------------------------------------------------


@pytest.fixture
def npm(tmp_path: Path) -> Iterator[Path]:
    """Return a program that stands in for npm: it packs what lies beside it as `package`, or fails."""
    program = tmp_path / "npm"
    program.write_text(
        '#!/bin/sh\nhere=$(dirname "$0")\nif [ -f "$here/package" ]; then cp "$here/package" "$4/' + axe.NAME + '"; '
        'else echo "npm error network down" >&2; exit 1; fi\n'
    )
    program.chmod(0o755)
    return program


def package(text: bytes) -> bytes:
    """Return a tarball with a script in it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        entry = tarfile.TarInfo("package/axe.min.js")
        entry.size = len(text)
        file.addfile(entry, io.BytesIO(text))
    return data.getvalue()


def test_a_package_of_another_hash_is_refused(tmp_path: Path, npm: Path) -> None:
    npm.with_name("package").write_bytes(package(b"evil"))
    with pytest.raises(axe.WrongPackage, match="expected sha512-"):
        axe.tarball(tmp_path / "cache", str(npm))
    assert not (tmp_path / "cache").exists()


def test_a_fetched_package_is_kept_and_not_fetched_again(
    tmp_path: Path, npm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = package(b"axe = 1")
    monkeypatch.setattr(axe, "INTEGRITY", axe.integrity(good))
    npm.with_name("package").write_bytes(good)
    assert axe.tarball(tmp_path / "cache", str(npm)) == good
    npm.with_name("package").unlink()
    assert axe.tarball(tmp_path / "cache", str(npm)) == good
    assert axe.script(good) == "axe = 1"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [axe.NAME]


def test_a_kept_file_that_was_changed_is_not_used(tmp_path: Path, npm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = package(b"axe = 1")
    monkeypatch.setattr(axe, "INTEGRITY", axe.integrity(good))
    (tmp_path / axe.NAME).write_bytes(gzip.compress(b"evil"))
    with pytest.raises(axe.Unavailable, match="network down"):
        axe.tarball(tmp_path, str(npm))
    npm.with_name("package").write_bytes(good)
    assert axe.tarball(tmp_path, str(npm)) == good
    assert (tmp_path / axe.NAME).read_bytes() == good


def test_without_npm_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(axe.Unavailable, match="no npm here"):
        axe.tarball(tmp_path)


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [(axe.Unavailable("no npm here"), pytest.skip.Exception), (axe.WrongPackage("x"), axe.WrongPackage)],
)
def test_what_is_missing_skips_and_what_is_wrong_fails(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, outcome: type[BaseException]
) -> None:
    def tarball() -> bytes:
        raise raised

    monkeypatch.setattr(axe, "tarball", tarball)
    monkeypatch.setenv("CI", "1")
    axe.needed.cache_clear()
    with pytest.raises(outcome):
        axe.needed()
