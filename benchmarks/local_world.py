"""What `benchmarks/local.py` judges: shapes of models, mixes of lengths, a tokenizer made on the spot.

Weights are random and made on the device, so nothing is downloaded; how long a judgment takes does not depend on what
the weights are, as long as no reply ends early: a random model all but never says a stop string, so every reply is as
long as the limit allows, in every way of judging alike.
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROMPT = """You are asked to compare two answers to one question and to grade both of them fairly.

[Question]
{{ question }}

[Answer one]
{{ answer_1 }}
[End of answer one]

[Answer two]
{{ answer_2 }}
[End of answer two]

[Task]
Say how well either answer serves whoever asked. Look at whether it is right, whether it is to the point, how useful it
is, and how much of what matters it covers. Give each a grade from one to ten, where more is better. Begin with one
line that holds both grades and nothing else, first the grade of answer one, then that of answer two, with a space
between them. From the next line on give your reasons at length, without favour to either side: neither the order in
which the answers stand nor their length may count.

Grades:"""
"""In our own words, as long as the prompt that JudgeLM was trained on (its own is not ours to paste)."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
LENGTHS = {
    "pandalm": ((13, 21, 37, 68, 220, 479), (2, 10, 30, 70, 153, 375)),
    "judgebench": ((54, 139, 217, 344, 548, 985), (151, 252, 359, 574, 754, 1049)),
    "judgebench-gpt": ((74, 145, 231, 350, 487, 708), (129, 411, 551, 651, 816, 1049)),
}
"""Quantiles of the lengths of questions and of answers, in characters over four, measured on the real pairs: PandaLM's
test set (999), JudgeBench (620) and its gpt split (350). Used where the data is not at hand."""


@dataclass(frozen=True)
class Shape:
    """A model's shape: its `transformers` configuration, what loads it, and the type of its weights."""

    name: str
    dtype: str
    config: dict[str, Any]
    auto: str = "AutoModelForCausalLM"


def _llama(size: tuple[int, int], layers: int, heads: tuple[int, int], vocabulary: int, window: int) -> dict[str, Any]:
    """Return a Llama's configuration. `size` is hidden and inner, `heads` those of queries and of keys."""
    return {
        "model_type": "llama", "hidden_size": size[0], "intermediate_size": size[1], "num_hidden_layers": layers,
        "num_attention_heads": heads[0], "num_key_value_heads": heads[1], "vocab_size": vocabulary,
        "max_position_embeddings": window, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
        "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2,
    }  # fmt: skip


SHAPES = {
    "small": Shape("Llama, 4 layers of 32, 2 heads", "float32", _llama((32, 88), 4, (2, 2), 4_000, 8_192)),
    "vicuna-7b": Shape("Vicuna-7B", "bfloat16", _llama((4096, 11008), 32, (32, 32), 32_000, 2_048)),
    "llama-3.1-8b": Shape(
        "reward model, Llama-3.1-8B", "bfloat16",
        _llama((4096, 14336), 32, (32, 8), 128_256, 131_072) | {"num_labels": 1, "rope_theta": 500_000.0},
        "AutoModelForSequenceClassification",
    ),
}  # fmt: skip

Pair = tuple[str, str, str]


def shared() -> Path:
    return Path(os.environ.get("JUDGEBENCH_SHARED", ROOT.parent / "shared")) / "data"


def pandalm() -> list[Pair]:
    rows = json.loads((shared() / "pandalm" / "testset-v1.json").read_text("utf-8"))
    return [
        (f"{row['instruction']}\n{row['input']}".strip(), str(row["response1"]), str(row["response2"])) for row in rows
    ]


def judgebench(*models: str) -> list[Pair]:
    files = sorted((shared() / "judgebench" / "pairs").glob("*.jsonl"))
    rows = [json.loads(line) for file in files if not models or any(model in file.name for model in models)
            for line in file.read_text("utf-8").splitlines()]  # fmt: skip
    return [(row["question"], row["response_A"], row["response_B"]) for row in rows]


def judgelm(count: int) -> list[Pair]:
    """JudgeLM-val-like: questions of 60 tokens in the mean and answers of 180, log-normal with sigma 0.7.

    The true distribution is not known here. The means agree with the size of the authors' file: 11.3 MB for 5,000
    pairs, with log-probabilities of the answers in it.
    """
    lots = random.Random(0)

    def length(mean: float, most: int) -> int:
        return max(2, min(most, round(lots.lognormvariate(0, 0.7) * mean / 1.278)))

    return [tuple(words(lots, length(mean, most)) for mean, most in ((60, 400), (180, 600), (180, 600)))  # type: ignore[misc]
            for _ in range(count)]  # fmt: skip


