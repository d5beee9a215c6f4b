"""Numbers of posters and names of folders."""

from __future__ import annotations

from pathlib import Path

from projectkit.poster.gallery.entry import Entry, read_entry
from projectkit.poster.gallery.numbers import hung
from projectkit.poster.gallery.places import places


def entries(*folders: Path) -> list[Entry]:
    return [read_entry(place) for place in places(folders)]


def test_a_given_number_is_kept_and_the_others_get_the_free_ones_in_the_order_of_their_folders(hand_in) -> None:
    teams = [hand_in("team-10"), hand_in("team-9"), hand_in("team-2", number="1"), hand_in("team-1", number="B4")]
    posters, warnings = hung(entries(*teams))
    assert [(each.number, Path(each.entry.folder).name) for each in posters] == [
        ("1", "team-2"),
        ("2", "team-9"),
        ("3", "team-10"),
        ("B4", "team-1"),
    ]
    assert warnings == []


def test_the_order_on_the_command_line_does_not_matter(hand_in) -> None:
    teams = [hand_in(f"team-{number}", title="The same title") for number in range(1, 5)]
    forth, _ = hung(entries(*teams))
    back, _ = hung(entries(*reversed(teams)))
    assert forth == back


def test_the_second_of_two_with_one_number_gets_another_and_is_named(hand_in) -> None:
    posters, warnings = hung(entries(hand_in("a", number="7"), hand_in("b", number="7")))
    assert [(each.number, each.entry.title) for each in posters] == [("1", "b"), ("7", "a")]
    assert len(warnings) == 1
    assert "number 7" in warnings[0]


def test_a_number_can_be_anything(hand_in) -> None:
    given = ["9" * 5000, " 3 ", "  ", "三", "\n"]
    posters, warnings = hung(entries(*(hand_in(f"team-{index}", number=number) for index, number in enumerate(given))))
    assert {each.number for each in posters} == {"9" * 5000, "3", "三", "1", "2"}
    assert warnings == []


def test_folders_have_plain_names_that_every_system_takes(hand_in) -> None:
    titles = ["Détection d’anomalies!", "con", "恶意软件", "恶意软件", "../../etc/passwd", "x" * 300, "word " * 20]
    posters, _ = hung(entries(*(hand_in(f"team-{index}", title=title) for index, title in enumerate(titles))))
    names = [each.slug for each in posters]
    assert names[:5] == [
        "detection-danomalies",
        "poster-con",
        "poster-team-2",
        "poster-team-3",
        "etc-passwd",
    ]
    assert names[5] == "x" * 48
    assert names[6] == "-".join(["word"] * 9)
