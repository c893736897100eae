"""Generation: left-padded batches of chat and text requests over `transformers`.

Each row ends at its own stop: the end-of-sequence token, a stop string, its token limit; a batch ends with its last
row. A judge whose verdict comes first so costs a prefill and a few tokens.
"""

import bisect
import copy
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from judgebench.backends.base import Endpoint
from judgebench.backends.local.caching import filled_cache, roomy_cache
from judgebench.backends.local.decoding import Choice, Decoding, Ends
from judgebench.backends.local.formatting import Row, chat_row, text_row
from judgebench.backends.local.memory import bucket_of
from judgebench.backends.local.spelling import Speller
from judgebench.errors import PermanentError
from judgebench.judges.card import Weights
from judgebench.records import ChatRequest, Reply, TextRequest, TokenLogprobs, Usage

MOST_NEW = 4096
"""Tokens of a reply where neither the request nor the model's window sets a limit."""
EXPECTED = 256
"""Tokens that a reply is expected to need at most when a batch is cut; what it really needed is measured."""
BEAM_OPTIONS = {"early_stopping", "length_penalty"}
SAMPLING_OPTIONS = {"top_k", "min_p", "typical_p"}


@dataclass(frozen=True)
class Job:
    """A request ready to run: its tokens, how it is decoded, its seed, and how many tokens it may add."""

    row: Row
    decoding: Decoding
    seed: int
    limit: int

    @property
    def length(self) -> int:
        """Return the tokens that count against a batch's budget."""
        return (len(self.row) + min(self.limit, EXPECTED)) * self.decoding.options.num_beams


