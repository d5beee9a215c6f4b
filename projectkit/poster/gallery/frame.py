"""What all pages of the site have in common: head, policy, navigation, and how the people of a poster are written."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from projectkit.poster.gallery.entry import Entry
from projectkit.poster.outputs.page.markup import Html, element
from projectkit.poster.source.values import direction

ASSETS = ("gallery.css", "gallery.js", "icon.svg")
# `file:` beside 'self', which means nothing where the site is opened from a folder; no page has a script or a style of its own
_POLICY = "default-src 'none'; img-src 'self' file:; style-src 'self' file:; script-src 'self' file:; base-uri 'none'; form-action 'none'"


def document(title: str, *body: Html, up: str = "", language: str = "en", kind: str, script: bool = False) -> bytes:
    """A page, UTF-8.

    Args:
        title: of the window.
        body: its elements.
        up: the way to the site's top, such as `../../`.
        language: of the page's own words.
        kind: class of the body, for the look.
        script: whether it takes the site's script.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", type="image/svg+xml", href=f"{up}assets/icon.svg"),
        element("link", rel="stylesheet", href=f"{up}assets/gallery.css"),
        *([element("script", src=f"{up}assets/gallery.js", defer=True)] if script else []),
    )
    page = element("html", head, element("body", *body, class_=kind), lang=language)
    return f"<!doctype html>\n{page}\n".encode("utf-8", "backslashreplace")


def pages(here: str, up: str = "") -> Html:
    """The links between the wall, the plan and the codes.

    Args:
        here: the page that they stand on, such as `plan.html`.
        up: the way to the site's top.
    """
    names = (("index.html", "Posters"), ("plan.html", "Session plan"), ("codes.html", "QR codes"))
    links = [
        element("a", label, href=f"{up}{file}", aria_current="page" if file == here else None) for file, label in names
    ]
    return element("nav", *links, class_="pages", aria_label="Pages")


def words(name: str, entry: Entry, *children: Html | str, **attributes: str | None) -> Html:
    """An element with words of a team, in the team's language."""
    return element(name, *children, lang=entry.language, dir=direction(entry.language), **attributes)


def people(entry: Entry) -> str:
    """The authors of a poster, in one line."""
    return ", ".join(author.name for author in entry.authors)


def around(entry: Entry) -> str:
    """Team, affiliation and course, in one line."""
    return " · ".join(text for text in (entry.team, entry.affiliation, entry.course) if text)


def tags(entry: Entry, up: str | None = None) -> Html:
    """A poster's tags; where the way up is given, each finds the posters of the wall that have it."""
    from urllib.parse import quote

    if not entry.tags:
        return Html()

    def item(tag: str) -> Html | str:
        return tag if up is None else element("a", tag, href=f"{up}index.html#q={quote(tag, safe='')}")

    return words("ul", entry, *(element("li", item(tag)) for tag in entry.tags), class_="tags", aria_label="Tags")


def audit(entry: Entry) -> Html:
    """The audit's badge: how many checks came to which word."""
    if entry.audit is None:
        return element("p", "No audit on the poster", class_="audit none")
    counts = [element("li", element("b", str(count)), " ", word) for word, count in entry.audit.items() if count]
    return element("div", element("p", "Audited"), element("ul", *counts), class_="audit")


@cache
def asset(name: str) -> bytes:
    """A file of `assets/`."""
    return (files("projectkit.poster.gallery") / "assets" / name).read_bytes()
