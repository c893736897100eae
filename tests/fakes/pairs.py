"""A small world of questions and scripted answers, whose pairs can be counted by hand."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from judgebench.backends.scripted import ScriptedBackend
from judgebench.pairs.build import BuildConfig, build, prepare
from judgebench.pairs.writing import Written
from judgebench.records import Reply, Sampling, text_of

Say = Callable[[str, int], Reply | str | Exception]
"""What is answered, by the question's text and the number of the sample."""


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write JSON lines and return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def sums(count: int) -> list[dict[str, Any]]:
    """Return questions with a checkable answer, in two categories by turns."""
    return [
        {"n": f"q{n}", "ask": f"What is {n} + {n}?", "answer": str(2 * n), "kind": ("odd", "even")[n % 2 == 0]}
        for n in range(count)
    ]


def write_source(folder: Path, rows: Sequence[Mapping[str, Any]], **card: Any) -> tuple[str, str]:
    """Write a card and its data; return the paths of both."""
    values = {
        "name": "sums", "title": "Sums", "source": "table", "grader": "string", "licence": "CC0-1.0",
        "citation": "nobody", "fields": {"key": "n", "question": "ask", "gold": "answer", "category": "kind"},
        "params": {"gold": "text", "form": "line"},
        "prompt": "{{ ask }}\nEnd with a line 'Answer: N'.",
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    path = folder / "sums.yaml"
    path.write_text(yaml.safe_dump(values | card), "utf-8")
    return str(path), str(write_rows(folder / "sums.jsonl", rows))


def scripted(say: Say) -> ScriptedBackend:
    """Return a backend that answers by question and sample: the sampling seed says which sample is asked for."""
    return ScriptedBackend.from_function(
        lambda request: say(text_of(request.messages[0].content), request.sampling.seed)  # type: ignore[union-attr]
    )


def make(folder: Path, say: Say, rows: Sequence[Mapping[str, Any]] | None = None, **options: Any) -> Written:
    """Build pairs of scripted answers into `folder / "out"`."""
    card = options.pop("card", {})
    source, data = write_source(folder, sums(4) if rows is None else rows, **card)
    values = {"source": source, "data": data, "out": str(folder / "out"), "k": 4, "cache": False}
    values["sampling"] = Sampling(seed=0)
    return build(prepare(BuildConfig(**(values | options)), scripted(say)))


def answer(text: str, words: int = 0) -> str:
    """Return a response in the demanded form, with so many words before its answer."""
    return "so " * words + f"it is.\nAnswer: {text}"


def rows_of(written: Written) -> list[dict[str, Any]]:
    """Return the rows of a built set."""
    assert written.data is not None
    return [json.loads(line) for line in written.data.read_text("utf-8").splitlines()]
