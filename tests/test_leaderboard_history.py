"""A judge's runs on a task: which belong together, the newest first, what differs, and by how much."""

import re
from pathlib import Path
from typing import Any

import pytest
from browser.boards import make_result

from judgebench.assemble import result_bytes, verdict_bytes
from judgebench.hashing import sha256
from judgebench.leaderboard import build, data, history
from judgebench.leaderboard.compared import paired
from judgebench.leaderboard.data import run_id
from judgebench.leaderboard.outcomes import outcomes
from judgebench.records import Preference, Sampling
from judgebench.results import Counts, Result, VerdictRow, VerdictsFile
from judgebench.task import GoldRow

ITEMS = 60
ORDERS = ((0, 1), (1, 0))
PROMPTS = {"user": "ab" * 32}


def run(name: str = "mine", *, finished: str | None = "2026-02-01T00:00:00+00:00", **fields: Any) -> Result:
    judge = {"model": "lab/model", "prompts": PROMPTS, **fields.pop("judge_fields", {})}
    return make_result(name, judge_fields=judge, finished=finished, **fields)


def tables(*results: Result) -> dict[str, tuple[history.Entry, ...]]:
    return history.of_board(data.assemble(results))


def alike(*results: Result) -> bool:
    """Tell whether the results share one table."""
    found = tables(*results)
    return len(found) == len(results) and len({id(table) for table in found.values()}) == 1


# -- which belong together -------------------------------------------------------------------------------------


def test_a_single_run_has_no_history_and_the_same_run_twice_is_one() -> None:
    assert tables(run()) == {}
    assert tables(run(), run()) == {}
    assert tables(run(), run(task={"name": "judgebench-claude", "fingerprint": "cd" * 32})) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"judge_fields": {"revision": "r2"}},
        {"judge_fields": {"sampling": Sampling(temperature=1.0)}},
        {"judge_fields": {"prompts": {"user": "cd" * 32}}},
        {"spec": {"repeats": 3}},
        {"task": {"version": 2}},
    ],
)
def test_runs_of_one_name_belong_together_whatever_else_differs(fields: dict[str, Any]) -> None:
    assert alike(run(), run(**fields))


def test_another_name_for_the_same_card_and_model_is_the_same_judge() -> None:
    fields = {"judge_fields": {"model": "openai/gpt-4o", "prompts": {}}}
    assert alike(run("my-card", **fields), run("my-card--openai__gpt-4o", **fields))
    assert not tables(run("my-card", **fields), run("your-card", **fields))
    assert not tables(run("my-card--one", **fields), run("my-card--other", **fields))
    assert not tables(run("my-card", **fields), run("my-card--openai__gpt-4o", judge_fields={"prompts": {}}))


@pytest.mark.parametrize("names", [("--", "----"), ("-->a", "-->b"), ("--lab__model", "-->"), ("", "x")])
def test_odd_names_do_not_run_into_each_other(names: tuple[str, str]) -> None:
    assert not tables(*(run(name, judge_fields={"prompts": {}}) for name in names))


def test_a_changed_card_with_a_new_name_asks_the_same_of_the_same_model() -> None:
    old, new = run("judge-v1", judge_fields={"revision": "r1"}), run("judge-v2", judge_fields={"revision": "r2"})
    assert alike(old, new)
    rewards = {"prompts": {}, "kind": "reward-model"}
    assert alike(run("reward-v1", judge_fields=rewards), run("reward-v2", judge_fields={**rewards, "revision": "r2"}))


@pytest.mark.parametrize(
    "other",
    [{"model": "lab/other"}, {"family": "other"}, {"kind": "fine-tuned"}, {"prompts": {"user": "00" * 32}}],
)
def test_another_model_family_or_prompt_under_another_name_is_another_judge(other: dict[str, Any]) -> None:
    assert tables(run("one"), run("two", judge_fields=other)) == {}


def test_imported_judges_without_prompts_are_known_by_their_names_alone() -> None:
    assert tables(run("vanilla--m", judge_fields={"prompts": {}}), run("cot--m", judge_fields={"prompts": {}})) == {}
    null = {"model": None, "kind": "null", "prompts": {}}
    assert tables(run("longest", judge_fields=null), run("shortest", judge_fields=null)) == {}


def test_a_third_run_joins_two_that_share_no_name_themselves() -> None:
    one = run("card")
    link = run("card--lab__model", judge_fields={"prompts": {"user": "cd" * 32}})
    three = run("renamed", judge_fields={"prompts": {"user": "cd" * 32}, "revision": "r3"})
    assert tables(one, three) == {}
    for order in ((one, three, link), (link, one, three), (three, link, one)):
        assert alike(*order)


