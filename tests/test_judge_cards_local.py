"""The cards of fine-tuned judges: facts that a user needs, prompts that are pinned, and requests as their authors make them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fakes.trained import STAND_INS, asked, prepared
from judgebench import prompts, registry
from judgebench.backends.scripted import ScriptedBackend
from judgebench.cli import cli
from judgebench.evaluation import evaluate
from judgebench.hashing import digest
from judgebench.judges.card import card_names, load_card
from judgebench.judges.finetuned import FineTuned
from judgebench.records import TextRequest
from judging import make, view

USERS_CACHE = prompts.cache_folder().parent
"""Of the machine's user: known only until the tests hide it."""

NAMES = [name for name in card_names() if issubclass(registry.load("families", load_card(name).family), FineTuned)]
LOCAL = [name for name in NAMES if load_card(name).model is not None]
SIZES = {
    "autoj": ["13B"], "autoj-single": ["13B"], "prometheus": ["7B", "8x7B"], "prometheus-absolute": ["7B", "8x7B"],
    "skywork-critic": ["70B", "8B"], "compass-judger": ["1.5B", "14B", "32B", "7B"], "compass-judger-2": ["32B", "7B"],
    "judgelrm": ["3B", "7B"], "bracketed": ["14B", "32B", "70B", "7B", "8B"],
}  # fmt: skip


def test_every_family_has_its_sizes() -> None:
    found: dict[str, set[str]] = {}
    for card in map(load_card, LOCAL):
        found.setdefault(card.family, set()).add(card.size)
    assert {family: sorted(sizes) for family, sizes in found.items()} == SIZES


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_a_user_needs_to_know(name: str) -> None:
    card = load_card(name)
    assert card.name == name
    assert card.summary.endswith(".")
    assert len(card.notes) > 100
    assert card.sampling.max_tokens
    assert card.paper or name.startswith(("skywork", "selene"))
    if name in LOCAL:
        assert card.kind in ("fine-tuned", "generative-reward-model")
        assert card.model.startswith("transformers/")
        assert card.model.count("/") == 2
        assert card.needs == ("local",)
        assert card.size
    else:
        assert (card.kind, card.model, card.needs) == ("prompted", None, ())


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_is_a_pin_and_none_of_them_is_ours(name: str) -> None:
    judge = make(name)
    assert judge.roles()
    for role in judge.roles():
        pin = prompts.find(judge._names[role])
        assert len(pin.commit) == 40
        assert judge.prompts()[role] == pin.digest


def test_the_tests_stand_in_for_every_prompt_that_is_rendered() -> None:
    assert {make(name)._names[role] for name in NAMES for role in make(name).roles()} == STAND_INS.keys()


@pytest.mark.parametrize("pin", [prompts.find(name) for name in STAND_INS], ids=lambda pin: pin.name)
def test_a_stand_in_has_the_variables_of_the_published_prompt(pin: prompts.Pin) -> None:
    """So that what is rendered here would be rendered there."""
    for variable in pin.variables:
        place = f"{{{{{variable}}}}}" if pin.format == "jinja" else f"{{{variable}}}"
        assert place in STAND_INS[pin.name]


def test_the_same_judges_differ_in_their_size_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path, monkeypatch)
    for one, two in (
        ("prometheus-7b-v2", "prometheus-8x7b-v2"),
        ("rise-judge-7b", "rise-judge-32b"),
        ("skywork-critic-8b", "skywork-critic-70b"),
    ):
        assert asked(one) == asked(two)


def test_they_are_listed_with_kind_size_licence_and_needs() -> None:
    listed = CliRunner().invoke(cli, ["list", "judges", "--json"])
    assert listed.exit_code == 0
    found = {card["name"]: card for card in json.loads(listed.stdout)}
    assert set(NAMES) <= found.keys()
    autoj = found["autoj-13b"]
    assert (autoj["kind"], autoj["size"], autoj["licence"], autoj["needs"]) == (
        "fine-tuned",
        "13B",
        "Llama 2",
        ["local"],
    )
    assert found["rm-r1-reasoning-7b"]["kind"] == "generative-reward-model"


# -- from end to end, with a scripted model ------------------------------------------------------------------------------------

