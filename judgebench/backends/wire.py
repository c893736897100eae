"""What the HTTP backends share: one client, JSON in and out, and a provider's errors as ours.

A provider's SDK brings the transport and the headers; nothing else of it is used on the way of a request.
Requests go out as bytes and answers are read with orjson, because the SDKs' own typed requests, replies and
request pipelines cost more than everything else judgebench does per call (`benchmarks/api.py`).
"""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson

from judgebench import registry
from judgebench.backends.base import Backend, Endpoint
from judgebench.errors import (
    BackendError,
    MissingPrerequisite,
    PermanentError,
    RateLimited,
    TransientError,
    UsageError,
)
from judgebench.records import ChatRequest, Content, ImagePart, Reply, TextRequest

PLACEHOLDER_KEY = "none"
"""Sent to servers of one's own that want no key, because the SDKs insist on one."""
JSON = {"Content-Type": "application/json"}
CONNECT_SECONDS = 30.0
KEEPALIVE_SECONDS = 4.0
"""Uvicorn, and so vLLM, closes a connection idle for 5 s: let go first, or a call meets a closed door."""
EXCERPT = 100
"""Characters of a server's own words that a message may quote when they are not an error message."""
LONGEST_WAIT = 3600.0
"""Seconds after which a server is asked again, whatever pause it asked for."""

