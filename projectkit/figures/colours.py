"""Colours as numbers: how light one is, how far two are apart, what lies between them. Each is `#rrggbb`."""

from __future__ import annotations


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
