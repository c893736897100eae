"""Every fine-tuned family through the transformers backend: a tiny random model is fed the whole prompt, once begun."""

from pathlib import Path

import pytest
import yaml

from fakes.tiny_models import make_tiny
from fakes.trained import asked, prepared
from judgebench import sources
from judgebench.evaluation import evaluate
from judgebench.judges.card import Weights, load_card
from judgebench.records import TextRequest, View

NAMES = (
    *("autoj-13b", "autoj-13b-as-published", "autoj-13b-single", "prometheus-7b-v2", "prometheus-7b-v2-absolute"),
    *(
        "prometheus-7b-v2-judgebench",
        "skywork-critic-8b",
        "compass-judger-1-7b",
        "compass-judger-2-7b",
        "rise-judge-7b",
    ),
    *("self-taught-evaluator-70b", "con-j-7b", "offsetbias-8b", "judgelrm-7b", "rm-r1-instruct-7b"),
)
MOST = 6
"""Tokens of a reply."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    return make_tiny(tmp_path_factory.mktemp("tiny") / "llama", "llama", context=4096)


def card_file(name: str, tiny: Path, folder: Path) -> str:
    """Write a card as it is, with the tiny model in place of its own."""
    card = load_card(name)
    weights = (card.weights or Weights()).model_copy(update={"dtype": "float32", "tokenizer": None})
    params = card.params | ({"confidence": "logprob"} if card.family == "skywork-critic" else {})
    sampling = card.sampling.model_copy(update={"max_tokens": MOST, "seed": 1})
    changes = {
        "size": None,
        "model": f"transformers/{tiny}",
        "weights": weights,
        "sampling": sampling,
        "params": params,
    }
    path = folder / "card.yaml"
    path.write_text(
        yaml.safe_dump(card.model_copy(update=changes).model_dump(mode="json"), allow_unicode=True), "utf-8"
    )
    return str(path)


def fed(name: str, view: View) -> int:
    """Return how many tokens the request must have: one a byte, one that begins, and one for each of the roles' marks."""
    request = asked(name, view)
    if isinstance(request, TextRequest):
        return 1 + len(request.prompt.encode())
    template = load_card(name).weights
    if template and template.template == "mistral":
        (message,) = request.messages
        return 1 + len(f"[INST] {message.content.strip()} [/INST]".encode())
    contents = [message.content for message in request.messages]
    if template and template.system == "merge":
        contents = ["\n\n".join(contents)]
    return 1 + sum(1 + len(content.encode()) for content in contents) + 1


@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_fed_the_whole_prompt(
    name: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(tmp_path, monkeypatch)
    done = evaluate(card_file(name, tiny, tmp_path), "starter", runs=str(tmp_path / "runs"), limit=1)
    item = next(item for item in sources.load_task("starter").items if item.id == done.to_pandas()["item"][0])
    texts = tuple(candidate.content for candidate in item.candidates)
    shown = [texts, texts[::-1]]
    if "single" in name or "absolute" in name:
        shown = [texts[:1], texts[1:]]  # one request a response, in one order
    attempts = load_card(name).params.get("attempts", 1)
    expected = [fed(name, View(turns=item.turns, responses=responses)) for responses in shown]
    usage, counts = done.result.usage, done.result.counts
    assert counts.verdicts + counts.truncated + counts.unparsed + counts.empty == counts.trials
    if counts.verdicts == 0 and len(expected) == counts.trials:  # random weights give no verdict
        assert usage.input == attempts * sum(expected)
        assert 0 < usage.output <= attempts * MOST * 2
    else:  # the first response could not be scored, so the second was not asked about
        assert usage.input == attempts * expected[0]
