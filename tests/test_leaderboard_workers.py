"""Work in two processes: the same results in the same order, and errors as they are."""

import gc
import os
import sys
from pathlib import Path

import pytest
from browser.boards import gallery, save

from judgebench import leaderboard
from judgebench.errors import DataError, JudgebenchError, RowProblem
from judgebench.leaderboard import workers
from judgebench.leaderboard.workers import MANY, spread, uncollected

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="work is spread on Linux alone")


@pytest.mark.parametrize("size", [0, MANY - 1, MANY])
def test_results_come_in_order(size: int) -> None:
    offset = 5  # a closure, which no process could be sent
    assert spread(lambda number: number + offset, range(20), size=size) == list(range(5, 25))


@linux
def test_little_work_stays_here_and_much_does_not() -> None:
    assert set(spread(lambda _: os.getpid(), range(4), size=1)) == {os.getpid()}
    assert os.getpid() not in spread(lambda _: os.getpid(), range(4), size=MANY)


@pytest.mark.parametrize("size", [1, MANY])
def test_an_error_is_the_one_that_was_raised(size: int) -> None:
    def work(number: int) -> int:
        if number == 3:
            raise DataError([RowProblem("a.json", 7, "field", "is wrong")])
        return number

    with pytest.raises(DataError, match=r"a\.json:7: field: is wrong"):
        spread(work, range(6), size=size)


@linux
def test_a_killed_process_is_one_clear_line() -> None:
    here = os.getpid()
    with pytest.raises(JudgebenchError, match="was killed, as happens when memory runs out"):
        spread(lambda _: os.getpid() == here or os._exit(9), range(4), size=MANY)


def test_garbage_is_collected_again_afterwards() -> None:
    seen: list[bool] = []

    def fail() -> None:
        seen.append(gc.isenabled())
        raise KeyError

    assert gc.isenabled()
    with pytest.raises(KeyError), uncollected():
        fail()
    assert seen == [False]
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_site_has_the_same_bytes_from_one_process_and_from_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "results", *gallery())
    sites = []
    for many in (10_000, 2):
        monkeypatch.setattr(workers, "MANY", many)
        out = leaderboard.build(tmp_path / "results", tmp_path / str(many)).parent
        sites.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert sites[0] == sites[1]
    assert len(sites[0]) > 20
