"""What every generator must keep, said once: tests of a family of generators name theirs and call these."""

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

from judgebench import registry
from judgebench.hashing import canonical
from judgebench.pairs.generators.base import LEVELS, GeneratedPair, Generator, generate
from judgebench.pairs.leaks import detect

SEED = 11
MADE: dict[str, list[GeneratedPair]] = defaultdict(list)


def generator(name: str) -> Generator[Any]:
    made: Generator[Any] = registry.load("generators", name)()
    assert made.name == name
    return made


def made(name: str, count: int) -> tuple[GeneratedPair, ...]:
    """Return pairs of all levels in turn. A pair is made from its number alone, so what was made before is kept."""
    one, pairs = generator(name), MADE[name]
    pairs += [
        generate(one, seed=SEED, number=number, level=1 + number // 2 % LEVELS) for number in range(len(pairs), count)
    ]
    return tuple(pairs[:count])


def digest(name: str, count: int = 50) -> str:
    rows = [canonical(pair.row) for pair in made(name, count)]
    return hashlib.sha256(b"\n".join(rows)).hexdigest()[:16]


def digest_elsewhere(name: str) -> str:
    """Return the digest that another process finds, with another hash seed."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import generator_checks as g; print(g.digest({name!r}))"
    environment = os.environ | {"PYTHONHASHSEED": "4711"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def both_labels_hold(name: str, count: int) -> None:
    one = generator(name)
    for pair in made(name, count):
        assert one.check(pair.problem, pair.gold), (pair.origin, pair.question)
        assert not one.check(pair.problem, pair.wrong_answer), (pair.origin, pair.question)


def nothing_leaks(name: str, count: int, most: float) -> None:
    pairs = made(name, count)
    for leak in detect([(pair.right, pair.wrong) for pair in pairs], [pair.id for pair in pairs]):
        assert leak.n == count
        assert abs(leak.accuracy - 0.5) <= most, (name, leak)


def sides_are_even(name: str, count: int) -> None:
    sides = Counter((pair.level, pair.right_first) for pair in made(name, count))
    assert len(set(sides.values())) == 1, sides
    for even, odd in zip(made(name, count)[::2], made(name, count)[1::2], strict=True):
        assert even.right_first != odd.right_first


def the_fault_starts_at_its_step(name: str, count: int) -> None:
    """With the same wording, right and wrong traces are the same before the fault and differ from it on."""
    one = generator(name)
    for pair in made(name, count):
        right, wrong = one.solve(pair.problem, Random(5)), one.solve(pair.problem, Random(5), pair.fault)
        texts = [[step.text for step in trace.steps] for trace in (right, wrong)]
        step = pair.fault.step
        assert texts[0][:step] == texts[1][:step]
        assert texts[0][step] != texts[1][step]
        assert right.answer != wrong.answer
        assert 0 <= step < len(right.steps) == pair.steps
        assert 0 <= pair.depth <= 1


def harder_is_longer(name: str, count: int) -> None:
    steps: dict[int, list[int]] = {}
    for pair in made(name, count):
        steps.setdefault(pair.level, []).append(pair.steps)
    means = [sum(steps[level]) / len(steps[level]) for level in range(1, LEVELS + 1)]
    assert means == sorted(means)
    assert means[0] < means[-1]
