from __future__ import annotations

import subprocess
import sys

import pytest
from posterpdf import pages, pdf_text

from projectkit.poster import build_poster, init_poster, starter
from projectkit.poster.source.reading import read_poster


def test_a_new_poster_builds_before_the_first_run(team):
    init_poster(team.root, title="Our project", authors=["A. B."], course="Deep Learning", team="Team")
    built = build_poster(team.root / "poster", team)
    assert pages(built.pdf) == 1
    assert len(built.warnings) == 5
    assert built.slack < 0.1


def test_a_new_poster_builds_with_the_first_run(team, make_run):
    run = make_run()
    evaluation = team.runs / run / "evaluation" / "val.json"
    text = evaluation.read_text(encoding="utf-8")
    more = '"f1_macro": {"value": 0.8}, "balanced_accuracy": {"value": 0.8}, "accuracy": {"value": 0.9}, "x":'
    evaluation.write_text(text.replace('"f1_macro":', more, 1), encoding="utf-8")
    init_poster(team.root)
    built = build_poster(team.root / "poster", team)
    assert built.warnings == ()
    assert pages(built.pdf) == 1


def test_what_is_there_is_never_overwritten(tmp_path):
    written = init_poster(tmp_path)
    mine = tmp_path / "poster" / "sections" / "10-question.md"
    mine.write_text("mine", encoding="utf-8")
    gone = tmp_path / "poster" / "sections" / "20-data.md"
    gone.unlink()
    assert set(written) >= {mine, gone, tmp_path / "poster" / "poster.yaml"}
    assert init_poster(tmp_path) == [gone]
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "title",
    [
        "Say \"yes\": #1 'quoted' {{ cookiecutter.x }} <title> <authors> \\n",
        "Что мы нашли — 恶意域名 🔒",
        "two\nlines, a \u2028 and a \u200e",
        "- [a, {b: c}]",
    ],
)
def test_any_title_and_name_survive_the_yaml(team, title):
    init_poster(team.root, title=title, authors=[title, "B"], course=title, team=title)
    poster = read_poster(team.root / "poster", team.root)
    assert poster.title == title.strip()
    assert poster.authors[0].name == title.strip()
    assert (poster.course, poster.team) == (title.strip(), title.strip())


def test_it_is_loaded_by_its_path_with_the_standard_library_alone(tmp_path):
    script = (
        "import importlib.util, pathlib, sys\n"
        f"spec = importlib.util.spec_from_file_location('starter', {starter.__file__!r})\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        f"print(len(module.init_poster(pathlib.Path({str(tmp_path)!r}))))\n"
        "assert not any(name.startswith('projectkit') for name in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "6"


def test_the_room_is_cheap_to_import():
    script = "import sys, projectkit.poster; print(sorted({'torch', 'typst', 'matplotlib', 'markdown_it', 'omegaconf'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_title_reaches_the_pdf(team):
    init_poster(team.root, title="Seeds & <b>names</b>")
    assert b"Seeds &amp; &lt;b&gt;names&lt;/b&gt;" in pdf_text(build_poster(team.root / "poster", team).pdf)
