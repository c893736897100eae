"""What is new on the board, as an Atom feed (RFC 4287): an entry for each result, linked to its place, newest first.

There is no clock in it: an entry's date is when its run finished, as the result says. One that does not say so, as
imported results do not, is dated `UNDATED` and stands after the dated ones, by judge, task and run.
"""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from xml.etree import ElementTree as ET

from judgebench.leaderboard.cells import cell, percent
from judgebench.leaderboard.data import Board, TaskBoard, run_id
from judgebench.leaderboard.html import inert
from judgebench.leaderboard.names import safe_name
from judgebench.leaderboard.wording import MetricWords, metric_words
from judgebench.results import Result

PATH = "feed.xml"
ATOM = "http://www.w3.org/2005/Atom"
MOST = 100
"""Readers ask often: the feed has the newest results only."""
UNDATED = "1970-01-01T00:00:00Z"

_NAMES = uuid.UUID("6f3c7d1e-52b4-5a0f-9c38-2d7b1e94a6c5")
_NOT_XML = re.compile("[^\\t\\n\\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def files(board: Board, title: str = "judgebench leaderboard") -> dict[str, Callable[[], bytes]]:
    """Return the feed by its path in the site; it is made when it is asked for."""
    return {PATH: partial(feed, board, title)}


def feed(board: Board, title: str) -> bytes:
    """Return the feed's XML. Links are relative to where the feed lies."""
    entries = _newest(board)
    root = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(root, "id", _urn(f"feed {inert(title)}"))
    _add(root, "title", title)
    _add(root, "subtitle", "New results on the board.")
    _add(root, "updated", max((date for date, _, _ in entries), default=UNDATED))
    ET.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": PATH})
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": "index.html"})
    _add(ET.SubElement(root, "author"), "name", "judgebench")
    for date, task, result in entries:
        _entry(root, date, task, result)
    ET.indent(root, " ")
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _newest(board: Board) -> list[tuple[str, TaskBoard, Result]]:
    """Return (date, task, result): newest first, undated ones last, of equal dates by judge, task and run."""
    runs = {run_id(result): (task, result) for task in board.tasks for result in task.results}
    found = [(_date(result.finished), key, task, result) for key, (task, result) in runs.items()]
    found.sort(key=lambda entry: (entry[3].spec.judge.name, entry[2].name, entry[1]))
    found.sort(key=lambda entry: entry[0], reverse=True)
    return [(date, task, result) for date, _, task, result in found[:MOST]]


def _date(finished: str | None) -> str:
    """Return a moment in UTC to the second, or `UNDATED` for what is none."""
    try:
        moment = datetime.fromisoformat(finished or "")
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).replace(microsecond=0, tzinfo=None)
    except (ValueError, OverflowError):
        return UNDATED
    return max(f"{seconds.isoformat()}Z", UNDATED)


def _entry(root: ET.Element, date: str, task: TaskBoard, result: Result) -> None:
    entry, key, judge = ET.SubElement(root, "entry"), run_id(result), result.spec.judge
    words = metric_words(task.metric, task.shape)
    _add(entry, "id", _urn(key))
    _add(entry, "title", f"{judge.name} on {task.name}: {_value(result, task, words)}")
    _add(entry, "updated", date)
    address = f"judges/{safe_name(judge.name)}.html#run-{key}"
    ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": address})
    _add(entry, "summary", _summary(result, task, words))


def _value(result: Result, task: TaskBoard, words: MetricWords) -> str:
    shown = cell(result.metrics.get(task.metric), words)
    return f"{words.label} {shown.missing or shown.said(words)}"


def _summary(result: Result, task: TaskBoard, words: MetricWords) -> str:
    """Return what the number rests on. A title alone must not pass for a ranking."""
    found, judge = result.metrics.get(task.metric), result.spec.judge
    model = f" running on {judge.model}" if judge.model else ""
    rests = f" n = {found.n}, {percent(found.coverage)} % covered." if found is not None else ""
    kind = "A demonstration, not a measurement" if result.demonstration else f"Evidence: {result.evidence}"
    return f"{judge.kind}{model}. {_value(result, task, words)}.{rests} {kind}."


def _add(parent: ET.Element, name: str, text: str) -> None:
    # XML has no way to write some characters, not even escaped.
    shown = inert(text)
    ET.SubElement(parent, name).text = _NOT_XML.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", shown)


def _urn(name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMES, name)}"
