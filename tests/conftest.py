"""What every test shares: no socket but loopback, no user's cache, no keys; where the real data is."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow now and then: how long an example takes says nothing about the code.
settings.register_profile("judgebench", deadline=None)
settings.load_profile("judgebench")

ROOT = Path(__file__).parent.parent
LOOPBACK = {"127.0.0.1", "::1", "localhost", ""}


@pytest.fixture(autouse=True)
def _hermetic(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
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
    monkeypatch.setenv("JUDGEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real benchmark data, or skip."""
    shared = Path(os.environ.get("JUDGEBENCH_SHARED", ROOT.parent / "shared"))
    if not (shared / "data").is_dir():
        pytest.skip("no shared data here")
    return shared / "data"
