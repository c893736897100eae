"""The page on methods: no metric without words, formula and source, and formulas that say what the metrics compute."""

import re
from collections.abc import Callable
from html import unescape

import numpy as np
import pytest

from judgebench.leaderboard import formulas, method, page
from judgebench.leaderboard.formulas import EXACT, NOTATION, formula
from judgebench.leaderboard.wording import anchor
from judgebench.metrics import Table, certainty
from judgebench.metrics.catalogue import DEFINITIONS, Definition
from judgebench.metrics.statistic import Statistic
from judgebench.metrics.table import SIGN
from judgebench.records import FAULT_KINDS, Preference
from judgebench.results import VerdictRow
from judgebench.task import GoldRow
from metrics_tables import table

BY_ANCHOR = {anchor(known): known for known in DEFINITIONS}
OPERATORS = re.compile(r"[Σ/|]|max|min|mean")


# -- complete --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", DEFINITIONS, ids=anchor)
def test_every_metric_has_words_a_formula_and_a_source(known: Definition) -> None:
    assert known.formula.endswith(".")
    assert known.source
    assert known.unit
    assert OPERATORS.search(formula(known)), formula(known)
    assert "{" not in formula(known).replace("{φⱼ : ρⱼ", "")  # nothing is left to fill in
    for opened, closed in ("()", "[]"):
        half_open = anchor(known) == "pairs-ece"  # its bins are
        assert half_open or formula(known).count(opened) == formula(known).count(closed)


def test_no_formula_is_left_over_and_no_two_metrics_of_a_set_share_one() -> None:
    assert EXACT.keys() <= BY_ANCHOR.keys()
    for pattern, _ in formulas._FAMILIES:
        assert any(re.fullmatch(pattern, key) for key in BY_ANCHOR.keys() - EXACT.keys()), pattern
    for metric_set in {(known.applies, known.set) for known in DEFINITIONS}:
        written = [formula(known) for known in DEFINITIONS if (known.applies, known.set) == metric_set]
        twice = {one for one in written if written.count(one) > 1}
        assert all("subset of the section" in one for one in twice), twice


def test_what_the_catalogue_does_not_know_has_no_formula() -> None:
    known = DEFINITIONS[0]
    made_up = Definition("made_up", "", "", "", "higher", "", known.ratio)
    assert formula(made_up) == ""


def test_numbers_in_a_name_stand_in_its_formula() -> None:
    for percent in certainty.THRESHOLDS:
        assert f"≥ {percent / 100:g}" in formula(BY_ANCHOR[f"pairs-accuracy_at_{percent}"])
        assert f"≥ {percent / 100:g}" in formula(BY_ANCHOR[f"pairs-coverage_at_{percent}"])
    for percent in certainty.RISKS:
        assert f"≤ {percent / 100:g}}}" in formula(BY_ANCHOR[f"pairs-coverage_at_risk_{percent}"])
    for kind in FAULT_KINDS:
        assert kind in formula(BY_ANCHOR[f"any-unreadable_{kind}"])
    assert f"/{certainty.BINS}]" in formula(BY_ANCHOR["pairs-ece"])


def test_every_symbol_is_explained() -> None:
    explained = " ".join(NOTATION)
    for key, known in BY_ANCHOR.items():
        for symbol in set(re.findall(r"\b(?:gᵢ|vₜ|rₜ|aᵢ|cₜ|s̄ᵢ|sₜ|hᵢₐ|mᵢ|Jᵢ|Jₜ|Gᵢ|φⱼ|ρⱼ|nᵢₗ|nᵢ)", formula(known))):
            assert symbol in explained, (key, symbol)
    used = " ".join(formula(known) for known in DEFINITIONS)
    for symbols in list(NOTATION)[2:]:
        assert all(symbol.strip() in used for symbol in symbols.split(",")), symbols


# -- right -----------------------------------------------------------------------------------------------------

