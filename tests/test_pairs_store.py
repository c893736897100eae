"""The build folder: lines by number, torn tails, and only places in memory."""

import os
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import RunError
from judgebench.pairs.records import Grade, Question, Response
from judgebench.pairs.store import BuildStore, Lines


def question(number: int) -> Question:
    return Question.make(
        key=str(number), source="s", category="c", prompt=f"{number}?", gold={"text": "x"}, grader=f"g{number % 2}"
    )


def response(number: int, sample: int = 0, **fields: Any) -> Response:
    return Response(question=question(number).id, text=f"text {number} {sample}", model="m", sample=sample, **fields)


def opened(folder: Path, **identity: Any) -> BuildStore:
    return BuildStore(folder, {"source": "s", **identity})


def test_lines_are_read_by_number_also_after_reopening(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "x.jsonl")
    assert [lines.append({"n": n, "text": "ä" * n}) for n in range(5)] == list(range(5))
    lines.close()
    lines.close()
    seen: list[tuple[int, Any]] = []
    again = Lines(tmp_path / "x.jsonl", lambda number, line: seen.append((number, line["n"])))
    assert seen == [(n, n) for n in range(5)]
    assert (len(again), again[3]) == (5, {"n": 3, "text": "äää"})
    again.clear()
    assert (len(again), again.append({"n": 9}), again[0]) == (0, 0, {"n": 9})
    again.close()


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_torn_tail_is_dropped(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":2}\n'[:-cut])
    lines = Lines(path)
    assert len(lines) == 1
    assert lines.append({"a": 3}) == 1
    assert path.read_bytes() == b'{"a":1}\n{"a":3}\n'
    lines.close()


@pytest.mark.parametrize("damage", [b"{,}\n", b"7\n", b"\n"])
def test_a_damaged_line_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a":1}\n' + damage)
    with pytest.raises(RunError, match=r"x\.jsonl:2 is damaged; restore it, or build into another folder"):
        Lines(path, lambda *_: None)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines(tmp_path / "x.jsonl")
    lines.append({"a": 1})
    write = os.write

    def full(file: int, data: bytes) -> int:
        if len(data) < 6:
            raise OSError(28, "No space left on device")
        return write(file, data[:4])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunError, match=r"cannot write .*x\.jsonl: No space left on device"):
        lines.append({"b": 2})
    monkeypatch.undo()
    assert lines.append({"c": 3}) == 1
    assert (tmp_path / "x.jsonl").read_bytes() == b'{"a":1}\n{"c":3}\n'
    lines.close()


def fill(store: BuildStore) -> None:
    for number in range(3):
        store.add_question(question(number))
    for number, sample in ((1, 0), (0, 1), (1, 2), (2, 0), (0, 0)):
        store.add_response(response(number, sample, cost=0.5))
    store.add_grade(0, Grade(outcome="wrong", grader="g1"))
    store.add_grade(0, Grade(outcome="right", grader="g1", version=2, answer="x", span=(1, 2)))


def look(store: BuildStore) -> dict[str, Any]:
    return {
        "answered": store.answered(3).tolist(),
        "of": [list(store.of_question(number, 9)) for number in range(3)],
        "few": [list(store.of_question(number, 1)) for number in range(3)],
        "grade": store.grade(0),
        "none": store.grade(1),
        "graders": [store.grader_of(number) for number in range(3)],
        "question": store.question(2),
        "owner": store.owner(3),
    }


def test_what_was_added_is_found_again_after_reopening(tmp_path: Path) -> None:
    with opened(tmp_path / "b") as store:
        fill(store)
        store.commit({"dropped": {"x": 1}})
        before = look(store)
        assert store.spent == 2.5
    assert before == {
        "answered": [[True, True, False], [True, False, True], [True, False, False]],
        "of": [[1, 4], [0, 2], [3]],
        "few": [[4], [0], [3]],
        "grade": Grade(outcome="right", grader="g1", version=2, answer="x", span=(1, 2)),
        "none": None,
        "graders": ["g0", "g1", "g0"],
        "question": question(2),
        "owner": 2,
    }
    with opened(tmp_path / "b") as store:
        assert look(store) == before
        assert store.reading == {"dropped": {"x": 1}}
        assert store.spent == 2.5
        store.start_over()
        assert (len(store.questions), len(store.responses), store.ids, store.graders) == (0, 0, {}, [])


def test_another_identity_is_refused_only_once_there_is_something(tmp_path: Path) -> None:
    with opened(tmp_path / "b", revision="1"):
        pass
    with opened(tmp_path / "b", revision="2") as store:
        assert store.reading is None
        store.commit({})
    with pytest.raises(RunError, match="was started with another revision"):
        opened(tmp_path / "b", revision="3").__enter__()
    (tmp_path / "b" / "manifest.json").write_text("{")
    with pytest.raises(RunError, match=r"manifest\.json is damaged"):
        opened(tmp_path / "b").__enter__()


def test_who_answers_may_change_until_somebody_has(tmp_path: Path) -> None:
    with opened(tmp_path / "b", sampling={"temperature": None}) as store:
        store.add_question(question(0))
        store.commit({"dropped": {}})
    with opened(tmp_path / "b", sampling={"temperature": 1.0}) as store:
        assert store.reading == {"dropped": {}}
        store.add_response(response(0))
    with pytest.raises(RunError, match=r"was started with another sampling\.temperature"):
        opened(tmp_path / "b", sampling={"temperature": None}).__enter__()
    with opened(tmp_path / "b", sampling={"temperature": 1.0}) as store:
        assert len(store.responses) == 1


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("a file")
    with pytest.raises(RunError, match="cannot use build folder"):
        opened(tmp_path / "b").__enter__()


def test_memory_is_a_few_bytes_a_response(tmp_path: Path) -> None:
    import tracemalloc

    with opened(tmp_path / "b") as store:
        for number in range(50):
            store.add_question(question(number))
        tracemalloc.start()
        for number in range(50):
            for sample in range(40):
                store.add_response(Response(question=question(number).id, text="x" * 2000, model="m", sample=sample))
                store.add_grade(number * 40 + sample, Grade(outcome="right", grader="g"))
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert held < 2000 * 100, f"{held / 2000:.0f} bytes a response of 2,000"
