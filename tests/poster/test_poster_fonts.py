from __future__ import annotations

import os
import re
import shutil

import pytest
from posterpdf import pages

from projectkit.errors import UserError
from projectkit.figures.fonts import FALLBACK, beside, families
from projectkit.poster import build_poster, render
from projectkit.poster.typesetting import fonts as poster_fonts
from projectkit.poster.typesetting.fonts import packages_for

RIGHT_TO_LEFT = {
    "ar": "الحروف تكشف رسائل التصيّد",
    "fa": "حروف، پیامک‌های فیشینگ را آشکار می‌کنند",
    "ur": "حروف دھوکے کے پیغامات کو ظاہر کرتے ہیں",
    "he": "האותיות מסגירות הודעות דיוג",
}


@pytest.fixture
def nothing_else(monkeypatch):
    """A machine with no font but the bundled ones."""
    monkeypatch.setattr(render, "wider", lambda fonts: fonts)


def words_of(pdf):
    import pdfplumber

    with pdfplumber.open(pdf) as document:
        (page,) = document.pages
        return page.width, page.extract_words(extra_attrs=["fontname", "size"])


@pytest.mark.parametrize("language", RIGHT_TO_LEFT)
def test_a_poster_written_from_the_right_is_set_in_a_bundled_font(team, write_poster, nothing_else, language):
    text = RIGHT_TO_LEFT[language]
    yaml = f"title: '{text}'\nlanguage: {language}\nteam: '{text}'"
    built = build_poster(write_poster(f"# {text}\n\n{text}.\n\n- {text}\n", yaml=yaml), team)
    assert pages(built.pdf) == 1
    assert not any("font" in warning for warning in built.warnings)
    wanted = "Assistant" if language == "he" else "NotoSansArabic"
    assert {re.sub(r"^\w+\+", "", word["fontname"]).split("-")[0] for word in words_of(built.pdf)[1]} >= {wanted}


def test_what_is_written_from_the_right_starts_at_the_right(team, write_poster):
    title = RIGHT_TO_LEFT["he"]
    width, words = words_of(build_poster(write_poster(yaml=f"title: '{title}'\nlanguage: he"), team).pdf)
    largest = max(word["size"] for word in words)
    headline = [word for word in words if word["size"] == largest]
    assert max(word["x1"] for word in headline) > 0.9 * width
    assert min(word["x0"] for word in headline) > 0.2 * width


def test_columns_of_a_language_written_from_the_right_start_at_the_right(team, write_poster):
    sections = {f"{n}0": f"# {mark * 3}\n\n" + f"{mark * 4} " * 60 for n, mark in enumerate("אבגד", start=1)}
    folder = write_poster(yaml="language: he\ncolumns: 2", **sections)
    width, words = words_of(build_poster(folder, team).pdf)
    middle = {
        mark: sum(word["x0"] for word in found) / len(found)
        for mark in "אד"
        if (found := [word for word in words if set(word["text"]) == {mark}])
    }
    assert middle["א"] > width / 2 > middle["ד"]


def test_numbers_keep_their_order_in_a_text_written_from_the_right(team, write_poster, make_run):
    run = make_run()
    folder = write_poster(f"# א\n\n:::{{results}}\nruns: [{run}]\nmetrics: [f1_macro]\n:::\n", yaml="language: he")
    words = [word["text"] for word in words_of(build_poster(folder, team).pdf)[1]]
    assert "0.814–0.854" in words
    assert run in words


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("ខ្មែរ", "fontpkg-noto-sans-khmer"),
        ("ไทย", "fontpkg-noto-sans-thai"),
        ("தமிழ்", "fontpkg-noto-sans-tamil"),
        ("한국어", "cvttf-notosanscjk-regular"),
        ("ひらがな", "cvttf-notosanscjk-regular"),
    ],
)
def test_a_script_that_is_not_bundled_names_the_package_that_has_it(team, write_poster, nothing_else, text, package):
    with pytest.raises(UserError) as error:
        build_poster(write_poster(yaml=f"title: '{text}'"), team)
    assert str(error.value).startswith("poster/poster.yaml:3: no font here has ")
    assert f"pip install {package}" in error.value.remedy
    assert "poster/fonts/" in error.value.remedy


