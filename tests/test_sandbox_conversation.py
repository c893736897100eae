"""The protocol by itself: whatever bytes a program sends, in whatever pieces, only its answers are heard."""

import json
import secrets
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.pairs.sandbox.conversation import DETAIL, FRAME, LENGTH, Conversation, frame, one_line
from judgebench.pairs.sandbox.program import Outcome, Program

TWO_CALLS = Program("def f(x): return x", calls=(("f", (1,)), ("f", (2,))))


def said(**fields: Any) -> bytes:
    body = json.dumps(fields).encode()
    return LENGTH.pack(len(body)) + body


def unpacked(data: bytes) -> list[tuple[bytes, bytes]]:
    frames = []
    while data:
        kind, size = FRAME.unpack_from(data)
        frames.append((kind, data[FRAME.size : FRAME.size + size]))
        data = data[FRAME.size + size :]
    return frames


def message(data: bytes) -> Any:
    """Return the one message to the program in what is sent."""
    ((kind, body),) = unpacked(data)
    assert kind == b"C"
    return json.loads(body[LENGTH.size :])


def ended(talk: Conversation, code: int = 0) -> Outcome:
    assert unpacked(talk.hear(b"X", json.dumps({"code": code}).encode())) == [(b"A", b"")]
    assert talk.over
    return talk.outcome()


def test_a_run_begins_with_its_input_and_its_job() -> None:
    go, stdin, job = unpacked(Conversation(Program("print(1)", "é\ud800", seconds=2.5)).begin())
    assert go == (b"G", b"")
    assert stdin == (b"I", "é?".encode())
    assert json.loads(job[1][LENGTH.size :]) == {"code": "print(1)", "calls": 0, "seconds": 2.5, "memory": 512 << 20}


def test_calls_are_not_sent_before_the_program_is_ready() -> None:
    talk = Conversation(TWO_CALLS)
    assert b"marker" not in talk.begin()
    first = message(talk.hear(b"V", said(ready=True)))
    assert (first["name"], first["arguments"]) == ("f", [1])
    second = message(talk.hear(b"V", said(marker=first["marker"], value="one")))
    assert second["arguments"] == [2]
    assert second["marker"] != first["marker"]
    assert talk.hear(b"V", said(marker=second["marker"], value="two")) == b""
    assert ended(talk) == Outcome("ok", "", ("one", "two"))


