from pathlib import Path
from typing import Any

import pytest

from factories import files_of, make_item, write_pairs
from fakes.view_runs import (
    Said,
    at_hand,
    read_items,
    read_list,
    says,
    write_run,
)
from judgebench import task as tasks
from judgebench.evaluation import evaluate
from judgebench.records import (
    Best,
    Candidate,
    Fault,
    ImagePart,
    Item,
    Reply,
    Scores,
    TextPart,
    Trial,
    Turn,
    Usage,
    Verdict,
)
from judgebench.view import build


def block(item: Any, *titles: str) -> Any:
    """Return the block inside an item that the titles lead to."""
    found = item
    for title in titles:
        found = next(inner for inner in found["blocks"] if inner["title"].startswith(title))
    return found


# -- what is shown ---------------------------------------------------------------------------------------


def test_a_run_becomes_a_page_with_its_data_beside_it(pairs: Path) -> None:
    built = build(pairs)
    assert built.page == pairs / "view" / "index.html"
    assert (built.trials, built.total, built.items, built.complete, built.texts) == (12, 12, 6, True, True)
    (folder,) = (path for path in (pairs / "view").iterdir() if path.is_dir())
    assert sorted(path.name for path in folder.iterdir()) == ["0.js", "list.js"]
    page = built.page.read_text("utf-8")
    assert "pairwise--scripted__demo</bdi> on <bdi>pairs" in page
    assert "12 trials of 6 items" in page
    assert f'data-folder="{folder.name}"' in page
    assert "Accuracy " in page


def test_an_item_has_its_texts_both_orders_and_what_was_said(pairs: Path) -> None:
    item, *_ = read_items(build(pairs).page)
    assert dict(item["facts"]) == {"Category": "knowledge", "Source": "0 + 0 = 0", "Gold": "B"} | {
        "Source": dict(item["facts"])["Source"]
    }
    assert block(item, "Conversation", "User")["text"] == "What is 0 + 0?"
    assert block(item, "Responses", "A")["text"] == "0 + 0 = 0"
    assert block(item, "Responses", "B")["badge"] == "gold"
    first, second = block(item, "Verdicts")["blocks"]
    assert [first["title"], second["title"]] == ["Shown A, B", "Shown B, A"]
    facts = dict(first["facts"])
    assert facts["As shown"] in ("A>B", "B>A", "A=B")
    assert facts["Tokens"].endswith("output")
    assert "A demonstration" in block(first, "Reply")["text"]
    assert first["badge"] in ("right", "wrong", "tie")


def test_verdicts_stand_in_the_items_own_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(0)]
    at_hand(monkeypatch, items)
    always_first = write_run(tmp_path / "run", items, lambda _item, _trial: says("First.", "A>B", raw="[[A>B]]"))
    own, swapped = block(read_items(build(always_first).page)[0], "Verdicts")["blocks"]
    assert [dict(one["facts"])["Verdict"] for one in (own, swapped)] == ["A", "B"]
    assert [dict(one["facts"])["As shown"] for one in (own, swapped)] == ["A>B", "A>B"]
    assert dict(own["facts"])["As written"] == "[[A>B]]"
    assert [one["badge"] for one in (own, swapped)] == ["right", "wrong"]
    assert [one["tone"] for one in (own, swapped)] == ["good", "bad"]


def test_the_list_has_what_is_filtered_and_sorted_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(n, category="math" if n else "law") for n in range(3)]
    at_hand(monkeypatch, items)

    def judge(item: Item, trial: Trial) -> Said:
        number = int(item.source_id[1:])
        if number == 2 and trial.order[0]:
            return says("Hm.")
        return says("First.", "A>B", confidence=0.5 + number / 10)

    found = read_list(build(write_run(tmp_path / "run", items, judge)).page)
    assert found["ids"] == [item.id for item in items]
    assert found["categories"] == ["law", "math"]
    assert found["filters"] == ["wrong", "flipped", "unreadable", "ties"]
    assert found["sorts"] == ["unsure", "sure", "tokens", "slow", "dear"]
    entries = [dict(zip(found["fields"], values, strict=True)) for values in found["entries"]]
    assert [entry["item"] for entry in entries] == [0, 1, 2]
    assert [entry["category"] for entry in entries] == [0, 1, 1]
    assert [entry["bits"] for entry in entries] == [0b0011, 0b0011, 0b0100]
    assert [entry["badge"] for entry in entries] == ["wrong", "wrong", "right"]
    assert entries[0]["line"] == "law · A / B · gold A · flipped"
    assert entries[2]["line"] == "math · A / unparsed · gold A"
    unsure, sure, tokens, slow, dear = entries[1]["numbers"]
    assert (unsure, sure, tokens, slow, dear) == (-0.6, 0.6, 640, 0.5, pytest.approx(0.002))


