"""A results folder of any size for `benchmarks/site.py`: nothing in it is a measurement, everything in it fits.

Made-up judges of every kind judge made-up pairs in both orders: some state scores, some a confidence, now and then a
reply cannot be read. Files have the form that `judgebench submit` gives them, and hashes and counts are right; values
are computed by `judgebench.metrics`, and only intervals are approximated, for a bootstrap of so many results takes
an hour.
"""

import csv
import io
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from judgebench.assemble import result_bytes
from judgebench.hashing import sha256, short_id
from judgebench.leaderboard.verdicts import tables
from judgebench.metrics import definitions
from judgebench.metrics.ratio import Ratio
from judgebench.metrics.table import Table
from judgebench.records import Preference, Sampling, Usage
from judgebench.results import Counts, Environment, Metric, Result, VerdictsFile
from judgebench.spec import JudgeSpec, Spec, TaskSpec
from judgebench.task import GoldRow, slug

CATEGORIES = ("coding", "knowledge", "math", "reasoning")
FAULTS = ("unparsed", "truncated")
KINDS = ("prompted", "prompted", "fine-tuned", "reward-model", "prompted", "generative-reward-model", "multi-agent")
FAMILIES = {"reward-model": "reward-model", "fine-tuned": "judgelm", "multi-agent": "panel"}
MODELS = (
    "openai/gpt-{n}-mini", "transformers/Org{n}/Judge-{s}B-v1.0", "Lab{n}/Reward-Llama-3.1-{s}B",
    "anthropic/claude-{n}", "vllm/House{n}/Chat-{s}B-Instruct", "Team{n}/Critic-{s}B", "openai/o{n}",
)  # fmt: skip
SIZES = ("1.5", "3", "7", "8", "13", "32", "70")


@dataclass(frozen=True)
class World:
    """How much there is."""

    judges: int = 500
    tasks: int = 20
    pairs: int = 350


def make(folder: Path, world: World, workers: int = 2) -> Path:
    """Write the results of a world; the same world gives the same files."""
    write = partial(_task, folder, world)
    if workers == 1:
        for task in range(world.tasks):
            write(task)
        return folder
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(write, range(world.tasks)))
    return folder


def judge_spec(number: int) -> JudgeSpec:
    null = number % 50 == 49
    kind = "null" if null else KINDS[number % len(KINDS)]
    model = MODELS[number % len(MODELS)].format(n=number, s=SIZES[number % len(SIZES)])
    family = FAMILIES.get(kind, "vanilla")
    return JudgeSpec(
        name=f"always-{number}" if null else f"{family}--{slug(model)}", family=family, kind=kind,
        model=None if null else model, revision=None, endpoint="default",
        prompts={"user": sha256(str(number).encode())}, sampling=Sampling(temperature=0, max_tokens=1024), params={},
        parser_version=1,
        order_independent=kind == "reward-model",
    )  # fmt: skip


def _task(folder: Path, world: World, task: int) -> None:
    rng = np.random.default_rng(task)
    gold = _gold(task, world.pairs, rng)
    table = _gold_csv(gold)
    spec = TaskSpec(name=f"task-{task:02}", version=1, revision="r1", fingerprint=sha256(table), items=len(gold))
    hard = rng.normal(size=len(gold))
    written = []
    for judge in range(world.judges):
        path = folder / judge_spec(judge).name / f"{spec.name}.verdicts.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(_lines(judge, gold, hard, rng)), "utf-8")
        written.append(path)
    for judge, (path, shown) in enumerate(zip(written, tables(gold, written), strict=True)):
        assert isinstance(shown, Table)
        result = path.with_name(f"{spec.name}.json")
        result.write_bytes(result_bytes(_result(judge, spec, shown, path.read_bytes())))
    # As of a task that is not packaged; one table of an edition is enough for a board.
    written[0].with_name(f"{spec.name}.gold.csv").write_bytes(table)


