"""Which language a text is in, as far as its script and its commonest words tell. What they do not tell is None."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

LEAST_SHARE = 0.9
"""Of the letters must be of a language's script."""
LEAST_WORDS = 8
"""Words below which nothing is said of languages that share a script."""

SCRIPTS: dict[str, tuple[str, ...]] = {
    "ar": ("ARABIC",), "fa": ("ARABIC",), "ur": ("ARABIC",), "bg": ("CYRILLIC",), "ru": ("CYRILLIC",),
    "uk": ("CYRILLIC",), "bn": ("BENGALI",), "el": ("GREEK",), "gu": ("GUJARATI",), "he": ("HEBREW",),
    "hi": ("DEVANAGARI",), "mr": ("DEVANAGARI",), "ne": ("DEVANAGARI",), "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "kn": ("KANNADA",), "ko": ("HANGUL",), "pa": ("GURMUKHI",), "ta": ("TAMIL",), "te": ("TELUGU",), "th": ("THAI",),
    "zh": ("CJK",),
}  # fmt: skip
"""By ISO 639-1 code. All others are written in Latin letters."""

COMMON: dict[str, str] = {
    "en": "the of and to in is that it for was with as be on are this have not by from or an they you we can will",
    "de": "der die das und ist nicht ein eine zu den mit von auf für im dem sich des auch es wird sind als wie ich",
    "fr": "le la les et des est une un que pas pour dans qui sur du ce il au avec plus par je sont vous nous",
    "es": "el la los las que de y en un una es no se por con para del al lo como más su pero está son",
    "it": "il la le che di e un una è non per in con del si da sono come più della al dei lo anche gli",
    "pt": "o a os as que de e em um uma é não se por com para do da dos das no na mais como mas são",
    "fi": "ja on ei se että hän oli mutta kun niin myös ovat tai joka kuin voi ole olla tämä ne mitä sekä",
    "sw": "na ya wa kwa ni katika la za hii kama cha au lakini pia kuwa hiyo yake hivyo ili kila sana watu",
    "vi": "và là của có không được cho một trong với những các người này khi đã để như cũng đến bạn tôi",
    "pl": "i w nie na się z że do to jest jak o po co ale za od tak jego są być przez dla który",
    "nl": "de het een en van is dat niet op te zijn met voor die er aan ook als maar dan wordt ik je",
    "sv": "och att det som en är på för av inte med den till har ett om så jag var kan vi från eller",
    "tr": "ve bir bu da de için ile çok ne gibi daha olarak ama olan kadar sonra var her o değil",
    "id": "yang dan di dengan untuk dari ini itu pada adalah dalam tidak ke akan atau juga oleh karena saya",
}
"""The commonest words of some languages; the rest cannot be told apart by them."""


def language_is(text: str, code: str) -> bool | None:
    """Return whether a text is in the language of an ISO 639-1 code; None when that cannot be told."""
    letters = Counter(script for character in text if (script := _script(character)))
    total = letters.total()
    if not total:
        return None
    if code in SCRIPTS:
        share = sum(letters[script] for script in SCRIPTS[code]) / total
        if share < LEAST_SHARE:
            return False if share < 1 - LEAST_SHARE else None
        sharing = [other for other, scripts in SCRIPTS.items() if set(scripts) & set(SCRIPTS[code]) and other != code]
        return True if not sharing else _among_relatives(letters, code)
    if letters["LATIN"] / total < LEAST_SHARE:
        return False if letters["LATIN"] / total < 1 - LEAST_SHARE else None
    return _by_words(text, code)


def _among_relatives(letters: Counter[str], code: str) -> bool | None:
    """Tell Japanese from Chinese by its own letters; other languages of one script are not told apart."""
    own = letters["HIRAGANA"] + letters["KATAKANA"]
    if code == "ja":
        return own > 0 or None
    return own == 0 if code == "zh" else None


def _by_words(text: str, code: str) -> bool | None:
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(words) < LEAST_WORDS or code not in COMMON:
        return None
    shares = {other: sum(word in set(known.split()) for word in words) / len(words) for other, known in _sets()}
    best = max(shares, key=lambda other: shares[other])
    second = max((share for other, share in shares.items() if other != best), default=0.0)
    if shares[best] < 0.15 or shares[best] < 1.5 * second:  # noqa: PLR2004 - clear, or nothing is said
        return None
    return best == code


@lru_cache(maxsize=1)
def _sets() -> tuple[tuple[str, str], ...]:
    return tuple(COMMON.items())


@lru_cache(maxsize=4096)
def _script(character: str) -> str | None:
    if not character.isalpha():
        return None
    return unicodedata.name(character, "").split(" ")[0].split("-")[0] or None
