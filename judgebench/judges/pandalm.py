"""PandaLM (arXiv 2306.05087): a completion whose first line is `1`, `2` or `Tie`, then a reason and a reference answer.

Nothing but those three is read. The authors' parser takes everything else for a tie; here it is a fault, and their
metrics (the set `pandalm`) count it as they do. JudgeBench's accuracy gives a tie and a fault the same, nothing.

The prompt is the JudgeBench authors' template, which is PandaLM's own for an instruction without a separate input.
"""

import re
from functools import partial
from typing import ClassVar

from judgebench.judges.base import Ask
from judgebench.judges.fitting import fitted
from judgebench.judges.judgelm import opened, opening
from judgebench.judges.prompted import Prompted, no_verdict
from judgebench.records import Fault, Label, Reply, TextRequest, Verdict, View

VERDICTS: dict[str, Label] = {"1": "A>B", "2": "B>A", "tie": "A=B"}
SPECIAL_TOKENS = (
    *("<unk>", "<pad>", "<s>", "</s>", "<|endoftext|>", "<|startofpiece|>", "<|endofpiece|>"),
    *("[PAD]", "[UNK]", "[CLS]", "[MASK]", "[gMASK]", "[sMASK]"),
)
"""What is taken out of responses before they are shown."""
_SPECIAL = re.compile("|".join(map(re.escape, SPECIAL_TOKENS)))


def parse(text: str) -> Label | None:
    """Return the verdict on the first line, which holds nothing else; None for anything but the three."""
    return VERDICTS.get(opening(text)[0].lower())


def scrubbed(text: str) -> str:
    """Return a response without special tokens and outer white space.

    The authors look once; what the gap left by one token makes of its neighbours (`<<s>s>`) is a token too, and would
    be one to the model, so here the search goes on until none is left.
    """
    while (found := _SPECIAL.sub("", text.strip()).strip()) != text:
        text = found
    return text


class PandaLM(Prompted):
    """Asks once. The rationale is all that follows the verdict: the reason, and the judge's own reference answer."""

    templates: ClassVar[dict[str, str]] = {"user": "pandalm_prompt"}
    known_params: ClassVar[tuple[str, ...]] = ()

    async def judge(self, view: View, ask: Ask) -> Verdict | Fault:
        """Judge one view. The verdict is read first, so a reason that is cut is no fault."""
        texts = fitted(self.card, view.texts, partial(self._prompt, view), frame=self._body(view, "", ""))
        if isinstance(texts, Fault):
            return texts
        reply = await ask(TextRequest(prompt=self._prompt(view, *texts), sampling=self.card.sampling))
        return _read(reply)

    def _prompt(self, view: View, *texts: str) -> str:
        """Return the prompt. Its last line break, which templates lose, belongs to it."""
        return f"{self._body(view, *map(scrubbed, texts))}\n"

    def _body(self, view: View, first: str, second: str) -> str:
        return self.render("user", instruction=view.question, resp1=first, resp2=second)


def _read(reply: Reply) -> Verdict | Fault:
    first, rest = opening(reply.text or "")
    label = parse(first) if opened(reply) else None
    if label is None:
        return no_verdict(reply, "the first line is not 1, 2 or Tie")
    return Verdict(preference=label, raw=first, rationale=rest or None)
