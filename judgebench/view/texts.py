"""Texts that others wrote, made fit to stand in a page and in the files of data beside it.

What cannot be seen is spelled out, so that nothing hides in a text or reorders it; line ends and tabs stay. Data
are JSON, which cannot end a script, in one call: pages from disk may load scripts and nothing else.
"""

import re
from typing import Any

import orjson

from judgebench.pages import spelled

KEPT = "\n\t"
_NO_MARKUP = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}
_ESCAPED = re.compile(rb"\\[bfru]")
"""How JSON spells controls that a page would not show. Line ends and tabs are others."""
FUNCTION = "judgebench"
"""What a file of data calls; the page's script defines it."""


def plain(text: str) -> str:
    """Return a text with its invisible characters spelled out as `⟨U+202E⟩`, except line ends and tabs."""
    text = text.replace("\r\n", "\n")
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return spelled(text, KEPT)


def excerpt(text: str, length: int) -> str:
    """Return the beginning of a text on one line. Cheap for a long text."""
    words = " ".join(text[: 4 * length].split())
    return plain(words if len(words) <= length else words[: length - 1] + "…")


def script(name: str, value: Any) -> bytes:
    """Return a JavaScript file that hands over a JSON value under a name. Every string in it becomes `plain`."""
    data = _encoded([name, value])
    for character, escaped in _NO_MARKUP.items():
        data = data.replace(character, escaped)  # in JSON these stand in strings only
    return b"%s(...%s);\n" % (FUNCTION.encode(), data)


def _encoded(value: Any) -> bytes:
    """Return JSON whose strings are all plain. Whether they were is seen at once from the whole, which is fast."""
    try:
        data = orjson.dumps(value)
        if data.decode().isprintable() and not _ESCAPED.search(data):
            return data
    except TypeError:  # a lone surrogate
        pass
    return orjson.dumps(_all_plain(value))


def _all_plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: _all_plain(inner) for key, inner in value.items()}
    return [_all_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
