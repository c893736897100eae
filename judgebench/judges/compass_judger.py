"""CompassJudger (arXiv 2410.16256, 2507.09104): two series, each asked as its authors ask it.

The first series is a chat model that judges in whatever form it is told to. Its authors brought it to JudgeBench with
the Arena-Hard prompts, one attempt and 2,048 tokens: one distinct label wins. (ReasoningJudgeBench asks it with words
of its own, which allow no tie; the card `reasoning-judge` has them.)

The second series answers with an object, `{"Choice": "Model A"}`, as in OpenCompass' configuration of JudgeBench.
"""

from typing import ClassVar

from pydantic import Field

from judgebench.judges.arena_hard import LABELS
from judgebench.judges.bracketed import Bracketed, Reading, Rule
from judgebench.judges.finetuned import Settings, known
from judgebench.records import Label, View

ARENA: dict[str, Label] = {f"[[{name}]]": label for name, label in LABELS.items()}
CHOICES: dict[str, Label] = {
    '"Choice": "Model A"': "A>B", '"Choice": "Model B"': "B>A",
    '"Choice": "[Model A]"': "A>B", '"Choice": "[Model B]"': "B>A",
}  # fmt: skip
"""The second pair copies the brackets that the prompt puts around its example."""


class ArenaReading(Reading):
    """The defaults of the first series."""

    labels: dict[str, Label] = Field(default=ARENA, min_length=1)
    rule: Rule = "single"


class ChoiceReading(Reading):
    """The defaults of the second series."""

    labels: dict[str, Label] = Field(default=CHOICES, min_length=1)


class CompassJudger(Bracketed):
    """The first series."""

    templates: ClassVar[dict[str, str]] = {"system": "arena_hard_judge_system", "user": "arena_hard_judge_prompt"}
    known_params: ClassVar[tuple[str, ...]] = known(ArenaReading)
    settings_type: ClassVar[type[Settings]] = ArenaReading


class CompassJudger2(Bracketed):
    """The second series: one user turn of two pieces, the first of which has nothing to fill in."""

    templates: ClassVar[dict[str, str]] = {"system": "", "task": "compass_choice_task", "user": "compass_choice"}
    known_params: ClassVar[tuple[str, ...]] = known(ChoiceReading)
    settings_type: ClassVar[type[Settings]] = ChoiceReading

    def user(self, view: View, first: str, second: str) -> str:
        """Return the user turn."""
        return self.text("task") + super().user(view, first, second)