def test_unreadable_replies_are_kept_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand(monkeypatch, [make_item(0)])
    fault = Fault(kind="truncated", detail="the token limit came first", reply="Let me think about")
    reply = Reply(text="Let me think about", finish="length", model="m-1")
    run = write_run(tmp_path / "run", [make_item(0)], lambda *_: (fault, [reply]))
    trial = block(read_items(build(run).page)[0], "Verdicts", "Shown A, B")
    assert (trial["badge"], trial["tone"]) == ("unreadable: truncated", "warn")
    assert trial["facts"] == [["Fault", "truncated"], ["Why", "the token limit came first"]]
    assert [one["text"] for one in trial["blocks"]] == ["Let me think about"]
    assert trial["blocks"][0]["note"] == "m-1 · cut at the token limit"


def test_a_kept_reply_that_was_none_of_the_models_is_shown_too(tmp_path: Path) -> None:
    fault = Fault(kind="unparsed", reply="what the parser saw")
    run = write_run(tmp_path / "run", [make_item(0)], lambda *_: (fault, [Reply(text=None)]))
    trial = block(read_items(build(run).page)[0], "Verdicts", "Shown A, B")
    assert [(one["title"], one["text"]) for one in trial["blocks"]] == [
        ("Reply", "(no text)"), ("Reply that was kept", "what the parser saw"),
    ]  # fmt: skip


def test_a_conversation_a_reference_a_rubric_and_a_persona(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = ImagePart(url="https://example.com/cat.png")
    turns = (
        Turn(role="system", content="Be brief."),
        Turn(role="user", content=(TextPart(text="What is this?"), image)),
        Turn(role="assistant", content="A cat."),
        Turn(role="user", content="Are you sure?"),
    )
    item = make_item(0, turns=turns, reference="Yes.", rubric="Honesty.", persona="A vet.", traits={"difficulty": 3})
    at_hand(monkeypatch, [item])
    page = build(write_run(tmp_path / "run", [item])).page
    shown = read_items(page)[0]
    blocks = block(shown, "Conversation")["blocks"]
    titles = ["System", "User", "Assistant", "User", "Reference", "Rubric", "Persona"]
    assert [one["title"] for one in blocks] == titles
    assert blocks[1]["text"] == "What is this?\n[image]"
    assert ["difficulty", "3"] in shown["facts"]
    assert read_list(page)["excerpts"] == ["Are you sure?"]
    assert "example.com" not in "".join(data.decode() for data in files_of(page.parent).values())


def test_repeats_are_entries_of_one_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(n) for n in range(2)]
    at_hand(monkeypatch, items)
    built = build(write_run(tmp_path / "run", items, repeats=3))
    assert (built.trials, built.total, built.items) == (12, 12, 2)
    verdicts = [one for one in read_items(built.page)[0]["blocks"] if one["title"] == "Verdicts"]
    assert [one["repeat"] for one in verdicts] == [0, 1, 2]
    assert [entry[1] for entry in read_list(built.page)["entries"]] == [0, 1, 2, 0, 1, 2]
    assert '<select name="repeat">' in built.page.read_text("utf-8")


# -- other kinds of judges and tasks ----------------------------------------------------------------------


