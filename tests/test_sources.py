import json
import sys
import types
from pathlib import Path

import pytest

from factories import pair_row, write_pairs
from judgebench import sources
from judgebench.errors import DataError, MissingPrerequisite, RowProblem, UsageError


def test_a_file_in_the_official_layout_is_a_task_of_its_own(tmp_path: Path) -> None:
    task = sources.load_task(str(write_pairs(tmp_path / "My pairs=1,x.jsonl", 4)))
    assert task.name == "my-pairs-1-x"
    assert [item.category for item in task.items] == ["knowledge", "reasoning", "math", "coding"]


def test_a_json_array_and_a_csv_hold_the_same_items(tmp_path: Path) -> None:
    rows = [{key: str(value) for key, value in pair_row(n).items()} for n in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    header = ",".join(rows[0])
    lines = [",".join(json.dumps(value) for value in row.values()) for row in rows]
    (tmp_path / "a.csv").write_text("\n".join([header, *lines]) + "\n")
    one, two = sources.load_task(str(tmp_path / "a.json")), sources.load_task(str(tmp_path / "a.csv"))
    assert [item.id for item in one.items] == [item.id for item in two.items]


def test_unusual_line_separators_inside_strings_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(pair_row(0, question="one\u2028two"), ensure_ascii=False) + "\n", "utf-8")
    assert sources.load_task(str(path)).items[0].turns[0].content == "one\u2028two"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b'{"a": 1}\n\xff\xfe{"b"', ":2: not UTF-8 at byte 9"),
        ("{}".encode("utf-16"), ":1: not UTF-8 at byte 0"),
        (b"[1, 2", "not a JSON array"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_line(data: bytes, message: str) -> None:
    with pytest.raises(DataError) as error:
        sources.rows(data, "f.jsonl")
    assert message in str(error.value)
    assert len(error.value.problems) == 1


def test_lines_that_are_not_objects_are_problems_in_their_place() -> None:
    found = sources.rows(b'{"a": 1}\nnot json\n[1]\n"x"\n\n{"b": 2}\n', "f.jsonl")
    assert [row.row for row in found if isinstance(row, RowProblem)] == [2, 3, 4]
    assert "expected a JSON object, found list" in str(found[2])


def test_deep_nesting_is_a_problem_not_a_crash() -> None:
    (problem,) = sources.rows(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "f.jsonl")
    assert isinstance(problem, RowProblem)


def test_csv_rows_of_another_width_are_problems() -> None:
    found = sources.rows(b"a,b\n1,2\n1\n1,2,3\n", "f.csv")
    assert [isinstance(row, RowProblem) for row in found] == [False, True, True]


def test_a_missing_file_says_so() -> None:
    with pytest.raises(UsageError, match="no such data file: nowhere.jsonl"):
        sources.load_task("nowhere.jsonl")


def test_two_data_files_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Leave one out"):
        sources.load_task("a.jsonl", data="b.jsonl")


def test_the_packaged_task_needs_nothing_and_ignores_the_data_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUDGEBENCH_DATA", "/nowhere/x.jsonl")
    task = sources.load_task("starter")
    assert len(task.items) >= 48
    assert task.fingerprint == task.card.splits["test"].gold


def test_data_that_only_claims_to_be_official_is_refused(tmp_path: Path) -> None:
    path = write_pairs(tmp_path / "x.jsonl")
    with pytest.raises(UsageError) as error:
        sources.load_task("judgebench", "gpt", str(path))
    assert "is not the known judgebench-gpt: 8 items, 350 of the 350 known ones missing" in str(error.value)
    assert f"--task {path}" in str(error.value)


def test_the_official_files_are_known_from_a_path_a_folder_and_the_variable(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shared_data / "judgebench" / "pairs"
    whole = sources.load_task("judgebench", "claude", str(folder))
    assert (whole.name, len(whole.items)) == ("judgebench-claude", 270)
    monkeypatch.setenv("JUDGEBENCH_DATA", str(folder))
    assert len(sources.load_task("judgebench-gpt").items) == 350


def test_one_changed_label_is_found_out(shared_data: Path, tmp_path: Path) -> None:
    official = next((shared_data / "judgebench" / "pairs").glob("*gpt-4o*")).read_text("utf-8")
    forged = tmp_path / "forged.jsonl"
    forged.write_text(official.replace('"label": "A>B"', '"label": "B>A"', 1), "utf-8")
    assert forged.read_text("utf-8") != official
    with pytest.raises(UsageError, match="is not the known judgebench-gpt"):
        sources.load_task("judgebench", "gpt", str(forged))


def test_a_folder_without_the_file_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file for judgebench \(gpt\).*judgebench-gpt.jsonl"):
        sources.load_task("judgebench", "gpt", str(tmp_path))


# -- cards of one's own ------------------------------------------------------------------------------------

CARD = """\
name: mine
title: Mine
adapter: pairs
splits: {test: {path: PATH}}
fields: {id: pair_id, response_a: response_A, response_b: response_B}
"""


def test_a_card_finds_its_file_beside_itself(tmp_path: Path) -> None:
    write_pairs(tmp_path / "p.jsonl", 3)
    (tmp_path / "mine.yaml").write_text(CARD.replace("PATH", "p.jsonl"))
    task = sources.load_task(str(tmp_path / "mine.yaml"))
    assert (task.name, len(task.items)) == ("mine", 3)


@pytest.mark.parametrize("path", ["../p.jsonl", "/etc/passwd"])
def test_a_card_cannot_point_outside_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "mine.yaml").write_text(CARD.replace("PATH", path))
    with pytest.raises(UsageError, match="leaves the card's folder"):
        sources.load_task(str(tmp_path / "mine.yaml"))


def test_a_card_takes_data_from_elsewhere_when_told(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(CARD.replace("PATH", "absent.jsonl"))
    assert (
        len(sources.load_task(str(tmp_path / "mine.yaml"), data=str(write_pairs(tmp_path / "q.jsonl", 2))).items) == 2
    )


def test_a_card_that_is_not_there_says_so() -> None:
    with pytest.raises(UsageError, match="cannot read task card nowhere.yaml"):
        sources.load_task("nowhere.yaml")


# -- the hub -------------------------------------------------------------------------------------------


def fake_hub(monkeypatch: pytest.MonkeyPatch, load: object) -> None:
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load))