def _gold(task: int, pairs: int, rng: np.random.Generator) -> list[GoldRow]:
    rows = [
        GoldRow(
            item=short_id([task, pair]), category=CATEGORIES[pair % len(CATEGORIES)],
            source=short_id([task, "source", pair * 2 // 3]), gold=Preference(label="A>B" if heads else "B>A"),
        )
        for pair, heads in enumerate(rng.random(pairs) < 0.5)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: row.item)


def _gold_csv(gold: Sequence[GoldRow]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("item", "category", "source", "gold"))
    writer.writerows((row.item, row.category, row.source, row.gold.label) for row in gold)
    return out.getvalue().encode()


def _lines(judge: int, gold: Sequence[GoldRow], hard: np.ndarray, rng: np.random.Generator) -> list[str]:
    about, shape = judge_spec(judge), (len(gold), 2)
    skill = -0.3 if about.kind == "null" else 2.2 * ((judge * 37) % 101) / 100
    strength = (skill - hard)[:, None] + rng.normal(size=shape) + rng.normal() * 0.2 * np.array([1, -1])
    sign = np.array([1 if row.gold.label == "A>B" else -1 for row in gold])[:, None]
    first = np.where(strength > 0, sign, -sign) * np.array([1, -1])
    tied, lost = rng.random(shape) < 0.02, rng.random(shape) < (0 if about.kind == "reward-model" else 0.01)
    says = _says(judge, about.kind, np.where(tied, 0, first), np.round(np.abs(strength), 4))
    return [
        f'{{"item":"{row.item}","order":{order},'
        + (f'"fault":"{FAULTS[pair % 2]}"}}\n' if lost[pair, at] else says(pair, at))
        for pair, row in enumerate(gold)
        for at, order in enumerate(("[0,1]", "[1,0]"))
    ]


def _says(judge: int, kind: str, first: np.ndarray, strength: np.ndarray) -> Any:
    label = {1: "A>B", 0: "A=B", -1: "B>A"}

    def line(pair: int, at: int) -> str:
        says, much = int(first[pair, at]), float(strength[pair, at])
        told = f'"preference":"{label[says]}"'
        if kind == "reward-model":
            told += f',"scores":[{5.5 + says * much},5.5]'
        elif judge % 4 == 0:
            told += f',"confidence":{0.5 + 0.5 * math.tanh(much):.2f}'
        return told + "}\n"

    return line


def _result(judge: int, task: TaskSpec, shown: Table, verdicts: bytes) -> Result:
    spec = Spec(task=task, judge=judge_spec(judge), orders="both", repeats=1, seed=0)
    faults = {kind: int((shown.fault == code).sum()) for code, kind in ((0, "unparsed"), (2, "truncated"))}
    metrics = {known.name: (known, known.ratio(shown)) for known in definitions("pairs")}
    members = {name: shown.category == code for code, name in enumerate(shown.categories)}
    trials = len(shown.item)
    return Result(
        evidence=("submitted", "submitted", "reproduced", "imported")[judge % 4],
        spec=spec,
        spec_sha256=spec.hash,
        counts=Counts(items=shown.n_items, trials=trials, verdicts=trials - sum(faults.values()), **faults),
        metrics={name: _metric(ratio) for name, (_, ratio) in metrics.items()},
        by_category={
            category: {name: _metric(ratio.at(member)) for name, (known, ratio) in metrics.items() if known.by_category}
            for category, member in members.items()
        },
        usage=Usage(input=trials * 900, output=trials * (2 + judge % 300)),
        cost=None if judge % 3 == 1 else round(0.02 * (1 + judge % 90), 4),
        seconds=round(60 + judge * 1.5, 3),
        started="2026-01-01T10:00:00+00:00",
        finished=f"2026-01-{1 + judge % 28:02}T11:00:00+00:00",
        environment=Environment(judgebench="0.1", python="3.12.3", platform="linux", packages={"openai": "3.50"}),
        verdicts=VerdictsFile(sha256=sha256(verdicts), rows=trials),
    )


def _metric(ratio: Ratio) -> Metric:
    """Return a metric with an interval of two standard errors, kept in range."""
    value, n = ratio.value, ratio.n
    if value is None:
        return Metric(value=None, n=n, coverage=ratio.coverage)
    half = 2 * math.sqrt(max(abs(value) * (1 - abs(value)), 0.25 / max(n, 1)) / max(n, 1))
    least = -1.0 if ratio.signed else 0.0
    return Metric(value=value, n=n, low=max(value - half, least), high=min(value + half, 1.0), coverage=ratio.coverage)