def test_a_reward_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(n) for n in range(2)]
    at_hand(monkeypatch, items)

    def judge(_item: Item, _trial: Trial) -> Said:
        return Verdict(scores=(1.25, -0.5)), [Reply(scores=(1.25, -0.5), model="rm")]

    run = write_run(tmp_path / "run", items, judge, order_independent=True, kind="reward-model")
    page = build(run).page
    (trial,) = block(read_items(page)[0], "Verdicts")["blocks"]
    assert ["Scores", "A 1.25, B −0.5"] in trial["facts"]
    assert trial["blocks"] == [{"title": "Reply", "text": "scores 1.25, −0.5", "note": "rm"}]
    assert read_list(page)["filters"] == ["wrong", "unreadable", "ties"]


def test_single_responses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gold = Scores(scores=(7,), low=1, high=10)
    items = [make_item(n, candidates=(Candidate(content=f"answer {n}"),), gold=gold) for n in range(3)]
    at_hand(monkeypatch, items)

    def judge(item: Item, _trial: Trial) -> Said:
        number = int(item.source_id[1:])
        return says("No score.") if number == 2 else says("So so.", scores=(7.0 - 2 * number,))

    page = build(write_run(tmp_path / "run", items, judge, metric="spearman")).page
    found = read_list(page)
    assert [entry[4] for entry in found["entries"]] == ["exact", "off by 2", "unreadable"]
    assert [entry[5] for entry in found["entries"]] == ["good", "", "warn"]
    assert (found["filters"], found["sorts"][0]) == (["wrong", "unreadable"], "far")
    assert [entry[7][0] for entry in found["entries"]] == [0, 2, None]
    item = read_items(page)[0]
    assert ["Gold", "7, of 1 to 10"] in item["facts"]
    assert block(item, "Responses", "Response")["text"] == "answer 0"
    assert block(item, "Verdicts", "Judged")["badge"] == "exact"


def test_several_candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = tuple(Candidate(content=f"answer {n}", model=f"model-{n}") for n in range(4))
    items = [make_item(0, candidates=candidates, gold=Best(indices=(2,)))]
    at_hand(monkeypatch, items)
    run = write_run(tmp_path / "run", items, lambda *_: says("The third.", best=(2,)), metric="best_accuracy")
    page = build(run).page
    item = read_items(page)[0]
    assert [one["title"] for one in block(item, "Responses")["blocks"]] == [
        f"{c} · model-{n}" for n, c in enumerate("ABCD")
    ]
    assert block(item, "Responses", "C")["badge"] == "gold"
    assert [one["title"] for one in block(item, "Verdicts")["blocks"]] == ["Shown A, B, C, D", "Shown D, C, B, A"]
    assert [one["badge"] for one in block(item, "Verdicts")["blocks"]] == ["right", "wrong"]
    assert read_list(page)["entries"][0][4:7] == ["credit 0.50", "", "math · C / B · gold C · flipped"]


def test_a_compound_judge_shows_every_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand(monkeypatch, [make_item(0)])
    replies = [
        Reply(text=f"Juror {n}: A", model=f"model-{n}", usage=Usage(input=10, output=n), seconds=n, cost=n / 100)
        for n in range(3)
    ]
    verdict = Verdict(preference="A>B", rationale="two of three", confidence=2 / 3)
    run = write_run(tmp_path / "run", [make_item(0)], lambda *_: (verdict, replies))
    trial = block(read_items(build(run).page)[0], "Verdicts", "Shown A, B")
    assert [one["title"] for one in trial["blocks"]] == [*(f"Reply {n} of 3" for n in (1, 2, 3)), "Rationale"]
    assert trial["blocks"][1]["note"] == "model-1 · tokens 10 input, 1 output · seconds 1.00 · cost $0.01"
    facts = dict(trial["facts"])
    assert facts["Confidence"] == "0.666667"
    assert (facts["Tokens"], facts["Seconds"], facts["Cost"]) == ("30 input, 3 output", "3.00", "$0.03")


def test_a_judge_that_asks_nobody(tmp_path: Path) -> None:
    task = write_pairs(tmp_path / "pairs.jsonl", 4)
    run = evaluate("longest", str(task), runs=str(tmp_path / "runs")).directory
    trial = block(read_items(build(run).page)[0], "Verdicts", "Shown A, B")
    assert trial["blocks"] == []
    assert "Cost" not in dict(trial["facts"]) or dict(trial["facts"])["Cost"] == "$0"


