"""Slow bytes, wrong content types, closed connections, broken JSON: a reply that is there is read, all else is a fault.

Every fault is transient: one line, one request, tried again by the runner; never a verdict, never a traceback.
"""

import gzip
import json
import time
import zlib
from pathlib import Path

import orjson
import pytest

from factories import write_pairs
from fakes.calls import ask
from fakes.raw import CLOSE, COMPLETION, RESET, Step, chunk, head, raw_server, whole
from judgebench.backends.anthropic import AnthropicBackend
from judgebench.backends.openai import OpenAIBackend
from judgebench.errors import BackendError, Incomplete, TransientError
from judgebench.evaluation import evaluate
from judgebench.run import limits

JSON_TYPE = "application/json"
GZIPPED = gzip.compress(COMPLETION)
HALF = len(COMPLETION) // 2
TIMEOUT = 0.5
PATIENT, ENDLESS = 10.0, 20.0
PIECES = 40
Script = list[Step]


def trickled(seconds: float) -> Script:
    """Return a response whose body comes in small pieces, all of it within so many seconds."""
    size = len(COMPLETION) // PIECES + 1
    pieces = [COMPLETION[start : start + size] for start in range(0, len(COMPLETION), size)]
    script: Script = [head(length=len(COMPLETION))]
    for piece in pieces:
        script += [piece, seconds / len(pieces)]
    return script


READABLE: dict[str, Script] = {
    "trickled within the timeout": trickled(0.2),
    "no content type": [whole()],
    "JSON that calls itself a page": [whole(content_type="text/html; charset=utf-8")],
    "JSON that calls itself a stream": [whole(content_type="text/event-stream")],
    "with a charset": [whole(content_type=f"{JSON_TYPE}; charset=UTF-8")],
    "after a byte order mark": [whole(b"\xef\xbb\xbf" + COMPLETION)],
    "gzip": [whole(GZIPPED, content_type=JSON_TYPE, content_encoding="gzip")],
    "deflate": [whole(zlib.compress(COMPLETION), content_encoding="deflate")],
    "gzip in chunks": [
        head(transfer_encoding="chunked", content_encoding="gzip"),
        chunk(GZIPPED[:20]), 0.05, chunk(GZIPPED[20:]), chunk(b""),
    ],
    "an encoding that nobody asked for and that is not there": [whole(content_encoding="br")],
    "as long as the connection lasts": [head(), COMPLETION, CLOSE],
    "blank lines that keep the connection alive": [head(length=len(COMPLETION) + 2), b"\n", 0.05, b"\n" + COMPLETION],
    "an interim response first": [b"HTTP/1.1 100 Continue\r\n\r\n" + whole()],
}  # fmt: skip
BROKEN: dict[str, Script] = {
    "trickled past the timeout": trickled(ENDLESS),
    "a head and nothing more": [head(length=len(COMPLETION)), ENDLESS],
    "a page": [whole(b"<html><body>Sign in</body></html>", content_type="text/html")],
    "a stream": [whole(b"data: " + COMPLETION + b"\n\ndata: [DONE]\n\n", content_type="text/event-stream")],
    "an empty page": [whole(b"")],
    "no content": [head(204)],
    "gzip that does not say so": [whole(GZIPPED, content_type=JSON_TYPE)],
    "gzip that is none": [whole(COMPLETION, content_type=JSON_TYPE, content_encoding="gzip")],
    "gzip cut off": [whole(GZIPPED[:-20], content_encoding="gzip")],
    "UTF-16": [whole(COMPLETION.decode().encode("utf-16"), content_type=f"{JSON_TYPE}; charset=utf-16")],
    "two documents": [whole(COMPLETION + COMPLETION)],
    "half a document": [whole(COMPLETION[:HALF])],
    "closed in the body": [head(length=len(COMPLETION)), COMPLETION[:HALF], CLOSE],
    "reset in the body": [head(length=len(COMPLETION)), COMPLETION[:HALF], 0.05, RESET],
    "closed in a chunked body": [head(transfer_encoding="chunked"), chunk(COMPLETION[:HALF]), CLOSE],
    "closed in a body without length": [head(), COMPLETION[:HALF], CLOSE],
    "closed in the head": [head()[:20], CLOSE],
    "closed at once": [CLOSE],
    "reset at once": [RESET],
    "a wrong chunk size": [head(transfer_encoding="chunked"), b"what?\r\n", COMPLETION, CLOSE],
    "a length that is too short": [head(length=HALF) + COMPLETION, CLOSE],
    "no HTTP": [b"220 mail.example ESMTP\r\n", CLOSE],
    "a head without end": [head(x="y" * 100_000) + COMPLETION, CLOSE],
}


