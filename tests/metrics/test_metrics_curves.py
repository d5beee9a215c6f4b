"""Curves against scikit-learn's, and how little thinning moves them."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from projectkit.errors import UserError
from projectkit.metrics import det_curve, precision_recall_curve, roc_curve, thinned


def _draw(seed, n, *, decimals=None, share=0.4):
    rng = np.random.default_rng(seed)
    target = (rng.random(n) < share).astype(int)
    target[:2] = [0, 1]
    score = stats.norm.cdf(rng.normal(size=n) + target)
    return target, score if decimals is None else np.round(score, decimals)


CASES = [(60, None, 0.4), (150, 1, 0.4), (400, 2, 0.02), (400, 2, 0.98), (300, 0, 0.5), (2, None, 0.5)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "decimals", "share"), CASES)
def test_precision_and_recall_are_scikit_learns_at_every_threshold_that_is_kept(seed, n, decimals, share):
    target, score = _draw(seed, n, decimals=decimals, share=share)
    recall, precision, thresholds = precision_recall_curve(target, score)
    full = reference.precision_recall_curve(target, score)
    points = set(zip(full[1], full[0], np.append(full[2], np.inf), strict=True))
    assert set(zip(recall, precision, thresholds, strict=True)) <= points
    assert (recall[0], precision[0], thresholds[0]) == (0, 1, np.inf)
    assert (recall[-1], precision[-1], thresholds[-1]) == (1, target.mean(), score.min())
    area = np.sum(np.diff(recall) * precision[1:])
    assert area == pytest.approx(reference.average_precision_score(target, score))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "decimals", "share"), CASES)
def test_misses_and_false_alarms_are_scikit_learns_at_every_threshold_that_is_kept(seed, n, decimals, share):
    target, score = _draw(seed, n, decimals=decimals, share=share)
    fpr, fnr, thresholds = det_curve(target, score)
    for alarm, miss, threshold in zip(fpr, fnr, thresholds, strict=True):
        raised = score >= threshold
        assert alarm == pytest.approx(raised[target == 0].mean())
        assert miss == pytest.approx(1 - raised[target == 1].mean())
    theirs = reference.det_curve(target, score)
    # Where one of both rates moves alone, the points between are ours to leave out: the steps are the same.
    for alarm, miss, _ in zip(*theirs, strict=True):
        on_step = ((fpr == alarm) & (fnr <= miss + 1e-12)).any() or (np.isclose(fnr, miss) & (fpr <= alarm)).any()
        assert on_step
    assert (fpr[0], fnr[0], thresholds[0], fpr[-1], fnr[-1]) == (0, 1, np.inf, 1, 0)


def test_the_curves_say_the_same_of_the_same_threshold():
    target, score = _draw(0, 200, decimals=2)
    fpr, tpr, thresholds = roc_curve(target, score)
    det = {threshold: point for *point, threshold in zip(*det_curve(target, score), strict=True)}
    for index, threshold in enumerate(thresholds):
        if threshold in det:
            assert det[threshold] == pytest.approx([fpr[index], 1 - tpr[index]])


@pytest.mark.parametrize("curve", [roc_curve, precision_recall_curve, det_curve])
@pytest.mark.parametrize(
    ("target", "score", "message"),
    [
        ([], [], "no samples"),
        ([1, 1], [0.1, 0.2], "one kind"),
        ([0, 1], [0.1, np.nan], "sample 1 is NaN"),
        ([0, 1], [0.1, np.inf], "sample 1 is NaN or infinite"),
        ([0, 1], [0.1], "one score a sample"),
        ([0, 2], [0.1, 0.2], "target of sample 1 is 2"),
        ([[0, 1]], [[0.1, 0.2]], "one score a sample"),
    ],
)
def test_a_curve_that_does_not_exist_is_one_line(curve, target, score, message):
    with pytest.raises(UserError, match=message) as caught:
        curve(target, score)
    assert "\n" not in str(caught.value)


def _distance(x, y, to_x, to_y):
    """The largest distance from points (k,) to a line through further points, axes from 0 to 1."""
    points, line = np.stack([x, y], axis=1), np.stack([to_x, to_y], axis=1)
    begin, along = line[:-1], np.diff(line, axis=0)
    squared = np.maximum((along**2).sum(axis=1), 1e-300)
    offset = points[:, None] - begin
    share = np.clip((offset * along).sum(axis=2) / squared, 0, 1)
    return np.linalg.norm(offset - share[..., None] * along, axis=2).min(axis=1).max()


@pytest.mark.parametrize("make", [roc_curve, precision_recall_curve, det_curve])
@pytest.mark.parametrize(("n", "decimals", "share"), [(3000, None, 0.5), (3000, 2, 0.5), (3000, None, 0.01)])
def test_a_curve_of_200_points_is_nowhere_off_by_more_than_a_third_of_a_percent_of_an_axis(make, n, decimals, share):
    x, y, _ = make(*_draw(1, n, decimals=decimals, share=share))
    few_x, few_y = thinned(x, y)
    assert len(few_x) <= 200
    assert set(zip(few_x, few_y, strict=True)) <= set(zip(x, y, strict=True))
    assert (few_x[0], few_y[0], few_x[-1], few_y[-1]) == (x[0], y[0], x[-1], y[-1])
    assert _distance(x, y, few_x, few_y) < 1 / 300


@pytest.mark.parametrize("n", [300, 4000])
def test_a_det_curve_is_thinned_where_it_is_drawn(n):
    fpr, fnr, _ = det_curve(*_draw(3, n, share=0.3))

    def drawn(*rates):
        return [stats.norm.ppf(np.clip(rate, 1e-6, 1 - 1e-6)) / 9.51 for rate in rates]

    few, plain = thinned(fpr, fnr, deviates=True), thinned(fpr, fnr)
    assert len(few[0]) <= 200
    assert set(zip(*few, strict=True)) <= set(zip(fpr, fnr, strict=True))
    assert _distance(*drawn(fpr, fnr), *drawn(*few)) < 1 / 200
    if n > 1000:  # what is nothing in a ROC curve is a corner cut in a DET curve
        assert _distance(*drawn(fpr, fnr), *drawn(*plain)) > 3 * _distance(*drawn(fpr, fnr), *drawn(*few))


def test_points_that_a_curve_can_do_without_are_left_out_even_where_there_is_room():
    x = np.linspace(0, 1, 1000)
    assert [axis.tolist() for axis in thinned(x, 3 * x)] == [[0, 1], [0, 3]]
    corner = np.minimum(2 * x, 1)
    assert 3 <= len(thinned(x, corner)[0]) <= 4


def test_axes_of_different_size_are_thinned_alike():
    x, y, _ = roc_curve(*_draw(2, 2000))
    few = thinned(x, y, 40)
    scaled = thinned(1000 * x, y / 1000, 40)
    np.testing.assert_allclose(scaled[0], 1000 * few[0])


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [1.0, 1.0, 1.0]])
def test_a_curve_of_a_single_place_stays(values):
    x, y = thinned(values, values)
    assert set(x) == set(y) == {values[0]}


@pytest.mark.parametrize(("x", "y", "most"), [([], [], 5), ([1, 2], [1], 5), ([1, 2], [1, 2], 1)])
def test_what_is_no_curve_is_refused(x, y, most):
    with pytest.raises(UserError, match="2 or more"):
        thinned(x, y, most)
