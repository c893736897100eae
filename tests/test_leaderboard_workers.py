"""Work in two processes: the same results in the same order, and errors as they are."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser.boards import gallery, make_result, save

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


@linux
def test_a_process_that_has_drawn_before_can_build_in_two(tmp_path: Path) -> None:
    """The renderer of charts never answers in a fork of a process that has used it: so it is not asked there."""
    script = """
import sys
from pathlib import Path
from judgebench import leaderboard
from judgebench.leaderboard import charts_axes, charts_vega, workers
axis = charts_axes.linear("x", [0, 1])
assert charts_vega.plane(axis, axis).startswith("<svg")
workers.MANY = 2
for number in range(2):
    leaderboard.build(Path(sys.argv[1]), Path(sys.argv[2]) / str(number))
"""
    costs = [make_result(f"judge-{number}", 0.4 + number / 20, cost=1.0 + number) for number in range(4)]
    save(tmp_path / "results", *gallery(), *costs)
    command = [sys.executable, "-c", script, str(tmp_path / "results"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    one, two = (
        {path.relative_to(tmp_path / number): path.read_bytes() for path in (tmp_path / number).rglob("*.html")}
        for number in "01"
    )
    assert one == two
    assert sum(b'class="chart"' in page for page in one.values()) >= 1


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
