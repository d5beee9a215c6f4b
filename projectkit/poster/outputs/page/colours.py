"""A theme's colours on a light and on a dark page, changed as little as text needs to be read."""

from __future__ import annotations

from collections.abc import Mapping

from projectkit.figures.colours import contrast, luminance, mixed
from projectkit.poster.themes.contrast import TEXT

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


def _readable(colour: str, grounds: tuple[str, ...]) -> str:
    """The colour, moved towards black or white until it can be read on each of the grounds."""
    end = "#000000" if luminance(grounds[0]) > 0.18 else "#ffffff"
    for step in range(_STEPS + 1):
        moved = mixed(end, colour, step / _STEPS)
        if all(contrast(moved, ground) >= TEXT for ground in grounds):
            return moved
    return end


def _written(colours: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
