"""What a build has so far: questions, responses, grades, each a file of JSON lines that only grows.

    build/questions.jsonl    the source's questions
    build/manifest.json      what identifies the build, and what was left out while reading (atomic): its presence says
                             that the questions, and responses that were given with them, are complete
    build/responses.jsonl    one line for each response, in the order they came
    build/grades.jsonl       one line for each grade, naming its response by number
    build/seconds.jsonl      what a second grader said
    build/batches.jsonl      provider batches
    build/lock               held while a process works here

Only the places of the lines are held in memory: 8 bytes each. A line that was torn by a crash is dropped when the file
is opened again, and nothing else is.
"""

import fcntl
import os
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import orjson

from judgebench.errors import RunError
from judgebench.pairs.records import Grade, Question, Response
from judgebench.run.store import whole_bytes, write_atomic
from judgebench.spec import differences

ANSWERING = {"model", "sampling"}
"""What of the identity concerns responses only: until there is one, it may change."""
NONE = -1
"""Where a response has no grade yet."""


class Lines:
    """A file of JSON lines that only grows, of which any line can be read by its number from 0.

    `seen`, where given, is called with the number and the content of every line that is there already.
    """

    def __init__(self, path: Path, seen: Callable[[int, dict[str, Any]], None] | None = None) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        os.ftruncate(self._file, whole_bytes(path))
        self._places = array("Q", [0])
        self._dirty = False
        with path.open("rb") as file:
            for number, raw in enumerate(file):
                self._places.append(self._places[-1] + len(raw))
                if seen is not None:
                    seen(number, self._parsed(raw, number))

    def __len__(self) -> int:
        return len(self._places) - 1

    def __getitem__(self, number: int) -> dict[str, Any]:
        start, end = self._places[number], self._places[number + 1]
        return self._parsed(os.pread(self._file, end - start, start), number)

    def _parsed(self, raw: bytes, number: int) -> dict[str, Any]:
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise RunError(f"{self.path}:{number + 1} is damaged; restore it, or build into another folder")
        return value

    def append(self, value: dict[str, Any]) -> int:
        """Append a line and return its number. It survives the process from here on. Raises RunError."""
        data = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
        start, size = self._places[-1], len(data)
        try:
            # A disk that fills up takes a part; why it takes no more, it says when asked to take the rest.
            while data := data[os.write(self._file, data) :]:
                pass
        except OSError as error:
            os.ftruncate(self._file, start)
            raise RunError(f"cannot write {self.path}: {error.strerror}. The same command continues") from error
        self._places.append(start + size)
        self._dirty = True
        return len(self) - 1

    def clear(self) -> None:
        """Drop all lines."""
        os.ftruncate(self._file, 0)
        self._places = array("Q", [0])

    def sync(self) -> None:
        """Force what was appended to disk, if anything was."""
        if self._dirty:
            self._dirty = False
            os.fsync(self._file)

    def close(self) -> None:
        """Sync and close. Safe to call twice."""
        if self._file >= 0:
            self.sync()
            os.close(self._file)
            self._file = -1


