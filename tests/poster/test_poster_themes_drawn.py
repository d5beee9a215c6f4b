"""What themes look like, read back from the PDF and its pixels."""

from __future__ import annotations

import io

import pytest
from posterpdf import pages, pdf_text

from projectkit.errors import UserError
from projectkit.poster import build_poster
from projectkit.poster.themes.ours import THEMES

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="20"><rect width="{w}" height="20"/></svg>'
TEXT = "# What we found\n\n" + "Runs of consonants and digits where people put none survive. " * 12
ADDRESS = "https://example.org/team-7/project"


@pytest.fixture
def build(team, write_poster):
    """A function that builds a poster with the given poster.yaml and gives its page as pdfplumber sees it."""
    import pdfplumber

    def built(yaml="", text=TEXT):
        done = build_poster(write_poster(text, yaml=yaml), team)
        assert pages(done.pdf) == 1
        document = pdfplumber.open(done.pdf)
        return document.pages[0], done

    return built


def words(page):
    return page.extract_words(extra_attrs=["size"])


def rgb(colour):
    return tuple(round(int(colour[at : at + 2], 16) / 255, 3) for at in (1, 3, 5))


def filled(page, colour):
    """The boxes that are filled with a colour, largest first."""
    found = [
        box
        for box in (*page.rects, *page.curves)
        if box["fill"] and isinstance(box["non_stroking_color"], tuple) and len(box["non_stroking_color"]) in (1, 3)
        for parts in [box["non_stroking_color"] * (3 if len(box["non_stroking_color"]) == 1 else 1)]
        if parts == pytest.approx(rgb(colour), abs=0.006)
    ]
    return sorted(found, key=lambda box: -box["width"] * box["height"])


@pytest.mark.parametrize("orientation", ["portrait", "landscape"])
@pytest.mark.parametrize("theme", list(THEMES))
def test_each_theme_is_one_page_with_every_word_inside(build, theme, orientation):
    page, _ = build(f"theme: {theme}\norientation: {orientation}\nfinding: It works.\nrepository: {ADDRESS}")
    assert all(0 <= word["x0"] < word["x1"] <= page.width for word in words(page))
    assert all(0 <= word["top"] < word["bottom"] <= page.height for word in words(page))


@pytest.mark.parametrize("theme", ["classic", "contrast"])
def test_a_band_goes_from_edge_to_edge_in_the_accent(build, theme):
    page, _ = build(f"theme: {theme}")
    band = filled(page, THEMES[theme].colours["accent"])[0]
    assert (band["x0"], band["x1"], band["top"]) == pytest.approx((0, page.width, 0), abs=1)


def test_a_quiet_poster_fills_hardly_anything(build):
    page, _ = build("theme: quiet")
    area = sum(box["width"] * box["height"] for box in filled(page, THEMES["quiet"].colours["accent"]))
    assert area < 0.02 * page.width * page.height


@pytest.mark.parametrize("orientation", ["portrait", "landscape"])
def test_a_billboard_says_its_finding_larger_than_anything_else_and_in_the_middle(build, orientation):
    page, _ = build(f"theme: billboard\norientation: {orientation}\nfinding: Half of all zebras hide.")
    (zebras,) = [word for word in words(page) if word["text"] == "zebras"]
    others = [word["size"] for word in words(page) if abs(word["size"] - zebras["size"]) > 0.1]
    assert zebras["size"] > 1.3 * max(others)
    assert 0.2 * page.width < zebras["x0"] < zebras["x1"] < 0.8 * page.width or orientation == "portrait"
    panel = filled(page, THEMES["billboard"].colours["accent"])[0]
    assert panel["x0"] < zebras["x0"] < zebras["x1"] < panel["x1"]
    assert panel["top"] < zebras["top"] < zebras["bottom"] < panel["bottom"]


def test_a_subtitle_that_is_the_finding_is_said_once_on_a_billboard(build):
    page, _ = build("theme: billboard\nsubtitle: Half of all zebras hide.")
    assert sum(word["text"] == "zebras" for word in words(page)) == 1
    page, _ = build("theme: billboard\nsubtitle: Half of all zebras hide.\nfinding: The zebras we know.")
    assert sum(word["text"] == "zebras" for word in words(page)) == 2


def decoded(png):
    import zxingcpp
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return [found.text for found in zxingcpp.read_barcodes(image.convert("L"))]


@pytest.mark.parametrize("theme", list(THEMES))
def test_a_phone_reads_the_address_of_the_poster_in_every_theme(build, theme):
    _, done = build(f"theme: {theme}\nrepository: {ADDRESS}\nsize: A1")
    assert decoded(done.png.read_bytes()) == [ADDRESS]
    assert f"QR code: {ADDRESS}".encode() in pdf_text(done.pdf)


