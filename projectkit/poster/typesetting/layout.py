"""The layout: which text size, which arrangement of columns, which block where, how tall the figures, how wide the gaps.

Plain numbers in, plain numbers out. The template has measured every block (with the figures at their least and at their greatest
height) at a ladder of text sizes and for each width of column that may be used; this file deals the blocks, in order, to
columns. It looks for a good text size first, then for full columns, and breaks a section across columns only where that buys
something. Columns are filled by letting figures grow, then the gaps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

from projectkit.poster.typesetting.arrangements import Area, Arrangement

# How a block follows the one before it: it starts a section, goes on in one, or goes on with the items of a list.
Join = Literal["section", "block", "item"]
# Gaps before a block, and how far they may grow to fill a column; in sizes of the text.
SECTION_GAP, BLOCK_GAP, ITEM_GAP = 1.75, 0.95, 0.84
_GAPS: dict[Join, float] = {"section": SECTION_GAP, "block": BLOCK_GAP, "item": ITEM_GAP}
_EXTRAS: dict[Join, float] = {"section": 2.4, "block": 0.7, "item": 0.0}
LINE_PITCH = 1.28  # cap height and leading of the template, in sizes of the text

# What a layout is worth: text of a good size 1.0, a smaller one in proportion, a larger one little more.
_LARGER = 0.25
_SLACK = 0.9  # for an entirely empty column
_BREAKS: dict[Join, float] = {"section": 0.0, "block": 0.035, "item": 0.07}  # for a column that starts so
_GROWN = 0.06  # for figures at their greatest height
_LONG_LINES, _EMS = 0.015, 30.0  # for each em that a column is wider than so many
_MIDDLE = 0.3  # for a billboard's middle that takes the whole page


@dataclass(frozen=True)
class Ladder:
    """Heights of every block at one text size, in points.

    Args:
        size: of the text.
        least: height of each block with its figures at their least height.
        most: the same at their greatest.
        wide: numbers of the blocks with a table, a formula or a word that is wider than the column.
    """

    size: float
    least: Sequence[float]
    most: Sequence[float]
    wide: Sequence[int]


@dataclass(frozen=True)
class Option:
    """A width of columns that was measured, and the ways to put them on the page; all have one number of columns."""

    arrangements: Sequence[Arrangement]
    ladder: Sequence[Ladder]

    @property
    def smallest(self) -> Ladder:
        """At the least text size that can be read."""
        return min(self.ladder, key=lambda rung: rung.size)


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        blocks: their numbers, in order.
        gaps: before each block, in points; 0 for the first.
        grow: of the figures, 0 (least height) to 1 (greatest).
        slack: the share that stays empty at the bottom.
        area: where it stands.
    """

    blocks: range
    gaps: tuple[float, ...]
    grow: float
    slack: float
    area: Area


@dataclass(frozen=True)
class Layout:
    """A poster's layout: text size in points, its columns, and the middle of a billboard."""

    size: float
    columns: tuple[Column, ...]
    slack: float  # of the emptiest column
    middle: Area | None = None


@dataclass(frozen=True)
class Excess:
    """By how much a poster is too long at the smallest text size.

    Args:
        lines: too many.
        share: of the page that the content needs, above 1.
        heights: of each block in lines, with the gap before it.
        tall: the number of a block that is taller than a column by itself.
        wide: the number of a block with a table, a formula or a word that is wider than a column.
        option: that comes nearest; `fits` tells from it whether a cut would do.
        layout: on a page that is taller by `over`.
        over: in points.
    """

    lines: int
    share: float
    heights: tuple[float, ...]
    tall: int | None
    wide: int | None
    option: Option
    layout: Layout
    over: float


def arrange(joins: Sequence[Join], options: Sequence[Option], good: float) -> Layout | None:
    """The best layout, None where nothing fits.

    Args:
        joins: how each block follows the one before it.
        options: what may be used.
        good: a text size that is read with ease.
    """
    best: tuple[float, Layout] | None = None
    tried = [(rung, option) for option in options for rung in option.ladder if not rung.wide]
    for rung, option in sorted(tried, key=lambda one: -one[0].size):
        for arrangement in option.arrangements:
            most = _text_worth(rung.size, good) + _GROWN + _middle_worth(arrangement)
            if best is not None and most <= best[0]:
                continue
            layout = _deal(joins, rung, arrangement)
            if layout is None:
                continue
            worth = _worth(layout, joins, good) + _middle_worth(arrangement)
            if best is None or worth > best[0]:
                best = (worth, layout)
    return _closed(best[1]) if best else None


