"""The Ray engine against a Ray of this process; tests/faults/test_ray.py has a real one, and kills parts of it."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
import ray

from factories import write_pairs
from fakes.ray import Dataset, FakeRay, fake_ray
from judgebench import evaluation
from judgebench.backends.base import Endpoint
from judgebench.backends.scripted import ScriptedBackend
from judgebench.errors import (
    Incomplete,
    JudgebenchError,
    MissingPrerequisite,
    PermanentError,
    RunError,
    TransientError,
    UsageError,
)
from judgebench.evaluation import Evaluation, evaluate, prepare
from judgebench.hashing import sha256
from judgebench.prices import Price
from judgebench.records import Reply, Usage
from judgebench.rescore import rescore
from judgebench.run import ray as engine
from judgebench.run.worker import Desk

__all__ = ["fake_ray"]
PAIRS = 60
TRIALS = 2 * PAIRS
IN_FLIGHT = 2 * engine.AT_ONCE * 4
"""Calls of two workers with a concurrency of 4."""
SEEN: Counter[str] = Counter()
"""Requests by content, as the workers' backends saw them: they are threads of this process."""


def said(request: Any) -> str:
    text = request.model_dump_json()
    SEEN[text] += 1
    lot = int(sha256(text.encode())[:4], 16)
    return "nothing to read here" if lot % 11 == 0 else f"Because.\nVerdict: {'AB'[lot % 2]}"


def scripted(script: Any = said, latency: float = 0.0) -> ScriptedBackend:
    return ScriptedBackend.from_function(script, latency)


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()
    ANSWERED.clear()


@pytest.fixture
def task(tmp_path: Path) -> str:
    return str(write_pairs(tmp_path / "pairs.jsonl", PAIRS))


def judged(task: str, runs: Path, backend: Any = None, **options: Any) -> Evaluation:
    return evaluate("pairwise", task, backend=backend or scripted(), runs=str(runs), **{"engine": "ray"} | options)


def lines(runs: Path, kind: str) -> list[dict[str, Any]]:
    (path,) = runs.glob("*/*/*/journal.jsonl")
    return [line for line in map(orjson.loads, path.read_bytes().splitlines()) if line["kind"] == kind]


def verdicts(done: Evaluation) -> bytes:
    return (done.directory / "verdicts.jsonl").read_bytes()


