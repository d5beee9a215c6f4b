"""`index.html`: all posters, to be looked at without a script; with it they are a wall that pans and zooms, and can be searched."""

from __future__ import annotations

import json
from collections.abc import Sequence

from projectkit.poster.gallery.frame import audit, document, pages, people, tags, words
from projectkit.poster.gallery.numbers import Hung
from projectkit.poster.gallery.pictures import Picture
from projectkit.poster.outputs.page.markup import Html, element

_MOST_TEXT = 20_000  # characters of a poster that are searched: three times those of a thousand words
_PLACE = (340, 480)  # of a picture on the wall, as in gallery.css
_HELP = "Drag or use the arrow keys to move, the wheel or + and − to zoom, 0 to see all."


def wall_page(title: str, posters: Sequence[Hung], pictures: Sequence[tuple[Picture, Picture]]) -> bytes:
    """The page.

    Args:
        title: of the session.
        posters: in the order that they hang in.
        pictures: of each, the large and the small one.
    """
    count = f"{len(posters)} poster" + "s" * (len(posters) != 1)
    header = element(
        "header",
        element("div", element("h1", title), pages("index.html"), class_="top"),
        _tools(count),
    )
    cards = [_card(each, *both) for each, both in zip(posters, pictures, strict=True)]
    main = element("main", element("div", element("ul", *cards, id="posters"), id="view"))
    skip = element("a", "Skip to the posters", href="#posters", class_="skip")
    return document(title, skip, header, main, _index(posters), kind="wall", script=True)


def _tools(count: str) -> Html:
    """The search and the buttons; hidden until the script is there that they need."""
    field = element(
        "input",
        type="search",
        id="query",
        autocomplete="off",
        spellcheck="false",
        placeholder="title, author, tag, text",
    )
    search = element("div", element("label", "Search", for_="query"), field, role="search")
    found = element("output", count, id="found", for_="query")
    views = [
        element("button", "Wall", type="button", id="as-wall", aria_pressed="false"),
        element("button", "List", type="button", id="as-list", aria_pressed="true"),
    ]
    zooms = [
        element("button", "−", type="button", id="out", aria_label="Zoom out"),
        element("button", "+", type="button", id="in", aria_label="Zoom in"),
        element("button", "See all", type="button", id="all"),
    ]
    return element(
        "div",
        search,
        found,
        element("div", *views, class_="choice", role="group", aria_label="View"),
        element("div", *zooms, class_="choice", id="zoom", role="group", aria_label="Zoom", hidden=True),
        element("p", _HELP, id="help", hidden=True),
        id="tools",
        hidden=True,
    )


def _card(poster: Hung, large: Picture, picture: Picture) -> Html:
    entry, folder = poster.entry, f"teams/{poster.slug}"
    image = element(
        "img",
        src=f"{folder}/thumbnail.webp",
        srcset=f"{folder}/thumbnail.webp {picture.width}w, {folder}/poster.webp {large.width}w",
        sizes="18rem",
        data_large=f"{folder}/poster.webp",
        width=str(picture.width),
        height=str(picture.height),
        alt="",  # the title beside it says the same
        class_="wide" if picture.width * _PLACE[1] > picture.height * _PLACE[0] else None,
        loading="lazy",
        decoding="async",
    )
    heading = words("h2", entry, entry.title)
    link = element(
        "a",
        element("span", image, class_="picture"),
        element("span", poster.number, class_="number"),
        heading,
        href=f"{folder}/index.html",
        id=poster.anchor,  # here, as a browser that comes to this poster then gives it the focus
    )
    details = [words("p", entry, people(entry), class_="people")]
    if entry.abstract:
        details.append(words("p", entry, entry.abstract, class_="abstract"))
    details += [tags(entry), *([audit(entry)] if entry.audit else [])]
    return element("li", link, *details)


def _index(posters: Sequence[Hung]) -> Html:
    """What the search looks through: data, not a script, with nothing in it that ends the element."""
    rows = [
        {
            "number": poster.number,
            "title": f"{poster.entry.title} {poster.entry.subtitle}",
            "people": f"{people(poster.entry)} {poster.entry.team}",
            "tags": " ".join(poster.entry.tags),
            "text": f"{poster.entry.finding} {poster.entry.abstract} {poster.entry.text}"[:_MOST_TEXT],
        }
        for poster in posters
    ]
    written = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return element("script", Html(written), type="application/json", id="index")
