"""Merged results never change: against a reference, only additions are accepted, and they are checked."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fakes.honest import assembled, edit, honest, pairs, rewrite, rows_of
from judgebench.errors import MissingPrerequisite, UsageError
from judgebench.records import Usage
from judgebench.submissions.findings import Report
from judgebench.submissions.history import blob_of
from judgebench.submissions.validate import validate, validate_changes

REPORTED = "judge,model,kind,correct_math,items_math,source\nvanilla,m,prompted,3,4,a paper\n"


def git(repository: Path, *words: str) -> str:
    names = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(repository), *names, *words], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()


def commit(repository: Path) -> None:
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "x")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a clone-like repository with one merged result and one table, on a branch that left main."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    honest(root, "longest")
    (root / "results/reported").mkdir()
    (root / "results/reported/starter.csv").write_text(REPORTED)
    (root / "README.md").write_text("hello\n")
    commit(root)
    git(root, "checkout", "-q", "-b", "submission")
    return root


def lines(report: Report) -> str:
    return "\n".join(map(str, report.findings))


def test_nothing_added_is_nothing_checked(repository: Path) -> None:
    report = validate_changes(repository, "main")
    assert (report.checked, report.findings) == ((), ())


@pytest.mark.parametrize("committed", [True, False])
def test_an_added_result_is_checked_and_the_merged_ones_are_not(repository: Path, committed: bool) -> None:
    honest(repository, "shortest")
    if committed:
        commit(repository)
    report = validate_changes(repository, "main")
    assert report.checked == ("results/shortest/starter.json",)
    assert report.findings == ()
    edit(repository / "results/shortest/starter.json", lambda result: result["counts"].update(items=1))
    assert "results/shortest/starter.json: counts.items: is 1" in lines(validate_changes(repository, "main"))


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("name", ["starter.json", "starter.verdicts.jsonl"])
def test_a_changed_merged_file_is_named(repository: Path, name: str, committed: bool) -> None:
    path = repository / "results/longest" / name
    path.write_bytes(path.read_bytes() + b"\n")
    if committed:
        commit(repository)
    base = git(repository, "rev-parse", "main")[:12]
    report = validate_changes(repository, "main")
    assert lines(report) == (
        f"results/longest/{name}: is merged and was changed; merged results never change. "
        f"Type: git checkout {base} -- results/longest/{name}"
    )


def test_a_merged_result_with_verdicts_made_to_fit_is_named_all_the_same(repository: Path) -> None:
    path = repository / "results/longest/starter.json"
    rewrite(path, rows_of(path)[::-1])
    commit(repository)
    found = lines(validate_changes(repository, "main"))
    assert found.count("is merged and was changed") == 2


def test_a_deleted_file_is_named(repository: Path) -> None:
    (repository / "results/longest/starter.verdicts.jsonl").unlink()
    commit(repository)
    found = lines(validate_changes(repository, "main"))
    assert "results/longest/starter.verdicts.jsonl: is merged and is gone, or no regular file any more" in found


def test_a_renamed_judge_is_named_with_its_new_name(repository: Path) -> None:
    git(repository, "mv", "results/longest", "results/longer")
    commit(repository)
    found = lines(validate_changes(repository, "main"))
    assert "results/longest/starter.json: is merged and was renamed to results/longer/starter.json" in found
    assert "results/longer/starter.json: spec.judge.name: is 'longest', but the path says 'longer'" in found


def test_a_merged_file_that_became_a_link_is_named(repository: Path) -> None:
    path = repository / "results/longest/starter.json"
    path.unlink()
    path.symlink_to(repository / "README.md")
    commit(repository)
    found = lines(validate_changes(repository, "main"))
    assert "results/longest/starter.json: is a symbolic link" in found
    assert "results/longest/starter.json: is merged and is gone" in found


def test_a_results_folder_that_became_a_link_is_refused(repository: Path, tmp_path: Path) -> None:
    shutil.move(repository / "results", tmp_path / "elsewhere")
    (repository / "results").symlink_to(tmp_path / "elsewhere")
    found = lines(validate_changes(repository, "main"))
    assert "results: is a symbolic link, not a folder" in found
    assert "results/longest/starter.json: is merged and is gone" in found


def test_a_submodule_in_place_of_a_folder_is_refused(repository: Path) -> None:
    inner = repository / "results/inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "x.py").write_text("")
    commit_inner = ["add", "-A"], ["commit", "-q", "-m", "x"]
    for words in commit_inner:
        git(inner, *words)
    commit(repository)
    found = lines(validate_changes(repository, "main"))
    assert "results/inner/.git: is a folder; only regular files are read" in found
    assert "results/inner/x.py: is not a kind of file that lies here" in found


def test_an_imported_result_is_flagged_while_it_is_new(repository: Path) -> None:
    source = {"source": {"file": "x.jsonl", "sha256": "0" * 64}, "evidence": "imported", "judge": {"parser_version": 0}}
    bare = {"environment": None, "usage": Usage(), "seconds": None, "started": None, "finished": None}
    assembled(repository, *pairs(), **source, **bare)
    report = validate_changes(repository, "main")
    assert report.ok
    assert "mine/toy.json: evidence: flag: is imported: take the published file and import it again" in lines(report)
    commit(repository)
    git(repository, "checkout", "-q", "-B", "main")
    assert "evidence" not in "".join(map(str, validate(repository / "results").findings))


def test_more_results_than_one_check_takes_are_refused(repository: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("judgebench.submissions.validate.MOST_ADDED", 1)
    honest(repository, "shortest")
    honest(repository, "random")
    report = validate_changes(repository, "main")
    assert "results: 2 results are added; 1 is the most at a time. Bring the others later" in lines(report)
    assert report.checked == ("results/random/starter.json",)


def test_a_file_added_to_a_merged_result_is_refused(repository: Path) -> None:
    (repository / "results/longest/starter.gold.csv").write_text("item,category,source,gold\n")
    found = lines(validate_changes(repository, "main"))
    assert "starter.gold.csv: was added to results/longest/starter.json, which is merged. Remove it" in found


def test_other_files_beside_results_are_refused(repository: Path) -> None:
    (repository / "results/longest/install.py").write_text("")
    (repository / "results/notes.md").write_text("")
    found = lines(validate_changes(repository, "main"))
    assert "results/longest/install.py: is not a kind of file that lies here" in found
    assert "results/notes.md: is a regular file; here lie only folders" in found


def test_changes_outside_results_are_flagged_in_one_line(repository: Path) -> None:
    for number in range(7):
        (repository / f"file{number}\n\x1b[31m.py").write_text("x")
    (repository / "README.md").unlink()
    commit(repository)
    report = validate_changes(repository, "main")
    assert report.ok
    [finding] = report.flags
    assert "8 files outside results/ are changed too: README.md, file0\\x0a\\x1b[31m.py" in str(finding)
    assert str(finding).endswith(", …")


def test_lines_may_be_added_to_reported_numbers_and_none_changed(repository: Path) -> None:
    table = repository / "results/reported/starter.csv"
    table.write_text(REPORTED + "other,m,prompted,2,4,another paper\n")
    report = validate_changes(repository, "main")
    assert report.ok
    assert lines(report) == "results/reported/starter.csv: flag: has 1 more lines: look at their source"
    table.write_text(REPORTED.replace("3,4", "4,4"))
    assert "1 merged lines were changed or removed; lines may only be added" in lines(
        validate_changes(repository, "main")
    )


def test_a_new_table_of_reported_numbers_is_checked(repository: Path) -> None:
    (repository / "results/reported/other.csv").write_text(REPORTED.replace("3,4", "5,4"))
    report = validate_changes(repository, "main")
    assert report.checked == ("results/reported/other.csv",)
    assert "results/reported/other.csv: line 2: correct_math: 5 of 4 items" in lines(report)


def test_main_may_have_moved_on(repository: Path) -> None:
    """What main got since is not the branch's doing: the merge base counts."""
    honest(repository, "shortest")
    commit(repository)
    git(repository, "checkout", "-q", "main")
    honest(repository, "random")
    commit(repository)
    git(repository, "checkout", "-q", "submission")
    assert validate_changes(repository, "main").checked == ("results/shortest/starter.json",)
    assert validate_changes(repository, "main").findings == ()


