"""What a run's pages are made of: read once, written file by file."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from judgebench.errors import RunError
from judgebench.metrics.definition import Shape
from judgebench.results import Result
from judgebench.spec import Spec
from judgebench.view import details, journal, listing
from judgebench.view.known import Known, known, spec_of
from judgebench.view.listing import Listing
from judgebench.view.outcomes import Outcome, entries, outcomes
from judgebench.view.page import page
from judgebench.view.texts import script


@dataclass(frozen=True)
class Content:
    """A run, read. `problem` says why gold and verdicts do not fit together, if they do not."""

    run: Path
    spec: Spec
    known: Known
    shape: Shape
    listing: Listing
    result: Result | None
    trials: int
    problem: str

    def page(self, folder: str) -> bytes:
        """Return the page whose data lie in `folder`."""
        return page(self, folder).encode()

    def files(self) -> dict[str, Callable[[], bytes]]:
        """Return the files of data by name: `list` and the numbered parts; each is made when it is asked for."""
        bounds = [*self.listing.parts, len(self.listing.items)]
        grouped: dict[str, list[Outcome]] = defaultdict(list)
        for entry in self.listing.entries:
            grouped[entry.item] += entry.outcomes
        parts: dict[str, Callable[[], bytes]] = {}
        for number, (first, end) in enumerate(pairwise(bounds)):
            items = {item: grouped[item] for item in self.listing.items[first:end]}
            parts[str(number)] = partial(self._part, str(number), items)
        return parts | {"list": lambda: script("list", listing.data(self.listing, self.known.items, self.known.gold))}

    def _part(self, name: str, items: Mapping[str, list[Outcome]]) -> bytes:
        found = [outcome for of_item in items.values() for outcome in of_item]
        said: dict[str, dict[int, list[details.Json]]] = {item: defaultdict(list) for item in items}
        texts = journal.texts(self.run / "journal.jsonl", [outcome.trial for outcome in found])
        for outcome, (judgment, replies) in zip(found, texts, strict=True):
            said[outcome.row.item][outcome.row.repeat].append(details.trial(outcome, judgment, replies))
        about = self.known
        return script(name, [details.detail(about.items.get(i), about.gold.get(i), said[i]) for i in items])


def content(run: Path, manifest: Mapping[str, Any], data: str | None) -> Content:
    """Read a run, complete or not. Raises RunError when it is damaged or has judged nothing, else as `known`."""
    spec = spec_of(manifest, run)
    trials = journal.read(run / "journal.jsonl")
    if not trials:
        raise RunError(f"{run} has judged nothing yet. Its eval command continues it")
    about = known(run, spec, manifest.get("config"), data)
    shape, found, problem = outcomes(trials, about.gold)
    return Content(
        run=run,
        spec=spec,
        known=about,
        shape=shape,
        listing=listing.listing(entries(found, shape), about.items, about.gold),
        result=_result(run / "result.json"),
        trials=len(trials),
        problem=problem if about.gold else "",
    )


def _result(path: Path) -> Result | None:
    try:
        return Result.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise RunError(f"{path} is damaged. Remove it: the same eval command writes it anew") from error