def test_everything_is_as_with_the_local_engine(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    local = judged(task, tmp_path / "local", engine="local")
    spread = judged(task, tmp_path / "ray")
    assert verdicts(spread) == verdicts(local)
    assert spread.directory.relative_to(tmp_path / "ray") == local.directory.relative_to(tmp_path / "local")
    assert spread.result.counts == local.result.counts
    assert spread.metrics == local.metrics
    assert spread.result.usage == local.result.usage
    for kind in ("reply", "judgment"):
        one, two = (sorted(map(_untimed, lines(tmp_path / runs, kind))) for runs in ("local", "ray"))
        assert one == two
    assert spread.result.environment.backend == {"ray": "0.0"}
    assert set(SEEN.values()) == {2}


def _untimed(line: dict[str, Any]) -> bytes:
    record = line.get("reply") or line["judgment"]
    record.pop("seconds", None)
    return orjson.dumps(line, option=orjson.OPT_SORT_KEYS)


def test_replies_stand_before_their_judgment(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    judged(task, tmp_path / "runs")
    (path,) = (tmp_path / "runs").glob("*/*/*/journal.jsonl")
    told = set()
    for line in map(orjson.loads, path.read_bytes().splitlines()):
        if line["kind"] == "reply":
            told.add(line["trial"])
        else:
            assert line["trial"] in told


def test_recorded_replies_can_be_read_again(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    done = evaluate("pairwise", task, model="scripted/demo", runs=str(tmp_path / "runs"), engine="ray")
    rescored = rescore(done.directory)
    assert len(rescored.judgments) == TRIALS
    assert not rescored.changes


def test_a_finished_run_needs_no_ray(task: str, tmp_path: Path) -> None:
    local = judged(task, tmp_path / "runs", engine="local")
    again = judged(task, tmp_path / "runs", ray_address="127.0.0.1:1")
    assert again.result == local.result
    assert sum(SEEN.values()) == TRIALS


def test_a_lost_worker_costs_no_trial_and_no_duplicate(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    local = judged(task, tmp_path / "local", engine="local")
    fake_ray.losses = {1: 1, 5: 3}
    spread = judged(task, tmp_path / "ray")
    assert verdicts(spread) == verdicts(local)
    judgments = [line["trial"] for line in lines(tmp_path / "ray", "judgment")]
    assert len(judgments) == len(set(judgments)) == TRIALS
    size = engine.batch_size(TRIALS, 2, 16)
    assert sum(SEEN.values()) == TRIALS + TRIALS + 4 * size, "what the lost had judged is asked again, nothing else"


def test_a_batch_that_kills_every_worker_ends_the_run(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    fake_ray.losses = {3: engine.MOST_LOSSES}
    with pytest.raises(Incomplete, match=r"5 workers died one after the other over the batch that begins with item"):
        judged(task, tmp_path / "runs")
    fake_ray.losses = {}
    assert judged(task, tmp_path / "runs").result.counts.trials == TRIALS


ANSWERED: list[str] = []


def refusing(request: Any) -> Any:
    """Answer some forty times, then refuse the key."""
    if len(ANSWERED) >= 40:
        return PermanentError("openai refused the key (401)")
    ANSWERED.append(text := said(request))
    return text


def test_a_permanent_error_stops_the_run_once_with_its_message(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"^openai refused the key \(401\)$"):
        judged(task, tmp_path / "runs", scripted(refusing))
    paid = len(lines(tmp_path / "runs", "reply"))
    assert 40 <= paid == len(ANSWERED) < TRIALS, "what was answered before is kept"
    SEEN.clear()
    assert judged(task, tmp_path / "runs", engine="local").result.counts.trials == TRIALS
    assert sum(SEEN.values()) == TRIALS - paid, "and counts for the other engine"


def failing(request: Any) -> Any:
    text = said(request)
    return TransientError("the server hiccups") if "What is 7 +" in request.model_dump_json() else text


def test_what_fails_for_a_while_is_left_for_the_next_run(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match=r"118 of 120 judged; 2 failed after all retries \(the server hiccups\)"):
        judged(task, tmp_path / "runs", scripted(failing), max_attempts=1)
    assert len(lines(tmp_path / "runs", "judgment")) == TRIALS - 2
    SEEN.clear()
    assert judged(task, tmp_path / "runs").result.counts.trials == TRIALS
    assert sum(SEEN.values()) == 2


def down(_request: Any) -> Any:
    return TransientError("the server is down")


def test_a_server_that_answers_nobody_ends_the_run(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match=r"calls in a row failed after all retries, the last one with: the server is"):
        judged(task, tmp_path / "runs", scripted(down), max_attempts=1, concurrency=4)


def crashing(view: Any) -> str:
    if "What is 9 +" in view.question:
        raise ZeroDivisionError("so sorry")
    return "A"


def test_a_crash_of_the_judge_is_not_its_verdict(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match=r"the judge crashed on item [0-9a-f]{16}: ZeroDivisionError: so sorry"):
        evaluate(crashing, task, runs=str(tmp_path), engine="ray")


class Priced(ScriptedBackend):
    """A cent for every reply."""

    cacheable = True

    def price(self) -> Price:
        return Price(input=0.0, output=10_000.0, as_of="today", source="the test")


def cent(request: Any) -> Reply:
    return Reply(text=said(request), usage=Usage(input=1, output=1))


def test_max_cost_stops_in_order_and_continues(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    backend = Priced(Endpoint(model="m", options={"latency": 0.01}), cent)
    options = {"concurrency": 4, "cache": False}
    with pytest.raises(Incomplete, match=r"stopped at \$0\.\d+ of --max-cost 0\.5: \d+ of 120 judged") as caught:
        judged(task, tmp_path / "runs", backend, max_cost=0.5, **options)
    assert caught.value.exit_code == 3
    paid = sum(SEEN.values())
    assert 50 <= paid <= 50 + IN_FLIGHT, "no more than what was in flight"
    assert len(lines(tmp_path / "runs", "reply")) == paid
    with pytest.raises(Incomplete, match=r"stopped at"):
        judged(task, tmp_path / "runs", backend, max_cost=0.6, **options)
    assert sum(SEEN.values()) - paid <= max(0, 60 - paid) + IN_FLIGHT, "earlier sessions count"
    done = judged(task, tmp_path / "runs", backend, max_cost=5.0, **options)
    assert sum(SEEN.values()) == TRIALS
    assert done.result.cost == pytest.approx(TRIALS / 100)


def test_a_sum_that_travels_slowly_lets_no_further_call_start(
    fake_ray: FakeRay, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay = Desk.pay

    async def late(desk: Desk, cost: float) -> float:
        spent = await pay(desk, cost)
        await asyncio.sleep(0.05)
        return spent

    monkeypatch.setattr(Desk, "pay", late)
    with pytest.raises(Incomplete, match="stopped at"):
        judged(task, tmp_path, Priced(Endpoint(model="m"), cent), max_cost=0.5, concurrency=1, cache=False)
    assert 50 <= sum(SEEN.values()) <= 50 + IN_FLIGHT / 4


def test_workers_share_a_cache_and_say_what_it_saved(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    backend = Priced(Endpoint(model="m"), cent)
    first = judged(task, tmp_path / "one", backend)
    second = judged(task, tmp_path / "two", backend)
    assert sum(SEEN.values()) == TRIALS
    assert verdicts(first) == verdicts(second)
    assert second.result.cost == 0.0


def best_of_four(path: Path, count: int) -> str:
    """Write items of four responses: a judge of pairs lets them meet twelve times."""
    rows = [
        {
            "id": str(number), "prompt": f"Name a prime above {number}.", "chosen": [f"{number} has a larger prime"],
            "rejected": ["four", "six", "eight"], "num_correct": 1, "total_completions": 4, "subset": "Math",
            "num_incorrect": 3, "models": ["a", "b", "c", "d"], "additional_metadata": {},
        }
        for number in range(count)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


def test_an_interrupted_compound_judge_pays_nothing_twice(fake_ray: FakeRay, tmp_path: Path) -> None:
    options = {"data": best_of_four(tmp_path / "four.jsonl", 4), "concurrency": 1}
    with pytest.raises(PermanentError):
        judged("rewardbench2", tmp_path / "runs", scripted(refusing), **options)
    paid, whole = (len(lines(tmp_path / "runs", kind)) for kind in ("reply", "judgment"))
    assert paid > 12 * whole, "some trial was interrupted in the middle"
    SEEN.clear()
    done = judged("rewardbench2", tmp_path / "runs", **options)
    assert done.result.counts.trials == 4
    assert sum(SEEN.values()) == 4 * 12 - paid
    assert verdicts(done) == verdicts(judged("rewardbench2", tmp_path / "local", engine="local", **options))


def test_ctrl_c_brings_home_what_was_paid(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    plan = prepare(
        "pairwise", task, backend=scripted(latency=0.02), runs=str(tmp_path / "runs"), engine="ray", concurrency=4
    )

    async def interrupted() -> None:
        running = asyncio.create_task(evaluation.run(plan))
        while sum(SEEN.values()) < 30:  # noqa: ASYNC110 - other threads count
            await asyncio.sleep(0.01)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    kept = len(lines(tmp_path / "runs", "reply"))
    assert sum(SEEN.values()) - IN_FLIGHT <= kept < TRIALS, "only what was in flight is lost"
    SEEN.clear()
    assert judged(task, tmp_path / "runs").result.counts.trials == TRIALS
    assert sum(SEEN.values()) == TRIALS - kept


def test_all_workers_keep_one_pace(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    judged(task, tmp_path / "runs", rpm=1000, tpm=10_000_000)
    (desk,) = fake_ray.actors
    assert len(desk._pace._started) == TRIALS
    assert sum(tokens for _, tokens in desk._pace._used) > 100 * TRIALS


def test_the_progress_line_tells_how_much_of_the_cluster_is_at_work(
    fake_ray: FakeRay, task: str, tmp_path: Path
) -> None:
    shown = set()

    class Watched(engine.RayEngine):
        def _show(self) -> None:
            super()._show()
            shown.add((self.means.tally.where, self.means.limiter.in_flight))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "RayEngine", Watched)
        judged(task, tmp_path / "runs", scripted(latency=0.001))
    assert "2 workers on 1 node" in {where for where, _ in shown}
    assert max(flying for _, flying in shown) >= 2 * engine.batch_size(TRIALS, 2, 16)


def test_the_plan_stays_a_stream(fake_ray: FakeRay, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    record = engine.RayEngine._record

    def counted(self: engine.RayEngine, row: Any) -> None:
        held.append(sum(len(batch.trials) for batch in self._out.values()))
        record(self, row)

    monkeypatch.setattr(engine.RayEngine, "_record", counted)
    done = judged(task, tmp_path / "runs", repeats=20)
    assert done.result.counts.trials == 20 * TRIALS
    assert max(held) <= 3 * 2 * engine.AT_ONCE * engine.LEAST_BATCH < 20 * TRIALS / 3


def test_nothing_goes_missing_in_silence(
    fake_ray: FakeRay, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_ray.data, "from_items", lambda tickets, **_: Dataset(fake_ray, tickets[:-2]))
    with pytest.raises(Incomplete, match=r"16 trials never came back from the cluster"):
        judged(task, tmp_path / "runs")


@pytest.mark.parametrize(
    ("trials", "workers", "concurrency", "size"),
    [(10_000, 4, 16, 64), (100, 4, 16, 4), (1, 8, 16, 1), (10_000, 4, 256, 256), (10_000_000, 4, 16, 500)],
)
def test_a_batch_keeps_a_worker_busy_and_can_be_lost(trials: int, workers: int, concurrency: int, size: int) -> None:
    assert engine.batch_size(trials, workers, concurrency) == size


def test_what_was_asked_for_reaches_ray(fake_ray: FakeRay, task: str, tmp_path: Path) -> None:
    fake_ray.resources = {"CPU": 8.0, "GPU": 2.0}
    judged(task, tmp_path / "runs", workers=(2, 3), worker_cpus=0.5, worker_gpus=0.5)
    compute = fake_ray.asked_for["compute"]
    assert (compute.min_size, compute.max_size, compute.initial_size) == (2, 3, 3)
    assert (fake_ray.asked_for["num_cpus"], fake_ray.asked_for["num_gpus"]) == (0.5, 0.5)


def lost(_self: Any) -> Any:
    raise ray.exceptions.RayError("the head node is gone\nTraceback, much longer")


def test_ray_gives_up_in_one_line(
    fake_ray: FakeRay, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dataset, "iter_internal_ref_bundles", lost)
    with pytest.raises(
        Incomplete, match=r"^Ray gave up: RayError: the head node is gone\. Nothing in the journal is lost"
    ):
        judged(task, tmp_path / "runs")


def test_a_worker_without_judgebench_is_a_missing_prerequisite() -> None:
    error = engine._gave_up(RuntimeError("The actor died\n  ModuleNotFoundError: No module named 'judgebench'\n"))
    assert isinstance(error, MissingPrerequisite)
    assert str(error).endswith("No module named 'judgebench'. Install it on every node")


@pytest.mark.parametrize(("name", "kind"), [("UsageError", UsageError), ("DataError", RunError), ("Unheard", RunError)])
def test_a_workers_error_arrives_as_what_it_was(name: str, kind: type[JudgebenchError]) -> None:
    error = engine._revived(name, "because")
    assert type(error) is kind
    assert str(error) == "because"
