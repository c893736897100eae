"""Schedules: tasks that wait for others, for all of them or for the first that is done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from judgebench.pairs.generators import slips
from judgebench.pairs.generators.base import Fault, Generator, Step, Trace, drawn
from judgebench.pairs.generators.wording import demand, pick

TASKS = {1: 4, 2: 5, 3: 7, 4: 9, 5: 12}
WAITS = {1: 2, 2: 2, 3: 3, 4: 3, 5: 4}
"""The most tasks that one waits for."""
SHUFFLED = 3
"""From this level on the tasks are told in no order."""
SHORTEST, LONGEST = 10, 99
HARD = 4
"""From this level on a step does not repeat which rule holds, and slips are by one."""
KINDS = ("rule", "duration", "predecessor", "slip")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
RULES = {True: ("all of", "every one of"), False: ("any one of", "the first of")}
STARTS = ("{task} can start right away, at 0; it takes {duration} and ends at {end}.",
          "Nothing holds up {task}: from 0, with {duration} minutes, to {end}.",
          "{task} begins at 0 and, lasting {duration}, is done at {end}.")  # fmt: skip
WAITING = ("{task} waits for {rule} {waits}: it starts at {start}, takes {duration} and ends at {end}.",
           "{task} needs {rule} {waits}, so from {start}, with {duration} minutes, to {end}.",
           "After {rule} {waits}, {task} begins at {start} and, lasting {duration}, is done at {end}.")  # fmt: skip
TOTALS = ("The end times {ends} add up to {total}.", "Summing {ends} gives {total}.", "In total {ends} make {total}.")


class Task(NamedTuple):
    """A task: its letter, its minutes, the earlier tasks it waits for (places), and whether for all of them."""

    letter: str
    duration: int
    waits: tuple[int, ...]
    every: bool


@dataclass(frozen=True)
class Plan:
    """Tasks in an order in which each waits for earlier ones only; the order in which they are told."""

    level: int
    tasks: tuple[Task, ...]
    told: tuple[int, ...]


class Scheduled(NamedTuple):
    """A task as it was read, with its times."""

    task: Task
    start: int
    end: int


class Scheduling(Generator[Plan]):
    """Faults: the wrong rule (all for any), a duration or a predecessor misread, a slip in adding."""

    name = "scheduling"
    category = "reasoning"
    form = "bold"

    def problem(self, rng: Random, level: int) -> Plan:
        """Draw tasks."""
        count = TASKS[level]
        letters = rng.sample(LETTERS, count)
        tasks = []
        for place, letter in enumerate(letters):
            most = min(place, WAITS[level])
            waits = tuple(sorted(rng.sample(range(place), 1 + int(rng.random() * most)))) if place else ()
            duration = SHORTEST + int(rng.random() * (LONGEST - SHORTEST + 1))
            tasks.append(Task(letter, duration, waits, rng.random() < 0.5))  # noqa: PLR2004
        told = list(range(count))
        if level >= SHUFFLED:
            rng.shuffle(told)
        return Plan(level, tuple(tasks), tuple(told))

    def ask(self, problem: Plan, rng: Random) -> str:
        """Return the question."""
        lines = []
        for place in problem.told:
            task = problem.tasks[place]
            waits = [problem.tasks[one].letter for one in task.waits]
            rule = "all of" if task.every else "any one of"
            when = (f"starts when {rule} {', '.join(waits)} {'are' if task.every else 'is'} done" if len(waits) > 1
                    else f"starts when {waits[0]} is done" if waits else "can start at once")  # fmt: skip
            lines.append(f"- {task.letter} takes {task.duration} minutes and {when}.")
        opening = pick(rng, ("A project has these tasks:", "Tasks are run as soon as they may start:",
                             "Each task starts at the earliest moment allowed:"))  # fmt: skip
        body = "\n".join(lines)
        asked = "Any number of tasks may run at the same time; time starts at 0. What is the sum of all end times?"
        return f"{opening}\n{body}\n{asked} {demand(self.form, rng)}"

    def faults(self, problem: Plan, trace: Trace, rng: Random) -> Iterator[Fault]:
        """Yield mistakes, evenly over the steps."""
        states = [step.state for step in trace.steps]
        return drawn(rng, len(states), lambda step: _mistake(problem, step, states, rng))

    def solve(self, problem: Plan, rng: Random, fault: Fault | None = None) -> Trace:
        """Schedule the tasks in an order in which each finds its predecessors done."""
        voice = int(rng.random() * len(WAITING))
        steps, ends = list[Step](), list[int]()
        for place, told in enumerate(problem.tasks):
            here = fault if fault and fault.step == place else None
            task = here.detail if here and isinstance(here.detail, Task) else told
            start = _start(task, ends)
            end = start + task.duration + (here.detail if here and here.kind == "slip" else 0)
            text = _say(problem, Scheduled(task, start, end), ends, voice, rng)
            steps.append(Step(text, Scheduled(task, start, end)))
            ends.append(end)
        total = sum(ends) + (fault.detail if fault and fault.step == len(ends) else 0)
        text = pick(rng, TOTALS).format(ends=" + ".join(map(str, ends)), total=total)
        steps.append(Step(text, total))
        return Trace(tuple(steps), str(total))

    def check(self, problem: Plan, answer: str) -> bool:
        """Let the clock run minute by minute."""
        ends: dict[int, int] = {}
        minute = 0
        while len(ends) < len(problem.tasks):
            for place, task in enumerate(problem.tasks):
                done = [one in ends and ends[one] <= minute for one in task.waits]
                if place not in ends and (not done or (all(done) if task.every else any(done))):
                    ends[place] = minute + task.duration
            minute += 1
        return answer == str(sum(ends.values()))


def _start(task: Task, ends: Sequence[int]) -> int:
    times = [ends[one] for one in task.waits]
    return (max(times) if task.every else min(times)) if times else 0


def _mistake(problem: Plan, step: int, states: Sequence[Scheduled | int], rng: Random) -> Fault | None:
    state = states[step]
    off = (1 if problem.level >= HARD else 10) * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004
    if isinstance(state, int):
        return Fault(step, "sum", off)
    for kind in rng.sample(KINDS, len(KINDS)):
        wrong = _misread(kind, state.task, step, off, rng)
        if wrong is None:
            continue
        if kind == "slip":
            return Fault(step, kind, off)
        if kind == "duration" or _start(wrong, [one.end for one in states[:step]]) != state.start:  # type: ignore[union-attr]
            return Fault(step, kind, wrong)
    return None


def _misread(kind: str, task: Task, step: int, off: int, rng: Random) -> Task | None:
    """Return the task as a mistake of this kind has it, or None where it cannot be made."""
    if kind == "duration":
        return task._replace(duration=slips.digit(rng, task.duration))
    if kind == "slip":
        return task if SHORTEST <= task.duration + off <= LONGEST else None
    if kind == "rule":
        return task._replace(every=not task.every)
    others = [one for one in range(step) if one not in task.waits]
    if not others or not task.waits:
        return None
    kept = rng.sample(task.waits, len(task.waits) - 1)
    return task._replace(waits=tuple(sorted([*kept, others[int(rng.random() * len(others))]])))


def _say(problem: Plan, state: Scheduled, ends: Sequence[int], voice: int, rng: Random) -> str:
    task, waits = state.task, state.task.waits
    shown = " and ".join(f"{problem.tasks[one].letter} ({ends[one]})" for one in waits)
    rule = pick(rng, RULES[task.every]) if len(waits) > 1 and problem.level < HARD else ""
    text = (WAITING if waits else STARTS)[voice].format(
        task=task.letter, duration=task.duration, end=state.end, start=state.start, rule=rule, waits=shown
    )
    return text.replace("  ", " ")
