"""Grading what was answered: on this machine, or on a Ray cluster; and a second opinion where one is asked for.

Only what has no grade by today's version of its grader is graded. A grade is on disk the moment it is there.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Self

from judgebench import registry
from judgebench.errors import Incomplete, JudgebenchError, UsageError
from judgebench.pairs.graders.base import Grader
from judgebench.pairs.records import Grade, Question, Response
from judgebench.pairs.store import BuildStore
from judgebench.run import cluster
from judgebench.spec import EvalConfig

Job = tuple[Question, Response]
CHUNK = 64
"""Responses that a Ray worker grades at a time."""
RESTARTS = 3
"""Times that a lost Ray worker is started anew, and its chunk graded again."""
AHEAD = 2
"""Chunks that wait for each Ray worker: the second fills the gap while the first goes home."""


class Graders:
    """Graders by name, made when first needed.

    A grader that runs programs has an attribute `unsafe_local`, set here where the user says so, and `sandbox_name`,
    which goes into its grades.
    """

    def __init__(self, *, unsafe_local: bool = False) -> None:
        self.unsafe_local = unsafe_local
        self._made: dict[str, Grader] = {}

    def __getitem__(self, name: str) -> Grader:
        """Return a grader. Raises UsageError for an unknown one, MissingPrerequisite when it cannot be had here."""
        if name not in self._made:
            grader: Grader = registry.load("graders", name)()
            if self.unsafe_local and hasattr(grader, "unsafe_local"):
                grader.unsafe_local = True
            self._made[name] = grader
        return self._made[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what the graders started. Safe to call twice."""
        for grader in self._made.values():
            grader.close()


def is_stale(store: BuildStore, number: int, grader: Grader) -> bool:
    """Return whether a response has no grade by today's version of its grader."""
    found = store.graded_by(number)
    return found is None or found.get("grader", "") != grader.name or found.get("version", 1) != grader.version


def pending(store: BuildStore, questions: Iterable[int], k: int, grader: Grader) -> Iterator[tuple[int, Job]]:
    """Yield the numbers of the responses that a grader has to grade, each with its question, as a stream."""
    for place in questions:
        if store.grader_of(place) != grader.name:
            continue
        stale = [number for number in store.of_question(place, k) if is_stale(store, number, grader)]
        if stale:
            question = store.question(place)
            yield from ((number, (question, store.response(number))) for number in stale)


def _where(grader: Grader, grade: Grade) -> Grade:
    """Return the grade with the name of the sandbox that the grader uses, if it does."""
    sandbox = getattr(grader, "sandbox_name", None)
    return grade if sandbox is None else grade.model_copy(update={"sandbox": sandbox})


def grade_here(store: BuildStore, questions: Iterable[int], k: int, grader: Grader) -> int:
    """Grade what one grader has to grade, on this machine; return how many there were."""
    waiting: deque[int] = deque()

    def jobs() -> Iterator[Job]:
        for number, job in pending(store, questions, k, grader):
            waiting.append(number)
            yield job

    graded = 0
    for grade in grader.grade_all(jobs()):
        store.add_grade(waiting.popleft(), _where(grader, grade))
        graded += 1
    store.grades.sync()
    return graded


# -- Ray -------------------------------------------------------------------------------------------------


class RayGrader:
    """What a Ray worker holds: graders, made there. Questions and responses travel as JSON."""

    def __init__(self, *, unsafe_local: bool) -> None:
        self.graders = Graders(unsafe_local=unsafe_local)

    def grade(self, name: str, version: int, jobs: list[tuple[str, str]]) -> list[str]:
        """Grade a chunk; refuses to when the worker has another version of the grader."""
        grader = self.graders[name]
        if grader.version != version:
            raise UsageError(
                f"grader {name} is version {version} there and {grader.version} here: install the same judgebench"
            )
        parsed = [(Question.model_validate_json(one), Response.model_validate_json(two)) for one, two in jobs]
        return [_where(grader, grade).model_dump_json() for grade in grader.grade_all(parsed)]


async def grade_on_ray(store: BuildStore, questions: list[int], k: int, graders: Graders, address: str | None) -> int:
    """Grade everything on a Ray cluster, or on one started here. What waits is bounded by the workers' number."""
    config = EvalConfig(judge="pairs", task="pairs", engine="ray", ray_address=address)
    cluster.check(config)
    async with cluster.connected(config) as ray:
        count = max(1, int(ray.cluster_resources().get("CPU", 1)))
        # Grading twice does no harm: who is lost is started anew, and does it again.
        made = ray.remote(num_cpus=1, max_restarts=RESTARTS, max_task_retries=RESTARTS)(RayGrader)
        workers = [made.remote(unsafe_local=graders.unsafe_local) for _ in range(count)]
        try:
            # The loop waits in a thread: signals still get through.
            return await asyncio.to_thread(_spread, ray, workers, store, questions, k=k, graders=graders)
        except ray.exceptions.RayError as error:
            raise _gave_up(error) from error


def _gave_up(error: Exception) -> JudgebenchError:
    """Return what a worker raised, where that is one of ours; else what happened, in one line."""
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, JudgebenchError):
        return cause
    first = next(iter(str(cause).strip().splitlines()), "")
    return Incomplete(f"Ray gave up grading: {type(cause).__name__}: {first}. The same command continues")


def _spread(ray: Any, workers: list[Any], store: BuildStore, questions: list[int], *, k: int, graders: Graders) -> int:
    graded, turn = 0, 0
    out: deque[tuple[list[int], Any]] = deque()

    def collect() -> int:
        numbers, reference = out.popleft()
        for number, grade in zip(numbers, ray.get(reference), strict=True):
            store.add_grade(number, Grade.model_validate_json(grade))
        return len(numbers)

    for name in store.graders:
        grader = graders[name]
        jobs = pending(store, questions, k, grader)
        while chunk := list(islice(jobs, CHUNK)):
            packed = [(question.model_dump_json(), response.model_dump_json()) for _, (question, response) in chunk]
            worker = workers[turn % len(workers)]
            out.append(([number for number, _ in chunk], worker.grade.remote(name, grader.version, packed)))
            turn += 1
            if len(out) >= AHEAD * len(workers):
                graded += collect()
    while out:
        graded += collect()
    store.grades.sync()
    return graded
