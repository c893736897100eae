"""Any OpenAI-compatible server: OpenAI, vLLM, llama.cpp, Ollama, OpenRouter, Together, Gemini.

Only what the request sets is sent. What a server drops in silence (log-probabilities, a seed) shows in
the reply, never here. Reward models behind such a server are asked in `judgebench.backends.scoring_routes`.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from judgebench.backends.base import Endpoint
from judgebench.backends.extras import for_server
from judgebench.backends.rows import Desk
from judgebench.backends.scoring_routes import Inputs, Scoring
from judgebench.backends.wire import Call, HTTPBackend, data_url, decode, parts_of
from judgebench.errors import MissingPrerequisite, PermanentError, TransientError
from judgebench.records import (
    ChatRequest,
    Finish,
    ImagePart,
    Message,
    Reply,
    Sampling,
    ScoreRequest,
    TextRequest,
    TokenLogprobs,
    Usage,
)

FINISH: dict[str, Finish] = {"length": "length", "content_filter": "refusal"}
"""Everything else a server may say (`stop`, `eos`, null) is a stop."""


class OpenAIBackend(HTTPBackend):
    """Chat and text completions on an OpenAI-compatible server.

    Options: `key_env` names the environment variable of the key; `max_tokens_field` is the name under
    which a chat's token limit is sent: `max_completion_tokens` on OpenAI's own host, whose reasoning models
    know no other, and `max_tokens` elsewhere, which every compatible server knows. `score_route` and `score_input`
    say how a reward model is asked (`judgebench.backends.scoring_routes`).
    """

    name: ClassVar[str] = "openai"
    key_env: ClassVar[str] = "OPENAI_API_KEY"
    url_env: ClassVar[str] = "OPENAI_BASE_URL"
    default_url: ClassVar[str] = "https://api.openai.com/v1"
    known_options: ClassVar[tuple[str, ...]] = ("key_env", "max_tokens_field", "score_route", "score_input")
    packages: ClassVar[tuple[str, ...]] = ("openai", "aiohttp", "httpx2")
    identifying: ClassVar[tuple[str, ...]] = ("score_route", "score_input")
    score_input: ClassVar[Inputs | None] = None
    """How conversations to be scored are sent where no option says."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self.desk = Desk(endpoint)
        self._scoring = Scoring(self, self.score_input)

    @property
    def identity(self) -> dict[str, Any]:
        """Return what tells this model from every other, and how it is asked for scores where an option says."""
        return super().identity | self._scoring.identity

    def render(self, request: ChatRequest | TextRequest) -> Call:
        """Return the call of a chat or text completion."""
        if isinstance(request, TextRequest):
            return Call("/completions", self._text_body(request))
        return Call("/chat/completions", self._chat_body(request))

    def read(self, payload: dict[str, Any]) -> Reply:
        """Return the first choice of a chat or text completion."""
        return _read(payload)

    def interpret(self, status: int, headers: Mapping[str, str], data: bytes, body: dict[str, Any]) -> Reply:
        """Return the reply in an answer. Raises as the base does, and when a server took no notice of beam search."""
        reply = super().interpret(status, headers, data, body)
        if body.get("use_beam_search") and len(decode(data)["choices"]) < body["n"]:
            raise PermanentError(
                f"{self.url} took no notice of beam search: it answers fewer replies than beams. "
                "Run the judge with --backend transformers"
            )
        return reply

    async def score(self, request: ScoreRequest) -> Reply:
        """Score conversations on a server of one's own. Raises as `complete` does."""
        return await (super().score(request) if self.is_default else self._scoring.score(request))

    async def aclose(self) -> None:
        """Close connections. Safe to call twice; a later call connects anew."""
        self.desk.close()
        await self._scoring.aclose()
        await super().aclose()

    def describe(self) -> dict[str, Any]:
        """Return the versions of the packages on the wire, and how scores were asked for."""
        return super().describe() | self._scoring.describe()

    def _make_client(self, key: str) -> tuple[Any, Any]:
        import openai

        http = openai.DefaultAioHttpClient(**self._http_options())
        client = openai.AsyncOpenAI(
            api_key=key, base_url=self.url, max_retries=0, timeout=http.timeout, http_client=http
        )
        return client, http

    def _chat_body(self, request: ChatRequest) -> dict[str, Any]:
        default = "max_completion_tokens" if self.is_default else "max_tokens"
        field = self.endpoint.options.get("max_tokens_field", default)
        body = {
            **_sampling(request.sampling, str(field)),
            "model": self.endpoint.model,
            "messages": [_message(message) for message in request.messages],
        }
        if request.logprobs is not None:
            body |= {"logprobs": True, "top_logprobs": request.logprobs}
        if request.json_schema is not None:
            body["response_format"] = response_format(request.json_schema)
        return body

    def _text_body(self, request: TextRequest) -> dict[str, Any]:
        body = {
            **_sampling(request.sampling, "max_tokens"),
            "model": self.endpoint.model,
            "prompt": request.prompt,
        }
        return body if request.logprobs is None else body | {"logprobs": request.logprobs}


