"""What every test shares: no socket but loopback, no user's cache, no keys; where the real data is."""

import gc
import os
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow now and then: how long an example takes says nothing about the code.
settings.register_profile("judgebench", deadline=None)
settings.load_profile("judgebench")

ROOT = Path(__file__).parent.parent
LOOPBACK = {"127.0.0.1", "::1", "localhost", ""}


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over twelve thousand collected tests, which are never garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def frozen() -> None:
    """Let it pass over the modules loaded since, too: statsmodels collects garbage at each correction for many tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield names for caches. Making each with mktemp would list all that there are, for each test."""
    root = tmp_path_factory.mktemp("caches")
    return (root / str(number) for number in count())


@pytest.fixture(autouse=True)
def _hermetic(monkeypatch: pytest.MonkeyPatch, _caches: Iterator[Path]) -> None:
    """Refuse connections that leave the machine, and hide the developer's keys and caches."""
    connect = socket.socket.connect
    connect_ex = socket.socket.connect_ex

    def guarded(original):
        def call(self, address):
            if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
                raise AssertionError(f"a test tried to connect to {address[0]}")
            return original(self, address)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")) or name.startswith("JUDGEBENCH_DATA"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(next(_caches)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real benchmark data, or skip."""
    shared = Path(os.environ.get("JUDGEBENCH_SHARED", ROOT.parent / "shared"))
    if not (shared / "data").is_dir():
        pytest.skip("no shared data here")
    return shared / "data"
