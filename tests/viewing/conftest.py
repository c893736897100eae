"""A run to look at."""

from pathlib import Path

import pytest

from factories import write_pairs
from judgebench.evaluation import evaluate


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A finished run over a file of six pairs, judged by a scripted model."""
    task = write_pairs(tmp_path / "pairs.jsonl", 6)
    return evaluate("pairwise", str(task), model="scripted/demo", runs=str(tmp_path / "runs"), cache=False).directory
