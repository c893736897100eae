"""Small valid records, so that a test states only what it is about."""

import json
from pathlib import Path
from typing import Any

from judgebench.records import Candidate, Item, Label, Preference, Turn


def make_item(number: int = 0, label: Label = "A>B", category: str = "math", **fields: Any) -> Item:
    """Return a pair whose texts name its number."""
    values = {
        "task": "toy",
        "category": category,
        "source_id": f"q{number}",
        "turns": (Turn(role="user", content=f"question {number}"),),
        "candidates": (
            Candidate(content=f"first answer {number}"),
            Candidate(content=f"second, longer answer {number}"),
        ),
        "gold": Preference(label=label),
    }
    return Item.make(key=str(number), **(values | fields))


def pair_row(number: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a row in JudgeBench's JSONL layout."""
    row = {
        "pair_id": f"pair-{number}",
        "original_id": None,
        "source": ("mmlu-pro-law", "livebench-reasoning", "livebench-math", "livecodebench")[number % 4],
        "question": f"What is {number} + {number}?",
        "response_model": "toy",
        "response_A": f"{number} + {number} = {2 * number}",
        "response_B": f"{number} + {number} = {2 * number + 1}, I think",
        "label": "A>B" if number % 2 else "B>A",
    }
    return row | fields


def write_pairs(path: Path, count: int = 8, **fields: Any) -> Path:
    """Write a JSONL file of pairs and return its path."""
    path.write_text("".join(json.dumps(pair_row(n, **fields)) + "\n" for n in range(count)), "utf-8")
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files below a folder by their names, sorted."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
