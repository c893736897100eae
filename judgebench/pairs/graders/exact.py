r"""Numbers as answers are written: exact values, without any tool.

`1,000`, `1{,}000`, `\$1\,000`, `-3`, `0.50`, `\frac{96}{5}`, `19 1/5`, `50\%`, `1.2e3`, `3 \times 10^{4}`. What could
be read in two ways (`1,5`, `3 000,5`) is no number here.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

MOST = 60
"""Characters of the longest number read; longer ones are left to other tools."""
_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+"
_DECIMAL = rf"(?:{_GROUPED}|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
_NUMBER = re.compile(rf"({_DECIMAL})(?:[eE]([+-]?[0-9]{{1,3}}))?")
_POWER = re.compile(rf"({_DECIMAL})(?:\*|x)10\^\{{?([+-]?[0-9]{{1,3}})\}}?")
_FRACTIONS = (
    re.compile(r"(?:(?P<whole>[0-9]+)\s)?(?P<over>[0-9]+)/(?P<under>[0-9]+)"),
    re.compile(r"(?P<whole>[0-9]+)?\s?\\frac\{(?P<over>[0-9]+)\}\{(?P<under>[0-9]+)\}"),
    re.compile(r"(?P<whole>[0-9]+)?\s?\\frac(?P<over>[0-9])(?P<under>[0-9])"),
)
_CLEAN = (
    (re.compile(r"\\[dct]frac"), r"\\frac"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[,;:!]|\\ |~"), " "),
    (re.compile(r"\\times|\\cdot|\u00d7"), "*"),
    (re.compile(r"\\left|\\right|\\displaystyle"), ""),
    (re.compile(r"\u2212"), "-"),
    (re.compile(r"^\\\(|\\\)$|^\\\[|\\\]$|\\?\$"), ""),
)


@dataclass(frozen=True)
class Number:
    """An exact value; `percent` is whether it was written with a percent sign, and then counts in hundredths."""

    value: Fraction
    percent: bool = False


def number(text: str) -> Number | None:
    """Return the number that a text is, as a whole; None when it is none or could be read in two ways."""
    if len(text) > MOST:
        return None
    for pattern, by in _CLEAN:
        text = pattern.sub(by, text)
    text = text.strip().rstrip(".")
    bare = re.sub(r"\s*\\?%$", "", text)
    sign, digits = -1 if bare.startswith("-") else 1, bare.lstrip("+-").strip()
    if len(bare) - len(bare.lstrip("+-")) > 1:
        return None
    value = _value(digits)
    if value is None:
        return None
    percent = bare != text
    return Number(sign * value / (100 if percent else 1), percent)


def _value(digits: str) -> Fraction | None:
    spaced = re.sub(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))", ",", digits)  # thousands set apart by thin spaces
    if found := _NUMBER.fullmatch(spaced):
        return Fraction(found[1].replace(",", "")) * Fraction(10) ** int(found[2] or 0)
    if found := _POWER.fullmatch(digits.replace(" ", "")):
        return Fraction(found[1].replace(",", "")) * Fraction(10) ** int(found[2])
    for pattern in _FRACTIONS:
        if (found := pattern.fullmatch(digits)) and int(found["under"]):
            return int(found["whole"] or 0) + Fraction(int(found["over"]), int(found["under"]))
    return None