# -- the newest first ------------------------------------------------------------------------------------------


def test_the_newest_by_date_of_whatever_zone_stands_first() -> None:
    dates = ["2026-03-01T01:00:00+02:00", "2026-02-28T23:30:00+00:00", "2026-01-05", None]
    runs = [run(finished=date, spec={"seed": number}) for number, date in enumerate(dates)]
    (table, *_) = tables(*reversed(runs)).values()
    assert [entry.run for entry in table] == [run_id(runs[number]) for number in (1, 0, 2, 3)]
    assert [entry.finished for entry in table] == ["2026-02-28", "2026-03-01", "2026-01-05", "not known"]


def test_a_start_stands_in_for_an_end() -> None:
    first = run(finished=None, started="2026-05-01T00:00:00+00:00", spec={"seed": 1})
    (table, *_) = tables(run(), first).values()
    assert (table[0].run, table[0].started, table[0].finished) == (run_id(first), "2026-05-01", "not known")


@pytest.mark.parametrize("text", ["", "yesterday", "<b>2026</b>", "9" * 5000, "0001-01-01T00:00:00+23:59"])
def test_what_is_no_date_is_not_known_and_stands_last(text: str) -> None:
    odd = run(finished=text, spec={"seed": 1})
    (table, *_) = tables(odd, run()).values()
    assert table[-1].run == run_id(odd)
    assert table[-1].finished in ("not known", "0001-01-01")


def test_without_dates_a_later_name_and_seed_counts_as_newer() -> None:
    runs = [run(f"judge-v{n}", finished=None, spec={"seed": seed}) for n, seed in ((1, 7), (2, 0), (2, 3))]
    for order in (runs, runs[::-1], [runs[1], runs[0], runs[2]]):
        (table, *_) = tables(*order).values()
        assert [entry.run for entry in table] == [run_id(runs[number]) for number in (2, 1, 0)]


# -- what differs ----------------------------------------------------------------------------------------------


def test_an_entry_says_what_it_ran_with_and_how_it_did() -> None:
    old = run(accuracy=0.5, finished="2026-01-01", judge_fields={"revision": "r1"})
    (table, *_) = tables(run(judge_fields={"revision": "r2"}), old).values()
    newest, entry = table
    assert (newest.revision, newest.differs, newest.against, newest.why_not) == ("r2", (), "", "")
    assert (entry.judge, entry.revision, entry.spec) == ("mine", "r1", old.spec_sha256[:12])
    assert (entry.headline.value, entry.headline.interval) == ("50.0", "[45.0, 55.0]")
    assert entry.differs == ("revision",)


def test_differences_of_judge_task_and_protocol_are_named() -> None:
    old = run(
        finished="2026-01-01",
        judge_fields={"sampling": Sampling(temperature=0.5), "params": {"votes": 3}},
        spec={"repeats": 2},
        task={"version": 2},
    )
    (table, *_) = tables(run(), old).values()
    assert set(table[1].differs) == {"sampling.temperature", "params.votes", "repeats", "task.version"}


def test_another_name_alone_is_no_difference() -> None:
    (table, *_) = tables(run("card"), run("card--lab__model", finished="2026-01-01")).values()
    assert [entry.differs for entry in table] == [(), ()]


# -- by how much ------------------------------------------------------------------------------------------------


def publish(results: Path, right: int, *, finished: str, folder: str, items: int = ITEMS, **fields: Any) -> Result:
    """Write a run that has the first `right` items right, with its verdicts and its gold table."""
    gold = [GoldRow(f"i{n:02}", "x", f"q{n}", Preference(label="A>B")) for n in range(ITEMS)]
    lines = "item,category,source,gold\n" + "".join(f"{row.item},x,{row.source},A>B\n" for row in gold)
    said = [
        VerdictRow(item=row.item, order=order, preference="A>B" if (n < right) == (order == ORDERS[0]) else "B>A")
        for n, row in enumerate(gold[:items])
        for order in ORDERS
    ]
    about = {"name": "made", "items": ITEMS, "fingerprint": sha256(lines.encode())}
    made = run(
        fields.pop("name", "mine"), accuracy=right / items, finished=finished, task=about, by_category={},
        counts=Counts(items=items, trials=2 * items, verdicts=2 * items),
        verdicts=VerdictsFile(sha256=sha256(verdict_bytes(said)), rows=len(said)), **fields,
    )  # fmt: skip
    place = results / folder
    place.mkdir(parents=True)
    (place / "made.json").write_bytes(result_bytes(made))
    (place / "made.verdicts.jsonl").write_bytes(verdict_bytes(said))
    (place / "made.gold.csv").write_text(lines)
    return made


