"""`judgebench pairs build`, `check` and `sources`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.eval import read_options
from judgebench.cli.output import columns, print_json, say

if TYPE_CHECKING:
    from judgebench.pairs.build import Building
    from judgebench.pairs.writing import Written

SAMPLING = ("temperature", "top_p", "max_tokens", "reasoning_effort")
MOST_FINDINGS = 50
"""Findings printed; the rest is counted. --json prints them all."""


@click.command("build")
@click.argument("source")
@click.option("--out", required=True, help="The folder of the result; what is needed to continue lies in it too.")
@click.option("--name", help="The task's name.  [default: the folder's]")
@click.option("--model", help="provider/name of the model that answers, for example openai/gpt-4o-mini.")
@click.option("--responses", help="Take responses from this file instead: question (id or key), text, model, finish.")
@click.option("--k", type=click.IntRange(min=1), help="Responses to each question.  [default: 16, all of a file's]")
@click.option("--data", help="A local copy of the source's data: a file or a folder.")
@click.option("--release", help="Which release of the source, where it has any: a date, or its own name for it.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many questions, drawn by --seed.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws questions, sides and ties.")
@click.option("--pairs-per-question", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--second-grader", metavar="PROVIDER/NAME", help="A model that must agree with every grade that counts.")
@click.option("--second-base-url", help="An OpenAI-compatible server to ask for second opinions.")
@click.option("--grade-with", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--ray-address", metavar="ADDRESS", help="Join a Ray cluster: HOST:PORT, or auto for the one here.")
@click.option("--unsafe-local", is_flag=True, help="Run untrusted programs without a sandbox where there is none.")
@click.option("--temperature", type=float, help="Unset, it is not sent.")
@click.option("--top-p", type=float, help="Unset, it is not sent.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Unset, the server's own limit holds.")
@click.option("--reasoning-effort", help="Unset, it is not sent.")
@click.option("--sampling-seed", type=int, help="The seed of sample 0; every further sample adds 1.")
@click.option("--base-url", help="An OpenAI-compatible server to ask instead of the provider's own.")
@click.option("--backend-option", "backend_options", multiple=True, metavar="NAME=VALUE", help="Of the backend.")
@click.option("--trust-remote-code", is_flag=True, help="Run the Python code that a model's repository ships.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Calls in flight.  [default: the backend's]")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds one call may take.")
@click.option("--rpm", type=click.IntRange(min=1), help="Requests per minute that the provider allows.")
@click.option("--tpm", type=click.IntRange(min=1), help="Tokens per minute that the provider allows.")
@click.option("--max-cost", type=float, help="Stop in order when the responses have cost so many USD.")
@click.option("--cache/--no-cache", default=True, help="Take replies from earlier runs that asked the same.")
@click.option("--batch", is_flag=True, help="Ask in provider batches: half the price, within a day.")
@click.option("--dry-run", is_flag=True, help="Read the questions, say what would be asked and its cost; ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def build(source: str, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Build pairs from a SOURCE (see `pairs sources`), or from a card of your own (my.yaml).

    The same command continues what was interrupted; a larger --limit or --k goes on from a smaller one.
    """
    from judgebench.cli.progress import watch
    from judgebench.pairs.build import build as run
    from judgebench.pairs.build import estimate

    building = _prepared(source, options)
    if dry_run:
        found = estimate(building)
        print_json(asdict(found)) if as_json else click.echo(str(found))
        return
    written = run(building, watch, say)
    if as_json:
        print_json(_summary(written))
        return
    total = written.counts.total
    click.echo(f"{total.pairs} pairs of {total.questions} questions")
    for reason, number in total.reasons.most_common():
        click.echo(f"  {number} questions without one: {reason}")
    for path in (written.card, written.data, written.sheet):
        if path is not None:
            click.echo(str(path))


def _prepared(source: str, options: dict[str, Any]) -> "Building":
    from judgebench.pairs.build import BuildConfig, prepare
    from judgebench.records import Sampling

    given = {name: value for name in SAMPLING if (value := options.pop(name)) is not None}
    sampling = Sampling(**given, seed=options.pop("sampling_seed"))
    backend = dict(read_options(options.pop("backend_options")))
    return prepare(BuildConfig(source=source, sampling=sampling, options=backend, **options))


def _summary(written: "Written") -> dict[str, Any]:
    total = written.counts.total
    files = {name: str(path) if path else None for name, path in
             (("card", written.card), ("data", written.data), ("datasheet", written.sheet))}  # fmt: skip
    return files | {
        "questions": total.questions, "pairs": total.pairs, "outcomes": dict(total.outcomes),
        "without_pair": dict(total.reasons), "left_out": written.counts.left_out,
    }  # fmt: skip


@click.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--unsafe-local", is_flag=True, help="Run untrusted programs without a sandbox where there is none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(path: Path, unsafe_local: bool, as_json: bool) -> None:
    """Check a built set against its own promises: a folder, its card, or its data file. Ends with 1 when one is broken.

    Card and file fit, sides are balanced, nothing occurs twice, origins are complete, and both responses of every pair
    get the same grades again.
    """
    from judgebench.errors import ValidationError
    from judgebench.pairs.checking import check as look
    from judgebench.pairs.grading import Graders

    with Graders(unsafe_local=unsafe_local) as graders:
        report = look(path, graders)
    if as_json:
        print_json({"pairs": report.pairs, "regraded": report.regraded, "findings": report.findings})
    else:
        for finding in report.findings[:MOST_FINDINGS]:
            click.echo(finding)
    if report.findings:
        raise ValidationError(f"{len(report.findings)} findings in {report.pairs} pairs of {path}")
    if not as_json:
        click.echo(f"{report.pairs} pairs: as promised ({report.regraded} responses graded again)")


@click.command("sources")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sources(as_json: bool) -> None:
    """List the sources of questions: their licence, and whether the hub or --data has them."""
    from judgebench.pairs.sources.base import load_source, source_names

    cards = [load_source(name).card for name in source_names()]
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])
        return
    rows = [[card.name, "hub" if card.hub else "--data", card.licence or "not stated", card.title] for card in cards]
    click.echo("\n".join(columns([["source", "from", "licence", "what"], *rows])))