TRANSIENT_STATUS = frozenset({408, 409, 425, 499})
"""Statuses below 500 worth another try; every 5xx is, Anthropic's 529 (overloaded) included."""
PERMANENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Error codes that make even a 429 permanent: waiting brings no credit."""
ADVICE = {
    401: "{key_env} was refused. Set a valid key: export {key_env}=…",
    402: "the account has no credit left. Add credit, or choose another model",
    403: "the key in {key_env} may not use {model!r}. Choose another model or key",
    404: "no model {model!r} here. Check the model's name and the base URL",
    413: "the request is too large. Choose a model with a longer context, or set `context` in the card",
}
TOO_LONG = re.compile(
    r"maximum context length|context[_ ]length[_ ]exceeded|context window|prompt is too long|"
    r"exceeds? the (?:available )?context",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Call:
    """A request as it goes over the wire: the path after the base URL, the JSON body, headers of its own."""

    path: str
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class HTTPBackend(Backend):
    """Base of the backends that call a provider over HTTP.

    The key comes from the environment variable `key_env` (option `key_env` names another); a server of
    one's own needs none. The client is made at the first call, in the running event loop.
    """

    key_env: ClassVar[str]
    url_env: ClassVar[str]
    default_url: ClassVar[str]
    known_options: ClassVar[tuple[str, ...]] = ("key_env",)
    packages: ClassVar[tuple[str, ...]] = ("aiohttp", "httpx2")
    cacheable: ClassVar[bool] = True

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        for option in endpoint.options:
            if option not in self.known_options:
                raise UsageError(registry.unknown(f"{self.name} backend option", option, self.known_options))
        self.url = _checked(endpoint.base_url or os.environ.get(self.url_env) or self.default_url)
        self._key_env = str(endpoint.options.get("key_env", self.key_env))
        self.is_default = self.url == self.default_url
        self._secret: str | None = None
        self._client: Any = None
        self._http: Any = None
        self._fixed_headers: dict[str, str] = {}
        self._errors: tuple[type[Exception], ...] = ()

    @property
    def custom_url(self) -> str | None:
        """Return the base URL when it is not the provider's own."""
        return None if self.is_default else self.url

    def check(self) -> None:
        """Raise MissingPrerequisite when the provider needs a key and the environment has none."""
        self.key()

    async def aclose(self) -> None:
        """Close connections. Safe to call twice; a later call connects anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def describe(self) -> dict[str, Any]:
        """Return the versions of the packages on the wire."""
        return {package: version(package) for package in self.packages}

    def key(self) -> str:
        """Return the key, or a placeholder for servers that want none. Raises MissingPrerequisite."""
        key = os.environ.get(self._key_env, "").strip()
        if key:
            if not re.fullmatch(r"[!-~]+", key):
                raise MissingPrerequisite(f"{self._key_env} holds no key: a key has no spaces or special characters")
            return key
        if not self.is_default and "key_env" not in self.endpoint.options:
            return PLACEHOLDER_KEY
        raise MissingPrerequisite(f"{self.name} needs a key. Type: export {self._key_env}=…")

    def _make_client(self, key: str) -> tuple[Any, Any]:
        """Return the SDK's client, and the HTTP client under it."""
        raise NotImplementedError

    def _connect(self) -> Any:
        if self._client is None:
            key = self.key()
            import aiohttp
            import httpx2

            self._client, self._http = self._make_client(key)
            headers = {**self._client.default_headers, **self._client.auth_headers}
            self._fixed_headers = {
                name: value
                for name, value in headers.items()
                if isinstance(value, str) and name.lower() != "content-type"
            }
            self._errors = (aiohttp.ClientError, httpx2.HTTPError, httpx2.InvalidURL, OSError)
            self._secret = None if key == PLACEHOLDER_KEY else key
        return self._http

    def _http_options(self) -> dict[str, Any]:
        """Return what both SDKs' aiohttp clients are made with. Only `Endpoint.timeout` ends a call."""
        import httpx2

        limits = httpx2.Limits(max_connections=self.endpoint.connections, keepalive_expiry=KEEPALIVE_SECONDS)
        return {"limits": limits, "timeout": httpx2.Timeout(None, connect=CONNECT_SECONDS)}

    def render(self, request: ChatRequest | TextRequest) -> Call:
        """Return the call that asks `request`. Raises BackendError or UsageError for what the provider cannot do."""
        raise NotImplementedError

    def read(self, payload: dict[str, Any]) -> Reply:
        """Return the reply in a provider's answer. Any LookupError, TypeError or ValueError means that it is none."""
        raise NotImplementedError

    async def complete(self, request: ChatRequest | TextRequest) -> Reply:
        """Answer a request. Raises PermanentError, RateLimited or TransientError."""
        call = self.render(request)
        started = time.perf_counter()
        response = await self.exchange("POST", call.path, {**JSON, **call.headers}, content=encode(call.body))
        reply = self.interpret(response.status_code, response.headers, response.content, call.body)
        return reply.model_copy(update={"seconds": time.perf_counter() - started})

    async def exchange(self, method: str, path: str, headers: Mapping[str, str], **content: Any) -> Any:
        """Send one HTTP request and return the response, whatever its status. Raises TransientError without one."""
        http = self._connect()
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                sent = {**self._fixed_headers, **headers}
                return await http.request(method, self.url + path, headers=sent, **content)
        except TimeoutError:
            failure: BackendError = TransientError(f"{self.url} gave no answer in {self.endpoint.timeout:g} s")
        except self._errors as error:
            failure = self._failure(error)
        # Raised out here so that no HTTP exception, which holds the request and its key, hangs on to it.
        raise failure

    def interpret(self, status: int, headers: Mapping[str, str], data: bytes, body: dict[str, Any]) -> Reply:
        """Return the reply in an answer to `body`. Raises the BackendError that any other answer means."""
        if status >= 400:  # noqa: PLR2004 (HTTP's own number)
            raise self.status_error(status, headers, data, body)
        try:
            payload = decode(data)
            if not payload.get("error"):
                return self.read(payload)
            status = _int(payload["error"].get("code")) or 500  # OpenRouter: an error inside a 200
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            quote = self.scrub(data.decode("utf-8", "replace"))
            raise TransientError(f"{self.url} answered something else than a reply: {quote!r}") from None
        raise self.status_error(status, {}, data, body)

    def _failure(self, error: Exception) -> BackendError:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        return TransientError(f"no answer from {self.url}: {self.scrub(f'{type(cause).__name__}: {cause}')}")

    def status_error(self, status: int, headers: Mapping[str, str], data: bytes, body: dict[str, Any]) -> BackendError:
        """Classify an HTTP error: rate limit, server trouble, or a request that no retry makes right."""
        reason, code, param = error_parts(data)
        said = f" ({self.scrub(reason, 3 * EXCERPT)})" if reason else ""
        if status == 429 and code not in PERMANENT_CODES:  # noqa: PLR2004 (HTTP's own number)
            return RateLimited(f"{self.url} asks for a pause{said}", retry_after(headers))
        if status >= 500 or status in TRANSIENT_STATUS:  # noqa: PLR2004
            return TransientError(f"{self.url} is in trouble: HTTP {status}{said}", retry_after(headers))
        return PermanentError(f"{self.url}: {self._advice(status, reason, code, param, body)}{said}")

    def _advice(self, status: int, reason: str, code: str, param: str, body: dict[str, Any]) -> str:
        if code in PERMANENT_CODES:
            status = 402
        if TOO_LONG.search(f"{code} {reason}"):
            return (
                f"the prompt is longer than {self.endpoint.model!r} can read. Choose a model with a longer "
                "context, or set `context` in the judge's card so that prompts are cut"
            )
        if status in (400, 422) and (refused := refused_parameter(reason, param, body)):
            return f"the parameter {refused!r} was refused. Unset it in the judge's sampling and run again"
        advice = ADVICE.get(status, "HTTP {status}, the request was refused and would be again")
        return advice.format(key_env=self._key_env, model=self.endpoint.model, status=status)

    def scrub(self, text: str, length: int = EXCERPT) -> str:
        """Return `text` on one line, cut to `length` characters, without the key and without control characters."""
        text = " ".join(text.replace(self._secret, "***").split() if self._secret else text.split())
        text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[: 2 * length])
        return text if len(text) <= length else text[: length - 1] + "…"


