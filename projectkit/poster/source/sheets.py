"""Sheets: the sizes that a poster can have, and from how far each is read.

| name | as it usually hangs |
|---|---|
| `A0` `A1` `A2` | portrait |
| `36x48 in` `48x36 in` `42x36 in` `36x42 in` `24x36 in` | width x height |
| `icml` `icml-60` `icml-72` | 48, 60 and 72 in wide, 36 in tall |
| `neurips` | 36 x 48 in |
| `iclr` | 1900 x 900 mm, the largest that may hang there |
| `cvpr` | 84 x 42 in |
| `screen` | 16:9, for a projector or a display in the hall |

Any other is written as `900x1200 mm`, `60x40 cm`, `30x40 in`, or as a mapping of `width` and `height`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from projectkit.errors import UserError
from projectkit.poster.source.fields import Fields

MM_PER_INCH = 25.4
POINTS_PER_INCH = 72
POINTS_PER_MM = POINTS_PER_INCH / MM_PER_INCH
# Sizes of text for each metre of distance, in points: from 1.5 m, 28.7 pt can just be read and 35.9 pt read with ease.
LEAST_PT_PER_M, GOOD_PT_PER_M = 19.13, 23.93

_UNITS_MM = {"mm": 1.0, "cm": 10.0, "in": MM_PER_INCH}
_MEASURE = r"(\d{1,5}(?:\.\d{1,3})?)"
_UNIT = r"(mm|cm|in)"
_SIZE = re.compile(rf"{_MEASURE}\s*{_UNIT}?\s*[x×]\s*{_MEASURE}\s*{_UNIT}", re.IGNORECASE)
_LENGTH = re.compile(rf"{_MEASURE}\s*{_UNIT}", re.IGNORECASE)
_LEAST_MM, _MOST_MM = 200.0, 3000.0  # of a side: below it is a leaflet, above no press prints it in one piece
_MOST_RATIO = 4.0
# Square root of the area in mm -> metres from which a sheet of that size is read: A2, A1, A0 and more. Nobody stands further away
# than that, because other people pass.
_DISTANCES = ((500.0, 0.9), (707.0, 1.2), (1000.0, 1.5))


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper, or a screen.

    Args:
        name: as `size` in poster.yaml.
        width_mm: as it hangs, orientation applied.
        height_mm: the same.
        distance_m: from which it is read.
        screen: shown by a projector or a display, not printed.
    """

    name: str
    width_mm: float
    height_mm: float
    distance_m: float
    screen: bool = False

    @property
    def landscape(self) -> bool:
        """Wider than tall."""
        return self.width_mm > self.height_mm

    @property
    def short_mm(self) -> float:
        """The shorter side."""
        return min(self.width_mm, self.height_mm)


def custom(width_mm: float, height_mm: float, name: str = "") -> Sheet:
    """A sheet of any size, read from a distance that follows from its area."""
    return Sheet(
        name or f"{width_mm:g}x{height_mm:g} mm",
        round(width_mm, 1),
        round(height_mm, 1),
        _distance_m(math.sqrt(width_mm * height_mm)),
    )


def sheet(name: str, *, landscape: bool | None = None) -> Sheet:
    """The sheet of that name.

    Args:
        name: a key of `SHEETS`.
        landscape: turn it so; None leaves it as it usually hangs.
    """
    return _turned(SHEETS[name], landscape)


def read_sheet(fields: Fields) -> Sheet:
    """The sheet that `size` and `orientation` of poster.yaml ask for; A0 in portrait where they are not written.

    Raises:
        UserError: no sheet has that name, or a side is too short or too long; with file and line.
    """
    orientation = (
        fields.choice("orientation", ["portrait", "landscape"], "portrait") if fields.take("orientation") else ""
    )
    value = fields.take("size")
    if isinstance(value, dict):
        found = _of_sides(fields, value)
    else:
        name = fields.text("size", "A0")
        found = _NAMES.get(name.lower().replace(" ", "")) or _of_words(fields, name)
    return _turned(found, None if not orientation else orientation == "landscape")


def _turned(found: Sheet, landscape: bool | None) -> Sheet:
    square = found.width_mm == found.height_mm
    if landscape is None or square or landscape == found.landscape:
        return found
    return replace(found, width_mm=found.height_mm, height_mm=found.width_mm)


def _distance_m(side_mm: float) -> float:
    """Of a sheet whose area has a square root of `side_mm`; between the known ones in proportion."""
    below = (0.0, 0.0)
    for at in _DISTANCES:
        if side_mm <= at[0]:
            share = (side_mm - below[0]) / (at[0] - below[0])
            return round(below[1] + share * (at[1] - below[1]), 2)
        below = at
    return below[1]


def _of_words(fields: Fields, words: str) -> Sheet:
    found = _SIZE.fullmatch(words)
    if found is None:
        raise fields.error("size", f"size is {words!r}", f"write {', '.join(SHEETS)}, or any other as 900x1200 mm")
    width, unit, height, last = found.groups()
    width_mm = float(width) * _UNITS_MM[(unit or last).lower()]
    return _checked(fields, custom(width_mm, float(height) * _UNITS_MM[last.lower()], words))


def _of_sides(fields: Fields, sides: dict[str, object]) -> Sheet:
    measured = {side: _LENGTH.fullmatch(str(value).strip()) for side, value in sides.items()}
    width, height = measured.get("width"), measured.get("height")
    if width is None or height is None or len(measured) != 2:
        raise fields.error(
            "size", "size is not a width and a height", "write size: {width: 900 mm, height: 1200 mm}, in mm, cm or in"
        )
    width_mm, height_mm = (float(side[1]) * _UNITS_MM[side[2].lower()] for side in (width, height))
    return _checked(fields, custom(width_mm, height_mm))


def _checked(fields: Fields, found: Sheet) -> Sheet:
    short, long = found.short_mm, max(found.width_mm, found.height_mm)
    if short < _LEAST_MM or long > _MOST_MM:
        raise _refused(fields, found, f"a side of a poster has {_LEAST_MM:.0f} to {_MOST_MM:.0f} mm")
    if long > _MOST_RATIO * short:
        raise _refused(fields, found, f"a poster is at most {_MOST_RATIO:.0f} times as long as it is wide")
    return found


def _refused(fields: Fields, found: Sheet, why: str) -> UserError:
    size = f"{found.width_mm:.0f} x {found.height_mm:.0f} mm"
    return fields.error("size", f"size is {size}, but {why}", "write A0, or a size such as 900x1200 mm")


def _inches(name: str, width: float, height: float) -> Sheet:
    return custom(width * _UNITS_MM["in"], height * _UNITS_MM["in"], name)


# As they usually hang. A screen has the size of a large display, and is looked at across a hall.
SHEETS: dict[str, Sheet] = {
    found.name: found
    for found in (
        custom(841, 1189, "A0"),
        custom(594, 841, "A1"),
        custom(420, 594, "A2"),
        *(_inches(f"{w}x{h} in", w, h) for w, h in ((36, 48), (48, 36), (42, 36), (36, 42), (24, 36))),
        _inches("icml", 48, 36),
        _inches("icml-60", 60, 36),
        _inches("icml-72", 72, 36),
        _inches("neurips", 36, 48),
        custom(1900, 900, "iclr"),
        _inches("cvpr", 84, 42),
        Sheet("screen", 1600, 900, 2.2, screen=True),
    )
}
_NAMES = {name.lower().replace(" ", ""): found for name, found in SHEETS.items()} | {
    name.removesuffix(" in"): found for name, found in SHEETS.items() if name.endswith(" in")
}
