from __future__ import annotations

import os

import pytest

from projectkit.errors import UserError
from projectkit.figures.colours import contrast
from projectkit.poster.source.reading import read_poster
from projectkit.poster.themes.contrast import weak_contrasts
from projectkit.poster.themes.ours import THEMES
from projectkit.poster.themes.theme import COLOURS

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>'
COURSE = """\
extends: quiet
colours: {accent: "#5B2A86"}
fonts: {title: "New Computer Modern"}
logos:
  - {file: logos/course.svg, alt: "The course's mark"}
required: [question, results]
"""


@pytest.fixture
def course_theme():
    """A function that writes a theme's folder."""

    def write(folder, text=COURSE):
        (folder / "logos").mkdir(parents=True, exist_ok=True)
        (folder / "logos" / "course.svg").write_text(LOGO, encoding="utf-8")
        (folder / "theme.yaml").write_text(text, encoding="utf-8")
        return folder

    return write


def theme_of(folder, team):
    return read_poster(folder, team.root).theme


@pytest.mark.parametrize("name", list(THEMES))
def test_each_of_our_themes_has_every_colour_and_contrast_enough(team, write_poster, name):
    theme = theme_of(write_poster(yaml=f"theme: {name}"), team)
    assert theme.name == name
    assert set(theme.colours) == set(COLOURS)
    assert list(weak_contrasts(theme)) == []


def test_the_theme_of_high_contrast_has_twelve_to_one_in_every_pair(team, write_poster):
    colours = THEMES["contrast"].colours
    pairs = [("ink", "paper"), ("muted", "paper"), ("muted", "tint"), ("accent", "tint"), ("faint-on-accent", "accent")]
    assert min(contrast(colours[one], colours[other]) for one, other in pairs) >= 12


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the known grey just below 4.5
    assert contrast("#0d4f8b", "#0d4f8b") == 1


def test_a_courses_theme_is_a_folder_of_ten_lines(team, write_poster, course_theme):
    folder = write_poster(yaml="theme: ./theme")
    course_theme(folder / "theme")
    theme = theme_of(folder, team)
    assert (theme.name, theme.header, theme.arrangement) == ("theme", "open", "columns")
    assert theme.colours["accent"] == "#5b2a86"
    assert theme.fonts["title"] == "New Computer Modern"
    assert theme.fonts["text"] == THEMES["quiet"].fonts["text"]
    assert theme.required == ("question", "results")
    assert [logo.alt for logo in theme.logos] == ["The course's mark"]
    assert theme.file == "poster/theme/theme.yaml"


@pytest.mark.parametrize("accent", ["#0b6e4f", "#ffd500", "#111111", "#f2a1c4"])
def test_an_accent_alone_brings_what_can_be_read_on_it(team, write_poster, course_theme, accent):
    folder = write_poster(yaml="theme: ./theme")
    course_theme(folder / "theme", f'colours: {{accent: "{accent}"}}')
    weak = {(pair.colour, pair.on) for pair in weak_contrasts(theme_of(folder, team))}
    assert not weak & {("on-accent", "accent"), ("faint-on-accent", "accent"), ("ink", "tint")}


def test_three_colours_make_a_dark_theme_that_can_be_read(team, write_poster, course_theme):
    folder = write_poster(yaml="theme: ./theme")
    course_theme(folder / "theme", 'colours: {paper: "#10161c", ink: "#e8eef3", accent: "#7fc8ff"}')
    theme = theme_of(folder, team)
    assert list(weak_contrasts(theme)) == []
    assert theme.colours["on-accent"] == "#000000"


def test_a_weak_colour_is_named_with_what_is_drawn_in_it(team, write_poster, course_theme):
    folder = write_poster(yaml="theme: ./theme")
    course_theme(folder / "theme", 'colours: {muted: "#aaaaaa"}')
    weak = list(weak_contrasts(theme_of(folder, team)))
    assert [(pair.colour, pair.on, pair.what) for pair in weak] == [
        ("muted", "paper", "captions"),
        ("muted", "tint", "captions in boxes"),
    ]
    assert weak[0].ratio == pytest.approx(2.32, abs=0.01)


def test_a_shared_folder_of_themes_is_found_by_name(team, write_poster, course_theme, tmp_path, monkeypatch):
    course_theme(tmp_path / "shared" / "our-course")
    monkeypatch.setenv("PROJECTKIT_THEMES", str(tmp_path / "shared"))
    theme = theme_of(write_poster(yaml="theme: our-course"), team)
    assert (theme.name, len(theme.logos)) == ("our-course", 1)


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("theme: clasic", "did you mean 'classic'?"),
        ("theme: theme", "write ./theme"),
        ("theme: ../../elsewhere", "outside the project"),
        ("theme: /etc/", "outside the project"),
        ("theme: ./nothing", "no theme.yaml"),
        ("theme: ..", "there is no theme '..'"),
        ("logos: ours.svg", "not a list"),
        ("logos: [{file: a.svg}]", "a file and an alternative text"),
        ("logos: [{file: a.svg, alt: ''}]", "a file and an alternative text"),
        ("logos: [{file: a.svg, alt: A}]", "there is no logo a.svg"),
        ("logos: [{file: ../../outside.svg, alt: A}]", "lies outside"),
        ("logos: [{file: a, alt: A}, {}, {}, {}, {}, {}, {}]", "7 logos"),
    ],
)
def test_a_theme_or_logo_that_cannot_be_had_is_named_with_its_place(team, write_poster, course_theme, yaml, words):
    folder = write_poster(yaml=yaml)
    course_theme(folder / "theme")
    (team.root.parent / "outside.svg").write_text(LOGO, encoding="utf-8")
    course_theme(team.root.parent / "elsewhere")
    with pytest.raises(UserError) as error:
        theme_of(folder, team)
    assert str(error.value).startswith("poster/poster.yaml:4")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("extends: clasic", ":1:", "did you mean 'classic'?"),
        ("\ncolors: {}", ":2:", "did you mean 'colours'?"),
        ("colours: {acent: '#000000'}", ":1:11", "did you mean 'accent'?"),
        ("colours:\n  accent: #7a1f2b", ":2:", "starts a comment"),
        ("colours: {accent: red}", ":1:", "six digits"),
        ("colours: [red]", ":1:", "not a mapping"),
        ("fonts: {title: 3}", ":1:", "name of a font family"),
        ("arrangement: rows", ":1:", "billboard"),
        ("logos: [{file: ../a.svg, alt: A}]", ":1:", "lies outside"),
    ],
)
def test_a_themes_mistake_is_named_with_its_line(team, write_poster, course_theme, text, place, words):
    folder = write_poster(yaml="theme: ./theme")
    course_theme(folder / "theme", text)
    with pytest.raises(UserError) as error:
        theme_of(folder, team)
    assert str(error.value).startswith(f"poster/theme/theme.yaml{place}")
    assert words in str(error.value)


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_theme_that_leads_out_of_the_project_is_refused(team, write_poster, course_theme, tmp_path):
    outside = course_theme(tmp_path / "outside")
    folder = write_poster(yaml="theme: ./theme")
    (folder / "theme").symlink_to(outside)
    with pytest.raises(UserError, match="outside the project"):
        theme_of(folder, team)


def test_a_folder_of_themes_that_is_not_there_is_named(team, write_poster, monkeypatch):
    monkeypatch.setenv("PROJECTKIT_THEMES", "/nowhere/at/all")
    with pytest.raises(UserError, match="PROJECTKIT_THEMES=/nowhere/at/all: no such folder"):
        theme_of(write_poster(yaml="theme: our-course"), team)
