"""The ways to judge that `benchmarks/local.py` compares, each in a process of its own: `measure` prints a JSON line.

    judgebench   `Runner`, judge family and backend, from the item to the verdict in the journal
    one          one request at a time with `generate`, the stop looked for after every token: as JudgeLM's script (a)
    fixed:N      padded batches of N requests in the order of the data set (b)

All have the same model, weights, type, attention, prompts, token limit and stop rule. Tokenizing and reading the reply
count; loading and the first request, which warms up, do not.
"""

import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_world import SHAPES, Shape, items, random_weights

STOP = "\n"


@dataclass(frozen=True)
class Task:
    """What is judged: the folder that `local_world.build` wrote, the shape, the reply's limit, how many trials."""

    folder: Path
    shape: Shape
    limit: int
    count: int

    @property
    def rewards(self) -> bool:
        return self.shape.auto != "AutoModelForCausalLM"

    def endpoint(self) -> Any:
        from judgebench.backends.base import Endpoint

        return Endpoint(model=str(self.folder), weights=self.card().weights, context=self.card().context)

    def card(self) -> Any:
        from judgebench.judges.card import Context, Weights, load_card
        from judgebench.records import Sampling

        window = self.shape.config["max_position_embeddings"]
        head = "sequence-classification" if self.rewards else "causal"
        changes: dict[str, Any] = {
            "model": f"transformers/{self.folder}", "revision": None,
            "weights": Weights(dtype=self.shape.dtype, head=head),  # type: ignore[arg-type]
        }  # fmt: skip
        if not self.rewards:
            changes |= {
                "prompts": {"judgebench": str(self.folder / "prompt.j2")},
                "sampling": Sampling(temperature=0, max_tokens=self.limit, stop=(STOP,) if self.limit <= 16 else ()),
                "context": Context(limit=window, reserve=self.limit),
            }
        return load_card("reward-model" if self.rewards else "judgelm-7b").model_copy(update=changes)

    def judge(self) -> Any:
        from judgebench import registry

        return registry.load("families", self.card().family)(self.card())

    def work(self) -> list[Any]:
        """Return the trials with what a judge sees of them."""
        from judgebench.run.plan import trials, view

        independent = self.judge().order_independent
        planned = trials(list(items(self.folder)), order_independent=independent)
        return [(trial, view(item, trial, ties=True, seed=0)) for item, trial in planned][: self.count]

    def requests(self) -> list[Any]:
        """Return what the judge asks, trial by trial."""
        from judgebench.records import Reply

        asked: list[Any] = []

        async def door(request: Any) -> Reply:
            asked.append(request)
            return Reply(text="5 5", scores=(0.0, 0.0))

        async def ask_all() -> None:
            judge = self.judge()
            for _, seen in self.work():
                await judge.judge(seen, door)

        asyncio.run(ask_all())
        return asked


# -- the ways --------------------------------------------------------------------------------------------


def with_judgebench(task: Task) -> tuple[Callable[[], None], Callable[[], list[Any]]]:
    """Return what runs the whole path, and what returns its replies in the order of the trials."""
    from judgebench.backends.transformers import TransformersBackend
    from judgebench.run.keys import request_key
    from judgebench.run.limits import Limiter
    from judgebench.run.runner import Means, Models, Runner, Tally
    from judgebench.run.store import Store

    backend, requests, work, judge = TransformersBackend(task.endpoint()), task.requests(), task.work(), task.judge()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(backend.answer(requests[0]))
    folder = Path(tempfile.mkdtemp(dir=task.folder))

    async def run() -> None:
        with Store(folder, spec_of(task, judge)) as store:
            tally = Tally(total=len(work))
            means = Means(Models(backend, lambda _: backend), Limiter(backend.concurrency), store, tally)
            await Runner(judge, means).run(iter(work))
            assert tally.done == len(work), tally

    def replies() -> list[Any]:
        lines = map(json.loads, (folder / "journal.jsonl").read_text("utf-8").splitlines())
        found = {line["request"]: line["reply"] for line in lines if line["kind"] == "reply"}
        print(json.dumps(backend.describe()), flush=True)
        return [said(found[request_key(request)]) for request in requests]

    return lambda: loop.run_until_complete(run()), replies


def said(reply: dict[str, Any]) -> Any:
    return reply["scores"] if reply.get("scores") else reply.get("text", "")


def spec_of(task: Task, judge: Any) -> Any:
    from judgebench.spec import JudgeSpec, Spec, TaskSpec

    return Spec(
        task=TaskSpec(name="bench", version=1, revision=None, fingerprint="0", items=task.count),
        judge=JudgeSpec(
            name=judge.card.name, family=judge.card.family, kind=judge.card.kind, model=judge.card.model, revision=None,
            endpoint="default", prompts={}, sampling=judge.card.sampling, params={}, parser_version=1,
            order_independent=judge.order_independent,
        ),
        orders="both", repeats=1, seed=0,
    )  # fmt: skip


