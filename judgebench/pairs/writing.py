"""From graded responses to what others use: a task card, its data file, and the data sheet.

Two passes, so that nothing but the pairs' ids and categories is held: the first selects and counts, the second, once
the sides are known, writes. The files are replaced as wholes.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from judgebench.errors import RunError, UsageError
from judgebench.hashing import short_id
from judgebench.pairs.datasheet import Counts, Part, datasheet
from judgebench.pairs.grading import Graders
from judgebench.pairs.records import Question
from judgebench.pairs.selection import Chosen, Decision, Graded, select, sides
from judgebench.pairs.store import BuildStore, Lines
from judgebench.run.store import write_atomic
from judgebench.task import Split, TaskCard
from judgebench.version import VERSION

if TYPE_CHECKING:
    from judgebench.pairs.build import Building

Opinions = Callable[[int], bool | None]
"""Says of a response's number whether a second grader agrees with its grade; None when it cannot tell."""
DISAGREES, CANNOT_SAY = "second grader disagrees", "second grader cannot say"
FIELDS = {"id": "pair_id", "response_a": "response_A", "response_b": "response_B", "model": "response_model"}


@dataclass(frozen=True)
class Written:
    """A built set: its files, and what became of everything. Without pairs there is a data sheet only."""

    card: Path | None
    data: Path | None
    sheet: Path
    counts: Counts


def write(
    building: "Building", store: BuildStore, chosen: list[int], graders: Graders, opinions: Opinions | None
) -> Written:
    """Select pairs and write them. Raises UsageError when a label of the data stands for two categories."""
    counts = _counts(store)
    selected = Lines(store.folder / "pairs.jsonl")
    try:
        selected.clear()
        categories = _select(
            building, store, chosen, graders=graders, opinions=opinions, selected=selected, counts=counts
        )
        ids = [(selected[number]["pair_id"], selected[number]["category"]) for number in range(len(selected))]
        first = sides(ids, building.config.seed)
        for identity, category in ids:
            counts.parts[category].right_first += first[identity]
        data = building.out / f"{building.name}.jsonl"
        sha = _write_rows(data, (_placed(selected[n], first) for n in range(len(selected)))) if ids else None
    finally:
        selected.close()
    card = building.out / f"{building.name}.yaml"
    if sha is None:
        for stale in (card, data):
            stale.unlink(missing_ok=True)
    else:
        text = yaml.safe_dump(_card(building, counts, categories, sha, len(ids)), sort_keys=False, allow_unicode=True)
        write_atomic(card, text.encode())
    sheet = building.out / "datasheet.md"
    write_atomic(sheet, _sheet(building, store, counts).encode())
    return Written(card if sha else None, data if sha else None, sheet, counts)


def _counts(store: BuildStore) -> Counts:
    reading = store.reading or {}
    counts = Counts(left_out=reading.get("dropped", {}), strangers=reading.get("strangers", 0))
    for category, number in reading.get("duplicates", {}).items():
        counts.parts[category].duplicates = number
    return counts


# -- selecting ---------------------------------------------------------------------------------------------


def _select(
    building: "Building", store: BuildStore, chosen: list[int], *,
    graders: Graders, opinions: Opinions | None, selected: Lines, counts: Counts,
) -> dict[str, str]:  # fmt: skip
    """Append the pairs of all questions, the right response first; return the categories by the rows' labels."""
    config = building.config
    categories: dict[str, str] = {}
    for place in chosen:
        question = store.question(place)
        grader = graders[question.grader]
        part = counts.parts[question.category]
        part.questions += 1
        before = part.outcomes.total()
        graded = list(_graded(store, place, building.k, opinions=opinions, counts=counts, part=part))
        decision = select(
            question, graded, grader.equivalent, most=config.pairs_per_question, seed=config.seed
        )  # fmt: skip
        part.outcomes.update(decision.outcomes)
        if not decision.pairs:
            part.reasons[decision.reason if part.outcomes.total() > before else "no response at all"] += 1
        for pair in decision.pairs:
            row = _row(building, question, pair, decision)
            label = row["source"]
            if categories.setdefault(label, question.category) != question.category:
                raise UsageError(f"{label!r} stands for two categories: {categories[label]} and {question.category}")
            part.paired(pair.right[0].text, pair.wrong[0].text, decision.pass_rate or 0.0)
            selected.append(row)
    return categories


def _graded(
    store: BuildStore, place: int, k: int, *, opinions: Opinions | None, counts: Counts, part: Part
) -> Iterator[Graded]:
    """Yield a question's responses with their grades, less those that a second grader drops, which are counted."""
    for number in store.of_question(place, k):
        response, grade = store.response(number), store.grade(number)
        if grade is None:
            raise RunError(f"response {number + 1} in {store.folder} has no grade. The same command continues")
        counts.graders.add(f"{grade.grader} v{grade.version}")
        counts.models.add(response.model)
        agrees = grade.outcome not in ("right", "wrong") or opinions is None or opinions(number)
        if agrees:
            yield response, grade
        else:
            part.outcomes[DISAGREES if agrees is False else CANNOT_SAY] += 1


# -- rows --------------------------------------------------------------------------------------------------


