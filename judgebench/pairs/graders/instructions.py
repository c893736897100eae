"""IFEval's instructions, each a function from a text and its arguments to yes, no or cannot say (None).

Names and arguments are the published ones; how they are checked is ours. Where the published script counts in one way
and a reader would count in another (sentences, words with hyphens), both are counted, and if they disagree about the
outcome it cannot be said.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from judgebench.pairs.graders.languages import language_is

Arguments = Mapping[str, Any]
_WORD = re.compile(r"\w+")
_SENTENCE_ENDS = (re.compile(r"[.!?]+(?=\s|$)"), re.compile(r"[.!?]+(?=[\"')\]]*(?:\s+[\"'(\[]*[A-Z0-9]|\s*$))|\n{2,}"))
_BULLET = re.compile(r"^[^\S\n]*(?:\*(?!\*)|-)[^\S\n]*\S", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*\*[^\n*]+\*\*|\*[^\n*]+\*")
_FENCE = re.compile(r"^```(?:json)?\s*|\s*```$", re.IGNORECASE)
CHOICES = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
"""What `constrained_response` offers."""


def _compare(count: int, relation: str, bound: int) -> bool:
    if relation == "less than":
        return count < bound
    if relation == "at least":
        return count >= bound
    raise ValueError(relation)


def _agreed(*outcomes: bool) -> bool | None:
    return outcomes[0] if len(set(outcomes)) == 1 else None


def _occurrences(text: str, word: str) -> int:
    return len(re.findall(re.escape(word), text, re.IGNORECASE))


def _whole(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


# -- words -------------------------------------------------------------------------------------------------


def has_keywords(text: str, arguments: Arguments) -> bool:
    """Return whether every keyword occurs."""
    return all(_occurrences(text, word) for word in arguments["keywords"])


def keyword_frequency(text: str, arguments: Arguments) -> bool:
    """Return whether a keyword occurs so often."""
    return _compare(_occurrences(text, arguments["keyword"]), arguments["relation"], int(arguments["frequency"]))


def forbids_words(text: str, arguments: Arguments) -> bool:
    """Return whether no forbidden word occurs as a whole word."""
    return not any(_whole(text, word) for word in arguments["forbidden_words"])


def letter_frequency(text: str, arguments: Arguments) -> bool:
    """Return whether a letter, in either case, occurs so often."""
    letter = str(arguments["letter"]).lower()
    return _compare(text.lower().count(letter), arguments["let_relation"], int(arguments["let_frequency"]))


def number_of_words(text: str, arguments: Arguments) -> bool | None:
    """Return whether there are so many words, however they are counted."""
    bound = int(arguments["num_words"])
    by_letters, by_space = len(_WORD.findall(text)), sum(map(bool, map(_WORD.search, text.split())))
    return _agreed(*(_compare(count, arguments["relation"], bound) for count in (by_letters, by_space)))


def number_of_sentences(text: str, arguments: Arguments) -> bool | None:
    """Return whether there are so many sentences, however they are counted."""
    bound = int(arguments["num_sentences"])
    counts = []
    for rule in _SENTENCE_ENDS:
        ends = [end.end() for end in rule.finditer(text)]
        rest = bool(text[ends[-1] if ends else 0 :].strip())
        counts.append(len(ends) + rest)
    return _agreed(*(_compare(count, arguments["relation"], bound) for count in counts))


def capital_words(text: str, arguments: Arguments) -> bool:
    """Return whether there are so many words in capitals."""
    count = sum(word.isupper() for word in re.findall(r"[^\W_]+(?:'[^\W_]+)?", text))
    return _compare(count, arguments["capital_relation"], int(arguments["capital_frequency"]))


# -- paragraphs and parts ------------------------------------------------------------------------------------


def number_of_paragraphs(text: str, arguments: Arguments) -> bool:
    """Return whether there are so many paragraphs between lines of `***`, none of them empty."""
    parts = re.split(r"\s?\*\*\*\s?", text)
    inner = [part for place, part in enumerate(parts) if part.strip() or 0 < place < len(parts) - 1]
    return all(part.strip() for part in inner) and len(inner) == int(arguments["num_paragraphs"])


def nth_first_word(text: str, arguments: Arguments) -> bool:
    """Return whether there are so many paragraphs between blank lines, and one of them begins with a word."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    nth = int(arguments["nth_paragraph"])
    if len(parts) != int(arguments["num_paragraphs"]) or not 1 <= nth <= len(parts):
        return False
    first = re.match(r"[\s\"'\u201c\u2018(*_]*([^\W_]+(?:['\u2019-][^\W_]+)*)", parts[nth - 1])
    return bool(first) and first[1].lower() == str(arguments["first_word"]).lower() if first else False


def has_postscript(text: str, arguments: Arguments) -> bool:
    """Return whether a line begins with the postscript's marker."""
    marker = re.escape(str(arguments["postscript_marker"])).replace(r"\.", r"\.\s?")
    return re.search(rf"^[^\S\n]*{marker}", text, re.IGNORECASE | re.MULTILINE) is not None