def with_generate(task: Task, size: int | None) -> tuple[Callable[[], None], Callable[[], list[Any]]]:
    """Return what judges one at a time, or in padded batches of `size` in the order of the requests."""
    import torch
    from transformers import GenerationConfig, StoppingCriteriaList

    tokenizer, model = loaded(task)
    prompts = [request.prompt for request in task.requests()]
    model.generation_config = GenerationConfig()
    settings = GenerationConfig(max_new_tokens=task.limit, do_sample=False, eos_token_id=1, pad_token_id=2)
    found: list[Any] = []

    def some(texts: list[str]) -> list[str]:
        batch = tokenizer(texts, return_tensors="pt", padding=len(texts) > 1, return_token_type_ids=False)
        width = batch["input_ids"].shape[1]

        def stopped(ids: Any, _scores: Any, **_: Any) -> Any:
            if task.limit > 16:  # reasons follow: nothing to look for
                return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
            tails = tokenizer.batch_decode(ids[:, width:], skip_special_tokens=True)
            return torch.tensor([STOP in tail for tail in tails], device=ids.device)

        with torch.inference_mode():
            ids = model.generate(**batch.to(model.device), generation_config=settings,
                                 stopping_criteria=StoppingCriteriaList([stopped]))  # fmt: skip
        texts = tokenizer.batch_decode(ids[:, width:], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return [text.partition(STOP)[0] if task.limit <= 16 else text for text in texts]

    def run() -> None:
        for start in range(0, len(prompts), size or 1):
            found.extend(some(prompts[start : start + (size or 1)]))

    some(prompts[:1])
    return run, lambda: found


def with_scores(task: Task, size: int | None) -> tuple[Callable[[], None], Callable[[], list[Any]]]:
    """Return what scores one response at a time, or padded batches of `size` in the order of the responses."""
    import torch

    tokenizer, model = loaded(task)
    turns = [[{"role": turn.role, "content": turn.content} for turn in conversation]
             for request in task.requests() for conversation in request.conversations]  # fmt: skip
    found: list[float] = []

    def some(conversations: list[Any]) -> list[float]:
        texts = [tokenizer.apply_chat_template(one, tokenize=False) for one in conversations]
        batch = tokenizer(texts, return_tensors="pt", padding=len(texts) > 1, add_special_tokens=False,
                          return_token_type_ids=False)  # fmt: skip
        with torch.inference_mode():
            return [float(one) for one in model(**batch.to(model.device)).logits[:, 0]]

    def run() -> None:
        for start in range(0, len(turns), size or 1):
            found.extend(some(turns[start : start + (size or 1)]))

    some(turns[:1])
    return run, lambda: [found[start : start + 2] for start in range(0, len(found), 2)]


def loaded(task: Task) -> tuple[Any, Any]:
    from judgebench.backends.local.loading import load_model, load_tokenizer

    tokenizer = load_tokenizer(task.endpoint())
    tokenizer.padding_side = "right" if task.rewards else "left"
    return tokenizer, load_model(task.endpoint(), task.shape.auto)


# -- what is measured ------------------------------------------------------------------------------------


def measure(folder: str, way: str, shape: str, limit: str, count: str) -> None:
    """Judge in one way, print a JSON line, and leave the replies in the folder."""
    task = Task(Path(folder), SHAPES[shape], int(limit), int(count))
    random_weights(task.shape)
    size = int(way.partition(":")[2]) if ":" in way else None
    alternative = with_scores if task.rewards else with_generate
    run, replies = with_judgebench(task) if way == "judgebench" else alternative(task, size)
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    (task.folder / f"{way}.json").write_text(json.dumps(replies()), "utf-8")
    prompts, flops = load_of(task)
    facts = {"seconds": seconds, "trials": task.count, "prompts": prompts, "flops": flops, "peak_mb": peak()}
    print(json.dumps(facts))


def load_of(task: Task) -> tuple[list[int], float]:
    """Return the tokens of every prompt, and the FLOPs that all replies take when nothing is padded or done twice."""
    from judgebench.backends.local.loading import load_tokenizer

    tokenizer, config = load_tokenizer(task.endpoint()), task.shape.config
    if task.rewards:
        rows = [tokenizer.apply_chat_template([turn.model_dump() for turn in one], tokenize=False)
                for request in task.requests() for one in request.conversations]  # fmt: skip
    else:
        rows = [request.prompt for request in task.requests()]
    lengths = [len(tokenizer(text).input_ids) for text in rows]
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    narrow = hidden * config["num_key_value_heads"] // config["num_attention_heads"]
    weights = layers * (2 * hidden * hidden + 2 * hidden * narrow + 3 * hidden * config["intermediate_size"])
    head = 0 if task.rewards else 2 * hidden * config["vocab_size"] * task.limit
    whole = [length + (0 if task.rewards else task.limit - 1) for length in lengths]
    return lengths, float(sum(2 * weights * n + 2 * layers * hidden * n * n + head for n in whole))


def peak() -> float:
    """Return the peak memory in MB: of the GPU, or of the process on a CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def device_peak() -> tuple[float, str]:
    """Return the device's FLOPs per second, and how they are known: by its data sheet, or by a matrix product."""
    import torch

    sheet = {"H200": 989e12, "H100": 989e12, "A100": 312e12}
    gpu = torch.cuda.is_available()
    name = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    for known, flops in sheet.items():
        if known in name:
            return flops, f"{name}: {flops / 1e12:.0f} TFLOP/s dense bfloat16 by its data sheet"
    size, kind = (8192, torch.bfloat16) if gpu else (2048, torch.float32)
    one = torch.randn(size, size, dtype=kind, device="cuda" if gpu else "cpu")
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        float((one @ one)[0, 0])
        best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best, f"{name}: {best / 1e9:,.0f} GFLOP/s in a product of {size} x {size} {str(kind)[6:]} matrices, measured"
