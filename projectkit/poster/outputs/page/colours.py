"""A theme's colours on a light and on a dark page, changed as little as text needs to be read."""

from __future__ import annotations

from collections.abc import Mapping

_LEAST_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3
_DARK = {"paper": "#14181d", "ink": "#e8ecf0", "muted": "#a9b4bf", "tint": "#1e252d", "hairline": "#3a4550"}
_STEPS = 20


def css_variables(colours: Mapping[str, str]) -> str:
    """The page's variables: `--paper`, `--ink`, ... for a light screen, and in a media query for a dark one."""
    light = dict(colours) | {"link": _readable(colours["accent"], (colours["paper"], colours["tint"]))}
    dark = _DARK | {
        "accent": colours["accent"],
        "on-accent": colours["on-accent"],
        "faint-on-accent": colours["faint-on-accent"],
        "link": _readable(colours["accent"], (_DARK["paper"], _DARK["tint"])),
    }
    return f":root {{ {_written(light)} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_written(dark)} }} }}\n"


def contrast(first: str, second: str) -> float:
    """The contrast of two colours, 1 to 21.

    Source: WCAG 2.2, definition of contrast ratio.
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: str, grounds: tuple[str, ...]) -> str:
    """The colour, moved towards black or white until it can be read on each of the grounds."""
    end = "#000000" if _luminance(grounds[0]) > 0.18 else "#ffffff"
    for step in range(_STEPS + 1):
        moved = _mixed(colour, end, step / _STEPS)
        if all(contrast(moved, ground) >= _LEAST_CONTRAST for ground in grounds):
            return moved
    return end


def _written(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(first: str, second: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(one + share * (other - one)):02x}" for one, other in pairs)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
