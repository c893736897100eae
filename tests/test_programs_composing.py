"""What is put around a program, run in the sandbox."""

import ast

import pytest
from programs import sandbox

from judgebench.pairs.programs.composing import PRELUDE, call, compose
from judgebench.pairs.sandbox.program import MIB, Program


def printed(code: str) -> str:
    outcome = sandbox().run(Program(code, memory=1024 * MIB))
    assert (outcome.status, outcome.detail) == ("ok", "")
    return outcome.stdout


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("Counter('aab')['a']", "2"),
        ("heapq.heappop([1, 2]), heappop([1])", "(1, 1)"),
        ("bisect_left([1, 2], 2), bisect.bisect_left([1, 2], 2)", "(1, 1)"),
        ("pow(2, 5, 7)", "4"),
        ("sum([1, 2]), min(1, 2), round(2.5)", "(3, 1, 2)"),
        ("datetime.date(2020, 1, 1).year, deepcopy([1]), copy.copy([2])", "(2020, [1], [2])"),
        ("List[int], Optional[int]", "(typing.List[int], typing.Optional[int])"),
        ("list(accumulate([1, 2])), gcd(4, 6), math.inf", "([1, 3], 2, inf)"),
        ("lru_cache(None)(lambda x: x)(3), reduce(lambda a, b: a + b, [1, 2])", "(3, 3)"),
        ("sys.getrecursionlimit()", "50000"),
        ("json.loads('1'), re.sub('a', 'b', 'a'), ascii_lowercase[:2]", "(1, 'b', 'ab')"),
    ],
)
def test_the_prelude_has_what_programs_take_for_granted(expression: str, value: str) -> None:
    assert printed(compose(f"print({expression})" if "," not in expression else f"print(({expression}))", PRELUDE)) == (
        value + "\n"
    )


def test_imports_from_the_future_stay_first() -> None:
    code = '"""What it does."""\nfrom __future__ import annotations\nprint(gcd(4, 6))'
    assert printed(compose(code, "from math import gcd")) == "2\n"
    assert compose("print('__future__'", "x = 1") == "x = 1\nprint('__future__'"
    assert compose("print(1)") == "print(1)"


def test_a_literal_is_called_with_what_json_cannot_hold() -> None:
    code = compose("def f(a, b):\n    return [type(a).__name__, sorted(b)]", call="f")
    outcome = sandbox().run(Program(code, calls=(call("f", "((1, 2), {4, 3})"),)))
    assert (outcome.status, outcome.values) == ("ok", (["tuple", [3, 4]],))


def test_a_list_of_arguments_is_called_as_it_is() -> None:
    assert call("Solution().f", [1, [2]]) == ("Solution().f", (1, [2]))


def test_the_prelude_is_python() -> None:
    assert all(isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) for node in ast.parse(PRELUDE).body)
