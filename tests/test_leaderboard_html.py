"""Pieces of HTML made without a template, rows packed into a page, filters: nothing in them speaks for itself."""

import base64
import gzip
import re

import pytest
from browser.boards import gallery, make_reported, make_result, share
from browser.outline import HOSTILE, Outline
from hypothesis import given
from hypothesis import strategies as st

from judgebench.leaderboard import data, html, page
from judgebench.leaderboard.cells import DASH, Cell, cell
from judgebench.leaderboard.overview import overview
from judgebench.leaderboard.packed import BESIDE, FIRST, packed
from judgebench.leaderboard.table import Floor, Table, table
from judgebench.leaderboard.wording import metric_words
from judgebench.results import Metric, Result


def board_of(*results: Result) -> tuple[data.Board, dict[str, Table]]:
    board = data.assemble(results)
    return board, {task.name: table(task) for task in board.tasks}


# -- pieces --------------------------------------------------------------------------------------------------


@given(st.one_of(st.sampled_from(HOSTILE), st.text()))
def test_text_is_one_text_node_and_one_attribute_value(text: str) -> None:
    outline = Outline(f'<p title="{html.text(text)}">{html.text(text)}</p>')
    assert [tag for tag, _ in outline.tags] == ["p"]
    shown = html.inert(text)
    assert outline.attributes("title") == ([shown] if shown else [""])
    assert "".join(outline.words) == shown


def test_a_cell_has_value_interval_bar_and_what_it_rests_on() -> None:
    metric = Metric(value=0.657142, n=340, low=0.6, high=0.7, coverage=0.5)
    made = html.number(cell(metric, metric_words("accuracy"), 350, bar=True), "headline")
    outline = Outline(made)
    assert "".join(outline.words) == "65.7 [60.0, 70.0] n = 340, 50.0 % covered"
    assert outline.attributes("style") == ["--l:60.0;--v:65.7;--h:70.0"]
    assert outline.tags[0] == ("td", {"class": "headline", "data-v": "0.6571", "title": "65.71 %"})


def test_a_missing_number_says_why_and_does_not_sort() -> None:
    outline = Outline(html.number(Cell(DASH, missing="<i>none</i>")))
    assert outline.tags[0] == ("td", {})
    assert outline.attributes("title") == ["<i>none</i>"]
    assert html.number(None) == "<td></td>"


def test_a_rank_shows_its_range_and_sorts_by_itself() -> None:
    _, tables = board_of(make_result("a", 0.7), make_result("b", 0.69), make_result("c", None))
    rows = [row for _, row in next(iter(tables.values())).rows]
    shared, _, nothing = (Outline(html.rank(row)) for row in rows)
    assert "".join(shared.words) == f"1{DASH}2 shared, by value 1"
    assert shared.tags[0][1]["data-v"] == "1"
    assert "".join(nothing.words) == f"{DASH} not ranked"


@pytest.mark.parametrize(("root", "links"), [(None, []), ("", ["judges/a.html"]), ("../", ["../judges/a.html"])])
def test_a_judge_is_a_link_where_there_is_a_site(root: str | None, links: list[str]) -> None:
    assert Outline(html.judge_link(root, "a", "A")).attributes("href") == links
    assert Outline(html.judge_link(root, "", "A")).attributes("href") == []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("line", [False, True])
def test_no_string_of_a_row_can_break_out(text: str, line: bool) -> None:
    result = make_result(text, judge_fields={"model": text, "kind": text, "revision": text}, source={text: text})
    _, tables = board_of(result)
    ((_, row),) = next(iter(tables.values())).rows
    for root in (None, "../"):
        outline = Outline(html.judge_row(row, root, line=line))
        assert outline.tags[0][0] == "tr"
        assert {tag for tag, _ in outline.tags} <= {"tr", "th", "td", "span", "bdi", "a", "i", "b", "small"}
        assert not [name for _, given_ in outline.tags for name in given_ if name.startswith("on")]
        assert html.inert(text) in "".join(outline.words)


def test_a_line_is_neither_counted_nor_filtered() -> None:
    _, tables = board_of(make_result("a"))
    ((_, row),) = next(iter(tables.values())).rows
    assert Outline(html.judge_row(row, "")).tags[0][1] == {
        "class": "row", "data-kind": "prompted", "data-evidence": "imported", "data-openness": "unknown",
        "data-size": "unknown",
    }  # fmt: skip
    assert Outline(html.judge_row(row, "", line=True)).tags[0][1] == {"class": "line"}


# -- the floor -----------------------------------------------------------------------------------------------


def test_the_best_judge_that_weighs_nothing_is_the_floor() -> None:
    _, tables = board_of(*gallery())
    assert tables["judgebench-gpt"].floor == Floor("random", "30.0", 30.0)
    assert tables["judgebench-claude"].floor is None


