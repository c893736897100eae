"""A vLLM server of one's own, asked as the engine in this process is: in tokens, with nothing left to its defaults.

What vLLM would take from the model's `generation_config.json` where a request says nothing is said in every request, so
that a judge decodes alike here, on the engine and on transformers. Checked against vLLM 0.29 to 0.33.
"""

from typing import Any, ClassVar

from judgebench.backends import extras
from judgebench.backends.base import Endpoint
from judgebench.backends.local.decoding import seed_of
from judgebench.backends.local.generating import MOST_NEW
from judgebench.backends.openai import OpenAIBackend, response_format
from judgebench.backends.scoring_routes import Inputs
from judgebench.backends.wire import Call
from judgebench.errors import UsageError
from judgebench.records import ChatRequest, Reply, ScoreRequest, TextRequest

NEUTRAL = {
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "skip_special_tokens": True,
}
"""Said in every request: unsaid, the server takes what the model's generation_config.json says."""
TOKEN = "token_id:"  # noqa: S105 - what vLLM writes before a token's id


def sampling_of(request: ChatRequest | TextRequest, sample: str | None) -> dict[str, Any]:
    """Return the arguments of SamplingParams that are the same in this process and on a server."""
    sampling = request.sampling
    if sampling.reasoning_effort is not None:
        raise UsageError("sampling.reasoning_effort is for API models; a local model's reasoning is in its template")
    temperature = sampling.temperature or 0.0
    return {
        "temperature": temperature,
        "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
        "max_tokens": sampling.max_tokens or MOST_NEW,
        "stop": list(sampling.stop) or None,
        "seed": seed_of(request, sample) if temperature else None,
        "logprobs": request.logprobs,
    }


class _Written(TextRequest):
    """A request in tokens."""

    ids: tuple[int, ...]
    stop_ids: tuple[int, ...] = ()
    seed: int | None = None
    json_schema: dict[str, Any] | None = None


class VLLMServer(OpenAIBackend):
    """A vLLM server that runs the judge's model: asked in tokens, so that it reads what the engine here would read.

    Options: `key_env` names the environment variable of the key; `score_route` and `score_input` as with `openai`.
    """

    name: ClassVar[str] = "vllm"
    key_env: ClassVar[str] = "VLLM_API_KEY"
    url_env: ClassVar[str] = "VLLM_BASE_URL"
    default_url: ClassVar[str] = ""
    known_options: ClassVar[tuple[str, ...]] = ("key_env", "score_route", "score_input")
    concurrency: ClassVar[int] = Endpoint.connections
    score_input: ClassVar[Inputs | None] = "tokens"

    async def complete(self, request: ChatRequest | TextRequest) -> Reply:
        """Continue a conversation or a prompt."""
        return await self._complete(request, None)

    async def answer(self, request: ChatRequest | TextRequest | ScoreRequest, sample: str | None = None) -> Reply:
        """Answer a request. `sample` seeds the noise of one that is sampled without a seed of its own."""
        return await (self.score(request) if isinstance(request, ScoreRequest) else self._complete(request, sample))

    async def _complete(self, request: ChatRequest | TextRequest, sample: str | None) -> Reply:
        (ids,) = await self.desk.rows(request)
        stops = request.sampling.stop
        added = await self.desk.work(lambda: self.desk.speller.added) if stops else {}
        written = _Written(
            prompt="", ids=tuple(ids), sampling=request.sampling, logprobs=request.logprobs,
            stop_ids=tuple(added[stop] for stop in stops if stop in added),
            seed=sampling_of(request, sample)["seed"],
            json_schema=request.json_schema if isinstance(request, ChatRequest) else None,
        )  # fmt: skip
        reply = await super().complete(written)
        if reply.logprobs is None:
            return reply
        return await self.desk.work(lambda: self._spelled(reply, request.logprobs or 0))

    def _spelled(self, reply: Reply, most: int) -> Reply:
        steps = [
            self.desk.logprobs(
                int(step.token.removeprefix(TOKEN)), step.logprob,
                {int(rival.removeprefix(TOKEN)): theirs for rival, theirs in step.top.items()}, most,
            )
            for step in reply.logprobs or ()
        ]  # fmt: skip
        return reply.model_copy(update={"logprobs": tuple(steps)})

    def render(self, request: ChatRequest | TextRequest) -> Call:
        """Return the call of a request in tokens."""
        assert isinstance(request, _Written), "requests are written in tokens first"
        given = sampling_of(request, None) | {"seed": request.seed, "stop_token_ids": list(request.stop_ids) or None}
        body = NEUTRAL | extras.for_server(request.sampling) | {k: v for k, v in given.items() if v is not None}
        body |= {"model": self.endpoint.model, "prompt": list(request.ids), "return_tokens_as_token_ids": True}
        if request.json_schema is not None:
            body["response_format"] = response_format(request.json_schema)
        return Call("/completions", body)
