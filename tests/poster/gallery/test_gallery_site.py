"""The site's files."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from projectkit.errors import UserError
from projectkit.poster.gallery import make_gallery

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&amp;"


class Page(HTMLParser):
    """Elements with their attributes, and the text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        self.text += data


def digests(site: Path) -> dict[str, str]:
    files = sorted(file for file in site.rglob("*") if file.is_file())
    return {str(file.relative_to(site)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_posters_give_the_same_bytes(hand_in, tmp_path) -> None:
    teams = [hand_in("a", colour="red"), hand_in("b", size=(119, 84))]
    make_gallery(teams, tmp_path / "one")
    make_gallery(reversed(teams), tmp_path / "two")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_every_link_and_picture_of_the_site_is_there(hand_in, tmp_path) -> None:
    for name in ("a", "b", "c"):
        hand_in(name, repository=f"https://example.org/{name}", tags=["x y"])
    site = make_gallery([tmp_path / "teams"], tmp_path / "site").index.parent
    pages = list(site.rglob("*.html"))
    assert len(pages) == 6
    for page in pages:
        for _, attributes in Page(page).elements:
            for key in ("href", "src", "data-large"):
                address = attributes.get(key)
                if address and not address.startswith(("https://", "#")):
                    assert (page.parent / address.partition("#")[0]).is_file(), f"{page}: {address}"
            for choice in (attributes.get("srcset") or "").split(", "):
                assert not choice or (page.parent / choice.split()[0]).is_file(), f"{page}: {choice}"


def test_what_teams_write_is_text_everywhere(hand_in, tmp_path) -> None:
    people = [{"name": HOSTILE, "affiliation": HOSTILE}]
    texts = ["title", "subtitle", "finding", "abstract", "affiliation", "course", "team", "number", "language", "text"]
    said = dict.fromkeys(texts, HOSTILE) | {"tags": [HOSTILE], "links": {HOSTILE: f"https://example.org/{HOSTILE}"}}
    said |= {"repository": f"https://example.org/{HOSTILE}", "audit": {"run": "r", "counts": {HOSTILE: 1}}}
    hand_in("team", authors=people, **said)
    site = make_gallery([tmp_path / "teams"], tmp_path / "site", title=HOSTILE).index.parent
    for file in site.rglob("*.html"):
        page = Page(file)
        assert all(not key.startswith("on") for _, attributes in page.elements for key in attributes), file
        assert all(attributes["src"] != "x" for name, attributes in page.elements if name == "img"), file
        assert HOSTILE in page.text
        scripts = [attributes for name, attributes in page.elements if name == "script"]
        assert all(attributes.get("src") or attributes.get("type") == "application/json" for attributes in scripts)


def test_no_page_lets_anything_run_or_load_but_the_sites_own_files(hand_in, tmp_path) -> None:
    hand_in("team")
    site = make_gallery([tmp_path / "teams"], tmp_path / "site").index.parent
    for file in site.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
        assert policy is not None
        assert "default-src &#x27;none&#x27;" in policy[1]
        assert "unsafe" not in policy[1]
        assert "http" not in policy[1].replace("http-equiv", "")


def test_without_a_script_all_posters_can_be_read_from_the_first_page(hand_in, tmp_path) -> None:
    hand_in("a", title="The first", abstract="What it is about.", tags=["logs"], audit={"counts": {"absent": 9}})
    hand_in("b", title="The second", authors=[{"name": "Alan Turing"}])
    page = Page(make_gallery([tmp_path / "teams"], tmp_path / "site").index)
    for words in ("The first", "What it is about.", "logs", "9 absent", "The second", "Alan Turing"):
        assert words in page.text
    tools = next(attributes for _, attributes in page.elements if attributes.get("id") == "tools")
    assert "hidden" in tools, "what needs the script is hidden until it is there"


def test_a_teams_page_has_its_poster_abstract_links_audit_and_all_words(hand_in, tmp_path) -> None:
    hand_in(
        "team",
        title="A title",
        abstract="What it is about.",
        links={"Demo": "https://example.org/demo"},
        repository="https://example.org/code",
        audit={"run": "r", "counts": {"absent": 8, "present": 2, "unknown": 0}},
        text="One line.\nAnother line.",
    )
    site = make_gallery([tmp_path / "teams"], tmp_path / "site").index.parent
    page = Page(site / "teams/a-title/index.html")
    for words in ("A title", "What it is about.", "8 absent", "2 present", "One line.", "Another line."):
        assert words in page.text
    assert "unknown" not in page.text, "a word that no check came to is left out"
    addresses = [attributes.get("href") for name, attributes in page.elements if name == "a"]
    assert {"poster.pdf", "https://example.org/demo", "https://example.org/code"} <= set(addresses)
    assert (site / "teams/a-title/poster.pdf").read_bytes().startswith(b"%PDF")


def test_the_plan_names_each_poster_and_each_author_with_the_numbers(hand_in, tmp_path) -> None:
    ada, alan = {"name": "Ada Lovelace"}, {"name": "Alan Turing"}
    hand_in("a", title="The first", number="12", authors=[ada, alan])
    hand_in("b", title="The second", authors=[ada])
    plan = Page(make_gallery([tmp_path / "teams"], tmp_path / "site").index.parent / "plan.html")
    words = " ".join(plan.text.split())
    assert words.index("The second") < words.index("The first"), "in the order of the numbers"
    assert "Ada Lovelace 1, 12" in words
    assert "Alan Turing 12" in words


def test_a_poster_without_an_address_is_named_on_the_sheet_of_codes(hand_in, tmp_path) -> None:
    hand_in("a", title="With a page", page="https://example.org/page", repository="https://example.org/code")
    hand_in("b", title="With nothing")
    codes = Page(make_gallery([tmp_path / "teams"], tmp_path / "site").index.parent / "codes.html")
    labels = [attributes["aria-label"] for _, attributes in codes.elements if attributes.get("role") == "img"]
    assert labels == ["QR code: https://example.org/page"]
    assert "With nothing" in codes.text.partition("Without a code")[2]


def test_an_address_that_is_too_long_for_a_code_stays_a_link(hand_in, tmp_path) -> None:
    long = "https://example.org/" + "a" * 4000
    hand_in("a", page=long, repository="https://example.org/code")
    hand_in("b", page=long)
    site = make_gallery([tmp_path / "teams"], tmp_path / "site").index.parent
    codes = Page(site / "codes.html")
    labels = [attributes["aria-label"] for _, attributes in codes.elements if attributes.get("role") == "img"]
    assert labels == ["QR code: https://example.org/code"]
    page = Page(site / "teams/poster-b/index.html")
    assert long in [attributes.get("href") for _, attributes in page.elements]


def test_a_site_replaces_the_old_one_and_nothing_else(hand_in, tmp_path) -> None:
    site = tmp_path / "site"
    make_gallery([hand_in("a", title="Gone tomorrow")], site)
    make_gallery([hand_in("b", title="There today")], site)
    assert [path.name for path in (site / "teams").iterdir()] == ["there-today"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".site")]
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(UserError, match="something else"):
        make_gallery([tmp_path / "teams"], mine)
    assert (mine / "chapter.tex").is_file()


def test_the_index_of_the_search_holds_what_is_searched(hand_in, tmp_path) -> None:
    hand_in("a", title="</script>", authors=[{"name": "Ada"}], tags=["logs"], text="word " * 10_000, team="Team 1")
    text = make_gallery([tmp_path / "teams"], tmp_path / "site").index.read_text(encoding="utf-8")
    (row,) = json.loads(re.findall(r'<script type="application/json" id="index">(.*?)</script>', text)[0])
    assert row["number"] == "1"
    assert "</script>" in row["title"]
    assert "Ada" in row["people"]
    assert "Team 1" in row["people"]
    assert row["tags"] == "logs"
    assert len(row["text"]) == 20_000, "no poster makes the page of all others heavy"
