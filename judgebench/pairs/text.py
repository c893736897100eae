"""Texts as they are compared."""

import unicodedata


def normalised(text: str) -> str:
    """Return a text as duplicates are told: without case, white space and compatibility characters."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
