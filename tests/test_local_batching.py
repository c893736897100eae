"""The micro-batcher with jobs that are strings: no model, no torch."""

import asyncio
import gc
import threading
import time
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.backends.local.batching import MOST_ROWS, Budget, MicroBatcher
from judgebench.errors import TransientError


class Machine:
    """Upper-cases strings, and remembers its batches. Memory for `capacity` padded characters; "!" is refused."""

    def __init__(self, capacity=10**9, seconds=0.0, bucket=1):
        self.capacity, self.seconds, self.bucket = capacity, seconds, bucket
        self.batches: list[list[str]] = []
        self.threads: set[int] = set()
        self.running = 0
        self.entered = threading.Event()

    def run(self, jobs):
        self.running += 1
        assert self.running == 1, "one batch at a time"
        try:
            self.threads.add(threading.get_ident())
            self.batches.append(list(jobs))
            self.entered.set()
            time.sleep(self.seconds)
            if self.padded(jobs) > self.capacity:
                raise MemoryError
            if any("!" in job for job in jobs):
                raise ValueError("refused")
            return [job.upper() for job in jobs]
        finally:
            self.running -= 1

    def padded(self, jobs):
        return len(jobs) * -(-max(1, *map(len, jobs)) // self.bucket) * self.bucket if len(jobs) > 1 else len(jobs[0])

    def batcher(self, tokens=1000, **options):
        return MicroBatcher(
            self.run, length=len, budget=Budget(tokens, tokens), wait=0.005, **({"bucket": self.bucket} | options)
        )


def ask(batcher, *jobs):
    """Submit every job on its own; return results or exceptions, in order."""

    async def one(job):
        (done,) = await batcher.submit([job])
        return done.result

    async def main():
        try:
            return await asyncio.gather(*map(one, jobs), return_exceptions=True)
        finally:
            await batcher.aclose()

    return asyncio.run(main())


# -- how batches are cut --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text("ab", min_size=0, max_size=40), min_size=1, max_size=40),
    st.integers(1, 120),
    st.sampled_from([1, 8, 16]),
)
def test_every_job_gets_its_own_answer_and_no_batch_is_over_budget(jobs, tokens, bucket):
    machine = Machine(bucket=bucket)
    assert ask(machine.batcher(tokens), *jobs) == [job.upper() for job in jobs]
    assert sorted(job for batch in machine.batches for job in batch) == sorted(jobs)
    assert all(len(batch) == 1 or machine.padded(batch) <= tokens for batch in machine.batches)


def test_the_longest_come_first_and_equals_come_together():
    machine = Machine()
    ask(machine.batcher(12), *(letter * length for letter, length in zip("abcdef", (1, 6, 3, 6, 3, 1), strict=True)))
    assert [[len(job) for job in batch] for batch in machine.batches] == [[6, 6], [3, 3, 1, 1]]


def test_padding_counts_in_buckets():
    machine = Machine(bucket=8)
    ask(machine.batcher(32), *["x" * 9] * 4)
    assert [len(batch) for batch in machine.batches] == [2, 2]


def test_short_rows_do_not_make_endless_batches():
    machine = Machine()
    ask(machine.batcher(10**6), *["x"] * (MOST_ROWS + 10))
    assert [len(batch) for batch in machine.batches] == [MOST_ROWS, 10]


def test_only_jobs_of_one_group_share_a_batch():
    machine = Machine()
    found = ask(machine.batcher(group=lambda job: job[0]), "ax", "bx", "axx", "bxx", "cx")
    assert found == ["AX", "BX", "AXX", "BXX", "CX"]
    assert machine.batches == [["axx", "ax"], ["bxx", "bx"], ["cx"]]


def test_a_job_longer_than_the_budget_runs_alone():
    machine = Machine()
    assert ask(machine.batcher(5), "x" * 50, "xx", "xx") == ["X" * 50, "XX", "XX"]
    assert machine.batches[0] == ["x" * 50]


def test_a_full_batch_does_not_wait_for_company():
    started = time.perf_counter()
    batcher = MicroBatcher(Machine().run, length=len, budget=Budget(4, 4), wait=30)
    ask(batcher, "xx", "yy")
    assert time.perf_counter() - started < 5


