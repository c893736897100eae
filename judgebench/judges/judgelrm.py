"""JudgeLRM (arXiv 2504.00050): thinks, then gives each of two assistants a score in a tag of its own.

    <think>…</think><answer>8</answer><answer>7</answer>

What stands in the thinking is not read. Behind it there must be exactly two whole numbers from 0 to 10, as in the
reward that it was trained with; the higher one wins, equal ones are a tie.
"""

import re
from typing import ClassVar

from judgebench.judges.base import fault_of
from judgebench.judges.bracketed import Bracketed, last_line
from judgebench.judges.finetuned import Settings, known, spoken
from judgebench.judges.prompted import no_verdict
from judgebench.judges.reward_model import PAIR, prefer
from judgebench.records import Fault, Reply, Verdict, View

MOST = 10
OPENING = "<answer>"
_ANSWER = re.compile(r"<answer>\s*(.*?)\s*</answer>", re.DOTALL)


def parse(text: str) -> tuple[float, ...] | None:
    """Return the two scores of what was said after the thinking; None unless there are exactly two on the scale."""
    found = _ANSWER.findall(text)
    numbers = [int(score) for score in found if re.fullmatch(r"[0-9]{1,2}", score)]
    whole = len(found) == len(numbers) == PAIR and all(number <= MOST for number in numbers)
    return tuple(map(float, numbers)) if whole else None


class JudgeLRM(Bracketed):
    """Scores two responses. Where one holds an answer tag itself, only the reply's last line is read."""

    templates: ClassVar[dict[str, str]] = {"system": "judgelrm_system", "user": "judgelrm_user"}
    known_params: ClassVar[tuple[str, ...]] = known(Settings)

    def read(self, view: View, reply: Reply) -> Verdict | Fault:
        """Return the scores, and the preference that they express."""
        fault = fault_of(reply)
        if fault is not None:
            return fault
        text = spoken(reply.text or "")
        if text is None:
            return no_verdict(reply, "the thinking never ends")
        if any(OPENING in shown for shown in (view.question, *view.texts)):
            text = text[last_line(text) :]
        scores = parse(text)
        if scores is None:
            return no_verdict(reply, f"the reply does not hold exactly two scores from 0 to {MOST}")
        raw = " ".join(_ANSWER.findall(text))
        return Verdict(preference=prefer(scores), scores=scores, raw=raw, rationale=reply.text)
