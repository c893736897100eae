"""What all our pages have in common: text that hides nothing, templates that escape, scripts known by their hash."""

import base64
import hashlib
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class _Spelling(dict[int, str]):
    """How each character is shown, found out when it first occurs."""

    def __init__(self, kept: str) -> None:
        self._kept = kept

    def __missing__(self, code: int) -> str:
        char = chr(code)
        unseen = unicodedata.category(char) in _UNSEEN and char not in self._kept
        self[code] = f"⟨U+{code:04X}⟩" if unseen else char
        return self[code]


_spelling = cache(_Spelling)


def spelled(text: str, kept: str = "") -> str:
    """Return text with its invisible characters spelled out as `⟨U+202E⟩`: none can hide or reorder the rest.

    Those in `kept` stay as they are.
    """
    return text if text.isprintable() else text.translate(_spelling(kept))


def templates(package: str, finalize: Callable[[Any], Any]) -> "Environment":
    """Return the templates of a package: they escape every value after `finalize`, and refuse an unknown name."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def policy_hash(text: str) -> str:
    """Return how a content security policy names a script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
