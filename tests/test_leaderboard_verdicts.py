"""Verdict files read as columns: the same tables as row by row, and whatever is odd is left to the slow reader."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judgebench.leaderboard import verdicts
from judgebench.leaderboard.verdicts import is_regular, slow_table, tables
from judgebench.metrics import CERTAINTY, AnyTable
from judgebench.metrics.catalogue import DEFINITIONS
from judgebench.metrics.ratio import Ratio
from judgebench.metrics.table import Table
from judgebench.records import FAULT_KINDS, Best, Preference, Scores, Votes
from judgebench.task import GoldRow

PAIRS = [
    GoldRow("a", "x", "s1", Preference(label="A>B")),
    GoldRow("b", "x", "s1", Preference(label="B>A")),
    GoldRow("c", "y", "s2", Preference(label="A=B")),
    GoldRow("d", "y", "s3", Votes(votes=("A>B", "A>B", "B>A"))),
]
FIRST: dict[str, Any] = {"item": "a", "order": [0, 1], "preference": "A>B"}


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[AnyTable | None]]:
    """Return a function that reads files, given as bytes, over some gold rows."""

    def read_(*files: bytes, gold: Sequence[GoldRow] = PAIRS, **options: bool) -> list[AnyTable | None]:
        paths = [tmp_path / str(number) for number in range(len(files))]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        return list(tables(gold, paths, **options))

    return read_


def assert_same(one: AnyTable | None, two: AnyTable | None) -> None:
    """Check that two tables are equal to the last bit, or both missing."""
    if one is None or two is None:
        assert one is two
        return
    assert type(one) is type(two)
    for field in fields(one):
        mine, other = getattr(one, field.name), getattr(two, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == other.dtype, field.name
            np.testing.assert_array_equal(mine, other, err_msg=field.name)
        else:
            assert mine == other, field.name


@pytest.fixture
def no_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a file is read row by row."""

    def fail(*_: Any) -> None:
        pytest.fail("read row by row")

    monkeypatch.setattr(verdicts, "slow_table", fail)


# -- the same tables -----------------------------------------------------------------------------------------

decisions = st.one_of(
    st.builds(lambda p: {"preference": p}, st.sampled_from(["A>B", "B>A", "A=B"])),
    st.builds(lambda f: {"fault": f}, st.sampled_from(FAULT_KINDS)),
    st.builds(lambda s: {"scores": s}, st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2)),
    st.builds(
        lambda p, s, c: {"preference": p, "scores": s, "confidence": c},
        st.sampled_from(["A>B", "B>A"]),
        st.lists(st.integers(0, 9).map(float), min_size=2, max_size=2),
        st.floats(0, 1),
    ),
    st.builds(lambda p, c: {"preference": p, "confidence": c}, st.just("A=B"), st.sampled_from([0, 1, 0.5, 1e-7])),
)
oddities = st.sampled_from([
    {"preference": "A>B", "fault": "empty"}, {}, {"preference": "A"}, {"fault": "lost"}, {"scores": [1.0]},
    {"scores": [1.0, 2.0, 3.0]}, {"preference": None, "fault": "empty"}, {"preference": "A>B", "extra": 1},
    {"preference": "A>B", "confidence": "high"}, {"preference": "A>B", "scores": []}, {"best": [0]},
    {"preference": "A>B", "repeat": -3}, {"preference": "A>B", "repeat": 1.5}, {"preference": "A>B", "order": [1]},
    {"preference": "A>B", "order": [1, 1]}, {"preference": "A>B", "order": [0, 1, 2]}, {"preference": "A>B", "item": 1},
    {"preference": "A>B", "item": "nobody"}, {"preference": "A>B", "order": [300, 1]}, {"preference": "A>B", "best": [0]},
])  # fmt: skip
keys = st.fixed_dictionaries(
    {"item": st.sampled_from("abcd"), "order": st.sampled_from([[0, 1], [1, 0]])},
    optional={"repeat": st.integers(0, 2)},
)
rows = st.builds(lambda key, said: {**key, **said}, keys, decisions)
odd_rows = st.builds(lambda key, said: {**key, **said}, keys, oddities)


def distinct(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(row["item"], str(row["order"]), row.get("repeat", 0)): row for row in found}.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(st.lists(rows, max_size=12).map(distinct), min_size=1, max_size=4))
def test_tables_are_those_that_rows_make(read: Any, files: list[list[dict[str, Any]]]) -> None:
    for found, data in zip(read(*(lines(*file) for file in files)), files, strict=True):
        assert found is not None
        assert_same(found, slow_table(PAIRS, lines(*data)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.lists(st.one_of(rows, odd_rows), max_size=5), min_size=1, max_size=4))
def test_what_rows_refuse_is_refused_and_spoils_no_other_file(read: Any, files: list[list[dict[str, Any]]]) -> None:
    good = lines(FIRST)
    *found, last = read(*(lines(*file) for file in files), good)
    for table, data in zip(found, files, strict=True):
        assert_same(table, slow_table(PAIRS, lines(*data)))
    assert_same(last, slow_table(PAIRS, good))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.lists(rows, max_size=12).map(distinct))