def test_a_batch_that_is_not_full_waits_for_those_that_are_announced():
    machine = Machine()

    async def late(batcher):
        with batcher.expecting():
            await asyncio.sleep(0.1)
        await batcher.submit(["yy"])

    async def main():
        batcher = machine.batcher()
        await asyncio.gather(batcher.submit(["x"]), late(batcher))
        started = time.perf_counter()
        with batcher.expecting():
            pass
        await batcher.submit(["z"])
        assert time.perf_counter() - started < 0.09, "nobody is expected any more"
        await batcher.aclose()

    asyncio.run(main())
    assert machine.batches == [["yy", "x"], ["z"]]


def test_one_caller_may_bring_several_jobs_and_gets_them_in_order():
    machine = Machine()

    async def main():
        batcher = machine.batcher()
        found = await batcher.submit(["b", "aaa", "cc"])
        await batcher.aclose()
        return [done.result for done in found]

    assert asyncio.run(main()) == ["B", "AAA", "CC"]


def test_a_stream_of_long_jobs_does_not_starve_a_short_one():
    machine, answered = Machine(seconds=0.002), []

    async def long(batcher):
        for _ in range(20):
            await batcher.submit(["x" * 10])
            answered.append("long")

    async def short(batcher):
        await batcher.submit(["y"])
        answered.append("short")

    async def main():
        batcher = machine.batcher(10)
        await asyncio.gather(*(long(batcher) for _ in range(4)), short(batcher))
        await batcher.aclose()

    asyncio.run(main())
    assert answered.index("short") < 10


# -- the loop stays free ---------------------------------------------------------------------------------


def test_the_event_loop_runs_on_while_a_batch_does_and_batches_share_one_thread():
    machine, ticks = Machine(seconds=0.15), 0

    async def main():
        nonlocal ticks
        batcher = machine.batcher(2)
        work = asyncio.gather(*(batcher.submit([job]) for job in ("aa", "bb")))
        while not work.done():
            await asyncio.sleep(0.005)
            ticks += 1
        await batcher.aclose()
        return await work

    asyncio.run(main())
    assert len(machine.batches) == 2
    assert ticks > 20
    assert len(machine.threads) == 1
    assert threading.get_ident() not in machine.threads


def test_a_batch_s_seconds_are_shared_out_by_length():
    machine = Machine(seconds=0.1)

    async def main():
        batcher = machine.batcher()
        found = await batcher.submit(["x", "xxx"])
        await batcher.aclose()
        return [done.seconds for done in found]

    short, long = asyncio.run(main())
    assert long == pytest.approx(3 * short)
    assert 0.09 < short + long < 0.5


# -- memory ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=20), min_size=1, max_size=30), st.integers(20, 60))
def test_running_out_of_memory_costs_no_job(jobs, capacity):
    machine = Machine(capacity)
    batcher = machine.batcher(1000)
    assert ask(batcher, *jobs) == [job.upper() for job in jobs]
    if sum(map(len, jobs)) > capacity:
        assert batcher.budget.halvings > 0


def test_after_running_out_batches_fit_and_stay_small():
    machine = Machine(capacity=100)
    batcher = machine.batcher(400)
    assert ask(batcher, *["x" * 10] * 120) == ["X" * 10] * 120
    sizes = [machine.padded(batch) for batch in machine.batches]
    failed = [size for size in sizes if size > 100]
    assert failed[:3] == [400, 200, 150]
    assert len(failed) <= 6, "what did not fit is not tried over and over"
    assert batcher.budget.tokens <= 100


def test_a_job_that_does_not_fit_alone_fails_alone_with_advice():
    machine = Machine(capacity=10)
    found = ask(machine.batcher(100, advice="Buy more."), "x" * 11, "yy", "zz")
    assert found[1:] == ["YY", "ZZ"]
    assert isinstance(found[0], TransientError)
    assert str(found[0]) == "a request of 11 tokens alone does not fit into memory. Buy more."


