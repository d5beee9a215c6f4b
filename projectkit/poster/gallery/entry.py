"""A built poster as its `poster.json` tells it: read with care, for anybody may have written it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.errors import UserError
from projectkit.poster.addresses import LINKS
from projectkit.poster.gallery.places import FILES, Place
from projectkit.poster.source.files import is_file, lies_in
from projectkit.poster.source.values import Author, Link

_MOST_BYTES = {"poster.json": 2 << 20, "poster.pdf": 64 << 20, "poster.png": 128 << 20}
_LONGEST_IN_A_CODE = 500  # characters of an address; a code of more has modules that a phone cannot tell apart
_REMEDY = "run `projectkit poster build` there"


@dataclass(frozen=True)
class Entry:
    """A poster of the wall.

    Args:
        folder: as it was given.
        path: the same in full, by which posters without a number are ordered.
        pdf: the poster's file.
        png: its picture.
        title: and what else the team wrote; texts are empty where they are not given.
        number: that the team was given, empty where it has none.
        language: two or three letters.
        text: all words of the poster.
        audit: word of the audit -> how many checks came to it; None where the poster shows none.
    """

    folder: str
    path: str
    pdf: Path
    png: Path
    title: str
    subtitle: str
    finding: str
    abstract: str
    authors: tuple[Author, ...]
    affiliation: str
    course: str
    team: str
    number: str
    tags: tuple[str, ...]
    language: str
    links: tuple[Link, ...]
    repository: str
    page: str
    text: str
    audit: Mapping[str, int] | None

    @property
    def address(self) -> str:
        """What the poster's QR code says; empty where there is none."""
        return next((url for url in (self.page, self.repository) if 0 < len(url) <= _LONGEST_IN_A_CODE), "")


def read_entry(place: Place) -> Entry:
    """Read what was built at a place.

    Raises:
        UserError: a file is missing, too large or outside the folder, or `poster.json` is of another form.
    """
    json_file, pdf, png = (_file(place, name) for name in FILES)
    if not pdf.read_bytes()[:5] == b"%PDF-":
        raise UserError("is no PDF", where=str(pdf), remedy=_REMEDY)
    document = _Document(json_file)
    return Entry(
        folder=place.name,
        path=place.within.resolve().as_posix(),
        pdf=pdf,
        png=png,
        title=document.text("title") or "Untitled",
        subtitle=document.text("subtitle"),
        finding=document.text("finding"),
        abstract=document.text("abstract"),
        authors=tuple(document.authors()),
        affiliation=document.text("affiliation"),
        course=document.text("course"),
        team=document.text("team"),
        number=document.text("number").strip(),
        tags=tuple(document.texts("tags")),
        language=document.language(),
        links=tuple(document.links()),
        repository=document.address("repository"),
        page=document.address("page"),
        text=document.text("text"),
        audit=document.audit(),
    )


class _Document:
    """`poster.json`, value by value."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise UserError("is not JSON", where=str(file), remedy=_REMEDY) from error
        if not isinstance(document, dict) or document.get("schema") != 1:
            raise UserError("is not of schema 1", where=str(file), remedy=f"{_REMEDY} with this version of projectkit")
        self._document: dict[str, Any] = document

    def text(self, key: str) -> str:
        value = self._document.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._error(key, "a text")
        return _whole(value)

    def texts(self, key: str) -> list[str]:
        value = self._document.get(key) or []
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._error(key, "a list of texts")
        return [_whole(each) for each in value]

    def authors(self) -> list[Author]:
        value = self._document.get("authors") or []
        if not isinstance(value, list) or not all(
            isinstance(each, dict) and isinstance(each.get("name"), str) for each in value
        ):
            raise self._error("authors", "a list of authors")
        return [Author(_whole(each["name"]), _whole(str(each.get("affiliation") or ""))) for each in value]

    def links(self) -> list[Link]:
        value = self._document.get("links") or {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise self._error("links", "a mapping of labels to addresses")
        return [Link(_whole(label), _whole(url)) for label, url in value.items() if _is_address(url)]

    def address(self, key: str) -> str:
        url = self.text(key).strip()
        return url if _is_address(url) else ""

    def language(self) -> str:
        language = self.text("language")
        return language if language.isascii() and language.isalpha() and len(language) in (2, 3) else "en"

    def audit(self) -> Mapping[str, int] | None:
        value = self._document.get("audit")
        if value is None:
            return None
        counts = value.get("counts") if isinstance(value, dict) else None
        if not isinstance(counts, dict) or not all(
            isinstance(count, int) and not isinstance(count, bool) for count in counts.values()
        ):
            raise self._error("audit", "null, or how many checks came to which word")
        return {_whole(word): count for word, count in counts.items()}

    def _error(self, key: str, form: str) -> UserError:
        return UserError(f"{key} is not {form}", where=str(self._file), remedy=_REMEDY)


def _file(place: Place, name: str) -> Path:
    """One of the three files; a link that leads out of the folder would put another's file on the wall."""
    file = place.build / name
    if not is_file(file):
        raise UserError(f"there is no {name}", where=str(place.build), remedy=_REMEDY)
    if not lies_in(file, place.within):
        raise UserError(f"{name} leads out of the folder", where=str(place.build), remedy=_REMEDY)
    if file.stat().st_size > _MOST_BYTES[name]:
        what = f"{name} has more than {_MOST_BYTES[name] >> 20} MiB"
        raise UserError(what, where=str(place.build), remedy="make the poster's pictures smaller")
    return file


def _whole(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _is_address(url: str) -> bool:
    return url.strip().lower().startswith(LINKS)
