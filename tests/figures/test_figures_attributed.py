"""Attributions: what is blue and solid speaks for a class, what is orange and dashed or hatched against it."""

import matplotlib as mpl
import numpy as np
import pytest
from figure_gallery import pictures, table, texts, traces

from projectkit import figures
from projectkit.figures.diverging import AGAINST, FOR

HEAD, TAIL = ["a"] * 300 + ["HERE"], ["a"] * 300


def _words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def _lightness(colour, alpha):
    """Of a colour on white paper, as a grey printer sees it: 0 black, 1 white."""
    red, green, blue = (1 - alpha + alpha * part for part in mpl.colors.to_rgb(colour))
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


def test_each_picture_stands_whole_with_a_map_that_is_white_at_zero():
    images, maps, titles = pictures(2)
    figure = figures.attributed_images(images, maps, titles)
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    for index in (0, 1):
        picture, weights = shown[2 * index], shown[2 * index + 1]
        np.testing.assert_array_equal(picture.get_array(), np.moveaxis(images[index], 0, -1))
        assert weights.get_clim() == (-1, 1)
        assert weights.to_rgba(np.zeros((1, 1)))[0, 0, :3] == pytest.approx(1, abs=0.01)
        signs = np.sign(weights.get_array())
        np.testing.assert_array_equal(signs, np.sign(maps[index]))


def test_on_a_grey_print_of_a_map_what_speaks_for_is_ringed_solid_and_what_speaks_against_dashed():
    figure = figures.attributed_images(*pictures(1))
    rings = {tuple(ring.levels): ring.linestyles for axes in figure.axes for ring in axes.collections}
    assert {level[0] > 0: style for level, style in rings.items()} == {True: ["solid"], False: ["dashed"]}


def test_pictures_that_do_not_fit_are_left_out_before_they_become_too_small():
    figure = figures.attributed_images(*pictures(8), size_mm=(60, 60))
    widths = [axes.get_position().width * 60 for axes in figure.axes[1:-1]]
    assert 2 <= len(widths) < 16
    assert min(widths) >= 14 - 1e-6


def test_a_text_is_wrapped_within_the_page_and_complete():
    rows, titles = texts()
    figure = figures.attributed_text(rows[:1], titles[:1], size_mm=(95, 60))
    words = _words(figure)[1:-2]
    assert "".join(words) == "".join(rows[0][0])
    with figures.style():
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert max(box.x1 for box in boxes) <= 95 / 25.4 * figure.dpi
    assert len({round(box.y0) for box in boxes}) > 4


def test_ink_on_the_strongest_colour_keeps_a_contrast_of_seven_to_one():
    figure = figures.attributed_text([(["for", "against", "nothing"], [1, -1, 0])], ["t"])
    faces = [patch.get_facecolor() for patch in figure.axes[0].patches]
    paper = min(_lightness(face[:3], face[3]) for face in faces)
    ink = _lightness(figure.axes[0].texts[0].get_color(), 1)
    assert (paper + 0.05) / (ink + 0.05) >= 7


def test_in_grey_a_word_for_the_class_has_a_solid_line_and_one_against_it_a_dashed_one():
    figure = figures.attributed_text([(["for", "against", "nothing"], [1, -0.5, 0])], ["t"])
    of_the_text = figure.axes[0].lines[:2]
    assert [line.get_color() for line in of_the_text] == [FOR, AGAINST]
    assert [line.is_dashed() for line in of_the_text] == [False, True]
    assert of_the_text[0].get_linewidth() > of_the_text[1].get_linewidth()
    assert len(figure.axes[0].lines) == 4  # and the two of the key


def test_of_a_long_text_the_lines_around_the_largest_attribution_are_shown():
    tokens = HEAD + TAIL
    weights = [float(token == "HERE") for token in tokens]
    figure = figures.attributed_text([(tokens, weights)], ["t"], size_mm=(95, 40))
    assert "HERE" in _words(figure)
    assert _words(figure).count("…") == 2
    assert len(_words(figure)) < len(tokens)


def test_signs_without_a_glyph_are_named():
    figure = figures.attributed_text([(["a\n", "\t", "\x00", "\u200b"], [1, 1, 1, 1])], ["t"])
    assert _words(figure)[1:5] == ["a↵", "→", "\\x00", "\\x200b"]


def test_the_largest_columns_of_a_table_stand_on_top_the_same_for_each_sample():
    names, values, titles = table(2)
    figure = figures.attributed_table(names, values, titles)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:15]
    shown = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert shown == [names[index] for index in order]
    for axes, row in zip(figure.axes, values, strict=True):
        widths = {bar.get_y() + bar.get_height() / 2: bar.get_width() for bar in axes.patches}
        np.testing.assert_allclose([widths[place] for place in range(15)], row[order])
        hatched = {bar.get_width() < 0 for bar in axes.patches if bar.get_hatch()}
        assert hatched == {True}


def test_a_mean_of_magnitudes_is_neither_for_nor_against():
    figure = figures.attributed_table(["a", "b"], [0.5, 2.0])
    assert not figure.legends
    assert figure.axes[0].get_xlabel() == "mean attribution"
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["b", "a"]


def test_moments_of_a_series_stand_upwards_for_and_hatched_downwards_against_the_class():
    lines, maps, titles = traces(1)
    upper, lower = figures.attributed_series(lines, maps, titles).axes
    assert len(upper.lines) == 2
    up, down = lower.collections
    assert up.get_paths()[0].vertices[:, 1].max() == maps.max()
    assert down.get_paths()[0].vertices[:, 1].min() == maps.min()
    assert down.get_hatch()
    assert not up.get_hatch()
    assert lower.get_ylim()[0] == -lower.get_ylim()[1]


@pytest.mark.parametrize(
    "draw",
    [
        lambda bad: figures.attributed_images(np.zeros((1, 1, 2, 2), np.uint8), np.full((1, 2, 2), bad), ["t"]),
        lambda bad: figures.attributed_text([(["a"], [bad])], ["t"]),
        lambda bad: figures.attributed_table(["a"], [[bad]], ["t"]),
        lambda bad: figures.attributed_series(np.zeros((1, 2)), np.full((1, 2), bad), ["t"]),
    ],
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_attribution_that_is_no_number_is_refused(draw, bad):
    with pytest.raises(ValueError, match="an attribution is NaN or infinite"):
        draw(bad)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.attributed_images(np.zeros((1, 1, 2, 2), np.uint8), np.zeros((1, 3, 2)), ["t"]),
        lambda: figures.attributed_text([(["a", "b"], [1.0])], ["t"]),
        lambda: figures.attributed_table(["a"], [[1.0, 2.0]], ["t"]),
        lambda: figures.attributed_series(np.zeros((1, 2)), np.zeros((1, 2)), []),
    ],
)
def test_shapes_that_do_not_match_are_refused_with_those_that_would(draw):
    with pytest.raises(ValueError, match="give"):
        draw()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.attributed_images(np.zeros((0, 1, 2, 2), np.uint8), np.zeros((0, 2, 2)), []),
        lambda: figures.attributed_text([], []),
        lambda: figures.attributed_series(np.zeros((0, 2)), np.zeros((0, 2)), []),
    ],
)
def test_nothing_to_attribute_is_said(draw):
    figure = draw()
    assert any(text.get_text().startswith("no ") for text in [*figure.texts, *figure.findobj(mpl.text.Text)])
