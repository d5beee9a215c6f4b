"""What a poster says: headings, people, sections, addresses, alternative texts, what was left unfinished."""

from __future__ import annotations

import re

import pytest

from projectkit.poster import init_poster
from projectkit.poster.lint.headings import names_a_chapter
from projectkit.poster.lint.links import problem


@pytest.mark.parametrize(
    "heading",
    [
        "Results",
        "3. Our data and methods",
        "RELATED WORK",
        "Zusammenfassung und Ausblick",
        "Les résultats",
        "Conclusiones",
        "結果",
        "Данные",
    ],
)
def test_a_heading_of_chapter_names_alone_claims_nothing(heading):
    assert names_a_chapter(heading)


@pytest.mark.parametrize(
    "heading",
    [
        "Letters beat words",
        "Results hold on new senders",
        "What do we ask?",
        "Method?",
        "Die Daten lügen",
        "References",
        "7",
    ],
)
def test_a_heading_that_claims_or_asks_is_left_alone(heading):
    assert not names_a_chapter(heading)


def test_a_chapter_is_named_with_its_line_and_weighs_more_as_the_heading_of_a_section(checked, write_poster):
    folder = write_poster("# Results\n\nIt works.\n\n## Method\n\nIt is small.\n")
    first, second = checked("headings", folder)
    assert (first.status, first.where) == ("warning", "poster/sections/10-found.md:1")
    assert (second.status, second.where) == ("note", "poster/sections/10-found.md:5")


def test_claims_give_no_finding(checked, write_poster):
    assert checked("headings", write_poster("# Letters beat words\n\nIt works.\n")) == []


@pytest.mark.parametrize(
    ("yaml", "status", "words"),
    [
        ("authors: [First Author]", "warning", "First Author"),
        ("title: Title of your project", "warning", "still"),
        ("authors: [ada@university.edu]", "warning", "mail address"),
        ("authors: [Ada Lovelace, ada  lovelace]", "warning", "twice"),
    ],
)
def test_placeholders_of_title_and_authors_are_found(checked, write_poster, yaml, status, words):
    (found,) = checked("people", write_poster(yaml=yaml))
    assert found.status == status
    assert words in found.message
    assert found.where.startswith("poster/poster.yaml:")


def test_real_people_are_left_alone(checked, write_poster):
    assert checked("people", write_poster(yaml="authors: [Ada Lovelace, {name: Alan Turing, affiliation: A}]")) == []


def test_a_topic_without_a_section_is_missing(checked, write_poster):
    missing = checked("sections", write_poster(**{"10-frage": "# Why?\n\nA.\n", "20-our-dataset": "# B\n\nB.\n"}))
    assert [found.evidence["topic"] for found in missing] == ["method", "results", "takeaway"]
    assert {found.status for found in missing} == {"warning"}


def test_what_a_course_asks_for_is_an_error(checked, write_poster, team):
    folder = write_poster(yaml="theme: ./course")
    (folder / "course").mkdir()
    (folder / "course" / "theme.yaml").write_text("required: [found, ethics]\n", encoding="utf-8")
    (missing,) = checked("sections", folder)
    assert (missing.status, missing.evidence["topic"]) == ("error", "ethics")
    assert "30-ethics" not in missing.advice
    assert "poster/sections/NN-ethics.md" in missing.advice


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://github.com/team/project", ""),
        ("https://bücher.example-shop.de/ä?x=1#y", ""),
        ("https://1.1.1.1/page", ""),
        ("mailto:ada@university.edu", ""),
        ("mailto:ada", "no mail address"),
        ("https://example.org/our-team/project", "placeholder"),
        ("http://localhost:8000/", "one machine"),
        ("http://192.168.0.7/", "one machine"),
        ("https://[::1]/", "one machine"),
        ("https://nas.local/", "one machine"),
        ("https://university/", "no host"),
        ("https://a..b.de/", "no host"),
        ("https://git.university.edu:port/", "malformed"),
        ("https://[1/", "malformed"),
        ("https://git.university.edu/a b", "characters"),
        ("https://ada:secret@git.university.edu/", "password"),
    ],
)
def test_an_address_is_judged_without_a_network(url, words):
    assert words in problem(url)
    assert bool(words) == bool(problem(url))


def test_a_hostile_address_is_judged_at_once():
    assert problem("https://" + "a-" * 20_000 + "/") == "has no host that a name server knows"


def test_a_password_is_not_repeated(checked, write_poster):
    folder = write_poster(yaml="repository: https://ada:secret@git.university.edu/x")
    (found,) = checked("links", folder)
    assert "secret" not in found.message
    assert found.status == "error"