def synthetic(name: str, count: int) -> list[Pair]:
    """Words at the measured quantiles of a real mix."""
    lots = random.Random(0)
    asked, answered = LENGTHS[name]
    return [tuple(words(lots, drawn(lots, table)) for table in (asked, answered, answered)) for _ in range(count)]  # type: ignore[misc]


def drawn(lots: random.Random, table: tuple[int, ...]) -> int:
    """Draw a length by linear interpolation between quantiles."""
    place, below, least = lots.random(), 0.0, 1
    for share, length in zip(QUANTILES, table, strict=True):
        if place <= share:
            return round(least + (length - least) * (place - below) / (share - below))
        below, least = share, length
    return least


def words(lots: random.Random, count: int) -> str:
    """Return words of a small vocabulary, each of which becomes about one token."""
    return " ".join(WORDS[min(int(lots.expovariate(1 / 200)), len(WORDS) - 1)] for _ in range(count))


WORDS = ["".join(letters) for letters in product("bdfgklmnprst", "aeiou", "lmnrst", "aeio")]


def mix(name: str, count: int) -> tuple[list[Pair], str]:
    """Return `count` pairs of a mix, evenly over it and in its order, and where they come from."""
    makers: dict[str, Callable[[], list[Pair]]] = {
        "pandalm": pandalm, "judgebench": judgebench, "judgebench-gpt": lambda: judgebench("gpt-4o"),
    }  # fmt: skip
    if name == "judgelm":
        return judgelm(count), "synthetic, JudgeLM-val-like"
    try:
        pairs = makers[name]()
    except OSError:
        return synthetic(name, count), f"synthetic, at the quantiles of {name}"
    step = max(1, len(pairs) / count)
    return [pairs[int(n * step)] for n in range(min(count, len(pairs)))], f"real pairs of {name}"


def build(folder: Path, shape: Shape, pairs: list[Pair]) -> None:
    """Write configuration, tokenizer, prompt and pairs. The tokenizer is trained on the pairs' own text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    (folder / "config.json").write_text(json.dumps(shape.config), "utf-8")
    (folder / "prompt.j2").write_text(PROMPT, "utf-8")
    (folder / "pairs.json").write_text(json.dumps(pairs), "utf-8")
    special = ["<s>", "</s>", "<pad>"]
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    size = shape.config["vocab_size"]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())  # fmt: skip
    backend.train_from_iterator([PROMPT, *(text for pair in pairs[:2000] for text in pair)], trainer)
    backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        model_max_length=shape.config["max_position_embeddings"],
        chat_template="{{ bos_token }}{% for turn in messages %}{{ turn.role }}: {{ turn.content }}\n{% endfor %}",
    )  # fmt: skip
    if shape.auto == "AutoModelForCausalLM":  # whatever it generates can be spelled
        tokenizer.add_tokens([f"<unused{n}>" for n in range(size - len(tokenizer))])
    tokenizer.save_pretrained(folder)


def random_weights(shape: Shape) -> None:
    """Let `transformers` make this shape's weights on the device instead of reading them."""
    import torch
    import transformers

    def made(cls: Any, folder: str, *, dtype: str, device_map: Any, output_loading_info: bool = False, **_: Any) -> Any:
        torch.manual_seed(0)
        config = transformers.AutoConfig.from_pretrained(folder)
        with torch.device(device_map[""]):
            model = cls.from_config(config, dtype=getattr(torch, dtype))
        return (model, {"missing_keys": []}) if output_loading_info else model

    getattr(transformers, shape.auto).from_pretrained = classmethod(made)


def items(folder: Path) -> Iterator[Any]:
    """Yield the pairs as items."""
    from judgebench.records import Candidate, Item, Preference, Turn

    for n, (question, first, second) in enumerate(json.loads((folder / "pairs.json").read_text("utf-8"))):
        yield Item.make(
            key=str(n), task="bench", category="all", source_id=str(n),
            turns=(Turn(role="user", content=question),),
            candidates=(Candidate(content=first), Candidate(content=second)), gold=Preference(label="A>B"),
        )  # fmt: skip
