"""Anomalies: what is flagged for a person to look at, and what is not."""

from pathlib import Path
from typing import Any

import pytest

from fakes.honest import BOTH, assembled, honest, pairs, spec_of
from judgebench.records import Item, Usage
from judgebench.results import Environment, VerdictRow
from judgebench.submissions.validate import validate
from judgebench.task import resolve


def lines(path: Path, severity: str = "error") -> str:
    found = validate(path.parents[1], [path]).findings
    return "\n".join(str(finding) for finding in found if finding.severity == severity)


# -- anomalies ---------------------------------------------------------------------------------------------


def flags(path: Path) -> str:
    assert lines(path) == ""
    return lines(path, "flag")


def perfect(items: list[Item]) -> list[VerdictRow]:
    right = {"A>B": ("A>B", "B>A"), "B>A": ("B>A", "A>B")}
    return [
        VerdictRow(item=item.id, order=order, preference=said)
        for item in items for order, said in zip(BOTH, right[item.gold.label], strict=True)
    ]  # fmt: skip


def test_far_above_the_best_other_judge_is_flagged_with_both_intervals(tmp_path: Path) -> None:
    items, rows = pairs()
    other = assembled(tmp_path, items, rows, judge={"name": "other"})
    path = assembled(tmp_path, items, perfect(items))
    found = flags(path)
    assert (
        "metrics.accuracy.value: flag: 1.000 [0.912, 1.000] is far above the best other judge, other/toy.json with"
        in found
    )
    assert "metrics.accuracy.value: flag: is 1.0000: as good as gold itself" in found
    assert "far above" not in flags(other)


def test_floors_and_other_items_are_no_judges_to_be_compared_with(tmp_path: Path) -> None:
    items, rows = pairs()
    assembled(tmp_path, items, [r.model_copy(update={"preference": "A>B"}) for r in rows], judge={"name": "random", "family": "random", "kind": "null", "model": None})  # fmt: skip
    others, said = pairs(36)
    assembled(tmp_path, others, said, judge={"name": "other"})
    path = assembled(tmp_path, items, perfect(items))
    found = "\n".join(str(finding) for finding in validate(path.parents[1], [path]).flags)
    assert "far above" not in found


def test_verdicts_of_another_judge_are_flagged(tmp_path: Path) -> None:
    items, rows = pairs()
    assembled(tmp_path, items, rows, judge={"name": "other"})
    copied = [row.model_copy(update={"confidence": 0.5 + n / 1000}) for n, row in enumerate(rows)]
    assert "toy.verdicts.jsonl: flag: every verdict is that of other/toy.json" in flags(
        assembled(tmp_path, items, copied)
    )
    for number in range(3):
        assembled(tmp_path, items, rows, judge={"name": f"judge{number}"})
    found = flags(assembled(tmp_path, items, rows))
    assert "every verdict is that of judge0/toy.json, judge1/toy.json, judge2/toy.json and 1 more" in found
    changed = [rows[0].model_copy(update={"preference": "A=B"}), *rows[1:]]
    assert "every verdict" not in flags(assembled(tmp_path, items, changed))


@pytest.mark.parametrize(
    ("label", "found"),
    [
        (lambda _row: "A>B", "all 80 verdicts are the same, A>B, as presented"),
        (lambda row: "A>B" if row.order == (0, 1) else "B>A", "all 80 verdicts prefer the same place in the dataset's own"),
        (lambda _row: None, "counts.verdicts: flag: is 0 of 80 trials: most replies could not be read"),
    ],
)  # fmt: skip
def test_constant_verdicts_are_flagged(label: Any, found: str, tmp_path: Path) -> None:
    items, rows = pairs()
    said = [(row, label(row)) for row in rows]
    constant = [row.model_copy(update={"preference": one, "fault": None if one else "empty"}) for row, one in said]
    assert found in flags(assembled(tmp_path, items, constant))


def test_null_judges_may_be_constant_and_quick(tmp_path: Path) -> None:
    assert flags(honest(tmp_path, "always-first")) == ""


def test_a_judge_trained_on_the_task_is_flagged(tmp_path: Path) -> None:
    card, _ = resolve("judgelm-plain", None)
    assert card.hub is not None
    task = {
        "name": "judgelm-plain", "version": card.version, "revision": card.hub.revision, "headline": card.metric,
        "metric_sets": card.metric_sets,
    }  # fmt: skip
    found = flags(assembled(tmp_path, *pairs(), judge=spec_of("judgelm-7b").model_dump(), task=task))
    assert "spec.judge.name: flag: was trained on BAAI/JudgeLM-100K, from which this task is taken" in found
    assert "toy.gold.csv: flag: is the submitter's own" not in found
    found = flags(assembled(tmp_path, *pairs(), judge=spec_of("autoj-13b").model_dump(), task=task))
    assert "was trained on" not in found


def test_confidences_that_say_nothing_or_too_much_are_flagged(tmp_path: Path) -> None:
    items, rows = pairs(confidence=0.7)
    assert "flag: all 80 confidences are 0.7" in flags(assembled(tmp_path, items, rows))
    right = {(row.item, row.order): row.preference for row in perfect(items)}
    knowing = [
        row.model_copy(update={"confidence": 0.9 if right[row.item, row.order] == row.preference else 0.2 + n / 1000})
        for n, row in enumerate(rows)
    ]
    assert "confidences part right from wrong verdicts without an error" in flags(assembled(tmp_path, items, knowing))


def test_scores_that_say_the_opposite_are_flagged(tmp_path: Path) -> None:
    items, rows = pairs()
    scored = [row.model_copy(update={"scores": (1.0, 2.0)}) for row in rows]
    wrong = sum(row.preference == "A>B" for row in rows)
    assert f"flag: {wrong} verdicts prefer the response of the lower score" in flags(assembled(tmp_path, items, scored))
    equal = [row.model_copy(update={"scores": (1.0, 1.0)}) for row in rows]
    assert "lower score" not in flags(assembled(tmp_path, items, equal))


def test_impossible_speed_is_flagged(tmp_path: Path) -> None:
    found = flags(assembled(tmp_path, *pairs(), seconds=0.01))
    assert "seconds: flag: is 0.01 for 80 trials: impossible for a model" in found
    found = flags(assembled(tmp_path, *pairs(), seconds=2.0, usage=Usage(output=10_000_000)))
    assert "seconds: flag: is 2.0 for 10,000,000 tokens of output" in found
    assert "seconds" not in flags(assembled(tmp_path, *pairs()))


def test_another_version_and_a_time_to_come_are_flagged(tmp_path: Path) -> None:
    about = Environment(judgebench="99.0", python="3.12.1", platform="x")
    found = flags(
        assembled(
            tmp_path, *pairs(), environment=about, started="2999-01-01T00:00:00Z", finished="2999-01-02T00:00:00Z"
        )
    )
    assert "environment.judgebench: flag: is 99.0, this is" in found
    assert "started: flag: is '2999-01-01T00:00:00Z', which is yet to come" in found
