"""The official JudgeBench pairs, re-read: of which pairs do both answers have the demanded form and differ?

An independent extraction, made before these graders were, counted per subset how many pairs are clean, how many have the
same final answer on both sides, and how many lack one. Every pair that is not clean stands below with what is the matter
with it, as read by a person; where the count differs from that extraction's, `DIFFERS` says why.
"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from grading import asked
from judgebench import registry
from judgebench.pairs.records import Grade, Response

MODELS = {"gpt": "gpt-4o-2024-05-13", "claude": "claude-3-5-sonnet-20240620"}


def subset(row: dict[str, Any]) -> str | None:
    """Return a pair's subset; None for those that are not graded by their final answer's form alone."""
    if row["source"].startswith("mmlu-pro"):
        return "mmlu-pro"
    question = row["question"]
    if row["source"] == "livebench-reasoning":
        return "web-of-lies" if "**yes, no, yes**" in question else "zebra" if "***" in question else "spatial"
    if row["source"] == "livebench-math":
        return "amc" if "FFFFF" in question else "aime" if "exactly 3 digits" in question else None
    return None


def layout(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the grader of a pair's question and a gold in its layout; the pairs do not say what is right."""
    kind, question = subset(row), row["question"]
    if kind == "mmlu-pro":
        return "choice", {"letter": "A", "letters": "".join(re.findall(r"^\(([A-J])\) ", question, re.MULTILINE))}
    if kind == "amc":
        return "choice", {"letter": "A", "letters": "ABCDE"}
    if kind == "web-of-lies":
        return "list", {"items": ["yes", "no", "yes"], "words": ["yes", "no"], "form": "bold"}
    if kind == "aime":
        return "string", {"text": "000", "form": "three-digits"}
    form = "bold-italic" if kind == "zebra" else "bold"
    number = "***N***" in question or "single integer" in question
    return "string", {"text": "1" if number else "word", "form": form}


def grades(row: dict[str, Any]) -> tuple[Grade, Grade, bool]:
    """Return the grades of a pair's winner and loser, and whether their answers are equivalent."""
    name, gold = layout(row)
    grader = registry.load("graders", name)()
    question = asked(grader, gold)
    sides = ("response_A", "response_B") if row["label"] == "A>B" else ("response_B", "response_A")
    won, lost = (grader.grade(question, Response(question="q", text=row[side], model="m")) for side in sides)
    same = won.answer is not None and lost.answer is not None and grader.equivalent(question, won.answer, lost.answer)
    return won, lost, bool(same)


def verdict(row: dict[str, Any]) -> str:
    """Return what is the matter with a pair."""
    won, lost, same = grades(row)
    if same:
        return "same answer"
    if won.answer is None or lost.answer is None:
        return "loser has none" if lost.answer is None else "winner has none"
    return "form broken" if "format_fail" in {won.outcome, lost.outcome} else "clean"


@cache
def rows(folder: Path, model: str) -> tuple[dict[str, Any], ...]:
    lines = (
        (folder / f"dataset=judgebench,response_model={MODELS[model]}.jsonl").read_text(encoding="utf-8").split("\n")
    )
    return tuple(json.loads(line) for line in lines if line)


@pytest.fixture(scope="session")
def pairs(shared_data: Path) -> Path:
    folder = shared_data / "judgebench" / "pairs"
    if not folder.is_dir():
        pytest.skip("no official pairs here")
    return folder


