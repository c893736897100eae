import json

import pytest

from factories import make_item
from judgebench import task as tasks
from judgebench.errors import DataError, RowProblem, UsageError
from judgebench.records import Best, Item, Preference, Scores, Votes
from judgebench.task import Row, Split, Task, TaskCard


def rows_of(*data: dict) -> list[Row]:
    return [Row("f.jsonl", number, row) for number, row in enumerate(data, start=1)]


def official(**fields: object) -> TaskCard:
    return tasks.load_card("judgebench").model_copy(update=fields)


def test_cards_are_listed_and_loaded_by_name() -> None:
    assert {"judgebench", "starter"} <= set(tasks.card_names())
    for name in tasks.card_names():
        assert tasks.load_card(name).name == name


def test_an_unknown_task_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"unknown task 'judgebech'. Did you mean judgebench"):
        tasks.load_card("judgebech")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "task card x is not YAML"),
        ("name: x\ntitle: X\nadapter: pairs\nsurprise: 1", "surprise: Extra inputs"),
        ("name: '../x'\ntitle: X\nadapter: pairs", "name: String should match"),
        ("just text", "task card x: card"),
    ],
)
def test_a_bad_card_gets_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        tasks.parse_card(text, "x")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "split", "found"),
    [
        ("judgebench", None, "gpt"),
        ("judgebench", "claude", "claude"),
        ("judgebench-claude", None, "claude"),
        ("starter", None, "test"),
    ],
)
def test_a_split_is_named_apart_or_in_the_tasks_name(name: str, split: str | None, found: str) -> None:
    assert tasks.resolve(name, split)[1] == found


def test_an_unknown_split_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="Did you mean claude"):
        tasks.resolve("judgebench", "claud")


def test_task_names_carry_the_split_only_when_there_are_several() -> None:
    assert Task(official(), "gpt", ()).name == "judgebench-gpt"
    assert Task(official(splits={"test": Split()}), "test", ()).name == "judgebench"


def test_the_gold_table_does_not_depend_on_the_order_of_items() -> None:
    items = [make_item(n, label="B>A" if n % 2 else "A>B") for n in range(5)]
    assert tasks.gold_table(items) == tasks.gold_table(items[::-1])
    assert tasks.gold_table(items).startswith(b"item,category,source,gold\n")


def test_the_gold_table_keeps_every_kind_of_gold_and_reads_back() -> None:
    golds = [
        Preference(label="A=B"), Votes(votes=("A>B", "B>A")), Scores(scores=(1, 2.5), low=0, high=5), Best(indices=(1,)),
    ]  # fmt: skip
    items = [make_item(n, gold=gold) for n, gold in enumerate(golds)]
    assert tasks.read_gold_table(tasks.gold_table(items), "gold.csv") == tasks.facts(items)


def test_the_gold_table_holds_no_text() -> None:
    assert b"answer" not in tasks.gold_table([make_item(3)])


@pytest.mark.parametrize("line", ["a,b,c,maybe", "a,b,c", 'a,b,c,{"kind": "votes"}'])
def test_a_damaged_gold_table_names_the_line(line: str) -> None:
    with pytest.raises(DataError, match=r"gold.csv:2: gold"):
        tasks.read_gold_table(f"item,category,source,gold\n{line}\n".encode(), "gold.csv")


@pytest.mark.parametrize("name", ["judgebench-gpt", "judgebench-claude", "starter"])
def test_shipped_gold_tables_are_the_ones_on_the_cards(name: str) -> None:
    card, split = tasks.resolve(name, None)
    shipped = tasks.published_gold(name)
    assert shipped is not None
    assert len(shipped) == card.splits[split].items
    from judgebench.hashing import sha256

    data = tasks.resource(f"gold/{name}.csv").read_bytes()
    assert sha256(data) == card.splits[split].gold


def test_the_official_label_balance_is_in_the_shipped_facts() -> None:
    labels = [row.gold.label for row in tasks.published_gold("judgebench-gpt") or [] if row.gold.kind == "preference"]
    assert (labels.count("A>B"), len(labels)) == (193, 350)


# -- building ------------------------------------------------------------------------------------------


def test_every_bad_row_is_reported_and_nothing_is_built() -> None:
    from factories import pair_row

    bad_label, no_label = pair_row(1, label="A"), pair_row(2)
    del no_label["label"]
    rows = [
        *rows_of(
            pair_row(0),
            bad_label,
            no_label,
            pair_row(0),
            pair_row(4, question=" "),
            pair_row(5, response_A=None),
        ),
        RowProblem("f.jsonl", 7, "", "not JSON"),
    ]
    with pytest.raises(DataError) as error:
        tasks.build(official(), "gpt", rows)
    assert [(p.row, p.field) for p in error.value.problems] == [
        (2, "label"), (3, "label"), (4, "id"), (5, "question"), (6, "response_A"), (7, ""),
    ]  # fmt: skip
    assert all("\n" not in line for line in str(error.value).splitlines())
    assert "unknown label 'A'" in str(error.value)
    assert "duplicate of row 1" in str(error.value)


def test_a_missing_field_is_named_in_the_datasets_own_words() -> None:
    with pytest.raises(DataError, match="pair_id: missing field"):
        tasks.build(official(), "gpt", rows_of({"question": "q"}))