def _checked(url: str) -> str:
    """Return a base URL without trailing slash. Raises UsageError when it is none or may hold a secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = url.partition("?")[0].rpartition("@")[2]
        raise UsageError(f"base URL {shown!r} is no HTTP address. Type e.g. http://localhost:8000/v1")
    if parts.username is not None or parts.query or parts.fragment:
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise UsageError(f"a base URL takes no user, password or query. Type {shown} and export the key")
    return url.rstrip("/")


# -- JSON ------------------------------------------------------------------------------------------------


def encode(body: Any) -> bytes:
    """Return JSON bytes. Lone surrogates, which UTF-8 has no place for, go out as JSON escapes."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body, allow_nan=False).encode()


def decode(data: bytes) -> dict[str, Any]:
    """Return the JSON object in `data`. Raises ValueError when there is none.

    Python's own reader takes what orjson refuses but servers do send: lone surrogates and what is no UTF-8 become
    U+FFFD, NaN and infinities become null, a byte order mark is skipped.
    """
    try:
        value = orjson.loads(data)
    except ValueError:
        lenient = json.loads(data.decode("utf-8-sig", "replace"), parse_constant=lambda _: None)
        text = json.dumps(lenient, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        value = orjson.loads(text.decode("utf-16-le", "replace"))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 (the data is wrong, not the call)
    return value


def data_url(part: ImagePart) -> str:
    """Return an image part as a URL, its bytes inline where it has them."""
    return part.url or f"data:{part.media_type};base64,{part.data}"


def parts_of(content: Content, image: Callable[[ImagePart], dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return a content as both providers take it: a string, or text parts and images made by `image`."""
    if isinstance(content, str):
        return content
    return [image(part) if isinstance(part, ImagePart) else {"type": "text", "text": part.text} for part in content]


# -- errors ------------------------------------------------------------------------------------------------


def error_parts(data: bytes) -> tuple[str, str, str]:
    """Return message, code and parameter of an error body, '' where it has none.

    Bodies differ: `{"error": {...}}` (OpenAI, Anthropic, llama.cpp), the same in a list (Gemini), `{"error":
    "text"}` (Ollama), `{"message": ...}` (older vLLM), `{"detail": ...}` (FastAPI), or no JSON at all.
    """
    try:
        value = orjson.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace").strip(), "", ""
    value = value[0] if isinstance(value, list) and value else value
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return str(error), "", ""
    message = error.get("message") or error.get("detail") or ""
    return str(message), str(error.get("code") or error.get("type") or ""), str(error.get("param") or "")


def refused_parameter(reason: str, param: str, body: Mapping[str, Any]) -> str | None:
    """Return which of the parameters sent an error is about, if it is about one."""
    sent = [name for name in body if name not in {"model", "messages", "prompt", "system"}]
    if param in sent:
        return param
    for name in sent:
        word = re.escape(name)
        if re.search(rf"['\"`]{word}['\"`]|\b{word}:|: {word}\b", reason):
            return name
    return None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds a response asks to wait, at most LONGEST_WAIT; None when it does not say.

    In this order: `retry-after-ms`, `retry-after` (seconds or an HTTP date), then the longest reset time
    among the exhausted `x-ratelimit-*` budgets (durations such as `6m0s` or `20ms`). A date counts from the
    response's own `date`: our clock may be wrong, and `now` stands in only where the response has none.
    """
    seconds = _pause({name.lower(): value for name, value in headers.items()}, now)
    return None if seconds is None else min(seconds, LONGEST_WAIT)


def _pause(headers: Mapping[str, str], now: datetime | None) -> float | None:
    milliseconds = _float(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    if (value := headers.get("retry-after")) is not None:
        when = _date(value)
        return _float(value) if when is None else _until(when, _date(headers.get("date", "")) or now)
    prefix = "x-ratelimit-reset-"
    resets = [
        seconds
        for name, value in headers.items()
        if name.startswith(prefix) and headers.get(f"x-ratelimit-remaining-{name[len(prefix) :]}", "0") == "0"
        if (seconds := duration(value)) is not None
    ]
    return max(resets, default=None)


def _until(when: datetime, now: datetime | None) -> float:
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def _date(value: str) -> datetime | None:
    """Return an HTTP date, None when it is none."""
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return when.replace(tzinfo=when.tzinfo or UTC)


_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "": 1.0}


def duration(value: str) -> float | None:
    """Return the seconds in a duration such as `1h2m3.5s`, `20ms` or `7`; None when it is none."""
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+|\d+(?:\.\d+)?", value):
        return None
    return sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|[dhms]?)", value))


def _float(value: str) -> float | None:
    return float(value) if re.fullmatch(r"\s*\d{1,15}(?:\.\d{1,15})?\s*", value) else None


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
