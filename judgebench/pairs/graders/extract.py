"""Where an answer stands in a response: pure functions from text to what was found. None of them raises.

Each returns its finds in order of place. A find is `strict` when it has the very form that a question can ask for
(five equal letters, a closed box, a closed tag); what is not strict can only say what a response seems to mean, and
graders never call an answer right or wrong on it. Places are in characters of the text given.

Time is linear in the text, whatever it holds: repeats in the patterns below never overlap, or have a small bound.
Responses that think aloud go through `visible` first.
"""

import re
from collections.abc import Callable
from typing import NamedTuple


class Found(NamedTuple):
    """An answer as it stands in a text: `text[span[0]:span[1]]` holds it, `method` says what found it."""

    answer: str
    span: tuple[int, int]
    method: str
    strict: bool = True


def cropped(text: str, start: int, end: int, method: str, *, strict: bool = True, edges: str | None = None) -> Found:
    """Return the find between two places, without the white space (or the characters in `edges`) at its edges."""
    whole = text[start:end]
    left = len(whole) - len(whole.lstrip(edges))
    answer = whole.strip(edges)
    return Found(answer, (start + left, start + left + len(answer)), method, strict)


# -- thoughts ------------------------------------------------------------------------------------------

_THINK = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)


def visible(text: str) -> str:
    """Return the text with its thoughts blanked out, as long as before, so that places stay true.

    A `<think>` that is never closed runs to the end. A `</think>` that was never opened closes a thought that began
    before the text, as some chat templates have it: all up to there is blanked.
    """
    hidden: list[tuple[int, int]] = []
    opened: int | None = None
    for tag in _THINK.finditer(text):
        if tag[1] and opened is None:
            hidden = [(0, tag.end())]
        elif tag[1]:
            hidden.append((opened or 0, tag.end()))
            opened = None
        elif opened is None:
            opened = tag.start()
    if opened is not None:
        hidden.append((opened, len(text)))
    pieces, place = [], 0
    for start, end in hidden:
        pieces += [text[place:start], "\n" * (end - start)]
        place = end
    return "".join([*pieces, text[place:]])


# -- letters -------------------------------------------------------------------------------------------

