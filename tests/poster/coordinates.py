"""A page's own coordinates, read from its PDF: what leaves its box, what stands over something else, which marks are there."""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projectkit.poster.typesetting.arrangements import POINTS_PER_MM, Area
from projectkit.poster.typesetting.layout import Layout


@dataclass(frozen=True)
class Box:
    """A rectangle in points from the top left corner, and what it is."""

    left: float
    top: float
    right: float
    bottom: float
    what: str
    maths: bool = False

    def inside(self, other: Box, across: float, down: float) -> bool:
        return (
            self.left >= other.left - across
            and self.right <= other.right + across
            and self.top >= other.top - down
            and self.bottom <= other.bottom + down
        )

    def over(self, other: Box) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 0 and down > 0


def faults(pdf: bytes, page: Mapping[str, float], layout: Layout, *, mirrored: bool, marks: Sequence[str]) -> list[str]:
    """What is wrong with a page; empty where nothing is.

    Args:
        pdf: the file.
        page: its `width` and `height` in mm.
        layout: that it was drawn from.
        mirrored: columns run from the right.
        marks: words that must each stand on it once.
    """
    import pdfplumber

    width, height = page["width"] * POINTS_PER_MM, page["height"] * POINTS_PER_MM
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        if len(document.pages) != 1:
            return [f"{len(document.pages)} pages"]
        objects = document.pages[0].objects
    chars = [char for char in objects.get("char", []) if _shown(char) and char["x1"] > char["x0"]]
    letters = [_letter(char, height) for char in chars]
    pictures = [_box(image, "image") for image in objects.get("image", [])]
    drawn = [_box(one, kind) for kind in ("rect", "line", "curve") for one in objects.get(kind, [])]
    areas = [_area_box(area, width if mirrored else None) for area in _areas(layout)]
    return [
        *_outside([*letters, *pictures, *drawn], Box(0, 0, width, height, "page"), areas, 0.12 * layout.size),
        *_over_each_other([_core(char, height) for char in chars], pictures),
        *_marks("".join(map(_shown, chars)), marks),
    ]


def _shown(char: Mapping[str, Any]) -> str:
    """Its text without places to break a line."""
    return str(char["text"]).replace("\u200b", "").strip()


def _areas(layout: Layout) -> Iterator[Area]:
    yield from (column.area for column in layout.columns)
    if layout.middle is not None:
        yield layout.middle


def _area_box(area: Area, mirror: float | None) -> Box:
    left = area.x if mirror is None else mirror - area.x - area.width
    return Box(left, area.y, left + area.width, area.y + area.height, "area")


def _box(one: Mapping[str, Any], what: str) -> Box:
    return Box(one["x0"], one["top"], one["x1"], one["bottom"], what)


def _outside(boxes: Sequence[Box], page: Box, areas: Sequence[Box], hair: float) -> Iterator[str]:
    """What leaves the page, or stands between header and footer but in no column; half of a stroke stands over the edge of its box."""
    first, last = min(area.top for area in areas), max(area.bottom for area in areas)
    for box in boxes:
        if not box.inside(page, hair, hair):
            yield f"{box} leaves the page"
        if page.inside(box, hair, hair):
            continue  # the paper
        middle = (box.top + box.bottom) / 2
        if first <= middle <= last:
            # a full stop or a hyphen at the end of a line hangs a little into the margin
            across = (box.bottom - box.top) / 2 if box.what in ".,;:-–\u00ad" else hair
            down = 4 * hair if box.maths else hair  # fractions in a line take some of the gap between lines
            if not any(box.inside(area, max(across, hair), down) for area in areas):
                yield f"{box} stands in no column"


def _letter(char: Mapping[str, Any], height: float) -> Box:
    """From its baseline to the height of capitals: the box in the file holds every accent and every tail that its font has."""
    baseline, size = height - char["matrix"][5], char["bottom"] - char["top"]
    return Box(char["x0"], baseline - 0.65 * size, char["x1"], baseline, _shown(char), "Math" in char["fontname"])


def _core(char: Mapping[str, Any], height: float) -> Box:
    """The middle of a letter: where two of these meet, one stands over the other. Marks belong on top of a letter, and have none."""
    if all(unicodedata.category(sign) in ("Mn", "Me", "Cf") for sign in _shown(char)):
        return Box(0, 0, 0, 0, "")
    letter = _letter(char, height)
    side, tall = 0.3 * (letter.right - letter.left), letter.bottom - letter.top
    return Box(
        letter.left + side, letter.top + 0.35 * tall, letter.right - side, letter.bottom - 0.1 * tall, letter.what
    )


def _over_each_other(cores: Sequence[Box], pictures: Sequence[Box], *, cell: float = 60.0) -> Iterator[str]:
    places: dict[tuple[int, int], list[Box]] = {}
    for core in (core for core in cores if core.what):
        here = {(int(x // cell), int(y // cell)) for x in (core.left, core.right) for y in (core.top, core.bottom)}
        met = {id(other): other for place in here for other in places.get(place, ())}
        for other in met.values():
            if (
                core.over(other) and not (core.maths and other.maths) and abs(core.left - other.left) > 0.01
            ):  # else they are parts of one sign
                yield f"{core} stands over {other}"
        for picture in pictures:
            if core.over(picture):
                yield f"{core} stands over a picture, {picture}"
        for place in here:
            places.setdefault(place, []).append(core)


def _marks(text: str, marks: Sequence[str]) -> Iterator[str]:
    found = Counter(re.findall(r"k\d{3}z", text)) + Counter(mark[::-1] for mark in re.findall(r"z\d{3}k", text))
    for mark in marks:
        if found[mark] != 1:
            yield f"{mark} stands there {found[mark]} times"
