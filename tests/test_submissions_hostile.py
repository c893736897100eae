"""Hostile submissions: each kind is refused with a finding that names file, field and what is wrong.

None may end in a traceback, take long, or use much memory; what is printed of them is inert.
"""

import gzip
import io
import os
import socket
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from fakes.honest import edit, edit_spec, honest, rewrite, rewrite_bytes, rows_of
from judgebench.cli.validating import command
from judgebench.hashing import sha256
from judgebench.submissions.validate import validate

Spoil = Callable[[Path], Any]
"""Spoils the honest result in a path."""
RLO = "\u202e"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>"
MARKDOWN = "`x` [a](javascript:alert(1)) ![b](http://h/p.png) @everyone | # <b>"


def text(change: Callable[[str], str]) -> Spoil:
    """Spoil the result's text."""
    return lambda path: path.write_text(change(path.read_text("utf-8")), "utf-8")


def data(change: Callable[[bytes], bytes]) -> Spoil:
    """Spoil the result's bytes."""
    return lambda path: path.write_bytes(change(path.read_bytes()))


def field(*place: str, value: Any) -> Spoil:
    """Put a value somewhere into the result."""

    def change(result: dict[str, Any]) -> None:
        for name in place[:-1]:
            result = result[name]
        result[place[-1]] = value

    return lambda path: edit(path, change)


def spec(*place: str, value: Any) -> Spoil:
    """Put a value somewhere into the spec, and make its hash fit."""

    def change(found: dict[str, Any]) -> None:
        for name in place[:-1]:
            found = found[name]
        found[place[-1]] = value

    return lambda path: edit_spec(path, change)


def line(change: Callable[[bytes], bytes], number: int = 0) -> Spoil:
    """Spoil a line of the verdicts, and make their hash fit."""

    def spoil(path: Path) -> None:
        found = path.with_suffix(".verdicts.jsonl").read_bytes().splitlines(keepends=True)
        found[number] = change(found[number])
        rewrite_bytes(path, b"".join(found), len(found))

    return spoil


def row(**values: Any) -> Spoil:
    """Change the first verdict that holds a preference, and make hash and number of rows fit."""

    def spoil(path: Path) -> None:
        found = rows_of(path)
        rewrite(path, [found[0].model_copy(update={"preference": None, "fault": None} | values), *found[1:]])

    return spoil


def beside(name: str, content: bytes = b"x") -> Spoil:
    """Put another file into the judge's folder."""
    return lambda path: path.with_name(name).write_bytes(content)


def sparse(suffix: str, size: int) -> Spoil:
    """Make a file of zeros, which takes no space on the disk."""

    def spoil(path: Path) -> None:
        with path.with_suffix(suffix).open("wb") as file:
            file.truncate(size)

    return spoil


def replaced(make: Callable[[Path], Any], suffix: str = ".json") -> Spoil:
    """Put something else in place of a file."""

    def spoil(path: Path) -> None:
        path = path.with_suffix(suffix)
        path.unlink()
        make(path)

    return spoil


def renamed_judge(name: str) -> Spoil:
    return lambda path: path.parent.rename(path.parent.with_name(name))


def renamed_task(name: str) -> Spoil:
    return lambda path: path.rename(path.with_name(f"{name}.json"))


def named_outside(path: Path) -> None:
    """Say that the judge is a path that leads out of the folder."""
    edit_spec(path, lambda found: found["judge"].update(name="../../etc/cron.d/x"))


def own_task(table: bytes) -> Spoil:
    """Make it a task of the submitter's own, with this gold table."""

    def spoil(path: Path) -> None:
        def change(found: dict[str, Any]) -> None:
            found["task"].update(name="mine", fingerprint=sha256(table))

        edit_spec(path, change)
        for suffix in (".verdicts.jsonl", ".json"):
            path.with_name(f"starter{suffix}").rename(path.with_name(f"mine{suffix}"))
        path.with_name("mine.gold.csv").write_bytes(table)

    return spoil


