"""The site: its files and links, what it leaves behind and what it never touches, and hostile strings on every page."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from browser.boards import VERDICTS, gallery, make_reported, make_result, save, share
from browser.outline import HOSTILE, Outline

from judgebench import leaderboard
from judgebench.errors import UsageError
from judgebench.hashing import sha256
from judgebench.leaderboard import data, page, site
from judgebench.leaderboard.exports import FORMATS
from judgebench.leaderboard.names import safe_name
from judgebench.records import Sampling
from judgebench.results import Environment, Metric, Result
from judgebench.spec import JudgeSpec, Spec
from judgebench.task import load_card

ROOT = Path(__file__).parent.parent
REPORTED = "judge,model,kind,correct_x,items_x,source\n"


def built(folder: Path, *results: Result) -> Path:
    save(folder / "results", *results)
    return leaderboard.build(folder / "results", folder / "site").parent


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def graded(name: str = "grader") -> Result:
    """Return a result on a task that is not installed, ranked by an error without intervals."""
    task = {"name": "of-another-package", "headline": "mae", "fingerprint": "ef" * 32}
    metrics = {"mae": Metric(value=0.8432, n=9), "spearman": Metric(value=-0.1, n=9, low=-0.4, high=0.2)}
    return make_result(name, task=task).model_copy(update={"metrics": metrics, "by_category": {}})


def tables(*tasks: str) -> set[str]:
    """Return the paths of the tables to take along."""
    return {f"{path}.{ending}" for path in ("results", *(f"tasks/{name}" for name in tasks)) for ending in FORMATS}


# -- files and links -----------------------------------------------------------------------------------------


def test_there_is_a_page_for_each_task_and_each_judge(tmp_path: Path) -> None:
    found = files(built(tmp_path, make_result("a"), make_result("b"), graded("a")))
    assert sorted(found.keys() - tables("judgebench-gpt", "of-another-package")) == [
        "compare/judgebench-gpt.html",
        "data/a/judgebench-gpt.json", "data/a/judgebench-gpt.verdicts.jsonl",
        "data/a/of-another-package.json", "data/a/of-another-package.verdicts.jsonl",
        "data/b/judgebench-gpt.json", "data/b/judgebench-gpt.verdicts.jsonl",
        "feed.xml", "index.html", "judges/a.html", "judges/b.html", "manifest.json", "method.html",
        "tasks/judgebench-gpt.html", "tasks/of-another-package.html",
    ]  # fmt: skip
    assert json.loads(found.pop("manifest.json"))["files"] == sorted(found)
    assert found["data/a/judgebench-gpt.verdicts.jsonl"] == VERDICTS
    assert Result.model_validate_json(found["data/b/judgebench-gpt.json"]) == make_result("b")


def test_two_runs_of_a_judge_on_a_task_have_files_of_their_own(tmp_path: Path) -> None:
    runs = [make_result("a", spec={"seed": 1}), make_result("a", spec={"seed": 2})]
    found = files(built(tmp_path, *runs))
    assert {f"data/a/judgebench-gpt~{data.run_id(run)}.json" for run in runs} < found.keys()


def test_a_gold_table_that_is_not_packaged_comes_along_and_is_counted(tmp_path: Path) -> None:
    table = b"item,category,source,gold\n0,x,0,A>B\n1,x,1,A=B\n"
    result = make_result("a", task={"name": "mine", "fingerprint": sha256(table)})
    save(tmp_path / "results", result)
    (tmp_path / "results" / "judge-0" / "mine.gold.csv").write_bytes(table)
    found = files(leaderboard.build(tmp_path / "results", tmp_path / "site").parent)
    assert found["data/a/mine.gold.csv"] == table
    assert "A=B" in found["tasks/mine.html"].decode()
    assert 'href="../data/a/mine.gold.csv"' in found["judges/a.html"].decode()


def check_links(found: Mapping[str, bytes]) -> int:
    """Check that every link of every page leads to a file of the site and to an id in it; return their number."""
    outlines = {path: Outline(text.decode()) for path, text in found.items() if path.endswith(".html")}
    count = 0
    for path, outline in outlines.items():
        ids = outline.attributes("id")
        assert len(ids) == len(set(ids)), path
        assert set(" ".join(outline.attributes("aria-labelledby")).split()) <= set(ids)
        for href in outline.attributes("href"):
            if href.startswith("data:"):
                continue
            target, fragment = urldefrag(unquote(href))
            parts = [*path.split("/")[:-1], *target.split("/")] if target else path.split("/")
            while ".." in parts:
                at = parts.index("..")
                parts[at - 1 : at + 1] = []
            assert "/".join(parts) in found, (path, href)
            assert not fragment or fragment in outlines["/".join(parts)].attributes("id"), (path, href)
            count += 1
    return count


def test_every_link_leads_somewhere(tmp_path: Path) -> None:
    assert check_links(files(built(tmp_path, *gallery(), graded()))) > 100


def test_every_link_of_the_published_site_leads_somewhere(tmp_path: Path) -> None:
    board = data.load(ROOT / "results")
    found = files(site.publish(site.contents(board, "t"), tmp_path).parent)
    check_links(found)
    heavy = {path: len(text) for path, text in found.items() if path.endswith(".html") and len(text) > 300_000}
    assert heavy == {}
    assert {f"judges/{safe_name(name)}.html" for name in board.judges} < found.keys()
    assert {f"tasks/{safe_name(task.name)}.html" for task in board.tasks} < found.keys()


def test_pages_name_nothing_outside_the_site(tmp_path: Path) -> None:
    for path, text in files(built(tmp_path, *gallery(), graded())).items():
        if path.endswith(".html"):
            outline = Outline(text.decode())
            assert outline.attributes("src") == []
            assert not [href for href in outline.attributes("href") if "://" in href or href.startswith(("//", "java"))]
            scripts = 2 if 'id="outcomes"' in text.decode() else 1  # and none from elsewhere
            assert len([tag for tag, _ in outline.tags if tag == "script"]) == scripts
            assert str(tmp_path) not in text.decode()


def test_the_same_results_give_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    one = files(built(tmp_path / "one", *gallery()))
    two = files(built(tmp_path / "two", *gallery()[::-1]))
    assert one == two


def test_one_page_for_all_is_still_to_be_had(tmp_path: Path) -> None:
    save(tmp_path / "results", make_result("a"))
    path = leaderboard.build(tmp_path / "results", tmp_path / "board.html")
    assert path == tmp_path / "board.html"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["board.html", "results"]
    assert [href for href in Outline(path.read_text()).attributes("href") if not href.startswith(("#", "data:"))] == []


# -- what the pages say --------------------------------------------------------------------------------------


def words(found: Mapping[str, bytes], path: str) -> str:
    return " ".join("".join(Outline(found[path].decode()).words).split())


def test_a_tasks_page_says_what_it_measures_and_its_balance(tmp_path: Path) -> None:
    known = load_card("judgebench").splits["gpt"].gold
    result = make_result("arena-hard", task={"fingerprint": known})
    text = words(files(built(tmp_path, result)), "tasks/judgebench-gpt.html")
    assert "Pairs: which of two responses is better? 350 items in 4 categories; ranked by Accuracy." in text
    assert "Tan et al. 2024, JudgeBench, arXiv 2410.12784" in text
    assert "MIT (hub card)" in text
    assert re.search(r"all ?350 ?193 55\.1 % ?157 44\.9 %", text)
    assert "65.7 [60.7, 70.7]" in text


def test_no_balance_is_shown_of_items_that_are_not_the_boards(tmp_path: Path) -> None:
    assert "How often each gold label" not in words(files(built(tmp_path, make_result())), "tasks/judgebench-gpt.html")


def test_a_task_in_one_order_says_so(tmp_path: Path) -> None:
    found = files(built(tmp_path, make_result("a", spec={"orders": "first"})))
    assert "Each pair was shown in one order only." in words(found, "tasks/judgebench-gpt.html")


def test_another_unit_is_not_in_percent(tmp_path: Path) -> None:
    found = files(built(tmp_path, graded()))
    for path in ("index.html", "tasks/of-another-package.html", "judges/grader.html"):
        assert "0.843" in words(found, path)
        assert "84.3" not in words(found, path)
    assert "Single responses: how good is one response?" in words(found, "tasks/of-another-package.html")
    assert "−0.100 [−0.400, 0.200]" in words(found, "tasks/of-another-package.html")


def test_a_judges_page_says_how_to_make_its_result_again(tmp_path: Path) -> None:
    known = make_result("longest", judge_fields={"model": None, "kind": "null"}, evidence="reproduced")
    found = files(built(tmp_path, known, graded()))
    assert "judgebench eval --judge longest --task judgebench --split gpt" in words(found, "judges/longest.html")
    assert "No command makes this result again" in words(found, "judges/grader.html")


def test_the_page_on_methods_has_formula_unit_direction_and_source() -> None:
    text = " ".join("".join(Outline(page.method_page("t")).words).split())
    assert "Accuracy accuracy Over all pairs: each right verdict adds 1" in text
    assert (
        "Unit: share of pairs. Higher is better. Source: JudgeBench (arXiv 2410.12784), released scoring code." in text
    )


# -- hostile strings -----------------------------------------------------------------------------------------


def everywhere(text: str) -> list[Result]:
    """Return results that say `text` wherever a result can say something, on two tasks with different facts."""
    judge = JudgeSpec(
        name=text, family=text, kind=text, model=text, revision=text, endpoint=text, prompts={text: text},
        sampling=Sampling(reasoning_effort=text, stop=(text,), extra={"k": text}), params={"k": text},
        parser_version=1, order_independent=False, conversion=text,
    )  # fmt: skip
    base = make_result(
        task={"name": text, "fingerprint": text, "headline": "accuracy", "revision": text},
        source={text: text},
        by_category={name: {"accuracy": share(0.5, 7), text: share(0.4, 7)} for name in (text, f"{text}2")},
        metrics={text: share(0.5)},
        started=text,
        finished=text,
        environment=Environment(
            judgebench=text, python=text, platform=text, packages={text: text}, commit=text, backend={text: text}
        ),
    )
    spec = Spec(**{**dict(base.spec), "judge": judge, "categories": (text,)})
    other = Spec(**{**dict(base.spec), "judge": judge.model_copy(update={"revision": None, "params": {}}), "seed": 5})
    return [base.model_copy(update={"spec": s, "spec_sha256": s.hash}) for s in (spec, other)]


def shape(outline: Outline) -> list[tuple[str, ...]]:
    """Return each element's name and the names of its attributes."""
    return [(tag, *attributes) for tag, attributes in outline.tags]