def test_replies_from_the_cache_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand(monkeypatch, [make_item(0)])
    said = Verdict(preference="A>B"), [Reply(text="A", cached=True, cost=0)]
    run = write_run(tmp_path / "run", [make_item(0)], lambda *_: said)
    trial = block(read_items(build(run).page)[0], "Verdicts", "Shown A, B")
    assert trial["blocks"][0]["note"] == "from the cache"


# -- runs that are not complete, texts that are not there -----------------------------------------------------


def test_a_run_that_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(n) for n in range(4)]
    at_hand(monkeypatch, items)
    run = write_run(tmp_path / "run", items, only=3)
    built = build(run)
    assert (built.trials, built.total, built.items, built.complete) == (3, 8, 2, False)
    page = built.page.read_text("utf-8")
    assert "This run is not complete" in page
    assert "3 of 8 trials of 2 items" in page
    assert len(block(read_items(built.page)[1], "Verdicts")["blocks"]) == 1


def test_a_torn_last_line_is_not_yet_judged(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [make_item(n) for n in range(4)], only=3)
    journal = run / "journal.jsonl"
    whole = build(run)
    journal.write_bytes(journal.read_bytes() + b'{"kind":"judgment","tri')
    assert build(run).trials == whole.trials == 3


def test_a_run_that_went_on_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [make_item(n) for n in range(4)]
    at_hand(monkeypatch, items)
    run = write_run(tmp_path / "run", items, only=3)
    before = build(run)
    assert not build(run).rebuilt
    write_run(tmp_path / "run", items)
    after = build(run)
    assert (after.rebuilt, after.trials, after.complete) == (True, 8, True)
    folders = [path for path in (run / "view").iterdir() if path.is_dir()]
    assert len(folders) == 1, "data of the earlier page are removed"
    assert before.page == after.page


def test_without_texts_there_are_ids_verdicts_and_replies(tmp_path: Path) -> None:
    items = [make_item(n) for n in range(3)]
    built = build(write_run(tmp_path / "run", items))
    assert not built.texts
    assert "toy" in built.missing
    assert "judgebench view RUN --data FILE" in built.page.read_text("utf-8")
    item = read_items(built.page)[0]
    assert [one["title"] for one in item["blocks"]] == ["Verdicts"]
    assert block(item, "Verdicts", "Shown A, B", "Reply")["text"].startswith("About q")
    found = read_list(built.page)
    assert found["ids"] == sorted(item.id for item in items)
    assert set(found["excerpts"]) == {""}
    assert "wrong" not in found["filters"]


def test_gold_beside_the_run_tells_right_from_wrong_without_texts(tmp_path: Path) -> None:
    items = [make_item(n, "A>B" if n else "B>A") for n in range(3)]
    run = write_run(tmp_path / "run", items)
    (run / "gold.csv").write_bytes(tasks.gold_table(items))
    found = read_list(build(run).page)
    wrong = [found["ids"][entry[0]] for entry in found["entries"] if entry[4] == "wrong"]
    assert wrong == [items[0].id]
    (run / "gold.csv").write_bytes(tasks.gold_table(items[:2]))
    assert "no gold" in str(read_list(build(run).page)["entries"]), "gold of another task does not count"


def test_data_that_have_moved_are_found_with_data(pairs: Path, tmp_path: Path) -> None:
    moved = (tmp_path / "pairs.jsonl").rename(tmp_path / "elsewhere.jsonl")
    assert not build(pairs).texts
    built = build(pairs, data=str(moved))
    assert built.texts
    assert block(read_items(built.page)[0], "Conversation", "User")["text"] == "What is 0 + 0?"
    assert not build(pairs).rebuilt, "a view with its texts is kept"


def test_texts_that_come_to_hand_later_are_shown(pairs: Path, tmp_path: Path) -> None:
    away = (tmp_path / "pairs.jsonl").rename(tmp_path / "elsewhere.jsonl")
    assert not build(pairs).texts
    away.rename(tmp_path / "pairs.jsonl")
    assert build(pairs).texts
