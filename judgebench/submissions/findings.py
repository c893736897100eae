r"""What a check found: one line each, with file and field, inert wherever it is shown.

Every string of a submission is hostile. Whatever cannot be printed (control characters, line breaks, marks that
turn the direction of text, lone surrogates) is spelled out as `\u202e`, and everything is cut to a length.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "flag"]
LONGEST = 400
"""Characters of a file name, a field or a problem that are shown."""
MOST_SHOWN = 100
"""Findings in a Markdown report; a comment on a pull request holds 65,536 characters."""
MOST_CHARACTERS = 50_000
DIGITS = {2: "x", 4: "u", 8: "U"}
"""Hexadecimal digits of a spelled-out character, and the letter before them, as Python and JSON write them."""


def plain(text: str, longest: int = LONGEST) -> str:
    """Return text with everything unprintable spelled out, cut in the middle to `longest` characters.

    The cut comes before the spelling as well, so that a megabyte costs nothing.
    """
    if len(text) > longest:
        text = text[: longest // 2] + "…" + text[-(longest // 2) :]
    return "".join(mark if mark.isprintable() else _spelled(mark) for mark in text)


def _spelled(mark: str) -> str:
    code = ord(mark)
    digits = next(digits for digits in DIGITS if code < 16**digits)
    return f"\\{DIGITS[digits]}{code:0{digits}x}"


def code_span(text: str) -> str:
    """Return text as a Markdown code span, which it cannot leave: no mention, link, image or markup acts in one."""
    shown = plain(text).replace("`", "\\x60")
    # The spaces are stripped by Markdown; without them an empty span, or one of only spaces, is not a span.
    return f"` {shown} `" if shown.strip() else "` (empty) `"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing found: an error refuses the submission, a flag asks a person to look.

    `file` is relative to the repository, with `/`; `field` is a dotted path into it, a line (`line 7`), or empty for
    the file as a whole.
    """

    severity: Severity
    file: str
    field: str
    problem: str

    def __str__(self) -> str:
        """Return `file: field: problem` in one line; a flag says that it is one."""
        field = f"{plain(self.field)}: " if self.field else ""
        return f"{plain(self.file)}: {field}{'flag: ' if self.severity == 'flag' else ''}{plain(self.problem)}"

    def markdown(self) -> str:
        """Return the finding as an item of a Markdown list."""
        field = f" {code_span(self.field)}" if self.field else ""
        return f"- {code_span(self.file)}{field}: {code_span(self.problem)}"

    def as_json(self) -> dict[str, str]:
        """Return the finding as JSON, unprintable characters spelled out."""
        return {
            "severity": self.severity,
            "file": plain(self.file),
            "field": plain(self.field),
            "problem": plain(self.problem),
        }


@dataclass(frozen=True)
class Report:
    """What was checked and what was found. `checked` names the result files, relative to the repository."""

    checked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return the findings that refuse the submission."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def flags(self) -> tuple[Finding, ...]:
        """Return the findings that a person should look at."""
        return tuple(finding for finding in self.findings if finding.severity == "flag")

    @property
    def ok(self) -> bool:
        """Say whether there are no errors."""
        return not self.errors

    @property
    def summary(self) -> str:
        """Return one line: how many results were checked and what came of it."""
        counts = (_many(len(self.checked), "result"), _many(len(self.errors), "error"), _many(len(self.flags), "flag"))
        return "{} checked: {}, {}".format(*counts)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "ok": self.ok,
            "checked": [plain(name) for name in self.checked],
            "errors": [finding.as_json() for finding in self.errors],
            "flags": [finding.as_json() for finding in self.flags],
        }

    def markdown(self) -> str:
        """Return the report as Markdown in which strings of the submission can do nothing."""
        head = "**Accepted.**" if self.ok else "**Not accepted.**"
        parts = [f"{head} {self.summary}."]
        for title, findings in (("Errors", self.errors), ("Flags, for a person to look at", self.flags)):
            if findings:
                parts.append("\n".join([f"### {title}", "", *_listed(findings)]))
        return "\n\n".join(parts) + "\n"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _listed(findings: Iterable[Finding]) -> list[str]:
    """Return the findings as lines of a list, as many as fit a comment."""
    lines = [finding.markdown() for finding in findings]
    shown, characters = 0, 0
    while shown < min(len(lines), MOST_SHOWN) and characters + len(lines[shown]) <= MOST_CHARACTERS // 2:
        characters += len(lines[shown])
        shown += 1
    rest = len(lines) - shown
    return [*lines[:shown], *([f"- and {rest} more; `judgebench validate` lists them all"] if rest else [])]