def test_what_filled_the_memory_is_let_go_before_the_next_try():
    class Tensor:
        pass

    alive: list[weakref.ref[Tensor]] = []
    seen: list[int] = []

    class Meter:
        def start(self):
            gc.collect()
            seen.append(sum(ref() is not None for ref in alive))

        def share(self):
            return None

        def release(self):
            seen.append(-1)

    def run(jobs):
        held = Tensor()
        alive.append(weakref.ref(held))
        if len(jobs) > 1:
            raise MemoryError(held)
        return jobs

    batcher = MicroBatcher(run, length=len, budget=Budget(100, 100), wait=0.001, meter=Meter())
    assert ask(batcher, "a", "b") == ["a", "b"]
    assert seen == [0, -1, 0, 0], "released after the failure, and nothing was alive when the halves began"


def test_which_exceptions_mean_memory_is_for_the_caller_to_say():
    def run(jobs):
        if len(jobs) > 1:
            raise RuntimeError("CUDA out of memory")
        return jobs

    budget = Budget(100, 100)
    batcher = MicroBatcher(
        run, length=len, budget=budget, wait=0.001, out_of_memory=lambda error: "out of memory" in str(error)
    )
    assert ask(batcher, "a", "b") == ["a", "b"]
    assert budget.halvings == 1


# -- failures and ends -----------------------------------------------------------------------------------


def test_an_exception_reaches_only_those_whose_job_caused_it():
    machine = Machine()
    found = ask(machine.batcher(), *["a", "b!", "c", "d", "e!", "f", "g"])
    assert [one for one in found if isinstance(one, str)] == ["A", "C", "D", "F", "G"]
    assert [str(found[1]), str(found[4])] == ["refused", "refused"]


def test_a_caller_of_several_jobs_hears_of_the_first_failure_and_nobody_else_does():
    machine = Machine()

    async def main():
        batcher = machine.batcher()
        found = await asyncio.gather(batcher.submit(["a!", "b"]), batcher.submit(["c"]), return_exceptions=True)
        await batcher.aclose()
        return found

    failed, fine = asyncio.run(main())
    assert isinstance(failed, ValueError)
    assert fine[0].result == "C"


def test_a_wrong_number_of_results_is_an_error_not_a_hang():
    batcher = MicroBatcher(lambda _jobs: [], length=len, budget=Budget(10, 10), wait=0.001)
    (found,) = ask(batcher, "a")
    assert isinstance(found, RuntimeError)
    assert "0 results for 1 jobs" in str(found)


def test_who_gives_up_waiting_is_not_run_and_the_others_are():
    machine = Machine(seconds=0.05)

    async def main():
        batcher = machine.batcher(2)
        first = asyncio.create_task(batcher.submit(["aa"]))
        await asyncio.to_thread(machine.entered.wait)
        gone, stays = (asyncio.create_task(batcher.submit([job])) for job in ("bb", "cc"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(first, stays)
        assert gone.cancelled()
        await batcher.aclose()

    asyncio.run(main())
    assert machine.batches == [["aa"], ["cc"]]


def test_giving_up_during_the_batch_does_not_trouble_it():
    machine = Machine(seconds=0.05)

    async def main():
        batcher = machine.batcher()
        gone, stays = (asyncio.create_task(batcher.submit([job])) for job in ("a", "b"))
        await asyncio.to_thread(machine.entered.wait)
        gone.cancel()
        (found,) = await stays
        await batcher.aclose()
        return found.result

    assert asyncio.run(main()) == "B"


def test_closing_waits_for_the_batch_and_tells_everyone_else():
    machine = Machine(seconds=0.05)

    async def main():
        batcher = machine.batcher(2)
        waiting = [asyncio.create_task(batcher.submit([job])) for job in ("aa", "bb", "cc")]
        await asyncio.to_thread(machine.entered.wait)
        await batcher.aclose()
        assert machine.running == 0
        await batcher.aclose()
        with pytest.raises(TransientError, match="before this request came"):
            await batcher.submit(["dd"])
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = asyncio.run(main())
    assert [type(one) for one in found] == [TransientError] * 3
    assert len(machine.batches) == 1


def test_one_that_was_never_asked_can_be_closed():
    asyncio.run(_closed(Machine()))


async def _closed(machine):
    await machine.batcher().aclose()