def test_bad_links_are_found_where_they_are_written(checked, write_poster):
    folder = write_poster(
        "# A claim\n\nSee [here](https://example.com/x).\n",
        yaml='links: {Code: "http://git.university.edu/x", Data: "http://git.university.edu/x"}',
    )
    found = checked("links", folder)
    assert [one.status for one in found] == ["note", "note", "warning", "error"]
    assert all(one.where.startswith("poster/poster.yaml:") for one in found[:3])
    assert found[3].where == "poster/sections/10-found.md:3"


def test_a_link_to_the_repository_is_one_too_many(checked, write_poster):
    address = "https://git.university.edu/x"
    (found,) = checked(
        "links", write_poster("# A\n\ntext\n", yaml=f"repository: {address}\nlinks: {{Code: {address}}}")
    )
    assert (found.status, found.advice) == ("warning", "take 'Code' out")


def test_good_links_give_no_finding(checked, write_poster):
    folder = write_poster(
        "# A claim\n\n[here](https://doi.org/10.1/x)\n", yaml='links: {Code: "https://git.university.edu/x"}'
    )
    assert checked("links", folder) == []


@pytest.mark.parametrize(
    ("image", "status"),
    [
        ('![A caption](a.svg){alt="pipeline.png"}', "warning"),
        ('![A caption](a.svg){alt="A figure"}', "warning"),
        ("![A caption](a.svg)", "note"),
        ('![A caption](a.svg){alt="Letters go in, three classes come out"}', None),
    ],
)
def test_an_alternative_text_says_what_can_be_seen(checked, write_poster, image, status):
    folder = write_poster(f"# A claim\n\n{image}\n")
    (folder / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="utf-8")
    found = checked("alt-text", folder)
    assert [one.status for one in found] == ([status] if status else [])
    assert all(one.where == "poster/sections/10-found.md:3" for one in found)


def test_the_advice_on_an_alternative_text_can_be_followed_where_it_stands(checked, write_poster, make_run):
    make_run()
    picture, directive = (
        "![A caption](a.svg)",
        ":::{figure}\nrun: latest\nname: confusion\ncaption: A caption\nalt: A caption",
    )
    folder = write_poster(f"# A claim\n\n{picture}\n\n{directive}\n:::\n")
    (folder / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="utf-8")
    first, second = (one.advice for one in checked("alt-text", folder))
    (braces,), (key,) = re.findall(r"\{.*\}", first), re.findall(r'alt: "[^"]*"', second)
    followed = directive.replace("alt: A caption", key)
    write_poster(f"# A claim\n\n{picture}{braces}\n\n{followed}\n:::\n")
    assert checked("alt-text", folder) == []


def test_a_fresh_starter_says_what_is_unfinished(checked, team):
    init_poster(team.root)
    found = checked("unfinished", team.root / "poster")
    assert {one.status for one in found} == {"warning"}
    places = {one.where.rpartition("/")[2].partition(":")[0] for one in found}
    assert places == {"poster.yaml", "10-question.md", "20-data.md", "30-method.md", "40-results.md", "50-takeaway.md"}
    assert any("empty place" in one.message for one in found)


def test_a_poster_of_ones_own_is_finished(checked, good_poster):
    assert checked("unfinished", good_poster()) == []


@pytest.mark.parametrize("text", ["TODO: ask Alan", "lorem ipsum", "It gives ??? percent", "[insert table]"])
def test_notes_of_a_draft_are_found(checked, write_poster, text):
    (found,) = checked("unfinished", write_poster(f"# A claim\n\n{text}\n"))
    assert (found.status, found.where) == ("error", "poster/sections/10-found.md:3")


def test_code_may_say_todo(checked, write_poster):
    assert checked("unfinished", write_poster("# A claim\n\nWe grep for `TODO` in code.\n")) == []


def test_a_number_without_its_run_is_an_empty_place(checked, write_poster):
    folder = write_poster("# A claim\n\nWe reach {value}`latest f1_macro` now.\n")
    (found,) = checked("unfinished", folder)
    assert (found.status, found.where) == ("warning", "poster/sections/10-found.md:3")
    assert checked("build", folder) == []


def test_warnings_of_the_build_are_passed_on_with_their_place_and_remedy(checked, good_poster, team):
    folder = good_poster()
    assert checked("build", folder) == []
    (evaluation,) = team.runs.glob("*/evaluation/val.json")
    evaluation.write_text(evaluation.read_text(encoding="utf-8").replace("0.834", "0.841"), encoding="utf-8")
    found = checked("build", folder)
    assert {one.status for one in found} == {"warning"}
    assert all(one.where.startswith("poster/sections/40-results.md:") for one in found)
    assert all("projectkit runs keep" in one.advice for one in found)
    assert found
