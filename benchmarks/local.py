"""Local judges: judgments and tokens per second, share of the device's peak, peak memory, beside two other ways.

    python benchmarks/local.py            where there is no GPU: a small random model (under four minutes, two cores)
    python benchmarks/local.py --gpu      random models of Vicuna-7B's and Llama-3.1-8B's shapes (about ten minutes)
    python benchmarks/local.py --small    a smoke test

The ways and what they share stand in `local_ways.py`, the models and the lengths in `local_world.py`. Real pairs come
from the folder JUDGEBENCH_SHARED (default: ../shared); without it there are words at the same quantiles. Needs torch
and transformers; downloads nothing. Prints Markdown tables and the bars; the exit code is 1 when one is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import local_ways
from local_world import SHAPES, build, mix

FASTER_THAN_ONE, FASTER_THAN_FIXED = 5.0, 1.3
MOST_SECONDS = 180.0
Found = dict[str, Any]


@dataclass(frozen=True)
class Load:
    """What to judge: how many of a mix, with which shape, the token limit of a reply, and how many trials each way.

    The limit is that of a verdict alone (the stop is a line break, as in JudgeLM's fast mode) up to 16 tokens, else
    that of a verdict with reasons. All ways are gone through `rounds` times, and each one's fastest counts.
    """

    title: str
    mix: str
    pairs: int
    shape: str
    limit: int
    trials: dict[str, int]
    rounds: int = 1
    bars: bool = False
    seconds: float | None = None


def on_cpu(scale: int = 1) -> list[Load]:
    return [
        Load("grades and reasons, 128 tokens", "pandalm", 150 // scale, "small", 128,
             {"judgebench": 300 // scale, "one": 300 // scale, "fixed:8": 300 // scale, "fixed:16": 300 // scale,
              "fixed:32": 300 // scale}, rounds=2, bars=True),
        Load("grades and reasons, 128 tokens", "judgebench", 40 // scale, "small", 128,
             {"judgebench": 80 // scale, "one": 40 // scale, "fixed:8": 80 // scale, "fixed:16": 80 // scale}),
        Load("grades alone, 6 tokens", "pandalm", 150 // scale, "small", 6,
             {"judgebench": 300 // scale, "one": 150 // scale, "fixed:16": 300 // scale}),
    ]  # fmt: skip


def on_gpu() -> list[Load]:
    return [
        Load("grades alone, 6 tokens", "judgelm", 2500, "vicuna-7b", 6,
             {"judgebench": 5000, "one": 100, "fixed:8": 400, "fixed:32": 400}, seconds=MOST_SECONDS),
        Load("scores", "judgebench-gpt", 350, "llama-3.1-8b", 0, {"judgebench": 350, "one": 50, "fixed:8": 350}),
    ]  # fmt: skip


def judged(load: Load, peak: float) -> bool:
    """Judge in every way and print the rows; return whether the bars are met."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs, source = mix(load.mix, load.pairs)
        build(folder, SHAPES[load.shape], pairs)
        runs = [
            {way: child(folder, way, load, count) for way, count in load.trials.items()} for _ in range(load.rounds)
        ]
        found = {way: max((run[way] for run in runs), key=rate) for way in load.trials}
        alike = {way: agreement(folder, way) for way in load.trials if way != "judgebench"}
    lengths = sorted(found["judgebench"]["prompts"])
    print(f"\n**{SHAPES[load.shape].name}**, {SHAPES[load.shape].dtype}; {load.title}; {source}; prompts of "
          f"{statistics.mean(lengths):.0f} tokens in the mean, {lengths[len(lengths) // 20]} to "
          f"{lengths[-1 - len(lengths) // 20]} in nine of ten, {lengths[-1]} at most\n")  # fmt: skip
    print("| way | judgments | judgments/s | tokens/s | of peak | peak MB | judgebench is | replies alike |")
    print("|---|---|---|---|---|---|---|---|")
    for way, one in found.items():
        times = "" if way == "judgebench" else f"{rate(found['judgebench']) / rate(one):.2f} ×"
        tokens = (sum(one["prompts"]) + load.limit * len(one["prompts"])) / one["seconds"]
        share = one["flops"] / one["seconds"] / peak
        print(f"| {way} | {one['trials']:,} | {rate(one):,.2f} | {tokens:,.0f} | {share:.1%} | {one['peak_mb']:,.0f} "
              f"| {times} | {alike.get(way, '')} |", flush=True)  # fmt: skip
    return bars(load, found)


def bars(load: Load, found: dict[str, Found]) -> bool:
    own, met = found["judgebench"], []
    if load.bars:
        best = max(rate(one) for way, one in found.items() if way.startswith("fixed"))
        met += [said("(a)", rate(own) / rate(found["one"]), FASTER_THAN_ONE)]
        met += [said("the best (b)", rate(own) / best, FASTER_THAN_FIXED)]
    if load.seconds is not None:
        met += [own["seconds"] <= load.seconds]
        print(f"\n{own['trials']:,} judgments in {own['seconds']:.0f} s; bar {load.seconds:.0f} s: {verdict(met[-1])}")
    return all(met)


def said(rival: str, times: float, bar: float) -> bool:
    print(f"\n{times:.2f} × {rival}; bar {bar} ×: {verdict(times >= bar)}")
    return times >= bar


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def rate(one: Found) -> float:
    return float(one["trials"] / one["seconds"])


def agreement(folder: Path, way: str) -> str:
    """Return the share of a way's replies that judgebench's equal: texts exactly, scores to 1 %."""
    ours, theirs = (json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("judgebench", way))
    same = sum(one == other if isinstance(one, str) else all(
        abs(a - b) <= 0.01 * max(1, abs(b)) for a, b in zip(one, other, strict=True)
    ) for one, other in zip(ours, theirs, strict=False))  # fmt: skip
    return f"{same / min(len(ours), len(theirs)):.1%}"


def child(folder: Path, way: str, load: Load, count: int) -> Found:
    command = [sys.executable, __file__, "--child", str(folder), way, load.shape, str(load.limit), str(count)]
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "false", "JUDGEBENCH_CACHE": str(folder / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    *notes, last = done.stdout.splitlines()
    print(*notes, sep="\n", file=sys.stderr)
    found: Found = json.loads(last)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--cpu", action="store_true", help="the CPU's part, though there is a GPU")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        local_ways.measure(*options.child)
        return 0
    import torch

    if options.cpu or options.small:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    gpu = options.gpu or (torch.cuda.is_available() and not (options.cpu or options.small))
    if gpu and not torch.cuda.is_available():
        raise SystemExit("--gpu: torch sees no GPU here. Leave it out for the CPU's part")
    peak, how = local_ways.device_peak()
    print(how)
    loads = on_gpu() if gpu else on_cpu(10 if options.small else 1)
    met = [judged(load, peak) for load in loads]
    return 0 if options.small else int(not all(met))


if __name__ == "__main__":
    sys.exit(main())
