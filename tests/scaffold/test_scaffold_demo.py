"""`projectkit demo` and the example projects that it lives through."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from projectkit import datasets
from projectkit.errors import WorkError
from projectkit.project import find_project
from projectkit.runs import find_run
from projectkit.scaffold import create_project
from projectkit.scaffold.demo import examples_folder, run_demo

EXAMPLES = sorted(path.parent.name for path in examples_folder().glob("*/answers.json"))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_repository_whose_poster_builds_before_its_first_run(example: str, tmp_path: Path) -> None:
    from projectkit.poster import build_poster

    folder = examples_folder() / example
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    root = create_project(answers, tmp_path)
    shutil.copytree(folder / "files", root, dirs_exist_ok=True)
    project = find_project(root)
    assert project is not None
    built = build_poster(root / "poster", project)
    assert built.pdf.is_file()
    assert built.warnings, "the places of a run's numbers are marked"


@pytest.mark.slow
def test_the_demo_leaves_a_finished_run_its_evaluations_one_look_and_a_poster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_to_be_had(name: str) -> list[Path]:
        raise WorkError("no network")

    monkeypatch.setattr(datasets, "fetch", nothing_to_be_had)
    screen = io.StringIO()
    root = run_demo(tmp_path, Console(file=screen, width=200))
    project = find_project(root)
    assert project is not None
    run = find_run("latest", project)
    assert run.part("data")["name"] == "digits"
    assert set(run.evaluations()) == {"test", "val"}
    assert run.evaluations()["test"]["metrics"]["accuracy"]["value"] > 0.9
    assert len(list(project.ledger.glob("*.json"))) == 1
    assert (project.results / run.id / "run.json").is_file()
    assert (root / "poster" / "build" / "poster.pdf").stat().st_size > 10_000
    shown = screen.getvalue()
    assert "digits, which comes with scikit-learn, because sms cannot be had here (no network)" in shown
    assert str(root) in shown.splitlines()[-2]
