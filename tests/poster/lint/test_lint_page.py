"""What stands on the typeset page: its type, its pictures, its codes, its fill, the files of an earlier build."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import replace

import pytest
from PIL import Image

from projectkit.poster import build_poster
from projectkit.poster.lint.length import words as count_words
from projectkit.poster.lint.links import problem
from projectkit.poster.lint.printed import Letters, Printed, read_pdf
from projectkit.poster.lint.proof import Proof
from projectkit.poster.lint.qr import qr, web_address
from projectkit.poster.lint.sizes import text_size
from projectkit.poster.typesetting.layout import Layout

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200"><text x="9" y="99" font-size="{size}">Letters</text></svg>'
BARS = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="20" height="20" fill="{one}"/>'
    '<rect x="20" width="20" height="20" fill="{two}"/></svg>'
)
IMAGE = '# Letters beat words\n\nIt works.\n\n![Letters]({name}){{alt="Letters go in"}}\n'


def picture(width: int, height: int) -> bytes:
    content = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(content, "PNG")
    return content.getvalue()


def test_the_good_poster_passes_every_check(lint, good_poster):
    found = lint(good_poster())
    assert [one for one in found if one.status in ("error", "warning")] == []
    assert {"words", "text-size", "qr"} <= {one.id for one in found if one.status == "ok"}


def test_letters_are_read_back_with_their_printed_size(good_poster, team):
    built = build_poster(good_poster(), team)
    printed = read_pdf(built.pdf.read_bytes())
    text = "".join(run.text for run in printed.letters)
    assert "Half of the smishing in our inbox has a phone number in it" in " ".join(text.split())
    body = {round(run.size, 1) for run in printed.letters if "One convolution" in run.text}
    assert body == {round(built.scale, 1)}


def test_every_letter_is_read_back(write_poster, team):
    letters = "".join(chr(code) for code in range(33, 127) if chr(code) not in "*_`<>[]\\\\'\"$&")
    letters = f"{letters} {letters[::-1]} ()( )( Ωλж é".replace("--", "").replace("...", "")
    words = [letters[start : start + 12] for start in range(0, len(letters), 12)]
    folder = write_poster("# A claim\n\nx " + " ".join(words) + "\n", yaml="columns: 1")
    text = "".join(run.text for run in read_pdf(build_poster(folder, team).pdf.read_bytes()).letters)
    assert set("".join(words)) - {" "} <= set(text)
    assert sum(text.count(sign) for sign in "()") == sum(letters.count(sign) for sign in "()")


def test_pictures_are_read_back_with_their_pixels_an_inch(lint, write_poster, team):
    folder = write_poster(IMAGE.format(name="a.png"), yaml="columns: 1")
    (folder / "a.png").write_bytes(picture(840, 400))
    (placed,) = read_pdf(build_poster(folder, team).pdf.read_bytes()).placed
    assert placed.pixels == (840, 400)
    assert placed.width / placed.height == pytest.approx(2.1, rel=0.01)
    (found,) = lint(folder, "resolution")
    assert found.evidence["ppi"] == round(840 / placed.width * 72)


@pytest.mark.parametrize(("width", "status"), [(300, "error"), (1400, "warning"), (2800, "ok")])
def test_a_picture_with_few_pixels_is_blurred_in_print(lint, write_poster, width, status):
    folder = write_poster(IMAGE.format(name="a.png"), yaml="columns: 1")
    (folder / "a.png").write_bytes(picture(width, width // 2))
    (found,) = lint(folder, "resolution")
    assert (found.status, found.where) == (status, "poster/sections/10-found.md:5")


def test_a_screen_asks_for_no_pixels_of_print(lint, write_poster):
    folder = write_poster(IMAGE.format(name="a.png"), yaml="size: screen")
    (folder / "a.png").write_bytes(picture(300, 150))
    assert lint(folder, "resolution") == []


@pytest.mark.parametrize(("size", "status"), [(2, "error"), (3, "warning"), (20, None)])
def test_type_inside_a_figure_is_measured_in_print(lint, write_poster, size, status):
    folder = write_poster(IMAGE.format(name="a.svg"), yaml="columns: 1")
    (folder / "a.svg").write_text(SVG.format(size=size), encoding="utf-8")
    assert [one.status for one in lint(folder, "figure-type")] == ([status] if status else [])


@pytest.mark.parametrize(("columns", "others"), [(1, 1), (1, 3), (2, 3)])
def test_type_inside_a_figure_of_a_row_is_measured_as_the_row_prints_it(lint, write_poster, team, columns, others):
    images = "".join(f'![Letters](a{number}.png){{alt="Letters go in"}}\n' for number in range(others))
    folder = write_poster(f'# Letters beat words\n\n![Text](a.svg){{alt="Text"}}\n{images}', yaml=f"columns: {columns}")
    (folder / "a.svg").write_text(SVG.format(size=2), encoding="utf-8")
    for number in range(others):
        (folder / f"a{number}.png").write_bytes(picture(1000, 2000 + number))
    (found,) = lint(folder, "figure-type")
    placed = read_pdf(build_poster(folder, team).pdf.read_bytes()).placed
    height = next(one.height for one in placed if one.pixels == (1000, 2000))  # pictures of a line have one height
    assert found.evidence["smallest_pt"] == pytest.approx(2 * height / 200, rel=0.05)


@pytest.mark.parametrize(("colours", "count"), [(("#d62728", "#2ca02c"), 1), (("#0072b2", "#e69f00"), 0)])
def test_colours_that_some_take_for_one_are_named(checked, write_poster, colours, count):
    folder = write_poster(IMAGE.format(name="a.svg"))
    (folder / "a.svg").write_text(BARS.format(one=colours[0], two=colours[1]), encoding="utf-8")
    found = checked("colour-blind", folder)
    assert [one.status for one in found] == ["warning"] * count
    assert all(colours[0] in one.message for one in found)


@pytest.mark.parametrize(("accent", "status"), [("#c0c0c0", "error"), ("#808080", "warning"), ("#0d4f8b", None)])
def test_pale_colours_of_a_theme_are_found(checked, write_poster, accent, status):
    folder = write_poster(yaml="theme: ./course")
    (folder / "course").mkdir()
    (folder / "course" / "theme.yaml").write_text(f'colours: {{muted: "{accent}"}}\n', encoding="utf-8")
    found = checked("contrast", folder)
    assert {one.status for one in found} == ({status} if status else set())
    assert all(one.where == "poster/course/theme.yaml" for one in found)


@pytest.mark.parametrize(("words", "status"), [(100, "ok"), (450, "note"), (600, "warning"), (900, "error")])
def test_words_are_counted_for_the_sheet(read, write_poster, words, status):
    (found,) = count_words(read(write_poster("# A claim\n\n" + "word " * words)))
    assert found.status == status
    assert found.evidence["words"] == words + 2


def test_a_paragraph_of_a_page_is_noted(checked, write_poster):
    (found,) = checked("paragraphs", write_poster("# A claim\n\nIt works.\n\n" + "word " * 71))
    assert (found.status, found.where) == ("note", "poster/sections/10-found.md:5")
    assert checked("paragraphs", write_poster("# A claim\n\n" + "- word word\n" * 60)) == []


def test_a_long_text_is_overfull_and_a_short_one_leaves_room(lint, write_poster):
    (found,) = lint(write_poster("# A claim\n\n" + "Letters beat words. " * 1500), "overfull")
    assert found.status == "error"
    assert found.evidence["lines"] > 50
    (found,) = lint(write_poster(), "underfull")
    assert found.status == "error"


def test_a_block_that_is_too_tall_is_named_by_itself(lint, write_poster):
    folder = write_poster("# A claim\n\nIt works.\n\n" + "Letters beat words. " * 600, yaml="columns: 3")
    (found,) = lint(folder, "overfull")
    assert found.where == "poster/sections/10-found.md:5"
    assert found.advice


def test_a_full_page_is_neither(lint, good_poster):
    folder = good_poster()
    assert lint(folder, "overfull") == lint(folder, "underfull") == []


def test_small_text_is_a_note_and_a_long_title_is_set_small(lint, write_poster):
    folder = write_poster(
        "# A claim\n\n" + "\n\n".join(["Letters beat words. " * 12] * 9), yaml=f"title: {'Letters beat words ' * 14}"
    )
    found = {"title" if "title_pt" in one.evidence else "text": one for one in lint(folder, "text-size")}
    assert found["title"].status in ("note", "warning")
    assert found["title"].where.startswith("poster/poster.yaml:")


def test_text_below_the_least_size_is_an_error(read, write_poster):
    proof = read(write_poster())
    proof = Proof(replace(proof.found, layout=Layout(12.0, (), 0.0)), proof.project)
    proof.__dict__["printed"] = Printed((Letters(6.0, "small print", 11),), ())
    body, small = text_size(proof)
    assert (body.status, small.status) == ("error", "warning")
    assert "small print" in small.message


def test_the_code_of_the_page_is_read_like_a_phone_does(lint, good_poster):
    (found,) = lint(good_poster(), "qr")
    assert (found.status, found.evidence["url"]) == ("ok", "https://git.university.edu/team-one/smishing")


def test_a_poster_without_a_code_leads_nowhere(lint, good_poster):
    (found,) = lint(good_poster("repository: "), "qr")
    assert found.status == "warning"


def test_a_code_that_is_not_on_the_page_is_an_error(read, good_poster):
    proof = read(good_poster())
    proof.__dict__["picture"] = Image.new("L", (400, 600), 255)
    (found,) = qr(proof)
    assert found.status == "error"
    assert "cannot be read" in found.message


@pytest.mark.parametrize("inside", ["", "/tree/main", ".git"])
def test_the_repository_is_the_one_that_git_knows(checked, good_poster, team, inside):
    folder = good_poster(f"repository: https://Git.university.edu/team-one/smishing{inside}")
    for command in (["init", "-q"], ["remote", "add", "origin", "git@git.university.edu:team-one/smishing.git"]):
        subprocess.run(["git", "-C", str(team.root), *command], check=True)
    assert checked("qr", folder) == []
    subprocess.run(
        ["git", "-C", str(team.root), "remote", "set-url", "origin", "https://x:y@git.university.edu/team-two/s.git"],
        check=True,
    )
    (found,) = checked("qr", folder)
    assert found.status == "error"
    assert "https://git.university.edu/team-two/s" in found.advice
    assert "x:y" not in found.message + found.advice


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@github.com:team/project.git", "https://github.com/team/project"),
        ("ssh://git@host.edu:2222/team/project", "https://host.edu/team/project"),
        ("https://token@GitHub.com/Team/project.git/", "https://github.com/Team/project"),
        ("/srv/git/project.git", ""),
        ("../project", ""),
        (r"C:\git\project", ""),
        ("", ""),
    ],
)
def test_a_remote_is_told_as_a_browser_opens_it(remote, address):
    assert web_address(remote) == address
    assert not address or problem(address) == ""


def test_files_that_were_built_before_a_text_changed_are_old(lint, good_poster, team):
    folder = good_poster()
    assert lint(folder, "built") == []
    build_poster(folder, team)
    assert [one.status for one in lint(folder, "built")] == ["ok"]
    (folder / "sections" / "50-takeaway.md").write_text(
        "# Warn at the number\n\n- It runs on a phone.\n", encoding="utf-8"
    )
    (found,) = lint(folder, "built")
    assert (found.status, found.where) == ("warning", "poster/build/poster.pdf")


def test_numbers_of_a_build_that_the_run_no_longer_has_are_an_error(lint, good_poster, make_run, team):
    folder = good_poster()
    build_poster(folder, team)
    make_run("better", f1=0.871)
    (found,) = lint(folder, "built")
    assert found.status == "error"
    assert "0.834 of f1_macro is 0.871 today" in found.message


def test_a_damaged_record_of_a_build_is_passed_over(lint, good_poster):
    folder = good_poster()
    (folder / "build").mkdir()
    (folder / "build" / "poster.json").write_text("[", encoding="utf-8")
    assert lint(folder, "built") == []
    (folder / "build" / "poster.json").write_text(json.dumps({"numbers": [1, {"text": "1"}]}), encoding="utf-8")
    assert [one.status for one in lint(folder, "built")] == ["warning"]
