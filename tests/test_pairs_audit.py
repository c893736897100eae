"""The audit: what is wrong with pairs that were made to be wrong, and what is known of the official ones."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from judgebench.cli.pairs_audit import command
from judgebench.pairs.audit import Audit, audit, looks_cut
from judgebench.pairs.leaks import FOLDS, detect
from judgebench.pairs.official import Reader, demand, pool, sides
from judgebench.pairs.rerun import Rerun
from judgebench.pairs.selection import select
from judgebench.sources import load_task

MMLU = "What?\n(A) one\n(B) two\n(C) three\n"
BOX = "Solve it. Put the answer in \\boxed{}."


def row(
    number: int, question: str, a: str, b: str, source: str = "livebench-math", label: str = "A>B"
) -> dict[str, Any]:
    return {
        "pair_id": f"p{number}", "question": question, "response_A": a, "response_B": b, "label": label,
        "source": source, "response_model": "m",
    }  # fmt: skip


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), "utf-8")
    return path


def audited(tmp_path: Path, *rows: dict[str, Any]) -> Audit:
    return audit(list(load_task(str(written(tmp_path / "x.jsonl", list(rows)))).items), leaks=False)


def test_each_fault_is_found(tmp_path: Path) -> None:
    found = audited(
        tmp_path,
        row(1, MMLU + "1", "So CCCCC", "So BBBBB", "mmlu-pro-law"),
        row(2, MMLU + "2", "So CCCCC", "So CCCCCCC", "mmlu-pro-law"),
        row(3, MMLU + "3", "So CCCCC", "No idea.", "mmlu-pro-law"),
        row(4, BOX + "4", "\\boxed{\\frac{1}{2}}", "\\boxed{0.5}"),
        row(5, BOX + "5", "\\boxed{2}", "\\boxed{3}"),
        row(6, BOX + "5", "\\boxed{4}", "\\boxed{5}"),
        row(7, BOX + "7", "\\boxed{1}", "\\boxed{1}"),
        row(8, BOX + "8", "\\boxed{1}", "It is \\boxed{2 + \\frac{"),
        row(9, "Anything?", "yes", " "),
    )
    assert {kind: dict(counts) for kind, counts in found.matters.items()} == {
        "mmlu-pro": {"clean": 1, "same answer": 1, "loser has none": 1},
        "amps": {"clean": 2, "same answer": 2, "form broken": 1},
    }
    kinds = {(finding.pair, finding.kind) for finding in found.findings}
    assert kinds == {
        ("p2", "same answer"), ("p3", "loser has none"), ("p4", "same answer"), ("p6", "duplicate question"),
        ("p7", "same answer"), ("p7", "identical responses"), ("p8", "form broken"), ("p8", "cut response"),
        ("p9", "empty response"),
    }  # fmt: skip
    assert (found.pairs, found.read, found.count("clean")) == (9, 8, 3)


def test_balance_is_by_category(tmp_path: Path) -> None:
    found = audited(
        tmp_path,
        row(1, BOX + "1", "\\boxed{1} it is", "\\boxed{2}"),
        row(2, BOX + "2", "\\boxed{1}", "\\boxed{22}", label="B>A"),
        row(3, MMLU, "CCCCC", "BBBBB", "mmlu-pro-law", "B>A"),
    )
    assert found.labels["all"] == (1, 3)
    assert found.labels["math"] == (1, 2)
    assert found.longer == {"all": (2, 2), "math": (2, 2)}


CUT = {
    "```python\nprint(1)": True, "so \\boxed{1 + \\frac{2": True,
    "The train leaves the station before the bus and": True,
    "The train leaves the station before the bus does.": False, "the answer repeated five times is: CCCCC": False,
    "```python\nprint(1)\n```": False, "\\boxed{1}": False, "": False, "x = 1": False,
    "    return dp[-1] if dp else 0": False,
}  # fmt: skip


@pytest.mark.parametrize("text", CUT)
def test_what_looks_cut(text: str) -> None:
    assert looks_cut(text) is CUT[text]


@given(st.text(max_size=300))
def test_no_text_makes_anything_raise(text: str) -> None:
    looks_cut(text)
    demand("livebench-math", text)
    demand("livebench-reasoning", text)


# -- leak detectors ------------------------------------------------------------------------------------------

WORDS = [
    "so",
    "then",
    "we",
    "see",
    "that",
    "it",
    "is",
    "one",
    "two",
    "three",
    "four",
    "five",
    "and",
    "add",
    "the",
    "sum",
    "of",
    "both",
    "which",
    "gives",
]


def texts(count: int, leak: str) -> list[tuple[str, str]]:
    """Return pairs of random words; the right one of every pair is marked by a word, by its length, or not at all."""
    lot = random.Random(5)
    pairs = []
    for _ in range(count):
        right, wrong = (" ".join(lot.choices(WORDS, k=lot.randint(20, 30))) for _ in range(2))
        right += {"words": " indeed", "length": " the" * 12}.get(leak, "")
        pairs.append((right, wrong))
    return pairs


@pytest.mark.parametrize("leak", ["words", "length"])
def test_a_leak_is_found_by_its_detector(leak: str) -> None:
    found = {one.detector: one for one in detect(texts(300, leak), [str(n) for n in range(300)])}
    assert found[leak].leaks
    assert found[leak].accuracy > 0.9


def test_without_a_leak_both_stay_near_a_coin() -> None:
    for one in detect(texts(600, "none"), [str(n) for n in range(600)]):
        assert not one.leaks
        assert abs(one.accuracy - 0.5) < 0.06
        assert one.n == 600


def test_questions_are_never_on_both_sides_of_the_test() -> None:
    """Learning a question's answer by heart must not look like a leak: its other pairs are tested with it."""
    lot = random.Random(1)
    pairs, groups = [], []
    for question in range(60):
        own = f"answer{question}"
        for _ in range(4):
            right, wrong = (" ".join(lot.choices(WORDS, k=20)) for _ in range(2))
            pairs.append((f"{right} {own}", wrong))
            groups.append(str(question))
    (words, _) = detect(pairs, groups)
    assert words.accuracy < 0.65


