"""What a journal says of its batches."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import RunError
from judgebench.records import Judgment, Reply, Trial, Verdict
from judgebench.run.batches import Batch, read_batches, sample_name
from judgebench.run.store import Store, journal_lines
from test_spec import make_spec

TRIAL = Trial(item="item", order=(0, 1))
ONE = sample_name("r1", TRIAL.key, 0)
TWO = sample_name("r2", TRIAL.key, 0)
OTHER = sample_name("r1", "other", 0)
BATCH = Batch("b1", "openai/m", (ONE, TWO, OTHER))


def reply(sample: str) -> dict[str, Any]:
    request, trial, nth = sample.split("-")
    return {"kind": "reply", "trial": trial, "request": request, "nth": int(nth), "reply": {}}


def test_names_fit_every_provider() -> None:
    name = sample_name("0" * 16, "f" * 16, 10**9)
    assert len(name) <= 64
    assert name.replace("-", "").isalnum()


def test_samples_wait_until_their_reply_is_journaled() -> None:
    found = read_batches([BATCH.line(), reply(ONE)])
    assert found.waiting == {TWO: "b1", OTHER: "b1"}
    assert (found.left(BATCH), found.open()) == (2, [BATCH])


def test_nobody_waits_for_a_judged_trial() -> None:
    judged = {"kind": "judgment", "trial": TRIAL.key}
    assert read_batches([BATCH.line(), judged]).waiting == {OTHER: "b1"}
    assert read_batches([BATCH.line(), judged, reply(OTHER)]).open() == []


def test_a_sample_asked_again_waits_for_the_later_batch() -> None:
    again = Batch("b2", "openai/m", (TWO,))
    found = read_batches([BATCH.line(), reply(ONE), reply(OTHER), again.line()])
    assert found.waiting == {TWO: "b2"}
    assert found.open() == [again]
    assert found.left(BATCH) == 0


def test_a_canceled_batch_is_not_open_but_known() -> None:
    found = read_batches([BATCH.line(), {"kind": "batch", "id": "b1", "canceled": True}])
    assert found.open() == []
    assert found.by_id["b1"].canceled
    assert found.left(BATCH) == 3


def test_the_store_keeps_batches_from_one_session_to_the_next(tmp_path: Path) -> None:
    with Store(tmp_path, make_spec()) as first:
        first.add_batch(BATCH)
        first.add_reply(TRIAL.key, "r1", 0, Reply(text="hm", cost=0.25))
    with Store(tmp_path, make_spec()) as second:
        assert second.batches.waiting == {TWO: "b1", OTHER: "b1"}
        assert second.spent == 0.25
        second.add_judgment(Judgment(trial=TRIAL, verdict=Verdict(preference="A>B")))
        second.cancel_batch("b1")
    with Store(tmp_path, make_spec()) as third:
        assert third.batches.waiting == {OTHER: "b1"}
        assert third.batches.open() == []
        assert third.done == {TRIAL.key}


def test_a_batch_remembers_when_it_was_submitted_where_its_journal_says(tmp_path: Path) -> None:
    dated = replace(BATCH, id="b2", submitted=1764000000.5)
    assert [Batch.of_line(batch.line()) for batch in (BATCH, dated)] == [BATCH, dated]
    with Store(tmp_path, make_spec()) as first:
        first.add_batch(dated)
    with Store(tmp_path, make_spec()) as second:
        assert second.batches.by_id["b2"].submitted == 1764000000.5


def test_a_journal_without_batches_has_none(tmp_path: Path) -> None:
    with Store(tmp_path, make_spec()) as store:
        assert (store.batches.by_id, store.batches.open()) == ({}, [])


def test_a_submitted_batch_is_on_disk_before_anything_else_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    with Store(tmp_path, make_spec()) as store:
        monkeypatch.setattr("os.fsync", synced.append)
        store.add_batch(BATCH)
        assert len(synced) == 1
    assert [line["kind"] for line in journal_lines(tmp_path / "journal.jsonl")] == ["batch"]


def test_a_batch_line_without_id_is_damaged(tmp_path: Path) -> None:
    with Store(tmp_path, make_spec()):
        pass
    (tmp_path / "journal.jsonl").write_bytes(b'{"kind":"batch","trial":"x"}\n')
    with pytest.raises(RunError, match=r"journal.jsonl:1 is damaged"), Store(tmp_path, make_spec()):
        pass
