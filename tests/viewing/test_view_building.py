import os
import shutil
from pathlib import Path

import pytest

from factories import files_of, make_item, write_pairs
from fakes.view_runs import (
    read_items,
    write_run,
)
from judgebench.errors import DataError, RunError, UsageError
from judgebench.view import build, journal

# -- files ------------------------------------------------------------------------------------------------


def test_the_same_run_has_the_same_bytes(pairs: Path, tmp_path: Path) -> None:
    one = files_of(build(pairs, tmp_path / "one").page.parent)
    assert one == files_of(build(pairs, tmp_path / "two").page.parent)
    shutil.copytree(pairs, tmp_path / "copy")
    assert one == files_of(build(tmp_path / "copy", tmp_path / "three").page.parent)


def test_an_unchanged_run_is_not_built_again(pairs: Path) -> None:
    first = build(pairs)
    before = {path: path.stat().st_mtime_ns for path in (pairs / "view").rglob("*")}
    again = build(pairs)
    assert (first.rebuilt, again.rebuilt) == (True, False)
    assert again.as_json() == first.as_json() | {"rebuilt": False}
    assert {path: path.stat().st_mtime_ns for path in (pairs / "view").rglob("*")} == before


@pytest.mark.parametrize("harm", ["index.html", "*/0.js", "view.json"])
def test_a_damaged_view_is_built_again(pairs: Path, harm: str) -> None:
    whole = files_of(build(pairs).page.parent)
    next((pairs / "view").glob(harm)).unlink()
    if harm == "view.json":
        with pytest.raises(UsageError, match="not a view's"):
            build(pairs)
        return
    assert build(pairs).rebuilt
    assert files_of(pairs / "view") == whole


@pytest.mark.parametrize(
    "made", ["", "[]", '{"files": 3}', "[" * 100_000, '{"source": "x", "built": {}, "files": ["../x"]}']
)
def test_a_damaged_note_of_what_was_made_only_costs_a_build(pairs: Path, made: str) -> None:
    build(pairs)
    (pairs / "x").write_text("mine")
    (pairs / "view" / "view.json").write_text(made)
    assert build(pairs).rebuilt
    assert (pairs / "x").read_text() == "mine"


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    items = [make_item(n) for n in range(4)]
    run = write_run(tmp_path / "run", items, only=3)
    page = build(run, tmp_path / "out").page
    folder = next(path for path in page.parent.iterdir() if path.is_dir())
    (folder / "mine.txt").write_text("mine")
    (page.parent / "notes.txt").write_text("mine")
    write_run(tmp_path / "run", items)
    build(run, tmp_path / "out")
    assert (folder / "mine.txt").read_text() == (page.parent / "notes.txt").read_text() == "mine"
    assert not (folder / "list.js").exists()


def test_a_build_that_fails_leaves_the_earlier_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(n) for n in range(4)]
    run = write_run(tmp_path / "run", items, only=3)
    before = files_of(build(run).page.parent)
    write_run(tmp_path / "run", items)

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("judgebench.view.content.script", full)
    with pytest.raises(OSError, match="No space"):
        build(run)
    assert files_of(run / "view") == before
    assert not list((run / "view").glob(".making-*"))


def test_a_folder_without_write_permission_is_one_line(pairs: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(OSError, match="Permission"):
        build(pairs, tmp_path / "closed" / "out")


# -- refused ----------------------------------------------------------------------------------------------


def test_what_is_no_run_is_refused(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run directory"):
        build(tmp_path)
    with pytest.raises(RunError, match="is a file. Name the run's folder"):
        build(pairs / "result.json")
    with pytest.raises(RunError, match="not a run directory"):
        build(tmp_path / "nowhere")


def test_a_run_without_a_judgment_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [make_item(0)], only=0)
    with pytest.raises(RunError, match="has judged nothing yet"):
        build(run)
    (run / "journal.jsonl").unlink()
    with pytest.raises(RunError, match="has no journal yet"):
        build(run)
    assert not (run / "view").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.json", "{", "manifest.json is damaged"),
        ("manifest.json", '{"spec": {"version": 1}}', "damaged, or of another version: spec.task"),
        ("result.json", "{}", "result.json is damaged"),
        ("journal.jsonl", "{\n", "journal.jsonl:1 is damaged"),
        ("journal.jsonl", '{"kind": "judgment", "trial": "x"}\n', "a judgment is damaged at its root"),
        ("journal.jsonl", '{"kind": "judgment", "trial": "x", "judgment": {"trial": 3}}\n', "damaged at trial"),
    ],
)
def test_a_damaged_run_is_refused(pairs: Path, name: str, content: str, message: str) -> None:
    (pairs / name).write_text(content)
    with pytest.raises(RunError, match=message):
        build(pairs)


@pytest.mark.parametrize("other", ["run", "site", "page", "file"])
def test_a_folder_of_something_else_is_refused(pairs: Path, tmp_path: Path, other: str) -> None:
    out = {"run": pairs, "site": tmp_path / "site", "page": tmp_path / "page", "file": tmp_path / "file"}[other]
    if other == "file":
        out.write_text("mine")
    elif other != "run":
        out.mkdir()
        (out / ("manifest.json" if other == "site" else "index.html")).write_text('{"files": ["index.html"]}')
    before = files_of(tmp_path)
    with pytest.raises(UsageError, match=r"--out DIR"):
        build(pairs, out)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "rows", "error", "message"),
    [
        ("nowhere.jsonl", None, UsageError, "no such data file"),
        ("other.jsonl", 5, RunError, "judged another pairs than .*other.jsonl"),
        ("empty.jsonl", 0, DataError, "the file is empty"),
        ("pairs.txt", 6, UsageError, "not a .jsonl, .json, .csv file"),
    ],
)
def test_data_that_are_not_those_judged_are_refused(
    pairs: Path, tmp_path: Path, name: str, rows: int | None, error: type[Exception], message: str
) -> None:
    if rows is not None:
        write_pairs(tmp_path / name, rows)
    with pytest.raises(error, match=message):
        build(pairs, data=str(tmp_path / name))
    assert not (pairs / "view").exists()


def test_a_run_that_goes_on_meanwhile_is_shown_as_far_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [make_item(n) for n in range(4)]
    run = write_run(tmp_path / "run", items, only=3)
    read = journal.read

    def slow(path: Path) -> list[journal.Judged]:
        found = read(path)
        write_run(tmp_path / "run", items)
        return found

    monkeypatch.setattr(journal, "read", slow)
    built = build(run)
    assert built.trials == 3
    assert sum(len(item["blocks"][0]["blocks"]) for item in read_items(built.page)) == 3
    monkeypatch.setattr(journal, "read", read)
    assert build(run).trials == 8
