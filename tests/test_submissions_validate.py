"""Validate: an honest result passes unchanged; an edited, dropped, flipped or borrowed one does not."""

import contextlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from factories import write_pairs
from fakes.honest import edit, edit_spec, honest, publish, recompute, rewrite, rows_of, run
from judgebench.records import FLIPPED
from judgebench.results import Result
from judgebench.sources import load_task
from judgebench.submissions.validate import validate
from judgebench.task import gold_table

ROOT = Path(__file__).parent.parent
NULL = ["always-first", "always-second", "random", "longest", "shortest", "equations"]


def errors(path: Path) -> str:
    """Return all errors of a result as lines."""
    return "\n".join(map(str, validate(path.parents[1], [path]).errors))


def flags(path: Path) -> str:
    return "\n".join(map(str, validate(path.parents[1], [path]).flags))


# -- honest ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("judge", ["pairwise", *NULL])
def test_an_honest_result_passes_unchanged(judge: str, tmp_path: Path) -> None:
    path = honest(tmp_path, judge)
    before = path.read_bytes()
    report = validate(tmp_path / "results")
    assert report.errors == ()
    assert report.checked == (f"results/{judge}/starter.json",)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "options", [{"orders": "first"}, {"repeats": 2}, {"seed": 7}, {"repeats": 3, "orders": "first"}]
)
@pytest.mark.parametrize("judge", ["random", "pairwise"])
def test_every_plan_of_a_whole_task_passes(judge: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = publish(run(judge, tmp_path / "runs", **options), tmp_path / "results")
    assert errors(path) == ""


def test_generated_items_are_made_again(tmp_path: Path) -> None:
    done = run("longest", tmp_path / "runs", "verifiable", items=40, task_seed=3)
    path = publish(done, tmp_path / "results")
    assert errors(path) == ""
    edit_spec(path, lambda spec: spec["task"].update(revision=spec["task"]["revision"].replace("seed=3", "seed=4")))
    assert "spec.task.fingerprint: is not that of the items which seed=4 items=40" in errors(path)


def test_an_own_task_brings_its_gold_and_is_flagged(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "own.jsonl", 8)
    path = publish(run("longest", tmp_path / "runs", str(pairs)), tmp_path / "results")
    assert "spec.task.fingerprint: judgebench brings no table of it, and none lies beside" in errors(path)
    table = path.with_suffix(".gold.csv")
    table.write_bytes(gold_table(load_task(str(pairs)).items))
    assert errors(path) == ""
    assert "own.gold.csv: flag: is the submitter's own" in flags(path)
    table.write_bytes(table.read_bytes().replace(b"A>B", b"B>A", 1))
    assert "own.gold.csv: is not the table of spec.task.fingerprint" in errors(path)


def test_a_table_beside_is_the_right_one_or_is_not_there(tmp_path: Path) -> None:
    path = honest(tmp_path)
    path.with_suffix(".gold.csv").write_bytes(gold_table(load_task("starter").items))
    assert "starter.gold.csv: is packaged with judgebench already. Remove this one" in errors(path)
    path = publish(run("longest", tmp_path / "runs", "verifiable", items=40), tmp_path / "results")
    table = path.with_suffix(".gold.csv")
    table.write_bytes(gold_table(load_task("verifiable", drawn={"items": 40}).items))
    assert errors(path) == ""
    table.write_bytes(table.read_bytes() + b"x")
    assert "verifiable.gold.csv: line 42: has no line break at its end" in errors(path)


@pytest.mark.skipif(not (ROOT / "results").is_dir(), reason="no results here")
def test_every_published_result_passes() -> None:
    report = validate(ROOT / "results")
    assert report.errors == ()
    assert len(report.checked) >= 36


# -- tampered ----------------------------------------------------------------------------------------------


def test_an_edit_in_the_seventh_digit_is_found(tmp_path: Path) -> None:
    path = honest(tmp_path)
    value = orjson.loads(path.read_bytes())["metrics"]["accuracy"]["value"]
    edit(path, lambda result: result["metrics"]["accuracy"].update(value=value + 1e-7))
    assert errors(path) == (
        f"results/pairwise/starter.json: metrics.accuracy.value: is {value + 1e-7!r}, recomputed {value!r}"
    )


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda r: r["metrics"]["accuracy"].update(low=0.2), "metrics.accuracy.low: is 0.2, recomputed 0.0625"),
        (lambda r: r["metrics"]["accuracy"].update(high=None), "metrics.accuracy.high: is absent, recomputed 0.25"),
        (lambda r: r["metrics"]["accuracy"].update(n=47), "metrics.accuracy.n: is 47, recomputed 48"),
        (lambda r: r["metrics"]["consistency"].update(coverage=0.9), "metrics.consistency.coverage: is 0.9, recomputed"),
        (lambda r: r["metrics"].pop("position_bias"), "metrics.position_bias: is missing"),
        (lambda r: r["metrics"].update(glory={"value": 1.0, "n": 48}), "metrics.glory: does not follow from the verdicts"),
        (lambda r: r["by_category"]["math"]["accuracy"].update(value=0.5), "by_category.math.accuracy.value: is 0.5"),
        (lambda r: r["by_category"].pop("coding"), "by_category.coding: is missing"),
        (lambda r: r["by_category"].update(poetry={}), "by_category.poetry: does not follow from the verdicts"),
        (lambda r: r["by_category"]["math"].pop("accuracy"), "by_category.math.accuracy: is missing"),
        (lambda r: r["counts"].update(verdicts=96, unparsed=0), "counts.verdicts: is 96, recounted"),
        (lambda r: r["counts"].update(trials=97), "counts: verdicts and faults are 96, trials are 97"),
        (lambda r: r["counts"].update(items=49), "counts.items: is 49; the gold table has 48 items"),
        (lambda r: r["counts"].update(refused=-1, empty=1), "counts.refused: is -1, which is no count"),
        (lambda r: r["verdicts"].update(rows=95), "verdicts.jsonl: has 96 rows; the result says 95"),
        (lambda r: r["verdicts"].update(sha256="0" * 64), "verdicts.jsonl: is not the file of verdicts.sha256"),
        (lambda r: r.update(spec_sha256="0" * 64), "spec_sha256: is not the hash of spec"),
        (lambda r: r["spec"]["judge"].update(parser_version=9), "spec_sha256: is not the hash of spec"),
        (lambda r: r.update(demonstration=True), "demonstration: is true: nothing was judged"),
        (lambda r: r.update(evidence="reproduced"), "evidence: is reproduced, which is for judges that this check can run"),
        (lambda r: r.update(evidence="imported"), "source: names nothing; importers write file and sha256"),
        (lambda r: r.update(evidence="verified"), "evidence: input should be 'submitted', 'reproduced' or 'imported'"),
        (lambda r: r.update(environment=None), "environment: is absent: a run says what it ran on"),
        (lambda r: r.update(source={"file": "x"}), "source: is for imported outputs"),
        (lambda r: r.update(started="2026-01-01"), "started: is '2026-01-01', no time like 2026-01-31T12:00:00+00:00"),
        (lambda r: r.update(finished="2020-01-01T00:00:00+00:00"), "finished: is -"),
        (lambda r: r.update(seconds=-1.0), "seconds: is -1.0; possible is 0 to"),
        (lambda r: r.update(cost=-0.01), "cost: is -0.01; possible is 0 to"),
        (lambda r: r["usage"].update(input=-5), "usage.input: is -5; possible is 0 to"),
        (lambda r: r["environment"].update(judgebench="mine"), "environment.judgebench: is 'mine', no version"),
        (lambda r: r["environment"].update(commit="main"), "environment.commit: is 'main', no commit's hash"),
        (lambda r: r["environment"].update(commit="0" * 40 + "-dirty"), "environment.commit: ends in -dirty"),
        (lambda r: r["environment"].update(backend={"cache": "/home/me/hub"}), "environment.backend.cache: names a folder"),
        (lambda r: r["environment"].update(backend={"key": "sk-" + "a" * 20}), "environment.backend.key: holds what looks"),
        (lambda r: r["environment"].update(packages={"numpy": "2;x"}), "environment.packages: 'numpy': '2;x' is no package"),
        (lambda r: r["environment"].update(backend=dict.fromkeys(map(str, range(101)), 1)), "environment.backend: holds 101"),
    ],
)  # fmt: skip
def test_an_edited_result_is_found(change: Any, found: str, tmp_path: Path) -> None:
    path = honest(tmp_path)
    edit(path, change)
    assert found in errors(path)