def test_decisions_alone_are_enough_for_metrics_that_are_not_about_certainty(
    read: Any, file: list[dict[str, Any]]
) -> None:
    (whole,), (bare,) = read(lines(*file)), read(lines(*file), decisions_only=True)
    for known in DEFINITIONS:
        if known.applies not in ("pairs", "any") or known.set == CERTAINTY:
            continue
        one, two = known.ratio(whole), known.ratio(bare)
        assert type(one) is type(two)
        if isinstance(one, Ratio):
            np.testing.assert_array_equal(one.numerator, two.numerator)
            np.testing.assert_array_equal(one.denominator, two.denominator)


def test_what_stands_beside_a_preference_is_left_out_on_request(read: Any, no_slow: None) -> None:
    file = lines(
        {**FIRST, "scores": [1.5, -2e-05], "confidence": 0.25},
        {**FIRST, "item": "b", "confidence": 1},
        {"item": "c", "order": [0, 1], "scores": [1.5, 2]},
    )
    (whole,), (bare,) = read(file), read(file, decisions_only=True)
    np.testing.assert_array_equal(whole.scores, [[1.5, -2e-5], [np.nan, np.nan], [1.5, 2]])
    np.testing.assert_array_equal(whole.confidence, [0.25, 1, np.nan])
    np.testing.assert_array_equal(bare.first, [1, 1, -1])
    np.testing.assert_array_equal(bare.scores, [[np.nan, np.nan], [np.nan, np.nan], [1.5, 2]])


@pytest.mark.parametrize("beside", ['"confidence":1e999', '"confidence":01', '"scores":[1]', '"confidence":0.5,"x":1'])
def test_what_is_no_number_is_not_left_out(read: Any, beside: str) -> None:
    line = b'{"item":"a","order":[0,1],"preference":"A>B",' + beside.encode() + b"}\n"
    assert read(line, decisions_only=True) == [None]


# -- how it is read ------------------------------------------------------------------------------------------


def test_ordinary_files_are_never_read_row_by_row(read: Any, no_slow: None) -> None:
    both = lines(FIRST, {**FIRST, "order": [1, 0]}, {"item": "b", "order": [0, 1], "fault": "empty"})
    swapped = lines({**FIRST, "order": [1, 0], "repeat": 1}, {**FIRST, "order": [1, 0]})
    one, two, three = read(both, swapped, both)
    assert one.orders == ((0, 1), (1, 0))
    assert two.orders == ((1, 0),)
    np.testing.assert_array_equal(two.repeat, [0, 1])
    assert_same(one, three)


def test_many_parts_are_read_as_one(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [lines({**FIRST, "item": item}) for item in "abcdabcd"]
    whole = read(*files)
    monkeypatch.setattr(verdicts, "_AT_ONCE", 60)
    for one, two in zip(whole, read(*files), strict=True):
        assert_same(one, two)


def test_empty_and_unfinished_files_are_what_rows_say(read: Any) -> None:
    empty, unfinished, gap = read(b"", lines(FIRST)[:-1], lines(FIRST) + b"\n" + lines({**FIRST, "item": "b"}))
    assert (len(empty.item), empty.orders) == (0, ())
    assert_same(unfinished, slow_table(PAIRS, lines(FIRST)))
    assert gap is None


@pytest.mark.parametrize(
    ("found", "regular"),
    [
        ([], True),
        ([b'{"a":1}', b'{"a":2}'], True),
        ([b'{"a":1}{"a":2}', b""], False),
        ([b'{"a":{"b":1}}'], False),
        ([b' {"a":1}'], False),
        ([b'{"a":null}'], False),
        ([b'{"a":\r1}'], False),
        ([b"[]"], False),
    ],
)
def test_only_lines_of_one_flat_object_are_regular(found: list[bytes], regular: bool) -> None:
    assert is_regular(found) is regular


def test_two_rows_in_one_line_and_a_blank_one_do_not_shift_the_next_files_rows(read: Any) -> None:
    other = lines({**FIRST, "preference": "B>A"})
    double = lines(FIRST)[:-1] + lines({**FIRST, "item": "b"})
    found = read(double, b"\n", other)
    assert found[:2] == [None, None]
    np.testing.assert_array_equal(found[2].first, [-1])


@pytest.mark.parametrize(
    ("gold", "row"),
    [
        ([GoldRow("a", "x", "s", Best(indices=(0,)))], {"item": "a", "order": [0, 1, 2], "best": [1]}),
        ([GoldRow("a", "x", "s", Scores(scores=(3.0,), low=1, high=5))], {"item": "a", "order": [0], "scores": [4.0]}),
    ],
)
def test_other_shapes_are_read_row_by_row(read: Any, gold: list[GoldRow], row: dict[str, Any]) -> None:
    (found,) = read(lines(row), gold=gold)
    assert not isinstance(found, Table)
    assert_same(found, slow_table(gold, lines(row)))
