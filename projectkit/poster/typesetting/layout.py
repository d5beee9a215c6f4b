"""The layout: which text size, how many columns, which block where, how tall the figures, how wide the gaps.

Plain numbers in, plain numbers out. The template has measured every block (with the figures at their least and at their greatest
height) at a ladder of text sizes and for each number of columns that may be used; this file deals the blocks, in order, to
columns. It looks for a good text size first, then for full columns, and breaks a section across columns only where that buys
something. Columns are filled by letting figures grow, then the gaps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Gaps before a block, and how far they may grow to fill a column; in sizes of the text.
SECTION_GAP, BLOCK_GAP = 1.75, 0.95
_SECTION_EXTRA, _BLOCK_EXTRA = 2.4, 0.7
_LINE_PITCH = 1.28  # cap height and leading of the template, in sizes of the text

# What a layout is worth: text of a good size 1.0, a smaller one in proportion, a larger one little more.
_LARGER = 0.25
_SLACK = 0.9  # for an entirely empty column
_BREAK = 0.035  # for each section that goes on in the next column
_GROWN = 0.06  # for figures at their greatest height


@dataclass(frozen=True)
class Ladder:
    """Heights of every block at one text size, in points.

    Args:
        size: of the text.
        least: height of each block with its figures at their least height.
        most: the same at their greatest.
        wide: numbers of the blocks with a table that is wider than the column.
    """

    size: float
    least: Sequence[float]
    most: Sequence[float]
    wide: Sequence[int]


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        blocks: their numbers, in order.
        gaps: before each block, in points; 0 for the first.
        grow: of the figures, 0 (least height) to 1 (greatest).
        slack: the share that stays empty at the bottom.
    """

    blocks: range
    gaps: tuple[float, ...]
    grow: float
    slack: float


@dataclass(frozen=True)
class Layout:
    """A poster's layout: text size in points, and its columns."""

    size: float
    columns: tuple[Column, ...]
    slack: float  # of the emptiest column


@dataclass(frozen=True)
class Excess:
    """By how much a poster is too long at the smallest text size.

    Args:
        lines: too many.
        share: of the page that the content needs, above 1.
        heights: of each block in lines, with the gap before it.
        tall: the number of a block that is taller than a column by itself.
        wide: the number of a block with a table that is wider than a column.
    """

    lines: int
    share: float
    heights: tuple[float, ...]
    tall: int | None
    wide: int | None


def arrange(starts: Sequence[bool], ladders: Mapping[int, Sequence[Ladder]], room: float, good: float) -> Layout | None:
    """The best layout, None where nothing fits.

    Args:
        starts: for each block, whether it starts a section.
        ladders: number of columns -> heights at each text size.
        room: height of a column, in points.
        good: a text size that is read with ease.
    """
    best: tuple[float, Layout] | None = None
    for columns, ladder in ladders.items():
        for rung in ladder:
            if rung.wide:
                continue
            layout = _deal(starts, rung, columns, room)
            if layout is None:
                continue
            worth = _worth(layout, starts, good)
            if best is None or worth > best[0]:
                best = (worth, layout)
    return best[1] if best else None


def excess(starts: Sequence[bool], ladders: Mapping[int, Sequence[Ladder]], room: float) -> Excess:
    """By how much the blocks are too long, for the number of columns that comes nearest to fitting."""
    found = []
    for columns, ladder in ladders.items():
        rung = min(ladder, key=lambda one: one.size)
        heights = [
            height + (SECTION_GAP if start else BLOCK_GAP) * rung.size
            for height, start in zip(rung.least, starts, strict=True)
        ]
        tallest = max(range(len(heights)), key=lambda index: rung.least[index])
        over = max(sum(heights) - columns * room, rung.least[tallest] - room, rung.size)
        pitch = rung.size * _LINE_PITCH
        found.append(
            Excess(
                lines=math.ceil(over / pitch),
                share=max(sum(heights) / (columns * room), 1.01),
                heights=tuple(height / pitch for height in heights),
                tall=tallest if rung.least[tallest] > room else None,
                wide=rung.wide[0] if rung.wide else None,
            )
        )
    return min(found, key=lambda one: (one.wide is not None, one.tall is not None, one.share))


def _worth(layout: Layout, starts: Sequence[bool], good: float) -> float:
    relative = layout.size / good
    text = min(relative, 1) + _LARGER * max(relative - 1, 0)
    broken = sum(not starts[column.blocks.start] for column in layout.columns if column.blocks)
    grown = sum(column.grow for column in layout.columns) / len(layout.columns)
    return text - _SLACK * layout.slack - _BREAK * broken + _GROWN * grown


def _deal(starts: Sequence[bool], rung: Ladder, columns: int, room: float) -> Layout | None:
    """The blocks in so many columns, none taller than the room; the emptiest space is made small, then sections kept whole.

    Dynamic programming over (columns used, blocks placed); the cost of a column is the square of what stays empty in it.
    """
    count = len(starts)
    columns = min(columns, count)
    inside = {
        (first, end): column
        for first in range(count)
        for end in range(first + 1, count + 1)
        if (column := _fill(range(first, end), starts, rung, room)) is not None
    }

    def cost(column: Column) -> float:
        broken = not starts[column.blocks.start]
        return column.slack**2 + _BREAK * broken + 0.02 * (column.grow - 0.5) ** 2

    best: dict[int, tuple[float, tuple[Column, ...]]] = {0: (0.0, ())}
    for _ in range(columns):
        following: dict[int, tuple[float, tuple[Column, ...]]] = {}
        for (first, end), column in inside.items():
            if first not in best:
                continue
            total = best[first][0] + cost(column)
            if end not in following or total < following[end][0]:
                following[end] = (total, (*best[first][1], column))
        best = following
    if count not in best:
        return None
    dealt = best[count][1]
    return Layout(rung.size, dealt, max(column.slack for column in dealt))


def _fill(blocks: range, starts: Sequence[bool], rung: Ladder, room: float) -> Column | None:
    """A column of these blocks, filled as far as figures and gaps go; None where it is taller than the room."""
    gaps = [0.0] + [(SECTION_GAP if starts[index] else BLOCK_GAP) * rung.size for index in blocks[1:]]
    extra = [0.0] + [(_SECTION_EXTRA if starts[index] else _BLOCK_EXTRA) * rung.size for index in blocks[1:]]
    least = sum(rung.least[index] for index in blocks)
    left = room - least - sum(gaps)
    if left < 0:
        return None
    growth = sum(rung.most[index] for index in blocks) - least
    grow = min(left / growth, 1.0) if growth > 0.1 else 0.0
    left -= grow * growth if growth > 0.1 else 0.0
    wider = min(left / sum(extra), 1.0) if sum(extra) > 0 else 0.0
    left -= wider * sum(extra)
    filled = tuple(gap + wider * more for gap, more in zip(gaps, extra, strict=True))
    return Column(blocks, filled, grow, max(left, 0.0) / room)
