"""Charts of a task: which judges are drawn, where, in what words; and that a drawing is nothing but a drawing."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from browser.boards import gallery, make_result
from browser.outline import HOSTILE

from judgebench.leaderboard import charts, charts_axes, charts_heat, charts_marks, charts_svg, charts_vega, data, pareto
from judgebench.leaderboard.agreement import Agreement
from judgebench.leaderboard.charts_axes import Axis
from judgebench.leaderboard.charts_marks import Plane, Point
from judgebench.leaderboard.charts_svg import redraw
from judgebench.results import Metric, Result

SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'


def priced(name: str, accuracy: float, cost: float | None, bias: float = 0.1) -> Result:
    metrics = {"position_bias": Metric(value=bias, n=350, low=bias - 0.02, high=bias + 0.02)}
    return make_result(name, accuracy, cost=cost, metrics=metrics, judge_fields={"model": None})


def drawn(*results: Result) -> charts.TaskCharts:
    return charts.of_task(data.assemble(results).tasks[0])


def parsed(chart: charts.Chart) -> ET.Element:
    return ET.fromstring(f"<svg>{chart.body}</svg>")


THREE = (priced("cheap", 0.5, 0.7), priced("dear", 0.7, 7.0), priced("beaten", 0.6, 70.0))

# -- cost and the front ----------------------------------------------------------------------------------------


def test_the_cost_is_of_a_thousand_judgments_and_unknown_is_not_zero() -> None:
    assert pareto.cost_per_thousand(priced("a", 0.5, 1.4)) == pytest.approx(2.0)
    assert pareto.cost_per_thousand(priced("a", 0.5, 0.0)) == 0.0
    assert pareto.cost_per_thousand(priced("a", 0.5, None)) is None


def test_the_front_is_what_nobody_beats() -> None:
    rng = np.random.default_rng(0)
    points = [(round(float(c), 1), round(float(v), 1)) for c, v in rng.random((60, 2))]
    for lower in (False, True):
        sign = -1 if lower else 1
        expected = {
            i
            for i, (cost, value) in enumerate(points)
            if not any(c <= cost and sign * v >= sign * value and (c, v) != (cost, value) for c, v in points)
        }
        assert set(pareto.front(points, lower=lower)) == expected


def test_equal_points_stand_on_the_front_together() -> None:
    assert pareto.front([(1, 0.5), (1, 0.5), (2, 0.4)]) == [0, 1]


# -- axes ------------------------------------------------------------------------------------------------------


def test_axes_hold_their_values_between_round_numbers() -> None:
    axis = charts_axes.linear("x", [35.2, 71.0])
    assert axis.ticks == (30, 40, 50, 60, 70, 80)
    assert axis.share(30) == 0
    assert axis.share(80) == 1
    assert charts_axes.linear("x", [5, 5]).low < 5 < charts_axes.linear("x", [5, 5]).high


def test_costs_are_logarithmic_where_they_span_much_and_have_room_for_nothing() -> None:
    assert charts_axes.costs("x", [1, 3]).scale == "linear"
    assert charts_axes.costs("x", [0.02, 30]).ticks == (0.01, 0.1, 1, 10, 100)
    free = charts_axes.costs("x", [0, 0.02, 30])
    assert (free.scale, free.ticks[0]) == ("symlog", 0)
    assert 0 < free.share(0.02) < free.share(30) < 1
    assert charts_axes.costs("x", [0, 0]).scale == "linear"


def test_an_axis_around_zero_is_as_long_on_both_sides() -> None:
    axis = charts_axes.around_zero("x", [3.1, -8], high=100)
    assert axis.low == -axis.high
    assert charts_axes.around_zero("x", [100.0], high=100).high == 100
    assert charts_axes.around_zero("x", []).high > 0


# -- charts ----------------------------------------------------------------------------------------------------


def test_every_judge_is_a_point_where_its_numbers_put_it() -> None:
    cost, bias = drawn(*THREE).charts
    for chart in (cost, bias):
        points = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in parsed(chart).iter("circle")]
        assert len(points) == 3
    width, height = charts_vega.size()
    best = parsed(cost).find("g[@class='best']")
    assert best is not None
    assert len(best.findall("a")) == 2
    for link, (price, value) in zip(best, ((10.0, 70.0), (1.0, 50.0)), strict=True):
        circle = link.find("circle")
        assert circle is not None
        assert float(circle.get("cx", "")) == pytest.approx(charts_vega.LEFT + cost.x.share(price) * width, abs=0.6)
        high = charts_vega.TOP + (1 - cost.y.share(value)) * height
        assert float(circle.get("cy", "")) == pytest.approx(high, abs=0.6)


def test_points_lead_to_the_judges_and_say_their_numbers() -> None:
    cost, _ = drawn(*THREE).charts
    links = {link.get("href"): link.findtext("title") or "" for link in parsed(cost).iter("a")}
    assert set(links) == {f"../judges/{name}.html" for name in ("cheap", "dear", "beaten")}
    assert "70.0 [65.0, 75.0], 10 USD per 1,000 judgments" in links["../judges/dear.html"]
    assert all(link.get("tabindex") == "-1" for link in parsed(cost).iter("a"))


def test_the_chart_is_told_in_words() -> None:
    cost, bias = drawn(*THREE, priced("free of price", 0.55, None)).charts
    assert "cheap 50.0 % [45.0, 55.0] for 1 USD; dear 70.0 %" in cost.says
    assert "beaten" not in cost.says
    assert "1 of 4 results have no known cost" in cost.note
    assert bias.says.startswith("4 judges, position bias from 10")


def test_too_few_points_are_no_chart_but_a_reason() -> None:
    found = drawn(priced("a", 0.5, 1.0), priced("b", 0.6, None))
    assert found.charts == ()
    assert found.spots == ()
    assert "1 of 2 results in the ranking has a known cost" in found.missing[0]
    assert "2 of 2 results in the ranking have a position bias" in found.missing[1]


def test_only_the_ranking_is_drawn_and_the_floor_is_a_line() -> None:
    (bias,) = drawn(*gallery()).charts
    assert len(list(parsed(bias).iter("circle"))) == 4  # no null judge, no part of the task, no demonstration
    floor = parsed(bias).find("g[@class='floor']")
    assert floor is not None
    assert len(floor) == 1
    assert "Dashed" in bias.note


@pytest.mark.parametrize("value", [1e308, -1e308, 1e9])
def test_numbers_that_are_none_are_not_drawn(value: float) -> None:
    results = [*THREE, make_result("odd", value, cost=1.0), priced("odd price", 0.5, value)]
    cost, _ = drawn(*results).charts
    assert len(list(parsed(cost).iter("circle"))) == 3


def test_a_crowd_is_dots_and_its_best_and_its_front_are_links() -> None:
    crowd = [priced(f"judge-{n:03}", 0.3 + (n * 37 % 300) / 1000, 0.1 + n, n / 1000) for n in range(300)]
    found = drawn(*crowd)
    cost, bias = found.charts
    front = {f"../judges/{spot.name}.html" for spot in found.spots if spot.front}
    best = {f"../judges/{spot.name}.html" for spot in found.spots[: charts.LINKED]}
    assert front - best
    assert {a.get("href", "") for a in parsed(cost).iter("a")} == front | best
    assert {a.get("href", "") for a in parsed(bias).iter("a")} == best
    for chart, links in ((cost, len(front | best)), (bias, len(best))):
        dots = parsed(chart).find("g[@class='crowd']/path")
        assert dots is not None
        assert 0.9 * (300 - links) <= dots.get("d", "").count("M") <= 300 - links  # what is hidden is not drawn
        assert parsed(chart).find("g[@class='spans']") is None
        assert "Of 300 judges the best 30" in chart.note
        assert len(chart.body) < 15_000


def test_judges_that_are_no_crowd_are_all_links() -> None:
    some = [priced(f"judge-{n}", 0.3 + n / 1000, 0.1 + n, n / 1000) for n in range(charts.MANY)]
    for chart in drawn(*some).charts:
        assert len(list(parsed(chart).iter("circle"))) == charts.MANY
        assert "grey dots" not in chart.note


def test_the_floor_is_named_and_leads_to_its_judge() -> None:
    floor = [
        make_result(f"null-{n}", 0.2 + n / 10, cost=0.0, judge_fields={"kind": "null", "model": None}) for n in range(2)
    ]
    cost, _ = drawn(*THREE, *floor).charts
    line = parsed(cost).find("g[@class='floor']/a")
    assert line is not None
    assert line.get("href") == "../judges/null-1.html"
    assert (line.findtext("title") or "").startswith("null-1: 30.0")
    assert "Dashed: null-1, the best judge that does not weigh" in cost.note


SCALES = [
    charts_axes.linear("x", [0, 50]),
    charts_axes.costs("x", [0.02, 30]),
    charts_axes.costs("x", [0, 0.02, 30]),
    charts_axes.around_zero("x", [-7.0, 3.0]),
]


@pytest.mark.parametrize("x", SCALES, ids=[f"{number}-{axis.scale}" for number, axis in enumerate(SCALES)])
def test_marks_stand_where_vega_has_their_numbers(x: Axis) -> None:
    plane = Plane(x, charts_axes.linear("y", [20, 70]))
    root = ET.fromstring(f"<svg>{redraw(charts_vega.plane(plane.x, plane.y))}</svg>")
    texts = root.findall("g[@class='tick']/text")
    assert [text.text for text in texts] == [f"{tick:g}".replace("-", "−") for tick in (*x.ticks, *plane.y.ticks)]
    for text, tick in zip(texts, x.ticks, strict=False):
        assert float(text.get("x", "")) == pytest.approx(plane.at(tick, 20).x, abs=0.6)
    for text, tick in zip(texts[len(x.ticks) :], plane.y.ticks, strict=True):
        assert float(text.get("y", "")) == pytest.approx(plane.at(x.low, tick).y, abs=5)
    grid = root.find("g[@class='grid']/path")
    assert grid is not None
    upright = [
        float(left) for left, right in re.findall(r"M([\d.]+) [\d.]+L([\d.]+)", grid.get("d", "")) if left == right
    ]
    assert upright == pytest.approx([plane.at(tick, 20).x for tick in x.ticks], abs=1.1)  # Vega draws on whole pixels


def test_steps_hold_a_height_up_to_the_next_place() -> None:
    plane = Plane(charts_axes.linear("x", [0, 10]), charts_axes.linear("y", [0, 10]))
    points = [Point(0, 0, "a"), Point(5, 5, "b"), Point(10, 10, "c")]
    assert charts_marks.steps(plane, points) == '<g class="front"><path d="M40 260H220V141H400V22"/></g>\n'
    assert charts_marks.steps(plane, []) == ""
    assert charts_marks.crowd(plane, points[:2] * 2) == '<g class="crowd"><path d="M40 260h0M220 141h0"/></g>\n'
    assert charts_marks.crowd(plane, []) == ""


def test_few_judges_have_their_intervals() -> None:
    cost, _ = drawn(*THREE).charts
    spans = parsed(cost).find("g[@class='spans']/path")
    assert spans is not None
    (left, low, high), *others = re.findall(r"M([\d.]+) ([\d.]+)V([\d.]+)", spans.get("d", ""))
    assert len(others) == 2
    at = Plane(cost.x, cost.y).at
    assert float(left) == pytest.approx(at(10.0, 70.0).x, abs=0.1)
    assert (float(low), float(high)) == pytest.approx((at(1, 65.0).y, at(1, 75.0).y), abs=0.1)


# -- the map ---------------------------------------------------------------------------------------------------


def agreed(count: int) -> Agreement:
    kappa = np.linspace(-0.2, 1.0, count * count).reshape(count, count)
    kappa[1, 0] = np.nan
    return Agreement(tuple(f"r{n}" for n in range(count)), kappa, np.full((count, count), 7), 0)


@pytest.mark.parametrize("count", [3, charts_heat.WRITTEN, charts_heat.WRITTEN + 1, 30])
def test_the_map_has_every_pair_once_and_the_table_its_number(count: int) -> None:
    found = agreed(count)
    heat = charts_heat.heat(found, [f"<judge {n}>" for n in range(count)])
    root = ET.fromstring(f"<svg>{heat.body}</svg>")
    shades = [group for group in root if group.get("class", "").startswith("k")]
    cells = [cell for group in shades for path in group.findall("path") for cell in path.get("d", "").split("M")[1:]]
    assert len(cells) == len(set(cells)) == count * (count - 1) / 2
    texts = [text.text for group in shades for text in group.findall("text")]
    assert len(texts) == (len(cells) if count <= charts_heat.WRITTEN else 0)
    rows = ET.fromstring(f"<tbody>{heat.rows}</tbody>")
    assert [row.findtext("th/bdi") for row in rows] == [f"<judge {n}>" for n in range(count)]
    assert [len(row.findall("td")) for row in rows] == list(range(count))
    written = {(row, column): text for row, column, text, _, _ in found.cells}
    for at, row in enumerate(rows):
        assert [(td.text or "").strip() for td in row.findall("td")] == [written[at, k] for k in range(at)]
        assert [td.findtext("i") for td in row.findall("td")] == ["7"] * at
    assert len(heat.body) < 12_000


def test_the_cells_of_a_map_are_told_apart_once() -> None:
    found = agreed(5)
    assert found.cells is found.cells


def test_names_stand_inside_and_not_over_each_other() -> None:
    close = [priced(f"a-rather-long-name-{n}", 0.5 + n / 500, 1.0 + n) for n in range(8)]
    for chart in drawn(*close).charts:
        boxes = []
        sides = {side: parsed(chart).findall(f"g[@class='{side}']/text") for side in ("after", "before")}
        for side, text in [(side, text) for side, texts in sides.items() for text in texts]:
            left, wide = float(text.get("x", "")), 6.2 * len(text.text or "")
            left -= wide if side == "before" else 0
            assert left >= 0
            assert left + wide <= charts_vega.WIDTH
            boxes.append((left, left + wide, float(text.get("y", ""))))
        assert boxes
        for at, one in enumerate(boxes):
            assert not any(one[0] < o[1] and o[0] < one[1] and abs(one[2] - o[2]) < 12 for o in boxes[at + 1 :])


def test_the_same_results_give_the_same_bytes() -> None:
    assert [chart.body for chart in drawn(*THREE).charts] == [chart.body for chart in drawn(*reversed(THREE)).charts]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_inert(text: str) -> None:
    hostile = [make_result(f"{text}{n}", 0.5 + n / 10, cost=n + 1.0, judge_fields={"model": text}) for n in range(3)]
    for chart in drawn(*hostile).charts:
        root = parsed(chart)
        assert {element.tag for element in root.iter()} <= {"svg", "g", "path", "text", "a", "title", "circle"}
        names = {name for element in root.iter() for name in element.keys()}  # noqa: SIM118 - no mapping
        assert names <= {"class", "d", "x", "y", "text-anchor", "href", "tabindex", "cx", "cy", "r"}
        assert all(re.fullmatch(r"\.\./judges/[A-Za-z0-9._~-]+\.html", a.get("href", "")) for a in root.iter("a"))
        assert not any(c in chart.body for c in "\x00\x07\u202e\u200b")


# -- what comes through ----------------------------------------------------------------------------------------


def plane(inside: str, name: str = "role-axis-tick") -> str:
    return str(redraw(SVG.format(f'<g class="mark-x {name}">{inside}</g>')))


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<foreignObject><b/></foreignObject>",
        '<image href="https://example.org/x.png"/>',
        '<use href="#x"/>',
        "<style>*{}</style>",
        '<animate attributeName="href"/>',
        '<a href="javascript:alert(1)"><line x2="1"/></a>',
        '<path d="M0,0L1,1;alert(1)"/>',
    ],
)
def test_what_is_not_on_the_list_does_not_come_through(inside: str) -> None:
    assert plane(inside) == ""
    assert plane(inside + '<line x2="1"/>') == plane('<line x2="1"/>') != ""


def test_attributes_are_written_anew() -> None:
    line = '<line transform="translate(1,2)" x2="3" y2="-1" id="x" onload="alert(1)" style="fill:url(x)" stroke="red"/>'
    assert plane(line * 2) == '<g class="edge"><path d="M1 2L4 1M1 2L4 1"/></g>\n'
    assert plane('<line x2="1e400;" y2="x"/>') == '<g class="edge"><path d="M0 0L0 0"/></g>\n'
    assert plane('<text x="1" text-anchor="evil" id="t">&lt;b&gt;</text>') == (
        '<g class="edge"><text x="0" y="0">&lt;b&gt;</text></g>\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<svg",
        "<html/>",
        "<!DOCTYPE svg>" + SVG,
        '<?xml version="1.0"?>' + SVG,
        SVG.format("x" * charts_svg.LARGEST),
    ],
)
def test_what_is_no_plain_drawing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain SVG"):
        redraw(text)


def test_layers_that_are_not_asked_for_are_left_out() -> None:
    assert plane('<line x2="1"/>', "mark-symbol") == ""
