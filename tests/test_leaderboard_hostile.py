"""Whatever a result, a reported number or a card says, it stays text: on every page, in every file, in every name."""

import base64
import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from browser import hostile
from browser.hostile import PLAIN, TEXTS
from browser.outline import Outline
from pydantic import BaseModel

from judgebench import leaderboard
from judgebench.judges.card import JudgeCard
from judgebench.leaderboard import data, exports, page, site
from judgebench.records import Usage
from judgebench.results import Counts, Metric, Reported, Result
from judgebench.spec import JudgeSpec, Spec
from judgebench.task import TaskCard

UNSEEN = re.compile("[\u061c\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f]")
LINK = re.compile(r"#?[A-Za-z0-9._~/-]*(#[A-Za-z0-9._~%=&-]*)?|data:,")
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
PACKED = re.compile(r"H4sI[A-Za-z0-9+/=]+")


def built(folder: Path, text: str) -> dict[str, bytes]:
    """Build the site of a hostile results folder, with its one-page board beside it, and return its files."""
    results = hostile.save(folder / "results", text)
    with hostile.installed(text):
        out = leaderboard.build(results, folder / "site").parent
        leaderboard.build(results, out / "board.html")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return built(tmp_path_factory.mktemp("plain"), PLAIN)


SOME = [pytest.param(text, id=str(n), marks=[pytest.mark.soak] * (n % 3 > 0)) for n, text in enumerate(TEXTS)]
"""Every third text in `make test`, all of them in `make soak`."""


@pytest.fixture(scope="module", params=SOME)
def evil(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, bytes]]:
    return request.param, built(tmp_path_factory.mktemp("evil"), request.param)


