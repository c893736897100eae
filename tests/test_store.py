import os
from pathlib import Path

import orjson
import pytest

from judgebench.errors import RunError
from judgebench.records import Fault, Judgment, Reply, Trial, Usage, Verdict
from judgebench.run import store
from judgebench.run.store import Store
from test_spec import make_spec

TRIAL = Trial(item="item", order=(0, 1))
VERDICT = Judgment(trial=TRIAL, verdict=Verdict(preference="A>B"), usage=Usage(input=3))


def open_store(directory: Path, **spec: object) -> Store:
    return Store(directory, make_spec(**spec))


def journal(directory: Path) -> Path:
    return directory / "journal.jsonl"


def test_the_directory_is_named_by_task_judge_and_spec() -> None:
    spec = make_spec()
    assert store.run_directory(Path("runs"), "t", "j", spec) == Path("runs/t/j") / spec.hash[:8]


def test_what_was_appended_is_there_when_opened_again(tmp_path: Path) -> None:
    with open_store(tmp_path) as first:
        first.add_reply(TRIAL.key, "req", 0, Reply(text="hm", seconds=1.5))
        first.add_judgment(VERDICT)
    with open_store(tmp_path) as second:
        assert second.done == {TRIAL.key}
        assert second.replies(TRIAL.key) == {}
    assert list(store.judgments(tmp_path)) == [VERDICT]


def test_replies_of_an_unfinished_trial_come_back_and_only_those(tmp_path: Path) -> None:
    other = Trial(item="other", order=(0, 1)).key
    with open_store(tmp_path) as first:
        first.add_reply(other, "req", 0, Reply(text="one"))
        first.add_reply(other, "req", 1, Reply(text=None, finish="length"))
        first.add_judgment(VERDICT)
    with open_store(tmp_path) as second:
        assert second.replies(other) == {
            ("req", 0): Reply(text="one"),
            ("req", 1): Reply(text=None, finish="length"),
        }
        assert second.replies(other) == {}


def test_every_line_is_written_at_once_and_survives_without_closing(tmp_path: Path) -> None:
    with open_store(tmp_path) as first:
        first.add_judgment(VERDICT)
        assert journal(tmp_path).read_bytes().endswith(b"\n")
        assert len(list(store.judgments(tmp_path))) == 1


@pytest.mark.parametrize("tail", [b'{"kind":"judg', b"{", b"\x00\x00", b'{"kind":"reply","trial":"x"}'])
def test_a_torn_last_line_is_dropped_and_nothing_else(tmp_path: Path, tail: bytes) -> None:
    with open_store(tmp_path) as first:
        first.add_judgment(VERDICT)
    whole = journal(tmp_path).read_bytes()
    journal(tmp_path).write_bytes(whole + tail)
    with open_store(tmp_path) as second:
        assert second.done == {TRIAL.key}
        second.add_judgment(Judgment(trial=Trial(item="b", order=(0, 1)), fault=Fault(kind="empty")))
    assert journal(tmp_path).read_bytes().startswith(whole)
    assert len(list(store.judgments(tmp_path))) == 2


def test_a_journal_that_is_one_torn_line_is_empty(tmp_path: Path) -> None:
    with open_store(tmp_path):
        pass
    journal(tmp_path).write_bytes(b'{"kind"' * 20_000)
    with open_store(tmp_path) as again:
        assert again.done == set()
    assert journal(tmp_path).read_bytes() == b""


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b'{"kind":"judgment"}\n', b"7\n"])
def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, line: bytes) -> None:
    with open_store(tmp_path) as first:
        first.add_judgment(VERDICT)
    journal(tmp_path).write_bytes(line + journal(tmp_path).read_bytes())
    with pytest.raises(RunError, match=r"journal.jsonl:1 is damaged"), open_store(tmp_path):
        pass


def test_a_trial_judged_twice_counts_once(tmp_path: Path) -> None:
    with open_store(tmp_path) as first:
        first.add_judgment(VERDICT)
        first.add_judgment(Judgment(trial=TRIAL, fault=Fault(kind="empty")))
    assert list(store.judgments(tmp_path)) == [VERDICT]


def test_two_processes_cannot_share_a_run(tmp_path: Path) -> None:
    with (
        open_store(tmp_path),
        pytest.raises(RunError, match="another process is running in"),
        open_store(tmp_path),
    ):
        pass
    with open_store(tmp_path):  # released again
        pass


def test_another_spec_is_refused_naming_the_field(tmp_path: Path) -> None:
    with open_store(tmp_path):
        pass
    with (
        pytest.raises(RunError, match=r"was started with another limit, seed\."),
        open_store(tmp_path, seed=1, limit=9),
    ):
        pass


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense"])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"manifest.json is damaged"):
        store.read_manifest(tmp_path)


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run directory"):
        store.read_manifest(tmp_path)


def test_a_run_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RunError, match="cannot use run directory .*: Not a directory"),
        open_store(tmp_path / "file" / "run"),
    ):
        pass


def test_a_full_disk_leaves_only_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = os.write, []

    def half(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with open_store(tmp_path) as first:
        first.add_judgment(VERDICT)
        before = journal(tmp_path).read_bytes()
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(RunError, match=r"cannot write .*journal.jsonl: No space left on device. Once it can be"):
            first.add_judgment(VERDICT)
        monkeypatch.undo()
    assert journal(tmp_path).read_bytes() == before


def test_a_line_that_is_taken_in_parts_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with open_store(tmp_path) as first:
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
        first.add_judgment(VERDICT)
        monkeypatch.undo()
    assert list(store.judgments(tmp_path)) == [VERDICT]


def test_a_failed_sync_is_told_once_and_the_folder_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    one = open_store(tmp_path).__enter__()
    one.add_judgment(VERDICT)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match=r"cannot write .*journal.jsonl: Input/output error"):
        one.close()
    monkeypatch.undo()
    one.close()
    with open_store(tmp_path) as again:
        assert again.done == {TRIAL.key}


def test_atomic_writes_leave_the_old_file_when_they_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "result.json"
    store.write_atomic(path, b"old")

    def fail(*_args: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match=r"cannot write .*result.json: Input/output error"):
        store.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]


def test_replies_are_kept_verbatim(tmp_path: Path) -> None:
    text = "a\u2028b\n\x00\ttie 🙂 " + "x" * 200_000
    with open_store(tmp_path) as first:
        first.add_reply("t", "r", 0, Reply(text=text))
    (line,) = [orjson.loads(raw) for raw in journal(tmp_path).read_bytes().splitlines()]
    assert line["reply"]["text"] == text