def test_the_floor_stands_among_the_judges_by_its_number() -> None:
    text = page.board_page(data.assemble(gallery()), "t")
    judges = text[text.index('<tbody class="judges">') : text.index('<tbody class="floor">')]
    order = re.findall(r'<tr class="(row|line)".*?<bdi>(.*?)</bdi>', judges)
    assert [name for _, name in order][3:] == ["judgelm-7b", "random", "always-first", "unlucky"]
    assert [kind for kind, _ in order].count("line") == 2


# -- packing -------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 120), min_size=1, max_size=3))
def test_packed_rows_are_those_that_are_left(sizes: list[int]) -> None:
    groups = [[f"<tr><td>{group}.{row}</td></tr>" for row in range(size)] for group, size in enumerate(sizes)]
    made = packed(groups)
    rest = gzip.decompress(base64.b64decode(made.rest)).decode() if made.rest else "<tbody></tbody>" * len(sizes)
    bodies = re.findall(r"<tbody>(.*?)</tbody>", rest)
    assert [str(first) + body for first, body in zip(made.first, bodies, strict=True)] == ["".join(g) for g in groups]
    assert made.left == sum(max(size - (FIRST if at == 0 else BESIDE), 0) for at, size in enumerate(sizes))
    assert (made.rest == "") == (made.left == 0)
    assert packed(groups) == made


def test_a_packed_block_holds_nothing_that_ends_it() -> None:
    rows = [f"<tr><td></script><!--{number}</td></tr>" for number in range(200)]
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed([rows]).rest)


# -- filters -------------------------------------------------------------------------------------------------


def test_filters_offer_what_there_is() -> None:
    board, tables = board_of(*gallery())
    text = page.index_page(board, tables, overview(board, tables), "t")
    offered = {
        name: re.findall(r'<option value="([^"]+)"', select)
        for name, select in re.findall(r'<select name="(\w+)".*?>(.*?)</select>', text, re.DOTALL)
    }
    assert set(offered["kind"]) == {"prompted", "reward-model", "fine-tuned", "multi-agent", "null"}
    assert offered["evidence"] == ["reproduced", "submitted", "imported"]
    assert offered["openness"] == ["open", "none", "unknown"]
    assert offered["size"] == ["10", "unknown"]
    assert offered["suite"] == ["core", "reasoning"]


def test_a_suite_hides_the_columns_of_other_tasks() -> None:
    other = {"name": "mine", "fingerprint": "12" * 32}
    board, tables = board_of(make_result("a"), make_result("b", task=other))
    shown = overview(board, tables)
    at = [tile.task.name for tile in shown.columns].index("judgebench-gpt")
    assert shown.suites["core"] == ("Core", (at,))
    assert {line.name: line.suites for line in shown.judges} == {"a": ("core", "reasoning"), "b": ()}
    rule = f'option[value="core"]:checked) #overall-table tr > :nth-child(n + 5):not(:nth-child({at + 5}))'
    assert rule in page.index_page(board, tables, shown, "t")


def test_a_line_says_how_many_tasks_it_covers_and_how_unreadable_it_was() -> None:
    claude = {"name": "judgebench-claude", "fingerprint": "cd" * 32}
    board, tables = board_of(
        make_result("a", metrics={"unreadable_rate": share(0.01)}),
        make_result("a", metrics={"unreadable_rate": share(0.25)}, task=claude, evidence="submitted"),
        make_result("b", metrics={"unreadable_rate": Metric(value=None, n=0)}),
    )
    one, two = overview(board, tables).judges
    assert (one.covered.value, one.unreadable.value, one.evidence) == ("2/2", "25.0", ("submitted", "imported"))
    assert (two.covered.value, two.unreadable.value) == ("1/2", DASH)


# -- one column, one metric ----------------------------------------------------------------------------------


def test_micro_and_macro_never_share_a_column() -> None:
    macro = make_result("macro", 0.9, task={"headline": "accuracy_macro"})
    board = data.assemble([make_result("a", 0.5), make_result("b", 0.6), macro], {"judgebench-gpt": [make_reported()]})
    (task,) = board.tasks
    shown = table(task)
    heads = [(column.metric, column.category) for column in shown.columns]
    assert len(set(heads)) == len(heads)
    at = {metric: heads.index((metric, None)) for metric in ("accuracy", "accuracy_macro")}
    for _, row in shown.rows:
        if row.name:
            (result,) = [r for r in task.results if r.spec.judge.name == row.name]
            for metric, column in at.items():
                assert row.cells[column].value == f"{100 * result.metrics[metric].value:.1f}"
    overall = overview(board, {task.name: shown})
    assert [line.cells[0].value for line in overall.judges] == ["90.0", "60.0", "50.0"]  # all of them micro
