"""Program tasks about texts and single numbers."""

from itertools import groupby
from string import ascii_lowercase

from judgebench.pairs.generators.bank import (
    OPERATORS,
    PARITY,
    SAME,
    TESTS,
    Task,
    brackets,
    counts,
    natural,
    sentence,
    word,
)

VOWELS = "aeiou"
TASKS = (
    Task(
        "vowels", "text", "how many letters of the text are {which} followed by {k} further letters or more",
        "count = 0\nfor i in range(len(text) - {k}):\n    if text[i] {which} 'aeiou':\n        count += 1\n"
        "return count",
        {"which": (("in", "vowels"), ("not in", "consonants")), "k": counts(0, 3)}, word,
        lambda o, text: sum((letter in VOWELS) == (o["which"] == "in") for letter in text[: len(text) - int(o["k"])]),
    ),
    Task(
        "shifted", "text", "the text with every letter {sign} by {k} places in the alphabet, z coming before a again",
        "result = ''\nfor letter in text:\n    place = (ord(letter) - ord('a') {sign} {k}) % 26\n"
        "    result += chr(place + ord('a'))\nreturn result",
        {"sign": (("+", "moved on"), ("-", "moved back")), "k": counts(1, 5)}, word,
        lambda o, text: text.translate(str.maketrans(ascii_lowercase, _turned(int(o["sign"] + o["k"])))),
    ),
    Task(
        "neighbours", "text", "at how many places a letter is {test} the one {k} places before it",
        "count = 0\nback = {k}\nfor i in range(back, len(text)):\n    if text[i] {test} text[i - back]:\n"
        "        count += 1\nreturn count",
        {"test": SAME, "k": counts(1, 3)}, word,
        lambda o, text: [*map(OPERATORS[o["test"]], text, text[int(o["k"]) :])].count(True),
    ),
    Task(
        "words_by_length", "text", "the words of the text with a length {test} {k}, joined by single spaces",
        "result = []\nfor word in text.split():\n    if len(word) {test} {k}:\n        result.append(word)\n"
        "return ' '.join(result)",
        {"test": TESTS, "k": counts(2, 5)}, sentence,
        lambda o, text: " ".join(filter(lambda word: OPERATORS[o["test"]](len(word), int(o["k"])), text.split())),
    ),
    Task(
        "digits", "number", "the sum of the {r} digits of the square of the number",
        "total = 0\nfor digit in str(number * number):\n    if int(digit) % 2 == {r}:\n        total += int(digit)\n"
        "return total",
        {"r": PARITY}, natural,
        lambda o, n: sum(map(int, filter(("02468" if o["r"] == "0" else "13579").count, str(n**2)))),
    ),
    Task(
        "divisors", "number", "how many divisors of the number are {test} {k}",
        "count = 0\nfor divisor in range(1, number + 1):\n    if number % divisor == 0 and divisor {test} {k}:\n"
        "        count += 1\nreturn count",
        {"test": TESTS, "k": counts(2, 6)}, natural,
        lambda o, n: len({d for a in range(1, 11) if n % a == 0 for d in (a, n // a)
                          if OPERATORS[o["test"]](d, int(o["k"]))}),
    ),
    Task(
        "primes", "number", "how many primes from {start} on are {more} the number",
        "count = 0\nfor candidate in range({start}, number + {more}):\n"
        "    if all(candidate % d for d in range(2, candidate)):\n        count += 1\nreturn count",
        {"start": counts(2, 6), "more": (("0", "less than"), ("1", "at most"))}, natural,
        lambda o, n: sum(p >= int(o["start"]) for p in _sieve(n - 1 + int(o["more"]))),
    ),
    Task(
        "sequence", "number",
        "the term at index number % 12 of the sequence that starts with {a}, {b}, each further term being the sum of "
        "the two before",
        "a = {a}\nb = {b}\nfor _ in range(number % 12):\n    a, b = b, a + b\nreturn a",
        {"a": counts(0, 3), "b": counts(1, 4)}, natural,
        lambda o, n: _term(int(o["a"]), int(o["b"]), n % 12),
    ),
    Task(
        "halving", "number",
        "how many times the number can be divided by {k}, rounding down, until it is {test} {stop}; 0 if it is so at "
        "first",
        "count = 0\nwhile not number {test} {stop}:\n    number = number // {k}\n    count += 1\nreturn count",
        {"k": counts(2, 4), "test": (("<", "less than"), ("<=", "at most")), "stop": counts(1, 5)}, natural,
        lambda o, n: min(c for c in range(9) if OPERATORS[o["test"]](n // int(o["k"]) ** c, int(o["stop"]))),
    ),
    Task(
        "deepest", "text", "how deep the brackets of the text are nested at most, {start} being the depth outside",
        "depth = {start}\nmost = depth\nfor mark in text:\n    depth += 1 if mark == '(' else -1\n"
        "    most = max(most, depth)\nreturn most",
        {"start": counts(0, 3)}, brackets,
        lambda o, text: int(o["start"]) + max(text[:i].count("(") - text[:i].count(")") for i in range(len(text) + 1)),
    ),
    Task(
        "raised", "text", "the text with the letters at {r} indices, counted from {start}, in upper case",
        "result = ''\nindex = {start}\nfor letter in text:\n"
        "    result += letter.upper() if index % 2 == {r} else letter\n    index += 1\nreturn result",
        {"r": PARITY, "start": counts(0, 3)}, word,
        lambda o, text: "".join(c.upper() if (i + int(o["start"]) - int(o["r"])) % 2 == 0 else c
                                for i, c in enumerate(text)),
    ),
    Task(
        "ends", "text", "the {i} letters of the words that have a length {test} {k}, in one string",
        "result = ''\nfor word in text.split():\n    if len(word) {test} {k}:\n        result += word[{i}]\n"
        "return result",
        {"i": (("0", "first"), ("-1", "last")), "test": TESTS, "k": counts(2, 4)}, sentence,
        lambda o, text: "".join(w[:1] if o["i"] == "0" else w[-1:] for w in text.split()
                                if OPERATORS[o["test"]](len(w), int(o["k"]))),
    ),
    Task(
        "by_length", "text", "the words of the text sorted by length, {end} first, equally long ones as they stand",
        "return sorted(text.split(), key=len, reverse={end})",
        {"end": (("False", "shortest"), ("True", "longest"))}, sentence,
        lambda o, text: [w for size in sorted({*map(len, text.split())}, reverse=o["end"] == "True")
                         for w in text.split() if len(w) == size],
    ),
    Task(
        "occurring", "text", "the letters that occur {test} {k} times in the text, in alphabetical order",
        "result = ''\nfor letter in sorted(set(text)):\n    if text.count(letter) {test} {k}:\n"
        "        result += letter\nreturn result",
        {"test": TESTS, "k": counts(1, 3)}, word,
        lambda o, text: "".join(letter for letter, run in groupby(sorted(text))
                                if OPERATORS[o["test"]](len([*run]), int(o["k"]))),
    ),
    Task(
        "in_base", "number", "the digits of the number in base {base}, as a list, with the {end} first",
        "base = {base}\nresult = []\nwhile number > 0:\n    result.append(number % base)\n    number = number // base\n"
        "return result[::{end}]",
        {"base": counts(2, 6), "end": (("1", "last"), ("-1", "first"))}, natural,
        lambda o, n: _digits(n, int(o["base"]))[:: -int(o["end"])],
    ),
)  # fmt: skip


def _turned(by: int) -> str:
    return ascii_lowercase[by:] + ascii_lowercase[:by]


def _sieve(most: int) -> set[int]:
    return set(range(2, most + 1)) - {a * b for a in range(2, most + 1) for b in range(2, most // a + 1)}


def _digits(number: int, base: int) -> list[int]:
    """Return the digits in a base, the first first."""
    places = [base**place for place in range(7, -1, -1) if base**place <= number]
    return [number // place % base for place in places]


def _term(a: int, b: int, index: int) -> int:
    return (a, b)[index] if index < 2 else _term(a, b, index - 1) + _term(a, b, index - 2)  # noqa: PLR2004
