"""Checking a built set against its own promises: the files, the balance, the duplicates, the origins, the grades.

Grades are made again from the responses in the data file, by today's graders. The file is read as a stream.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from judgebench.errors import RowProblem, UsageError
from judgebench.hashing import sha256
from judgebench.pairs.grading import Graders
from judgebench.pairs.records import Grade, Question, Response
from judgebench.pairs.sources.reading import fingerprint, stream
from judgebench.pairs.text import normalised
from judgebench.records import Sampling
from judgebench.task import Row, TaskCard, parse_card

TEXTS = ("pair_id", "source", "category", "question", "response_model", "response_A", "response_B", "label")
ORIGIN = ("question", "right", "wrong", "responses", "pass_rate", "seed", "built_by")


@dataclass
class Report:
    """What a check found. `regraded` counts responses whose grade was made again."""

    pairs: int = 0
    regraded: int = 0
    findings: list[str] = field(default_factory=list)


@dataclass
class _Seen:
    """What is remembered of the rows: hashes, and sides by category."""

    pairs: set[str] = field(default_factory=set)
    texts: dict[int, str] = field(default_factory=dict)
    sides: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def locate(path: Path) -> tuple[Path, Path | None]:
    """Return a set's data file and its card, None for a file without one. Raises UsageError when it is not one set."""
    if path.is_dir():
        cards = sorted(path.glob("*.yaml"))
        if len(cards) != 1:
            raise UsageError(f"{path} holds {len(cards)} cards (*.yaml), not one. Type: judgebench pairs check FILE")
        return cards[0].with_suffix(".jsonl"), cards[0]
    if not path.is_file():
        raise UsageError(f"no such file or folder: {path}")
    if path.suffix == ".yaml":
        return path.with_suffix(".jsonl"), path
    card = path.with_suffix(".yaml")
    return path, card if card.is_file() else None


def check(path: Path, graders: Graders) -> Report:
    """Check a built set: a folder, its card, or its data file."""
    data, card_path = locate(path)
    report, seen = Report(), _Seen()
    card = parse_card(card_path.read_text("utf-8"), str(card_path)) if card_path else None
    if not data.is_file():
        report.findings.append(f"{data}: is not there")
        return report
    for row in stream(data):
        if isinstance(row, RowProblem):
            report.findings.append(str(row))
            continue
        report.pairs += 1
        report.findings += [f"{data}:{row.number}: {problem}" for problem in _row(row, card, seen, graders, report)]
    report.findings += [f"{data}: {problem}" for problem in _whole(data, card, seen, report)]
    return report


def _whole(data: Path, card: TaskCard | None, seen: _Seen, report: Report) -> Iterator[str]:
    if not report.pairs:
        yield "there are no pairs"
    for category, sides in sorted(seen.sides.items()):
        if abs(sides["A>B"] - sides["B>A"]) > 1:
            yield f"category {category}: {sides['A>B']} times A>B and {sides['B>A']} times B>A"
    if card is None:
        return
    split = next(iter(card.splits.values()), None)
    if split is None or split.path != data.name:
        yield f"the card names the file {split.path if split else None}"
        return
    if split.items != report.pairs:
        yield f"{report.pairs} pairs, and the card says {split.items}"
    if f"sha256:{split.sha256}" != fingerprint(data):
        yield "the file's sha256 is not the card's"


def _row(row: Row, card: TaskCard | None, seen: _Seen, graders: Graders, report: Report) -> Iterator[str]:
    data = row.data
    missing = [name for name in TEXTS if not isinstance(data.get(name), str)]
    if missing or data["label"] not in ("A>B", "B>A"):
        yield f"missing or not text: {', '.join(missing)}" if missing else f"label {data['label']!r}"
        return
    if data["pair_id"] in seen.pairs:
        yield f"pair_id {data['pair_id']} occurs before"
    seen.pairs.add(data["pair_id"])
    seen.sides[data["category"]][data["label"]] += 1
    if card is not None and card.categories.get(data["source"]) != data["category"]:
        yield f"the card has no category {data['category']!r} for {data['source']!r}"
    if data["response_A"].split() == data["response_B"].split():
        yield "the responses are identical"
    origin = data["origin"] if isinstance(data.get("origin"), dict) else {}
    lacking = [name for name in ORIGIN if origin.get(name) is None]
    if lacking:
        yield f"origin: missing {', '.join(lacking)}"
        return
    try:
        question = Question.model_validate(origin["question"] | {"prompt": data["question"]})
        sides = [_side(origin[name], question.id, text) for name, text in _texts(data)]
    except (ValidationError, TypeError, KeyError) as error:
        yield f"origin: {_first(error)}"
        return
    yield from _duplicate(question, seen)
    yield from _grades(question, sides, graders, report)


def _texts(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the right and the wrong response, by the label."""
    right, wrong = ("A", "B") if data["label"] == "A>B" else ("B", "A")
    yield from (("right", data[f"response_{right}"]), ("wrong", data[f"response_{wrong}"]))


def _side(side: dict[str, Any], question: str, text: str) -> tuple[str, Response, Grade]:
    response = Response(
        question=question, text=text, model=side["model"], served=side["served"], sample=side["sample"],
        finish=side["finish"], sampling=Sampling.model_validate(side["sampling"]),
    )  # fmt: skip
    return side["response"], response, Grade.model_validate(side["grade"])


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"{type(error).__name__}: {error}"
    found = error.errors()[0]
    return f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}"


def _duplicate(question: Question, seen: _Seen) -> Iterator[str]:
    """Say so when another question has the same text; several pairs of one question are none."""
    made = Question.make(**question.model_dump(exclude={"id"}))
    if made.id != question.id:
        yield "the question's id is not the hash of its content: text, gold, key or source have changed"
    mark = int(sha256(normalised(question.prompt).encode())[:16], 16)
    if seen.texts.setdefault(mark, question.id) != question.id:
        yield f"the question's text is that of question {seen.texts[mark]}"


def _grades(
    question: Question, sides: list[tuple[str, Response, Grade]], graders: Graders, report: Report
) -> Iterator[str]:
    """Grade both responses again, and compare their answers."""
    grader = graders[question.grader]
    answers = []
    for wanted, (identity, response, old) in zip(("right", "wrong"), sides, strict=True):
        if response.id != identity:
            yield f"the {wanted} response is not the one that was graded: its text, model or sample has changed"
        new = grader.grade(question, response)
        report.regraded += 1
        answers.append(new.answer)
        if new.outcome != wanted:
            by = "" if (old.grader, old.version) == (new.grader, new.version) else f", not by v{old.version} as then"
            yield f"the {wanted} response is graded {new.outcome} by {new.grader} v{new.version}{by}"
        elif new.answer != old.answer:
            yield f"the {wanted} response's answer is read as {new.answer!r}, and was as {old.answer!r}"
    one, two = answers
    if one is not None and two is not None and one != two:
        if grader.equivalent(question, one, two) or grader.equivalent(question, two, one):
            yield f"the answers {one!r} and {two!r} are equivalent"
    elif one == two:
        yield "the answers are the same" if one is not None else "neither response has an answer"