def _closed(layout: Layout) -> Layout:
    """The middle of a billboard grown upwards, into what stays empty at the foot of every column above it."""
    middle = layout.middle
    above = [] if middle is None else [one for one in layout.columns if one.area.y + one.area.height <= middle.y]
    if middle is None or not above:
        return layout
    free = min(column.slack * column.area.height for column in above)
    columns = tuple(_shorter(column, free) if column in above else column for column in layout.columns)
    slack = layout.slack if layout.slack == 1.0 else max(column.slack for column in columns)
    return replace(
        layout, columns=columns, slack=slack, middle=replace(middle, y=middle.y - free, height=middle.height + free)
    )


def _shorter(column: Column, free: float) -> Column:
    height = column.area.height
    slack = (column.slack * height - free) / (height - free)
    return replace(column, slack=max(slack, 0.0), area=replace(column.area, height=height - free))


def fits(joins: Sequence[Join], heights: Sequence[float], option: Option) -> bool:
    """Whether blocks of these heights fit at the smallest text size.

    Args:
        joins: how each block follows the one before it.
        heights: in points, figures at their least height.
        option: of `Excess`.
    """
    rung = Ladder(option.smallest.size, heights, heights, ())
    return any(_deal(joins, rung, arrangement) is not None for arrangement in option.arrangements)


def excess(joins: Sequence[Join], options: Sequence[Option]) -> Excess:
    """By how much the blocks are too long, for the option that comes nearest to fitting."""
    found = [_excess(joins, option) for option in options]
    return min(found, key=lambda one: (one.wide is not None, one.tall is not None, one.share))


def _excess(joins: Sequence[Join], option: Option) -> Excess:
    rung = option.smallest
    heights = [height + _GAPS[join] * rung.size for height, join in zip(rung.least, joins, strict=True)]
    arrangement = max(option.arrangements, key=lambda one: sum(area.height for area in one.areas))
    rooms = [area.height for area in arrangement.areas]
    tallest = max(range(len(heights)), key=lambda index: rung.least[index])
    over = max(sum(heights) - sum(rooms), rung.least[tallest] - max(rooms), rung.size)
    pitch = rung.size * LINE_PITCH
    layout, taller = _spilling(joins, rung, arrangement, sum(heights))
    return Excess(
        lines=math.ceil(over / pitch),
        share=max(sum(heights) / sum(rooms), 1.01),
        heights=tuple(height / pitch for height in heights),
        tall=tallest if rung.least[tallest] > max(rooms) else None,
        wide=rung.wide[0] if rung.wide else None,
        option=option,
        layout=layout,
        over=taller,
    )


def _spilling(joins: Sequence[Join], rung: Ladder, arrangement: Arrangement, most: float) -> tuple[Layout, float]:
    """The layout on the shortest page that holds everything, and by how many points that is taller.

    Each column takes what goes into it, which is enough here and quick for any length.
    """
    fillings = _Fillings(joins, rung)
    low, high = 0.0, most
    while high - low > rung.size / 2:
        middle = (low + high) / 2
        low, high = (low, middle) if fillings.poured(arrangement.taller(middle)) else (middle, high)
    columns = fillings.poured(arrangement.taller(high))
    middle_area = arrangement.taller(high).middle
    rows = len({area.y for area in arrangement.areas})
    return Layout(rung.size, columns, 0.0, middle_area), high * rows


def _worth(layout: Layout, joins: Sequence[Join], good: float) -> float:
    broken = sum(_BREAKS[joins[column.blocks.start]] for column in layout.columns)
    grown = sum(column.grow for column in layout.columns) / len(layout.columns)
    long_lines = _LONG_LINES * max(layout.columns[0].area.width / layout.size - _EMS, 0)
    return _text_worth(layout.size, good) - _SLACK * layout.slack - broken - long_lines + _GROWN * grown


def _text_worth(size: float, good: float) -> float:
    relative = size / good
    return min(relative, 1) + _LARGER * max(relative - 1, 0)


