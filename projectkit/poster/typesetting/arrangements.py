"""Where columns may stand: side by side over the whole page, or around the middle of a billboard.

| way | of | columns stand |
|---|---|---|
| `columns` | every theme | side by side |
| `sides` | a billboard wider than tall | left and right of the middle |
| `band` | a billboard taller than wide | above and below the middle, which goes across |

An option is a way with a number of columns; its blocks are measured once, as all its columns have one width. An arrangement is an option
with a place for everything; a band may stand higher or lower, so that one option has several.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from projectkit.poster.source.sheets import POINTS_PER_MM

# Width of a column in sizes of a text that is read with ease: 16 em hold seven words of a line, 31 em fourteen. In a billboard, whose
# columns say details, less will do.
_LEAST_EM, _BEST_EM, _MOST_EM = 15.5, 22.0, 31.0
_LEAST_EM_BESIDE = 13.0
_WIDEST_EM = 38.0  # for a poster with so little on it that its text is large
_MOST_COLUMNS = 8
_OPTIONS = 2  # that are measured, and one of wider columns: each costs a tenth of a second

_MIDDLE_WIDTHS = (0.38, 0.3)  # of the page, left and right of it stand columns
_MIDDLE_HEIGHTS = (0.34, 0.27, 0.21)  # of the room, where it goes across
_ABOVE = (0.35, 0.425, 0.5, 0.575, 0.65)  # the share of the rest that stands above it
_AROUND = 1.25  # the gap around it, in gutters


@dataclass(frozen=True)
class Area:
    """A place on the page, in points from its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Arrangement:
    """Columns of one width, in the order in which they are read, and the middle of a billboard."""

    areas: tuple[Area, ...]
    middle: Area | None = None

    def taller(self, extra: float) -> Arrangement:
        """The same with every column taller by so many points."""
        tops = sorted({area.y for area in self.areas})
        areas = tuple(
            replace(area, y=area.y + extra * tops.index(area.y), height=area.height + extra) for area in self.areas
        )
        middle = self.middle
        if middle is not None:
            beside = len(tops) == 1
            middle = replace(middle, height=middle.height + extra) if beside else replace(middle, y=middle.y + extra)
        return Arrangement(areas, middle)


def options(
    page: Mapping[str, float], good: float, *, billboard: bool, wanted: int | None, atoms: int
) -> list[dict[str, Any]]:
    """What the template measures: `way`, `columns` side by side, their `width` and the billboard's `middle` width in points.

    Args:
        page: `width`, `height`, `margin` and `gutter`, in mm.
        good: a text size that is read with ease, in points.
        billboard: with the finding in the middle.
        wanted: number of columns; None to choose.
        atoms: how many blocks there are; without a wish there are no more columns than these.
    """
    inner, gutter = _inner(page), page["gutter"] * POINTS_PER_MM
    sides = billboard and page["width"] >= 1.15 * page["height"]
    found: list[dict[str, Any]] = []
    for count in range(1, (_MOST_COLUMNS if wanted else max(1, min(_MOST_COLUMNS, atoms))) + 1):
        if sides and count % 2 == 0:
            for share in _MIDDLE_WIDTHS:
                middle = share * inner
                width = (inner - middle - 2 * _AROUND * gutter - (count - 2) * gutter) / count
                found.append({"way": "sides", "columns": count, "width": width, "middle": middle})
        elif not sides:
            width = (inner - (count - 1) * gutter) / count
            way = "band" if billboard else "columns"
            found.append({"way": way, "columns": count, "width": width, "middle": inner if billboard else 0.0})
    if not found:  # a billboard with a single block: it stands to the left of the middle
        width = (inner * (1 - _MIDDLE_WIDTHS[0]) - 2 * _AROUND * gutter) / 2
        found = [{"way": "sides", "columns": 2, "width": width, "middle": _MIDDLE_WIDTHS[0] * inner}]
    if wanted is not None:
        nearest = min((option["columns"] for option in found), key=lambda count: abs(count - wanted))
        return [option for option in found if option["columns"] == nearest]
    least = _LEAST_EM_BESIDE if sides else _LEAST_EM

    def distance(option: dict[str, Any]) -> float:
        return abs(math.log(option["width"] / good / _BEST_EM))

    fitting = [option for option in found if least <= option["width"] / good <= _MOST_EM]
    chosen = sorted(fitting or [min(found, key=distance)], key=distance)[:_OPTIONS]
    fewer = min(option["columns"] for option in chosen) - (2 if sides else 1)
    wider = [option for option in found if option["columns"] == fewer and option["width"] / good <= _WIDEST_EM]
    return [*chosen, *wider[:1]]


def arrangements(
    page: Mapping[str, float], option: Mapping[str, Any], top: float, room: float
) -> Iterator[Arrangement]:
    """Every arrangement of an option, those with the largest middle first.

    Args:
        page: as for `options`.
        option: one of them.
        top: where columns start, below the header, in points.
        room: the height from there to the footer.
    """
    margin, gutter = page["margin"] * POINTS_PER_MM, page["gutter"] * POINTS_PER_MM
    width, count = option["width"], option["columns"]
    lefts = [margin + index * (width + gutter) for index in range(count)]
    if option["way"] == "columns":
        yield Arrangement(tuple(Area(left, top, width, room) for left in lefts))
    elif option["way"] == "sides":
        across = option["middle"] + 2 * _AROUND * gutter - gutter
        half = count // 2
        areas = tuple(
            Area(left + (across if index >= half else 0.0), top, width, room) for index, left in enumerate(lefts)
        )
        start = margin + half * (width + gutter) - gutter + _AROUND * gutter
        yield Arrangement(areas, Area(start, top, option["middle"], room))
    else:
        gap = _AROUND * gutter
        for share in _MIDDLE_HEIGHTS:
            tall = share * room
            for upper in _ABOVE:
                above = (room - tall - 2 * gap) * upper
                below = room - tall - 2 * gap - above
                middle = Area(margin, top + above + gap, option["middle"], tall)
                upper_row = tuple(Area(left, top, width, above) for left in lefts)
                lower_row = tuple(Area(left, top + room - below, width, below) for left in lefts)
                yield Arrangement(upper_row + lower_row, middle)


def _inner(page: Mapping[str, float]) -> float:
    return (page["width"] - 2 * page["margin"]) * POINTS_PER_MM
