"""A finished run to submit, made once; code that counts as committed, and git without anybody's configuration."""

from pathlib import Path

import pytest

from fakes.submitting import Checks, clean_code, copied, finished, watch_check


@pytest.fixture(autouse=True)
def _clean_code(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_code(monkeypatch)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        clean_code(patch)
        return finished(tmp_path_factory.mktemp("made"))


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """Stand in for the check and write down what it was asked."""
    return watch_check(monkeypatch)