def test_more_reasoning_than_output_is_flagged(tmp_path: Path) -> None:
    path = honest(tmp_path)
    edit(path, lambda result: result["usage"].update(output=3, reasoning=4, cached=2))
    assert errors(path) == ""
    assert "usage.reasoning: flag: is 4, more than usage.output, 3, of which it is a part" in flags(path)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda s: s.update(limit=10), "spec.limit: is 10: a part of the task. Run eval without --limit"),
        (lambda s: s.update(categories=["math"]), "spec.categories: names a part of the task"),
        (lambda s: s.update(version=2), "spec.version: is 2; this judgebench reads 1"),
        (lambda s: s.update(repeats=2), "starter.verdicts.jsonl: 96 verdicts are missing, the first item"),
        (lambda s: s.update(repeats=0), "spec.repeats: is 0; 1 to 1000 is possible"),
        (lambda s: s.update(orders="first"), "48 verdicts are of orders or repeats that the spec does not ask for"),
        (lambda s: s["judge"].update(order_independent=True), "spec.judge.order_independent: is True, the card pairwise"),
        (lambda s: s["judge"].update(prompts={"user": "0" * 64}), "spec.judge.prompts: is {'user': '0000"),
        (lambda s: s["judge"].update(family="vanilla"), "spec.judge.family: is 'vanilla', the card pairwise has 'pairwise'"),
        (lambda s: s["judge"].update(parser_version=0), "spec.judge.parser_version: is 0, the card pairwise has"),
        (lambda s: s["judge"].update(params={"x": 1}), "spec.judge.params: are {'x': 1}, the card pairwise has {}"),
        (lambda s: s["judge"].update(revision="abc"), "spec.judge.revision: is 'abc', the card pairwise has absent"),
        (lambda s: s["judge"].update(model="openai/x"), "spec.judge.model: is 'openai/x', the card pairwise has None"),
        (lambda s: s["judge"].update(context={"limit": 9}), "spec.judge.context: is limit=9"),
        (lambda s: s["judge"].update(weights={"head": "x"}), "spec.judge.weights: are not those of the card pairwise"),
        (lambda s: s["judge"].update(kind="oracle"), "spec.judge.kind: unknown kind of judge"),
        (lambda s: s["judge"].update(conversion="dice"), "spec.judge.conversion: unknown conversion"),
        (lambda s: s["judge"].update(conversion="round-robin"), "spec.judge.order_independent: is False with round-robin"),
        (lambda s: s["judge"].update(endpoint="https://x"), "spec.judge.endpoint: is 'https://x', neither default nor"),
        (lambda s: s["judge"].update(model="scripted/x"), "demonstration: is false, but 'scripted/x' is a script"),
        (lambda s: s["judge"].update(name="other"), "spec.judge.name: is 'other', but the path says 'pairwise'"),
        (lambda s: s["task"].update(name="other"), "spec.task.name: is 'other', but the path says 'starter'"),
        (lambda s: s["task"].update(version=2), "spec.task.version: is 2, the installed card of starter has 1"),
        (lambda s: s["task"].update(fingerprint="0" * 64), "spec.task.fingerprint: is not that of starter"),
        (lambda s: s["task"].update(items=47), "spec.task.items: is 47; starter has 48"),
        (lambda s: s["task"].update(headline="accuracy_strict"), "spec.task.headline: is 'accuracy_strict', the card"),
        (lambda s: s["task"].update(headline="glory"), "spec.task.headline: unknown metric"),
        (lambda s: s["task"].update(metric_sets=["votes"]), "spec.task.metric_sets: is ('votes',), the card of starter"),
        (lambda s: s["task"].update(metric_sets=["nope"]), "spec.task.metric_sets: unknown set of metrics"),
    ],
)  # fmt: skip
def test_a_spec_edited_with_its_hash_is_found(change: Any, found: str, tmp_path: Path) -> None:
    path = honest(tmp_path)
    edit_spec(path, change)
    assert found in errors(path)


