import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from projectkit import figures, metrics

LONG = [f"a rather long class name, number {index}" for index in range(43)]


def _classifier(classes, n=600, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), target] += 2.0
    return target, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def _matrix(classes, n=600):
    target, score = _classifier(classes, n)
    return metrics.confusion_matrix(target, score.argmax(axis=1), classes)


def _roc(classes, names=LONG):
    target, score = _classifier(classes)
    chosen = [1] if classes == 2 else range(classes)
    return {names[index]: metrics.roc_curve(target == index, score[:, index])[:2] for index in chosen}


def _curves(runs=1):
    steps = list(range(10, 210, 10))
    run = {
        "train/loss": (steps, [1 / step for step in steps]),
        "val/loss": ([100, 200], [0.3, 0.2]),
        "val/f1_macro": ([100, 200], [0.5, 0.8]),
    }
    return {f"run {index}": run for index in range(runs)}


def _texts(figure):
    return [text for text in figure.findobj(mpl.text.Text) if text.get_visible() and text.get_text().strip()]


def _assert_inside(figure):
    with figures.style():  # measured as it is laid out and saved
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0, width - drawn.x1, height - drawn.y1) >= 0


PICTURES = {
    "curves": lambda: figures.learning_curves(_curves(2)),
    "confusion": lambda: figures.confusion_matrix(_matrix(5), LONG[:5]),
    "roc": lambda: figures.roc(_roc(4)),
}


def digest(name):
    return hashlib.sha256(figures.svg_bytes(PICTURES[name]())).hexdigest()


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_is_the_same_svg_each_time_and_in_each_process(name):
    first = figures.svg_bytes(PICTURES[name]())
    assert figures.svg_bytes(PICTURES[name]()) == first
    assert b"<dc:date>" not in first
    assert b"<text" not in first
    script = "import sys; sys.path.insert(0, sys.argv[1]); import test_figures_drawn as t; print(t.digest(sys.argv[2]))"
    command = [sys.executable, "-c", script, str(Path(__file__).parent), name]
    other = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == digest(name)


def test_drawing_leaves_no_setting_and_no_window_behind():
    before = dict(mpl.rcParams)
    for draw in PICTURES.values():
        figures.svg_bytes(draw())
    assert dict(mpl.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


@pytest.mark.parametrize("size_mm", [(60, 60), (95, 80), (300, 200)])
@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_has_the_size_it_was_asked_for_and_its_text_stays_inside(name, size_mm):
    draw = {
        "curves": lambda: figures.learning_curves(_curves(2), size_mm=size_mm, font_pt=7),
        "confusion": lambda: figures.confusion_matrix(_matrix(4), LONG[:4], size_mm=size_mm, font_pt=7),
        "roc": lambda: figures.roc(_roc(4), size_mm=size_mm, font_pt=7),
    }
    figure = draw[name]()
    assert tuple(figure.get_size_inches() * 25.4) == pytest.approx(size_mm)
    _assert_inside(figure)


@pytest.mark.parametrize("classes", [2, 3, 5, 10, 25, 43])
@pytest.mark.parametrize("named", ["short", "long"])
def test_names_and_counts_of_a_confusion_matrix_do_not_touch(classes, named):
    names = LONG[:classes] if named == "long" else [f"c{index}" for index in range(classes)]
    figure = figures.confusion_matrix(_matrix(classes), names)
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
    many = figures.confusion_matrix(_matrix(43, n=20_000), LONG)
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
    figure = figures.learning_curves(_curves())
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "macro F1"]
    assert [len(axes.lines) for axes in figure.axes] == [2, 1]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "validation"]


def test_several_runs_have_a_colour_each_and_the_wanted_metrics_in_the_wanted_order():
    figure = figures.learning_curves(_curves(3), metrics=["val/f1_macro", "val/loss"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["macro F1", "loss"]
    assert len({line.get_color() for line in figure.axes[0].lines}) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["run 0", "run 1", "run 2"]


def test_a_diverged_run_is_a_gap_and_a_metric_without_a_number_says_so():
    curves = {"a": {"train/loss": ([1, 2, 3], [1.0, float("inf"), 2.0]), "val/mcc": ([3], [float("nan")])}}
    figure = figures.learning_curves(curves)
    assert np.isnan(figure.axes[0].lines[0].get_ydata()[1])
    assert any(text.get_text() == "no finite value" for text in _texts(figure))


def test_a_run_that_lacks_a_metric_is_left_out_of_its_panel():
    curves = {**_curves(), "other": {"train/loss": ([1, 2], [1.0, 0.5])}}
    figure = figures.learning_curves(curves)
    assert [len(axes.lines) for axes in figure.axes] == [3, 1]


def test_a_figure_is_saved_as_it_is_given(tmp_path):
    figure = PICTURES["roc"]()
    figures.save_svg(figure, tmp_path / "é.svg")
    assert (tmp_path / "é.svg").read_bytes() == figures.svg_bytes(figure)


@pytest.mark.parametrize("name", ["a $x_1$ b", "100% \\alpha", "ключ", "a_b^c", "<&>"])
def test_class_names_are_text_never_formulas_or_markup(name):
    for figure in (figures.roc(_roc(2, ["a", name])), figures.confusion_matrix(np.eye(2), ["a", name])):
        figures.svg_bytes(figure)
        assert not any(text.get_parse_math() for text in _texts(figure) if name in text.get_text())
