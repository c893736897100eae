"""Multiple choice: lettered options beneath a question, and the letter as the answer."""

from collections.abc import Sequence
from random import Random

from judgebench.pairs.generators.wording import demand, pick

LETTERS = "ABCDEF"
OPTIONS = 4
LAST = (
    "That is option {letter}.",
    "Option {letter} says so.",
    "Among the options this is {letter}.",
    "It is {letter}.",
)
WORDS = (
    "Answer with the letter of the right option.",
    "The answer is the letter of the option that is right.",
    "Name the right option by its letter.",
)
MARKS = ("{letter}) {text}", "{letter}. {text}", "({letter}) {text}")


def choose_from(question: str, options: Sequence[str], form: str, rng: Random) -> str:
    """Return a question with its options and with what the answer must look like."""
    mark = pick(rng, MARKS)
    listed = "\n".join(mark.format(letter=letter, text=text) for letter, text in zip(LETTERS, options, strict=False))
    return f"{question}\n\n{listed}\n\n{pick(rng, WORDS)} {demand(form, rng)}"


def letter_of(options: Sequence[str], text: str) -> str:
    """Return the letter of the option with this text."""
    return LETTERS[options.index(text)]


def option_of(letter: str, options: Sequence[str]) -> str | None:
    """Return the text of the option with this letter, None for what is no option's letter."""
    found = [text for mark, text in zip(LETTERS, options, strict=False) if mark == letter]
    return found[0] if found else None


def settle(letter: str, rng: Random) -> str:
    """Return the sentence that settles on an option."""
    return pick(rng, LAST).format(letter=letter)
