import itertools

import matplotlib as mpl
import numpy as np
import pytest
from figure_gallery import LONG, matrix, rates, runs

from projectkit import figures


def _texts(figure):
    return [text for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text().strip()]


def _assert_inside(figure):
    with figures.style():  # measured as it is laid out and saved
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1) >= 0


@pytest.mark.parametrize("classes", [2, 3, 5, 10, 25, 43])
@pytest.mark.parametrize("named", ["short", "long"])
def test_names_and_counts_of_a_confusion_matrix_do_not_touch(classes, named):
    names = LONG[:classes] if named == "long" else [f"c{index}" for index in range(classes)]
    figure = figures.confusion_matrix(matrix(classes), names)
    axes = figure.axes[0]
    with figures.style():
        for texts in (axes.get_xticklabels(), axes.get_yticklabels(), axes.texts):
            boxes = [text.get_window_extent().padded(-0.5) for text in texts]
            assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(text.get_fontsize() >= 6 for text in _texts(figure))
    _assert_inside(figure)


def test_counts_stand_in_a_small_matrix_and_are_left_out_of_a_large_one():
    few = figures.confusion_matrix(np.array([[5, 0], [1, 7]]), ["a", "b"])
    assert sorted(text.get_text() for text in few.axes[0].texts) == ["0", "1", "5", "7"]
    many = figures.confusion_matrix(matrix(43, n=20_000), LONG)
    assert not many.axes[0].texts


def test_colours_are_shares_of_the_true_class_and_a_class_without_samples_has_none():
    figure = figures.confusion_matrix(np.array([[9, 1, 0], [0, 0, 0], [1, 1, 2]]), ["a", "b", "c"])
    shares = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shares[[0, 2]], [[0.9, 0.1, 0], [0.25, 0.25, 0.5]])
    assert np.ma.getmaskarray(np.ma.masked_invalid(shares))[1].all()


def test_a_matrix_that_does_not_fit_its_names_is_refused():
    with pytest.raises(ValueError, match="does not fit 3 class names"):
        figures.confusion_matrix(np.eye(2), ["a", "b", "c"])


def test_training_and_validation_share_a_panel_and_a_legend():
    figure = figures.learning_curves(runs())
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "macro F1"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 1]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "validation"]


def test_several_runs_have_a_colour_each_and_the_wanted_metrics_in_the_wanted_order():
    figure = figures.learning_curves(runs(3), metrics=["val/f1_macro", "val/loss"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["macro F1", "loss"]
    assert len({line.get_color() for line in figure.axes[0].lines}) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["run 0", "run 1", "run 2"]


def test_a_diverged_run_is_a_gap_and_a_metric_without_a_number_says_so():
    curves = {"a": {"train/loss": ([1, 2, 3], [1.0, float("inf"), 2.0]), "val/mcc": ([3], [float("nan")])}}
    figure = figures.learning_curves(curves)
    assert np.isnan(figure.axes[0].lines[0].get_ydata()[1])
    assert any(text.get_text() == "no finite value" for text in _texts(figure))


def test_a_run_that_lacks_a_metric_is_left_out_of_its_panel():
    curves = {**runs(), "other": {"train/loss": ([1, 2], [1.0, 0.5])}}
    figure = figures.learning_curves(curves)
    assert [len(axes.lines) for axes in figure.axes] == [3, 1]


def test_a_figure_is_saved_as_it_is_given(tmp_path):
    figure = figures.roc(rates(4))
    figures.save_svg(figure, tmp_path / "é.svg")
    assert (tmp_path / "é.svg").read_bytes() == figures.svg_bytes(figure)


@pytest.mark.parametrize("name", ["a $x_1$ b", "100% \\alpha", "ключ", "a_b^c", "<&>"])
def test_class_names_are_text_never_formulas_or_markup(name):
    for figure in (figures.roc(rates(2, ["a", name])), figures.confusion_matrix(np.eye(2), ["a", name])):
        figures.svg_bytes(figure)
        assert not any(text.get_parse_math() for text in _texts(figure) if name in text.get_text())
