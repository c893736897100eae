import json
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from factories import make_item, write_pairs
from fakes.view_runs import write_run
from judgebench.cli import viewing
from judgebench.evaluation import evaluate


@pytest.fixture
def run(tmp_path: Path) -> Path:
    task = write_pairs(tmp_path / "pairs.jsonl", 3)
    return evaluate("always-first", str(task), runs=str(tmp_path / "runs")).directory


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser was asked to open. None is asked really."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or True)
    return addresses


def view(*arguments: object) -> Result:
    return CliRunner().invoke(viewing.command, [str(argument) for argument in arguments], catch_exceptions=False)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(viewing.sys, "platform", "linux")
    stdout = type("Terminal", (), {"isatty": lambda _: True})()
    monkeypatch.setattr(viewing, "sys", type("Sys", (), {"stdout": stdout, "platform": "linux"}))


def test_the_path_is_all_of_stdout(run: Path, opened: list[str]) -> None:
    done = view(run)
    assert done.exit_code == 0
    assert done.stdout == f"{run / 'view' / 'index.html'}\n"
    assert done.stderr == ""
    assert opened == [], "nobody looks at what is no terminal"


def test_json_says_what_was_built(run: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch, DISPLAY=":0")
    facts = json.loads(view(run, "--json").stdout)
    assert facts == {
        "page": str(run / "view" / "index.html"), "trials": 6, "total": 6, "items": 3, "complete": True,
        "texts": True, "missing": "", "rebuilt": True,
    }  # fmt: skip
    assert json.loads(view(run, "--json").stdout)["rebuilt"] is False
    assert opened == []


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"])
def test_a_terminal_with_a_window_opens_the_page(
    run: Path, opened: list[str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch, **{variable: "x"})
    view(run)
    assert opened == [(run / "view" / "index.html").as_uri()]
    view(run, "--no-open")
    assert len(opened) == 1


def test_a_terminal_without_a_window_opens_nothing(
    run: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_terminal(monkeypatch)
    assert view(run).stdout.endswith("index.html\n")
    assert opened == []


def test_out_is_where_the_pages_go(run: Path, tmp_path: Path) -> None:
    assert view(run, "--out", tmp_path / "pages").stdout == f"{tmp_path / 'pages' / 'index.html'}\n"
    assert not (run / "view").exists()


def test_missing_texts_are_one_line_and_what_to_type(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a run", [make_item(0)], only=1)
    done = view(run)
    assert done.exit_code == 0
    first, second, third = done.stderr.splitlines()
    assert first.startswith("no texts of items: unknown task 'toy'")
    assert second == f"To see them, type: judgebench view '{run}' --data FILE"
    assert third == "the run is not complete: 1 trials are judged"


def test_data_that_have_moved(run: Path, tmp_path: Path) -> None:
    moved = (tmp_path / "pairs.jsonl").rename(tmp_path / "moved.jsonl")
    assert "no such data file" in view(run).stderr
    done = view(run, "--data", moved)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["nowhere"], 2, "judgebench: nowhere is not a run directory: it has no manifest.json"),
        (["{run}", "--out", "{run}"], 2, "judgebench: {run} holds a manifest.json that is not a view's. Choose another folder: --out DIR"),
        (["{run}", "--data", "gone.jsonl"], 2, "judgebench: no such data file: gone.jsonl"),
        ([], 2, "judgebench: Missing argument 'RUN'. (see: python -m judgebench view --help)"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(run: Path, arguments: list[str], code: int, line: str) -> None:
    """In a process of its own: whatever stands above the command must not show a traceback either."""
    typed = [argument.format(run=run) for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "judgebench", "view", *typed],
        capture_output=True,
        text=True,
        cwd=run.parent,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.strip() == line.format(run=run)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from judgebench.cli import cli\n"
        "try: cli(['view', '--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('numpy', 'pandas', 'jinja2', 'judgebench.view') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "RUN/view" in done.stdout
