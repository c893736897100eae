"""An item and all that was said of it, as the page shows it: titled texts, facts, and the trials side by side."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from judgebench.records import Gold, Item, Judgment, Reply, Usage, text_of
from judgebench.task import GoldRow
from judgebench.view.outcomes import PAIR, SINGLE, Outcome, letter, shown

Json = dict[str, Any]
Facts = list[tuple[str, str]]
NO_TEXT = "(no text)"


def detail(item: Item | None, gold: GoldRow | None, verdicts: Mapping[int, Sequence[Json]]) -> Json:
    """Return an item's data: blocks of the conversation, of the responses and, by repeat, of the verdicts."""
    blocks: list[Json] = []
    if item is not None:
        blocks += [_group("Conversation", _turns(item)), _group("Responses", _candidates(item, gold), kind="sides")]
    blocks += [_group("Verdicts", trials, kind="sides", repeat=n) for n, trials in sorted(verdicts.items())]
    return {"facts": _facts(gold), "blocks": blocks}


def _group(title: str, blocks: Sequence[Json], **more: Any) -> Json:
    return {"title": title, "blocks": list(blocks), **more}


def _facts(gold: GoldRow | None) -> Facts:
    if gold is None:
        return []
    facts = [("Category", gold.category), ("Source", gold.source), ("Gold", gold_text(gold.gold))]
    return facts + [(name, shown(value)) for name, value in sorted(gold.traits.items())]


def gold_text(gold: Gold) -> str:
    """Return gold in words, candidates by their letters."""
    if gold.kind == "preference":
        return _preference(gold.label)
    if gold.kind == "votes":
        return ", ".join(f"{_preference(label)} ({n})" for label, n in Counter(gold.votes).most_common())
    if gold.kind == "scores":
        return f"{_scores(gold.scores)}, of {shown(gold.low)} to {shown(gold.high)}"
    return ", ".join(map(letter, gold.indices))


def _preference(label: str) -> str:
    return "A = B" if label == "A=B" else label[0] if label == "A>B" else "B"


def _scores(scores: Sequence[float]) -> str:
    """Return the scores of candidates in the item's own order."""
    if len(scores) == SINGLE:
        return shown(scores[0])
    return ", ".join(f"{letter(index)} {shown(score)}" for index, score in enumerate(scores))


def _turns(item: Item) -> list[Json]:
    """Return the conversation and whatever else a judge was shown or compared with."""
    blocks = [_block(turn.role.capitalize(), text_of(turn.content)) for turn in item.turns]
    more = {"Reference": item.reference, "Rubric": item.rubric, "Persona": item.persona}
    return blocks + [_block(title, text) for title, text in more.items() if text is not None]


def _candidates(item: Item, gold: GoldRow | None) -> list[Json]:
    best = _best(gold.gold) if gold else set()
    single = len(item.candidates) == SINGLE
    blocks = []
    for index, candidate in enumerate(item.candidates):
        title = ("Response" if single else letter(index)) + (f" · {candidate.model}" if candidate.model else "")
        mark = {"badge": "gold", "tone": "good"} if index in best and not single else {}
        blocks.append(_block(title, text_of(candidate.content)) | mark)
    return blocks


def _best(gold: Gold) -> set[int]:
    if gold.kind == "preference":
        return {"A>B": {0}, "B>A": {1}, "A=B": {0, 1}}[gold.label]
    if gold.kind == "best":
        return set(gold.indices)
    if gold.kind == "scores":
        return {index for index, score in enumerate(gold.scores) if score == max(gold.scores)}
    return set()


def _block(title: str, text: str | None) -> Json:
    return {"title": title, "text": text or NO_TEXT}


# -- trials ----------------------------------------------------------------------------------------------


def trial(outcome: Outcome, judgment: Judgment, replies: Sequence[Reply]) -> Json:
    """Return one trial: what was decided, what it took, and everything that was said."""
    badge, tone = _verdict(outcome)
    return {
        "title": _order(outcome),
        "badge": badge,
        "tone": tone,
        "facts": [*_decision(outcome, judgment), *_effort(judgment.usage, judgment.seconds, judgment.cost)],
        "blocks": [*_said(judgment, replies)],
    }


