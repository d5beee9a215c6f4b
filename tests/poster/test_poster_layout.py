from __future__ import annotations

import random

import pytest

from projectkit.poster.source.sheets import POINTS_PER_MM, SHEETS, custom
from projectkit.poster.typesetting.arrangements import Area, Arrangement, arrangements, options
from projectkit.poster.typesetting.layout import BLOCK_GAP, SECTION_GAP, Ladder, Option, arrange, excess, fits

ROOM = 1000.0
S, B, ITEM = "section", "block", "item"


def side_by_side(count):
    return Arrangement(tuple(Area(300.0 * index, 0.0, 290.0, ROOM) for index in range(count)))


def measured(heights, *, columns=(2, 3), figures=(), wide=()):
    """Heights grow with the square of the text size, and a little where columns are narrower."""
    made = []
    for count in columns:
        rungs = []
        for size in (20.0, 24.0, 28.0, 32.0):
            least = [height * (size / 20) ** 2 * count / columns[0] for height in heights]
            most = [height + (150.0 if index in figures else 0.0) for index, height in enumerate(least)]
            rungs.append(Ladder(size, least, most, list(wide)))
        made.append(Option([side_by_side(count)], rungs))
    return made


def height_of(column, rung):
    least = sum(rung.least[index] for index in column.blocks)
    most = sum(rung.most[index] for index in column.blocks)
    return least + column.grow * (most - least) + sum(column.gaps)


def rung_of(layout, found):
    """The heights that a layout was made from."""
    count = {option.arrangements[0].areas[0].width: option for option in found}
    option = count[layout.columns[0].area.width] if len(count) > 1 else found[0]
    return next(rung for rung in option.ladder if rung.size == layout.size)


@pytest.mark.parametrize("seed", range(25))
def test_every_block_stands_once_in_order_and_no_column_is_taller_than_the_room(seed):
    chance = random.Random(seed)
    count = chance.randint(2, 25)
    heights = [chance.uniform(10, 160) for _ in range(count)]
    joins = [S, *chance.choices((S, B, ITEM), k=count - 1)]
    figures = {index for index in range(count) if chance.random() < 0.2}
    found = measured(heights, figures=figures, columns=(chance.choice((1, 2, 3)),))
    layout = arrange(joins, found, good=24)
    if layout is None:
        assert excess(joins, found).share > 1
        return
    assert [index for column in layout.columns for index in column.blocks] == list(range(count))
    for column in layout.columns:
        assert height_of(column, rung_of(layout, found)) <= ROOM + 1e-6
        assert all(0 <= share <= 1 for share in (column.grow, column.slack))


def test_gaps_are_never_smaller_than_between_blocks_or_sections():
    layout = arrange([S, B, S, B], measured([200, 200, 200, 200], columns=(2,)), good=24)
    for column in layout.columns:
        for index, gap in zip(column.blocks, column.gaps, strict=True):
            least = (SECTION_GAP if index in (0, 2) else BLOCK_GAP) * layout.size
            assert gap >= least or index == column.blocks.start


def test_sections_stay_whole_where_that_costs_little():
    layout = arrange([S, B, S, B], measured([100, 300, 110, 300], columns=(2,)), good=24)
    assert [column.blocks for column in layout.columns] == [range(2), range(2, 4)]


def test_a_section_is_broken_where_it_would_not_fit_otherwise():
    assert arrange([S, B, B], measured([600, 600, 600], columns=(2,)), good=20) is None
    layout = arrange([S, B, B], measured([500, 200, 500], columns=(2,)), good=20)
    assert len(layout.columns) == 2


def test_a_list_goes_on_in_the_next_column_rather_than_leaving_this_one_empty():
    heights = [300, 300, 300, 300]
    items = arrange([S, B, ITEM, ITEM], measured(heights, columns=(2,)), good=20)
    assert [column.blocks for column in items.columns] == [range(2), range(2, 4)]
    assert items.columns[0].gaps[1] > BLOCK_GAP * items.size  # between blocks gaps grow to fill the column,
    assert items.columns[1].gaps[1] == 0.84 * items.size  # between the items of a list they do not


def test_short_content_gets_larger_text_and_taller_figures():
    short = arrange([S, S], measured([100, 100], columns=(2,), figures={0, 1}), good=24)
    long = arrange([S, S], measured([700, 700], columns=(2,), figures={0, 1}), good=24)
    assert short.size > long.size
    assert short.columns[0].grow == 1


