"""Every head from a card to a result: tiny models judge the starter task through the transformers backend, on the CPU."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes.ranked import near, scores
from fakes.tiny_models import make_tiny
from fakes.tiny_rankers import (
    PATTERN,
    SIZE,
    linear,
    make_distribution,
    make_gated,
    make_pairrm,
    make_value,
    with_config,
)
from judgebench import evaluate, registry
from judgebench.backends.base import build
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.evaluation import Evaluation, prepare
from judgebench.judges.card import Context, load_card
from judgebench.judges.reward_model import best_threshold
from judgebench.records import Message, ScoreRequest

ITEMS = 3
CODE = """
import torch
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel


class Own(LlamaPreTrainedModel):
    config_class = LlamaConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        self.out = torch.nn.Linear(config.hidden_size, 1, bias=False)
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        hidden = self.model(input_ids, attention_mask=attention_mask).last_hidden_state
        return (self.out(hidden)[torch.arange(len(hidden)), attention_mask.cumsum(1).argmax(1)],)
"""


def make_remote(path: Path) -> Path:
    make_value(path, tensors=linear("out", 1, SIZE, 3, bias=False))
    (path / "modeling_own.py").write_text(CODE)
    return with_config(path, auto_map={"AutoModel": "modeling_own.Own"})


JUDGES: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "sequence-classification": (lambda path: make_tiny(path, "gemma2", "sequence-classification"), {"attention": "eager"}),
    "first-token": (lambda path: make_tiny(path, "qwen2"), {"params": {"token": 3}}),
    "value": (make_value, {"params": {"layers": "v_head.summary"}}),
    "gated": (make_gated, {"params": {"pattern": PATTERN}}),
    "distribution": (make_distribution, {"attention": "eager"}),
    "remote": (make_remote, {"params": {"read": "0"}, "remote_code": "it is its own class"}),
    "pairrm": (make_pairrm, {}),
    "steamshp": (lambda path: make_tiny(path, "t5", "seq2seq"), {}),
    "letters": (lambda path: make_tiny(path, "llama"), {"bos": "never"}),
    "implicit": (lambda path: make_tiny(path, "llama"), {"params": {"reference_free": True, "normalise": "length"}}),
}  # fmt: skip
PAIRWISE = ("pairrm", "steamshp", "letters")


@pytest.fixture(autouse=True)
def _quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.set_num_threads(1)
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))


def card_file(folder: Path, head: str, **changes: Any) -> Path:
    make, weights = JUDGES[head]
    path = make(folder / "model")
    card = {
        "name": f"tiny-{head}", "family": "pairwise-reward" if head in PAIRWISE else "reward-model",
        "kind": "reward-model", "model": f"transformers/{path}", "params": {"confidence": "sigmoid"}, "size": "0.1M",
        "context": {"limit": 1500}, "weights": {"head": head, "dtype": "float32", **weights}, **changes,
    }  # fmt: skip
    file = folder / "card.yaml"
    file.write_text(yaml.safe_dump(card))
    return file


def judged(card: Path | str, folder: Path, **options: Any) -> Evaluation:
    return evaluate(
        str(card), "starter", limit=ITEMS, runs=str(folder / "runs"), options={"device": "cpu", "wait": 0.05}, **options
    )


@pytest.mark.parametrize("head", sorted(JUDGES))
def test_a_card_becomes_a_result(head: str, tmp_path: Path) -> None:
    file = card_file(tmp_path, head)
    done = judged(file, tmp_path, trust_remote_code=head == "remote")
    result, card = done.result, load_card(str(file))
    assert result.counts.verdicts == result.counts.trials == ITEMS, "both orders are one trial"
    assert result.spec.judge.weights == card.weights
    assert result.spec.judge.context == Context(limit=1500)
    assert result.spec.judge.order_independent
    assert result.environment.backend["head"] == head
    assert result.environment.backend["cut"] == {"rows": 0, "tokens": 0}
    frame = done.to_pandas()
    assert frame["confidence"].between(0.5, 1).all()
    assert (frame["input_tokens"] > 0).all()
    margins = [one - two for one, two in frame.scores]
    assert best_threshold(margins, list(frame.gold)) in {0.0, *map(abs, margins)}, "as docs/judges.md has it"


@pytest.mark.parametrize("head", ["value", "letters"])
def test_the_margins_are_the_head_s_own(head: str, tmp_path: Path) -> None:
    file = card_file(tmp_path, head)
    frame = judged(file, tmp_path).to_pandas()
    plan = prepare(str(file), "starter", limit=ITEMS, options={"device": "cpu"})
    direct = registry.load("heads", head)(plan.default_backend.endpoint)  # type: ignore[union-attr]
    direct.load()
    expected = {}
    for item in plan.items:
        turns = tuple(Message(role=turn.role, content=turn.content) for turn in item.turns)
        shown = tuple((*turns, Message(role="assistant", content=one.content)) for one in item.candidates)
        expected[item.id] = scores(direct, ScoreRequest(conversations=shown, mode="pair"), 1)[0]
    found = {row.item: row.scores[row.order.index(0)] - row.scores[row.order.index(1)] for row in frame.itertuples()}
    assert [found[item] for item in sorted(found)] == near([expected[item] for item in sorted(expected)])


def test_a_score_is_that_of_a_lone_call(tmp_path: Path) -> None:
    file = card_file(tmp_path, "value")
    card = load_card(str(file))
    conversations = tuple(
        (Message(role="user", content="Hi"), Message(role="assistant", content="word " * n)) for n in range(1, 9)
    )

    async def answered() -> tuple[float, ...]:
        backend = build(str(card.model), weights=card.weights, context=card.context, options={"device": "cpu"})
        try:
            replies = await asyncio.gather(
                *(backend.answer(ScoreRequest(conversations=(one,))) for one in conversations)
            )
            return tuple(reply.scores[0] for reply in replies if reply.scores)
        finally:
            await backend.aclose()

    plan = prepare(str(file), "starter", options={"device": "cpu"})
    assert plan.default_backend is not None
    head = registry.load("heads", "value")(plan.default_backend.endpoint)
    head.load()
    assert asyncio.run(answered()) == near(scores(head, ScoreRequest(conversations=conversations), 1))


def test_single_responses_are_scored_too(tmp_path: Path) -> None:
    from judging import make, view

    judge = make(load_card(str(card_file(tmp_path, "value"))))

    async def once() -> Any:
        backend = build(judge.card.model, weights=judge.card.weights, options={"device": "cpu"})
        try:
            return await judge.judge(view("four"), backend.answer)
        finally:
            await backend.aclose()

    assert len(asyncio.run(once()).scores) == 1


def test_any_classifier_by_its_folder(tmp_path: Path) -> None:
    path = make_tiny(tmp_path / "mine", "llama", "sequence-classification")
    for judge in ("sequence-classifier", "reward-model"):
        done = judged(judge, tmp_path, model=f"transformers/{path}", dtype="float32")
        assert done.result.spec.judge.name.startswith(f"{judge}--")
        assert done.result.environment.backend["head"] == "sequence-classification"
        assert done.result.counts.verdicts == ITEMS


def test_code_of_a_repository_s_own_needs_consent(tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match="--trust-remote-code"):
        judged(card_file(tmp_path, "remote"), tmp_path)


def test_a_head_that_cannot_answer_says_so_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the head pairrm compares two responses and scores none alone") as error:
        judged(card_file(tmp_path, "pairrm", family="reward-model"), tmp_path)
    assert "\n" not in str(error.value)


def test_an_unknown_head_gets_a_suggestion(tmp_path: Path) -> None:
    file = card_file(tmp_path, "value")
    file.write_text(file.read_text().replace("head: value", "head: values"))
    with pytest.raises(UsageError, match=r"unknown .*'values'.*Did you mean value"):
        judged(file, tmp_path)
