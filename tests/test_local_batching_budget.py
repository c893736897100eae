"""The budget of micro-batches: what it learns from batches that ran and from batches that did not fit."""

from hypothesis import given
from hypothesis import strategies as st

from judgebench.backends.local.batching import BAN, SAFE, Budget


def test_the_budget_follows_measured_memory_and_doubles_at_most():
    budget = Budget(100, 10_000)
    budget.ran(100, 0.01)
    assert budget.tokens == 200
    budget.ran(200, 0.5)
    assert budget.tokens == min(400, int(SAFE * 400))
    budget.ran(320, 0.9)
    assert budget.tokens == int(SAFE * 320 / 0.9), "it shrinks before memory runs out"


def test_a_small_batch_is_no_reason_to_grow():
    budget = Budget(100, 1000)
    budget.ran(10, 0.0001)
    assert budget.tokens == 100


def test_it_never_grows_past_the_most():
    budget = Budget(5000, 1000)
    assert budget.tokens == 1000
    budget.ran(1000, None)
    assert budget.tokens == 1000


def test_it_grows_back_after_running_out_but_not_to_the_size_that_failed():
    budget = Budget(800, 800)
    budget.ran_out(800)
    assert budget.tokens == 400
    for _ in range(BAN - 1):
        budget.ran(budget.tokens, None)
    assert budget.tokens == 600
    for _ in range(3):
        budget.ran(budget.tokens, None)
    assert budget.tokens == 800, "after many clean batches it is tried again"


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 5000), st.one_of(st.none(), st.floats(0, 2)))),
    st.integers(1, 4000),
)
def test_whatever_happens_the_budget_stays_between_one_and_the_most(events, tokens):
    budget = Budget(tokens, 2 * tokens)
    for failed, size, share in events:
        if failed:
            before = budget.tokens
            budget.ran_out(size)
            assert budget.tokens <= max(1, before // 2)
        else:
            budget.ran(size, share)
        assert 1 <= budget.tokens <= 2 * tokens
