from __future__ import annotations

import pytest

from projectkit.errors import UserError
from projectkit.poster.markup.bibliography import Reference, read_bibliography
from projectkit.poster.markup.markdown import parse, plain_text
from projectkit.poster.markup.nodes import inline_text, walk
from projectkit.poster.source.reading import read_poster

BIB = r"""
@string{nips = "Advances in Neural Information Processing Systems"}
@inproceedings{vaswani2017,
  author = {Ashish Vaswani and Noam Shazeer and Niki Parmar},
  title = {{Attention} is {A}ll You Need}, booktitle = nips, year = 2017, url = {https://arxiv.org/abs/1706.03762?a=1&b=2},
}
@article{goedel,
  author = "Kurt G{\"o}del", title = {{\"U}ber S\"atze},
  journal = {Monatshefte}, date = {1931-01}, doi = {10.1007/BF01700692}}
@misc{two, author = {Ludwig van Beethoven and de la Cruz, Ana}, title = {Why? & how}, eprint = {1234.5678}}
@misc{others, author = {First, A. and others}, title = {Alone}}
@misc{team, author = {{The Team and Friends}}, title = {Data}, howpublished = {Zenodo}, year = 2024}
@comment{never mind}
"""


def entries() -> dict[str, Reference]:
    return dict(read_bibliography(BIB, "references.bib"))


def test_an_entry_is_shortened_to_who_when_what_and_where():
    found = entries()
    assert found["vaswani2017"] == Reference(
        "Vaswani et al.",
        "2017",
        "Attention is All You Need",
        "Advances in Neural Information Processing Systems",
        "https://arxiv.org/abs/1706.03762?a=1&b=2",
    )
    assert found["goedel"] == Reference(
        "Gödel", "1931", "Über Sätze", "Monatshefte", "https://doi.org/10.1007/BF01700692"
    )
    assert (found["two"].authors, found["two"].title, found["two"].venue) == (
        "van Beethoven & de la Cruz",
        "Why? & how",
        "arXiv:1234.5678",
    )
    assert (found["others"].authors, found["others"].year) == ("First et al.", "")


def test_a_name_in_braces_is_of_one_piece():
    assert entries()["team"].authors == "The Team and Friends"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("@misc{a, title={x}}\n\n@misc{a, title={y}}", "r.bib:3", "twice"),
        ("@misc{a, title={x}, title={y}}", "r.bib:1", "two fields title"),
        ("\n@misc{a, title={x}", "r.bib:2", "cannot be read"),
        ("@misc{a title=x}", "r.bib:1", "cannot be read"),
        ("@misc{a, author={x}}", "r.bib:1", "no title"),
        ("@a{" * 3000, "r.bib:1", "cannot be read"),
    ],
)
def test_a_broken_bibliography_is_an_error_of_one_line_with_its_place(text, where, words):
    with pytest.raises(UserError) as error:
        read_bibliography(text, "r.bib")
    assert error.value.where == where
    assert words in error.value.what
    assert "\n" not in str(error.value)


def test_an_address_that_is_none_is_left_out():
    (reference,) = read_bibliography("@misc{a, title={x}, url={javascript:alert(1)}}", "r.bib").values()
    assert reference.url == ""


@pytest.fixture
def cite(write_poster, team):
    """A function that writes sections and a bibliography and reads the poster."""

    def read(bib: str | None = BIB, yaml: str = "", name: str = "references.bib", **sections: str):
        folder = write_poster(yaml=yaml, **sections)
        if bib is not None:
            (folder / name).write_text(bib, encoding="utf-8")
        return read_poster(folder, team.root)

    return read


def citations(poster) -> list[str]:
    return [node["text"] for section in poster.sections for node in walk(section.blocks) if node["kind"] == "cite"]


def test_citations_are_numbered_in_the_order_of_reading_over_all_sections(cite):
    poster = cite(
        **{"10-a": "# A\n\nAs [@two] and [@goedel; @two].\n", "20-b": "# B\n\n| x |\n|---|\n| [@team; @two] |\n"}
    )
    assert citations(poster) == ["[1]", "[1, 2]", "[1, 3]"]
    last = poster.sections[-1].blocks[-1]
    assert [(entry["key"], entry["label"]) for entry in last["entries"]] == [
        ("two", "[1]"),
        ("goedel", "[2]"),
        ("team", "[3]"),
    ]
    assert inline_text(last["entries"][1]["children"]) == "Gödel (1931). Über Sätze. Monatshefte."
    assert plain_text(last) == ""


