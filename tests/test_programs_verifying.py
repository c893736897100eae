"""Labels against the samples in statements: on statements of our own, and on the official coding pairs."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from programs import grader

from judgebench.pairs.programs.composing import PRELUDE
from judgebench.pairs.programs.verifying import Verification, verify
from judgebench.pairs.sandbox import host

STATEMENT = "Double it.\n\nSample Input 1\n\n2\n\nSample Output 1\n\n4\n\nSample Input 2\n\n3\n\nSample Output 2\n\n6\n"
RIGHT, WRONG, LUCKY = "print(2 * int(input()))", "print(int(input()) ** 2)", "print(int(input()) + 2 if 0 else 4)"
FUNCTION = "Double it.\n\nExample 1:\n\nInput: n = 2\nOutput: [4]\n"


@pytest.mark.parametrize(
    ("winner", "loser", "standing"),
    [
        (RIGHT, WRONG, "verified"),
        (LUCKY, RIGHT, "contradicted"),
        (RIGHT, RIGHT + " ", "undecided"),
        (WRONG, LUCKY, "undecided"),
        (RIGHT, "import no_such_package", "undecided"),
    ],
)
def test_a_label_is_held_against_the_samples(winner: str, loser: str, standing: str) -> None:
    found = verify(STATEMENT, winner, loser, grader())
    assert (found.standing, found.tests) == (standing, 2)


def test_each_response_is_called_by_its_own_method() -> None:
    winner = "class Solution:\n    def double(self, n: int) -> List[int]:\n        return [n * 2]"
    loser = "class Solution:\n    def twice(self, n):\n        return [n]"
    assert verify(FUNCTION, winner, loser, grader()).standing == "verified"
    plain = verify(FUNCTION, winner, loser, grader(), before="")
    assert plain.standing == "undecided"
    assert plain.winner is not None
    assert "List" in plain.winner.detail


def test_without_samples_nothing_is_said() -> None:
    assert verify("Double it.", RIGHT, WRONG, grader()) == Verification(0)
    assert Verification(0).standing is None
    assert verify(FUNCTION, RIGHT, WRONG, grader()).standing is None


# -- the official pairs ----------------------------------------------------------------------------------

COUNTS = {
    "pairs": 73, "with samples": 73, "functional": 48, "winner right": 73, "loser right": 21, "verified": 51,
    "undecided": 22,
}  # fmt: skip
"""As an earlier count by other code had them: 73, 73, 48, 73 with the prelude, 21, 51, and none contradicted."""
PACKAGE = "1cf3ba1c-373e-5629-9a9e-b34e7fdc1d52"
"""The 73rd: its loser wants a package (sortedcontainers) that the sandbox does not have."""


def official(shared_data: Path) -> list[dict[str, Any]]:
    files = sorted((shared_data / "judgebench" / "pairs").glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return [row for row in rows if row["source"].startswith("livecodebench")] or pytest.skip("no official pairs here")


@pytest.mark.soak
def test_the_official_coding_labels_stand(shared_data: Path) -> None:
    rows, judge = official(shared_data), grader()

    def one(row: dict[str, Any]) -> tuple[str, Verification]:
        texts = (row["response_A"], row["response_B"])
        winner, loser = texts if row["label"] == "A>B" else texts[::-1]
        return row["pair_id"], verify(row["question"], winner, loser, judge, before=PRELUDE, seconds=20)

    found: Counter[str] = Counter(pairs=len(rows))
    with ThreadPoolExecutor(host.cores()) as pool:
        for row, (key, said) in zip(rows, pool.map(one, rows), strict=True):
            assert said.winner is not None
            assert said.loser is not None
            found["with samples"] += said.tests > 0
            found["functional"] += "class Solution" in row["response_A"]
            found["winner right"] += said.winner.outcome == "right"
            found["loser right"] += said.loser.outcome == "right"
            found[str(said.standing)] += 1
            assert (said.loser.outcome == "undecided") == (key == PACKAGE)
    assert dict(found) == COUNTS
