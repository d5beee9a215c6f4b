"""The values that a poster is made of, as its team wrote it; nothing here knows how it looks or what a run is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projectkit.poster.source.sheets import Sheet
from projectkit.poster.themes.theme import Logo, Theme

_FROM_RIGHT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


def direction(language: str) -> str:
    """`rtl` for languages that are written from the right, such as Arabic and Hebrew, else `ltr`; as HTML's `dir` has it."""
    return "rtl" if language in _FROM_RIGHT else "ltr"


@dataclass(frozen=True)
class Author:
    """Someone who made the poster."""

    name: str
    affiliation: str = ""


@dataclass(frozen=True)
class Link:
    """An address in the footer."""

    label: str
    url: str


@dataclass(frozen=True)
class Section:
    """A file of `sections/`.

    Args:
        file: its name for errors, such as `poster/sections/10-question.md`.
        blocks: nodes of `projectkit.poster.markup`.
    """

    file: str
    blocks: tuple[dict[str, Any], ...]

    @property
    def topic(self) -> str:
        """What the file's name says it is about: `question` of `10-question.md`."""
        return self.file.rpartition("/")[2].removesuffix(".md").lstrip("0123456789").strip("-_ .").lower()


@dataclass(frozen=True)
class Poster:
    """A poster as its team wrote it."""

    folder: Path
    file: str  # poster.yaml, as errors show it
    title: str
    subtitle: str
    finding: str  # the one sentence that a billboard sets large; the subtitle where it is not given
    abstract: str  # for the wall and the page; the subtitle where it is not given
    tags: tuple[str, ...]  # for the wall's search
    number: str  # of the poster in the session, empty where it has none
    authors: tuple[Author, ...]
    affiliation: str
    course: str
    team: str
    sheet: Sheet
    columns: int | None  # None: chosen by the layout
    language: str  # two or three letters
    theme: Theme
    logos: tuple[Logo, ...]  # the team's, after the theme's
    links: tuple[Link, ...]
    repository: str  # address of the team's repository, empty where it is not given
    page: str  # address where the poster's HTML page is published, empty where it is not
    sections: tuple[Section, ...]

    @property
    def code_target(self) -> str:
        """The address behind the QR code: the page where there is one, else the repository; may be empty."""
        return self.page or self.repository
