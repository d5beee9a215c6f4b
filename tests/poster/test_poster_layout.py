from __future__ import annotations

import random

import pytest

from projectkit.poster.typesetting.layout import BLOCK_GAP, SECTION_GAP, Ladder, arrange, excess

ROOM = 1000.0


def ladders(heights, *, columns=(2, 3), figures=(), wide=()):
    """Heights grow with the square of the text size, and a little where columns are narrower."""
    made = {}
    for count in columns:
        rungs = []
        for size in (20.0, 24.0, 28.0, 32.0):
            least = [height * (size / 20) ** 2 * count / columns[0] for height in heights]
            most = [height + (150.0 if index in figures else 0.0) for index, height in enumerate(least)]
            rungs.append(Ladder(size, least, most, list(wide)))
        made[count] = rungs
    return made


def height_of(column, rung):
    least = sum(rung.least[index] for index in column.blocks)
    most = sum(rung.most[index] for index in column.blocks)
    return least + column.grow * (most - least) + sum(column.gaps)


@pytest.mark.parametrize("seed", range(25))
def test_every_block_stands_once_in_order_and_no_column_is_taller_than_the_room(seed):
    chance = random.Random(seed)
    count = chance.randint(1, 25)
    heights = [chance.uniform(10, 160) for _ in range(count)]
    starts = [True, *(chance.random() < 0.4 for _ in range(count - 1))]
    measured = ladders(heights, figures={index for index in range(count) if chance.random() < 0.2})
    layout = arrange(starts, measured, ROOM, good=24)
    if layout is None:
        assert excess(starts, measured, ROOM).share > 1
        return
    assert [index for column in layout.columns for index in column.blocks] == list(range(count))
    rung = next(rung for rung in measured[max(2, len(layout.columns))] if rung.size == layout.size)
    for column in layout.columns:
        assert height_of(column, rung) <= ROOM + 1e-6
        assert all(0 <= share <= 1 for share in (column.grow, column.slack))


def test_gaps_are_never_smaller_than_between_blocks_or_sections():
    layout = arrange([True, False, True, False], ladders([200, 200, 200, 200], columns=(2,)), ROOM, good=24)
    for column in layout.columns:
        for index, gap in zip(column.blocks, column.gaps, strict=True):
            least = (SECTION_GAP if index in (0, 2) else BLOCK_GAP) * layout.size
            assert gap >= least or index == column.blocks.start


def test_sections_stay_whole_where_that_costs_little():
    layout = arrange([True, False, True, False], ladders([100, 300, 110, 300], columns=(2,)), ROOM, good=24)
    assert [column.blocks for column in layout.columns] == [range(2), range(2, 4)]


def test_a_section_is_broken_where_it_would_not_fit_otherwise():
    assert arrange([True, False, False], ladders([600, 600, 600], columns=(2,)), ROOM, good=20) is None
    layout = arrange([True, False, False], ladders([500, 200, 500], columns=(2,)), ROOM, good=20)
    assert len(layout.columns) == 2


def test_short_content_gets_larger_text_and_taller_figures():
    short = arrange([True, True], ladders([100, 100], columns=(2,), figures={0, 1}), ROOM, good=24)
    long = arrange([True, True], ladders([700, 700], columns=(2,), figures={0, 1}), ROOM, good=24)
    assert short.size > long.size
    assert short.columns[0].grow == 1


def test_a_poster_that_is_too_long_says_by_how_many_lines():
    found = excess([True] * 6, ladders([500] * 6, columns=(2,)), ROOM)
    assert found.share == pytest.approx((6 * 500 + 6 * SECTION_GAP * 20) / 2000)
    assert 35 <= found.lines <= 60
    assert found.tall is None


def test_a_block_taller_than_a_column_is_named():
    assert excess([True, True], ladders([50, 1200], columns=(2,)), ROOM).tall == 1


def test_a_table_wider_than_a_column_is_never_laid_out():
    measured = ladders([50, 50], columns=(2,), wide=(1,))
    assert arrange([True, True], measured, ROOM, good=24) is None
    assert excess([True, True], measured, ROOM).wide == 1
