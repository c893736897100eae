"""Reliability diagrams: the numbers of `metrics.certainty`, read once, drawn in the plane, told in words and a table."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from judgebench.assemble import result_bytes, verdict_bytes
from judgebench.hashing import sha256
from judgebench.importers import find_gold
from judgebench.leaderboard import build, calibration, curves, data, verdicts
from judgebench.leaderboard.data import run_id
from judgebench.metrics import Table, certainty, measure
from judgebench.records import Preference, Sampling
from judgebench.results import Counts, Result, VerdictRow, VerdictsFile
from judgebench.spec import JudgeSpec, Spec, TaskSpec
from judgebench.task import GoldRow

ORDERS = ((0, 1), (1, 0))
RESULTS = Path(__file__).parents[1] / "results"
SAID = (0.0, 0.1, 0.15, 0.55, 0.6, 0.8, 0.8, 0.95, 1.0)
"""Confidences at and between the bins' ends: 0 and 0.1 are in the first, 0.15 in the second, and so on."""


def gold(items: int = 40) -> list[GoldRow]:
    return [GoldRow(f"i{n:02}", "ab"[n % 2], f"q{n // 2}", Preference(label="A>B")) for n in range(items)]


def rows(items: int = 40, said: tuple[float | None, ...] = SAID) -> list[VerdictRow]:
    """Every third item is wrong; every tenth cannot be read; confidences go round."""
    found = []
    for number in range(items):
        for at, order in enumerate(ORDERS):
            right = (number % 3 > 0) == (at == 0)
            place = (2 * number + at) % len(said)
            told: dict[str, Any] = {"preference": "A>B" if right else "B>A", "confidence": said[place]}
            found.append(VerdictRow(item=f"i{number:02}", order=order, **(told if number % 10 else {"fault": "empty"})))
    return found


def made(said: tuple[float | None, ...] = SAID, items: int = 40) -> tuple[Table, calibration.Diagram]:
    table = Table.make(gold(items), rows(items, said))
    return table, calibration.diagrams({"one": table})["one"]


# -- counting -------------------------------------------------------------------------------------------------


def test_bins_are_those_of_the_calibration_error() -> None:
    table, found = made()
    bins = certainty.calibration_bins(table)
    assert [dot.label for dot in found.dots] == ["0–10 %", "10–20 %", "50–60 %", "70–80 %", "90–100 %"]
    assert [dot.n for dot in found.dots] == [one.n for one in bins]
    assert [dot.cell.sort for dot in found.dots] == [round(one.accuracy, 4) for one in bins]
    assert [dot.mean for dot in found.dots] == [f"{100 * one.certainty:.1f}" for one in bins]
    assert found.n == sum(one.n for one in bins) == int(table.readable.sum()) == 72


def test_the_error_of_the_bins_is_the_metric() -> None:
    bins = certainty.calibration_bins(made()[0])
    error = sum(one.n * abs(one.accuracy - one.certainty) for one in bins) / sum(one.n for one in bins)
    known = measure(gold(), rows(), ["certainty"])[0]["ece"].value
    assert known is not None
    assert abs(error - known) < 1e-12


def test_counts_by_hand() -> None:
    said = (0.35, 0.95)  # the own order says the one, the other order the other
    table, found = made(said, items=6)
    low, high = found.dots  # item 0 cannot be read; 3 is wrong in both orders
    assert (low.label, low.n, low.cell.value, low.mean) == ("30–40 %", 5, "80.0", "35.0")
    assert (high.label, high.n, high.cell.value, high.mean) == ("90–100 %", 5, "80.0", "95.0")
    assert table.n_items == 6


def test_intervals_are_those_of_the_share_right_as_a_metric() -> None:
    said = (0.85, 0.95)
    _, found = made(said)
    for dot, stated, percent in zip(found.dots, said, (80, 90), strict=True):
        known = measure(gold(), [row for row in rows(40, said) if row.confidence in (None, stated)])[0]
        metric = known[f"accuracy_at_{percent}"]
        assert metric.low is not None
        assert metric.high is not None
        assert dot.cell.interval == f"[{100 * metric.low:.1f}, {100 * metric.high:.1f}]"


def test_where_every_judgment_is_right_the_interval_is_no_point() -> None:
    right = [VerdictRow(item=f"i{n:02}", order=ORDERS[0], preference="A>B", confidence=0.9) for n in range(10)]
    found = calibration.diagrams({"one": Table.make(gold(10), right)})["one"]
    (dot,) = found.dots
    assert (dot.cell.value, dot.cell.interval[-6:]) == ("100.0", "100.0]")
    assert dot.low is not None
    assert dot.low > dot.y + 10


