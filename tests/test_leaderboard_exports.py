"""The tables to take along: the three formats agree with the results, are the same every time, and are inert."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browser.boards import SIZES, gallery, make_reported, make_result, share
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from judgebench.leaderboard import data, exports
from judgebench.leaderboard.table import table, wilson
from judgebench.results import Metric, Result

ROOT = Path(__file__).parent.parent
COLUMNS = [*exports.HEAD, *exports.NUMBER]
KEY = ["task", "judge", "model", "run", "metric", "category"]


def board() -> data.Board:
    return data.assemble(gallery(), {"judgebench-gpt": [make_reported(), make_reported("other", "")]})


def made(of: data.Board) -> dict[str, bytes]:
    return {path: make() for path, make in exports.files(of).items()}


def of_csv(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values=[""])


def of_json(content: bytes) -> pd.DataFrame:
    found = pd.json_normalize(json.loads(content)["results"], "numbers", list(exports.HEAD))
    return found[COLUMNS]


def of_parquet(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content))


READERS = {"csv": of_csv, "json": of_json, "parquet": of_parquet}


def rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return rows whose missing cells are all None, and whose whole numbers are all ints."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        tuple(int(v) if isinstance(v, float) and name in ("n", "items", "version") else v for name, v in row.items())
        for row in plain.to_dict("records")
    ]


# -- what is in them -----------------------------------------------------------------------------------------


def test_there_are_three_formats_of_each_task_and_of_all() -> None:
    paths = [f"{name}.{ending}" for name in ("tasks/judgebench-gpt", "tasks/judgebench-claude", "results") for ending in
             exports.FORMATS]  # fmt: skip
    assert sorted(exports.files(board())) == sorted(paths)


def test_nothing_is_made_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_part", lambda task: pytest.fail("made too early"))
    assert len(exports.files(board())) == 9


@pytest.mark.parametrize("path", ["results", "tasks/judgebench-gpt", "tasks/judgebench-claude"])
def test_pandas_reads_the_same_from_all_three(path: str) -> None:
    found = made(board())
    frames = {ending: READERS[ending](found[f"{path}.{ending}"]) for ending in exports.FORMATS}
    assert all(list(frame.columns) == COLUMNS for frame in frames.values())
    assert rows(frames["csv"]) == rows(frames["json"]) == rows(frames["parquet"])
    assert len(frames["csv"]) > 5


def expected(result: Result) -> dict[tuple[str, str | None], tuple[Any, ...]]:
    """Return a result's numbers by (metric, category)."""
    parts: list[tuple[str | None, dict[str, Metric]]] = [(None, result.metrics), *result.by_category.items()]
    return {
        (name, category): (m.value, m.low, m.high, m.n, m.coverage)
        for category, metrics in parts for name, m in metrics.items()
    }  # fmt: skip


def test_every_number_of_every_result_is_there_once_and_exact() -> None:
    frame = of_parquet(made(board())["results.parquet"])
    assert not frame.duplicated(KEY).any()
    of_run = dict(list(frame.groupby("run")))
    assert set(of_run) == {data.run_id(result) for result in gallery()}
    for result in gallery():
        numbers = of_run[data.run_id(result)]
        plain = numbers.astype(object).where(numbers.notna(), None)
        shown = {
            (row["metric"], row["category"]): tuple(row[c] for c in ("value", "low", "high", "n", "coverage"))
            for row in plain.to_dict("records")
        }
        assert shown == expected(result)
        assert set(numbers["judge"]) == {result.spec.judge.name}
        assert set(numbers["fingerprint"]) == {result.spec.task.fingerprint}


def test_a_row_says_which_result_it_is_of() -> None:
    source = {"repository": "ScalerLab/JudgeBench", "commit": "0123abc"}
    result = make_result(
        cost=1.25, seconds=3.5, finished="2026-01-02T03:04:05Z", source=source, judge_fields={"revision": "r7"}
    )
    row = of_json(made(data.assemble([result]))["results.json"]).iloc[0].to_dict()
    assert {name: row[name] for name in exports.HEAD} == {
        "task": "judgebench-gpt", "version": 1, "fingerprint": "ab" * 32, "judge": "arena-hard",
        "model": "o1-mini-2024-09-12", "revision": "r7", "kind": "prompted", "evidence": "imported", "group": "judges",
        "orders": "both", "items": 350, "cost": 1.25, "seconds": 3.5, "finished": "2026-01-02T03:04:05Z",
        "run": data.run_id(result), "source": "commit: 0123abc; repository: ScalerLab/JudgeBench",
    }  # fmt: skip
    assert (row["metric"], row["headline"], row["value"]) == ("accuracy", True, 0.6571428)
    assert pd.isna(row["category"])


