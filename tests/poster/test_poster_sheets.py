from __future__ import annotations

import pytest

from projectkit.errors import UserError
from projectkit.poster.source.fields import read_fields
from projectkit.poster.source.sheets import SHEETS, read_sheet, sheet


def read(yaml):
    return read_sheet(read_fields(yaml, "poster/poster.yaml"))


def sides(found):
    return found.width_mm, found.height_mm


@pytest.mark.parametrize("name", SHEETS)
def test_every_sheet_is_read_by_its_name_however_it_is_written(name):
    assert read(f"size: {name}") == SHEETS[name]
    assert read(f"size: {name.upper()}") == SHEETS[name]


@pytest.mark.parametrize(
    ("yaml", "width", "height"),
    [
        ("", 841, 1189),
        ("size: A0\norientation: landscape", 1189, 841),
        ("size: 36x48 in\norientation: landscape", 1219.2, 914.4),
        ("size: icml\norientation: portrait", 914.4, 1219.2),
        ("size: 36x48", 914.4, 1219.2),
        ("size: 900x1200 mm", 900, 1200),
        ("size: 60 x 90 cm", 600, 900),
        ("size: 30.5x40in", 774.7, 1016),
        ("size: 1 mx 2", None, None),
        ("size: {width: 900 mm, height: 120 cm}", 900, 1200),
        ("size: {width: 900 mm, height: 1200 mm}\norientation: landscape", 1200, 900),
    ],
)
def test_a_size_is_width_times_height_and_the_orientation_turns_it(yaml, width, height):
    if width is None:
        with pytest.raises(UserError):
            read(yaml)
    else:
        assert sides(read(yaml)) == pytest.approx((width, height))


def test_no_orientation_leaves_a_sheet_as_it_usually_hangs():
    assert not read("size: A0").landscape
    assert read("size: icml").landscape
    assert sheet("A1", landscape=True).landscape


def test_what_hangs_at_iclr_is_not_larger_than_its_boards():
    assert SHEETS["iclr"].width_mm <= 1900
    assert SHEETS["iclr"].height_mm <= 900


def test_a_hall_screen_is_sixteen_to_nine_and_no_paper():
    assert SHEETS["screen"].screen
    assert SHEETS["screen"].width_mm / SHEETS["screen"].height_mm == pytest.approx(16 / 9)


@pytest.mark.parametrize(("name", "metres"), [("A0", 1.5), ("A1", 1.2), ("A2", 0.9), ("36x48 in", 1.5)])
def test_the_distance_is_that_of_the_sheet(name, metres):
    assert SHEETS[name].distance_m == metres


def test_a_larger_sheet_is_never_read_from_nearer():
    distances = [read(f"size: {side}x{side} mm").distance_m for side in range(200, 2000, 50)]
    assert distances == sorted(distances)
    assert distances[0] > 0.3
    assert distances[-1] == 1.5


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("size: A9", "write A0, A1"),
        ("size: 100x5000 mm", "200 to 3000 mm"),
        ("size: 199x300 mm", "200 to 3000 mm"),
        ("size: 300x1300 mm", "4 times as long"),
        ("size: {width: 900 mm}", "in mm, cm or in"),
        ("size: {width: 900, height: 1200}", "in mm, cm or in"),
        ("size: [900, 1200]", "not a text"),
        ("size: A0\norientation: upright", "portrait"),
    ],
)
def test_a_size_that_is_none_is_named_with_its_line(yaml, words):
    with pytest.raises(UserError, match=words) as error:
        read(yaml)
    assert str(error.value).startswith("poster/poster.yaml:")
