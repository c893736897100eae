"""Where gold comes from, what installed tasks pin, and what is judged again; files that change while they are read."""

import os
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest

from factories import make_item
from fakes.honest import (
    assembled,
    edit,
    edit_spec,
    honest,
    pairs,
    publish,
    recompute,
    rewrite,
    rows_of,
    run,
    spec_of,
)  # fmt: skip
from judgebench.hashing import sha256
from judgebench.records import Best, Candidate, Item
from judgebench.results import VerdictRow
from judgebench.sources import load_task
from judgebench.submissions import layout as layouts
from judgebench.submissions import reading, rules_evidence, rules_task
from judgebench.submissions.gold import Maker, shown_revision
from judgebench.submissions.layout import scan
from judgebench.submissions.reading import Refused, kind_of
from judgebench.submissions.rules_task import MOST_CANDIDATES, gold_bytes, read_gold
from judgebench.submissions.validate import validate
from judgebench.task import facts, gold_table, resolve


def found(path: Path, **options: Any) -> str:
    return "\n".join(map(str, validate(path.parents[1], [path], **options).findings))


def errors(path: Path, **options: Any) -> str:
    return "\n".join(map(str, validate(path.parents[1], [path], **options).errors))


# -- installed tasks ---------------------------------------------------------------------------------------


def judgelm(**changes: Any) -> dict[str, Any]:
    """Return what a spec says of a task of which the card pins the dataset and no gold table."""
    card, _ = resolve("judgelm-plain", None)
    assert card.hub is not None
    task = {
        "name": "judgelm-plain", "version": card.version, "revision": card.hub.revision, "headline": card.metric,
        "metric_sets": card.metric_sets,
    }  # fmt: skip
    return task | changes


def test_a_task_without_a_pinned_table_brings_its_own_and_is_flagged(tmp_path: Path) -> None:
    path = assembled(tmp_path, *pairs(4), task=judgelm())
    assert errors(path) == ""
    assert "judgelm-plain.gold.csv: flag: is the submitter's own: no table of this task is pinned. Compare it" in found(
        path
    )
    path.with_suffix(".gold.csv").unlink()
    assert "spec.task.fingerprint: judgebench brings no table of it, and none lies beside" in errors(path)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"revision": "0" * 40}, "spec.task.revision: is '000000000000000000000000"),
        ({"revision": None}, "spec.task.revision: is absent, the card pins"),
        ({"version": 9}, "spec.task.version: is 9, the installed card of judgelm has"),
        ({"headline": "accuracy"}, "spec.task.headline: is 'accuracy', the card of judgelm says 'judgelm_accuracy'"),
        ({"metric_sets": ()}, "spec.task.metric_sets: is (), the card of judgelm says ('judgelm',)"),
    ],
)
def test_what_the_card_of_a_task_pins_must_be_so(changes: dict[str, Any], problem: str, tmp_path: Path) -> None:
    assert problem in errors(assembled(tmp_path, *pairs(4), task=judgelm(**changes)))


def test_an_older_version_is_refused_when_new_and_flagged_when_merged(tmp_path: Path, monkeypatch: Any) -> None:
    card, split = resolve("judgelm-plain", None)
    newer = card.model_copy(update={"version": card.version + 1})
    monkeypatch.setattr(rules_task, "task_card", lambda name: (newer, split) if name == "judgelm-plain" else None)
    path = assembled(tmp_path, *pairs(4), task=judgelm())
    line = f"spec.task.version: {{}}is {card.version}, the installed card of judgelm has {card.version + 1}"
    assert line.format("flag: ") in found(path)
    assert errors(path) == ""
    assert line.format("") in errors(path, fresh=True)


# -- generated tasks ---------------------------------------------------------------------------------------


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    return publish(run("random", tmp_path / "runs", "verifiable", items=40, task_seed=3), tmp_path / "results")


def revised(path: Path, old: str, new: str) -> None:
    edit_spec(path, lambda spec: spec["task"].update(revision=spec["task"]["revision"].replace(old, new)))