ANSWERS = {
    "autoj-13b": ("So, the final decision is Response 1.", "none", "preference"),
    "autoj-13b-single": ("Rating: [[7]]", "score-each", "scores"),
    "prometheus-7b-v2": ("[RESULT] A", "none", "preference"),
    "prometheus-7b-v2-absolute": ("[RESULT] 4", "score-each", "scores"),
    "skywork-critic-8b": ("[[A", "none", "preference"),
    "compass-judger-1-7b": ("[[A>>B]]", "none", "preference"),
    "compass-judger-2-7b": ('{"Choice": "Model A"}', "none", "preference"),
    "rise-judge-7b": ("[[A]]", "none", "preference"),
    "judgelrm-7b": ("<think>so</think><answer>2</answer><answer>1</answer>", "none", "preference"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_run_from_end_to_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path, monkeypatch)
    reply, conversion, kind = ANSWERS[name]
    backend = ScriptedBackend.from_function(lambda _: reply)
    done = evaluate(name, "starter", backend=backend, runs=str(tmp_path / "runs"), limit=4)
    spec = done.result.spec.judge
    assert (spec.name, spec.conversion, spec.prompts) == (name, conversion, make(name).prompts())
    assert spec.context == load_card(name).context
    counts = done.result.counts
    assert counts.verdicts == counts.trials == (4 if conversion == "score-each" else 8)
    assert done.to_pandas()[kind].notna().all()


# -- the published prompts themselves, where this machine's cache holds them ---------------------------------------------

RUBRIC = "Is it right?\nScore 1: no\nScore 2: x\nScore 3: y\nScore 4: z\nScore 5: yes {braces}"
RENDERED = {
    ("autoj-13b", False): "7af868e21897f8f6",
    ("autoj-13b-single", False): "4f8f68368eb9a0c5",
    ("autoj-13b-as-published", False): "c8fec29ee7593e65",
    ("prometheus-7b-v2", False): "0ed8687e74d3723c",
    ("prometheus-7b-v2", True): "4d0e942e290ee31c",
    ("prometheus-7b-v2-absolute", False): "7d5b49b3737b0616",
    ("prometheus-7b-v2-absolute", True): "b9bedf6ece5a6764",
    ("prometheus-7b-v2-judgebench", False): "8a486f93484c667e",
    ("skywork-critic-8b", False): "d96a091c1ddb8ff2",
    ("compass-judger-1-7b", False): "b5e3e2f3db513096",
    ("compass-judger-2-7b", False): "1ae86c1321c76ace",
    ("rise-judge-7b", False): "bdfb3e74479eab19",
    ("con-j-7b", False): "6298a8d2370e105c",
    ("selene-1-mini-8b", False): "5ace6a303dc14050",
    ("offsetbias-8b", False): "fffb1635e0c4a74d",
    ("self-taught-evaluator-70b", False): "538d63ebfc37cf93",
    ("rm-r1-instruct-7b", False): "8179256c6d17c0ed",
    ("rm-r1-reasoning-7b", False): "0ac1f538500d641c",
    ("judgelrm-7b", False): "7f812ce240aff9b8",
    ("reasoning-judge", False): "028d66136b8d096e",
    ("reasoning-judge-thinking", False): "99b669ecdc016e98",
}
"""Hashes of what the authors' own functions made of the same question, at the pinned commits; FastChat 0.2.36 for Mistral's."""


@pytest.mark.parametrize(("name", "reference"), RENDERED)
def test_a_request_is_what_its_authors_code_makes(name: str, reference: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(USERS_CACHE))
    monkeypatch.setenv("JUDGEBENCH_OFFLINE", "1")
    judge = make(name)
    missing = [pin for role in judge.roles() if prompts.find(pin := judge._names[role]).state != "cached"]
    if missing:
        pytest.skip(f"not cached here: {', '.join(missing)}")
    texts = [f"Answer {number}.\nIt ends." for number in (1, 2)][: (judge.arity or (2,))[0]]
    given = {"reference": "The reference {x}.", "rubric": RUBRIC} if reference else {}
    request = judge.asked(view(*texts, question="Why is the sky blue?", **given), *texts)
    content = request.prompt if isinstance(request, TextRequest) else [[m.role, m.content] for m in request.messages]
    assert digest(content)[:16] == RENDERED[name, reference]
