"""Judges that end, or open, with a marked verdict: `[[A]]`, `Output (a)`, `"Choice": "Model A"`.

A card gives the template, the labels and the rule by which they are read:

    last      the last label in the reply
    single    the one label in the reply, however often; several different ones are no verdict
    first     the label that the reply opens with; a reply that was cut counts

Quotations. A label can be quoted only from what the judge was shown. Where the question or a response holds one, the
reply is read by position: only in its last line that is not blank, and there several labels are no verdict. Everywhere
else no response can speak, and the rule holds for the whole reply. Thinking (`<think>…</think>`) is never read.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from pydantic import Field

from judgebench.errors import UsageError
from judgebench.judges.base import fault_of
from judgebench.judges.card import JudgeCard
from judgebench.judges.finetuned import FineTuned, Settings, known, spoken
from judgebench.judges.prompted import no_verdict
from judgebench.records import ChatRequest, Fault, Label, Message, Reply, TokenLogprobs, Verdict, View

Rule = Literal["last", "single", "first"]
AB: dict[str, Label] = {"[[A]]": "A>B", "[[B]]": "B>A"}
TOP_LOGPROBS = 20
QUESTION = ("question", "instruction", "input", "user_input", "prompt")
FIRST = ("response_a", "answer_a", "answerA", "output_1", "assistant_response_a")
SECOND = ("response_b", "answer_b", "answerB", "output_2", "assistant_response_b")
"""The names that published templates have for the three."""
_DECORATION = " \t\r\n*_`\"'"


@dataclass(frozen=True)
class Mark:
    """A label as it stands in a text."""

    label: str
    start: int


def marks(text: str, labels: Iterable[str]) -> list[Mark]:
    """Return the labels of a text in order. A space in a label stands for any white space, or none."""
    names = tuple(labels)
    return [Mark(names[(match.lastindex or 1) - 1], match.start()) for match in _pattern(names).finditer(text)]


@lru_cache(maxsize=64)
def _pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"({_one(label)})" for label in labels))


def _one(label: str) -> str:
    """Return the pattern of a label, which is no part of a longer word."""
    body = r"\s*".join(map(re.escape, label.split(" ")))
    return (r"(?<!\w)" if label[:1].isalnum() else "") + body + (r"(?!\w)" if label[-1:].isalnum() else "")


def decide(text: str, found: Sequence[Mark], rule: Rule, *, cited: bool) -> str | None:
    """Return the label that a reply with these marks decides for; None when it decides for none.

    `cited` says that labels may be quoted.
    """
    if rule == "first":
        opens = found and not text[: found[0].start].strip(_DECORATION)
        return found[0].label if opens else None
    if cited:
        found = [mark for mark in found if mark.start >= last_line(text)]
    several = len({mark.label for mark in found}) > 1
    return found[-1].label if found and not (several and (cited or rule == "single")) else None


def last_line(text: str) -> int:
    """Return where the last line begins that is not blank."""
    return text.rstrip().rfind("\n") + 1


def fork(labels: Iterable[str]) -> int:
    """Return where labels begin to differ."""
    columns = zip(*labels, strict=False)
    return next((place for place, letters in enumerate(columns) if len(set(letters)) > 1), 0)


def certainty(
    tokens: Sequence[TokenLogprobs], label: str, labels: Iterable[str], *, opens: bool = False
) -> float | None:
    """Return the label's share of the probability of all labels, at the one character in which they differ.

    It is the last label of that kind, or the first (`opens`). None when the tokens do not hold it, or there are none.
    """
    place, said = fork(labels), "".join(token.token for token in tokens)
    start = (said.find if opens else said.rfind)(label[: place + 1])
    shares = _shares(tokens, start + place, [name[place] for name in labels]) if start >= 0 else {}
    total = sum(shares.values())
    return min(1.0, shares[label[place]] / total) if total else None


def _shares(tokens: Sequence[TokenLogprobs], position: int, letters: Sequence[str]) -> dict[str, float]:
    """Return the probability of each letter at a position of the text that tokens spell."""
    shares = dict.fromkeys(letters, 0.0)
    for token in tokens:
        if position < len(token.token):
            break
        position -= len(token.token)
    for rival, logprob in (token.top or {token.token: token.logprob}).items():
        if rival[:position] == token.token[:position] and rival[position : position + 1] in shares:
            shares[rival[position]] += math.exp(min(logprob, 0.0))
    return shares


class Reading(Settings):
    """Parameters of the family.

    `labels` are read by `rule`; of a reply that holds `after`, only what follows the last one. `empty_system` sends an
    empty system turn, as some authors do: it keeps a chat template from putting in one of its own. `confidence:
    logprob` asks for log-probabilities; a server that gives none leaves the confidence unknown.
    """

    labels: dict[str, Label] = Field(default=AB, min_length=1)
    rule: Rule = "last"
    after: str | None = None
    empty_system: bool = False
    confidence: Literal["none", "logprob"] = "none"


class Bracketed(FineTuned):
    """Asks a chat model. A card names its template (`user`), and a system prompt where there is one (`system`)."""

    templates: ClassVar[dict[str, str]] = {"system": "", "user": ""}
    known_params: ClassVar[tuple[str, ...]] = known(Reading)
    settings_type: ClassVar[type[Settings]] = Reading
    settings: Reading

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        labels = self.settings.labels
        if not self._names["user"]:
            raise UsageError(
                f"judge card {card.name}: prompts.user: name the template that family {card.family} renders"
            )
        if not all(labels):
            raise UsageError(f"judge card {card.name}: params.labels: a label is empty")
        letters = {label[fork(labels) : fork(labels) + 1] for label in labels} - {""}
        if self.settings.confidence == "logprob" and len(letters) < len(labels):
            raise UsageError(
                f"judge card {card.name}: params.confidence: {', '.join(labels)} do not differ in one character, "
                "whose probability could be read. Leave it out"
            )

    def roles(self) -> tuple[str, ...]:
        """Return the roles of the templates that the card names."""
        return tuple(role for role, name in self._names.items() if name)

    def asked(self, view: View, *texts: str) -> ChatRequest:
        """Return the chat request for a pair."""
        logprobs = TOP_LOGPROBS if self.settings.confidence == "logprob" else None
        user = Message(role="user", content=self.user(view, *texts))
        return self.request(*self._system(), user).model_copy(update={"logprobs": logprobs})

    def user(self, view: View, first: str, second: str) -> str:
        """Return the user turn: the template with question and responses, under every name that templates give them.

        A template of one's own may also show `reference`, `rubric` and `persona`, which are None where there is none.
        """
        names = {QUESTION: view.question, FIRST: first, SECOND: second}
        given = {name: text for group, text in names.items() for name in group}
        return self.render("user", **given, reference=view.reference, rubric=view.rubric, persona=view.persona)

    def _system(self) -> tuple[Message, ...]:
        if self._names["system"]:
            return (Message(role="system", content=self.text("system")),)
        return (Message(role="system", content=""),) if self.settings.empty_system else ()

    def cites(self, view: View, labels: Iterable[str]) -> bool:
        """Return whether the judge is shown one of the labels, and so could quote it."""
        shown = (view.question, *view.texts, view.reference, view.rubric, view.persona)
        return any(marks(text, labels) for text in shown if text)

    def read(self, view: View, reply: Reply) -> Verdict | Fault:
        """Return the verdict by the card's rule. A reply that was cut holds one only where it stands first."""
        settings, fault = self.settings, fault_of(reply)
        if fault is not None and not (fault.kind == "truncated" and settings.rule == "first"):
            return fault
        text = spoken(_stopped(reply.text or "", self.card.sampling.stop, settings.labels))
        if text is None:
            return no_verdict(reply, "the thinking never ends")
        least = text.rfind(settings.after) if settings.after else 0
        found = [mark for mark in marks(text, settings.labels) if mark.start >= least]
        label = decide(text, found, settings.rule, cited=self.cites(view, settings.labels))
        if label is None:
            return no_verdict(reply, _complaint(found, settings.rule))
        return Verdict(
            preference=settings.labels[label],
            confidence=self._confidence(reply, label),
            raw=label,
            rationale=reply.text,
        )

    def _confidence(self, reply: Reply, label: str) -> float | None:
        settings = self.settings
        if settings.confidence == "none":
            return None
        return certainty(reply.logprobs or (), label, settings.labels, opens=settings.rule == "first")


def _stopped(text: str, stops: Sequence[str], labels: Iterable[str]) -> str:
    """Return a reply with the stop string that ended it, which servers leave out, where it completes a label."""
    for stop in stops:
        whole = text + stop
        if any(whole.endswith(label) and not text.endswith(stop) for label in labels):
            return whole
    return text


def _complaint(found: Sequence[Mark], rule: Rule) -> str:
    if not found:
        return "the reply holds no verdict"
    names = ", ".join(dict.fromkeys(mark.label for mark in found))
    if rule == "first":
        return f"the reply does not open with its verdict: {names}"
    return f"which of the verdicts is the judge's own is unclear: {names}"
