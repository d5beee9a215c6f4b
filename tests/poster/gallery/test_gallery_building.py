"""Posters that are not built, or older than their sources, are built; one that fails does not stop the others."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from projectkit.cli import main
from projectkit.poster.gallery import building, make_gallery

YAML = 'title: "{}"\nauthors: [Ada Lovelace]\nsize: A2\n'


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a team's repository with a short poster."""

    def write(name: str, text: str = "# What we found\n\nIt works.\n") -> Path:
        root = tmp_path / "teams" / name
        (root / "poster" / "sections").mkdir(parents=True)
        (root / "pyproject.toml").write_text("[tool.projectkit]\n", encoding="utf-8")
        (root / "poster/poster.yaml").write_text(YAML.format(name), encoding="utf-8")
        (root / "poster/sections/10-found.md").write_text(text, encoding="utf-8")
        return root

    return write


def written(root: Path) -> int:
    return (root / "poster/build/poster.json").stat().st_mtime_ns


def test_a_poster_is_built_once_and_again_when_a_source_is_newer(repository, tmp_path) -> None:
    root = repository("team")
    site = tmp_path / "site"
    said: list[str] = []
    made = make_gallery([root], site, say=said.append)
    assert made.failures == ()
    assert "building posters: 1 of 1" in said
    first = written(root)
    make_gallery([root], site)
    assert written(root) == first
    section = root / "poster/sections/10-found.md"
    section.write_text("# What we found\n\nIt works better.\n", encoding="utf-8")
    make_gallery([root], site)
    assert written(root) > first
    assert "It works better." in (site / "teams" / made.posters[0].slug / "index.html").read_text(encoding="utf-8")


def test_posters_that_fail_are_named_the_others_are_shown_and_the_status_is_1(
    repository, tmp_path, capsys, hand_in
) -> None:
    repository("wrong", "no heading\n")
    repository("broken")
    (tmp_path / "teams/broken/pyproject.toml").write_text("[tool", encoding="utf-8")
    hand_in("good")
    folders = [str(path) for path in sorted((tmp_path / "teams").iterdir())]
    with pytest.raises(SystemExit) as ended:
        main(["poster", "gallery", *folders, str(tmp_path / "nowhere"), "-o", str(tmp_path / "site"), "--json"])
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert [poster["title"] for poster in said["posters"]] == ["good"]
    messages = {Path(each["folder"]).name: each["message"] for each in said["failures"]}
    assert set(messages) == {"wrong", "broken", "nowhere"}
    assert "10-found.md:1" in messages["wrong"]
    assert "not valid TOML" in messages["broken"]
    assert "there is no poster" in messages["nowhere"]
    assert err.count("not shown: ") == 3


def test_what_lies_in_a_teams_folder_is_not_imported_by_the_build(repository, tmp_path) -> None:
    root = repository("team")
    for name in ("typst", "click", "segno", "sitecustomize"):
        (root / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8")
    assert make_gallery([root], tmp_path / "site").failures == ()
    assert not (tmp_path / "ran").exists()


def test_each_team_is_built_with_its_own_runs(team, write_poster, make_run, tmp_path, monkeypatch) -> None:
    run = make_run("ours", f1=0.5)
    folder = write_poster("# What we found\n\n:::{numbers}\nrun: latest\nmetrics: [f1_macro]\n:::\n")
    (tmp_path / "others").mkdir()
    monkeypatch.setenv("PROJECTKIT_RUNS", str(tmp_path / "others"))
    made = make_gallery([team.root], tmp_path / "site")
    assert made.failures == ()
    assert json.loads((folder / "build/poster.json").read_text(encoding="utf-8"))["runs"] == [run]


@pytest.mark.nightly
def test_a_hundred_posters_stay_below_25_mb(team, make_run, write_poster, tmp_path) -> None:
    run = make_run(f1=0.8)
    text = "A network that reads letters finds what a model of words lets through. " * 8
    results = f":::{{results}}\nruns: [{run}]\nmetrics: [f1_macro]\n:::\n"
    figure = f":::{{figure}}\nrun: {run}\nname: confusion\nalt: Three classes\n:::\n"
    curves = f":::{{curves}}\nruns: [{run}]\n:::\n"
    sections = {
        f"{number}0-part": f"# Part {number} says something\n\n{text}\n\n{more}\n"
        for number, more in enumerate([results, figure, curves, "", ""], start=1)
    }
    write_poster(yaml="size: A0", **sections)
    assert make_gallery([team.root], tmp_path / "site").failures == ()
    for number in range(100):
        shutil.copytree(team.root / "poster/build", tmp_path / "teams" / f"team-{number}")
    made = make_gallery([tmp_path / "teams"], tmp_path / "site")
    assert len(made.posters) == 100
    assert made.size < 25e6


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for a build that hangs is a shell script")
def test_a_build_that_hangs_is_ended_and_named(repository, tmp_path, monkeypatch, hand_in) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 600\n", encoding="utf-8")
    slow.chmod(0o755)
    monkeypatch.setattr(building.sys, "executable", str(slow))
    monkeypatch.setattr(building, "_DEADLINE_S", 0.2)
    made = make_gallery([repository("hangs"), hand_in("good")], tmp_path / "site")
    assert len(made.posters) == 1
    assert "took longer" in made.failures[0].message