@given(st.lists(st.integers(1, 30), max_size=40), st.text(max_size=30))
def test_pieces_do_not_matter(cuts: list[int], value: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    talk = Conversation(Program("", calls=(("f", ()),)))
    marker = message(talk.hear(b"V", said(ready=True)))["marker"]
    rest = said(marker=marker, value=[value])
    for cut in cuts:
        assert talk.hear(b"V", rest[:cut]) == b""
        rest = rest[cut:]
    talk.hear(b"V", rest)
    assert ended(talk) == Outcome("ok", "", ([value],))


@given(st.binary(max_size=200))
def test_no_bytes_break_it_or_become_an_answer(data: bytes) -> None:
    talk = Conversation(TWO_CALLS)
    talk.hear(b"V", data)
    talk.hear(b"O", data)
    outcome = ended(talk)
    assert outcome.status in {"error", "output"}
    assert outcome.values == ()


@pytest.mark.parametrize(
    "forged",
    [
        said(marker="", value=1),
        said(marker="f" * 32, value=1),
        said(value=1),
        said(ready=True),
        said(ready=1),
        said(error=5),
        said(),
        LENGTH.pack(2) + b"[]",
        LENGTH.pack(1) + b"{",
        LENGTH.pack(0),
        LENGTH.pack(200_000) + b"[" * 200_000,
        LENGTH.pack(5001) + b"1" * 5001,
        LENGTH.pack(4) + b"\xff\xfe\xfd\xfc",
    ],
)
def test_what_answers_nothing_ends_the_program(forged: bytes) -> None:
    talk = Conversation(TWO_CALLS)
    talk.hear(b"V", said(ready=True))
    assert unpacked(talk.hear(b"V", forged)) == [(b"K", b"")]
    outcome = ended(talk, -9)
    assert (outcome.status, outcome.values) == ("error", ())


def test_a_marker_is_spent_by_its_answer() -> None:
    talk = Conversation(TWO_CALLS)
    marker = message(talk.hear(b"V", said(ready=True)))["marker"]
    answer = said(marker=marker, value=1)
    assert [kind for kind, _ in unpacked(talk.hear(b"V", answer + answer))] == [b"C", b"K"]
    assert ended(talk, -9).values == (1,)


def test_markers_cannot_be_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(secrets, "token_hex", lambda size: sizes.append(size) or "m")
    talk = Conversation(TWO_CALLS)
    assert sizes == []
    talk.hear(b"V", said(ready=True))
    assert sizes == [16]


def test_answers_after_the_last_call_end_it() -> None:
    talk = Conversation(Program("", calls=(("f", ()),)))
    marker = message(talk.hear(b"V", said(ready=True)))["marker"]
    talk.hear(b"V", said(marker=marker, value=1))
    assert unpacked(talk.hear(b"V", said(marker=marker, value=2))) == [(b"K", b"")]
    assert ended(talk, -9).status == "error"


def test_output_is_bounded() -> None:
    talk = Conversation(Program(""), most=10)
    assert talk.hear(b"O", b"12345") == b""
    assert unpacked(talk.hear(b"O", b"678901234567")) == [(b"K", b"")]
    assert talk.hear(b"O", b"more") == b""
    assert ended(talk, -9) == Outcome("output", "1234567890", (), "more output than is read")
    exact = Conversation(Program(""), most=10)
    assert exact.hear(b"O", b"1234567890") == b""
    assert ended(exact).stdout == "1234567890"


def test_answers_are_bounded_before_they_are_kept() -> None:
    talk = Conversation(TWO_CALLS, most=100)
    assert unpacked(talk.hear(b"V", LENGTH.pack(101))) == [(b"K", b"")]
    assert ended(talk, -9).status == "output"
    many = Conversation(TWO_CALLS, most=100)
    assert unpacked(many.hear(b"V", b"x" * 101)) == [(b"K", b"")]
    assert ended(many, -9).status == "output"


@pytest.mark.parametrize(
    ("code", "status", "detail"),
    [
        (0, "ok", ""),
        (1, "error", "exit status 1"),
        (255, "error", "exit status 255"),
        (-9, "killed", "SIGKILL"),
        (-11, "killed", "SIGSEGV"),
        (-31, "killed", "SIGSYS"),
        (-24, "timeout", "no processor time left"),
        (-50, "killed", "signal 50"),
    ],
)
def test_how_it_ended_is_the_keepers_word(code: int, status: str, detail: str) -> None:
    outcome = ended(Conversation(Program("")), code)
    assert (outcome.status, outcome.detail) == (status, detail)


def test_the_first_reason_stands() -> None:
    talk = Conversation(Program(""), most=5)
    assert talk.stop("timeout", "late") == frame(b"K")
    talk.hear(b"O", b"123456789")
    talk.hear(b"V", said(error="x"))
    assert talk.stop("output", "much") == frame(b"K")
    assert ended(talk, 0) == Outcome("timeout", "", (), "late")


def test_a_program_whose_end_is_not_heard_was_killed() -> None:
    talk = Conversation(Program(""))
    assert talk.outcome() == Outcome("killed", "", (), "the sandbox ended before the program")


def test_memory_and_errors_are_told_by_the_program() -> None:
    talk = Conversation(Program(""))
    talk.hear(b"V", said(memory=True))
    assert ended(talk, 1) == Outcome("memory", "", (), "no memory left")
    talk = Conversation(Program(""))
    talk.hear(b"V", said(error="line 1: KeyError: 1"))
    assert ended(talk, 1) == Outcome("error", "", (), "line 1: KeyError: 1")


@given(st.text())
def test_details_are_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= DETAIL
    assert line.isprintable()


def test_lone_surrogates_do_not_get_in() -> None:
    talk = Conversation(Program("", calls=(("f", ()),)))
    marker = message(talk.hear(b"V", said(ready=True)))["marker"]
    assert unpacked(talk.hear(b"V", said(marker=marker, value="\ud800"))) == [(b"K", b"")]
    talk = Conversation(Program("", calls=(("f", ()),)))
    marker = message(talk.hear(b"V", said(ready=True)))["marker"]
    talk.hear(b"V", said(marker=marker, value="\U0001f600"))  # a pair of them is one letter
    assert ended(talk).values == ("\U0001f600",)


def test_output_that_is_no_text_is_shown_all_the_same() -> None:
    talk = Conversation(Program(""))
    talk.hear(b"O", b"a\xff")
    assert ended(talk).stdout == "a\ufffd"


def test_frames_are_a_letter_a_length_and_a_body() -> None:
    assert frame(b"O", b"abc") == b"O" + struct.pack(">I", 3) + b"abc"
