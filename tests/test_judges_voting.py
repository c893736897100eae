"""voting@k: the most votes win, a split vote is no tie, scores are averaged, unreadable votes elect nobody."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.trained import prepared
from judgebench.judges.voting import elect
from judgebench.records import Fault, Sampling, Verdict
from judgebench.testing import check_judge
from judging import Door, make, view

A, B, TIE = (Verdict(preference=label) for label in ("A>B", "B>A", "A=B"))
NONE = Fault(kind="unparsed", detail="odd", reply="?")
LABELS = {"A": A, "B": B, "=": TIE, "?": NONE}


def elected(votes: str) -> Verdict | Fault:
    return elect([LABELS[vote] for vote in votes], list(votes))


@pytest.mark.parametrize(
    ("votes", "label", "confidence", "raw"),
    [
        ("AAB", "A>B", 2 / 3, "2 A>B, 1 B>A"),
        ("BBBB", "B>A", 1.0, "4 B>A"),
        ("A?B?B", "B>A", 2 / 5, "1 A>B, 2 B>A, 2 unreadable"),
        ("==A", "A=B", 2 / 3, "2 A=B, 1 A>B"),
        ("?A", "A>B", 1 / 2, "1 A>B, 1 unreadable"),
    ],
)
def test_the_most_votes_win(votes: str, label: str, confidence: float, raw: str) -> None:
    assert elected(votes) == Verdict(preference=label, confidence=confidence, raw=raw)


@pytest.mark.parametrize(
    ("votes", "raw"), [("AB", "1 A>B, 1 B>A"), ("A=B", "1 A=B, 1 A>B, 1 B>A"), ("AB?", "1 A>B, 1 B>A, 1 unreadable")]
)
def test_a_split_vote_is_no_tie_and_keeps_every_reply(votes: str, raw: str) -> None:
    assert elected(votes) == Fault(kind="unparsed", detail=f"the vote is split: {raw}", reply="\n\n".join(votes))


def test_where_no_vote_can_be_read_the_first_fault_stands() -> None:
    assert elected("???") == NONE


@pytest.mark.parametrize("vote", "AB=?")
def test_a_single_vote_stays_as_it_is(vote: str) -> None:
    assert elected(vote) is LABELS[vote]


def scored(*scores: float) -> Verdict:
    first, second = scores
    return Verdict(preference="A>B" if first > second else "B>A" if first < second else "A=B", scores=scores)


def test_of_scores_the_mean_decides_whoever_has_more_votes() -> None:
    found = elect([scored(6, 5), scored(6, 5), scored(1, 10)], ["", "", ""])
    assert (found.preference, found.scores) == ("B>A", (13 / 3, 20 / 3))
    assert found.confidence == pytest.approx(1 / 3)


def test_equal_means_are_a_tie_and_one_response_has_a_mean_only() -> None:
    assert elect([scored(6, 5), scored(5, 6)], ["", ""]).preference == "A=B"
    assert elect([Verdict(scores=(4,)), NONE, Verdict(scores=(5,))], ["", "", ""]) == Verdict(scores=(4.5,))


@given(st.text("AB=?", min_size=1, max_size=9))
def test_a_majority_always_wins_and_order_never_matters(votes: str) -> None:
    found = elected(votes)
    for letter in "AB=":
        if votes.count(letter) > len(votes) / 2:
            assert found.preference == LABELS[letter].preference
    if isinstance(found, Verdict) and len(votes) > 1:
        assert elected("".join(sorted(votes))) == found
        assert 0 < found.confidence <= 1


# -- through a judge -------------------------------------------------------------------------------------------------


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    prepared(tmp_path, monkeypatch)
    return make("rm-r1-reasoning-7b", params={"after": "<answer>", "votes": 3}, sampling=Sampling(temperature=1))


def test_every_vote_is_a_request_of_its_own(judge) -> None:
    door = Door("<answer>[[A]]</answer>", "<answer>[[B]]</answer>", "<answer>[[B]]</answer>")
    found = asyncio.run(judge.judge(view(), door))
    assert (found.preference, found.confidence) == ("B>A", 2 / 3)
    assert len(door.requests) == 3
    assert len(set(map(str, door.requests))) == 1  # the runner tells them apart by their number


def test_attempts_are_made_for_every_vote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path, monkeypatch)
    judge = make("prometheus-7b-v2", params={"attempts": 2, "votes": 3}, sampling=Sampling(temperature=1, seed=0))
    door = Door("hm", "[RESULT] A", "[RESULT] B", "hm", "hm")
    found = asyncio.run(judge.judge(view(), door))
    assert isinstance(found, Fault)
    assert found.detail == "the vote is split: 1 A>B, 1 B>A, 1 unreadable"
    assert [request.sampling.seed for request in door.requests] == [0, 1, 2, 4, 5]


def test_a_judge_that_votes_conforms(judge) -> None:
    check_judge(judge)
