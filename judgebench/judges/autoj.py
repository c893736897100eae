"""Auto-J (arXiv 2310.05470): compares two responses, ties allowed, or rates one from 1 to 10.

A comparison closes with "So, the final decision is Response 1 / Response 2 / Tie"; the last such statement counts. A
rating is `[[n]]`, the last one after "Rating:". The released script takes a critique without a rating for a 0; here it
is a fault.

The prompts are the authors' own, in Llama 2's user marks and without a system prompt. The JudgeBench authors' harness
fills their template in under another name, so that the query it shows is empty: `query: empty` asks as it asked.
"""

import re
from typing import Any, ClassVar, Literal

from judgebench.judges.base import fault_of
from judgebench.judges.bracketed import last_line
from judgebench.judges.finetuned import AnyRequest, FineTuned, Settings, known
from judgebench.judges.prompted import no_verdict
from judgebench.records import Fault, Label, Message, Reply, TextRequest, Verdict, View

DECISIONS: dict[str, Label] = {"response 1": "A>B", "response 2": "B>A", "tie": "A=B"}
CODES: dict[str, Label] = {"0": "A>B", "1": "B>A", "2": "A=B"}
"""How Auto-J's output files write a verdict."""
LEAST, MOST = 1, 10
STATEMENT = "final decision is"
_DECISION = re.compile(r"final decision is\s+[*_\"']*((?i:response 1|response 2|tie))(?!\w|\s*/)")
_RATING = re.compile(r"Rating:\s*\[\[\s*([0-9]{1,2}(?:\.[0-9]+)?)\s*\]\]")
_RATED = re.compile(r"\[\[[^\[\]]*\]\]")


def decision(text: str) -> str | None:
    """Return what the last "final decision is" of a comparison decides for, in lower case; None for nothing offered.

    The prompt's own words, with all three on offer, are no decision.
    """
    start = text.rfind(STATEMENT)
    match = _DECISION.match(text, start) if start >= 0 else None
    return match[1].lower() if match else None


def parse(text: str) -> Label | None:
    """Return the verdict of a comparison."""
    return DECISIONS.get(decision(text) or "")


def parse_output(output: Any) -> Label | None:
    """Return the verdict in a line of an output file: a code, or else the whole reply."""
    if isinstance(output, bool):
        return None
    return CODES.get(str(output).strip()) or (parse(output) if isinstance(output, str) else None)


def parse_rating(text: str) -> float | None:
    """Return the last rating of a critique; None when there is none, or it is off the scale."""
    found = _RATING.findall(text)
    rating = float(found[-1]) if found else 0.0
    return rating if LEAST <= rating <= MOST else None


class Asking(Settings):
    """Parameters of the family: the `query` is shown as given, or `empty`; a plain `text` prompt, or a `chat` turn."""

    query: Literal["given", "empty"] = "given"
    form: Literal["text", "chat"] = "text"


class _AutoJ(FineTuned):
    """What both ways of asking share."""

    known_params: ClassVar[tuple[str, ...]] = known(Asking)
    settings_type: ClassVar[type[Settings]] = Asking
    settings: Asking

    def roles(self) -> tuple[str, ...]:
        """Return the roles it renders: a chat turn is not wrapped, the model's chat template does that."""
        return ("user", "wrapper") if self.settings.form == "text" else ("user",)

    def asked(self, view: View, *texts: str) -> AnyRequest:
        """Return the request."""
        query = view.question if self.settings.query == "given" else ""
        names = dict(zip(("response", "response_another"), texts, strict=False))
        user = self.render("user", prompt=query, **names)
        if self.settings.form == "chat":
            return self.request(Message(role="user", content=user))
        return TextRequest(prompt=self.render("wrapper", input=user), sampling=self.card.sampling)


class AutoJ(_AutoJ):
    """Compares two responses. A tie is a verdict whether or not the task has ties: the prompt offers it."""

    templates: ClassVar[dict[str, str]] = {"user": "autoj_pairwise", "wrapper": "autoj_wrapper"}

    def read(self, view: View, reply: Reply) -> Verdict | Fault:
        """Return the decision. Where a response holds such a statement, only the reply's last line is read."""
        fault = fault_of(reply)
        if fault is not None:
            return fault
        text = reply.text or ""
        quotable = any(STATEMENT in shown for shown in (view.question, *view.texts))
        found = decision(text[last_line(text) :] if quotable else text)
        if found is None:
            return no_verdict(reply, "the last final decision is none of Response 1, Response 2 and Tie")
        return Verdict(preference=DECISIONS[found], raw=found, rationale=text)


class AutoJSingle(_AutoJ):
    """Rates one response."""

    arity = (1,)
    order_independent = True
    templates: ClassVar[dict[str, str]] = {"user": "autoj_single", "wrapper": "autoj_wrapper"}

    def read(self, view: View, reply: Reply) -> Verdict | Fault:
        """Return the rating. Where the response holds one itself, only the reply's last line is read."""
        fault = fault_of(reply)
        if fault is not None:
            return fault
        text = reply.text or ""
        quotable = any(_RATED.search(shown) for shown in (view.question, *view.texts))
        rating = parse_rating(text[last_line(text) :] if quotable else text)
        if rating is None:
            return no_verdict(reply, f"the reply holds no rating from {LEAST} to {MOST}")
        return Verdict(scores=(rating,), rationale=text)
