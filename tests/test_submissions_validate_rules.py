"""Rule by rule: plans of every shape, imported outputs, evidence, and cards."""

from pathlib import Path
from typing import Any

import pytest

from factories import make_item
from fakes.honest import BOTH, assembled, edit_spec, honest, pairs, publish, recompute, rewrite, rows_of, run, spec_of
from judgebench.installed import family_of, judge_card
from judgebench.judges.card import card_names, load_card
from judgebench.judges.convert import fit
from judgebench.records import Best, Candidate, Item, Scores, Usage
from judgebench.results import Environment, VerdictRow
from judgebench.sources import load_task
from judgebench.submissions import gold
from judgebench.submissions.validate import validate

CARDS = card_names()


def lines(path: Path, severity: str = "error") -> str:
    found = validate(path.parents[1], [path]).findings
    return "\n".join(str(finding) for finding in found if finding.severity == severity)


def choices(count: int = 12, candidates: int = 3) -> list[Item]:
    answers = tuple(Candidate(content=str(number)) for number in range(candidates))
    return [make_item(number, candidates=answers, gold=Best(indices=(number % candidates,))) for number in range(count)]


# -- plans -------------------------------------------------------------------------------------------------


def test_a_knock_out_is_judged_in_both_orders(tmp_path: Path) -> None:
    items = choices()
    orders = ((0, 1, 2), (2, 1, 0))
    rows = [VerdictRow(item=item.id, order=order, best=(0,)) for item in items for order in orders]
    judge = {"conversion": "knock-out"}
    assert lines(assembled(tmp_path, items, rows, judge=judge)) == ""
    found = lines(assembled(tmp_path, items, rows[1:], judge=judge))
    assert f"1 verdicts are missing, the first item {rows[0].item}, order 0,1,2, repeat 0" in found
    odd = rows[0].model_copy(update={"order": (1, 0, 2)})
    found = lines(assembled(tmp_path, items, [odd, *rows[1:]], judge=judge))
    assert "1 verdicts are missing" in found
    assert "1 verdicts are of orders or repeats that the spec does not ask for" in found


def test_a_round_robin_is_judged_once(tmp_path: Path) -> None:
    items = choices()
    rows = [VerdictRow(item=item.id, order=(0, 1, 2), scores=(4.0, 2.0, 0.0), best=(0,)) for item in items]
    judge = {"conversion": "round-robin", "order_independent": True}
    assert lines(assembled(tmp_path, items, rows, judge=judge)) == ""
    again = [*rows, rows[0].model_copy(update={"order": (2, 1, 0)})]
    assert "1 verdicts are of orders or repeats" in lines(assembled(tmp_path, items, again, judge=judge))


def test_numbers_of_candidates_must_agree(tmp_path: Path) -> None:
    items = [make_item(n, gold=Scores(scores=(1.0, 2.0, 0.0), low=0, high=2)) for n in range(4)]
    rows = [VerdictRow(item=item.id, order=order, best=(0,)) for item in items for order in ((0, 1, 2), (2, 1, 0))]
    path = assembled(tmp_path, items, rows)
    assert lines(path) == ""
    short = [row.model_copy(update={"order": (0, 1)}) if row.order == (0, 1, 2) else row for row in rows_of(path)]
    rewrite(path, short)
    assert "4 verdicts are of 2 candidates, gold says 3, the first of" in lines(path)


def test_single_responses_are_judged_once_for_each_repeat(tmp_path: Path) -> None:
    items = [
        make_item(n, candidates=(Candidate(content="x"),), gold=Scores(scores=(float(n % 5),), low=0, high=4))
        for n in range(12)
    ]
    rows = [
        VerdictRow(item=item.id, order=(0,), repeat=r, scores=(n % 3 + r / 2,))
        for n, item in enumerate(items) for r in (0, 1)
    ]  # fmt: skip
    task = {"headline": "pearson"}
    assert lines(assembled(tmp_path, items, rows, task=task, repeats=2)) == ""
    assert "1 verdicts are missing" in lines(assembled(tmp_path, items, rows[:-1], task=task, repeats=2))
    wrong = [rows[0].model_copy(update={"scores": None, "best": (0,)}), *rows[1:]]
    path = assembled(tmp_path, items, rows, task=task, repeats=2)
    rewrite(path, sorted(wrong, key=lambda row: (row.item, row.repeat)))
    assert "cannot be measured: verdicts:" in lines(path)