def hostile_site(folder: Path, text: str) -> dict[str, Outline]:
    save(folder / "results", *(r for r in everywhere(text)))
    (folder / "results" / "reported").mkdir()
    cells = '"' + text.replace('"', '""') + '"'
    reported = f"{REPORTED}{cells},{cells},{cells},1,2,{cells}\n"
    (folder / "results" / "reported" / "mine.csv").write_bytes(reported.encode())
    found = files(leaderboard.build(folder / "results", folder / "site").parent)
    assert sorted(path.name for path in folder.iterdir()) == ["results", "site"]
    check_links(found)
    pages = {path: Outline(content.decode()) for path, content in found.items() if path.endswith(".html")}
    return {re.sub(r"/(?!mine).*", "/x", path): outline for path, outline in pages.items()}


@pytest.mark.parametrize("text", [*HOSTILE, "../../../escape", "/etc/passwd", "con", "a" * 4000])
def test_no_string_of_a_result_can_speak_for_a_page_or_choose_a_path(tmp_path: Path, text: str) -> None:
    plain, evil = hostile_site(tmp_path / "plain", "x y"), hostile_site(tmp_path / "evil", text)
    assert evil.keys() == plain.keys()
    for path, outline in evil.items():
        # Sorted, because the order of runs goes by their hashes.
        assert sorted(shape(outline)) == sorted(shape(plain[path]))
        everything = "".join(outline.words) + "".join(outline.attributes("title"))
        assert page.inert(text) in everything or path == "method.html"
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00\x07]", everything)


