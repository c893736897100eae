"""The workflows: what linters say, what they may do, and that a pull request's files are data to them."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from fakes.workflows import FOLDER, Step, jobs, step, steps, workflows
from judgebench.cli import COMMANDS, cli

BIN = Path(sys.executable).parent
WRITES = {
    ("submission-comment", "comment"): {"pull-requests"},
    ("site", "deploy"): {"pages", "id-token"},
}
"""The only permissions to write, by workflow and job."""
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def scripts() -> list[tuple[Step, str]]:
    """Return everything that some interpreter runs: shell and JavaScript."""
    found = [(one, one.fields.get("run")) for one in steps()]
    found += [(one, one.fields.get("with", {}).get("script")) for one in steps()]
    return [(one, text) for one, text in found if text]


def test_the_workflows_are_there() -> None:
    assert set(workflows()) == {"ci", "submission", "submission-comment", "site", "regression"}


# -- linters --------------------------------------------------------------------------------------------------


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", "--persona=pedantic", FOLDER],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    text = (FOLDER / "ci.yml").read_text().replace("run: .ci/run", "run: echo ${{ github.event.pull_request.title }}")
    bad = tmp_path / "bad.yml"
    bad.write_text(text)
    done = subprocess.run([BIN / "zizmor", "--offline", "--no-progress", bad], capture_output=True, check=False)
    assert done.returncode != 0


def test_the_schema_of_workflows_is_kept(tmp_path: Path) -> None:
    lint = [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    subprocess.run([*lint, *sorted(FOLDER.glob("*.yml"))], check=True, capture_output=True)
    bad = tmp_path / "bad.yml"
    bad.write_text((FOLDER / "ci.yml").read_text().replace("timeout-minutes:", "timeout-in-minutes:"))
    assert subprocess.run([*lint, bad], capture_output=True, check=False).returncode != 0


# -- by our own reading ---------------------------------------------------------------------------------------


def test_every_action_is_pinned_by_hash_with_its_version_beside_it() -> None:
    lines = [line.strip().removeprefix("- ") for path in FOLDER.glob("*.yml") for line in path.read_text().splitlines()
             if "uses:" in line]  # fmt: skip
    assert len(lines) >= 12
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


def test_an_action_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for one in steps():
        if one.action:
            assert one.action.startswith("actions/")
            versions.setdefault(one.action, set()).add(one.fields["uses"])
    assert {action: len(found) for action, found in versions.items() if len(found) > 1} == {}


def test_nothing_may_write_but_the_comment_and_the_deployment() -> None:
    for name, flow in workflows().items():
        assert flow["permissions"] == {}, name
    for place, job in jobs().items():
        granted = job["permissions"]
        assert {what for what, level in granted.items() if level != "read"} == WRITES.get(place, set()), place


def test_no_job_with_a_right_to_write_checks_anything_out_or_runs_a_shell() -> None:
    for one in steps():
        if (one.workflow, one.job) in WRITES:
            assert one.action != "actions/checkout"
            assert "run" not in one.fields


def test_every_job_ends_in_time_and_none_runs_twice_at_once() -> None:
    for place, job in jobs().items():
        assert 0 < int(job["timeout-minutes"]) <= 180, place
        assert job["runs-on"] == "ubuntu-24.04"
    for name, flow in workflows().items():
        assert flow["concurrency"]["group"].startswith(name)


def test_no_credentials_stay_behind() -> None:
    checkouts = [one for one in steps() if one.action == "actions/checkout"]
    assert len(checkouts) >= 4
    assert all(one.fields["with"]["persist-credentials"] == "false" for one in checkouts)


def test_no_secret_is_named() -> None:
    assert [path.name for path in FOLDER.glob("*.yml") if re.search(r"\bsecrets\b", path.read_text())] == []


def test_no_expression_stands_in_a_script() -> None:
    found = scripts()
    assert len(found) >= 10
    assert [one for one, text in found if "${{" in text] == []


def test_no_workflow_runs_a_pull_request_with_rights() -> None:
    for name, flow in workflows().items():
        assert "pull_request_target" not in flow["on"], name
        if "workflow_run" in flow["on"]:
            assert not [one for one in steps() if one.workflow == name and one.action == "actions/checkout"]


def test_only_the_base_is_checked_out_and_installed() -> None:
    mine = [one for one in steps() if one.workflow == "submission"]
    (checkout,) = [one.fields["with"] for one in mine if one.action == "actions/checkout"]
    assert checkout["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert (checkout["path"], checkout["fetch-depth"]) == ("base", "0")
    install = step("submission", "install")["run"]
    assert re.findall(r"pip install .* (\S+)$", install, flags=re.MULTILINE) == ["./base"]
    assert [one.fields["id"] for one in mine if "head" in one.fields.get("run", "")] == ["fetch", "validate"]


def test_nothing_is_installed_or_checked_before_the_head_is_there_as_data() -> None:
    mine = [one.fields for one in steps() if one.workflow == "submission"]
    ids = [fields.get("id") for fields in mine]
    assert ids.index("fetch") < ids.index("install") < ids.index("validate")
    for fields in mine[ids.index("fetch") + 1 :]:
        assert "steps.fetch.outputs.changed == 'true'" in fields["if"]


def test_the_pages_are_published_by_the_last_job_alone() -> None:
    build = jobs()["site", "build"]
    assert build["permissions"] == {"contents": "read"}
    deploy = jobs()["site", "deploy"]
    assert (deploy["needs"], deploy["environment"]["name"]) == ("build", "github-pages")
    assert workflows()["site"]["on"]["push"]["branches"] == ["main"]


def test_ci_runs_what_developers_run_on_the_oldest_and_the_newest_python() -> None:
    (job,) = [job for place, job in jobs().items() if place[0] == "ci"]
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (FOLDER.parent.parent / "pyproject.toml").read_text())[1]
    pythons = job["strategy"]["matrix"]["python"]
    assert pythons[0] == oldest
    assert len(pythons) == 2
    lines = [one.get("run", "") for one in job["steps"]]
    assert ".ci/run" in lines
    assert any("apt-get install" in line and "bubblewrap" in line and "chromium" in line for line in lines)


def lines_of_judgebench() -> list[list[str]]:
    lines = [line.strip() for _, text in scripts() for line in text.splitlines()]
    return [line.partition(" >")[0].split()[1:] for line in lines if line.startswith("judgebench ")]


def test_every_command_exists_and_takes_its_options() -> None:
    lines = lines_of_judgebench()
    assert {words[0] for words in lines} == {"eval", "validate", "leaderboard"}
    for words in lines:
        assert words[0] in COMMANDS
        replaced = [re.sub(r'"?\$ITEMS"?', "200", word) for word in words]
        parse(cli, replaced)


def parse(group: Any, words: list[str]) -> None:
    """Parse a line as click does, without running it."""
    with group.make_context("judgebench", list(words)) as context:
        if isinstance(group, click.Group):
            _, command, rest = group.resolve_command(context, words)
            parse(command, rest)


@pytest.mark.parametrize("words", [["eval", "--no-such"], ["gate"], ["leaderboard", "bake"]])
def test_a_line_that_is_wrong_would_be_found(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parse(cli, words)