def test_both_orders_and_one(tmp_path: Path) -> None:
    assert lines(assembled(tmp_path, *pairs())) == ""
    items, rows = pairs(orders=BOTH[:1])
    assert lines(assembled(tmp_path, items, rows, orders="first")) == ""
    assert "40 verdicts are missing" in lines(assembled(tmp_path, items, rows))


def test_a_conversion_that_spares_the_second_order_is_refused(tmp_path: Path) -> None:
    path = honest(tmp_path)
    rewrite(path, [row for row in rows_of(path) if row.order == (0, 1)])
    recompute(path, load_task("starter").items)
    edit_spec(path, lambda spec: spec["judge"].update(conversion="round-robin", order_independent=True))
    assert lines(path) == (
        "results/pairwise/starter.json: spec.judge.conversion: is 'round-robin'; this judge on items of this kind "
        "has 'none'"
    )


def test_a_card_is_converted_as_its_items_ask_for(tmp_path: Path) -> None:
    items, orders = choices(), ((0, 1, 2), (2, 1, 0))
    rows = [VerdictRow(item=item.id, order=order, best=(0,)) for item in items for order in orders]
    judge = spec_of("pairwise").model_dump() | {"conversion": "knock-out"}
    assert lines(assembled(tmp_path, items, rows, judge=judge)) == ""
    found = lines(assembled(tmp_path, items, rows, judge=judge | {"conversion": "none"}))
    assert "spec.judge.conversion: is 'none'; this judge on items of this kind has 'round-robin'" in found
    once = [row for row in rows if row.order == (0, 1, 2)]
    judge |= {"conversion": "round-robin", "order_independent": True}
    assert lines(assembled(tmp_path, items, once, judge=judge)) == ""


# -- imported ------------------------------------------------------------------------------------------------

SOURCE = {"file": "outputs.jsonl", "sha256": "a" * 64}
BARE = {
    "evidence": "imported", "source": SOURCE, "environment": None, "usage": Usage(), "seconds": None, "started": None,
    "finished": None, "judge": {"parser_version": 0},
}  # fmt: skip


def imported(tmp_path: Path, published: Any = BOTH, **changes: Any) -> Path:
    items, rows = pairs(orders=published)
    return assembled(tmp_path, items, rows, **(BARE | changes))


@pytest.mark.parametrize(("orders", "said"), [(BOTH, "both"), (BOTH[:1], "first"), (BOTH[1:], "both")])
def test_imported_outputs_have_the_orders_that_were_published(orders: Any, said: Any, tmp_path: Path) -> None:
    path = imported(tmp_path, orders, orders=said)
    assert lines(path) == ""
    assert "one order" not in lines(path, "flag")


def test_orders_of_imported_outputs_are_said_as_they_are(tmp_path: Path) -> None:
    found = lines(imported(tmp_path, BOTH[:1], orders="both"))
    assert found.endswith("mine/toy.json: spec.orders: is 'both', but the verdicts are of one order")
    assert "but the verdicts are of both orders" in lines(imported(tmp_path, orders="first"))


def test_items_in_one_order_among_others_in_both_are_flagged(tmp_path: Path) -> None:
    items, rows = pairs()
    path = assembled(tmp_path, items, rows[1:], **BARE)
    assert lines(path) == ""
    assert "1 of 40 items were published in one order only" in lines(path, "flag")
    path = assembled(tmp_path, items, rows[2:], **BARE)
    assert "1 items have no verdict, the first" in lines(path)


