import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.hostile import HOSTILE, LINE, SURROGATE
from judgebench.view.texts import excerpt, plain, script

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=[]), max_size=60)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


def unseen(text: str) -> list[str]:
    return [c for c in text if unicodedata.category(c) in UNSEEN and c not in "\n\t"]


def taken(data: bytes) -> Any:
    """Return what a browser would hand over: the arguments of the one call."""
    text = data.decode("utf-8")
    assert text.startswith("judgebench(...[")
    assert text.endswith("]);\n")
    return json.loads(text[len("judgebench(...") : -len(");\n")])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("of a\r\nWindows file", "of a\nWindows file"),
        ("a lone \r return", "a lone ⟨U+000D⟩ return"),
        ("\u202egnp", "⟨U+202E⟩gnp"),
        ("nul \x00", "nul ⟨U+0000⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468⟨U+200D⟩\U0001f469"),
        ("\u05de\u05d4 \u05d4\u05e9\u05e2\u05d4", "\u05de\u05d4 \u05d4\u05e9\u05e2\u05d4"),
        ("no-break\u00a0space", "no-break\u00a0space"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(ANY_TEXT)
def test_nothing_unseen_is_left_and_nothing_seen_is_lost(text: str) -> None:
    shown = plain(text)
    assert unseen(shown) == []
    assert plain(shown) == shown
    assert [c for c in text if c in shown] == [c for c in text if c in "\n\t" or not unseen(c)]


@pytest.mark.parametrize("text", [*HOSTILE.values(), SURROGATE], ids=[*HOSTILE, "surrogate"])
def test_a_file_of_data_is_one_call_whatever_it_holds(text: str) -> None:
    data = script("7", [{"title": text, "facts": [[text, text]]}, text])
    name, value = taken(data)
    assert name == "7"
    assert value == [{"title": plain(text), "facts": [[plain(text), plain(text)]]}, plain(text)]
    assert not set(data) & set(b"<>&\x00\r\x7f")
    assert unseen(data.decode()) == []
    assert data.count(b"\n") == 1


@given(ANY_JSON)
def test_any_json_comes_through_plain(value: Any) -> None:
    def shown(inner: Any) -> Any:
        if isinstance(inner, str):
            return plain(inner)
        if isinstance(inner, dict):
            return {key: shown(one) for key, one in inner.items()}
        return [shown(one) for one in inner] if isinstance(inner, list) else inner

    data = script("list", value)
    assert taken(data) == ["list", shown(value)]
    assert not set(data) & set(b"<>&")


def test_a_megabyte_on_one_line_comes_through() -> None:
    assert taken(script("0", LINE)) == ["0", LINE]
    assert taken(script("0", LINE + "\x00")) == ["0", LINE + "⟨U+0000⟩"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("two\n\n lines", "two lines"),
        ("0123456789", "0123456789"),
        ("01234567890", "012345678…"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        (" \n\t ", ""),
    ],
)
def test_an_excerpt_is_one_line(text: str, shown: str) -> None:
    assert excerpt(text, 10) == shown


def test_an_excerpt_of_a_long_text_reads_its_beginning_only() -> None:
    assert excerpt(LINE, 100) == "x" * 99 + "…"