def _middle_worth(arrangement: Arrangement) -> float:
    if arrangement.middle is None:
        return 0.0
    middle = arrangement.middle.width * arrangement.middle.height
    return _MIDDLE * middle / (middle + sum(area.width * area.height for area in arrangement.areas))


def _deal(joins: Sequence[Join], rung: Ladder, arrangement: Arrangement) -> Layout | None:
    """The blocks in these columns, none taller than its room; the emptiest space is made small, then sections kept whole.

    Dynamic programming over (columns used, blocks placed); the cost of a column is the square of what stays empty in it.
    """
    count = len(joins)
    if sum(rung.least) > sum(area.height for area in arrangement.areas):
        return None
    fillings = _Fillings(joins, rung)
    inside = {room: list(fillings.within(room)) for room in {area.height for area in arrangement.areas}}
    best: dict[int, tuple[float, tuple[range, ...]]] = {0: (0.0, ())}
    for area in arrangement.areas:
        following = {placed: (total + 1.0, (*dealt, range(placed, placed))) for placed, (total, dealt) in best.items()}
        for first, end, cost in inside[area.height]:
            if first not in best:
                continue
            total = best[first][0] + cost
            if end not in following or total < following[end][0]:
                following[end] = (total, (*best[first][1], range(first, end)))
        best = following
    if count not in best:
        return None
    dealt = best[count][1]
    columns = tuple(
        fillings.column(blocks, area) for blocks, area in zip(dealt, arrangement.areas, strict=True) if blocks
    )
    empty = any(not blocks for blocks in dealt)
    slack = 1.0 if empty else max(column.slack for column in columns)
    return Layout(rung.size, columns, slack, arrangement.middle)


@dataclass(frozen=True)
class _Filling:
    """How a column is filled: growth of its figures, share of the gaps' growth, points that stay empty."""

    grow: float
    wider: float
    left: float


class _Fillings:
    """Every way to fill a column with blocks that follow each other, at one text size; sums up to each block make it cheap."""

    def __init__(self, joins: Sequence[Join], rung: Ladder) -> None:
        self._joins = joins
        self._gaps = [_GAPS[join] * rung.size for join in joins]
        self._extra = [_EXTRAS[join] * rung.size for join in joins]
        sums = (rung.least, rung.most, self._gaps, self._extra)
        self._least, self._most, self._gap_sums, self._extra_sums = ([0.0, *accumulate(values)] for values in sums)

    def within(self, room: float) -> Iterator[tuple[int, int, float]]:
        """First block, end and cost of each column that is not taller than the room."""
        count = len(self._joins)
        for first in range(count):
            broken = _BREAKS[self._joins[first]]
            for end in range(first + 1, count + 1):
                filling = self._filling(first, end, room)
                if filling is None:
                    break
                yield first, end, (filling.left / room) ** 2 + broken + 0.02 * (filling.grow - 0.5) ** 2

    def poured(self, arrangement: Arrangement) -> tuple[Column, ...]:
        """Columns that each take what goes into them; none where blocks are left over."""
        columns, first, count = [], 0, len(self._joins)
        for area in arrangement.areas:
            end = first
            while end < count and self._filling(first, end + 1, area.height) is not None:
                end += 1
            if end > first:
                columns.append(self.column(range(first, end), area))
            first = end
        return tuple(columns) if first == count else ()

    def column(self, blocks: range, area: Area) -> Column:
        """The column of these blocks, which are not taller than it."""
        filling = self._filling(blocks.start, blocks.stop, area.height)
        assert filling is not None
        gaps = tuple(self._gaps[index] + filling.wider * self._extra[index] for index in blocks[1:])
        return Column(blocks, (0.0, *gaps), filling.grow, filling.left / area.height, area)

    def _filling(self, first: int, end: int, room: float) -> _Filling | None:
        """None where the blocks are taller than the room."""
        least = self._least[end] - self._least[first]
        left = room - least - (self._gap_sums[end] - self._gap_sums[first + 1])
        if left < 0:
            return None
        growth = self._most[end] - self._most[first] - least
        grow = min(left / growth, 1.0) if growth > 0.1 else 0.0
        left -= grow * growth if growth > 0.1 else 0.0
        extra = self._extra_sums[end] - self._extra_sums[first + 1]
        wider = min(left / extra, 1.0) if extra > 0 else 0.0
        return _Filling(grow, wider, max(left - wider * extra, 0.0))
