"""Any dataset of the user's own, by its card: which fields hold the question, the gold, the category and the key.

The card's `fields` map `question`, `gold`, `category`, `key`, `subject` to the dataset's own names; `prompt` is a Jinja
template over the row's fields, without it the question is asked as it stands. `params.gold` says where the gold
goes in the grader's layout (`expression`, `text`, `letter`); without it the field must hold the whole gold as an
object, or as the JSON of one. The rest of `params` is added to every gold (`form: boxed`, `letters: ABCD`).
"""

import json
from contextlib import suppress
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from judgebench.errors import UsageError
from judgebench.pairs.records import Question
from judgebench.pairs.sources.base import NO_OPTIONS, Source, SourceCard, SourceOptions
from judgebench.task import Row
from judgebench.tasks.fields import identifier, optional, text, value


class Table(Source):
    """One row, one question, as the card says."""

    def __init__(self, card: SourceCard, options: SourceOptions = NO_OPTIONS) -> None:
        super().__init__(card, options)
        self.place = card.params.get("gold")
        self.more = {name: value for name, value in card.params.items() if name != "gold"}
        self.template = _template(card)

    def question(self, row: Row) -> Question | None:
        """Return a row's question."""
        fields = self.card.fields
        category = optional(row, fields["category"]) if "category" in fields else self.card.category
        subject = optional(row, fields["subject"]) if "subject" in fields else None
        return self.make(
            row,
            key=identifier(row, fields["key"]) if "key" in fields else f"row-{row.number}",
            prompt=self._prompt(row),
            gold=self._gold(row),
            category=category,
            meta={"subject": subject} if subject else {},
        )

    def _prompt(self, row: Row) -> str:
        if self.template is None:
            return text(row, self.card.fields.get("question", "question"))
        try:
            prompt = self.template.render(row.data)
        except (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise row.problem("prompt", f"the card's template fails here: {error}") from error
        if not prompt.strip():
            raise row.problem("prompt", "the card's template gives an empty text")
        return prompt

    def _gold(self, row: Row) -> dict[str, Any]:
        field = self.card.fields.get("gold", "gold")
        found = value(row, field)
        if self.place:
            return {self.place: found if isinstance(found, str | list) else str(found)} | self.more
        if isinstance(found, str):
            with suppress(ValueError, RecursionError):
                found = json.loads(found)
        if not isinstance(found, dict):
            raise row.problem(field, "is no object; say in the card where it goes: params: {gold: expression}")
        return found | self.more


def _template(card: SourceCard) -> Template | None:
    if card.prompt is None:
        return None
    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    try:
        return environment.from_string(card.prompt)
    except TemplateSyntaxError as error:
        raise UsageError(f"source card {card.name}: prompt: line {error.lineno}: {error.message}") from error