# A word is made of letters and digits; an underscore is Markdown.
_RUN = re.compile(r"(?<![^\W_])([A-Z])\1{4}(?![^\W_])")
_LOOSE_RUNS = {
    "letter-run-length": re.compile(r"(?<![^\W_])(?<!\))([A-Za-z])(?i:\1){2,}(?![^\W_])"),
    "letter-run-spaced": re.compile(r"(?<![^\W_])([A-Z])(?:[ ,-]{1,2}\1){3,}(?![^\W_])"),
    "letter-run-bracketed": re.compile(r"\(([A-Z])\)\1{2,}(?![^\W_])"),
    "letter-run-glued": re.compile(r"(?<![^\W_])([A-Z])\1{3,}(?!\1)[^\W\d_]{1,40}(?![^\W_])"),
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def letter_runs(text: str, letters: str = ALPHABET) -> list[Found]:
    r"""Return the runs of one letter that name an option: strict for five capitals that are a word of their own.

    What surrounds a word does not matter (`**CCCCC**`, `\boxed{CCCCC}`). Not strict: another length from three up,
    small letters among them (EEeEE), `C C C C C`, `(B)BBBB`, and a run with a word glued to it (EEEEEThanks). ACACA,
    EGGGGE and the numeral III are no runs. Letters that are none of the options are left out.
    """
    found = {run.start(): Found(run[1], run.span(), "letter-run") for run in _RUN.finditer(text)}
    for method, pattern in _LOOSE_RUNS.items():
        for run in pattern.finditer(text):
            if _is_run(method, run[0]):
                found.setdefault(run.start(), Found(run[1].upper(), run.span(), method, strict=False))
    return [found[place] for place in sorted(found) if found[place].answer in letters]


def _is_run(method: str, word: str) -> bool:
    if method == "letter-run-length":
        return word != "III" and (word.isupper() or len(word) > 3)  # noqa: PLR2004 - `iii` and `www` are words
    if method == "letter-run-glued":
        return any(letter.islower() for letter in word)
    return True


_PHRASE = re.compile(
    r"\b(?P<noun>(?i:answer|choice|option))\b[*_]{0,3}"
    r"(?P<more>(?:[ ][a-z]{1,12}){0,5}?)(?:(?i:[ ]{1,2}(?:is|would be|should be|must be))\b:?|:|[ ]?=)"
    r"[\s*_]{0,6}(?P<kind>(?i:(?:option|choice|letter)[ ]{1,2}))?"
    r"(?P<wrap>(?:\\[a-z]{2,8}\{|[\\(\[{*_\"'`$ ]){0,6})(?P<letter>[A-Z])(?![^\W_])"
)
_AFTER_BARE = re.compile(r"[*_]{0,3}(?:[.,;:!)]|\s{0,3}\n|\s{0,3}\Z)")


def phrases(text: str, letters: str = ALPHABET) -> list[Found]:
    """Return the options named by a phrase: `answer is (C)`, `Answer: C`, `the correct option is **C**`.

    Strict when the word is "answer" and the letter stands bare or in parentheses. A bare letter must end its clause,
    so that "the answer is A matter of taste" names none, and an "(A)" in prose is no answer.
    """
    found = []
    for phrase in _PHRASE.finditer(text):
        wrap = phrase["wrap"].strip("* _")
        if phrase["letter"] not in letters or (not wrap and not _AFTER_BARE.match(text, phrase.end())):
            continue
        strict = phrase["noun"].lower() == "answer" and wrap in {"", "("} and not (phrase["more"] or phrase["kind"])
        found.append(Found(phrase["letter"], phrase.span("letter"), "phrase" if strict else "phrase-loose", strict))
    return found


_LONE = re.compile(r"(?:\\[a-z]{2,8}\{|[\s({\[*_$\"'`])*+([A-Z])\1{0,9}(?![^\W_])(?P<rest>[\s)}\]*_$\"'`.:]*+)")


def lone_letter(answer: str) -> tuple[str, bool] | None:
    r"""Return the letter that an answer is, and whether it is nothing more: C, (C), `\text{C}`, CCCCC; not `C) 45`."""
    match = _LONE.match(answer)
    if match is None:
        return None
    alone = match.end() == len(answer)
    return (match[1], alone) if alone or set(match["rest"]) & set(").:") else None


# -- marks ---------------------------------------------------------------------------------------------

_BRACES = re.compile(r"(\\(?:boxed|fbox)\s{0,3})?\{|\\.|\}", re.DOTALL)
_BARE_BOX = re.compile(r"\\(?:boxed|fbox)\s{1,3}([^\s{}$\\]{1,40})")


def boxes(text: str) -> list[Found]:
    r"""Return what stands in `\boxed{}` and `\fbox{}` with balanced braces; of boxes in a box, the inner ones.

    A box that is not closed holds nothing, and where the text ends in one, earlier ones do not count either: the
    answer is cut. `\boxed 7`, without braces, is not strict.
    """
    found: list[Found] = []
    depth: list[int | None] = []  # for each open brace where its box's content begins; None when it is no box's
    for brace in _BRACES.finditer(text):
        if brace[0].endswith("{") and brace[0] != r"\{":
            depth.append(brace.end() if brace[1] else None)
        elif brace[0] == "}" and depth:
            start = depth.pop()
            if start is not None and not (found and found[-1].span[0] >= start):
                found.append(cropped(text, start, brace.start(), "boxed"))
    if any(start is not None and (not found or start > found[-1].span[1]) for start in depth):
        return []
    found += [Found(box[1], box.span(1), "boxed-bare", strict=False) for box in _BARE_BOX.finditer(text)]
    return sorted(found, key=lambda one: one.span)


def last_box(text: str) -> Found | None:
    """Return the last closed box; None when there is none, or when the text ends inside a later one."""
    return next((box for box in reversed(boxes(text)) if box.strict), None)


_BOLD = re.compile(r"(?<!\*)(\*{2,3})(?![\s*])([^*\n]+)(?<!\s)\1(?=\*\*(?!\*)|(?!\*))")
_LOOSE_BOLD = re.compile(
    r"\*{2,3}([^*\n]+)\*{2,3}|\\(?:textbf|mathbf)\{([^{}\n]*)\}|<(?:b|strong)>([^<\n]*)</(?:b|strong)>|__([^_\n]+)__"
)


def bolds(text: str, stars: int = 2) -> list[Found]:
    r"""Return what is set in bold: `**so**` or `***so***`; with `stars=3` only the latter is strict.

    As in Markdown the stars touch the text inside, so 2**3 opens nothing. `** so **`, `\textbf{so}`, `<b>so</b>` and
    `__so__` are not strict. Stars that close something around it may follow: `**It is ***so*****`.
    """
    found = {
        bold.start(2): cropped(text, *bold.span(2), f"bold-{len(bold[1])}", strict=len(bold[1]) >= stars)
        for bold in _BOLD.finditer(text)
    }
    for bold in _LOOSE_BOLD.finditer(text):
        group = bold.lastindex or 1
        found.setdefault(bold.start(group), cropped(text, *bold.span(group), "bold-loose", strict=False))
    return [found[place] for place in sorted(found)]


_SOLUTION = re.compile(r"<(/?)solution>", re.IGNORECASE)


def solutions(text: str) -> list[Found]:
    """Return what stands between `<solution>` and `</solution>`; between two closing tags it is not strict."""
    found: list[Found] = []
    previous: re.Match[str] | None = None
    for tag in _SOLUTION.finditer(text):
        if tag[1] and previous:
            strict = not previous[1]
            method = "solution" if strict else "solution-loose"
            found.append(cropped(text, previous.end(), tag.start(), method, strict=strict))
            previous = None
        else:
            previous = tag
    return found


# -- ends ----------------------------------------------------------------------------------------------


def last_line(text: str) -> list[Found]:
    """Return the last line that is not blank, alone in a list; none of an empty text."""
    end = len(text.rstrip())
    return [cropped(text, text.rfind("\n", 0, end) + 1, end, "last-line")] if end else []


_ANSWER_LINE = re.compile(
    r"^[ \t>#*_-]{0,8}(?:the )?(?:final )?answer(?: is)?[ *_]{0,4}[:=][ *_]{0,4}(.*)$", re.IGNORECASE | re.MULTILINE
)


def answer_lines(text: str) -> list[Found]:
    """Return what follows `Answer:` on a line of its own; strict only in the last line of the text."""
    end = len(text.rstrip())
    found = []
    for line in _ANSWER_LINE.finditer(text, 0, end):
        strict = line.end() == end
        one = cropped(text, *line.span(1), "line" if strict else "line-loose", strict=strict, edges=" \t*_")
        found += [one] if one.answer else []
    return found


_TAIL = " \t\r\n.,:;!)]}\\$*_\"'`"
_DIGITS = re.compile(r"[0-9]+")


def three_digits(text: str) -> list[Found]:
    """Return the number that ends the text, strict when it has exactly three digits; marks may follow it.

    Part of a longer number, a decimal or a word it is not: 1225, 1,225, 0.125 and x055 end with no three digits.
    """
    end = len(text.rstrip(_TAIL))
    start = len(text[:end].rstrip("0123456789"))
    if start == end:
        return []
    before = text[max(0, start - 2) : start]
    apart = not before[-1:].isalnum() and not (before[-1:] in {".", ","} and before[:1].isdigit())
    strict = end - start == 3 and apart and before[-1:] not in {"-", "−"}  # noqa: PLR2004
    return [Found(text[start:end], (start, end), "three-digits" if strict else "end-number", strict)]


_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)%?")


