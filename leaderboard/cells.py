"""Numbers as text: shares in percent, other metrics in their own unit, each with what it rests on."""

from typing import NamedTuple

from judgebench.leaderboard.wording import MetricWords
from judgebench.results import Metric

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
LARGE = 1e6
"""From here on numbers are written with an exponent: a cell is narrow."""


class Cell(NamedTuple):
    """A number as text. `bar` is (low, value, high) in percent; `missing` says why there is no number."""

    value: str
    interval: str = ""
    note: str = ""
    title: str = ""
    missing: str = ""
    sort: float | None = None
    bar: tuple[float, float, float] | None = None

    def said(self, words: MetricWords) -> str:
        """Return value, unit and interval in one line: `65.7 % [60.6, 70.6]`."""
        unit = " %" if words.share and not self.missing else ""
        return f"{self.value}{unit} {self.interval}".rstrip()


def cell(metric: Metric | None, words: MetricWords, usual_n: int | None = None, *, bar: bool = False) -> Cell:
    """Return a metric as text, more exactly in the title; with a bar if it is asked for and suits the metric.

    What it rests on stands in the column's head as `usual_n`, and in the cell where it differs or where the
    coverage is not full.
    """
    if metric is None:
        return Cell(DASH, missing="not computed for this result")
    notes = [f"n = {metric.n}"] if metric.n != usual_n else []
    notes += [f"{percent(metric.coverage)} % covered"] if metric.coverage < 1 else []
    note = ", ".join(notes)
    if metric.value is None:
        return Cell(DASH, note=note, missing=f"nothing to count (n = {metric.n})")
    shown, sort = number(metric.value, share=words.share), round(metric.value, 4 if words.share else 6)
    title = f"{number(metric.value, share=words.share, more=1)}{' %' if words.share else ''}"
    if metric.low is None or metric.high is None:
        return Cell(shown, note=note, title=title, sort=sort)
    interval = f"[{number(metric.low, share=words.share)}, {number(metric.high, share=words.share)}]"
    ends = _bar(metric.low, metric.value, metric.high) if bar and words.bar else None
    return Cell(shown, interval, note, title, sort=sort, bar=ends)


def _bar(low: float, value: float, high: float) -> tuple[float, float, float] | None:
    in_range = 0 <= low <= high <= 1 and 0 <= value <= 1
    return (round(100 * low, 1), round(100 * value, 1), round(100 * high, 1)) if in_range else None


def number(value: float, *, share: bool, more: int = 0) -> str:
    """Return a share in percent with one decimal, another number with up to three; `more` adds decimals."""
    if share and 0 <= value < 1e4:  # noqa: PLR2004 - as most are: this is written a million times
        return f"{100 * value:.2f}" if more else f"{100 * value:.1f}"
    if share:
        return percent(value, 1 + more)
    size = abs(value)
    return _written(value, (3 if size < 10 else 2 if size < 100 else 1) + more)  # noqa: PLR2004 - digits before the point


def percent(value: float, decimals: int = 1) -> str:
    """Return a share in percent, without the sign."""
    return _written(100 * value, decimals)


def _written(value: float, decimals: int) -> str:
    text = f"{value:.4g}" if abs(value) >= LARGE else f"{value:.{decimals}f}"
    if "-" not in text:
        return text
    # A number that rounds to zero from below is still zero.
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", MINUS)
