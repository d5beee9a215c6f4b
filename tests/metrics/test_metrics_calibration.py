"""Calibration error against torchmetrics, reliability diagram against scikit-learn, temperature against scipy and scikit-learn."""

import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn import calibration as reference
from sklearn import metrics as scores_of

from projectkit.errors import UserError
from projectkit.metrics import classification_metrics, fit_temperature, reliability, tempered


def _draw(seed, n, classes, *, sharpness=1.0):
    """Targets drawn from softmax(logits), and the probabilities of logits that are `sharpness` times as large."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * rng.normal(size=(n, classes))
    truth = special.softmax(logits, axis=1)
    target = (truth.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=classes - 1)
    return target, special.softmax(sharpness * logits, axis=1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "classes"), [(30, 2), (300, 2), (300, 5), (500, 43)])
def test_the_calibration_error_is_that_of_torchmetrics(seed, n, classes):
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    target, score = _draw(seed, n, classes, sharpness=2)
    # torchmetrics 1.9.0 gives a confidence of exactly 1 a sixteenth bin of its own (its issue 3510): none here is 1.
    score = np.clip(score, 1e-6, 1 - 1e-6)
    score /= score.sum(axis=1, keepdims=True)
    expected = functional.multiclass_calibration_error(
        torch.from_numpy(score), torch.from_numpy(target), num_classes=classes, n_bins=15
    )
    assert classification_metrics(target, score)["ece"] == pytest.approx(float(expected), abs=2e-6)


def test_a_confidence_of_exactly_1_shares_the_last_bin():
    # By hand: five predictions at 1.0, of which four are right, and five right ones at 0.95: |0.9 - 0.975|. In two bins,
    # as in torchmetrics 1.9.0, it would be (0.2 + 0.05) / 2.
    score = np.array([[1.0, 0.0]] * 5 + [[0.95, 0.05]] * 5)
    target = [0, 0, 0, 0, 1] + [0] * 5
    assert classification_metrics(target, score)["ece"] == pytest.approx(0.075)
    bins = reliability(target, score)
    assert (bins.confidence, bins.accuracy, bins.count) == (pytest.approx([0.975]), (0.9,), (10,))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bins", [5, 15])
def test_the_bins_are_those_of_scikit_learns_reliability_diagram(seed, bins):
    target, score = _draw(seed, 400, 4)
    right, confidence = score.argmax(axis=1) == target, score.max(axis=1)
    accuracy, mean = reference.calibration_curve(right, confidence, n_bins=bins)
    ours = reliability(target, score, bins)
    assert ours.accuracy == pytest.approx(accuracy)
    assert ours.confidence == pytest.approx(mean)
    assert sum(ours.count) == 400


def test_the_error_is_the_sum_over_the_diagram_and_its_bars_have_exact_intervals():
    target, score = _draw(0, 500, 3, sharpness=3)
    bins = reliability(target, score)
    gaps = np.abs(np.array(bins.accuracy) - bins.confidence) * bins.count
    assert classification_metrics(target, score)["ece"] == pytest.approx(gaps.sum() / 500)
    for accuracy, count, low, high in zip(bins.accuracy, bins.count, bins.low, bins.high, strict=True):
        expected = stats.binomtest(round(accuracy * count), count).proportion_ci(method="exact")
        assert (low, high) == pytest.approx((expected.low, expected.high))
    assert all(isinstance(values, list) for values in bins.as_dict().values())
    assert list(bins.as_dict()) == ["confidence", "accuracy", "count", "low", "high"]


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("classes", [2, 10])
def test_the_temperature_of_logits_that_were_scaled_is_found(sharpness, classes):
    target, score = _draw(1, 20_000, classes, sharpness=sharpness)
    assert fit_temperature(target, score) == pytest.approx(sharpness, rel=0.03)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("classes", "sharpness"), [(2, 3.0), (7, 0.4)])
def test_the_temperature_is_where_scipy_finds_the_least_loss(seed, classes, sharpness):
    target, score = _draw(seed, 200, classes, sharpness=sharpness)

    def loss(temperature):
        return scores_of.log_loss(target, tempered(score, temperature), labels=range(classes))

    expected = optimize.minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-7}).x
    assert fit_temperature(target, score) == pytest.approx(expected, rel=1e-4)


def test_the_temperature_is_scikit_learns():
    scaling = getattr(reference, "_TemperatureScaling", None)
    if scaling is None:
        pytest.skip("scikit-learn has temperature scaling from 1.8 on")
    target, score = _draw(3, 500, 5, sharpness=2.5)
    beta = scaling().fit(score, target).beta_
    assert fit_temperature(target, score) == pytest.approx(1 / beta, rel=1e-3)


def test_an_other_temperature_is_softmax_of_divided_logits_and_keeps_the_prediction():
    logits = np.random.default_rng(0).normal(size=(50, 6)) * 5
    score = special.softmax(logits, axis=1)
    for temperature in (0.5, 1.0, 3.0):
        changed = tempered(score, temperature)
        np.testing.assert_allclose(changed, special.softmax(logits / temperature, axis=1), atol=1e-12)
        np.testing.assert_array_equal(changed.argmax(axis=1), score.argmax(axis=1))


def test_probabilities_of_exactly_0_and_1_stay_at_temperature_1_and_can_be_fitted():
    score = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.3, 0.7]], dtype=np.float32)
    np.testing.assert_allclose(tempered(score, 1.0), score, atol=1e-7)
    fitted = fit_temperature([0, 0, 0, 1], score)
    assert 1 < fitted <= 20
    assert np.isfinite(tempered(score, fitted)).all()


def test_float32_is_as_good_as_float64():
    target, score = _draw(4, 1000, 10, sharpness=4)
    assert fit_temperature(target, score.astype(np.float32)) == pytest.approx(fit_temperature(target, score), rel=1e-4)


def test_samples_that_set_no_temperature_leave_it_at_1():
    assert fit_temperature([0, 1, 2], np.eye(3) * 0.7 + 0.1) == 1
    assert fit_temperature([0, 1, 2], np.full((3, 3), 1 / 3)) == 1


def test_a_classifier_that_is_worse_than_a_guess_is_made_as_flat_as_allowed():
    assert fit_temperature([1, 1, 0], np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])) == 20


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        tempered(np.eye(2), temperature)


@pytest.mark.parametrize("function", [fit_temperature, reliability])
@pytest.mark.parametrize(
    ("target", "score", "message"),
    [
        ([], np.empty((0, 2)), "no samples"),
        ([0], np.eye(2), "1 targets but 2 scores"),
        ([0, 1], np.array([[0.5, 0.5], [np.nan, 0.8]]), "score of sample 1 is NaN"),
        ([0, 1], np.array([[0.5, 0.5], [2.0, -1.0]]), "scores of sample 1 are no probabilities"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(function, target, score, message):
    with pytest.raises(UserError, match=message) as caught:
        function(target, score)
    assert "\n" not in str(caught.value)


def test_scores_that_are_no_probabilities_have_no_temperature():
    with pytest.raises(UserError, match="no probabilities"):
        tempered(np.array([[3.0, -2.0]]), 2.0)
