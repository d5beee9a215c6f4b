"""Whatever a team writes, or links to, is data: it is drawn as text, or it is an error of one line, in good time."""

from __future__ import annotations

import errno
import os
import time

import pytest

from projectkit.errors import UserError, WorkError, one_line
from projectkit.poster import build, build_poster
from projectkit.poster.markup.bibliography import read_bibliography
from projectkit.poster.markup.markdown import parse
from projectkit.poster.source.reading import read_poster


def refused(team, folder) -> str:
    with pytest.raises(UserError) as error:
        build_poster(folder, team)
    return str(error.value)


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        (r'title: "a\0b"', "U+0000"),
        (r'subtitle: "a\x1b[31mb"', "U+001B"),
        (r'logos: [{file: "a\0b.svg", alt: x}]', "lies outside"),
        (r'theme: "./a\0b"', "U+0000"),
        (f"theme: ./{'a' * 5000}", "theme.yaml"),
        (f"theme: {'a' * 5000}", "there is no theme"),
        (f"logos: [{{file: {'a' * 5000}.svg, alt: x}}]", "there is no logo"),
        (f"affiliation: {'w' * 20_000}", "20_000 characters"),
        (f"repository: https://{'w' * 600}", "608 characters"),
        (r'repository: "https://a.b/\n<script>"', "control character"),
        ("links: {Code: https://a.b/c d}", "a space"),
    ],
)
def test_a_hostile_key_is_refused_at_its_place(team, write_poster, yaml, words):
    said = refused(team, write_poster(yaml=yaml))
    assert said.startswith("poster/poster.yaml:")
    assert words in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("![x](a%00.png)", "lies outside"),
        (f"![x]({'a' * 5000}.png)", "there is no picture"),
        (f"[x](https://{'a' * 9000})", "a link of 9_008 characters"),
        ("a\x1b[31mb", "U+001B"),
        (":::{row}\n" * 5000, "row inside a row"),
        ("a\ufffeb", "U+FFFE"),
    ],
)
def test_a_hostile_text_is_refused_at_its_line(team, write_poster, text, words):
    said = refused(team, write_poster(f"# Found\n\n{text}\n"))
    assert said.startswith("poster/sections/10-found.md:")
    assert words in said


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
@pytest.mark.parametrize(
    "make",
    [
        lambda path: os.mkfifo(path),  # noqa: PLW0108 -- not there on Windows
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("nowhere.md"),
        lambda path: path.symlink_to("20.md"),
    ],
    ids=["pipe", "folder", "dangling link", "loop of links"],
)
def test_a_section_that_is_no_file_is_named(team, write_poster, make):
    folder = write_poster()
    make(folder / "sections" / "20.md")
    assert refused(team, folder).startswith("poster/sections/20.md: ")


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_picture_in_a_loop_of_links_lies_nowhere(team, write_poster):
    folder = write_poster("# Found\n\n![x](a.png)\n")
    (folder / "a.png").symlink_to("a.png")
    assert "lies outside the project" in refused(team, folder)


@pytest.mark.skipif(os.name != "posix", reason="names of files are text elsewhere")
def test_a_section_whose_name_is_no_text_is_named_all_the_same(team, write_poster):
    folder = write_poster()
    name = os.fsencode(folder / "sections") + b"/20-\xff.md"
    try:
        with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123 -- pathlib takes no bytes
            file.write("# Found more\n\nIt works.\n")
    except OSError:
        pytest.skip("this file system takes names of text only")
    assert read_poster(folder, team.root).sections[1].file == r"poster/sections/20-\xff.md"


def test_spaces_between_authors_are_read_in_one_go():
    authors = f"Ada Lovelace {' ' * 100_000}and{' ' * 100_000} Grace Hopper"
    began = time.process_time()
    found = read_bibliography(f"@article{{k, title={{T}}, author={{{authors}}}}}", "a.bib")
    assert found["k"].authors == "Lovelace & Hopper"
    assert time.process_time() - began < 5  # CPU time; it was 40 s


@pytest.mark.parametrize("end", ["", "--> x", "-->"])
def test_comments_that_are_never_closed_are_read_in_one_go(end):
    began = time.process_time()
    parse("# A\n\n" + "<!--\n" * 9000 + end, "a.md")
    assert time.process_time() - began < 10  # CPU time; it was 40 s


