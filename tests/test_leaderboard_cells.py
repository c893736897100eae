"""Numbers as text, and the words for them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.leaderboard import method
from judgebench.leaderboard.cells import DASH, MINUS, Cell, cell, number, percent
from judgebench.leaderboard.wording import (
    EVIDENCE,
    SHAPES,
    VIEWS,
    anchor,
    definition,
    in_order,
    is_share,
    kind_label,
    metric_words,
    shape_of,
)
from judgebench.metrics.catalogue import DEFINITIONS, Definition
from judgebench.results import Metric

ACCURACY = metric_words("accuracy")
MAE = metric_words("mae", "pointwise")


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (
            Metric(value=0.657142, n=350, low=0.60612, high=0.70614),
            Cell("65.7", "[60.6, 70.6]", "", "65.71 %", "", 0.6571, (60.6, 65.7, 70.6)),
        ),
        (Metric(value=-0.031, n=350), Cell(f"{MINUS}3.1", "", "", f"{MINUS}3.10 %", "", -0.031)),
        (Metric(value=-0.0001, n=350), Cell("0.0", "", "", f"{MINUS}0.01 %", "", -0.0001)),
        (Metric(value=0.5, n=10), Cell("50.0", "", "n = 10", "50.00 %", "", 0.5)),
        (Metric(value=0.5, n=350, coverage=0.5), Cell("50.0", "", "50.0 % covered", "50.00 %", "", 0.5)),
        (Metric(value=None, n=0), Cell(DASH, note="n = 0", missing="nothing to count (n = 0)")),
        (None, Cell(DASH, missing="not computed for this result")),
    ],
)
def test_a_cell_says_value_interval_and_what_it_rests_on(metric: Metric | None, expected: Cell) -> None:
    assert cell(metric, ACCURACY, 350, bar=True) == expected


def test_an_error_is_written_in_its_own_unit_and_has_no_bar() -> None:
    shown = cell(Metric(value=0.8432, n=9, low=0.75, high=0.9), MAE, 9, bar=True)
    assert (shown.value, shown.interval, shown.title, shown.bar) == ("0.843", "[0.750, 0.900]", "0.8432", None)


def test_a_correlation_has_a_bar_where_it_is_positive() -> None:
    words = metric_words("spearman", "pointwise")
    assert cell(Metric(value=0.5, n=9, low=0.4, high=0.6), words, bar=True).bar == (40.0, 50.0, 60.0)
    assert cell(Metric(value=0.1, n=9, low=-0.1, high=0.3), words, bar=True).bar is None
    assert cell(Metric(value=0.5, n=9, low=0.4, high=0.6), words).bar is None


@pytest.mark.parametrize(
    ("value", "share", "text"),
    [
        (0.5, True, "50.0"), (1.0, True, "100.0"), (-1.0, True, f"{MINUS}100.0"), (0.0, True, "0.0"),
        (0.5, False, "0.500"), (-0.25, False, f"{MINUS}0.250"), (12.345, False, "12.35"), (123.45, False, "123.5"),
        (-1e-9, False, "0.000"), (1.5e12, False, "1.5e+12"), (1.7e308, True, "inf"), (-3e7, False, f"{MINUS}3e+07"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str, *, share: bool) -> None:
    assert number(value, share=share) == text


@given(st.floats(-1, 1), st.integers(1, 3))
def test_percent_rounds_to_its_decimals(value: float, decimals: int) -> None:
    text = percent(value, decimals)
    assert math.isclose(float(text.replace(MINUS, "-")), 100 * value, abs_tol=0.5000001 * 10**-decimals)
    assert not text.startswith(MINUS) or float(text.replace(MINUS, "-")) < 0


# -- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", DEFINITIONS, ids=anchor)
def test_every_metric_of_the_catalogue_has_words(known: Definition) -> None:
    shape = "pairs" if known.applies == "any" else known.applies
    words = metric_words(known.name, shape)
    assert words.label
    assert known.formula in words.help
    assert words.view in VIEWS
    assert words.anchor == anchor(known)
    assert definition(known.name, shape) is known


@pytest.mark.parametrize(
    ("name", "shape", "share"),
    [
        ("accuracy", "pairs", True), ("position_bias", "pairs", True), ("accuracy_at_80", "pairs", True),
        ("coverage_at_risk_5", "pairs", True), ("best_accuracy", "choice", True), ("rewardbench2_score", "choice", True),
        ("ece", "pairs", False), ("auroc", "pairs", False), ("mae", "pointwise", False), ("spearman", "choice", False),
        ("rewardbench2_ties", "choice", False),
    ],
)  # fmt: skip
def test_only_shares_are_in_percent(name: str, shape: str, *, share: bool) -> None:
    known = definition(name, shape)
    assert known is not None
    assert is_share(known) is share


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("accuracy_strict", "rules"), ("consistency", "reliability"), ("best_consistency", "reliability"),
        ("unreadable_empty", "reliability"), ("ece", "certainty"), ("rewardbench_chat", "published"),
        ("somebody's own", "rules"),
    ],
)  # fmt: skip
def test_metrics_stand_in_their_view(name: str, view: str) -> None:
    assert metric_words(name).view == view


def test_one_name_may_have_a_definition_for_each_shape() -> None:
    choice, point = metric_words("pearson", "choice"), metric_words("pearson", "pointwise")
    assert choice.label == point.label
    assert choice.help != point.help
    assert choice.anchor != point.anchor


def test_names_stand_in_the_catalogues_order_with_the_headline_first() -> None:
    found = in_order(["zeta", "consistency", "accuracy", "mae", "alpha"], first="mae")
    assert found == ["mae", "accuracy", "consistency", "alpha", "zeta"]


def test_no_metrics_are_of_pairs() -> None:
    assert shape_of([]) == "pairs"
    assert shape_of(["unreadable_rate"]) == "pairs"
    assert set(SHAPES) == {"pairs", "choice", "pointwise"}


def test_kinds_and_evidence_have_words() -> None:
    assert kind_label("reward-model") == "reward model"
    assert kind_label("something new") == "something new"
    assert EVIDENCE.keys() == {"reproduced", "submitted", "imported", "reported"}


def test_the_page_on_methods_has_every_metric_once() -> None:
    sections = method.sections()
    listed = [known for _, _, definitions in sections for known in definitions]
    assert sorted(map(anchor, listed)) == sorted(map(anchor, DEFINITIONS))
    assert len({anchor(known) for known in listed}) == len(DEFINITIONS)
    assert [title for title, _, _ in sections][:2] == ["Pairs", "Pairs: certainty"]
    assert sections[-1][0] == "All tasks"
