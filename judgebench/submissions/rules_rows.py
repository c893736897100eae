"""Rules for the verdicts file: the bytes that its hash names, and the trials that the spec asks for, each once.

What is demanded depends on the evidence. A run of `judgebench eval` has every item in every order and repeat that its
spec asks for. Imported outputs have the orders that were published: each item at least once, in its own order, in the
reversed one, or in both; one repeat.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from judgebench.assemble import count, sort_rows, verdict_bytes
from judgebench.records import Best
from judgebench.results import VerdictRow
from judgebench.run.plan import orders_of
from judgebench.submissions import reading
from judgebench.submissions.case import Case, Findings, shown
from judgebench.submissions.layout import VERDICTS
from judgebench.submissions.reading import Refused
from judgebench.submissions.rules_task import LARGEST, MOST_CANDIDATES
from judgebench.task import GoldRow

Order = tuple[int, ...]
Trial = tuple[str, int, Order]
MOST_REPEATS = 1000


def most_rows(case: Case) -> int:
    """Return how many verdicts are worth reading: twice what gold and spec can ask for."""
    repeats = min(max(case.result.spec.repeats, 1), MOST_REPEATS)
    return min(reading.ROWS, 4 * len(case.gold) * repeats)


def read_rows(path: Path, sha256: str, expected: int, most: int = reading.ROWS) -> list[VerdictRow]:
    """Return the verdicts, read line by line, `expected` of them. Raises Refused naming the first that does not fit."""
    lines = reading.Lines(path, reading.VERDICT_BYTES, most)
    rows = [_row(number, line) for number, line in lines]
    if len(rows) != expected:
        raise Refused(f"has {len(rows)} rows; the result says {expected} (verdicts.rows)")
    if lines.sha256 != sha256:
        raise Refused(f"is not the file of verdicts.sha256: its hash is {lines.sha256[:16]}…")
    return rows


def _row(number: int, line: bytes) -> VerdictRow:
    where = f"line {number}"
    try:
        reading.strict_json(line)
        row = VerdictRow.model_validate_json(line, strict=True)
    except Refused as error:
        raise Refused(error.problem, f"{where}: {error.field}" if error.field else where) from None
    except ValidationError as error:
        raise Refused(*_first(error, where)) from None
    if problem := _problem(row):
        raise Refused(problem[1], f"{where}: {problem[0]}")
    if verdict_bytes([row]) != line + b"\n":
        raise Refused(f"is not as judgebench writes it: {shown(verdict_bytes([row]).decode().strip(), 200)}", where)
    return row


def _first(error: ValidationError, where: str) -> tuple[str, str]:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return "is no field of a verdict; texts are not published", f"{where}: {field}"
    return f"{first['msg'][:1].lower()}{first['msg'][1:]}", f"{where}: {field}"


def _problem(row: VerdictRow) -> tuple[str, str] | None:
    """Return the field and what is wrong with it, whatever the task is."""
    return _trial_problem(row) or _decision_problem(row)


def _trial_problem(row: VerdictRow) -> tuple[str, str] | None:
    size = len(row.order)
    if not 1 <= size <= MOST_CANDIDATES or sorted(row.order) != list(range(size)):
        return "order", f"{shown(row.order)} is no order of 1 to {MOST_CANDIDATES} candidates"
    if not 0 <= row.repeat < MOST_REPEATS:
        return "repeat", f"is {row.repeat}; 0 to {MOST_REPEATS - 1} is possible"
    return None


def _decision_problem(row: VerdictRow) -> tuple[str, str] | None:
    size = len(row.order)
    decisions = (row.preference, row.scores, row.best)
    if all(said is None for said in decisions) == (row.fault is None):
        return "fault", "a row has either a decision or a fault"
    if row.confidence is not None and (row.fault is not None or not 0 <= row.confidence <= 1):
        return "confidence", f"is {shown(row.confidence)}; 0 to 1 is possible, beside a decision"
    if row.scores is not None and (len(row.scores) != size or any(abs(score) > LARGEST for score in row.scores)):
        return "scores", f"are not {size} numbers up to {LARGEST:g}"
    if row.best is not None and (not row.best or len({*row.best}) < len(row.best) or not {*row.best} <= {*row.order}):
        return "best", f"{shown(row.best)} are not different places of {size} candidates"
    return None


# -- against the plan ---------------------------------------------------------------------------------------


def counted(case: Case) -> Findings:
    """Check the counts against the rows."""
    mine = count(case.rows, len(case.gold)).model_dump()
    for name, theirs in case.result.counts.model_dump().items():
        if theirs != mine[name] and name != "items":
            yield case.error(f"counts.{name}", f"is {theirs}, recounted {mine[name]}")


def order(case: Case) -> Findings:
    """Check that rows are sorted by item, repeat and order, and that no trial stands there twice."""
    if list(case.rows) != sort_rows(case.rows):
        ordered = sort_rows(case.rows)
        number = next(n for n, (one, two) in enumerate(zip(case.rows, ordered, strict=True), 1) if one != two)
        yield case.error(f"line {number}", "rows are not sorted by item, repeat and order", VERDICTS)
    twice = [trial for trial, times in Counter(map(trial_of, case.rows)).items() if times > 1]
    if twice:
        yield case.error("", f"{_some(twice)} stands there more than once", VERDICTS)


def trial_of(row: VerdictRow) -> Trial:
    """Return what identifies a row's trial."""
    return row.item, row.repeat, row.order


