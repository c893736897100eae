"""Charts of a task: which judges are drawn, where, in what words; and that a drawing is nothing but a drawing."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from browser.boards import gallery, make_result
from browser.outline import HOSTILE

from judgebench.leaderboard import charts, charts_axes, charts_svg, charts_vega, data, pareto
from judgebench.leaderboard.charts_svg import Link, redraw
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
    width, height = charts_vega.plane()
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


def test_a_crowd_is_drawn_without_intervals_and_small_enough() -> None:
    crowd = [priced(f"judge-{n}", 0.3 + n / 1000, 0.1 + n, n / 1000) for n in range(300)]
    cost, bias = drawn(*crowd).charts
    assert len(list(parsed(cost).iter("circle"))) == 300
    assert parsed(cost).find("g[@class='spans']") is None
    assert len(cost.body) + len(bias.body) < 120_000


def test_names_stand_inside_and_not_over_each_other() -> None:
    close = [priced(f"a-rather-long-name-{n}", 0.5 + n / 500, 1.0 + n) for n in range(8)]
    for chart in drawn(*close).charts:
        boxes = []
        for text in [
            *parsed(chart).findall("g[@class='after']/text"),
            *parsed(chart).findall("g[@class='before']/text"),
        ]:
            left, wide = float(text.get("x", "")), 6.2 * len(text.text or "")
            left -= wide if text.get("text-anchor") == "end" else 0
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


def marks(inside: str, name: str = "dots") -> str:
    return str(redraw(SVG.format(f'<g class="mark-x {name}_marks">{inside}</g>'), ("dots",), names={}, links=LINKS))


LINKS = {"k": Link("../judges/a.html", "a < b")}


def test_a_link_is_taken_from_our_own_list_only() -> None:
    point = '<path transform="translate(3,4)" d="M1,0"/>'
    assert marks(f'<a href="k">{point}</a>') == (
        '<g class="dots"><a href="../judges/a.html" tabindex="-1"><title>a &lt; b</title>'
        '<circle cx="3" cy="4" r="4"/></a></g>'
    )
    assert marks(f'<a href="javascript:alert(1)">{point}</a>') == '<g class="dots"></g>'


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<foreignObject><b/></foreignObject>",
        '<image href="https://example.org/x.png"/>',
        '<use href="#x"/>',
        "<style>*{}</style>",
        '<animate attributeName="href"/>',
        '<path d="M0,0L1,1;alert(1)"/>',
        '<path d="url(#x)"/>',
    ],
)
def test_what_is_not_on_the_list_does_not_come_through(inside: str) -> None:
    found = marks(inside)
    assert found in ("", '<g class="dots"></g>', '<g class="dots"></g>'.strip())


def test_attributes_are_written_anew() -> None:
    line = '<line transform="translate(1,2)" x2="3" y2="-1" id="x" onload="alert(1)" style="fill:url(x)" stroke="red"/>'
    assert marks(line) == '<g class="dots"><path d="M1 2L4 1"/></g>'
    assert marks('<text x="1" text-anchor="evil" id="t">&lt;b&gt;</text>') == (
        '<g class="dots"><text x="0" y="0">&lt;b&gt;</text></g>'
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
        redraw(text, ("dots",), names={}, links={})


def test_layers_that_are_not_asked_for_are_left_out() -> None:
    assert marks('<line x2="1"/>', "other") == ""
