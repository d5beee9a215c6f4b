"""`page`: the whole page around what the nodes give."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from projectkit.poster.markup.nodes import plain_text
from projectkit.poster.outputs.page.colours import css_variables
from projectkit.poster.outputs.page.markup import Html, element, join
from projectkit.poster.outputs.page.nodes import Nodes
from projectkit.poster.outputs.page.pictures import Pictures
from projectkit.poster.render import Rendered
from projectkit.poster.source.values import Author, Poster, direction

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_CONTENTS_FROM = 4  # sections


def page(found: Rendered) -> bytes:
    """The page of a poster, UTF-8; the same bytes for the same poster.

    Args:
        found: the poster, laid out.
    """
    poster, composed = found.poster, found.composed
    pictures = Pictures(composed.pictures, found.typesetter.staged)
    sections = [
        element("section", Nodes(pictures, number).blocks(section.blocks), id=f"section-{number}")
        for number, section in enumerate(composed.sections, start=1)
    ]
    headings = [plain_text(section.blocks[0]) for section in composed.sections]
    body = join(_header(poster), _contents(headings), element("main", *sections), _footer(poster))
    document = element(
        "html", _head(poster), element("body", body), lang=poster.language, dir=direction(poster.language)
    )
    return f"<!doctype html>\n{document}\n".encode("utf-8", "backslashreplace")


def _head(poster: Poster) -> Html:
    style = Html(css_variables(poster.theme.colours) + _style())
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="description", content=poster.abstract),
        element("meta", name="author", content=", ".join(author.name for author in poster.authors)),
        element("title", poster.title),
        element("style", style),
    )


def _header(poster: Poster) -> Html:
    subtitle = [element("p", poster.subtitle, class_="subtitle")] if poster.subtitle else []
    authors = element(
        "ul", *(element("li", _author(author)) for author in poster.authors), class_="authors", aria_label="Authors"
    )
    place = " · ".join(words for words in (poster.affiliation, poster.course, poster.team) if words)
    around = [element("p", place, class_="place")] if place else []
    return element("header", element("h1", poster.title), *subtitle, authors, *around)


def _author(author: Author) -> Html:
    return join(author.name, *([" ", element("span", author.affiliation)] if author.affiliation else []))


def _contents(headings: list[str]) -> Html:
    if len(headings) < _CONTENTS_FROM:
        return Html()
    items = [
        element("li", element("a", heading, href=f"#section-{number}"))
        for number, heading in enumerate(headings, start=1)
    ]
    return element("nav", element("ol", *items), aria_label="Sections")


def _footer(poster: Poster) -> Html:
    links = [(link.label, link.url) for link in poster.links]
    if poster.repository and poster.repository not in (url for _, url in links):
        links.append(("Repository", poster.repository))
    items = [element("li", element("a", label, href=url)) for label, url in links]
    return element("footer", element("ul", element("li", element("a", "The poster as PDF", href="poster.pdf")), *items))


@cache
def _style() -> str:
    return (files("projectkit.poster.outputs.page") / "page.css").read_text(encoding="utf-8")
