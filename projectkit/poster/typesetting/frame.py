"""What stands around the sections, as data: header, footer, the theme's colours and fonts, logos, the code of the poster's address."""

from __future__ import annotations

from typing import Any

from projectkit.poster.addresses import short
from projectkit.poster.directives.qr import qr_code
from projectkit.poster.markup.words import breakable
from projectkit.poster.source.values import Poster, direction
from projectkit.poster.typesetting.fonts import with_fallbacks
from projectkit.poster.typesetting.pictures import Picture, read_picture


def frame(poster: Poster, pictures: dict[str, Picture]) -> dict[str, Any]:
    """The part of the design's data that no section fills.

    Args:
        poster: as its team wrote it.
        pictures: by staged name; the logos are added.

    Raises:
        UserError: a logo that cannot be shown, with the file and line that name it.
    """
    theme = poster.theme
    target = poster.code_target
    return {
        "title": breakable(poster.title),
        "subtitle": breakable(poster.subtitle),
        "finding": breakable(poster.finding),
        "authors": [{"name": author.name, "affiliation": author.affiliation} for author in poster.authors],
        "affiliation": poster.affiliation,
        "course": poster.course,
        "team": poster.team,
        "number": poster.number,
        "links": [{"label": link.label, "url": link.url, "shown": _shown(link.url)} for link in poster.links],
        "code": qr_code(target) if target else None,
        "logos": _logos(poster, pictures),
        "language": poster.language,
        "direction": direction(poster.language),
        "theme": {
            "arrangement": theme.arrangement,
            "header": theme.header,
            "headings": theme.headings,
            "colours": dict(theme.colours),
            "fonts": {role: with_fallbacks(family) for role, family in theme.fonts.items()},
        },
    }


def _logos(poster: Poster, pictures: dict[str, Picture]) -> list[dict[str, str]]:
    logos = []
    for index, logo in enumerate((*poster.theme.logos, *poster.logos)):
        picture = read_picture(logo.path, logo.within, logo.where, named=logo.path.name)
        name = f"logo-{index}{picture.suffix}"
        pictures[name] = picture
        logos.append({"file": name, "alt": logo.alt})
    return logos


def _shown(url: str) -> str:
    """An address as people write it."""
    return breakable(short(url))
