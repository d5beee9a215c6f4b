"""What a build writes: all of its files or none, the same each time, each of the form that its reader needs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from posterpdf import pages

from projectkit.errors import ProjectkitError, WorkError
from projectkit.poster import build_poster
from projectkit.poster.build import FILES

POINTS_PER_MM = 72 / 25.4
TEXT = "# What we found\n\nIt works.\n\n:::{results}\nruns: [latest]\nmetrics: [f1_macro]\n:::\n"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10" fill="teal"/></svg>'
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def told(folder: Path) -> dict:
    return json.loads((folder / "build" / "poster.json").read_text(encoding="utf-8"))


def size(png: Path) -> tuple[int, int]:
    with Image.open(png) as image:
        return image.size


def boxes(pdf: Path) -> dict[str, list[float]]:
    """The page's boxes in mm, as a reader of PDF finds them: the last version of the page counts."""
    import pdfplumber

    with pdfplumber.open(pdf) as opened:
        (page,) = opened.pages
        named = {name: page.page_obj.attrs.get(name) for name in ("MediaBox", "BleedBox", "TrimBox")}
    return {name: [edge / POINTS_PER_MM for edge in box] for name, box in named.items() if box}


def test_a_build_writes_all_of_its_files_and_nothing_else(team, write_poster, make_run):
    make_run()
    built = build_poster(write_poster(TEXT), team)
    assert set(contents(built.folder)) == set(FILES)
    assert [path.name for path in built.files] == list(FILES)


def test_every_file_has_the_same_bytes_when_it_is_built_again(team, write_poster, make_run):
    run = make_run()
    curves = f":::{{curves}}\nruns: {{one: {run}}}\n:::\n\n:::{{figure}}\nrun: {run}\nname: confusion\n:::\n"
    folder = write_poster(TEXT + "\n" + curves)
    first = contents(build_poster(folder, team, team.root / "one").folder)
    second = contents(build_poster(folder, team, team.root / "two").folder)
    assert [name for name in first if first[name] != second[name]] == []


def test_a_build_that_fails_leaves_the_files_of_the_last_one(team, write_poster):
    folder = write_poster()
    before = contents(build_poster(folder, team).folder)
    write_poster("# A\n\n![x](nowhere.png)\n")
    with pytest.raises(ProjectkitError):
        build_poster(folder, team)
    assert contents(folder / "build") == before


def test_a_disk_that_fills_up_leaves_the_files_of_the_last_build(team, write_poster, monkeypatch):
    from projectkit.poster import build

    folder = write_poster()
    before = contents(build_poster(folder, team).folder)
    write, calls = build.atomic_write, []

    def full(path, content, **options):
        calls.append(path)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        write(path, content, **options)

    monkeypatch.setattr(build, "atomic_write", full)
    write_poster("# Another\n\ntext\n")
    with pytest.raises(WorkError, match="No space"):
        build_poster(folder, team)
    assert contents(folder / "build") == before


def test_the_picture_of_an_overfull_poster_goes_when_it_fits_again(team, write_poster):
    folder = write_poster("# A\n\n" + "\n\n".join(["Some words that take a line or two of the poster. " * 9] * 60))
    with pytest.raises(WorkError):
        build_poster(folder, team)
    assert list(contents(folder / "build")) == ["poster-overfull.png"]
    write_poster()
    assert set(contents(build_poster(folder, team).folder)) == set(FILES)


def test_the_print_pdf_says_where_it_is_cut_and_how_far_its_colour_goes(team, write_poster):
    built = build_poster(write_poster(), team)
    found = boxes(built.folder / "poster-print.pdf")
    assert found["MediaBox"] == pytest.approx([0, 0, 420 + 26, 594 + 26], abs=0.05)
    assert found["TrimBox"] == pytest.approx([13, 13, 13 + 420, 13 + 594], abs=0.05)
    assert found["BleedBox"] == pytest.approx([10, 10, 16 + 420, 16 + 594], abs=0.05)
    assert boxes(built.pdf) == {"MediaBox": pytest.approx([0, 0, 420, 594], abs=0.05)}
    assert pages(built.folder / "poster-print.pdf") == 1