COUNTS = {
    ("gpt", "mmlu-pro"): {"clean": 128, "form broken": 23, "loser has none": 2, "same answer": 1},
    ("gpt", "web-of-lies"): {"clean": 44},
    ("gpt", "zebra"): {"clean": 21, "form broken": 4, "same answer": 7},
    ("gpt", "spatial"): {"clean": 17, "same answer": 5},
    ("gpt", "amc"): {"clean": 9, "form broken": 5, "loser has none": 7, "same answer": 11, "winner has none": 3},
    ("gpt", "aime"): {"clean": 3, "form broken": 2},
    ("claude", "mmlu-pro"): {"clean": 154},
    ("claude", "web-of-lies"): {"clean": 11, "loser has none": 4},
    ("claude", "zebra"): {"clean": 14, "loser has none": 1},
    ("claude", "spatial"): {"clean": 21},
    ("claude", "amc"): {"clean": 10, "loser has none": 5},
}
EARLIER_CLEAN = {
    "gpt": {"mmlu-pro": 129, "web-of-lies": 44, "zebra": 25, "spatial": 17, "amc": 9, "aime": 3},
    "claude": {"mmlu-pro": 154, "web-of-lies": 11, "zebra": 14, "spatial": 21, "amc": 10},
}
# The pairs that the earlier extraction called clean and these graders do not, as the text of the pair has it.
DIFFERS = {
    "58d81545": "the winner writes CCCCC, then BBBBB: two answers, and the question asks for one",
    "49707e65": "the loser writes `***` at the end of one line and **`polish`*** in the next: no ***X***",
    "7f679934": "the winner writes **4** and the loser a box; the question asks for ***N***",
    "e49c100d": "the winner answers in a box; the question asks for ***N***",
    "fc8e8f7b": "the loser writes **_electronic_**; the question asks for ***X***",
}
# Pairs by the beginning of their ids: what is the matter, and in whose text. The earlier extraction has 9 pairs of one
# answer among the contests where 11 stand here: it does not count 9d94bfdf, whose loser boxes the letter, and one more.
MATTERS: dict[str, dict[str, str]] = {
    "gpt": {
        # MMLU-Pro
        "70bf4c34": "same answer: CCCCC and CCCC",
        "4e13a976": "loser has none: letters A and C in turn, for two options",
        "8de34479": "loser has none: EGGGGE",
        "58d81545": "form broken: winner CCCCC, then BBBBB",
        "000ad3d2": "form broken: loser seven letters",
        "02c8d6ef": "form broken: loser ten letters",
        "0cdc4e4b": "form broken: winner six letters",
        "10c0a6e7": "form broken: loser (B)BBBB",
        "14d2e455": "form broken: loser six letters",
        "1ca1b199": "form broken: winner six letters",
        "34e8d16b": "form broken: winner ten letters",
        "352e1a45": "form broken: loser six letters",
        "3be26fc0": "form broken: loser six letters",
        "544ae546": "form broken: loser four letters",
        "6ad28b38": "form broken: loser three letters",
        "82f31019": "form broken: loser letters apart",
        "8ac653fc": "form broken: winner six letters",
        "8b33bb85": "form broken: loser twenty letters",
        "91f41b79": "form broken: loser six letters",
        "9536d58f": "form broken: loser four letters",
        "9e079604": "form broken: winner ten letters",
        "a6f94de7": "form broken: loser six letters",
        "ba87d469": "form broken: loser ten letters",
        "d50b6560": "form broken: loser four letters and a foreign word's end",
        "e3de7dfc": "form broken: winner five letters and a company's name",
        "f805817d": "form broken: loser four letters",
        # zebra
        "295046df": "same answer: both ***2***",
        "562ccbaa": "same answer: both ***3***",
        "5c0d0e45": "same answer: both ***spy***",
        "67bcb178": "same answer: both ***thriller***, the loser with more text behind it",
        "6dcc9ad7": "same answer: both ***3***",
        "a1259c5f": "same answer: both ***3***",
        "a243b087": "same answer: both ***2***",
        "49707e65": "form broken: loser's stars cross",
        "7f679934": "form broken: winner **4**, loser in a box",
        "e49c100d": "form broken: winner in a box",
        "fc8e8f7b": "form broken: loser **_electronic_**",
        # spatial
        "4a3d7d7a": "same answer: both **3**, the loser also **bold**",
        "6486c18c": "same answer: both **square pyramid**",
        "7a2a5167": "same answer: both **6**",
        "cdc80d94": "same answer: both **4**, the loser also **bold**",
        "ef208923": "same answer: both **4**, the loser with an empty bold at the end",
        # AMC and SMC
        "2862a52e": "same answer: EEEEE and eight letters",
        "2c723771": "same answer: EEEEE and six letters",
        "5d50e41f": "same answer: EEEEE and seven letters",
        "70e2b4e6": "same answer: CCCCC and six letters",
        "757ab337": "same answer: CCCCC and six letters",
        "9d94bfdf": "same answer: EEEEE and a box with E",
        "a42d3d72": "same answer: both CCCCC, the loser's in bold",
        "bfaf6335": "same answer: EEEE and six letters",
        "d7fa35b0": "same answer: both DDDDD, the loser's behind an equals sign",
        "db445e7f": "same answer: CCCCC and six letters",
        "f3d9764d": "same answer: both BBBBB, the loser's in a box",
        "1c4387ea": "form broken: loser six letters",
        "309a5084": "form broken: winner four letters",
        "5bea4109": "form broken: winner four letters",
        "b846cd69": "form broken: loser three letters",
        "ef75bc50": "form broken: loser letters apart, in garbled text",
        "12684959": "loser has none: a box with a number",
        "14b93463": "loser has none: a box with a number",
        "4d8e7667": "loser has none: a box with a number",
        "a0f77206": "loser has none: both a box with the same number, no letter",
        "c0ce2554": "loser has none: garbled to the end",
        "e447d2a3": "loser has none: a box with a number",
        "f1c7c73d": "loser has none: a box with a number",
        "05b84cf4": "winner has none: a box with a number; loser eight letters",
        "d3c9f4fb": "winner has none: five times the digit 5 in a box",
        "fdc57db0": "winner has none: a box with the number that the loser boxes, too; loser eight letters",
        # AIME
        "6ca62e73": "form broken: loser four digits",
        "c74d8fde": "form broken: loser two digits",
    },
    "claude": {
        "1fe12a85": "loser has none: cut in mid-sentence",
        "6980179e": "loser has none: cut in mid-sentence",
        "6c05f377": "loser has none: cut in mid-sentence",
        "9b221464": "loser has none: cut in mid-sentence",
        "e077c999": "loser has none: cut in mid-sentence",
        "5ff436c6": "loser has none: cut in mid-sentence",
        "7fe4be8f": "loser has none: cut in mid-sentence",
        "c9694d7e": "loser has none: cut in mid-sentence",
        "f04cfc74": "loser has none: cut at the opening stars",
        "0dfb4241": "loser has none: it refuses to give an answer in the requested format",
    },
}