def test_a_dropped_verdict_is_found_even_with_all_numbers_made_to_fit(tmp_path: Path) -> None:
    path = honest(tmp_path)
    rows = rows_of(path)
    rewrite(path, rows[:10] + rows[11:])
    recompute(path, load_task("starter").items)
    edit(path, lambda result: result["counts"].update(items=48))
    item, order = rows[10].item, ",".join(map(str, rows[10].order))
    assert errors(path) == (
        f"results/pairwise/starter.verdicts.jsonl: 1 verdicts are missing, the first item {item}, order {order}, repeat 0"
    )


def test_a_verdict_given_twice_is_found(tmp_path: Path) -> None:
    path = honest(tmp_path)
    rows = rows_of(path)
    rewrite(path, [rows[0], rows[0], *rows[2:]])
    found = errors(path)
    assert f"item {rows[0].item}, order 0,1, repeat 0 stands there more than once" in found
    assert "1 verdicts are missing" in found


def test_flipped_verdicts_with_matching_counts_and_hash_are_found(tmp_path: Path) -> None:
    path = honest(tmp_path)
    rows = rows_of(path)
    number = next(n for n, row in enumerate(rows) if row.preference)
    rows[number] = rows[number].model_copy(update={"preference": FLIPPED[rows[number].preference]})
    rewrite(path, rows)
    found = errors(path)
    assert "counts" not in found
    assert "metrics.accuracy_averaged.value: is" in found


