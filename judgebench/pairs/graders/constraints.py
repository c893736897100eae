"""Constraints that a program can check: the instructions of IFEval (arXiv 2311.07911), by their published names.

Gold: `{"instructions": [{"id": "punctuation:no_comma", "kwargs": {}}, …]}`. A response is right when it meets every
one, wrong when it breaks one. An instruction that nobody here knows, or whose outcome hangs on how sentences are
counted or on a language that cannot be told, is undecided, and so is the response unless another one is broken.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from judgebench.pairs.graders import instructions
from judgebench.pairs.graders.base import Grader, bad_gold
from judgebench.pairs.graders.extract import visible
from judgebench.pairs.records import Grade, Question, Response

Check = Callable[[str, Mapping[str, Any]], bool | None]


class Constraints(Grader):
    """Whether a response keeps to what its question asks of its form. The whole response is the answer."""

    name: ClassVar[str] = "constraints"

    def check(self, question: Question) -> None:
        """Raise UsageError when the gold names no instructions, or one without its arguments."""
        given = question.gold.get("instructions")
        if not isinstance(given, list) or not given:
            raise bad_gold(question, "instructions", "is no list of instructions")
        for one in given:
            if not isinstance(one, dict) or not isinstance(one.get("id"), str):
                raise bad_gold(question, "instructions", "holds one without an id")
            if not isinstance(one.get("kwargs", {}), dict):
                raise bad_gold(question, "instructions", f"holds {one['id']} with kwargs that are no object")

    def grade(self, question: Question, response: Response) -> Grade:
        """Grade one response. The answer says which instructions are kept."""
        if cut := self.cut(response):
            return cut
        text = visible(response.text).strip()
        if not text:
            return self.says("format_fail", detail="no text outside its thoughts")
        kept = {
            f"{number}:{one['id']}": keeps(text, one["id"], one.get("kwargs") or {})
            for number, one in enumerate(question.gold["instructions"], 1)
        }
        broken = [name for name, said in kept.items() if said is False]
        unclear = [name for name, said in kept.items() if said is None]
        answer = f"breaks {', '.join(broken)}" if broken else f"keeps {len(kept)} of {len(kept)}"
        if broken:
            return self.says("wrong", "instructions", answer, detail=answer)
        if unclear:
            return self.says("undecided", "instructions", detail=f"cannot say: {', '.join(unclear)}")
        return self.says("right", "instructions", answer)


def keeps(text: str, name: str, arguments: Mapping[str, Any]) -> bool | None:
    """Return whether a text keeps to an instruction; None when it cannot be said."""
    check: Check | None = instructions.CHECKS.get(name)
    if check is None:
        return None
    try:
        return check(text, arguments)
    except (KeyError, TypeError, ValueError):  # arguments that the instruction does not have, or of another type
        return None
