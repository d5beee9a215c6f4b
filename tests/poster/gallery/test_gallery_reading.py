"""What teams hand in is read with care."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from projectkit.errors import UserError, WorkError
from projectkit.poster.gallery import make_gallery
from projectkit.poster.gallery.entry import read_entry
from projectkit.poster.gallery.pictures import pictures
from projectkit.poster.gallery.places import places


def read(folder: Path):
    (place,) = places([folder])
    return read_entry(place)


def test_a_poster_is_found_in_a_repository_in_its_folder_in_what_was_built_and_among_others(hand_in, tmp_path) -> None:
    team = hand_in("team")
    for folder in (team, team / "poster", team / "poster" / "build", tmp_path / "teams"):
        assert read(folder).title == "team"
    assert len(places([team, team / "poster", tmp_path / "teams"])) == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"schema": 2}, "schema 1"),
        ({"title": ["a"]}, "title is not a text"),
        ({"tags": "a"}, "tags is not a list"),
        ({"authors": ["Ada"]}, "authors is not"),
        ({"links": ["https://example.org"]}, "links is not"),
        ({"audit": {"counts": {"absent": "1"}}}, "audit is not"),
        ({"audit": [1]}, "audit is not"),
    ],
)
def test_a_poster_json_of_another_form_is_one_line_with_its_place(hand_in, said, words) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read(hand_in("team", **said))
    assert "poster.json" in str(caught.value)
    assert "projectkit poster build" in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, "\udcff"])
def test_a_poster_json_that_is_none_is_one_line(hand_in, content) -> None:
    folder = hand_in("team")
    (folder / "poster/build/poster.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"poster\.json: is not"):
        read(folder)


def test_only_addresses_of_the_web_become_links(hand_in) -> None:
    links = {"Code": "https://example.org/a", "Script": "javascript:alert(1)", "File": "file:///etc/passwd"}
    entry = read(hand_in("team", links=links, repository="javascript:alert(1)", page=" HTTPS://example.org/b "))
    assert [link.url for link in entry.links] == ["https://example.org/a"]
    assert entry.repository == ""
    assert entry.address == "HTTPS://example.org/b"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links need rights on Windows")
def test_a_link_out_of_the_folder_is_refused(hand_in, tmp_path) -> None:
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(b"%PDF-secret")
    folder = hand_in("team")
    (folder / "poster/build/poster.pdf").unlink()
    (folder / "poster/build/poster.pdf").symlink_to(secret)
    with pytest.raises(UserError, match="leads out of the folder"):
        read(folder)


def test_a_pdf_that_is_none_is_refused(hand_in) -> None:
    folder = hand_in("team")
    (folder / "poster/build/poster.pdf").write_bytes(b"<script>alert(1)</script>")
    with pytest.raises(UserError, match="is no PDF"):
        read(folder)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path) -> None:
    from PIL import Image

    file = tmp_path / "poster.png"
    Image.new("1", (20_000, 8_000)).save(file)
    assert file.stat().st_size < 100_000
    with pytest.raises(UserError, match="million pixels"):
        pictures(file)


def test_a_picture_that_cannot_be_decoded_is_named_and_the_others_go_on(hand_in, tmp_path) -> None:
    cut = hand_in("cut") / "poster/build/poster.png"
    cut.write_bytes(cut.read_bytes()[:60])
    (hand_in("text") / "poster/build/poster.png").write_bytes(b"no picture")
    made = make_gallery([hand_in("good").parent], tmp_path / "site")
    assert [each.entry.title for each in made.posters] == ["good"]
    assert sorted(Path(failure.folder).name for failure in made.failures) == ["cut", "text"]
    assert all("cannot be read as a PNG" in failure.message for failure in made.failures)


def test_pictures_are_small_enough_and_keep_their_shape(tmp_path) -> None:
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (1500, 2600, 3), dtype=np.uint8)
    file = tmp_path / "poster.png"
    Image.fromarray(noise).save(file, compress_level=1)
    large, small = pictures(file)
    assert large.width * large.height <= 1_810_000
    assert large.width / large.height == pytest.approx(2600 / 1500, rel=0.01)
    assert small.width * small.height <= 146_000
    with Image.open(file) as image:
        image.crop((0, 0, 300, 200)).save(file)
    assert (pictures(file)[0].width, pictures(file)[0].height) == (300, 200), "a small picture is not made larger"


STRANGE = [
    None,
    True,
    -1,
    1e308,
    "",
    "\u0000\u202e",
    "x" * 30_000,
    [],
    [None],
    [[]],
    [{}],
    {},
    {"a": None},
    {"name": 1},
]
KEYS = [
    "title",
    "subtitle",
    "finding",
    "abstract",
    "authors",
    "affiliation",
    "course",
    "team",
    "number",
    "tags",
    "language",
]
KEYS += ["links", "repository", "page", "text", "audit"]


def test_a_strange_value_fails_for_its_poster_alone(hand_in, tmp_path) -> None:
    for key in KEYS:
        for index, value in enumerate(STRANGE):
            hand_in(f"{key}-{index}", **{key: value})
    made = make_gallery([tmp_path / "teams"], tmp_path / "site")
    assert len(made.posters) + len(made.failures) == len(KEYS) * len(STRANGE)
    assert len(made.posters) > 50
    assert len(made.failures) > 50
    assert all(
        f": {Path(failure.folder).name.partition('-')[0]} is not" in failure.message for failure in made.failures
    )


def test_no_poster_at_all_is_an_error_that_says_why(tmp_path, hand_in) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorkError, match=r"no poster to show.*empty.*name a team's repository"):
        make_gallery([tmp_path / "empty"], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_halves_of_characters_do_not_stop_the_site(hand_in, tmp_path) -> None:
    folder = hand_in("team")
    file = folder / "poster/build/poster.json"
    said = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(said | {"title": "half \ud800 of it", "tags": ["\udfff"]}), encoding="utf-8")
    made = make_gallery([folder], tmp_path / "site")
    assert "half ? of it" in made.index.read_text(encoding="utf-8")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
@pytest.mark.parametrize(
    "make",
    [lambda path: path.symlink_to(path.name), lambda path: os.mkfifo(path)],  # noqa: PLW0108 -- no pipes on Windows
    ids=["loop of links", "pipe"],
)
@pytest.mark.parametrize("name", ["poster.json", "poster.pdf", "poster.png"])
def test_a_file_that_is_none_fails_for_its_poster_alone(hand_in, tmp_path, name, make) -> None:
    good, bad = hand_in("good"), hand_in("bad")
    file = bad / "poster" / "build" / name
    file.unlink()
    make(file)
    made = make_gallery([good, bad], tmp_path / "site")
    assert [poster.entry.title for poster in made.posters] == ["good"]
    assert [failure.folder for failure in made.failures] == [str(bad)]


@pytest.mark.parametrize("size", [(1, 40_000), (40_000, 1)])
def test_a_picture_as_thin_as_a_line_is_made_short_enough_for_webp(tmp_path, size) -> None:
    from PIL import Image

    Image.new("RGB", size).save(tmp_path / "poster.png")
    large, small = pictures(tmp_path / "poster.png")
    assert max(large.width, large.height, small.width, small.height) <= 16_000
