"""The public conformance kit: run it against your own judge or task.

    from judgebench.testing import check_judge, check_task

    check_judge(MyJudge(card))
    check_task(judgebench.sources.load_task("my.yaml"))

Both raise `ConformanceError`, an AssertionError, that lists everything that does not conform.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from judgebench import task as tasks
from judgebench.hashing import sha256
from judgebench.judges.base import Judge
from judgebench.metrics import measure
from judgebench.records import ChatRequest, Fault, Item, Reply, ScoreRequest, TextRequest, Turn, Verdict, View
from judgebench.results import VerdictRow
from judgebench.run.plan import orders_of
from judgebench.task import Task

Answer = Callable[[Any], Reply]

ODD_TEXTS: tuple[str | None, ...] = (
    *(None, "", "   \n", "\x00\x1b[2J", "\ud800", "no idea " * 5000, "{" * 2000),
    *("A", "B", "tie", "Verdict:", "Verdict: C", "**Verdict: A**", "<b>Verdict: A</b>", "\u5224\u5b9a: A"),
    *(
        "[[A]]",
        "[[A>B]] [[B>A]]",
        "[[A>B]]\n" * 3,
        "\uff21>\uff22",
        "Output (a)",
        "output (a)",
        "Response 1 is better.",
    ),
    *("7 8", "7, 8", "nan inf", "1e999 3", "-1 -1"),
)
"""Replies that real models give, or could."""


class ConformanceError(AssertionError):
    """Everything that does not conform, one line each."""

    def __init__(self, findings: list[str]) -> None:
        self.findings = findings
        super().__init__("\n".join(findings))


# -- judges ----------------------------------------------------------------------------------------------


def check_judge(judge: Judge, *, responses: int = 2) -> None:
    """Check a judge against the contract of `judgebench.judges.base`.

    It answers with a Verdict or a Fault, fitting the number of responses, whatever a model replies; it keeps the
    text of a reply it cannot read; it repeats itself when told the same; and if it says that order cannot
    matter, it does not. Raises ConformanceError.
    """
    findings = list(_survives(judge, responses))
    if findings:  # what follows would only raise again
        raise ConformanceError(findings)
    findings += _repeats_itself(judge, responses)
    if getattr(judge, "order_independent", None) not in (True, False):
        findings.append("order_independent is neither True nor False")
    elif judge.order_independent and responses > 1:
        findings += _ignores_order(judge, responses)
    if findings:
        raise ConformanceError(findings)


def _survives(judge: Judge, responses: int) -> Iterator[str]:
    for text in ODD_TEXTS:
        for finish in ("stop", "length", "refusal"):
            reply = Reply(text=text, finish=finish, scores=(0.5,) * responses)
            shown = f"on the reply {text!r:.40} ({finish})"
            try:
                found = _judge(judge, _view(responses), partial(_always, reply))
            except Exception as error:  # noqa: BLE001 - whatever it raises is the finding
                yield f"raises {type(error).__name__}: {error} {shown}"
                continue
            yield from (f"{problem} {shown}" for problem in _misfits(found, responses, text))


def _always(reply: Reply, request: Any) -> Reply:
    """Answer the same, with as many numbers as are asked for: a comparison gets one."""
    one = isinstance(request, ScoreRequest) and request.mode == "pair"
    return reply.model_copy(update={"scores": (reply.scores or ())[:1]}) if one else reply


def _misfits(found: Any, responses: int, text: str | None) -> Iterator[str]:
    if isinstance(found, Fault):
        if found.kind == "unparsed" and text and text.strip() and text not in found.reply:
            yield "does not keep the reply it could not read"
    elif not isinstance(found, Verdict):
        yield f"returns {type(found).__name__}, neither Verdict nor Fault,"
    else:
        if found.preference is not None and responses != 2:  # noqa: PLR2004 - a pair
            yield f"prefers one of two among {responses}"
        if found.scores is not None and len(found.scores) != responses:
            yield f"gives {len(found.scores)} scores for {responses} responses"
        if found.best is not None and not set(found.best) <= set(range(responses)):
            yield f"calls {found.best} best of {responses}"


def _repeats_itself(judge: Judge, responses: int) -> Iterator[str]:
    view = _view(responses)
    one, two = (_judge(judge, view, _by_content) for _ in range(2))
    if one != two:
        yield "says another thing when told the same again: it holds state, or draws without view.seed"


def _ignores_order(judge: Judge, responses: int) -> Iterator[str]:
    view = _view(responses)
    swapped = view.model_copy(update={"responses": view.responses[::-1]})
    own, other = (_winners(_judge(judge, shown, _by_content), responses) for shown in (view, swapped))
    if own != {responses - 1 - index for index in other}:
        yield "says that order cannot matter, and prefers another response when the order is reversed"


def _winners(found: Verdict | Fault, responses: int) -> set[int]:
    if isinstance(found, Fault):
        return set()
    if found.best is not None:
        return set(found.best)
    if found.scores is not None:
        return {index for index, score in enumerate(found.scores) if score == max(found.scores)}
    return {"A>B": {0}, "B>A": {responses - 1}, "A=B": set(range(responses))}[found.preference or "A=B"]


def _view(responses: int) -> View:
    texts = ("2 + 2 = 4, so four.", "2 + 2 = 5, so five it is, beyond doubt.", "Three?", "22")
    return View(
        turns=(Turn(role="user", content="What is 2 + 2?"),),
        responses=tuple(texts[index % len(texts)] + " " * (index // len(texts)) for index in range(responses)),
        ties=True,
    )


def _by_content(request: Any) -> Reply:
    """Answer by the content alone: a conversation's score does not depend on what stands beside it."""
    if isinstance(request, ScoreRequest):
        scores = tuple(float(int(sha256(str(c).encode())[:6], 16)) for c in request.conversations)
        return Reply(scores=(scores[0] - scores[1],) if request.mode == "pair" else scores)
    return Reply(text="Because.\nVerdict: A")


