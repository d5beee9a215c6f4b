import matplotlib as mpl
import numpy as np
import pytest

from projectkit import figures

LONG = [f"a rather long class name, number {index}" for index in range(43)]


def _texts(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text().strip()]


def _assert_inside(figure):
    with figures.style():  # measured as it is laid out and saved
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1) >= 0


def _balance(classes):
    return figures.class_balance({name: {"train": 70, "val": 10, "test": 20} for name in LONG[:classes]})


def _images(classes, channels=3):
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 256, (8, channels, 16, 16), dtype=np.uint8) for name in LONG[:classes]}


PICTURES = {
    "balance": lambda: _balance(5),
    "histograms": lambda: figures.histograms(
        {"bytes": {"a": np.geomspace(1, 1e6, 200), "b": np.zeros(3)}, "rate": {"a": np.linspace(0, 1, 50)}}
    ),
    "sheet": lambda: figures.image_sheet(_images(3)),
    "series": lambda: figures.series({"trace-01 (4)": np.sin(np.arange(300.0)), "trace-02 (3)": np.zeros(10)}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_stays_inside_its_page_and_is_the_same_each_time(name):
    figure = PICTURES[name]()
    _assert_inside(figure)
    assert figures.svg_bytes(figure) == figures.svg_bytes(PICTURES[name]())


@pytest.mark.parametrize("classes", [1, 12, 43])
def test_bars_of_many_classes_get_a_taller_figure_and_keep_their_names(classes):
    figure = _balance(classes)
    _assert_inside(figure)
    assert sum(text.startswith("a rather long") for text in _texts(figure)) == classes


def test_shares_are_of_the_subset_and_not_of_the_whole():
    figure = figures.class_balance({"ham": {"train": 90, "test": 1}, "spam": {"train": 10, "test": 1}})
    widths = sorted(round(bar.get_width()) for bar in figure.axes[0].patches)
    assert widths == [10, 50, 50, 90]


def test_values_over_many_decades_are_drawn_with_plain_ticks_on_a_logarithmic_axis():
    figure = PICTURES["histograms"]()
    assert figure.axes[0].get_xscale() == "symlog"
    assert figure.axes[1].get_xscale() == "linear"
    assert not any("$" in text for text in _texts(figure))


def test_missing_values_and_empty_classes_are_left_out_of_a_histogram():
    figure = figures.histograms({"x": {"a": np.array([1.0, np.nan, 2.0]), "b": np.zeros(0)}})
    _assert_inside(figure)
    heights = figure.axes[0].patches[0].get_data().values
    assert heights.sum() == pytest.approx(100)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_has_a_row_of_images_a_class(channels):
    figure = figures.image_sheet(_images(4, channels))
    shown = figure.axes[0].images[0].get_array()
    assert shown.shape[:2] == (4 * 17, 8 * 17)
    assert len(_texts(figure)) == 4
