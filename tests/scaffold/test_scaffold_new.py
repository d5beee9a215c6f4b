"""What a generated repository holds, by both ways to generate it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from projectkit.config import load_config
from projectkit.poster import init_poster
from projectkit.project import find_project
from projectkit.scaffold import create_project, poster_fields, recorded_answers
from projectkit.scaffold.git import git
from projectkit.scaffold.new import template_folder

Typed = Callable[..., "subprocess.CompletedProcess[str]"]

UNUSUAL = {
    "project_title": 'L\'été: «DGA» #1 "x" Ж 漢字 & <b> | `c` \\ */ \'\'\' """ %s $HOME ${x}',
    "team_name": "Nº 1: 'the \"best\"' # team — команда \\n",
    "course": 'Apprentissage: l\'été #2, "avancé" 深度学习',
    "team_members": "Zoë O'Brien-Ünal <zoe.o'brien@example.org>; "
    '"Ада" Ловелас: #1, Jr. <ada+dl@example.org>; 李小龙 | x <li@example.org>',
}


def as_pairs(answers: dict[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in answers.items()]


def cookiecutter(typed: Typed, answers: dict[str, str], cwd: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return typed(
        sys.executable,
        "-m",
        "cookiecutter",
        str(template_folder()),
        "--no-input",
        *options,
        *as_pairs(answers),
        cwd=cwd,
    )


def files_of(project: Path) -> dict[str, bytes]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(project).parts
    }


@pytest.mark.parametrize(
    "bad",
    [
        {"project_slug": "../outside"},
        {"project_slug": "a/b/c"},
        {"project_slug": "a" * 300},
        {"project_slug": "watch-\N{ROCKET}"},
        {"project_title": "bell \a"},
        {"package_name": "class"},
        {"package_name": "torch"},
        {"team_members": "Ada"},
        {"projectkit_source": "projectkit"},
        {"project_title": "{{ '{{' }}"},  # Jinja that leaves Jinja behind
    ],
    ids=lambda bad: ascii(next(iter(bad.values())))[1:30],
)
def test_plain_cookiecutter_refuses_in_one_line_and_leaves_nothing(
    bad: dict[str, str], answers: dict[str, str], typed: Typed, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    done = cookiecutter(typed, {**answers, **bad}, place, "-o", "out")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert next(iter(bad)) in done.stderr
    assert list(place.iterdir()) == []


def test_an_absolute_slug_makes_no_folder_elsewhere(answers: dict[str, str], typed: Typed, tmp_path: Path) -> None:
    done = cookiecutter(typed, {**answers, "project_slug": str(tmp_path / "elsewhere")}, tmp_path)
    assert done.returncode == 2
    assert not (tmp_path / "elsewhere").exists()


def test_private_variables_cannot_be_set_from_the_command_line(
    answers: dict[str, str], typed: Typed, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    # the template's one private variable is a list, which cookiecutter itself guards
    done = cookiecutter(typed, {**answers, "_extensions": "os.system"}, place)
    assert done.returncode != 0
    assert "_extensions" in done.stderr
    assert list(place.iterdir()) == []


def test_a_wheel_that_is_not_there_is_said_before_cookiecutters_traceback(
    answers: dict[str, str], typed: Typed, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    done = cookiecutter(typed, {**answers, "projectkit_source": "dl_projectkit-9-py3-none-any.whl"}, place)
    assert done.returncode != 0
    assert "there is no such wheel" in done.stderr.splitlines()[0]
    assert list(place.iterdir()) == []


def test_answers_that_look_like_code_stay_text(answers: dict[str, str], typed: Typed, tmp_path: Path) -> None:
    code = '"; open("made-by-an-answer", "w"); "'
    done = cookiecutter(typed, {**answers, "project_title": code, "team_name": "'''); import os; os.abort()"}, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("made-by-an-answer")) == []
    table = tomllib.loads((tmp_path / "domain-watch" / "pyproject.toml").read_text(encoding="utf-8"))
    assert table["project"]["description"] == code


def test_both_ways_give_the_same_repository(answers: dict[str, str], typed: Typed, tmp_path: Path) -> None:
    answers = {**answers, **UNUSUAL}
    ours = create_project(answers, tmp_path / "ours")
    done = cookiecutter(typed, answers, tmp_path, "-o", "theirs")
    assert done.returncode == 0, done.stderr
    assert files_of(ours) == files_of(tmp_path / "theirs" / ours.name)


def test_unusual_answers_give_valid_files_everywhere(answers: dict[str, str], tmp_path: Path) -> None:
    readers = {
        ".yaml": lambda text: YAML(typ="safe").load(text),
        ".yml": lambda text: YAML(typ="safe").load(text),
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".ipynb": json.loads,
        ".py": lambda text: compile(text, "generated", "exec"),
    }
    read: dict[str, int] = dict.fromkeys(readers, 0)
    for compute in ("colab", "slurm"):
        project = create_project({**answers, **UNUSUAL, "compute": compute}, tmp_path / compute)
        for name, content in files_of(project).items():
            suffix = Path(name).suffix
            if suffix in readers:
                assert readers[suffix](content.decode("utf-8")) is not None or suffix == ".py", name
                read[suffix] += 1
            if suffix != ".whl":
                assert b"\r" not in content, name
                assert b"cookiecutter." not in content, name
    assert all(read.values()), read


def test_unusual_answers_arrive_unchanged(answers: dict[str, str], tmp_path: Path) -> None:
    project = create_project({**answers, **UNUSUAL, "compute": "colab"}, tmp_path)
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert table["project"]["description"] == UNUSUAL["project_title"]
    assert [author["name"] for author in table["project"]["authors"]] == [
        "Zoë O'Brien-Ünal",
        '"Ада" Ловелас: #1, Jr.',
        "李小龙 | x",
    ]
    poster = YAML(typ="safe").load((project / "poster" / "poster.yaml").read_text(encoding="utf-8"))
    assert poster["title"] == UNUSUAL["project_title"]
    record = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert record["context"]["cookiecutter"]["team_name"] == UNUSUAL["team_name"]


def test_the_tracker_is_told_the_course_and_the_team(answers: dict[str, str], tmp_path: Path) -> None:
    project = create_project({**answers, **UNUSUAL}, tmp_path)
    tracking = load_config(project / "configs" / "train.yaml").config.tracking
    assert tracking.project == "apprentissage-l-ete-2-avance-shen-du-xue-xi"
    assert tracking.tags == ["no-1-the-best-team-komanda-n"]
    assert tracking.entity is None


def test_the_package_metadata_is_valid_with_unusual_names(answers: dict[str, str], tmp_path: Path) -> None:
    from hatchling.metadata.core import ProjectMetadata
    from hatchling.metadata.spec import construct_metadata_file_2_4
    from hatchling.plugin.manager import PluginManager

    for licence in ("private-coursework", "MIT", "Apache-2.0"):
        project = create_project({**answers, **UNUSUAL, "license": licence}, tmp_path / licence)
        metadata = ProjectMetadata(str(project), PluginManager())
        text = construct_metadata_file_2_4(metadata)
        assert "License-File: LICENSE" in text
        assert f"Name: {project.name}" in text


def test_a_generated_repository_is_a_project_with_a_clean_first_commit(
    answers: dict[str, str], typed: Typed, tmp_path: Path
) -> None:
    assert cookiecutter(typed, answers, tmp_path).returncode == 0
    root = tmp_path / "domain-watch"
    project = find_project(root / "docs")
    assert project is not None
    assert (project.root, project.package) == (root, "domainwatch")
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "symbolic-ref", "--short", "HEAD") == "main"
    # the home of this test has no git identity, so the first member signs
    assert git(root, "log", "--format=%an <%ae>") == "Ada Lovelace <ada@example.org>"
    tracked = (git(root, "ls-files") or "").splitlines()
    assert any(name.startswith("vendor/dl_projectkit-") for name in tracked)


def test_generation_inside_a_git_hook_of_another_repository_commits_to_its_own(
    answers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    assert git(outer, "init", "--quiet") is not None
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(outer / ".git" / "index"))
    project = create_project(answers, outer)
    assert (project / ".git").is_dir()
    assert not (outer / ".git" / "index").exists()


def test_without_git_the_repository_is_made_and_the_missing_step_is_said(
    answers: dict[str, str], typed: Typed, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = typed(
        sys.executable,
        "-m",
        "cookiecutter",
        str(template_folder()),
        "--no-input",
        *as_pairs(answers),
        cwd=tmp_path,
        PATH=str(empty),
    )
    assert done.returncode == 0, done.stderr
    assert "git is not installed" in done.stderr
    assert (tmp_path / "domain-watch" / "README.md").is_file()
    assert not (tmp_path / "domain-watch" / ".git").exists()


def test_each_choice_brings_only_its_own_files(answers: dict[str, str], tmp_path: Path) -> None:
    for compute, there in (("laptop", set()), ("colab", {"notebooks"}), ("slurm", {"slurm"})):
        project = create_project({**answers, "compute": compute}, tmp_path / compute)
        assert {name for name in ("notebooks", "slurm") if (project / name).exists()} == there


def test_nothing_goes_to_the_home_folder(answers: dict[str, str], typed: Typed, tmp_path: Path) -> None:
    script = (
        "import json, sys; from pathlib import Path; from projectkit.scaffold import create_project;"
        "create_project(json.loads(sys.argv[1]), Path(sys.argv[2]))"
    )
    done = typed(sys.executable, "-c", script, json.dumps(answers), str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "home").iterdir()) == []


def test_a_failure_after_rendering_leaves_nothing(
    answers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("projectkit.scaffold.new.finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        create_project(answers, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash to read the batch script with")
def test_the_batch_script_is_valid_bash(answers: dict[str, str], tmp_path: Path) -> None:
    project = create_project({**answers, "compute": "slurm"}, tmp_path)
    done = subprocess.run(["bash", "-n", "slurm/train.sh"], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_poster_that_was_deleted_starts_again_with_the_teams_own_names(
    answers: dict[str, str], tmp_path: Path
) -> None:
    project = create_project({**answers, "team_members": "Zoë <zoe@example.org>; 李雷 <li@example.org>"}, tmp_path)
    first = (project / "poster" / "poster.yaml").read_bytes()
    shutil.rmtree(project / "poster")
    init_poster(project, **poster_fields(recorded_answers(project)))
    assert (project / "poster" / "poster.yaml").read_bytes() == first


@pytest.mark.parametrize("text", ["", "{", "[]", '{"context": {"cookiecutter": {"course": "A"}}}'])
def test_answers_that_cannot_be_read_are_no_answers(text: str, tmp_path: Path) -> None:
    (tmp_path / ".cruft.json").write_text(text, encoding="utf-8")
    assert recorded_answers(tmp_path) == {}