@pytest.mark.parametrize("model", MODELS)
def test_every_pair_is_as_a_person_reads_it(pairs: Path, model: str) -> None:
    found = {row["pair_id"][:8]: verdict(row) for row in rows(pairs, model) if subset(row)}
    matters = {pair: matter for pair, matter in found.items() if matter != "clean"}
    assert matters == {pair: said.split(":")[0] for pair, said in MATTERS[model].items()}


@pytest.mark.parametrize("model", MODELS)
def test_counts_per_subset(pairs: Path, model: str) -> None:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for row in rows(pairs, model):
        if kind := subset(row):
            counts.setdefault((model, kind), Counter())[verdict(row)] += 1
    assert counts == {key: count for key, count in COUNTS.items() if key[0] == model}


@pytest.mark.parametrize("model", MODELS)
def test_where_the_earlier_count_differs_it_is_explained(pairs: Path, model: str) -> None:
    ours = {kind: COUNTS[model, kind]["clean"] for kind in EARLIER_CLEAN[model]}
    explained = Counter(subset(row) for row in rows(pairs, model) if row["pair_id"][:8] in DIFFERS)
    assert {kind: ours[kind] + explained[kind] for kind in ours} == EARLIER_CLEAN[model]


@pytest.mark.parametrize("model", MODELS)
def test_winners_have_the_run_of_letters_that_losers_lack(pairs: Path, model: str) -> None:
    """What the variant `judgebench-letters` takes for the authors' grader."""
    grader = registry.load("graders", "judgebench-letters")()
    for row in rows(pairs, model):
        if subset(row) == "mmlu-pro":
            texts = [row["response_A"], row["response_B"]]
            won, lost = texts if row["label"] == "A>B" else texts[::-1]
            letter = grader.score("", won, "")[2]
            assert letter is not None
            assert grader.score(letter, lost, "")[0] == 0


def test_a_pair_that_differs_only_in_form_is_no_pair_of_ours(pairs: Path) -> None:
    """Of the pairs with one answer on both sides, none could have been made by these graders."""
    for row in rows(pairs, "gpt"):
        if MATTERS["gpt"].get(row["pair_id"][:8], "").startswith("same answer"):
            won, lost, same = grades(row)
            assert same
            assert "format_fail" in {won.outcome, lost.outcome} or won.outcome == lost.outcome
