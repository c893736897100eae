"""JudgeLM (arXiv 2310.17631): a completion that opens with one line of scores and goes on with reasons.

Three ways of asking: two answers, one answer against a reference that counts as a full 10, and up to 19 answers. The
prompt is put together from the authors' pieces, which are constants of a script of theirs; for two answers without
a reference it may be the JudgeBench authors' template instead, whose instruction has line breaks of its own.

The score line is the first. It holds exactly one number per answer; the higher number wins, equal numbers are a tie.
The authors count a line that cannot be read as a tie; here it is a fault, and their metrics (the set `judgelm`) count
it as they do. Their scripts also cut off the reply's last character where their stop string is missing, which turns
`7 8` into no verdict and `10 10` into a win: that is not repeated here.
"""

import math
import random
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from judgebench import registry
from judgebench.errors import UsageError
from judgebench.judges.base import Ask, parameter
from judgebench.judges.card import JudgeCard
from judgebench.judges.fitting import fitted
from judgebench.judges.prompted import Prompted, no_verdict
from judgebench.judges.reward_model import prefer
from judgebench.records import Fault, Reply, TextRequest, Verdict, View

PAIR = 2
WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
LINE_ENDS = ("\n", "<0x0A>", "Ċ", "</s>")
"""What a token that ends the score line holds: a line break as tokenizers write it, or the end of the reply."""


def strict(line: str) -> list[str]:
    """Return a line's pieces by the authors' rule: commas are spaces, and one space stands between two pieces."""
    return line.replace(",", " ").split(" ")


def lenient(line: str) -> list[str]:
    """Return a line's pieces with any commas and white space between them; `/10` behind a number is no part of it."""
    return [piece.removesuffix("/10") for piece in re.findall(r"[^\s,]+", line)]


READERS: dict[str, Callable[[str], list[str]]] = {"strict": strict, "lenient": lenient}


def parse(text: str, count: int, reader: Callable[[str], list[str]] = strict) -> tuple[float, ...] | None:
    """Return the scores on the first line of a reply; None unless it holds exactly `count` finite numbers.

    White space around the reply does not count. No range is checked: neither do the authors.
    """
    try:
        found = tuple(float(piece) for piece in reader(opening(text)[0]))
    except ValueError:
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def probability(reply: Reply) -> float | None:
    """Return the probability that the judge gave its score line, token by token; None without log-probabilities.

    It says how sure the judge is of these very numbers, not how likely it is to be right.
    """
    line: list[float] = []
    for token in reply.logprobs or ():
        if not any(end in token.token for end in LINE_ENDS):
            line.append(min(token.logprob, 0.0))
        elif line:  # line breaks before the scores are not the end of them
            break
    return math.exp(sum(line)) if line else None


def for_many(instruction: str, count: int) -> str:
    """Return the instruction for two answers as the authors turn it into one for `count`."""
    names = f"{', '.join(map(str, range(1, count)))} and {count}"
    return instruction.replace("two", WORDS[count]).replace("for Assistant 1 and 2", f"for Assistant {names}")


def opening(text: str) -> tuple[str, str]:
    """Return a reply's first line and what follows it; white space around the reply and around the rest is gone."""
    first, _, rest = text.strip().partition("\n")
    return first, rest.strip()


def opened(reply: Reply) -> bool:
    """Return whether the first line is all there: it is not when the reply was refused, or cut within it."""
    return reply.finish == "stop" or (reply.finish == "length" and "\n" in (reply.text or "").lstrip())


