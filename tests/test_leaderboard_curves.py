"""Curves on a judge's page: counted from verdicts and traits, drawn in the plane, told in words and in a table."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from factories import make_item
from judgebench import task as tasks
from judgebench.assemble import result_bytes, verdict_bytes
from judgebench.evaluation import evaluate
from judgebench.leaderboard import build, curves, data
from judgebench.metrics import measure
from judgebench.records import Preference, Votes
from judgebench.results import VerdictRow
from judgebench.task import GoldRow

ORDERS = ((0, 1), (1, 0))


def gold(number: int, category: str = "math", **traits: float) -> GoldRow:
    return GoldRow(f"i{number:03}", category, f"q{number}", Preference(label="A>B"), traits)


def verdicts(number: int, *, right: bool) -> list[VerdictRow]:
    return [
        VerdictRow(item=f"i{number:03}", order=o, preference="A>B" if (o == ORDERS[0]) == right else "B>A")
        for o in ORDERS
    ]


def table(levels: int = 5, each: int = 20, **more: Any) -> tuple[list[GoldRow], list[VerdictRow]]:
    """Of each level's items, level k has k in `levels` parts wrong; the fault sits at number/each of the way."""
    rows, said = [], []
    for level in range(1, levels + 1):
        for place in range(each):
            number = level * each + place
            rows.append(gold(number, difficulty=level, depth=place / (each - 1), **more))
            said += verdicts(number, right=place >= each * level // (levels + 1))
    return rows, said


def drawn(rows: list[GoldRow], said: list[VerdictRow], metric: str = "accuracy") -> dict[str, curves.Curve]:
    return {curve.key: curve for curve in curves.curves(rows, said, metric)}


# -- counting -------------------------------------------------------------------------------------------------


def test_accuracy_against_difficulty_is_the_headline_of_each_level() -> None:
    rows, said = table()
    points = drawn(rows, said)["difficulty"].points
    assert [point.label for point in points] == ["1", "2", "3", "4", "5"]
    assert [point.n for point in points] == [20] * 5
    for level, point in enumerate(points, start=1):
        part = [row for row in rows if row.traits["difficulty"] == level]
        own = [row for row in said if row.item in {one.item for one in part}]
        metric = measure(part, own)[0]["accuracy"]
        assert metric.value is not None
        assert metric.low is not None
        assert metric.high is not None
        assert point.cell.sort == round(metric.value, 6)
        assert point.cell.interval == f"[{100 * metric.low:.1f}, {100 * metric.high:.1f}]"


def test_depth_is_drawn_in_fifths_closed_at_both_ends() -> None:
    rows = [gold(number, depth=depth) for number, depth in enumerate((0.0, 0.199, 0.2, 0.5, 0.79, 0.8, 1.0))]
    said = [row for number in range(len(rows)) for row in verdicts(number, right=number % 2 == 0)]
    points = drawn(rows, said)["depth"].points
    assert [(point.label, point.n) for point in points] == [
        ("0–20 %", 2), ("20–40 %", 1), ("40–60 %", 1), ("60–80 %", 1), ("80–100 %", 2),
    ]  # fmt: skip


def test_a_bin_without_items_has_no_point_but_a_row() -> None:
    rows = [gold(1, depth=0.0), gold(2, depth=1.0)]
    curve = drawn(rows, verdicts(1, right=True) + verdicts(2, right=False))["depth"]
    assert [point.y is None for point in curve.points] == [False, True, True, True, False]
    assert len(curve.line.split()) == 2
    assert curve.points[1].cell.missing


def test_only_judged_items_count() -> None:
    rows, said = table()
    kept = [row for row in said if int(row.item[1:]) % 2]
    assert [point.n for point in drawn(rows, kept)["difficulty"].points] == [10] * 5


def test_items_without_the_trait_are_left_out_and_unknown_traits_are_not_drawn() -> None:
    rows = [gold(1, difficulty=1), gold(2), gold(3, colour=4.0)]
    said = [row for number in (1, 2, 3) for row in verdicts(number, right=True)]
    found = drawn(rows, said)
    assert list(found) == ["difficulty"]
    assert [point.n for point in found["difficulty"].points] == [1]


def test_many_different_values_share_bins() -> None:
    rows = [gold(number, difficulty=number / 4) for number in range(40)]
    said = [row for number in range(40) for row in verdicts(number, right=True)]
    points = drawn(rows, said)["difficulty"].points
    assert [point.n for point in points] == [8] * 5
    assert points[0].label == "0 to 1.95"


def test_what_is_no_share_is_not_drawn() -> None:
    rows, said = table()
    assert curves.curves(rows, said, "no_such_metric") == ()
    assert curves.curves([gold(1)], verdicts(1, right=True), "accuracy") == ()


def test_other_gold_than_preferences_is_drawn_too() -> None:
    rows = [GoldRow("i001", "x", "q", Votes(votes=("A>B", "A>B", "B>A")), {"difficulty": 2.0})]
    assert drawn(rows, verdicts(1, right=True))["difficulty"].points[0].cell.value == "100.0"


# -- drawing --------------------------------------------------------------------------------------------------


def test_points_and_intervals_lie_in_the_plane_and_higher_is_up() -> None:
    curve = drawn(*table())["difficulty"]
    heights = [point.y for point in curve.points]
    assert heights == sorted(heights)  # y grows downwards: accuracy falls
    for point in curve.points:
        assert curves.LEFT < point.x < curves.RIGHT
        assert point.low is not None
        assert point.y is not None
        assert point.high is not None
        assert curves.TOP <= point.high <= point.y <= point.low <= curves.BOTTOM
    assert curve.ticks[0] == (0, curves.BOTTOM)
    assert curve.ticks[-1] == (100, curves.TOP)


def test_the_figure_is_told_in_a_sentence() -> None:
    curve = drawn(*table())["difficulty"]
    assert curve.title == "Accuracy by difficulty"
    assert curve.says.startswith("Accuracy in percent with 95 % intervals. 1: ")
    assert all(f"of {point.n}" in curve.says for point in curve.points)


# -- on the page ----------------------------------------------------------------------------------------------


class Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.named: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.named += (found.get("aria-labelledby") or "").split()


def publish(folder: Path, judge: str = "longest", *, with_gold: bool = True, items: int = 40) -> Path:
    """Run a judge on the generated task and lay its result out as results are published."""
    done = evaluate(judge, "verifiable", items=items, runs=str(folder / "runs"))
    place = folder / "results" / judge
    place.mkdir(parents=True, exist_ok=True)
    (place / "verifiable.json").write_bytes(result_bytes(done.result))
    (place / "verifiable.verdicts.jsonl").write_bytes((done.directory / "verdicts.jsonl").read_bytes())
    if with_gold:
        (place / "verifiable.gold.csv").write_bytes((done.directory / "gold.csv").read_bytes())
    return folder / "results"


def page(folder: Path, judge: str = "longest") -> str:
    return (folder / "judges" / f"{judge}.html").read_text("utf-8")


def test_a_judges_page_draws_both_curves_with_their_tables(tmp_path: Path) -> None:
    build(publish(tmp_path), tmp_path / "site")
    html = page(tmp_path / "site")
    figures = [ET.fromstring(f"<svg{part.partition('</svg>')[0]}</svg>") for part in html.split("<svg")[1:]]
    assert len(figures) == 2
    for figure in figures:
        assert figure.get("role") == "img"
        title, desc = figure.find("title"), figure.find("desc")
        assert title is not None
        assert desc is not None
        assert figure.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert len(figure.findall("circle")) >= 3
        assert not figure.findall(".//script")
        assert {line.get("class") for line in figure.findall("line")} == {"grid", "span"}
    assert html.count("<figcaption>Accuracy by ") == 2
    for label in ("0–20 %", "80–100 %"):
        assert f'<th scope="row">{label}</th>' in html
    found = Ids()
    found.feed(html)
    assert len(set(found.ids)) == len(found.ids)
    assert set(found.named) <= set(found.ids)


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    results = publish(tmp_path)
    build(results, tmp_path / "one")
    build(results, tmp_path / "two")
    assert page(tmp_path / "one") == page(tmp_path / "two")


def test_the_gold_table_is_made_again_where_it_is_missing(tmp_path: Path) -> None:
    build(publish(tmp_path, with_gold=False), tmp_path / "site")
    assert "Accuracy by difficulty" in page(tmp_path / "site")


def test_a_result_says_how_to_make_it_again(tmp_path: Path) -> None:
    build(publish(tmp_path), tmp_path / "site")
    command = "judgebench eval --judge longest --task verifiable --task-seed 0 --difficulty 1-5 --items 40"
    assert command in page(tmp_path / "site")


def test_verdicts_that_do_not_fit_the_gold_draw_nothing(tmp_path: Path) -> None:
    results = publish(tmp_path)
    board = data.load(results)
    (result,) = board.judges["longest"]
    verdicts_file = results / "longest" / "verifiable.verdicts.jsonl"
    assert curves.of_board(board)
    for forged in (b"{}\n", b"not json\n", verdict_bytes([VerdictRow(item="x", order=(0, 1), preference="A>B")])):
        verdicts_file.write_bytes(forged)
        assert curves.of_board(board) == {} or not any(
            point.n for curve in curves.of_board(board)[data.run_id(result)] for point in curve.points
        )
    verdicts_file.unlink()
    assert curves.of_board(board) == {}


def test_a_name_that_is_a_path_reads_nothing(tmp_path: Path) -> None:
    results = publish(tmp_path)
    board = data.load(results)
    (result,) = board.judges["longest"]
    spec = result.spec.model_copy(update={"task": result.spec.task.model_copy(update={"name": "../../verifiable"})})
    forged = result.model_copy(update={"spec": spec, "spec_sha256": spec.hash})
    files = {data.run_id(forged): board.files[data.run_id(result)]}
    assert curves.of_board(data.Board(data.assemble([forged]).tasks, files)) == {}


def test_results_without_traits_or_files_have_no_curves(tmp_path: Path) -> None:
    done = evaluate("longest", "starter", runs=str(tmp_path / "runs"))
    assert curves.of_board(data.assemble([done.result])) == {}
    place = tmp_path / "results" / "longest"
    place.mkdir(parents=True)
    (place / "starter.json").write_bytes(result_bytes(done.result))
    (place / "starter.verdicts.jsonl").write_bytes((done.directory / "verdicts.jsonl").read_bytes())
    build(tmp_path / "results", tmp_path / "site")
    assert "<svg" not in page(tmp_path / "site")


def test_traits_come_from_the_gold_table_alone() -> None:
    item = make_item(1, traits={"difficulty": 3.0})
    (row,) = tasks.read_gold_table(tasks.gold_table([item]), "gold.csv")
    assert row.traits == {"difficulty": 3.0}


@pytest.mark.parametrize("share", [-0.5, 0.0, 0.5, 1.0, 1.5])
def test_heights_stay_inside(share: float) -> None:
    assert curves.TOP <= curves.height(share) <= curves.BOTTOM
