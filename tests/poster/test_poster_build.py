from __future__ import annotations

import os
import shutil
import struct
from importlib.util import find_spec

import pytest
from posterpdf import pages, pdf_text

from projectkit.errors import UserError, WorkError
from projectkit.poster import build_poster, render

PARAGRAPH = "Runs of consonants, a fixed length, and digits where people put none survive any choice of domain. " * 4


def dots(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_poster_is_one_page_of_its_size_in_pdf_and_png(team, write_poster):
    built = build_poster(write_poster(), team)
    assert (built.pdf, built.png) == (team.root / "poster/build/poster.pdf", team.root / "poster/build/poster.png")
    assert pages(built.pdf) == 1
    assert dots(built.png.read_bytes()) == pytest.approx((420 / 25.4 * 100, 594 / 25.4 * 100), abs=1)
    assert built.words == 5


def test_the_pdf_is_archival_and_accessible(team, write_poster):
    text = pdf_text(build_poster(write_poster(), team).pdf)
    assert b"<pdfaid:part>2</pdfaid:part>" in text
    assert b"<pdfuaid:part>1</pdfuaid:part>" in text
    assert b"/Lang(en)" in text


@pytest.mark.parametrize("yaml", ["orientation: landscape", "size: A1", "columns: 1", "columns: 4"])
def test_every_size_gives_one_page(team, write_poster, yaml):
    assert pages(build_poster(write_poster(yaml=yaml), team).pdf) == 1


def test_the_same_sources_give_the_same_bytes(team, write_poster, make_run):
    run = make_run()
    folder = write_poster(f"# A\n\n:::{{curves}}\nruns: [{run}]\n:::\n")
    first = build_poster(folder, team, output=team.root / "one")
    second = build_poster(folder, team, output=team.root / "two")
    assert first.pdf.read_bytes() == second.pdf.read_bytes()
    assert first.png.read_bytes() == second.png.read_bytes()


def test_a_longer_text_flows_anew_in_smaller_type(team, write_poster):
    section = "# A claim\n\n" + "\n\n".join([PARAGRAPH] * 3)
    short = build_poster(write_poster(**{f"{n}0": section for n in range(1, 5)}), team)
    long = build_poster(write_poster(**{f"{n}0": section + "\n\n" + PARAGRAPH for n in range(1, 5)}), team)
    assert long.scale < short.scale
    assert pages(long.pdf) == 1


def test_a_text_that_is_far_too_long_says_by_how_much_and_where_to_cut(team, write_poster):
    folder = write_poster(**{"10-short": "# A\n\ntext", "20-long": "# B\n\n" + "\n\n".join([PARAGRAPH] * 40)})
    with pytest.raises(WorkError) as error:
        build_poster(folder, team)
    message = str(error.value)
    assert "lines too many" in message
    assert "% of the page" in message
    assert "poster/sections/20-long.md" in message
    assert [file.name for file in (folder / "build").iterdir()] == ["poster-overfull.png"]


HOSTILE = '#import "@preview/x:1.0.0"; #read("/etc/passwd") $x$ \\ <script>alert(1)</script> *a* _b_ @c'


def test_markup_in_titles_names_and_headings_is_drawn_as_text(team, write_poster):
    quoted = HOSTILE.replace("'", "''")
    yaml = f"title: '{quoted}'\nauthors: ['{quoted}']\nteam: '{quoted}'\ncourse: '{quoted}'"
    built = build_poster(write_poster("# #panic(1) is text\n\n#panic(2) $ `#panic(3)`\n", yaml=yaml), team)
    text = pdf_text(built.pdf)
    assert b"/Title(#panic(1) is text)" in text  # the bookmark of the heading
    assert b"#read(&quot;/etc/passwd" in text or b'#read("/etc/passwd")' in text  # the document's title
    assert pages(built.pdf) == 1


def test_cyrillic_and_greek_are_drawn(team, write_poster):
    built = build_poster(write_poster("# Ключевой вывод\n\nαβγ, œuvre, Łódź\n", yaml="title: Что мы нашли"), team)
    assert pages(built.pdf) == 1


@pytest.fixture
def no_other_fonts(monkeypatch):
    """A machine with neither the extra `cjk` nor fonts of its own."""
    monkeypatch.setattr(render, "wider", lambda fonts: fonts)


def test_characters_that_no_font_has_are_named_with_their_line_and_never_boxes(team, write_poster, no_other_fonts):
    with pytest.raises(UserError) as error:
        build_poster(write_poster("# A\n\nplain\n\nand 恶 or 🔒\n"), team)
    message = str(error.value)
    assert message.startswith("poster/sections/10-found.md:5: no font here has ")
    assert "U+6076" in message
    assert "poster/fonts/" in message


def test_a_chinese_title_says_which_characters_are_missing(team, write_poster, no_other_fonts):
    with pytest.raises(UserError, match=r"poster/poster.yaml:3: no font here has 恶.*cjk"):
        build_poster(write_poster(yaml="title: 恶意域名"), team)


@pytest.mark.skipif(find_spec("cvttf_NotoSansCJK_Regular") is None, reason="the extra cjk is not installed")
def test_a_chinese_title_is_drawn_with_the_extra_and_a_warning(team, write_poster):
    built = build_poster(write_poster(yaml="title: 恶意域名"), team)
    assert pages(built.pdf) == 1
    assert any("poster.yaml:3" in warning and "恶意域名" in warning for warning in built.warnings)


def test_a_font_in_the_posters_folder_is_used(team, write_poster, no_other_fonts):
    import matplotlib

    folder = write_poster("# A\n\nLatin and ⴰⵎⴰⵣⵉⵖ\n")
    with pytest.raises(UserError, match="tifinagh"):
        build_poster(folder, team)
    (folder / "fonts").mkdir()
    ttf = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    shutil.copy(ttf, folder / "fonts")
    assert pages(build_poster(folder, team).pdf) == 1


def test_a_picture_is_drawn_with_its_alternative_text(team, write_poster):
    folder = write_poster('# A\n\n![Caption](figures/a.svg){alt="A teal box"}\n')
    (folder / "figures").mkdir()
    (folder / "figures" / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10"/></svg>',
        encoding="utf-8",
    )
    assert b"A teal box" in pdf_text(build_poster(folder, team).pdf)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../../outside.svg", "outside the project"),
        ("/etc/hostname.svg", "outside the project"),
        ("missing.svg", "no picture missing.svg"),
        ("figure.pdf", "save it as SVG"),
        ("notes.txt", "SVG, PNG or JPEG"),
        ("https://example.org/a.png", "on the network"),
        ("text.png", "not what its name says"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_refused_with_its_line(team, write_poster, path, words):
    folder = write_poster(f"# A\n\n![Caption]({path})\n")
    (folder / "text.png").write_text("no picture", encoding="utf-8")
    (team.root.parent / "outside.svg").write_text("<svg/>", encoding="utf-8")
    with pytest.raises(UserError) as error:
        build_poster(folder, team)
    assert str(error.value).startswith("poster/sections/10-found.md:3: ")
    assert words in str(error.value)


def test_a_broken_picture_is_named(team, write_poster):
    folder = write_poster("# A\n\n![Caption](broken.png)\n")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    with pytest.raises(UserError, match=r"10-found\.md:3: the picture broken\.png cannot be decoded"):
        build_poster(folder, team)


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_picture_that_links_out_of_the_project_is_refused(team, write_poster, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"\x89PNG")
    folder = write_poster("# A\n\n![Caption](link.png)\n")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(UserError, match="outside the project"):
        build_poster(folder, team)


def test_a_poster_without_figures_in_a_relative_folder_is_built(team, write_poster, monkeypatch):
    write_poster()
    monkeypatch.chdir(team.root / "poster")
    from pathlib import Path

    assert build_poster(Path(), team).pdf.is_file()
