"""Compare a candidate's run with a baseline's: exit 1 when it is worse and the paired test is sure of it.

Usage: regression.py BASELINE CANDIDATE, each the output of `judgebench eval --json`. Prints Markdown.
"""

import json
import sys
from pathlib import Path

from judgebench.compare import Comparison, compare
from judgebench.importers import find_gold
from judgebench.results import Result, VerdictRow
from judgebench.submissions.findings import code_span
from judgebench.task import GoldRow

SURE = 0.01
"""A difference counts when the paired test's p is below this."""
LOSS = {"headline": 0.01, "unreadable_rate": 0.005}
"""Losses that are too small to stop a release, as shares."""


def read(output: str) -> tuple[Result, tuple[list[GoldRow], list[VerdictRow]]]:
    """Return the result of a run, its gold and its verdicts."""
    (run,) = json.loads(Path(output).read_text("utf-8"))
    directory = Path(run["directory"])
    result = Result.model_validate_json((directory / "result.json").read_bytes())
    rows = [VerdictRow.model_validate_json(line) for line in (directory / "verdicts.jsonl").read_bytes().splitlines()]
    return result, (find_gold(directory / "result.json", result.spec.task), rows)


def line(name: str, found: Comparison, worse: bool) -> str:
    """Return the row of a metric in a table of shares."""
    low, high = (0.0 if bound is None else bound for bound in (found.difference.low, found.difference.high))
    cells = [name, *(f"{100 * (one.value or 0):.1f} %" for one in (found.a, found.b))]
    cells += [f"{100 * (found.difference.value or 0):+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"]
    return f"| {' | '.join([*cells, f'{found.p:.4f}', str(found.difference.n), 'worse' if worse else ''])} |"


def main(baseline: str, candidate: str) -> int:
    """Print the comparison and return the exit code."""
    (old, old_verdicts), (new, new_verdicts) = read(baseline), read(candidate)
    names = {new.spec.task.headline: LOSS["headline"], "unreadable_rate": -LOSS["unreadable_rate"]}
    lines, failed = [], False
    for name, loss in names.items():
        found = compare(new_verdicts, old_verdicts, name)
        gain = found.difference.value or 0.0
        worse = found.p < SURE and (gain < -loss if loss > 0 else gain > -loss)
        lines.append(line(name, found, worse))
        failed = failed or worse
    head = "| metric | candidate | baseline | difference | p | items | |\n| --- | --- | --- | --- | --- | --- | --- |"
    title = f"{code_span(new.spec.judge.name)} against {code_span(old.spec.judge.name)}"
    verdict = "**The candidate is worse.**" if failed else "The candidate is not clearly worse."
    sys.stdout.write("\n".join([f"## {title}", "", head, *lines, "", verdict, ""]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