def test_colour_at_the_edge_goes_into_the_bleed_and_crop_marks_keep_clear_of_it(team, write_poster):
    import pdfplumber

    built = build_poster(write_poster(), team)
    with pdfplumber.open(built.folder / "poster-print.pdf") as opened:
        page = opened.pages[0]
        rects = [[box[edge] / POINTS_PER_MM for edge in ("x0", "top", "x1", "bottom")] for box in page.rects]
        lines = [[line[edge] / POINTS_PER_MM for edge in ("x0", "top", "x1", "bottom")] for line in page.lines]
    band = next(box for box in rects if 50 < box[3] - box[1] < 300)  # the header
    assert band[:3] == pytest.approx([10, 10, 10 + 426], abs=0.05)
    marks = [mark for mark in lines if max(mark[2] - mark[0], mark[3] - mark[1]) == pytest.approx(7, abs=0.05)]
    assert len(marks) == 8
    for x0, top, x1, bottom in marks:
        across = x1 - x0 > 1
        cut = {13, 13 + (594 if across else 420)}
        assert any((top if across else x0) == pytest.approx(edge, abs=0.05) for edge in cut)
        ends = (x0, x1) if across else (top, bottom)
        length = 446 if across else 620
        assert ends == pytest.approx((0, 7), abs=0.05) or ends == pytest.approx((length - 7, length), abs=0.05)


def test_the_page_lies_where_it_lies_without_bleed(team, write_poster):
    import pdfplumber

    built = build_poster(write_poster(), team)
    places = []
    for name in ("poster.pdf", "poster-print.pdf"):
        with pdfplumber.open(built.folder / name) as opened:
            shift = 13 * POINTS_PER_MM if "print" in name else 0
            words = opened.pages[0].extract_words()
            places.append(
                [(word["text"], round(word["x0"] - shift, 1), round(word["top"] - shift, 1)) for word in words]
            )
    assert places[0] == places[1]


@pytest.mark.parametrize("yaml", ["size: A0", "size: A2\norientation: landscape"])
def test_pictures_have_the_sizes_that_halls_and_lists_take(team, write_poster, yaml):
    folder = build_poster(write_poster(yaml=yaml), team).folder
    width, height = size(folder / "poster-screen.png")
    assert width * 9 == height * 16
    assert (width, height) <= (5120, 2880)
    assert (folder / "poster-screen.png").stat().st_size <= 10_000_000
    width, height = size(folder / "thumbnail.png")
    assert width <= 320
    assert height <= 256
    assert width == 320 or height == 256


