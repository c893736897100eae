"""Where a program stands in a response."""

import time

import pytest

from judgebench.pairs.programs.finding import methods, parsed, programs, same, spelled


def last(text: str) -> str | None:
    found = programs(text)
    for one in found.found:
        start, end = one.span
        assert text[start:end] == one.answer
    return found.found[-1].answer if found.found else None


@pytest.mark.parametrize("tag", ["python", "py", "python3", "Python", "python title=x", ""])
def test_a_fenced_program_is_found(tag: str) -> None:
    assert last(f"So:\n```{tag}\nprint(1)\n\nprint(2)\n```\nDone.") == "print(1)\n\nprint(2)"


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_a_fence_ends_with_its_like(fence: str) -> None:
    inner = "s = '''\n~~\n``\n'''\nprint(s)"
    assert last(f"{fence}python\n{inner}\n{fence}") == inner


def test_a_longer_fence_holds_a_shorter_one() -> None:
    assert last('````python\nprint("""\n```\n""")\n````') == 'print("""\n```\n""")'


def test_the_last_program_is_the_answer() -> None:
    assert last("```python\nprint(1)\n```\nBetter:\n```python\nprint(2)\n```") == "print(2)"


def test_blocks_that_are_no_python_are_no_programs() -> None:
    assert last("```python\nprint(1)\n```\nIt prints\n```text\nprint(2)\n```") == "print(1)"
    assert last("```python\nprint(1)\n```\nIt prints\n```\nprint(2)\n```") == "print(1)"
    assert last("```\nprint(1)\n```\nIt prints\n```\n1\n```") == "print(1)"
    assert last("```cpp\nint main() {}\n```") is None
    assert last("```python\n```") is None


def test_an_open_fence_says_that_the_response_was_cut() -> None:
    assert programs("```python\nprint(1)").open
    assert programs("```python\nprint(1)\n```\nBetter:\n```python\nprint(").open
    assert not programs("```python\nprint(1)\n```").open


def test_a_bare_program_is_one_that_parses_and_does_something() -> None:
    found = programs("\n# YOUR CODE HERE\nprint(1)\n")
    assert (found.found[0].answer, found.found[0].method) == ("# YOUR CODE HERE\nprint(1)", "bare")
    assert last("def f(x):\n    return x") == "def f(x):\n    return x"
    for text in ("", "42", "Yes", "answer: 42", "I cannot do this.", "x = 3", "print(1", "Use this:\nprint(1)"):
        assert last(text) is None, text


def test_what_is_thought_is_no_answer() -> None:
    assert last("<think>\n```python\nprint(1)\n```\n</think>\n```python\nprint(2)\n```") == "print(2)"
    assert last("<think>\n```python\nprint(1)\n```\n</think>\nNo.") is None
    assert not programs("<think>\n```python\nprint(1\n</think>\n```python\nprint(2)\n```").open


def test_a_function_is_called_as_it_is_defined() -> None:
    assert spelled("def f(x): return x", "f") == "f"
    assert spelled("f = lambda x: x", "f") == "f"
    assert spelled("class Solution:\n    def f(self): pass\ndef f(): pass", "f") == "Solution().f"
    assert spelled("class Solution:\n    def g(self): pass\ndef f(): pass", "f") == "f"
    assert spelled("class Other:\n    def f(self): pass", "f") is None
    assert spelled("f(1)", "f") is None
    assert spelled("def f(:", "f") is None


def test_the_last_class_of_a_name_counts() -> None:
    tree = parsed("class Solution:\n    a = 1\nclass Solution:\n    b = 2\n    c = 3")
    assert tree is not None
    assert len(methods(tree)) == 2


def test_programs_are_the_same_but_for_layout_and_comments() -> None:
    assert same("x=1", "x = 1  # one")
    assert not same("x = 1", "x = 2")
    assert same("x = (", "x = (")
    assert not same("x = (", "x = ( ")


@pytest.mark.parametrize(
    "text",
    ["(" * 50_000, "-" * 50_000 + "1", "a" + ".a" * 50_000, "1" + "+1" * 50_000, "x\0y", "9" * 10_000, "'\\d'", "\ud800",
     "```" * 20_000, "```\n" * 20_001, "`" * 100_000, "[" * 150 + "]" * 150, "def f(" * 5_000, "\t ```python\r\nx\r\n"],
)  # fmt: skip
def test_no_text_makes_it_raise_or_wait(text: str) -> None:
    start = time.process_time()
    for whole in (text, f"```python\n{text}\n```"):
        programs(whole)
    spelled(text, "f")
    same(text, text + " ")
    assert time.process_time() - start < 5