def test_several_results_at_once_have_the_numbers_that_each_has_alone() -> None:
    tables = {str(n): Table.make(gold(), rows(40, SAID[n:])) for n in range(5)}
    together = calibration.diagrams(tables)
    assert together == {key: calibration.diagrams({key: table})[key] for key, table in tables.items()}


@pytest.mark.parametrize("said", [(None,), (1.5,), (-0.1, 0.5), (1e308, 0.5)])
def test_no_confidence_or_one_that_is_none_draws_nothing(said: tuple[float | None, ...]) -> None:
    assert calibration.diagrams({"one": Table.make(gold(), rows(40, said))}) == {}


def test_judgments_without_a_confidence_are_not_counted() -> None:
    _, found = made((0.9, None, None))
    assert found.n == found.dots[0].n == 24


# -- drawing --------------------------------------------------------------------------------------------------


def test_dots_intervals_and_bars_lie_in_the_plane() -> None:
    _, found = made()
    assert [dot.x for dot in found.dots] == sorted(dot.x for dot in found.dots)
    for dot in found.dots:
        assert curves.LEFT <= dot.x <= curves.RIGHT
        assert dot.low is not None
        assert dot.high is not None
        assert curves.TOP <= dot.high <= dot.y <= dot.low <= curves.BOTTOM
    assert max(column.height for column in found.columns) == calibration.TALLEST
    for column, dot in zip(found.columns, found.dots, strict=True):
        assert column.y + column.height == pytest.approx(curves.BOTTOM)
        assert column.x - 7 < dot.x < column.x + calibration.BAR + 7  # the mean is in its bin
        assert column.height == pytest.approx(calibration.TALLEST * dot.n / max(d.n for d in found.dots), abs=0.05)


def test_a_dot_on_the_ideal_line_is_calibrated() -> None:
    x0, y0, x1, y1 = calibration.Diagram.ideal
    for share in (0.0, 0.3, 1.0):
        along = (calibration.place(share) - x0) / (x1 - x0)
        assert y0 + along * (y1 - y0) == pytest.approx(curves.height(share), abs=0.1)


def test_ticks_of_both_axes_and_the_figure_in_a_sentence() -> None:
    _, found = made()
    assert found.ticks[0] == (0, curves.LEFT, curves.BOTTOM)
    assert found.ticks[-1][2] == curves.TOP
    assert found.says.startswith("Share right in percent with 95 % intervals, by stated confidence. 0–10 %: ")
    assert all(f"{dot.cell.value} % {dot.cell.interval} of {dot.n}" in found.says for dot in found.dots)
    assert len(found.line.split()) == len(found.dots)


# -- of a board ------------------------------------------------------------------------------------------------


def publish(
    results: Path, judge: str, said: tuple[float | None, ...], *, task: str = "made", table: str = ""
) -> Result:
    """Write a result as results are published, with its verdicts and, under the task's name, its gold table."""
    lines = "item,category,source,gold\n" + "".join(f"{r.item},{r.category},{r.source},A>B\n" for r in gold())
    told, faults = rows(40, said), sum(row.fault is not None for row in rows(40, said))
    data_ = verdict_bytes(told)
    spec = Spec(
        task=TaskSpec(name=task, version=1, revision="r", fingerprint=sha256(lines.encode()), items=40),
        judge=JudgeSpec(
            name=judge, family="f", kind="prompted", model="m", revision=None, endpoint="default", prompts={},
            sampling=Sampling(), params={}, parser_version=1, order_independent=False,
        ), orders="both", repeats=1, seed=0,
    )  # fmt: skip
    metrics, by_category = measure(gold(), told, n_resamples=50)
    result = Result(
        evidence="submitted", spec=spec, spec_sha256=spec.hash, metrics=metrics, by_category=by_category,
        counts=Counts(items=40, trials=len(told), verdicts=len(told) - faults, empty=faults),
        verdicts=VerdictsFile(sha256=sha256(data_), rows=len(told)),
    )  # fmt: skip
    place = results / judge
    place.mkdir(parents=True, exist_ok=True)
    stem = table or "made"
    (place / f"{stem}.json").write_bytes(result_bytes(result))
    (place / f"{stem}.verdicts.jsonl").write_bytes(data_)
    (place / f"{stem}.gold.csv").write_text(lines)
    return result


def of_board(board: data.Board) -> dict[str, calibration.Diagram]:
    return {key: found for task in board.tasks for key, found in calibration.of_task(task, board).items()}


