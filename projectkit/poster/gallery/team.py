"""The page of a team: the poster to be read, what it is about, where its code is, and all of its words."""

from __future__ import annotations

from projectkit.poster.gallery.frame import around, audit, document, pages, tags, words
from projectkit.poster.gallery.numbers import Hung
from projectkit.poster.gallery.pictures import Picture
from projectkit.poster.outputs.page.markup import Html, element

_UP = "../../"


def team_page(title: str, poster: Hung, picture: Picture, before: Hung | None, after: Hung | None) -> bytes:
    """The page.

    Args:
        title: of the session.
        poster: the team's.
        picture: of it, the large one.
        before: the poster that hangs before it, None for the first.
        after: the one after it.
    """
    entry = poster.entry
    back = element("a", title, href=f"{_UP}index.html#{poster.anchor}")
    header = element(
        "header",
        element("div", element("p", back, class_="back"), pages("", _UP), class_="top"),
        element("p", element("span", "Poster ", class_="unseen"), element("span", poster.number, class_="number")),
        words("h1", entry, entry.title),
        *([words("p", entry, entry.subtitle, class_="subtitle")] if entry.subtitle else []),
        _authors(poster),
        *([words("p", entry, around(entry), class_="around")] if around(entry) else []),
    )
    image = element(
        "img",
        src="poster.webp",
        width=str(picture.width),
        height=str(picture.height),
        alt=f"The poster “{entry.title}”; its words stand on this page.",
    )
    figure = element("figure", element("a", image, href="poster.pdf"))
    shape = "wide" if picture.width > picture.height else None
    main = element("main", figure, element("div", _about(poster), class_="about"), class_=shape)
    return document(f"{entry.title} · {title}", header, main, _neighbours(before, after), up=_UP, kind="team")


def _authors(poster: Hung) -> Html:
    def item(name: str, affiliation: str) -> Html:
        return element("li", name, *([" ", element("span", affiliation)] if affiliation else []))

    entry = poster.entry
    items = [item(author.name, author.affiliation) for author in entry.authors]
    return words("ul", entry, *items, class_="authors", aria_label="Authors") if items else Html()


def _about(poster: Hung) -> Html:
    entry = poster.entry
    parts: list[Html] = []
    if entry.finding and entry.finding != entry.subtitle:
        parts.append(words("p", entry, entry.finding, class_="finding"))
    if entry.abstract and entry.abstract not in (entry.subtitle, entry.finding):
        parts += [element("h2", "Abstract"), words("p", entry, entry.abstract)]
    links = [(link.label, link.url) for link in entry.links]
    given = {url for _, url in links}
    links += [
        (label, url)
        for label, url in (("Page", entry.page), ("Repository", entry.repository))
        if url and url not in given
    ]
    items = [element("li", element("a", label, href=url, rel="noopener")) for label, url in links]
    pdf = element("li", element("a", "The poster as PDF", href="poster.pdf"))
    parts += [element("h2", "Links"), element("ul", pdf, *items, class_="links")]
    parts += [element("h2", "Audit"), audit(entry)]
    if entry.tags:
        parts += [element("h2", "Tags"), tags(entry, _UP)]
    above = {"", entry.title, entry.subtitle, entry.team, *(author.name for author in entry.authors)}
    lines = [line.strip() for line in entry.text.splitlines() if line.strip() not in above]
    if lines:
        paragraphs = [element("p", line) for line in lines]
        parts += [element("h2", "All words of the poster"), words("div", entry, *paragraphs, class_="words")]
    return element("div", *parts)


def _neighbours(before: Hung | None, after: Hung | None) -> Html:
    def link(poster: Hung, word: str) -> Html:
        title = words("span", poster.entry, poster.entry.title)
        return element("a", f"{word}: ", title, href=f"../{poster.slug}/index.html", class_=word.lower())

    links = [link(poster, word) for poster, word in ((before, "Previous"), (after, "Next")) if poster is not None]
    return element("nav", *links, class_="neighbours", aria_label="Neighbours") if links else Html()
