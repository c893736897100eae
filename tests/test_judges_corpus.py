"""One corpus of odd replies, read by every family of fine-tuned judges: the documented verdict, or a fault that keeps it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from test_judges_judgelm import STAND_INS as JUDGELM
from test_judges_parsers import ODD_REPLIES

from fakes.pieces import use
from fakes.replies import TRAINED
from fakes.trained import STAND_INS
from judgebench import registry
from judgebench.judges.card import card_names, load_card
from judgebench.records import FAULT_KINDS, Fault, Verdict
from judging import Door, make, pin_stand_ins, view

CORPUS = {**{name: text for name, (text, *_) in ODD_REPLIES.items()}, **TRAINED}
ELSEWHERE = {"pairwise", "vanilla", "arena-hard"}
"""Families whose parsers read the corpus in test_judges_parsers.py."""

SCORES = {
    "two scores": "B>A", "two scores and reasons": "A>B", "two scores with a comma": "B>A", "equal scores": "A=B",
    "decimal scores": "B>A", "scores in full-width digits": "B>A", "negative scores": "A=B",
}  # fmt: skip
TAGS = {
    "one label and one that is none": "A>B", "with brackets": "A>B", "a tag": "A>B", "a tag behind reasons": "A>B",
    "an answer element": "B>A",
}  # fmt: skip
LAST_TAG = {**TAGS, "a tag that is corrected": "B>A", "both tags as a list": "B>A"}
# By card: every text of the corpus that holds a verdict, and which. All the others hold none.
EXPECTED: dict[str, dict[str, Any]] = {
    "judgelm-7b": SCORES,
    "judgelm-7b-multi": SCORES,
    # The first line is the score of the response; the reference's 10 stands in the prompt.
    "judgelm-7b-single": {
        "a bare number": (1.0,), "one score": (7.0,), "the first line is one": (1.0,), "the first line is two": (2.0,),
    },
    "pandalm-7b": {
        "a bare number": "A>B", "the first line is one": "A>B", "the first line is two": "B>A",
        "the first line is a tie": "A=B",
    },
    "autoj-13b": {
        "a final decision": "B>A", "a final decision for a tie": "A=B", "a decision that is corrected": "B>A",
    },
    "autoj-13b-single": {"a rating": (7.0,)},
    "prometheus-7b-v2": {"a result": "B>A", "a result in lower case": "B>A"},
    "prometheus-7b-v2-absolute": {"a result of a scale": (4.0,)},
    # It stops at the closing brackets, which the reply then lacks.
    "skywork-critic-8b": {**LAST_TAG, "a tag that is cut": "A>B"},
    "compass-judger-1-7b": {
        "thousands of words and a label": "B>A", "every protocol at once": "A>B",
        "a label quoted and agreed with": "A>B", "the same label twice": "B>A",
        "one label and one that is none": "A>B", "a bold label": "A=B", "three brackets": "B>A",
    },
    "compass-judger-2-7b": {"a choice": "B>A"},
    "judgelrm-7b": {"two answer elements with scores": "B>A"},
    "rise-judge-7b": LAST_TAG,
    "rm-r1-instruct-7b": LAST_TAG,
    "con-j-7b": {"a choice in Chinese": "B>A"},
    "selene-1-mini-8b": {"a bold result": "B>A"},
    # One distinct tag, and [[C]] is a tie.
    "self-taught-evaluator-70b": {**TAGS, "a tag for a tie": "A=B"},
    # Its verdict comes first; what follows is the reason.
    "offsetbias-8b": {
        "every protocol at once": "A>B", "an answer quoted": "A>B", "both answers": "A>B",
        "a full stop after the answer": "A>B", "white space around the answer": "B>A",
        "two spaces in the answer": "A>B",
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pandalm = {"pandalm_prompt": "I {{instruction}}\n1 {{resp1}}\n2 {{resp2}}\n### Evaluation:"}
    pin_stand_ins(tmp_path, monkeypatch, {**STAND_INS, **JUDGELM, **pandalm})
    use(monkeypatch)


def judged(card: str, text: str) -> Verdict | Fault:
    """Return what a card's judge makes of a model that always replies with this text."""
    judge = make(card)
    single = judge.arity == (1,)
    seen = view("four", reference="4") if single else view(reference="4", ties=True)
    found: Verdict | Fault = asyncio.run(judge.judge(seen, Door(*[text] * 40)))
    return found


@pytest.mark.parametrize("card", EXPECTED)
def test_every_reply_of_the_corpus_is_read_as_documented(card: str) -> None:
    found = {name: judged(card, text) for name, text in CORPUS.items()}
    verdicts = {name: said.preference or said.scores for name, said in found.items() if isinstance(said, Verdict)}
    assert verdicts == EXPECTED[card]
    for name, said in found.items():
        if isinstance(said, Fault):
            assert said.kind in FAULT_KINDS
            assert CORPUS[name] in said.reply


def test_the_corpus_is_large_and_every_family_that_reads_text_reads_it() -> None:
    assert len(CORPUS) >= 120
    kinds = ("prompted", "fine-tuned", "generative-reward-model")
    families = {load_card(name).family for name in card_names() if load_card(name).kind in kinds}
    assert families - ELSEWHERE == {load_card(name).family for name in EXPECTED}
    assert families <= set(registry.names("families"))
