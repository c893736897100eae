"""The vocabulary: frozen records that every part speaks in.

Item → Trial → View → Request → Reply → Verdict or Fault → Judgment. Spec and Result live in
`judgebench.spec` and `judgebench.results`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from judgebench.hashing import short_id

Label = Literal["A>B", "B>A", "A=B"]
FaultKind = Literal["unparsed", "refused", "truncated", "empty"]
FAULT_KINDS: tuple[FaultKind, ...] = ("unparsed", "refused", "truncated", "empty")
Finish = Literal["stop", "length", "refusal"]
Role = Literal["system", "user", "assistant"]
FLIPPED: dict[Label, Label] = {"A>B": "B>A", "B>A": "A>B", "A=B": "A=B"}


class Record(BaseModel):
    """A frozen record: unknown fields and non-finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# -- what is judged --------------------------------------------------------------------------------


class TextPart(Record):
    """A piece of text in a multi-part content."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(Record):
    """An image: base64 bytes with their media type, or a URL the provider can read."""

    type: Literal["image"] = "image"
    media_type: str = "image/png"
    data: str | None = None
    url: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.data is None) == (self.url is None):
            raise ValueError("an image part has either data or url")
        return self


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]
Content = str | tuple[Part, ...]


def text_of(content: Content) -> str:
    """Return the text of a content; images become `[image]`."""
    if isinstance(content, str):
        return content
    return "\n".join(part.text if isinstance(part, TextPart) else "[image]" for part in content)


class Turn(Record):
    """One turn of the conversation so far."""

    role: Role
    content: Content


class Candidate(Record):
    """A response under judgment. `model` wrote it; judges never see that."""

    content: Content
    model: str | None = None


class Preference(Record):
    """Gold: one of two candidates is better, or neither."""

    kind: Literal["preference"] = "preference"
    label: Label


class Votes(Record):
    """Gold: what each of several annotators said."""

    kind: Literal["votes"] = "votes"
    votes: tuple[Label, ...] = Field(min_length=1)


class Scores(Record):
    """Gold: one number per candidate, on a stated range."""

    kind: Literal["scores"] = "scores"
    scores: tuple[float, ...] = Field(min_length=1)
    low: float
    high: float


class Best(Record):
    """Gold: the indices of the best candidates."""

    kind: Literal["best"] = "best"
    indices: tuple[int, ...] = Field(min_length=1)


Gold = Annotated[Preference | Votes | Scores | Best, Field(discriminator="kind")]


class Item(Record):
    """One question with its candidates and what is known to be true of them.

    `id` is a hash of the content (see `Item.make`), `source_id` names the source question: items that
    share it are not independent, and intervals resample them together. `traits` are numbers known of the item beyond
    its gold and published with it: how hard it is (`difficulty`), where its fault sits (`depth`).
    """

    id: str
    task: str
    category: str
    source_id: str
    turns: tuple[Turn, ...]
    candidates: tuple[Candidate, ...] = Field(min_length=1)
    gold: Gold
    reference: str | None = None
    rubric: str | None = None
    persona: str | None = None
    traits: dict[str, float] = Field(default_factory=dict)
    meta: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def make(cls, *, key: str | None = None, **fields: Any) -> Self:
        """Build an item whose id is the hash of its content.

        `key` is the row's own id where the dataset has one: it keeps two rows of equal text apart.
        """
        draft = cls(id="", **fields)
        content = draft.model_dump(mode="json", include=_CONTENT_FIELDS)
        content["candidates"] = [c["content"] for c in content["candidates"]]
        return draft.model_copy(update={"id": short_id({"key": key or "", **content})})


_CONTENT_FIELDS = {"turns", "candidates", "reference", "rubric", "persona"}


class Trial(Record):
    """An item in one presented order, one repeat, one perturbation. `key` is its hash."""

    item: str
    order: tuple[int, ...]
    repeat: int = 0
    perturbation: str = "none"

    @property
    def key(self) -> str:
        """Return the trial's key: 16 hex digits."""
        return short_id([self.item, list(self.order), self.repeat, self.perturbation])