def test_the_list_of_references_may_stand_elsewhere(cite):
    text = "# A\n\nAs [@two].\n\n:::{references}\n:::\n\nThe end.\n"
    poster = cite(**{"10-a": text, "20-b": "# B\n\nb\n"})
    kinds = [block["kind"] for section in poster.sections for block in section.blocks]
    assert kinds == ["heading", "paragraph", "references", "paragraph", "heading", "paragraph"]
    assert poster.sections[0].blocks[2]["entries"][0]["key"] == "two"


def test_a_bibliography_of_another_name_is_named_in_the_poster(cite):
    assert citations(cite(yaml="bibliography: ours.bib", name="ours.bib", a="# A\n\n[@two]\n")) == ["[1]"]


def test_nothing_is_read_where_nothing_is_cited(cite):
    assert cite("@broken{", a="# A\n\ntext\n").sections


@pytest.mark.parametrize(
    ("sections", "bib", "yaml", "where", "words"),
    [
        ({"a": "# A\n\nx\n[@goedle]\n"}, BIB, "", "poster/sections/a.md:4", "did you mean 'goedel'?"),
        ({"a": "# A\n\n[@goedel]\n"}, None, "", "poster/sections/a.md:3", "references.bib"),
        ({"a": "# A\n\n[@a]\n"}, BIB, "bibliography: other.bib", "poster/poster.yaml:4:1", "there is no other.bib"),
        ({"a": "# A\n\n[@a, p. 3]\n"}, BIB, "", "poster/sections/a.md:3:1", "is not a citation"),
        ({"a": "# A\n\n:::{references}\n:::\n"}, BIB, "", "poster/sections/a.md:3", "nothing is cited"),
        (
            {"a": "# A\n\n[@two]\n\n:::{references}\n:::\n\n:::{references}\n:::\n"},
            BIB,
            "",
            "poster/sections/a.md:8",
            "second list",
        ),
        ({"a": "# A\n\n:::{references}\nstyle: apa\n:::\n"}, BIB, "", "poster/sections/a.md:3", "no keys"),
    ],
)
def test_a_citation_that_leads_nowhere_is_named_with_its_place(cite, sections, bib, yaml, where, words):
    with pytest.raises(UserError) as error:
        cite(bib, yaml, **sections)
    assert error.value.where == where
    assert words in str(error.value)


def test_a_bibliography_outside_of_the_project_is_refused(cite, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "r.bib"
    outside.write_text(BIB, encoding="utf-8")
    with pytest.raises(UserError, match="leads out of the project"):
        cite(yaml=f"bibliography: {outside.as_posix()}", a="# A\n\n[@two]\n")


def test_a_link_that_starts_with_an_at_sign_is_a_link():
    (block,) = parse("[@ada](https://example.org) and \\[@two]", "s.md")
    assert [child["kind"] for child in block["children"]] == ["link", "text"]


def test_footnotes_are_numbered_over_all_sections_and_printed_in_their_own(cite):
    poster = cite(
        **{
            "10-a": "# A\n\nx[^b] y[^a] z[^b]\n\n[^a]: Second\n[^b]: First *note*\n    that goes on\n",
            "20-b": "# B\n\nx[^a]\n\n[^a]: Third\n",
        }
    )
    numbers = [
        node["number"] for section in poster.sections for node in walk(section.blocks) if node["kind"] == "footnote"
    ]
    assert numbers == [1, 2, 1, 3]
    printed = [
        [(item["number"], plain_text(item["children"][0])) for item in section.blocks[-1]["items"]]
        for section in poster.sections
    ]
    assert printed == [[(1, "First note that goes on"), (2, "Second")], [(3, "Third")]]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x[^note]\n\n[^notes]: y\n", 1, "did you mean 'notes'?"),
        ("x[^long]\n", 1, "[^long]: and its text"),
        ("text\n\n[^a]: never used\n", 3, "nothing refers"),
        ("x[^a]\n\n[^a]: y\n\n[^a]: z\n", 5, "two texts"),
        ("x[^a]\n\n[^a]: y[^a]\n", 3, "inside a footnote"),
        ("- x\n\n  [^a]: y\n", 3, "inside a list"),
    ],
)
def test_a_footnote_without_its_text_or_the_other_way_round_is_named(text, line, words):
    with pytest.raises(UserError) as error:
        parse(text, "s.md")
    assert error.value.where == f"s.md:{line}"
    assert words in str(error.value)
