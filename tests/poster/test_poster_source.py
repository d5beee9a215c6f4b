from __future__ import annotations

import os

import pytest

from projectkit.errors import UserError
from projectkit.poster.source.reading import read_poster
from projectkit.poster.source.values import Author, Link


def read(folder, team):
    return read_poster(folder, team.root)


def test_a_poster_is_read_with_its_defaults(team, write_poster):
    poster = read(write_poster(), team)
    assert (poster.title, poster.sheet.name, poster.sheet.landscape, poster.columns) == ("A title", "A2", False, None)
    assert poster.authors == (Author("Ada Lovelace"),)


def test_sections_come_in_the_order_of_their_names(team, write_poster):
    folder = write_poster(**{"20-b": "# B\n\ntext", "10-a": "# A\n\ntext"})
    assert [section.file for section in read(folder, team).sections] == [
        "poster/sections/10-a.md",
        "poster/sections/20-b.md",
    ]


def test_authors_have_affiliations_and_links_have_labels(team, write_poster):
    folder = write_poster(yaml="authors: [{name: A, affiliation: B}, C]\nlinks: {Code: 'https://example.org'}")
    poster = read(folder, team)
    assert poster.authors == (Author("A", "B"), Author("C"))
    assert poster.links == (Link("Code", "https://example.org"),)


@pytest.mark.parametrize(
    ("yaml", "place", "words"),
    [
        ("size: A9", "poster/poster.yaml:3", "A9"),
        ("orientation: portait", "poster/poster.yaml:4", "did you mean 'portrait'?"),
        ("colums: 3", "poster/poster.yaml:4", "did you mean 'columns'?"),
        ("columns: 9", "poster/poster.yaml:4", "from 1 to 5"),
        ("authors: []", "poster/poster.yaml:3", "no authors"),
        ("authors: {a: b}", "poster/poster.yaml:3", "no authors"),
        ("links: {Code: example.org}", "poster/poster.yaml:4", "https://"),
        ("language: English", "poster/poster.yaml:4", "two letters"),
        ("title: ''", "poster/poster.yaml:3", "no title"),
        ("subtitle: [a]", "poster/poster.yaml:4", "not a text"),
        ("course: a: b", "poster/poster.yaml:4", "not valid YAML"),
    ],
)
def test_a_wrong_key_is_named_with_its_place_and_the_right_thing(team, write_poster, yaml, place, words):
    with pytest.raises(UserError) as error:
        read(write_poster(yaml=yaml), team)
    assert str(error.value).startswith(place)
    assert words in str(error.value)


def test_a_folder_without_a_poster_says_how_to_make_one(team):
    with pytest.raises(UserError, match="projectkit poster init"):
        read(team.root / "poster", team)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [("No heading.\n", 1, "starts with its heading"), ("# A\n\n### C\n", 3, "write ##"), ("## A\n", 1, "starts with")],
)
def test_headings_that_a_screen_reader_would_stumble_over_are_refused(team, write_poster, text, line, words):
    with pytest.raises(UserError) as error:
        read(write_poster(text), team)
    assert str(error.value).startswith(f"poster/sections/10-found.md:{line}: ")
    assert words in str(error.value)


def test_a_section_that_is_not_utf8_is_named(team, write_poster):
    folder = write_poster()
    (folder / "sections" / "10-found.md").write_bytes("# Über\n".encode("latin-1"))
    with pytest.raises(UserError, match="UTF-8"):
        read(folder, team)


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="needs symbolic links")
def test_a_section_that_leads_out_of_the_project_is_refused(team, write_poster, tmp_path):
    (tmp_path / "secret.md").write_text("# Secret\n", encoding="utf-8")
    folder = write_poster()
    (folder / "sections" / "20-out.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(UserError, match="leads out of the project"):
        read(folder, team)