def test_a_hundred_long_sections_are_refused_before_they_are_set(team, write_poster):
    sections = {f"{number}-a": f"# Found\n\n{'word ' * 9000}\n" for number in range(10, 20)}
    assert refused(team, write_poster(**sections)).startswith("poster/sections/12-a.md: ")


def test_what_is_said_cannot_speak_to_a_terminal():
    assert one_line("a\x1b[31m\n b\u202ec\x9b") == "a\ufffd[31m b\ufffdc\ufffd"
    assert str(UserError("\x1b]0;title\x07")) == "\ufffd]0;title\ufffd"


def test_typst_in_a_text_is_text():
    written = '#eval("1") #read("/etc/passwd") #import "x.typ": * \\#x <label>'
    (block,) = parse(written, "a.md")
    assert block["children"][0]["text"].startswith("#eval(")


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_the_teams_own_build_folder_leads_nowhere_else(team, write_poster, tmp_path):
    folder, elsewhere = write_poster(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "build").symlink_to(elsewhere)
    assert refused(team, folder).startswith("poster/build: leads out of the project; ")
    assert list(elsewhere.iterdir()) == []
    assert build_poster(folder, team, output=folder / "build").pdf.is_file()  # who names a folder means it


@pytest.mark.parametrize("content", [b"", b"not a font at all"])
def test_a_font_that_is_none_is_named(team, write_poster, content):
    folder = write_poster()
    (folder / "fonts").mkdir()
    (folder / "fonts" / "a.ttf").write_bytes(content)
    assert refused(team, folder).startswith("poster/fonts/a.ttf: is no font; ")


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_among_the_fonts_is_not_waited_for(team, write_poster):
    folder = write_poster()
    (folder / "fonts").mkdir()
    os.mkfifo(folder / "fonts" / "a.ttf")
    assert refused(team, folder).startswith("poster/fonts/a.ttf: is no font; ")


def test_a_damaged_font_stops_no_poster_that_can_do_without_it(team, write_poster):
    folder = write_poster()
    (folder / "fonts").mkdir()
    (folder / "fonts" / "a.ttf").write_bytes(b"\0\1\0\0" + bytes(range(200)))
    assert build_poster(folder, team).pdf.is_file()


@pytest.mark.parametrize("taken", ["build", "build/poster.pdf", "build/poster-overfull.png"])
def test_a_place_that_cannot_be_written_is_one_line(team, write_poster, taken):
    folder = write_poster()
    if taken == "build":
        (folder / taken).write_text("a file", encoding="utf-8")
    else:
        (folder / taken).mkdir(parents=True)
    with pytest.raises(WorkError, match="cannot be written"):
        build_poster(folder, team)
    assert not [file for file in folder.rglob("*.new") if file.is_file()]


def test_a_full_disk_leaves_the_old_files(team, write_poster, monkeypatch):
    folder = write_poster()
    built = build_poster(folder, team)
    before = {file: file.read_bytes() for file in built.files}
    (folder / "sections" / "10-found.md").write_text("# Found\n\nSomething else.\n", encoding="utf-8")
    write = build.atomic_write

    def full(path, content, **options):
        if "thumbnail" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, content, **options)

    monkeypatch.setattr(build, "atomic_write", full)
    with pytest.raises(WorkError, match="No space left"):
        build_poster(folder, team)
    assert {file: file.read_bytes() for file in built.files} == before
    assert sorted(path.name for path in built.folder.iterdir()) == sorted(file.name for file in built.files)


def test_a_photograph_of_a_print_shop_is_named(team, write_poster):
    from PIL import Image

    folder = write_poster("# Found\n\n![x](a.jpg)\n")
    Image.new("CMYK", (300, 200)).save(folder / "a.jpg")
    assert "CMYK" in refused(team, folder)


def test_a_matplotlibrc_where_one_stands_changes_no_figure():
    import matplotlib as mpl

    from projectkit.figures.style import new_figure, style, svg_bytes

    def drawn() -> bytes:
        with style():
            figure = new_figure((60, 40))
            figure.subplots().set_title("spam")
        return svg_bytes(figure)

    plain = drawn()
    with mpl.rc_context({"text.usetex": True, "axes.titlepad": 30, "svg.image_inline": False}):
        assert drawn() == plain