def test_too_few_questions_give_no_detector() -> None:
    assert detect(texts(2 * FOLDS - 1, "words"), [str(n) for n in range(2 * FOLDS - 1)]) == []


# -- the command ---------------------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_the_command_prints_a_summary_and_every_finding(tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", [row(1, BOX, "\\boxed{1}", "\\boxed{1.0}\x1b[2J")])
    out = run(str(path), "--no-leaks").stdout
    assert "1 pairs; the demanded form is known for 1, 0 of them clean" in out
    assert "p1  same answer: amps: winner '1', loser '1.0'" in out
    assert "\x1b" not in out
    shown = run(str(path), "--show", "identical responses").stdout
    assert shown == ""
    data = json.loads(run(str(path), "--json", "--no-leaks").stdout)
    assert (data["read"], data["clean"], data["kinds"]) == (1, 0, {"same answer": 1})


def test_a_task_without_pairs_is_refused() -> None:
    result = CliRunner().invoke(command, ["nothing-like-it"])
    assert result.exit_code != 0


# -- the official pairs --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["gpt", pytest.param("claude", marks=pytest.mark.soak)])
def official(request: pytest.FixtureRequest, shared_data: Path) -> Any:
    folder = shared_data / "judgebench" / "pairs"
    if not folder.is_dir():
        pytest.skip("no official pairs here")
    items = list(load_task("judgebench", request.param, str(folder)).items)
    return request.param, items, audit(items, leaks=False)


# An independent extraction counted 239 and 227 clean pairs, 26 and 1 with one answer. What differs here:
# gpt: five pairs that it called clean have an answer that is not in the demanded form (58d81545, 49707e65, 7f679934,
# e49c100d, fc8e8f7b; tests/test_graders_official.py says what stands there), and two more contests whose loser boxes
# the winner's letter, or wraps it, have one answer (9d94bfdf among them).
# claude: 7479006a's two factorisations are equal (the loser writes its roots as signs). The one pair that was counted as
# of one answer is 4e63c13c, whose loser is cut inside its box: no answer in a box here.
KNOWN = {
    "gpt": {"read": 308, "clean": 234, "same answer": 28, "identical responses": 0, "duplicate question": 0},
    "claude": {"read": 239, "clean": 226, "same answer": 1, "identical responses": 1, "duplicate question": 1},
}
EARLIER = {"gpt": {"clean": 239, "same answer": 26}, "claude": {"clean": 227, "same answer": 1}}
DIFFERS = {
    "gpt": {"58d81545": "form broken", "49707e65": "form broken", "7f679934": "form broken", "e49c100d": "form broken",
            "fc8e8f7b": "form broken"},
    "claude": {"7479006a": "same answer"},
}  # fmt: skip


