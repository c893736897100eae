"""Responses from a file instead of a model: `question` (an id, or the source's key), `text`, `model`, `finish`."""

from collections import Counter
from pathlib import Path
from typing import get_args

from judgebench.errors import DataError, RowProblem, UsageError
from judgebench.pairs.records import Response
from judgebench.pairs.sources.base import MOST_PROBLEMS
from judgebench.pairs.sources.reading import stream
from judgebench.pairs.store import BuildStore
from judgebench.records import Finish
from judgebench.task import Row, RowError
from judgebench.tasks.fields import identifier, text

FINISHES: tuple[str, ...] = get_args(Finish)
UNKNOWN = "unknown"


def import_answers(path: Path, store: BuildStore) -> int:
    """Read the responses of a file into the store, as a stream; return how many were to questions that are not there.

    Samples are numbered in the file's order, for each question and model. Raises DataError with every line that cannot
    be used, UsageError when there is no response to any question.
    """
    keys = _keys(store)
    numbers: Counter[tuple[str, str]] = Counter()
    problems: list[RowProblem] = []
    strangers = 0
    for row in stream(path):
        try:
            if isinstance(row, RowProblem):
                raise RowError(row)
            response = _response(row, keys, numbers)
        except RowError as error:
            problems += [error.problem] if len(problems) < MOST_PROBLEMS else []
            continue
        if response is None:
            strangers += 1
        else:
            store.add_response(response)
    if problems:
        raise DataError(problems)
    if not len(store.responses):
        raise UsageError(f"{path}: none of its {strangers} responses names a question here by id or key")
    return strangers


def _keys(store: BuildStore) -> dict[str, str]:
    """Return the ids of questions by key and by id."""
    keys = {store.questions[number]["key"]: identity for identity, number in store.ids.items()}
    return keys | {identity: identity for identity in store.ids}


def _response(row: Row, keys: dict[str, str], numbers: Counter[tuple[str, str]]) -> Response | None:
    question = keys.get(identifier(row, "question"))
    finish = row.data.get("finish") or "stop"
    if finish not in FINISHES:
        raise row.problem("finish", f"unknown value {finish!r}; known: {', '.join(FINISHES)}")
    model = text(row, "model") if row.data.get("model") else UNKNOWN
    content = text(row, "text", blank=True)
    if question is None:
        return None
    sample = numbers[question, model]
    numbers[question, model] += 1
    return Response(question=question, text=content, model=model, sample=sample, finish=finish)