def test_each_result_has_one_headline_and_its_group() -> None:
    frame = of_csv(made(board())["results.csv"])
    headlines = frame[frame["headline"]]
    assert set(headlines["metric"]) == {"accuracy"}
    assert headlines["category"].isna().all()
    assert len(headlines) == len(gallery()) + 2
    groups = {row.run: group.key for task in board().tasks for group, row in table(task).rows if row.run}
    measured = headlines[headlines["run"].notna()]
    assert dict(zip(measured["run"], measured["group"], strict=True)) == groups
    assert set(headlines["group"]) == {"judges", "floor", "apart", "demonstration", "reported"}


def test_reported_numbers_are_there_and_say_so() -> None:
    entry = make_reported(knowledge=(68, 154), coding=(26, 42))
    frame = of_parquet(made(data.assemble([], {"mine": [entry]}))["results.parquet"])
    assert set(frame["evidence"]) == set(frame["group"]) == {"reported"}
    assert frame[["run", "version", "fingerprint", "cost", "finished"]].isna().all(axis=None)
    found = {
        (row["metric"], row["category"] if isinstance(row["category"], str) else None): row
        for row in frame.to_dict("records")
    }
    assert set(found) == {("accuracy", None), ("accuracy_macro", None), ("accuracy", "knowledge"), ("accuracy", "coding")}  # fmt: skip
    micro, macro = found["accuracy", None], found["accuracy_macro", None]
    known = wilson(94, 196)
    assert (micro["value"], micro["low"], micro["high"], micro["n"]) == (94 / 196, known.low, known.high, 196)
    assert macro["value"] == pytest.approx((68 / 154 + 26 / 42) / 2)
    assert pd.isna(macro["low"])
    assert found["accuracy", "coding"]["n"] == 42


def test_by_category_there_are_the_headline_and_its_like() -> None:
    parts = {"a": {name: share(0.5) for name in ("mae", "accuracy", "tie_rate", "own")}}
    result = make_result(task={"headline": "own"}, by_category=parts, metrics={"own": share(0.5)})
    frame = of_csv(made(data.assemble([result]))["results.csv"])
    assert sorted(frame[frame["category"] == "a"]["metric"]) == ["accuracy", "mae", "own"]
    assert {"tie_rate", "own"} <= set(frame[frame["category"].isna()]["metric"])


def test_a_result_that_is_there_twice_counts_once() -> None:
    one, two = made(data.assemble(gallery())), made(data.assemble([*gallery(), gallery()[0]]))
    assert one["results.csv"] == two["results.csv"]


def test_the_published_results_agree_in_all_three() -> None:
    found = made(data.load(ROOT / "results"))
    frames = {ending: READERS[ending](found[f"results.{ending}"]) for ending in exports.FORMATS}
    assert rows(frames["csv"]) == rows(frames["json"]) == rows(frames["parquet"])
    each = [of_csv(found[path]) for path in sorted(found) if path.startswith("tasks/") and path.endswith(".csv")]
    assert sum(map(len, each)) == len(frames["csv"])
    judgebench = frames["csv"][frames["csv"]["headline"] & (frames["csv"]["task"] == "judgebench-gpt")]
    best = judgebench[judgebench["group"] == "judges"].sort_values("value").iloc[-1]
    assert (best["judge"], round(best["value"], 4)) == ("arena-hard--o1-mini-2024-09-12", 0.6571)


# -- form ----------------------------------------------------------------------------------------------------


def test_the_bytes_depend_on_the_results_alone() -> None:
    one = made(board())
    two = made(data.assemble(gallery()[::-1], {"judgebench-gpt": [make_reported("other", ""), make_reported()]}))
    assert one == two


@pytest.mark.soak
def test_another_process_makes_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, hashlib\nsys.path.insert(0, 'tests')\nfrom test_leaderboard_exports import board, made\n"
        "print({p: hashlib.sha256(c).hexdigest() for p, c in sorted(made(board()).items())})"
    )
    told = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed, "TZ": zone},
                       capture_output=True, text=True, check=True).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]  # fmt: skip
    assert told[0] == told[1] != ""


def test_parquet_has_types_and_no_metadata_of_its_own() -> None:
    file = parquet.ParquetFile(io.BytesIO(made(board())["results.parquet"]))
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types == {n: {"float64": "double"}.get(t, t) for n, t in (exports.HEAD | exports.NUMBER).items()}
    assert file.metadata.metadata is None


def test_csv_is_as_rfc_4180_says() -> None:
    text = made(board())["results.csv"].decode("utf-8")
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read[0] == COLUMNS
    assert {len(row) for row in read} == {len(COLUMNS)}


def test_json_is_strict() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    result = make_result("x", None, metrics={"huge": Metric(value=1e308, n=1, low=-1e308, high=5e-324)})
    found = made(data.assemble([result]))
    text = json.loads(found["results.json"], parse_constant=refuse)
    assert text["results"][0]["numbers"][0]["value"] is None
    huge = of_csv(found["results.csv"]).set_index("metric").loc["huge"]
    assert (huge["value"], huge["low"], huge["high"]) == (1e308, -1e308, 5e-324)