def _sampling(sampling: Sampling, max_tokens_field: str) -> dict[str, Any]:
    named = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        max_tokens_field: sampling.max_tokens,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "reasoning_effort": sampling.reasoning_effort,
    }
    return for_server(sampling) | {name: value for name, value in named.items() if value is not None}


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the field that holds a reply to a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": parts_of(message.content, image_of)}


def image_of(part: ImagePart) -> dict[str, Any]:
    """Return an image as a part of a message."""
    return {"type": "image_url", "image_url": {"url": data_url(part)}}


def first_model(base_url: str) -> str:
    """Return the name of the first model a server lists. Raises MissingPrerequisite when it lists none."""
    import httpx2

    backend = OpenAIBackend(Endpoint(model="", base_url=base_url))
    try:
        answer = httpx2.get(f"{backend.url}/models", headers={"Authorization": f"Bearer {backend.key()}"}, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["data"][0]["id"])
    except (httpx2.HTTPError, ValueError, LookupError, TypeError) as error:
        raise MissingPrerequisite(
            f"the server lists no models ({type(error).__name__}). Type: --model openai/NAME"
        ) from None


# -- answers -----------------------------------------------------------------------------------------------


def _read(payload: dict[str, Any]) -> Reply:
    """Read the first choice of a chat or text completion."""
    choice = payload["choices"][0]
    if choice.get("finish_reason") == "error":  # OpenRouter: the provider behind it broke off
        raise TransientError("the provider broke off in the middle of a reply")
    message = choice["message"] if "message" in choice else {"content": choice["text"]}
    refusal = message.get("refusal")
    text = _text(message.get("content"))
    return Reply(
        text=text if refusal is None or text else refusal,
        finish="refusal" if refusal is not None else FINISH.get(choice.get("finish_reason"), "stop"),
        logprobs=_logprobs(choice.get("logprobs") or {}),
        usage=_usage(payload.get("usage") or {}),
        model=payload.get("model"),
    )


def _text(content: Any) -> str | None:
    """Return a content as text. Some servers answer in parts, of which those that think are not the reply."""
    if content is None or isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        input=usage.get("prompt_tokens"),
        output=usage.get("completion_tokens"),
        cached=(usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
        reasoning=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens"),
    )


def _logprobs(logprobs: Mapping[str, Any]) -> tuple[TokenLogprobs, ...] | None:
    """Return a token's log-probabilities per token, None unless every token has one."""
    if "tokens" in logprobs:
        tops = logprobs.get("top_logprobs") or [{}] * len(logprobs["tokens"])
        rows = list(zip(logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True))
    else:
        rows = [
            (
                token["token"],
                token["logprob"],
                {top["token"]: top["logprob"] for top in token["top_logprobs"] or ()},
            )
            for token in logprobs.get("content") or ()
        ]
    if not rows or not all(_finite(logprob) for _, logprob, _ in rows):
        return None
    return tuple(
        TokenLogprobs(token=token, logprob=logprob, top={t: p for t, p in (top or {}).items() if _finite(p)})
        for token, logprob, top in rows
    )


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
