"""Whether a theme's colours can be told apart.

Source: WCAG 2.2, success criterion 1.4.3 (contrast, minimum), and its definitions of contrast ratio and relative luminance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 (the same) to 21 (black and white).

    Args:
        one: `#rrggbb`.
        other: `#rrggbb`.

    Source: WCAG 2.2, definition of contrast ratio: (L1 + 0.05) / (L2 + 0.05), the lighter one on top.
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, 0 (black) to 1 (white).

    Source: WCAG 2.2, definition of relative luminance, with the threshold of sRGB's own standard.
    """
    red, green, blue = (_linear(part / 255) for part in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(one: str, other: str, share: float) -> str:
    """A colour between two: `share` of the first, the rest of the second, in sRGB."""
    parts = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(share * first + (1 - share) * second):02x}" for first, second in parts)


def _channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`, each 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