def gold(*cells: str) -> bytes:
    return ("item,category,source,gold\n" + "".join(f"{cell}\n" for cell in cells)).encode()


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # the names of sockets are short


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", b"0" * 1_000_000)
    return out.getvalue()


def bomb() -> bytes:
    """Return gzip bytes a thousandth of what they unpack to."""
    return gzip.compress(b"0" * 50_000_000)


ITEM = "0123456789abcdef"
DEEP = "[" * 100_000 + "]" * 100_000
J, V, G = "starter.json: ", "starter.verdicts.jsonl: ", "mine.gold.csv: "
REQUIRED = [  # name, how to spoil an honest result, what the finding says
    # -- the file itself
    ("a symbolic link to a secret", replaced(lambda p: p.symlink_to("/etc/passwd")), J + "is a symbolic link; only regular"),
    ("a link to itself", replaced(lambda p: p.symlink_to(p)), J + "is a symbolic link; only regular files are read"),
    ("linked verdicts", replaced(lambda p: p.symlink_to("starter.json"), ".verdicts.jsonl"), V + "is a symbolic link"),
    ("a linked folder", lambda p: (p.parent.rename(p.parents[2] / "x"), p.parent.symlink_to(p.parents[2] / "x")), "longest: is a symbolic link; here lie only folders"),
    ("a named pipe", replaced(os.mkfifo), J + "is a named pipe; only regular files are read"),
    ("a socket", replaced(a_socket), J + "is a socket; only regular"),
    ("a folder in place of a file", replaced(Path.mkdir), J + "is a folder; only regular files are read. Results lie one"),
    ("a nested folder", lambda p: (p.parent / "deeper").mkdir(), "deeper: is a folder; only regular files are read"),
    ("an empty folder", lambda p: (p.parents[1] / "empty").mkdir(), "empty: is an empty folder"),
    ("a gigabyte in the result", sparse(".json", 1 << 30), J + "has 1,073,741,824 bytes; 4,194,304 is the most"),
    ("a line of a gigabyte", sparse(".verdicts.jsonl", 1 << 30), V + "has 1,073,741,824 bytes; 134,217,728 is the most"),
    ("a line of 100 megabytes", sparse(".verdicts.jsonl", 100 << 20), V + "line 1: longer than 65,536 bytes"),
    ("a gzip bomb under another name", data(lambda _: bomb()), J + "is gzip under another name; write it unpacked"),
    ("gzipped verdicts", line(lambda _: bomb()[:1000] + b"\n"), V + "is gzip under another name"),
    ("a zip under another name", data(lambda _: zipped()), J + "is zip under another name"),
    ("a packed file", beside("starter.json.gz", bomb()), "starter.json.gz: is not a kind of file that lies here"),
    ("code", beside("conftest.py"), "conftest.py: is not a kind of file that lies here"),
    ("a hidden file", beside(".gitattributes"), ".gitattributes: is not a kind of file that lies here"),
    ("a file among the judges", lambda p: (p.parents[1] / "x.json").write_text("{}"), "x.json: is a regular file; here lie"),
    ("verdicts without a result", beside("other.verdicts.jsonl"), "other.verdicts.jsonl: has no result beside it, other.json"),
    ("gold without a result", beside("other.gold.csv"), "other.gold.csv: has no result beside it, other.json"),
    ("a missing verdicts file", lambda p: p.with_suffix(".verdicts.jsonl").unlink(), V + "is missing"),
    ("an empty result", data(lambda _: b""), J + "is not JSON: Expecting value"),
    ("an empty verdicts file", lambda p: rewrite_bytes(p, b""), V + "48 verdicts are missing"),
    # -- names
    ("a reserved name", renamed_judge("con"), "con: the folder's name is a device's name on Windows"),
    ("a reserved name with a suffix", renamed_task("lpt1.x"), "lpt1.x.json: the task's name is a device's name on Windows"),
    ("a look-alike", renamed_judge("l\u043engest"), "l\u043engest: the folder's name is not safe as a path"),
    ("a bidi control in a name", renamed_judge(f"longest{RLO}nosj"), "longest\\u202enosj: the folder's name is not safe"),
    ("a line break in a name", renamed_judge("longest\nfake: ok"), "longest\\x0afake: ok: the folder's name is not safe"),
    ("an escape sequence in a name", renamed_task("a\x1b[2Jb"), "a\\x1b[2Jb.json: the task's name is not safe as a path"),
    ("bytes that are no text in a name", renamed_judge(os.fsdecode(b"a\xff")), "a\\udcff: the folder's name is not safe"),
    ("markup in a name", renamed_judge("<img src=x onerror=alert(1)>"), "the folder's name is not safe as a path"),
    ("an option for a name", renamed_judge("-rf"), "-rf: the folder's name is not safe as a path"),
    ("a trailing dot", renamed_judge("longest."), "longest.: the folder's name ends in a dot, which Windows drops"),
    ("an endless name", renamed_judge("a" * 161), "the folder's name has 161 characters; 160 is the most"),
    ("names that differ by case", lambda p: honest(p.parents[2] / "b", "longest").parent.rename(p.parents[1] / "Longest"), "longest: is 'Longest' on a system that ignores case"),
    ("names that differ by form", lambda p: honest(p.parents[2] / "b", "longest").parent.rename(p.parents[1] / "\uff4congest"), "is 'longest' on a system that ignores case"),
    ("a path in the judge's name", named_outside, J + "spec.judge.name: is '../../etc/cron.d/x', but the path says"),
    ("a path in the task's name", spec("task", "name", value="../../../x"), J + "spec.task.name: is '../../../x', but the path"),
    ("a result in another's folder", renamed_judge("shortest"), "shortest/starter.json: spec.judge.name: is 'longest', but"),
    # -- JSON
    ("no JSON", data(lambda _: b"hello"), J + "is not JSON: Expecting value (line 1, column 1)"),
    ("a list", data(lambda _: b"[]"), J + "is no JSON object but []"),
    ("two values", data(lambda b: b + b"{}"), J + "is not JSON: Extra data"),
    ("a key twice", text(lambda t: t.replace('"demonstration"', '"cost": 0, "demonstration"')), J + "has 'cost' twice"),
    ("a nested key twice", text(lambda t: t.replace('"items": 48,', '"items": 1, "items": 48,', 1)), J + "spec.task: has 'items' twice"),
    ("NaN", text(lambda t: t.replace('"value": 0.5', '"value": NaN', 1)), J + "metrics.accuracy.value: is no finite number"),
    ("Infinity", text(lambda t: t.replace('"value": 0.5', '"value": -Infinity', 1)), J + "metrics.accuracy.value: is no finite"),
    ("a number that overflows", text(lambda t: t.replace('"value": 0.5', '"value": 1e999', 1)), J + "metrics.accuracy.value: is no finite"),
    ("a number beyond 2^53", text(lambda t: t.replace('"seed": 0', '"seed": 9007199254740993', 1)), J + "spec.seed: is beyond 2^53"),
    ("a million digits", text(lambda t: t.replace('"seed": 0', '"seed": ' + "9" * 1_000_000, 1)), J + "spec.seed: is no finite number, or one of too many digits"),
    ("a number as text", field("counts", "items", value="48"), J + "counts.items: input should be a valid integer"),
    ("truth as a number", field("demonstration", value=0), J + "demonstration: input should be a valid boolean"),
    ("deep nesting", text(lambda t: t.replace('"source": {}', f'"source": {{"a": {DEEP}}}')), J + "is nested too deeply"),
    ("rather deep nesting", field("environment", "backend", value=orjson.loads("[" * 30 + "]" * 30)), J + "environment.backend"),
    ("a byte order mark", data(lambda b: b"\xef\xbb\xbf" + b), J + "begins with a byte order mark"),
    ("Latin-1", data(lambda b: b.replace(b'"longest"', b'"long\xe9st"', 1)), J + "is not UTF-8 at byte"),
    ("UTF-16", data(lambda b: b.decode().encode("utf-16")), J + "is not UTF-8 at byte 0"),
    ("a lone surrogate", text(lambda t: t.replace('"started": "', '"started": "\\ud800', 1)), J + "started: holds an unprintable character, U+D800"),
    ("a NUL", field("started", value="2026\0"), J + "started: holds an unprintable character, U+0000"),
    ("an unknown field", field("bonus", value=1), J + "bonus: is no field of a result. Remove it"),
    ("an unknown inner field", field("metrics", "accuracy", "p", value=0.01), J + "metrics.accuracy.p: is no field of a result"),
    ("a missing field", lambda p: edit(p, lambda r: r.pop("counts")), J + "counts: field required"),
    ("a future schema", field("schema_version", value=2), J + "schema_version: is 2; this judgebench reads 1"),
    ("truth for a version", field("schema_version", value=True), J + "schema_version: input should be a valid integer"),
    # -- strings
    ("an escape sequence in a string", field("environment", "platform", value="\x1b]0;x\x07"), J + "environment.platform: holds an unprintable character, U+001B"),
    ("a bidi control in a string", field("environment", "platform", value=f"a{RLO}b"), J + "environment.platform: holds an unprintable"),
    ("a zero-width space in a field's name", field("by_category", "math\u200b", value={}), J + "by_category: a name in it holds an unprintable character, U+200B"),
    ("a novel in a string", field("environment", "platform", value="a" * 501), J + "environment.platform: has 501 characters; 500"),
    ("a flood of fields", field("environment", "packages", value={f"p{n}": "1" for n in range(5000)}), J + "environment.packages: holds 5,000"),
    ("script in a category", field("by_category", MARKUP, value={}), J + f"by_category.{MARKUP}: does not follow from the verdicts"),
    ("script in the source", field("source", value={"file": MARKUP}), J + "source: is for imported outputs"),
    ("Markdown in the judge's name", spec("judge", "name", value=MARKDOWN), J + "spec.judge.name: is '`x`"),
    ("a private address", field("environment", "backend", value={"u": "http://10.0.0.7/v1"}), J + "environment.backend.u: names a private"),
    ("a key", field("environment", "backend", value={"u": "hf_" + "a" * 30}), J + "environment.backend.u: holds what looks like a key"),
    # -- numbers
    ("numbers whose sum overflows", row(scores=(1e308, -1e308)), V + "line 1: scores: are not 2 numbers up to 1e+12"),
    ("a cost of 10^308", field("cost", value=1e308), J + "cost: is 1e+308; possible is 0 to 10,000,000"),
    ("a billion repeats", spec("repeats", value=10**9), J + "spec.repeats: is 1000000000; 1 to 1000 is possible"),
    ("a billion rows", field("verdicts", "rows", value=10**9), V + "has 48 rows; the result says 1000000000"),
    ("more verdicts than can be", lambda p: rewrite(p, rows_of(p) * 5), V + "line 193: there are more than 192 rows"),
    ("a flood of parameters", spec("judge", "params", value={f"p{n}": "/home/me" for n in range(500)}), J + "spec.judge.params: holds 500"),
    ("a flood of leaks", field("environment", "backend", value={f"p{n}": "/home/me" for n in range(90)}), J + "and 65 more"),
    ("a null judge's outputs, imported", field("evidence", value="imported"), J + "spec.judge.kind: is 'null'; importers write"),
    ("a negative version", spec("task", "version", value=-1), J + "spec.task.version: is -1, the installed card"),
    ("a task without items", spec("task", "items", value=0), J + "spec.task.items: is 0: a task without items"),
    # -- verdicts
    ("a text in a verdict", line(lambda b: b.replace(b"}", b',"rationale":"because"}')), V + "line 1: rationale: is no field of a verdict; texts"),
    ("a key twice in a verdict", line(lambda b: b.replace(b"{", b'{"item":"x",', 1)), V + "line 1: has 'item' twice"),
    ("NaN in a verdict", line(lambda b: b.replace(b"}", b',"confidence":NaN}')), V + "line 1: confidence: is no finite number"),
    ("a confidence of 2", row(preference="A>B", confidence=2.0), V + "line 1: confidence: is 2.0; 0 to 1 is possible"),
    ("a verdict and a fault", row(preference="A>B", fault="empty"), V + "line 1: fault: a row has either a decision or a fault"),
    ("neither verdict nor fault", row(), V + "line 1: fault: a row has either a decision or a fault"),
    ("an unknown verdict", line(lambda b: b.replace(b"A>B", b"A>>B").replace(b"B>A", b"A>>B")), V + "line 1: preference: input should be"),
    ("an order that is none", row(preference="A>B", order=(0, 0)), V + "line 1: order: (0, 0) is no order of 1 to 128 candidates"),
    ("a million candidates", row(best=(0,), order=tuple(range(200))), V + "line 1: order: (0, 1, 2"),
    ("a place that is none", row(best=(2,)), V + "line 1: best: (2,) are not different places of 2 candidates"),
    ("three candidates of two", row(best=(0,), order=(0, 1, 2)), V + "1 verdicts are of 3 candidates, gold says 2"),
    ("a negative repeat", row(preference="A>B", repeat=-1), V + "line 1: repeat: is -1; 0 to 999 is possible"),
    ("an item that is none", row(preference="A>B", item="=cmd()"), V + "1 verdicts are about items that the task does not have"),
    ("spaces in a line", line(lambda b: b.replace(b":", b": ")), V + "line 1: is not as judgebench writes it: '{\"item\":"),
    ("an empty line", line(lambda b: b + b"\n"), V + "line 2: is empty"),
    ("a torn last line", line(lambda b: b[:-1], 47), V + "line 48: has no line break at its end: the file is cut"),
    ("a line of megabytes", line(lambda _: b'{"item":"' + b"a" * 2_000_000 + b'"}\n', 5), V + "line 6: longer than 65,536 bytes"),
    ("a carriage return", line(lambda b: b.replace(b"\n", b"\r\n")), V + "line 1: is not as judgebench writes it"),
    ("deep nesting in a verdict", line(lambda _: b"[" * 30_000 + b"]" * 30_000 + b"\n"), V + "line 1: is nested too deeply"),
    ("unsorted verdicts", lambda p: rewrite(p, rows_of(p)[::-1]), V + "line 1: rows are not sorted by item, repeat and order"),
    # -- gold
    ("a gold table of one item", own_task(gold(f"{ITEM},a,b,A>B")), "mine.verdicts.jsonl: line 5: there are more than 4 rows"),
    ("a formula in a category", own_task(gold(f"{ITEM},=cmd(),b,A>B")), G + "line 2: category '=cmd()' is empty, or a formula"),
    ("a formula in a source", own_task(gold(f"{ITEM},a,@SUM(A1),A>B")), G + "line 2: source '@SUM(A1)' is empty, or a formula"),
    ("a formula for an item", own_task(gold("-1+1,a,b,A>B")), G + "line 2: item '-1+1' is empty, or a formula to a spreadsheet"),
    ("an unknown gold label", own_task(gold(f"{ITEM},a,b,A>>B")), G + "line 2: not a gold row"),
    ("a missing cell of gold", own_task(gold(f"{ITEM},a")), G + "line 2: not a gold row"),
    ("another header of gold", own_task(b"a,b,c,d\n1,2,3,4\n"), G + "line 2: not a gold row"),
    ("gold of two shapes", own_task(gold(f"{ITEM},a,b,A>B", f'1{ITEM[1:]},a,b,"{{""high"":1.0,""kind"":""scores"",""low"":0.0,""scores"":[1.0]}}"')), G + "cannot be measured: one task cannot mix"),
    ("gold with an item twice", own_task(gold(f"{ITEM},a,b,A>B", f"{ITEM},a,b,B>A")), G + "has an item twice"),
    ("unsorted gold", own_task(gold(f"1{ITEM[1:]},a,b,A>B", f"{ITEM},a,b,B>A")), G + "is not as judgebench writes it: rows sorted"),
    ("a candidate of index a billion", own_task(gold(f'{ITEM},a,b,"{{""indices"":[1000000000],""kind"":""best""}}"')), G + "line 2: gold's indices are not"),
    ("gold of 10^308", own_task(gold(f'{ITEM},a,b,"{{""high"":1e+308,""kind"":""scores"",""low"":0.0,""scores"":[1e+308]}}"')), G + "line 2: holds a number beyond 1e+12"),
    ("a bidi control in gold", own_task(gold(f"{ITEM},a{RLO},b,A>B")), G + "line 2: holds an unprintable character"),
    ("gold of a thousand categories", own_task(gold(*(f"{n:016x},c{n},b,A>B" for n in range(1000)))), G + "has more than 100 categories"),
    ("gold in Latin-1", own_task(gold(f"{ITEM},a,b,A>B").replace(b",a,", b",\xe9,")), G + "line 2: is not UTF-8"),
    ("a line of gold of megabytes", own_task(gold(f"{ITEM},{'a' * 100_000},b,A>B")), G + "line 2: longer than 65,536 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "finding"), [kind[1:] for kind in REQUIRED], ids=[kind[0] for kind in REQUIRED])
def test_every_hostile_kind_is_refused_and_inert(
    spoil: Spoil, finding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil(honest(tmp_path, "longest"))
    began = time.perf_counter()
    tracemalloc.start()
    try:
        report = validate(Path("results"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - began < 60, "it took long"
    assert peak < 150 << 20, "it used much memory"
    found = [str(error) for error in report.errors]
    assert any(finding in one for one in found), found
    assert not any("our fault" in one for one in found), found
    assert all(one.isprintable() for one in found)
    assert len(found) < 30, "one mistake is not a hundred findings"


def test_there_are_at_least_forty_kinds() -> None:
    assert len({kind[0] for kind in REQUIRED}) == len(REQUIRED) >= 100


@pytest.mark.parametrize("option", [(), ("--json",), ("--markdown",)])
def test_the_command_shows_hostile_strings_inert(
    option: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = honest(tmp_path, "longest")
    edit_spec(path, lambda found: found["judge"].update(name=MARKDOWN, model=f"x/{MARKUP}"))
    path.with_name(f"a\x1b[2J\n{RLO}`@everyone`.json").write_text("{}")
    done = CliRunner().invoke(command, list(option), standalone_mode=False)
    assert done.return_value == 1
    assert done.exception is None
    out = done.stdout
    assert all(line.isprintable() for line in out.splitlines())
    assert RLO not in out
    if option == ("--json",):
        assert orjson.loads(out)["ok"] is False
    if option == ("--markdown",):
        for line in out.splitlines():
            assert line.startswith(("- `", "#", "**")) or not line
            outside = "".join(line.split("`")[::2])
            assert not set(outside) & set("<>[]()|@!&"), line


def test_what_stands_in_a_link_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"password": "hunter2"}')
    path = honest(tmp_path, "longest")
    path.unlink()
    path.symlink_to(secret)
    path.with_name("other.json").symlink_to(secret)
    report = validate(tmp_path / "results")
    assert not report.ok
    assert "hunter2" not in str(report.as_json())


def test_one_bad_result_does_not_hide_the_others(tmp_path: Path) -> None:
    path, other = honest(tmp_path, "longest"), honest(tmp_path, "random")
    path.write_bytes(b"[" * 1_000_000)
    edit(other, lambda result: result["metrics"]["accuracy"].update(value=0.9))
    found = "\n".join(map(str, validate(tmp_path / "results").errors))
    assert "longest/starter.json: is nested too deeply" in found
    assert "random/starter.json: metrics.accuracy.value: is 0.9" in found