def _order(outcome: Outcome) -> str:
    order = outcome.row.order
    return "Judged" if len(order) == SINGLE else f"Shown {', '.join(map(letter, order))}"


def _verdict(outcome: Outcome) -> tuple[str, str]:
    """Return what is said of a trial's verdict and how it is coloured."""
    credit = outcome.credit
    if outcome.chosen is None:
        return f"unreadable: {outcome.row.fault}", "warn"
    if credit is None:
        return "", ""
    if len(outcome.row.order) == SINGLE:
        return ("exact", "good") if credit == 0 else (f"off by {shown(credit)}", "")
    if credit == 1:
        return "right", "good"
    if 0 < credit < 1:
        return f"credit {credit:.2f}", ""
    return ("tie", "bad") if outcome.tie and len(outcome.row.order) == PAIR else ("wrong", "bad")


def _decision(outcome: Outcome, judgment: Judgment) -> Facts:
    """Return the verdict in the item's own frame, and as the judge wrote it."""
    if judgment.fault is not None:
        return [("Fault", judgment.fault.kind), *([("Why", judgment.fault.detail)] if judgment.fault.detail else [])]
    verdict, order = judgment.verdict, outcome.row.order
    assert verdict is not None
    facts = [("Verdict", outcome.says)]
    if verdict.preference is not None:
        facts.append(("As shown", verdict.preference))
    if verdict.raw is not None and verdict.raw != verdict.preference:
        facts.append(("As written", verdict.raw))
    if verdict.scores is not None and len(verdict.scores) == len(order) > SINGLE:
        own = sorted(zip(order, verdict.scores, strict=True))
        facts.append(("Scores", _scores([score for _, score in own])))
    if verdict.confidence is not None:
        facts.append(("Confidence", shown(verdict.confidence)))
    return facts


def _effort(usage: Usage, seconds: float, cost: float | None) -> Facts:
    """Return tokens, seconds and USD; what is unknown is left out."""
    tokens = [f"{getattr(usage, name):,} {name}" for name in Usage.model_fields if getattr(usage, name) is not None]
    facts = [("Tokens", ", ".join(tokens))] if tokens else []
    if seconds:
        facts.append(("Seconds", f"{seconds:.2f}"))
    return facts + ([("Cost", f"${shown(cost)}")] if cost is not None else [])


def _said(judgment: Judgment, replies: Sequence[Reply]) -> Iterable[Json]:
    """Yield the replies in the order they came, and what the judge made of them where that is more."""
    for number, reply in enumerate(replies, start=1):
        title = "Reply" if len(replies) == 1 else f"Reply {number} of {len(replies)}"
        yield {"title": title, "text": _reply_text(reply), "note": _reply_note(reply, len(replies))}
    heard = [reply.text or "" for reply in replies]
    if judgment.fault is not None and judgment.fault.reply and judgment.fault.reply not in heard:
        yield _block("Reply that was kept", judgment.fault.reply)
    rationale = judgment.verdict.rationale if judgment.verdict else None
    if rationale and not any(rationale.strip() in text for text in heard):
        yield _block("Rationale", rationale)


def _reply_text(reply: Reply) -> str:
    if reply.text is None and reply.scores is not None:
        return f"scores {', '.join(map(shown, reply.scores))}"
    return reply.text or NO_TEXT


def _reply_note(reply: Reply, among: int) -> str:
    """Return what is known of a reply beyond its text; what the trial's facts say already only among several."""
    notes = [reply.model] if reply.model else []
    notes += [{"length": "cut at the token limit", "refusal": "refused", "stop": ""}[reply.finish]]
    notes += ["from the cache"] if reply.cached else []
    if among > 1:
        notes += [f"{name.lower()} {value}" for name, value in _effort(reply.usage, reply.seconds, reply.cost)]
    return " · ".join(filter(None, notes))
