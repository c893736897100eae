"""Every metric of the catalogue as a formula, in plain text, beside the words that define it.

The catalogue says in words what is counted and what becomes of ties and unreadable replies; a formula says it once more
in symbols, which `NOTATION` explains. By `wording.anchor`, as a name can have several definitions.
"""

import re
from collections.abc import Callable

from judgebench.leaderboard.wording import anchor
from judgebench.metrics.catalogue import Definition

NOTATION = {
    "[ … ]": "1 where what stands in the brackets holds, else 0",
    "| … |": "how many there are; of a number, its distance from 0",
    "i, N": "one item; how many there are of those named",
    "t, T": "a judgment: one reply on an item, in one order and repeat; how many there are of those named",
    "b, B": "an item in one repeat, presented in several orders; those that count",
    "k, K": "a category; how many there are",
    "gᵢ": "gold: of pairs +1, −1 or 0 as the first or the second response is better, or neither; else a score",
    "vₜ": "the decision: +1, −1 or 0 as it is for the item's first or second response, or neither",
    "rₜ": "+1 where a decision agrees with gold, −1 where it contradicts it, 0 for other ties and what was not read",
    "aᵢ": "[Σₜ rₜ > 0] over the judgments of the item: the accuracy's rule",
    "s, r": "the decisions in the two orders: +1, −1 or 0 for the response presented first, second, or neither",
    "Jₜ, Gᵢ": "the judge's best candidates; those of gold",
    "sₜ, s̄ᵢ": "a score; its mean over the item's readable replies",
    "cₜ, n": "a confidence; how many readable judgments have one",
    "φⱼ, ρⱼ": "at the j-th threshold on confidence, the highest first: the share accepted; how much is wrong",
    "hᵢₐ, mᵢ, Jᵢ": "the label of an annotator, of their majority, of the judge",
    "nᵢₗ, nᵢ": "how many raters gave an item the label l; any label",
}
"""Symbols and what they stand for."""

_MACRO = "1/K · Σₖ 1/Nₖ · Σᵢ∈ₖ {}"
_KAPPA = "κ = (pₒ − pₑ) / (1 − pₑ), pₒ = share of equal labels, pₑ = Σₗ pₗ·qₗ of {}"
_ALPHA = "α = 1 − (n − 1)·(n − A) / (n² − Σₗ nₗ²), A = Σᵢ Σₗ nᵢₗ·(nᵢₗ − 1) / (nᵢ − 1), n = Σₗ nₗ, {}"
_ORDERED = "([s_x > s_y] + ½·[s_x = s_y])"
_PEARSON = "Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² · Σ (y − ȳ)²)"
_KENDALL = "(P − Q) / √((P + Q + X)·(P + Q + Y)), P, Q pairs in like and opposite order, X, Y tied in one"
_TRAPEZOIDS = "Σⱼ (φⱼ − φⱼ₋₁) · (ρⱼ + ρⱼ₋₁) / 2"
_AS_TIES = "0 for what was not read"
_LABELS = "l of the L labels that occur, judgments in the dataset's order"