def _row(building: "Building", question: Question, pair: Chosen, decision: Decision) -> dict[str, Any]:
    """Return a pair as a row in JudgeBench's layout, the right response first, with its origin."""
    (right, _), (wrong, _) = pair.right, pair.wrong
    subject = question.meta.get("subject") or question.category
    rate = decision.pass_rate or 0.0
    return {
        "pair_id": short_id([question.id, right.id, wrong.id]),
        "original_id": question.key,
        "source": f"{question.source}-{subject}",
        "category": question.category,
        "question": question.prompt,
        "response_model": right.model,
        "response_A": right.text,
        "response_B": wrong.text,
        "label": "A>B",
        "traits": {"difficulty": round(1 - rate, 6)},
        "origin": {
            "question": question.model_dump(mode="json", exclude={"prompt"}),
            "right": _side(pair.right),
            "wrong": _side(pair.wrong),
            "sandbox": pair.right[1].sandbox,
            "responses": decision.outcomes.total(),
            "k": building.config.k if building.backend is None else building.k,
            "pass_rate": rate,
            "seed": building.config.seed,
            "built_by": f"judgebench {VERSION}",
        },
    }


def _side(graded: Graded) -> dict[str, Any]:
    response, grade = graded
    return {
        "response": response.id,
        **response.model_dump(mode="json", include={"model", "served", "sample", "finish"}),
        "sampling": response.sampling.model_dump(mode="json"),
        "grade": grade.model_dump(mode="json"),
    }


def _placed(row: dict[str, Any], first: Mapping[str, bool]) -> dict[str, Any]:
    """Return the row with the right response on its side."""
    if first[row["pair_id"]]:
        return row
    return row | {"response_A": row["response_B"], "response_B": row["response_A"], "label": "B>A"}


def _write_rows(path: Path, rows: Iterator[dict[str, Any]]) -> str:
    """Write the data file and return its sha256. It replaces an older one as a whole."""
    part, sha = path.with_name(f".{path.name}.part"), hashlib.sha256()
    with part.open("wb") as file:
        for row in rows:
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            sha.update(line)
            file.write(line)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return sha.hexdigest()


# -- the card and the sheet ----------------------------------------------------------------------------------


def _card(building: "Building", counts: Counts, categories: Mapping[str, str], sha: str, items: int) -> dict[str, Any]:
    card, models = building.source.card, ", ".join(sorted(counts.models))
    made = TaskCard(
        name=building.name,
        title=f"Pairs from {card.title}",
        summary=(
            f"Two responses of one model ({models}) to each question of {card.title}: one right, one wrong, by the "
            "question's own checker. See datasheet.md."
        ),
        adapter="pairs",
        splits={"test": Split(items=items, path=f"{building.name}.jsonl", sha256=sha)},
        fields=FIELDS,
        categories=dict(sorted(categories.items())),
        label_source=f"answers checked by {', '.join(sorted(counts.graders))}",
        licence=card.licence or "not stated",
        citation=card.citation or f"{card.title}, by judgebench pairs build",
    )
    return made.model_dump(mode="json", exclude_defaults=True)


def _sheet(building: "Building", store: BuildStore, counts: Counts) -> str:
    card, config, backend = building.source.card, building.config, building.backend
    sampling = config.sampling.model_dump(mode="json", exclude_defaults=True)
    facts = {
        "source": f"{card.name} ({card.title})",
        "revision": building.source.revision,
        "release": config.release,
        "licence": card.licence or "not stated",
        "citation": card.citation,
        "model": ", ".join(sorted(counts.models)),
        "responses per question": building.k if backend is not None else config.k or "all there are",
        "sampling": (sampling or "unset: the server's own") if backend is not None else None,
        "graders": ", ".join(sorted(counts.graders)),
        "second grader": config.second_grader,
        "seed of sides and ties": config.seed,
        "cost of the responses, as far as known": f"${store.spent:,.4f}" if store.spent else None,
        "built by": f"judgebench {VERSION}",
    }
    return datasheet(f"Data sheet: {building.name}", facts, counts, command(building))


def command(building: "Building") -> list[str]:
    """Return what to type to build the same again. Paths and URLs of this machine are left as placeholders."""
    config = building.config
    options: dict[str, Any] = {
        "--model": config.model, "--responses": "FILE" if config.responses else None,
        "--data": "DATA" if config.data else None, "--release": config.release,
        "--base-url": "URL" if config.base_url else None, "--k": config.k, "--limit": config.limit,
        "--seed": config.seed or None, "--name": building.name, "--second-grader": config.second_grader,
        "--pairs-per-question": config.pairs_per_question if config.pairs_per_question > 1 else None,
        "--temperature": config.sampling.temperature, "--top-p": config.sampling.top_p,
        "--max-tokens": config.sampling.max_tokens, "--sampling-seed": config.sampling.seed,
        "--reasoning-effort": config.sampling.reasoning_effort,
    }  # fmt: skip
    given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    source = "CARD.yaml" if config.source.endswith((".yaml", ".yml")) else config.source
    return ["judgebench", "pairs", "build", source, *given, "--out", "DIR"]