def test_categories_come_from_the_source_by_name_or_prefix() -> None:
    from factories import pair_row

    items = tasks.build(official(), "gpt", rows_of(*(pair_row(n) for n in range(4))))
    assert [item.category for item in items] == ["knowledge", "reasoning", "math", "coding"]
    lone = tasks.build(official(), "gpt", rows_of(pair_row(0, source="folklore")))
    assert lone[0].category == "folklore"


def test_equal_questions_are_one_source() -> None:
    from factories import pair_row

    items = tasks.build(
        official(), "gpt", rows_of(pair_row(0), pair_row(1, question=pair_row(0)["question"]), pair_row(2))
    )
    assert items[0].source_id == items[1].source_id != items[2].source_id
    assert items[0].id != items[1].id


def test_a_field_map_and_a_label_map_make_other_layouts_work() -> None:
    card = TaskCard(
        name="llm", title="Other", adapter="pairs", ties=True,
        fields={"id": "n", "question": "input", "response_a": "output_1", "response_b": "output_2"},
        labels={"1": "A>B", "2": "B>A", "0": "A=B"},
    )  # fmt: skip
    row = {"n": 7, "input": "q", "output_1": "x", "output_2": "", "label": 2}
    (item,) = tasks.build(card, "test", rows_of(row))
    assert (item.gold, item.meta["key"], item.category) == (Preference(label="B>A"), "7", "all")
    (tied,) = tasks.build(card, "test", rows_of(row | {"label": 0}))
    assert tied.gold == Preference(label="A=B")


def test_ties_are_refused_where_the_card_knows_none() -> None:
    from factories import pair_row

    with pytest.raises(DataError, match="unknown label 'A=B'; known: A>B, B>A"):
        tasks.build(official(), "gpt", rows_of(pair_row(0, label="A=B")))


# -- selecting -------------------------------------------------------------------------------------------


@pytest.fixture
def items() -> list[Item]:
    return [make_item(n, category=("math", "law")[n % 2]) for n in range(40)]


def test_selection_keeps_dataset_order_and_chosen_categories(items: list[Item]) -> None:
    assert tasks.select(items, (), None, 0) == items
    chosen = tasks.select(items, ("law",), None, 0)
    assert chosen == [item for item in items if item.category == "law"]


def test_a_limit_draws_the_same_sample_each_time_and_grows_by_inclusion(items: list[Item]) -> None:
    small, large = tasks.select(items, (), 5, 3), tasks.select(items, (), 20, 3)
    assert len(small) == 5
    assert small == tasks.select(items[::-1], (), 5, 3)[::-1]
    assert {i.id for i in small} < {i.id for i in large}
    assert small != tasks.select(items, (), 5, 4)
    assert {item.category for item in large} == {"math", "law"}


def test_an_unknown_category_gets_a_suggestion(items: list[Item]) -> None:
    with pytest.raises(UsageError, match="Did you mean math"):
        tasks.select(items, ("maths",), None, 0)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("openai/GPT-4o", "openai__gpt-4o"),
        ("../../etc/passwd", "etc__passwd"),
        ("  ", "unnamed"),
        ("dataset=x,model=y", "dataset-x-model-y"),
        ("日本", "unnamed"),
    ],
)
def test_slugs_are_safe_as_paths(text: str, slug: str) -> None:
    made = tasks.slug(text)
    assert made == slug
    assert "/" not in made
    assert not made.startswith(".")


def test_cards_ship_as_json_too() -> None:
    assert json.loads(tasks.load_card("judgebench").model_dump_json())["hub"]["repo"] == "ScalerLab/JudgeBench"


# -- traits ------------------------------------------------------------------------------------------------


def pair(number: int, **more: object) -> dict:
    return {
        "pair_id": f"p{number}", "question": f"q{number}", "response_A": "a", "response_B": "b", "label": "A>B",
        "source": "livebench-math", **more,
    }  # fmt: skip


def test_traits_stand_in_the_gold_table_and_read_back() -> None:
    found = tasks.build(official(), "gpt", rows_of(pair(1, traits={"difficulty": 3, "depth": 0.25}), pair(2)))
    table = tasks.gold_table(found)
    assert table.splitlines()[0] == b"item,category,source,gold,traits"
    assert tasks.read_gold_table(table, "t") == tasks.facts(found)
    assert sorted(len(row.traits) for row in tasks.facts(found)) == [0, 2]


def test_a_table_without_traits_is_what_it_always_was() -> None:
    with_, without = (tasks.build(official(), "gpt", rows_of(pair(1, **more))) for more in ({"traits": {"x": 1}}, {}))
    assert tasks.gold_table(without).splitlines()[0] == b"item,category,source,gold"
    assert [item.id for item in with_] == [item.id for item in without], "traits are not content"


@pytest.mark.parametrize("traits", ["hard", [1], {"difficulty": "high"}, {"difficulty": True}])
def test_traits_that_are_no_numbers_are_refused(traits: object) -> None:
    with pytest.raises(DataError, match="traits: expected an object of numbers"):
        tasks.build(official(), "gpt", rows_of(pair(1, traits=traits)))


@pytest.mark.parametrize("cell", ["nonsense", '{"difficulty": "high"}', '{"difficulty": NaN}', "[1]"])
def test_a_damaged_traits_cell_is_named(cell: str) -> None:
    quoted = cell.replace('"', '""')
    data = f'item,category,source,gold,traits\ni,c,s,A>B,"{quoted}"\n'.encode()
    with pytest.raises(DataError, match="t:2: gold: not a gold row"):
        tasks.read_gold_table(data, "t")
