"""`judgebench submit`: from a finished run to a pull request."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from judgebench.cli.output import print_json, say

if TYPE_CHECKING:
    from judgebench.submissions.submit import Submitted

KINDS = {".verdicts.jsonl": "verdicts", ".gold.csv": "gold", ".json": "result"}


@click.command("submit")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--results", default="results", show_default=True, type=click.Path(path_type=Path), help="Where results go."
)
@click.option("--open-pr", is_flag=True, help="Run the printed git and gh lines.")
@click.option("--json", "as_json", is_flag=True, help="Print paths, findings and lines as JSON.")
def command(runs: tuple[Path, ...], results: Path, *, open_pr: bool, as_json: bool) -> None:
    """Turn finished RUNs into results, check them as the board does, and print the lines of a pull request.

    A run is a folder, runs/<task>/<judge>/<hash>. Its result is rebuilt from the journal; ids, verdicts, scores and
    faults are published, no texts. The pull request's text is written to pull-request.md beside the first run.
    """
    from judgebench.submissions.submit import submit

    done = submit(runs, results, open_pr=open_pr)
    for note in (*done.notes, *map(str, done.report.flags)):
        say(note)
    if as_json:
        print_json(done.as_json())
    else:
        _print(done)
    if done.request is None:
        say(f"{results} is not in a git repository: copy the files into a clone's, or name it with --results DIR")


def _print(done: "Submitted") -> None:
    for path in done.files:
        kind = next(kind for suffix, kind in KINDS.items() if path.name.endswith(suffix))
        click.echo(f"{kind:<8}  {path}")
    click.echo(f"{'text':<8}  {done.body}")
    if done.url is not None:
        click.echo(f"{'opened':<8}  {done.url}")
        return
    for line in done.request.lines if done.request else ():
        click.echo(line)
