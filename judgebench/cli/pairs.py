"""`judgebench pairs`: make objectively labelled pairs, check them, audit those of others.

Its commands are listed here by name and imported only when called.
"""

import click

from judgebench.cli import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "audit": ("judgebench.cli.pairs_audit:command", "Audit any file of pairs: answers, duplicates, cuts, leaks."),
    "build": ("judgebench.cli.pairs_build:build", "Build pairs from a source: sample, grade, select."),
    "check": ("judgebench.cli.pairs_build:check", "Check a built set against its own promises."),
    "generate": ("judgebench.cli.pairs_generate:command", "Make pairs from nothing: problems that check themselves."),
    "sources": ("judgebench.cli.pairs_build:sources", "List the sources of questions."),
}


class PairsGroup(LazyGroup):
    """The commands of this table."""

    table = COMMANDS


@click.group("pairs", cls=PairsGroup)
def group() -> None:
    """Make objectively labelled pairs, check them, audit those of others."""
