from pathlib import Path
from typing import Any

import pytest

from factories import make_item
from fakes.view_runs import Said, first_better, says, write_run
from judgebench import task as tasks
from judgebench.records import Best, Candidate, Item, Preference, Scores, Trial, Usage, Verdict, Votes
from judgebench.results import Result, VerdictRow
from judgebench.view import journal
from judgebench.view.journal import Judged
from judgebench.view.listing import listing
from judgebench.view.outcomes import Entry, chosen, entries, letter, outcomes, shown


def judged(item: str = "i", order: tuple[int, ...] = (0, 1), **row: Any) -> Judged:
    return Judged(VerdictRow(item=item, order=order, **row), (), Usage(), 0.0, None)


def entry(gold: Any, *rows: Judged) -> Entry:
    """Return the one entry of trials of item `i`."""
    known = {} if gold is None else {"i": tasks.GoldRow("i", "math", "s", gold)}
    trials = sorted(rows, key=lambda trial: (trial.row.repeat, trial.row.order))
    shape, found, problem = outcomes(trials, known)
    assert problem == "" or gold is None
    (one,) = entries(found, shape)
    return one


def pair(*preferences: str | None, gold: Any = "A>B") -> Entry:
    """Return the entry of a pair with what was said in its own order and in the other one."""
    rows = [
        judged(order=order, **({"fault": "unparsed"} if said is None else {"preference": said}))
        for order, said in zip([(0, 1), (1, 0)], preferences, strict=False)
    ]
    return entry(Preference(label=gold) if isinstance(gold, str) else gold, *rows)


@pytest.mark.parametrize(
    ("row", "places"),
    [
        ({"preference": "A>B"}, {0}),
        ({"preference": "B>A", "order": (1, 0)}, {0}),
        ({"preference": "A=B"}, {0, 1}),
        ({"scores": (3.0, 7.0)}, {1}),
        ({"scores": (3.0, 7.0), "order": (1, 0)}, {0}),
        ({"scores": (7.0, 7.0)}, {0, 1}),
        ({"preference": "A>B", "scores": (3.0, 7.0)}, {0}),
        ({"best": (2,), "order": (2, 1, 0)}, {0}),
        ({"best": (0, 2), "order": (2, 1, 0)}, {2, 0}),
        ({"best": (9,), "order": (2, 1, 0)}, set()),
        ({"fault": "refused"}, None),
    ],
)
def test_whom_a_verdict_chooses_in_the_items_own_frame(row: dict[str, Any], places: set[int] | None) -> None:
    assert chosen(judged(**row).row) == places


@pytest.mark.parametrize(
    ("said", "badge", "flags"),
    [
        (("A>B", "B>A"), "right", ""),
        (("B>A", "A>B"), "wrong", "wrong"),
        (("A>B", "A>B"), "wrong", "wrong flipped"),
        (("A>B", None), "right", "unreadable"),
        (("A>B", "A=B"), "right", "flipped ties"),
        (("A=B", "A=B"), "wrong", "wrong ties"),
        ((None, None), "unreadable", "wrong unreadable"),
        (("A>B",), "right", ""),
        (("B>A",), "wrong", "wrong"),
    ],
)
def test_what_came_of_a_pair(said: tuple[str | None, ...], badge: str, flags: str) -> None:
    found = pair(*said)
    assert found.badge == badge
    holds = {
        "wrong": found.right is False, "flipped": found.flipped,
        "unreadable": found.unreadable, "ties": found.tied,
    }  # fmt: skip
    assert " ".join(name for name, is_so in holds.items() if is_so) == flags


def test_without_gold_nothing_is_right_or_wrong() -> None:
    found = pair("A>B", "A>B", gold=None)
    assert (found.right, found.badge, found.flipped) == (None, "no gold", True)
    assert [outcome.says for outcome in found.outcomes] == ["A", "B"]


@pytest.mark.parametrize(("votes", "right"), [(("A>B", "A>B", "B>A"), True), (("A>B", "B>A"), False)])
def test_of_votes_the_most_frequent_counts(votes: Any, right: bool) -> None:
    assert pair("A>B", "B>A", gold=Votes(votes=votes)).right is right


def test_a_gold_tie_is_right_for_a_tie() -> None:
    assert pair("A=B", "A=B", gold="A=B").badge == "right"
    assert pair("A>B", "B>A", gold="A=B").badge == "wrong"


@pytest.mark.parametrize(
    ("best", "badge", "right"),
    [
        (((2,), (0,)), "right", True),
        (((0,), (2,)), "wrong", False),
        (((2, 1), (0,)), "credit 0.75", False),
        (((2,), (2,)), "credit 0.50", False),
    ],
)
def test_what_came_of_several_candidates(best: Any, badge: str, right: bool) -> None:
    rows = [judged(order=order, best=one) for order, one in zip([(0, 1, 2), (2, 1, 0)], best, strict=True)]
    found = entry(Best(indices=(2,)), *rows)
    assert (found.badge, found.right) == (badge, right)
    assert found.shape == "choice"