def shape(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return a page's elements with the names of their attributes, those of its packed rows too.

    On which side of its mark a chart has a label depends on how long that is: it is not counted.
    """
    outlines = [Outline(text), *(Outline(gzip.decompress(base64.b64decode(p)).decode()) for p in PACKED.findall(text))]
    tags = [(tag, tuple(attributes)) for outline in outlines for tag, attributes in outline.tags]
    sided = {("text", ("x", "y", "text-anchor")): ("text", ("x", "y"))}
    return tuple(sided.get(tag, tag) for tag in tags if tag != ("g", ("class",)))


def by_folder(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return the texts of the pages by folder; what lies at the top is a folder of its own."""
    found: dict[str, list[str]] = {}
    for path in sorted(files):
        if path.endswith(".html"):
            folder, _, name = path.rpartition("/")
            found.setdefault(folder or name, []).append(files[path].decode())
    return found


# -- the fields ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Result, Spec, JudgeSpec, Reported, TaskCard, JudgeCard])
def test_every_field_of_a_record_is_hostile(model: type[BaseModel]) -> None:
    record = hostile.filled(model, "<evil>")
    assert record.model_fields_set == set(model.model_fields)
    fixed = {"submitted", "both", "prompted", "auto", "none", "left", "once", "keep", "hostile"}
    found = hostile.strings(record.model_dump(mode="json"))
    assert set(found) - fixed == {"<evil>"}
    assert found.count("<evil>") > 3


def test_a_new_kind_of_field_must_be_thought_of() -> None:
    class Later(BaseModel):
        when: bytes

    with pytest.raises(AssertionError, match="no hostile value"):
        hostile.filled(Later, "x")


def test_the_board_of_the_test_has_every_group(tmp_path: Path) -> None:
    board = data.load(hostile.save(tmp_path / "results", PLAIN))
    table = pd.read_json(io.BytesIO(exports.files(board)["results.json"]()))
    groups = {result["group"] for result in table["results"]}
    assert groups == {"judges", "floor", "apart", "demonstration", "reported"}


# -- pages ---------------------------------------------------------------------------------------------------


def test_no_page_has_an_element_or_attribute_more(
    plain: Mapping[str, bytes], evil: tuple[str, dict[str, bytes]]
) -> None:
    expected, found = by_folder(plain), by_folder(evil[1])
    assert found.keys() == expected.keys()
    for folder, texts in found.items():
        assert Counter(map(shape, texts)) == Counter(map(shape, expected[folder])), folder


def test_no_link_leads_out_and_nothing_is_loaded(evil: tuple[str, dict[str, bytes]]) -> None:
    for path, content in evil[1].items():
        if path.endswith(".html"):
            outline = Outline(content.decode())
            assert [href for href in outline.attributes("href") if not LINK.fullmatch(href)] == []
            assert outline.attributes("src") == outline.attributes("action") == outline.attributes("srcset") == []
            assert [name for _, attributes in outline.tags for name in attributes if name.startswith("on")] == []


def test_the_text_is_shown_and_nothing_of_it_is_unseen(evil: tuple[str, dict[str, bytes]]) -> None:
    text, files = evil
    shown = page.inert(text)
    for folder, texts in by_folder(files).items():
        for content in texts:
            outline = Outline(content)
            everything = "".join(outline.words) + "".join(
                value or "" for _, attributes in outline.tags for value in attributes.values()
            )
            assert not UNSEEN.search(everything)
            if folder.startswith(("tasks", "judges", "board", "index")):
                assert shown in everything, folder


def test_styles_and_scripts_are_ours_alone(plain: Mapping[str, bytes], evil: tuple[str, dict[str, bytes]]) -> None:
    def ours(files: Mapping[str, bytes]) -> Counter[str]:
        whole = "".join(content.decode() for path, content in files.items() if path.endswith(".html"))
        return Counter(re.findall(r"<(?:script|style)[^>]*>.*?</(?:script|style)>", whole, re.DOTALL))

    text = evil[0]
    found, known = ours(evil[1]), ours(plain)
    assert sum(found.values()) == sum(known.values())
    for block in found.keys() - known.keys():  # data that a page carries for its script
        assert block.startswith('<script type="application/'), block[:200]
        assert "<" not in block.removeprefix("<script").removesuffix("</script>"), block[:200]
    assert len(text) > 1 or found == known


# -- files ---------------------------------------------------------------------------------------------------


def test_file_names_are_safe_everywhere(plain: Mapping[str, bytes], evil: tuple[str, dict[str, bytes]]) -> None:
    paths = list(evil[1])
    assert len(paths) == len(plain)
    assert len({path.casefold() for path in paths}) == len(paths)
    for path in paths:
        parts = path.split("/")
        assert len(parts) <= 3
        for part in parts:
            assert re.fullmatch(r"[a-z0-9_][a-z0-9._~-]*[a-z0-9]", part), path
            assert not DEVICE.fullmatch(part), path
            assert len(part) <= 150, path


def test_the_tables_are_read_back_with_the_text_as_it_is_shown(evil: tuple[str, dict[str, bytes]]) -> None:
    text, files = evil
    shown = page.inert(text)
    read = json.loads(files["results.json"], parse_constant=pytest.fail)["results"]
    assert {f"{shown}{end}" for end in "ab"} <= {result["task"] for result in read}
    assert shown in {number["metric"] for result in read for number in result["numbers"]}
    assert not UNSEEN.search(json.dumps(read, ensure_ascii=False))
    frame = pd.read_parquet(io.BytesIO(files["results.parquet"]))
    assert {result["judge"] for result in read} == set(frame["judge"])
    assert frame["value"].max() == hostile.HUGE
    rows = list(csv.DictReader(io.StringIO(files["results.csv"].decode(), newline=""), strict=True))
    assert len(rows) == len(frame)
    for row in rows:
        assert None not in row
        texts = [row[name] for name, kind in (exports.HEAD | exports.NUMBER).items() if kind == "string"]
        assert not [cell for cell in texts if cell.lstrip()[:1] in set("=+-@")]


def test_the_feed_is_parsed_and_says_only_text(plain: Mapping[str, bytes], evil: tuple[str, dict[str, bytes]]) -> None:
    found, known = (ET.fromstring(files["feed.xml"]) for files in (evil[1], plain))
    assert [(e.tag, sorted(e.attrib)) for e in found.iter()] == [(e.tag, sorted(e.attrib)) for e in known.iter()]
    assert not UNSEEN.search("".join(found.itertext()))
    assert all(LINK.fullmatch(e.get("href") or "") for e in found.iter() if e.get("href") is not None)


def test_the_same_hostile_results_have_the_same_bytes(tmp_path: Path) -> None:
    one, two = (built(tmp_path / name, TEXTS[0]) for name in "ab")
    assert one == two


# -- numbers -------------------------------------------------------------------------------------------------

LONG = 10**400
MOST = 1.7e308
NUMBERS: dict[str, dict[str, Any]] = {
    "a count of 400 digits": {"metrics": {"accuracy": Metric(value=0.5, n=LONG, low=0, high=1)}},
    "counts of 400 digits": {"counts": Counts(items=LONG, trials=LONG, verdicts=LONG)},
    "tokens of 400 digits": {"usage": Usage(input=LONG, output=LONG, cached=LONG), "seconds": MOST},
    "a seed of 400 digits": {"spec": {"seed": LONG}},
    "a negative price": {"cost": -MOST, "seconds": -MOST},
    "no price": {"cost": 0.0, "seconds": 0.0},
    "the largest numbers": {"metrics": {
        "accuracy": Metric(value=-MOST, n=-5, low=MOST, high=-MOST, coverage=-MOST),
        "position_bias": Metric(value=MOST, n=0, coverage=MOST), "consistency": Metric(value=MOST, n=1, low=-MOST, high=MOST),
    }},
    "the smallest numbers": {"metrics": {"accuracy": Metric(value=5e-324, n=1, low=5e-324, high=5e-324, coverage=5e-324)}},
    "no numbers": {"metrics": {}, "by_category": {}},
}  # fmt: skip


@pytest.mark.parametrize("changes", NUMBERS.values(), ids=NUMBERS)
def test_no_number_breaks_a_page_or_a_file(changes: dict[str, Any]) -> None:
    results = [hostile.result(PLAIN, "numbers", 1, **changes), *(hostile.result(PLAIN, "numbers", n) for n in (2, 3))]
    board = data.assemble(results)
    files = {path: make() for path, make in site.contents(board, "t").items()} | {
        "board.html": page.board_page(board, "t").encode()
    }
    for path, content in files.items():
        if path.endswith(".html"):
            text = "".join(Outline(content.decode()).words)
            assert not re.search(r"\bnan\b", text, re.IGNORECASE), path
    json.loads(files["results.json"], parse_constant=pytest.fail)
    assert len(pd.read_parquet(io.BytesIO(files["results.parquet"]))) > 10
    ET.fromstring(files["feed.xml"])
