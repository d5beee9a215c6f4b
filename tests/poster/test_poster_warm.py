"""What is kept between builds: a rough one stays near the last, an exact one is what a cold one would be."""

from __future__ import annotations

from projectkit.poster.directives.drawings import Drawing
from projectkit.poster.render import rendered
from projectkit.poster.typesetting.warm import Warm

WORDS = "Runs of consonants, a fixed length, and digits where people put none survive any choice of domain. "


def section(paragraphs: int) -> str:
    return "# A claim\n\n" + "\n\n".join([WORDS * 3] * paragraphs)


def sizes(folder, team, warm) -> tuple[float, int]:
    with rendered(folder, team, warm) as found:
        assert found.layout is not None
        return found.layout.size, len(found.layout.columns)


def test_a_rough_layout_keeps_the_columns_and_a_size_near_the_last(team, write_poster):
    with (warm := Warm()).worker:
        exact = sizes(write_poster(section(6)), team, warm)
        warm.rough = True
        rough = sizes(write_poster(section(6) + "\n\nA word more."), team, warm)
        assert warm.was_rough
    assert rough[1] == exact[1]
    assert abs(rough[0] / exact[0] - 1) < 0.09  # two steps of the ladder


def test_a_text_that_no_longer_fits_near_the_last_size_is_measured_in_full(team, write_poster):
    with (warm := Warm()).worker:
        sizes(write_poster(section(4)), team, warm)
        warm.rough = True
        long = write_poster(section(14))
        grown = sizes(long, team, warm)
        assert not warm.was_rough
    with (cold := Warm()).worker:
        assert grown == sizes(long, team, cold)


def drawing(asked: str, calls: list[str]) -> Drawing:
    def svg(size_mm: tuple[float, float], font_pt: float) -> bytes:
        calls.append(asked)
        return f"{asked} {size_mm} {font_pt}".encode()

    return Drawing("drawing-0.svg", asked, svg, 0.5, 0.9, 1.2)


def test_a_figure_is_drawn_again_where_its_size_changed_unless_rough_will_do():
    calls: list[str] = []
    warm, figure = Warm(), drawing("confusion", calls)
    first = warm.svg(figure, (100.0, 80.0), 20.0)
    assert warm.svg(figure, (100.0, 80.0), 20.0) == first
    assert calls == ["confusion"]
    warm.rough = True
    assert warm.svg(figure, (101.0, 80.0), 20.0) == first
    assert warm.was_rough
    warm.rough = False
    assert warm.svg(figure, (101.0, 80.0), 20.0) != first
    assert calls == ["confusion"] * 2


def test_another_figure_is_never_taken_for_one_that_is_kept_and_nothing_is_after_forgetting():
    calls: list[str] = []
    warm = Warm(rough=True)
    warm.svg(drawing("one", calls), (100.0, 80.0), 20.0)
    warm.svg(drawing("two", calls), (100.0, 80.0), 20.0)
    warm.forget()
    warm.svg(drawing("one", calls), (100.0, 80.0), 20.0)
    assert calls == ["one", "two", "one"]
