"""`judgebench pairs generate`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import click

from judgebench.cli.eval import Levels
from judgebench.cli.output import columns, print_json, say


@click.command("generate")
@click.option("--generator", "names", default="all", show_default=True, metavar="NAME[,NAME…]", help="Which ones.")
@click.option("--n", "count", type=click.IntRange(min=1), help="How many pairs, shared out over the generators.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other pairs.")
@click.option("--level", type=Levels(), default="1-5", show_default=True, metavar="N[-N]", help="Difficulty, 1 to 5.")
@click.option("--out", help="FILE.jsonl or FILE.jsonl.gz, with a task card beside it; - prints.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that make pairs.")
@click.option("--list", "listing", is_flag=True, help="List the generators, make nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(names: str, listing: bool, as_json: bool, **options: Any) -> None:
    """Make problems with a right solution and one that goes wrong at a single step.

    The same generators, versions, seed, levels and number are the same bytes, however many jobs.
    """
    from judgebench.pairs.generators import stream

    chosen = stream.named(names)
    if listing:
        _list(chosen, as_json)
        return
    count, out, (low, high) = options["count"], options["out"], options["level"]
    if count is None or out is None:
        raise click.UsageError("--n and --out are needed. Type for example: --n 1000 --out pairs.jsonl")
    started = monotonic()
    found = stream.stream(stream.blocks(chosen, count, options["seed"], range(low, high + 1)), options["jobs"])
    if out == "-":
        stream.write(found, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    written = stream.save(Path(out).expanduser(), chosen, found)
    seconds = max(monotonic() - started, 0.001)
    rate = f"{written.pairs / seconds:,.0f} a second"
    say(f"{written.pairs} pairs in {seconds:.1f} s, {rate}, {written.size / 1e6:.1f} MB")
    if as_json:
        print_json({"pairs": written.pairs, "file": out, "sha256": written.sha256, "card": str(written.card)})
        return
    click.echo(out)
    say(f"judge them: judgebench eval --task {written.card}")


def _list(names: Sequence[str], as_json: bool) -> None:
    from judgebench import registry

    found = [registry.load("generators", name) for name in names]
    if as_json:
        print_json([{"name": one.name, "category": one.category, "version": one.version} for one in found])
    else:
        click.echo("\n".join(columns([(one.name, one.category, f"v{one.version}") for one in found])))
