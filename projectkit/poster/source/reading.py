"""What a team writes: `poster.yaml` and `sections/*.md`, read into plain values.

Nothing here knows how a poster looks or what a run is. Sections are read in name order, so a number in front of the name
(`10-question.md`) is their place; each file is one section and starts with its heading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from projectkit.errors import UserError
from projectkit.poster.addresses import LINKS, WEB
from projectkit.poster.markup.bibliography import Reference, read_bibliography
from projectkit.poster.markup.citations import cited
from projectkit.poster.markup.markdown import parse
from projectkit.poster.markup.nodes import Node
from projectkit.poster.source.fields import Fields, read_fields
from projectkit.poster.source.files import is_file, read_text, shown
from projectkit.poster.source.sheets import read_sheet
from projectkit.poster.source.values import Author, Link, Poster, Section
from projectkit.poster.themes.reading import read_logos, read_theme

_KEYS = (
    *("title", "subtitle", "finding", "abstract", "tags", "number"),
    *("authors", "affiliation", "course", "team", "links", "repository", "page"),
    *("size", "orientation", "columns", "language", "theme", "logos", "bibliography"),
)
_MOST_COLUMNS = 5
_MOST_CHARACTERS = 100_000  # of all sections
LONGEST_ADDRESS = 500  # characters; a QR code of more has modules that a phone cannot tell apart
_BIBLIOGRAPHY = "references.bib"


def read_poster(folder: Path, root: Path) -> Poster:
    """Read the poster in `folder`.

    Args:
        folder: holds `poster.yaml` and `sections/`.
        root: the project's root; files are named from there.

    Raises:
        UserError: a file is missing or says something that a poster cannot hold, with file and line.
    """
    file = folder / "poster.yaml"
    if not is_file(file):
        raise UserError(
            "there is no poster here", where=shown(file, root), remedy="make one with `projectkit poster init`"
        )
    fields = read_fields(read_text(file, root, shown(file, root)), shown(file, root))
    fields.only(_KEYS, "a poster")
    title = fields.text("title")
    if not title:
        raise fields.error("title", "the poster has no title", 'write title: "What you found"')
    return Poster(
        folder=folder,
        file=shown(file, root),
        title=title,
        subtitle=fields.text("subtitle"),
        finding=fields.text("finding") or fields.text("subtitle"),
        abstract=fields.text("abstract") or fields.text("subtitle"),
        tags=tuple(fields.texts("tags")),
        number=fields.text("number"),
        authors=_authors(fields),
        affiliation=fields.text("affiliation"),
        course=fields.text("course"),
        team=fields.text("team"),
        sheet=read_sheet(fields),
        columns=_columns(fields),
        language=_language(fields),
        theme=read_theme(fields, folder, root),
        logos=read_logos(fields, folder, root),
        links=_links(fields),
        repository=_address("repository", fields),
        page=_address("page", fields),
        sections=_sections(fields, folder, root),
    )


def _sections(fields: Fields, folder: Path, root: Path) -> tuple[Section, ...]:
    language = _language(fields)
    parsed: list[tuple[str, list[Node]]] = []
    footnotes = characters = 0
    for file in sorted((folder / "sections").glob("*.md"), key=lambda file: file.name):
        name = shown(file, root)
        text = read_text(file, root, name)
        blocks = parse(text, name, language=language, first_footnote=footnotes + 1)
        if blocks:
            parsed.append((name, blocks))
            _check_headings(Section(name, tuple(blocks)))
            footnotes += sum(len(block["items"]) for block in blocks if block["kind"] == "footnotes")
        characters += len(text)
        if characters > _MOST_CHARACTERS:
            what = f"the sections up to this one have more than {_MOST_CHARACTERS:_} characters"
            raise UserError(what, where=name, remedy="cut; a poster has room for some 6_000")
    if not parsed:
        raise UserError(
            "the poster has no text",
            where=shown(folder / "sections", root),
            remedy="write sections/10-question.md, or start with `projectkit poster init`",
        )
    numbered = cited(parsed, lambda: _references(fields, folder, root))
    return tuple(Section(name, tuple(blocks)) for (name, _), blocks in zip(parsed, numbered, strict=True))


def _references(fields: Fields, folder: Path, root: Path) -> Mapping[str, Reference]:
    """The entries that a text may cite; none where there is no bibliography."""
    written = fields.text("bibliography")
    file = folder / (written or _BIBLIOGRAPHY)
    if not is_file(file):
        if written:
            raise fields.error(
                "bibliography", f"there is no {written}", "name a .bib file, with its path from the poster's folder"
            )
        return {}
    name = shown(file, root)
    return read_bibliography(read_text(file, root, name), name)


def _check_headings(section: Section) -> None:
    """A screen reader walks a page by its headings: each section starts with one, and none skips a level."""
    first = section.blocks[0]
    if first["kind"] != "heading" or first["level"] != 1:
        raise UserError(
            "a section starts with its heading",
            where=f"{section.file}:{first['line']}",
            remedy="write '# What this section says' on top",
        )
    level = 1
    for block in section.blocks:
        if block["kind"] != "heading":
            continue
        if block["level"] > level + 1:
            raise UserError(
                f"a heading of level {block['level']} below one of level {level}",
                where=f"{section.file}:{block['line']}",
                remedy=f"write {'#' * (level + 1)}",
            )
        level = block["level"]


def _authors(fields: Fields) -> tuple[Author, ...]:
    value = fields.take("authors")
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not entries:
        raise fields.error("authors", "the poster has no authors", 'write authors: ["First Author", "Second Author"]')
    authors = []
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str) and set(entry) <= {"name", "affiliation"}:
            authors.append(Author(entry["name"].strip(), str(entry.get("affiliation") or "").strip()))
        elif isinstance(entry, str) and entry.strip():
            authors.append(Author(entry.strip()))
        else:
            raise fields.error(
                "authors",
                f"{entry!r} is not an author",
                'write "A Name", or {name: "A Name", affiliation: "A Department"}',
            )
    return tuple(authors)


def _links(fields: Fields) -> tuple[Link, ...]:
    value = fields.take("links")
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise fields.error("links", "links is not a mapping", 'write links: {Code: "https://example.org/team"}')
    for label, url in value.items():
        if not isinstance(url, str) or not url.startswith(LINKS):
            raise fields.error("links", f"the link {label!r} is {url!r}", "write an address that starts with https://")
        _check_address(url.strip(), "links", fields)
    return tuple(Link(str(label), url.strip()) for label, url in value.items())


def _address(key: str, fields: Fields) -> str:
    url = fields.text(key)
    if url and not url.startswith(WEB):
        raise fields.error(key, f"{key} is {url!r}", "write an address that starts with https://")
    _check_address(url, key, fields)
    return url


def _check_address(url: str, key: str, fields: Fields) -> None:
    if len(url) > LONGEST_ADDRESS:
        raise fields.error(key, f"an address of {len(url):_} characters", f"write at most {LONGEST_ADDRESS}")
    if not url.isprintable() or " " in url:
        raise fields.error(key, f"the address {url!r} has a space or a control character in it", "take it out")


def _columns(fields: Fields) -> int | None:
    value = fields.take("columns")
    if value is None or value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_COLUMNS:
        raise fields.error("columns", f"columns is {value!r}", f"write auto, or a number from 1 to {_MOST_COLUMNS}")
    return value


def _language(fields: Fields) -> str:
    language = fields.text("language", "en")
    if not re.fullmatch(r"[a-z]{2,3}", language):
        raise fields.error("language", f"language is {language!r}", "write a code of two letters, such as en or de")
    return language