def test_the_hub_is_asked_for_the_pinned_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def load(repo: str, config: str | None, **options: object) -> list[dict]:
        asked.update(options, repo=repo, config=config)
        return [pair_row(n) for n in range(3)]

    fake_hub(monkeypatch, load)
    with pytest.raises(UsageError, match="ScalerLab/JudgeBench is not the known judgebench-claude"):
        sources.load_task("judgebench", "claude")
    assert asked == {
        "repo": "ScalerLab/JudgeBench", "config": None, "split": "claude",
        "revision": "57dd5e0b9817d07f05ec8f45a91b2ce1e310e308",
    }  # fmt: skip


def test_the_hubs_rows_are_the_official_ones(monkeypatch: pytest.MonkeyPatch, shared_data: Path) -> None:
    text = next((shared_data / "judgebench" / "pairs").glob("*claude*")).read_text("utf-8")
    fake_hub(monkeypatch, lambda *_a, **_k: [json.loads(line) for line in text.splitlines()])
    assert len(sources.load_task("judgebench", "claude").items) == 270


def test_an_unreachable_hub_is_one_line_that_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_args: object, **_options: object) -> None:
        raise ConnectionError("no route")

    fake_hub(monkeypatch, load)
    with pytest.raises(MissingPrerequisite) as error:
        sources.load_task("judgebench", "gpt")
    assert str(error.value) == (
        "cannot load ScalerLab/JudgeBench at 57dd5e0b from the hub (ConnectionError). With a local copy, type: --data FILE"
    )


def test_a_csv_cell_may_be_as_long_as_a_response() -> None:
    (row,) = sources.rows(b"a,b\n" + b"x" * 200_000 + b",1\n", "f.csv")
    assert row.data == {"a": "x" * 200_000, "b": "1"}


def test_what_csv_cannot_read_is_one_line() -> None:
    with pytest.raises(DataError, match="f.csv: not CSV: new-line character seen in unquoted field"):
        sources.rows(b"a,b\n1\r2,3\n", "f.csv")
