"""Scores of reward models over HTTP: the routes of vLLM, SGLang and text-embeddings-inference.

Two kinds of routes. Some read a whole conversation, as a reward model does: `classify` and `pooling` of vLLM, and
`sglang`, its own `/classify` (its `/v1/classify` puts a softmax over the numbers, which makes every single one 1.0).
Others read a question and a response side by side, as a cross-encoder does: `score` of vLLM, `predict` and `rerank` of
text-embeddings-inference. Nothing in their answers tells a reward from the similarity of two embeddings, so these are
asked only by name.

Where no route is named, the first that answers of classify, pooling, sglang is taken, once for all requests. An
activation (a sigmoid, mostly) is switched off where it can be. Checked against vLLM 0.29 to 0.33.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import orjson

from judgebench import registry
from judgebench.backends.wire import JSON, TOO_LONG, encode, error_parts, parts_of
from judgebench.errors import BackendError, PermanentError, TransientError, UsageError
from judgebench.judges.card import Weights
from judgebench.records import ImagePart, Message, Reply, ScoreRequest, Usage, text_of

if TYPE_CHECKING:
    from judgebench.backends.openai import OpenAIBackend

Values = list[list[float | None]]
"""For each input the numbers that came back; None for what is none (nan)."""
Inputs = Literal["tokens", "messages"]
INPUTS: tuple[Inputs, ...] = ("tokens", "messages")
ELSEWHERE = frozenset({400, 404, 405, 422, 501})
"""Statuses that may mean: not this route."""
NOT_FOUND = 404


@dataclass(frozen=True)
class Answer:
    """What a route answered: numbers, tokens read, and the model's name where it is told."""

    values: Values
    tokens: int | None
    model: str | None = None


@dataclass(frozen=True)
class Route:
    """A way of asking for scores: the path from the server's root, the body of a call, and how the answer is read.

    `reads` is what a call holds: `tokens` of many conversations, or `pairs` of question and response. Those that take
    `messages` too take one conversation a call. `activation` is what becomes of it.
    """

    name: str
    path: str
    reads: Literal["tokens", "pairs"]
    body: Callable[[str, Any], dict[str, Any]]
    read: Callable[[Any], Answer]
    activation: str
    messages: bool = False


# -- bodies and answers --------------------------------------------------------------------------------------


def _vllm(**fields: Any) -> Callable[[str, Any], dict[str, Any]]:
    def body(model: str, given: Any) -> dict[str, Any]:
        what = {"messages": given} if given and isinstance(given[0], dict) else {"input": given}
        return {"model": model, "use_activation": False, **fields, **what}

    return body


def _data(field: str) -> Callable[[Any], Answer]:
    """Read vLLM's answers: a list under `data`, each with its index."""

    def read(payload: Any) -> Answer:
        rows = sorted(payload["data"], key=lambda row: row["index"])
        return Answer(
            [_numbers(row[field]) for row in rows], (payload.get("usage") or {}).get("prompt_tokens"), payload["model"]
        )

    return read


def _sglang(payload: Any) -> Answer:
    rows = payload if isinstance(payload, list) else [payload]
    tokens = [(row.get("meta_info") or {}).get("prompt_tokens") for row in rows]
    known = [count for count in tokens if count is not None]
    return Answer([_numbers(row["embedding"]) for row in rows], sum(known) if known else None)


def _predictions(payload: Any) -> Answer:
    return Answer([[_number(one["score"]) for one in row] for row in payload], None)


def _ranks(payload: Any) -> Answer:
    return Answer([_numbers(row["score"]) for row in sorted(payload, key=lambda row: row["index"])], None)


def _numbers(value: Any) -> list[float | None]:
    return [_number(one) for one in value] if isinstance(value, list) else [_number(value)]


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value) if math.isfinite(value) else None