def test_columns_that_differ_in_height_are_each_filled_to_their_own():
    areas = (Area(0, 0, 290, 300.0), Area(300, 0, 290, 700.0))
    rung = Ladder(20.0, [100.0] * 6, [100.0] * 6, [])
    layout = arrange([S] * 6, [Option([Arrangement(areas)], [rung])], good=20)
    assert [len(column.blocks) for column in layout.columns] == [2, 4]
    assert [column.area for column in layout.columns] == list(areas)


def test_a_poster_that_is_too_long_says_by_how_many_lines():
    found = excess([S] * 6, measured([500] * 6, columns=(2,)))
    assert found.share == pytest.approx((6 * 500 + 6 * SECTION_GAP * 20) / 2000)
    assert 35 <= found.lines <= 60
    assert found.tall is None


def test_a_page_that_is_too_long_is_laid_out_on_the_shortest_that_holds_it():
    found = excess([S] * 6, measured([500] * 6, columns=(2,)))
    assert [len(column.blocks) for column in found.layout.columns] == [3, 3]
    needed = 3 * 500 + 2 * SECTION_GAP * 20
    assert needed <= ROOM + found.over <= needed + 20


def test_a_block_taller_than_a_column_is_named():
    assert excess([S, S], measured([50, 1200], columns=(2,))).tall == 1


def test_a_table_wider_than_a_column_is_never_laid_out():
    found = measured([50, 50], columns=(2,), wide=(1,))
    assert arrange([S, S], found, good=24) is None
    assert excess([S, S], found).wide == 1


def test_what_fits_at_the_smallest_size_is_told_from_what_does_not():
    option = excess([S] * 4, measured([500, 500, 500, 500], columns=(2,))).option
    assert not fits([S] * 4, [500, 500, 500, 500], option)
    assert fits([S] * 4, [500, 400, 500, 400], option)
    assert fits([S] * 3, [500, 400, 500], option)


@pytest.mark.parametrize("name", [name for name, sheet in SHEETS.items() if not sheet.screen])
@pytest.mark.parametrize("billboard", [B, S], ids=["columns", "billboard"])
def test_columns_stand_inside_the_margins_and_beside_each_other(name, billboard):
    sheet = SHEETS[name]
    page = {"width": sheet.width_mm, "height": sheet.height_mm, "margin": 40.0, "gutter": 25.0}
    good = 23.93 * sheet.distance_m
    room = 0.75 * sheet.height_mm * POINTS_PER_MM
    found = options(page, good, billboard=billboard, wanted=None, atoms=20)
    assert 1 <= len(found) <= 3
    for option in found:
        assert 12 <= option["width"] / good <= 38
        for arrangement in arrangements(page, option, 100.0, room):
            areas = [*arrangement.areas, *([arrangement.middle] if arrangement.middle else [])]
            for area in areas:
                assert area.x >= 40 * POINTS_PER_MM - 1e-6
                assert area.x + area.width <= (sheet.width_mm - 40) * POINTS_PER_MM + 1e-6
                assert area.y >= 100
                assert area.y + area.height <= 100 + room + 1e-6
            for index, one in enumerate(areas):
                assert not any(_overlap(one, other) for other in areas[index + 1 :])


def _overlap(one, other):
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return min(across, down) > 1e-6


def test_the_number_of_columns_that_was_asked_for_is_the_only_one():
    page = {"width": 841, "height": 1189, "margin": 39.0, "gutter": 25.0}
    assert [one["columns"] for one in options(page, 36, billboard=False, wanted=4, atoms=20)] == [4]
    assert [one["columns"] for one in options(page, 36, billboard=False, wanted=4, atoms=1)] == [4]
    assert [one["columns"] for one in options(page, 36, billboard=False, wanted=None, atoms=1)] == [1]


@pytest.mark.parametrize("sides", [(200, 300), (420, 594), (300, 1200), (1200, 300), (3000, 1000)])
@pytest.mark.parametrize("billboard", [B, S], ids=["columns", "billboard"])
@pytest.mark.parametrize("atoms", [1, 2, 40])
def test_every_sheet_has_an_option_for_any_number_of_blocks(sides, billboard, atoms):
    sheet = custom(*sides)
    short = sheet.short_mm
    page = {"width": sides[0], "height": sides[1], "margin": 0.046 * short, "gutter": 0.03 * short}
    found = options(page, 23.93 * sheet.distance_m, billboard=billboard, wanted=None, atoms=atoms)
    assert found
    assert all(option["width"] > 0 for option in found)
