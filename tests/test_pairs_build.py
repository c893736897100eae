"""Building pairs end to end, with scripted answers whose pairs can be counted by hand."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fakes.pairs import Say, answer, make, rows_of, scripted, sums, write_rows, write_source
from judgebench.errors import DataError, Incomplete, RunError, TransientError, UsageError
from judgebench.evaluation import evaluate
from judgebench.pairs.build import BuildConfig, build, choose, estimate, prepare
from judgebench.pairs.graders.strings import String
from judgebench.pairs.grading import Graders
from judgebench.pairs.sources.base import load_source
from judgebench.pairs.text import normalised
from judgebench.records import Reply, Sampling
from judgebench.sources import load_task
from judgebench.testing import check_task


def number(question: str) -> int:
    found = re.search(r"(\d+) \+", question)
    assert found
    return int(found[1])


def by_turns(question: str, sample: int) -> str:
    """Right with even samples, wrong with odd ones; longer with every sample."""
    return answer(str(2 * number(question) + sample % 2), words=sample)


# What the model does with question n, by sample: four answers each, and what must come of it.
PLAN: dict[int, tuple[list[str | Reply], str]] = {
    0: ([answer("0"), answer("1"), answer("1", 9), answer("0", 5)], ""),
    1: ([answer("2"), answer("2", 1), answer("two", 2), answer("2", 3)], "no wrong response"),
    2: ([answer("5"), answer("6"), answer("5", 1), answer("7")], "no right response"),
    3: (["6", "It is 6.", "The answer is six", "**7**"], "no response could be graded"),
    4: ([Reply(text=answer("8"), finish="length"), answer("8"), answer("8", 1), answer("8", 2)], "no wrong response"),
    5: ([Reply(text=answer("9"), finish="length"), answer("10"), "I'd say 9", Reply(text=None, finish="refusal")],
        "no wrong response"),
    6: ([answer("12", 30), answer("13", 1), answer("13", 28), answer("12", 90)], ""),
    7: ([answer("14"), answer("fourteen", 4), answer("15"), "no idea"], ""),
}  # fmt: skip
OUTCOMES = {"right": 4 + 7 + 2 + 1, "wrong": 4 + 4 + 1, "format_fail": 4 + 2 + 1, "truncated": 2}


def planned(question: str, sample: int) -> str | Reply:
    return PLAN[number(question)][0][sample]


def test_what_comes_out_is_what_was_put_in(tmp_path: Path) -> None:
    duplicate = {"n": "again", "ask": "what is  0 + 0?", "answer": "0", "kind": "even"}
    written = make(tmp_path, planned, [*sums(8), duplicate])
    rows = {row["original_id"]: row for row in rows_of(written)}
    assert set(rows) == {f"q{n}" for n, (_, reason) in PLAN.items() if not reason}
    total = written.counts.total
    assert (total.questions, total.pairs, total.duplicates) == (8, 3, 1)
    assert total.reasons == Counter(reason for _, reason in PLAN.values() if reason)
    assert total.outcomes == OUTCOMES
    # The closest in length: a right one with 30 words and a wrong one with 28.
    assert (rows["q6"]["origin"]["right"]["sample"], rows["q6"]["origin"]["wrong"]["sample"]) == (0, 2)
    assert [rows[f"q{n}"]["origin"]["pass_rate"] for n in (0, 6, 7)] == [0.5, 0.5, pytest.approx(2 / 3)]


def test_the_built_set_is_a_task_like_any_other(tmp_path: Path) -> None:
    written = make(tmp_path, by_turns, sums(9))
    task = load_task(str(written.card))
    check_task(task)
    assert (task.name, len(task.items)) == ("out", 9)
    assert Counter(item.category for item in task.items) == {"even": 5, "odd": 4}
    assert {item.traits["difficulty"] for item in task.items} == {0.5}
    done = evaluate("longest", str(written.card), runs=str(tmp_path / "runs"))
    assert done.result.counts.items == 9
    bare = load_task(str(written.data))
    assert {item.id for item in bare.items} == {item.id for item in task.items}


def test_the_origin_says_everything_about_a_pair(tmp_path: Path) -> None:
    sampling = Sampling(seed=0, temperature=0.7, max_tokens=50)
    written = make(tmp_path, by_turns, sums(1), sampling=sampling, seed=5)
    (row,) = rows_of(written)
    origin = row["origin"]
    assert origin["question"]["gold"] == {"text": "0", "form": "line"}
    assert (origin["question"]["source"], origin["question"]["licence"]) == ("sums", "CC0-1.0")
    assert origin["question"]["revision"].startswith("sha256:")
    for name, outcome in (("right", "right"), ("wrong", "wrong")):
        side = origin[name]
        text = row["response_A"] if (row["label"] == "A>B") == (name == "right") else row["response_B"]
        assert (side["grade"]["outcome"], side["grade"]["grader"], side["grade"]["version"]) == (
            outcome, "string", String.version,
        )  # fmt: skip
        assert text[slice(*side["grade"]["span"])] == side["grade"]["answer"]
        assert side["sampling"]["seed"] == side["sample"]
        assert (side["sampling"]["temperature"], side["sampling"]["max_tokens"]) == (0.7, 50)
        assert (side["finish"], side["model"]) == ("stop", "scripted/function")
    assert (origin["k"], origin["responses"], origin["seed"], origin["pass_rate"]) == (4, 4, 5, 0.5)


@pytest.mark.parametrize("count", [1, 2, 7, 20])
def test_sides_are_balanced_in_every_category(tmp_path: Path, count: int) -> None:
    placed = Counter((row["category"], row["label"]) for row in rows_of(make(tmp_path, by_turns, sums(count))))
    assert placed.total() == count
    for category in ("even", "odd"):
        assert abs(placed[category, "A>B"] - placed[category, "B>A"]) <= 1


def test_the_seed_draws_the_sides_and_nothing_else(tmp_path: Path) -> None:
    first, again, other = (rows_of(make(tmp_path, by_turns, sums(20), k=2, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert [row["pair_id"] for row in first] == [row["pair_id"] for row in other]
    assert [row["label"] for row in first] != [row["label"] for row in other]


def test_several_pairs_of_a_question_share_no_response(tmp_path: Path) -> None:
    rows = rows_of(make(tmp_path, by_turns, sums(2), pairs_per_question=2))
    assert len(rows) == 4
    used = Counter((row["original_id"], row["origin"][side]["sample"]) for row in rows for side in ("right", "wrong"))
    assert set(used.values()) == {1}
    assert len({row["pair_id"] for row in rows}) == 4


# -- again, and more of it -----------------------------------------------------------------------------------


class Counting:
    """A model that counts what it is asked."""

    def __init__(self, say: Say = by_turns) -> None:
        self.asked: list[tuple[int, int]] = []
        self.say = say

    def __call__(self, question: str, sample: int) -> Any:
        self.asked.append((number(question), sample))
        return self.say(question, sample)


def test_the_same_command_asks_nothing_twice(tmp_path: Path) -> None:
    model = Counting()
    first = make(tmp_path, model, sums(3))
    data = first.data.read_bytes() if first.data else b""
    assert sorted(model.asked) == [(n, s) for n in range(3) for s in range(4)]
    second = make(tmp_path, model, sums(3))
    assert len(model.asked) == 12
    assert second.data
    assert second.data.read_bytes() == data


def test_more_samples_and_more_questions_go_on_from_fewer(tmp_path: Path) -> None:
    model = Counting()
    make(tmp_path, model, sums(10), limit=3, k=2)
    few = {n for n, _ in model.asked}
    assert (len(few), len(model.asked)) == (3, 6)
    make(tmp_path, model, sums(10), limit=5, k=3)
    assert few < {n for n, _ in model.asked}
    assert len(model.asked) == len(set(model.asked)) == 15
    # Fewer again: what is there is left out, not lost.
    written = make(tmp_path, model, sums(10), limit=2, k=2)
    assert (len(model.asked), written.counts.total.questions, written.counts.total.outcomes.total()) == (15, 2, 4)


def test_a_failure_leaves_the_rest_for_the_next_time(tmp_path: Path) -> None:
    def flaky(question: str, sample: int) -> Any:
        return (
            TransientError("the server is tired")
            if (number(question), sample) == (1, 2)
            else by_turns(question, sample)
        )

    with pytest.raises(Incomplete, match=r"11 of 12 responses are there; 1 failed .*the server is tired.*continues"):
        make(tmp_path, flaky, sums(3), max_attempts=1)
    model = Counting()
    assert make(tmp_path, model, sums(3)).counts.total.pairs == 3
    assert model.asked == [(1, 2)]


@pytest.mark.parametrize("file", ["responses.jsonl", "grades.jsonl"])
def test_a_torn_line_is_dropped_and_made_again(tmp_path: Path, file: str) -> None:
    first = make(tmp_path, by_turns, sums(3))
    assert first.data
    data = first.data.read_bytes()
    path = tmp_path / "out" / "build" / file
    path.write_bytes(path.read_bytes()[:-7])
    model = Counting()
    assert make(tmp_path, model, sums(3)).data
    assert len(model.asked) == (file == "responses.jsonl")
    assert first.data.read_bytes() == data


def test_only_a_newer_grader_grades_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, by_turns, sums(3))
    lines = (tmp_path / "out" / "build" / "grades.jsonl").read_bytes().count(b"\n")
    make(tmp_path, by_turns, sums(3))
    assert (tmp_path / "out" / "build" / "grades.jsonl").read_bytes().count(b"\n") == lines == 12
    monkeypatch.setattr(String, "version", String.version + 1)
    rows = rows_of(make(tmp_path, by_turns, sums(3)))
    assert {row["origin"]["right"]["grade"]["version"] for row in rows} == {String.version}
    assert (tmp_path / "out" / "build" / "grades.jsonl").read_bytes().count(b"\n") == 24


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sampling": Sampling(seed=0, temperature=1.0)}, "sampling.temperature"),
        ({"rows": sums(5)}, "revision"),
        ({"card": {"prompt": "{{ ask }} Say 'Answer: N'."}}, "card"),
    ],
)
def test_a_folder_belongs_to_one_build(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    make(tmp_path, by_turns, sums(4))
    with pytest.raises(RunError, match=rf"was started with another {field}.*another --out folder"):
        make(tmp_path, by_turns, **({"rows": sums(4)} | change))


def test_rows_that_were_mended_are_read_anew(tmp_path: Path) -> None:
    bad = sums(3)
    del bad[1]["answer"]
    with pytest.raises(DataError, match=":2: answer: missing field"):
        make(tmp_path, by_turns, bad)
    assert make(tmp_path, by_turns, sums(3)).counts.total.pairs == 3


def test_golds_that_the_grader_cannot_use_are_all_reported(tmp_path: Path) -> None:
    rows = sums(4)
    rows[0]["answer"] = rows[2]["answer"] = ""
    with pytest.raises(DataError, match="q0: gold: text.*\n.*q2: gold: text"):
        make(tmp_path, by_turns, rows)


# -- nothing comes out ---------------------------------------------------------------------------------------


def test_without_pairs_the_sheet_says_why(tmp_path: Path) -> None:
    written = make(tmp_path, lambda *_: "I will not say.", sums(3))
    assert (written.card, written.data) == (None, None)
    assert "| all | question: no response could be graded | 3 |" in written.sheet.read_text("utf-8")
    assert "| all | response: format_fail | 12 |" in written.sheet.read_text("utf-8")


def test_pairs_that_are_gone_leave_no_files_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make(tmp_path, by_turns, sums(2)).card
    monkeypatch.setattr(String, "version", String.version + 1)
    monkeypatch.setattr(String, "find", lambda *_: [])
    assert make(tmp_path, by_turns, sums(2)).card is None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["build", "datasheet.md"]


def test_equivalent_and_identical_answers_make_no_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A grader that is stricter in grading than in comparing: all its right and wrong answers are equivalent.
    monkeypatch.setattr(String, "equivalent", lambda *_: True)
    written = make(tmp_path, by_turns, sums(3))
    assert written.counts.total.reasons == {"equivalent answers": 3}


def test_a_source_without_questions_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"source sums has no question left\. Dropped: \{'excluded: broken': 1\}"):
        make(tmp_path, by_turns, sums(1), card={"exclude": {"q0": "broken"}})


# -- given responses -----------------------------------------------------------------------------------------


def given(tmp_path: Path, lines: list[dict[str, Any]], **options: Any) -> Any:
    source, data = write_source(tmp_path, sums(2))
    path = write_rows(tmp_path / "said.jsonl", lines)
    config = {"source": source, "data": data, "out": str(tmp_path / "out"), "responses": str(path)}
    return build(prepare(BuildConfig(**(config | options))))


def said(question: str, text: str, **more: Any) -> dict[str, Any]:
    return {"question": question, "text": answer(text), "model": "m", **more}


def test_responses_may_come_from_a_file(tmp_path: Path) -> None:
    source, data = write_source(tmp_path, sums(2))
    identity = next(iter(load_source(source, prepare_options(data)).read())).question.id
    lines = [
        said(identity, "0"), said("q0", "1"), said("q0", "2", finish="length"), said("q1", "2"), said("q1", "3", model="n"),
        said("gone", "3"),
    ]  # fmt: skip
    written = given(tmp_path, lines)
    (row,) = rows_of(written)
    assert (row["original_id"], row["response_model"]) == ("q0", "m")
    assert written.counts.total.reasons == {"responses of two models": 1}
    assert written.counts.total.outcomes == {"right": 2, "wrong": 2, "truncated": 1}
    assert written.counts.strangers == 1
    assert "| all | response: to no question here | 1 |" in written.sheet.read_text("utf-8")
    assert rows_of(given(tmp_path, lines)) == [row]
    assert given(tmp_path, lines, k=1).counts.total.outcomes == {"right": 2, "wrong": 1}


def prepare_options(data: str) -> Any:
    from judgebench.pairs.sources.base import SourceOptions

    return SourceOptions(Path(data))


def test_lines_that_cannot_be_used_are_reported_and_can_be_mended(tmp_path: Path) -> None:
    bad = [said("q0", "0"), {"text": "x"}, said("q0", "1", finish="tired"), {"question": "q1"}]
    with pytest.raises(DataError) as caught:
        given(tmp_path, bad)
    assert [str(problem).rpartition("said.jsonl:")[2] for problem in caught.value.problems] == [
        "2: question: missing field",
        "3: finish: unknown value 'tired'; known: stop, length, refusal",
        "4: text: missing field",
    ]
    with pytest.raises(UsageError, match="none of its 1 responses names a question here"):
        given(tmp_path, [said("q9", "0")])
    assert given(tmp_path, [said("q0", "0"), said("q0", "1")]).counts.total.pairs == 1


def test_a_pool_brings_its_responses_and_grades(tmp_path: Path) -> None:
    row = {
        "question_id": "p1", "prompt": "2 + 2?", "model_name": "m", "scores": [True, False, True],
        "response_1": "Four: 4", "response_2": "Five: 5", "response_3": "it is four, 4", "parsed_outputs": ["4", "5", "4"],
    }  # fmt: skip
    data = write_rows(tmp_path / "pool.jsonl", [row])
    config = BuildConfig(source="ppe-mmlu-pro", data=str(data), out=str(tmp_path / "out"), name="pool")
    written = build(prepare(config))
    (pair,) = rows_of(written)
    assert written.card == tmp_path / "out" / "pool.yaml"
    assert (pair["origin"]["right"]["grade"]["grader"], pair["origin"]["pass_rate"]) == ("given", pytest.approx(2 / 3))
    assert {pair["response_A"], pair["response_B"]} == {"Four: 4", "Five: 5"}
    assert str(estimate(prepare(config))).startswith("1 questions, 0 requests left, about 0 tokens in")
    with pytest.raises(UsageError, match="brings its own responses: leave out --model"):
        prepare(config.model_copy(update={"model": "openai/x"}))


# -- what can be wrong -------------------------------------------------------------------------------------


def test_somebody_must_answer(tmp_path: Path) -> None:
    source, data = write_source(tmp_path, sums(1))
    config = BuildConfig(source=source, data=data, out=str(tmp_path / "out"))
    with pytest.raises(UsageError, match=r"Type: --model provider/name, or --responses FILE"):
        prepare(config)
    with pytest.raises(UsageError, match=r"either a model .* or a file"):
        prepare(config.model_copy(update={"model": "scripted/demo", "responses": data}))
    with pytest.raises(UsageError, match="no such file of responses: gone"):
        prepare(config.model_copy(update={"responses": "gone"}))
    with pytest.raises(UsageError, match=r"--max-cost cannot be kept: no price is known for scripted/demo"):
        prepare(config.model_copy(update={"model": "scripted/demo", "max_cost": 1.0}))


def test_two_builds_in_one_folder_wait_for_each_other(tmp_path: Path) -> None:
    source, data = write_source(tmp_path, sums(1))
    building = prepare(
        BuildConfig(source=source, data=data, out=str(tmp_path / "out"), cache=False), scripted(lambda *_: "4")
    )

    def rival(_: str) -> None:
        with pytest.raises(RunError, match="another process is building in"):
            build(building)

    build(building, say=rival)


def test_the_limit_draws_by_hash_and_keeps_the_order(tmp_path: Path) -> None:
    class Store:
        ids = {f"id{n}": n for n in range(50)}  # noqa: RUF012 - a stand-in

    some = choose(Store(), 10, 0)  # type: ignore[arg-type]
    assert some == sorted(some)
    assert set(some) < set(choose(Store(), 20, 0))  # type: ignore[arg-type]
    assert some != choose(Store(), 10, 1)  # type: ignore[arg-type]
    assert choose(Store(), None, 0) == choose(Store(), 99, 0) == list(range(50))  # type: ignore[arg-type]


def test_duplicates_are_told_by_their_words() -> None:
    assert normalised(" What\nis  \uff12?") == normalised("what is 2?")
    assert normalised("what is 2?") != normalised("what is 3?")


def test_hostile_words_stay_in_their_cells(tmp_path: Path) -> None:
    rows = [row | {"kind": "a | b\n# <script>`"} for row in sums(2)]
    written = make(tmp_path, by_turns, rows)
    sheet = written.sheet.read_text("utf-8")
    assert "| a \\| b # &lt;script>' | 2 | 2 |" in sheet
    assert "<script>" not in sheet
    check_task(load_task(str(written.card)))


def test_unpaired_surrogates_in_a_reply_do_no_harm(tmp_path: Path) -> None:
    written = make(tmp_path, lambda q, s: "\ud83d " + by_turns(q, s), sums(1))
    (row,) = rows_of(written)
    assert row["response_A"].startswith("\ufffd ")
    with Graders() as graders:
        from judgebench.pairs.checking import check

        assert check(tmp_path / "out", graders).findings == []


def test_the_sheet_tells_how_to_build_it_again_without_paths_of_this_machine(tmp_path: Path) -> None:
    text = make(tmp_path, by_turns, sums(2), limit=2).sheet.read_text("utf-8")
    assert "judgebench pairs build CARD.yaml --data DATA --k 4 --limit 2 --name out --sampling-seed 0 --out DIR" in text
    assert str(tmp_path) not in text
    assert str(tmp_path) not in (tmp_path / "out" / "out.yaml").read_text("utf-8")
    assert str(tmp_path) not in json.dumps(rows_of(make(tmp_path, by_turns, sums(2))))