def _judge(judge: Judge, view: View, answer: Answer) -> Verdict | Fault:
    async def ask(request: ChatRequest | TextRequest | ScoreRequest) -> Reply:
        return answer(request)

    found: Awaitable[Verdict | Fault] = judge.judge(view, ask)
    return asyncio.run(_await(found))


async def _await(found: Awaitable[Verdict | Fault]) -> Verdict | Fault:
    return await found


# -- tasks -----------------------------------------------------------------------------------------------

CARD_FIELDS = ("title", "summary", "licence", "citation", "label_source", "metric")


def check_task(task: Task) -> None:
    """Check a loaded task: a complete card, sound items, facts that survive the gold table, and a headline.

    Raises ConformanceError.
    """
    findings = [f"card: {name} is empty" for name in CARD_FIELDS if not getattr(task.card, name)]
    findings += [] if task.items else ["there are no items"]
    findings += [f"item {item.id}: {problem}" for item in task.items for problem in _item_problems(item, task)]
    if len({item.id for item in task.items}) != len(task.items):
        findings.append("two items share an id")
    if tasks.read_gold_table(tasks.gold_table(task.items), "gold") != tasks.facts(task.items):
        findings.append("the gold table does not read back as it was")
    findings += [] if findings else _headline_problems(task)
    if findings:
        raise ConformanceError(findings)


def _item_problems(item: Item, task: Task) -> Iterator[str]:
    count, gold = len(item.candidates), item.gold
    if item.task != task.name:
        yield f"says it is of task {item.task!r}, not {task.name!r}"
    if not item.category or not item.source_id:
        yield "has no category or no source question"
    if gold.kind in ("preference", "votes") and count != 2:  # noqa: PLR2004 - a pair
        yield f"gold of kind {gold.kind} for {count} candidates"
    if gold.kind == "preference" and gold.label == "A=B" and not task.card.ties:
        yield "gold is a tie, and the card allows none"
    if gold.kind == "scores" and len(gold.scores) != count:
        yield f"{len(gold.scores)} gold scores for {count} candidates"
    if gold.kind == "scores" and not all(gold.low <= score <= gold.high for score in gold.scores):
        yield f"gold scores {gold.scores} leave [{gold.low}, {gold.high}]"
    if gold.kind == "best" and not set(gold.indices) < set(range(count)):
        yield f"gold {gold.indices} of {count} candidates leaves nothing to be worse"
    if Item.model_validate_json(item.model_dump_json()) != item:
        yield "does not survive JSON"


def _headline_problems(task: Task) -> list[str]:
    """Judge the task with a judge that scores by content, and see whether its headline comes out."""
    rows = [
        VerdictRow(item=item.id, order=order, scores=tuple(_score(item, index) for index in order))
        for item in task.items
        for order in orders_of(len(item.candidates), "both", order_independent=False)
    ]
    overall, _ = measure(tasks.facts(task.items), rows, task.card.metric_sets)
    headline = overall.get(task.card.metric)
    if headline is None:
        return [f"card: metric {task.card.metric!r} is not among its metrics: {', '.join(overall)}"]
    return [] if headline.n else [f"card: metric {task.card.metric!r} counts nothing"]


def _score(item: Item, index: int) -> float:
    gold = item.gold
    spread = int(sha256(f"{item.id}:{index}".encode())[:4], 16) / 0xFFFF
    return gold.low + spread * (gold.high - gold.low) if gold.kind == "scores" else spread