class View(Record):
    """What a judge may see of a trial: no gold, no ids, no author of a response.

    `responses` stand in presented order. `seed` is the trial's own random seed.
    """

    turns: tuple[Turn, ...]
    responses: tuple[Content, ...]
    reference: str | None = None
    rubric: str | None = None
    persona: str | None = None
    ties: bool = False
    seed: int = 0

    @property
    def question(self) -> str:
        """Return the conversation as text: the bare turn when there is only one, else with roles."""
        if len(self.turns) == 1:
            return text_of(self.turns[0].content)
        return "\n\n".join(f"{turn.role.capitalize()}: {text_of(turn.content)}" for turn in self.turns)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the responses as text, in presented order."""
        return tuple(text_of(response) for response in self.responses)


# -- what is asked and answered ------------------------------------------------------------------------


class Message(Record):
    """A chat message."""

    role: Role
    content: Content


class Sampling(Record):
    """Sampling parameters. None means unset: not sent, and recorded as such."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    reasoning_effort: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class ChatRequest(Record):
    """A conversation to continue. `logprobs` asks for that many top log-probabilities per token.

    `model` names another model than the judge's own (`provider/name`), for panels and debates.
    """

    kind: Literal["chat"] = "chat"
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    logprobs: int | None = None
    json_schema: dict[str, Any] | None = None
    model: str | None = None


class TextRequest(Record):
    """A raw prompt to continue, for judges whose contract is a plain completion."""

    kind: Literal["text"] = "text"
    prompt: str
    sampling: Sampling = Sampling()
    logprobs: int | None = None
    model: str | None = None


class ScoreRequest(Record):
    """Conversations to score: the door of reward models.

    In mode `each` every conversation gets a number of its own. In mode `pair` there are two, which differ in their
    last turn, and the reply's scores hold one number: the log-odds that the first is better.
    """

    kind: Literal["score"] = "score"
    conversations: tuple[tuple[Message, ...], ...] = Field(min_length=1)
    mode: Literal["each", "pair"] = "each"
    model: str | None = None


Request = Annotated[ChatRequest | TextRequest | ScoreRequest, Field(discriminator="kind")]


class Usage(Record):
    """Tokens of one or more replies. None is unknown, which is not 0.

    Of the input, a provider's prompt cache served `cached` and keeps `written` for later.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    reasoning: int | None = None
    written: int | None = None

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=_add(self.input, other.input),
            output=_add(self.output, other.output),
            cached=_add(self.cached, other.cached),
            reasoning=_add(self.reasoning, other.reasoning),
            written=_add(self.written, other.written),
        )


def _add(one: int | None, two: int | None) -> int | None:
    return two if one is None else one if two is None else one + two


class TokenLogprobs(Record):
    """One generated token's log-probability and those of its strongest rivals (natural logarithm)."""

    token: str
    logprob: float
    top: dict[str, float] = Field(default_factory=dict)


class Reply(Record):
    """What a backend answered, verbatim. `text` is None when the provider sent no content at all.

    `finish` is normalised; `model` is the name the server says it served. `cost` is in USD, None when the price
    is unknown, 0 for a reply that came from the cache (`cached`).
    """

    text: str | None = None
    finish: Finish = "stop"
    scores: tuple[float, ...] | None = None
    logprobs: tuple[TokenLogprobs, ...] | None = None
    usage: Usage = Usage()
    model: str | None = None
    seconds: float = 0.0
    cost: float | None = None
    cached: bool = False


# -- what a judge says ---------------------------------------------------------------------------------


class Verdict(Record):
    """The judge's decision in presented order: a preference, scores, or the best indices.

    `confidence` is in [0, 1]; `raw` is the label as the judge wrote it (`A>>B`).
    """

    preference: Label | None = None
    scores: tuple[float, ...] | None = None
    best: tuple[int, ...] | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    rationale: str | None = None
    raw: str | None = None

    @model_validator(mode="after")
    def _decides(self) -> Self:
        if self.preference is None and self.scores is None and self.best is None:
            raise ValueError("a verdict needs a preference, scores or best indices")
        return self


class Fault(Record):
    """A reply that holds no verdict. It is the judge's fault: counted, shown, kept verbatim."""

    kind: FaultKind
    detail: str = ""
    reply: str = ""


class Judgment(Record):
    """A trial and what came of it: exactly one of verdict and fault."""

    trial: Trial
    verdict: Verdict | None = None
    fault: Fault | None = None
    usage: Usage = Usage()
    seconds: float = 0.0
    cost: float | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.verdict is None) == (self.fault is None):
            raise ValueError("a judgment has either a verdict or a fault")
        return self
