"""Replies from a script: for demonstrations and tests. Opens no socket and holds no model.

`scripted/demo` looks like a judge and is none: its verdict is a hash of the request, so it is right half
of the time by chance. Say so wherever its numbers are shown.
"""

import asyncio
from collections.abc import Callable
from typing import ClassVar, Self

from judgebench import registry
from judgebench.backends.base import Backend, Endpoint
from judgebench.errors import UsageError
from judgebench.records import ChatRequest, Message, Reply, ScoreRequest, TextRequest, Usage, text_of
from judgebench.run.keys import request_key

AnyRequest = ChatRequest | TextRequest | ScoreRequest
Script = Callable[[AnyRequest], Reply | str | Exception]
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English text, so that token counts look alike; they measure nothing."""


class ScriptedBackend(Backend):
    """Answers by calling a function; `model` names one of `SCRIPTS`.

    Options: `latency`, the seconds every reply takes.
    """

    name: ClassVar[str] = "scripted"

    def __init__(self, endpoint: Endpoint, script: Script | None = None) -> None:
        super().__init__(endpoint)
        for option in endpoint.options:
            if option != "latency":
                raise UsageError(registry.unknown("scripted backend option", option, ["latency"]))
        self._script = script or _named(endpoint.model)
        self._latency = _seconds(endpoint.options.get("latency", 0.0))

    @classmethod
    def from_function(cls, fn: Script, latency: float = 0.0) -> Self:
        """Return a backend that answers with `fn(request)`: a Reply, its text, or an exception to raise."""
        return cls(Endpoint(model="function", options={"latency": latency}), fn)

    async def complete(self, request: ChatRequest | TextRequest) -> Reply:
        """Answer with the script. Raises what the script returns when that is an exception."""
        return await self._play(request)

    async def score(self, request: ScoreRequest) -> Reply:
        """Score with the script. Raises what the script returns when that is an exception."""
        return await self._play(request)

    async def _play(self, request: AnyRequest) -> Reply:
        if self._latency:
            await asyncio.sleep(self._latency)
        said = self._script(request)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Reply):
            return said
        usage = Usage(input=_tokens(_prompt(request)), output=_tokens(said))
        return Reply(text=said, usage=usage, model=self.endpoint.model, seconds=self._latency)


def demo(request: AnyRequest) -> Reply | str:
    """Pretend to judge: a verdict for A or B, rarely a tie, and in about 3 of 100 cases nothing readable.

    Requests with the same content get the same answer. Scores lie in [-4, 4).
    """
    if isinstance(request, ScoreRequest) and request.mode == "pair":
        return Reply(
            scores=(8 * _fraction(request) - 4,), usage=Usage(input=_tokens(_prompt(request)), output=0), model="demo"
        )
    if isinstance(request, ScoreRequest):
        conversations = [request.model_copy(update={"conversations": (c,)}) for c in request.conversations]
        scores = tuple(8 * _fraction(one) - 4 for one in conversations)
        return Reply(scores=scores, usage=Usage(input=_tokens(_prompt(request)), output=0), model="demo")
    lot = 100 * _fraction(request)
    if lot < 3:  # noqa: PLR2004 (per cent, as documented)
        return "This demonstration reply holds no verdict on purpose."
    verdict = "tie" if lot < 9 else "A" if lot < 54.5 else "B"  # noqa: PLR2004
    return f"A demonstration: nothing was read, this verdict is a hash.\n\nVerdict: {verdict}"


SCRIPTS: dict[str, Script] = {"demo": demo}


def _named(model: str) -> Script:
    if model not in SCRIPTS:
        raise UsageError(registry.unknown("script", model, SCRIPTS))
    return SCRIPTS[model]


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"latency={value!r} is no number of seconds. Type e.g. latency=0.1")
    return seconds


def _fraction(request: AnyRequest) -> float:
    """Return the request's key as a number in [0, 1)."""
    return int(request_key(request)[:13], 16) / 16**13


def _prompt(request: AnyRequest) -> str:
    if isinstance(request, TextRequest):
        return request.prompt
    conversations = request.conversations if isinstance(request, ScoreRequest) else (request.messages,)
    return "".join(_joined(messages) for messages in conversations)


def _joined(messages: tuple[Message, ...]) -> str:
    return "".join(text_of(message.content) for message in messages)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
