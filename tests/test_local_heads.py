"""Heads of models that transformers knows: the same scores as one conversation at a time, without padding."""

from pathlib import Path
from typing import Any

import pytest

from fakes.ranked import TEXTS, alone, each, endpoint, loaded, near, pair, scores, talk
from fakes.tiny_models import make_tiny
from judgebench import registry
from judgebench.backends.base import Endpoint
from judgebench.errors import JudgebenchError, UsageError
from judgebench.judges.card import Context
from judgebench.records import Message, ScoreRequest

SHAPES = ("llama", "gemma2", "qwen2", "gpt-neox")
CLASSIFIER = "sequence-classification"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function that makes a tiny model, once."""
    import torch

    torch.set_num_threads(1)
    folder, made = tmp_path_factory.mktemp("models"), {}

    def model(shape: Any, head: Any = CLASSIFIER, **options: Any) -> Path:
        key = f"{shape}-{head}-{sorted(options.items())}"
        if key not in made:
            made[key] = make_tiny(folder / str(len(made)), shape, head, **options)
        return made[key]

    return model


def logits_of(path: Path) -> Any:
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(path).eval()
    return lambda ids: model(ids).logits[0]


# -- classifiers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_classifier_scores_a_batch_as_it_scores_one(shape: str, side: Any, size: int, models: Any) -> None:
    path = models(shape)
    head = loaded(path, CLASSIFIER)
    head.side = side
    read = logits_of(path)
    assert scores(head, each(), size) == near(alone(path, each(), lambda ids: read(ids)[0]))


def test_scores_differ_and_do_not_depend_on_the_company(models: Any) -> None:
    head = loaded(models("llama"), CLASSIFIER)
    together = scores(head, each())
    assert len(set(together)) == len(TEXTS)
    assert scores(head, each(*reversed(TEXTS))) == near(together[::-1])


def test_a_model_without_a_padding_token_takes_batches_all_the_same(models: Any) -> None:
    path = models("llama", pad_token_id=None)
    head = loaded(path, CLASSIFIER)
    assert head.model.config.pad_token_id is None
    read = logits_of(path)
    for _ in range(2):  # what was chosen for the first batch must not stay for the second
        assert scores(head, each()) == near(alone(path, each(), lambda ids: read(ids)[0]))


def test_a_model_that_pads_with_its_last_token_is_read_where_it_reads_itself(models: Any) -> None:
    path = models("llama")
    head = loaded(path, CLASSIFIER)
    assert head.model.config.pad_token_id == head.rows(each())[0].ids[-1] == 2  # its end of sequence
    read = logits_of(path)
    assert scores(head, each(), 1) == near(alone(path, each(), lambda ids: read(ids)[0]))
    assert scores(head, each(), 5) == near(scores(head, each(), 1))


def test_an_encoder_takes_question_and_response_as_a_pair(models: Any) -> None:
    import torch
    from transformers import AutoTokenizer

    path = models("deberta")
    head = loaded(path, CLASSIFIER, template="pair")
    tokenizer, read = AutoTokenizer.from_pretrained(path), logits_of(path)
    with torch.inference_mode():
        own = [float(read(torch.tensor([tokenizer("What is 2 + 2?", text).input_ids]))[0]) for text in TEXTS]
    for size in (1, 3, 5):
        assert scores(head, each(), size) == near(own)


@pytest.mark.parametrize(("label", "index"), [(0, 0), (2, 2), ("LABEL_1", 1)])
def test_a_label_is_read_by_index_or_name(label: Any, index: int, models: Any) -> None:
    path = models("llama", num_labels=3)
    read = logits_of(path)
    own = alone(path, each(), lambda ids: read(ids)[index])
    assert scores(loaded(path, CLASSIFIER, label=label), each()) == near(own)
    assert scores(loaded(path, CLASSIFIER, label=label, negate=True), each()) == near([-one for one in own])


def test_several_logits_need_a_choice(models: Any) -> None:
    with pytest.raises(
        UsageError, match=r"has 3 logits\. Type one of them in .*params\.label: LABEL_0, LABEL_1, LABEL_2"
    ):
        loaded(models("llama", num_labels=3), CLASSIFIER)


@pytest.mark.parametrize("label", ["LABEL_9", 3, -1])
def test_a_label_that_is_not_there_is_named(label: Any, models: Any) -> None:
    with pytest.raises(UsageError, match="unknown label of .*LABEL_"):
        loaded(models("llama", num_labels=3), CLASSIFIER, label=label)


def test_a_language_model_is_no_classifier(models: Any) -> None:
    with pytest.raises(JudgebenchError, match=r"holds no score\.weight.*weights\.head") as error:
        loaded(models("llama", "causal"), CLASSIFIER)
    assert "\n" not in str(error.value)


# -- the first token -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_first_token_s_logit_is_that_of_one_generated_step(shape: str, size: int, models: Any) -> None:
    from transformers import AutoModelForCausalLM

    path = models(shape, "causal")
    model = AutoModelForCausalLM.from_pretrained(path).eval()

    def generated(ids: Any) -> Any:
        step = model.generate(
            ids, max_new_tokens=1, do_sample=False, return_dict_in_generate=True, output_logits=True,
            pad_token_id=2, attention_mask=ids * 0 + 1,
        )  # fmt: skip
        return step.logits[0][0][7]

    head = loaded(path, "first-token", token=7)
    assert scores(head, each(), size) == near(alone(path, each(), generated))
    assert scores(loaded(path, "first-token", token=7, negate=True), each()) == near([-s for s in scores(head, each())])


def test_token_0_is_read_where_none_is_named(models: Any) -> None:
    path = models("llama", "causal")
    assert scores(loaded(path, "first-token"), each()) == scores(loaded(path, "first-token", token=0), each())
    assert scores(loaded(path, "first-token"), each()) != scores(loaded(path, "first-token", token=1), each())


# -- what all heads share --------------------------------------------------------------------------------


def test_a_pair_of_scores_is_their_difference(models: Any) -> None:
    head = loaded(models("llama"), CLASSIFIER)
    one, two = scores(head, each(*TEXTS[:2]))
    assert scores(head, pair(*TEXTS[:2])) == near([one - two])


def test_a_comparison_is_of_two(models: Any) -> None:
    head = loaded(models("llama"), CLASSIFIER)
    with pytest.raises(UsageError, match="a comparison is of 2 responses, not 3"):
        head.rows(ScoreRequest(conversations=tuple(talk(text) for text in TEXTS[:3]), mode="pair"))


@pytest.mark.parametrize("name", registry.names("heads"))
def test_every_head_says_its_kind_and_refuses_strange_parameters(name: str) -> None:
    head = registry.load("heads", name)
    assert head.name == name
    assert head.kind in ("scalar", "pairwise", "generative", "implicit")
    assert (head.__doc__ or "").strip()
    close = next(iter(head.defaults))
    with pytest.raises(UsageError, match=f"unknown parameter of the head {name} '{close}s'. Did you mean .*{close}"):
        head(endpoint(Path("nowhere"), name, **{f"{close}s": 1}))


def test_a_head_is_built_without_a_card(models: Any) -> None:
    head = registry.load("heads", CLASSIFIER)(Endpoint(model=str(models("llama"))))
    assert head.weights.head == CLASSIFIER
    assert head.describe() == {"head": CLASSIFIER, "kind": "scalar", "cut": {"rows": 0, "tokens": 0}}


@pytest.mark.parametrize(("name", "kind"), [(CLASSIFIER, CLASSIFIER), ("first-token", "causal")])
def test_no_keys_and_values_are_kept(name: str, kind: str, models: Any) -> None:
    head = loaded(models("llama", kind), name)
    output = head.model(**head.padded(head.rows(each())))
    assert output.get("cache", output.get("past_key_values")) is None


def test_what_was_cut_is_counted(models: Any) -> None:
    head = loaded(models("llama"), CLASSIFIER, Context(limit=40))
    rows = head.rows(each())
    assert [len(row) for row in rows] == [22, 40, 19, 40, 20]
    told = head.describe()
    assert told["cut"] == {"rows": 2, "tokens": rows[1].cut + rows[3].cut}
    assert told["device"] == "cpu"
    assert told["dtype"] == "float32"


def test_a_cut_row_is_scored_as_the_card_says(models: Any) -> None:
    """The last token is the template's, however much of the response was taken."""
    path = models("llama")
    head, read = loaded(path, CLASSIFIER, Context(limit=40)), logits_of(path)
    request = each(TEXTS[3])
    (row,) = head.rows(request)
    own = alone(path, request, lambda ids: read(ids[:, [*range(39), -1]])[0])
    assert row.ids[-1] == 2
    assert scores(head, request) == near(own)


def test_system_turns_reach_the_model_as_the_card_says(models: Any) -> None:
    path = models("llama", system=False)
    system = Message(role="system", content="Be brief.")
    request = ScoreRequest(conversations=((system, *talk("four")),))
    with pytest.raises(UsageError, match="refuses a conversation: no system turn here"):
        loaded(path, CLASSIFIER).rows(request)
    merged = ScoreRequest(conversations=(talk("four", ("user", "Be brief.\n\nWhat is 2 + 2?")),))
    assert scores(loaded(path, CLASSIFIER, system="merge"), request) == scores(loaded(path, CLASSIFIER), merged)
    assert scores(loaded(path, CLASSIFIER, system="drop"), request) == scores(loaded(path, CLASSIFIER), each("four"))
