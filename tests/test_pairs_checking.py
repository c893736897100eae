"""Checking a built set: whatever is changed in it is found, and told in a line."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes.pairs import answer, make, sums
from judgebench.errors import UsageError
from judgebench.pairs.checking import check, locate
from judgebench.pairs.graders.strings import String
from judgebench.pairs.grading import Graders

Change = Callable[[list[dict[str, Any]]], Any]


def say(question: str, sample: int) -> str:
    return answer(str(2 * int(question.split()[2]) + sample % 2), words=sample)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    make(tmp_path, say, sums(4))
    return tmp_path / "out"


def findings(path: Path) -> list[str]:
    with Graders() as graders:
        return [text.partition(".jsonl")[2].lstrip(": ") for text in check(path, graders).findings]


def changed(built: Path, change: Change) -> list[str]:
    """Change the rows, and the card's sums with them, and return what is found."""
    data, card = built / "out.jsonl", built / "out.yaml"
    rows = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    change(rows)
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    known = yaml.safe_load(card.read_text("utf-8"))
    known["splits"]["test"] |= {"items": len(rows), "sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    card.write_text(yaml.safe_dump(known), "utf-8")
    return findings(built)


def test_a_built_set_keeps_its_promises(built: Path) -> None:
    for path in (built, built / "out.yaml", built / "out.jsonl"):
        assert findings(path) == []
    with Graders() as graders:
        report = check(built, graders)
    assert (report.pairs, report.regraded) == (4, 8)
    (built / "out.yaml").unlink()
    assert findings(built / "out.jsonl") == []


def swap(row: dict[str, Any]) -> None:
    row["response_A"], row["response_B"] = row["response_B"], row["response_A"]


def flip(row: dict[str, Any]) -> None:
    swap(row)
    row["label"] = {"A>B": "B>A", "B>A": "A>B"}[row["label"]]


def right(row: dict[str, Any]) -> str:
    return "response_A" if row["label"] == "A>B" else "response_B"


def wrong(row: dict[str, Any]) -> str:
    return "response_B" if row["label"] == "A>B" else "response_A"


def one_side(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["label"] == "B>A":
            flip(row)


CHANGES: dict[str, tuple[Change, list[str]]] = {
    "the label of a row": (
        lambda rows: swap(rows[0]),
        [
            "1: the right response is not the one that was graded: its text, model or sample has changed",
            "1: the right response is graded wrong by string v1",
            "1: the wrong response is not the one that was graded: its text, model or sample has changed",
            "1: the wrong response is graded right by string v1",
        ],
    ),
    "all labels the same": (
        one_side,
        ["category even: 2 times A>B and 0 times B>A", "category odd: 2 times A>B and 0 times B>A"],
    ),
    "a response": (
        lambda rows: rows[0].update({wrong(rows[0]): "I say: 7"}),
        [
            "1: the wrong response is not the one that was graded: its text, model or sample has changed",
            "1: the wrong response is graded format_fail by string v1",
        ],
    ),
    "the gold": (
        lambda rows: rows[0]["origin"]["question"]["gold"].update(text="77"),
        [
            "1: the question's id is not the hash of its content: text, gold, key or source have changed",
            "1: the right response is graded wrong by string v1",
        ],
    ),
    "the answer": (
        lambda rows: rows[0]["origin"]["right"]["grade"].update(answer="00"),
        ["1: the right response's answer is read as '0', and was as '00'"],
    ),
    "a row twice": (lambda rows: rows.extend([rows[0], {**rows[0], "pair_id": "x"}]), ["5: pair_id"]),
    "the same responses": (
        lambda rows: rows[0].update({wrong(rows[0]): rows[0][right(rows[0])] + " "}),
        ["1: the responses are identical", "1: the wrong response is not the one that was graded", "1: the wrong"],
    ),
    "no origin": (
        lambda rows: rows[0].pop("origin"),
        ["1: origin: missing question, right, wrong, responses, pass_rate, seed, built_by"],
    ),
    "half an origin": (
        lambda rows: rows[0]["origin"]["question"].pop("gold"),
        ["1: origin: gold: Field required"],
    ),
    "an unknown label": (lambda rows: rows[0].update(label="A=B"), ["1: label 'A=B'"]),
    "a missing field": (lambda rows: rows[0].pop("question"), ["1: missing or not text: question"]),
    "another category": (
        lambda rows: rows[0].update(category="third"),
        ["1: the card has no category 'third' for 'sums-even'"],
    ),
    "no rows": (lambda rows: rows.clear(), ["there are no pairs"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_found(built: Path, name: str) -> None:
    change, wanted = CHANGES[name]
    found = changed(built, change)
    missing = [text for text in wanted if not any(one.startswith(text) for one in found)]
    assert missing == [], found


def test_a_question_in_other_words_is_a_duplicate(built: Path) -> None:
    def double(rows: list[dict[str, Any]]) -> None:
        rows[1]["question"] = rows[0]["question"].upper()

    assert any("the question's text is that of question" in text for text in changed(built, double))


def test_the_card_and_the_file_belong_together(built: Path) -> None:
    card = yaml.safe_load((built / "out.yaml").read_text("utf-8"))
    (built / "out.jsonl").write_bytes((built / "out.jsonl").read_bytes().rpartition(b"\n{")[0] + b"\n")
    assert "3 pairs, and the card says 4" in findings(built)
    assert "the file's sha256 is not the card's" in findings(built)
    card["splits"]["test"]["path"] = "other.jsonl"
    (built / "out.yaml").write_text(yaml.safe_dump(card))
    assert "the card names the file other.jsonl" in findings(built)
    (built / "out.jsonl").unlink()
    assert findings(built) == ["is not there"]


def test_lines_that_are_no_rows_are_findings(built: Path) -> None:
    with (built / "out.jsonl").open("a") as file:
        file.write("{\n")
    assert any(text.startswith("5: not JSON") for text in findings(built))


def test_a_newer_grader_may_disagree_and_is_named(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(String, "version", 9)
    assert findings(built) == []
    monkeypatch.setattr(String, "accepts", lambda *_: True)
    assert findings(built)[0] == "1: the wrong response is graded right by string v9, not by v1 as then"


def test_answers_that_mean_the_same_are_found(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(String, "equivalent", lambda *_: True)
    assert findings(built)[0] == "1: the answers '0' and '1' are equivalent"


def test_what_is_no_set_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds 0 cards \(\*\.yaml\), not one"):
        locate(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder"):
        locate(tmp_path / "gone.jsonl")