@pytest.mark.parametrize("name", READABLE)
def test_a_reply_that_is_there_is_read_however_it_comes(name: str) -> None:
    with raw_server(READABLE[name]) as server:
        reply = ask(OpenAIBackend, server, timeout=PATIENT)
    assert (reply.text, reply.finish) == ("Verdict: A", "stop")


@pytest.mark.parametrize("backend", [OpenAIBackend, AnthropicBackend])
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_reply_is_transient_and_one_line(name: str, backend: type) -> None:
    with raw_server(BROKEN[name]) as server:
        started = time.monotonic()
        with pytest.raises(TransientError) as caught:
            ask(backend, server, timeout=TIMEOUT)
        assert len(server.requests) == 1
    assert time.monotonic() - started < ENDLESS / 2, "the timeout is for the whole call, however slow the bytes"
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_what_a_server_says_moves_no_cursor(status: int) -> None:
    body = json.dumps({"error": {"message": "\x1b[2J\x1b]0;owned\x07 no \r\n\u202e"}}).encode()
    with raw_server([head(status, len(body)) + body]) as server, pytest.raises(BackendError) as caught:
        ask(OpenAIBackend, server)
    assert " no " in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_charset_that_is_no_utf_8_costs_a_letter_and_no_verdict() -> None:
    """JSON is UTF-8, whatever its header says: what is none becomes a replacement character."""
    body = COMPLETION.replace(b"Verdict", b"Tr\xe8s bien. Verdict")
    with raw_server([whole(body, content_type=f"{JSON_TYPE}; charset=iso-8859-1")]) as server:
        assert ask(OpenAIBackend, server).text == "Tr\ufffds bien. Verdict: A"


def test_a_redirect_carries_no_key_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with raw_server([whole()]) as other, raw_server([head(307, 0, location=f"{other.url}/moved")]) as server:
        ask(OpenAIBackend, server)
    assert "sk-secret" in str(server.requests[0].headers)
    assert "sk-secret" not in str(other.requests)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.001)


def test_a_run_through_all_of_it_ends_with_every_verdict_once(tmp_path: Path, hasty: None) -> None:
    task = write_pairs(tmp_path / "pairs.jsonl", 10)
    with raw_server(*BROKEN.values(), *READABLE.values(), [whole()]) as server:
        done = evaluate(
            "pairwise", str(task), model="openai/m", base_url=server.url, runs=str(tmp_path / "runs"), timeout=2 * TIMEOUT,
            max_attempts=len(BROKEN) + 1, concurrency=4, cache=False,
        )  # fmt: skip
        assert len(server.requests) == 20 + len(BROKEN)
    assert (done.result.counts.trials, done.result.counts.verdicts) == (20, 20)
    lines = [orjson.loads(line) for line in (done.directory / "journal.jsonl").read_bytes().splitlines()]
    assert sorted(line["kind"] for line in lines) == ["judgment"] * 20 + ["reply"] * 20
    assert {line["reply"]["text"] for line in lines if line["kind"] == "reply"} == {"Verdict: A"}


def test_a_server_that_never_answers_right_leaves_the_run_incomplete(tmp_path: Path, hasty: None) -> None:
    task = write_pairs(tmp_path / "pairs.jsonl", 4)
    options = {"model": "openai/m", "runs": str(tmp_path / "runs"), "cache": False, "concurrency": 2}
    with raw_server(BROKEN["a page"]) as server, pytest.raises(Incomplete, match="something else than a reply"):
        evaluate("pairwise", str(task), base_url=server.url, max_attempts=2, **options)
    assert 4 <= len(server.requests) <= 6, "after as many failures in a row as calls in flight, it gives up"
    assert not list(tmp_path.rglob("result.json"))
