"""Grading: only what is stale, in order, by each question's grader; and the same on Ray."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.pairs import answer, make, rows_of, sums
from judgebench import registry
from judgebench.errors import Incomplete, UsageError
from judgebench.pairs import grading
from judgebench.pairs.graders.base import Grader
from judgebench.pairs.grading import Graders, RayGrader, grade_here
from judgebench.pairs.records import Grade, Question, Response
from judgebench.pairs.store import BuildStore


class Ahead(Grader):
    """Takes three jobs before it gives the first grade back, as a pool of workers does."""

    name = "ahead"

    def grade_all(self, jobs: Iterable[tuple[Question, Response]]) -> Iterator[Grade]:
        held: list[tuple[Question, Response]] = []
        for job in jobs:
            held.append(job)
            if len(held) == 3:
                yield self.says("right", answer=held.pop(0)[1].text)
        yield from (self.says("right", answer=response.text) for _, response in held)


class Other(Grader):
    name = "other"

    def grade(self, question: Question, response: Response) -> Grade:
        return self.says("wrong", answer=response.text)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BuildStore]:
    known = {"ahead": Ahead, "other": Other}
    monkeypatch.setattr(registry, "load", lambda _group, name: known[name])
    with BuildStore(tmp_path / "b", {}) as made:
        for number in range(4):
            grader = ("ahead", "other")[number % 2]
            question = Question.make(
                key=str(number), source="s", category="c", prompt=f"{number}?", gold={}, grader=grader
            )
            made.add_question(question)
        ids = list(made.ids)
        for sample in range(3):
            for number in range(4):
                made.add_response(Response(question=ids[number], text=f"{number}/{sample}", model="m", sample=sample))
        yield made


def grades(store: BuildStore) -> dict[str, tuple[str, str | None]]:
    found = {store.response(n).text: store.grade(n) for n in range(len(store.responses))}
    return {text: (grade.outcome, grade.answer) for text, grade in found.items() if grade}


def test_every_response_gets_its_own_grade_by_its_questions_grader(store: BuildStore) -> None:
    with Graders() as graders:
        assert grade_here(store, range(4), 2, graders["ahead"]) == 4
        assert grade_here(store, range(4), 2, graders["other"]) == 4
        assert grade_here(store, range(4), 2, graders["other"]) == 0
        assert grade_here(store, range(1), 3, graders["ahead"]) == 1
    wanted = {f"{n}/{s}": ("right" if n % 2 == 0 else "wrong", f"{n}/{s}") for n in range(4) for s in range(2)}
    assert grades(store) == wanted | {"0/2": ("right", "0/2")}


def test_a_newer_version_or_another_grader_makes_a_grade_stale(
    store: BuildStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Graders() as graders:
        grade_here(store, range(4), 3, graders["other"])
        store.add_grade(1, Grade(outcome="right", grader="an old name"))
        assert grade_here(store, range(4), 3, graders["other"]) == 1
        monkeypatch.setattr(Other, "version", 2)
        assert grade_here(store, range(4), 3, graders["other"]) == 6


def test_an_interrupted_grading_keeps_what_it_had(store: BuildStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(self: Grader, question: Question, response: Response) -> Grade:
        if response.text == "3/1":
            raise KeyboardInterrupt
        return self.says("wrong")

    with Graders() as graders:
        monkeypatch.setattr(Other, "grade", breaking)
        with pytest.raises(KeyboardInterrupt):
            grade_here(store, range(4), 3, graders["other"])
        assert len(grades(store)) == 4
        monkeypatch.undo()


def test_the_sandbox_of_a_program_stays_with_its_grade(store: BuildStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Other, "sandbox_name", "a-box", raising=False)
    with Graders() as graders:
        grade_here(store, range(4), 3, graders["other"])
        grade_here(store, range(4), 3, graders["ahead"])
    found = [(store.owner(number) % 2, store.grade(number)) for number in range(len(store.responses))]
    assert {(odd, grade.sandbox) for odd, grade in found if grade} == {(1, "a-box"), (0, None)}
    assert '"sandbox":"a-box"' in RayGrader(unsafe_local=False).grade("other", 1, [_packed(store, 1)])[0]


def _packed(store: BuildStore, number: int) -> tuple[str, str]:
    return store.question(store.owner(number)).model_dump_json(), store.response(number).model_dump_json()


def test_graders_are_made_once_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Programs(Other):
        unsafe_local = False

        def close(self) -> None:
            closed.append(self.name)

    monkeypatch.setattr(registry, "load", lambda *_: Programs)
    with Graders(unsafe_local=True) as graders:
        assert graders["other"] is graders["other"]
        assert graders["other"].unsafe_local  # type: ignore[attr-defined]
    with Graders() as graders:
        assert not graders["other"].unsafe_local  # type: ignore[attr-defined]
    assert closed == ["other", "other"]


# -- Ray ---------------------------------------------------------------------------------------------------


class InProcess:
    """A Ray whose actors are objects and whose references are values; counts what waits at the same time."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    def actor(self) -> Any:
        held = RayGrader(unsafe_local=False)

        def remote(*arguments: Any) -> Any:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            return held.grade(*arguments)

        return SimpleNamespace(grade=SimpleNamespace(remote=remote))

    def get(self, reference: Any) -> Any:
        self.waiting -= 1
        return reference


def test_chunks_come_back_to_the_responses_they_were(store: BuildStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "CHUNK", 2)
    ray = InProcess()
    with Graders() as graders:
        workers = [ray.actor(), ray.actor()]
        assert grading._spread(ray, workers, store, [0, 1, 2, 3], k=9, graders=graders) == 12
        assert grading._spread(ray, workers, store, [0, 1, 2, 3], k=9, graders=graders) == 0
    assert len(grades(store)) == 12
    assert all(text == found for text, (_, found) in grades(store).items())
    assert ray.waiting == 0
    assert 1 < ray.most <= grading.AHEAD * 2


def test_a_worker_with_another_version_refuses(store: BuildStore) -> None:
    worker = RayGrader(unsafe_local=False)
    with pytest.raises(UsageError, match="grader other is version 7 there and 1 here: install the same judgebench"):
        worker.grade("other", 7, [])


def test_what_a_worker_raises_is_one_line() -> None:
    wrapped = RuntimeError("a long trace\nof many lines")
    wrapped.cause = UsageError("no sandbox here")  # type: ignore[attr-defined]
    assert isinstance(grading._gave_up(wrapped), UsageError)
    lost = grading._gave_up(RuntimeError("the actor died\nbecause"))
    assert isinstance(lost, Incomplete)
    assert str(lost) == "Ray gave up grading: RuntimeError: the actor died. The same command continues"


@pytest.mark.slow
def test_on_a_real_ray_the_same_pairs_come_out(tmp_path: Path) -> None:
    pytest.importorskip("ray")

    def say(question: str, sample: int) -> str:
        found = re.search(r"(\d+) \+", question)
        assert found
        return answer(str(2 * int(found[1]) + sample % 2), words=sample)

    here = rows_of(make(tmp_path / "here", say, sums(30)))
    there = rows_of(make(tmp_path / "there", say, sums(30), grade_with="ray"))
    assert here == there
