"""What importers write passes unchanged, with verdicts, gold and all; what is changed in it afterwards does not."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import test_importers_llmbar as llmbar
import test_importers_pandalm as pandalm
import test_importers_personalised as personalised
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from factories import pair_row
from fakes.honest import edit, honest, recompute, rewrite, rows_of
from judgebench.hashing import sha256
from judgebench.importers import import_files
from judgebench.results import VerdictRow
from judgebench.sources import load_task
from judgebench.submissions.findings import Report
from judgebench.submissions.validate import validate

COUNT = 12


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def judgments(number: int, orders: int = 2) -> list[dict[str, Any] | None]:
    said = [{"judgment": {"judge_model": "toy/Judge-1", "response": "so [[A>B]]"}, "decision": "A>B"}, None]
    return [said[(number + order) % 5 == 0] for order in range(orders)]


def judgebench_file(folder: Path, orders: Any = lambda _number: 2) -> Path:
    rows = [
        pair_row(n, judge_name="arena_hard", judgments=judgments(n, orders(n)), response_model=f"m{n % 2}")
        for n in range(COUNT)
    ]
    return jsonl(folder / "outputs.jsonl", rows)


def llmbar_file(folder: Path) -> Path:
    stages = [[llmbar.stage(str(1 + n % 2), "1" if n % 3 else None)] for n in range(COUNT)]
    return llmbar.results(folder, stages)


def rated_file(folder: Path) -> Path:
    stages = [[llmbar.rating(str(n % 5 + 1), "3", "1" if n % 5 > 2 else "2", "2")] for n in range(COUNT)]
    return llmbar.results(folder, stages, "Rating")


def personalised_file(folder: Path) -> Path:
    rows = [personalised.judgment(n, "AB"[n % 2], "AB"[n % 3 == 0], certainty=str(50 + n)) for n in range(COUNT)]
    return personalised.file(folder, rows)


FILES = {
    "judgebench": ("judgebench-outputs", judgebench_file),
    "llmbar": ("llmbar-outputs", llmbar_file),
    "llmbar, rated": ("llmbar-outputs", rated_file),
    "personalised": ("personalised-outputs", personalised_file),
}


@pytest.mark.parametrize("name", FILES)
def test_what_importers_write_passes(name: str, tmp_path: Path) -> None:
    kind, make = FILES[name]
    [imported] = import_files(kind, [make(tmp_path / "published")], None, tmp_path / "results")
    before = {path: path.read_bytes() for path in (tmp_path / "results").rglob("*") if path.is_file()}
    report = validate(tmp_path / "results")
    assert report.errors == ()
    assert len(report.checked) == 1
    assert len(before) == 3, "a task of the file's own brings its gold"
    assert {path: path.read_bytes() for path in before} == before
    assert imported.result.evidence == "imported"


def test_pandalms_predictions_pass(tmp_path: Path) -> None:
    pandalm.dataset(tmp_path)
    said = (["1", "2", "Tie", "garbage"] * len(pandalm.VOTES))[: len(pandalm.VOTES)]
    pandalm.one(pandalm.predictions(tmp_path, said), tmp_path / "results", tmp_path)
    assert validate(tmp_path / "results").errors == ()


def test_published_judgments_of_one_order_here_and_both_there_pass_with_a_flag(tmp_path: Path) -> None:
    file = judgebench_file(tmp_path, lambda number: 1 + number % 2)
    import_files("judgebench-outputs", [file], None, tmp_path / "results")
    report = validate(tmp_path / "results")
    assert report.errors == ()
    assert f"{COUNT // 2} of {COUNT} items were published in one order only" in str(report.flags[0])


def test_published_judgments_of_one_order_pass(tmp_path: Path) -> None:
    import_files("judgebench-outputs", [judgebench_file(tmp_path, lambda _n: 1)], None, tmp_path / "results")
    report = validate(tmp_path / "results")
    assert report.errors == ()
    assert not any("one order only" in str(flag) for flag in report.flags)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda r: r.update(evidence="submitted"), "source: is for imported outputs; a run has none"),
        (lambda r: r.update(evidence="submitted"), "environment: is absent: a run says what it ran on and when"),
        (lambda r: r.update(evidence="reproduced"), "evidence: is reproduced"),
        (lambda r: r["source"].pop("sha256"), "source: names file; importers write file and sha256"),
        (lambda r: r["usage"].update(output=7), "usage.output: is 7; importers write absent"),
        (lambda r: r["metrics"]["accuracy"].update(value=0.99), "metrics.accuracy.value: is 0.99, recomputed"),
    ],
)
def test_an_edited_import_is_found(change: Any, found: str, tmp_path: Path) -> None:
    [imported] = import_files("llmbar-outputs", [llmbar_file(tmp_path)], None, tmp_path / "results")
    edit(imported.path, change)
    assert found in "\n".join(map(str, validate(tmp_path / "results").errors))


# -- verdicts and gold, changed at will ----------------------------------------------------------------------

LABELS = ["A>B", "B>A", "A=B"]


def report_of(path: Path) -> Report:
    return validate(path.parents[1], [path])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_verdict_of_a_null_judge_is_found_with_all_numbers_made_to_fit(
    data: st.DataObject, tmp_path: Path
) -> None:
    """The verdicts of a judge that asks no model have no free field at all."""
    path = honest(tmp_path, data.draw(st.sampled_from(["random", "longest", "always-first"])))
    rows = rows_of(path)
    number = data.draw(st.integers(0, len(rows) - 1))
    change: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                *({"preference": label} for label in LABELS), {"preference": None, "fault": "empty"},
                {"preference": None, "scores": (1.0, 0.0)}, {"scores": (1.0, 2.0)}, {"confidence": 0.5},
            ]
        )
    )  # fmt: skip
    changed = rows[number].model_copy(update=change)
    assume(changed != rows[number])
    rewrite(path, [*rows[:number], changed, *rows[number + 1 :]])
    recompute(path, load_task("starter").items)
    report = report_of(path)
    assert not report.ok
    assert "our fault" not in str(report.errors)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_of_the_verdicts_is_found(data: st.DataObject, tmp_path: Path) -> None:
    path = honest(tmp_path, "random").with_suffix(".verdicts.jsonl")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    report = validate(tmp_path / "results")
    assert [finding.file for finding in report.errors] == ["results/random/starter.verdicts.jsonl"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.binary(max_size=300))
def test_any_line_in_the_verdicts_is_refused_and_no_crash(line: bytes, tmp_path: Path) -> None:
    """Whatever a line holds, and though its hash fits."""
    path = honest(tmp_path, "random")
    verdicts = path.with_suffix(".verdicts.jsonl")
    content = line + b"\n" + verdicts.read_bytes().split(b"\n", 1)[1]
    assume(content != verdicts.read_bytes())
    verdicts.write_bytes(content)
    edit(path, lambda result: result["verdicts"].update(sha256=sha256(content), rows=content.count(b"\n")))
    report = report_of(path)
    assert not report.ok
    assert "our fault" not in str(report.errors)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_for_a_verdict_is_refused_or_is_the_verdict(data: st.DataObject, tmp_path: Path) -> None:
    path = honest(tmp_path, "random")
    rows = [orjson.loads(line) for line in path.with_suffix(".verdicts.jsonl").read_bytes().splitlines()]
    odd = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=5)
    values = odd | st.lists(odd, max_size=3) | st.sampled_from(LABELS)
    before = dict(rows[0])
    rows[0][data.draw(st.sampled_from([*VerdictRow.model_fields, "text"]))] = data.draw(values)
    assume(rows[0] != before)
    content = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    path.with_suffix(".verdicts.jsonl").write_bytes(content)
    edit(path, lambda result: result["verdicts"].update(sha256=sha256(content)))
    report = report_of(path)
    assert not report.ok
    assert "our fault" not in str(report.errors)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_of_a_gold_table_is_found(data: st.DataObject, tmp_path: Path) -> None:
    root = tmp_path / "results"
    if not root.exists():
        import_files("llmbar-outputs", [llmbar_file(tmp_path)], None, root)
    [table] = root.rglob("*.gold.csv")
    before = table.read_bytes()
    content = bytearray(before)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    table.write_bytes(content)
    report = validate(root)
    assert not report.ok
    assert all(finding.file.endswith(".gold.csv") for finding in report.errors)
    table.write_bytes(before)
    assert validate(root).ok
