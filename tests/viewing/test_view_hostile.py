import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from factories import files_of, make_item
from fakes.hostile import HOSTILE, LINE
from fakes.view_runs import (
    Said,
    add,
    at_hand,
    card,
    first_better,
    handed_over,
    judge_spec,
    read_items,
    write_run,
)
from judgebench import task as tasks
from judgebench.records import (
    Candidate,
    Fault,
    Item,
    Reply,
    Trial,
    Turn,
    Verdict,
)
from judgebench.run.store import Store
from judgebench.spec import EvalConfig, Spec
from judgebench.view import build
from judgebench.view.texts import plain


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in texts_of(one)]


# -- hostile texts ----------------------------------------------------------------------------------------------


def hostile_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a run in which every text of others tries something, one item each."""
    items = [
        make_item(
            n, category=text, source_id=text or "q", reference=text, rubric=text, persona=text,
            turns=(Turn(role="user", content=text),),
            candidates=(Candidate(content=text, model=text), Candidate(content=text + " ", model=text)),
        )
        for n, text in enumerate([*HOSTILE.values(), LINE])
    ]  # fmt: skip
    at_hand(monkeypatch, items)

    def judge(item: Item, trial: Trial) -> Said:
        text = str(item.reference)
        if trial.order[0]:
            return Fault(kind="unparsed", detail=text, reply=text), [Reply(text=text, model=text)]
        return Verdict(preference="A>B", raw=text, rationale=text), [Reply(text=text + "!", model=text)]

    return write_run(folder, items, judge, model=HOSTILE["end of script"], name=HOSTILE["image"])


class Tags(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_hostile_texts_reach_the_page_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = build(hostile_run(tmp_path / "run", monkeypatch)).page
    tags = Tags()
    tags.feed(page.read_text("utf-8"))
    assert tags.tags.count("script") == 1
    assert not {"img", "svg", "iframe", "base", "object", "embed"} & set(tags.tags)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "srcset", "style")]
    assert {value for name, value in tags.attributes if name == "href"} == {"data:,", "#detail"}
    for name, text in HOSTILE.items():
        shown = [one for item in read_items(page) for one in texts_of(item)]
        assert plain(text) in shown, name


def test_hostile_texts_do_not_break_out_of_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = build(hostile_run(tmp_path / "run", monkeypatch)).page
    for path in page.parent.glob("*/*.js"):
        data = path.read_bytes()
        assert not set(data) & set(b"<>&\x00\r\x1b\x7f")
        assert data.count(b"\n") == 1
        handed_over(path)
    parts = {path.stem for path in page.parent.glob("*/*.js")}
    assert parts == {"list", "0", "1"}, "a text of a megabyte has a file of its own"


def test_a_policy_allows_nothing_but_our_own(pairs: Path) -> None:
    tags = Tags()
    tags.feed(build(pairs).page.read_text("utf-8"))
    first, second = (value for name, value in tags.attributes if name == "content" and "script-src" in str(value))
    rules = dict(rule.strip().split(" ", 1) for rule in str(first).split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].startswith("'sha256-")
    assert rules["style-src"].startswith("'sha256-")
    assert rules["img-src"] == "data:"
    assert rules["require-trusted-types-for"] == "'script'"
    assert not {"connect-src", "frame-src", "font-src", "media-src", "object-src"} & rules.keys()
    assert "unsafe" not in str(first)
    assert second == "script-src 'unsafe-inline' 'self'"


def test_the_script_is_short_and_makes_text_only() -> None:
    from judgebench.view.page import own

    script = own("static/view.js")
    assert len(script.splitlines()) < 150
    for sink in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "http",
    ):
        assert sink not in script


def test_no_secret_and_no_path_reaches_the_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(0)]
    secret = "sk-made-up-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    spec = Spec(
        task=tasks.Task(card(), "test", tuple(items)).spec, judge=judge_spec(params={"backend.token": secret}),
        orders="both", repeats=1, seed=0,
    )  # fmt: skip
    config = EvalConfig(
        judge=f"/home/{secret}/judge.yaml", task="pairs.jsonl", data=f"/home/{secret}/data.jsonl", options={"api_key": secret},
        base_url=f"http://localhost/{secret}",
    )  # fmt: skip
    with Store(tmp_path / "run", spec, config) as store:
        for order in ((0, 1), (1, 0)):
            trial = Trial(item=items[0].id, order=order)
            add(store, trial, first_better(items[0], trial))
    with monkeypatch.context() as patch:
        at_hand(patch, items)
        there = build(tmp_path / "run").page
    missing = build(tmp_path / "run", tmp_path / "out")
    assert secret in missing.missing, "the reason names the path, to whoever typed the command"
    for data in (*files_of(there.parent).values(), *files_of(missing.page.parent).values()):
        assert secret.encode() not in data
        assert str(tmp_path).encode() not in data


def test_what_was_built_is_json(pairs: Path) -> None:
    facts = json.loads(json.dumps(build(pairs).as_json()))
    assert facts["page"] == str(pairs / "view" / "index.html")
    assert facts["rebuilt"] is True
