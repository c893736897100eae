"""String constants of Python source, found by path and never run."""

import pytest

from judgebench.pysource import constant, fill

SOURCE = '''
import os
os.system("never run")
PLAIN = "one"
PLAIN = "two"
STRIPPED = """
three
""".strip()
ADDED = "fo" + "ur" "teen"
TYPED: str = "five"
COMPUTED = f"{PLAIN}"
NUMBER = 6
talk = Conversation(system="seven", kind=KIND, sep="</s>")
TABLE = {"pair": "eight", 2: "nine", **TABLE}
PIECES = ("ten", ["eleven"])
class Judge:
    SYSTEM = "twelve"
    def method(self):
        INNER = "thirteen"
'''


@pytest.mark.parametrize(
    ("path", "text"),
    {
        "PLAIN": "two", "STRIPPED": "three", "ADDED": "fourteen", "TYPED": "five", "talk.system": "seven",
        "TABLE.pair": "eight", "PIECES.0": "ten", "PIECES.1.0": "eleven", "Judge.SYSTEM": "twelve",
    }.items(),
)  # fmt: skip
def test_a_path_leads_to_a_string(path: str, text: str) -> None:
    assert constant(SOURCE, path) == text


@pytest.mark.parametrize(
    "path", ["NONE", "COMPUTED", "NUMBER", "talk.kind", "talk.none", "TABLE.none", "PIECES.9", "Judge.method.INNER", ""]
)
def test_what_is_no_string_constant_is_refused(path: str) -> None:
    with pytest.raises(LookupError):
        constant(SOURCE, path)


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        constant("def (", "PLAIN")


def test_places_are_filled_and_values_are_not_read_as_templates() -> None:
    assert fill("{a}, {{b}} and {a}", {"a": "{b}"}) == "{b}, {b} and {b}"


@pytest.mark.parametrize("template", ["{a.__class__}", "{a[0]}", "{a!r}", "{a:>10}", "{}", "{0}", "{"])
def test_only_plain_names_are_places(template: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        fill(template, {"a": 1, "0": 2})


def test_a_name_that_is_not_given_is_an_error() -> None:
    with pytest.raises(LookupError):
        fill("{b}", {"a": 1})
