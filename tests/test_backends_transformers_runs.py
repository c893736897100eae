"""Whole runs on the transformers backend: replies kept, and memory that runs out on the way."""

import shutil
from pathlib import Path

import pytest
import torch

from factories import write_pairs
from fakes.tiny_backends import ASKED, TOLERANCE, allocator, ask, backend_of, scored, spoken
from fakes.tiny_models import make_tiny
from judgebench import evaluate, registry
from judgebench.backends.local.generating import Generator
from judgebench.backends.transformers import MOST_TOKENS, unload
from judgebench.cache import address
from judgebench.errors import TransientError
from judgebench.records import Sampling, TextRequest


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _cold():
    yield
    unload()


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return str(make_tiny(tmp_path_factory.mktemp("tiny") / "llama", "llama"))


@pytest.fixture(scope="module")
def reward(tmp_path_factory):
    return str(make_tiny(tmp_path_factory.mktemp("tiny") / "reward", "llama", "sequence-classification"))


# -- memory ----------------------------------------------------------------------------------------------


def test_running_out_of_memory_costs_no_reply(llama, monkeypatch):
    expected = spoken(ask(backend_of(llama), *ASKED))
    failures = allocator(monkeypatch, 300)
    backend = backend_of(llama)
    assert spoken(ask(backend, *ASKED)) == expected
    assert 1 <= len(failures) <= 8
    facts = backend.describe()
    assert facts["out_of_memory"] == len(failures)
    assert facts["batch_tokens"] < MOST_TOKENS


def test_a_request_too_long_for_the_memory_fails_alone_with_advice(llama, monkeypatch):
    allocator(monkeypatch, 300)
    long = TextRequest(prompt="x" * 400, sampling=Sampling(max_tokens=8))
    *fine, failed = ask(backend_of(llama), *ASKED, long)
    assert all(reply.text for reply in fine)
    assert isinstance(failed, TransientError)
    assert "a request of 409 tokens alone does not fit into memory" in str(failed)
    assert "--quantization 4bit" in str(failed)


def test_out_of_memory_in_the_middle_of_a_run_costs_no_trial(llama, monkeypatch, tmp_path):
    failures = allocator(monkeypatch, 3000)
    write_pairs(tmp_path / "pairs.jsonl", 10)
    done = evaluate(
        "pairwise", str(tmp_path / "pairs.jsonl"), model=f"transformers/{llama}", runs=str(tmp_path / "runs"),
        sampling=Sampling(max_tokens=4), cache=False,
    )  # fmt: skip
    assert failures
    assert done.result.counts.trials == 20
    assert done.result.environment.backend["out_of_memory"] == len(failures)


def test_reward_models_survive_it_too(reward, monkeypatch):
    requests = [scored("four", "five " * n) for n in range(12)]
    expected = [reply.scores for reply in ask(backend_of(reward), *requests)]
    head = registry.load("heads", "sequence-classification")
    numbers, failures = head.numbers, []

    def guarded(self, rows):
        cells = max(map(len, rows)) * len(rows)
        if cells > 200:
            failures.append(cells)
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return numbers(self, rows)

    monkeypatch.setattr(head, "numbers", guarded)
    found = [reply.scores for reply in ask(backend_of(reward), *requests)]
    assert failures
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=TOLERANCE)


# -- whole runs ------------------------------------------------------------------------------------------


def test_a_run_keeps_its_completed_replies_for_the_next_one(llama, monkeypatch, tmp_path):
    write_pairs(tmp_path / "pairs.jsonl", 6)
    generate, replies = Generator.generate, []
    monkeypatch.setattr(
        Generator, "generate", lambda self, jobs: (found := generate(self, jobs), replies.extend(found))[0]
    )

    def run(runs):
        replies.clear()
        done = evaluate(
            "pairwise", str(tmp_path / "pairs.jsonl"), model=f"transformers/{llama}", runs=str(tmp_path / runs),
            sampling=Sampling(max_tokens=12, stop=tuple("aeiou 0123456789")),
        )  # fmt: skip
        return done.result, [reply.finish for reply in replies]

    first, finishes = run("one")
    assert {"stop", "length"} == set(finishes), "or this test shows nothing"
    facts = first.environment.backend
    assert facts["device"] == "cpu"
    assert first.environment.packages.keys() >= {"torch", "transformers"}
    second, asked_again = run("two")
    assert asked_again == ["length"] * finishes.count("length")
    assert second.counts == first.counts


def test_a_folder_whose_files_change_is_another_model(llama, tmp_path):
    folder = Path(shutil.copytree(llama, tmp_path / "model"))
    place = address(backend_of(str(folder)), ASKED[0], 0, 0)
    assert place == address(backend_of(str(folder)), ASKED[0], 0, 0)
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    assert place != address(backend_of(str(folder)), ASKED[0], 0, 0)
    assert "files" not in backend_of("some/model").identity


def test_a_reward_model_judges_a_task_whatever_dtype_was_asked_for(reward, tmp_path):
    write_pairs(tmp_path / "pairs.jsonl", 6)
    done = evaluate(
        "reward-model", str(tmp_path / "pairs.jsonl"), model=f"transformers/{reward}", runs=str(tmp_path / "runs"),
        dtype="bfloat16", cache=False,
    )  # fmt: skip
    assert done.result.counts.verdicts == 6
    facts = done.result.environment.backend
    assert facts.items() >= {"head": "sequence-classification", "dtype": "bfloat16"}.items()
