"""Packed tests: what is read, and what is refused before any of it is run."""

import base64
import json
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from judgebench.pairs.programs.packed import pickled_text, unpack

TESTS = [
    {"input": "2 3\n", "output": "5\n", "testtype": "stdin"},
    {"input": "\u00e9\U0001f600", "output": "x" * 70_000},
]


def packed(value: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value, protocol))).decode()


class Evil:
    """What runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_text_is_read_in_every_protocol(protocol: int) -> None:
    assert unpack(packed(json.dumps(TESTS), protocol)) == TESTS
    assert unpack(packed(json.dumps(TESTS, ensure_ascii=False), protocol)) == TESTS


def test_json_is_taken_as_it_is() -> None:
    assert unpack(json.dumps(TESTS)) == TESTS
    assert unpack(" []") == []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "mark"
    for value in (Evil(mark), ["[]", Evil(mark)], {"[]": Evil(mark)}):
        text = packed(value, protocol)
        with pytest.raises(ValueError, match="more than a text.*refused, nothing of it was run") as caught:
            unpack(text)
        assert "\n" not in str(caught.value)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Evil(mark)))
    assert mark.exists(), "it would have run"


@pytest.mark.parametrize("value", [1, ["[]"], b"[]", None, ("[]", "[]"), {"a": "[]"}])
def test_a_pickle_of_anything_but_a_text_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="refused"):
        unpack(packed(value))


def test_two_texts_are_refused() -> None:
    twice = pickle.dumps("[]", 2)[:-1] + pickle.dumps("[]", 2)[2:]
    with pytest.raises(ValueError, match="a pickle of 2 texts, not of one"):
        pickled_text(twice)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = base64.b64encode(zlib.compress(b"0" * 5_000_000)).decode()
    assert len(bomb) < 10_000
    with pytest.raises(ValueError, match="unpacks to more than 100000 bytes"):
        unpack(bomb, most=100_000)
    exact = pickle.dumps("[]")
    assert unpack(base64.b64encode(zlib.compress(exact)).decode(), most=len(exact)) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "holds no JSON"),
        ("[" * 100_000, "holds no JSON"),
        ("not base64!", "neither JSON nor base64"),
        ("\u00e9", "neither JSON nor base64"),
        (base64.b64encode(b"plain").decode(), "not packed by zlib"),
        (packed("[]")[:16], "cut|not packed|neither"),
        (packed("no json"), "holds no JSON"),
        (base64.b64encode(zlib.compress(pickle.dumps("[]")[:-1])).decode(), "no whole pickle"),
        (base64.b64encode(zlib.compress(b"\xff\xff")).decode(), "no whole pickle"),
        (base64.b64encode(zlib.compress(b"")).decode(), "no whole pickle"),
    ],
)
def test_what_is_not_packed_as_it_should_be_is_said_in_one_line(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        unpack(text)
    assert "\n" not in str(caught.value)
