"""What a theme says: colours, fonts, logos, the arrangement of the page, and what the course asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COLOURS = {
    "paper": "#ffffff",  # the page
    "ink": "#16212c",  # text
    "muted": "#566270",  # captions and sources
    "accent": "#0d4f8b",  # header, headings, best values
    "on-accent": "#ffffff",  # text on it
    "faint-on-accent": "#dbe7f2",
    "tint": "#e9f0f7",  # boxes
    "hairline": "#c3cdd8",
}
FONTS = {
    "text": "Source Sans 3",
    "title": "Source Sans 3",
    "code": "DejaVu Sans Mono",
    "math": "New Computer Modern Math",
}
REQUIRED = ("question", "data", "method", "results", "takeaway")
ARRANGEMENTS = ("columns", "billboard")
HEADERS = ("band", "open")
HEADINGS = ("ruled", "barred", "plain")


@dataclass(frozen=True)
class Logo:
    """A logo of the header.

    Args:
        path: the picture's file.
        within: the folder that it must lie in.
        alt: what can be seen.
        where: file and line that name it, for errors.
    """

    path: Path
    within: Path
    alt: str
    where: str


@dataclass(frozen=True)
class Theme:
    """A theme.

    Args:
        name: as `theme` in poster.yaml; of a course's, the name of its folder.
        arrangement: `columns`, or `billboard`, with the finding large in the middle.
        header: `band`, filled with the accent, or `open`, on the page's own colour.
        headings: of sections: `ruled` (a rule above), `barred` (white on the accent), `plain`.
        colours: the keys of `COLOURS`, each as `#rrggbb`.
        fonts: the keys of `FONTS`, each a family.
        folder: of a course's theme: its `fonts/` are used; None for one of ours.
        logos: the course's.
        required: topics that the course wants a section for, such as `question`.
        file: where its colours are written, as errors show it; empty for one of ours.
    """

    name: str = "classic"
    arrangement: str = "columns"
    header: str = "band"
    headings: str = "ruled"
    colours: Mapping[str, str] = field(default_factory=lambda: dict(COLOURS))
    fonts: Mapping[str, str] = field(default_factory=lambda: dict(FONTS))
    folder: Path | None = None
    logos: tuple[Logo, ...] = ()
    required: tuple[str, ...] = REQUIRED
    file: str = ""
