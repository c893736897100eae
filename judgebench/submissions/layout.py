"""What lies where in a results folder: names first, before any file is opened.

    <judge>/<task>.json              a result
    <judge>/<task>.verdicts.jsonl    its verdicts
    <judge>/<task>.gold.csv          its gold table, where judgebench brings none
    reported/<task>.csv              published numbers without verdicts

Nothing else may lie there: no link, no other kind of file, no deeper folder.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from judgebench.submissions.findings import Finding
from judgebench.submissions.reading import kind_of
from judgebench.task import is_device

RESULT, VERDICTS, GOLD = ".json", ".verdicts.jsonl", ".gold.csv"
SUFFIXES = (VERDICTS, GOLD, RESULT)
REPORTED = "reported"
LONGEST_NAME = 160
MOST_FILES = 100_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_ALIKE = str.maketrans("01_.", "ol--")
"""Marks that are taken for others at a glance."""


def name_problem(name: str) -> str | None:
    """Return why a judge's or a task's name cannot be part of a path on every system, or None."""
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters; {LONGEST_NAME} is the most"
    if not _NAME.fullmatch(name):
        return "is not safe as a path; use a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
    if is_device(name):
        return "is a device's name on Windows; choose another"
    if name.endswith("."):
        return "ends in a dot, which Windows drops; choose another"
    return None


def folded(name: str) -> str:
    """Return a name as file systems that ignore case and the form of characters see it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def glance(name: str) -> str:
    """Return a name as it is read at a glance: 0 as o, 1 and i as l, all separators as one."""
    return re.sub("-+", "-", name.translate(_ALIKE).replace("i", "l"))


@dataclass(frozen=True)
class Layout:
    """The files of a results folder by their names below it (`x/y.json`) with sizes, and what is wrong with others.

    `seen` are all names, good or bad; `prefix` stands before these names in findings: `results`.
    """

    root: Path
    prefix: str
    files: dict[str, int] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def results(self) -> list[str]:
        """Return the names of the result files, sorted."""
        return sorted(name for name in self.files if name.endswith(RESULT) and not name.startswith(f"{REPORTED}/"))

    @property
    def reported(self) -> list[str]:
        """Return the names of the tables of reported numbers, sorted."""
        return sorted(name for name in self.files if name.startswith(f"{REPORTED}/"))

    @property
    def judges(self) -> list[str]:
        """Return the names of the judges' folders, sorted."""
        return sorted({name.partition("/")[0] for name in self.results})

    def shown(self, name: str) -> str:
        """Return a file's name as findings show it: below the repository."""
        return f"{self.prefix}/{name}" if name else self.prefix

    def error(self, name: str, problem: str) -> None:
        """Note an error about a file as a whole."""
        self.findings.append(Finding("error", self.shown(name), "", problem))


def scan(root: Path, prefix: str | None = None) -> Layout:
    """Look at every name below a results folder. Opens no file and follows no link."""
    layout = Layout(root, root.name or "results" if prefix is None else prefix)
    mode = _mode(root)
    if mode is None or not stat.S_ISDIR(mode):
        layout.error("", "is no folder" if mode is None else f"is a {kind_of(mode)}, not a folder")
        return layout
    for entry in _entries(root, layout, "") or ():
        _judge(entry, layout)
    _alike(layout)
    _orphans(layout)
    return layout


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except OSError:
        return None


def _entries(folder: Path, layout: Layout, name: str) -> list[os.DirEntry[str]] | None:
    """Return a folder's entries by name; None, with the reason noted, where they are not gone through."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        layout.error(name, f"cannot be read: {error.strerror}")
        return None
    if len(found) > MOST_FILES:
        layout.error(name, f"holds {len(found):,} files; {MOST_FILES:,} is the most")
        return None
    return found


def _judge(entry: os.DirEntry[str], layout: Layout) -> None:
    """Look at one entry of the results folder: a judge's folder, or `reported`."""
    name = entry.name
    layout.seen.append(name)
    mode = entry.stat(follow_symlinks=False).st_mode
    if not stat.S_ISDIR(mode):
        layout.error(name, f"is a {kind_of(mode)}; here lie only folders, one a judge. Remove it")
        return
    if problem := name_problem(name):
        layout.error(name, f"the folder's name {problem}")
        return
    entries = _entries(Path(entry.path), layout, name)
    if entries == []:
        layout.error(name, "is an empty folder. Remove it")
    for inner in entries or ():
        _file(inner, name, layout)


def _file(entry: os.DirEntry[str], judge: str, layout: Layout) -> None:
    name = f"{judge}/{entry.name}"
    layout.seen.append(name)
    found = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        deeper = ". Results lie one folder deep" if stat.S_ISDIR(found.st_mode) else ""
        layout.error(name, f"is a {kind_of(found.st_mode)}; only regular files are read{deeper}. Remove it")
        return
    suffix = suffix_of(name)
    if suffix is None:
        kinds = "<task>.csv" if judge == REPORTED else " and ".join(f"<task>{known}" for known in reversed(SUFFIXES))
        layout.error(name, f"is not a kind of file that lies here, which is {kinds}. Remove it")
    elif problem := name_problem(entry.name.removesuffix(suffix)):
        layout.error(name, f"the task's name {problem}")
    else:
        layout.files[name] = found.st_size


def suffix_of(name: str) -> str | None:
    """Return which of the known kinds of files a name is of, by its suffix, or None."""
    known = (".csv",) if name.startswith(f"{REPORTED}/") else SUFFIXES
    return next((suffix for suffix in known if name.endswith(suffix)), None)


def stem_of(name: str) -> str:
    """Return `<judge>/<task>` of any of a result's files."""
    return name.removesuffix(suffix_of(name) or "")


# -- names that meet --------------------------------------------------------------------------------------


def _alike(layout: Layout) -> None:
    """Find names that one file system keeps apart and another does not, and names taken for another at a glance."""
    for names in _groups(layout.seen, folded):
        for name in names[1:]:
            layout.error(name, f"is {names[0]!r} on a system that ignores case. Rename one of them")
    for names in _groups(layout.judges, glance):
        for name in names:
            other = next(one for one in names if one != name)
            problem = f"the judge's name looks like {other!r}; see that nobody takes one for the other"
            layout.findings.append(Finding("flag", layout.shown(name), "", problem))


def _groups(names: Iterable[str], key: Callable[[str], str]) -> Iterator[list[str]]:
    """Yield the groups of two or more different names that are the same by a key."""
    found: dict[str, set[str]] = {}
    for name in names:
        found.setdefault(key(name), set()).add(name)
    yield from (sorted(group) for group in found.values() if len(group) > 1)


def _orphans(layout: Layout) -> None:
    for name in sorted(layout.files):
        if suffix_of(name) in (VERDICTS, GOLD) and f"{stem_of(name)}{RESULT}" not in layout.files:
            layout.error(name, f"has no result beside it, {Path(stem_of(name)).name}{RESULT}")