TABLE = table(
    (">", "><"), (">", ">>"), ("<", "<>"), ("<", "u<"), (">", "=="), ("<", "=>"), (">", "<>"), ("=", "=="), ("=", "><")
)
"""Right, torn, tied and unreadable ones; the swapped order's signs are as presented."""


def signs(made: Table) -> tuple[np.ndarray, np.ndarray]:
    """Return r and v of each judgment, by the notation's words."""
    gold = made.gold[made.item]
    decided = made.decided
    agrees = made.readable & (decided == gold)
    contradicts = made.readable & (decided != gold) & (decided != 0)
    return np.where(agrees, 1, np.where(contradicts, -1, 0)), decided


def both(made: Table) -> np.ndarray:
    """Return s + r of each item read in both orders, seen from the positions."""
    found = []
    for item in range(made.n_items):
        of_item = made.item == item
        if made.readable[of_item].all():
            found.append(made.first[of_item].sum())
    return np.array(found)


def per_item(made: Table, told: np.ndarray) -> list[np.ndarray]:
    return [told[made.item == item] for item in range(made.n_items)]


CHECKED: dict[str, tuple[str, Callable[[Table], float]]] = {
    "pairs-accuracy": (
        "1/N · Σᵢ [Σₜ rₜ > 0]", lambda t: float(np.mean([one.sum() > 0 for one in per_item(t, signs(t)[0])])),
    ),
    "pairs-accuracy_strict": (
        "1/N · Σᵢ Πₜ [rₜ = +1]", lambda t: float(np.mean([(one == 1).all() for one in per_item(t, signs(t)[0])])),
    ),
    "pairs-accuracy_averaged": ("Σₜ [rₜ = +1] / T", lambda t: float((signs(t)[0] == 1).mean())),
    "pairs-accuracy_of_readable": (
        "Σᵢ aᵢ / N, i with every reply read",
        lambda t: float(np.mean([
            one.sum() > 0 for one, read in zip(per_item(t, signs(t)[0]), per_item(t, t.readable), strict=True) if read.all()
        ])),
    ),
    "pairs-consistency": ("Σ_b [s + r = 0] / |B|, b read in both orders", lambda t: float((both(t) == 0).mean())),
    "pairs-bias_first": ("Σ_b [s + r > 0] / |B|, b read in both orders", lambda t: float((both(t) > 0).mean())),
    "pairs-position_bias": (
        "Σ_b ([s + r > 0] − [s + r < 0]) / |B|, b read in both orders",
        lambda t: float((both(t) > 0).mean() - (both(t) < 0).mean()),
    ),
    "pairs-tie_rate": ("Σₜ [vₜ = 0] / T, t read", lambda t: float((t.decided[t.readable] == 0).mean())),
    "any-unreadable_rate": ("Σₜ [t not read] / T", lambda t: float((~t.readable).mean())),
    "pairs-accuracy_decided": (
        "Σₜ [rₜ = +1] / T, t read with vₜ ≠ 0", lambda t: float((signs(t)[0][t.readable & (t.decided != 0)] == 1).mean()),
    ),
    "pairs-accuracy_parsed": ("Σₜ [rₜ = +1] / T, t read", lambda t: float((signs(t)[0][t.readable] == 1).mean())),
    "pairs-autoj_agreement": (
        "Σ_b Πₜ∈b [vₜ = gᵢ] / |B|, b in the orders that were presented",
        lambda t: float(np.mean([one.all() for one in per_item(t, t.readable & (t.decided == t.gold[t.item]))])),
    ),
    "pairs-llmbar_correct_average": (
        "Σₜ [vₜ = gᵢ] / T, a tie being a vote for the response presented second",
        lambda t: float((t.readable & (second_wins(t) == t.gold[t.item])).mean()),
    ),
}  # fmt: skip
"""Formulas as they stand, and what they say written out once more."""


def second_wins(made: Table) -> np.ndarray:
    return np.where(made.decided != 0, made.decided, np.where(made.own_order, -1, 1))


