"""Tests that lie packed in a dataset: text in a pickle, zlib, base64. The pickle is read, never run.

A pickle is a program for a machine that can call any function. One that holds a text needs a handful of instructions,
none of which calls anything: those are admitted, one text among them, and all others refused before any is obeyed.
"""

import base64
import binascii
import json
import pickletools
import zlib
from typing import Any

MOST = 1 << 29
"""Bytes that a packed text may have when it is unpacked."""
_TEXT = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_HARMLESS = frozenset({"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP"})


def unpack(packed: str, most: int = MOST) -> Any:
    """Return what a packed text says as JSON; a text that is JSON already is taken as it is.

    Raises ValueError, in words for the user, for anything else.
    """
    if packed.lstrip()[:1] in {"[", "{"}:
        return _json(packed)
    try:
        pressed = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("neither JSON nor base64") from None
    return _json(pickled_text(_inflate(pressed, most)))


def _inflate(pressed: bytes, most: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(pressed, most)
    except zlib.error:
        raise ValueError("not packed by zlib") from None
    if stream.unconsumed_tail:
        raise ValueError(f"unpacks to more than {most} bytes")
    if not stream.eof:
        raise ValueError("packed by zlib, and cut")
    return whole


def pickled_text(data: bytes) -> str:
    """Return the text that a pickle holds. Raises ValueError when there is anything else in it."""
    texts = []
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name in _TEXT:
                texts.append(str(argument))
            elif code.name not in _HARMLESS:
                raise ValueError(f"a pickle that holds more than a text ({code.name}): refused, nothing of it was run")
    except ValueError as error:
        if "refused" in str(error):
            raise
        raise ValueError("no whole pickle") from None
    if len(texts) != 1:
        raise ValueError(f"a pickle of {len(texts)} texts, not of one: refused, nothing of it was run")
    return texts[0]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("holds no JSON") from None
