"""The sampler: k responses to each question from one model, through the runner that judges use.

So limits, retries, the reply cache, caps per minute, cost and provider batches work as they do for `eval`. A reply
becomes a response the moment it comes: what was paid for is on disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from judgebench.backends.batches import BatchingBackend
from judgebench.judges.base import Ask
from judgebench.pairs.records import Response
from judgebench.pairs.store import BuildStore
from judgebench.records import ChatRequest, Judgment, Message, Reply, Sampling, Trial, Turn, Verdict, View
from judgebench.run.batches import Batch, read_batches
from judgebench.run.runner import Work
from judgebench.run.store import RecordedReplies

ANSWERED = Verdict(best=(0,))
"""What the runner is told once a response is there."""


class Sampler:
    """To the runner a judge: it asks the question as it stands, and leaves the reply to the journal."""

    order_independent = True

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling

    async def judge(self, view: View, ask: Ask) -> Verdict:
        """Ask for one response. A seed that was given moves on with every sample, so that samples differ."""
        seed = None if self.sampling.seed is None else self.sampling.seed + view.seed
        sampling = self.sampling.model_copy(update={"seed": seed})
        await ask(ChatRequest(messages=(Message(role="user", content=view.question),), sampling=sampling))
        return ANSWERED


@dataclass
class Samples:
    """To the runner a journal: replies are appended to the build's responses.

    `asked` holds what is on its way, by the trial's key: the question's id and the number of the sample.
    """

    store: BuildStore
    model: str
    sampling: Sampling
    done: set[str] = field(default_factory=set)
    asked: dict[str, tuple[str, int]] = field(default_factory=dict)

    def work(self, questions: list[int], k: int) -> Iterator[Work]:
        """Yield what is left to ask, question by question, as a stream."""
        there = self.store.answered(k)
        for number in questions:
            missing = [int(sample) for sample in np.flatnonzero(~there[number])]
            if not missing:
                continue
            question = self.store.question(number)
            for sample in missing:
                trial = Trial(item=question.id, order=(0,), repeat=sample)
                self.asked[trial.key] = (question.id, sample)
                yield trial, View(turns=(Turn(role="user", content=question.prompt),), responses=(), seed=sample)

    def left(self, questions: list[int], k: int) -> int:
        """Return how many responses are left to ask for."""
        return int((~self.store.answered(k)[questions]).sum())

    def replies(self, trial: str) -> RecordedReplies:  # noqa: ARG002 - a sample is asked for once
        """Return nothing: a sample that was answered is not asked for again."""
        return {}

    def add_reply(self, trial: str, request: str, nth: int, reply: Reply) -> None:  # noqa: ARG002 - the runner's words
        """Append a response."""
        question, sample = self.asked[trial]
        seed = None if self.sampling.seed is None else self.sampling.seed + sample
        self.store.add_response(
            Response(
                question=question, text=reply.text or "", model=self.model, sample=sample, finish=reply.finish,
                sampling=self.sampling.model_copy(update={"seed": seed}), usage=reply.usage, served=reply.model,
                cost=reply.cost,
            )
        )  # fmt: skip

    def add_judgment(self, judgment: Judgment) -> None:
        """Forget what was on its way: it is there."""
        self.asked.pop(judgment.trial.key, None)

    def sync(self) -> None:
        """Force what came to disk."""
        self.store.responses.sync()

    def attach(self, backend: BatchingBackend, k: int) -> None:
        """Give a backend that asks in batches those of earlier sessions, less what they have answered."""
        lines = [self.store.batches[number] for number in range(len(self.store.batches))]
        if lines:
            lines += [{"kind": "judgment", "trial": key} for key in self._answered(k)]
        backend.attach(read_batches(lines), self._record)

    def _answered(self, k: int) -> Iterator[str]:
        there = self.store.answered(k)
        for identity, number in self.store.ids.items():
            for sample in np.flatnonzero(there[number]):
                yield Trial(item=identity, order=(0,), repeat=int(sample)).key

    def _record(self, batch: Batch) -> None:
        self.store.batches.append(batch.line())
        self.store.batches.sync()
