"""Randomly initialised models of well-known shapes, a few ten thousand weights each, with a byte tokenizer.

What differs between the shapes is what trips a loader or a formatter: who writes the BOS, which tokens a tokenizer adds
on its own, whether padding has a token of its own, sliding windows, soft caps, rotary or relative positions.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from fakes.tiny_model import _byte_tokenizer

Shape = Literal["llama", "gemma2", "qwen2", "gpt-neox", "deberta", "t5"]
Head = Literal["causal", "sequence-classification", "seq2seq"]

WINDOW = 48
"""Tokens that Gemma-2's local layers look back on: short enough that the tests' prompts reach past it."""

ADDED = {"llama": ("<s>", ""), "gemma2": ("<s>", ""), "deberta": ("<s>", "</s>"), "t5": ("", "</s>")}
"""What each tokenizer writes before and after a text on its own; Qwen's and GPT-NeoX's write nothing."""

OWN_PAD = ("gemma2", "qwen2", "deberta", "t5")
"""Shapes whose tokenizer has a padding token; the others pad with the end-of-sequence token."""


def make_tiny(
    path: Path,
    shape: Shape,
    head: Head = "causal",
    *,
    bos: bool = True,
    system: bool = True,
    context: int = 2048,
    **config: Any,
) -> Path:
    """Write model and tokenizer to `path` and return it. The weights are the same every time.

    `bos`: whether the chat template writes a beginning-of-sequence token itself. `system`: whether it takes a system
    turn; else it raises, as Gemma's does. `config` overrides fields of the model's configuration.
    """
    import torch
    import transformers

    tokenizer = tiny_tokenizer(shape, bos=bos, system=system, context=context)
    common = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    common |= {"num_labels": 1} if head == "sequence-classification" else {}
    name, prefix, values = SHAPES[shape](context)
    model_class = getattr(transformers, prefix + _suffix(shape, head))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = model_class(getattr(transformers, name)(**(common | values | config)))
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def tiny_tokenizer(shape: Shape, *, bos: bool = True, system: bool = True, context: int = 2048) -> Any:
    """Return the byte tokenizer of a shape. One token is one byte of UTF-8, or one of the special tokens."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = _byte_tokenizer(context)
    tokenizer.chat_template = chat_template(bos=bos, system=system)
    if shape in OWN_PAD:
        tokenizer.add_special_tokens({"pad_token": "<pad>"})
    before, after = ADDED.get(shape, ("", ""))
    if before or after:
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single=f"{before} $A {after}".split(),
            pair=f"{before} $A {after} $B {after}".split(),
            special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in {before, after} - {""}],
        )
    return tokenizer


def chat_template(*, bos: bool, system: bool) -> str:
    """Return a chat template of our own that does or does not write the BOS, and takes a system turn or raises."""
    refusal = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn here') }}{% endif %}"
    return (
        ("{{ bos_token }}" if bos else "")
        + ("" if system else refusal)
        + "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}"
        "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )


def _suffix(shape: Shape, head: Head) -> str:
    fits = {"deberta": ("sequence-classification",), "t5": ("seq2seq", "sequence-classification")}
    if head not in fits.get(shape, ("causal", "sequence-classification")):
        raise ValueError(f"there is no {shape} model with the head {head}")
    return {
        "causal": "ForCausalLM",
        "sequence-classification": "ForSequenceClassification",
        "seq2seq": "ForConditionalGeneration",
    }[head]


def _decoder(context: int) -> dict[str, Any]:
    """Return what the decoders have in common. The wide initialisation keeps greedy choices clear of rounding."""
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": context,
        "initializer_range": 0.2,
        "tie_word_embeddings": False,
    }


def _gemma2(context: int) -> dict[str, Any]:
    own = {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": WINDOW}
    return _decoder(context) | own


def _gpt_neox(context: int) -> dict[str, Any]:
    values = _decoder(context)
    del values["num_key_value_heads"]
    return values


def _deberta(context: int) -> dict[str, Any]:
    values = _gpt_neox(context) | {"relative_attention": True, "position_buckets": 32, "pos_att_type": ["p2c", "c2p"]}
    return values | {"pooler_hidden_size": 32, "type_vocab_size": 0, "position_biased_input": False}


def _t5(_context: int) -> dict[str, Any]:
    return {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2, "decoder_start_token_id": 0}


SHAPES: dict[str, Callable[[int], tuple[str, str, dict[str, Any]]]] = {
    "llama": lambda context: ("LlamaConfig", "Llama", _decoder(context)),
    "gemma2": lambda context: ("Gemma2Config", "Gemma2", _gemma2(context)),
    "qwen2": lambda context: ("Qwen2Config", "Qwen2", _decoder(context)),
    "gpt-neox": lambda context: ("GPTNeoXConfig", "GPTNeoX", _gpt_neox(context)),
    "deberta": lambda context: ("DebertaV2Config", "DebertaV2", _deberta(context)),
    "t5": lambda context: ("T5Config", "T5", _t5(context)),
}