def test_only_results_that_state_confidences_are_read_and_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sure = [publish(tmp_path, f"sure-{n}", SAID[n:]) for n in range(3)]
    publish(tmp_path, "silent", (None,))
    board = data.load(tmp_path)
    read: list[str] = []
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.parent.name + path.suffix) or whole(path))
    assert of_board(board).keys() == {run_id(result) for result in sure}
    assert sorted(name for name in read if name.endswith(".jsonl")) == [f"sure-{n}.jsonl" for n in range(3)]


def test_a_result_without_files_or_with_verdicts_that_do_not_fit_has_none(tmp_path: Path) -> None:
    one, two = publish(tmp_path, "one", SAID), publish(tmp_path, "two", SAID[1:])
    board = data.load(tmp_path)
    (tmp_path / "one" / "made.verdicts.jsonl").write_bytes(b'{"item":"x"}\n')
    assert of_board(board).keys() == {run_id(two)}
    (tmp_path / "two" / "made.verdicts.jsonl").unlink()
    assert of_board(board) == {}
    assert of_board(data.assemble([one, two])) == {}


def test_a_gold_table_beside_another_result_serves(tmp_path: Path) -> None:
    both = publish(tmp_path, "one", SAID), publish(tmp_path, "two", SAID[1:])
    (tmp_path / "one" / "made.gold.csv").unlink()
    assert of_board(data.load(tmp_path)).keys() == {run_id(result) for result in both}
    (tmp_path / "two" / "made.gold.csv").unlink()
    assert of_board(data.load(tmp_path)) == {}


def test_a_name_that_is_a_path_reads_nothing(tmp_path: Path) -> None:
    publish(tmp_path, "one", SAID, task="../one/made", table="made")
    assert of_board(data.load(tmp_path)) == {}


def test_more_results_than_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        publish(tmp_path, f"judge-{number}", SAID[number:])
    board = data.load(tmp_path)
    whole = of_board(board)
    monkeypatch.setattr(calibration, "AT_ONCE", 2)
    assert of_board(board) == whole
    assert len(whole) == 5


# -- on the page ----------------------------------------------------------------------------------------------


def test_a_judges_page_draws_the_diagram_with_its_table(tmp_path: Path) -> None:
    result = publish(tmp_path / "results", "sure", SAID)
    publish(tmp_path / "results", "silent", (None,))
    build(tmp_path / "results", tmp_path / "site")
    html = (tmp_path / "site" / "judges" / "sure.html").read_text("utf-8")
    (figure,) = [ET.fromstring(f"<svg{part.partition('</svg>')[0]}</svg>") for part in html.split("<svg")[1:]]
    title, desc = figure.find("title"), figure.find("desc")
    assert title is not None
    assert desc is not None
    assert title.text == "Share right by confidence on made"
    assert figure.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert [len(figure.findall(tag)) for tag in ("circle", "rect")] == [5, 5]
    assert {line.get("class") for line in figure.findall("line")} == {"grid", "span", "ideal"}
    found = calibration.of_task(data.load(tmp_path / "results").tasks[0], data.load(tmp_path / "results"))
    for dot in found[run_id(result)].dots:
        assert re.search(
            rf'<th scope="row">{dot.label}</th>\s*<td[^>]*>{dot.cell.value} .*?<td>{dot.n}</td>', html, re.DOTALL
        )
    assert "method.html#calibration" in html
    assert 'id="calibration"' in (tmp_path / "site" / "method.html").read_text("utf-8")
    assert "<svg" not in (tmp_path / "site" / "judges" / "silent.html").read_text("utf-8")


# -- published results ------------------------------------------------------------------------------------------

PUBLISHED = sorted(RESULTS.glob("personalised--*/*.json"))


@pytest.mark.skipif(not PUBLISHED, reason="no results with confidences here")
def test_published_confidences_are_drawn_as_the_metrics_count_them() -> None:
    board = data.load(RESULTS)
    found = of_board(board)
    known = {run_id(r): r for results in board.judges.values() for r in results if "ece" in r.metrics}
    assert found.keys() == known.keys() & board.files.keys()
    for key, result in known.items():
        files = board.files[key]
        (table,) = verdicts.tables(find_gold(files.result, result.spec.task), [files.verdicts])
        assert isinstance(table, Table)
        bins = certainty.calibration_bins(table)
        assert [(dot.n, dot.cell.sort) for dot in found[key].dots] == [(b.n, round(b.accuracy, 4)) for b in bins]
        weights = np.array([one.n for one in bins]) / sum(one.n for one in bins)
        gaps = np.array([abs(one.accuracy - one.certainty) for one in bins])
        assert result.metrics["ece"].value == pytest.approx(float(weights @ gaps), abs=1e-12)
        assert found[key].n == result.metrics["ece"].n
