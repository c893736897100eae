"""Rules for the judge: a name that an installed card has means that card, as it is installed.

A run records what its card said: family, model, prompts (by hash), parameters, parser. Where any of that is another,
the card changed since, or was the submitter's own under a known name: a stale card. Three things are the user's choice
and keep the name: sampling, the way of loading (dtype, quantization, attention) and the backend; the first two are
flagged. Of imported outputs no more is known than names, so no card is compared.
"""

from typing import Any, get_args

from judgebench.errors import UsageError
from judgebench.installed import family_of, judge_card
from judgebench.judges.card import JudgeCard, Kind, Weights
from judgebench.judges.convert import fit
from judgebench.registry import unknown
from judgebench.spec import JudgeSpec
from judgebench.submissions.case import Case, Findings, shown

CONVERSIONS: dict[str, bool | None] = {"none": None, "score-each": True, "round-robin": True, "knock-out": False}
"""Whether each conversion's verdicts are independent of the order; None where that is the judge's own."""
CHOSEN = ("dtype", "quantization", "attention")
"""What of a card's weights the user may choose."""
BACKEND = "backend."
"""Before the names of the parameters that are a backend's options."""
STALE = "the card is stale, or another judge's. Run eval again with the installed card, or give yours its own name"


def judge(case: Case) -> Findings:
    """Check what the spec says of the judge, and against the installed card where it has the name of one."""
    spec = case.result.spec.judge
    if spec.kind not in get_args(Kind):
        yield case.error("spec.judge.kind", unknown("kind of judge", shown(spec.kind), get_args(Kind)))
    if spec.conversion not in CONVERSIONS:
        yield case.error("spec.judge.conversion", unknown("conversion", shown(spec.conversion), CONVERSIONS))
    elif CONVERSIONS[spec.conversion] not in (None, spec.order_independent):
        yield case.error("spec.judge.order_independent", f"is {spec.order_independent} with {spec.conversion}")
    if case.result.evidence == "imported":
        return
    card = judge_card(spec)
    if card is None:
        yield case.flag("spec.judge.name", f"no card {shown(spec.name)} is installed: nobody else can run this judge")
    else:
        yield from _carded(case, spec, card)
    if spec.kind == "callable":
        yield case.flag("spec.judge.kind", "the judge is a function of the submitter's own")
    elif spec.kind not in ("null", "rule") and spec.model is None:
        yield case.flag("spec.judge.model", "is absent: the result does not say which model judged")


def _carded(case: Case, spec: JudgeSpec, card: JudgeCard) -> Findings:
    own = spec.name == card.name
    mine: dict[str, Any] = {"family": card.family, "kind": card.kind, "context": card.context}
    mine["revision"] = card.revision if own else None
    if (family := family_of(card)) is not None:
        mine |= {"prompts": family.prompts(), "parser_version": family.parser_version}
        if spec.conversion == "none":
            mine["order_independent"] = family.order_independent
    for name, value in mine.items():
        if (theirs := getattr(spec, name)) != value:
            yield case.error(
                f"spec.judge.{name}", f"is {shown(theirs)}, the card {card.name} has {_said(value)}: {STALE}"
            )
    if own and _model(spec.model) != _model(card.model):
        yield case.error("spec.judge.model", f"is {shown(spec.model)}, the card {card.name} has {card.model}: {STALE}")
    params = {name: value for name, value in spec.params.items() if not name.startswith(BACKEND)}
    if params != card.params:
        yield case.error(
            "spec.judge.params", f"are {shown(params)}, the card {card.name} has {_said(card.params)}: {STALE}"
        )
    yield from _loaded(case, spec.weights, card)
    if spec.sampling != card.sampling:
        changed = ", ".join(name for name, value in card.sampling if getattr(spec.sampling, name) != value)
        yield case.flag("spec.judge.sampling", f"{changed} differ from the card {card.name}, under its name")


def converted(case: Case) -> Findings:
    """Check that an installed card's judge was converted as the items' numbers of candidates ask for, and only then.

    A judge of pairs that claims a round robin over pairs would be spared the second order.
    """
    spec = case.result.spec.judge
    card = judge_card(spec) if case.result.evidence != "imported" else None
    family = family_of(card) if card is not None else None
    if family is None:
        return
    counts = {len(row.order) for row in case.rows} or {2}
    try:
        _, conversion = fit(family, spec.name, counts, "knock-out" if spec.conversion == "knock-out" else "round-robin")
    except UsageError as error:
        yield case.error("spec.judge", f"cannot judge this task: {error}")
        return
    if conversion != spec.conversion:
        problem = f"is {shown(spec.conversion)}; this judge on items of this kind has {conversion!r}"
        yield case.error("spec.judge.conversion", problem)


def _model(model: str | None) -> str | None:
    """Return a model without the backend that runs it, which the user may choose."""
    return None if model is None else model.partition("/")[2]


def _loaded(case: Case, theirs: Weights | None, card: JudgeCard) -> Findings:
    one, two = (weights or Weights() for weights in (theirs, card.weights))
    same = {name: getattr(two, name) for name in CHOSEN}
    if one.model_copy(update=same) != two:
        yield case.error("spec.judge.weights", f"are not those of the card {card.name}: {STALE}")
    elif chosen := [name for name in CHOSEN if getattr(one, name) != getattr(two, name)]:
        yield case.flag("spec.judge.weights", f"{', '.join(chosen)} differ from the card {card.name}, under its name")


def _said(value: Any) -> str:
    return shown(value.model_dump(exclude_none=True) if isinstance(value, JudgeCard | Weights) else value)
