"""The feed: valid Atom by RFC 4287, the same every time, newest first, and inert."""

import re
from pathlib import Path
from urllib.parse import urldefrag
from xml.etree import ElementTree as ET

import pytest
from browser.boards import gallery, make_reported, make_result, save, share
from browser.outline import HOSTILE, Outline
from hypothesis import given
from hypothesis import strategies as st

from judgebench import leaderboard
from judgebench.leaderboard import data, feed
from judgebench.results import Result

ROOT = Path(__file__).parent.parent
ATOM = "{http://www.w3.org/2005/Atom}"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
URN = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KNOWN = {"feed": {"id", "title", "subtitle", "updated", "link", "author", "entry"},
         "entry": {"id", "title", "updated", "link", "summary"}}  # fmt: skip


def parsed(*results: Result, title: str = "A board") -> ET.Element:
    return ET.fromstring(feed.feed(data.assemble(results), title))


def texts(root: ET.Element, name: str) -> list[str]:
    return [found.text or "" for found in root.iterfind(f"{ATOM}entry/{ATOM}{name}")]


def check(root: ET.Element) -> None:
    """Check what RFC 4287 demands of a feed and of its entries (sections 4.1.1 and 4.1.2)."""
    assert root.tag == f"{ATOM}feed"
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    for part in (root, *root.iterfind(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (found,) = part.findall(f"{ATOM}{name}")
            assert (found.text or "").strip()
            assert not list(found)
        assert URN.fullmatch(part.findtext(f"{ATOM}id") or "")
        assert MOMENT.fullmatch(part.findtext(f"{ATOM}updated") or "")
        assert {child.tag.removeprefix(ATOM) for child in part} <= KNOWN[part.tag.removeprefix(ATOM)]
        alternates = [link for link in part.iterfind(f"{ATOM}link") if link.get("rel") == "alternate"]
        assert len(alternates) == 1
        assert all(link.get("href") and link.get("type") for link in part.iterfind(f"{ATOM}link"))
    ids = [found.text for found in root.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    assert len(root.findall(f"{ATOM}link[@rel='self']")) == 1


def dated(*moments: str | None) -> list[Result]:
    return [make_result(f"judge-{n}", finished=moment) for n, moment in enumerate(moments)]


# -- entries -------------------------------------------------------------------------------------------------


def test_the_feed_is_valid_and_has_an_entry_for_each_result() -> None:
    root = parsed(*gallery())
    check(root)
    assert len(root.findall(f"{ATOM}entry")) == len(gallery())
    assert root.findtext(f"{ATOM}title") == "A board"


def test_the_feed_of_the_published_results_is_valid() -> None:
    board = data.load(ROOT / "results")
    root = ET.fromstring(feed.feed(board, "t"))
    check(root)
    assert len(root.findall(f"{ATOM}entry")) == min(sum(len(task.results) for task in board.tasks), feed.MOST)


def test_an_entry_says_what_the_board_says() -> None:
    (title,) = texts(parsed(make_result(metrics={"accuracy": share(0.657, 350, coverage=0.95)})), "title")
    (summary,) = texts(parsed(make_result(metrics={"accuracy": share(0.657, 350, coverage=0.95)})), "summary")
    assert title == "arena-hard on judgebench-gpt: Accuracy 65.7 % [60.7, 70.7]"
    assert summary == (
        "prompted running on o1-mini-2024-09-12. Accuracy 65.7 % [60.7, 70.7]. n = 350, 95.0 % covered. Evidence: imported."
    )


def test_an_entry_without_a_number_says_why() -> None:
    assert texts(parsed(make_result("x", None)), "title") == ["x on judgebench-gpt: Accuracy nothing to count (n = 0)"]
    bare = make_result().model_copy(update={"metrics": {}})
    assert texts(parsed(bare), "title") == ["arena-hard on judgebench-gpt: Accuracy not computed for this result"]


def test_a_demonstration_is_called_one() -> None:
    (summary,) = texts(parsed(make_result(demonstration=True)), "summary")
    assert summary.endswith("A demonstration, not a measurement.")


def test_links_lead_to_the_run_on_its_judges_page(tmp_path: Path) -> None:
    save(tmp_path / "results", *gallery())
    out = leaderboard.build(tmp_path / "results", tmp_path / "site").parent
    root = ET.fromstring(feed.feed(data.load(tmp_path / "results"), "t"))
    links = [link.get("href") or "" for link in root.iterfind(f"{ATOM}entry/{ATOM}link")]
    assert len(links) == len(gallery())
    for link in links:
        path, fragment = urldefrag(link)
        assert fragment in Outline((out / path).read_text("utf-8")).attributes("id")


def test_reported_numbers_alone_make_an_empty_feed() -> None:
    root = ET.fromstring(feed.feed(data.assemble([], {"mine": [make_reported()]}), "t"))
    check(root)
    assert root.findall(f"{ATOM}entry") == []
    assert root.findtext(f"{ATOM}updated") == feed.UNDATED


# -- dates and order -----------------------------------------------------------------------------------------


def test_the_newest_comes_first_and_the_undated_last() -> None:
    moments = ["2026-01-02T00:00:00Z", None, "2026-01-02T03:00:00+02:00", "2025-12-31T23:59:59.999999+00:00", None]
    root = parsed(*dated(*moments))
    assert [title.split()[0] for title in texts(root, "title")] == [
        "judge-2", "judge-0", "judge-3", "judge-1", "judge-4",
    ]  # fmt: skip
    assert texts(root, "updated") == [
        "2026-01-02T01:00:00Z", "2026-01-02T00:00:00Z", "2025-12-31T23:59:59Z", feed.UNDATED, feed.UNDATED,
    ]  # fmt: skip
    assert root.findtext(f"{ATOM}updated") == "2026-01-02T01:00:00Z"


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z", "\u0662026-01-01",
     "2026-13-01T00:00:00Z", "<script>", "2026-01-01T00:00:00Z<b>", "0" * 5000],
)  # fmt: skip
def test_what_is_no_moment_is_undated(text: str) -> None:
    assert texts(parsed(make_result(finished=text)), "updated") == [feed.UNDATED]


@given(st.text() | st.datetimes().map(str) | st.datetimes(timezones=st.timezones()).map(lambda d: d.isoformat()))
def test_every_date_is_a_moment(text: str) -> None:
    assert MOMENT.fullmatch(feed._date(text))
    assert feed._date(text) >= feed.UNDATED


def test_there_are_no_more_than_a_hundred_entries() -> None:
    results = dated(*(f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z" for n in range(120)), *[None] * 5)
    root = parsed(*results)
    check(root)
    titles = [title.split()[0] for title in texts(root, "title")]
    assert titles == [f"judge-{n}" for n in range(119, 19, -1)]


def test_the_bytes_depend_on_the_results_alone() -> None:
    results = [*dated("2026-01-02T00:00:00Z", None, "2026-01-02T00:00:00Z"), *gallery()]
    boards = [data.assemble(some) for some in (results, results[::-1], [*results, results[0]])]
    one, two, three = (feed.feed(board, "t") for board in boards)
    assert one == two == three


def test_ids_stay_when_others_come() -> None:
    ids = texts(parsed(*gallery()), "id")
    more = texts(parsed(*gallery(), make_result("newcomer")), "id")
    assert set(ids) < set(more)
    assert len(set(more) - set(ids)) == 1


# -- hostile text --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [*HOSTILE, "]]>", "<!--", "<?xml?>", "<!DOCTYPE x>", "&xxe;", "\ufffe\uffff", "\ud800", "\x1b[31m"]
)
def test_no_string_of_a_result_can_speak_for_the_feed(text: str) -> None:
    def make(said: str) -> ET.Element:
        result = make_result(said, judge_fields={"model": said, "kind": said}, finished=said, source={said: said},
                             task={"name": said, "headline": said}, metrics={said: share(0.5)})  # fmt: skip
        return parsed(result, title=said)

    plain, evil = make("x"), make(text)
    check(evil)
    assert [(e.tag, sorted(e.attrib)) for e in evil.iter()] == [(e.tag, sorted(e.attrib)) for e in plain.iter()]
    for link in evil.iter(f"{ATOM}link"):
        assert re.fullmatch(r"[a-z0-9_~.-]+(/[a-z0-9_~.-]+)?(#run-[0-9a-f]{16})?", link.get("href") or "")
    everything = "".join(evil.itertext())
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00\x07\x1b\ufffe\uffff]", everything)
    assert text[:2].isprintable() is False or text[:2] in everything
