"""The command: its form, its exit status, and the table of checks in the documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from generated import Generator

from projectkit.cli import main
from projectkit.errors import UserError
from projectkit.poster import init_poster
from projectkit.poster.lint import lint_poster
from projectkit.poster.lint.checks import CHECKS

DOCS = Path(__file__).resolve().parents[3] / "docs"


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["poster", "lint", *arguments])
    return ended.value.code, capsys.readouterr()


def test_a_finished_poster_is_status_0(capsys, good_poster, team, monkeypatch):
    good_poster()
    monkeypatch.chdir(team.root)
    status, said = run(capsys)
    assert status == 0
    assert said.out.startswith(("note", "ok"))


def test_an_error_is_status_1_and_the_worst_comes_first(capsys, team, monkeypatch):
    init_poster(team.root)
    (team.root / "poster" / "sections" / "60-todo.md").write_text("# We warn\n\nTODO: how?\n", encoding="utf-8")
    monkeypatch.chdir(team.root)
    status, said = run(capsys, "--json")
    findings = json.loads(said.out)["findings"]
    order = ["error", "warning", "note", "ok"]
    assert status == 1
    assert [one["status"] for one in findings] == sorted((one["status"] for one in findings), key=order.index)
    assert all(one["id"] in CHECKS and one["where"] and one["message"] for one in findings)
    assert all(one["advice"] for one in findings if one["status"] != "ok")


def test_what_a_source_says_wrong_is_the_only_finding(team, write_poster):
    (found,) = lint_poster(write_poster("# A claim\n\n:::{nothing}\n:::\n"), team)
    assert (found.id, found.status, found.where) == ("sources", "error", "poster/sections/10-found.md:3")


def test_a_folder_without_a_poster_is_refused(team, tmp_path):
    with pytest.raises(UserError, match="poster init"):
        lint_poster(tmp_path, team)


def test_nothing_is_written(good_poster, team):
    folder = good_poster()
    before = {path: path.stat().st_mtime_ns for path in team.root.rglob("*")}
    lint_poster(folder, team)
    assert {path: path.stat().st_mtime_ns for path in team.root.rglob("*")} == before


def test_the_documentation_has_every_check_and_no_other():
    text = (DOCS / "poster-lint.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(CHECKS)


def test_every_check_gives_its_own_name(lint, team, write_poster):
    init_poster(team.root)
    found = {one.id for one in lint(team.root / "poster")}
    assert found <= set(CHECKS)
    assert "unfinished" in found


def test_a_fresh_poster_passes_with_warnings_of_what_is_still_the_starters(lint, team):
    init_poster(team.root)
    found = lint(team.root / "poster")
    assert not [one for one in found if one.status == "error"]
    assert {one.id for one in found if one.status == "warning"} == {"unfinished", "people", "qr"}


def look_at_generated(seed, team, make_run):
    generator = Generator(seed, team.root / "poster", [make_run("charcnn"), make_run("linear-baseline", f1=0.7)])
    generator.write()
    for finding in lint_poster(generator.folder, team):
        assert finding.id in CHECKS or finding.id == "sources"
        assert finding.status in ("ok", "note", "warning", "error")
        assert finding.where.startswith("poster/")
        assert "\n" not in f"{finding.message}{finding.advice}"
        json.dumps(dict(finding.evidence))


@pytest.mark.parametrize("seed", [2, 12, 28, 35])
def test_a_generated_poster_is_looked_at_by_every_check(seed, team, make_run):
    look_at_generated(seed, team, make_run)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(200, 280))
def test_any_generated_poster_is_looked_at_by_every_check(seed, team, make_run):
    look_at_generated(seed, team, make_run)