def _whole(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class BuildStore:
    """An open build folder: a context manager that holds the lock.

    `ids` are the numbers of the questions by id, `graders` the names of their graders, `spent` is what the responses
    cost, in USD, as far as known. `reading` is what `commit` was told, None before.
    """

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.folder = folder
        self.identity = identity
        self.spent = 0.0
        self.reading: dict[str, Any] | None = None
        self.ids: dict[str, int] = {}
        self.graders: list[str] = []
        self._grader = array("H")
        self._owners = array("i")
        self._samples = array("i")
        self._graded = array("i")
        self._lock = NONE
        self._order: Any = None

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            self._check_manifest()
            self.questions = Lines(self.folder / "questions.jsonl", self._saw_question)
            self.responses = Lines(self.folder / "responses.jsonl", self._saw_response)
            self.grades = Lines(self.folder / "grades.jsonl", self._saw_grade)
            self.seconds = Lines(self.folder / "seconds.jsonl")
            self.batches = Lines(self.folder / "batches.jsonl")
        except OSError as error:
            self.close()
            raise RunError(f"cannot use build folder {self.folder}: {error.strerror}") from error
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Flush to disk and let go of the folder. Safe to call twice."""
        for lines in self._files():
            lines.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = NONE

    def _files(self) -> Iterator[Lines]:
        """Yield the files that are open."""
        for name in ("questions", "responses", "grades", "seconds", "batches"):
            if (lines := getattr(self, name, None)) is not None:
                yield lines

    def _take_lock(self) -> None:
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"another process is building in {self.folder}; wait for it or stop it") from error

    def _check_manifest(self) -> None:
        path = self.folder / "manifest.json"
        if not path.exists():
            return
        try:
            manifest = orjson.loads(path.read_bytes())
            theirs, self.reading = manifest["identity"], manifest["reading"]
        except (orjson.JSONDecodeError, TypeError, KeyError) as error:
            raise RunError(f"{path} is damaged") from error
        changed = differences(theirs, orjson.loads(orjson.dumps(self.identity)))
        if changed and self._nobody_answered() and {name.partition(".")[0] for name in changed} <= ANSWERING:
            self.commit(manifest["reading"])
        elif changed:
            raise RunError(
                f"{self.folder} was started with another {', '.join(changed)}. Build with the old value, or into "
                "another --out folder"
            )

    def _nobody_answered(self) -> bool:
        path = self.folder / "responses.jsonl"
        return not path.exists() or path.stat().st_size == 0

    def commit(self, reading: dict[str, Any]) -> None:
        """Write the manifest: all questions are there. `reading` says what was left out."""
        for lines in self._files():
            lines.sync()
        self.reading = reading
        manifest = {"identity": self.identity, "reading": reading}
        write_atomic(self.folder / "manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))

    # -- questions ---------------------------------------------------------------------------------------

    def _saw_question(self, _number: int, line: dict[str, Any]) -> None:
        self._know(line["id"], line["grader"])

    def _know(self, identity: str, grader: str) -> None:
        self.ids[identity] = len(self.ids)
        if grader not in self.graders:
            self.graders.append(grader)
        self._grader.append(self.graders.index(grader))

    def add_question(self, question: Question) -> None:
        """Append a question."""
        self.questions.append(question.model_dump(mode="json", exclude_defaults=True))
        self._know(question.id, question.grader)

    def grader_of(self, number: int) -> str:
        """Return the name of a question's grader."""
        return self.graders[self._grader[number]]

    def question(self, number: int) -> Question:
        """Return a question by its number."""
        return Question.model_validate(self.questions[number])

    def start_over(self) -> None:
        """Drop what is there: reading the questions was interrupted."""
        for lines in (self.questions, self.responses, self.grades, self.seconds):
            lines.clear()
        self.ids.clear()
        self.graders.clear()
        self.spent = 0.0
        self._grader = array("H")
        self._owners, self._samples, self._graded = array("i"), array("i"), array("i")

    # -- responses ---------------------------------------------------------------------------------------

    def _saw_response(self, _number: int, line: dict[str, Any]) -> None:
        self.spent += line.get("cost") or 0.0
        self._index(line["question"], line.get("sample", 0))

    def _index(self, question: str, sample: int) -> None:
        self._owners.append(self.ids.get(question, NONE))
        self._samples.append(sample)
        self._graded.append(NONE)
        self._order = None

    def add_response(self, response: Response) -> None:
        """Append a response. Halves of surrogate pairs, which no file in UTF-8 can hold, become U+FFFD."""
        line = response.model_dump(mode="python", exclude_defaults=True)
        self.responses.append(line | {"text": _whole(response.text)})
        self.spent += response.cost or 0.0
        self._index(response.question, response.sample)

    def response(self, number: int) -> Response:
        """Return a response by its number."""
        return Response.model_validate(self.responses[number])

    def owner(self, number: int) -> int:
        """Return the number of the question that a response answers; `NONE` for a question that is not there."""
        return self._owners[number]

    def answered(self, k: int) -> Any:
        """Return a table of questions by samples below k: whether that response is there."""
        there = np.zeros((len(self.questions), k), dtype=bool)
        owners, samples = np.asarray(self._owners), np.asarray(self._samples)
        if len(owners):
            fits = (owners >= 0) & (samples < k)
            there[owners[fits], samples[fits]] = True
        return there

    def of_question(self, number: int, k: int) -> Iterator[int]:
        """Yield the numbers of a question's responses below sample k, in the order they came."""
        if self._order is None:
            owners = np.asarray(self._owners)
            self._order = np.argsort(owners, kind="stable")
            self._sorted = owners[self._order]
        start, end = np.searchsorted(self._sorted, [number, number + 1])
        yield from (int(one) for one in self._order[start:end] if self._samples[int(one)] < k)

    # -- grades ------------------------------------------------------------------------------------------

    def _saw_grade(self, number: int, line: dict[str, Any]) -> None:
        if line["response"] < len(self._graded):
            self._graded[line["response"]] = number

    def add_grade(self, number: int, grade: Grade) -> None:
        """Append the grade of a response."""
        line = self.grades.append({"response": number, **grade.model_dump(mode="json", exclude_defaults=True)})
        self._graded[number] = line

    def grade(self, number: int) -> Grade | None:
        """Return the latest grade of a response."""
        found = self.graded_by(number)
        return None if found is None else Grade.model_validate({k: v for k, v in found.items() if k != "response"})

    def graded_by(self, number: int) -> dict[str, Any] | None:
        """Return the line of a response's latest grade, as it stands in the file."""
        line = self._graded[number]
        return None if line == NONE else self.grades[line]
