"""The sources of programming questions, each on rows in its dataset's layout, made up here."""

import base64
import json
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest
from programs import fenced, fresh, grader, sandbox

from fakes.pairs import write_rows
from judgebench.errors import DataError, MissingPrerequisite, UsageError
from judgebench.pairs.build import BuildConfig, build, prepare
from judgebench.pairs.records import Question, Response
from judgebench.pairs.sandbox import choosing
from judgebench.pairs.sources.base import Source, SourceOptions, load_source
from judgebench.pairs.sources.livecodebench import FILES, files_of, slug
from judgebench.pairs.sources.mbpp import arguments, plain, shaped
from sandboxes import BACKENDS


@pytest.fixture(autouse=True)
def _box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have sources use the sandbox that the tests share, which stays open."""

    class Kept:
        def __enter__(self) -> Any:
            return sandbox()

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(choosing, "choose", lambda **_: Kept())


def source(tmp_path: Path, name: str, *rows: dict[str, Any], **options: Any) -> Source:
    return load_source(name, SourceOptions(write_rows(tmp_path / "data.jsonl", rows), **options))


def question(tmp_path: Path, name: str, row: dict[str, Any]) -> Question:
    (entry,) = source(tmp_path, name, row).read()
    grader().check(entry.question)
    return entry.question


def problem(tmp_path: Path, name: str, row: dict[str, Any]) -> str:
    with pytest.raises(DataError) as caught:
        list(source(tmp_path, name, row).read())
    return str(caught.value).partition(":1: ")[2]


def dropped(tmp_path: Path, name: str, row: dict[str, Any]) -> dict[str, int]:
    found = source(tmp_path, name, row)
    assert list(found.read()) == []
    return dict(found.dropped)


def outcome(asked: Question, code: str) -> str:
    return grader().grade(asked, Response(question=asked.id, text=fenced(code), model="m")).outcome


# -- LiveCodeBench ---------------------------------------------------------------------------------------


def packed(tests: Any) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


STDIN: dict[str, Any] = {
    "question_title": "Sum of Two", "question_content": "Print the sum of two numbers.", "platform": "atcoder",
    "question_id": "abc999_a", "contest_id": "abc999", "contest_date": "2023-08-12T00:00:00", "starter_code": "",
    "difficulty": "easy", "metadata": "{}",
    "public_test_cases": json.dumps([{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]),
    "private_test_cases": packed([{"input": "5 5\n", "output": "10\n", "testtype": "stdin"}]),
}  # fmt: skip
FUNCTION = STDIN | {
    "question_title": "plus-two", "platform": "leetcode", "question_id": "3999",
    "starter_code": "class Solution:\n    def plus(self, a: int, b: List[int]) -> int:\n        ",
    "metadata": json.dumps({"func_name": "plus"}),
    "public_test_cases": json.dumps([{"input": "1\n[2]", "output": "3", "testtype": "functional"}]),
    "private_test_cases": json.dumps([{"input": "0\n[0]", "output": "0", "testtype": "functional"}]),
}  # fmt: skip


def test_a_problem_on_standard_input_becomes_a_question(tmp_path: Path) -> None:
    asked = question(tmp_path, "livecodebench", STDIN)
    assert (asked.key, asked.category, asked.grader) == ("abc999_a", "coding", "code")
    assert asked.prompt.startswith("Print the sum of two numbers.\n\nWrite a Python 3 program")
    assert [test["output"] for test in asked.gold["tests"]] == ["3\n", "10\n"]
    assert asked.meta == {"subject": "atcoder", "title": "Sum of Two", "date": "2023-08-12", "difficulty": "easy"}
    assert outcome(asked, "print(sum(map(int, input().split())))") == "right"
    assert outcome(asked, "print(3)") == "wrong"


def test_a_problem_with_starter_code_becomes_a_question(tmp_path: Path) -> None:
    asked = question(tmp_path, "livecodebench", FUNCTION)
    assert "```python\nclass Solution:\n    def plus(self, a: int, b: List[int]) -> int:\n```" in asked.prompt
    assert asked.gold["tests"][0] == {"kind": "functional", "input": [1, [2]], "output": 3}
    assert outcome(asked, FUNCTION["starter_code"] + "return a + b[0]") == "right"
    assert outcome(asked, FUNCTION["starter_code"] + "return 3") == "wrong"


def test_a_pickle_that_would_run_something_stops_nothing_but_its_row(tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    class Evil:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {mark}",)

    evil = STDIN | {"private_test_cases": base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()}
    found = source(tmp_path, "livecodebench", evil, FUNCTION).read()
    assert next(found).question.key == "3999"
    with pytest.raises(DataError, match="private_test_cases: a pickle that holds more than a text"):
        next(found)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"private_test_cases": "?"}, "private_test_cases: neither JSON nor base64"),
        ({"private_test_cases": "{}"}, "private_test_cases: expected a list of tests, found dict"),
        ({"public_test_cases": '["a"]'}, "public_test_cases: test 1: not a test with testtype, input and output"),
        ({"public_test_cases": "[]", "private_test_cases": "[]"}, "private_test_cases: no tests"),
        ({"public_test_cases": FUNCTION["public_test_cases"]}, "private_test_cases: tests of both kinds"),
        ({"question_content": ""}, "question_content: empty text"),
        (FUNCTION | {"metadata": "{}"}, "metadata: has no func_name, and the tests call a function"),
        (FUNCTION | {"metadata": "?"}, "metadata: has no func_name, and the tests call a function"),
        (FUNCTION | {"metadata": '{"func_name": "f()"}'}, "metadata: has no func_name, and the tests call a function"),
    ],
)
def test_livecodebench_says_what_is_wrong_with_a_row(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    assert problem(tmp_path, "livecodebench", STDIN | change) == why


@pytest.mark.parametrize("given", ["", "1\n", "NaN", "x"])
def test_a_test_whose_arguments_are_no_json_leaves_its_problem_out(tmp_path: Path, given: str) -> None:
    tests = json.dumps([{"input": given, "output": "1", "testtype": "functional"}])
    assert dropped(tmp_path, "livecodebench", FUNCTION | {"private_test_cases": tests}) == {
        "a test whose arguments or output are no JSON": 1
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"question_id": "abc311_c"}, "several valid outputs"),
        ({"question_id": "abc337_e"}, "interactive"),
        ({"question_id": "2951", "question_title": "find-the-peaks"}, "several valid outputs"),
        ({"question_id": "2951", "question_title": "Find the Peaks"}, "several valid outputs"),
        ({"question_id": "arc189_a", "private_test_cases": "?"}, "faulty tests"),
    ],
)
def test_the_errata_are_left_out_and_counted(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    assert dropped(tmp_path, "livecodebench", STDIN | change) == {f"excluded: {reason}": 1}


def test_a_release_is_the_files_up_to_one(tmp_path: Path) -> None:
    assert files_of("release_v1") == FILES[:1]
    assert files_of("release_v6") == FILES
    assert files_of("v3") == FILES[2:3]
    assert files_of("v2_v4") == FILES[1:4]
    for number, name in enumerate(FILES[:3]):
        write_rows(tmp_path / name, [STDIN | {"question_id": f"abc{number}"}])

    def keys(release: str | None) -> list[str]:
        return [entry.question.key for entry in load_source("livecodebench", SourceOptions(tmp_path, release)).read()]

    assert keys(None) == keys("release_v3") == ["abc0", "abc1", "abc2"]
    assert keys("release_v2") == ["abc0", "abc1"]
    assert keys("v3") == ["abc2"]
    two = load_source("livecodebench", SourceOptions(tmp_path, "v2")).revision
    assert two.startswith("sha256:")
    assert two != load_source("livecodebench", SourceOptions(tmp_path, "v1")).revision
    with pytest.raises(UsageError, match="no such data file.*test4.jsonl"):
        keys("v4")


@pytest.mark.parametrize("release", ["v7", "release_v1_v2", "v3_v2", "latest", "v"])
def test_an_unknown_release_is_refused(release: str) -> None:
    with pytest.raises(UsageError, match=f"--release {release}: no such release. Type release_v1"):
        load_source("livecodebench", SourceOptions(None, release))


def test_a_release_needs_a_folder_or_the_hub(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Type: --data FOLDER"):
        source(tmp_path, "livecodebench", STDIN, release="release_v1")
    hub = load_source("livecodebench", SourceOptions(None, "v2_v3")).card.hub
    assert hub is not None
    assert hub.files == ("test2.jsonl", "test3.jsonl")


def test_a_title_is_spelled_as_in_its_address() -> None:
    assert slug("Find the Peaks!") == "find-the-peaks"


def test_pairs_are_built_of_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "choose", lambda **_: fresh())

    def answers(key: str, *codes: str) -> list[dict[str, str]]:
        return [{"question": key, "text": fenced(code), "model": "m", "finish": "stop"} for code in codes]

    start = FUNCTION["starter_code"]
    given = [
        *answers("abc999_a", "print(sum(map(int, input().split())))", "print(3)"),
        *answers("3999", start + "return a + b[0]", start + "return a"),
    ]
    data = write_rows(tmp_path / "data.jsonl", [STDIN, FUNCTION, STDIN | {"question_id": "abc311_c"}])
    responses = write_rows(tmp_path / "responses.jsonl", given)
    config = BuildConfig(
        source="livecodebench", data=str(data), responses=str(responses), out=str(tmp_path / "out"), k=2, cache=False
    )
    build(prepare(config))
    rows = [json.loads(line) for line in (tmp_path / "out" / "out.jsonl").read_text("utf-8").splitlines()]
    assert {row["original_id"] for row in rows} == {"abc999_a", "3999"}
    for row in rows:
        assert row["origin"]["right"]["grade"]["outcome"] == "right"
        assert row["origin"]["wrong"]["grade"]["outcome"] == "wrong"
        assert row["origin"]["sandbox"] in BACKENDS


# -- HumanEval+ ------------------------------------------------------------------------------------------

HUMAN: dict[str, Any] = {
    "task_id": "HumanEval/900", "entry_point": "half",
    "prompt": 'import math\n\n\ndef helper(x):\n    return x / 2\n\n\ndef half(x: float):\n    """Halve it."""\n',
    "canonical_solution": "    return [helper(x), math.floor(x)]\n", "contract": "    assert x >= 0\n", "atol": 0,
    "base_input": [[3]], "plus_input": [[n / 10] for n in range(150)],
}  # fmt: skip


def test_what_is_wanted_is_what_the_reference_solution_returns(tmp_path: Path) -> None:
    asked = question(tmp_path, "humaneval-plus", HUMAN)
    assert (asked.key, asked.category, len(asked.gold["tests"])) == ("HumanEval/900", "coding", 151)
    assert asked.gold["tests"][0] == {"kind": "functional", "input": [3], "output": [1.5, 3]}
    assert HUMAN["prompt"].strip() in asked.prompt
    assert outcome(asked, "def half(x):\n    return (x * 0.5, int(x))") == "right"
    assert outcome(asked, "def half(x):\n    return [helper(x), math.floor(x)]") == "right"
    assert outcome(asked, "def half(x):\n    return [x / 2, round(x)]") == "wrong"
    assert outcome(asked, "def halve(x):\n    return 1") == "format_fail"


def test_a_number_may_differ_by_the_rows_atol(tmp_path: Path) -> None:
    wide = question(tmp_path, "humaneval-plus", HUMAN | {"atol": 0.1})
    assert outcome(wide, "def half(x):\n    return [x / 2 + 0.05, int(x)]") == "right"
    assert (
        outcome(question(tmp_path, "humaneval-plus", HUMAN), "def half(x):\n    return [x / 2 + 0.05, int(x)]")
        == "wrong"
    )


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("    return {x}\n", "error"),
        ("    return 1 / (x - 3)\n", "error"),
        ("    return float('nan')\n", "not a number, or infinite"),
        ("    import os\n    os._exit(0)\n", "error"),
    ],
)
def test_a_question_that_its_own_solution_does_not_answer_is_left_out(tmp_path: Path, body: str, how: str) -> None:
    assert dropped(tmp_path, "humaneval-plus", HUMAN | {"canonical_solution": body}) == {
        f"the reference solution does not answer all inputs in JSON ({how})": 1
    }


def test_evalplus_says_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    assert problem(tmp_path, "humaneval-plus", HUMAN | {"base_input": [3]}) == (
        "base_input: expected a list of lists of arguments"
    )
    assert problem(tmp_path, "humaneval-plus", HUMAN | {"base_input": [], "plus_input": []}) == "base_input: no inputs"
    assert problem(tmp_path, "humaneval-plus", HUMAN | {"entry_point": ""}) == "entry_point: empty text"


def test_what_evalplus_compares_by_rules_of_its_own_is_left_out(tmp_path: Path) -> None:
    (reason,) = dropped(tmp_path, "humaneval-plus", HUMAN | {"task_id": "HumanEval/32", "canonical_solution": "?"})
    assert reason.startswith("excluded: several valid outputs")
    assert dropped(tmp_path, "mbpp-plus", MBPP | {"entry_point": "Diff"}) == {
        "excluded: several valid outputs (any order)": 1
    }


def test_without_a_sandbox_there_are_no_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_options: object) -> None:
        raise MissingPrerequisite("no sandbox")

    monkeypatch.setattr(choosing, "choose", none)
    with pytest.raises(MissingPrerequisite, match="no sandbox"):
        list(source(tmp_path, "humaneval-plus", HUMAN).read())


# -- MBPP+ -----------------------------------------------------------------------------------------------

MBPP: dict[str, Any] = {
    "task_id": "Mbpp/900", "entry_point": "joined", "atol": 0,
    "prompt": '"""\nWrite a function that joins two tuples.\nassert joined((1, 2), [(3, 4)]) == (1, 2, (3, 4))\n"""\n',
    "canonical_solution": "def joined(a, b):\n    return a + tuple(sorted(set(b)))\n",
    "base_input": [[[1, 2], [[3, 4]]]], "plus_input": [[[], []], [[1], [[3, 4], [1, 2]]]],
}  # fmt: skip


def test_arguments_have_the_shape_of_the_example(tmp_path: Path) -> None:
    asked = question(tmp_path, "mbpp-plus", MBPP)
    assert [test["input"] for test in asked.gold["tests"]] == [
        "((1, 2), [(3, 4)])", "((), [])", "((1,), [(3, 4), (1, 2)])",
    ]  # fmt: skip
    assert asked.gold["tests"][2]["output"] == [1, [1, 2], [3, 4]]
    assert asked.prompt.startswith("Write a function that joins two tuples.\nassert joined((1, 2)")
    assert '"""' not in asked.prompt
    assert outcome(asked, "def joined(a, b):\n    return (*a, *sorted(set(b)))") == "right"
    assert outcome(asked, "def joined(a, b):\n    return (*a, *b)") == "wrong"


