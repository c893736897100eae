"""What the tests of fine-tuned judges share: stand-ins of our own words for their published prompts, and odd replies."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fakes.pieces import use
from judgebench import prompts
from judgebench.records import Fault, Reply, Verdict, View
from judging import Door, make, pin_stand_ins, view

STAND_INS = {
    "autoj_prompt": "Compare.\n[Q]: {{prompt}}\n[1]: {{response}}\n[2]: {{response_another}}\nDecide.",
    "autoj_pairwise": "Compare.\n[Q]: {prompt}\n[1]: {response}\n[2]: {response_another}\nDecide.",
    "autoj_single": "Rate.\n[Q]: {prompt}\n[R]: {response}\nGive [[n]].",
    "autoj_wrapper": "<u>{input}</u>",
    "prometheus_relative": "Q {instruction}\nA {response_A}\nB {response_B}\nBy {rubric}\nFeedback: ",
    "prometheus_relative_reference": "Q {instruction}\nA {response_A}\nB {response_B}\nR {reference_answer}\nBy {rubric}\nFeedback: ",
    "prometheus_absolute": "Q {instruction}\nX {response}\nBy {rubric}\nFeedback: ",
    "prometheus_absolute_reference": "Q {instruction}\nX {response}\nR {reference_answer}\nBy {rubric}\nFeedback: ",
    "prometheus_relative_system": "You compare.",
    "prometheus_absolute_system": "You grade.",
    "prometheus_factual_validity": "[Is it true?]\nScore 1: no\nScore 5: yes",
    "prometheus2_prompt": "Old. Q {{instruction}}\nA {{response_A}}\nB {{response_B}}\nBy {{rubric}}\nFeedback: ",
    "skywork_critic_prompt": "Say [[A]] or [[B]].\nQ {{input}}\nA {{response_a}}\nB {{response_b}}",
    "arena_hard_judge_system": "You give one of five labels.",
    "arena_hard_judge_prompt": "Q {{prompt}}\nA {{answer_a}}\nB {{answer_b}}",
    "compass_choice_task": '\nChoose one:\n{\n  "Choice": "[Model A or Model B]"\n}\n',
    "compass_choice": "Q {question}\nA {answerA}\nB {answerB}\nNow:\n",
    "rise_judge": "哪个好?\nQ {instruction}\nA {output_1}\nB {output_2}\nEnd with '[[A]]' or '[[B]]'.",
    "con_j": 'Answer like {{"更好的回答": 1}}.\nQ {instruction}\n1 {output_1}\n2 {output_2}',
    "selene_pairwise": "Q {user_input}\nA {assistant_response_a}\nB {assistant_response_b}\n**Result:** A or B",
    "offsetbias": "Q {input}\n(a) {output_1}\n(b) {output_2}\nWhich?",
    "self_taught_system": 'Explain, then \\"[[A]]\\" or \\"[[B]]\\".',
    "self_taught_user": "Q {input}\nA {response_a}\nB {response_b}\n",
    "rm_r1_instruct_system": "Make a rubric; end in <answer>[[A/B]]</answer>.",
    "rm_r1_instruct_user": "Q {question}\nA {answer_a}\nB {answer_b}",
    "rm_r1_reasoning_user": "Think.\nQ {question}\nA {answer_a}\nB {answer_b}",
    "judgelrm_system": "Think, then <answer>3</answer><answer>5</answer>.",
    "judgelrm_user": "Q {question}\n1 {response_a}\n2 {response_b}",
    "reasoning_judge_system": "Explain. Verdict: [[A>B]] or [[B>A]].",
    "reasoning_judge_user": "Q {question}\nA {response_a}\nB {response_b}",
    "reasoning_judge_thinking": "Think.\nQ {question}\nA {response_a}\nB {response_b}",
}

ODD_REPLIES = (
    *("", " \n\t", "\x00", "\ud800", "A", "B", "1", "2", "Tie", "tie.", "[[", "]]", "[[]]", "[[ A ]]", "[A]", "[[a]]"),
    *("[[A B]]", "[[D]]", "[[A>B", "Output", "Output (c)", "Response 1", "Rating: 5", "[RESULT]", "[RESULT] C"),
    *("<think>", "<think>never ending [[A]] Output (a)", "</think>", "<answer>", "<answer></answer>", "{" * 500),
    *('{"Choice": ""}', '{"Choice": "Model C"}', "I cannot judge this.", "Verdict: [[A", "**Result:** AB", "答案是A"),
    *("final decision is", "So, the final decision is Response 1 / Response 2 / Tie", "Score: 11", "no idea " * 2000),
)
"""Replies without a verdict to any of the judges; more than twenty-five."""


def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pin the stand-ins, in files that hundreds of tests share, and make a tokenizer of our own that of every model."""
    shared = tmp_path.parent / "stand-ins"
    if not shared.exists():
        shared.mkdir()
        pin_stand_ins(shared, monkeypatch, STAND_INS)
    monkeypatch.setattr(prompts, "PINS", shared / "pins.yaml")
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(tmp_path / "cache"))
    prompts.cache_folder().parent.mkdir()
    prompts.cache_folder().symlink_to(shared / "cache" / "prompts")
    use(monkeypatch)


def asked(card: Any, seen: View | None = None, **changes: Any) -> Any:
    """Return the one request that a card's judge sends for a view."""
    door = Door(*[""] * 40)
    asyncio.run(make(card, **changes).judge(seen or view(), door))
    return door.requests[0]


def turns(request: Any) -> list[tuple[str, str]]:
    """Return a chat request's messages."""
    return [(message.role, message.content) for message in request.messages]


def said(card: Any, reply: str | Reply | None, seen: View | None = None, **changes: Any) -> Verdict | Fault:
    """Return what a card's judge makes of a reply, one attempt and one vote."""
    judge = make(card, **changes)
    return judge.read(seen or view(), reply if isinstance(reply, Reply) else Reply(text=reply))
