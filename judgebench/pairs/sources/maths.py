"""Word problems and competition mathematics: GSM8K and MATH."""

import re
from typing import ClassVar

from judgebench.pairs.records import Question
from judgebench.pairs.sources.base import Source
from judgebench.task import Row
from judgebench.tasks.fields import identifier, optional, text

FORM = "Reason step by step. Write the final answer, and nothing else, inside \\boxed{} at the end."
_GSM8K = re.compile(r"####\s*(-?[\d,]*\.?\d+)\s*$")


def boxed(solution: str) -> str | None:
    r"""Return what the last `\boxed{…}` of a solution holds; None without a closed one."""
    start = solution.rfind("\\boxed{")
    if start < 0:
        return None
    begin = start + len("\\boxed{")
    depth = 1
    for place in range(begin, len(solution)):
        depth += {"{": 1, "}": -1}.get(solution[place], 0)
        if depth == 0:
            return solution[begin:place].strip() or None
    return None


class GSM8K(Source):
    """openai/gsm8k: `question`, and `answer`, a solution that ends in `#### number`. Rows have no id: theirs is the
    split and the row's number.
    """  # noqa: D205 - the second sentence belongs to it

    version: ClassVar[int] = 1

    def question(self, row: Row) -> Question | None:
        """Return a row's question."""
        found = _GSM8K.search(text(row, "answer"))
        if not found:
            raise row.problem("answer", "does not end in '#### number'")
        return self.make(
            row, key=f"{self.card.split}-{row.number}", prompt=f"{text(row, 'question').strip()}\n\n{FORM}",
            gold={"expression": found[1].replace(",", ""), "form": "boxed"},
        )  # fmt: skip


class Math(Source):
    r"""MATH (Hendrycks et al.): `problem`, `solution`, `subject` or `type`, `level`.

    The answer is what the solution's last `\boxed{}` holds. MATH-500 also has `answer` and `unique_id`. Rows without an
    id get the row's number.
    """

    version: ClassVar[int] = 1

    def question(self, row: Row) -> Question | None:
        """Return a row's question."""
        answer = optional(row, "answer") or boxed(text(row, "solution"))
        if answer is None:
            raise row.problem("solution", "has no closed \\boxed{} with an answer in it")
        key = identifier(row, "unique_id") if row.data.get("unique_id") is not None else f"row-{row.number}"
        subject = optional(row, "subject") or optional(row, "type") or "math"
        return self.make(
            row, key=key, prompt=f"{text(row, 'problem').strip()}\n\n{FORM}",
            gold={"expression": answer, "form": "boxed"},
            meta={"subject": subject.lower(), "level": str(row.data.get("level", ""))},
        )  # fmt: skip