def test_a_count_beyond_every_integer_column_is_left_out() -> None:
    result = make_result(metrics={"accuracy": share(0.5, 10**400), "tie_rate": share(0.5, 2**63 - 1)})
    found = made(data.assemble([result]))
    for ending in exports.FORMATS:
        frame = READERS[ending](found[f"results.{ending}"])
        assert frame[frame["headline"]]["n"].isna().all()
    assert 2**63 - 1 in [n["n"] for n in json.loads(found["results.json"])["results"][0]["numbers"]]


def test_a_task_without_numbers_is_a_table_without_rows() -> None:
    result = make_result().model_copy(update={"metrics": {}, "by_category": {}})
    found = made(data.assemble([result]))
    assert of_csv(found["results.csv"]).empty
    assert of_parquet(found["results.parquet"]).empty
    assert json.loads(found["results.json"])["results"][0]["numbers"] == []


# -- hostile text --------------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]  # fmt: skip


def cells(text: str) -> Sequence[str]:
    """Return the text cells of a board's CSV whose every string is `text`."""
    result = make_result(text, judge_fields={"model": text, "kind": text, "revision": text}, task={"name": text},
                         source={text: text}, finished=text, metrics={text: share(-0.5)},
                         by_category={text: {text: share(0.5)}})  # fmt: skip
    reported = make_reported(text, text, text, **{text: (1, 2)}).model_copy(update={"source": text})
    found = made(data.assemble([result], {text: [reported]}))["results.csv"]
    read = list(csv.reader(io.StringIO(found.decode(), newline=""), strict=True))
    texts = [at for at, name in enumerate(COLUMNS) if (exports.HEAD | exports.NUMBER)[name] == "string"]
    assert {row[COLUMNS.index("value")] for row in read[1:]} >= {"-0.5"}
    return [row[at] for row in read[1:] for at in texts]


@pytest.mark.parametrize("text", [*FORMULAS, "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")', "-2+3;=1", "'=1"])
def test_no_text_of_a_csv_is_a_formula(text: str) -> None:
    found = cells(text)
    assert not [cell for cell in found if cell.lstrip()[:1] in set("=+-@\t\r\n＝＋－＠")]  # noqa: RUF001
    assert any(text.strip() in cell for cell in found)


@pytest.mark.parametrize(
    "text", ['a"b', "a,b", "a;b", "two\nlines", "a\x00b", "evil\u202egnp", "\ud800", "naïve 中 🦜"]
)
def test_texts_stay_in_their_cells_and_visible(text: str) -> None:
    found = cells(text)
    assert not [cell for cell in found if any(c in cell for c in "\n\x00\u202e\ud800")]
    visible = text.replace("\n", "⟨U+000A⟩").replace("\x00", "⟨U+0000⟩")
    visible = visible.replace("\u202e", "⟨U+202E⟩").replace("\ud800", "⟨U+D800⟩")
    assert visible in found


@given(st.text())
def test_a_cell_is_read_back_as_it_was_but_for_one_apostrophe(text: str) -> None:
    written = exports.csv_text(text)
    shown = text.replace("\r", "").replace("\n", "").replace("\x00", "")  # spelled out before they come here
    written = exports.csv_text(shown)
    ((cell,),) = csv.reader(io.StringIO(written or '""', newline=""), strict=True)
    assert cell in (shown, f"'{shown}")
    assert cell.removeprefix("'") == shown or not shown.startswith("'")
    assert cell.lstrip("\u200b\ufeff \u00a0")[:1] not in set("=+-@")


def test_names_do_not_choose_where_tables_lie() -> None:
    names = ["../../etc/passwd", "con", "results", "a/b", "A", "x" * 500, "tasks", "x.csv", "x"]
    found = exports.files(data.assemble([make_result(task={"name": name}) for name in names]))
    assert len({path.casefold() for path in found}) == 3 * len(names) + 3
    for path in found:
        folder, _, name = path.rpartition("/")
        assert folder in ("", "tasks")
        assert not name.startswith(("con.", "."))
        assert len(name) < 150


def test_sizes_of_the_categories_are_in_the_table() -> None:
    frame = of_csv(made(data.assemble([make_result()]))["tasks/judgebench-gpt.csv"])
    by_category = frame[frame["category"].notna()].set_index("category")["n"].to_dict()
    assert by_category == SIZES


def test_the_columns_are_documented_in_order() -> None:
    text = (ROOT / "docs" / "leaderboard.md").read_text("utf-8")
    named = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    assert [name for row in named for name in re.findall(r"`(\w+)`", row)] == COLUMNS
