"""Classes, slices and differences with their intervals; reliability."""

import numpy as np
import pytest

from projectkit import figures


def _names(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def _texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def _many(k):
    values = np.linspace(0.9, 0.4, k)
    return [f"class {index}" for index in range(k)], values, values - 0.05, values + 0.05


def test_the_lowest_class_stands_on_top_and_a_class_without_a_number_last():
    figure = figures.per_class(["a", "b", "c"], [0.9, None, 0.4], [0.8, None, 0.3], [0.95, None, 0.5], [10, 0, 1234])
    assert _names(figure) == ["c", "a", "b"]
    assert [text for text in _texts(figure) if text != "n"] == ["no number", "1,234", "10", "0"]


def test_classes_that_do_not_fit_are_counted_in_a_row_with_their_range():
    figure = figures.per_class(*_many(43), [5] * 43, size_mm=(95, 60))
    *shown, rest = _names(figure)
    assert 8 <= len(shown) < 43
    assert rest == f"{43 - len(shown)} more classes"
    (bar,) = [line for line in figure.axes[0].lines if set(line.get_ydata()) == {len(shown)}]
    values = np.linspace(0.4, 0.9, 43)
    assert list(bar.get_xdata()) == pytest.approx([values[len(shown)], 0.9])


def test_names_that_begin_alike_are_told_apart_by_their_ends():
    names = [f"a name that is far too long for this figure, number {index}" for index in range(5)]
    shown = _names(figures.per_class(names, *_many(5)[1:], [5] * 5, size_mm=(60, 60)))
    assert len(set(shown)) == 5
    assert all("…" in name for name in shown)


def test_slices_keep_their_order_beside_the_line_of_all_samples():
    figure = figures.slices(["long", "short"], [0.9, 0.5], [0.8, 0.4], [0.95, 0.6], [10, 20], overall=0.83)
    assert _names(figure) == ["long", "short"]
    assert "all samples: 0.830" in _texts(figure)
    assert any(set(line.get_xdata()) == {0.83} for line in figure.axes[0].lines)


def test_a_difference_is_open_where_its_interval_holds_zero_and_zero_is_in_the_middle():
    figure = figures.differences(["clear", "unclear"], [0.1, 0.01], [0.05, -0.01], [0.2, 0.03])
    faces = {
        line.get_ydata()[0]: line.get_markerfacecolor() for line in figure.axes[0].lines if line.get_marker() == "o"
    }
    assert faces[1] == "white"
    assert faces[0] != "white"
    low, high = figure.axes[0].get_xlim()
    assert low == pytest.approx(-high)
    assert "+0.100 [+0.050, +0.200]" in _texts(figure)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.per_class([], [], [], [], []),
        lambda: figures.slices([], [], [], [], [], overall=0.5),
        lambda: figures.differences([], [], [], []),
        lambda: figures.reliability({key: [] for key in ("confidence", "accuracy", "count", "low", "high")}),
    ],
)
def test_nothing_to_draw_is_said(draw):
    assert _texts(draw())[0].startswith("no ")


def test_rows_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="rows"):
        figures.differences(["a", "b"], [0.1], [0.0], [0.2])


def test_the_calibration_error_is_that_of_the_bins_and_empty_bins_are_left_out():
    bins = {
        "confidence": [0.55, 0.75, np.nan],
        "accuracy": [0.5, 0.9, np.nan],
        "count": [30, 10, 0],
        "low": [0.3, 0.6, np.nan],
        "high": [0.7, 1.0, np.nan],
    }
    figure = figures.reliability(bins)
    (label,) = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert label == f"as trained: ECE {(30 * 0.05 + 10 * 0.15) / 40:.3f}"
    assert len(figure.axes[0].lines[1].get_xdata()) == 2


def test_a_bin_with_samples_but_without_an_accuracy_is_refused():
    bins = {"confidence": [0.5], "accuracy": [np.nan], "count": [3], "low": [0.1], "high": [0.9]}
    with pytest.raises(ValueError, match="no number"):
        figures.reliability(bins)


def test_a_legend_covers_no_error_bar():
    k = 15
    confidence = np.linspace(0.05, 0.95, k)
    bins = {"confidence": confidence, "accuracy": confidence, "count": [9] * k, "low": [0.02] * k, "high": [0.99] * k}
    figure = figures.reliability(bins)
    assert figure.axes[0].get_legend() is None  # it stands above
    assert len(figure.legends) == 1
