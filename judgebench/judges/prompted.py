"""What prompted judges share: templates named by the card, and the fault of a reply without a verdict."""

from typing import Any, ClassVar

from judgebench import prompts as library
from judgebench import registry
from judgebench.errors import UsageError
from judgebench.judges.base import Ask, Family, fault_of
from judgebench.judges.card import JudgeCard
from judgebench.records import ChatRequest, Fault, Message, Reply, TextRequest


class Prompted(Family):
    """A family that renders templates and asks a chat model. A card's `prompts` may replace them by role.

    Parameter of every such family: `retry_max_tokens`, the token limit of one more try after a reply that was cut
    (reasoning models spend theirs on hidden thinking). Without it a cut reply stays cut, and is shown as such.
    """

    templates: ClassVar[dict[str, str]] = {}
    known_params: ClassVar[tuple[str, ...]] = ("retry_max_tokens",)

    def __init__(self, card: JudgeCard) -> None:
        super().__init__(card)
        for role in sorted(card.prompts.keys() - self.templates.keys()):
            roles = ", ".join(self.templates)
            raise UsageError(f"judge card {card.name}: prompts.{role}: family {card.family} renders only {roles}")
        for name in card.params:
            if name not in self.known_params:
                noun = f"parameter of family {card.family}"
                raise UsageError(f"judge card {card.name}: {registry.unknown(noun, name, self.known_params)}")
        self._names = {**self.templates, **card.prompts}
        self._budget = card.params.get("retry_max_tokens")
        if self._budget is not None and not (isinstance(self._budget, int) and self._budget > 0):
            raise UsageError(f"judge card {card.name}: params.retry_max_tokens: {self._budget!r} is no token limit")

    def prompts(self) -> dict[str, str]:
        """Return the sha256 of every template, by role. Fetches nothing."""
        return {role: library.digest(name) for role, name in self._names.items()}

    def render(self, role: str, **variables: Any) -> str:
        """Render the template of a role. Raises what `judgebench.prompts.load` raises."""
        return library.load(self._names[role]).render(**variables)

    async def put(self, ask: Ask, request: ChatRequest | TextRequest) -> Reply:
        """Ask, and once more with the larger budget when the reply was cut and the card allows it."""
        reply = await ask(request)
        if reply.finish != "length" or self._budget is None or self._budget <= (request.sampling.max_tokens or 0):
            return reply
        sampling = request.sampling.model_copy(update={"max_tokens": self._budget})
        return await ask(request.model_copy(update={"sampling": sampling}))

    def request(self, *messages: Message) -> ChatRequest:
        """Return the chat request with the card's sampling."""
        return ChatRequest(messages=messages, sampling=self.card.sampling)


def no_verdict(reply: Reply, detail: str) -> Fault:
    """Return the fault of a reply in which no verdict was found.

    A refusal, a cut or a blank reply is named as such; anything else is unparsed, with `detail`.
    """
    return fault_of(reply) or Fault(kind="unparsed", detail=detail, reply=reply.text or "")
