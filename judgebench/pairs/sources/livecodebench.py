"""LiveCodeBench: problems of LeetCode, AtCoder and Codeforces, with public and hidden tests.

Its files are one per update: a release is all up to one of them. Hidden tests lie packed in a pickle, which is read
and never run (`judgebench.pairs.programs.packed`).
"""

import json
import re
from typing import Any, ClassVar

from judgebench.errors import UsageError
from judgebench.pairs.programs.packed import unpack
from judgebench.pairs.records import Question
from judgebench.pairs.sources.base import NO_OPTIONS, Source, SourceCard, SourceOptions
from judgebench.pairs.sources.reading import Stream, fingerprint, stream
from judgebench.task import Row
from judgebench.tasks.fields import identifier, optional, text

FILES = ("test.jsonl", "test2.jsonl", "test3.jsonl", "test4.jsonl", "test5.jsonl", "test6.jsonl")
STANDARD = (
    "Write a Python 3 program that solves this. It reads standard input and writes standard output. Put the whole "
    "program, and nothing but it, in one block that opens with ```python."
)
FUNCTION = (
    "Solve this in Python 3 by completing the code below. Put all of it, completed, and nothing else, in one block "
    "that opens with ```python."
)
_RELEASE = re.compile(r"(release_)?v([1-6])(?:_v([1-6]))?")


class NoJSON(Exception):
    """A test of a function whose arguments or output cannot be read."""


class LiveCodeBench(Source):
    """livecodebench/code_generation_lite and its full twin, as JSON lines.

    `--release release_v3` takes the files of the first three updates, `v3` the third alone, `v2_v4` the second to the
    fourth. Without it: all there is.
    """

    version: ClassVar[int] = 1
    releases: ClassVar[bool] = True

    def __init__(self, card: SourceCard, options: SourceOptions = NO_OPTIONS) -> None:
        super().__init__(card, options)
        self._names = files_of(options.release) if options.release else FILES
        if options.release and options.data and not options.data.is_dir():
            raise UsageError(
                f"--release {options.release} chooses among files. Type: --data FOLDER, with {FILES[0]} in it"
            )
        if card.hub:
            files = [name for name in card.hub.files or FILES if name in self._names]
            self.card = card.model_copy(update={"hub": card.hub.model_copy(update={"files": tuple(files)})})

    @property
    def revision(self) -> str:
        """Return what pins the data. A release of a folder is pinned by its own files."""
        if self._revision is None and self.options.release and self.options.data:
            hashes = [fingerprint(self.options.data / name) for name in self._names]
            self._revision = "+".join(hashes)
        return super().revision

    def rows(self) -> Stream:
        """Yield the rows of the release's files."""
        if not (self.options.release and self.options.data):
            yield from super().rows()
            return
        for name in self._names:
            yield from stream(self.options.data / name)

    def question(self, row: Row) -> Question | None:
        """Return a row's question; None when the errata leave it out, by id or by title."""
        key, title = identifier(row, "question_id"), text(row, "question_title")
        if any(self.excluded(name) for name in {key, title, slug(title)}):  # before its tests are unpacked
            return None
        starter = optional(row, "starter_code") and text(row, "starter_code").rstrip()
        try:
            tests = [*_tests(row, "public_test_cases"), *_tests(row, "private_test_cases")]
        except NoJSON as problem:
            self.drop(str(problem))
            return None
        functional = {test["kind"] == "functional" for test in tests}
        if len(functional) != 1:
            raise row.problem("private_test_cases", "tests of both kinds" if functional else "no tests")
        gold: dict[str, Any] = {"tests": tests, "name": None, "starter": starter, "prelude": True}
        statement = text(row, "question_content").strip()
        if functional == {True}:
            gold["name"] = _name(row)
            prompt = f"{statement}\n\n{FUNCTION}\n\n```python\n{starter or ''}\n```"
        else:
            prompt = f"{statement}\n\n{STANDARD}"
        return self.make(
            row, key=key, prompt=prompt, gold=gold,
            meta={
                "subject": text(row, "platform"), "title": title, "date": text(row, "contest_date")[:10],
                "difficulty": optional(row, "difficulty"),
            },
        )  # fmt: skip


def files_of(release: str) -> tuple[str, ...]:
    """Return the files of a release. Raises UsageError when there is no such release."""
    found = _RELEASE.fullmatch(release)
    if not found or (found[1] and found[3]) or (found[3] and found[3] < found[2]):
        raise UsageError(f"--release {release}: no such release. Type release_v1 to release_v6, v1 to v6, or v2_v4")
    first = 1 if found[1] else int(found[2])
    return FILES[first - 1 : int(found[3] or found[2])]


def slug(title: str) -> str:
    """Return a problem's title as its address has it."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _tests(row: Row, field: str) -> list[dict[str, Any]]:
    try:
        found = unpack(text(row, field))
    except ValueError as error:
        raise row.problem(field, str(error)) from None
    if not isinstance(found, list):
        raise row.problem(field, f"expected a list of tests, found {type(found).__name__}")
    return [_test(row, field, number, test) for number, test in enumerate(found, start=1)]


def _test(row: Row, field: str, number: int, test: object) -> dict[str, Any]:
    """Return a test in the grader's layout: a function's arguments are JSON, one a line."""
    match test:
        case {"testtype": "stdin", "input": str(given), "output": str(wanted)}:
            return {"kind": "stdin", "input": given, "output": wanted}
        case {"testtype": "functional", "input": str(given), "output": str(wanted)}:
            try:
                arguments = [_json(line) for line in given.split("\n")]
                return {"kind": "functional", "input": arguments, "output": _json(wanted)}
            except (ValueError, RecursionError):
                raise NoJSON("a test whose arguments or output are no JSON") from None
        case _:
            raise row.problem(field, f"test {number}: not a test with testtype, input and output")


def _json(line: str) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    return json.loads(line, parse_constant=refuse)


def _name(row: Row) -> str:
    try:
        found = json.loads(text(row, "metadata"))["func_name"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str) or not found.isidentifier():
        raise row.problem("metadata", "has no func_name, and the tests call a function")
    return found