def test_what_the_official_files_hold(official: Any) -> None:
    split, _, found = official
    kinds = found.kinds()
    seen = {"read": found.read, "clean": found.count("clean"), "same answer": found.count("same answer")}
    seen |= {kind: kinds[kind] for kind in ("identical responses", "duplicate question")}
    assert seen == KNOWN[split]


def test_where_an_earlier_count_differs_the_items_say_why(official: Any) -> None:
    split, _, found = official
    matters = {finding.pair[:8]: finding.kind for finding in found.findings if finding.kind != "cut response"}
    assert {pair: matters[pair] for pair in DIFFERS[split]} == DIFFERS[split]
    assert found.count("clean") + len(DIFFERS[split]) == EARLIER[split]["clean"]


def test_labels_and_lengths_are_balanced_as_published(official: Any) -> None:
    split, _, found = official
    assert found.labels["all"] == {"gpt": (193, 350), "claude": (143, 270)}[split]
    assert found.longer["all"] == {"gpt": (161, 350), "claude": (118, 268)}[split]


def test_cut_responses_are_losers(official: Any) -> None:
    """Claude's losers without an answer were cut; a winner never is."""
    split, items, found = official
    if split == "claude":
        cut = {finding.pair for finding in found.findings if finding.kind == "cut response"}
        losers = {str(item.meta["key"]) for item in items if looks_cut(sides(item)[1])}
        assert cut == losers
        assert len(cut) >= 5


def test_the_pipeline_reproduces_the_label_of_every_clean_pair(official: Any) -> None:
    """Their questions as the source, both responses as the pool: selection takes the labelled one for right."""
    _, items, found = official
    matters = {"same answer", "form broken", "loser has none", "winner has none", "undecided"}
    unclean = {finding.pair for finding in found.findings if finding.kind in matters}
    reader = Reader()
    outcomes: Counter[str] = Counter()
    try:
        for item, question, graded in pool(items, reader):
            decision = select(question, graded, reader.grader(question.grader).equivalent)
            if str(item.meta["key"]) in unclean:
                assert not decision.pairs or decision.pairs[0].right[0].text == sides(item)[0]
                continue
            (chosen,) = decision.pairs
            assert (chosen.right[0].text, chosen.wrong[0].text) == sides(item)
            outcomes["reproduced"] += 1
    finally:
        reader.close()
    assert outcomes["reproduced"] == found.count("clean")


def coding(folder: Path) -> list[Any]:
    if not (folder / "judgebench" / "pairs").is_dir():
        pytest.skip("no official pairs here")
    loaded = [load_task("judgebench", split, str(folder / "judgebench" / "pairs")) for split in ("gpt", "claude")]
    return [item for task in loaded for item in task.items if item.category == "coding"]


def rerun_of(items: list[Any]) -> tuple[Audit, Rerun]:
    rerun = Rerun()
    try:
        return audit(items, samples=rerun, leaks=False), rerun
    finally:
        rerun.close()


def test_samples_bear_a_label_of_a_program_out(tmp_path: Path) -> None:
    statement = "Print the sum.\n\nSample Input 1\n\n1 2\n\nSample Output 1\n\n3\n\n"
    programs = ["print(sum(map(int, input().split())))", "print(max(map(int, input().split())))"]
    rows = [row(1, statement, *programs, "livecodebench"), row(2, statement + "!", *programs, "livecodebench", "B>A")]
    items = list(load_task(str(written(tmp_path / "x.jsonl", rows))).items)
    found, rerun = rerun_of(items)
    assert found.samples == {"verified": 1, "contradicted": 1}
    assert [finding.pair for finding in found.findings] == ["p2"]
    assert rerun.passed == {"winner": 1, "loser": 1}


@pytest.mark.soak
def test_samples_bear_the_labels_of_the_official_programs_out(shared_data: Path) -> None:
    """An independent run counted 51 of 73 labels verified, none contradicted, and 72 of 73 winners that pass.

    Its 73rd winner lacks an import that the prelude brings; here the prelude is there, as where the pairs were made. Of
    the 22 undecided, both programs of 21 pass, and one loser needs a package that the sandbox does not have. (In the
    default suite tests/test_programs_verifying.py runs the same samples.)
    """
    found, rerun = rerun_of(coding(shared_data))
    assert found.samples == {"verified": 51, "undecided": 22}
    assert rerun.passed == {"winner": 73, "loser": 21}
