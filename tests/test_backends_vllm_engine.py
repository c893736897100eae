"""vLLM's engine in this process, over a fake: one loop of its own, kept warm, started again, and what its errors mean."""

import asyncio
import json
import time

import pytest

from fakes.vllm import EngineDeadError, Said, VLLMClientError
from fakes.vllm_calls import answer, chat, endpoint, fake_vllm, until
from judgebench.backends import vllm_engine
from judgebench.backends.base import build
from judgebench.backends.vllm import VLLMBackend
from judgebench.errors import MissingPrerequisite, PermanentError, TransientError, UsageError
from judgebench.judges.card import Weights
from judgebench.records import TextRequest

__all__ = ["fake_vllm"]


# -- how it runs ----


def test_nothing_is_loaded_before_the_first_request_and_once_for_many(vllm):
    backend = VLLMBackend(endpoint())
    backend.check()
    assert vllm.engines == []
    answer([chat(f"question {n}") for n in range(50)])
    assert len(vllm.engines) == 1
    assert vllm.engines[0].thread == "judgebench-vllm", "the loop that asks never waits for weights"


def test_requests_join_as_they_come_and_run_together(vllm):
    vllm.script = lambda asked: Said("A", after=1.0)
    started = time.perf_counter()
    answer([chat(f"question {n}") for n in range(100)])
    assert time.perf_counter() - started < 20, "one after the other they take 100 s"
    assert vllm.peak > 50
    assert len({asked.name for asked in vllm.asked}) == 100
    assert VLLMBackend.concurrency >= 1024


def test_a_short_request_does_not_wait_for_a_long_one(vllm):
    vllm.script = lambda asked: Said("A", after=30 if len(asked.ids) > 100 else 0)

    async def go():
        backend = VLLMBackend(endpoint())
        long = asyncio.create_task(backend.complete(chat("x" * 200)))
        await until(lambda: vllm.asked)
        reply = await asyncio.wait_for(backend.complete(chat("x")), 10)
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
        await backend.aclose()
        return reply

    assert asyncio.run(go()).text == "A"


def test_a_cancelled_request_is_taken_off_the_engine(vllm):
    vllm.script = lambda asked: Said("A", after=30)

    async def go():
        backend = VLLMBackend(endpoint())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(backend.complete(chat()), 0.5)
        await until(lambda: vllm.aborted)
        await backend.aclose()

    asyncio.run(go())
    assert vllm.aborted == [vllm.asked[0].name]


# -- engines stay warm -----------------------------------------------------------------------------------


def test_the_next_run_finds_the_engine_warm(vllm):
    answer(chat())
    answer(chat("another run, another event loop"))
    assert len(vllm.engines) == 1
    assert not vllm.engines[0].down


def test_an_engine_with_other_arguments_ends_the_idle_one_first(vllm):
    answer(chat())
    answer(chat(), revision="2")
    assert [engine.down for engine in vllm.engines] == [True, False]


def test_two_backends_of_one_run_do_not_end_each_other(vllm):
    async def go():
        one, two = VLLMBackend(endpoint()), VLLMBackend(endpoint(model="owner/other"))
        await asyncio.gather(one.complete(chat()), two.complete(chat()))
        downs = [engine.down for engine in vllm.engines]
        await one.complete(chat())
        await asyncio.gather(one.aclose(), two.aclose())
        return downs

    assert asyncio.run(go()) == [False, False]
    assert len(vllm.engines) == 2


def test_all_engines_end_with_the_process(vllm):
    answer(chat())
    vllm_engine.stop_all()
    vllm_engine.stop_all()
    assert vllm.engines[0].down


# -- adapters ----------------------------------------------------------------------------------------------


def adapter(tmp_path, **config):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 24, "rank_pattern": {"layer.1": 40}} | config))
    return Weights(adapter=str(tmp_path))


def test_an_adapter_is_applied_to_every_request(vllm, tmp_path):
    answer([chat("one"), chat("two")], weights=adapter(tmp_path))
    args = vllm.engines[0].args
    assert (args.enable_lora, args.max_lora_rank) == (True, 64)
    assert {asked.lora.lora_path for asked in vllm.asked} == {str(tmp_path)}
    answer(chat(), weights=Weights())
    assert vllm.engines[1].args.enable_lora is False
    assert vllm.asked[-1].lora is None


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"r": 1024}, "has rank 1024, beyond 512"),
        ({"modules_to_save": ["score", "embed_tokens"]}, "replaces the whole of embed_tokens"),
        ({"use_dora": True}, "is a DoRA"),
    ],
)
def test_an_adapter_that_vllm_cannot_apply(vllm, tmp_path, config, reason):
    with pytest.raises(UsageError, match=f"{reason}, which vLLM cannot apply"):
        answer(chat(), weights=adapter(tmp_path, **config))
    assert vllm.engines == []