EXACT = {
    "pairs-accuracy": "1/N · Σᵢ [Σₜ rₜ > 0]",
    "pairs-accuracy_macro": _MACRO.format("aᵢ"),
    "pairs-accuracy_strict": "1/N · Σᵢ Πₜ [rₜ = +1]",
    "pairs-accuracy_first_order": "Σₜ [rₜ = +1] / T, t in the dataset's order",
    "pairs-accuracy_averaged": "Σₜ [rₜ = +1] / T",
    "pairs-accuracy_of_readable": "Σᵢ aᵢ / N, i with every reply read",
    "pairs-consistency": "Σ_b [s + r = 0] / |B|, b read in both orders",
    "pairs-bias_first": "Σ_b [s + r > 0] / |B|, b read in both orders",
    "pairs-bias_second": "Σ_b [s + r < 0] / |B|, b read in both orders",
    "pairs-position_bias": "Σ_b ([s + r > 0] − [s + r < 0]) / |B|, b read in both orders",
    "pairs-tie_rate": "Σₜ [vₜ = 0] / T, t read",
    "any-unreadable_rate": "Σₜ [t not read] / T",
    "choice-best_accuracy": "1/N · Σᵢ meanₜ [Jₜ ∩ Gᵢ ≠ ∅] / |Jₜ|",
    "choice-best_accuracy_macro": _MACRO.format("meanₜ [Jₜ ∩ Gᵢ ≠ ∅] / |Jₜ|"),
    "choice-best_accuracy_of_readable": "1/N · Σᵢ meanₜ [Jₜ ∩ Gᵢ ≠ ∅] / |Jₜ|, i with every reply read",
    "choice-best_consistency": "Σ_b [Jₜ is the same for all t of b] / |B|, b read in two orders or more",
    "choice-pairwise_accuracy": f"Σᵢ meanₜ Σ {_ORDERED} / Σᵢ Σ 1, inner sums over candidates x, y of i with g_x > g_y",
    "choice-top1_agreement": "1/N · Σᵢ meanₜ |Jₜ ∩ Gᵢ| / |Jₜ|, i with gold scores",
    "choice-pearson": f"1/N · Σᵢ meanₜ r, r = {_PEARSON}, x the scores and y the gold of the candidates of i",
    "choice-spearman": "1/N · Σᵢ meanₜ ρ, ρ = Pearson's r of the candidates' ranks; equal ones share their mean rank",
    "choice-kendall": f"1/N · Σᵢ meanₜ τ, τ = {_KENDALL}, of the candidates of i",
    "pointwise-pearson": f"r = {_PEARSON}, x = s̄ᵢ, y = gᵢ",
    "pointwise-spearman": "ρ = Pearson's r of the ranks of s̄ᵢ and gᵢ; equal ones share their mean rank",
    "pointwise-kendall": f"τ = {_KENDALL}, of s̄ᵢ and gᵢ",
    "pointwise-mae": "1/N · Σᵢ |s̄ᵢ − gᵢ|, i with a readable score",
    "pointwise-exact_agreement": "1/N · Σᵢ meanₜ [sₜ = gᵢ]",
    "pointwise-pairwise_accuracy": f"Σ {_ORDERED} / Σ 1, over items x, y with g_x > g_y, s the s̄ᵢ",
    "pointwise-pairwise_accuracy_within": f"Σ {_ORDERED} / Σ 1, over x, y on one question with g_x > g_y, s the s̄ᵢ",
    "pairs-ece": "Σₖ nₖ/n · |āₖ − c̄ₖ|, k the bins ((k − 1)/10, k/10], āₖ the mean of [rₜ = +1] and c̄ₖ of cₜ in it",
    "pairs-brier": "1/n · Σₜ (cₜ − [rₜ = +1])²",
    "pairs-auroc": "1/(n₊·n₋) · Σ ([cₜ > cᵤ] + ½·[cₜ = cᵤ]), t of the n₊ right and u of the n₋ wrong judgments",
    "pairs-aurc": f"{_TRAPEZOIDS}, ρⱼ = wrong among accepted / accepted, φ₀ = 0, ρ₀ = ρ₁",
    "pairs-augrc": f"{_TRAPEZOIDS}, ρⱼ = wrong among accepted / n, φ₀ = 0, ρ₀ = 0",
    "pairs-accuracy_below_80": "Σₜ [rₜ = +1] / T, t with cₜ < 0.8",
    "pairs-accuracy_decided": "Σₜ [rₜ = +1] / T, t read with vₜ ≠ 0",
    "pairs-accuracy_parsed": "Σₜ [rₜ = +1] / T, t read",
    "pairs-accuracy_untied": "Σₜ [rₜ = +1] / T, t read with vₜ ≠ 0 and gᵢ ≠ 0",
    "pairs-agreement_majority": "1/N · Σᵢ [Jᵢ = mᵢ]",
    "pairs-annotators_agreement": "Σᵢ Σₗ nᵢₗ·(nᵢₗ − 1) / Σᵢ nᵢ·(nᵢ − 1)",
    "pairs-human_ceiling": "Σᵢ Σₐ [hᵢₐ = mᵢ] / Σᵢ nᵢ",
    "pairs-kappa_majority": _KAPPA.format("Jᵢ and mᵢ"),
    "pairs-annotators_kappa": "mean over pairs of annotators of " + _KAPPA.format("their labels"),
    "pairs-alpha_with_judge": _ALPHA.format("the judge one of the raters"),
    "pairs-alpha_annotators": _ALPHA.format("annotators alone"),
    "pairs-judgelm_consistency": "Σ_b [s + r = 0] / |B|, 0 for what was not read",
    "pairs-judgelm_bias_first": "Σ_b [s + r > 0] / |B|, 0 for what was not read",
    "pairs-judgelm_bias_second": "Σ_b [s + r < 0] / |B|, 0 for what was not read",
    "pairs-judgelm_delta_bias": "|Σ_b [s + r > 0] − Σ_b [s + r < 0]| / |B|, 0 for what was not read",
    "pairs-llmbar_correct_average": "Σₜ [vₜ = gᵢ] / T, a tie being a vote for the response presented second",
    "pairs-llmbar_correct_own": "Σₜ [vₜ = gᵢ] / T, t in the dataset's order, a tie as in the average",
    "pairs-llmbar_correct_swapped": "Σₜ [vₜ = gᵢ] / T, t in the swapped order, a tie as in the average",
    "pairs-llmbar_correct_both": "Σ_b Πₜ∈b [vₜ = gᵢ] / |B|, a tie as in the average",
    "pairs-llmbar_equal": "Σ_b [vₜ the same in both orders, or read in neither] / |B|, a tie as in the average",
    "pairs-llmbar_kappa_agreement": _KAPPA.format("[vₜ = +1] in the one order and in the other"),
    "pairs-autoj_agreement": "Σ_b Πₜ∈b [vₜ = gᵢ] / |B|, b in the orders that were presented",
    "pairs-autoj_consistency": "Σ_b [vₜ read and the same in both orders] / |B|",
    "pairs-rewardbench_score": "1/K · (Chat + Chat Hard + Safety + Reasoning), K of them with items",
    "choice-rewardbench2_score": _MACRO.format("meanₜ [Jₜ ∩ Gᵢ ≠ ∅] / |Jₜ|") + ", k a domain; in Ties the Ties score",
    "choice-rewardbench2_ties": "0.3·P(m > 0) + 0.3·P(m₁ > 0) + 0.2·P(m > s) + 0.2·P(min(m, m₁) > s) + "
    "0.01·mean tanh(min(m, m₁)/s − 1), m an item's margin, s its spread, m₁ the margin of its reference question",
}
"""Formulas of one metric each."""