@pytest.mark.parametrize(
    ("row", "badge", "right"),
    [
        ({"scores": (7.0,)}, "exact", True),
        ({"scores": (4.5,)}, "off by 2.5", False),
        ({"fault": "unparsed"}, "unreadable", False),
    ],
)
def test_what_came_of_a_single_response(row: dict[str, Any], badge: str, right: bool) -> None:
    found = entry(Scores(scores=(7,), low=1, high=10), judged(order=(0,), **row))
    assert (found.badge, found.right, found.flipped, found.tied) == (badge, right, False, False)


def test_each_repeat_is_an_entry() -> None:
    rows = [judged(repeat=n, preference="A>B" if n else "B>A") for n in range(2)]
    shape, found, _ = outcomes(rows, {"i": tasks.GoldRow("i", "math", "s", Preference(label="A>B"))})
    assert [(one.repeat, one.badge) for one in entries(found, shape)] == [(0, "wrong"), (1, "right")]


def test_trials_of_unknown_items_are_shown_without_gold() -> None:
    gold = {"a": tasks.GoldRow("a", "math", "s", Preference(label="A>B"))}
    shape, found, problem = outcomes([judged("a", preference="A>B"), judged("b", preference="A>B")], gold)
    assert [one.badge for one in entries(found, shape)] == ["right", "no gold"]
    assert problem == "1 trials are of items without gold"


def test_verdicts_that_do_not_fit_the_gold_are_shown_without_it() -> None:
    gold = {"i": tasks.GoldRow("i", "math", "s", Preference(label="A>B"))}
    shape, found, problem = outcomes([judged(order=(0, 1, 2), best=(1,))], gold)
    assert "order" in problem
    assert [(one.badge, one.shape) for one in entries(found, shape)] == [("no gold", "choice")]


@pytest.mark.parametrize(("index", "name"), [(0, "A"), (25, "Z"), (26, "27")])
def test_candidates_have_letters(index: int, name: str) -> None:
    assert letter(index) == name


@pytest.mark.parametrize(("value", "text"), [(7.0, "7"), (0.1 + 0.2, "0.3"), (-2.5, "−2.5"), (1e-9, "1e−09")])
def test_numbers_have_no_more_digits_than_they_need(value: float, text: str) -> None:
    assert shown(value) == text


# -- a run and its result agree ------------------------------------------------------------------------


def undecided(item: Item, trial: Trial) -> Said:
    """Say all sorts of things, by the item's number and the order."""
    number = int(item.source_id[1:])
    if number % 5 == 0 and trial.order[0]:
        return says("I would rather not say.")
    if number % 7 == 0:
        return says("Both.", "A=B")
    return says("This one.", "A>B" if number % 3 else "B>A") if number % 2 else first_better(item, trial)


def test_right_and_flipped_are_what_the_result_says(tmp_path: Path) -> None:
    items = [make_item(n, "A>B" if n % 4 else "B>A") for n in range(60)]
    run = write_run(tmp_path / "run", items, undecided)
    gold = {row.item: row for row in tasks.facts(items)}
    shape, found, problem = outcomes(journal.read(run / "journal.jsonl"), gold)
    shown_ = entries(found, shape)
    result = Result.model_validate_json((run / "result.json").read_bytes())
    assert problem == ""
    assert sum(one.right is True for one in shown_) / 60 == pytest.approx(result.metrics["accuracy"].value)
    both = [one for one in shown_ if not one.unreadable]
    same = sum(not one.flipped for one in both) / len(both)
    assert same == pytest.approx(result.metrics["consistency"].value)
    unreadable = sum(outcome.chosen is None for one in shown_ for outcome in one.outcomes)
    assert unreadable == result.counts.unparsed


def test_scores_that_do_not_decide_are_a_tie(tmp_path: Path) -> None:
    said = Verdict(scores=(5.0, 5.0))
    run = write_run(tmp_path / "run", [make_item(0)], lambda _item, _trial: (said, []))
    shape, found, _ = outcomes(journal.read(run / "journal.jsonl"), {})
    assert [one.tied for one in entries(found, shape)] == [True]
    assert found[0].says == "A = B"


def test_the_list_is_in_the_order_of_the_dataset(tmp_path: Path) -> None:
    items = [make_item(n) for n in range(9)]
    run = write_run(tmp_path / "run", items, repeats=2)
    shape, found, _ = outcomes(journal.read(run / "journal.jsonl"), {})
    ours = entries(found, shape)
    by_dataset = listing(ours, {item.id: item for item in items}, {})
    assert by_dataset.items == tuple(item.id for item in items)
    assert [one.repeat for one in by_dataset.entries[:4]] == [0, 1, 0, 1]
    assert listing(ours, {}, {}).items == tuple(sorted(item.id for item in items))


def test_long_texts_are_spread_over_several_files() -> None:
    long = (Candidate(content="x" * 300_000), Candidate(content="short"))
    items = [make_item(n, candidates=long) for n in range(3)] + [make_item(n) for n in range(3, 250)]
    rows = [judged(item.id, preference="A>B") for item in sorted(items, key=lambda item: item.id)]
    shape, found, _ = outcomes(rows, {})
    parts = listing(entries(found, shape), {item.id: item for item in items}, {}).parts
    assert parts[:3] == (0, 1, 2)
    assert max(after - before for before, after in zip(parts, [*parts[1:], 250], strict=True)) <= 100
