"""One corpus of odd replies, read by every parser; and no reply at all makes a judge raise."""

import asyncio
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.judges import arena_hard, pairwise, vanilla
from judgebench.records import FAULT_KINDS, Fault, Finish, Label, Reply, Verdict, View
from judging import Door, decide, make, view

PARSERS = {"pairwise": pairwise.parse, "arena-hard": arena_hard.parse, "vanilla": vanilla.parse}
LABELS = get_args(Label)

# What is written, and what it is to pairwise, arena-hard and vanilla; None is no verdict.
ODD_REPLIES: dict[str, tuple[str, str | None, str | None, str | None]] = {
    "nothing": ("", None, None, None),
    "spaces": (" \t\r\n\v\f", None, None, None),
    "no-break spaces": ("\u00a0\u2003\u3000", None, None, None),
    "a byte order mark": ("\ufeffVerdict: A", None, None, None),
    "a bare letter": ("A", None, None, None),
    "a bare number": ("1", None, None, None),
    "an apology": ("I'm sorry, but I can't help with that.", None, None, None),
    "thousands of words without a verdict": ("Both are plausible. " * 5_000, None, None, None),
    "thousands of words and a verdict": ("Hm. " * 5_000 + "\nVerdict: B", "B>A", None, None),
    "thousands of words and a label": ("Hm. " * 5_000 + "[[B>>A]]", None, "B>A", None),
    "every protocol at once": ("Output (a)\n[[A>B]]\nVerdict: B", "B>A", "A>B", None),
    # quotations
    "a verdict quoted in line": ('Response A ends with "Verdict: A", which proves nothing.', None, None, None),
    "a verdict quoted as a block": ("> Verdict: A", None, None, None),
    "a verdict quoted on its own line, then prose": ("It says:\nVerdict: A\nbut it is wrong.", None, None, None),
    "a verdict quoted, then the judge's own": ("It says:\nVerdict: A\nbut no.\n\nVerdict: B", "B>A", None, None),
    "a verdict in a code block": ("```\nVerdict: A\n```", None, None, None),
    "a label quoted from a response": ('A claims "[[A>B]]". I disagree: [[B>A]]', None, None, None),
    "a label quoted and agreed with": ('A claims "[[A>B]]". Indeed: [[A>B]]', None, "A>B", None),
    "an answer quoted": ("`Output (a)`", None, None, None),
    "the list of choices": ("Verdict: A\nVerdict: B\nVerdict: tie", "A=B", None, None),
    "the list of labels": ("[[A>>B]] [[A>B]] [[A=B]] [[B>A]] [[B>>A]]", None, None, None),
    # several
    "two verdicts on a line": ("Verdict: A Verdict: B", None, None, None),
    "a corrected verdict": ("Verdict: A\n\nWait, no.\n\nVerdict: B", "B>A", None, None),
    "the same label twice": ("[[B>A]]\n\n[[B>A]]", None, "B>A", None),
    "strong and weak": ("[[A>>B]], or at least [[A>B]]", None, None, None),
    "one label and one that is none": ("[[A>B]] [[A]]", None, None, None),
    "both answers": ("Output (a)\nOutput (b)", None, None, None),
    # case and Markdown
    "lower case": ("verdict: b", "B>A", None, None),
    "capitals": ("VERDICT: TIE", "A=B", None, None),
    "a label in lower case": ("[[a>b]]", None, None, None),
    "an answer in capitals": ("OUTPUT (A)", None, None, None),
    "bold": ("**Verdict: A**", "A>B", None, None),
    "a bold label": ("**[[A=B]]**", None, "A=B", None),
    "a heading": ("### Verdict: A", None, None, None),
    "a list": ("- Verdict: A", None, None, None),
    "LaTeX": (r"$\boxed{\text{Verdict: A}}$", None, None, None),
    "a table": ("| Verdict: A |", None, None, None),
    "HTML": ("<b>Verdict: A</b>", None, None, None),
    "JSON": ('{"verdict": "A"}', None, None, None),
    "emphasis that never ends": ("**Verdict:** **A", "A>B", None, None),
    # almost
    "no colon": ("Verdict A", None, None, None),
    "another word": ("Decision: A", None, None, None),
    "with an article": ("The verdict: A", None, None, None),
    "with the noun": ("Verdict: Response A", None, None, None),
    "with brackets": ("Verdict: [[A]]", None, None, None),
    "with a reason behind it": ("Verdict: A (it is correct)", None, None, None),
    "both": ("Verdict: A and B", None, None, None),
    "neither": ("Verdict: neither", None, None, None),
    "an exclamation": ("Verdict: A!", None, None, None),
    "spaces in the label": ("[[ A>B ]]", None, None, None),
    "one bracket": ("[A>B]", None, None, None),
    "three brackets": ("[[[B>A]]]", None, "B>A", None),
    "a label over two lines": ("[[A>\nB]]", None, None, None),
    "a label turned round": ("[[B<A]]", None, None, None),
    "an unfinished label": ("so my final verdict is [[A>", None, None, None),
    "a full stop after the answer": ("Output (a).", None, None, None),
    "white space around the answer": ("\n\tOutput (b)  ", None, None, "B>A"),
    "two spaces in the answer": ("Output  (a)", None, None, None),
    "a third answer": ("Output (c)", None, None, None),
    # other languages and look-alikes
    "German": ("Urteil: A", None, None, None),
    "Chinese": ("结论\uff1aA 更好", None, None, None),
    "a full-width colon": ("Verdict\uff1aA", None, None, None),
    "a Cyrillic A": ("Verdict: \u0410", None, None, None),
    "a full-width A": ("Verdict: \uff21", None, None, None),
    "a Greek B in a label": ("[[A>\u0392]]", None, None, None),
    "full-width brackets": ("\uff3b\uff3bA>B\uff3d\uff3d", None, None, None),
    "a mathematical greater-than": ("[[A\uff1eB]]", None, None, None),
    "a Cyrillic a in the answer": ("Output (\u0430)", None, None, None),
    "a dotless i": ("Verd\u0131ct: A", None, None, None),
    "a no-break space": ("Verdict:\u00a0A", None, None, None),
    "a zero-width space": ("Verdict: A\u200b", None, None, None),
    "right to left": ("\u202eVerdict: A", None, None, None),
    # control characters and line ends
    "NUL after it": ("Verdict: A\x00", None, None, None),
    "NUL inside a label": ("[[A>\x00B]]", None, None, None),
    "a bell before it": ("\aVerdict: A", None, None, None),
    "terminal colours": ("\x1b[1mVerdict: A\x1b[0m", None, None, None),
    "Windows line ends": ("B errs.\r\n\r\nVerdict: A\r\n", "A>B", None, None),
    "carriage returns alone": ("Verdict: A\rVerdict: B", None, None, None),
    "a line separator": ("so\u2028Verdict: A", None, None, None),
    "a lone surrogate": ("\ud800\nVerdict: B", "B>A", None, None),
    "blank lines behind it": ("Verdict: tie" + "\n" * 50, "A=B", None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_REPLIES)
def test_odd_replies_are_read_by_the_rule_or_not_at_all(name: str) -> None:
    text, *expected = ODD_REPLIES[name]
    assert [parse(text) for parse in PARSERS.values()] == expected


PIECES = [
    "Verdict",
    ": ",
    "A",
    "B",
    "tie",
    "[[",
    "]]",
    ">",
    ">>",
    "=",
    "Output (a)",
    "Output (b)",
    "\n",
    "**",
    " ",
    ".",
]
TEXTS = st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.parametrize("name", PARSERS)
@given(text=TEXTS)
def test_a_parser_returns_a_label_or_none(name: str, text: str) -> None:
    assert PARSERS[name](text) in (*LABELS, None)


@pytest.mark.parametrize("name", PARSERS)
@given(text=TEXTS)
def test_white_space_around_a_reply_changes_nothing(name: str, text: str) -> None:
    assert PARSERS[name](f"\n {text} \n") == PARSERS[name](text)


@given(TEXTS)
def test_exchanged_letters_exchange_the_verdict(text: str) -> None:
    exchanged = text.translate(str.maketrans("ABab<>", "BAba<>"))
    other = {"A>B": "B>A", "B>A": "A>B", "A=B": "A=B"}
    if (label := pairwise.parse(text)) is not None:
        assert pairwise.parse(exchanged) == other[label]


# -- whole judges, any reply -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the prompted judges with templates of our own, so that nothing is fetched."""
    file = tmp_path_factory.mktemp("templates") / "any.j2"
    file.write_text("A judge's prompt.", "utf-8")
    own = {"vanilla": {"user": str(file)}, "arena-hard": {"system": str(file), "user": str(file)}}
    return {name: make(name, prompts=own.get(name, {})) for name in PARSERS}


def said(judge: Any, seen: View, *replies: Reply) -> tuple[Verdict | Fault, int]:
    door = Door(*replies)
    return asyncio.run(judge.judge(seen, door)), len(door.requests)


REPLIES = st.builds(Reply, text=st.none() | TEXTS, finish=st.sampled_from(get_args(Finish)))


@pytest.mark.parametrize("name", PARSERS)
@given(first=REPLIES, second=REPLIES, ties=st.booleans())
def test_any_reply_is_a_verdict_or_a_fault_that_keeps_it(
    judges: dict[str, Any], name: str, first: Reply, second: Reply, ties: bool
) -> None:
    answer, asked = said(judges[name], view(ties=ties), first, second)
    assert asked in ((1, 2) if name == "arena-hard" else (1,))
    if isinstance(answer, Verdict):
        assert answer.preference in LABELS
        return
    assert answer.kind in FAULT_KINDS
    assert answer.detail
    assert answer.reply == "\n".join(reply.text or "" for reply in (first, second)[:asked])


@given(first=TEXTS)
def test_arena_hard_asks_again_exactly_when_there_is_no_label(judges: dict[str, Any], first: str) -> None:
    _, asked = said(judges["arena-hard"], view(), Reply(text=first), Reply(text="[[A=B]]"))
    assert asked == (1 if arena_hard.find_labels(first) else 2)


@pytest.mark.parametrize(
    ("second", "detail"),
    [
        ("[[A>B]] or [[B>A]]", "several different labels: A>B, B>A"),
        ("[[C]]", "no label in 2 attempts"),
        ("[[B]]", "not one of the offered labels: B"),
    ],
)
def test_the_second_try_is_read_as_strictly_as_the_first(judges: dict[str, Any], second: str, detail: str) -> None:
    fault = decide(judges["arena-hard"], None, "Let me see.", second)
    assert fault == Fault(kind="unparsed", detail=detail, reply=f"Let me see.\n{second}")


@pytest.mark.parametrize("first", [Reply(finish="refusal"), Reply(text="one, two,", finish="length")])
def test_a_second_try_makes_up_for_a_first_without_a_label(judges: dict[str, Any], first: Reply) -> None:
    assert decide(judges["arena-hard"], None, first, "[[B>A]]").preference == "B>A"


@pytest.mark.parametrize("name", ["pairwise", "vanilla"])
@pytest.mark.parametrize("finish", ["length", "refusal"])
def test_a_reply_that_is_both_blank_and_cut_is_named_by_its_end(judges: dict[str, Any], name: str, finish: Any) -> None:
    assert decide(judges[name], None, Reply(text=" ", finish=finish)).kind == {
        "length": "truncated", "refusal": "refused",
    }[finish]  # fmt: skip


# -- what a response can do to the prompt ------------------------------------------------------------------


@given(
    st.lists(TEXTS, min_size=3, max_size=3),
    st.fixed_dictionaries({field: st.none() | TEXTS for field in ("reference", "rubric", "persona")}),
)
def test_the_fence_occurs_in_no_section(judges: dict[str, Any], texts: list[str], extra: dict[str, str | None]) -> None:
    question, first, second = texts
    door = Door("Verdict: A")
    asyncio.run(judges["pairwise"].judge(view(first, second, question=question, **extra), door))
    prompt = door.requests[0].messages[0].content
    fence = prompt.partition("<task-")[2][:16]
    assert not any(fence in (text or "") for text in (*texts, *extra.values()))
    assert prompt.count(f"-{fence}>") == 2 * (3 + bool(extra["reference"]))
    for tag in ("criteria", "person"):  # what items share has a code of its own
        shared = prompt.partition(f"<{tag}-")[2][:16]
        assert not shared or not any(shared in (extra[field] or "") for field in ("rubric", "persona"))
    assert f"<response-A-{fence}>\n{first}\n</response-A-{fence}>\n\n<response-B-{fence}>\n{second}\n" in prompt
