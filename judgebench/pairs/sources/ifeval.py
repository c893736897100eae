"""IFEval: prompts with instructions that a program can check. Only they decide, not what else the response says."""

from typing import Any

from judgebench.pairs.records import Question
from judgebench.pairs.sources.base import Source
from judgebench.task import Row
from judgebench.tasks.fields import identifier, text, texts, value


class IFEval(Source):
    """google/IFEval: `key`, `prompt`, `instruction_id_list`, `kwargs` (one object for each instruction)."""

    def question(self, row: Row) -> Question | None:
        """Return a row's question."""
        names = texts(row, "instruction_id_list")
        given: Any = value(row, "kwargs")
        if not isinstance(given, list) or len(given) != len(names) or not all(isinstance(one, dict) for one in given):
            raise row.problem("kwargs", f"expected {len(names)} objects, one for each instruction")
        if not names:
            raise row.problem("instruction_id_list", "names no instruction")
        # The hub's table has every argument in every row; those of other instructions are null.
        kwargs = [{name: found for name, found in one.items() if found is not None} for one in given]
        instructions = [{"id": name, "kwargs": one} for name, one in zip(names, kwargs, strict=True)]
        return self.make(
            row, key=identifier(row, "key"), prompt=text(row, "prompt"), gold={"instructions": instructions},
            meta={"subject": names[0].partition(":")[0] if len(names) == 1 else "several"},
        )  # fmt: skip