def test_an_adapter_that_is_not_there(vllm, tmp_path):
    with pytest.raises((PermanentError, MissingPrerequisite), match="the adapter of"):
        answer(chat(), weights=Weights(adapter=str(tmp_path)))


# -- failures ------------------------------------------------------------------------------------------------


def test_without_vllm_one_line_says_what_to_type(monkeypatch):
    monkeypatch.setattr("judgebench.backends.vllm.find_spec", lambda name: None)
    with pytest.raises(MissingPrerequisite, match=r"pip install 'judgebench\[vllm\]'") as caught:
        build("vllm/owner/judge").check()
    assert "\n" not in str(caught.value)


def test_an_engine_that_cannot_start_is_not_tried_again_in_this_run(vllm):
    vllm.refuse_start = RuntimeError("Engine core initialization failed. See root cause above.\nmore")

    async def go():
        backend = VLLMBackend(endpoint())
        found = await asyncio.gather(*(backend.complete(chat(str(n))) for n in range(5)), return_exceptions=True)
        vllm.refuse_start = None
        again = await asyncio.gather(backend.complete(chat()), return_exceptions=True)
        await backend.aclose()
        return found + again

    failures = asyncio.run(go())
    assert {type(failure) for failure in failures} == {PermanentError}
    (message,) = {str(failure) for failure in failures}
    assert "vLLM cannot start owner/judge: Engine core initialization failed" in message
    assert "gpu_memory_utilization=" in message
    assert "\n" not in message
    assert answer(chat()).text == "Verdict: A", "the next run may try again"


def test_an_engine_that_dies_is_started_again_a_few_times(vllm):
    vllm.script = lambda asked: EngineDeadError("died")

    async def go():
        backend = VLLMBackend(endpoint())
        found = [(await asyncio.gather(backend.complete(chat()), return_exceptions=True))[0] for _ in range(5)]
        await backend.aclose()
        return found

    failures = asyncio.run(go())
    assert [type(failure) for failure in failures] == [TransientError] * 2 + [PermanentError] * 3
    assert len(vllm.engines) == 3
    assert "died 3 times" in str(failures[-1])
    assert "max_num_seqs=" in str(failures[-1])


def test_requests_that_die_together_are_one_death(vllm):
    vllm.script = lambda asked: Said("A", after=30)

    async def go():
        backend = VLLMBackend(endpoint())
        waiting = [asyncio.create_task(backend.complete(chat(str(n)))) for n in range(20)]
        await until(lambda: vllm.running == 20)
        vllm.engines[0].die()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        vllm.script = lambda asked: Said("A")
        reply = await backend.complete(chat())
        await backend.aclose()
        return found, reply

    failures, reply = asyncio.run(go())
    assert {type(failure) for failure in failures} == {TransientError}
    assert reply.text == "A"
    assert len(vllm.engines) == 2


def test_an_engine_that_died_once_goes_on(vllm):
    deaths = iter([EngineDeadError("out of memory")])
    vllm.script = lambda asked: next(deaths, Said("A"))

    async def go():
        backend = VLLMBackend(endpoint())
        with pytest.raises(TransientError, match="is started again"):
            await backend.complete(chat())
        reply = await backend.complete(chat())
        await backend.aclose()
        return reply

    assert asyncio.run(go()).text == "A"
    assert [engine.down for engine in vllm.engines] == [True, False]


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (VLLMClientError("no such thing"), PermanentError, "vLLM refuses a request: no such thing"),
        (ValueError("bad value\nmore"), PermanentError, "vLLM refuses a request: bad value"),
        (RuntimeError("worker stumbled"), TransientError, "RuntimeError: worker stumbled"),
    ],
)
def test_a_request_that_fails_takes_no_other_with_it(vllm, error, kind, message):
    vllm.script = lambda asked: error if len(asked.ids) > 30 else Said("A")

    async def go():
        backend = VLLMBackend(endpoint())
        requests = [chat("x" * 50), chat("short"), chat("too")]
        found = await asyncio.gather(*map(backend.complete, requests), return_exceptions=True)
        await backend.aclose()
        return found

    failure, *replies = asyncio.run(go())
    assert type(failure) is kind
    assert str(failure).endswith(message)
    assert [reply.text for reply in replies] == ["A", "A"]


def test_a_prompt_beyond_the_window_says_what_to_do(vllm):
    with pytest.raises(PermanentError, match=r"length 121.*maximum model length of 60.*set `context`"):
        answer(TextRequest(prompt="x" * 120), options={"max_model_len": 60})


def test_a_value_that_vllm_refuses(vllm):
    with pytest.raises(PermanentError, match="top_p must be in"):
        answer(chat(sampling={"top_p": 7.0}))
