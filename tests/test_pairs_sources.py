"""The sources that come with judgebench, each on rows in its dataset's layout, made up here."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fakes.pairs import write_rows
from judgebench import registry
from judgebench.errors import DataError, UsageError
from judgebench.pairs.records import Question, Response
from judgebench.pairs.sources.base import Entry, Source, SourceOptions, load_source
from judgebench.pairs.sources.livebench import form_of
from judgebench.pairs.sources.maths import boxed


def source(tmp_path: Path, name: str, *rows: dict[str, Any], **options: Any) -> Source:
    data = write_rows(tmp_path / "data.jsonl", rows)
    return load_source(name, SourceOptions(data, **options))


def entries(tmp_path: Path, name: str, *rows: dict[str, Any], **options: Any) -> list[Entry]:
    return list(source(tmp_path, name, *rows, **options).read())


def question(tmp_path: Path, name: str, row: dict[str, Any], **options: Any) -> Question:
    (entry,) = entries(tmp_path, name, row, **options)
    registry.load("graders", entry.question.grader)().check(entry.question)
    return entry.question


def problem(tmp_path: Path, name: str, row: dict[str, Any]) -> str:
    with pytest.raises(DataError) as caught:
        entries(tmp_path, name, row)
    return str(caught.value).partition(":1: ")[2]


def outcome(asked: Question, text: str) -> str:
    grader = registry.load("graders", asked.grader)()
    try:
        return str(grader.grade(asked, Response(question=asked.id, text=text, model="m")).outcome)
    finally:
        grader.close()


# -- multiple choice ---------------------------------------------------------------------------------------

MMLU: dict[str, Any] = {
    "question_id": 70, "question": "Which is prime?", "options": ["4", "7", "9"], "answer": "B", "answer_index": 1,
    "category": "math", "cot_content": "", "src": "made up",
}  # fmt: skip


def test_mmlu_pro_asks_for_five_letters_that_no_option_has(tmp_path: Path) -> None:
    asked = question(tmp_path, "mmlu-pro", MMLU)
    assert (asked.key, asked.category, asked.meta["subject"]) == ("70", "knowledge", "math")
    assert "(A) 4\n(B) 7\n(C) 9\n" in asked.prompt
    assert "DDDDD" in asked.prompt
    assert outcome(asked, "It is B.\nBBBBB") == "right"
    assert outcome(asked, "It is C.\nCCCCC") == "wrong"
    assert outcome(asked, "The answer is (B).") == "format_fail"


def test_mmlu_pro_says_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    assert problem(tmp_path, "mmlu-pro", MMLU | {"answer": "D"}) == "answer: 'D' is none of the 3 options"
    assert problem(tmp_path, "mmlu-pro", MMLU | {"answer_index": 0}) == "answer_index: 0 is not the place of B"
    assert problem(tmp_path, "mmlu-pro", MMLU | {"options": ["7"]}) == "options: 1 options"
    twice = source(tmp_path, "mmlu-pro", MMLU | {"options": ["7", "7 ", "9"]})
    assert list(twice.read()) == []
    assert twice.dropped == {"two options are the same": 1}


GPQA: dict[str, Any] = {
    "Record ID": "rec1", "Question": "Which?", "Correct Answer": "this\n", "Incorrect Answer 1": "that",
    "Incorrect Answer 2": "these", "Incorrect Answer 3": "those", "High-level domain": "Physics",
}  # fmt: skip


def test_gpqa_shuffles_its_options_always_the_same_way(tmp_path: Path) -> None:
    asked = question(tmp_path, "gpqa-diamond", GPQA)
    assert asked == question(tmp_path, "gpqa-diamond", GPQA)
    assert f"({asked.gold['letter']}) this\n" in asked.prompt
    assert outcome(asked, asked.gold["letter"] * 5) == "right"
    places = {question(tmp_path, "gpqa-diamond", GPQA | {"Record ID": f"r{n}"}).gold["letter"] for n in range(30)}
    assert places == set("ABCD")


# -- mathematics -------------------------------------------------------------------------------------------


def test_gsm8k_takes_the_number_after_the_marks(tmp_path: Path) -> None:
    asked = question(tmp_path, "gsm8k", {"question": "How many?", "answer": "1,000 and 200\n#### 1,200"})
    assert asked.gold == {"expression": "1200", "form": "boxed"}
    assert (asked.key, asked.category) == ("test-1", "math")
    assert outcome(asked, "So \\boxed{1{,}200}.") == "right"
    assert problem(tmp_path, "gsm8k", {"question": "?", "answer": "12"}) == "answer: does not end in '#### number'"


def test_math_takes_the_last_box_of_the_solution(tmp_path: Path) -> None:
    row = {
        "problem": "Half?",
        "solution": "\\boxed{2}, no: $\\boxed{\\frac{1}{2}}$.",
        "level": "Level 1",
        "type": "Algebra",
    }
    asked = question(tmp_path, "math", row)
    assert asked.gold["expression"] == "\\frac{1}{2}"
    assert asked.meta == {"subject": "algebra", "level": "Level 1"}
    assert outcome(asked, "It is \\boxed{0.5}") == "right"
    assert outcome(asked, "It is \\boxed{0.25}") == "wrong"
    own = question(tmp_path, "math-500", row | {"answer": "\\frac12", "unique_id": "test/algebra/1.json"})
    assert (own.gold["expression"], own.key) == ("\\frac12", "test/algebra/1.json")
    assert "no closed" in problem(tmp_path, "math", row | {"solution": "\\boxed{2"})


@pytest.mark.parametrize(
    ("solution", "answer"),
    [("\\boxed{a}", "a"), ("\\boxed{a} \\boxed{{b}c}", "{b}c"), ("a", None), ("\\boxed{", None), ("\\boxed{}", None)],
)
def test_boxes_are_matched_brace_by_brace(solution: str, answer: str | None) -> None:
    assert boxed(solution) == answer


# -- constraints -------------------------------------------------------------------------------------------


def test_ifeval_drops_the_arguments_of_other_instructions(tmp_path: Path) -> None:
    row = {
        "key": 1000, "prompt": "Write without commas.", "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{"num_words": None, "relation": None}],
    }  # fmt: skip
    asked = question(tmp_path, "ifeval", row)
    assert asked.gold == {"instructions": [{"id": "punctuation:no_comma", "kwargs": {}}]}
    assert (asked.key, asked.category, asked.meta["subject"]) == ("1000", "instructions", "punctuation")
    assert "expected 1 objects" in problem(tmp_path, "ifeval", row | {"kwargs": []})
    assert "names no instruction" in problem(tmp_path, "ifeval", row | {"instruction_id_list": [], "kwargs": []})


# -- LiveBench ---------------------------------------------------------------------------------------------


def live(task: str, truth: Any, prompt: str, **more: Any) -> dict[str, Any]:
    return {
        "question_id": f"{task}-1", "category": "reasoning", "task": task, "turns": [prompt], "ground_truth": truth,
        "livebench_release_date": "2024-06-24", "livebench_removal_date": "",
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("release", "keys"),
    [
        ("2024-06-24", ["old", "stays"]),
        ("2024-08-31", ["stays", "new"]),
        ("2024-07-26", ["old", "stays"]),
        ("2024-01-01", []),
        (None, ["stays", "new"]),
    ],
)
def test_a_release_is_what_was_released_and_not_yet_removed(
    tmp_path: Path, release: str | None, keys: list[str]
) -> None:
    dates = {"old": ("2024-06-24", "2024-08-31"), "stays": ("2024-06-24", ""), "new": ("2024-08-31T00:00:00", "")}
    rows = [
        live("spatial", "3", "How many? **N**", question_id=name, livebench_release_date=a, livebench_removal_date=b)
        for name, (a, b) in dates.items()
    ]
    found = source(tmp_path, "livebench-reasoning", *rows, release=release)
    assert [entry.question.key for entry in found.read()] == keys
    assert sum(found.dropped.values()) == 3 - len(keys)


def test_a_release_must_be_a_date() -> None:
    with pytest.raises(UsageError, match=r"--release latest is no date\. Type for example --release 2024-08-31"):
        load_source("livebench-math", SourceOptions(release="latest"))


CASES: list[tuple[dict[str, Any], str, str]] = [
    (live("web_of_lies_v2", "yes, no, yes", "Think. Say **yes, no, yes**."), "So: **yes, no, yes**", "**no, no, yes**"),
    (live("zebra_puzzle", "hockey", "Give ***X***, one word."), "It is ***hockey***", "It is ***golf***"),
    (live("zebra_puzzle", "2, red", "Use <solution> </solution>"), "<solution>2, red</solution>",
     "<solution>2, blue</solution>"),
    (live("zebra_puzzle", "horror movies", "Give ***X***."), "***horror***", "***comedy***"),
    (live("spatial", "3", "Put **N** there."), "It is **three**", "It is **4**"),
    (live("theory_of_mind", "blue_container", "In <solution> tags."), "<solution>blue_container</solution>",
     "<solution>red_container</solution>"),
    (live("house_traversal", "Ann Bob", "In bold: **A, B**"), "**Ann, Bob**", "**Bob, Ann**"),
    (live("logic_with_navigation", [3, -4], "In <solution> tags: (x, y)"), "<solution>(3, -4)</solution>",
     "<solution>(3, 4)</solution>"),
    (live("math_comp", "C", "Pick. If F, write FFFFF.", subtask="amc_12a_2023"), "So CCCCC", "So DDDDD"),
    (live("math_comp", "073", "Three digits.", subtask="aime_i_2024"), "The answer: 073", "The answer: 074"),
    (live("AMPS_Hard", "\\frac{1}{2}", "Use \\boxed{}.", subtask="amps_hard_integrals"), "\\boxed{0.5}", "\\boxed{2}"),
    (live("integrals_with_game", "11/3", "In <solution> tags."), "<solution>11/3</solution>", "<solution>4</solution>"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "right", "wrong"), CASES, ids=[f"{row['task']}-{n}" for n, (row, _, _) in enumerate(CASES)]
)
def test_livebench_tasks_go_to_their_graders(tmp_path: Path, row: dict[str, Any], right: str, wrong: str) -> None:
    asked = question(tmp_path, "livebench-reasoning", row)
    assert asked.prompt == row["turns"][0]
    assert (outcome(asked, right), outcome(asked, wrong)) == ("right", "wrong")


def test_tasks_without_a_binary_label_are_left_out(tmp_path: Path) -> None:
    rows = [live("olympiad", "1,2,3", "Order.", subtask="usamo_2024"), live("new_task", "x", "?")]
    found = source(tmp_path, "livebench-math", *rows)
    assert list(found.read()) == []
    assert found.dropped == {"no binary label: usamo_2024": 1, "no binary label: new_task": 1}


def test_livebench_says_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    good = live("math_comp", "C", "FFFFF", subtask="amc_12a_2023")
    name = "livebench-math"
    assert problem(tmp_path, name, good | {"ground_truth": "F"}) == "ground_truth: 'F' is none of the letters ABCDE"
    assert problem(tmp_path, name, good | {"turns": ["a", "b"]}) == "turns: expected one turn, found 2"
    assert problem(tmp_path, name, good | {"livebench_release_date": 7}) == "livebench_release_date: is no date"
    walk = live("logic_with_navigation", "here", "<solution>")
    assert problem(tmp_path, name, walk) == "ground_truth: expected two numbers, found 'here'"


def test_dates_may_be_time_stamps(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    row = live("spatial", "3", "**N**", livebench_release_date=datetime(2024, 6, 24))  # noqa: DTZ001 - as Parquet has it
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "data.parquet")
    found = load_source("livebench-reasoning", SourceOptions(tmp_path / "data.parquet", "2024-06-24"))
    assert [entry.question.meta["released"] for entry in found.read()] == ["2024-06-24"]


@pytest.mark.parametrize(
    ("prompt", "form"),
    [
        ("in **bold**", "bold"),
        ("as ***X***", "bold-italic"),
        ("**Note**: use <solution>", "solution-tag"),
        ("in \\boxed{}", "boxed"),
        ("no form", "line"),
    ],
)
def test_the_form_is_read_from_the_prompt(prompt: str, form: str) -> None:
    assert form_of(prompt) == form


# -- graded pools ------------------------------------------------------------------------------------------

POOL: dict[str, Any] = {
    "question_id": "q1", "prompt": "2 + 2?", "model_name": "some-model", "scores": [True, False, False],
    "response_1": "Four: 4", "response_2": "Five: 5", "response_3": "I see.", "parsed_outputs": ["4", "5", None],
}  # fmt: skip


def grades(entry: Entry) -> list[tuple[str, str | None]]:
    grader = registry.load("graders", entry.question.grader)()
    grader.check(entry.question)
    found = [grader.grade(entry.question, response) for response in entry.responses]
    return [(grade.outcome, grade.answer) for grade in found]


def test_ppe_brings_responses_and_grades(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, "ppe-mmlu-pro", POOL)
    assert [(one.model, one.sample, one.text) for one in entry.responses][:2] == [
        ("some-model", 0, "Four: 4"), ("some-model", 1, "Five: 5"),
    ]  # fmt: skip
    assert grades(entry) == [("right", "4"), ("wrong", "5"), ("format_fail", None)]
    assert entry.question.category == "knowledge"


def test_where_the_whole_response_is_the_answer_none_need_be_parsed(tmp_path: Path) -> None:
    row = {name: value for name, value in POOL.items() if name != "parsed_outputs"}
    (entry,) = entries(tmp_path, "ppe-ifeval", row)
    assert grades(entry) == [("right", "Four: 4"), ("wrong", "Five: 5"), ("wrong", "I see.")]


def test_one_text_graded_both_ways_is_undecided(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, "ppe-ifeval", POOL | {"response_2": "Four: 4"})
    assert [grade[0] for grade in grades(entry)] == ["undecided", "undecided", "wrong"]


def test_ppe_says_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    assert problem(tmp_path, "ppe-math", POOL | {"scores": [True]}) == "scores: 1 scores for 3 responses"
    assert problem(tmp_path, "ppe-math", POOL | {"scores": [1, 0, 0]}) == "scores: expected a list of true and false"
    assert problem(tmp_path, "ppe-math", POOL | {"parsed_outputs": []}) == "parsed_outputs: expected a list of 3"
    gap = {name: value for name, value in POOL.items() if name != "response_2"}
    assert "not numbered 1 to K: [1, 3]" in problem(tmp_path, "ppe-math", gap)


def solution(number: int, label: int, correct: bool, problem: str = "2 + 2?", generator: str = "m") -> dict[str, Any]:
    steps = [f"Two and two, {number}.", f"That is {4 if correct else 5}."]
    return {
        "id": f"gsm8k-{number}", "generator": generator, "problem": problem, "steps": steps,
        "final_answer_correct": correct, "label": label,
    }  # fmt: skip


def test_processbench_gathers_a_problems_solutions(tmp_path: Path) -> None:
    rows = [
        solution(0, -1, True), solution(1, 1, False), solution(2, 0, True), solution(3, -1, False),
        solution(4, -1, True, problem="another"), solution(5, -1, True, generator="n"),
    ]  # fmt: skip
    one, other = entries(tmp_path, "processbench-gsm8k", *rows)
    assert [outcome for outcome, _ in grades(one)] == ["right", "wrong", "undecided", "undecided", "right"]
    assert [(one.model, one.sample) for one in one.responses] == [("m", 0), ("m", 1), ("m", 2), ("m", 3), ("n", 0)]
    assert one.responses[1].text == "Two and two, 1.\n\nThat is 5."
    found = registry.load("graders", "given")().grade(one.question, one.responses[1])
    assert (found.answer, found.detail) == ("That is 5.", "first wrong step: 2 of 2")
    assert found.span is not None
    assert one.responses[1].text[slice(*found.span)] == "That is 5."
    assert other.question.key == "gsm8k-4"


def test_processbench_says_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    assert problem(tmp_path, "processbench-math", solution(0, 2, False)) == "label: 2 is no step of 2"
    odd = solution(0, 0, False) | {"final_answer_correct": "no"}
    assert problem(tmp_path, "processbench-math", odd) == "final_answer_correct: expected true or false"
