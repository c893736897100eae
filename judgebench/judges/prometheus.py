"""Prometheus 2 (arXiv 2405.01535): feedback, then `[RESULT]` with A or B for a pair, or 1 to 5 for one response.

As in the authors' library: its prompts, with the reference answer where the item has one; Mistral's user marks around
system prompt and task; sampling at temperature 1, and up to ten more attempts at a reply that cannot be read. Its
parsers also accept what the model often writes instead (`[Response A]`, `Result: B`, `Score: 4/5`), and so do these.

The verdict ends a line, and the last such line counts; a score ends the reply. There is no tie. Where the judge is
shown `[RESULT]`, and so could quote it, only the last line is read.

Items without a rubric are judged by factual validity, the library's rubric that the JudgeBench authors chose: by its
question alone for a pair, by its five levels for a score. An item's own rubric stands as the library formats one, its
first line in square brackets.
"""

import re
from typing import ClassVar, Literal

from judgebench.judges.base import fault_of
from judgebench.judges.bracketed import last_line
from judgebench.judges.finetuned import AnyRequest, FineTuned, Settings, known
from judgebench.judges.prompted import no_verdict
from judgebench.records import Fault, Label, Message, Reply, TextRequest, Verdict, View

LETTERS: dict[str, Label] = {"A": "A>B", "B": "B>A"}
LEAST, MOST = 1, 5
_LETTER = re.compile(
    r"(?:\[result\]:?|\[result:|\[response\s|^[ \t]*result:?\s)\s*(?:response\s+)?[(\[\"'*]*([AB])[)\]\"'*.]*[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_SCORE = re.compile(
    r"(?:\[(?:result|score)\]:?|(?:score|result):?|score\s+of)[\s(\[*]*([0-9]+)[)\]*]*(?:\s*/\s*5|\s*out\s+of\s+5)?[\s.)\]*]*\Z",
    re.IGNORECASE,
)
_QUOTABLE = re.compile(r"\[result|\[response\s|result:", re.IGNORECASE)


def parse(text: str) -> str | None:
    """Return the letter of the last verdict that ends a line; None when there is none."""
    found = _LETTER.findall(text)
    return found[-1].upper() if found else None


def parse_score(text: str) -> int | None:
    """Return the score that ends a reply; None when there is none, or it is off the scale."""
    match = _SCORE.search(text)
    score = int(match[1]) if match and len(match[1]) == 1 else 0
    return score if LEAST <= score <= MOST else None


def formatted(rubric: str) -> str:
    """Return a rubric as the library formats one: its first line in square brackets."""
    first, newline, rest = rubric.strip().partition("\n")
    return rubric.strip() if first.startswith("[") else f"[{first}]{newline}{rest}"


class Grading(Settings):
    """Parameters of the family.

    `reference: ignore` never shows a reference answer. `form`: a plain `text` prompt in Mistral's marks, or `chat`
    turns, which the model's own template marks.
    """

    reference: Literal["show", "ignore"] = "show"
    form: Literal["text", "chat"] = "text"


class _Prometheus(FineTuned):
    """What both ways of grading share."""

    known_params: ClassVar[tuple[str, ...]] = known(Grading)
    settings_type: ClassVar[type[Settings]] = Grading
    settings: Grading

    def asked(self, view: View, *texts: str) -> AnyRequest:
        """Return the request."""
        reference = None if self.settings.reference == "ignore" else view.reference
        names = self.names(*texts)
        user = self.render(
            "user" if reference is None else "with_reference",
            instruction=view.question,
            reference_answer=reference,
            rubric=self.default_rubric() if view.rubric is None else formatted(view.rubric),
            **names,
        )
        system = self.text("system")
        if self.settings.form == "chat":
            return self.request(Message(role="system", content=system), Message(role="user", content=user))
        return TextRequest(prompt=f"[INST] {system}\n{user} [/INST]", sampling=self.card.sampling)

    def names(self, *texts: str) -> dict[str, str]:
        """Return the responses under their names in the template."""
        raise NotImplementedError

    def default_rubric(self) -> str:
        """Return the rubric of an item that has none."""
        raise NotImplementedError


class Prometheus(_Prometheus):
    """Compares two responses."""

    templates: ClassVar[dict[str, str]] = {
        "system": "prometheus_relative_system",
        "user": "prometheus_relative",
        "with_reference": "prometheus_relative_reference",
        "rubric": "prometheus_factual_validity",
    }

    def names(self, *texts: str) -> dict[str, str]:
        """Return the responses under their names in the template."""
        return dict(zip(("response_A", "response_B"), texts, strict=True))

    def default_rubric(self) -> str:
        """Return the rubric's question: its levels are for scores."""
        return self.text("rubric").partition("\n")[0]

    def read(self, view: View, reply: Reply) -> Verdict | Fault:
        """Return the verdict."""
        fault = fault_of(reply)
        if fault is not None:
            return fault
        text = reply.text or ""
        quotable = any(_QUOTABLE.search(shown) for shown in (view.question, *view.texts, view.reference or ""))
        letter = parse(text[last_line(text) :] if quotable else text)
        if letter is None:
            return no_verdict(reply, "no line ends in [RESULT] with A or B")
        return Verdict(preference=LETTERS[letter], raw=letter, rationale=text)


class PrometheusAbsolute(_Prometheus):
    """Scores one response from 1 to 5."""

    arity = (1,)
    order_independent = True
    templates: ClassVar[dict[str, str]] = {
        "system": "prometheus_absolute_system",
        "user": "prometheus_absolute",
        "with_reference": "prometheus_absolute_reference",
        "rubric": "prometheus_factual_validity",
    }

    def names(self, *texts: str) -> dict[str, str]:
        """Return the response under its name in the template."""
        return {"response": texts[0]}

    def default_rubric(self) -> str:
        """Return the whole rubric."""
        return self.text("rubric")

    def read(self, view: View, reply: Reply) -> Verdict | Fault:  # noqa: ARG002 - a score that ends the reply is no quotation
        """Return the score."""
        fault = fault_of(reply)
        if fault is not None:
            return fault
        score = parse_score(reply.text or "")
        if score is None:
            return no_verdict(reply, f"the reply does not end in [RESULT] and a score from {LEAST} to {MOST}")
        return Verdict(scores=(float(score),), raw=str(score), rationale=reply.text)