def test_arguments_that_json_holds_stay_as_they_are(tmp_path: Path) -> None:
    simple = MBPP | {
        "prompt": '"""\nDouble it.\nassert joined([1], "a") == 2\n"""', "base_input": [[[2], "b"]], "plus_input": None,
        "canonical_solution": "def joined(a, b):\n    return a * 2\n",
    }  # fmt: skip
    assert question(tmp_path, "mbpp-plus", simple).gold["tests"] == [
        {"kind": "functional", "input": [[2], "b"], "output": [2, 2]}
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prompt": '"""Join two tuples."""'}, "no example that calls the function with literals"),
        ({"prompt": '"""\nassert joined(x, y) == 1\n"""'}, "no example that calls the function with literals"),
        ({"prompt": '"""\nassert joined({1}, 2) == 1\n"""'}, "inputs that are not of the example's shape"),
        ({"base_input": [[[1, 2]]]}, "inputs that are not of the example's shape"),
        ({"base_input": [[1, 2]]}, "inputs that are not of the example's shape"),
    ],
)
def test_a_question_without_a_shape_is_left_out(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    assert dropped(tmp_path, "mbpp-plus", MBPP | change) == {reason: 1}


def test_shapes() -> None:
    assert shaped([[1, "a"], [2, "b"]], [(1, "a")]) == [(1, "a"), (2, "b")]
    assert shaped([1, [2]], (1, (2,))) == (1, (2,))
    assert shaped({"k": [1]}, {"a": (1,)}) == {"k": (1,)}
    assert shaped([[1]], []) == [[1]]
    assert shaped([[1]], ()) == ([1],)
    for given, like in (("1j", 1j), ([1], {1}), ({"1": [2]}, {1: (2,)}), (1, (1,))):
        with pytest.raises(ValueError, match="in the example"):
            shaped(given, like)
    assert [plain(one) for one in ([1, {"a": None}], (1,), {1: 2}, 1j, "x")] == [True, False, False, False, True]
    assert arguments("assert set(f((1,), [2])) == 1", "f") == [(1,), [2]]
    assert arguments("assert f(", "f") is None
