"""A judge's page: facts, numbers, evidence, and the command that makes a result again."""

import shlex
from typing import Any

import pytest
from browser.boards import gallery, make_result, share

from judgebench import installed
from judgebench.judges.card import load_card
from judgebench.leaderboard import commands, data, history
from judgebench.leaderboard.calibration import Diagram
from judgebench.leaderboard.judges import Fact, JudgePage, judge_page
from judgebench.leaderboard.table import table
from judgebench.records import Sampling, Usage
from judgebench.results import Counts, Environment, Metric, Result
from judgebench.task import slug

CLAUDE = {"name": "judgebench-claude", "items": 270, "fingerprint": "cd" * 32}


def portrait(*results: Result, name: str | None = None) -> JudgePage:
    board = data.assemble(results)
    chosen = name or results[0].spec.judge.name
    return judge_page(chosen, board.judges[chosen], board, {task.name: table(task) for task in board.tasks})


def fact(page: JudgePage, label: str) -> Fact:
    (found,) = [fact for fact in page.facts if fact.label == label]
    return found


# -- what it is ----------------------------------------------------------------------------------------------


def test_a_judge_is_one_page_over_all_tasks() -> None:
    page = portrait(*gallery(), name="arena-hard")
    assert [run.task.name for run in page.runs] == ["judgebench-gpt", "judgebench-claude"]
    assert (page.judge, page.model, page.kind) == ("arena-hard", "o1-mini-2024-09-12", "prompted")


def test_facts_on_which_all_runs_agree_are_said_once() -> None:
    page = portrait(*gallery(), name="arena-hard")
    assert fact(page, "Family").values == (("arena-hard", ()),)
    assert fact(page, "Endpoint").values == (("default", ()),)


def test_facts_on_which_runs_differ_name_their_tasks() -> None:
    sampled = {"sampling": Sampling(temperature=0.5, stop=("x",)), "revision": "r2"}
    page = portrait(make_result("a"), make_result("a", task=CLAUDE, judge_fields=sampled))
    assert set(fact(page, "Sampling").values) == {
        ('temperature 0.5, stop ["x"]', ("judgebench-claude",)),
        ("not recorded by the source", ("judgebench-gpt",)),
    }
    assert ("r2", ("judgebench-claude",)) in fact(page, "Revision").values


def test_prompts_and_parameters_are_spelled_out() -> None:
    fields = {"prompts": {"user": "ab12", "system": "cd34"}, "params": {"b": 1, "a": [True, None]}, "parser_version": 3}
    page = portrait(make_result("mine", judge_fields=fields, evidence="submitted"))
    assert fact(page, "Prompts").values[0][0] == "system: sha256 cd34; user: sha256 ab12"
    assert fact(page, "Parameters").values[0][0] == '{"a":[true,null],"b":1}'
    assert fact(page, "Parser").values[0][0] == "version 3"
    assert fact(page, "Sampling").values[0][0] == "not set"
    assert "not installed" in fact(page, "Card").values[0][0]


def test_an_installed_card_adds_its_facts() -> None:
    page = portrait(make_result("arena-hard--o1-mini-2024-09-12"))
    assert page.summary
    assert "arxiv" in fact(page, "Paper").values[0][0]
    assert page.judge == "arena-hard"


def test_the_facts_of_an_installed_card_are_complete() -> None:
    card = load_card("judgelm-7b")
    page = portrait(make_result("judgelm-7b", judge_fields={"model": card.model, "kind": card.kind}))
    labels = ("Card", "Family", "Model", "Revision", "Size", "Weights", "Licence", "Paper", "Training data")
    facts = {label: fact(page, label).values[0][0] for label in labels}
    assert facts["Card"] == "judgelm-7b, installed here"
    assert (facts["Size"], facts["Licence"], facts["Paper"]) == (card.size, card.licence, card.paper)
    assert facts["Weights"] == "open weights"
    assert facts["Training data"] == ", ".join(card.training_datasets)
    assert all(facts.values())


def test_what_a_card_with_a_model_leaves_out_is_said_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = load_card("judgelm-7b").model_copy(update={"size": None, "licence": None, "training_datasets": ()})
    monkeypatch.setattr(installed, "_judge_card", lambda *_: bare)
    page = portrait(make_result("judgelm-7b"))
    for label in ("Size", "Licence", "Training data"):
        assert fact(page, label).values == (("not stated by the card", ()),)


