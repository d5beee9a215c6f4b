"""ROC, precision-recall and DET curves, drawn from points."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, det_curve, precision_recall_curve, roc_auc_score

from projectkit import figures, metrics


def _scores(n=400, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n)
    return target, rng.normal(size=n) + 1.5 * target


def _words(figure):
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    return [text.get_text() for each in legends for text in each.get_texts()]


def _line(figure, begin):
    handles = [line for line in figure.axes[0].lines if str(line.get_label()).startswith(begin)]
    return handles[0].get_xydata()


def test_a_roc_curve_is_drawn_as_it_was_given_with_the_area_under_it():
    target, score = _scores()
    fpr, tpr, _ = metrics.roc_curve(target, score)
    figure = figures.roc({"spam": (fpr, tpr)})
    np.testing.assert_allclose(_line(figure, "spam"), np.stack([fpr, tpr], axis=1))
    assert _words(figure) == [f"spam: AUC {roc_auc_score(target, score):.3f}"]


def test_an_area_that_is_given_is_the_one_that_is_written():
    assert _words(figures.roc({"a": ([0, 1], [0, 1])}, areas={"a": 0.731})) == ["a: AUC 0.731"]


def test_up_to_four_classes_have_a_line_each_and_of_more_the_mean_and_the_lowest_are_named():
    curves = {f"class {index}": metrics.roc_curve(*_scores(seed=index))[:2] for index in range(6)}
    areas = {name: float(np.trapezoid(tpr, fpr)) for name, (fpr, tpr) in curves.items()}
    few = _words(figures.roc(dict(list(curves.items())[:4])))
    assert few == [f"{name}: AUC {areas[name]:.3f}" for name in list(curves)[:4]]
    lowest = min(areas, key=areas.get)
    assert _words(figures.roc(curves)) == [
        f"mean: AUC {np.mean(list(areas.values())):.3f}",
        f"lowest, {lowest}: AUC {areas[lowest]:.3f}",
        "6 classes, each against the rest",
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_average_precision_is_the_area_of_the_steps_in_either_order_of_the_points(order):
    target, score = _scores()
    precision, recall, _ = precision_recall_curve(target, score)
    figure = figures.precision_recall({"spam": (recall[::order], precision[::order])}, {"spam": target.mean()})
    words = [f"spam: AP {average_precision_score(target, score):.3f}", f"a guess: {target.mean():.3g}"]
    assert _words(figure) == words


def test_a_det_curve_of_two_normal_distributions_is_a_straight_line():
    thresholds = np.linspace(-2, 4, 200)
    figure = figures.det({"attack": (norm.sf(thresholds), norm.cdf(thresholds, loc=2))})
    x, y = _line(figure, "attack").T
    assert abs(np.corrcoef(x, y)[0, 1] + 1) < 1e-9
    assert _words(figure) == [f"attack: equal error {norm.sf(1):.0%}"]


def test_ticks_of_a_det_curve_are_percents_at_their_normal_deviates():
    fpr, fnr, _ = det_curve(*_scores(3000))
    axis = figures.det({"attack": (fpr, fnr)}).axes[0].xaxis
    shares = [float(text.get_text()) / 100 for text in axis.get_ticklabels()]
    np.testing.assert_allclose(norm.cdf(axis.get_majorticklocs()), shares)
    assert len(shares) >= 4


def test_a_det_curve_of_a_poor_detector_fills_its_axes():
    thresholds = np.linspace(-4, 5, 200)
    figure = figures.det({"attack": (norm.sf(thresholds), norm.cdf(thresholds, loc=0.5))})
    low, high = norm.cdf(figure.axes[0].get_xlim())
    assert low > 0.1
    assert 0.55 < high < 0.7
    assert len(figure.axes[0].get_xticklabels()) >= 4


def test_a_det_curve_of_a_detector_without_errors_says_so():
    figure = figures.det({"attack": ([0, 0, 1], [1, 0, 0])})
    assert "nothing missed" in figure.axes[0].texts[0].get_text()


@pytest.mark.parametrize("draw", [figures.roc, figures.det, lambda curves: figures.precision_recall(curves, {})])
def test_samples_of_one_class_give_a_figure_that_says_so(draw):
    (words,) = draw({}).axes[0].texts
    assert words.get_text().startswith("only one class among the samples")


@pytest.mark.parametrize("draw", [figures.roc, figures.det, lambda curves: figures.precision_recall(curves, {})])
@pytest.mark.parametrize("points", [([0, np.nan], [0, 1]), ([0, 1], [0, np.inf]), ([0, 1], [1]), ([], [])])
def test_points_that_are_no_numbers_or_do_not_match_are_refused(draw, points):
    with pytest.raises(ValueError, match="curve: "):
        draw({"a": points})


@pytest.mark.parametrize(
    ("area", "said"),
    [
        (0.9994, "0.99940"),
        (0.9997, "0.99970"),
        (0.9999, "0.99990"),
        (0.99999999, "0.999999"),
        (1.0, "1.000"),
        (0.999, "0.999"),
    ],
)
def test_an_area_near_1_is_not_rounded_to_1(area: float, said: str) -> None:
    assert _words(figures.roc({"a": ([0, 0, 1], [0, 1, 1])}, areas={"a": area})) == [f"a: AUC {said}"]
