"""The themes that come with projectkit, by name; a course's theme extends one of them."""

from __future__ import annotations

from projectkit.poster.themes.theme import COLOURS, FONTS, Theme

CLASSIC = Theme()

BILLBOARD = Theme(
    name="billboard",
    arrangement="billboard",
    header="open",
    headings="plain",
    colours={
        **COLOURS,
        "ink": "#14232a",
        "muted": "#51626a",
        "accent": "#045b64",
        "faint-on-accent": "#cfeaea",
        "tint": "#e6f2f2",
        "hairline": "#bfd2d3",
    },
)

# Every pair of colours that text is set in has at least 12:1; WCAG's enhanced level asks for 7:1.
CONTRAST = Theme(
    name="contrast",
    headings="barred",
    colours={
        "paper": "#ffffff",
        "ink": "#000000",
        "muted": "#262626",
        "accent": "#000000",
        "on-accent": "#ffffff",
        "faint-on-accent": "#ffe14d",
        "tint": "#fff3b0",
        "hairline": "#000000",
    },
    # drawn for readers with low vision by the Braille Institute: no two letters look alike
    fonts={**FONTS, "text": "Atkinson Hyperlegible", "title": "Atkinson Hyperlegible"},
)

# Nothing is filled but what must be: the cheapest to print.
QUIET = Theme(
    name="quiet",
    header="open",
    headings="ruled",
    colours={
        "paper": "#ffffff",
        "ink": "#211b17",
        "muted": "#5f564f",
        "accent": "#8a1c2b",
        "on-accent": "#ffffff",
        "faint-on-accent": "#f7e3e4",
        "tint": "#f6f2ec",
        "hairline": "#d6ccc0",
    },
    fonts={**FONTS, "title": "Libertinus Serif"},
)

THEMES = {theme.name: theme for theme in (CLASSIC, BILLBOARD, CONTRAST, QUIET)}