class _Scoring(Prompted):
    """What the three share: a prompt of pieces, cut to the window, and a first line of scores.

    Parameters:
    `parser`: how the score line is split, `strict` (as in the authors' code) or `lenient`.
    `reference`: the item's reference stands in a section of its own when there is one (`auto`), or `never`; with
    `always` an item without one is not judged.
    `confidence`: `none`, or `logprob` for the probability of the score line.
    """

    templates: ClassVar[dict[str, str]] = {
        "system": "judgelm_system",
        "instruction": "judgelm_instruction",
        "plain": "judgelm_pair",
        "reference": "judgelm_pair_reference",
        "appendix": "judgelm_appendix",
    }
    known_params: ClassVar[tuple[str, ...]] = ("parser", "reference", "confidence")

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        self._reader = READERS[self.choice("parser", READERS)]
        self._section = self.choice("reference", ("auto", "never", "always"))
        self._logprobs = 1 if self.choice("confidence", ("none", "logprob")) == "logprob" else None

    def choice(self, name: str, known: Iterable[str]) -> str:
        """Return a parameter of the card, which is one of `known`; the first of them where the card has none."""
        options = list(known)
        value = str(parameter(self.card, name, options[0]))
        if value not in options:
            raise UsageError(f"judge card {self.card.name}: {registry.unknown(f'params.{name}', value, options)}")
        return value

    def prompt(self, view: View, *texts: str) -> str:
        """Return the prompt for these texts of the view's responses."""
        raise NotImplementedError

    async def judge(self, view: View, ask: Ask) -> Verdict | Fault:
        """Judge one view."""
        if self._section == "always" and view.reference is None:
            return Fault(kind="refused", detail="not asked: the item has no reference answer")
        texts = fitted(self.card, view.texts, partial(self.prompt, view))
        if isinstance(texts, Fault):
            return texts
        prompt = self.prompt(view, *texts)
        reply = await ask(TextRequest(prompt=prompt, sampling=self.card.sampling, logprobs=self._logprobs))
        return self._read(reply, len(texts))

    def reference(self, view: View) -> str | None:
        """Return the reference that stands in a section of its own, if any."""
        return None if self._section == "never" else view.reference

    def assembled(self, view: View, *, count: int = PAIR, **answers: str) -> str:
        """Return the prompt put together from the authors' pieces."""
        reference = self.reference(view)
        body = self.render(
            "plain" if reference is None else "reference",
            question=view.question,
            reference=reference,
            prompt=for_many(self.render("instruction"), count),
            **answers,
        )
        return f"{self.render('system')}\n{body}{self.render('appendix')}"

    def _read(self, reply: Reply, count: int) -> Verdict | Fault:
        """Read the score line. Where the reply was cut within it, the last number may not be all there."""
        first, rest = opening(reply.text or "")
        scores = parse(first, count, self._reader) if opened(reply) else None
        if scores is None:
            return no_verdict(reply, f"the first line is not {WORDS[count]} number{'s' * (count > 1)}")
        return Verdict(
            preference=prefer(scores) if count == PAIR else None,
            scores=scores,
            confidence=probability(reply) if self._logprobs else None,
            rationale=rest or None,
            raw=first,
        )


class JudgeLM(_Scoring):
    """Scores two answers side by side.

    Parameter `prompt`: whose words ask about two answers without a reference, the `authors`' or those of
    `judgebench`. With a reference there are only the authors'.
    """

    templates: ClassVar[dict[str, str]] = {**_Scoring.templates, "judgebench": "judgelm_prompt"}
    known_params: ClassVar[tuple[str, ...]] = (*_Scoring.known_params, "prompt")

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        self._whole = self.choice("prompt", ("authors", "judgebench")) == "judgebench"

    def prompts(self) -> dict[str, str]:
        """Return the sha256 of every template that this card may render, by role. Fetches nothing."""
        return {role: digest for role, digest in super().prompts().items() if self._whole or role != "judgebench"}

    def prompt(self, view: View, *texts: str) -> str:
        """Return the prompt for two answers."""
        first, second = texts
        if self._whole and self.reference(view) is None:
            return self.render("judgebench", question=view.question, answer_1=first, answer_2=second)
        return self.assembled(view, answer_1=first, answer_2=second)


class JudgeLMMulti(_Scoring):
    """Scores all answers at once, up to the number that the authors have a word for."""

    arity = tuple(range(PAIR, len(WORDS)))
    templates: ClassVar[dict[str, str]] = {
        **_Scoring.templates,
        "plain": "judgelm_multi",
        "reference": "judgelm_multi_reference",
        "answer": "judgelm_multi_answer",
    }

    def prompt(self, view: View, *texts: str) -> str:
        """Return the prompt for any number of answers."""
        first, second, *others = texts
        more = "".join(self.render("answer", answer_id=n, answer=text) for n, text in enumerate(others, PAIR + 1))
        return self.assembled(view, count=len(texts), answer_1=first, answer_2=second, answer_more=more)


class JudgeLMSingle(_Scoring):
    """Scores one answer: the reference stands where the first answer would, and the prompt gives it its 10.

    Of a reference with alternatives (`<OR>`) one stands there, drawn with the view's seed; the parts of one with
    `<AND>` are joined. An item without a reference is not judged.
    """

    arity = (1,)
    order_independent = True
    templates: ClassVar[dict[str, str]] = {**_Scoring.templates, "appendix": "judgelm_single_appendix"}

    async def judge(self, view: View, ask: Ask) -> Verdict | Fault:
        """Judge one view."""
        if view.reference is None:
            return Fault(kind="refused", detail="not asked: there is no reference answer to score against")
        return await super().judge(view, ask)

    def prompt(self, view: View, *texts: str) -> str:
        """Return the prompt for one answer."""
        return self.assembled(view, answer_1=full_marks(view), answer_2=texts[0])


def full_marks(view: View) -> str:
    """Return the answer that deserves full marks: the reference, as the authors prepare those of MM-Vet."""
    alternatives = (view.reference or "").split("<OR>")
    if len(alternatives) > 1:
        return random.Random(view.seed).choice(alternatives)  # noqa: S311 - a draw, not a secret
    return alternatives[0].replace("<AND>", " and ")