def corners(folder: Path) -> set[tuple[int, int, int]]:
    """Colours of a hall's screen at its left and right edges."""
    with Image.open(folder / "poster-screen.png") as image:
        pixels = image.convert("RGB")
        return {pixels.getpixel((x, y)) for x in (0, image.width - 1) for y in (image.height // 2, image.height - 1)}


def test_a_poster_is_laid_out_anew_for_the_halls_screen(team, write_poster, make_run):
    run = make_run()
    curves = f":::{{curves}}\nruns: {{one: {run}}}\n:::"
    confusion = f":::{{figure}}\nrun: {run}\nname: confusion\n:::"
    row = f"::::{{row}}\n{confusion}\n---\n{curves}\n::::"
    folder = write_poster(f"{TEXT}\n{curves}\n\n# Side by side\n\n{row}\n", yaml="size: A0")
    built = build_poster(folder, team)
    assert told(folder)["screen"] == "laid out"
    assert corners(built.folder) == {(255, 255, 255)}  # the poster's own paper


def test_a_poster_for_a_screen_is_shown_on_it_as_it_is(team, write_poster):
    folder = write_poster(yaml="size: screen")
    built = build_poster(folder, team)
    assert told(folder)["screen"] == "laid out"
    assert corners(built.folder) == {(255, 255, 255)}


def test_a_billboard_that_has_no_room_for_its_middle_on_a_screen_is_shown_there_in_columns(team, write_poster):
    text = "# A\n\n" + "\n\n".join(["Some words that take a line or two of the poster. " * 9] * 8)
    folder = write_poster(text, yaml="size: A0\ntheme: billboard\nfinding: It works")
    build_poster(folder, team)
    assert told(folder)["screen"] == "laid out"


def test_what_cannot_be_read_on_a_screen_is_shown_as_the_whole_sheet_in_its_middle(team, write_poster):
    text = "# A\n\n" + "\n\n".join(["Some words that take a line or two of the poster. " * 9] * 19)
    folder = write_poster(text, yaml="size: A0")
    built = build_poster(folder, team)
    assert told(folder)["screen"] == "sheet"
    with Image.open(built.folder / "poster-screen.png") as image:
        pixels = image.convert("RGB")
    width = round(2160 * 841 / 1189)
    left = (3840 - width) // 2
    around = {pixels.getpixel((x, y)) for x in (0, left - 3, left + width + 3, 3839) for y in (0, 1000, 2159)}
    assert len(around) == 1
    assert pixels.getpixel((left + 3, 2100)) == pixels.getpixel((left + width - 3, 2100)) == (255, 255, 255)


def test_a_screen_full_of_noise_is_drawn_smaller_until_it_can_be_sent():
    from projectkit.poster.outputs.screen import pixels

    asked: list[tuple[int, int]] = []

    class Noisy:
        """Four bytes a pixel, as photographs have in PNG."""

        def screen_png(self, width: int, height: int) -> bytes:
            asked.append((width, height))
            return bytes(width * height * 4)

    assert len(pixels(Noisy())) <= 10_000_000
    assert all(width * 9 == height * 16 for width, height in asked)


def test_the_summary_holds_what_the_wall_and_lint_ask_for(team, write_poster, make_run):
    run = make_run(f1=0.834)
    yaml = (
        "subtitle: Sub\nfinding: We found it\nabstract: In short\ntags: [dns, lstm]\nnumber: 7\naffiliation: Dept\n"
        "course: Deep Learning\nteam: Team 1\nrepository: https://example.org/r\npage: https://example.org/p\n"
        "links: {Code: 'https://example.org/c'}"
    )
    folder = write_poster(TEXT, yaml=yaml)
    build_poster(folder, team)
    document = told(folder)
    assert document["schema"] == 1
    assert {key: document[key] for key in ("title", "subtitle", "finding", "abstract", "number", "language")} == {
        "title": "A title",
        "subtitle": "Sub",
        "finding": "We found it",
        "abstract": "In short",
        "number": "7",
        "language": "en",
    }
    assert document["authors"] == [{"name": "Ada Lovelace", "affiliation": ""}]
    assert document["tags"] == ["dns", "lstm"]
    assert document["links"] == {"Code": "https://example.org/c"}
    assert (document["repository"], document["page"]) == ("https://example.org/r", "https://example.org/p")
    assert document["sheet"] == {"name": "A2", "width_mm": 420, "height_mm": 594}
    assert document["runs"] == [run]
    (number,) = [one for one in document["numbers"] if one["what"] == "f1_macro"]
    assert (number["run"], number["subset"], number["value"], number["text"]) == (run, "val", 0.834, "0.834")
    assert number["where"].startswith("poster/sections/10-found.md:")
    assert document["audit"] is None
    assert "What we found" in document["text"]
    assert "It works." in document["text"]
    assert document["words"] >= 5
    assert re.fullmatch("[0-9a-f]{64}", document["sources_digest"])


def test_the_summary_counts_the_audit_whose_badge_the_poster_shows(team, write_poster, make_run):
    run = make_run()
    findings = [{"id": f"P{n}", "status": "not present" if n < 9 else "discussed", "message": ""} for n in range(1, 11)]
    audit = team.runs / run / "audit.json"
    audit.write_text(json.dumps({"schema": 1, "findings": findings}), encoding="utf-8")
    folder = write_poster("# A\n\n:::{audit}\nrun: latest\n:::\n")
    build_poster(folder, team)
    assert told(folder)["audit"] == {"run": run, "counts": {"discussed": 2, "not present": 8}}


def test_the_digest_follows_texts_pictures_and_runs_and_nothing_else(team, write_poster, make_run):
    run = make_run()
    text = TEXT + "\n![A box](figures/a.svg)\n\n:::{figure}\nrun: latest\nname: confusion\n:::\n"
    folder = write_poster(text)
    (folder / "figures").mkdir()
    (folder / "figures" / "a.svg").write_text(PICTURE, encoding="utf-8")

    def digest() -> str:
        build_poster(folder, team)
        return told(folder)["sources_digest"]

    seen = [digest()]
    (folder / "notes.txt").write_text("not on the poster", encoding="utf-8")
    assert digest() == seen[0]
    (folder / "figures" / "a.svg").write_text(PICTURE.replace("teal", "navy"), encoding="utf-8")
    seen.append(digest())
    evaluation = team.runs / run / "evaluation" / "val.json"
    document = json.loads(evaluation.read_text(encoding="utf-8"))
    document["confusion"][0][0] += 1  # shown by a figure only
    evaluation.write_text(json.dumps(document), encoding="utf-8")
    seen.append(digest())
    write_poster(text.replace("It works", "It does"))
    seen.append(digest())
    assert len(set(seen)) == 4