def test_a_generated_task_with_gold_of_ones_own_is_refused(generated: Path) -> None:
    """Its table is not the submitter's to choose: not even one that lies beside with the right hash."""
    right = load_task("verifiable", drawn={"items": 40, "seed": 3}).items
    turned = [item.model_copy(update={"gold": item.gold.model_copy(update={"label": "A>B"})}) for item in right]
    table = gold_table(turned)
    generated.with_suffix(".gold.csv").write_bytes(table)
    edit_spec(generated, lambda spec: spec["task"].update(fingerprint=sha256(table)))
    recompute(generated, turned)
    assert "spec.task.fingerprint: is not that of the items which seed=3 items=40" in errors(generated)


def test_items_of_other_generators_cannot_be_made_here_and_come_from_beside(generated: Path) -> None:
    revised(generated, ":1", ":99")
    assert "spec.task.fingerprint: judgebench brings no table of it" in errors(generated)
    table = gold_table(load_task("verifiable", drawn={"items": 40, "seed": 3}).items)
    generated.with_suffix(".gold.csv").write_bytes(table)
    assert errors(generated) == ""
    assert "verifiable.gold.csv: flag: is the submitter's own" in found(generated)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("seed=", "sead=", "spec.task.revision: does not say how the items are made"),
        ("items=40", "items=4", "spec.task.revision: cannot be made again: 4 items are too few"),
        ("items=40", "items=99998", "spec.task.revision: asks for 99998 items; 20,000 is the most that is made again"),
        ("items=40", "items=38", "spec.task.fingerprint: is not that of the items which seed=3 items=38"),
    ],
)
def test_a_revision_must_lead_to_the_items(old: str, new: str, problem: str, generated: Path) -> None:
    revised(generated, old, new)
    assert problem.replace("99998", "99,998") in errors(generated)


def test_items_are_made_once_for_all_results(generated: Path) -> None:
    maker = Maker()
    revision = load_task("verifiable", drawn={"items": 40, "seed": 3}).revision
    assert revision is not None
    assert maker.items("verifiable", revision) is maker.items("verifiable", revision)
    assert maker.made == 40
    assert shown_revision(revision).startswith("seed=3 items=40 levels=")
    assert generated.exists()


# -- judged again --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("judge", ["longest", "equations", "random"])
@pytest.mark.parametrize("options", [{"items": 40}, {"items": 40, "repeats": 2, "seed": 5}])
def test_judges_without_a_model_are_judged_again_on_generated_items(
    judge: str, options: dict[str, Any], tmp_path: Path
) -> None:
    path = publish(run(judge, tmp_path / "runs", "verifiable", **options), tmp_path / "results")
    edit(path, lambda result: result.update(evidence="reproduced"))
    assert errors(path) == ""
    edit_spec(path, lambda spec: spec.update(seed=6))
    assert ("verdicts are not those of random" in errors(path)) == (judge == "random")


def floor(tmp_path: Path, candidates: int, name: str = "random", place: int = 0) -> Path:
    """Lay the verdicts of a null judge on items of n candidates, whose texts nobody has."""
    answers = tuple(Candidate(content=str(number)) for number in range(candidates))
    items = [make_item(n, candidates=answers, gold=Best(indices=(n % candidates,))) for n in range(12)]
    own = tuple(range(candidates))
    rows = [VerdictRow(item=item.id, order=order, best=(place,)) for item in items for order in (own, own[::-1])]
    judge = spec_of(name).model_dump()
    return assembled(tmp_path, items, rows, judge=judge, task={"headline": "best_accuracy"}, evidence="reproduced")


@pytest.mark.parametrize("candidates", [3, 5])
def test_floors_of_several_candidates_are_judged_again_without_texts(candidates: int, tmp_path: Path) -> None:
    assert errors(floor(tmp_path / "a", candidates, "always-first")) == ""
    assert errors(floor(tmp_path / "b", candidates, "always-second", place=1)) == ""
    assert "24 verdicts are not those of always-second" in errors(floor(tmp_path / "c", candidates, "always-second"))
    assert "verdicts are not those of random" in errors(floor(tmp_path / "d", candidates))


