from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from posterpdf import pages

from projectkit.poster import build_poster
from projectkit.poster.directives import found
from projectkit.poster.source.reading import read_poster

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = sorted(folder.name for folder in (DOCS / "posters").iterdir())


@pytest.fixture
def no_runs_yet(monkeypatch):
    """Every run is one that is still to come."""

    def none(ref, project):
        raise found.NoRunYetError

    monkeypatch.setattr(found, "find_run", none)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_poster_builds_before_its_runs_are_there(team, name, no_runs_yet):
    shutil.copytree(DOCS / "posters" / name, team.root / "poster")
    built = build_poster(team.root / "poster", team)
    assert pages(built.pdf) == 1
    assert read_poster(team.root / "poster", team.root).code_target
    assert any("run" in warning for warning in built.warnings)


def test_the_examples_show_every_arrangement_both_directions_and_each_theme():
    themes, languages = set(), set()
    for name in EXAMPLES:
        poster = read_poster(DOCS / "posters" / name, DOCS)
        themes.add(poster.theme.name)
        languages.add(poster.language)
    assert themes == {"classic", "billboard", "contrast", "quiet"}
    assert languages == {"en", "ar"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_has_a_small_picture(name):
    from PIL import Image

    path = DOCS / "images" / "posters" / f"{name}.png"
    assert path.stat().st_size <= 150_000
    with Image.open(path) as picture:
        assert max(picture.size) >= 1000