def test_repeats_are_nothing_that_an_importer_writes(tmp_path: Path) -> None:
    items, rows = pairs()
    path = assembled(tmp_path, items, [*rows, rows[0].model_copy(update={"repeat": 1})], **BARE)
    assert "1 verdicts are of orders or repeats that no importer writes" in lines(path)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"source": {}}, "source: names nothing; importers write file and sha256"),
        ({"source": {**SOURCE, "url": "x"}}, "source: names file, sha256, url; importers write file and sha256"),
        ({"source": {**SOURCE, "sha256": "abc"}}, "source.sha256: is 'abc', no sha256 in hexadecimal"),
        ({"source": {**SOURCE, "file": "a + b"}}, "source.sha256: holds another number of hashes than there are files, 2"),
        ({"source": {**SOURCE, "file": "a", "sha256": "a" * 64 + " + " + "b" * 64}}, "than there are files, 1"),
        ({"source": {**SOURCE, "file": "/etc/passwd"}}, "source.file: is '/etc/passwd', not the name of a file below"),
        ({"source": {**SOURCE, "file": "a/../../b"}}, "source.file: is 'a/../../b'"),
        ({"source": {**SOURCE, "file": "C:\\x"}}, "source.file: is 'C:\\\\x'"),
        ({"source": {**SOURCE, "file": "https://h/x"}}, "source.file: is 'https://h/x'"),
        ({"source": {**SOURCE, "file": " "}}, "source.file: is ' '"),
        ({"cost": 1.0}, "cost: is 1.0; importers write absent"),
        ({"seconds": 1.0}, "seconds: is 1.0; importers write absent"),
        ({"usage": Usage(input=3)}, "usage.input: is 3; importers write absent"),
        ({"environment": Environment(judgebench="1", python="3", platform="x")}, "environment: is judgebench='1'"),
        ({"judge": {"parser_version": 1}}, "spec.judge.parser_version: is 1; importers write 0"),
        ({"judge": {"parser_version": 0, "prompts": {"user": "a"}}}, "spec.judge.prompts: is {'user': 'a'}"),
        ({"judge": {"parser_version": 0, "params": {"x": 1}}}, "spec.judge.params: holds more than the strategy"),
        ({"judge": {"parser_version": 0, "params": {"strategy": 1}}}, "spec.judge.params: holds more than the strategy"),
        ({"repeats": 2}, "spec.repeats: is 2; importers write 1"),
    ],
)  # fmt: skip
def test_what_no_importer_writes_is_refused(changes: dict[str, Any], found: str, tmp_path: Path) -> None:
    assert found in lines(imported(tmp_path, **changes))


@pytest.mark.parametrize("file", ["a.jsonl", "ChatGPT/Swap_CoT/result.json", "a b,c=d.jsonl", "x + y"])
def test_names_of_published_files_are_as_they_are(file: str, tmp_path: Path) -> None:
    hashes = " + ".join(["a" * 64] * len(file.split(" + ")))
    assert lines(imported(tmp_path, source={"file": file, "sha256": hashes})) == ""


def test_reproduced_is_not_for_models(tmp_path: Path) -> None:
    path = assembled(tmp_path, *pairs(), evidence="reproduced")
    assert "evidence: is reproduced, which is for judges that this check can run. Say submitted" in lines(path)


def test_a_judge_that_cannot_judge_the_task_is_said(tmp_path: Path) -> None:
    items = [
        make_item(n, candidates=(Candidate(content="x"),), gold=Scores(scores=(1.0,), low=0, high=4)) for n in range(3)
    ]
    rows = [VerdictRow(item=item.id, order=(0,), scores=(1.0,)) for item in items]
    judge = {"name": "random", "family": "random", "kind": "null", "model": None}
    path = assembled(tmp_path, items, rows, judge=judge, task={"headline": "pearson"})
    assert "spec.judge: cannot judge this task: judge random compares responses" in lines(path)


# -- cards -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CARDS)
def test_every_installed_card_is_what_its_own_runs_say(name: str, tmp_path: Path) -> None:
    family = family_of(load_card(name))
    assert family is not None
    judge, conversion = fit(family, name, {2}, "round-robin")
    spec = spec_of(name, conversion=conversion, order_independent=judge.order_independent).model_dump()
    orders = BOTH[:1] if spec["order_independent"] else BOTH
    items, rows = pairs(4, orders=orders)
    path = assembled(tmp_path, items, rows, judge=spec)
    found = [
        error for error in validate(tmp_path / "results").errors if error.field.startswith(("spec.judge.", "params"))
    ]
    assert found == [], path


