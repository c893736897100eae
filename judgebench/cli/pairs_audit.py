"""`judgebench pairs audit`: what is the matter with a file of pairs."""

from typing import TYPE_CHECKING, Any

import click

from judgebench.cli.output import print_json, say, table

if TYPE_CHECKING:
    from judgebench.pairs.audit import Audit

MATTERS = ("clean", "same answer", "form broken", "loser has none", "winner has none", "undecided")


@click.command("audit")
@click.argument("task")
@click.option("--split", help="The split of a task that has several.")
@click.option("--data", help="A local copy of the task's dataset.")
@click.option("--programs/--no-programs", default=True, help="Run the statements' own samples, in a sandbox.")
@click.option("--unsafe-local", is_flag=True, help="Run programs without a sandbox where none works. Dangerous.")
@click.option("--leaks/--no-leaks", default=True, help="Run the leak detectors.")
@click.option("--show", "kinds", multiple=True, help="Show only findings of this kind. May be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(  # noqa: PLR0917 - click passes by name
    task: str, split: str | None, data: str | None, programs: bool, unsafe_local: bool, leaks: bool,
    kinds: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Audit pairs: TASK is a .jsonl file in JudgeBench's layout, a card, or a task's name.

    Both answers are read again in the form that the question demands; a pair is clean when both have it and they
    differ. Nothing is changed.
    """
    from judgebench.pairs.audit import audit
    from judgebench.sources import load_task

    loaded = load_task(task, split, data)
    others = sum(item.gold.kind != "preference" for item in loaded.items)
    if others:
        say(f"{others} of {len(loaded.items)} items have no preference and are left out")
    items = [item for item in loaded.items if item.gold.kind == "preference" and item.gold.label != "A=B"]
    if not items:
        raise click.UsageError(f"{task} has no pairs with a right and a wrong response")
    samples = _samples(items, unsafe_local) if programs else None
    try:
        found = audit(items, samples=samples, leaks=leaks)
    finally:
        if samples is not None:
            samples.close()
    if as_json:
        print_json(found.as_json())
        return
    _print(found, kinds)


def _samples(items: list[Any], unsafe_local: bool) -> Any:
    """Return what runs the samples of coding pairs; None where there are none. Raises when no sandbox works."""
    from judgebench.pairs.official import CODE_SOURCE

    if not any(str(item.meta.get("source", "")) == CODE_SOURCE for item in items):
        return None
    from judgebench.pairs.rerun import Rerun

    return Rerun(unsafe_local=unsafe_local)


def _print(found: "Audit", kinds: tuple[str, ...]) -> None:
    if not kinds:
        click.echo(_summary(found))
    for finding in sorted(found.findings, key=lambda one: (one.kind, one.pair)):
        if not kinds or finding.kind in kinds:
            click.echo(f"{finding.pair}  {finding.kind}" + (f": {_plain(finding.detail)}" if finding.detail else ""))


def _summary(found: "Audit") -> str:
    header = ["kind of question", *MATTERS, "of"]
    rows = [[kind, *(str(counts[name]) for name in MATTERS), str(counts.total())] for kind, counts in _rows(found)]
    parts = [f"{found.pairs} pairs; the demanded form is known for {found.read}, {found.count('clean')} of them clean"]
    parts += ["", table(header, rows)] if rows else []
    parts += ["", table(["category", "first is right", "longer is right"], _balance(found))]
    if found.samples:
        said = ", ".join(f"{count} {name}" for name, count in sorted(found.samples.items()))
        parts += ["", f"labels of programs by the statements' samples: {said}"]
    for leak in found.leaks:
        verdict = "LEAKS" if leak.leaks else "no leak seen"
        parts.append(
            f"detector by {leak.detector}: {leak.accuracy:.1%} [{leak.low:.1%}, {leak.high:.1%}] of {leak.n}: {verdict}"
        )
    return "\n".join([*parts, ""])


def _rows(found: "Audit") -> list[tuple[str, Any]]:
    from collections import Counter

    total: Counter[str] = Counter()
    for counts in found.matters.values():
        total += counts
    return [*sorted(found.matters.items()), ("all", total)] if found.matters else []


def _balance(found: "Audit") -> list[list[str]]:
    return [
        [name, f"{first} of {of}", "{} of {}".format(*found.longer.get(name, (0, 0)))]
        for name, (first, of) in found.labels.items()
    ]


def _plain(text: str) -> str:
    # Control characters in a response must not steer the reader's terminal.
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
