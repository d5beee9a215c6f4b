"""The PDF as other programs read it: the order of its text, its fonts, its tags; a validator where one is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from projectkit.poster import build_poster

SECTIONS = {
    "10-question": "# First we asked\n\nAlpha **bold** words.\n\n- one\n- two\n",
    "20-data": '# Then we looked\n\n| Set | Samples |\n|:---|---:|\n| train | 1194 |\n\n![Caption here](figures/a.svg){alt="A box"}\n',
    "30-takeaway": "# At last we found\n\nOmega.\n\n## In detail\n\nMore.\n",
}
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10"/></svg>'


@pytest.fixture
def built(team, write_poster, make_run):
    make_run()
    results = "\n:::{results}\nruns: [latest]\nmetrics: [f1_macro]\n:::\n\n:::{curves}\nruns: [latest]\n:::\n"
    folder = write_poster(**{**SECTIONS, "30-takeaway": SECTIONS["30-takeaway"] + results})
    (folder / "figures").mkdir()
    (folder / "figures" / "a.svg").write_text(PICTURE, encoding="utf-8")
    return build_poster(folder, team)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def printed(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize("name", ["poster.pdf", "poster-print.pdf"])
def test_text_is_read_in_the_order_in_which_it_was_written(built, name):
    text = " ".join(printed(program("pdftotext"), "-raw", built.folder / name, "-").split())
    order = ["A title", "First we asked", "Alpha bold words.", "one", "two", "Then we looked", "Caption here"]
    order += ["At last we found", "Omega.", "In detail", "Macro F1", "0.834"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["poster.pdf", "poster-print.pdf"])
def test_every_font_is_embedded_and_can_be_copied_from(built, name):
    lines = printed(program("pdffonts"), built.folder / name).splitlines()[2:]
    assert lines
    for line in lines:
        embedded, _subset, unicode = line.split()[-5:-2]
        assert (embedded, unicode) == ("yes", "yes"), line


def test_a_validator_finds_nothing(built):
    verapdf = program("verapdf")
    for flavour in ("2a", "ua1"):
        assert 'isCompliant="true"' in printed(verapdf, "--format", "xml", "--flavour", flavour, built.pdf)


def test_the_tags_tell_headings_lists_tables_and_figures_apart(built):
    tags = [tag for tag, _ in elements(built.pdf)]
    assert [tag for tag in tags if tag in ("Title", "H1", "H2", "H3")] == ["Title", "H1", "H1", "H1", "H2"]
    assert {"L", "LI", "Table", "TR", "TH", "TD", "Figure", "Caption", "P"} <= set(tags)


def test_every_figure_has_an_alternative_text(built):
    texts = [attributes.get("Alt") for tag, attributes in elements(built.pdf) if tag == "Figure"]
    assert len(texts) == 2
    assert b"A box" in texts
    assert all(texts)


def test_the_tree_of_tags_is_rooted_and_marked_with_a_language(built):
    catalog = opened(built.pdf).catalog
    assert catalog["MarkInfo"]["Marked"] is True
    assert catalog["Lang"] == b"en"
    assert catalog["ViewerPreferences"]["DisplayDocTitle"] is True


def opened(pdf: Path) -> Any:
    from pdfminer.pdfdocument import PDFDocument
    from pdfminer.pdfparser import PDFParser

    return PDFDocument(PDFParser(pdf.open("rb")))


def elements(pdf: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tag and attributes of every structure element, in the order of reading, standard roles in place of the document's own."""
    from pdfminer.pdftypes import resolve1

    root = resolve1(opened(pdf).catalog["StructTreeRoot"])
    roles = {name: role.name for name, role in (resolve1(root.get("RoleMap")) or {}).items()}

    def walk(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        node = resolve1(node)
        if isinstance(node, list):
            for child in node:
                yield from walk(child)
        elif isinstance(node, dict):
            if "S" in node:
                name = node["S"].name
                yield (name if name == "Title" else roles.get(name, name)), node
            yield from walk(node.get("K"))

    yield from walk(root["K"])
