"""The comment on a pull request: its script, run by node against a GitHub that hands over hostile reports."""

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fakes.workflows import steps

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("unzip")), reason="needs node and unzip, as GitHub's machines have them"
)

SHA = "a" * 40
HOSTILE = "`x` <img src=x onerror=alert(1)>\n\n# @everyone [a](http://b) #1 \u202e | ``` $(id)"
HARNESS = """
const fs = require('fs');
const seen = JSON.parse(fs.readFileSync(0, 'utf8'));
const calls = [];
const say = (name) => (given) => { calls.push([name, given]); return Promise.resolve({ data: seen[name] ?? {} }); };
const rest = {
  actions: {
    listWorkflowRunArtifacts: say('artifacts'),
    downloadArtifact: (given) => { calls.push(['download', given]); return Promise.resolve({ data: fs.readFileSync(seen.zip) }); },
  },
  pulls: { get: say('pull'), listFiles: 'files' },
  issues: { listComments: 'comments', createComment: say('create'), updateComment: say('update') },
};
const github = { rest, paginate: (name) => Promise.resolve(seen[name] ?? []) };
const context = { repo: { owner: 'us', repo: 'board' }, payload: { workflow_run: seen.run } };
const core = { notice: (text) => calls.push(['notice', text]) };
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
new AsyncFunction('github', 'context', 'core', 'require', seen.script)(github, context, core, require)
  .then(() => process.stdout.write(JSON.stringify(calls)));
"""


def script() -> str:
    (found,) = [one.fields["with"]["script"] for one in steps() if one.workflow == "submission-comment"]
    return str(found)


