"""How a response sounds: openings, step labels, connectives, layout and closing lines, drawn without regard to truth.

Every phrase here is ours. What is drawn must never depend on whether a trace is right: only on the `rng`.
"""

from collections.abc import Callable, Sequence
from random import Random

OPENINGS = (
    "Let me work through this.", "I will go step by step.", "Here is my solution.", "We can do this in order.",
    "Let us take it piece by piece.", "I'll solve this carefully.", "Working it out:", "Solution:",
    "To answer this, I follow the steps below.", "This can be settled one step at a time.", "Let's begin.",
    "My approach is to go through it in sequence.", "First the work, then the result.", "Here we go.",
    "Let me lay out the reasoning.", "I start from what is given.", "Below is the full working.",
    "Let me set this out in order.", "We proceed methodically.", "A direct solution follows.",
)  # fmt: skip
CONNECTIVES = (
    "Next:", "Then:", "Now:", "After that:", "Following on:", "From here:", "Moving on:", "Continuing:", "With that:",
    "In turn:", "Going on:", "Proceeding:",
)  # fmt: skip
CLOSINGS = (
    "The answer is {}.", "So the final answer is {}.", "Final answer: {}", "This gives {}.", "The result is {}.",
    "Therefore the answer is {}.", "Hence {}.", "In conclusion: {}", "That makes the answer {}.", "Result: {}",
    "Putting it together: {}", "We arrive at {}.", "My final answer is {}.", "Which leads to {}.", "Answer: {}",
    "The value asked for is {}.",
)  # fmt: skip
LAST_LINES = ("", "That completes the work.", "This is what was asked for.", "Done.", "All steps are above.")
FORMS: dict[str, Callable[[str], str]] = {
    "boxed": lambda answer: f"\\boxed{{{answer}}}",
    "bold": lambda answer: f"**{answer}**",
}
DEMANDS: dict[str, tuple[str, ...]] = {
    "boxed": (
        "Put the final answer in \\boxed{}.", "End with the answer in \\boxed{}.", "Give the answer inside \\boxed{}.",
        "Write your final answer as \\boxed{answer}.",
    ),
    "bold": (
        "Put the final answer in bold, like **this**.", "End with the answer in **bold**.",
        "Give the final answer between double asterisks: **answer**.",
    ),
    "line": (
        "End with a line of the form `Answer: ...`.", "The last line should read `Answer: ` and the answer.",
        "Close with one line: Answer: <your answer>",
    ),
}  # fmt: skip
Label = Callable[[int], str]
LABELS: tuple[Label, ...] = (
    lambda n: f"Step {n}: ",
    lambda n: f"{n}. ",
    lambda n: f"({n}) ",
    lambda n: f"**Step {n}.** ",
    lambda n: f"{n}) ",
    lambda _: "- ",
    lambda _: "* ",
    lambda _: "",
)
BREAKS = ("\n", "\n", "\n\n", "\n\n", " ")


def pick(rng: Random, options: Sequence[str]) -> str:
    """Return one of the options. Faster than `rng.choice`, and as even as floats allow."""
    return options[int(rng.random() * len(options))]


def demand(form: str, rng: Random) -> str:
    """Return the sentence of a question that says in what form the answer is to stand at the end."""
    return pick(rng, DEMANDS[form])


def closing(answer: str, form: str, rng: Random) -> str:
    """Return the last lines of a response, with the answer in a form: boxed, bold or `Answer: …` on a line."""
    if form == "line":
        return f"{pick(rng, ('', '', 'So this is what follows.', 'That settles it.'))}\nAnswer: {answer}".lstrip("\n")
    line = pick(rng, CLOSINGS).format(FORMS[form](answer))
    last = pick(rng, LAST_LINES) if rng.random() < 0.3 else ""  # noqa: PLR2004
    return f"{line}\n{last}" if last else line


def layout(steps: Sequence[str], end: str, rng: Random) -> str:
    """Return steps and the closing line as one text: labelled, listed or running, with or without an opening."""
    label = LABELS[int(rng.random() * len(LABELS))]
    between = pick(rng, BREAKS)
    if between == " ":
        label = LABELS[-1]
    linked = label is LABELS[-1] and rng.random() < 0.7  # noqa: PLR2004
    parts = [label(number) + (_linked(text, number, rng) if linked else text) for number, text in enumerate(steps, 1)]
    opening = pick(rng, OPENINGS) + "\n\n" if rng.random() < 0.7 else ""  # noqa: PLR2004
    return opening + between.join(parts) + "\n\n" + end


def _linked(text: str, number: int, rng: Random) -> str:
    """Return a step led in by a connective, sometimes."""
    return text if number == 1 or rng.random() < 0.5 else f"{pick(rng, CONNECTIVES)} {text}"  # noqa: PLR2004