def _pairs(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {"text_1": [one for one, _ in pairs], "text_2": [two for _, two in pairs]}


ROUTES = {
    route.name: route
    for route in (
        Route("classify", "/classify", "tokens", _vllm(), _data("probs"), "off", messages=True),
        Route("pooling", "/pooling", "tokens", _vllm(task="classify"), _data("data"), "off", messages=True),
        Route("sglang", "/classify", "tokens", lambda _model, given: {"input_ids": given}, _sglang, "none"),
        Route(
            "score", "/score", "pairs",
            lambda model, pairs: {"model": model, "use_activation": False, **_pairs(pairs)}, _data("score"), "off",
        ),
        Route(
            "predict", "/predict", "pairs",
            lambda _model, pairs: {"inputs": [list(pair) for pair in pairs], "raw_scores": True}, _predictions, "off",
        ),
        Route(
            "rerank", "/rerank", "pairs",
            lambda _model, pairs: {"query": pairs[0][0], "texts": [two for _, two in pairs], "raw_scores": True},
            _ranks, "off",
        ),
    )
}  # fmt: skip
TRIED = ("classify", "pooling", "sglang")
"""The routes tried where none is named, in this order."""


def picked(numbers: Sequence[float | None], weights: Weights, model: str) -> float | None:
    """Return the one number that is the score. Raises UsageError when the card leaves a choice."""
    label, negate = weights.params.get("label"), weights.params.get("negate", False)
    if label is None and len(numbers) == 1:
        label = 0
    if not isinstance(label, int) or not 0 <= label < len(numbers):
        raise UsageError(
            f"{model} gives {len(numbers)} numbers. Type the index of one in the card's weights.params.label: "
            f"0 to {len(numbers) - 1}"
        )
    number = numbers[label]
    return number if number is None or not negate else -number


# -- asking --------------------------------------------------------------------------------------------------


class Scoring:
    """Asks a server for scores through one of its routes, found once.

    Options of the backend: `score_route` names one of ROUTES; `score_input` says whether conversations go as `tokens`
    (written here, as the card says) or as `messages` (written by the server's own template). Unset it is tokens where
    the card says how its model is fed.
    """

    def __init__(self, backend: "OpenAIBackend", given: str | None = None) -> None:
        options = backend.endpoint.options
        self._backend = backend
        self._weights = backend.endpoint.weights or Weights()
        self._named = _one_of(options.get("score_route"), ROUTES, "score_route")
        chosen = _one_of(options.get("score_input", given), INPUTS, "score_input")
        says_how = backend.endpoint.weights is not None or self._named == "sglang"
        self._inputs = chosen or ("tokens" if says_how else "messages")
        self._route: Route | None = None
        self._finding: asyncio.Lock | None = None
        self._door: OpenAIBackend | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Return the options that may change a score."""
        return {name: value for name, value in self._backend.endpoint.options.items() if name.startswith("score_")}

    def describe(self) -> dict[str, Any]:
        """Return the route that was used, if any."""
        route = self._route
        if route is None:
            return {}
        inputs = self._inputs if route.reads == "tokens" else route.reads
        return {"score_route": route.name, "score_input": inputs, "score_activation": route.activation}

    async def score(self, request: ScoreRequest) -> Reply:
        """Score conversations. A score that is no number leaves the reply without any: that is the model's doing.

        Raises PermanentError, RateLimited or TransientError, UsageError for what no route can do.
        """
        if request.mode != "each":
            raise UsageError(
                "a server scores conversations one by one, not against one another. Type: --backend transformers"
            )
        started = time.perf_counter()
        answers = await self._ask(request)
        numbers = [picked(row, self._weights, self._backend.endpoint.model) for one in answers for row in one.values]
        tokens = [one.tokens for one in answers]
        sound = all(number is not None for number in numbers)
        return Reply(
            text=None if sound else f"scores: {', '.join('nan' if one is None else str(one) for one in numbers)}",
            scores=tuple(number for number in numbers if number is not None) if sound else (),
            usage=Usage(input=None if None in tokens else sum(one or 0 for one in tokens), output=0),
            model=answers[0].model or self._backend.endpoint.model,
            seconds=time.perf_counter() - started,
        )

    async def _ask(self, request: ScoreRequest) -> list[Answer]:
        if self._route is None and self._named is not None:
            self._route = ROUTES[self._named]
        if self._route is None:
            self._finding = self._finding or asyncio.Lock()
            async with self._finding:
                if self._route is None:
                    return await self._find(request)
        return await self._through(self._route, request)

    async def _find(self, request: ScoreRequest) -> list[Answer]:
        """Try the routes in their order, and keep to the first that answers."""
        refusals = []
        for route in (ROUTES[name] for name in TRIED):
            try:
                answers = await self._through(route, request)
            except _Elsewhere as error:
                refusals.append(f"{route.name}: {error}")
            else:
                self._route = route
                return answers
        raise PermanentError(
            f"{self._backend.url} gives no scores ({'; '.join(refusals)}). Serve the model to be pooled (vllm serve "
            f"NAME --runner pooling), or name its route: --backend-option score_route={'|'.join(ROUTES)}"
        )

    async def _through(self, route: Route, request: ScoreRequest) -> list[Answer]:
        """Ask one route, in as few calls as it allows."""
        calls = await self._calls(route, request.conversations)
        return list(await asyncio.gather(*(self._call(route, given, expected) for given, expected in calls)))

    async def _calls(self, route: Route, conversations: Sequence[Sequence[Message]]) -> list[tuple[Any, int]]:
        """Return what each call holds, and how many scores it must bring."""
        if route.reads == "pairs":
            pairs = [_pair(conversation) for conversation in conversations]
            if route.name != "rerank" or len({question for question, _ in pairs}) == 1:
                return [(pairs, len(pairs))]
            return [([pair], 1) for pair in pairs]
        if self._inputs == "messages":
            if not route.messages:
                raise _Elsewhere("it takes tokens. Type: --backend-option score_input=tokens")
            return [([_json_message(message) for message in one], 1) for one in conversations]
        rows = await self._backend.desk.rows(ScoreRequest(conversations=tuple(map(tuple, conversations))))
        return [(rows, len(rows))]

    async def _call(self, route: Route, given: Any, expected: int) -> Answer:
        backend = self._door = self._door or self._at_root()
        body = route.body(backend.endpoint.model, given)
        response = await backend.exchange("POST", route.path, JSON, content=encode(body))
        status, data = response.status_code, response.content
        if status >= 400:  # noqa: PLR2004 (HTTP's own number)
            raise self._refusal(status, response.headers, data, body)
        try:
            answer = route.read(_loads(data))
            if len(answer.values) == expected and all(answer.values):
                return answer
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass
        said = backend.scrub(data.decode("utf-8", "replace"))
        raise TransientError(f"{backend.url} answered something else than {expected} scores: {said!r}")

    def _refusal(self, status: int, headers: Mapping[str, str], data: bytes, body: dict[str, Any]) -> BackendError:
        """Return what an HTTP error means: while routes are tried, some mean no more than another route."""
        door, reason = self._door or self._backend, error_parts(data)[0]
        is_final = TOO_LONG.search(reason) or (status == NOT_FOUND and "model" in reason.lower())
        if self._named is None and self._route is None and status in ELSEWHERE and not is_final:
            return _Elsewhere(f"HTTP {status}" + (f" ({door.scrub(reason)})" if reason else ""))
        return door.status_error(status, headers, data, body)

    def _at_root(self) -> "OpenAIBackend":
        """Return a connection to the server's root: these routes are not under `/v1`."""
        endpoint, root = self._backend.endpoint, self._backend.url.removesuffix("/v1")
        key = {name: value for name, value in endpoint.options.items() if name == "key_env"}
        return type(self._backend)(replace(endpoint, base_url=root, options=key))

    async def aclose(self) -> None:
        """Close connections. Safe to call twice."""
        if self._door is not None:
            await self._door.aclose()


class _Elsewhere(PermanentError):
    """One route does not answer; another may."""


def _one_of(value: Any, known: Any, option: str) -> Any:
    if value is not None and value not in known:
        raise UsageError(registry.unknown(f"backend option {option}", str(value), known))
    return value


def _pair(conversation: Sequence[Message]) -> tuple[str, str]:
    """Return question and response as text; a question of several turns with their roles, as judges see it."""
    for message in conversation:
        if not isinstance(message.content, str) and any(isinstance(part, ImagePart) for part in message.content):
            raise UsageError("this route takes text only, and a turn holds an image. Type: score_route=classify")
    *turns, response = conversation
    if len(turns) == 1:
        return text_of(turns[0].content), text_of(response.content)
    question = "\n\n".join(f"{turn.role.capitalize()}: {text_of(turn.content)}" for turn in turns)
    return question, text_of(response.content)


def _json_message(message: Message) -> dict[str, Any]:
    from judgebench.backends.openai import image_of

    return {"role": message.role, "content": parts_of(message.content, image_of)}


def _loads(data: bytes) -> Any:
    """Return JSON of any kind, in which NaN and infinities, which some servers do send, are null."""
    try:
        return orjson.loads(data)
    except ValueError:
        return json.loads(data.decode("utf-8", "replace"), parse_constant=lambda _: None)