def placeholders(text: str, arguments: Arguments) -> bool:
    """Return whether there are at least so many `[placeholders]`."""
    return len(re.findall(r"\[[^\[\]]*\]", text)) >= int(arguments["num_placeholders"])


def bullets(text: str, arguments: Arguments) -> bool:
    """Return whether there are exactly so many bullet points (`* ` or `- `)."""
    return len(_BULLET.findall(text)) == int(arguments["num_bullets"])


def highlights(text: str, arguments: Arguments) -> bool:
    """Return whether there are at least so many `*highlighted*` parts."""
    found = [one for one in _HIGHLIGHT.findall(text) if one.strip("*").strip()]
    return len(found) >= int(arguments["num_highlights"])


def sections(text: str, arguments: Arguments) -> bool:
    """Return whether there are at least so many sections, each behind its numbered heading."""
    heading = re.escape(str(arguments["section_spliter"]).strip())
    return len(re.findall(rf"(?<!\w){heading}\s?\d+", text)) >= int(arguments["num_sections"])


def constrained(text: str, _arguments: Arguments) -> bool:
    """Return whether one of the offered answers occurs."""
    return any(choice in text for choice in CHOICES)


def is_json(text: str, _arguments: Arguments) -> bool:
    """Return whether the whole is JSON, in a code fence or bare."""
    try:
        json.loads(_FENCE.sub("", text.strip()).strip())
    except (ValueError, RecursionError):
        return False
    return True


def has_title(text: str, _arguments: Arguments) -> bool:
    """Return whether there is a title in `<<double angles>>`."""
    return any(title.strip("<> \t") for title in re.findall(r"<<[^\n<>]+>>", text))


def two_responses(text: str, _arguments: Arguments) -> bool:
    """Return whether there are two different responses, set apart by six asterisks."""
    parts = [part.strip() for part in text.split("******")]
    inner = [part for place, part in enumerate(parts) if part or 0 < place < len(parts) - 1]
    return len(inner) == len({part for part in inner if part}) == 2  # noqa: PLR2004 - two of them


def repeats_prompt(text: str, arguments: Arguments) -> bool:
    """Return whether the response begins with the request, word for word."""
    return text.strip().lower().startswith(str(arguments["prompt_to_repeat"]).strip().lower())


def ends_with(text: str, arguments: Arguments) -> bool:
    """Return whether the very end is a phrase, quotation marks aside."""
    return text.strip().strip('"').lower().endswith(str(arguments["end_phrase"]).strip().lower())


def quoted(text: str, _arguments: Arguments) -> bool:
    """Return whether the whole stands in double quotation marks."""
    return len(text.strip()) > 1 and text.strip()[0] == text.strip()[-1] == '"'


# -- case, marks, language ---------------------------------------------------------------------------------


def capitals(text: str, _arguments: Arguments) -> bool | None:
    """Return whether it is English, in capitals only."""
    return _in_case(text, upper=True)


def small_letters(text: str, _arguments: Arguments) -> bool | None:
    """Return whether it is English, in small letters only."""
    return _in_case(text, upper=False)


def _in_case(text: str, *, upper: bool) -> bool | None:
    if not (text.isupper() if upper else text.islower()):
        return False
    return language_is(text.lower(), "en")


def no_comma(text: str, _arguments: Arguments) -> bool:
    """Return whether there is no comma."""
    return "," not in text


def in_language(text: str, arguments: Arguments) -> bool | None:
    """Return whether the whole is in a language, named by its ISO 639-1 code."""
    return language_is(text, str(arguments["language"]))


CHECKS: dict[str, Callable[[str, Arguments], bool | None]] = {
    "keywords:existence": has_keywords,
    "keywords:frequency": keyword_frequency,
    "keywords:forbidden_words": forbids_words,
    "keywords:letter_frequency": letter_frequency,
    "language:response_language": in_language,
    "length_constraints:number_sentences": number_of_sentences,
    "length_constraints:number_paragraphs": number_of_paragraphs,
    "length_constraints:number_words": number_of_words,
    "length_constraints:nth_paragraph_first_word": nth_first_word,
    "detectable_content:number_placeholders": placeholders,
    "detectable_content:postscript": has_postscript,
    "detectable_format:number_bullet_lists": bullets,
    "detectable_format:constrained_response": constrained,
    "detectable_format:number_highlighted_sections": highlights,
    "detectable_format:multiple_sections": sections,
    "detectable_format:json_format": is_json,
    "detectable_format:title": has_title,
    "combination:two_responses": two_responses,
    "combination:repeat_prompt": repeats_prompt,
    "startend:end_checker": ends_with,
    "startend:quotation": quoted,
    "change_case:capital_word_frequency": capital_words,
    "change_case:english_capital": capitals,
    "change_case:english_lowercase": small_letters,
    "punctuation:no_comma": no_comma,
}
