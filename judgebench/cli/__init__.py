"""The command line: parses and prints, nothing else.

Commands are listed here by name and imported only when called, so that `judgebench --help` stays fast.
stdout is data, stderr is chatter.
"""

import difflib
import importlib
import signal
import sys
from collections.abc import Mapping
from typing import ClassVar, NoReturn

import click

from judgebench.errors import JudgebenchError
from judgebench.version import VERSION

INTERRUPTED = 130
MOMENT = 0.01
"""Seconds."""
COMMANDS: dict[str, tuple[str, str]] = {
    "eval": ("judgebench.cli.eval:command", "Run judges on tasks; continue where a run stopped."),
    "list": ("judgebench.cli.listing:list_group", "List judges, tasks or suites."),
    "show": ("judgebench.cli.showing:group", "Show a judge, a task or a run."),
    "view": ("judgebench.cli.viewing:command", "Look at a run's trials side by side in a browser."),
    "rescore": ("judgebench.cli.rescoring:command", "Read a run's recorded replies again with today's parser."),
    "batch": ("judgebench.cli.batches:group", "List or cancel the provider batches of a run."),
    "cache": ("judgebench.cli.caching:group", "Show, explain or clear the replies kept across runs."),
    "import": ("judgebench.cli.importing:command", "Turn published outputs of a judge into a result."),
    "submit": ("judgebench.cli.submitting:command", "Turn a run into a result for a pull request."),
    "validate": ("judgebench.cli.validating:command", "Check results as the board does, by recomputing them."),
    "leaderboard": ("judgebench.cli.leaderboard:group", "Build or serve the board."),
    "pairs": ("judgebench.cli.pairs:group", "Make objectively labelled pairs; check or audit them."),
    "doctor": ("judgebench.cli.doctor:command", "Say what is installed, what fits this machine, and test it."),
    "prompts": ("judgebench.cli.prompts:group", "List, fetch, show or verify pinned prompts."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called. `table` has them in order."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = COMMANDS

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the command names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command, or None when there is none of that name."""
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command, with did-you-mean for a misspelt one."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], self.table, n=1)
            hint = f" Did you mean {close[0]}?" if close else f" Type: {ctx.command_path} --help"
            raise click.UsageError(f"unknown command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in self.table.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="judgebench")
def cli() -> None:
    """Measure the judges: which response is better, and who can be trusted to say so."""


def fail(message: str, code: int) -> NoReturn:
    """Print one error to stderr and exit."""
    click.echo(f"judgebench: {message}", err=True)
    sys.exit(code)


def heed_signals() -> None:
    """End a command at SIGTERM as at Ctrl-C, wherever it is.

    In some callbacks (of weak references, of imports) Python can raise nothing: what comes there is printed and
    lost. An interrupt is sent once more a moment later.
    """

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    def lost(unraisable: "sys.UnraisableHookArgs") -> None:
        if isinstance(unraisable.exc_value, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, MOMENT)
        else:
            sys.__unraisablehook__(unraisable)

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGALRM, interrupt)
    sys.unraisablehook = lost


def main() -> None:
    """Run the command line. Never shows a traceback for a user's mistake."""
    heed_signals()
    try:
        code = cli(standalone_mode=False)
    except JudgebenchError as error:
        fail(str(error), error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        usage = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "judgebench"
        fail(f"{error.format_message()} (see: {usage} --help)", 2)
    except (click.Abort, KeyboardInterrupt):
        fail("interrupted; the same command continues", INTERRUPTED)
    except BrokenPipeError:
        # The reader went away (`| head`). Point stdout elsewhere so that Python's exit does not complain.
        sys.stdout = None
        sys.exit(0)
    except OSError as error:
        # A full disk, a folder that may not be written: whoever types can mend it, no traceback helps.
        fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error), 2)
    sys.exit(code if isinstance(code, int) else 0)