def three(results: Path) -> tuple[Result, Result, Result]:
    return (
        publish(results, 50, finished="2026-03-01", folder="new", judge_fields={"revision": "r3"}),
        publish(results, 48, finished="2026-02-01", folder="mid", judge_fields={"revision": "r2"}),
        publish(results, 20, finished="2026-01-01", folder="old", judge_fields={"revision": "r1"}),
    )


def test_the_difference_to_the_newest_is_the_paired_one(tmp_path: Path) -> None:
    new, mid, old = three(tmp_path)
    board = data.load(tmp_path)
    (table, *_) = history.of_board(board).values()
    assert [entry.run for entry in table] == [run_id(one) for one in (new, mid, old)]
    judged = outcomes(board.tasks[0], board)
    assert judged is not None
    for entry, result in zip(table[1:], (mid, old), strict=True):
        rows = judged.value[[judged.runs.index(run_id(one)) for one in (result, new)]]
        known = paired(*rows, judged.sources)
        assert (entry.against, entry.interval) == history.written(known, share=True)
        assert entry.told_apart == (known.level is not None)
        assert not entry.why_not
    assert [entry.against for entry in table] == ["", "−3.3", "−50.0"]
    assert [entry.told_apart for entry in table] == [False, False, True]


def test_a_better_older_run_has_a_plus_and_an_equal_one_no_sign(tmp_path: Path) -> None:
    publish(tmp_path, 30, finished="2026-03-01", folder="new", judge_fields={"revision": "r3"})
    publish(tmp_path, 45, finished="2026-02-01", folder="mid", judge_fields={"revision": "r2"})
    publish(tmp_path, 30, finished="2026-01-01", folder="old", judge_fields={"revision": "r1"})
    (table, *_) = history.of_board(data.load(tmp_path)).values()
    assert [entry.against for entry in table] == ["", "+25.0", "0.0"]


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    publish(tmp_path, 50, finished="2026-03-01", folder="new")
    publish(tmp_path, 20, finished="2026-02-01", folder="part", items=30, spec={"limit": 30})
    publish(tmp_path, 20, finished="2026-01-01", folder="demo", demonstration=True, spec={"seed": 5})
    (table, *_) = history.of_board(data.load(tmp_path)).values()
    assert [entry.why_not for entry in table] == ["", "30 of 60 items", "demonstration"]
    assert {entry.against for entry in table} == {""}


def test_a_newest_run_of_a_part_is_what_stands_in_the_way(tmp_path: Path) -> None:
    publish(tmp_path, 20, finished="2026-03-01", folder="part", items=30, spec={"limit": 30})
    publish(tmp_path, 50, finished="2026-02-01", folder="whole")
    (table, *_) = history.of_board(data.load(tmp_path)).values()
    assert table[1].why_not == "30 of 60 items (the newest)"


def test_without_verdicts_there_is_nothing_to_compare() -> None:
    (table, *_) = tables(run(), run(finished="2026-01-01", spec={"seed": 1})).values()
    assert table[1].why_not == "no verdicts to compare"


# -- on the page ------------------------------------------------------------------------------------------------


def test_a_judges_page_has_one_table_of_all_its_runs_on_a_task(tmp_path: Path) -> None:
    new, mid, old = three(tmp_path / "results")
    publish(
        tmp_path / "results", 40, finished="2025-01-01", folder="other", name="before",
        judge_fields={"revision": "<script>r0</script>"},
    )  # fmt: skip
    build(tmp_path / "results", tmp_path / "site")
    html = (tmp_path / "site" / "judges" / "mine.html").read_text("utf-8")
    assert len(re.findall('<h3 id="history-', html)) == 1
    (table,) = re.findall(r'<h3 id="history-.*?</table>', html, re.DOTALL)
    links = re.findall(r'<th scope="row"><a href="([^"]*)"', table)
    assert links[:3] == [f"#run-{run_id(one)}" for one in (new, mid, old)]
    assert links[3].startswith("before.html#run-")
    assert all(f'id="{link[1:]}"' in html for link in links[:3])
    assert table.count("not told apart") == 1
    assert "the newest" in table
    assert "&lt;script&gt;r0" in table
    assert "<script>r0" not in html
    other = (tmp_path / "site" / "judges" / "before.html").read_text("utf-8")
    assert other.count('<h3 id="history-') == 1
    assert f'href="mine.html#run-{run_id(new)}"' in other
