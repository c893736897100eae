"""`judgebench list`: what can be named."""

import shutil
import sys
from typing import TYPE_CHECKING, Any, get_args

import click

from judgebench.cli.output import columns, print_json
from judgebench.errors import UsageError
from judgebench.registry import unknown

if TYPE_CHECKING:
    from judgebench.judges.card import JudgeCard

WIDEST = 24
"""Characters of a cell in a terminal; the name and the last cell take what they need."""


@click.group("list")
def list_group() -> None:
    """List judges, tasks or suites."""


@list_group.command("judges")
@click.option("--kind", help="Only the judges of one kind, for example reward-model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_judges(kind: str | None, as_json: bool) -> None:
    """List every judge card: kind, model, size, licence, needs.

    In a terminal, models go without their owners and lines are cut to its width; JSON and a pipe get all of it.
    """
    from judgebench.judges.card import card_names, load_card

    cards = _of_kind([load_card(name) for name in card_names()], kind)
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])
        return
    rows = [
        [c.name, c.kind, c.model or "–", c.size or "–", c.licence or "–", ", ".join(c.needs) or "–", c.summary]
        for c in cards
    ]
    click.echo(_fitted(["judge", "kind", "model", "size", "licence", "needs", "what it is"], rows))


@list_group.command("tasks")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_tasks(as_json: bool) -> None:
    """List every task and split: items, metric, licence, where the data comes from."""
    from judgebench.task import card_names, load_card

    cards = [load_card(name) for name in card_names()]
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])
        return
    rows = [
        [
            card.name,
            split,
            str(facts.items or "–"),
            card.metric,
            card.licence or "–",
            _origin(card),
            card.title,
        ]
        for card in cards
        for split, facts in card.splits.items()
    ]
    click.echo(_left(["task", "split", "items", "metric", "licence", "data", "title"], rows))


@list_group.command("suites")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_suites(as_json: bool) -> None:
    """List every suite and its tasks."""
    from judgebench.suites import load_suite, suite_names

    suites = [load_suite(name) for name in suite_names()]
    if as_json:
        print_json([suite.model_dump(mode="json") for suite in suites])
        return
    click.echo(_left(["suite", "what it measures", "tasks"], [[s.name, s.summary, ", ".join(s.tasks)] for s in suites]))


def _origin(card: Any) -> str:
    from judgebench.sources import is_generated

    if card.hub:
        return f"hub: {card.hub.repo}"
    if any(split.path for split in card.splits.values()):
        return "packaged"
    return "generated" if is_generated(card) else "--data FILE"


def _of_kind(cards: list["JudgeCard"], kind: str | None) -> list["JudgeCard"]:
    """Return the cards of a kind, all of them without one; judges of a kind stand together."""
    from judgebench.judges.card import Kind

    if kind is not None and kind not in get_args(Kind):
        raise UsageError(unknown("kind of judge", kind, get_args(Kind)))
    order = list(get_args(Kind))
    return sorted(
        (card for card in cards if kind in (None, card.kind)), key=lambda card: (order.index(card.kind), card.name)
    )


def _left(header: list[str], rows: list[list[str]]) -> str:
    """Return a table whose cells are all left-aligned: these are words, not numbers."""
    first, *rest = columns([header, *rows])
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    return "\n".join([first, "  ".join("─" * width for width in widths), *rest])


def _fitted(header: list[str], rows: list[list[str]]) -> str:
    """Return a table that fits the terminal, when it is printed to one: names whole, cells and lines cut."""
    if not sys.stdout.isatty():
        return _left(header, rows)
    width = shutil.get_terminal_size().columns
    model = header.index("model")
    short = [[*row[:model], row[model].rpartition("/")[2], *row[model + 1 :]] for row in rows]
    narrow = [[first, *(_cut(cell, WIDEST) for cell in cells), last] for first, *cells, last in short]
    return "\n".join(_cut(line, width) for line in _left(header, narrow).split("\n"))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
