"""IFEval's instructions: kept, broken, or not to be told; never a crash, and never run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import UsageError
from judgebench.pairs.graders.constraints import Constraints, keeps
from judgebench.pairs.graders.instructions import CHECKS
from judgebench.pairs.graders.languages import COMMON, SCRIPTS, language_is
from judgebench.pairs.records import Question, Response

ENGLISH = "It is the best of them and we have not yet seen what they can do for you."
# Instruction, arguments, a text that keeps it, one that breaks it.
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("keywords:existence", {"keywords": ["Cat", "dog"]}, "A cat and a dog.", "A cat."),
    ("keywords:frequency", {"keyword": "so", "relation": "at least", "frequency": 2}, "So, so.", "So."),
    ("keywords:frequency", {"keyword": "so", "relation": "less than", "frequency": 2}, "So.", "So, so."),
    ("keywords:forbidden_words", {"forbidden_words": ["can"]}, "A candle.", "I can."),
    ("keywords:letter_frequency", {"letter": "q", "let_relation": "at least", "let_frequency": 2}, "Qq", "q"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "one two three", "one two"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "one two", "one two three"),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "One. Two.", "One"),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "less than"}, "One.", "One. Two! Three?"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "one\n***\ntwo", "one\n\ntwo"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "one\n\n***\n\ntwo\n***\n", "one\n***\n***\ntwo"),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "two"},
     "One.\n\n“Two” it is.", "One.\n\nThen two."),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "one"},
     "One.\n\nTwo.", "One.\n\nTwo.\n\nThree."),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] at [place]", "[name]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\nP. S. One more.", "Bye. P.S. no line."),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* one\n- two", "* one\n* two\n* three"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "* one\n**bold** line", "**bold** line"),
    ("detectable_format:constrained_response", {}, "My answer is maybe.", "Maybe."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and **b**", "*a* and * *"),
    ("detectable_format:multiple_sections", {"section_spliter": "SECTION", "num_sections": 2},
     "SECTION 1\na\nSECTION 2\nb", "SECTION 1\na"),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ("detectable_format:title", {}, "<<A title>>\ntext", "<< >>\ntext"),
    ("combination:two_responses", {}, "one\n******\ntwo", "one\n******\none"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say it."}, "say it.\nIt.", "It. Say it."),
    ("startend:end_checker", {"end_phrase": "Is that all?"}, 'Yes. "is that all?"', "Is that all? Yes."),
    ("startend:quotation", {}, '"quoted"', '"quoted" not'),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"}, "NO NO", "NO no"),
    ("change_case:english_capital", {}, ENGLISH.upper(), ENGLISH),
    ("change_case:english_lowercase", {}, ENGLISH.lower(), ENGLISH),
    ("punctuation:no_comma", {}, "a b", "a, b"),
    ("language:response_language", {"language": "en"}, ENGLISH,
     "Das ist nicht der beste und wir haben auch nicht gesehen was sie für dich sind."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "kept", "broken"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)]
)
def test_an_instruction_is_kept_or_broken(name: str, arguments: dict[str, Any], kept: str, broken: str) -> None:
    assert keeps(kept, name, arguments) is True
    assert keeps(broken, name, arguments) is False


def test_every_instruction_of_ifeval_has_a_check_and_every_check_a_case() -> None:
    assert len(CHECKS) == 25
    assert {name for name, *_ in CASES} == set(CHECKS)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("no:such_instruction", {}, "text"),
        ("keywords:existence", {}, "an argument is missing"),
        ("keywords:frequency", {"keyword": "a", "relation": "roughly", "frequency": 2}, "an unknown relation"),
        ("length_constraints:number_words", {"num_words": "many", "relation": "at least"}, "no number"),
        ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "well-known two"),
        (
            "length_constraints:number_sentences",
            {"num_sentences": 3, "relation": "at least"},
            "Mr. and Mrs. went home.",
        ),
        ("language:response_language", {"language": "en"}, "Ok."),
        ("language:response_language", {"language": "xx"}, ENGLISH),
        ("change_case:english_lowercase", {}, "ok"),
    ],
)
def test_what_hangs_on_how_one_counts_is_not_said(name: str, arguments: dict[str, Any], text: str) -> None:
    assert keeps(text, name, arguments) is None


LANGUAGES = {
    "de": "Das ist der Mann, der nicht mit dem Auto und auch nicht mit der Bahn kommt, wie es sich für ihn gehört.",
    "fr": "Le chat est sur la table et il ne veut pas en sortir pour des raisons qui ne sont pas les nôtres.",
    "es": "El gato no se va de la mesa por lo que los niños están con una silla más para que lo vean.",
    "ru": "Это кот, и он сидит на столе.",
    "zh": "这是一只猫\uff0c它坐在桌子上。",
    "ja": "これは猫です。テーブルの上に座っています。",
    "ko": "이것은 고양이입니다.",
    "th": "นี่คือแมว",
    "ar": "هذه قطة تجلس على الطاولة",
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_is_told_by_its_script_or_its_commonest_words(code: str) -> None:
    found = {other: language_is(LANGUAGES[code], other) for other in (*SCRIPTS, *COMMON)}
    assert found[code] in (True, None)
    assert found[code] is True or any(set(SCRIPTS[code]) & set(SCRIPTS[o]) for o in SCRIPTS if o != code)
    assert [other for other, said in found.items() if said is True and other != code] == []


# -- the grader ----------------------------------------------------------------------------------------------


def ask(*instructions: tuple[str, dict[str, Any]]) -> Question:
    gold = {"instructions": [{"id": name, "kwargs": kwargs} for name, kwargs in instructions]}
    return Question.make(key="1", source="ifeval", category="c", prompt="?", gold=gold, grader="constraints")


def outcome(text: str, *instructions: tuple[str, dict[str, Any]]) -> str:
    return Constraints().grade(ask(*instructions), Response(question="q", text=text, model="m")).outcome


COMMA: tuple[str, dict[str, Any]] = ("punctuation:no_comma", {})
QUOTED: tuple[str, dict[str, Any]] = ("startend:quotation", {})
UNKNOWN: tuple[str, dict[str, Any]] = ("no:such", {})


def test_all_must_be_kept_and_one_broken_is_enough() -> None:
    assert outcome('"a b"', COMMA, QUOTED) == "right"
    assert outcome("a b", COMMA, QUOTED) == "wrong"
    assert outcome('"a b"', COMMA, UNKNOWN) == "undecided"
    assert outcome("a, b", COMMA, UNKNOWN) == "wrong"
    assert outcome("<think>a b</think>", COMMA) == "format_fail"
    assert outcome("<think>a, b</think>a b", COMMA) == "right"


def test_the_answers_of_a_right_and_a_wrong_response_differ() -> None:
    grader, question = Constraints(), ask(COMMA)
    one, two = (
        grader.grade(question, Response(question="q", text=text, model="m")).answer or "" for text in ("a", "a,")
    )
    assert one
    assert two
    assert grader.equivalent(question, one, two) is False


def test_a_cut_response_is_truncated() -> None:
    cut = Response(question="q", text="a", model="m", finish="length")
    assert Constraints().grade(ask(COMMA), cut).outcome == "truncated"


@pytest.mark.parametrize(
    "gold",
    [
        {},
        {"instructions": []},
        {"instructions": "x"},
        {"instructions": [{}]},
        {"instructions": [{"id": "a", "kwargs": 1}]},
    ],
)
def test_a_gold_without_instructions_is_refused_in_one_line(gold: dict[str, Any]) -> None:
    question = Question.make(key="1", source="s", category="c", prompt="?", gold=gold, grader="constraints")
    with pytest.raises(UsageError, match="instructions") as error:
        Constraints().check(question)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "arguments"), [(name, arguments) for name, arguments, *_ in CASES])
@given(text=st.text(max_size=200))
def test_no_text_makes_a_check_raise(name: str, arguments: dict[str, Any], text: str) -> None:
    assert keeps(text, name, arguments) in (True, False, None)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_long_texts_take_linear_time(name: str) -> None:
    arguments = next(arguments for other, arguments, *_ in CASES if other == name)
    for piece in ("a", "*", "[", "<<", '"', " \n", "a. "):
        keeps(piece * 100_000, name, arguments)
