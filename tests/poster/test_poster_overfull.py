from __future__ import annotations

import io
import re

import pytest
from posterpdf import pages

from projectkit.errors import WorkError
from projectkit.poster import build_poster
from projectkit.poster.overfull import preview, told
from projectkit.poster.render import rendered

SENTENCE = "Runs of consonants, a fixed length, and digits where people put none survive any choice of domain. "
SECTIONS = {"10-question": 4, "20-data": 6, "30-method": 10, "40-results": 6}


@pytest.fixture
def write_long(write_poster):
    """A function that writes a poster of four sections that fill two thirds of the page, or so many `times` that."""

    def write(times: float, *, yaml: str = "", **more: str):
        sections = {}
        for name, paragraphs in SECTIONS.items():
            body = "\n\n".join([(SENTENCE * 20)[: round(180 * times)]] * paragraphs)
            sections[name] = f"# What {name} says\n\n{body}\n{more.get(name, '')}"
        return write_poster(yaml=yaml, **sections)

    return write


@pytest.fixture
def picture(team):
    """A picture that is drawn as tall as a column is wide."""
    folder = team.root / "poster" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><rect width="20" height="20"/></svg>'
    (folder / "a.svg").write_text(svg, encoding="utf-8")
    return "\n![What can be seen](figures/a.svg)\n"