class Generator:
    """A causal language model with its tokenizer. `load` and `generate` block, and belong in one worker thread.

    `job` may run in another: it has a tokenizer of its own. `abort` ends a running batch at its next step.
    """

    model: Any
    tokenizer: Any

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._weights = endpoint.weights or Weights()
        self._name = shown_name(endpoint.model)
        self._aborted = threading.Event()
        self._cut = {"rows": 0, "tokens": 0}

    def load(self) -> None:
        """Load tokenizer and model, and set aside the model's own generation settings but for its special tokens."""
        from judgebench.backends.local.loading import load_model, load_tokenizer

        self.tokenizer = load_tokenizer(self._endpoint)
        self.model = load_model(self._endpoint)
        self._speller = Speller(copy.deepcopy(self.tokenizer))
        own = getattr(self.model, "generation_config", None)
        self._ends = {*_ids(getattr(own, "eos_token_id", None)), *_ids(self.tokenizer.eos_token_id)}
        self.model.generation_config = _settings()
        self._device = self.model.get_input_embeddings().weight.device
        self._bucket = bucket_of([self._device])

    def abort(self) -> None:
        """End the batch that runs, and every later one until `resume`, with InterruptedError."""
        self._aborted.set()

    def resume(self) -> None:
        """Run batches again."""
        self._aborted.clear()

    def describe(self) -> dict[str, Any]:
        """Return what was loaded and what was cut from prompts."""
        from judgebench.backends.local.loading import facts

        return {**facts(self.model), "cut": dict(self._cut)}

    @property
    def token_bytes(self) -> int:
        """Return what a token in the cache of keys and values takes; 0 for a model of an unknown shape."""
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_attention_heads", 0)
        groups = getattr(config, "num_key_value_heads", None) or heads
        size = getattr(config, "head_dim", None) or (config.hidden_size // heads if heads else 0)
        return int(2 * getattr(config, "num_hidden_layers", 0) * groups * size * self.model.dtype.itemsize)

    # -- before the batch ----------------------------------------------------------------------------

    def job(self, request: ChatRequest | TextRequest, seed: int) -> Job:
        """Return a request as tokens. Raises UsageError or PermanentError for what this model cannot do."""
        decoding = Decoding.of(request)
        context = self._endpoint.context
        if isinstance(request, ChatRequest):
            row = chat_row(self.tokenizer, request.messages, self._weights, context, generate=True)
        else:
            row = text_row(self.tokenizer, request.prompt, self._weights, context)
        self._cut["rows"] += row.cut > 0
        self._cut["tokens"] += row.cut
        if not len(row):
            raise PermanentError(f"{self._name} cannot continue a prompt that holds no token at all")
        limit = decoding.max_tokens or MOST_NEW
        if self._window is None:
            return Job(row, decoding, seed, limit)
        if len(row) >= self._window:
            raise PermanentError(
                f"a prompt of {len(row):,} tokens does not fit into the {self._window:,} of {self._name}'s window. "
                "Choose a model with a longer one, or set `context` in the judge's card so that prompts are cut"
            )
        return Job(row, decoding, seed, min(limit, self._window - len(row)))

    @cached_property
    def _window(self) -> int | None:
        found = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None

    # -- the batch -----------------------------------------------------------------------------------

    def generate(self, jobs: Sequence[Job]) -> list[Reply]:
        """Answer jobs of equal decoding in one batch. Raises whatever torch raises."""
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        decoding = jobs[0].decoding
        ids, mask = self._padded([job.row.ids for job in jobs])
        width, limit = ids.shape[1], max(job.limit for job in jobs)
        choice = Choice(decoding, [job.seed for job in jobs], self._device)
        ends = Ends(width, decoding.stop, self._speller.texts, self._aborted.is_set)
        with torch.inference_mode():
            found = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                generation_config=self._config(decoding, limit),
                logits_processor=LogitsProcessorList([choice]),
                stopping_criteria=StoppingCriteriaList([ends]),
                **self._cache([job.row.ids for job in jobs], width, decoding),
            )
        steps = [tuple(part.tolist() for part in step) for step in choice.kept]
        return [
            self._reply(job, row, n, steps)
            for n, (job, row) in enumerate(zip(jobs, found[:, width:].tolist(), strict=True))
        ]

    def _cache(self, rows: list[tuple[int, ...]], width: int, decoding: Decoding) -> dict[str, Any]:
        if self._device.type == "cpu" and len(rows) > 1 and decoding.options.num_beams == 1:
            return filled_cache(self.model, rows, width, self._aborted.is_set)
        return roomy_cache(self.model)

    def _padded(self, rows: list[tuple[int, ...]]) -> tuple[Any, Any]:
        """Return token ids and mask, padded on the left with each row's own first token.

        Whatever counts the tokens of a row, such as a repetition penalty, so counts none that the row does not have.
        """
        import torch

        longest = max(len(row) for row in rows)
        width = longest if len(rows) == 1 else math.ceil(longest / self._bucket) * self._bucket
        ids = torch.tensor([[row[0]] * (width - len(row)) + list(row) for row in rows])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
        return ids.to(self._device), mask.to(self._device)

    def _config(self, decoding: Decoding, limit: int) -> Any:
        options = decoding.options.model_dump(exclude_defaults=True)
        unused = SAMPLING_OPTIONS if decoding.options.num_beams > 1 else SAMPLING_OPTIONS | BEAM_OPTIONS
        ends = sorted(self._ends_of(decoding))
        return _settings(
            max_new_tokens=limit,
            do_sample=False,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else 0,
            **{name: value for name, value in options.items() if name not in unused},
        )

    def _ends_of(self, decoding: Decoding) -> set[int]:
        """Return the tokens that end a reply: the model's own, and stop strings that are tokens of their own."""
        added = self._speller.added
        return self._ends | {added[stop] for stop in decoding.stop if stop in added}

    # -- after the batch -----------------------------------------------------------------------------

    def _reply(self, job: Job, ids: list[int], number: int, steps: list[Any]) -> Reply:
        """Return a row's reply: `ids` is what follows its prompt, padding included."""
        stops, ends = job.decoding.stop, self._ends_of(job.decoding)
        last = next((n for n, token in enumerate(ids[: job.limit]) if token in ends), None)
        ids = ids[: job.limit if last is None else last + 1]
        text = self._speller.text(ids)
        cut = min((found for stop in stops if (found := text.find(stop)) >= 0), default=None)
        if cut is not None:
            needed = range(1, len(ids) + 1)
            ids = ids[: needed[bisect.bisect_left(needed, 1, key=lambda n: self._says(ids[:n], stops))]]
        return Reply(
            text=text[:cut],
            finish="length" if last is None and cut is None else "stop",
            logprobs=self._logprobs(number, steps[: len(ids)]) if job.decoding.logprobs is not None else None,
            usage=Usage(input=len(job.row), output=len(ids)),
            model=self._name,
        )

    def _says(self, ids: list[int], stops: Sequence[str]) -> bool:
        text = self._speller.text(ids)
        return any(stop in text for stop in stops)

    def _logprobs(self, number: int, steps: list[Any]) -> tuple[TokenLogprobs, ...]:
        """Return one entry for every token that a row has generated."""
        return tuple(
            self._speller.entry(chosen[number], logprobs[number], zip(rivals[number], theirs[number], strict=True))
            for chosen, logprobs, rivals, theirs in steps
        )


def shown_name(model: str) -> str:
    """Return a model's name without the path to its folder."""
    return Path(model).name if Path(model).is_dir() else model


def _settings(**values: Any) -> Any:
    """Return the library's own record of generation settings, with these values."""
    import transformers

    record: Any = transformers.GenerationConfig
    return record(**values)


def _ids(value: int | list[int] | None) -> list[int]:
    return [] if value is None else [value] if isinstance(value, int) else list(value)