def planned(case: Case) -> Findings:
    """Check that the trials are those that the spec asks for, none missing and none besides."""
    known = {row.item for row in case.gold}
    strange = [row.item for row in case.rows if row.item not in known]
    if strange:
        problem = f"{len(strange)} verdicts are about items that the task does not have, the first {shown(strange[0])}"
        yield case.error("", problem, VERDICTS)
        return
    sizes = _sizes(case)
    if wrong := [row for row in case.rows if len(row.order) != sizes[row.item]]:
        found = f"{len(wrong[0].order)} candidates, gold says {sizes[wrong[0].item]}"
        yield case.error("", f"{len(wrong)} verdicts are of {found}, the first of {wrong[0].item}", VERDICTS)
        return
    yield from _published(case, sizes) if case.result.evidence == "imported" else _asked(case, sizes)


def _sizes(case: Case) -> dict[str, int]:
    """Return how many candidates each item has; where gold names the best ones only, its first row says how many."""
    sizes: dict[str, int] = {}
    for row in case.rows:
        sizes.setdefault(row.item, len(row.order))
    return sizes | {row.item: size for row in case.gold if (size := size_of(row)) is not None}


def size_of(row: GoldRow) -> int | None:
    """Return an item's number of candidates, None where gold names the best ones only."""
    gold = row.gold
    return None if isinstance(gold, Best) else len(gold.scores) if gold.kind == "scores" else 2


def _asked(case: Case, sizes: dict[str, int]) -> Findings:
    spec = case.result.spec
    if not 1 <= spec.repeats <= MOST_REPEATS:
        yield case.error("spec.repeats", f"is {spec.repeats}; 1 to {MOST_REPEATS} is possible")
        return
    independent = spec.judge.order_independent
    asked = {
        row.item: orders_of(sizes.get(row.item, 2), spec.orders, order_independent=independent) for row in case.gold
    }
    total = sum(len(orders) for orders in asked.values()) * spec.repeats
    if total > reading.ROWS:
        yield case.error("spec.repeats", f"asks for {total:,} verdicts; {reading.ROWS:,} is the most")
        return
    given = {trial_of(row) for row in case.rows}
    missing = _missing(asked, spec.repeats, given)
    if missing:
        yield case.error("", f"{len(missing)} verdicts are missing, the first {_trial(missing[0])}", VERDICTS)
    if (more := len(given) + len(missing) - total) > 0:
        yield case.error("", f"{more} verdicts are of orders or repeats that the spec does not ask for", VERDICTS)


def _missing(asked: Mapping[str, Sequence[Order]], repeats: int, given: set[Trial]) -> list[Trial]:
    return [
        (item, repeat, shape)
        for item in sorted(asked)
        for repeat in range(repeats)
        for shape in asked[item]
        if (item, repeat, shape) not in given
    ]


def _published(case: Case, sizes: dict[str, int]) -> Findings:
    """Check the orders of imported outputs: those that were published, nothing that no importer writes."""
    orders: dict[str, set[Order]] = {row.item: set() for row in case.gold}
    for row in case.rows:
        orders[row.item].add(row.order)
    if missing := sorted(item for item, found in orders.items() if not found):
        yield case.error("", f"{len(missing)} items have no verdict, the first {missing[0]}", VERDICTS)
    repeated = sum(row.repeat > 0 for row in case.rows)
    strange = sum(row.order not in orders_of(sizes[row.item], "both", order_independent=False) for row in case.rows)
    if repeated or strange:
        yield case.error(
            "", f"{repeated + strange} verdicts are of orders or repeats that no importer writes", VERDICTS
        )
    own = all(row.order == tuple(range(len(row.order))) for row in case.rows)
    if case.result.spec.orders != ("first" if own else "both"):
        yield case.error("spec.orders", f"is {case.result.spec.orders!r}, but the verdicts are of {_orders(own)}")
    once = sum(len(found) == 1 for found in orders.values())
    if 0 < once < len(orders) and not missing:
        yield case.flag("", f"{once} of {len(orders)} items were published in one order only", VERDICTS)


def _orders(own: bool) -> str:
    return "one order" if own else "both orders"


def _trial(trial: Trial) -> str:
    item, repeat, shape = trial
    return f"item {item}, order {','.join(map(str, shape))}, repeat {repeat}"


def _some(trials: Sequence[Trial]) -> str:
    return _trial(trials[0]) + (f" (and {len(trials) - 1} more)" if len(trials) > 1 else "")
