"""What fine-tuned judges share: checked settings, a token budget, further attempts, and votes."""

from functools import partial
from typing import Any, ClassVar, TypeVar

from pydantic import Field, ValidationError

from judgebench import prompts as library
from judgebench.errors import UsageError
from judgebench.judges.base import Ask
from judgebench.judges.card import JudgeCard
from judgebench.judges.fitting import fitted
from judgebench.judges.prompted import Prompted
from judgebench.judges.voting import elect
from judgebench.records import ChatRequest, Fault, Record, Reply, TextRequest, Verdict, View, text_of
from judgebench.tokens import length, tokenizer_of

TEMPLATE_TOKENS = 64
"""What a chat template puts around one system and one user turn, at most: role marks, a default system prompt."""
THINKING, THOUGHT = "<think>", "</think>"
AnyRequest = ChatRequest | TextRequest


class Settings(Record):
    """Parameters of every such family.

    `attempts`: how often at most the judge is asked until its reply can be read. `votes`: how many replies are asked
    for, one after another; what they come to is the verdict (see `judgebench.judges.voting`).
    """

    attempts: int = Field(default=1, ge=1)
    votes: int = Field(default=1, ge=1)


Found = TypeVar("Found", bound=Settings)


def known(settings: type[Settings]) -> tuple[str, ...]:
    """Return the names of a family's parameters."""
    return (*Prompted.known_params, *settings.model_fields)


def _checked(settings: type[Found], card: JudgeCard) -> Found:
    given = {name: value for name, value in card.params.items() if name in settings.model_fields}
    try:
        found = settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in ("params", *first["loc"]))
        raise UsageError(f"judge card {card.name}: {field}: {first['msg']}") from error
    name, count = ("votes", found.votes) if found.votes > 1 else ("attempts", found.attempts)
    if count > 1 and card.sampling.temperature == 0:
        raise UsageError(
            f"judge card {card.name}: params.{name}: {count} replies at temperature 0 are one and the same. "
            "Set sampling.temperature above 0"
        )
    return found


def spoken(text: str) -> str | None:
    """Return a reply without the thinking that it opens with; None when the thinking never ends.

    A chat template may have opened the thinking itself, so that the reply holds its end only.
    """
    rest = text.rpartition(THOUGHT)[2]
    return None if rest.lstrip().startswith(THINKING) else rest


class FineTuned(Prompted):
    """Renders one request for a view, asks, and reads the reply. Subclasses say how, in `asked` and `read`.

    The responses are cut where the card's context demands it, and only there: a prompt that fits stays whole.
    """

    settings_type: ClassVar[type[Settings]] = Settings
    settings: Settings

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        self.settings = _checked(self.settings_type, card)

    def asked(self, view: View, *texts: str) -> AnyRequest:
        """Return the request for these texts of the view's responses."""
        raise NotImplementedError

    def read(self, view: View, reply: Reply) -> Verdict | Fault:
        """Return what a reply says. Must not raise on anything a model may reply."""
        raise NotImplementedError

    def roles(self) -> tuple[str, ...]:
        """Return the roles of the templates that this judge renders."""
        return tuple(self._names)

    def prompts(self) -> dict[str, str]:
        """Return the sha256 of every template it renders, by role. Fetches nothing."""
        return {role: library.digest(self._names[role]) for role in self.roles()}

    def text(self, role: str) -> str:
        """Return a prompt without variables: one from a script as it stands, braces and all."""
        prompt = library.load(self._names[role])
        return prompt.text if prompt.format == "str" else prompt.render()

    async def judge(self, view: View, ask: Ask) -> Verdict | Fault:
        """Judge one view."""
        texts = self._fitted(view)
        if isinstance(texts, Fault):
            return texts
        request = self.asked(view, *texts)
        votes = [await self._vote(view, ask, request, number) for number in range(self.settings.votes)]
        return elect([found for found, _ in votes], [text for _, text in votes])

    async def _vote(self, view: View, ask: Ask, request: AnyRequest, number: int) -> tuple[Verdict | Fault, str]:
        attempts = self.settings.attempts
        for attempt in range(attempts):
            reply = await self.put(ask, _resampled(request, number * attempts + attempt))
            found = self.read(view, reply)
            if isinstance(found, Verdict):
                break
        return found, reply.text or ""

    def _fitted(self, view: View) -> tuple[str, ...] | Fault:
        context = self.card.context
        if context is None:
            return view.texts
        render = partial(self._rendered, view)
        overhead = TEMPLATE_TOKENS if isinstance(self.asked(view, *view.texts), ChatRequest) else 0
        room = context.limit - context.reserve - overhead
        if length(tokenizer_of(self.card), render(*view.texts), special=True) <= room:
            return view.texts
        return fitted(self.card, view.texts, render, overhead=overhead)

    def _rendered(self, view: View, *texts: str) -> str:
        request = self.asked(view, *texts)
        if isinstance(request, TextRequest):
            return request.prompt
        return "\n".join(text_of(message.content) for message in request.messages)


def _resampled(request: AnyRequest, number: int) -> AnyRequest:
    """Return the request for another sample: with a seed of its own, where there is one."""
    seed = request.sampling.seed
    if seed is None or number == 0:
        return request
    sampling: dict[str, Any] = {"sampling": request.sampling.model_copy(update={"seed": seed + number})}
    return request.model_copy(update=sampling)
