"""What is read strictly, what names are good, and what is printed of hostile strings."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.honest import assembled, pairs
from judgebench.hashing import sha256
from judgebench.submissions import reading
from judgebench.submissions.findings import LONGEST, MOST_SHOWN, Finding, Report, plain
from judgebench.submissions.layout import glance, name_problem, scan, stem_of
from judgebench.submissions.reading import Refused, strict_json
from judgebench.submissions.validate import validate

# -- reading -----------------------------------------------------------------------------------------------


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
))  # fmt: skip
def test_strict_json_reads_what_is_plain(value: Any) -> None:
    assert strict_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_strict_json_refuses_or_reads_any_bytes(data: bytes) -> None:
    with contextlib.suppress(Refused):
        assert strict_json(data) == json.loads(data)


def test_line_breaks_may_stand_where_they_are_meant() -> None:
    data = b'{"a": {"stop": "\\n\\t"}, "b": "\\n"}'
    with pytest.raises(Refused, match=r"U\+000A") as caught:
        strict_json(data, (("a",),))
    assert caught.value.field == "b"
    assert strict_json(data, (("a",), ("b",)))["a"]["stop"] == "\n\t"


def test_lines_are_hashed_as_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"a\nbc\n")
    found = reading.Lines(file, 100)
    assert list(found) == [(1, b"a"), (2, b"bc")]
    assert found.sha256 == sha256(b"a\nbc\n")
    with pytest.raises(Refused, match="more than 1 rows"):
        list(reading.Lines(file, 100, 1))
    with pytest.raises(Refused, match="has 5 bytes; 4 is the most"):
        list(reading.Lines(file, 4))


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a", "gpt-4o", "reward-model--ray2333__grm-gemma-2b", "codejudgebench-claude_3.7_sonnet", "autoj-13b"]
)
def test_good_names_are_names(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", ".", "..", "A", "a/b", "a\\b", "a b", "é", "nul", "com1.x", "a.", "-a", "_a", ".a", "a\n", "a" * 161]
)
def test_bad_names_are_none(name: str) -> None:
    assert name_problem(name) is not None


def test_names_that_look_alike_are_flagged(tmp_path: Path) -> None:
    assert glance("gpt-4o") == glance("gpt-40") == glance("gpt_4o")
    for name in ("gpt-4o", "gpt-40"):
        assembled(tmp_path, *pairs(4), judge={"name": name})
    layout = scan(tmp_path / "results")
    found = [str(finding) for finding in layout.findings]
    assert (
        "results/gpt-40: flag: the judge's name looks like 'gpt-4o'; see that nobody takes one for the other" in found
    )
    assert len(found) == 2


def test_stems(tmp_path: Path) -> None:
    assert {stem_of(f"a/b{suffix}") for suffix in (".json", ".verdicts.jsonl", ".gold.csv")} == {"a/b"}
    assert stem_of("reported/x.csv") == "reported/x"
    assert [str(finding) for finding in scan(tmp_path / "nowhere").findings] == ["nowhere: is no folder"]


# -- reported ------------------------------------------------------------------------------------------------

HEADER = "judge,model,kind,correct_math,items_math,source\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HEADER + "v,m,prompted,3,4,a paper\n", ""),
        (HEADER + "v,m,prompted,5,4,a paper\n", "reported/x.csv: line 2: correct_math: 5 of 4 items"),
        (HEADER + "v,m,prompted,3,4,\n", "reported/x.csv: line 2: source: empty"),
        (HEADER + "v,=cmd(),prompted,3,4,s\n", "line 2: a cell begins with '=': a formula to a spreadsheet"),
        (HEADER + f"v,m,prompted,3,{'9' * 10},s\n", "line 2: a number of 10 digits is no count"),
        (HEADER + f"v,m,prompted,3,4,{'s' * 501}\n", "line 2: a cell has 501 characters; 500 is the most"),
        (HEADER + "v,m\x1b,prompted,3,4,s\n", "line 2: holds an unprintable character"),
        (HEADER + "v,m,prompted,3,4,s", "line 2: has no line break at its end"),
        ("a,b\n1,2\n", "reported/x.csv: line 1: the columns are a, b; expected"),
        ("", "the columns are missing"),
    ],
)
def test_reported_numbers(text: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "results/reported/x.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    report = validate(tmp_path / "results")
    assert report.checked == ("results/reported/x.csv",)
    assert found in "\n".join(map(str, report.findings))
    assert report.ok == (found == "")


# -- what is printed ---------------------------------------------------------------------------------------


@given(st.text(), st.text(), st.text())
def test_findings_are_one_printable_line_whatever_they_hold(file: str, field: str, problem: str) -> None:
    finding = Finding("error", file, field, problem)
    assert str(finding).isprintable()
    assert len(str(finding)) <= 3 * LONGEST * 10 + 10
    assert all(value.isprintable() for value in finding.as_json().values())
    report = Report((file,), (finding, Finding("flag", file, field, problem)))
    for line in report.markdown().splitlines():
        assert line.isprintable()
        assert line.count("`") % 2 == 0
        assert not set("".join(line.split("`")[::2])) & set("<>[]()|@!&\\"), line


def test_many_findings_fit_a_comment() -> None:
    findings = tuple(Finding("error", "x" * 400, "y" * 400, "z" * 400) for _ in range(1000))
    shown = Report((), findings).markdown()
    assert len(shown) < 65_536
    assert "more; `judgebench validate` lists them all" in shown
    assert Report((), findings[:1]).markdown().count("\n- ") == 1
    few = tuple(Finding("flag", "x", "", str(n)) for n in range(MOST_SHOWN + 1))
    assert "- and 1 more" in Report((), few).markdown()
    assert Report((), few).ok


def test_long_text_is_cut_and_odd_text_spelled_out() -> None:
    assert plain("a" * 1000) == "a" * 200 + "…" + "a" * 200
    assert plain("a\u202e\n\x1b\U000e0001\ud800") == "a\\u202e\\x0a\\x1b\\U000e0001\\ud800"
    assert plain("größer – 中文") == "größer – 中文"
    assert str(Finding("flag", "f", "", "p")) == "f: flag: p"
    assert Finding("error", "f", "x", "p").as_json() == {"severity": "error", "file": "f", "field": "x", "problem": "p"}
