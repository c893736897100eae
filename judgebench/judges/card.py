"""Judge cards: the YAML that makes a family a concrete judge."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from judgebench import registry
from judgebench.errors import UsageError
from judgebench.records import Record, Sampling

Kind = Literal[
    "prompted",
    "fine-tuned",
    "reward-model",
    "generative-reward-model",
    "rule",
    "null",
    "multi-agent",
    "callable",
]


Dtype = Literal["auto", "float32", "float16", "bfloat16"]
Attention = Literal["auto", "eager", "sdpa", "flash_attention_2"]
Quantization = Literal["none", "8bit", "4bit"]


class Context(Record):
    """How a judge fits its prompt into its window: `limit` tokens, `reserve` of them for the reply.

    What does not fit is cut on `side`: the responses of a judge that reads a prompt, the conversation of a reward
    model.
    """

    limit: int
    reserve: int = 0
    side: Literal["left", "right"] = "right"


class Weights(Record):
    """How a local model is loaded and fed. All of it is part of a run's identity.

    `head` names what reads the model's output (`judgebench.heads` entry points): `causal` generates text, the others
    give scores. `tokenizer` is a hub repository, where it is not the model's own. `adapter` is a LoRA adapter's
    repository; `delta_of` the base whose weights are added to a checkpoint released as a difference; `reference` the
    reference policy of an implicit reward.

    `template` is `tokenizer` (its own chat template), or the name of one of ours
    (`judgebench.backends.local.templates`).
    `bos` says what stands before a rendered conversation: exactly one beginning-of-sequence token (`once`; a second
    one is refused), or none (`never`). `system` says what becomes of a system turn that the template has no place for:
    it is kept, merged into the first user turn, dropped, or refused.

    `remote_code` is why the repository's own Python code is asked for; it runs only when the user says so.
    `params` are the head's own.
    """

    head: str = "causal"
    dtype: Dtype = "auto"
    attention: Attention = "auto"
    quantization: Quantization = "none"
    tokenizer: str | None = None
    adapter: str | None = None
    delta_of: str | None = None
    reference: str | None = None
    template: str = "tokenizer"
    bos: Literal["once", "never"] = "once"
    system: Literal["keep", "merge", "drop", "refuse"] = "keep"
    remote_code: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class JudgeCard(Record):
    """A concrete judge: what to load, what to ask, how to read the answer.

    `size` is the number of parameters (`13B`, `8x7B`); `needs` are the extras and rights it cannot do without;
    `weights` says how a local model is loaded.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    family: str
    kind: Kind
    summary: str = ""
    model: str | None = None
    revision: str | None = None
    prompts: dict[str, str] = Field(default_factory=dict)
    sampling: Sampling = Sampling()
    params: dict[str, Any] = Field(default_factory=dict)
    context: Context | None = None
    weights: Weights | None = None
    size: str | None = None
    licence: str | None = None
    paper: str | None = None
    training_datasets: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    notes: str = ""


def card_names() -> list[str]:
    """Return the names of all installed judge cards, sorted."""
    return sorted(registry.cards("judge_cards"))


def load_card(name: str) -> JudgeCard:
    """Load a card by name, or from a YAML file when `name` ends in .yaml or .yml.

    Raises UsageError for an unknown name, an unreadable file or a field that does not fit.
    """
    if name.endswith((".yaml", ".yml")):
        return _parse(_read(Path(name)), name)
    entry = registry.cards("judge_cards").get(name)
    if entry is None:
        raise UsageError(registry.unknown("judge", name, card_names()))
    return _parse(entry.read_text("utf-8"), name)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read judge card {path}: {error}") from error


@lru_cache(maxsize=256)  # a card is frozen, and reading YAML takes milliseconds
def _parse(text: str, name: str) -> JudgeCard:
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise UsageError(f"judge card {name} is not YAML{line}") from error
    try:
        return JudgeCard.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise UsageError(f"judge card {name}: {field}: {first['msg']}") from error