def test_a_card_without_a_model_has_no_size_to_leave_out() -> None:
    page = portrait(make_result("longest", judge_fields={"model": None, "kind": "null"}))
    assert fact(page, "Weights").values[0][0] == "no model"
    assert not {"Size", "Training data"} & {found.label for found in page.facts}


def test_a_judge_with_several_models_has_no_model_of_its_own() -> None:
    page = portrait(make_result("a"), make_result("a", task=CLAUDE, judge_fields={"model": "other"}))
    assert (page.judge, page.model) == ("a", "")
    assert {value for value, _ in fact(page, "Model").values} == {"o1-mini-2024-09-12", "other"}


# -- how it did ----------------------------------------------------------------------------------------------


def test_a_run_shows_its_place_and_what_stands_beside_the_headline() -> None:
    page = portrait(*gallery(), name="arena-hard")
    run = page.runs[0]
    assert (run.group.key, run.row.rank) == ("judges", 2)
    assert run.row.cells[0].value == "65.7"
    assert {label: cell.value for label, cell in run.beside.items()} == {
        "Consistency": "80.0", "Position bias": "−3.1", "Unreadable": "0.6",
    }  # fmt: skip
    assert page.beside == ["Consistency", "Position bias", "Unreadable"]


def test_categories_stand_in_the_tasks_order() -> None:
    (run,) = portrait(make_result("a")).runs
    assert [name for name, _ in run.categories] == ["knowledge", "reasoning", "math", "coding"]
    assert [words.label for words in run.category_heads] == ["Accuracy"]
    assert run.categories[0][1][0].note == "n = 154"


def test_a_single_category_is_not_said_twice() -> None:
    (run,) = portrait(make_result("a", by_category={"all": {"accuracy": share(0.5)}})).runs
    assert run.categories == ()


def test_a_category_without_a_metric_says_so() -> None:
    by_category = {"x": {"accuracy": share(0.5)}, "y": {"consistency": share(0.5)}}
    (run,) = portrait(make_result("a", by_category=by_category)).runs
    missing = {name: [cell.missing for cell in cells] for name, cells in run.categories}
    assert missing == {"x": ["", "not computed for this result"], "y": ["not computed for this result", ""]}


def test_all_metrics_are_listed_by_view_with_n_and_coverage() -> None:
    (run,) = portrait(make_result("a", metrics={"ece": Metric(value=0.1234, n=300, coverage=0.75)})).runs
    listed = {title: [metric.words.label for metric in found] for title, found in run.metrics}
    assert list(listed) == ["Scoring rules", "Reliability", "Certainty"]
    assert listed["Scoring rules"][0] == "Accuracy"
    assert sum(map(len, listed.values())) == len(run.result.metrics)
    ((_, (ece,)),) = [entry for entry in run.metrics if entry[0] == "Certainty"]
    assert (ece.cell.value, ece.cell.note, ece.n, ece.coverage) == ("0.123", "", 300, "75.0 %")


def test_a_headline_of_another_view_comes_first() -> None:
    (run,) = portrait(make_result("a", task={"headline": "consistency"})).runs
    title, found = run.metrics[0]
    assert (title, found[0].words.label) == ("Reliability", "Consistency")


def test_figures_and_histories_stand_with_their_runs() -> None:
    one, two = make_result("a"), make_result("a", judge_fields={"revision": "r2"})
    other = make_result("a", task=CLAUDE)
    board = data.assemble([one, two, other])
    told, drawn = history.of_board(board), {data.run_id(two): Diagram(0, (), (), "", "")}
    tables = {task.name: table(task) for task in board.tasks}
    page = judge_page("a", board.judges["a"], board, tables, calibrated=drawn, histories=told)
    assert [run.calibration for run in page.runs if run.key == data.run_id(two)] == list(drawn.values())
    assert [run.calibration for run in page.runs if run.key != data.run_id(two)] == [None, None]
    assert [len(run.history) for run in page.runs] == [2, 0, 0]
    assert {entry.run for entry in page.runs[0].history} == {data.run_id(one), data.run_id(two)}


# -- what it rests on ----------------------------------------------------------------------------------------