def test_no_package_is_named_for_a_script_that_none_of_them_has():
    assert packages_for("ⴰⵎ a") == []


def named_classes(team, run, names):
    """Rename the classes of a run's evaluation."""
    import json

    path = team.runs / run / "evaluation" / "val.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**written, "class_names": names}), encoding="utf-8")


def boxes_named(path, characters):
    """Write a font whose letters are all the same square."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    for point in ((0, 0), (0, 700), (500, 700), (500, 0)):
        (pen.moveTo if point == (0, 0) else pen.lineTo)(point)
    pen.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "square"])
    font.setupCharacterMap({ord(character): "square" for character in characters})
    font.setupGlyf({".notdef": pen.glyph(), "square": pen.glyph()})
    font.setupHorizontalMetrics({".notdef": (600, 0), "square": (600, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Squares", "styleName": "Regular", "psName": "Squares-Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


def test_a_character_that_a_figure_could_only_show_as_a_box_is_an_error(team, write_poster, make_run, nothing_else):
    run = make_run()
    named_classes(team, run, ["ham", "spam", "ไทย"])
    with pytest.raises(UserError, match=r"no font here has ไ.*fontpkg-noto-sans-thai"):
        build_poster(write_poster(f"# A\n\n:::{{figure}}\nrun: {run}\nname: confusion\n:::\n"), team)


def test_a_font_in_the_posters_folder_serves_its_figures_too(team, write_poster, make_run, nothing_else):
    run = make_run()
    named_classes(team, run, ["ham", "spam", "ไทย"])
    folder = write_poster(f"# A\n\n:::{{figure}}\nrun: {run}\nname: confusion\n:::\n")
    (folder / "fonts").mkdir()
    boxes_named(folder / "fonts" / "own.ttf", "ไทย")
    assert pages(build_poster(folder, team).pdf) == 1


def test_families_beside_ours_come_last_and_leave_with_their_context(tmp_path):
    import matplotlib

    shutil.copy(f"{matplotlib.get_data_path()}/fonts/ttf/cmr10.ttf", tmp_path)
    before = families()
    with beside([tmp_path]):
        assert families() == (*before, "cmr10")
    assert families() == before
    assert FALLBACK in before


def test_a_themes_font_that_is_not_here_is_named_with_the_nearest(team, write_poster):
    folder = write_poster(yaml="theme: ./theme")
    (folder / "theme").mkdir()
    (folder / "theme" / "theme.yaml").write_text("fonts: {title: Libertinus Serf}", encoding="utf-8")
    with pytest.raises(UserError) as error:
        build_poster(folder, team)
    assert str(error.value).startswith("poster/theme/theme.yaml: the theme's font for title is 'Libertinus Serf'")
    assert "did you mean 'Libertinus Serif'?" in error.value.remedy


def test_a_themes_font_file_is_used(team, write_poster):
    import matplotlib

    folder = write_poster(yaml="theme: ./theme")
    (folder / "theme" / "fonts").mkdir(parents=True)
    shutil.copy(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSerif-Bold.ttf", folder / "theme" / "fonts")
    (folder / "theme" / "theme.yaml").write_text("fonts: {title: DejaVu Serif}", encoding="utf-8")
    words = words_of(build_poster(folder, team).pdf)[1]
    assert any("DejaVuSerif" in word["fontname"] for word in words if word["text"] == "title")


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_font_that_leads_out_of_the_project_is_refused(team, write_poster, tmp_path):
    import matplotlib

    folder = write_poster()
    (folder / "fonts").mkdir()
    (folder / "fonts" / "a.ttf").symlink_to(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    with pytest.raises(UserError, match=r"poster/fonts/a.ttf: leads out of its folder"):
        build_poster(folder, team)


def test_a_machine_without_the_extra_goes_on_without_it(monkeypatch):
    monkeypatch.setattr(poster_fonts, "_CJK", ("no-such-distribution", "no_such_folder"))
    assert poster_fonts.wider(poster_fonts.Fonts(())) == poster_fonts.Fonts((), system=True)
