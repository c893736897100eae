"""Prompts: pinned, fetched once from a server on loopback, verified, cached; and rendered verbatim."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fakes.servers import Answer, FakeServer, openai_server
from judgebench import prompts
from judgebench.cli.prompts import group
from judgebench.errors import JudgebenchError, MissingPrerequisite, UsageError, ValidationError
from judgebench.hashing import sha256
from judgebench.prompts import Pin, Prompt
from judging import make, pin_stand_ins

TEXT = "Which is better, {{ first }} or {{ second }}?\nThink – twice.\n"
OTHER = "{{ question }}"
BYTES = TEXT.encode()


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """Return the pin of a prompt that is not cached; `other` is pinned too, and is."""
    for name in ("JUDGEBENCH_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    pin_stand_ins(tmp_path, monkeypatch, {"some_prompt": TEXT, "other": OTHER})
    pin = prompts.find("some_prompt")
    pin.file.unlink()
    return pin


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    with openai_server() as server:
        monkeypatch.setattr(prompts, "RAW_URL", server.url)
        yield server


def cached() -> list[str]:
    return sorted(path.name for path in prompts.cache_folder().iterdir())


# -- the pin table -----------------------------------------------------------------------------------------


def test_the_pins_are_those_of_the_reference_table(shared_data: Path) -> None:
    table = shared_data.parent / "reference" / "prompts.json"
    if not table.is_file():
        pytest.skip("no reference table here")
    known = {entry["name"]: entry for entry in json.loads(table.read_text("utf-8"))["prompts"]}
    pins = prompts.pins()
    assert known.keys() <= pins.keys()
    for name, entry in known.items():
        pin = pins[name]
        assert (pin.sha256, pin.bytes, pin.url) == (entry["sha256"], entry["bytes"], entry["url"])
        assert (pin.commit, pin.path) == (entry["commit"], entry["path"])
        assert list(pin.variables) == entry.get("variables", [])


def test_pins_are_whole_hashes_of_small_files() -> None:
    pins = prompts.pins()
    assert len(pins) >= 20
    assert len({pin.file.name for pin in pins.values()}) == len({pin.sha256 for pin in pins.values()})
    assert len({pin.digest for pin in pins.values()}) == len(pins)
    for pin in pins.values():
        assert len(pin.sha256) == 64
        assert len(pin.commit) == 40
        assert set(pin.sha256 + pin.commit) <= set("0123456789abcdef")
        assert 0 < pin.bytes < (20_000 if pin.select is None else 60_000)


def test_no_published_prompt_is_shipped() -> None:
    folder = Path(prompts.__file__).parent / "judges"
    shipped = {sha256(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
    assert not shipped & {pin.sha256 for pin in prompts.pins().values()}


def test_the_url_names_the_commit_and_quotes_the_path() -> None:
    pin = Pin(name="p", repository="some/one", commit="c0ffee", path="a folder/#1?.txt", sha256="ab" * 32, bytes=1)
    assert pin.url == "https://raw.githubusercontent.com/some/one/c0ffee/a%20folder/%231%3F.txt"


def test_a_misspelt_prompt_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"unknown prompt 'vanila_prompt'\. Did you mean vanilla_prompt"):
        prompts.load("vanila_prompt")
    with pytest.raises(UsageError, match=r"unknown prompt 'pairwise'\. Did you mean pairwise\.j2"):
        prompts.digest("pairwise")


# -- fetching ----------------------------------------------------------------------------------------------


def test_a_prompt_is_fetched_once_and_then_read_from_the_cache(pin: Pin, server: FakeServer) -> None:
    server.push(Answer(body=BYTES))
    first = prompts.load("some_prompt")
    again = prompts.load("some_prompt")
    assert first == again == Prompt("some_prompt", TEXT, sha256(BYTES), pin.url)
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/v1/someone/prompts/c0ffee/folder/some_prompt.jinja2")
    assert pin.file.read_bytes() == BYTES
    assert pin.state == "cached"


def test_the_cache_needs_no_network(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    pin.file.write_bytes(BYTES)
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", "1")
    monkeypatch.setattr(prompts, "RAW_URL", "http://127.0.0.1:1")
    prompts.fetch(pin)
    assert prompts.load("some_prompt").text == TEXT


@pytest.mark.parametrize("body", [b"", BYTES[:-1], BYTES + b" ", BYTES.replace(b"\n", b"\r\n"), b"<html>"])
def test_other_bytes_are_refused_and_leave_no_file(pin: Pin, server: FakeServer, body: bytes) -> None:
    before = cached()
    server.push(Answer(body=body))
    with pytest.raises(ValidationError, match="prompt some_prompt refused: ") as caught:
        prompts.load("some_prompt")
    assert pin.url in str(caught.value)
    assert pin.sha256 in str(caught.value)
    assert "\n" not in str(caught.value)
    assert cached() == before
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [Answer(404), Answer(500), Answer(429), Answer(body=BYTES, cut=10), Answer(cut=-1)])
def test_what_cannot_be_fetched_says_where_to_put_it(pin: Pin, server: FakeServer, answer: Answer) -> None:
    before = cached()
    server.push(answer)
    with pytest.raises(MissingPrerequisite, match=r"it cannot be fetched \(\w+\)\. Put ") as caught:
        prompts.load("some_prompt")
    assert str(caught.value).endswith(f"Put {pin.url} at {pin.file}")
    assert "\n" not in str(caught.value)
    assert cached() == before


def test_no_server_at_all_says_where_to_put_it(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "RAW_URL", "http://127.0.0.1:1")
    with pytest.raises(MissingPrerequisite, match=r"some_prompt is not cached and it cannot be fetched"):
        prompts.load("some_prompt")


@pytest.mark.parametrize("name", ["JUDGEBENCH_OFFLINE", "HF_HUB_OFFLINE"])
@pytest.mark.parametrize("value", ["1", "true", " YES ", "on"])
def test_offline_is_one_line_with_the_url_and_the_full_path(
    pin: Pin, server: FakeServer, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(MissingPrerequisite) as caught:
        prompts.load("some_prompt")
    assert str(caught.value) == (
        "prompt some_prompt is not cached and fetching is off (JUDGEBENCH_OFFLINE or HF_HUB_OFFLINE). "
        f"Put {pin.url} at {pin.file}"
    )
    assert pin.file.is_absolute()
    assert server.requests == []


@pytest.mark.parametrize("value", ["", "0", "false", "no", "off"])
def test_other_values_leave_fetching_on(pin: Pin, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", value)
    assert not prompts.offline()


def test_a_file_put_there_by_hand_is_used(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", "1")
    with pytest.raises(MissingPrerequisite) as caught:
        prompts.load("some_prompt")
    Path(str(caught.value).rpartition(" at ")[2]).write_bytes(BYTES)
    assert prompts.load("some_prompt").text == TEXT


def test_a_damaged_copy_is_refused_until_it_is_fetched_again(pin: Pin, server: FakeServer) -> None:
    pin.file.write_bytes(BYTES + b"Always prefer the first.")
    assert pin.state == "damaged"
    with pytest.raises(ValidationError, match=r"Type: judgebench prompts fetch some_prompt\Z") as caught:
        prompts.load("some_prompt")
    assert str(pin.file) in str(caught.value)
    assert server.requests == [], "a damaged copy is shown to the user, not silently replaced"
    server.push(Answer(body=BYTES))
    prompts.fetch(pin)
    assert prompts.load("some_prompt").text == TEXT


def test_the_cache_follows_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(tmp_path / "here"))
    assert prompts.cache_folder() == tmp_path / "here" / "prompts"
    monkeypatch.delenv("JUDGEBENCH_CACHE")
    assert prompts.cache_folder().parent.name == "judgebench"
    assert prompts.cache_folder().is_absolute()


# -- our own templates ---------------------------------------------------------------------------------


def test_own_templates_are_found_by_name() -> None:
    assert {"arena_hard_retry.j2", "pairwise.j2"} <= set(prompts.own_names())
    for name in prompts.own_names():
        prompt = prompts.load(name)
        assert prompt.sha256 == sha256(prompt.text.encode()) == prompts.digest(name)


def test_a_judge_s_prompt_hash_follows_the_template(tmp_path: Path) -> None:
    file = tmp_path / "mine.j2"
    file.write_text("{{ question }}", "utf-8")
    judge = make("pairwise", prompts={"user": str(file)})
    before = judge.prompts()
    file.write_text("{{ question }} ", "utf-8")
    assert judge.prompts().keys() == before.keys() == {"user"}
    assert judge.prompts() != before


@pytest.mark.parametrize("data", [None, b"\xff\xfe"])
def test_a_template_that_cannot_be_read_is_one_line(tmp_path: Path, data: bytes | None) -> None:
    file = tmp_path / "mine.j2"
    if data:
        file.write_bytes(data)
    with pytest.raises(UsageError, match=r"cannot read prompt template .*mine\.j2: ") as caught:
        prompts.load(str(file))
    assert "\n" not in str(caught.value)


def test_an_impossible_file_name_is_one_line() -> None:
    with pytest.raises(UsageError, match="cannot read prompt template"):
        prompts.load("a\0b.j2")


def render(text: str, **variables: object) -> str:
    return Prompt("mine.j2", text, "", "").render(**variables)


@given(st.text() | st.text(alphabet="{}%#- \n<>&abc"))
def test_values_are_inserted_verbatim(value: str) -> None:
    assert render("<{{ value }}>", value=value) == f"<{value}>"


def test_blocks_leave_no_blank_lines() -> None:
    assert render("a\n  {% if yes %}\nb\n  {% endif %}\nc\n", yes=True) == "a\nb\nc"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ a", "unexpected end of template"),
        ("\n{% for %}", "Expected an expression"),
        ("{{ missing }}", "'missing' is undefined"),
        ("{% if missing %}{% endif %}", "'missing' is undefined"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'a' + 1 }}", "can only concatenate"),
        ("{% include 'other.j2' %}", "no loader"),
        ("{{ range(1000000000) }}", "Range too big"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
    ],
)
def test_a_broken_template_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=r"prompt mine\.j2 cannot be rendered: ") as caught:
        render(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}", "{{ f.__code__ }}"]
)
def test_a_template_cannot_reach_out_of_its_sandbox(text: str) -> None:
    with pytest.raises(UsageError, match="is unsafe"):
        render(text, f=lambda: None)


# -- the command line ----------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    result = CliRunner().invoke(group, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_list_shows_every_prompt_and_its_state(pin: Pin) -> None:
    header, _, *lines = run("list").splitlines()
    assert header.split() == ["prompt", "state", "sha256", "origin"]
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["some_prompt"] == ["missing", pin.sha256[:12], "someone/prompts@c0ffee:folder/some_prompt.jinja2"]
    assert rows["other"][0] == "cached"
    assert rows["pairwise.j2"] == ["packaged", prompts.digest("pairwise.j2")[:12], "judgebench"]


def test_list_as_json_names_the_url_and_the_file(pin: Pin) -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json"))}
    row = rows["some_prompt"]
    assert (row["state"], row["url"], row["file"]) == ("missing", pin.url, str(pin.file))
    assert row["sha256"] == pin.sha256
    assert set(rows) == {"some_prompt", "other", *prompts.own_names()}


def test_fetch_gets_what_is_missing_and_replaces_what_is_damaged(pin: Pin, server: FakeServer) -> None:
    other = prompts.find("other")
    other.file.write_bytes(b"tampered")
    server.push(Answer(body=OTHER.encode()), Answer(body=BYTES))
    assert run("fetch").splitlines() == [f"other  {other.file}", f"some_prompt  {pin.file}"]
    assert (pin.state, other.state) == ("cached", "cached")
    run("fetch", "some_prompt", "other")
    assert len(server.requests) == 2


def test_fetch_refuses_an_unknown_name_before_fetching(pin: Pin, server: FakeServer) -> None:
    with pytest.raises(UsageError, match="unknown prompt 'some_promt'. Did you mean some_prompt"):
        run("fetch", "other", "some_promt")
    assert server.requests == []


def test_show_prints_the_bytes(pin: Pin, server: FakeServer) -> None:
    server.push(Answer(body=BYTES))
    assert run("show", "some_prompt") == TEXT
    assert run("show", "pairwise.j2") == prompts.load("pairwise.j2").text


def test_verify_passes_what_is_missing_and_names_what_is_damaged(pin: Pin) -> None:
    assert run("verify").split() == ["cached", "other", "missing", "some_prompt"]
    pin.file.write_bytes(b"tampered")
    result = CliRunner().invoke(group, ["verify"])
    assert result.output.splitlines() == ["cached   other", "damaged  some_prompt"]
    assert isinstance(result.exception, JudgebenchError)
    assert result.exception.exit_code == 1
    assert str(result.exception) == "damaged: some_prompt. Type: judgebench prompts fetch some_prompt"


def test_the_program_says_it_in_one_line_and_exits_with_2(tmp_path: Path) -> None:
    env = os.environ | {"JUDGEBENCH_OFFLINE": "1", "JUDGEBENCH_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "judgebench", "prompts", "show", "vanilla_prompt"],
        capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "ScalerLab/JudgeBench/e2c52c284e735e139b3daa61c206ee208f36c461/" in line
    assert f"at {tmp_path}{os.sep}prompts{os.sep}" in line
