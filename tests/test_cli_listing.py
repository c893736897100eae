"""`judgebench list judges`: every card, with what it needs, readable however many there are."""

import json
import os
import sys
from typing import get_args

import pytest
from click.testing import CliRunner

from judgebench.cli import listing
from judgebench.cli.listing import list_group
from judgebench.errors import UsageError
from judgebench.judges.card import Kind, card_names, load_card


def listed(*arguments: str) -> str:
    done = CliRunner().invoke(list_group, ["judges", *arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def test_every_card_is_a_line_with_all_that_is_asked_for() -> None:
    header, rule, *lines = listed().splitlines()
    assert header.split() == ["judge", "kind", "model", "size", "licence", "needs", "what", "it", "is"]
    assert set(rule) == {"─", " "}
    assert sorted(line.split()[0] for line in lines) == card_names()
    by_name = {line.split()[0]: line for line in lines}
    for name in card_names():
        card = load_card(name)
        cells = (card.kind, card.model, card.size, card.licence, ", ".join(card.needs), card.summary)
        assert all(cell in by_name[name] for cell in cells if cell)
        assert by_name[name].endswith(card.summary)


def test_columns_stand_under_their_headings() -> None:
    header, _, *lines = listed().splitlines()
    for title, field in (("kind", "kind"), ("model", "model"), ("size", "size"), ("licence", "licence")):
        at = header.index(title)
        for line in lines:
            value = getattr(load_card(line.split()[0]), field) or "–"
            assert line[at:].startswith(value)


def test_judges_of_a_kind_stand_together_in_order() -> None:
    cards = [load_card(line.split()[0]) for line in listed().splitlines()[2:]]
    order = list(get_args(Kind))
    places = [(order.index(card.kind), card.name) for card in cards]
    assert places == sorted(places)


def test_one_kind() -> None:
    lines = listed("--kind", "null").splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["always-first", "always-second", "longest", "random", "shortest"]
    found = json.loads(listed("--kind", "null", "--json"))
    assert [card["name"] for card in found] == [line.split()[0] for line in lines]
    assert len(json.loads(listed("--json"))) == len(card_names())


def test_an_empty_kind_is_an_empty_table_and_an_unknown_one_a_mistake() -> None:
    assert len(listed("--kind", "callable").splitlines()) == 2
    with pytest.raises(UsageError, match="unknown kind of judge 'reward'. Did you mean reward-model"):
        listed("--kind", "reward")


def test_lines_fit_a_terminal_and_are_whole_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    header = ["judge", "model", "licence", "what it is"]
    rows = [["a-very-long-name-" * 2, "transformers/us/judge-7b", "L" * 30, "x" * 100], ["short", "–", "–", "y"]]
    whole = listing._left(header, rows)
    assert listing._fitted(header, rows) == whole
    assert all(cell in whole for row in rows for cell in row)
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(listing.shutil, "get_terminal_size", lambda: os.terminal_size((90, 24)))
    lines = listing._fitted(header, rows).split("\n")
    assert max(map(len, lines)) == 90
    assert lines[2].startswith(f"{rows[0][0]}  judge-7b  {'L' * 23}…  xxx")
    assert lines[2].endswith("x…")
    assert lines[3].split() == ["short", "–", "–", "y"]