def numbers(text: str) -> list[Found]:
    """Return the numbers in a text as they are written: 12, -3.5, 1,234, .5, 40%. A digit within a word is none."""
    return [Found(number[0], number.span(), "number") for number in _NUMBER.finditer(text)]


_BRACKETS = re.compile(r"\\.|[\[\]{}]", re.DOTALL)
_PARTNER = {"]": "[", "}": "{"}


def regions(text: str, opener: str) -> list[Found]:
    """Return the outermost balanced regions that begin with `[` or `{`, brackets and all; escaped brackets are text."""
    spans: list[tuple[int, int]] = []
    stack: list[tuple[str, int]] = []
    waiting = {"[": 0, "{": 0}
    for bracket in _BRACKETS.finditer(text):
        mark = bracket[0]
        if mark in waiting:
            stack.append((mark, bracket.start()))
            waiting[mark] += 1
        elif waiting.get(_PARTNER.get(mark, ""), 0):
            start = _unwind(stack, waiting, _PARTNER[mark])
            if _PARTNER[mark] == opener:
                while spans and spans[-1][0] >= start:
                    spans.pop()
                spans.append((start, bracket.end()))
    return [Found(text[start:end], (start, end), "region") for start, end in spans]


def _unwind(stack: list[tuple[str, int]], waiting: dict[str, int], opener: str) -> int:
    """Take brackets off the stack up to the nearest `opener`, whose place is returned; those above are not closed."""
    while True:
        begun, start = stack.pop()
        waiting[begun] -= 1
        if begun == opener:
            return start


# -- forms ---------------------------------------------------------------------------------------------

FORMS: dict[str, Callable[[str], list[Found]]] = {
    "letter-run": letter_runs,
    "phrase": phrases,
    "boxed": boxes,
    "bold": bolds,
    "bold-italic": lambda text: bolds(text, 3),
    "solution-tag": solutions,
    "line": answer_lines,
    "last-line": last_line,
    "three-digits": three_digits,
    "last-number": numbers,
    "list": lambda text: regions(text, "["),
    "json": lambda text: regions(text, "{"),
    "whole": lambda text: [cropped(text, 0, len(text), "whole")] if text.strip() else [],
}
"""The forms in which a question can ask for its answer, and what finds it."""

LAST_COUNTS = frozenset({"bold", "bold-italic", "line", "last-line", "three-digits", "last-number", "list", "json"})
"""Forms whose last answer counts, because earlier ones of that look are no answers: headings, steps, quoted data."""

LONGEST = 10_000
"""Characters of the longest text that can be an answer."""
MOST = 1_000
"""Finds of one form that are looked at in a response: the last ones."""


def finds(text: str, form: str) -> list[Found]:
    """Return what a form finds and could be an answer: none that is longer than `LONGEST`, the last `MOST`."""
    return [one for one in FORMS[form](text)[-MOST:] if len(one.answer) <= LONGEST]
