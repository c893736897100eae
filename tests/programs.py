"""What the tests of programs share: a sandbox that works here, and programs that stand indented in a test."""

import os
import textwrap
from functools import cache

import pytest

from judgebench.pairs.graders.code import Code
from judgebench.pairs.sandbox.base import Sandbox
from sandboxes import BACKENDS


@cache
def sandbox() -> Sandbox:
    """Return a sandbox for all tests of this process, or skip: nobody may close it."""
    return fresh()


def fresh() -> Sandbox:
    """Return a sandbox of one's own, or skip. In CI there must be one."""
    for backend in BACKENDS.values():
        if backend(1).missing() is None:
            return backend(2)
    if os.environ.get("CI"):
        pytest.fail("no sandbox here")
    return pytest.skip("no sandbox here")


def grader() -> Code:
    """Return a grader that runs programs in it."""
    return Code(sandbox())


def fenced(code: str, tag: str = "python") -> str:
    """Return a response that has a program in a fence."""
    return f"Here it is.\n\n```{tag}\n{textwrap.dedent(code).strip()}\n```\n"
