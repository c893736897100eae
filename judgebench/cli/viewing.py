"""`judgebench view`: a run's trials side by side, in the browser."""

import os
import shlex
import sys
from pathlib import Path

import click

from judgebench.cli.output import print_json, say


@click.command("view")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pages.  [default: RUN/view]")
@click.option("--data", help="A copy of the task's dataset, when it has moved since the run.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page, on a terminal with a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, open nothing.")
def command(run: Path, out: Path | None, data: str | None, opens: bool, as_json: bool) -> None:
    """Show RUN as pages: each item's texts, both orders, the verdicts, gold, and all that was said.

    The pages are files on this machine, made anew when the run has changed, and open without a server. Nothing is
    asked of any other machine: texts are shown where the task's data are at hand, or with --data.
    """
    from judgebench.view import build

    built = build(run, out, data)
    if not built.texts:
        say(f"no texts of items: {built.missing}")
        say(f"To see them, type: judgebench view {shlex.quote(str(run))} --data FILE")
    if not built.complete:
        of = f" of {built.total}" if built.total is not None else ""
        say(f"the run is not complete: {built.trials}{of} trials are judged")
    if as_json:
        print_json(built.as_json())
        return
    click.echo(str(built.page))
    if opens and _has_browser():
        import webbrowser

        webbrowser.open(built.page.resolve().as_uri())


def _has_browser() -> bool:
    """Return whether somebody is there to look, in a browser that has a window."""
    if not sys.stdout.isatty():
        return False
    window = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return window or sys.platform in ("darwin", "win32")
