"""Anthropic's Messages API.

The API wants a token limit with every request: where the judge sets none, `MAX_TOKENS` is sent. Its
newest version takes no temperature, top_p or top_k; a request that sets one is sent in the older version,
and a model that refuses it even there says so.

Its prompt cache keeps what a request marks. The system messages are marked: they come first, and a judge says them
again with every item. Reading them back costs a tenth of their price, keeping them for five minutes a quarter more.
"""

from typing import Any, ClassVar

from judgebench.backends.wire import Call, HTTPBackend, encode, parts_of
from judgebench.errors import PermanentError, UsageError
from judgebench.records import ChatRequest, Finish, ImagePart, Message, Reply, Sampling, TextRequest, Usage

MAX_TOKENS = 8192
SAMPLING_VERSION = "2023-06-01"
"""The last version of the API in which temperature, top_p and top_k exist."""
SAMPLING_FIELDS = frozenset({"temperature", "top_p", "top_k"})
CACHEABLE = 2048
"""Bytes of system messages from which on they are marked: some 512 tokens, the least that any model's cache takes. What
a model finds too short to keep, it leaves alone, and at the usual price."""
KEEP = {"cache_control": {"type": "ephemeral"}}
FINISH: dict[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}


class AnthropicBackend(HTTPBackend):
    """Chat on Anthropic's Messages API, or on a server that speaks it.

    Options: `key_env` names the environment variable of the key; `anthropic_version` is the version header;
    `prompt_cache` says whether long system messages are marked for the prompt cache, which they are on Anthropic's own
    host only: another server may not know of it.
    """

    name: ClassVar[str] = "anthropic"
    key_env: ClassVar[str] = "ANTHROPIC_API_KEY"
    url_env: ClassVar[str] = "ANTHROPIC_BASE_URL"
    default_url: ClassVar[str] = "https://api.anthropic.com"
    known_options: ClassVar[tuple[str, ...]] = ("key_env", "anthropic_version", "prompt_cache")
    packages: ClassVar[tuple[str, ...]] = ("anthropic", "aiohttp", "httpx2")

    def render(self, request: ChatRequest | TextRequest) -> Call:
        """Return the call of a chat request.

        What the API has no field for (a seed, log-probabilities) is a PermanentError, not left out.
        """
        if isinstance(request, TextRequest):
            raise UsageError("the anthropic backend answers no text requests")
        body = self._body(request)
        return Call("/v1/messages", body, self._headers(body))

    def read(self, payload: dict[str, Any]) -> Reply:
        """Return a message's text."""
        return _read(payload)

    def _make_client(self, key: str) -> tuple[Any, Any]:
        import anthropic

        http = anthropic.DefaultAioHttpClient(**self._http_options())
        client = anthropic.AsyncAnthropic(
            api_key=key, base_url=self.url, max_retries=0, timeout=http.timeout, http_client=http
        )
        return client, http

    def _headers(self, body: dict[str, Any]) -> dict[str, str]:
        default = SAMPLING_VERSION if SAMPLING_FIELDS & body.keys() else None
        wanted = self.endpoint.options.get("anthropic_version", default)
        return {} if wanted is None else {"anthropic-version": str(wanted)}

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        if request.logprobs is not None:
            raise PermanentError("anthropic gives no log-probabilities. Choose another judge or model")
        if request.sampling.seed is not None:
            raise PermanentError("anthropic takes no seed. Unset it in the judge's sampling and run again")
        system, messages = _split(request.messages)
        if self.endpoint.options.get("prompt_cache", self.is_default) and len(encode(system)) >= CACHEABLE:
            system[-1] |= KEEP
        effort = request.sampling.reasoning_effort
        output: dict[str, Any] = {} if effort is None else {"effort": effort}
        if request.json_schema is not None:
            output["format"] = {"type": "json_schema", "schema": request.json_schema}
        return {
            **_sampling(request.sampling),
            **({"system": system} if system else {}),
            **({"output_config": output} if output else {}),
            "model": self.endpoint.model,
            "messages": messages,
        }


def _sampling(sampling: Sampling) -> dict[str, Any]:
    named = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop_sequences": list(sampling.stop) or None,
        "max_tokens": sampling.max_tokens,
    }
    return {"max_tokens": MAX_TOKENS} | sampling.extra | {name: v for name, v in named.items() if v is not None}


def _split(messages: tuple[Message, ...]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the leading system messages as system blocks, and the conversation after them."""
    start = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
    if any(message.role == "system" for message in messages[start:]):
        raise PermanentError("anthropic takes system messages only at the start of a conversation")
    system: list[dict[str, Any]] = []
    for message in messages[:start]:
        parts = parts_of(message.content, _image)
        system += [{"type": "text", "text": parts}] if isinstance(parts, str) else parts
    return system, [{"role": m.role, "content": parts_of(m.content, _image)} for m in messages[start:]]


def _image(part: ImagePart) -> dict[str, Any]:
    if part.url is not None:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": part.data}}


def _read(payload: dict[str, Any]) -> Reply:
    """Read a message: its text blocks in a row; what the model thought is not the reply."""
    texts = [block["text"] for block in payload["content"] if block["type"] == "text"]
    return Reply(
        text="".join(texts) if texts else None,
        finish=FINISH.get(payload.get("stop_reason") or "", "stop"),
        usage=_usage(payload.get("usage") or {}),
        model=payload.get("model"),
    )


def _usage(usage: dict[str, Any]) -> Usage:
    """Map usage. Anthropic counts cached input apart; here `input` is all of it, as with every backend."""
    cached = usage.get("cache_read_input_tokens")
    fresh = usage.get("input_tokens")
    written = usage.get("cache_creation_input_tokens")
    return Usage(
        input=None if fresh is None else fresh + (cached or 0) + (written or 0),
        output=usage.get("output_tokens"),
        cached=cached,
        reasoning=(usage.get("output_tokens_details") or {}).get("thinking_tokens"),
        written=written,
    )
