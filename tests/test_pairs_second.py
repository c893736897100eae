"""Second opinions: who is asked about, what is kept, and what disagreement does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fakes.pairs import answer, make, rows_of, sums
from judgebench.backends.scripted import ScriptedBackend
from judgebench.errors import Incomplete, MissingPrerequisite, TransientError, UsageError
from judgebench.pairs import second
from judgebench.pairs.graders.strings import String
from judgebench.pairs.records import Grade, Question, Response
from judgebench.records import ChatRequest, Message


class Echo:
    """Asks 'is ANSWER right for QUESTION?', and reads yes, no or anything else."""

    def __init__(self, ask: Any) -> None:
        self.ask = ask

    async def agrees(self, question: Question, response: Response, grade: Grade) -> bool | None:
        text = f"{question.key} {grade.answer} {grade.outcome}"
        reply = await self.ask(ChatRequest(messages=(Message(role="user", content=text),)))
        return {"yes": True, "no": False}.get(reply.text or "")


def say(question: str, sample: int) -> str:
    """Right with even samples, wrong with odd ones, no answer with the fifth."""
    found = re.search(r"(\d+) \+", question)
    assert found
    return answer(str(2 * int(found[1]) + sample % 2), words=sample) if sample < 4 else "I pass."


class World:
    """Builds with a scripted second grader that counts what it is asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.says: Any = lambda _text: "yes"
        monkeypatch.setattr(second, "second_grader", lambda: Echo)
        monkeypatch.setattr(second, "build_backend", lambda *_, **__: ScriptedBackend.from_function(self._answer))

    def _answer(self, request: Any) -> Any:
        self.asked.append(request.messages[0].content)
        return self.says(self.asked[-1])

    def build(self, count: int = 2, **options: Any) -> Any:
        return make(self.folder, say, sums(count), k=5, second_grader="openai/judge", **options)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_only_right_and_wrong_responses_are_asked_about_and_only_once(world: World) -> None:
    written = world.build()
    assert len(world.asked) == 8
    assert {text.split()[2] for text in world.asked} == {"right", "wrong"}
    assert written.counts.total.pairs == 2
    world.build()
    assert len(world.asked) == 8
    lines = (world.folder / "out" / "build" / "seconds.jsonl").read_text("utf-8").splitlines()
    assert {(line["agrees"], line["model"]) for line in map(json.loads, lines)} == {(True, "openai/judge")}


def test_who_disagrees_or_cannot_say_drops_the_response(world: World) -> None:
    world.says = lambda text: "no" if text == "q0 1 wrong" else "hm" if text == "q1 2 right" else "yes"
    written = world.build(3)
    assert [row["original_id"] for row in rows_of(written)] == ["q2"]
    total = written.counts.total
    assert total.reasons == {"no wrong response": 1, "no right response": 1}
    assert total.outcomes == {
        "right": 4, "wrong": 4, "format_fail": 3, "second grader disagrees": 2, "second grader cannot say": 2,
    }  # fmt: skip
    sheet = written.sheet.read_text("utf-8")
    assert "| all | response: second grader disagrees | 2 |" in sheet
    assert "| second grader | openai/judge |" in sheet
    assert rows_of(written)[0]["origin"]["pass_rate"] == 0.5


def test_another_model_and_another_grade_are_asked_about_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.build(1)
    make(world.folder, say, sums(1), k=5, second_grader="openai/other")
    assert len(world.asked) == 8
    world.build(1)
    assert len(world.asked) == 8
    monkeypatch.setattr(String, "version", String.version + 1)
    world.build(1)
    assert len(world.asked) == 8, "the same grade by a newer version is the same grade"
    monkeypatch.setattr(String, "version", String.version + 1)
    monkeypatch.setattr(String, "accepts", lambda *_: True)
    world.build(1)
    assert len(world.asked) == 10, "what was wrong is right now"


def test_a_failure_leaves_the_rest_for_the_next_time(world: World) -> None:
    world.says = lambda text: TransientError("tired") if text == "q0 1 wrong" else "yes"
    with pytest.raises(Incomplete, match=r"6 of 8 second opinions are there; 2 failed .*\(tired\)"):
        world.build(max_attempts=1)
    world.says = lambda _text: "yes"
    world.asked.clear()
    assert world.build().counts.total.pairs == 2
    assert world.asked == ["q0 1 wrong"] * 2


def test_what_the_second_grader_lacks_is_known_before_anyone_is_asked(tmp_path: Path) -> None:
    def nobody(_question: str, _sample: int) -> str:
        raise AssertionError("asked")

    with pytest.raises(MissingPrerequisite, match="OPENAI_API_KEY"):
        make(tmp_path, nobody, second_grader="openai/gpt-4o-mini")
    with pytest.raises(UsageError, match="names no provider"):
        make(tmp_path, nobody, second_grader="gpt-4o-mini")
    with pytest.raises(UsageError, match="no price is known for scripted/demo"):
        make(tmp_path, nobody, second_grader="scripted/demo", max_cost=1.0)