def test_results_below_a_part_of_the_repository(repository: Path) -> None:
    part = repository / "part"
    honest(part, "longest")
    commit(repository)
    git(repository, "checkout", "-q", "-B", "main")
    git(repository, "checkout", "-q", "-B", "submission")
    honest(part, "shortest")
    report = validate_changes(part, "main")
    assert (report.checked, report.findings) == (("results/shortest/starter.json",), ())
    assert validate_changes(repository, "main", results="part/results").checked == (
        "part/results/shortest/starter.json",
    )


def test_nothing_of_the_repository_is_executed(repository: Path, tmp_path: Path) -> None:
    """Hooks, filters, external diffs, textconv and file monitors of a hostile clone stay where they are."""
    witness = tmp_path / "executed"
    script = repository / ".git/evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {witness}\ncat\n")
    script.chmod(0o755)
    for name in ("diff.evil.textconv", "diff.evil.command", "filter.evil.clean", "filter.evil.smudge",
                 "core.fsmonitor", "diff.external", "core.pager"):  # fmt: skip
        git(repository, "config", name, str(script))
    hooks = repository / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(script, hooks / name)
    (repository / ".gitattributes").write_text("* diff=evil filter=evil\n")
    honest(repository, "shortest")
    (repository / "results/reported/starter.csv").write_text(REPORTED + "other,m,prompted,2,4,another paper\n")
    assert validate_changes(repository, "main").ok
    assert not witness.exists()


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"])
def test_variables_of_a_hook_do_not_lead_elsewhere(name: str, repository: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv(name, "/nowhere")
    assert validate_changes(repository, "main").ok


# -- references and repositories ---------------------------------------------------------------------------


@pytest.mark.parametrize("reference", ["-q", "--upload-pack=touch /tmp/x", "", " ", "main\n", "\u202emain"])
def test_what_is_no_reference_is_refused(reference: str, repository: Path) -> None:
    with pytest.raises(UsageError, match="is no reference. Name a branch, a tag or a commit"):
        validate_changes(repository, reference)


@pytest.mark.parametrize("reference", ["nothere", "HEAD:README.md", "main..submission", "$(id)", "`id`", "main;id"])
def test_an_unknown_reference_is_refused(reference: str, repository: Path) -> None:
    with pytest.raises(UsageError, match="is no commit of .* Type: git fetch origin"):
        validate_changes(repository, reference)


@pytest.mark.parametrize("results", ["../results", "/results", "-r", "", "a/../b", "x\n"])
def test_a_results_folder_outside_is_refused(results: str, repository: Path) -> None:
    with pytest.raises(UsageError, match="is no folder below"):
        validate_changes(repository, "main", results=results)


def test_a_shallow_clone_is_told_what_to_type(repository: Path, tmp_path: Path) -> None:
    honest(repository, "shortest")
    commit(repository)
    git(tmp_path, "clone", "-q", "--depth", "1", "--no-local", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    with pytest.raises(UsageError, match="is no commit of .*This clone is shallow: type git fetch --unshallow"):
        validate_changes(shallow, "main")
    git(shallow, "fetch", "-q", "--depth", "1", "origin", "main:refs/remotes/origin/main")
    with pytest.raises(UsageError, match="share no commit that is here. This clone is shallow.*fetch-depth: 0"):
        validate_changes(shallow, "origin/main")


def test_unrelated_histories_are_told(repository: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "other")
    (repository / "README.md").write_text("another beginning\n")
    commit(repository)
    with pytest.raises(UsageError, match="HEAD and main share no commit that is here. Type: git rebase"):
        validate_changes(repository, "main")


def test_no_repository_and_no_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository"):
        validate_changes(tmp_path, "main")
    with pytest.raises(UsageError, match="no such folder"):
        validate_changes(tmp_path / "nowhere", "main")


def test_without_git_it_says_what_to_type(repository: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPrerequisite, match="git is not installed. Without it, type: judgebench validate"):
        validate_changes(repository, "main")


def test_blobs_are_hashed_as_git_hashes_them(repository: Path, tmp_path: Path) -> None:
    path = repository / "results/longest/starter.json"
    assert blob_of(path, 40) == git(repository, "hash-object", "--no-filters", str(path))
    data = path.read_bytes()
    assert blob_of(path, 64) == hashlib.sha256(b"blob %d\0" % len(data) + data).hexdigest()