class GitHub:
    """What the script sees; a test changes what it is about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run: dict[str, Any] = {
            "id": 1, "event": "pull_request", "conclusion": "success", "head_sha": SHA,
            "head_repository": {"full_name": "them/board"},
        }  # fmt: skip
        self.pull: dict[str, Any] = {
            "number": 7, "state": "open", "head": {"sha": SHA, "repo": {"full_name": "them/board"}},
        }  # fmt: skip
        self.artifacts: list[dict[str, Any]] = [{"id": 2, "size_in_bytes": 1000}]
        self.files = [{"filename": "results/judge/task.json"}]
        self.comments: list[dict[str, Any]] = []
        self.members: dict[str, str | bytes] = {"number": "7\n", "report.json": json.dumps(self.report())}

    @staticmethod
    def report(**fields: Any) -> dict[str, Any]:
        return {"ok": True, "checked": [], "errors": [], "flags": []} | fields

    def calls(self) -> list[list[Any]]:
        packed = self.folder / "packed.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in self.members.items():
                file.writestr(name, text)
        seen = {
            "script": script(), "zip": str(packed), "run": self.run, "pull": self.pull,
            "artifacts": {"artifacts": self.artifacts}, "files": self.files, "comments": self.comments,
        }  # fmt: skip
        done = subprocess.run(
            ["node", "-e", HARNESS], input=json.dumps(seen), capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "RUNNER_TEMP": str(self.folder)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: list[list[Any]] = json.loads(done.stdout)
        return found

    def comment(self) -> str:
        """Return the text of the one comment that was written."""
        (written,) = [given for name, given in self.calls() if name in ("create", "update")]
        assert (written["owner"], written["repo"]) == ("us", "board")
        return str(written["body"])

    def silent(self, notice: str) -> None:
        """Expect a notice and no comment."""
        calls = self.calls()
        assert [name for name, _ in calls if name in ("create", "update")] == []
        assert notice in str([given for name, given in calls if name == "notice"])


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return GitHub(tmp_path)


def test_a_passed_check_is_said(github: GitHub) -> None:
    body = github.comment()
    assert "**The check of results passed.**" in body
    assert f"Commit ` {SHA} `" in body
    assert "outside" not in body


def test_findings_are_listed(github: GitHub) -> None:
    finding = {"severity": "error", "file": "results/a/b.json", "field": "cost", "problem": "is negative"}
    flag = {"severity": "flag", "file": "results/a/b.json", "field": "", "problem": "far above"}
    github.run["conclusion"] = "failure"
    github.members["report.json"] = json.dumps(github.report(ok=False, errors=[finding], flags=[flag]))
    body = github.comment()
    assert "**The check of results did not pass.**" in body
    assert "### Errors\n\n- ` results/a/b.json ` ` cost `: ` is negative `" in body
    assert "- ` results/a/b.json `: ` far above `" in body


def test_whether_it_passed_is_githubs_word_and_not_the_reports(github: GitHub) -> None:
    github.run["conclusion"] = "failure"
    github.members["report.json"] = json.dumps(github.report(ok=True))
    assert "did not pass" in github.comment()


def test_no_string_of_the_report_does_anything(github: GitHub) -> None:
    finding = dict.fromkeys(("file", "field", "problem"), HOSTILE)
    github.members["report.json"] = json.dumps(github.report(errors=[finding, None, 3, {"file": ["x"]}], flags="text"))
    github.files.append({"filename": HOSTILE})
    body = github.comment()
    assert "onerror" in body
    outside = re.sub(r"` [^`\n]* `", "", body.replace("<!-- judgebench submission -->", "", 1))
    outside = outside.replace("`judgebench validate --changed-against origin/main`", "")
    for mark in ("<", "@", "http", "[", "#1", "\u202e", "`", "$("):
        assert mark not in outside, mark
    assert "\u202e" not in body


def test_a_long_report_is_cut(github: GitHub) -> None:
    finding = {"file": "f" * 5000, "field": "", "problem": "p" * 5000}
    github.members["report.json"] = json.dumps(github.report(errors=[finding] * 70))
    body = github.comment()
    assert "- and 30 more" in body
    assert len(body) < 60_000


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"x"', "7", '{"errors": {}}'])
def test_a_report_that_is_none_shows_nothing(text: str, github: GitHub) -> None:
    github.members["report.json"] = text
    assert "###" not in github.comment()


def test_files_outside_results_are_pointed_at(github: GitHub) -> None:
    github.files += [{"filename": ".github/workflows/submission.yml"}]
    body = github.comment()
    assert "**1 files outside results/ are changed, too**, ` .github/workflows/submission.yml ` first" in body


def test_a_file_moved_into_results_is_pointed_at(github: GitHub) -> None:
    github.files += [{"filename": "results/a/b.json", "previous_filename": "tasks/gold/a.csv"}]
    assert "1 files outside results/" in github.comment()


@pytest.mark.parametrize("number", ["", "0", "7; rm -rf /", "../7", "7e3", "9" * 20, "x"])
def test_a_number_that_is_none(number: str, github: GitHub) -> None:
    github.members["number"] = number
    github.silent("names no pull request")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "closed"},
        {"head": {"sha": "b" * 40, "repo": {"full_name": "them/board"}}},
        {"head": {"sha": SHA, "repo": {"full_name": "others/board"}}},
        {"head": {"sha": SHA, "repo": None}},
    ],
)
def test_the_number_of_another_pull_request(change: dict[str, Any], github: GitHub) -> None:
    github.pull |= change
    github.silent("not of this pull request as it stands")


@pytest.mark.parametrize("artifacts", [[], [{"id": 2, "size_in_bytes": 2_000_000}]])
def test_a_report_that_is_missing_or_too_large_is_not_fetched(artifacts: Any, github: GitHub) -> None:
    github.artifacts = artifacts
    github.silent("no report of a usable size")
    assert "download" not in [name for name, _ in github.calls()]


def test_a_bomb_does_not_go_off(github: GitHub) -> None:
    """A megabyte is the most that is unpacked, whatever it was packed to."""
    github.members["report.json"] = b'{"errors": ["' + b"0" * 50_000_000 + b'"]}'
    assert "###" not in github.comment()


def test_its_own_comment_is_brought_up_to_date(github: GitHub) -> None:
    bot = {"login": "github-actions[bot]"}
    github.comments = [
        {"id": 1, "user": {"login": "someone"}, "body": "<!-- judgebench submission --> mine"},
        {"id": 2, "user": bot, "body": "something else"},
        {"id": 3, "user": bot, "body": "<!-- judgebench submission -->\nold"},
        {"id": 4, "user": None, "body": None},
    ]
    (name, given) = next(call for call in github.calls() if call[0] in ("create", "update"))
    assert (name, given["comment_id"]) == ("update", 3)
    github.comments = github.comments[:2]
    (name, given) = next(call for call in github.calls() if call[0] in ("create", "update"))
    assert (name, given["issue_number"]) == ("create", 7)
