"""LiveBench: reasoning and math. A release is a date: the questions that were in it then.

Each question says itself in what form it wants its answer; which one that is, is read from its prompt, because it has
changed between releases. Tasks with fractional scores (proof ordering) have no binary label and are left out.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar

from judgebench.errors import UsageError
from judgebench.pairs.records import Question
from judgebench.pairs.sources.base import NO_OPTIONS, Source, SourceCard, SourceOptions
from judgebench.task import Row
from judgebench.tasks.fields import identifier, optional, text, texts, value

Made = tuple[str, dict[str, Any]]
"""A grader's name and the gold in its layout."""
LETTERS = "ABCDE"
"""The options of the contests' multiple-choice questions."""
_CHOICES = re.compile(r"^(?:\d+_)?(?:amc|smc)|^[^_]+_amc")
_UNSCORED = re.compile(r"^(?:imo|usamo)")


class LiveBench(Source):
    """livebench/reasoning and livebench/math: `question_id`, `turns`, `ground_truth`, `task`, `subtask`, two dates.

    `--release 2024-08-31` takes the questions released by then and not yet removed; without it, all that are not
    removed.
    """

    version: ClassVar[int] = 1
    releases: ClassVar[bool] = True

    def __init__(self, card: SourceCard, options: SourceOptions = NO_OPTIONS) -> None:
        super().__init__(card, options)
        if options.release is not None and _day(options.release) is None:
            raise UsageError(f"--release {options.release} is no date. Type for example --release 2024-08-31")

    def question(self, row: Row) -> Question | None:
        """Return a row's question; None when it is of another release, or of a task without a binary label."""
        if not self._released(row):
            self.drop(f"not in release {self.options.release or 'now'}")
            return None
        turns = texts(row, "turns")
        if len(turns) != 1:
            raise row.problem("turns", f"expected one turn, found {len(turns)}")
        task = optional(row, "subtask") or text(row, "task")
        made = self._gold(row, task, turns[0])
        if made is None:
            self.drop(f"no binary label: {task}")
            return None
        grader, gold = made
        return self.make(
            row, key=identifier(row, "question_id"), prompt=turns[0], gold=gold, grader=grader,
            category=optional(row, "category") or self.card.category,
            meta={"subject": text(row, "task"), "task": task, "released": str(row.data["livebench_release_date"])[:10]},
        )  # fmt: skip

    def _released(self, row: Row) -> bool:
        released = _day(value(row, "livebench_release_date"))
        if released is None:
            raise row.problem("livebench_release_date", "is no date")
        removed = _day(row.data.get("livebench_removal_date") or "")
        if self.options.release is None:
            return removed is None
        asked = _day(self.options.release)
        assert asked is not None
        return released <= asked and (removed is None or removed > asked)

    def _gold(self, row: Row, task: str, prompt: str) -> Made | None:
        if _UNSCORED.search(task):
            return None
        if _CHOICES.search(task):
            return _choice(row, prompt)
        if task.startswith("aime"):
            return "math", {"expression": _truth(row), "form": "three-digits"}
        if "amps_hard" in task.lower() or "amps_hard" in text(row, "task").lower():
            return "math", {"expression": _truth(row), "form": "boxed"}
        maker = next((made for name, made in TASKS.items() if name in task), None)
        return maker(row, prompt) if maker else None


def _day(value: object) -> date | None:
    """Return a date, also from a time stamp; None for anything else."""
    if isinstance(value, datetime):
        return value.date()
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _truth(row: Row) -> str:
    return identifier(row, "ground_truth").strip()


def form_of(prompt: str) -> str:
    """Return the form in which a prompt asks for its answer: the one that it shows last."""
    shown = {"solution-tag": "<solution>", "bold-italic": "***", "bold": "**", "boxed": "\\boxed"}
    places = {form: prompt.rfind(mark) for form, mark in shown.items()}
    if places["bold-italic"] >= 0 and places["bold"] <= places["bold-italic"] + 1:
        places["bold"] = -1
    last = max(places, key=lambda form: places[form])
    return last if places[last] >= 0 else "line"


def _choice(row: Row, prompt: str) -> Made:
    letter = _truth(row)
    if letter not in LETTERS or len(letter) != 1:
        raise row.problem("ground_truth", f"{letter[:20]!r} is none of the letters {LETTERS}")
    form = "letter-run" if re.search(r"\b([A-Z])\1{4}\b", prompt) else form_of(prompt)
    return "choice", {"letter": letter, "letters": LETTERS, "form": form}


def _lies(row: Row, prompt: str) -> Made:
    items = [item.strip() for item in _truth(row).split(",")]
    return "list", {"items": items, "words": ["yes", "no", "unknown"], "ordered": True, "form": form_of(prompt)}


def _puzzle(row: Row, prompt: str) -> Made:
    """Return the gold of a zebra puzzle: one word or place; in later releases several of them."""
    truth = _truth(row)
    if "," in truth:
        return "list", {"items": [item.strip() for item in truth.split(",")], "ordered": True, "form": form_of(prompt)}
    gold = {"text": truth, "form": form_of(prompt)}
    shorter = truth.removesuffix(" movies")
    return "string", gold | ({"also": [shorter]} if shorter != truth else {})


def _word(row: Row, prompt: str) -> Made:
    return "string", {"text": _truth(row), "form": form_of(prompt)}


def _names(row: Row, prompt: str) -> Made:
    return "list", {"items": _truth(row).replace(",", " ").split(), "ordered": True, "form": form_of(prompt)}


def _place(row: Row, prompt: str) -> Made:
    """Return the gold of a walk: the two whole numbers of the place where it ends."""
    truth = value(row, "ground_truth")
    numbers = truth if isinstance(truth, list) else re.findall(r"-?\d+", str(truth))
    if len(numbers) != 2:  # noqa: PLR2004 - x and y
        raise row.problem("ground_truth", f"expected two numbers, found {str(truth)[:40]!r}")
    return "list", {"items": [str(number) for number in numbers], "ordered": True, "form": form_of(prompt)}


def _integral(row: Row, _prompt: str) -> Made:
    return "math", {"expression": _truth(row), "form": "solution-tag"}


TASKS: dict[str, Callable[[Row, str], Made]] = {
    "web_of_lies": _lies, "zebra_puzzle": _puzzle, "spatial": _word, "theory_of_mind": _word,
    "house_traversal": _names, "logic_with_navigation": _place, "integrals_with_game": _integral,
}  # fmt: skip
"""What is made of the tasks by a part of their name; a task that is none of them has no binary label here."""
