"""What is known of a judge's model: from the installed card, else from its name, else nothing."""

import pytest
from browser.boards import make_result

from judgebench.judges.card import Weights
from judgebench.leaderboard.models import BANDS, OPENNESS, UNKNOWN, band, billions, named_size, openness, size
from judgebench.spec import JudgeSpec


def judge(name: str, model: str | None, **fields: object) -> JudgeSpec:
    return make_result(name, judge_fields={"model": model, **fields}).spec.judge


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (judge("always-first", None, kind="null"), "none"),
        (judge("equations", None, kind="rule"), "none"),
        (judge("judgelm-7b", "transformers/BAAI/JudgeLM-7B-v1.0"), "open"),
        (judge("somebodys-own", "transformers/Org/Model"), "open"),
        (judge("somebodys-own", "Org/Model", weights=Weights()), "open"),
        (judge("imported", "Skywork/Skywork-Reward-Llama-3.1-8B"), "open"),  # a card has this model
        (judge("vanilla--openai__gpt-4o", "openai/gpt-4o"), "api"),
        (judge("vanilla--openai__gpt-4o", "openai/gpt-4o", endpoint="ab12"), UNKNOWN),  # a server of one's own
        (judge("imported", "gpt-4o"), UNKNOWN),
        (judge("panel", None, kind="multi-agent"), UNKNOWN),
    ],
)
def test_openness(spec: JudgeSpec, expected: str) -> None:
    assert openness(spec) == expected
    assert expected in OPENNESS


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (judge("judgelm-13b", "transformers/BAAI/JudgeLM-13B-v1.0"), 13),
        (judge("x", "Skywork/Skywork-Reward-Llama-3.1-8B"), 8),
        (judge("x", "Org/Mixtral-8x7B-Instruct"), 56),
        (judge("x", "gpt-4o-mini"), None),
        (judge("x", None), None),
    ],
)
def test_size(spec: JudgeSpec, expected: float | None) -> None:
    assert size(spec) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("7B", 7), ("435M", 0.435), ("8x7B", 56), ("1.8B", 1.8), ("large", None), ("7B ", None)]
)
def test_a_cards_size_in_billions(text: str, expected: float | None) -> None:
    assert billions(text) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("Qwen2.5-7B-Instruct", 7), ("qwen-0.5b", 0.5), ("a-70b-or-8b", 70), ("1b1", None), ("v2.1b", None),
        ("b", None), ("7", None), ("99999b", None), ("\N{ARABIC-INDIC DIGIT SEVEN}b", None),
    ],
)  # fmt: skip
def test_a_size_in_a_name(model: str, expected: float | None) -> None:
    assert named_size(model) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [(0.4, "3"), (3, "3"), (3.1, "10"), (10, "10"), (30, "30"), (56, "80"), (80, "80"), (81, "more"), (None, UNKNOWN)],
)
def test_bands_hold_their_upper_end(parameters: float | None, expected: str) -> None:
    assert band(parameters) == expected
    assert expected in BANDS