def test_a_forged_null_judge_is_found_even_with_all_numbers_made_to_fit(tmp_path: Path) -> None:
    path = honest(tmp_path, "random")
    rows = [row.model_copy(update={"preference": "A>B"}) for row in rows_of(path)]
    rewrite(path, rows)
    recompute(path, load_task("starter").items)
    assert "verdicts are not those of random; item" in errors(path)
    assert "is A>B, judged again B>A" in errors(path)


@pytest.mark.parametrize("judge", NULL)
def test_null_judges_and_rules_earn_reproduced(judge: str, tmp_path: Path) -> None:
    path = honest(tmp_path, judge)
    edit(path, lambda result: result.update(evidence="reproduced"))
    assert errors(path) == ""


def test_swapped_ids_are_found(tmp_path: Path) -> None:
    path = honest(tmp_path)
    rows = rows_of(path)
    one, two = rows[0].item, rows[2].item
    swapped = {one: two, two: one}
    rewrite(path, [row.model_copy(update={"item": swapped.get(row.item, row.item)}) for row in rows])
    assert "line 1: rows are not sorted by item, repeat and order" in errors(path)


def test_verdicts_of_another_task_are_found(tmp_path: Path) -> None:
    path = honest(tmp_path)
    other = publish(run("pairwise", tmp_path / "runs", "verifiable", items=40), tmp_path / "elsewhere")
    rewrite(path, rows_of(other))
    assert "verdicts are about items that the task does not have, the first" in errors(path)


def test_another_judges_result_in_ones_own_folder_is_found(tmp_path: Path) -> None:
    path = honest(tmp_path)
    other = honest(tmp_path / "other", "longest")
    path.write_bytes(other.read_bytes())
    found = errors(path)
    assert "spec.judge.name: is 'longest', but the path says 'pairwise'" in found
    assert "starter.verdicts.jsonl: has 96 rows; the result says 48" in found


# -- any one field -------------------------------------------------------------------------------------------

FREE = ("usage", "cost", "seconds", "started", "finished", "environment")
"""What only the submitter knows: these are checked for being possible, not for being so."""


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [leaf for key, one in inner for leaf in leaves(one, (*path, key))]


def other(value: Any, draw: Any) -> Any:
    """Return another value than this one: near to it, or of another kind."""
    near: list[Any] = [None, "x", [], {}, True, 0, 1.5]
    if isinstance(value, bool):
        near += [not value]
    elif isinstance(value, int | float):
        near += [value + 1, value - 1, value * (1 + 1e-7) + 1e-7, -value, str(value)]
    elif isinstance(value, str):
        near += [value + "x", value[:-1], value.upper(), value[::-1]]
    return draw(st.sampled_from([one for one in near if one != value or type(one) is not type(value)]))


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_one_field_that_is_changed_is_found_or_is_free(data: st.DataObject, tmp_path: Path) -> None:
    path = honest(tmp_path)
    before = path.read_bytes()
    result = orjson.loads(before)
    place = data.draw(st.sampled_from(leaves(result)))
    holder = result
    for key in place[:-1]:
        holder = holder[key]
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[place[-1]]
    else:
        holder[place[-1]] = other(holder[place[-1]], data.draw)
    changed = orjson.dumps(result)
    with contextlib.suppress(ValidationError):
        assume(Result.model_validate_json(changed, strict=True) != Result.model_validate_json(before))
    path.write_bytes(changed)
    found = errors(path)
    assert "our fault" not in found
    assert found or place[0] in FREE, place