def test_a_judge_of_lengths_needs_texts_to_be_reproduced(tmp_path: Path) -> None:
    path = floor(tmp_path, 3, "longest")
    edit_spec(path, lambda spec: spec["judge"].update(order_independent=True))
    rewrite(path, [row for row in rows_of(path) if row.order == (0, 1, 2)])
    items = [
        Item(id=row.item, task="", category="math", source_id=f"q{n}", turns=(), candidates=(Candidate(content=""),) * 3,
             gold=row.gold)
        for n, row in enumerate(read_gold(path.with_suffix(".gold.csv"), fingerprint(path)))
    ]  # fmt: skip
    recompute(path, items)
    assert "evidence: is reproduced, which is for judges that this check can run" in errors(path)


def fingerprint(path: Path) -> str:
    return str(orjson.loads(path.read_bytes())["spec"]["task"]["fingerprint"])


def test_what_is_too_long_to_be_judged_again_is_not_reproduced(tmp_path: Path, monkeypatch: Any) -> None:
    path = honest(tmp_path, "random")
    edit(path, lambda result: result.update(evidence="reproduced"))
    monkeypatch.setattr(rules_evidence, "MOST_TRIALS", 10)
    assert "evidence: is reproduced, which is for judges that this check can run" in errors(path)


# -- gold tables -------------------------------------------------------------------------------------------


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    items = [make_item(n, "A>B", traits={"difficulty": float(n)}) for n in range(5)]
    table = gold_table(items)
    (tmp_path / "x.csv").write_bytes(table)
    rows = read_gold(tmp_path / "x.csv", sha256(table))
    assert rows == facts(items)
    assert gold_bytes(rows) == table
    with pytest.raises(Refused, match="is not the table of spec.task.fingerprint"):
        read_gold(tmp_path / "x.csv", "0" * 64)


def test_gold_of_too_many_candidates_is_refused(tmp_path: Path) -> None:
    for index, ok in ((MOST_CANDIDATES - 1, True), (MOST_CANDIDATES, False), (-1, False)):
        table = gold_table([make_item(gold=Best(indices=(index,)))])
        (tmp_path / "x.csv").write_bytes(table)
        if ok:
            assert len(read_gold(tmp_path / "x.csv", sha256(table))) == 1
        else:
            with pytest.raises(Refused, match="gold's indices are not different numbers from 0 to 127"):
                read_gold(tmp_path / "x.csv", sha256(table))


# -- files ---------------------------------------------------------------------------------------------------


def test_a_file_that_becomes_a_link_after_the_first_look_is_not_followed(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "secret").write_text("hunter2")
    path = tmp_path / "result.json"
    path.symlink_to(tmp_path / "secret")
    regular = (tmp_path / "secret").lstat()
    monkeypatch.setattr(Path, "lstat", lambda _self: regular)
    with pytest.raises(Refused, match="cannot be read"):
        reading.content(path, 100)


def test_a_file_that_becomes_a_pipe_after_the_first_look_does_not_block(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "regular").write_text("x")
    regular = (tmp_path / "regular").lstat()
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(Path, "lstat", lambda _self: regular)
    with pytest.raises(Refused):
        reading.content(tmp_path / "pipe", 100)


def test_a_file_that_grows_is_not_read_beyond_its_cap(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a" * 200)
    small = os.stat_result((stat.S_IFREG | 0o644, 0, 0, 1, 0, 0, 10, 0, 0, 0))
    monkeypatch.setattr(reading.os, "fstat", lambda _descriptor: small)
    with pytest.raises(Refused, match="has more than 100 bytes"):
        reading.content(path, 100)


def test_kinds_of_files_have_names() -> None:
    kinds = {
        stat.S_IFREG: "regular file",
        stat.S_IFDIR: "folder",
        stat.S_IFBLK: "device",
        stat.S_IFCHR: "device",
        0: "special file",
    }
    assert {mode: kind_of(mode) for mode in kinds} == kinds


def test_a_folder_of_too_many_files_is_not_gone_through(tmp_path: Path, monkeypatch: Any) -> None:
    honest(tmp_path, "longest")
    monkeypatch.setattr(layouts, "MOST_FILES", 1)
    assert [str(finding) for finding in scan(tmp_path / "results").findings] == [
        "results/longest: holds 2 files; 1 is the most"
    ]
