"""Whether a theme's colours can be told apart.

Source: WCAG 2.2, success criterion 1.4.3 (contrast, minimum).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from projectkit.figures.colours import contrast
from projectkit.poster.themes.theme import Theme

TEXT, LARGE = 4.5, 3.0  # least ratios of text, and of text of at least 14 pt bold or 18 pt beside a reader's eyes

# Foreground, background, least ratio, what is drawn so. A header's type is several times as large as the text, hence LARGE.
_PAIRS = (
    ("ink", "paper", TEXT, "text"),
    ("ink", "tint", TEXT, "text in boxes"),
    ("muted", "paper", TEXT, "captions"),
    ("muted", "tint", TEXT, "captions in boxes"),
    ("accent", "paper", TEXT, "headings, links and best values"),
    ("accent", "tint", TEXT, "large numbers in boxes"),
    ("on-accent", "accent", LARGE, "the title"),
    ("faint-on-accent", "accent", LARGE, "the subtitle"),
)


@dataclass(frozen=True)
class Weak:
    """Two colours of a theme that are too close.

    Args:
        colour: the key of the text's colour.
        on: the key of what it stands on.
        ratio: between 1 and 21.
        least: that is asked for.
        what: is drawn so, in words.
    """

    colour: str
    on: str
    ratio: float
    least: float
    what: str


def weak_contrasts(theme: Theme) -> Iterator[Weak]:
    """The pairs of a theme's colours that are too close for what is drawn in them."""
    for colour, on, least, what in _PAIRS:
        ratio = contrast(theme.colours[colour], theme.colours[on])
        if ratio < least:
            yield Weak(colour, on, ratio, least, what)