def test_the_page_goes_before_the_repository(build):
    _, done = build(f"repository: {ADDRESS}\npage: https://example.org/page")
    assert decoded(done.png.read_bytes()) == ["https://example.org/page"]


def test_logos_stand_in_the_header_with_their_words_those_of_the_course_first(team, write_poster, build):
    folder = write_poster()
    (folder / "theme").mkdir()
    for place, width in ((folder / "a.svg", 40), (folder / "theme" / "b.svg", 90)):
        place.write_text(LOGO.format(w=width), encoding="utf-8")
    (folder / "theme" / "theme.yaml").write_text("logos: [{file: b.svg, alt: The course}]", encoding="utf-8")
    _, done = build("theme: ./theme\nlogos: [{file: a.svg, alt: Our team}]")
    text = pdf_text(done.pdf)
    assert 0 < text.find(b"The course") < text.find(b"Our team")


def test_six_logos_a_number_and_a_long_title_stand_beside_each_other(team, write_poster, build):
    folder = write_poster()
    for name, width in (("a", 20), ("b", 400), ("c", 5)):
        (folder / f"{name}.svg").write_text(LOGO.format(w=width), encoding="utf-8")
    logos = ", ".join(f"{{file: {name}.svg, alt: Logo {name}}}" for name in "abcabc")
    page, _ = build(f"title: {'A title that goes on and on ' * 4}\nnumber: 104\nlogos: [{logos}]")
    (number,) = [word for word in words(page) if word["text"] == "104"]
    largest = [word for word in words(page) if word["text"] in ("title", "goes", "on")]
    assert max(word["x1"] for word in largest) < number["x0"]
    plate = [box for box in filled(page, "#ffffff") if box["width"] > 0.15 * page.width and box["x0"] > number["x1"]]
    assert any(box["x1"] < page.width and box["width"] < 0.35 * page.width for box in plate)


@pytest.mark.parametrize("theme", ["classic", "billboard"])
def test_names_numbers_and_links_of_any_length_stay_inside_the_page(team, write_poster, build, theme):
    (write_poster() / "a.svg").write_text(LOGO.format(w=9000), encoding="utf-8")
    many = "word " * 60
    links = ", ".join(f"Label {n}: 'https://example.org/{'path/' * 12}{n}'" for n in range(8))
    yaml = f"theme: {theme}\nsize: A0\nteam: {many}\nnumber: {many}\ncourse: {many}\nlinks: {{{links}}}\nrepository: {ADDRESS}\n"
    page, _ = build(f"{yaml}logos: [{{file: a.svg, alt: wide}}]\nauthors: [{many}]")
    assert all(0 <= word["x0"] < word["x1"] <= page.width + 0.1 for word in words(page))
    assert all(0 <= word["top"] < word["bottom"] <= page.height + 0.1 for word in words(page))


def test_a_logo_that_cannot_be_decoded_is_named_with_the_line_that_names_it(team, write_poster):
    folder = write_poster(yaml="logos:\n  - {file: a.svg, alt: Our team}")
    (folder / "a.svg").write_text("<svg", encoding="utf-8")
    with pytest.raises(UserError) as error:
        build_poster(folder, team)
    assert str(error.value).startswith("poster/poster.yaml:5")
    assert "a.svg" in str(error.value)


def test_a_logo_of_another_kind_says_which_kinds_there_are(team, write_poster):
    folder = write_poster(yaml="logos: [{file: a.txt, alt: Our team}]")
    (folder / "a.txt").write_text("no picture", encoding="utf-8")
    with pytest.raises(UserError, match=r"poster.yaml:4.*SVG, PNG or JPEG"):
        build_poster(folder, team)


def test_a_courses_accent_colours_header_and_headings(team, write_poster, build):
    folder = write_poster()
    (folder / "theme").mkdir()
    (folder / "theme" / "theme.yaml").write_text('colours: {accent: "#5b2a86"}', encoding="utf-8")
    page, _ = build("theme: ./theme")
    assert filled(page, "#5b2a86")[0]["width"] == pytest.approx(page.width, abs=1)
    heading = next(char for char in page.chars if char["text"] == "W")
    assert heading["non_stroking_color"] == pytest.approx(rgb("#5b2a86"), abs=0.006)


def test_the_middle_of_a_tall_billboard_takes_the_room_that_columns_above_it_leave(build):
    page, _ = build(
        "theme: billboard\nfinding: Half of all zebras hide.", text="# First\n\nA few words.\n\n## Then\n\nSome."
    )
    panel = filled(page, THEMES["billboard"].colours["accent"])[0]
    above = [word["bottom"] for word in words(page) if word["bottom"] < panel["top"]]
    assert panel["top"] - max(above) < 0.06 * page.height