def _percent(found: re.Match[str]) -> str:
    return f"{int(found[1]) / 100:g}"


_RM = "1/K · Σₖ 1/Nₖ · Σᵢ∈ₖ meanₜ mean [s_x > s_y], over right responses x and wrong ones y{}, k a domain"
_RM_STYLES = {
    "overall": " of any styles",
    "easy": ", x in a richer style than y",
    "normal": ", x in the style of y",
    "hard": ", x in a plainer style than y",
}
_FAMILIES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"any-unreadable_(\w+)", lambda found: f"Σₜ [t not read: {found[1]}] / T"),
    (r"pairs-accuracy_at_(\d+)", lambda found: f"Σₜ [rₜ = +1] / T, t with cₜ ≥ {_percent(found)}"),
    (r"pairs-coverage_at_(\d+)", lambda found: f"Σₜ [cₜ ≥ {_percent(found)}] / n"),
    (
        r"pairs-coverage_at_risk_(\d+)",
        lambda found: f"max {{φⱼ : ρⱼ ≤ {_percent(found)}}}, ρⱼ = wrong among accepted / accepted; 0 if there is none",
    ),
    (r"pairs-agreement_annotator_(\d+)", lambda found: f"Σᵢ [Jᵢ = hᵢₐ] / N, a = {found[1]}, i that a labelled"),
    (r"pairs-(?:judgelm|pandalm)_accuracy", lambda _: f"Σₜ [vₜ = gᵢ] / T, t in the dataset's order, {_AS_TIES}"),
    (r"pairs-(?:judgelm|pandalm)_precision", lambda _: f"1/L · Σₗ TPₗ / (TPₗ + FPₗ), {_LABELS}"),
    (r"pairs-(?:judgelm|pandalm)_recall", lambda _: f"1/L · Σₗ TPₗ / (TPₗ + FNₗ), {_LABELS}"),
    (r"pairs-(?:judgelm|pandalm)_f1", lambda _: f"1/L · Σₗ 2·TPₗ / (2·TPₗ + FPₗ + FNₗ), {_LABELS}"),
    (
        r"pairs-rewardbench_(?:chat|chat_hard|safety|reasoning)",
        lambda _: (
            "Σₖ wₖ·āₖ / Σₖ wₖ, k a subset of the section, āₖ the mean of its aᵢ, wₖ the authors' count of prompts"
        ),
    ),
    (r"choice-rm_bench_(\w+)_over_(\w+)", lambda found: _RM.format(f", x in style {found[1]}, y in style {found[2]}")),
    (r"choice-rm_bench_(\w+)", lambda found: _RM.format(_RM_STYLES[found[1]])),
)
"""Formulas of metrics that differ in a number or a word."""


def formula(known: Definition) -> str:
    """Return a metric's formula; "" where it has none, which a test forbids for those of the catalogue."""
    key = anchor(known)
    if key in EXACT:
        return EXACT[key]
    matches = ((re.fullmatch(pattern, key), write) for pattern, write in _FAMILIES)
    return next((write(found) for found, write in matches if found), "")
