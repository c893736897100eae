"""Sources: cards, options, streams of rows, and what is said of rows that cannot be used."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.pairs import sums, write_rows, write_source
from judgebench import registry
from judgebench.errors import DataError, MissingPrerequisite, RowProblem, UsageError
from judgebench.pairs.sources import base, reading
from judgebench.pairs.sources.base import Source, SourceOptions, load_source, parse_card, source_names
from judgebench.task import Row

ROWS: list[dict[str, Any]] = [{"a": 1, "b": "eins"}, {"a": 2, "b": "zwei"}]


def found(path: Path) -> list[Any]:
    return [row.data if isinstance(row, Row) else str(row) for row in reading.stream(path)]


def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    write_rows(tmp_path / "rows.jsonl", ROWS)
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress((tmp_path / "rows.jsonl").read_bytes()))
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    for name in ("rows.jsonl", "rows.jsonl.gz", "rows.json", "rows.parquet"):
        assert found(tmp_path / name) == ROWS
    (tmp_path / "rows.csv").write_text("\ufeffa,b\n1,eins\n2,zwei\n", "utf-8")
    assert found(tmp_path / "rows.csv") == [{"a": "1", "b": "eins"}, {"a": "2", "b": "zwei"}]


def test_a_folder_is_read_file_by_file_in_order_of_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_rows(tmp_path / f"{name}.jsonl", [{"name": name}])
    (tmp_path / "README.md").write_text("no data")
    assert [row["name"] for row in found(tmp_path)] == ["a", "b"]


BAD: dict[str, tuple[bytes, list[str]]] = {
    "cut.jsonl": (b'{"a": 1}\n{"a": 2', ["", ":2: not JSON"]),
    "array.jsonl": (b"[1]\n", [":1: expected a JSON object, found list"]),
    "latin.jsonl": (b'{"a": "\xe9"}\n', [":1: not UTF-8"]),
    "deep.jsonl": (b"[" * 200_000 + b"\n", [":1: not JSON: nested too deeply"]),
    "half.jsonl": (b'{"a": "\\ud83d"}\n', [":1: half a surrogate pair"]),
    "whole.jsonl": (b'{"a": "\\ud83d\\ude00"}\n', [""]),
    "short.csv": (b"a,b\n1\n", [":2: the number of cells is not that of the header"]),
    "cut.jsonl.gz": (gzip.compress(b'{"a": 1}\n' * 9000)[:-9], ["not a whole gzip file"]),
    "no.parquet": (b"PAR1", ["not a whole Parquet file"]),
    "no.json": (b"{}", ["expected a JSON array, found dict"]),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_said_in_its_place(tmp_path: Path, name: str) -> None:
    data, wanted = BAD[name]
    (tmp_path / name).write_bytes(data)
    rows = list(reading.stream(tmp_path / name))
    assert isinstance(rows[-1], RowProblem) == (wanted != [""])
    for row, text in zip(rows[-len(wanted) :], wanted, strict=True):
        assert text in str(row) if text else isinstance(row, Row)


def test_other_paths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(UsageError, match=r"no such data file: .*gone\.jsonl"):
        found(tmp_path / "gone.jsonl")
    with pytest.raises(UsageError, match=r"x\.txt is no data file\. Known: \.jsonl"):
        found(tmp_path / "x.txt")
    with pytest.raises(UsageError, match="no data file in"):
        found(tmp_path)


def test_a_fingerprint_is_the_contents_and_the_names_in_a_folder(tmp_path: Path) -> None:
    one = write_rows(tmp_path / "one.jsonl", ROWS)
    alone = reading.fingerprint(one)
    assert alone == reading.fingerprint(one.rename(tmp_path / "two.jsonl"))
    whole = reading.fingerprint(tmp_path)
    (tmp_path / "two.jsonl").rename(tmp_path / "one.jsonl")
    assert len({alone, whole, reading.fingerprint(tmp_path)}) == 3


def test_every_card_loads_and_states_what_a_user_must_know() -> None:
    assert {"mmlu-pro", "livebench-reasoning", "gpqa-diamond", "ifeval", "ppe-gpqa"} <= set(source_names())
    for name in source_names():
        source = load_source(name)
        card = source.card
        assert card.name == name
        assert all((card.title, card.summary, card.licence, card.citation, card.evidence)), name
        assert card.hub is None or len(card.hub.revision) == 40, name
        if card.hub is None:
            with pytest.raises(UsageError, match=f"source {name} pins no dataset on the hub. Type: --data FILE"):
                _ = source.revision
        else:
            assert source.revision == card.hub.revision
        if card.grader is not None:
            assert card.grader in registry.names("graders")


def test_unknown_names_and_broken_cards_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown source 'mmlu-por'\. Did you mean mmlu-pro"):
        load_source("mmlu-por")
    with pytest.raises(UsageError, match=r"cannot read source card .*gone\.yaml"):
        load_source(str(tmp_path / "gone.yaml"))
    with pytest.raises(UsageError, match="source card x is not YAML"):
        parse_card("{", "x")
    with pytest.raises(UsageError, match="source card x: licence_: Extra inputs"):
        parse_card("{name: x, title: X, source: table, licence_: MIT}", "x")
    with pytest.raises(UsageError, match="has no releases: leave out --release 2024"):
        load_source("mmlu-pro", SourceOptions(release="2024"))


def test_bad_rows_are_all_reported_and_the_many_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sums(6)
    del rows[1]["answer"]
    rows[3]["ask"] = 7
    rows[4]["kind"] = None
    card, data = write_source(tmp_path, rows, prompt=None)

    def problems() -> list[str]:
        with pytest.raises(DataError) as caught:
            list(load_source(card, SourceOptions(Path(data))).read())
        return [str(problem).removeprefix(data) for problem in caught.value.problems]

    assert problems() == [
        ":2: answer: missing field",
        ":4: ask: expected text, found int",
        ":5: category: neither the row nor source card sums says which",
    ]
    monkeypatch.setattr(base, "MOST_PROBLEMS", 2)
    assert problems()[-1] == ": 1 more rows cannot be used"


def test_excluded_keys_are_left_out_and_counted(tmp_path: Path) -> None:
    card, data = write_source(tmp_path, sums(4), exclude={"q1": "two right answers", "q2": "two right answers"})
    source = load_source(card, SourceOptions(Path(data)))
    assert [entry.question.key for entry in source.read()] == ["q0", "q3"]
    assert source.dropped == {"excluded: two right answers": 2}


def test_questions_carry_source_revision_and_licence(tmp_path: Path) -> None:
    card, data = write_source(tmp_path, sums(1))
    source = load_source(card, SourceOptions(Path(data)))
    (entry,) = source.read()
    question = entry.question
    assert (question.source, question.key, question.licence, question.category) == ("sums", "q0", "CC0-1.0", "even")
    assert question.revision == source.revision == reading.fingerprint(Path(data))
    assert entry.responses == ()


# -- the hub ---------------------------------------------------------------------------------------------


def hub_card(folder: Path, **hub: Any) -> str:
    card, _ = write_source(folder, [], hub={"repo": "some/sums", "revision": "c0ffee" * 6 + "1234", **hub})
    return card


def test_the_hub_is_streamed_at_the_pinned_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked: list[Any] = []

    def load(*args: Any, **options: Any) -> Any:
        asked.append((args, options))
        return iter(sums(2))

    monkeypatch.setattr(datasets, "load_dataset", load)
    source = load_source(hub_card(tmp_path, config="main"))
    assert [entry.question.key for entry in source.read()] == ["q0", "q1"]
    revision = "c0ffee" * 6 + "1234"
    assert asked == [(("some/sums", "main"), {"split": "test", "revision": revision, "streaming": True})]


def test_named_files_are_fetched_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    file = write_rows(tmp_path / "test.jsonl", sums(2))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda _repo, name, **_: str(tmp_path / name))
    source = load_source(hub_card(tmp_path, files=[file.name]))
    assert [entry.question.key for entry in source.read()] == ["q0", "q1"]


def test_a_hub_out_of_reach_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def unreachable(*_: Any, **__: Any) -> Any:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(MissingPrerequisite, match=r"cannot read some/sums at c0ffeec0 .*type: --data FILE"):
        list(load_source(hub_card(tmp_path)).read())


def test_a_source_need_only_say_what_a_row_is() -> None:
    with pytest.raises(NotImplementedError):
        Source(parse_card("{name: x, title: X, source: table}", "x")).question(Row("f", 1, {}))
    with pytest.raises(UsageError, match=r"source card x: params\.gold is missing, and table needs it"):
        Source(parse_card("{name: x, title: X, source: table}", "x")).param("gold")