def shortened(folder, name, lines, characters):
    """Cut about so many lines of a section, from its paragraphs in turn."""
    file = folder / "sections" / f"{name}.md"
    heading, *paragraphs = file.read_text(encoding="utf-8").strip().split("\n\n")
    each = -(-lines // len(paragraphs)) * characters
    cut = [paragraph[: max(len(paragraph) - each, 30)] for paragraph in paragraphs]
    file.write_text("\n\n".join([heading, *cut]) + "\n", encoding="utf-8")


def test_a_text_a_third_longer_flows_anew_on_one_page(team, write_long):
    first = build_poster(write_long(1.0), team)
    second = build_poster(write_long(1.3), team)
    assert second.scale <= first.scale
    assert pages(second.pdf) == 1
    assert second.slack < 1 / 3


def test_a_text_of_three_times_the_length_fails_with_the_lines_the_sections_and_the_cuts(team, write_long):
    with pytest.raises(WorkError) as error:
        build_poster(write_long(4.0), team)
    message = str(error.value)
    assert re.search(
        r"needs \d{3}% of the page at the smallest size that can be read: about \d+ lines too many", message
    )
    assert "longest is poster/sections/30-method.md" in message
    total, parts = re.search(r"cut (\d+) lines in all: (\d+ of 10-question\.md[^;]*?)(?:, or|$)", message).groups()
    assert int(total) == sum(map(int, re.findall(r"(\d+) of", parts)))
    assert "\n" not in message


def test_cutting_what_it_says_makes_it_fit(team, write_long):
    folder = write_long(1.9)
    with rendered(folder, team) as found:
        assert found.excess is not None
        cuts = told(found).cuts
    everywhere = next(cut for cut in cuts if "in all" in cut)
    parts = {name: int(lines) for lines, name in re.findall(r"(\d+) of (\S+?)\.md", everywhere)}
    assert set(parts) == set(SECTIONS)
    for name, lines in parts.items():
        shortened(folder, name, lines, characters=60)
    assert pages(build_poster(folder, team).pdf) == 1


def test_a_cut_of_one_section_is_named_where_that_would_do(team, write_long):
    with rendered(write_long(1.65), team) as found:
        assert found.excess is not None
        cut = told(found)
    lines = {int(match[1]) for one in cut.cuts if (match := re.fullmatch(r"cut (\d+) lines of \S+\.md", one))}
    assert lines
    assert min(lines) >= cut.lines / 2


def test_a_figure_whose_place_would_do_is_named_with_its_line(team, write_long, picture):
    folder = write_long(1.3, **{"30-method": picture, "40-results": picture})
    with rendered(folder, team) as found:
        assert found.excess is not None
        cuts = told(found).cuts
    taken = next(match for one in cuts if (match := re.match(r"take out the figure at poster/(\S+):(\d+)", one)))
    lines = (folder / taken[1]).read_text(encoding="utf-8").splitlines()
    assert lines[int(taken[2]) - 1].startswith("![What")


def test_where_large_blocks_leave_gaps_it_says_so_and_counts_what_must_go(team, write_poster):
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 24  # more than half a column: the third has no place
    with rendered(write_poster(f"# A claim\n\n{table}\n\n{table}\n\n{table}", yaml="columns: 2"), team) as found:
        assert found.excess is not None
        cut = told(found)
    assert cut.lines > 3 * found.excess.lines
    assert f"about {cut.lines} lines too many, as large blocks leave gaps in the columns" in cut.what
    assert re.fullmatch(r"take out the table at poster/sections/10-found\.md:\d+", cut.remedy)


def test_short_items_are_cut_whole(team, write_poster):
    items = "\n".join("- Three short words" for _ in range(60))
    with rendered(write_poster(**{f"{number}0": f"# A\n\n{items}" for number in range(1, 5)}), team) as found:
        assert found.excess is not None
        cuts = told(found).cuts
    assert any(re.match(r"cut \d+ lines in all: \d+ of 10\.md", one) for one in cuts)


def test_a_text_of_many_pages_is_told_in_a_line_too(team, write_poster):
    section = "# A\n\n" + "\n\n".join([SENTENCE] * 130)
    folder = write_poster(**{f"{number}0": section for number in range(1, 7)})
    with rendered(folder, team) as found:
        assert found.excess is not None
        cut = told(found)
    assert cut.share > 5
    assert cut.cuts == ("cut more than half of it: this is the content of several posters",)


def test_a_block_that_is_taller_than_a_column_is_named_with_what_has_room(team, write_poster):
    folder = write_poster(f"# A\n\ntext\n\n{SENTENCE * 200}\n")
    with pytest.raises(
        WorkError, match=r"10-found\.md:5: this text is taller than a column.*\d+ lines, where \d+ have room"
    ):
        build_poster(folder, team)


def test_a_table_that_is_wider_than_a_column_is_told_which_columns_to_try(team, write_poster):
    row = "|" + " 9f8e7d6c5b4a3f2e1d |" * 9
    more = "\n\nA paragraph.\n\nAnother one.\n"
    table = "\n".join([row, "|" + "---|" * 9, row])
    with pytest.raises(WorkError, match=r"10-found\.md:5: this table is wider.*write columns: \d in poster\.yaml"):
        build_poster(write_poster(f"# A\n\ntext\n\n{table}\n{more}"), team)


def test_a_word_that_is_wider_than_a_column_is_never_set_over_the_next_one(team, write_poster):
    folder = write_poster(
        "# Merkmalsvektoren\n\ntext\n\n# Trainingsdatensatz\n\ntext\n", yaml="columns: 5\nsize: 250x500 mm"
    )
    with pytest.raises(WorkError, match=r"10-found\.md:\d: a word here is wider than a column.*write columns: 4"):
        build_poster(folder, team)


def test_the_preview_is_longer_than_the_sheet_and_red_below_its_end(team, write_long):
    from PIL import Image

    with rendered(write_long(3.0), team) as found:
        image = Image.open(io.BytesIO(preview(found))).convert("RGB")
        page = found.composed.document["page"]
    assert image.height / image.width > 1.2 * page["height"] / page["width"]
    red, green, blue = image.getpixel((3, round(image.height * 0.9)))
    assert red > green + 10
    assert red > blue + 10
    assert image.getpixel((3, 3))[0] > 2 * image.getpixel((3, 3))[2]  # the notice
    above = image.getpixel((3, round(image.width * 0.6)))
    assert max(above) - min(above) < 8


def test_an_overfull_build_leaves_the_preview_and_the_old_files_and_a_good_one_takes_it_away(team, write_long):
    folder = write_long(1.0)
    old = build_poster(folder, team).pdf.read_bytes()
    write_long(4.0)
    with pytest.raises(WorkError):
        build_poster(folder, team)
    assert (folder / "build" / "poster.pdf").read_bytes() == old
    assert (folder / "build" / "poster-overfull.png").is_file()
    write_long(1.0)
    build_poster(folder, team)
    assert not (folder / "build" / "poster-overfull.png").exists()
