"""What tokens cost: a dated table as data. An unknown price is unknown, not zero."""

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from judgebench.records import Usage

MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """USD per million tokens, as of a date, with where it was published.

    `cached` is the price of input tokens that a provider's prompt cache served, `written` of those it keeps for later;
    where they are not known, None, the full price counts. `batch` is what a provider batch costs as a share of the
    standard rate.
    """

    input: float
    output: float
    as_of: str
    source: str
    cached: float | None = None
    batch: float = 0.5
    written: float | None = None

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0, written_tokens: int = 0) -> float:
        """Return the cost in USD; `input_tokens` include the cached and the written ones."""
        saved = 0.0 if self.cached is None else cached_tokens * (self.input - self.cached)
        added = 0.0 if self.written is None else written_tokens * (self.written - self.input)
        return (input_tokens * self.input - saved + added + output_tokens * self.output) / MILLION

    def batched(self) -> "Price":
        """Return the price of the same tokens in a provider batch."""
        rates = {name: getattr(self, name) for name in ("input", "output", "cached", "written")}
        shares: dict[str, Any] = {name: rate and rate * self.batch for name, rate in rates.items()}
        return replace(self, **shares, batch=1.0)

    def of(self, usage: Usage) -> float | None:
        """Return what a reply cost, None when its tokens are unknown."""
        if usage.input is None or usage.output is None:
            return None
        return self.cost(usage.input, usage.output, usage.cached or 0, usage.written or 0)


@cache
def _table() -> dict[str, Price]:
    data = yaml.safe_load(files("judgebench").joinpath("prices.yaml").read_text("utf-8")) or {}
    return {model: Price(**fields) for model, fields in data.items()}


def price_of(model: str | None) -> Price | None:
    """Return the price of `provider/name`, or None when it is not known."""
    return _table().get(model or "")