@pytest.mark.parametrize(
    ("changes", "severity", "found"),
    [
        ({"model": "vllm/GAIR/autoj-13b"}, "", ""),
        ({"params": {"backend.temperature": 1}}, "", ""),
        ({"sampling": {"temperature": 0.5}}, "flag", "spec.judge.sampling: flag: temperature, top_p, max_tokens differ"),
        ({"model": "transformers/GAIR/other"}, "error", "spec.judge.model: is 'transformers/GAIR/other', the card autoj-13b"),
        ({"parser_version": 99}, "error", "spec.judge.parser_version: is 99, the card autoj-13b has"),
        ({"prompts": {}}, "error", "spec.judge.prompts: is {}, the card autoj-13b has {"),
        ({"params": {"x": 1}}, "error", "spec.judge.params: are {'x': 1}, the card autoj-13b has {}: the card is stale"),
        ({"revision": "main"}, "error", "spec.judge.revision: is 'main', the card autoj-13b has absent"),
        ({"kind": "prompted"}, "error", "spec.judge.kind: is 'prompted', the card autoj-13b has 'fine-tuned'"),
        ({"context": None}, "error", "spec.judge.context: is absent, the card autoj-13b has"),
        ({"weights": None}, "error", "spec.judge.weights: are not those of the card autoj-13b"),
        ({"weights": {"dtype": "float32", "tokenizer": "GAIR/autoj-13b"}}, "flag", "spec.judge.weights: flag: dtype differ"),
        ({"weights": {"dtype": "float16", "tokenizer": "other"}}, "error", "spec.judge.weights: are not those of the card"),
        ({"name": "autoj-13b--openai__m", "model": "openai/m", "revision": "x"}, "error", "spec.judge.revision: is 'x'"),
        ({"name": "autoj-13b--openai__m", "model": "openai/m"}, "", ""),
        ({"name": "autoj-13b--openai__m", "model": "openai/n"}, "flag", "no card 'autoj-13b--openai__m' is installed"),
    ],
)  # fmt: skip
def test_what_may_differ_from_a_card_and_what_not(
    changes: dict[str, Any], severity: str, found: str, tmp_path: Path
) -> None:
    path = assembled(tmp_path, *pairs(4), judge=spec_of("autoj-13b", **changes).model_dump())
    report = validate(path.parents[1])
    said = "\n".join(str(finding) for finding in report.findings if finding.field.startswith("spec.judge."))
    assert found in said
    assert report.ok == (severity != "error"), said
    if not severity:
        assert said == ""


def test_a_card_is_found_by_installed_names_only(tmp_path: Path) -> None:
    card = judge_card(spec_of("random"))
    assert card is not None
    assert card.name == "random"
    (tmp_path / "evil.yaml").write_text("name: evil\nfamily: random\nkind: 'null'\n")
    assert judge_card(spec_of("random").model_copy(update={"name": str(tmp_path / "evil.yaml")})) is None


def test_functions_and_nameless_models_are_flagged(tmp_path: Path) -> None:
    found = lines(assembled(tmp_path, *pairs(4), judge={"kind": "callable", "model": None}), "flag")
    assert "spec.judge.kind: flag: the judge is a function of the submitter's own" in found
    found = lines(assembled(tmp_path, *pairs(4), judge={"model": None}), "flag")
    assert "spec.judge.model: flag: is absent: the result does not say which model judged" in found
    assert "spec.judge.name: flag: no card 'mine' is installed" in found
    assert "spec.task.name: flag: is no installed task" in found


# -- too much work -----------------------------------------------------------------------------------------


def test_generated_items_are_not_made_again_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = publish(run("longest", tmp_path / "runs", "verifiable", items=40), tmp_path / "results")
    monkeypatch.setattr(gold, "AGAIN", 10)
    assert "spec.task.revision: asks for 40 items; 10 is the most that is made again" in lines(path)
    monkeypatch.setattr(gold, "AGAIN", 40)
    monkeypatch.setattr(gold, "MOST_MADE", 30)
    assert "spec.task.revision: makes too many items for one check" in lines(path)


def test_what_a_check_itself_stumbles_over_refuses_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = honest(tmp_path, "longest")
    monkeypatch.setattr(gold, "task_card", lambda _name: 1 / 0)
    assert "could not be checked (ZeroDivisionError): division by zero. This is our fault" in lines(path)