def value(key: str, made: Table) -> float:
    metric = BY_ANCHOR[key].ratio(made)
    assert metric is not None
    found = float(metric.batch(np.ones((1, made.n_items)))[0]) if isinstance(metric, Statistic) else metric.value
    assert found is not None
    return found


@pytest.mark.parametrize("key", CHECKED)
def test_a_formula_says_what_the_metric_computes(key: str) -> None:
    text, computed = CHECKED[key]
    assert formula(BY_ANCHOR[key]) == text
    assert value(key, TABLE) == pytest.approx(computed(TABLE), abs=1e-12)


def confident() -> Table:
    said = (0.2, 0.55, 0.6, 0.65, 0.8, 0.8, 0.95, 1.0)
    gold = [GoldRow(f"i{n}", "x", f"i{n}", Preference(label="A>B")) for n in range(len(said))]
    rows = [
        VerdictRow(item=f"i{n}", order=(0, 1), preference="A>B" if n % 3 else "B>A", confidence=c)
        for n, c in enumerate(said)
    ]
    return Table.make(gold, rows)


def test_formulas_of_certainty_say_what_the_metrics_compute() -> None:
    made = confident()
    c, right = made.confidence, made.right == SIGN["A>B"]
    bins = [np.flatnonzero(((k - 1) / 10 < c) & (c <= k / 10)) for k in range(1, 11)]
    ece = sum(len(b) / len(c) * abs(right[b].mean() - c[b].mean()) for b in bins if len(b))
    assert value("pairs-ece", made) == pytest.approx(ece)
    assert value("pairs-brier", made) == pytest.approx(((c - right) ** 2).mean())
    pairs = [(t > u) + (t == u) / 2 for t in c[right] for u in c[~right]]
    assert value("pairs-auroc", made) == pytest.approx(sum(pairs) / (right.sum() * (~right).sum()))
    phi, wrong = zip(
        *[((c >= j).mean(), (~right & (c >= j)).mean()) for j in sorted(set(c), reverse=True)], strict=True
    )
    risk = np.array(wrong) / np.array(phi)
    for key, rho in (("pairs-aurc", [risk[0], *risk]), ("pairs-augrc", [0, *wrong])):
        area = sum((b - a) * (x + y) / 2 for a, b, x, y in zip((0, *phi), phi, rho, rho[1:], strict=False))
        assert value(key, made) == pytest.approx(area)
    for percent in certainty.RISKS:
        known = max([p for p, r in zip(phi, risk, strict=True) if r <= percent / 100], default=0)
        assert value(f"pairs-coverage_at_risk_{percent}", made) == pytest.approx(known)


# -- on the page -----------------------------------------------------------------------------------------------


def test_the_page_shows_every_formula_beside_its_words_and_source() -> None:
    html = page.method_page("A board")
    sections = method.sections()
    assert sorted(anchor(known) for _, _, found in sections for known in found) == sorted(BY_ANCHOR)
    for known in DEFINITIONS:
        (entry,) = re.findall(rf'<div id="{re.escape(anchor(known))}">.*?</div>', html, re.DOTALL)
        said = unescape(re.sub(r"<[^>]*>", "", entry))
        for part in (known.name, known.formula, formula(known), known.source):
            assert part in said, (known.name, part)


def test_the_page_explains_curves_rank_ranges_and_notation() -> None:
    html = page.method_page("A board")
    ids = re.findall(r'id="([^"]*)"', html)
    assert len(set(ids)) == len(ids)
    for place in ("calibration", "comparing", "intervals", "notation", "levels"):
        assert place in ids
    text = unescape(re.sub(r"<[^>]*>", "", html))
    assert "1 + |{B : B better}| to J − |{B : B worse}|" in text
    assert "ECE = Σb (nb/n) · |rb − cb|" in text
    assert all(meaning in text for meaning in NOTATION.values())
