"""What a worker builds is what the driver planned, with the worker's own keys."""

import asyncio
import pickle
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from factories import write_pairs
from fakes.ray import FakeRay, fake_ray
from judgebench.backends.scripted import ScriptedBackend
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.evaluation import Plan, evaluate, prepare
from judgebench.judges.convert import RoundRobin
from judgebench.judges.pairwise import Pairwise
from judgebench.recipe import Recipe, recipe_of
from judgebench.records import Turn, View
from judgebench.run.ray import _pickled

__all__ = ["fake_ray"]
KEY = "sk-Very-Secret-0123456789abcdef"


@pytest.fixture
def task(tmp_path: Path) -> str:
    return str(write_pairs(tmp_path / "pairs.jsonl", 4))


def planned(judge: Any, task: str, **options: Any) -> Plan:
    return prepare(judge, task, **options)


def travelled(plan: Plan) -> Recipe:
    """Return the recipe of a plan as another process gets it."""
    recipe: Recipe = pickle.loads(_pickled(recipe_of(plan)))
    return recipe


def test_a_cards_judge_is_built_anew_with_its_model(task: str) -> None:
    plan = planned("pairwise", task, model="scripted/demo", concurrency=5)
    recipe = travelled(plan)
    judge, models = recipe.build()
    assert isinstance(judge, Pairwise)
    assert judge.card == plan.named.card
    assert plan.default_backend is not None
    assert models.get(None).identity == plan.default_backend.identity
    assert models.get("scripted/demo").endpoint.model == "demo"
    assert recipe.concurrency == 5
    assert recipe.judge is None
    assert recipe.backend is None


def test_its_conversion_is_built_too(task: str) -> None:
    plan = replace(planned("pairwise", task, model="scripted/demo"))
    recipe = replace(recipe_of(plan), counts=frozenset({3}))
    judge, _ = recipe.build()
    assert isinstance(judge, RoundRobin)


def shorter(question: str, one: str, two: str) -> str:
    return "A" if len(one) <= len(two) else "B"


def test_what_was_handed_in_travels_itself(task: str) -> None:
    judge, models = travelled(planned(shorter, task)).build()
    view = View(turns=(Turn(role="user", content="?"),), responses=("four", "five!"))
    found = asyncio.run(judge.judge(view, None))
    assert found.preference == "A>B"
    assert models.default is None
    backend = ScriptedBackend.from_function(print)
    _, models = travelled(planned("pairwise", task, backend=backend)).build()
    assert models.get(None)._script is print


LOCK = threading.Lock()


@pytest.mark.parametrize(
    ("judge", "backend", "what"),
    [
        (partial(shorter, one=LOCK), None, "judge"),
        ("pairwise", ScriptedBackend.from_function(LOCK.acquire), "backend"),
    ],
)
def test_what_cannot_travel_is_refused_in_one_line(judge: Any, backend: Any, what: str, task: str) -> None:
    with pytest.raises(UsageError) as caught:
        travelled(planned(judge, task, backend=backend))
    assert str(caught.value).startswith(f"this {what} cannot be sent to the workers of a Ray cluster: cannot pickle")
    assert "\n" not in str(caught.value)


def test_no_key_travels(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    plan = planned("pairwise", task, model="openai/gpt-4o-mini")
    assert plan.default_backend is not None
    plan.default_backend.check()
    assert KEY.encode() not in _pickled(recipe_of(plan))


def test_every_process_finds_its_own_key(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = travelled(planned("pairwise", task, model="openai/gpt-4o-mini"))
    with pytest.raises(MissingPrerequisite, match="openai needs a key"):
        recipe.build()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    _, models = recipe.build()
    assert models.get(None).key() == KEY


def test_an_environment_that_names_another_server_is_refused(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    recipe = travelled(planned("pairwise", task, model="openai/gpt-4o-mini"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(UsageError, match=r"^openai/gpt-4o-mini would be asked at another address there than here"):
        recipe.build()


def test_another_version_of_judgebench_is_refused(task: str) -> None:
    recipe = replace(recipe_of(planned("pairwise", task, model="scripted/demo")), version="0.0.1")
    with pytest.raises(UsageError, match=r"^judgebench is \S+ there and 0\.0\.1 here: install the same everywhere$"):
        recipe.build()


def test_a_worker_says_where_something_is_missing(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match=r"^openai needs a key\. .* \(on a worker of the Ray cluster\)$"):
        evaluate("pairwise", task, model="openai/m", runs=str(tmp_path), engine="ray", ray_address="auto")


def test_a_cluster_of_our_own_is_not_started_for_a_missing_key(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match=r"^openai needs a key\. Type: export OPENAI_API_KEY=…$"):
        evaluate("pairwise", task, model="openai/m", runs=str(tmp_path), engine="ray")
    assert not fake_ray.actors