def test_a_runs_facts_say_what_it_rests_on() -> None:
    result = make_result(
        "a",
        spec={"categories": ("math",), "repeats": 2},
        counts=Counts(items=56, trials=112, verdicts=109, unparsed=1, refused=2),
        usage=Usage(input=1000, output=0),
        cost=0.25,
        seconds=12.5,
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:01:00+00:00",
        source={"repository": "x/y"},
        environment=Environment(
            judgebench="0", python="3.11", platform="linux", packages={"numpy": "2"}, commit="abc", backend={"k": [1]}
        ),
    )
    (run,) = portrait(result).runs
    facts = dict(run.facts)
    assert facts["Source: repository"] == "x/y"
    assert facts["Items"] == "56 of 350, version 1"
    assert facts["Judgments"] == "112: 109 with a verdict, 1 unparsed, 2 refused"
    assert facts["Protocol"] == "orders both, repeats 2, seed 0"
    assert facts["Usage"] == "1000 input tokens, 0 output tokens, 0.25 USD, 12.5 s"
    assert facts["Environment"] == "judgebench 0, Python 3.11, linux, commit abc, numpy 2, k [1]"
    assert facts["Run"].endswith("to 2026-01-01T00:01:00+00:00")
    assert facts["Categories"] == "math"
    assert result.spec_sha256 in facts["Spec"]


def test_what_is_not_known_is_left_out() -> None:
    (run,) = portrait(make_result("a")).runs
    assert not {"Usage", "Environment", "Run", "Categories"} & dict(run.facts).keys()


# -- the command ---------------------------------------------------------------------------------------------


def command(name: str = "arena-hard--openai__gpt-4o", **parts: Any) -> commands.Command | None:
    sampling = load_card("arena-hard").sampling
    fields = {"model": "openai/gpt-4o", "sampling": sampling, **parts.pop("judge_fields", {})}
    return commands.evaluation(make_result(name, judge_fields=fields, evidence="submitted", **parts))


def text(found: commands.Command | None) -> str:
    assert found is not None
    return found.text.removeprefix("judgebench eval ")


def test_the_command_names_judge_model_task_and_split() -> None:
    found = command()
    assert text(found) == "--judge arena-hard --model openai/gpt-4o --task judgebench --split gpt"
    assert found is not None
    assert found.blanks == ()


def test_a_judge_without_a_model_needs_none() -> None:
    fields = {"model": None, "sampling": Sampling()}
    assert text(command("longest", judge_fields=fields)) == "--judge longest --task judgebench --split gpt"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"spec": {"limit": 20, "seed": 3}}, ["--limit", "20", "--seed", "3"]),
        ({"spec": {"orders": "first", "repeats": 2}}, ["--orders", "first", "--repeats", "2"]),
        ({"spec": {"categories": ("a b", "-c")}}, ["--category", "a b", "--category=-c"]),
        ({"judge_fields": {"conversion": "knock-out"}}, ["--nway", "knock-out"]),
        ({"judge_fields": {"endpoint": "sha256:12"}}, ["--base-url", "URL"]),
        ({"judge_fields": {"sampling": Sampling(temperature=0.3, max_tokens=7)}},
         ["--temperature", "0.3", "--max-tokens", "7"]),
    ],
)  # fmt: skip
def test_the_command_says_what_is_not_the_default(parts: dict[str, Any], words: list[str]) -> None:
    assert shlex.split(text(command(**parts)))[8:] == words


def test_a_model_without_a_provider_leaves_it_open() -> None:
    found = command("arena-hard--o1-mini", judge_fields={"model": "o1-mini"})
    assert "--model PROVIDER/o1-mini" in text(found)
    assert found is not None
    assert found.blanks == (("PROVIDER", "who serves the model"),)


def test_a_task_whose_data_are_not_at_hand_asks_for_them() -> None:
    found = command(task={"name": "rm-bench"})
    assert text(found).endswith("--task rm-bench --data PATH")


@pytest.mark.parametrize(
    ("judge", "task"),
    [
        ("unknown", "judgebench-gpt"),
        ("arena-hard--other", "judgebench-gpt"),
        ("arena-hard--openai__gpt-4o", "unknown"),
        ("/etc/passwd.yaml", "judgebench-gpt"),
        ("arena-hard--openai__gpt-4o", "/tmp/task.yaml"),
        ("../cards/arena-hard", "judgebench-gpt"),
    ],
)
def test_what_is_not_installed_has_no_command(judge: str, task: str) -> None:
    assert command(judge, task={"name": task}) is None


@pytest.mark.parametrize("evil", ["; rm -rf ~", "$(id)", "`id`", "a'b\"c", "x\n--cache", "--cache", "&& id #"])
def test_hostile_words_are_one_word_to_a_shell(evil: str) -> None:
    name = f"arena-hard--{slug(evil)}"
    found = shlex.split(text(command(name, judge_fields={"model": evil}, spec={"categories": (evil,)})))
    assert f"PROVIDER/{evil}" in found
    assert evil in found or f"--category={evil}" in found
