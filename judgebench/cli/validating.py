"""`judgebench validate`: check results as the board does, by computing everything again."""

from pathlib import Path

import click

from judgebench.cli.output import print_json, say

PATH = click.Path(path_type=Path)


@click.command("validate")
@click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")
@click.option("--results", type=PATH, default=Path("results"), show_default=True, help="Folder of results.")
@click.option(
    "--changed-against", "reference", metavar="REF",
    help="Check what this branch adds since it left REF (origin/main), and that it changes no merged result.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a comment on a pull request.")
def command(paths: tuple[Path, ...], results: Path, reference: str | None, as_json: bool, as_markdown: bool) -> int:
    """Check results: every file, every rule, every number computed again. Offline.

    Without PATH all results are checked; a PATH is a result's file or a judge's folder. One finding a line: errors
    refuse a result, flags ask a person to look. Exit code 1 when there is an error. docs/validation.md has the rules.
    """
    from judgebench.errors import UsageError
    from judgebench.submissions.validate import validate, validate_changes

    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other")
    if reference is not None and paths:
        raise UsageError("--changed-against finds the files itself: leave out PATH")
    if reference is None:
        report = validate(results, paths)
    else:
        root = results.absolute()
        report = validate_changes(root.parent, reference, results=root.name)
    if as_json:
        print_json(report.as_json())
    elif as_markdown:
        click.echo(report.markdown(), nl=False)
    else:
        for finding in report.findings:
            click.echo(str(finding))
    say(report.summary)
    return 0 if report.ok else 1