# -- writing -------------------------------------------------------------------------------------------------


def content(**texts: str) -> dict[str, site.Content]:
    return {path.replace("__", "/"): text.encode for path, text in texts.items()}


def test_a_file_is_readable_by_a_web_server(tmp_path: Path) -> None:
    path = site.write(b"x", tmp_path / "deep" / "index.html")
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = site.write(b"old", tmp_path / "index.html")

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        site.write(b"new", path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["index.html"]
    assert path.read_bytes() == b"old"


def test_what_an_earlier_build_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "site"
    site.publish(content(index="1", judges__old="1", judges__kept="1", data__old__task="1"), out)
    (out / "judges" / "mine.html").write_text("mine")
    (out / "CNAME").write_text("example.org")
    (tmp_path / "outside").write_text("mine")
    site.publish(content(index="2", judges__kept="2"), out)
    assert set(files(out)) == {"index", "judges/kept", "judges/mine.html", "CNAME", "manifest.json"}
    assert not (out / "data").exists()
    assert (out / "index").read_text() == "2"
    assert (tmp_path / "outside").exists()


def test_a_build_that_is_cut_off_leaves_nothing_unknown(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise OSError("cut off")

    site.publish(content(old="1"), tmp_path)
    with pytest.raises(OSError, match="cut off"):
        site.publish({**content(new="2"), "never": fail}, tmp_path)
    assert set(files(tmp_path)) == {"old", "new", "manifest.json"}
    site.publish(content(last="3"), tmp_path)
    assert set(files(tmp_path)) == {"last", "manifest.json"}


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "{}", '{"files": 1}', '{"files": [1]}', '{"files": ["../outside"]}', '{"files": ["/etc/passwd"]}',
        '{"files": ["a/../../outside"]}', '{"files": ["a/b/c/d"]}', '{"files": ["."]}', '{"files": [".git/config"]}',
        '{"files": ["a\\\\b"]}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_manifest_that_is_not_ours_stops_the_build(tmp_path: Path, text: str) -> None:
    out = tmp_path / "site"
    out.mkdir()
    (tmp_path / "outside").write_text("mine")
    (out / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match=r"manifest\.json is not a list of a site's files\. Remove it"):
        site.publish(content(index="1"), out)
    assert set(files(out)) == {"manifest.json"}
    assert (tmp_path / "outside").exists()


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (elsewhere / "old").write_text("mine")
    (out / "judges").symlink_to(elsewhere)
    (out / "manifest.json").write_text('{"files": ["judges/old"]}')
    with pytest.raises(UsageError, match="leads out of"):
        site.publish(content(judges__new="1"), out)
    with pytest.raises(UsageError, match="leads out of"):
        site.publish(content(index="1"), out)
    assert [path.name for path in elsewhere.iterdir()] == ["old"]


def test_nothing_is_written_when_a_result_is_damaged(tmp_path: Path) -> None:
    out = built(tmp_path, make_result("a"))
    before = files(out)
    (tmp_path / "results" / "judge-0" / "judgebench-gpt.json").write_text("{")
    with pytest.raises(Exception, match="Invalid JSON"):
        leaderboard.build(tmp_path / "results", out)
    assert files(out) == before


def test_reported_numbers_alone_make_a_site(tmp_path: Path) -> None:
    board = data.assemble([], {"mine": [make_reported()]})
    made: dict[str, Any] = {path: make() for path, make in site.contents(board, "t").items()}
    assert sorted(made.keys() - tables("mine")) == ["feed.xml", "index.html", "method.html", "tasks/mine.html"]
    assert check_links(made) > 3
